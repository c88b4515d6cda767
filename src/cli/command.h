/*
 * A command of the program: one const table and one file each, listed in cli/registry.c. Only cli prints.
 */
#ifndef SP_CLI_COMMAND_H
#define SP_CLI_COMMAND_H

#include "cli/options.h"

/* Exit codes: docs and contract hold them. */
enum sp_exit {
  SP_EXIT_OK = 0,
  SP_EXIT_CANNOT_RUN = 1,
  SP_EXIT_USAGE = 2,
  SP_EXIT_SLO_MISSED = 3,
  SP_EXIT_INVALID = 4,
  SP_EXIT_INTERRUPTED = 130,
};

struct sp_command {
  const char *name;
  const char *arguments; /* "PLAN", "[PROFILE]", "" */
  const char *summary;   /* one line */
  const char *details;   /* MAY: further lines of its help */
  int arguments_min, arguments_max;
  const struct sp_option *const *option_groups; /* MUST, ends with NULL */
  void (*defaults)(struct sp_options *options); /* MAY */
  /* MAY. From which word on the command line is another program's; argc where all of it is ours. */
  int (*find_foreign)(int argc, char **argv);
  int (*run)(const struct sp_options *options); /* MUST. Gives the exit code */
};

const struct sp_command *sp_command_find(const char *name); /* NULL when there is none */
const struct sp_command *sp_command_at(size_t i);           /* NULL at the end */
const struct sp_report_type *sp_report_find(const char *name);
const struct sp_report_type *sp_report_at(size_t i);

extern const struct sp_command sp_command_run, sp_command_try, sp_command_capacity, sp_command_serve, sp_command_mock,
    sp_command_demo, sp_command_plans, sp_command_import, sp_command_selftest, sp_command_history, sp_command_report,
    sp_command_compare, sp_command_campaign, sp_command_help;

/* Prints "spate: TEXT" to standard error and gives the exit code that fits err->code. */
int sp_cli_fail(const struct sp_err *err);

int sp_main(int argc, char **argv);

#endif
