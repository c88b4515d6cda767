/*
 * The limits of a single request, taken from the SLOs: what a request has to keep to be a good one (goodput).
 *
 * An upper limit (< or <=) on a percentile, mean or max of a time that a request has once (wait, ttfb, ttfe, ttft,
 * ttfr, tpot, e2e, max_gap) is each request's own limit; `on` narrows it. itl, shares, rates, nodes and a plan's own
 * metrics give none. As in vLLM's and AIPerf's goodput (DistServe, Zhong et al. 2024), with one difference: a time
 * that a request has not got (n/a) does not fail it.
 *
 * Built once before the run, then read by all threads.
 */
#ifndef SP_STATS_LIMITS_H
#define SP_STATS_LIMITS_H

#include "stats/sample.h"

#include <stddef.h>

struct sp_slo;

struct sp_limit {
  enum sp_metric metric;
  int64_t most_ns; /* inclusive */
  char *on;        /* NULL: every request */
};

struct sp_limits {
  struct sp_limit *items;
  size_t count;
};

void sp_limits_init(struct sp_limits *limits, const struct sp_slo *slos, size_t count); /* copies what it needs */
void sp_limits_fini(struct sp_limits *limits);

/* Has a request with these times kept all limits that are for it? NULL limits: yes. */
bool sp_limits_kept(const struct sp_limits *limits, const char *name, const char *task, const struct sp_sample *sample);

#endif
