#include "report/history_text.h"

#include "base/clock.h"
#include "base/units.h"
#include "report/figures.h"
#include "report/table.h"
#include "store/store_capacity.h"

#include <math.h>
#include <stdio.h>

static void started_text(int64_t real_ns, char *text, size_t size) {
  char stamp[SP_RFC3339_SIZE];
  sp_clock_rfc3339(real_ns, stamp, sizeof(stamp));
  snprintf(text, size, "%.10s %.8s", stamp, stamp + 11);
}

/* -- the list -- */

enum { RUN, STARTED, NAME, STATE, LENGTH, USERS, RPS, FAILED, TTFT, E2E, SLO, TAGS, LIST_COLUMNS };

static const struct sp_column list_columns[LIST_COLUMNS] = {
  [RUN] = { .title = "run", .left = true },
  [STARTED] = { .title = "started (UTC)", .priority = 0, .left = true },
  [NAME] = { .title = "name", .priority = 10, .left = true },
  [STATE] = { .title = "state", .priority = 11, .left = true },
  [LENGTH] = { .title = "took", .priority = 7 },
  [USERS] = { .title = "users", .priority = 5 },
  [RPS] = { .title = "req/s", .priority = 8 },
  [FAILED] = { .title = "failed", .priority = 6 },
  [TTFT] = { .group = "p95, ms", .title = "TTFT", .priority = 3, .optional = true },
  [E2E] = { .group = "p95, ms", .title = "full", .priority = 3, .optional = true },
  [SLO] = { .title = "SLO", .priority = 9, .left = true },
  [TAGS] = { .title = "tags", .priority = 1, .left = true, .optional = true },
};

struct list {
  struct sp_table table;
  uint64_t count;
};

static const char *state_of(const struct sp_store_run *run, enum sp_ink *ink) {
  bool invalid = run->state == SP_STORE_FINISHED && run->valid == 0;
  *ink = run->state == SP_STORE_RUNNING ? SP_INK_CYAN : run->state == SP_STORE_INTERRUPTED || invalid ? SP_INK_YELLOW
                                                                                                      : SP_INK_PLAIN;
  return invalid ? "invalid" : sp_store_state_name(run->state);
}

static void set_ms(struct sp_table *table, size_t column, double ms) {
  char text[SP_UNIT_TEXT_SIZE];
  if (isfinite(ms)) {
    sp_table_set(table, column, sp_format_ms(ms, text, sizeof(text)));
  }
}

static void set_tags(struct sp_table *table, const struct sp_store_run *run) {
  struct sp_buf text;
  sp_buf_init(&text, 4096);
  for (size_t i = 0; i < run->tag_count; i++) {
    sp_buf_printf(&text, "%s%s=%s", i ? " " : "", run->tags[i].key, run->tags[i].value);
  }
  if (text.len > 0) {
    sp_table_set(table, TAGS, text.bytes);
  }
  sp_buf_fini(&text);
}

static int add_run(void *ctx, const struct sp_store_run *run) {
  struct list *list = ctx;
  struct sp_table *table = &list->table;
  char text[SP_FIGURE_SIZE];
  enum sp_ink ink;
  list->count++;
  sp_table_add_row(table);
  sp_table_set(table, RUN, run->id);
  started_text(run->real_ns, text, sizeof(text));
  sp_table_set(table, STARTED, text);
  sp_table_set(table, NAME, run->name);
  sp_table_set(table, STATE, state_of(run, &ink));
  sp_table_set_ink(table, STATE, ink);
  if (isfinite(run->duration_s)) {
    sp_table_set(table, LENGTH, sp_format_duration((int64_t)(run->duration_s * 1e9), text, sizeof(text)));
  }
  if (isfinite(run->users_max)) {
    sp_table_set(table, USERS, sp_format_count((uint64_t)run->users_max, text, sizeof(text)));
  }
  sp_table_set(table, RPS, sp_figure_rate(run->rps, text, sizeof(text)));
  sp_table_set(table, FAILED, sp_figure_percent(run->failed_share, text, sizeof(text)));
  set_ms(table, TTFT, run->ttft_p95_ms);
  set_ms(table, E2E, run->e2e_p95_ms);
  sp_table_set(table, SLO, run->slos_met < 0 ? SP_TABLE_NONE : run->slos_met ? "met" : "missed");
  sp_table_set_ink(table, SLO, run->slos_met == 0 ? SP_INK_RED : SP_INK_PLAIN);
  set_tags(table, run);
  return SP_OK;
}

int sp_history_put_list(struct sp_store *store, const struct sp_store_filter *filter, struct sp_canvas *canvas,
                        uint64_t *shown, struct sp_err *err) {
  struct list list = { .count = 0 };
  sp_table_init(&list.table, list_columns, LIST_COLUMNS);
  int code = sp_store_list(store, filter, add_run, &list, err);
  if (code == 0 && list.count > 0) {
    sp_table_put(&list.table, canvas, 0);
  }
  *shown = list.count;
  sp_table_fini(&list.table);
  return code;
}

/* -- searches for the capacity -- */

enum { SEARCH, BEGAN, SEARCH_NAME, FOUND, LOWER, UPPER, GOAL, SEARCH_COLUMNS };

static const struct sp_column search_columns[SEARCH_COLUMNS] = {
  [SEARCH] = { .title = "capacity", .left = true },
  [BEGAN] = { .title = "started (UTC)", .priority = 0, .left = true },
  [SEARCH_NAME] = { .title = "name", .priority = 3, .left = true },
  [FOUND] = { .title = "state", .priority = 5, .left = true },
  [LOWER] = { .title = "keeps", .priority = 4 },
  [UPPER] = { .title = "misses", .priority = 2 },
  [GOAL] = { .title = "goal", .priority = 1, .left = true },
};

static void set_load(struct sp_table *table, size_t column, const struct sp_store_capacity *capacity, double load) {
  char text[SP_FIGURE_SIZE + 16], figure[SP_FIGURE_SIZE];
  const char *unit = strcmp(capacity->unit, "users") == 0 ? " users" : capacity->unit;
  snprintf(text, sizeof(text), "%s%s", sp_figure_rate(load, figure, sizeof(figure)), isfinite(load) ? unit : "");
  sp_table_set(table, column, text);
}

static int add_search(void *ctx, const struct sp_store_capacity *capacity) {
  struct list *list = ctx;
  char text[40];
  list->count++;
  sp_table_add_row(&list->table);
  sp_table_set(&list->table, SEARCH, capacity->id);
  started_text(capacity->real_ns, text, sizeof(text));
  sp_table_set(&list->table, BEGAN, text);
  sp_table_set(&list->table, SEARCH_NAME, capacity->name);
  sp_table_set(&list->table, FOUND, capacity->complete ? capacity->verdict : "stopped");
  sp_table_set_ink(&list->table, FOUND, capacity->valid && capacity->complete ? SP_INK_PLAIN : SP_INK_YELLOW);
  set_load(&list->table, LOWER, capacity, capacity->lower);
  set_load(&list->table, UPPER, capacity, capacity->upper);
  sp_table_set(&list->table, GOAL, capacity->goal);
  return SP_OK;
}

int sp_history_put_searches(struct sp_store *store, const struct sp_store_filter *filter, struct sp_canvas *canvas,
                            uint64_t *shown, struct sp_err *err) {
  struct list list = { .count = 0 };
  sp_table_init(&list.table, search_columns, SEARCH_COLUMNS);
  int code = sp_store_list_capacities(store, filter, add_search, &list, err);
  if (code == 0 && list.count > 0) {
    sp_put(canvas, "\n");
    sp_table_put(&list.table, canvas, 0);
  }
  *shown = list.count;
  sp_table_fini(&list.table);
  return code;
}

/* -- a comparison -- */

enum { REQUEST, METRIC, A, B, RATIO, INTERVAL, VERDICT, COMPARED_COLUMNS };

static const struct sp_column compared_columns[COMPARED_COLUMNS] = {
  [REQUEST] = { .title = "request", .left = true },
  [METRIC] = { .title = "figure", .priority = 9, .left = true },
  [A] = { .title = "A", .priority = 3 },
  [B] = { .title = "B", .priority = 3 },
  [RATIO] = { .title = "B / A", .priority = 8 },
  [INTERVAL] = { .title = "95 %", .priority = 6 },
  [VERDICT] = { .title = "B is", .priority = 10, .left = true },
};

static void put_side(const char *letter, const struct sp_comparison_side *side, struct sp_canvas *canvas) {
  char line[SP_SENTENCE_SIZE], started[40], steady[SP_UNIT_TEXT_SIZE];
  started_text(side->real_ns, started, sizeof(started));
  sp_format_duration((int64_t)(side->steady_s * 1e9), steady, sizeof(steady));
  snprintf(line, sizeof(line), "%s  %s · %s · %s UTC · %s of it steady", letter, side->name, side->id, started, steady);
  sp_put_parts(canvas, sp_str_from(line), 0, 3);
}

static void put_sentences(const char *head, enum sp_ink ink, const struct sp_sentences *list, struct sp_canvas *canvas) {
  int width = sp_text_width(sp_str_from(head)) + 2;
  for (size_t i = 0; i < list->count; i++) {
    sp_put_inked(canvas, ink, "%s", head);
    sp_put(canvas, "  ");
    sp_put_wrapped(canvas, sp_str_from(list->items[i]), width, 2);
  }
}

static void figure_text(const struct sp_compare_row *row, double value, char *text, size_t size) {
  if (row->statistic == SP_COMPARE_RATE) {
    sp_figure_rate(value, text, size);
  } else {
    sp_format_ms(value, text, size);
  }
}

static enum sp_ink verdict_ink(const struct sp_compare_row *row) {
  bool rate = row->statistic == SP_COMPARE_RATE;
  switch (row->verdict) {
  case SP_COMPARE_LESS: return rate ? SP_INK_RED : SP_INK_GREEN;
  case SP_COMPARE_MORE: return rate ? SP_INK_GREEN : SP_INK_RED;
  case SP_COMPARE_SAME: break;
  case SP_COMPARE_FEW: break;
  }
  return SP_INK_DIM;
}

static void add_compared(struct sp_table *table, const struct sp_compare_row *row) {
  char text[80];
  bool rate = row->statistic == SP_COMPARE_RATE;
  sp_table_add_row(table);
  sp_table_set(table, REQUEST, row->name ? row->name : "all requests");
  snprintf(text, sizeof(text), "%s%s%s", rate ? "requests/s" : sp_metric_info(row->metric)->label, rate ? "" : " ",
           rate ? "" : sp_compare_statistic_name(row->statistic));
  sp_table_set(table, METRIC, text);
  figure_text(row, row->a, text, sizeof(text));
  sp_table_set(table, A, text);
  figure_text(row, row->b, text, sizeof(text));
  sp_table_set(table, B, text);
  snprintf(text, sizeof(text), "%.3f", row->ratio);
  sp_table_set(table, RATIO, text);
  snprintf(text, sizeof(text), "%.3f … %.3f", row->low, row->high);
  sp_table_set(table, INTERVAL, isfinite(row->low) ? text : SP_TABLE_NONE);
  sp_table_set(table, VERDICT, sp_compare_verdict_text(row));
  sp_table_set_ink(table, VERDICT, verdict_ink(row));
}

void sp_comparison_put(const struct sp_comparison *comparison, bool head_only, struct sp_canvas *canvas) {
  put_side("A", &comparison->a, canvas);
  put_side("B", &comparison->b, canvas);
  put_sentences("not comparable", SP_INK_YELLOW, &comparison->reasons, canvas);
  if (head_only) {
    return;
  }
  struct sp_table table;
  sp_table_init(&table, compared_columns, COMPARED_COLUMNS);
  for (size_t i = 0; i < comparison->row_count; i++) {
    add_compared(&table, &comparison->rows[i]);
  }
  sp_put(canvas, "\n");
  if (comparison->row_count > 0) {
    sp_table_put(&table, canvas, 0);
    sp_put(canvas, "\n");
  }
  put_sentences("note", SP_INK_CYAN, &comparison->notes, canvas);
  sp_table_fini(&table);
}
