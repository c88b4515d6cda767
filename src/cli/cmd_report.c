#include "cli/command.h"

#include "cli/history_place.h"
#include "cli/screen.h"
#include "report/replay.h"

static int put_summary(void *ctx, const struct sp_result *result, struct sp_err *err) {
  (void)err;
  sp_terminal_summary(ctx, result);
  return 0;
}

static int show(struct sp_store *store, const char *id, const struct sp_options *options, struct sp_err *err) {
  static const struct sp_replay_hooks hooks = {.end = put_summary};
  struct sp_terminal *terminal = sp_screen_open(options);
  int code = sp_replay(store, id, &hooks, terminal, err);
  sp_terminal_destroy(terminal);
  return code;
}

static int report(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  char id[SP_STORE_ID_SIZE];
  int code = sp_store_find(store, options->arguments[0], id, err);
  if (code == 0 && options->out_count == 0) return show(store, id, options, err);
  for (size_t i = 0; i < options->out_count && code == 0; i++) {
    code = sp_replay_output(store, id, options->outs[i].type, options->outs[i].path, err);
    if (code) sp_err_context(err, "--out %s", options->outs[i].type->name);
  }
  return code;
}

static int report_run(const struct sp_options *options) {
  struct sp_err err;
  struct sp_store *store = sp_history_open(options, &err);
  if (!store) return sp_cli_fail(&err);
  int exit_code = report(store, options, &err) ? sp_cli_fail(&err) : SP_EXIT_OK;
  sp_store_close(store);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_report, sp_options_common, NULL};

const struct sp_command sp_command_report = {.name = "report", .arguments = "RUN",
    .summary = "a past run: its summary, or any output again",
    .details = "RUN is an id or the begin of one ('spate history' lists them), last, or last~1 for the one before it.\n",
    .arguments_min = 1, .arguments_max = 1, .option_groups = groups, .run = report_run};
