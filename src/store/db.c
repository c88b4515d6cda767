#include "store/db.h"

#include <errno.h>
#include <math.h>

/* SQLite's words are for programmers; these are for who has to act. */
static const char *why(sqlite3 *db) {
  switch (sqlite3_errcode(db)) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return "another process has it locked";
  case SQLITE_FULL: return "the disk is full";
  case SQLITE_READONLY: return "it is read-only";
  case SQLITE_CANTOPEN: return "it cannot be opened there (is the folder writable?)";
  case SQLITE_CORRUPT: return "the file is damaged";
  case SQLITE_NOTADB: return "the file is no history";
  case SQLITE_IOERR:
    return sqlite3_system_errno(db) == ENOSPC ? "the disk is full" : sqlite3_errmsg(db);
  default: return sqlite3_errmsg(db);
  }
}

int sp_db_fail(struct sp_store *store, const char *verb, struct sp_err *err) {
  return sp_fail(err, SP_EIO, "cannot %s the history '%s': %s", verb, store->path, why(store->db));
}

int sp_db_run(struct sp_store *store, const char *sql, struct sp_err *err) {
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SP_OK : sp_db_fail(store, "write", err);
}

int64_t sp_db_number(struct sp_store *store, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int64_t value = -1;
  if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    value = sqlite3_column_int64(stmt, 0);
  }
  sqlite3_finalize(stmt);
  return value;
}

int sp_db_begin(struct sp_store *store, struct sp_err *err) { return sp_db_run(store, "BEGIN IMMEDIATE", err); }

int sp_db_end(struct sp_store *store, int code, struct sp_err *err) {
  if (code == 0) {
    code = sp_db_run(store, "COMMIT", err);
  }
  if (code && !sqlite3_get_autocommit(store->db)) {
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  }
  return code;
}

/* -- statements -- */

int sp_query_open(struct sp_query *query, struct sp_store *store, const char *sql, struct sp_err *err) {
  *query = (struct sp_query){ .store = store };
  if (sqlite3_prepare_v2(store->db, sql, -1, &query->stmt, NULL) != SQLITE_OK) {
    return sp_db_fail(store, "read", err);
  }
  return SP_OK;
}

void sp_query_text(struct sp_query *query, const char *text) {
  sqlite3_bind_text(query->stmt, ++query->bound, text, -1, SQLITE_TRANSIENT);
}

void sp_query_int(struct sp_query *query, int64_t value) { sqlite3_bind_int64(query->stmt, ++query->bound, value); }

void sp_query_real(struct sp_query *query, double value) { sqlite3_bind_double(query->stmt, ++query->bound, value); }

void sp_query_bytes(struct sp_query *query, struct sp_str bytes) {
  sqlite3_bind_blob64(query->stmt, ++query->bound, bytes.len > 0 ? bytes.bytes : "", bytes.len, SQLITE_TRANSIENT);
}

bool sp_query_next(struct sp_query *query) {
  query->code = sqlite3_step(query->stmt);
  return query->code == SQLITE_ROW;
}

void sp_query_again(struct sp_query *query) {
  sqlite3_reset(query->stmt);
  query->bound = 0;
}

int sp_query_close(struct sp_query *query, const char *verb, struct sp_err *err) {
  int code = SP_OK;
  if (query->code != SQLITE_OK && query->code != SQLITE_ROW && query->code != SQLITE_DONE) {
    code = sp_db_fail(query->store, verb, err);
  }
  sqlite3_finalize(query->stmt);
  query->stmt = NULL;
  return code;
}

/* -- columns -- */

const char *sp_column_text(struct sp_query *query, int column) {
  const unsigned char *text = sqlite3_column_text(query->stmt, column);
  return text ? (const char *)text : "";
}

int64_t sp_column_int(struct sp_query *query, int column) { return sqlite3_column_int64(query->stmt, column); }

bool sp_column_is_null(struct sp_query *query, int column) {
  return sqlite3_column_type(query->stmt, column) == SQLITE_NULL;
}

double sp_column_real(struct sp_query *query, int column) {
  return sp_column_is_null(query, column) ? (double)NAN : sqlite3_column_double(query->stmt, column);
}

int sp_column_flag(struct sp_query *query, int column) {
  return sp_column_is_null(query, column) ? -1 : sqlite3_column_int(query->stmt, column) != 0;
}

struct sp_str sp_column_bytes(struct sp_query *query, int column) {
  const void *bytes = sqlite3_column_blob(query->stmt, column);
  return sp_str_of(bytes, (size_t)sqlite3_column_bytes(query->stmt, column));
}
