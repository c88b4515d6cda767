/* A run's log. */
#include "store/db.h"
#include "store/store_log.h"

static int insert_lines(struct sp_store *store, int64_t run, const struct sp_store_line *lines, size_t count,
                        struct sp_err *err) {
  struct sp_query insert;
  int code = sp_query_open(&insert, store, "INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?, ?)", err);
  for (size_t i = 0; i < count && code == 0; i++) {
    sp_query_again(&insert);
    sp_query_int(&insert, run);
    sp_query_int(&insert, (int64_t)lines[i].n);
    sp_query_int(&insert, lines[i].elapsed_ns);
    sp_query_text(&insert, lines[i].level);
    sp_query_text(&insert, lines[i].text);
    sp_query_next(&insert);
    code = insert.code == SQLITE_DONE ? SP_OK : sp_db_fail(store, "write", err);
  }
  sqlite3_finalize(insert.stmt);
  return code;
}

int sp_store_lines(struct sp_store *store, int64_t run, const struct sp_store_line *lines, size_t count, struct sp_err *err) {
  int code = sp_db_begin(store, err);
  return code ? code : sp_db_end(store, insert_lines(store, run, lines, count, err), err);
}

int sp_store_read_lines(struct sp_store *store, int64_t run, int (*each)(void *ctx, const struct sp_store_line *line),
                        void *ctx, struct sp_err *err) {
  struct sp_query rows;
  int given = 0;
  int code = sp_query_open(&rows, store, "SELECT n, elapsed_ns, level, text FROM log WHERE run = ? ORDER BY n", err);
  if (code) {
    return code;
  }
  sp_query_int(&rows, run);
  while (given == 0 && sp_query_next(&rows)) {
    struct sp_store_line line = { .n = (uint64_t)sp_column_int(&rows, 0),
                                  .elapsed_ns = sp_column_int(&rows, 1),
                                  .level = sp_column_text(&rows, 2),
                                  .text = sp_column_text(&rows, 3) };
    given = each(ctx, &line);
  }
  code = sp_query_close(&rows, "read", given ? NULL : err);
  return given ? given : code;
}
