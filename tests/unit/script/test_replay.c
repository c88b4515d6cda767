/* Recorded loads: their times and rows, what is refused, and what a task is given. */
#include "rig.h"

#include "script/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "local spate = require('spate')\n"

static const struct sp_replay_options plain = { .path = "t.jsonl", .time = "t", .speed = 1 };

/* Due times in ms. */
static void expect_ms(const struct sp_replay_options *options, const char *text, size_t count, const double *ms) {
  struct sp_replay replay;
  struct sp_err err = { 0 };
  if (sp_replay_parse(&replay, sp_str_from(text), options, &err)) fail_msg("%s", err.text);
  assert_int_equal(replay.count, count);
  for (size_t k = 0; k < count; k++)
    if (llabs(replay.due_ns[k] - (int64_t)(ms[k] * 1e6)) > 1000)
      fail_msg("%zu is due at %lld", k, (long long)replay.due_ns[k]);
  sp_replay_fini(&replay);
}
#define EXPECT_MS(options, text, ...) \
  expect_ms(options, text, sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), (double[]){ __VA_ARGS__ })

static void refuse(const struct sp_replay_options *options, const char *text, const char *sentence) {
  struct sp_replay replay;
  struct sp_err err = { 0 };
  assert_true(sp_replay_parse(&replay, sp_str_from(text), options, &err) < 0);
  if (!strstr(err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, err.text);
  sp_replay_fini(&replay);
}

static void numbers(void **state) {
  (void)state;
  EXPECT_MS(&plain, "{\"t\":5}\n{\"t\":5}\n{\"t\":5.25}\n{\"t\":7}", 0, 0, 250, 2000);
  EXPECT_MS(&plain, "\n {\"t\":-1, \"x\":[1]} \r\n\n{\"t\":1}\n\n", 0, 2000);
  EXPECT_MS(&plain, "{\"t\":1795452600.5}\n{\"t\":1795452600.75}", 0, 250);           /* since 1970, by size */
  EXPECT_MS(&plain, "{\"t\":1795452600500}\n{\"t\":1795452600750}", 0, 250);
  EXPECT_MS(&plain, "{\"t\":1795452600500000}\n{\"t\":1795452600750000}", 0, 250);
  EXPECT_MS(&plain, "{\"t\":1795452600500000000}\n{\"t\":1795452600750000000}", 0, 250);
}

static void units_and_speed(void **state) {
  (void)state;
  struct sp_replay_options options = plain;
  options.unit_s = 1e-3;
  EXPECT_MS(&options, "{\"t\":0}\n{\"t\":3000}", 0, 3000); /* offsets in ms cannot be told from seconds */
  options.speed = 4;
  EXPECT_MS(&options, "{\"t\":0}\n{\"t\":3000}", 0, 750);
  options.speed = 0.5;
  EXPECT_MS(&options, "{\"t\":0}\n{\"t\":3000}", 0, 6000);
}

static void texts(void **state) {
  (void)state;
  EXPECT_MS(&plain, "{\"t\":\"2026-11-23T16:50:00Z\"}\n{\"t\":\"2026-11-23T17:50:00.0625+01:00\"}", 0, 62.5);
}

static void rows_are_the_lines(void **state) {
  (void)state;
  struct sp_replay replay;
  struct sp_err err;
  assert_int_equal(sp_replay_parse(&replay, SP_STR("  {\"t\":1,\"q\":\"a\"}\r\n\n{\"t\":2}"), &plain, &err), 0);
  assert_true(sp_str_eq(replay.rows[0], SP_STR("{\"t\":1,\"q\":\"a\"}")));
  assert_true(sp_str_eq(replay.rows[1], SP_STR("{\"t\":2}")));
  sp_replay_fini(&replay);
}

static void wrong_lines(void **state) {
  (void)state;
  refuse(&plain, "", "t.jsonl: no lines to replay");
  refuse(&plain, "\n \n", "t.jsonl: no lines to replay");
  refuse(&plain, "{\"t\":1}\n\n{\"t\":2", "t.jsonl:3: ");
  refuse(&plain, "[1]", "t.jsonl:1: a line must be a JSON object");
  refuse(&plain, "{\"t\":1}\n{\"time\":2}", "t.jsonl:2: no time: the member 't' must be a number or an RFC 3339 text");
  refuse(&plain, "{\"t\":null}", "t.jsonl:1: no time");
  refuse(&plain, "{\"t\":\"yesterday\"}", "t.jsonl:1: its time is no RFC 3339 text");
  refuse(&plain, "{\"t\":\"2026-11-23T16:50:00Z\"}\n{\"t\":5}", "t.jsonl:2: its time is a text where others are numbers");
  refuse(&plain, "{\"t\":2}\n{\"t\":3}\n{\"t\":2.5}", "t.jsonl:3: its time is before that of the line before it: sort");
  refuse(&plain, "{\"t\":1e999}", "t.jsonl:1: its time is too large a number");
  refuse(&plain, "{\"t\":0}\n{\"t\":1e300}", "t.jsonl:2: over ten years after the first line");
}

static void a_line_has_a_cap(void **state) {
  (void)state;
  size_t len = SP_REPLAY_LINE_MAX + 100;
  char *text = malloc(len + 1);
  memset(text, 'x', len);
  memcpy(text, "{\"t\":1}\n{\"", 10);
  text[len] = '\0';
  refuse(&plain, text, "t.jsonl:2: a line of over 4194304 bytes");
  free(text);
}

/* -- in a plan -- */

static char *write_trace(const char *text) {
  static char path[64];
  snprintf(path, sizeof(path), "/tmp/spate-trace-XXXXXX.jsonl");
  int fd = mkstemps(path, 6);
  assert_true(fd >= 0);
  dprintf(fd, "%s", text);
  close(fd);
  return path;
}

#define TRACE \
  "{\"timestamp\":10,\"n\":1}\n{\"timestamp\":10.02,\"n\":20}\n{\"timestamp\":10.03,\"n\":300}\n" \
  "{\"timestamp\":10.03,\"n\":4000}\n"

static const char *plan_of(const char *path) {
  static char text[1000];
  snprintf(text, sizeof(text), HEAD
           "local trace = spate.replay('%s')\nassert(trace.count == 4 and math.abs(trace.length - 0.03) < 1e-9)\n"
           "local seen = spate.metric('seen')\n"
           "spate.user('U', { tasks = { t = function(user)\n"
           "  assert(user:row().n == user:row().n)\n  seen:add(user:row().n) end } })\n"
           "spate.load { replay = trace }", path);
  return text;
}

static double mean_of_seen(const struct rig *rig) {
  assert_int_equal(rig->totals->customs.count, 1);
  const struct sp_custom_cell *seen = rig->totals->customs.entries[0].value;
  assert_int_equal(seen->values.count, 4); /* in thousandths */
  return sp_hist_mean(&seen->values);
}

/* Each task finds its own row, whichever thread it is on. */
static void a_task_serves_its_row(void **state) {
  (void)state;
  char *path = write_trace(TRACE);
  struct rig_plan plan = { 0 };
  struct rig rig;
  if (!rig_plan_load(&plan, plan_of(path))) fail_msg("%s", plan.err.text);
  rig_init(&rig, NULL);
  rig.load = (struct sp_load){ .kind = SP_LOAD_RATE, .threads = 3, .seed = 1, .stop_timeout_ns = SP_NS_PER_S,
                               .trace = plan.plan->load.replay->due_ns, .trace_count = plan.plan->load.replay->count };
  rig.conf.replaying = true;
  rig_run(&rig, plan_of(path));
  unlink(path);
  assert_no_task_errors(&rig);
  assert_int_equal(rig.totals->tasks, 4);
  assert_true(mean_of_seen(&rig) == 4321e3 / 4);
  rig_fini(&rig);
  rig_plan_free(&plan);
}

/* With another load the rows come in turn, from the first again behind the last. */
static void rows_in_turn(void **state) {
  (void)state;
  char *path = write_trace(TRACE);
  struct rig rig;
  rig_init(&rig, NULL);
  rig.load.iterations = 4;
  rig.load.users = 2;
  rig_run(&rig, plan_of(path));
  unlink(path);
  assert_no_task_errors(&rig);
  assert_true(mean_of_seen(&rig) == 4321e3 / 4);
  rig_fini(&rig);
}

static void wrong_replays(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.replay()", ".lua:2: replay(path) must be a string, not nothing");
  assert_plan_fails(HEAD "spate.replay('/nothing/here.jsonl')", ".lua:2: cannot replay: cannot open '/nothing/here.jsonl'");
  assert_plan_fails(HEAD "spate.replay('x', { times = 't' })", ".lua:2: replay(path, {…}) has no member 'times'");
  assert_plan_fails(HEAD "spate.replay('x', { speed = 0 })", ".lua:2: replay.speed must be more than 0");
  assert_plan_fails(HEAD "spate.replay('x', { speed = 1/0 })", ".lua:2: replay.speed must be more than 0");
  assert_plan_fails(HEAD "spate.replay('x', { unit = 'min' })", ".lua:2: replay.unit: there is s, ms, us and ns");
  assert_plan_fails(HEAD "spate.load { replay = 'x' }", ".lua:2: load.replay must be what spate.replay(path) gave");
}

static void a_row_without_a_replay(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, NULL, "user:row()");
  assert_error(&rig, "task", "there is no row: the plan's load replays nothing");
  rig_fini(&rig);
}

static void not_in_a_task(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, NULL, "spate.replay('x.jsonl')");
  assert_error(&rig, "task", "a replay is opened while the plan loads, not in a task");
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers),
    cmocka_unit_test(units_and_speed),
    cmocka_unit_test(texts),
    cmocka_unit_test(rows_are_the_lines),
    cmocka_unit_test(wrong_lines),
    cmocka_unit_test(a_line_has_a_cap),
    cmocka_unit_test(a_task_serves_its_row),
    cmocka_unit_test(rows_in_turn),
    cmocka_unit_test(wrong_replays),
    cmocka_unit_test(a_row_without_a_replay),
    cmocka_unit_test(not_in_a_task),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
