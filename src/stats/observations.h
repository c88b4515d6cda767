/*
 * What watchers saw of the target: series of signals, settings, and what could not be seen.
 *
 * Times are wall clock (ns since 1970, of this machine: a watcher whose source has another clock corrects it), since sources
 * have no other in common; struct sp_run_begin maps a run's monotonic times to it.
 *
 * Many watcher threads add, any thread may look: every function here takes the lock, and what `find` and `at` give stays valid
 * as long as the observations (series are never removed), while its points are only to be read by the functions here.
 *
 * Caps: SP_OBSERVED_MAX series (what comes beyond is counted in `left_out`); a series of SP_OBSERVED_POINTS_MAX points joins
 * neighbours, two into one, so that a long run gets coarser and its means stay exact. Texts are cleaned (stats/clean.h) and
 * cut to their caps. Secrets are the watcher's to leave out: `source` is a redacted URL.
 */
#ifndef SP_STATS_OBSERVATIONS_H
#define SP_STATS_OBSERVATIONS_H

#include "stats/signal.h"

#include <stddef.h>
#include <stdint.h>

#define SP_OBSERVED_MAX 2000u
#define SP_OBSERVED_POINTS_MAX 7200u /* two hours, a point a second */
#define SP_OBSERVED_SUBJECT_MAX 120u
#define SP_OBSERVED_DETAIL_MAX 300u
#define SP_OBSERVED_QUERY_MAX 600u
#define SP_SETTINGS_SEEN_MAX 500u
#define SP_SIGHTS_MAX 200u

/* Whose, and by what it can be had again. NULL texts are empty ones; borrowed for the call. */
struct sp_observed_key {
  enum sp_signal signal;
  const char *subject; /* "dify-api" */
  const char *detail;  /* "IO/WALSync" */
  const char *source;  /* which watcher: "prometheus http://127.0.0.1:9090" */
  const char *query;   /* what a person can type there to see it: PromQL, SQL, a path */
};

struct sp_point {
  int64_t at_ns, span_ns; /* holds over (at - span, at]; span over 0 */
  double value;
};

struct sp_observed { /* a series */
  enum sp_signal signal;
  char *subject, *detail, *source, *query;
  struct sp_point *points; /* in the order of time */
  size_t count, cap;
};

struct sp_setting_seen { /* of the target: "postgres", "max_connections", "100" */
  char *subject, *key, *value;
};

/* What a watcher can or can't see: said at the start, and again in the diagnosis ("unseen"). */
struct sp_sight {
  char *source, *text; /* "waits of sessions: role monitor has no pg_monitor" */
  bool can;
};

struct sp_observations;
struct sp_observations *sp_observations_create(void);
void sp_observations_destroy(struct sp_observations *observations);

/* Points of a series come in the order of time; one not later than the series' last is dropped (a back-fill may overlap).
 * Values that are no numbers are dropped. A series is known by signal, subject, detail and source. */
void sp_observations_add(struct sp_observations *observations, const struct sp_observed_key *key, int64_t at_ns,
                         int64_t span_ns, double value);
/* Settings are those at the start: the first word counts. */
void sp_observations_setting(struct sp_observations *observations, const char *subject, const char *key, const char *value);
/* The same source and text once. */
void sp_observations_sight(struct sp_observations *observations, const char *source, bool can, const char *text);

size_t sp_observations_count(const struct sp_observations *observations);
const struct sp_observed *sp_observations_at(const struct sp_observations *observations, size_t i);
/* NULL subject or detail: any; the first that fits, from index *from on, which moves behind it. from may be NULL. */
const struct sp_observed *sp_observations_find(const struct sp_observations *observations, enum sp_signal signal,
                                               const char *subject, const char *detail, size_t *from);
size_t sp_observations_left_out(const struct sp_observations *observations);

size_t sp_observations_setting_count(const struct sp_observations *observations);
const struct sp_setting_seen *sp_observations_setting_at(const struct sp_observations *observations, size_t i);
const char *sp_observations_setting_of(const struct sp_observations *observations, const char *subject, const char *key);
size_t sp_observations_sight_count(const struct sp_observations *observations);
const struct sp_sight *sp_observations_sight_at(const struct sp_observations *observations, size_t i);

/* What a stretch of time (from, to] looks like. */
struct sp_observed_window {
  double mean, least, most; /* the mean is weighted by the time that points cover */
  double first, last;       /* values */
  double covered;           /* share of the stretch that points cover, 0 … 1: stale data show here */
  size_t points;
};
/* False: no point touches it. */
bool sp_observed_window(const struct sp_observations *observations, const struct sp_observed *series, int64_t from_ns,
                        int64_t to_ns, struct sp_observed_window *out);
/* A copy of the points from index `from` on, which the caller frees; for pages, files and the history. */
struct sp_point *sp_observed_points(const struct sp_observations *observations, const struct sp_observed *series, size_t from,
                                    size_t *count);

#endif
