#include "cli/command.h"

#include "base/units.h"
#include "cli/history_place.h"
#include "cli/screen.h"
#include "report/history_json.h"
#include "report/history_text.h"

#include <stdlib.h>

#define SHOWN 50

/* -- the list -- */

struct list {
  struct sp_store *store;
  struct sp_store_filter filter;
  uint64_t shown, searches;
  struct sp_err err;
  int code;
};

static void put_list(void *ctx, struct sp_canvas *canvas) {
  struct list *list = ctx;
  list->code = sp_history_put_list(list->store, &list->filter, canvas, &list->shown, &list->err);
  if (list->code == 0) list->code = sp_history_put_searches(list->store, &list->filter, canvas, &list->searches, &list->err);
}

static int print_list(struct list *list, const struct sp_options *options) {
  struct sp_terminal *terminal = sp_screen_open(options);
  sp_terminal_put(terminal, put_list, list);
  sp_terminal_destroy(terminal);
  if (list->code) return sp_cli_fail(&list->err);
  if (list->shown + list->searches == 0) printf("no runs\n");
  if (options->limit < 0 && list->shown == SHOWN) fprintf(stderr, "the newest %d: --limit N shows more\n", SHOWN);
  return SP_EXIT_OK;
}

static int print_json(struct list *list) {
  char *text = sp_history_list_json(list->store, &list->filter, &list->err);
  if (!text) return sp_cli_fail(&list->err);
  printf("%s\n", text);
  free(text);
  return SP_EXIT_OK;
}

static int list_runs(struct sp_store *store, const struct sp_options *options) {
  struct sp_store_pair tags[SP_TAGS_MAX];
  for (size_t i = 0; i < options->tag_count; i++) tags[i] = (struct sp_store_pair){options->tags[i].key, options->tags[i].value};
  struct list list = {.store = store, .filter = {.tags = tags, .tag_count = options->tag_count, .plan = options->plan,
      .since_real_ns = options->since_ns > 0 ? options->since_ns : 0,
      .limit = options->limit > 0 ? (uint64_t)options->limit : options->json ? 0 : SHOWN}};
  return options->json ? print_json(&list) : print_list(&list, options);
}

/* -- throwing away -- */

static int gc(struct sp_store *store, const struct sp_options *options) {
  struct sp_store_gc done;
  struct sp_err err;
  char before[SP_UNIT_TEXT_SIZE], after[SP_UNIT_TEXT_SIZE];
  if (sp_store_gc(store, sp_clock_real_ns() - options->keep_ns, options->dry_run, &done, &err)) return sp_cli_fail(&err);
  sp_format_bytes(done.bytes_before, before, sizeof(before));
  printf("%s%llu run%s", options->dry_run ? "would delete " : "deleted ", (unsigned long long)done.runs,
         done.runs == 1 ? "" : "s");
  if (options->dry_run || done.runs == 0) printf("; the history has %s\n", before);
  else printf("; the history had %s and has %s\n", before, sp_format_bytes(done.bytes_after, after, sizeof(after)));
  return SP_EXIT_OK;
}

static int check_words(const struct sp_options *options, bool *is_gc, struct sp_err *err) {
  *is_gc = options->argument_count == 1 && strcmp(options->arguments[0], "gc") == 0;
  if (options->argument_count == 1 && !*is_gc) {
    return sp_fail(err, SP_EUSAGE, "'spate history' lists runs, 'spate history gc --keep 90d' deletes old ones; 'spate report "
                   "%s' shows one", options->arguments[0]);
  }
  if (*is_gc && options->keep_ns < 0) return sp_fail(err, SP_EUSAGE, "gc needs to know what to keep: --keep 90d");
  if (!*is_gc && (options->keep_ns >= 0 || options->dry_run)) {
    return sp_fail(err, SP_EUSAGE, "--keep and --dry-run are of 'spate history gc'");
  }
  return 0;
}

static int history_run(const struct sp_options *options) {
  struct sp_err err;
  bool is_gc;
  if (check_words(options, &is_gc, &err)) return sp_cli_fail(&err);
  struct sp_store *store = sp_history_open(options, &err);
  if (!store && err.code == SP_ENOTFOUND) { /* nothing was kept yet: no fault */
    printf("%s\n", options->json ? "{\"runs\":[],\"capacities\":[]}" : "no runs");
    return SP_EXIT_OK;
  }
  if (!store) return sp_cli_fail(&err);
  int exit_code = is_gc ? gc(store, options) : list_runs(store, options);
  sp_store_close(store);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_history, sp_options_common, NULL};

const struct sp_command sp_command_history = {.name = "history", .arguments = "[gc]", .summary = "past runs: list, clean up",
    .details = "Lists the runs that were kept, the newest first. 'spate history gc --keep 90d' deletes older ones.\n",
    .arguments_max = 1, .option_groups = groups, .run = history_run};
