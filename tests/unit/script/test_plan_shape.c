/* A load's shape as a function of the plan's: what it may be, and what it says of a moment. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define HEAD "local spate = require('spate')\nspate.user('U', { tasks = { t = function() end } })\n"

static struct rig_plan load(const char *text) {
  struct rig_plan it = { 0 };
  if (!rig_plan_load(&it, text)) fail_msg("%s", it.err.text);
  assert_non_null(it.plan->load.shape);
  return it;
}

static int ask(const struct rig_plan *it, double elapsed_s, struct sp_shape_point *point) {
  *point = (struct sp_shape_point){ 0 };
  return it->plan->load.shape(it->plan->load.shape_ctx, elapsed_s, point);
}

static void expect(const struct rig_plan *it, double elapsed_s, double level, double spawn_per_s) {
  struct sp_shape_point point;
  assert_int_equal(ask(it, elapsed_s, &point), 0);
  if (point.level != level || point.spawn_per_s != spawn_per_s)
    fail_msg("at %g s: %g and %g", elapsed_s, point.level, point.spawn_per_s);
}

static void expect_fault(const struct rig_plan *it, double elapsed_s, const char *sentence) {
  struct sp_shape_point point;
  assert_true(ask(it, elapsed_s, &point) < 0);
  if (!strstr(point.why, sentence)) fail_msg("'%s' is not in '%s'", sentence, point.why);
}

static void a_function_is_of_users(void **state) {
  (void)state;
  struct sp_shape_point point;
  struct rig_plan it = load(HEAD "spate.load { shape = function(t)\n"
    "  if t >= 3 then return nil end\n  return 10 * t, t > 1 and 5 or nil end }");
  assert_int_equal(it.plan->load.shape_kind, SP_LOAD_USERS);
  assert_int_equal(it.plan->load.shape_period_ns, SP_NS_PER_S);
  expect(&it, 0, 0, 0);
  expect(&it, 1, 10, 0);
  expect(&it, 2.5, 25, 5);
  assert_int_equal(ask(&it, 3, &point), 1);
  rig_plan_free(&it);
}

static void of_what_and_how_often(void **state) {
  (void)state;
  static const struct { const char *name; enum sp_load_kind kind; } cases[] = {
    { "users", SP_LOAD_USERS }, { "rate", SP_LOAD_RATE }, { "in_flight", SP_LOAD_IN_FLIGHT } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[300];
    snprintf(text, sizeof(text), HEAD "spate.load { shape = { %s = function(t) return 2.5 end, every = '100ms' } }",
             cases[i].name);
    struct rig_plan it = load(text);
    assert_int_equal(it.plan->load.shape_kind, cases[i].kind);
    assert_int_equal(it.plan->load.shape_period_ns, 100 * MS);
    expect(&it, 7, 2.5, 0);
    rig_plan_free(&it);
  }
}

static void faults_name_their_line(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD "local key = spate.param('key', 'my-secret-key')\nspate.load { shape = function(t)\n"
    "  if t == 0 then return t.x.y end\n  if t == 1 then return '7' end\n  if t == 2 then return -1 end\n"
    "  if t == 3 then return 1, 0 end\n  if t == 4 then return 0/0 end\n  if t == 5 then error({}) end\n"
    "  if t == 6 then error(key) end\n  return 4 end }");
  expect_fault(&it, 0, "the load's shape at 0 s: ");
  expect_fault(&it, 0, ".lua:5: attempt to index");
  expect_fault(&it, 1, ".lua:4: the shape must give a number of 0 or more, or nil for the end, not a string");
  expect_fault(&it, 2, "not -1");
  expect_fault(&it, 3, ".lua:4: the shape's second value, the spawn rate, must be over 0, not 0");
  expect_fault(&it, 4, "not nan");
  expect_fault(&it, 5, "an error that is no text");
  expect_fault(&it, 6, ".lua:11: ***");
  expect(&it, 7, 4, 0); /* a fault leaves nothing behind */
  rig_plan_free(&it);
}

static void spikes(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD
    "spate.load { shape = spate.spike { base = 2, peak = 50, at = '1m', hold = 10, every = '2m' } }");
  static const struct { double at_s, level; } cases[] = { { 0, 2 }, { 59, 2 }, { 60, 50 }, { 69, 50 }, { 70, 2 }, { 179, 2 },
                                                          { 180, 50 }, { 190, 2 }, { 3660, 50 } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) expect(&it, cases[i].at_s, cases[i].level, 1e6);
  rig_plan_free(&it);
  it = load(HEAD "spate.load { shape = { rate = spate.spike { peak = 5, hold = 3, spawn_rate = 7 } } }");
  expect(&it, 0, 5, 7);
  expect(&it, 3, 0, 7);
  expect(&it, 300, 0, 7);
  rig_plan_free(&it);
}

static void wrong_shapes(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.load { shape = 5 }",
                    ".lua:3: load.shape must be a function of the time, or a table with one, not a number");
  assert_plan_fails(HEAD "spate.load { shape = {} }",
                    ".lua:3: load.shape needs a function of the time: users, rate or in_flight");
  assert_plan_fails(HEAD "spate.load { shape = { rate = 5 } }", ".lua:3: load.shape.rate must be a function, not a number");
  assert_plan_fails(HEAD "spate.load { shape = { rates = print } }", ".lua:3: load.shape has no member 'rates'");
  assert_plan_fails(HEAD "spate.load { shape = { rate = print, users = print } }",
                    "load.shape takes one of users, rate and in_flight");
  assert_plan_fails(HEAD "spate.load { shape = { rate = print, every = 2 } }", "load.shape.every must be 100ms to 1s");
  assert_plan_fails(HEAD "spate.spike { hold = 1 }", ".lua:3: spike.peak must be a number, not nothing");
  assert_plan_fails(HEAD "spate.spike { peak = 1 }", "spike.hold must be a number, not nothing");
  assert_plan_fails(HEAD "spate.spike { peak = 1, hold = 0 }", "spike.hold must be more than 0");
  assert_plan_fails(HEAD "spate.spike { peak = -1, hold = 1 }", "base and peak must be numbers of 0 or more");
  assert_plan_fails(HEAD "spate.spike { peak = 1, hold = 5, every = 5 }", "spike.every must be longer than spike.hold");
  assert_plan_fails(HEAD "spate.spike { peak = 1, hold = 5, evry = 5 }", "spike{…} has no member 'evry'");
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_function_is_of_users),
    cmocka_unit_test(of_what_and_how_often),
    cmocka_unit_test(faults_name_their_line),
    cmocka_unit_test(spikes),
    cmocka_unit_test(wrong_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
