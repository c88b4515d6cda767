#include "store/store_read.h"

#include "store/db.h"
#include "store/process.h"

#include "base/buf.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>

const char *sp_store_state_name(enum sp_store_state state) {
  static const char *const names[] = { "running", "finished", "interrupted" };
  return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "interrupted";
}

bool sp_row_is_gone(struct sp_query *row, int first_column) {
  struct sp_process process = { .pid = sp_column_int(row, first_column),
                                .started = (uint64_t)sp_column_int(row, first_column + 1),
                                .space = (uint64_t)sp_column_int(row, first_column + 2) };
  snprintf(process.boot, sizeof(process.boot), "%s", sp_column_text(row, first_column + 3));
  return sp_process_is_gone(&process, sp_clock_real_ns() - sp_column_int(row, first_column + 4));
}

/* -- rows of runs -- */

#define RUN_COLUMNS \
  "no, id, name, plan, plan_hash, host, version, state, real_ns, mono_ns, seed, duration_ns / 1e9, measured_ns / 1e9," \
  " users_max, rps, failed_share, ttft_p95_ms, e2e_p95_ms, valid, slos_met"
#define RUN_COLUMN_COUNT 20

static void read_run(struct sp_query *row, struct sp_store_run *out) {
  *out = (struct sp_store_run){
    .no = sp_column_int(row, 0),
    .id = sp_column_text(row, 1),
    .name = sp_column_text(row, 2),
    .plan = sp_column_text(row, 3),
    .plan_hash = sp_column_text(row, 4),
    .host = sp_column_text(row, 5),
    .version = sp_column_text(row, 6),
    .state = (enum sp_store_state)sp_column_int(row, 7),
    .real_ns = sp_column_int(row, 8),
    .mono_ns = sp_column_int(row, 9),
    .seed = (uint64_t)sp_column_int(row, 10),
    .duration_s = sp_column_real(row, 11),
    .measured_s = sp_column_real(row, 12),
    .users_max = sp_column_real(row, 13),
    .rps = sp_column_real(row, 14),
    .failed_share = sp_column_real(row, 15),
    .ttft_p95_ms = sp_column_real(row, 16),
    .e2e_p95_ms = sp_column_real(row, 17),
    .valid = sp_column_flag(row, 18),
    .slos_met = sp_column_flag(row, 19),
  };
  if (out->state == SP_STORE_RUNNING && sp_row_is_gone(row, RUN_COLUMN_COUNT)) {
    out->state = SP_STORE_INTERRUPTED;
  }
}

/* -- tags and parameters of a row -- */

struct pairs {
  struct sp_query query;
  struct sp_store_pair list[SP_STORE_PAIRS_MAX];
  size_t count;
  struct sp_buf texts; /* what the list points into, once all are there */
};
#define PAIRS_TEXT_MAX (16u * 1024u * 1024u)

static int pairs_open(struct pairs *pairs, struct sp_store *store, const char *sql, struct sp_err *err) {
  sp_buf_init(&pairs->texts, PAIRS_TEXT_MAX);
  return sp_query_open(&pairs->query, store, sql, err);
}

static void pairs_close(struct pairs *pairs) {
  sqlite3_finalize(pairs->query.stmt);
  sp_buf_fini(&pairs->texts);
}

/* Texts go one behind the other, each with its NUL; a value that is missing has no place (NULL). */
static size_t keep(struct sp_buf *texts, const char *text) {
  size_t at = texts->len;
  return sp_buf_append(texts, text, strlen(text) + 1) == 0 ? at : SIZE_MAX;
}

static void pairs_read(struct pairs *pairs, int64_t run) {
  size_t keys[SP_STORE_PAIRS_MAX], values[SP_STORE_PAIRS_MAX];
  sp_buf_clear(&pairs->texts);
  sp_query_again(&pairs->query);
  sp_query_int(&pairs->query, run);
  for (pairs->count = 0; pairs->count < SP_STORE_PAIRS_MAX && sp_query_next(&pairs->query); pairs->count++) {
    bool secret = sqlite3_column_type(pairs->query.stmt, 1) == SQLITE_NULL;
    keys[pairs->count] = keep(&pairs->texts, sp_column_text(&pairs->query, 0));
    values[pairs->count] = secret ? SIZE_MAX : keep(&pairs->texts, sp_column_text(&pairs->query, 1));
  }
  for (size_t i = 0; i < pairs->count; i++) {
    pairs->list[i].key = keys[i] == SIZE_MAX ? "" : pairs->texts.bytes + keys[i];
    pairs->list[i].value = values[i] == SIZE_MAX ? NULL : pairs->texts.bytes + values[i];
  }
}

#define TAGS_OF "SELECT key, value FROM tags WHERE run = ? ORDER BY position"
#define PARAMS_OF "SELECT key, value FROM params WHERE run = ? ORDER BY position"

/* -- the list -- */

#define LIST_SQL_MAX 65536u

static int open_list(struct sp_query *query, struct sp_store *store, const struct sp_store_filter *filter,
                     struct sp_err *err) {
  struct sp_buf sql;
  sp_buf_init(&sql, LIST_SQL_MAX);
  sp_buf_append_text(&sql, "SELECT " RUN_COLUMNS ", " SP_PROCESS_COLUMNS " FROM runs WHERE real_ns >= ?");
  if (filter->plan) {
    sp_buf_append_text(&sql, " AND plan = ?");
  }
  for (size_t i = 0; i < filter->tag_count; i++) {
    sp_buf_append_text(&sql, " AND no IN (SELECT run FROM tags WHERE key = ? AND value = ?)");
  }
  if (sp_buf_append_text(&sql, " ORDER BY real_ns DESC, no DESC LIMIT ?")) {
    sp_buf_fini(&sql);
    return sp_fail(err, SP_ELIMIT, "too many tags to list by");
  }
  int code = sp_query_open(query, store, sql.bytes, err);
  sp_buf_fini(&sql);
  if (code) {
    return code;
  }
  sp_query_int(query, filter->since_real_ns);
  if (filter->plan) {
    sp_query_text(query, filter->plan);
  }
  for (size_t i = 0; i < filter->tag_count; i++) {
    sp_query_text(query, filter->tags[i].key);
    sp_query_text(query, filter->tags[i].value);
  }
  sp_query_int(query, filter->limit > 0 && filter->limit < INT64_MAX ? (int64_t)filter->limit : -1);
  return SP_OK;
}

int sp_store_list(struct sp_store *store, const struct sp_store_filter *filter,
                  int (*each)(void *ctx, const struct sp_store_run *run), void *ctx, struct sp_err *err) {
  static const struct sp_store_filter all;
  struct sp_query rows;
  struct pairs tags;
  struct sp_store_run run;
  int code = open_list(&rows, store, filter ? filter : &all, err);
  if (code) {
    return code;
  }
  int given = 0;
  code = pairs_open(&tags, store, TAGS_OF, err);
  while (code == 0 && given == 0 && sp_query_next(&rows)) {
    read_run(&rows, &run);
    pairs_read(&tags, run.no);
    run.tags = tags.list;
    run.tag_count = tags.count;
    given = each(ctx, &run);
  }
  pairs_close(&tags);
  int rows_code = sp_query_close(&rows, "read", code ? NULL : err);
  return code ? code : rows_code ? rows_code : given;
}

/* -- one run -- */

static int with_row(struct sp_store *store, struct sp_query *row,
                    int (*with)(void *ctx, const struct sp_store_detail *detail), void *ctx, struct sp_err *err) {
  struct pairs tags, params;
  struct sp_store_detail detail = { 0 };
  const int first = RUN_COLUMN_COUNT + SP_PROCESS_COLUMN_COUNT;
  int code = pairs_open(&tags, store, TAGS_OF, err);
  int params_code = pairs_open(&params, store, PARAMS_OF, err);
  code = code ? code : params_code;
  if (code == 0) {
    read_run(row, &detail.run);
    pairs_read(&tags, detail.run.no);
    pairs_read(&params, detail.run.no);
    detail.run.tags = tags.list;
    detail.run.tag_count = tags.count;
    detail.params = params.list;
    detail.param_count = params.count;
    detail.plan_text = sp_column_bytes(row, first);
    detail.asked = sp_column_bytes(row, first + 1);
    detail.totals = sp_column_bytes(row, first + 2);
    detail.result = sp_column_bytes(row, first + 3);
    detail.summary = sp_column_bytes(row, first + 4);
    code = with(ctx, &detail);
  }
  pairs_close(&tags);
  pairs_close(&params);
  return code;
}

int sp_store_read(struct sp_store *store, const char *id, int (*with)(void *ctx, const struct sp_store_detail *detail),
                  void *ctx, struct sp_err *err) {
  struct sp_query row;
  int code = sp_query_open(&row, store,
                           "SELECT " RUN_COLUMNS ", " SP_PROCESS_COLUMNS
                           ", plan_text, asked, totals, result, summary FROM runs WHERE id = ?",
                           err);
  if (code) {
    return code;
  }
  sp_query_text(&row, id);
  bool found = sp_query_next(&row);
  if (found) {
    code = with_row(store, &row, with, ctx, err);
  }
  int row_code = sp_query_close(&row, "read", code ? NULL : err);
  if (code || row_code || found) {
    return code ? code : row_code;
  }
  return sp_fail(err, SP_ENOTFOUND, "there is no run '%s' in '%s'", id, store->path);
}

struct sp_str sp_store_counted(const struct sp_store_tick *tick) {
  if (tick->counted.bytes) {
    return tick->counted;
  }
  return tick->part == SP_STORE_PART_WARM ? sp_str_of(NULL, 0) : tick->interval;
}

int sp_store_read_ticks(struct sp_store *store, int64_t run, int (*each)(void *ctx, const struct sp_store_tick *tick),
                        void *ctx, struct sp_err *err) {
  struct sp_query rows;
  int given = 0;
  int code = sp_query_open(&rows, store,
                           "SELECT n, elapsed_ns, part, phase, users, users_target, in_flight, rate_target, stage,"
                           " interval, counted FROM ticks WHERE run = ? ORDER BY n",
                           err);
  if (code) {
    return code;
  }
  sp_query_int(&rows, run);
  while (given == 0 && sp_query_next(&rows)) {
    struct sp_store_tick tick = {
      .n = (uint64_t)sp_column_int(&rows, 0),
      .elapsed_ns = sp_column_int(&rows, 1),
      .part = (unsigned)sp_column_int(&rows, 2),
      .phase = (unsigned)sp_column_int(&rows, 3),
      .users = (uint64_t)sp_column_int(&rows, 4),
      .users_target = (uint64_t)sp_column_int(&rows, 5),
      .in_flight = (uint64_t)sp_column_int(&rows, 6),
      .rate_target = sp_column_real(&rows, 7),
      .stage = (size_t)sp_column_int(&rows, 8),
      .interval = sp_column_bytes(&rows, 9),
      .counted = sp_column_bytes(&rows, 10),
    };
    given = each(ctx, &tick);
  }
  code = sp_query_close(&rows, "read", given ? NULL : err);
  return given ? given : code;
}
