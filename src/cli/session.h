/*
 * One run from the command line: signals, live view, outputs, summary, exit code.
 */
#ifndef SP_CLI_SESSION_H
#define SP_CLI_SESSION_H

#include "cli/setup.h"

/* Runs what the setup says; gives the exit code. The setup stays the caller's. */
int sp_session_run(struct sp_setup *setup, const struct sp_options *options, const char *plan_name);

#endif
