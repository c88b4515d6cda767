#include "cli/command.h"

#include <stdio.h>

static void print_overview(void) {
  printf("spate: load tester for streaming AI applications\n\nUsage: spate COMMAND …\n\nCommands:\n");
  for (size_t i = 0; sp_command_at(i); i++) {
    const struct sp_command *command = sp_command_at(i);
    char left[40];
    snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
    printf("  %-18s%s\n", left, command->summary);
  }
  printf("\n'spate help COMMAND' lists a command's options. First steps:\n"
         "  spate demo                                  see it work against a simulated Dify\n"
         "  spate plans                                 the built-in plans\n"
         "  spate try dify:chat -H URL -e key=app-…     one request, every event with its time\n"
         "  spate run dify:chat -H URL -e key=app-… -u 50 -t 5m\n"
         "\nExit codes: 0 ran and every SLO met · 1 could not run · 2 usage · 3 an SLO was missed (or everything failed)\n"
         "  · 4 the run is invalid: its own times can't be trusted · 130 interrupted\n");
}

static int help_run(const struct sp_options *options) {
  if (options->argument_count == 0) {
    print_overview();
    return SP_EXIT_OK;
  }
  const struct sp_command *command = sp_command_find(options->arguments[0]);
  if (!command) {
    struct sp_err err;
    sp_fail(&err, SP_EUSAGE, "there is no command '%s' ('spate help' lists them)", options->arguments[0]);
    return sp_cli_fail(&err);
  }
  printf("%s\n\nUsage: spate %s %s%s[OPTIONS]\n", command->summary, command->name, command->arguments, *command->arguments ? " " : "");
  if (command->details) printf("\n%s", command->details);
  printf("\nOptions:\n");
  sp_options_print(stdout, command->option_groups);
  return SP_EXIT_OK;
}

static const struct sp_option *const groups[] = {sp_options_common, NULL};

const struct sp_command sp_command_help = {.name = "help", .arguments = "[COMMAND]", .summary = "this overview, or a command's options",
    .arguments_max = 1, .option_groups = groups, .run = help_run};
