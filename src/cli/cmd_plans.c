#include "cli/command.h"

#include "script/embedded.h"

#include <stdio.h>

static void print_param(const struct sp_param *param) {
  printf("    -e %s=%s\n        %s%s\n", param->name, param->default_text ? param->default_text : "…", param->description,
         param->required ? " (required)" : param->default_text ? " (default)" : "");
}

static int print_plan(const struct sp_embedded *file) {
  struct sp_err err;
  struct sp_plan_options options = {.name = file->name, .describing = true};
  struct sp_plan *plan = sp_plan_load(&options, &err);
  if (!plan) return sp_cli_fail(&err);
  struct sp_str about = sp_plan_about(sp_str_of(file->text, file->len));
  printf("%s\n  " SP_STR_FMT "\n", file->name, SP_STR_ARG(about));
  for (size_t i = 0; i < plan->param_count; i++) print_param(&plan->params[i]);
  printf("\n");
  sp_plan_destroy(plan);
  return 0;
}

static int list_plans(void) {
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    int code = strcmp(file->kind, "plan") == 0 ? print_plan(file) : 0;
    if (code) return code;
  }
  printf("'spate plans show NAME' prints one as a start for your own: spate plans show dify:chat > my.lua\n");
  return SP_EXIT_OK;
}

static int show_plan(const char *name) {
  const struct sp_embedded *file = sp_embedded_find("plan", name);
  struct sp_err err;
  if (!file) {
    sp_fail(&err, SP_EUSAGE, "there is no built-in plan '%s' ('spate plans' lists them)", name);
    return sp_cli_fail(&err);
  }
  fwrite(file->text, 1, file->len, stdout);
  return SP_EXIT_OK;
}

static int plans_run(const struct sp_options *options) {
  if (options->argument_count == 0) return list_plans();
  struct sp_err err;
  if (strcmp(options->arguments[0], "show") != 0 || options->argument_count != 2) {
    sp_fail(&err, SP_EUSAGE, "'spate plans' lists the built-in plans, 'spate plans show NAME' prints one");
    return sp_cli_fail(&err);
  }
  return show_plan(options->arguments[1]);
}

static const struct sp_option *const groups[] = {sp_options_common, NULL};

const struct sp_command sp_command_plans = {.name = "plans", .arguments = "[show NAME]",
    .summary = "the built-in plans with their parameters", .arguments_max = 2, .option_groups = groups, .run = plans_run};
