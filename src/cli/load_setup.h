/*
 * The load that flags, plan and defaults come to, in this order. A shape that the command line gives (users, stages, rate
 * or requests in flight) replaces the plan's whole shape.
 */
#ifndef SP_CLI_LOAD_SETUP_H
#define SP_CLI_LOAD_SETUP_H

#include "script/plan.h"

/* The first that says something (not negative): the flag, the plan, the default. */
int64_t sp_load_pick(int64_t flag, int64_t plan, int64_t otherwise);

int sp_load_settle(struct sp_load *load, const struct sp_plan_load *flags, const struct sp_plan_load *plan, int64_t threads,
                   struct sp_err *err);

#endif
