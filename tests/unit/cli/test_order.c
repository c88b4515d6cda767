#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/order.h"

#include <string.h>

/* A form as the page sends it. */
static void form_of(struct sp_web_form *form, const char *json) {
  struct sp_err err;
  const char *field;
  memset(form, 0, sizeof(*form));
  assert_int_equal(sp_web_form_read(form, json, strlen(json), &field, &err), 0);
}

static void base_of(struct sp_options *base) {
  static const char *const words[] = { "-u", "7", "--slo", "rps > 1", "--tag", "a=1", "-e", "key=base", "--insecure", "mine.lua" };
  static const struct sp_option *const groups[] = { sp_options_plan, sp_options_load, sp_options_slo, sp_options_http,
                                                    sp_options_output, NULL };
  struct sp_err err;
  sp_options_init(base);
  assert_int_equal(sp_options_parse(base, groups, 10, (char **)words, &err), 0);
}

static void the_page_on_top_of_the_command_line(void **state) {
  (void)state;
  struct sp_options base;
  struct sp_web_form form;
  struct sp_order order = { 0 };
  struct sp_err err;
  const char *field;
  base_of(&base);
  form_of(&form, "{\"plan\":\"mine.lua\",\"host\":\"http://x\",\"settings\":{\"key\":\"page\",\"none\":\"\"},"
                 "\"options\":{\"rate\":\"5/s\",\"slo\":[\"rps > 2\",\"rps > 3\"],\"run-time\":\"5m\"}}");
  assert_int_equal(sp_order_read(&order, &base, &form, &field, &err), 0);
  sp_web_form_fini(&form); /* the order has its own texts */
  assert_string_equal(order.options.arguments[0], "mine.lua");
  assert_string_equal(order.options.host, "http://x");
  assert_string_equal(order.options.load.rate, "5/s");
  assert_int_equal(order.options.load.users, -1); /* another shape takes its place */
  assert_int_equal(order.options.slo_count, 2);
  assert_int_equal(order.options.tag_count, 1); /* not said on the page */
  assert_true(order.options.insecure);
  assert_int_equal(order.options.setting_count, 2);
  assert_string_equal(order.options.settings[1].value, "page"); /* the last one counts */
  sp_order_fini(&order);
  assert_int_equal(base.load.users, 7);
  sp_options_fini(&base);
}

static void nothing_said_is_the_command_line(void **state) {
  (void)state;
  struct sp_options base;
  struct sp_web_form form;
  struct sp_order order = { 0 };
  struct sp_err err;
  const char *field;
  base_of(&base);
  form_of(&form, "{\"plan\":\"dify:chat\",\"options\":{\"users\":\"\",\"slo\":[]}}");
  assert_int_equal(sp_order_read(&order, &base, &form, &field, &err), 0);
  assert_int_equal(order.options.load.users, 7);
  assert_int_equal(order.options.slo_count, 1);
  sp_web_form_fini(&form);
  sp_order_fini(&order);
  sp_options_fini(&base);
}

static void refuse(const char *json, const char *field_wanted, const char *why) {
  struct sp_options base;
  struct sp_web_form form;
  struct sp_order order = { 0 };
  struct sp_err err;
  const char *field;
  base_of(&base);
  form_of(&form, json);
  int code = sp_order_read(&order, &base, &form, &field, &err);
  code = code ? code : sp_order_settle(&order, &field, &err);
  assert_true(code < 0);
  if (!strstr(err.text, why)) {
    fail_msg("'%s' is not in '%s'", why, err.text);
  }
  assert_string_equal(field ? field : "", field_wanted);
  sp_web_form_fini(&form);
  sp_order_fini(&order);
  sp_options_fini(&base);
}

static void what_is_refused(void **state) {
  (void)state;
  refuse("{}", "plan", "a run needs a plan");
  refuse("{\"plan\":\"other.lua\"}", "plan", "there is no plan 'other.lua' here");
  refuse("{\"plan\":\"./mine.lua\"}", "plan", "there is no plan './mine.lua' here");
  refuse("{\"plan\":\"dify:chat\",\"host\":\"ftp://x\"}", "host", "--host: ");
  refuse("{\"plan\":\"dify:chat\",\"options\":{\"users\":\"0\"}}", "users", "--users: must be at least 1");
  refuse("{\"plan\":\"dify:chat\",\"options\":{\"users\":[\"1\",\"x\"]}}", "users", "--users: ");
  refuse("{\"plan\":\"dify:chat\",\"settings\":{\"kex\":\"1\"},\"host\":\"http://x\"}", "", "the plan has no parameter 'kex'");
  static const char *const kept_out[] = { "out", "cacert", "cert", "key", "set", "host", "proxy", "unix-socket", "source",
                                          "resolve", "insecure", "quiet", "slo-abort", "help", "history", "web", "" };
  for (size_t i = 0; i < sizeof(kept_out) / sizeof(kept_out[0]); i++) {
    char json[100], why[60];
    snprintf(json, sizeof(json), "{\"plan\":\"dify:chat\",\"options\":{\"%s\":\"json=x\"}}", kept_out[i]);
    snprintf(why, sizeof(why), "there is no option '--%s' here", kept_out[i]);
    refuse(json, kept_out[i], why);
  }
}

static void a_parameter_that_is_missing(void **state) {
  (void)state;
  struct sp_options base;
  struct sp_web_form form;
  struct sp_order order = { 0 };
  struct sp_err err;
  const char *field;
  sp_options_init(&base);
  form_of(&form, "{\"plan\":\"dify:chat\",\"host\":\"http://x\"}");
  assert_int_equal(sp_order_read(&order, &base, &form, &field, &err), 0);
  assert_true(sp_order_settle(&order, &field, &err) < 0);
  assert_string_equal(field, "key");
  sp_web_form_fini(&form);
  sp_order_fini(&order);
  form_of(&form, "{\"plan\":\"dify:chat\",\"host\":\"http://x\",\"settings\":{\"key\":\"app-1\"}}");
  assert_int_equal(sp_order_read(&order, &base, &form, &field, &err), 0);
  assert_int_equal(sp_order_settle(&order, &field, &err), 0);
  sp_web_form_fini(&form);
  sp_order_fini(&order);
  sp_options_fini(&base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_page_on_top_of_the_command_line), cmocka_unit_test(nothing_said_is_the_command_line),
    cmocka_unit_test(what_is_refused), cmocka_unit_test(a_parameter_that_is_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
