/*
 * A second of a run as the page and the history see it (TICK of docs/web-api.md), from an interval and the gauges
 * beside it. Counts and histograms are the interval's own, so that ticks add up to the run; nothing is sampled.
 */
#ifndef SP_REPORT_TICK_H
#define SP_REPORT_TICK_H

#include "base/buf.h"
#include "engine/run.h"
#include "stats/series.h"

#define SP_TICK_BYTES_MAX (4u * 1024u * 1024u) /* never reached: SP_EXPORT_CELLS_MAX requests, all their buckets full */

struct sp_tick_gauges {
  uint64_t n; /* its number in the run */
  int64_t start_ns; /* the run's start, on the interval's clock */
  enum sp_series_part part;
  uint64_t users, users_target, in_flight; /* at its end */
  double rate_target; /* 0: none */
  size_t stage;
  unsigned threads; /* engine threads, whose CPU time is in the interval; 0: not known */
};
/* The metrics that a tick has. */
#define SP_TICK_METRICS 4u
extern const enum sp_metric sp_tick_metrics[SP_TICK_METRICS];

/* n, start_ns are the caller's to fill in. */
void sp_tick_gauges_of(const struct sp_run_view *view, struct sp_tick_gauges *out);

enum sp_series_part sp_view_part(const struct sp_run_view *view);
const char *sp_part_name(enum sp_series_part part); /* "warm", "ramp", "steady", "drain" */

/* Appends the TICK as JSON text, without a newline. Requests beyond SP_EXPORT_CELLS_MAX are added up as "(other)". */
void sp_tick_put(struct sp_buf *out, const struct sp_interval *interval, const struct sp_tick_gauges *gauges);

/* What sp_tick_put reads of an interval, as few bytes: by the same program only (stats/pack.h). Taking it back merges,
 * so that neighbours can be joined exactly; begin and end widen. */
void sp_tick_pack(struct sp_buf *out, const struct sp_interval *interval);
void sp_tick_unpack(struct sp_str packed, struct sp_interval *into);

/* The bucket of a value in a TICK's heat: eight a factor of two from 0.1 ms on. */
unsigned sp_heat_bucket(double ms);

#endif
