/*
 * The recorder of one engine thread: the only writer of its interval. No locks: at a tick the owner takes the
 * filled interval out and puts an empty one in, on the recorder's own thread.
 */
#ifndef SP_STATS_RECORDER_H
#define SP_STATS_RECORDER_H

#include "stats/compat.h"
#include "stats/interval.h"
#include "stats/limits.h"

#define SP_RECORDER_RECENT 16u

/* Sees every sample as it is recorded, whatever its outcome: for outputs with a line a request. On the recorder's own
 * thread, in the middle of the load: take what is needed, do no work. All is borrowed for the call. */
struct sp_sample_sink {
  void (*take)(void *ctx, const struct sp_request_key *key, const struct sp_sample *sample);
  void *ctx;
};

struct sp_recorder {
  struct sp_interval *interval; /* being filled; owned */
  struct sp_cell *recent[SP_RECORDER_RECENT]; /* of this interval, found without hashing; the recorder's own */
  /* May be set after init; they stay over takes. Borrowed, shared read-only among recorders. */
  const struct sp_limits *limits;    /* NULL: every ok request is a good one */
  const struct sp_sample_sink *sink; /* NULL: none */
  unsigned compat;                   /* whose definitions to record too: SP_COMPAT_BIT(tool) | … */
};

void sp_recorder_init(struct sp_recorder *recorder, int64_t now_ns);
void sp_recorder_fini(struct sp_recorder *recorder);

/* Ends the interval at now_ns and hands it out; the caller destroys it. */
struct sp_interval *sp_recorder_take(struct sp_recorder *recorder, int64_t now_ns);

void sp_recorder_start(struct sp_recorder *recorder, const struct sp_request_key *key);
/* Once for every start, with the same key. */
void sp_recorder_end(struct sp_recorder *recorder, const struct sp_request_key *key, const struct sp_sample *sample);

static inline void sp_recorder_event(struct sp_recorder *recorder) { recorder->interval->events++; }
static inline void sp_recorder_lag(struct sp_recorder *recorder, int64_t lag_ns) {
  sp_hist_record_ns(&recorder->interval->lag, lag_ns);
}
void sp_recorder_node(struct sp_recorder *recorder, struct sp_str title, struct sp_str type, int64_t elapsed_ns,
                      bool failed); /* elapsed -1: counted without a time */
void sp_recorder_task_error(struct sp_recorder *recorder, const char *task, const char *detail, int64_t now_ns);
/* value >= 0, three decimals kept; beyond the range it counts as its end, and among too_small or too_large. What is no
 * number is not recorded. */
void sp_recorder_custom(struct sp_recorder *recorder, const char *name, const char *unit, double value);

#endif
