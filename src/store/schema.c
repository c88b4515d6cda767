/*
 * The tables, and how a file of an earlier schema gets them. A step a schema, each from the one before: a step that was
 * released is never changed. All that is missing is done in one transaction, so that two processes can't do it twice
 * and a file is never half way. tests/unit/store has a file of each earlier schema.
 */
#include "store/db.h"

#include "stats/snapshot.h"

#define APPLICATION_ID 1936745825 /* "spta": tells a history from any other SQLite file */
#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

/* Runs, what they were asked for, what came of them; a row a second of each. Times are ns; state is enum
 * sp_store_state; asked, totals, result and interval are bytes (store/store.h). */
static const char schema_1[] =
  "CREATE TABLE runs ("
  " no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, plan TEXT NOT NULL,"
  " plan_text BLOB NOT NULL, plan_hash TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL,"
  " real_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, seed INTEGER NOT NULL, asked BLOB NOT NULL,"
  " state INTEGER NOT NULL, pid INTEGER NOT NULL, process_started INTEGER NOT NULL, pid_space INTEGER NOT NULL,"
  " boot TEXT NOT NULL, duration_ns INTEGER, measured_ns INTEGER, users_max INTEGER, valid INTEGER, slos_met INTEGER,"
  " totals BLOB, result BLOB, summary TEXT);"
  "CREATE TABLE tags (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
  " key TEXT NOT NULL, value TEXT, PRIMARY KEY (run, position)) WITHOUT ROWID;"
  "CREATE TABLE params (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
  " key TEXT NOT NULL, value TEXT, PRIMARY KEY (run, position)) WITHOUT ROWID;"
  "CREATE TABLE ticks (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, n INTEGER NOT NULL,"
  " elapsed_ns INTEGER NOT NULL, part INTEGER NOT NULL, phase INTEGER NOT NULL, users INTEGER NOT NULL,"
  " users_target INTEGER NOT NULL, in_flight INTEGER NOT NULL, rate_target REAL NOT NULL, stage INTEGER NOT NULL,"
  " interval BLOB NOT NULL, counted BLOB, PRIMARY KEY (run, n));";

/* The figures of lists, which were made from each run's totals anew; the ways in which lists ask. */
static const char schema_2[] =
  "ALTER TABLE runs ADD COLUMN rps REAL;"
  "ALTER TABLE runs ADD COLUMN failed_share REAL;"
  "ALTER TABLE runs ADD COLUMN ttft_p95_ms REAL;"
  "ALTER TABLE runs ADD COLUMN e2e_p95_ms REAL;"
  "CREATE INDEX runs_by_time ON runs (real_ns);"
  "CREATE INDEX tags_by_key ON tags (key, value);";

static int set_headline(struct sp_query *update, int64_t run, struct sp_str totals, int64_t measured_ns,
                        struct sp_err *err) {
  struct sp_headline headline;
  struct sp_interval *interval = sp_snapshot_decode(totals, err);
  if (!interval) {
    return err->code;
  }
  sp_headline_of(interval, measured_ns, &headline);
  sp_interval_destroy(interval);
  sp_query_again(update);
  sp_query_real(update, headline.rps);
  sp_query_real(update, headline.failed_share);
  sp_query_real(update, headline.ttft_p95_ms);
  sp_query_real(update, headline.e2e_p95_ms);
  sp_query_int(update, run);
  sp_query_next(update);
  return SP_OK;
}

/* A run whose totals can't be read stays without figures: it must not keep all the others from being read. */
static int fill_2(struct sp_store *store, struct sp_err *err) {
  struct sp_query runs, update;
  struct sp_err ignored;
  int code = sp_query_open(&runs, store, "SELECT no, totals, measured_ns FROM runs WHERE totals IS NOT NULL", err);
  if (code) {
    return code;
  }
  code = sp_query_open(
    &update, store, "UPDATE runs SET rps = ?, failed_share = ?, ttft_p95_ms = ?, e2e_p95_ms = ? WHERE no = ?", err);
  while (code == 0 && sp_query_next(&runs)) {
    set_headline(&update, sp_column_int(&runs, 0), sp_column_bytes(&runs, 1), sp_column_int(&runs, 2), &ignored);
  }
  int runs_code = sp_query_close(&runs, "read", err);
  int update_code = code ? code : sp_query_close(&update, "write", err);
  return runs_code ? runs_code : update_code;
}

/* What was said while the run went on. */
static const char schema_3[] =
  "CREATE TABLE log (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, n INTEGER NOT NULL,"
  " elapsed_ns INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;";

/* Searches for the capacity; campaigns, whose rounds name their trials (kind is enum sp_store_trial_kind) by id. */
static const char schema_4[] =
  "CREATE TABLE capacities ("
  " no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, plan TEXT NOT NULL,"
  " plan_hash TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL, real_ns INTEGER NOT NULL, goal TEXT NOT NULL,"
  " unit TEXT NOT NULL, verdict TEXT NOT NULL, lower REAL, upper REAL, goodput REAL, valid INTEGER NOT NULL,"
  " complete INTEGER NOT NULL, document TEXT NOT NULL);"
  "CREATE INDEX capacities_by_time ON capacities (real_ns);"
  "CREATE TABLE campaigns ("
  " no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, real_ns INTEGER NOT NULL, goal TEXT NOT NULL,"
  " slos TEXT NOT NULL, figure TEXT NOT NULL);"
  "CREATE TABLE rounds ("
  " no INTEGER PRIMARY KEY AUTOINCREMENT, campaign INTEGER NOT NULL REFERENCES campaigns ON DELETE CASCADE,"
  " title TEXT NOT NULL, real_ns INTEGER NOT NULL, hypothesis TEXT, note TEXT, snapshot TEXT, predicted TEXT,"
  " predicted_low REAL, predicted_high REAL, because TEXT, predicted_ns INTEGER, decision INTEGER NOT NULL,"
  " UNIQUE (campaign, title));"
  "CREATE TABLE round_changes (round INTEGER NOT NULL REFERENCES rounds ON DELETE CASCADE, position INTEGER NOT NULL,"
  " component TEXT NOT NULL, key TEXT NOT NULL, old TEXT, new TEXT, source TEXT NOT NULL,"
  " PRIMARY KEY (round, position)) WITHOUT ROWID;"
  "CREATE TABLE round_trials (round INTEGER NOT NULL REFERENCES rounds ON DELETE CASCADE, position INTEGER NOT NULL,"
  " kind INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (round, position)) WITHOUT ROWID;"
  "CREATE INDEX round_trials_by_id ON round_trials (id);";

static const struct step {
  const char *sql;
  int (*fill)(struct sp_store *store, struct sp_err *err); /* MAY */
} steps[SP_STORE_SCHEMA] = { { schema_1, NULL }, { schema_2, fill_2 }, { schema_3, NULL }, { schema_4, NULL } };

static int update(struct sp_store *store, struct sp_err *err) {
  int64_t version = sp_db_number(store, "PRAGMA user_version"); /* now nobody else changes it */
  int code = SP_OK;
  for (; code == 0 && version < SP_STORE_SCHEMA; version++) {
    code = sp_db_run(store, steps[version].sql, err);
    if (code == 0 && steps[version].fill) {
      code = steps[version].fill(store, err);
    }
  }
  if (code == 0) {
    code = sp_db_run(store, "PRAGMA user_version = " TEXT(SP_STORE_SCHEMA) "; PRAGMA application_id = " TEXT(APPLICATION_ID),
                     err);
  }
  return code;
}

/* Of one moment: another process may be making the tables. */
static int read_marks(struct sp_store *store, int64_t *version, bool *foreign, struct sp_err *err) {
  int code = sp_db_run(store, "BEGIN", err);
  if (code) {
    return code;
  }
  *version = sp_db_number(store, "PRAGMA user_version");
  if (*version < 0) {
    code = sp_db_fail(store, "read", err);
  }
  *foreign = *version == 0 ? sp_db_number(store, "SELECT count(*) FROM sqlite_schema") > 0
                           : sp_db_number(store, "PRAGMA application_id") != APPLICATION_ID;
  return sp_db_end(store, code, err);
}

int sp_schema_check(struct sp_store *store, struct sp_err *err) {
  int64_t version = 0;
  bool foreign = false;
  int code = read_marks(store, &version, &foreign, err);
  if (code) {
    return code;
  }
  if (foreign) {
    return sp_fail(err, SP_EIO, "'%s' is a database of another program, no history", store->path);
  }
  if (version > SP_STORE_SCHEMA) {
    return sp_fail(err, SP_EIO, "the history '%s' was written by a later spate (schema %lld, this one knows %d)",
                   store->path, (long long)version, SP_STORE_SCHEMA);
  }
  return SP_OK;
}

int sp_schema_update(struct sp_store *store, struct sp_err *err) {
  if (sp_db_number(store, "PRAGMA user_version") == SP_STORE_SCHEMA) {
    return SP_OK;
  }
  int code = sp_db_begin(store, err);
  return code ? code : sp_db_end(store, update(store, err), err);
}
