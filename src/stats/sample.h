/*
 * What one request came to: filled by who made it, given once to the recorder.
 */
#ifndef SP_STATS_SAMPLE_H
#define SP_STATS_SAMPLE_H

#include "stats/gaps.h"
#include "stats/metric.h"
#include "stats/outcome.h"
#include "stats/role.h"

/* The name a request goes by in every output. Strings are borrowed; the recorder copies them. */
struct sp_request_key {
  const char *name, *user_class, *task;
  enum sp_role role;
  const char *method; /* "POST": of the first request of that name, for people; tells no rows apart. NULL: none */
};

struct sp_sample {
  enum sp_outcome outcome;
  const char *detail; /* failures: one line for the error table; borrowed; NULL for none */
  int64_t start_ns;   /* intended start */
  int64_t end_ns;
  int64_t metric_ns[SP_METRIC_COUNT]; /* SP_METRIC_NA where undefined; [SP_METRIC_ITL] is unused */
  const struct sp_gaps *gaps;         /* NULL for none */
  bool rate_limited;                  /* a 429 */
  bool retry;                         /* asks again what a 429 had refused */
  uint64_t token_events, answer_chars;
  int64_t reported_prompt, reported_completion; /* -1 where not reported */
  uint64_t bytes_in, bytes_out;
  uint32_t counters[SP_COUNTER_COUNT];
  bool stream; /* the answer was an event stream */
  int status;  /* HTTP; 0: no head came */
  enum sp_hang_up hang_up; /* of an abandoned one */
  bool stream_asked;       /* an event stream was expected */
  uint32_t read_pauses;    /* how often its reading was stopped, and for how long in all */
  int64_t paused_ns;
  /* For other tools' definitions (stats/compat.h), from start_ns like the metrics; SP_METRIC_NA where not known. */
  int64_t first_chunk_ns; /* the first event with a piece of an answer, a role-only or empty one too */
  int64_t last_chunk_ns;  /* the last such event, one that only says why the answer ends too */
};

void sp_sample_init(struct sp_sample *sample); /* everything n/a, outcome ok */

/* The metric as it counts: as given, or derived from the others (max_gap from the gaps, e2e_sent from e2e and wait). */
int64_t sp_sample_metric(const struct sp_sample *sample, enum sp_metric metric);

#endif
