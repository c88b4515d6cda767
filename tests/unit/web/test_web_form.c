#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/form.h"

#include <string.h>

static int read_form(struct sp_web_form *form, const char *body, const char **field, struct sp_err *err) {
  *form = (struct sp_web_form){ 0 };
  return sp_web_form_read(form, body, strlen(body), field, err);
}

static void members(void **state) {
  (void)state;
  struct sp_web_form form;
  struct sp_err err;
  const char *field;
  assert_int_equal(read_form(&form, "{\"plan\":\"dify:chat\",\"host\":\"\",\"settings\":{\"key\":\"app-1\",\"empty\":\"\"},"
                                    "\"options\":{\"users\":\"50\",\"run-time\":\"\",\"slo\":[\"a\",\"\",\"b\"],\"tag\":null},"
                                    "\"users\":80,\"spawn_rate\":2.5,\"per_s\":\"30/m\",\"at_once\":true,\"more\":[1]}",
                             &field, &err), 0);
  assert_string_equal(form.plan, "dify:chat");
  assert_null(form.host);
  assert_int_equal(form.setting_count, 2);
  assert_int_equal(form.option_count, 3);
  assert_string_equal(form.options[2].value, "b");
  assert_string_equal(form.users, "80");
  assert_string_equal(form.spawn_rate, "2.5");
  assert_string_equal(form.per_s, "30/m");
  assert_true(form.at_once);
  sp_web_form_fini(&form);
  assert_int_equal(read_form(&form, "", &field, &err), 0); /* nothing: nothing given */
  assert_null(form.plan);
  sp_web_form_add_query(&form, "a", "1");
  sp_web_form_add_query(&form, "b", NULL);
  assert_string_equal(sp_web_form_query(&form, "a"), "1");
  assert_string_equal(sp_web_form_query(&form, "b"), "");
  assert_null(sp_web_form_query(&form, "c"));
  sp_web_form_fini(&form);
}

static void what_is_wrong(void **state) {
  (void)state;
  static const struct {
    const char *body, *field, *why;
  } wrong[] = {
    { "{", NULL, "the body is no JSON: " },
    { "[]", NULL, "the body must be a JSON object" },
    { "{\"plan\":\"a\",\"plan\":\"b\"}", NULL, "the body is no JSON: " },
    { "{\"plan\":\"a\\u0000b\"}", NULL, "the body is no JSON: " },
    { "{\"plan\":\"\xff\"}", NULL, "the body is no JSON: " },
    { "{\"plan\":7}", "plan", "plan must be a text" },
    { "{\"settings\":[]}", "settings", "settings must be an object of texts" },
    { "{\"settings\":{\"key\":7}}", "key", "key must be a text" },
    { "{\"options\":{\"slo\":[[\"a\"]]}}", "slo", "slo must be a text or a list of texts" },
    { "{\"options\":{\"users\":{}}}", "users", "users must be a text" },
    { "{\"users\":[]}", "users", "users must be a number" },
    { "{\"users\":\"1111111111111111111111111111111111111111111\"}", "users", "users must be a number" },
  };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    struct sp_web_form form;
    struct sp_err err;
    const char *field;
    assert_true(read_form(&form, wrong[i].body, &field, &err) < 0);
    assert_non_null(strstr(err.text, wrong[i].why));
    if (wrong[i].field) {
      assert_string_equal(field, wrong[i].field);
    } else {
      assert_null(field);
    }
    sp_web_form_fini(&form);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(members), cmocka_unit_test(what_is_wrong) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
