#include "cli/command.h"
#include "cli/session.h"

static int run_run(const struct sp_options *options) {
  struct sp_setup setup;
  struct sp_err err;
  if (sp_setup_init(&setup, options, &err)) return sp_cli_fail(&err);
  int exit_code = sp_session_run(&setup, options, options->arguments[0]);
  sp_setup_fini(&setup);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_load, sp_options_slo, sp_options_watch, sp_options_http,
                                                 sp_options_output, sp_options_web, sp_options_web_run, sp_options_common, NULL};

const struct sp_command sp_command_run = {.name = "run", .arguments = "PLAN", .summary = "one load test",
    .details = "PLAN is a Lua file or a built-in plan's name ('spate plans' lists them).\n"
               "What the plan's spate.load{…} says are the defaults; options win.\n",
    .arguments_min = 1, .arguments_max = 1, .option_groups = groups, .run = run_run};
