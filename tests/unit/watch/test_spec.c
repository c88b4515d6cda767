#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/spec.h"

#include <string.h>

static void a_kind_a_url_and_options(void **state) {
  (void)state;
  struct sp_watch_text text;
  assert_int_equal(sp_watch_text_parse(&text, "host=process:nginx  subject=proxy interval=500ms port=80", NULL), 0);
  assert_string_equal(text.spec.kind, "host");
  assert_string_equal(text.spec.url, "process:nginx");
  assert_string_equal(text.spec.subject, "proxy");
  assert_int_equal(text.spec.interval_ns, 500 * SP_NS_PER_MS);
  assert_int_equal(text.spec.option_count, 1);
  assert_string_equal(sp_watch_option_of(&text.spec, "port"), "80");
  assert_null(sp_watch_option_of(&text.spec, "user"));
  sp_watch_text_fini(&text);
}

static void a_url_keeps_its_equals_signs(void **state) {
  (void)state;
  struct sp_watch_text text;
  assert_int_equal(sp_watch_text_parse(&text, "postgres=postgresql://u@h/db?sslmode=require", NULL), 0);
  assert_string_equal(text.spec.url, "postgresql://u@h/db?sslmode=require");
  sp_watch_text_fini(&text);
}

static void assert_fault(const char *given, const char *sentence) {
  struct sp_watch_text text;
  struct sp_err err;
  assert_int_equal(sp_watch_text_parse(&text, given, &err), SP_EUSAGE);
  if (!strstr(err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, err.text);
  assert_null(text.copy);
}

static void faults(void **state) {
  (void)state;
  assert_fault("", "must be KIND=URL");
  assert_fault("prometheus", "must be KIND=URL");
  assert_fault("=http://x", "must be KIND=URL");
  assert_fault("host=", "must be KIND=URL");
  assert_fault("host=local port", "must be OPTION=VALUE, not 'port'");
  assert_fault("host=local interval=soon", "interval: ");
  assert_fault("host=local interval=1ms", "at least 100ms");
  char many[2000] = "host=local";
  for (unsigned i = 0; i <= SP_WATCH_OPTIONS_MAX; i++) strcat(many, " a=b");
  assert_fault(many, "over 32 options");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_kind_a_url_and_options),
      cmocka_unit_test(a_url_keeps_its_equals_signs),
      cmocka_unit_test(faults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
