/* A run as it goes: its begin, its ticks, its end. */
#include "store/db.h"
#include "store/process.h"
#include "store/store_read.h"

#include "stats/snapshot.h"

#include <stdio.h>

/* FNV-1a, 64 bits: tells plans apart that people wrote, and is no proof against forgery. */
void sp_plan_hash(struct sp_str text, char out[SP_PLAN_HASH_SIZE]) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < text.len; i++) {
    hash ^= (unsigned char)text.bytes[i];
    hash *= UINT64_C(0x100000001b3);
  }
  snprintf(out, SP_PLAN_HASH_SIZE, "%016llx", (unsigned long long)hash);
}

static int insert_pairs(struct sp_store *store, const char *sql, int64_t run, const struct sp_store_pair *pairs,
                        size_t count, struct sp_err *err) {
  struct sp_query insert;
  int code = sp_query_open(&insert, store, sql, err);
  for (size_t i = 0; i < count && code == 0; i++) {
    sp_query_again(&insert);
    sp_query_int(&insert, run);
    sp_query_int(&insert, (int64_t)i);
    sp_query_text(&insert, pairs[i].key);
    sp_query_text(&insert, pairs[i].value);
    sp_query_next(&insert);
    code = insert.code == SQLITE_DONE ? SP_OK : sp_db_fail(store, "write", err);
  }
  sqlite3_finalize(insert.stmt);
  return code;
}

static int insert_run(struct sp_store *store, const struct sp_store_begin *begin, struct sp_err *err) {
  struct sp_query insert;
  struct sp_process self;
  char hash[SP_PLAN_HASH_SIZE];
  int code = sp_query_open(&insert, store,
                           "INSERT INTO runs (id, name, plan, plan_text, plan_hash, host, version, real_ns, mono_ns, seed,"
                           " asked, state, pid, process_started, pid_space, boot)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           err);
  if (code) {
    return code;
  }
  sp_process_self(&self);
  sp_plan_hash(begin->plan_text, hash);
  sp_query_text(&insert, begin->id);
  sp_query_text(&insert, begin->name);
  sp_query_text(&insert, begin->plan);
  sp_query_bytes(&insert, begin->plan_text);
  sp_query_text(&insert, hash);
  sp_query_text(&insert, begin->host);
  sp_query_text(&insert, begin->version);
  sp_query_int(&insert, begin->real_ns);
  sp_query_int(&insert, begin->mono_ns);
  sp_query_int(&insert, (int64_t)begin->seed);
  sp_query_bytes(&insert, begin->asked);
  sp_query_int(&insert, SP_STORE_RUNNING);
  sp_query_int(&insert, self.pid);
  sp_query_int(&insert, (int64_t)self.started);
  sp_query_int(&insert, (int64_t)self.space);
  sp_query_text(&insert, self.boot);
  sp_query_next(&insert);
  return sp_query_close(&insert, "write", err);
}

static int begin_all(struct sp_store *store, const struct sp_store_begin *begin, int64_t *run, struct sp_err *err) {
  int code = insert_run(store, begin, err);
  *run = sqlite3_last_insert_rowid(store->db);
  if (code == 0) {
    code = insert_pairs(store, "INSERT INTO tags VALUES (?, ?, ?, ?)", *run, begin->tags, begin->tag_count, err);
  }
  if (code == 0) {
    code = insert_pairs(store, "INSERT INTO params VALUES (?, ?, ?, ?)", *run, begin->params, begin->param_count, err);
  }
  return code;
}

int sp_store_begin(struct sp_store *store, const struct sp_store_begin *begin, int64_t *run, struct sp_err *err) {
  int code = sp_db_begin(store, err);
  return code ? code : sp_db_end(store, begin_all(store, begin, run, err), err);
}

static int insert_tick(struct sp_query *insert, int64_t run, const struct sp_store_tick *tick, struct sp_err *err) {
  sp_query_again(insert);
  sp_query_int(insert, run);
  sp_query_int(insert, (int64_t)tick->n);
  sp_query_int(insert, tick->elapsed_ns);
  sp_query_int(insert, tick->part);
  sp_query_int(insert, tick->phase);
  sp_query_int(insert, (int64_t)tick->users);
  sp_query_int(insert, (int64_t)tick->users_target);
  sp_query_int(insert, (int64_t)tick->in_flight);
  sp_query_real(insert, tick->rate_target);
  sp_query_int(insert, (int64_t)tick->stage);
  sp_query_bytes(insert, tick->interval);
  if (tick->counted.bytes) {
    sp_query_bytes(insert, tick->counted);
  } else {
    sp_query_text(insert, NULL);
  }
  sp_query_next(insert);
  return insert->code == SQLITE_DONE ? SP_OK : sp_db_fail(insert->store, "write", err);
}

static int insert_ticks(struct sp_store *store, int64_t run, const struct sp_store_tick *ticks, size_t count,
                        struct sp_err *err) {
  struct sp_query insert;
  int code = sp_query_open(&insert, store, "INSERT INTO ticks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", err);
  for (size_t i = 0; i < count && code == 0; i++) {
    code = insert_tick(&insert, run, &ticks[i], err);
  }
  sqlite3_finalize(insert.stmt);
  return code;
}

int sp_store_ticks(struct sp_store *store, int64_t run, const struct sp_store_tick *ticks, size_t count,
                   struct sp_err *err) {
  int code = sp_db_begin(store, err);
  return code ? code : sp_db_end(store, insert_ticks(store, run, ticks, count, err), err);
}

/* -- the end -- */

static void bind_figures(struct sp_query *update, const struct sp_store_end *end) {
  struct sp_headline headline;
  sp_headline_of(end->totals, end->measured_ns, &headline);
  sp_query_int(update, end->duration_ns);
  sp_query_int(update, end->measured_ns);
  sp_query_int(update, (int64_t)end->users_max);
  sp_query_real(update, headline.rps);
  sp_query_real(update, headline.failed_share);
  sp_query_real(update, headline.ttft_p95_ms);
  sp_query_real(update, headline.e2e_p95_ms);
}

static void bind_totals(struct sp_query *update, const struct sp_interval *totals) {
  struct sp_buf bytes;
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(totals, &bytes);
  sp_query_bytes(update, sp_buf_str(&bytes));
  sp_buf_fini(&bytes);
}

int sp_store_end(struct sp_store *store, int64_t run, const struct sp_store_end *end, struct sp_err *err) {
  struct sp_query update;
  int code = sp_query_open(&update, store,
                           "UPDATE runs SET state = ?, duration_ns = ?, measured_ns = ?, users_max = ?, rps = ?,"
                           " failed_share = ?, ttft_p95_ms = ?, e2e_p95_ms = ?, totals = ?, valid = ?, slos_met = ?,"
                           " result = ?, summary = ? WHERE no = ?",
                           err);
  if (code) {
    return code;
  }
  sp_query_int(&update, SP_STORE_FINISHED);
  bind_figures(&update, end);
  bind_totals(&update, end->totals);
  sp_query_int(&update, end->valid);
  sp_query_int(&update, end->slos_met);
  sp_query_bytes(&update, end->result);
  sp_query_text(&update, end->summary);
  sp_query_int(&update, run);
  sp_query_next(&update);
  return sp_query_close(&update, "write", err);
}

/* -- runs that were cut off -- */

/* What there is of a run, added up: the warm-up is in no total. A tick that can't be read is left out. */
struct remains {
  struct sp_interval *totals;
  int64_t elapsed_ns, warm_ns;
  uint64_t users_max;
};

static int add_remains(void *ctx, const struct sp_store_tick *tick) {
  struct remains *remains = ctx;
  struct sp_str counted = sp_store_counted(tick);
  struct sp_interval *second = counted.len > 0 ? sp_snapshot_decode(counted, NULL) : NULL;
  remains->elapsed_ns = tick->elapsed_ns;
  remains->users_max = tick->users > remains->users_max ? tick->users : remains->users_max;
  if (tick->part == SP_STORE_PART_WARM) {
    remains->warm_ns = tick->elapsed_ns;
  }
  if (second) {
    sp_interval_merge(remains->totals, second);
  }
  sp_interval_destroy(second);
  return 0;
}

static int settle_one(struct sp_store *store, int64_t run, struct sp_err *err) {
  struct remains remains = { .totals = sp_interval_create() };
  struct sp_query update = { 0 };
  int code = sp_store_read_ticks(store, run, add_remains, &remains, err);
  if (code == 0) {
    code = sp_query_open(&update, store,
                         "UPDATE runs SET state = 2, duration_ns = ?, measured_ns = ?, users_max = ?, rps = ?,"
                         " failed_share = ?, ttft_p95_ms = ?, e2e_p95_ms = ?, totals = ? WHERE no = ? AND state = 0",
                         err);
  }
  if (code == 0) {
    struct sp_store_end end = { .duration_ns = remains.elapsed_ns, .measured_ns = remains.elapsed_ns - remains.warm_ns,
                                .users_max = remains.users_max, .totals = remains.totals };
    bind_figures(&update, &end);
    bind_totals(&update, remains.totals);
    sp_query_int(&update, run);
    sp_query_next(&update);
    code = sp_query_close(&update, "write", err);
  }
  sp_interval_destroy(remains.totals);
  return code;
}

#define SETTLE_MAX 1000u /* at once; the others have their turn when the history is opened again */

int sp_store_settle(struct sp_store *store, struct sp_err *err) {
  int64_t gone[SETTLE_MAX];
  size_t count = 0;
  struct sp_query running;
  int code = sp_query_open(&running, store, "SELECT no, " SP_PROCESS_COLUMNS " FROM runs WHERE state = 0", err);
  if (code) {
    return code;
  }
  while (count < SETTLE_MAX && sp_query_next(&running)) {
    if (sp_row_is_gone(&running, 1)) {
      gone[count++] = sp_column_int(&running, 0);
    }
  }
  code = sp_query_close(&running, "read", err);
  for (size_t i = 0; i < count && code == 0; i++) {
    code = settle_one(store, gone[i], err);
  }
  return code;
}
