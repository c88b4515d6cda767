/*
 * The tasks of a plan one by one, for tries.
 */
#ifndef SP_CLI_TASK_PICK_H
#define SP_CLI_TASK_PICK_H

#include "script/plan.h"

struct sp_task_pick {
  size_t class_index, task_index;
};
/* Those that can be chosen; name NULL: all. */
size_t sp_task_pick_all(const struct sp_plan *plan, const char *name, struct sp_task_pick *picks, size_t max);
/* From here on the plan's users do this one alone. */
void sp_task_pick_only(struct sp_plan *plan, struct sp_task_pick pick);
/* One user, one task: what a try makes of a load. */
void sp_task_pick_load(struct sp_load *load);

#endif
