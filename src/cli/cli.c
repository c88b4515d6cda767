#include "cli/command.h"

#include <signal.h>
#include <stdio.h>

static int exit_code_for(int code) {
  return code == SP_EUSAGE ? SP_EXIT_USAGE : SP_EXIT_CANNOT_RUN;
}

int sp_cli_fail(const struct sp_err *err) {
  fprintf(stderr, "spate: %s\n", err->text);
  return exit_code_for(err->code);
}

static const char *next_command_name(const void *table, size_t i) {
  (void)table;
  const struct sp_command *command = sp_command_at(i);
  return command ? command->name : NULL;
}

static int fail_unknown_command(const char *word) {
  struct sp_err err;
  const char *near = sp_str_nearest(word, next_command_name, NULL);
  sp_fail(&err, SP_EUSAGE, "there is no command '%s'%s%s%s", word, near ? ": did you mean 'spate " : " ('spate help' lists them)",
          near ? near : "", near ? "'?" : "");
  return sp_cli_fail(&err);
}

static int check_arguments(const struct sp_command *command, const struct sp_options *options, struct sp_err *err) {
  if (options->argument_count < command->arguments_min) {
    return sp_fail(err, SP_EUSAGE, "spate %s needs %s ('spate help %s' says more)", command->name, command->arguments, command->name);
  }
  if (options->argument_count > command->arguments_max) {
    return sp_fail(err, SP_EUSAGE, "spate %s: '%s' is one argument too many", command->name,
                   options->arguments[command->arguments_max]);
  }
  return 0;
}

static int run_command(const struct sp_command *command, int argc, char **argv) {
  struct sp_options options;
  struct sp_err err;
  sp_options_init(&options);
  if (command->defaults) command->defaults(&options);
  int exit_code;
  int own = command->find_foreign ? command->find_foreign(argc, argv) : argc;
  options.foreign = (const char *const *)argv + own;
  options.foreign_count = (size_t)(argc - own);
  if (sp_options_parse(&options, command->option_groups, own, argv, &err)) {
    exit_code = sp_cli_fail(&err);
  } else if (options.help) {
    const char *words[] = {command->name};
    options.arguments[0] = words[0];
    options.argument_count = 1;
    exit_code = sp_command_help.run(&options);
  } else if (check_arguments(command, &options, &err)) {
    exit_code = sp_cli_fail(&err);
  } else {
    exit_code = command->run(&options);
  }
  sp_options_fini(&options);
  return exit_code;
}

static bool is_word(const char *word, const char *a, const char *b) { return strcmp(word, a) == 0 || strcmp(word, b) == 0; }

int sp_main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write, not our death */
  if (argc < 2) {
    struct sp_options none;
    sp_options_init(&none);
    sp_command_help.run(&none);
    return SP_EXIT_USAGE;
  }
  const char *word = argv[1];
  if (is_word(word, "--version", "-V")) return printf("spate %s\n", SP_VERSION), SP_EXIT_OK;
  if (is_word(word, "--help", "-h")) word = "help";
  const struct sp_command *command = sp_command_find(word);
  if (!command) return fail_unknown_command(word);
  return run_command(command, argc - 2, argv + 2);
}
