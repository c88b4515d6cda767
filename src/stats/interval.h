/*
 * What was recorded in a stretch of time: a cell a request key, nodes, errors, the generator's own state.
 * The same type serves as one thread's second, as all threads' second and as the run's totals; merging is
 * exact, so every output's totals agree.
 *
 * Not thread-safe: a filled interval is handed from its engine thread to the reader (see recorder.h).
 */
#ifndef SP_STATS_INTERVAL_H
#define SP_STATS_INTERVAL_H

#include "base/map.h"
#include "stats/sample.h"

#define SP_CELLS_MAX 1000u /* distinct request keys; the rest is counted under the name "(other)" */
#define SP_NODES_MAX 500u  /* distinct node titles; the rest under the title "(other)" */
/* Distinct errors; the rest is counted under the detail "(other)", and beyond twice as many under the name
 * "(other)" too: then a line a kind. Counts are never lost, their sum stays exact. */
#define SP_ERRORS_MAX 200u
#define SP_CUSTOM_MAX 100u /* distinct custom metrics; the rest under the name "(other)" */
#define SP_NAME_MAX 200u   /* bytes of a name, class, task, title, type or unit kept */
#define SP_DETAIL_MAX 300u /* bytes of an error's detail kept */
#define SP_OTHER "(other)"
/* Texts are cleaned (stats/clean.h) before they become keys: what is kept is valid UTF-8 without control characters. */

struct sp_cell {
  char *name, *user_class, *task;
  char *method; /* of the first request; "" for none */
  enum sp_role role;
  uint64_t started;
  uint64_t outcomes[SP_OUTCOME_COUNT];
  uint64_t rate_limited;
  uint64_t retries;         /* asked again what a 429 had refused */
  uint64_t hang_ups[SP_HANG_UP_COUNT]; /* of the abandoned ones: their sum is outcomes[SP_OUTCOME_ABANDONED] */
  uint64_t cut_streams, cut_tokenless; /* of the cancelled ones: streams, and of these without a first token */
  uint64_t paused_requests, read_pauses, paused_ns; /* reading that the plan slowed down */
  uint64_t stalls;
  uint64_t good;            /* ok requests that kept every limit of their own (stats/limits.h); all ok ones without */
  uint64_t streams;         /* ok requests with an event stream or a token */
  uint64_t stalled_streams; /* streams with at least one stall */
  uint64_t token_events, answer_chars, reported_prompt, reported_completion;
  uint64_t prompt_reports, completion_reports; /* requests that reported them; 0: those sums are n/a */
  uint64_t bytes_in, bytes_out;
  uint64_t counters[SP_COUNTER_COUNT];
  struct sp_hist metrics[SP_METRIC_COUNT]; /* of ok requests; count 0 = n/a */
  struct sp_hist failed_e2e;               /* of failed requests */
  struct sp_hist cancelled_age;            /* of cancelled ones: start -> cut, a censored sample */
  struct sp_hist abandoned_age;            /* of abandoned ones: start -> hang-up */
  struct sp_hist *compat; /* SP_COMPAT_ROWS of them (stats/compat.h); NULL while no other tool's rows were asked for */
};

/* A cell's counts that are no array, for who does the same with each of them. In the order of encoded snapshots: new
 * ones come last. */
#define SP_CELL_COUNTS 20
void sp_cell_counts(struct sp_cell *cell, uint64_t *out[SP_CELL_COUNTS]);

struct sp_node_cell {
  char *title, *type;
  uint64_t failed;
  struct sp_hist elapsed; /* us; its count is the number of finished nodes that say their time */
  uint64_t count;
};

struct sp_error_cell {
  char *name; /* request's name, or the task's for an error of the plan */
  char *kind; /* outcome's name, or "task" for an error inside a task */
  char *detail;
  uint64_t count;
  int64_t first_ns; /* monotonic */
};

struct sp_custom_cell {
  char *name, *unit;
  struct sp_hist values; /* of value * 1000: three decimals, up to SP_CUSTOM_MOST */
  uint64_t too_small;    /* over 0, but counted as 0 */
  uint64_t too_large;    /* counted as SP_CUSTOM_MOST */
};
#define SP_CUSTOM_MOST ((double)SP_HIST_MAX / 1000)

struct sp_interval {
  int64_t begin_ns, end_ns; /* monotonic; totals: of the measured time */
  struct sp_map cells;      /* key "name\0class\0task" -> struct sp_cell */
  struct sp_map probes;     /* the same of requests that are not the load (stats/role.h): in no sum below */
  struct sp_map nodes;      /* "title\0type" -> struct sp_node_cell */
  struct sp_map errors;     /* "name\0kind\0detail" -> struct sp_error_cell */
  struct sp_map customs;    /* "name\0unit" -> struct sp_custom_cell */
  uint64_t events;      /* dispatched data events of every stream, as they came */
  uint64_t task_errors; /* errors inside tasks */
  uint64_t tasks;       /* tasks ended */
  struct sp_hist lag;      /* us: kernel receive -> user space, one a read */
  struct sp_hist loop_lag; /* us: a timer's due time -> its callback */
  uint64_t late_starts;    /* tasks that began more than SP_LATE_START_NS after they were due */
  int64_t cpu_ns;          /* CPU time of the engine threads */
  uint64_t arrivals;       /* open loop: arrivals that became a task */
  uint64_t dropped_starts; /* open loop: arrivals that were due and could not be made */
  uint64_t connections;    /* new ones that were opened */
  uint64_t port_exhausted, files_exhausted; /* new ones that this machine had no local port or file for */
  struct sp_hist start_lag; /* us: a task's due time -> its begin; what a user's own start took is not in it */
  /* Users alive and requests in flight, integrated over the time of the run phase: over its length they are means. */
  double user_time_ns, request_time_ns;
};

#define SP_LATE_START_NS (10 * INT64_C(1000000))

struct sp_interval *sp_interval_create(void);
void sp_interval_destroy(struct sp_interval *interval);
void sp_interval_clear(struct sp_interval *interval); /* empties it; cells are freed */
void sp_interval_merge(struct sp_interval *into, const struct sp_interval *from);

/* Finds or makes; never NULL (past the cap: the "(other)" one). NULL texts are empty ones. */
struct sp_cell *sp_interval_cell(struct sp_interval *interval, const struct sp_request_key *key);
struct sp_hist *sp_cell_compat(struct sp_cell *cell); /* the rows, made when they are not there yet */
struct sp_node_cell *sp_interval_node(struct sp_interval *interval, struct sp_str title, struct sp_str type);
void sp_interval_error(struct sp_interval *interval, const char *name, const char *kind, const char *detail,
                       uint64_t count, int64_t first_ns);
struct sp_custom_cell *sp_interval_custom(struct sp_interval *interval, const char *name, const char *unit);

/* A metric of all cells of the load together; fini it. */
void sp_interval_metric(const struct sp_interval *interval, enum sp_metric metric, struct sp_hist *out);

/* Sums over all cells of the load. */
struct sp_tally {
  uint64_t started, ok, failed, abandoned, cancelled, rate_limited, retries, bytes_in, bytes_out;
  uint64_t good, streams, stalled_streams;
};
void sp_tally_add(struct sp_tally *into, const struct sp_tally *more);
void sp_tally_cell(const struct sp_cell *cell, struct sp_tally *out);
void sp_tally_interval(const struct sp_interval *interval, struct sp_tally *out);
/* The identity: started = ok + failed + abandoned + cancelled. True for a run's totals when all has ended. */
bool sp_tally_closes(const struct sp_tally *tally);

#endif
