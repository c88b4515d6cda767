#include "engine/classes.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

static uint64_t gcd(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Weights over their common divisor; where the period would still be too long, in proportion and at least 1. */
static uint64_t reduced_weights(const struct sp_class_spec *classes, size_t count, uint64_t *weights) {
  uint64_t divisor = 0, sum = 0;
  for (size_t i = 0; i < count; i++) divisor = gcd(divisor, classes[i].weight);
  for (size_t i = 0; i < count; i++) sum += weights[i] = classes[i].weight / divisor;
  if (sum <= SP_CLASS_PERIOD_MAX) return sum;

  uint64_t room = SP_CLASS_PERIOD_MAX - SP_CLASSES_MAX, scaled_sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (weights[i] == 0) continue;
    uint64_t scaled = weights[i] * room / sum;
    scaled_sum += weights[i] = scaled > 0 ? scaled : 1;
  }
  return scaled_sum;
}

static void fill_order(struct sp_class_table *table, const uint64_t *weights) {
  int64_t current[SP_CLASSES_MAX] = { 0 };
  for (size_t n = 0; n < table->period; n++) {
    size_t best = 0;
    for (size_t i = 0; i < table->class_count; i++) {
      current[i] += (int64_t)weights[i];
      if (current[i] > current[best]) best = i;
    }
    current[best] -= (int64_t)table->period;
    table->order[n] = (uint16_t)best;
  }
}

static int check_class(const struct sp_class_spec *class, struct sp_err *err) {
  if (class->task_count == 0) return sp_fail(err, SP_EPLAN, "user class '%s' has no task", class->name);
  if (class->task_count > SP_TASKS_MAX)
    return sp_fail(err, SP_ELIMIT, "user class '%s' has more than %u tasks", class->name, SP_TASKS_MAX);
  if (class->weight == 0) return 0; /* nobody is of it: its tasks may all be off */
  for (size_t i = 0; i < class->task_count; i++)
    if (class->tasks[i].weight > 0) return 0;
  return sp_fail(err, SP_EPLAN, "all tasks of user class '%s' have weight 0", class->name);
}

static int check_classes(const struct sp_class_spec *classes, size_t count, struct sp_err *err) {
  if (count > SP_CLASSES_MAX) return sp_fail(err, SP_ELIMIT, "more than %u user classes", SP_CLASSES_MAX);
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    int rc = check_class(&classes[i], err);
    if (rc != 0) return rc;
    any = any || classes[i].weight > 0;
  }
  return any ? 0 : sp_fail(err, SP_EPLAN, "there is no user class with a weight over 0");
}

static uint64_t *cumulative_weights(const struct sp_class_spec *class) {
  uint64_t *cumulative = sp_alloc_array(class->task_count, sizeof(*cumulative));
  uint64_t sum = 0;
  for (size_t i = 0; i < class->task_count; i++) cumulative[i] = sum += class->tasks[i].weight;
  return cumulative;
}

int sp_class_table_init(struct sp_class_table *table, const struct sp_class_spec *classes, size_t class_count,
                        struct sp_err *err) {
  *table = (struct sp_class_table){ .classes = classes, .class_count = class_count };
  int rc = check_classes(classes, class_count, err);
  if (rc != 0) return rc;

  uint64_t weights[SP_CLASSES_MAX] = { 0 };
  table->period = reduced_weights(classes, class_count, weights);
  table->order = sp_alloc_array(table->period, sizeof(*table->order));
  fill_order(table, weights);
  table->cumulative = sp_alloc_array(class_count, sizeof(*table->cumulative));
  for (size_t i = 0; i < class_count; i++) table->cumulative[i] = cumulative_weights(&classes[i]);
  return 0;
}

void sp_class_table_fini(struct sp_class_table *table) {
  if (table->cumulative != NULL)
    for (size_t i = 0; i < table->class_count; i++) free(table->cumulative[i]);
  free(table->cumulative);
  free(table->order);
  *table = (struct sp_class_table){ 0 };
}

size_t sp_class_table_of_user(const struct sp_class_table *table, uint64_t id) {
  SP_CHECK(id > 0);
  return table->order[(id - 1) % table->period];
}

size_t sp_class_table_task(const struct sp_class_table *table, size_t class_index, struct sp_rng *rng) {
  const uint64_t *cumulative = table->cumulative[class_index];
  size_t low = 0, high = table->classes[class_index].task_count - 1;
  uint64_t pick = sp_rng_below(rng, cumulative[high]);
  while (low < high) { /* the first task whose sum is over the pick */
    size_t middle = low + (high - low) / 2;
    if (cumulative[middle] > pick)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}
