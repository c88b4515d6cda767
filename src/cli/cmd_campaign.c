/* spate campaign: rounds of a tuning campaign, each one change, each judged by its trials. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/campaign_add.h"
#include "cli/history_place.h"
#include "cli/screen.h"
#include "report/campaign.h"
#include "report/canvas.h"
#include "report/out_file.h"
#include "report/page_data.h"
#include "stats/clean.h"

#include <stdlib.h>

#define NAME_BYTES_MAX 100u

/* -- new, delete -- */

static int check_name(const char *name, struct sp_err *err) {
  char clean[NAME_BYTES_MAX + 2];
  size_t len = strlen(name);
  if (len == 0 || len > NAME_BYTES_MAX) return sp_fail(err, SP_EUSAGE, "a campaign's name has 1 to %u bytes", NAME_BYTES_MAX);
  bool same = sp_clean_text(clean, sizeof(clean), sp_str_from(name)) == len && memcmp(clean, name, len) == 0;
  return same ? 0 : sp_fail(err, SP_EUSAGE, "a campaign's name is UTF-8 without control characters");
}

static int begin(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  const char *name = options->arguments[1], *figure = options->campaign.figure ? options->campaign.figure : SP_CAMPAIGN_FIGURE_DEFAULT;
  char goal[SP_CAMPAIGN_TEXT_MAX + 1];
  struct sp_buf slos;
  int code = check_name(name, err);
  if (code) return code;
  if (options->slo_count > SP_CAMPAIGN_SLOS_MAX) return sp_fail(err, SP_EUSAGE, "over %u SLOs", SP_CAMPAIGN_SLOS_MAX);
  goal[sp_clean_text(goal, SP_CAMPAIGN_TEXT_MAX, sp_str_from(options->campaign.goal))] = 0;
  sp_buf_init(&slos, SP_CAMPAIGN_SLOS_MAX * (SP_SLO_TEXT_MAX + 2));
  for (size_t i = 0; i < options->slo_count; i++) sp_buf_printf(&slos, "%s%s", i ? "\n" : "", options->slos[i]);
  struct sp_store_campaign campaign = {.name = name, .real_ns = sp_clock_real_ns(), .goal = goal, .figure = figure,
                                       .slos = slos.bytes ? slos.bytes : ""};
  code = sp_store_campaign_new(store, &campaign, err);
  sp_buf_fini(&slos);
  if (code == 0) printf("campaign '%s', judged by %s: 'spate campaign add' begins its first round\n", name, figure);
  return code;
}

static int throw_away(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  int code = sp_store_campaign_delete(store, options->arguments[1], err);
  if (code == 0) printf("deleted campaign '%s'; its runs stay in the history\n", options->arguments[1]);
  return code;
}

/* -- add, decide -- */

static void say_round(const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  char text[SP_CAMPAIGN_WORDS_SIZE];
  printf("round '%s': %zu trial%s", round->record->title, round->trial_count, round->trial_count == 1 ? "" : "s");
  if (round->counting < round->trial_count) printf(", %zu of them count", round->counting);
  if (round->counting > 0) printf(", %s %s", campaign->record.figure, sp_campaign_value(campaign, round, true, text, sizeof(text)));
  if (round->held_by[0]) printf(", held by %s", round->held_by);
  printf("\n");
  if (*sp_campaign_verdict(campaign, round, text, sizeof(text)) && round->trial_count > 0) printf("  %s\n", text);
  if (*sp_campaign_prediction(round, text, sizeof(text))) printf("  predicted %s\n", text);
}

static int say(struct sp_store *store, const char *name, const char *title, struct sp_err *err) {
  struct sp_campaign campaign;
  int code = sp_campaign_make(store, name, &campaign, err);
  for (size_t i = 0; i < campaign.record.round_count && code == 0; i++) {
    if (strcmp(campaign.record.rounds[i].title, title) == 0) say_round(&campaign, &campaign.rounds[i]);
  }
  sp_campaign_fini(&campaign);
  return code;
}

static int add(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  const char *name = options->arguments[1];
  if (!options->campaign.round) return sp_fail(err, SP_EUSAGE, "campaign add needs --round TITLE");
  int code = sp_campaign_add(store, name, options->arguments + 2, (size_t)options->argument_count - 2, options, err);
  return code ? code : say(store, name, options->campaign.round, err);
}

static int decide(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  const char *const *words = options->arguments;
  bool keep = strcmp(words[3], "keep") == 0;
  if (!keep && strcmp(words[3], "revert") != 0) return sp_fail(err, SP_EUSAGE, "there is keep and revert, not '%s'", words[3]);
  int code = sp_campaign_decide(store, words[1], words[2], keep ? SP_STORE_KEEP : SP_STORE_REVERT, options->campaign.note, err);
  if (code == 0) printf("round '%s': %s\n", words[2], words[3]);
  return code;
}

/* -- show -- */

static void put_campaign(void *ctx, struct sp_canvas *canvas) { sp_campaign_put(ctx, canvas); }

struct list {
  struct sp_store *store;
  size_t shown;
  struct sp_err *err;
  int code;
};

static void put_list(void *ctx, struct sp_canvas *canvas) {
  struct list *list = ctx;
  list->code = sp_campaign_put_list(list->store, canvas, &list->shown, list->err);
}

static void put_on_screen(const struct sp_options *options, void (*put)(void *ctx, struct sp_canvas *canvas), void *ctx) {
  struct sp_terminal *terminal = sp_screen_open(options);
  sp_terminal_put(terminal, put, ctx);
  sp_terminal_destroy(terminal);
}

static int print_text(char *text, struct sp_err *err) {
  if (!text) return err->code;
  printf("%s\n", text);
  free(text);
  return 0;
}

static int show_list(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  struct list list = {.store = store, .err = err};
  if (options->json) return print_text(sp_campaign_list_json(store, err), err);
  put_on_screen(options, put_list, &list);
  if (list.code == 0 && list.shown == 0) printf("no campaigns: 'spate campaign new NAME --goal TEXT' begins one\n");
  return list.code;
}

static int show(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  struct sp_campaign campaign;
  if (options->argument_count < 2) return show_list(store, options, err);
  int code = sp_campaign_make(store, options->arguments[1], &campaign, err);
  if (code == 0 && options->json) code = print_text(sp_campaign_json(&campaign), err);
  else if (code == 0) put_on_screen(options, put_campaign, &campaign);
  sp_campaign_fini(&campaign);
  return code;
}

/* -- report -- */

static int write_out(const struct sp_campaign *campaign, const struct sp_campaign_out *out, struct sp_err *err) {
  struct sp_out_file file;
  struct sp_buf text;
  int code = sp_out_file_open(&file, out->path, err);
  if (code) return code;
  sp_buf_init(&text, SP_PAGE_TEXT_MAX);
  char *document = strcmp(out->kind, "md") == 0 ? NULL : sp_campaign_json(campaign);
  if (!document) sp_campaign_markdown(campaign, &text);
  else if (strcmp(out->kind, "json") == 0) sp_buf_printf(&text, "%s\n", document);
  else code = sp_page_report(sp_str_from(document), &text, err);
  code = code ? code : sp_out_file_write(&file, text.bytes, text.len, err);
  sp_out_file_close(&file);
  sp_buf_fini(&text);
  free(document);
  return code;
}

static int report(struct sp_store *store, const struct sp_options *options, struct sp_err *err) {
  static const struct sp_campaign_out markdown = {"md", "-"};
  struct sp_campaign campaign;
  size_t count = options->campaign.out_count;
  int code = sp_campaign_make(store, options->arguments[1], &campaign, err);
  if (code == 0 && count == 0) code = write_out(&campaign, &markdown, err);
  for (size_t i = 0; i < count && code == 0; i++) code = write_out(&campaign, &options->campaign.outs[i], err);
  sp_campaign_fini(&campaign);
  return code;
}

/* -- verbs -- */

enum { NEW = 1, ADD = 2, DECIDE = 4, SHOW = 8, REPORT = 16, DELETE = 32 };

static const struct verb {
  const char *name;
  int bit, least, most; /* words behind it */
  const char *words;
  bool writes;
  int (*run)(struct sp_store *store, const struct sp_options *options, struct sp_err *err);
} verbs[] = {
    {"new", NEW, 1, 1, "NAME", true, begin},
    {"add", ADD, 1, SP_ARGUMENTS_MAX, "NAME [RUN…] --round TITLE", true, add},
    {"decide", DECIDE, 3, 3, "NAME ROUND keep|revert", true, decide},
    {"show", SHOW, 0, 1, "[NAME]", false, show},
    {"report", REPORT, 1, 1, "NAME", false, report},
    {"delete", DELETE, 1, 1, "NAME", true, throw_away},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char *next_verb(const void *table, size_t i) {
  (void)table;
  return i < VERBS ? verbs[i].name : NULL;
}

static const struct verb *find_verb(const char *word, struct sp_err *err) {
  for (size_t i = 0; i < VERBS; i++) {
    if (strcmp(verbs[i].name, word) == 0) return &verbs[i];
  }
  const char *near = sp_str_nearest(word, next_verb, NULL);
  sp_fail(err, SP_EUSAGE, "there is no 'spate campaign %s'%s%s%s", word, near ? ": did you mean '" : " (new, add, decide, show, "
          "report, delete)", near ? near : "", near ? "'?" : "");
  return NULL;
}

/* An option that would do nothing is a mistake. */
static int check_options(const struct sp_options *options, const struct verb *verb, struct sp_err *err) {
  const struct sp_campaign_options *said = &options->campaign;
  const struct {
    const char *name;
    bool is_said;
    int verbs;
  } rows[] = {
      {"goal", said->goal, NEW},           {"slo", options->slo_count > 0, NEW},     {"figure", said->figure, NEW},
      {"round", said->round, ADD},         {"hypothesis", said->hypothesis, ADD},    {"change", said->change_count > 0, ADD},
      {"snapshot", said->snapshot, ADD},   {"predict", said->predict, ADD},          {"decision", said->decision, ADD},
      {"note", said->note, ADD | DECIDE},  {"allow-invalid", said->allow_invalid, ADD}, {"out", said->out_count > 0, REPORT},
      {"json", options->json, SHOW},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (rows[i].is_said && !(rows[i].verbs & verb->bit)) {
      return sp_fail(err, SP_EUSAGE, "--%s does nothing with 'spate campaign %s'", rows[i].name, verb->name);
    }
  }
  int words = options->argument_count - 1;
  if (words >= verb->least && words <= verb->most) return 0;
  return sp_fail(err, SP_EUSAGE, "it is: spate campaign %s %s", verb->name, verb->words);
}

static int run_verb(const struct verb *verb, const struct sp_options *options, struct sp_err *err) {
  struct sp_store *store = verb->writes ? sp_history_open_to_write(options, err) : sp_history_open(options, err);
  bool lists = verb->bit == SHOW && options->argument_count < 2;
  if (!store && err->code == SP_ENOTFOUND && lists) { /* nothing was kept yet: no fault */
    printf("%s\n", options->json ? "{\"campaigns\":[]}" : "no campaigns: 'spate campaign new NAME --goal TEXT' begins one");
    return 0;
  }
  int code = store ? verb->run(store, options, err) : err->code;
  sp_store_close(store);
  return code;
}

static int campaign_run(const struct sp_options *options) {
  struct sp_err err;
  const struct verb *verb = find_verb(options->argument_count > 0 ? options->arguments[0] : "show", &err);
  struct sp_options listing = *options;
  if (options->argument_count == 0) {
    listing.arguments[0] = "show";
    listing.argument_count = 1;
  }
  int code = verb ? check_options(&listing, verb, &err) : err.code;
  code = code ? code : run_verb(verb, &listing, &err);
  return code ? sp_cli_fail(&err) : SP_EXIT_OK;
}

static const struct sp_option *const groups[] = {sp_options_campaign_new, sp_options_campaign_add, sp_options_campaign_show,
                                                 sp_options_common, NULL};

const struct sp_command sp_command_campaign = {.name = "campaign", .arguments = "…",
    .summary = "rounds of a tuning campaign: one change each, recorded and judged",
    .details = "  new NAME                         begins a campaign: its goal, and what its rounds are judged by\n"
               "  add NAME [RUN…] --round TITLE    a round, or more of it: change, hypothesis, prediction, trials\n"
               "  decide NAME ROUND keep|revert    whether the change stays; the next rounds are held against what is kept\n"
               "  show [NAME]                      all campaigns, or one: bars, table, verdicts\n"
               "  report NAME                      as Markdown, as a page in one file, as JSON\n"
               "  delete NAME                      the record; its runs stay in the history\n"
               "RUN is a run (an id, the begin of one, last, last~1) or a search for the capacity (an id, capacity, capacity~1).\n"
               "A verdict is of trials: three a side are the least, one is no test (docs/campaigns.md).\n",
    .arguments_max = SP_ARGUMENTS_MAX, .option_groups = groups, .run = campaign_run};
