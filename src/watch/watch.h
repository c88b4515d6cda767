/*
 * Watchers: what looks at the target while the load runs. A kind is one file with a const table here and one line in
 * registry.c (docs/watch.md). Each watcher has a thread of its own, since its clients block: a slow one costs its own data.
 *
 *   watchers = sp_watch_create(observations, on_note, ctx);
 *   sp_watch_add(watchers, &spec, &err);     // for each: a bad spec fails here
 *   sp_watch_start(watchers, &err);          // probes; waits until each has said what it can see, or PROBE_MAX has passed
 *   … the run …
 *   sp_watch_finish(watchers, from, to);     // the last samples, and what is filled in behind the run
 *   sp_watch_destroy(watchers);
 *
 * Failing softly: what goes wrong in a watcher is a note (once a text, with the password left out) and a hole in its series;
 * it is tried again at the next interval, for ever. Only its spec can stop a run.
 */
#ifndef SP_WATCH_WATCH_H
#define SP_WATCH_WATCH_H

#include "base/clock.h"
#include "base/err.h"
#include "stats/observations.h"

#define SP_WATCHERS_MAX 32u
#define SP_WATCH_OPTIONS_MAX 32u
#define SP_WATCH_INTERVAL_NS SP_NS_PER_S          /* where the spec says none */
#define SP_WATCH_INTERVAL_MIN_NS (100 * SP_NS_PER_MS)
#define SP_WATCH_PROBE_MAX_NS (5 * SP_NS_PER_S)   /* the run waits so long for them, and then begins */
#define SP_WATCH_CALL_MAX_NS (5 * SP_NS_PER_S)    /* one call of a client: its timeout */
#define SP_WATCH_FINISH_MAX_NS (30 * SP_NS_PER_S) /* for what is filled in behind the run */

struct sp_watch_option {
  const char *key, *value;
};

/* --watch KIND=URL, or spate.watch{ kind = …, url = …, … } of a plan. Texts are borrowed until destroy. */
struct sp_watch_spec {
  const char *kind;
  const char *url;    /* may hold a password: never printed as it is (sp_watch_source) */
  const char *subject; /* what to call what it sees, where the source does not say; NULL: the kind's choice */
  int64_t interval_ns; /* 0: the kind's */
  struct sp_watch_option options[SP_WATCH_OPTIONS_MAX]; /* the kind's own, e.g. "job", "password_file" */
  size_t option_count;
};
const char *sp_watch_option_of(const struct sp_watch_spec *spec, const char *key); /* NULL: not given */

/* Where a watcher puts what it sees. Its thread only. */
struct sp_watch_sink {
  struct sp_observations *observations;
  const char *source; /* of everything it adds: "postgres db1:5432/dify", redacted */
  void *watchers;     /* for sp_watch_stopping and sp_watch_note; NULL: a test's own sink, notes go nowhere */
};
void sp_watch_gauge(struct sp_watch_sink *sink, const struct sp_observed_key *key, int64_t at_ns, int64_t span_ns, double value);
void sp_watch_can(struct sp_watch_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sp_watch_cannot(struct sp_watch_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sp_watch_note(struct sp_watch_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sp_watch_stopping(const struct sp_watch_sink *sink); /* a client in a long call looks here, and leaves */

struct sp_watcher_kind {
  const char *name;       /* "postgres" */
  const char *url_form;   /* "postgresql://user@host:5432/db" */
  const char *help;       /* what it sees, for `spate help` */
  int64_t interval_ns;    /* its usual one; 0: SP_WATCH_INTERVAL_NS */
  /* The options it knows, with their help; others are an error that names the near one. "query." is all that begin so. Ends with
   * NULL. */
  const struct sp_watch_option *options;
  /* MUST. Reads the spec; connects to nothing. *source: what to call it, redacted; the caller frees it. */
  int (*open)(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err);
  /* MUST. Connects, says by sp_watch_can/cannot what it sees, and settings by sp_observations_setting. It is called again
   * before the next sample after a failure, so it also connects anew. */
  int (*probe)(void *watcher, struct sp_watch_sink *sink, struct sp_err *err);
  /* MUST. Once an interval. */
  int (*sample)(void *watcher, struct sp_watch_sink *sink, struct sp_err *err);
  /* MAY. Behind the run: what the source kept of (from, to], wall clock. */
  int (*finish)(void *watcher, struct sp_watch_sink *sink, int64_t from_ns, int64_t to_ns, struct sp_err *err);
  /* MUST. */
  void (*close)(void *watcher);
};

const struct sp_watcher_kind *sp_watcher_kind_at(size_t i); /* NULL behind the last */
const struct sp_watcher_kind *sp_watcher_kind_find(const char *name);

struct sp_watch;
/* on_note: for the log, from any watcher's thread; NULL: none. */
struct sp_watch *sp_watch_create(struct sp_observations *observations, void (*on_note)(void *ctx, const char *text), void *ctx);
int sp_watch_add(struct sp_watch *watch, const struct sp_watch_spec *spec, struct sp_err *err);
int sp_watch_start(struct sp_watch *watch, struct sp_err *err);
size_t sp_watch_count(const struct sp_watch *watch);
void sp_watch_finish(struct sp_watch *watch, int64_t from_ns, int64_t to_ns);
void sp_watch_destroy(struct sp_watch *watch); /* also without finish; NULL is fine */

#endif
