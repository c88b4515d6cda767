#include "watch/pg.h"

#include "base/check.h"
#include "base/mem.h"
#include "stats/clean.h"
#include "watch/secret_file.h"
#include "watch/wait_fd.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PARAMETERS_MAX 64 /* libpq has about 40 */
#define SAID_MAX 300u     /* of a server's text in a sentence */
#define OPTIONS_MAX 1000u

struct sp_pg {
  const struct sp_pg_target *target;
  PQconninfoOption *given; /* of the URL */
  const char *password_file;
  PGconn *connection; /* NULL: none */
};

/* -- the URL -- */

static const char *given(const struct sp_pg *pg, const char *keyword) {
  for (const PQconninfoOption *option = pg->given; option->keyword; option++) {
    if (strcmp(option->keyword, keyword) == 0 && option->val && option->val[0]) return option->val;
  }
  return NULL;
}

static bool is_url(const char *text) {
  return strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
}

/* libpq's own sentence may quote all of the URL, so it is only passed on where it names no more than a parameter. */
static int fail_url(const struct sp_pg_target *target, char *said, struct sp_err *err) {
  bool harmless = said && strncmp(said, "invalid URI query parameter", 27) == 0;
  if (harmless) said[strcspn(said, "\n")] = 0;
  sp_fail(err, SP_EUSAGE, "the URL is none of PostgreSQL%s%s: write %s", harmless ? ", " : "", harmless ? said : "", target->form);
  PQfreemem(said);
  return err->code;
}

/* What libpq takes from the environment where the URL says nothing. */
static char *from_environment(const char *keyword) {
  char *value = NULL;
  PQconninfoOption *options = PQconndefaults();
  for (PQconninfoOption *option = options; option && option->keyword; option++) {
    if (strcmp(option->keyword, keyword) == 0 && option->val && option->val[0]) value = sp_strdup(option->val);
  }
  PQconninfoFree(options);
  return value;
}

static char *chosen(const struct sp_pg *pg, const char *keyword) {
  const char *value = given(pg, keyword);
  return value ? sp_strdup(value) : from_environment(keyword);
}

static char *name_source(const struct sp_pg *pg) {
  char text[SP_OBSERVED_SUBJECT_MAX];
  char *host = chosen(pg, "host"), *port = chosen(pg, "port");
  char *dbname = given(pg, "dbname") || !pg->target->dbname ? chosen(pg, "dbname") : sp_strdup(pg->target->dbname);
  snprintf(text, sizeof(text), "%s %s:%s/%s", pg->target->kind, host ? host : "(local socket)", port ? port : "5432",
           dbname ? dbname : "");
  free(host);
  free(port);
  free(dbname);
  return sp_strdup(text);
}

int sp_pg_open(const struct sp_pg_target *target, const struct sp_watch_spec *spec, struct sp_pg **out, char **source,
               struct sp_err *err) {
  char *said = NULL;
  if (!spec->url || !is_url(spec->url)) return fail_url(target, NULL, err);
  PQconninfoOption *options = PQconninfoParse(spec->url, &said);
  if (!options) return fail_url(target, said, err);
  struct sp_pg *pg = sp_alloc(sizeof(*pg));
  *pg = (struct sp_pg){.target = target, .given = options, .password_file = sp_watch_option_of(spec, "password_file")};
  *source = name_source(pg);
  *out = pg;
  return 0;
}

static void hang_up(struct sp_pg *pg) {
  PQfinish(pg->connection);
  pg->connection = NULL;
}

void sp_pg_close(struct sp_pg *pg) {
  if (!pg) return;
  hang_up(pg);
  PQconninfoFree(pg->given);
  free(pg);
}

/* -- what went wrong -- */

/* Of libpq's lines the last that says what happened (one an address that was tried), without where and without its rank. */
static void clean_said(const char *message, char *text) {
  const char *line = message;
  for (const char *next = message; (next = strstr(next, "connection to server ")); next++) line = next;
  struct sp_str rest = sp_str_from(line);
  struct sp_str said = sp_str_split(&rest, '\n');
  static const char *const ornaments[] = {"failed: ", "FATAL:  ", "ERROR:  "};
  for (size_t i = 0; i < sizeof(ornaments) / sizeof(ornaments[0]); i++) {
    const char *at = memmem(said.bytes, said.len, ornaments[i], strlen(ornaments[i]));
    if (!at) continue;
    const char *end = said.bytes + said.len;
    said = sp_str_of(at + strlen(ornaments[i]), (size_t)(end - at) - strlen(ornaments[i]));
  }
  text[sp_clean_text(text, SAID_MAX, sp_str_trim(said))] = 0;
}

static int fail_connect(struct sp_pg *pg, struct sp_err *err) {
  char said[SAID_MAX + 1];
  clean_said(PQerrorMessage(pg->connection), said);
  if (PQconnectionNeedsPassword(pg->connection)) {
    sp_fail(err, SP_EIO, "it wants a password: in the URL, in a password_file, or as libpq has it (PGPASSWORD, ~/.pgpass)");
  } else if (strstr(said, "unsupported startup parameter")) {
    sp_fail(err, SP_EIO, "%s: this is PgBouncer; give the server behind it, and watch this one as pgbouncer", said);
  } else {
    sp_fail(err, SP_EIO, "cannot connect: %s", said[0] ? said : "it hung up");
  }
  hang_up(pg);
  return err->code;
}

static PGresult *fail_lost(struct sp_pg *pg, struct sp_err *err) {
  char said[SAID_MAX + 1];
  clean_said(PQerrorMessage(pg->connection), said);
  sp_fail(err, SP_EIO, "the connection is lost: %s", said[0] ? said : "it hung up");
  hang_up(pg);
  return NULL;
}

/* -- connecting -- */

struct parameters {
  const char *keywords[PARAMETERS_MAX + 1], *values[PARAMETERS_MAX + 1];
  size_t count;
};

/* A later one of the same name wins. */
static void put(struct parameters *parameters, const char *keyword, const char *value) {
  if (!value) return;
  SP_CHECK(parameters->count < PARAMETERS_MAX);
  parameters->keywords[parameters->count] = keyword;
  parameters->values[parameters->count++] = value;
}

static int start(struct sp_pg *pg, struct sp_err *err) {
  char secret[SP_SECRET_FILE_MAX + 2], options[OPTIONS_MAX];
  struct parameters parameters = {.count = 0};
  if (pg->password_file && sp_secret_file_read(pg->password_file, secret, err)) return err->code;
  if (!given(pg, "dbname")) put(&parameters, "dbname", pg->target->dbname);
  for (const PQconninfoOption *option = pg->given; option->keyword; option++) put(&parameters, option->keyword, option->val);
  if (pg->password_file) put(&parameters, "password", secret);
  put(&parameters, "application_name", "spate");
  if (pg->target->options) {
    const char *more = given(pg, "options");
    snprintf(options, sizeof(options), "%s %s", more ? more : "", pg->target->options);
    put(&parameters, "options", options);
  }
  pg->connection = PQconnectStartParams(parameters.keywords, parameters.values, 0);
  explicit_bzero(secret, sizeof(secret));
  SP_CHECK(pg->connection != NULL);
  return PQstatus(pg->connection) == CONNECTION_BAD ? fail_connect(pg, err) : 0;
}

int sp_pg_connect(struct sp_pg *pg, struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t until_ns = sp_clock_mono_ns() + SP_WATCH_CALL_MAX_NS;
  hang_up(pg);
  if (start(pg, err)) return err->code;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (sp_watch_wait_fd(sink, PQsocket(pg->connection), events, until_ns, err)) {
      hang_up(pg);
      return sp_err_context(err, "cannot connect");
    }
    status = PQconnectPoll(pg->connection);
  }
  if (status != PGRES_POLLING_OK) return fail_connect(pg, err);
  PQsetnonblocking(pg->connection, 1);
  return 0;
}

int sp_pg_version(const struct sp_pg *pg) { return PQserverVersion(pg->connection); }
const char *sp_pg_dbname(const struct sp_pg *pg) { return PQdb(pg->connection); }
const char *sp_pg_user(const struct sp_pg *pg) { return PQuser(pg->connection); }

/* -- questions -- */

/* Sends what is left to send and waits until the next result is whole. */
static int await_result(struct sp_pg *pg, struct sp_watch_sink *sink, int64_t until_ns, struct sp_err *err) {
  for (;;) {
    int unsent = PQflush(pg->connection);
    if (unsent < 0 || (unsent == 0 && !PQisBusy(pg->connection))) return 0; /* what is wrong shows in the result */
    short events = unsent ? POLLIN | POLLOUT : POLLIN;
    if (sp_watch_wait_fd(sink, PQsocket(pg->connection), events, until_ns, err)) return err->code;
    if (!PQconsumeInput(pg->connection)) return 0;
  }
}

/* The last of the results (one statement has one), NULL where it could not be waited for. */
static PGresult *collect(struct sp_pg *pg, struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t until_ns = sp_clock_mono_ns() + SP_WATCH_CALL_MAX_NS;
  PGresult *last = NULL, *next;
  do {
    if (await_result(pg, sink, until_ns, err)) {
      PQclear(last);
      hang_up(pg);
      return NULL;
    }
    next = PQgetResult(pg->connection);
    if (next) PQclear(last);
    last = next ? next : last;
  } while (next);
  return last ? last : fail_lost(pg, err);
}

PGresult *sp_pg_ask(struct sp_pg *pg, struct sp_watch_sink *sink, const char *sql, struct sp_err *err) {
  char said[SAID_MAX + 1];
  if (!pg->connection) {
    sp_fail(err, SP_EIO, "there is no connection");
    return NULL;
  }
  if (!PQsendQuery(pg->connection, sql)) return fail_lost(pg, err);
  PGresult *rows = collect(pg, sink, err);
  if (!rows || PQresultStatus(rows) == PGRES_TUPLES_OK) return rows;
  clean_said(PQresultErrorMessage(rows), said);
  PQclear(rows);
  if (PQstatus(pg->connection) == CONNECTION_BAD) return fail_lost(pg, err);
  sp_fail(err, SP_EPARSE, "%s", said[0] ? said : "it answered no rows");
  return NULL;
}

double sp_pg_number(const PGresult *rows, int row, int column) {
  if (column < 0 || row >= PQntuples(rows) || column >= PQnfields(rows) || PQgetisnull(rows, row, column)) return NAN;
  const char *text = PQgetvalue(rows, row, column);
  char *end;
  double value = strtod(text, &end);
  return end == text || *end ? NAN : value;
}

double sp_pg_number_of(const PGresult *rows, int row, const char *column) {
  return sp_pg_number(rows, row, PQfnumber(rows, column));
}

const char *sp_pg_text_of(const PGresult *rows, int row, const char *column) {
  int at = PQfnumber(rows, column);
  return at < 0 || row >= PQntuples(rows) ? "" : PQgetvalue(rows, row, at);
}
