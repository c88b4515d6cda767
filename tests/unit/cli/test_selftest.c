/* The self-test's verdict on a step, on the machine, and its document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/selftest.h"
#include "wire/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct sp_selftest_step good = { .level = 100, .lag_p99_ms = 0.5, .ttft_off_ms = 0.4, .mock_late_ms = 0.3,
                                              .cpu = 0.4, .mock_cpu = 0.3, .valid = true };

static void expect(struct sp_selftest_step step, bool trusted, enum sp_selftest_end end, const char *why) {
  sp_selftest_judge(&step, 2);
  assert_int_equal(step.trusted, trusted);
  if (!strstr(step.why, why)) fail_msg("'%s' is not in '%s'", why, step.why);
  if (!trusted) assert_int_equal(step.end, end);
}

static void steps(void **state) {
  (void)state;
  struct sp_selftest_step step = good;
  expect(step, true, SP_SELFTEST_LIMIT, "");
  step.lag_p99_ms = (double)NAN; /* no stamps: the machine's row says so */
  expect(step, true, SP_SELFTEST_LIMIT, "");
  step = good;
  step.lag_p99_ms = 12.3;
  expect(step, false, SP_SELFTEST_LIMIT, "lag p99 12.3 ms, limit 10 ms");
  step = good;
  step.ttft_off_ms = 10.5;
  expect(step, false, SP_SELFTEST_LIMIT, "first token was off by 10.5 ms");
  step.ttft_off_ms = (double)NAN; /* not one stream came to a token */
  expect(step, false, SP_SELFTEST_LIMIT, "first token was off by");
  step = good;
  step.valid = false;
  snprintf(step.reason, sizeof(step.reason), "engine thread 1 of 2 was 97 %% busy");
  expect(step, false, SP_SELFTEST_LIMIT, "engine thread 1 of 2 was 97 % busy");
  step = good;
  step.failed = 3;
  expect(step, false, SP_SELFTEST_LIMIT, "3 streams failed");
}

/* Whose limit it was: a mock that could do no more says nothing against the generator. */
static void whose_limit(void **state) {
  (void)state;
  struct sp_selftest_step step = good;
  step.mock_late_ms = 7;
  expect(step, false, SP_SELFTEST_MOCK, "the mock itself was late (p99 7.0 ms, limit 5 ms)");
  step.wait_share = 0.2; /* neither of them used the CPU that it waited for */
  expect(step, false, SP_SELFTEST_OTHERS, "the mock itself was late");
  step.mock_cpu = 0.9;
  expect(step, false, SP_SELFTEST_MOCK, "the mock itself was late");
  step = good;
  step.lag_p99_ms = 30;
  step.mock_cpu = 0.7;
  step.cpu = 1.1; /* 1.8 of 2 */
  expect(step, false, SP_SELFTEST_MOCK, "lag p99");
  step.cpu = 0.5;
  expect(step, false, SP_SELFTEST_LIMIT, "lag p99");
}

static const struct sp_selftest_machine fine = { .processors = 2, .files = 100000, .port_low = 32768, .port_high = 60999,
                                                 .clock_source = "tsc", .stamps = true, .throttling = { .known = true } };

static void a_fine_machine(void **state) {
  (void)state;
  for (unsigned row = 0; row < SP_ROWS; row++) {
    char text[200] = "";
    sp_selftest_row_text(&fine, (enum sp_selftest_row)row, text, sizeof(text));
    assert_true(text[0] && sp_selftest_row_name((enum sp_selftest_row)row)[0]);
    assert_null(sp_selftest_remedy(&fine, (enum sp_selftest_row)row));
  }
}

static void expect_remedy(struct sp_selftest_machine machine, enum sp_selftest_row row, const char *text, const char *remedy) {
  char shown[200];
  sp_selftest_row_text(&machine, row, shown, sizeof(shown));
  const char *said = sp_selftest_remedy(&machine, row);
  if (!strstr(shown, text)) fail_msg("'%s' is not in '%s'", text, shown);
  assert_non_null(said);
  if (!strstr(said, remedy)) fail_msg("'%s' is not in '%s'", remedy, said);
}

static void remedies(void **state) {
  (void)state;
  struct sp_selftest_machine machine = fine;
  machine.files = 1024;
  expect_remedy(machine, SP_ROW_FILES, "at most 1,024", "ulimit -n");
  machine.port_low = 40000;
  machine.port_high = 41000;
  expect_remedy(machine, SP_ROW_PORTS, "40000 to 41000: 17 new connections a second", "ip_local_port_range");
  machine.stamps = false;
  expect_remedy(machine, SP_ROW_STAMPS, "absent", "SO_TIMESTAMPNS");
  snprintf(machine.clock_source, sizeof(machine.clock_source), "acpi_pm");
  expect_remedy(machine, SP_ROW_CLOCK, "acpi_pm", "clocksource=tsc");
  machine.throttling = (struct sp_throttling){ true, 7, 350 * SP_NS_PER_MS };
  expect_remedy(machine, SP_ROW_CGROUP, "throttled in 7 periods, stood still for 350 ms", "cpu.max");
}

static void best(void **state) {
  (void)state;
  struct sp_selftest_result result = { .count = 0 };
  assert_null(sp_selftest_best(&result));
  result.count = 3;
  result.steps[0] = result.steps[1] = result.steps[2] = good;
  assert_null(sp_selftest_best(&result));
  result.steps[0].trusted = result.steps[2].trusted = true; /* what stands behind one that is not counts for nothing */
  assert_ptr_equal(sp_selftest_best(&result), &result.steps[0]);
}

static void document(void **state) {
  (void)state;
  static const struct sp_selftest_series series = { .name = "streams at once" };
  struct sp_selftest_result result = { .series = &series, .count = 2, .end = SP_SELFTEST_MOCK };
  struct sp_selftest_machine machine = fine;
  machine.files = 10;
  result.steps[0] = result.steps[1] = good;
  result.steps[0].trusted = true;
  result.steps[0].lag_p99_ms = (double)NAN;
  snprintf(result.steps[1].why, sizeof(result.steps[1].why), "a \"quote\"");
  struct sp_buf out;
  struct sp_json doc;
  struct sp_err err;
  sp_buf_init(&out, 1u << 16);
  sp_json_init(&doc);
  assert_int_equal(sp_selftest_json(&machine, &result, 1, true, &out), 0);
  if (sp_json_parse(&doc, sp_str_trim(sp_buf_str(&out)), &err)) fail_msg("%s", err.text);
  assert_true(sp_json_is(&doc, sp_json_get(&doc, 0, "schema"), "spate.selftest/1"));
  int first = sp_json_first(&doc, sp_json_get(&doc, 0, "series"));
  assert_true(sp_json_number(&doc, sp_json_get(&doc, first, "trusted"), 0) == 100);
  assert_true(sp_json_bool(&doc, sp_json_get(&doc, first, "at_least"), false));
  int step = sp_json_first(&doc, sp_json_get(&doc, first, "steps"));
  assert_int_equal(sp_json_kind(&doc, sp_json_get(&doc, step, "lag_p99_ms")), SP_JSON_NULL);
  assert_int_equal(sp_json_size(&doc, sp_json_get(&doc, first, "steps")), 2);
  int remedies_value = sp_json_get(&doc, sp_json_get(&doc, 0, "machine"), "remedies");
  assert_int_equal(sp_json_size(&doc, remedies_value), 1);
  sp_json_fini(&doc);
  sp_buf_fini(&out);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(steps),
    cmocka_unit_test(whose_limit),
    cmocka_unit_test(a_fine_machine),
    cmocka_unit_test(remedies),
    cmocka_unit_test(best),
    cmocka_unit_test(document),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
