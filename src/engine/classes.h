/*
 * Which class a user is of, and which task it does next. Read-only once made: all workers share it.
 *
 * Classes by smooth weighted round robin (as in nginx's upstream balancing): any stretch of users has the
 * classes in proportion to their weights, and user k has the same class in every run.
 */
#ifndef SP_ENGINE_CLASSES_H
#define SP_ENGINE_CLASSES_H

#include "base/err.h"
#include "base/rng.h"
#include "engine/load.h"

#define SP_CLASS_PERIOD_MAX 65536u /* weights whose sum (over their common divisor) is larger are scaled down */

struct sp_class_table {
  uint16_t *order; /* class of user k: order[(k - 1) % period] */
  size_t period;
  uint64_t **cumulative; /* [class][task]: sum of the weights up to and with this task */
  size_t class_count;
  const struct sp_class_spec *classes; /* borrowed */
};

int sp_class_table_init(struct sp_class_table *table, const struct sp_class_spec *classes, size_t class_count,
                        struct sp_err *err);
void sp_class_table_fini(struct sp_class_table *table); /* fine on a zeroed one */
size_t sp_class_table_of_user(const struct sp_class_table *table, uint64_t id); /* id from 1 */
size_t sp_class_table_task(const struct sp_class_table *table, size_t class_index, struct sp_rng *rng);

#endif
