/* Private to the folder: SQLite with our errors. Statements are prepared, bound in order, stepped and closed. */
#ifndef SP_STORE_DB_H
#define SP_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

struct sp_store {
  sqlite3 *db;
  char *path;
};

/* "cannot VERB the history 'PATH': why", from SQLite's last error. */
int sp_db_fail(struct sp_store *store, const char *verb, struct sp_err *err);
int sp_db_run(struct sp_store *store, const char *sql, struct sp_err *err); /* one or more statements without values */
int64_t sp_db_number(struct sp_store *store, const char *sql); /* the first column of the first row; -1 where there is none */

/* All between is written or nothing is. rollback keeps the error that led to it. */
int sp_db_begin(struct sp_store *store, struct sp_err *err);
int sp_db_end(struct sp_store *store, int code, struct sp_err *err); /* commits where code is 0; gives what came of it */

struct sp_query {
  struct sp_store *store;
  sqlite3_stmt *stmt;
  int bound;
  int code; /* SQLite's, of the last step */
};

int sp_query_open(struct sp_query *query, struct sp_store *store, const char *sql, struct sp_err *err);
void sp_query_text(struct sp_query *query, const char *text); /* NULL: null */
void sp_query_int(struct sp_query *query, int64_t value);
void sp_query_real(struct sp_query *query, double value); /* NAN: null */
void sp_query_bytes(struct sp_query *query, struct sp_str bytes);
bool sp_query_next(struct sp_query *query); /* true: a row */
/* Ends it. 0, or the error that ended it before its last row. */
int sp_query_close(struct sp_query *query, const char *verb, struct sp_err *err);
/* Once more, with values of its own. */
void sp_query_again(struct sp_query *query);

/* Columns, from 0. Texts and bytes until the next step. */
bool sp_column_is_null(struct sp_query *query, int column);
const char *sp_column_text(struct sp_query *query, int column); /* null: "" */
int64_t sp_column_int(struct sp_query *query, int column);
double sp_column_real(struct sp_query *query, int column); /* null: NAN */
int sp_column_flag(struct sp_query *query, int column);    /* null: -1 */
struct sp_str sp_column_bytes(struct sp_query *query, int column);

/* schema.c: is it a history, and none of a later spate's? Then makes what is missing, brings what is older up to date. */
int sp_schema_check(struct sp_store *store, struct sp_err *err);
int sp_schema_update(struct sp_store *store, struct sp_err *err);

/* headline.c: the columns of a list that are made from the totals. */
struct sp_headline {
  double rps, failed_share, ttft_p95_ms, e2e_p95_ms;
};
void sp_headline_of(const struct sp_interval *totals, int64_t measured_ns, struct sp_headline *out);

/* write.c: tells plans apart by their texts. */
#define SP_PLAN_HASH_SIZE 17
void sp_plan_hash(struct sp_str text, char out[SP_PLAN_HASH_SIZE]);

/* read.c: whether the process of a row of runs is gone, from these columns of it. */
#define SP_PROCESS_COLUMNS \
  "pid, process_started, pid_space, boot, real_ns + ifnull((SELECT max(elapsed_ns) FROM ticks WHERE run = no), 0)"
#define SP_PROCESS_COLUMN_COUNT 5
bool sp_row_is_gone(struct sp_query *row, int first_column);

#endif
