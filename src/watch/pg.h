/*
 * A connection that speaks PostgreSQL's protocol, by libpq without blocking: of the watchers `postgres` and `pgbouncer`.
 *
 *   sp_pg_open(&target, spec, &pg, &source, &err);   // reads the URL; connects to nothing
 *   sp_pg_connect(pg, sink, &err);                   // also anew
 *   PGresult *rows = sp_pg_ask(pg, sink, "SELECT …", &err);
 *   … PQclear(rows)
 *
 * Connecting, and each question, take at most SP_WATCH_CALL_MAX_NS and end soon after the watcher is to stop; only looking up a
 * host's name may take what the system's resolver takes. One question at a time, one thread. Sentences name no password; what the server
 * says comes without libpq's ornaments.
 */
#ifndef SP_WATCH_PG_H
#define SP_WATCH_PG_H

#include "watch/watch.h"

#include <libpq-fe.h>

/* How a kind of watcher connects. */
struct sp_pg_target {
  const char *kind;    /* "postgres": begins the source's name */
  const char *form;    /* of its URLs, for sentences */
  const char *dbname;  /* where the URL has none; NULL: libpq's own choice */
  const char *options; /* of the session, "-c …", behind the URL's; NULL: none */
};

struct sp_pg;
/* *source: "postgres db1:5432/dify"; the caller frees it. SP_EUSAGE. */
int sp_pg_open(const struct sp_pg_target *target, const struct sp_watch_spec *spec, struct sp_pg **out, char **source,
               struct sp_err *err);
void sp_pg_close(struct sp_pg *pg); /* NULL is fine */

int sp_pg_connect(struct sp_pg *pg, struct sp_watch_sink *sink, struct sp_err *err); /* SP_EIO */
int sp_pg_version(const struct sp_pg *pg); /* 150018; 0 while there is no connection */
const char *sp_pg_dbname(const struct sp_pg *pg);
const char *sp_pg_user(const struct sp_pg *pg);

/* The rows of one statement, which the caller clears; NULL with *err. SP_EPARSE: the server refused this one and takes others;
 * SP_EIO: the connection is gone. */
PGresult *sp_pg_ask(struct sp_pg *pg, struct sp_watch_sink *sink, const char *sql, struct sp_err *err);

/* A cell as a number; NAN where it is null or none, or there is no such column (-1). */
double sp_pg_number(const PGresult *rows, int row, int column);
/* The same by the column's name, of which versions differ. */
double sp_pg_number_of(const PGresult *rows, int row, const char *column);
const char *sp_pg_text_of(const PGresult *rows, int row, const char *column); /* "" where there is none */

#endif
