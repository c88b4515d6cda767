/*
 * The watcher `postgres`: one read-only connection that looks at who waits for what several times a second, at counters each
 * second, at pg_stat_statements every two. It needs a role with pg_monitor and nothing else (docs/watch.md).
 */
#include "watch/postgres.h"

#include "base/mem.h"
#include "watch/kinds.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_NS (200 * SP_NS_PER_MS) /* 300 looks a minute: a share of 50 % is known to ± 6 points */
#define FIGURES_NS SP_NS_PER_S
#define STATEMENTS_NS (2 * SP_NS_PER_S)
#define EARLY_NS (50 * SP_NS_PER_MS) /* a timer's turn that comes a little early still counts */
#define SQL_SIZE 2500u

static const struct sp_pg_target target = {
    .kind = "postgres",
    .form = "postgresql://user@host:5432/database",
    .options = "-c default_transaction_read_only=on -c statement_timeout=4000 -c lock_timeout=1000 -c client_encoding=UTF8"};

PGresult *sp_postgres_ask(struct sp_postgres *postgres, struct sp_watch_sink *sink, const char *sql, struct sp_err *err) {
  char text[SQL_SIZE];
  snprintf(text, sizeof(text), SP_PG_MARK "%s", sql);
  postgres->own++;
  return sp_pg_ask(postgres->pg, sink, text, err);
}

struct sp_observed_key sp_postgres_key(const struct sp_postgres *postgres, enum sp_signal signal, const char *detail,
                                       const char *query) {
  return (struct sp_observed_key){.signal = signal, .subject = postgres->subject, .detail = detail, .query = query};
}

static int open_postgres(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct sp_pg *pg;
  if (sp_pg_open(&target, spec, &pg, source, err)) return err->code;
  struct sp_postgres *postgres = sp_alloc(sizeof(*postgres));
  postgres->pg = pg;
  postgres->subject = sp_strdup(spec->subject ? spec->subject : "postgres");
  sp_rates_init(&postgres->rates);
  sp_pg_sessions_init(&postgres->sessions);
  sp_pg_statements_init(&postgres->statements);
  *watcher = postgres;
  return 0;
}

static void close_postgres(void *watcher) {
  struct sp_postgres *postgres = watcher;
  sp_pg_close(postgres->pg);
  sp_pg_statements_fini(&postgres->statements);
  sp_pg_sessions_fini(&postgres->sessions);
  sp_rates_fini(&postgres->rates);
  free(postgres->subject);
  free(postgres);
}

/* What a server counted before the connection was lost says nothing of the time since. */
static void forget(struct sp_postgres *postgres) {
  sp_rates_fini(&postgres->rates);
  sp_rates_init(&postgres->rates);
  memset(postgres->looks_off, 0, sizeof(postgres->looks_off));
  postgres->commits = postgres->commits_seen = postgres->own = 0;
  postgres->figures_due_ns = postgres->statements_due_ns = 0;
  postgres->figures_at_ns = sp_clock_real_ns();
  sp_pg_sessions_begin(postgres);
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_postgres *postgres = watcher;
  if (sp_pg_connect(postgres->pg, sink, err)) return err->code;
  forget(postgres);
  return sp_postgres_probe(postgres, sink, err);
}

static bool due(int64_t *due_ns, int64_t every_ns) {
  int64_t now_ns = sp_clock_mono_ns();
  if (now_ns < *due_ns) return false;
  *due_ns = now_ns + every_ns - EARLY_NS;
  return true;
}

static int look_at_figures(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  int code = sp_pg_sessions_flush(postgres, sink, err);
  return code ? code : sp_pg_figures_look(postgres, sink, err);
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_postgres *postgres = watcher;
  int code = sp_pg_sessions_look(postgres, sink, err);
  if (code == 0 && due(&postgres->figures_due_ns, FIGURES_NS)) code = look_at_figures(postgres, sink, err);
  if (code == 0 && due(&postgres->statements_due_ns, STATEMENTS_NS)) code = sp_pg_statements_look(postgres, sink, err);
  return code;
}

/* What has come together since the last of each. */
static int finish(void *watcher, struct sp_watch_sink *sink, int64_t from_ns, int64_t to_ns, struct sp_err *err) {
  (void)from_ns, (void)to_ns;
  int code = look_at_figures(watcher, sink, err);
  return code ? code : sp_pg_statements_look(watcher, sink, err);
}

static const struct sp_watch_option options[] = {
    {"password_file", "a file whose one line is the password"},
    {NULL, NULL},
};

const struct sp_watcher_kind sp_watcher_postgres = {
    .name = "postgres",
    .url_form = "postgresql://user@host:5432/database",
    .help = "PostgreSQL 10 to 18: waits, locks, statements, write-ahead log, checkpoints, connections, settings",
    .interval_ns = LOOK_NS,
    .options = options,
    .open = open_postgres,
    .probe = probe,
    .sample = sample,
    .finish = finish,
    .close = close_postgres,
};
