#include "engine/classes.h"
#include "rig.h"
#include "engine/think.h"

#include <string.h>

static const struct sp_task_spec one_task[] = { { "t", 1 } };
static const struct sp_task_spec off_tasks[] = { { "t", 0 }, { "v", 0 } };

static struct sp_class_spec class_of(unsigned weight) {
  return (struct sp_class_spec){ .name = "c", .weight = weight, .tasks = one_task, .task_count = 1 };
}

/* The example of nginx's own commit: 5, 1, 1 gives a a b a c a a. */
static void smooth_order(void **state) {
  (void)state;
  struct sp_class_spec classes[] = { class_of(5), class_of(1), class_of(1) };
  struct sp_class_table table;
  assert_int_equal(sp_class_table_init(&table, classes, 3, NULL), 0);
  static const char expected[] = "aabacaa";
  for (uint64_t id = 1; id <= 700; id++)
    assert_int_equal(sp_class_table_of_user(&table, id), expected[(id - 1) % 7] - 'a');
  sp_class_table_fini(&table);
}

static void counts_over(const struct sp_class_table *table, uint64_t users, uint64_t *counts) {
  for (uint64_t id = 1; id <= users; id++) counts[sp_class_table_of_user(table, id)]++;
}

static void weight_zero_gets_nobody(void **state) {
  (void)state;
  struct sp_class_spec classes[] = { class_of(0), class_of(2), class_of(0), class_of(6) };
  classes[2].tasks = off_tasks; /* nobody is of this class, so this is no fault */
  struct sp_class_table table;
  uint64_t counts[4] = { 0 };
  assert_int_equal(sp_class_table_init(&table, classes, 4, NULL), 0);
  assert_int_equal(table.period, 4);
  counts_over(&table, 400, counts);
  assert_int_equal(counts[0], 0);
  assert_int_equal(counts[1], 100);
  assert_int_equal(counts[2], 0);
  assert_int_equal(counts[3], 300);
  sp_class_table_fini(&table);
}

static void huge_weights_keep_their_proportion(void **state) {
  (void)state;
  struct sp_class_spec classes[] = { class_of(3000000019), class_of(1000000007), class_of(1) };
  struct sp_class_table table;
  uint64_t counts[3] = { 0 };
  assert_int_equal(sp_class_table_init(&table, classes, 3, NULL), 0);
  assert_true(table.period <= SP_CLASS_PERIOD_MAX);
  counts_over(&table, 1000, counts);
  assert_in_range(counts[0], 749, 751);
  assert_in_range(counts[1], 249, 251);
  sp_class_table_fini(&table);
}

static void expect_refusal(const struct sp_class_spec *classes, size_t count, const char *part) {
  struct sp_class_table table;
  struct sp_err err = { 0 };
  assert_true(sp_class_table_init(&table, classes, count, &err) < 0);
  assert_non_null(strstr(err.text, part));
  sp_class_table_fini(&table);
}

static void refuses_what_can_not_run(void **state) {
  (void)state;
  struct sp_class_spec none = class_of(1), off = class_of(1), idle = class_of(0);
  none.task_count = 0;
  off.tasks = off_tasks;
  off.task_count = 2;
  expect_refusal(&none, 1, "has no task");
  expect_refusal(&off, 1, "weight 0");
  expect_refusal(&idle, 1, "no user class with a weight");
  expect_refusal(NULL, 0, "no user class");
}

static void tasks_by_weight(void **state) {
  (void)state;
  static const struct sp_task_spec tasks[] = { { "off", 0 }, { "a", 3 }, { "off2", 0 }, { "b", 1 }, { "off3", 0 } };
  struct sp_class_spec class = class_of(1);
  class.tasks = tasks;
  class.task_count = 5;
  struct sp_class_table table;
  struct sp_rng rng;
  uint64_t counts[5] = { 0 };
  assert_int_equal(sp_class_table_init(&table, &class, 1, NULL), 0);
  sp_rng_seed(&rng, 42, 1);
  for (int i = 0; i < 100000; i++) counts[sp_class_table_task(&table, 0, &rng)]++;
  assert_int_equal(counts[0] + counts[2] + counts[4], 0);
  assert_in_range(counts[1], 74300, 75700); /* 5 standard deviations */
  sp_class_table_fini(&table);
}

/* -- think time: the due time of the next task -- */

static int64_t due_of(enum sp_think_kind kind, double a_s, double b_s, int64_t task_due_ns, int64_t now_ns) {
  struct sp_think think = { kind, a_s, b_s };
  struct sp_rng rng;
  sp_rng_seed(&rng, 1, 1);
  return sp_think_due_ns(&think, &rng, task_due_ns, now_ns);
}

static void fixed_kinds(void **state) {
  (void)state;
  assert_int_equal(due_of(SP_THINK_NONE, 0, 0, 5 * S, 6 * S), 6 * S);
  assert_int_equal(due_of(SP_THINK_CONSTANT, 1.5, 0, 5 * S, 6 * S), 7500 * MS);
  assert_int_equal(due_of(SP_THINK_CONSTANT, -1, 0, 5 * S, 6 * S), 6 * S);
  assert_int_equal(due_of(SP_THINK_CONSTANT, 1e30, 0, 5 * S, 6 * S), 6 * S + SP_THINK_MAX_NS);
  assert_int_equal(due_of(SP_THINK_PACE, 3, 0, 5 * S, 6 * S), 8 * S);
  assert_int_equal(due_of(SP_THINK_PACE, 1, 0, 5 * S, 6 * S), 6 * S);
  assert_int_equal(due_of(SP_THINK_PACE, 0.5, 0, 5 * S, 6 * S), 6 * S); /* late: at once, not in the past */
}

static void drawn_kinds(void **state) {
  (void)state;
  struct sp_think between = { SP_THINK_BETWEEN, 1, 3 }, exponential = { SP_THINK_EXPONENTIAL, 2, 0 };
  struct sp_rng rng;
  sp_rng_seed(&rng, 1, 1);
  double sum_between = 0, sum_exponential = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t pause_ns = sp_think_due_ns(&between, &rng, 0, S) - S;
    assert_in_range(pause_ns, S, 3 * S);
    sum_between += (double)pause_ns;
    pause_ns = sp_think_due_ns(&exponential, &rng, 0, S) - S;
    assert_true(pause_ns >= 0);
    sum_exponential += (double)pause_ns;
  }
  assert_in_range((int64_t)(sum_between / 10000), 1970 * MS, 2030 * MS);
  assert_in_range((int64_t)(sum_exponential / 10000), 1900 * MS, 2100 * MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(smooth_order),
    cmocka_unit_test(weight_zero_gets_nobody),
    cmocka_unit_test(huge_weights_keep_their_proportion),
    cmocka_unit_test(refuses_what_can_not_run),
    cmocka_unit_test(tasks_by_weight),
    cmocka_unit_test(fixed_kinds),
    cmocka_unit_test(drawn_kinds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
