/* Private to the watcher `postgres`: its parts, a file each. */
#ifndef SP_WATCH_POSTGRES_H
#define SP_WATCH_POSTGRES_H

#include "watch/pg.h"
#include "watch/rates.h"

/* Begins every question: what pg_stat_statements tells about the watcher itself is known by it. */
#define SP_PG_MARK "/* spate */ "

#define SP_PG_LOOKS_MAX 16u

/* -- postgres_sessions.c: who waits for what, by looking at pg_stat_activity several times a second -- */

struct sp_pg_sessions {
  struct sp_map waits; /* "IO/WALSync" -> struct wait; capped */
  unsigned samples, visible_samples; /* since the last flush; those in which sessions showed what they do */
  double connections, idle, blocked, longest_s; /* sums over samples; longest_s the greatest */
  int64_t begin_ns, since_ns; /* of this connection; of what the next flush spans */
  struct sp_map chains;  /* who blocks whom: said already */
};

/* -- postgres_statements.c: pg_stat_statements by deltas -- */

struct sp_pg_statements {
  char *schema;             /* quoted; NULL: the extension is not installed */
  bool refused;
  struct sp_map statements; /* queryid -> struct statement; capped */
  struct sp_map shown;      /* text -> struct shown; capped */
  int64_t begin_ns, since_ns; /* of the first look of this connection, and of the last; 0: none */
};

struct sp_postgres {
  struct sp_pg *pg;
  char *subject;
  struct sp_rates rates;
  struct sp_pg_sessions sessions;
  struct sp_pg_statements statements;
  bool times_wal;                  /* track_wal_io_timing is on */
  bool looks_off[SP_PG_LOOKS_MAX]; /* refused by this server */
  double commits, own;             /* commits that are not the watcher's, and how many of its questions there were */
  double commits_seen;
  int64_t figures_at_ns;                     /* of the last look, wall clock */
  int64_t figures_due_ns, statements_due_ns; /* monotonic */
};

/* Asks with the mark, and counts. */
PGresult *sp_postgres_ask(struct sp_postgres *postgres, struct sp_watch_sink *sink, const char *sql, struct sp_err *err);
struct sp_observed_key sp_postgres_key(const struct sp_postgres *postgres, enum sp_signal signal, const char *detail,
                                       const char *query);

void sp_pg_sessions_init(struct sp_pg_sessions *sessions);
void sp_pg_sessions_fini(struct sp_pg_sessions *sessions);
void sp_pg_sessions_begin(struct sp_postgres *postgres); /* behind a connection: nothing was seen before */
int sp_pg_sessions_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);
/* Adds the means since the last flush, and looks who blocks whom where somebody is blocked. */
int sp_pg_sessions_flush(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);

void sp_pg_statements_init(struct sp_pg_statements *statements);
void sp_pg_statements_fini(struct sp_pg_statements *statements);
int sp_pg_statements_probe(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);
int sp_pg_statements_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);

/* -- postgres_figures.c: counters, by the server's version; postgres_probe.c: rights and settings -- */
int sp_pg_figures_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);
int sp_postgres_probe(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err);

#endif
