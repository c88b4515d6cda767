/*
 * What holds the target, by one run: each stage is a step; without stages the whole of it is one. Main thread.
 */
#ifndef SP_CLI_RUN_DIAGNOSIS_H
#define SP_CLI_RUN_DIAGNOSIS_H

#include "model/diagnose.h"
#include "report/report.h"

/* The result is whole but for its diagnosis. False: there is nothing to make one from, and *out is as it was; else finish it
 * with sp_diagnosis_fini. */
bool sp_run_diagnose(const struct sp_result *result, bool has_slos, bool shares_machine, struct sp_diagnosis *out);

#endif
