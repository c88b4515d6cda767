/* spate.watch{…}: the forms it takes, and what it says of the others. */
#include "rig.h"

#include <string.h>

#define HEAD "local spate = require('spate')\nspate.user('U', { tasks = { t = function() end } })\n"

static void one_watcher_with_options(void **state) {
  (void)state;
  struct rig_plan it = {0};
  assert_true(rig_plan_load(&it, HEAD "spate.watch { kind = 'prometheus', url = 'http://p:9090', subject = 'all', interval = '2s',\n"
                                      "  query = { errors = 'rate(x[1m])', 'first' }, insecure = true }"));
  assert_int_equal(it.plan->watcher_count, 1);
  const struct sp_plan_watch *watcher = &it.plan->watchers[0];
  assert_string_equal(watcher->kind, "prometheus");
  assert_string_equal(watcher->url, "http://p:9090");
  assert_string_equal(watcher->subject, "all");
  assert_int_equal(watcher->interval_ns, 2 * SP_NS_PER_S);
  assert_int_equal(watcher->option_count, 3);
  assert_string_equal(watcher->options[0].key, "insecure");
  assert_string_equal(watcher->options[0].value, "true");
  assert_string_equal(watcher->options[2].key, "query.errors");
  assert_string_equal(watcher->options[2].value, "rate(x[1m])");
  rig_plan_free(&it);
}

static void a_list_and_texts(void **state) {
  (void)state;
  struct rig_plan it = {0};
  assert_true(rig_plan_load(&it, HEAD "spate.watch { 'host=local', { kind = 'nginx', url = 'http://n/status' } }\n"
                                      "spate.watch 'scrape=http://e:9187/metrics'"));
  assert_int_equal(it.plan->watcher_count, 3);
  assert_string_equal(it.plan->watchers[0].text, "host=local");
  assert_null(it.plan->watchers[1].text);
  assert_int_equal(it.plan->watchers[1].interval_ns, -1);
  assert_string_equal(it.plan->watchers[2].text, "scrape=http://e:9187/metrics");
  rig_plan_free(&it);
}

static void faults_name_their_line(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.watch { url = 'x' }", ":3: watch.kind must be a string, not nothing");
  assert_plan_fails(HEAD "spate.watch { prometheus = 'http://p' }", ":3: watch{…} has no kind");
  assert_plan_fails(HEAD "spate.watch { kind = 'host', url = 'local', interval = -1 }", "watch.interval must not be negative");
  assert_plan_fails(HEAD "spate.watch { kind = 'host', url = 'local', port = print }", "watch.port must be a text");
  assert_plan_fails(HEAD "spate.watch(7)", ":3: watch{…} must be a table");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_watcher_with_options),
      cmocka_unit_test(a_list_and_texts),
      cmocka_unit_test(faults_name_their_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
