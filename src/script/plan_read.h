/*
 * Reads what the prelude collected (spate._plan) into struct sp_plan. Private to this folder.
 */
#ifndef SP_SCRIPT_PLAN_READ_H
#define SP_SCRIPT_PLAN_READ_H

#include "script/lua_host.h"

int sp_plan_read(struct sp_plan *plan, struct sp_err *err);
void sp_plan_read_free(struct sp_plan *plan);
void sp_plan_push_table(lua_State *L); /* spate._plan; nil where the plan never required spate */
/* sp_load.shape of a plan that has its own (plan->shape_ref); ctx is the plan. Main thread. */
int sp_plan_shape(void *ctx, double elapsed_s, struct sp_shape_point *out);

#endif
