/*
 * A plan's parameters as a run has them, for who keeps the run: without secrets.
 */
#ifndef SP_CLI_RUN_PARAMS_H
#define SP_CLI_RUN_PARAMS_H

#include "report/report.h"
#include "script/plan.h"

struct sp_run_params {
  struct sp_run_param list[SP_PARAMS_MAX];
  char *owned[SP_PARAMS_MAX];
  size_t count;
};

/* Also the plan's text; the begin borrows from both until fini. */
void sp_run_params_init(struct sp_run_params *params, const struct sp_plan *plan, struct sp_run_begin *begin);
void sp_run_params_fini(struct sp_run_params *params);

#endif
