#include "cli/command.h"

#include "cli/history_place.h"
#include "cli/screen.h"
#include "report/history_text.h"

#include <stdlib.h>

struct shown {
  const struct sp_comparison *comparison;
  bool head_only;
};

static void put(void *ctx, struct sp_canvas *canvas) {
  const struct shown *shown = ctx;
  sp_comparison_put(shown->comparison, shown->head_only, canvas);
}

static int print(const struct sp_comparison *comparison, const struct sp_options *options) {
  bool refused = comparison->reasons.count > 0 && !options->force;
  if (options->json) {
    char *text = sp_comparison_json(comparison);
    printf("%s\n", text);
    free(text);
  } else {
    struct shown shown = {comparison, refused};
    struct sp_terminal *terminal = sp_screen_open(options);
    sp_terminal_put(terminal, put, &shown);
    sp_terminal_destroy(terminal);
  }
  if (refused) fprintf(stderr, "spate: these runs are not comparable; --force shows the figures all the same\n");
  return refused ? SP_EXIT_CANNOT_RUN : SP_EXIT_OK;
}

static int compare(struct sp_store *store, const struct sp_options *options) {
  char ids[2][SP_STORE_ID_SIZE];
  struct sp_comparison comparison;
  struct sp_err err;
  for (size_t i = 0; i < 2; i++) {
    if (sp_store_find(store, options->arguments[i], ids[i], &err)) return sp_cli_fail(&err);
  }
  int code = sp_comparison_make(store, ids[0], ids[1], &comparison, &err);
  int exit_code = code ? sp_cli_fail(&err) : print(&comparison, options);
  sp_comparison_fini(&comparison);
  return exit_code;
}

static int compare_run(const struct sp_options *options) {
  struct sp_err err;
  struct sp_store *store = sp_history_open(options, &err);
  if (!store) return sp_cli_fail(&err);
  int exit_code = compare(store, options);
  sp_store_close(store);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_compare, sp_options_common, NULL};

const struct sp_command sp_command_compare = {.name = "compare", .arguments = "A B",
    .summary = "two past runs: what is different, and how sure that is",
    .details = "A and B are ids or the begins of them ('spate history' lists them), last, or last~1 for the one before it.\n"
               "Gives B / A with a 95 % interval for each request; exit 1 where the two are not comparable.\n",
    .arguments_min = 2, .arguments_max = 2, .option_groups = groups, .run = compare_run};
