/*
 * What a run's end means for the exit code: SLOs, validity, a target that was never there.
 */
#ifndef SP_CLI_VERDICT_H
#define SP_CLI_VERDICT_H

#include "report/report.h"

/* True while every request so far ended without a connection. */
bool sp_verdict_dead_target(const struct sp_interval *totals);

int sp_verdict_exit(const struct sp_result *result); /* enum sp_exit */

#endif
