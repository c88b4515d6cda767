/*
 * When the events of one response are due: an iterator over its steps, each with an absolute time.
 *
 * Times are drawn in the order of the steps from the request's own generator, so a copy of the iterator that is
 * run to its end tells the future (sp_schedule_truth). A step's due time is built from the step before it and
 * never from a write, so lateness does not accumulate. No loop, no clock.
 *
 *   arrival --head--> HEAD --queue--> BEGIN -> NODE_STARTED/NODE_FINISHED … --tail--> END --eof_lag--> EOF
 *   the streaming node: NODE_STARTED --first--> TOKEN --gap--> TOKEN … -> NODE_FINISHED (due with the last token)
 *   without nodes:      BEGIN --first--> TOKEN --gap--> TOKEN … --tail--> END
 */
#ifndef SP_MOCK_SCHEDULE_H
#define SP_MOCK_SCHEDULE_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

#define SP_MOCK_TIME_MAX_NS (INT64_C(3600) * 1000000000) /* the longest time that a distribution gives */
#define SP_MOCK_TOKENS_MAX 1000000u                      /* tokens of one answer (but fault=endless) */

enum sp_dist_kind { SP_DIST_CONSTANT, SP_DIST_UNIFORM, SP_DIST_NORMAL, SP_DIST_EXPONENTIAL, SP_DIST_LOGNORMAL };

/* A distribution of nanoseconds or of counts. */
struct sp_dist {
  enum sp_dist_kind kind;
  double a,
      b; /* constant a; uniform [a,b); normal mean a, deviation b; exponential mean a; lognormal median a, sigma b */
};

static inline struct sp_dist sp_dist_constant(double value) {
  return (struct sp_dist){ SP_DIST_CONSTANT, value, 0 };
}
double sp_dist_draw(const struct sp_dist *dist, struct sp_rng *rng); /* never negative; a constant draws nothing */

struct sp_mock_timing {
  struct sp_dist head, queue, first, gap, tail; /* nanoseconds */
  struct sp_dist tokens;                        /* count, rounded */
  int64_t eof_lag_ns;
};

enum sp_mock_step {
  SP_STEP_HEAD,
  SP_STEP_BEGIN,
  SP_STEP_NODE_STARTED,
  SP_STEP_NODE_FINISHED,
  SP_STEP_TOKEN,
  SP_STEP_END,
  SP_STEP_EOF,
  SP_STEP_DONE, /* nothing left */
  /* not part of the schedule: what a fault or a stop puts in */
  SP_STEP_ERROR,
  SP_STEP_ERROR_NOCODE,
  SP_STEP_FAILED,
  SP_STEP_STOPPED,
  SP_STEP_PAUSED,
  SP_STEP_UNKNOWN,
  SP_STEP_REPLACE,
};

#define SP_SCHEDULE_ENDLESS UINT64_MAX

struct sp_schedule_options {
  /* Borrowed while the schedule is used, so that a stream that waits stays small. */
  const struct sp_mock_timing *timing;
  const struct sp_dist *node_times;    /* one a node; NULL without nodes */
  const struct sp_dist *node_override; /* MAY. Instead of each of node_times */
  unsigned node_count;
  unsigned stream_node; /* the node that streams the tokens */
  bool lump;            /* all tokens are due with the last one */
  bool endless, empty;  /* tokens without end; none */
  uint64_t seed, stream;
  int64_t arrival_ns;
};

struct sp_schedule {
  /* the step that is next */
  enum sp_mock_step step;
  unsigned node;  /* of NODE_STARTED and NODE_FINISHED */
  uint64_t token; /* of TOKEN: its index; else how many there were */
  int64_t due_ns;
  /* what is known so far; 0 where it has not come */
  int64_t arrival_ns, head_ns, begin_ns, node_begun_ns, first_ns, last_ns, end_ns;
  uint64_t tokens; /* of the whole answer; SP_SCHEDULE_ENDLESS */
  /* private */
  const struct sp_mock_timing *timing;
  const struct sp_dist *node_times, *node_override;
  struct sp_rng rng;
  unsigned node_count, stream_node;
  bool lump;
};

void sp_schedule_init(struct sp_schedule *schedule, const struct sp_schedule_options *options);
void sp_schedule_next(struct sp_schedule *schedule);               /* to the next step; stays at DONE */
void sp_schedule_shift(struct sp_schedule *schedule, int64_t ns);  /* the next step and all behind it come later */
void sp_schedule_end_now(struct sp_schedule *schedule, int64_t now_ns); /* next is EOF, at now + eof_lag */

struct sp_schedule_truth {
  int64_t arrival_ns, head_ns, first_ns, last_ns, end_ns; /* monotonic; first and last are 0 without tokens */
  uint64_t tokens;
};
/* Runs a copy to its end. An endless one gives end_ns = SP_NEVER_NS. */
void sp_schedule_truth(const struct sp_schedule *schedule, struct sp_schedule_truth *out);

#endif
