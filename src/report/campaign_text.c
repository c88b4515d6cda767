/* A campaign in the terminal: bars, the table of rounds, then each round's words. */
#include "report/campaign_inside.h"

#include "base/units.h"
#include "report/figures.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>

#define LABEL_SHARE 3 /* of the width, at most, for the names of rounds */
#define BAR_MIN 4
#define HEAD_WIDTH 12

/* -- bars -- */

struct bar {
  const char *label;
  double value;
  char text[SP_SLO_VALUE_SIZE];
  const char *word; /* behind it; "" for none */
  enum sp_ink ink;
};

struct bars {
  struct bar list[SP_CAMPAIGN_ROUNDS_MAX + 1];
  size_t count;
  double most;
  int label, text, word; /* the widest of each */
};

static void add_bar(struct bars *bars, const struct sp_campaign *campaign, const char *label, double value, const char *word,
                    enum sp_ink ink) {
  struct bar *bar = &bars->list[bars->count++];
  *bar = (struct bar){ .label = label, .value = value, .word = word, .ink = ink };
  sp_campaign_figure_format(&campaign->figure, value, bar->text, sizeof(bar->text));
  int widths[] = { sp_text_width(sp_str_from(label)), sp_text_width(sp_str_from(bar->text)), sp_text_width(sp_str_from(word)) };
  bars->label = widths[0] > bars->label ? widths[0] : bars->label;
  bars->text = widths[1] > bars->text ? widths[1] : bars->text;
  bars->word = widths[2] > bars->word ? widths[2] : bars->word;
  bars->most = isfinite(value) && value > bars->most ? value : bars->most;
}

static enum sp_ink verdict_ink(const struct sp_campaign_round *round) {
  if (!round->judged) {
    return round->reasons.count > 0 ? SP_INK_YELLOW : SP_INK_PLAIN;
  }
  switch (round->verdict.kind) {
  case SP_VERDICT_BETTER: return SP_INK_GREEN;
  case SP_VERDICT_WORSE: return SP_INK_RED;
  case SP_VERDICT_SAME:
  case SP_VERDICT_INCONCLUSIVE: break;
  }
  return SP_INK_DIM;
}

static const char *verdict_word(const struct sp_campaign_round *round) {
  if (round->judged) {
    return sp_verdict_name(round->verdict.kind);
  }
  return round->reasons.count > 0 ? "not comparable" : "";
}

/* The cap that most rounds' users had: shown where it is near enough to matter. */
static double cap_of(const struct sp_campaign *campaign, double most) {
  double cap = NAN;
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    cap = isfinite(campaign->rounds[i].cap_per_s) ? campaign->rounds[i].cap_per_s : cap;
  }
  bool rate = campaign->figure.more_is_better && !campaign->figure.bound;
  return rate && cap < 3 * most ? cap : (double)NAN;
}

static void gather_bars(const struct sp_campaign *campaign, struct bars *bars) {
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    const struct sp_campaign_round *round = &campaign->rounds[i];
    add_bar(bars, campaign, round->record->title, round->figure.value, verdict_word(round), verdict_ink(round));
  }
  double cap = cap_of(campaign, bars->most);
  if (isfinite(cap)) {
    add_bar(bars, campaign, "(the workload's cap)", cap, "", SP_INK_DIM);
  }
}

/* In eighths of a column. */
static void put_blocks(struct sp_canvas *canvas, double columns) {
  static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  long in_eighths = lround(columns * 8);
  for (long i = 0; i < in_eighths / 8; i++) {
    sp_put(canvas, "█");
  }
  sp_put(canvas, "%s", eighths[in_eighths % 8]);
}

static int blocks_width(double columns) { return (int)((lround(columns * 8) + 7) / 8); }

static void put_bar(const struct bars *bars, const struct bar *bar, int label, int width, bool words, struct sp_canvas *canvas) {
  double columns = isfinite(bar->value) && bars->most > 0 ? bar->value / bars->most * width : 0;
  sp_put_cell(canvas, sp_str_from(bar->label), label, false);
  sp_put(canvas, "  ");
  sp_put_ink(canvas, bar->ink);
  put_blocks(canvas, columns);
  sp_put_ink(canvas, SP_INK_PLAIN);
  sp_put_spaces(canvas, width - blocks_width(columns) + 2);
  sp_put_cell(canvas, sp_str_from(bar->text), bars->text, true);
  if (words && bar->word[0]) {
    sp_put(canvas, "  ");
    sp_put_inked(canvas, bar->ink, "%s", bar->word);
  }
  sp_put(canvas, "\n");
}

void sp_campaign_put_bars(const struct sp_campaign *campaign, struct sp_canvas *canvas) {
  struct bars bars = { .count = 0 };
  gather_bars(campaign, &bars);
  int label = bars.label < canvas->width / LABEL_SHARE ? bars.label : canvas->width / LABEL_SHARE;
  int left = canvas->width - label - bars.text - 4;
  bool words = bars.word > 0 && left - bars.word - 2 >= 2 * BAR_MIN;
  int width = words ? left - bars.word - 2 : left;
  for (size_t i = 0; i < bars.count; i++) {
    put_bar(&bars, &bars.list[i], label, width < BAR_MIN ? BAR_MIN : width, words, canvas);
  }
}

/* -- the table -- */

enum { ROUND, CHANGE, TRIALS, FIGURE, INTERVAL, RPS, FLIGHT, MEAN, P95, FAILED, SLO, HELD_BY, VERDICT, DECISION, COLUMNS };

static const struct sp_column columns[COLUMNS] = {
  [ROUND] = { .title = "round", .left = true },
  [CHANGE] = { .title = "change", .priority = 4, .left = true, .optional = true },
  [TRIALS] = { .title = "trials", .priority = 8 },
  [FIGURE] = { .title = "figure", .priority = 12 },
  [INTERVAL] = { .title = "95 %", .priority = 6, .optional = true },
  [RPS] = { .title = "req/s", .priority = 5, .optional = true },
  [FLIGHT] = { .title = "in flight", .priority = 2, .optional = true },
  [MEAN] = { .group = "full, ms", .title = "mean", .priority = 3, .optional = true },
  [P95] = { .group = "full, ms", .title = "p95", .priority = 3, .optional = true },
  [FAILED] = { .title = "failed", .priority = 1, .optional = true },
  [SLO] = { .title = "SLO", .priority = 9, .left = true, .optional = true },
  [HELD_BY] = { .title = "held by", .priority = 7, .left = true, .optional = true },
  [VERDICT] = { .title = "verdict", .priority = 11, .left = true, .optional = true },
  [DECISION] = { .title = "decision", .priority = 10, .left = true },
};

static void set_change(struct sp_table *table, const struct sp_store_round *record) {
  char text[SP_CAMPAIGN_WORDS_SIZE];
  if (record->change_count > 1) {
    snprintf(text, sizeof(text), "%zu changes", record->change_count);
    sp_table_set(table, CHANGE, text);
  } else if (record->change_count == 1) {
    sp_table_set(table, CHANGE, sp_campaign_change(&record->changes[0], text, sizeof(text)));
  }
}

static void set_figure(struct sp_table *table, size_t column, const struct sp_campaign *campaign, double value) {
  char text[SP_SLO_VALUE_SIZE];
  sp_table_set(table, column, sp_campaign_figure_format(&campaign->figure, value, text, sizeof(text)));
}

/* One cell: half of an interval says nothing where the other had no room. */
static void set_interval(struct sp_table *table, const struct sp_campaign *campaign, const struct sp_verdict_figure *figure) {
  char low[SP_SLO_VALUE_SIZE], high[SP_SLO_VALUE_SIZE], text[2 * SP_SLO_VALUE_SIZE + 4];
  if (isfinite(figure->low)) {
    snprintf(text, sizeof(text), "%s to %s", sp_campaign_figure_format(&campaign->figure, figure->low, low, sizeof(low)),
             sp_campaign_figure_format(&campaign->figure, figure->high, high, sizeof(high)));
    sp_table_set(table, INTERVAL, text);
  }
}

static void set_ms(struct sp_table *table, size_t column, double ms) {
  char text[SP_UNIT_TEXT_SIZE];
  sp_table_set(table, column, isfinite(ms) ? sp_format_ms(ms, text, sizeof(text)) : SP_TABLE_NONE);
}

static void add_row(struct sp_table *table, const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  char text[SP_FIGURE_SIZE];
  sp_table_add_row(table);
  sp_table_set(table, ROUND, round->record->title);
  set_change(table, round->record);
  snprintf(text, sizeof(text), round->counting < round->trial_count ? "%zu of %zu" : "%zu", round->counting, round->trial_count);
  sp_table_set(table, TRIALS, text);
  set_figure(table, FIGURE, campaign, round->figure.value);
  set_interval(table, campaign, &round->figure);
  if (strcmp(campaign->record.figure, "rps") != 0) {
    sp_table_set(table, RPS, sp_figure_rate(round->rps, text, sizeof(text)));
  }
  sp_table_set(table, FLIGHT, sp_figure_rate(round->in_flight, text, sizeof(text)));
  set_ms(table, MEAN, round->e2e_mean_ms);
  set_ms(table, P95, round->e2e_p95_ms);
  sp_table_set(table, FAILED, sp_figure_percent(round->failed_share, text, sizeof(text)));
  sp_table_set(table, SLO, round->slos_met < 0 ? SP_TABLE_NONE : round->slos_met ? "met" : "missed");
  sp_table_set_ink(table, SLO, round->slos_met == 0 ? SP_INK_RED : SP_INK_PLAIN);
  sp_table_set(table, HELD_BY, round->held_by);
  sp_table_set(table, VERDICT, verdict_word(round));
  sp_table_set_ink(table, VERDICT, verdict_ink(round));
  sp_table_set(table, DECISION, sp_campaign_decision_name(round->record->decision));
}

static void put_table(const struct sp_campaign *campaign, struct sp_canvas *canvas) {
  struct sp_table table;
  struct sp_column named[COLUMNS];
  memcpy(named, columns, sizeof(named));
  named[FIGURE].title = campaign->record.figure;
  sp_table_init(&table, named, COLUMNS);
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    add_row(&table, campaign, &campaign->rounds[i]);
  }
  sp_table_put(&table, canvas, 0);
  sp_table_fini(&table);
}

/* -- words -- */

static void put_line(struct sp_canvas *canvas, const char *head, enum sp_ink ink, const char *text) {
  if (!text || !text[0]) {
    return;
  }
  struct sp_str rest = sp_str_from(text);
  while (rest.len > 0) { /* a note has a line for each time that one was added */
    struct sp_str line = sp_str_split(&rest, '\n');
    sp_put_spaces(canvas, 2);
    sp_put_inked(canvas, ink, "%s", head);
    sp_put_spaces(canvas, HEAD_WIDTH - (int)strlen(head));
    sp_put_wrapped(canvas, line, HEAD_WIDTH + 2, 4);
  }
}

static bool has_words(const struct sp_campaign_round *round) {
  const struct sp_store_round *record = round->record;
  return record->hypothesis || record->change_count > 0 || record->prediction.figure || record->note || round->notes.count > 0 ||
         round->parent != SP_NO_ROUND;
}

static void put_words(const struct sp_campaign *campaign, const struct sp_campaign_round *round, struct sp_canvas *canvas) {
  const struct sp_store_round *record = round->record;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  if (!has_words(round)) {
    return;
  }
  sp_put(canvas, "\n");
  sp_put_ink(canvas, SP_INK_BOLD);
  sp_put_clipped(canvas, sp_str_from(record->title), canvas->width);
  sp_put_ink(canvas, SP_INK_PLAIN);
  sp_put(canvas, "\n");
  put_line(canvas, "hypothesis", SP_INK_DIM, record->hypothesis);
  for (size_t i = 0; i < record->change_count; i++) {
    put_line(canvas, "change", SP_INK_DIM, sp_campaign_change(&record->changes[i], text, sizeof(text)));
  }
  put_line(canvas, "verdict", verdict_ink(round), sp_campaign_verdict(campaign, round, text, sizeof(text)));
  for (size_t i = 1; i < round->reasons.count; i++) {
    put_line(canvas, "and", SP_INK_YELLOW, round->reasons.items[i]);
  }
  put_line(canvas, "predicted", SP_INK_DIM, sp_campaign_prediction(round, text, sizeof(text)));
  put_line(canvas, "because", SP_INK_DIM, record->prediction.because);
  put_line(canvas, "noted", SP_INK_DIM, record->note);
  for (size_t i = 0; i < round->notes.count; i++) {
    put_line(canvas, "note", SP_INK_CYAN, round->notes.items[i]);
  }
}

static void put_head(const struct sp_campaign *campaign, struct sp_canvas *canvas) {
  const struct sp_store_campaign *record = &campaign->record;
  struct sp_buf line;
  sp_buf_init(&line, SP_CAMPAIGN_TEXT_MAX * 3);
  sp_put_ink(canvas, SP_INK_BOLD);
  sp_put_wrapped(canvas, sp_str_from(record->name), 0, 2);
  sp_put_ink(canvas, SP_INK_PLAIN);
  sp_buf_printf(&line, "%s%sjudged by %s (%s is better)", record->goal, record->goal[0] ? " · " : "", record->figure,
                campaign->figure.more_is_better ? "more" : "less");
  for (size_t i = 0; i < campaign->slo_count; i++) {
    sp_buf_printf(&line, " · %s", campaign->slos[i].text);
  }
  if (campaign->predictions > 0) {
    sp_buf_printf(&line, " · %u of %u predictions came out", campaign->as_predicted, campaign->predictions);
  }
  sp_put_parts(canvas, sp_buf_str(&line), 0, 2);
  sp_buf_fini(&line);
}

void sp_campaign_put(const struct sp_campaign *campaign, struct sp_canvas *canvas) {
  put_head(campaign, canvas);
  if (campaign->record.round_count == 0) {
    sp_put(canvas, "\nno rounds yet: spate campaign add '%s' last --round baseline\n", campaign->record.name);
    return;
  }
  sp_put(canvas, "\n");
  sp_campaign_put_bars(campaign, canvas);
  sp_put(canvas, "\n");
  put_table(campaign, canvas);
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    put_words(campaign, &campaign->rounds[i], canvas);
  }
  sp_put(canvas, campaign->notes.count > 0 ? "\n" : "");
  for (size_t i = 0; i < campaign->notes.count; i++) {
    put_line(canvas, "note", SP_INK_CYAN, campaign->notes.items[i]);
  }
}

/* -- the list -- */

enum { NAME, BEGAN, ROUNDS, JUDGED, GOAL, LIST_COLUMNS };

static const struct sp_column list_columns[LIST_COLUMNS] = {
  [NAME] = { .title = "campaign", .left = true },
  [BEGAN] = { .title = "began (UTC)", .priority = 1, .left = true },
  [ROUNDS] = { .title = "rounds", .priority = 3 },
  [JUDGED] = { .title = "judged by", .priority = 2, .left = true },
  [GOAL] = { .title = "goal", .priority = 0, .left = true, .optional = true },
};

static int add_campaign(void *ctx, const struct sp_store_campaign *campaign) {
  struct sp_table *table = ctx;
  char text[SP_RFC3339_SIZE];
  sp_table_add_row(table);
  sp_table_set(table, NAME, campaign->name);
  sp_clock_rfc3339(campaign->real_ns, text, sizeof(text));
  text[10] = 0;
  sp_table_set(table, BEGAN, text);
  snprintf(text, sizeof(text), "%zu", campaign->round_count);
  sp_table_set(table, ROUNDS, text);
  sp_table_set(table, JUDGED, campaign->figure);
  sp_table_set(table, GOAL, campaign->goal);
  return SP_OK;
}

int sp_campaign_put_list(struct sp_store *store, struct sp_canvas *canvas, size_t *shown, struct sp_err *err) {
  struct sp_table table;
  sp_table_init(&table, list_columns, LIST_COLUMNS);
  int code = sp_store_campaign_list(store, add_campaign, &table, err);
  if (code == 0 && table.row_count > 0) {
    sp_table_put(&table, canvas, 0);
  }
  *shown = table.row_count;
  sp_table_fini(&table);
  return code;
}
