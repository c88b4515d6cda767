/*
 * The run second by second: a row a tick, small enough to keep a day of them.
 *
 * A row keeps the counts of every request, its histograms of ttft, itl, e2e and of each metric that an SLO names, and
 * the nodes, custom metrics and the lag, where SLOs name them. Any stretch of rows can be had back as an interval, with
 * exact histograms: windows, batches, the history of CSV and page are all made from that, and none averages a percentile.
 * Not kept: error details, other metrics, the generator's other lags.
 *
 * Memory has a cap, in rows and in bytes. Once one is reached, old neighbours are joined, two rows into one, a pair a
 * push and the oldest first: a long run's beginning gets coarser, its last hour (SP_SERIES_FRESH rows) stays as it is.
 *
 * One owner, one thread. No clock: times come with the intervals.
 */
#ifndef SP_STATS_SERIES_H
#define SP_STATS_SERIES_H

#include "stats/slo.h"

#define SP_SERIES_MAX 86400u
#define SP_SERIES_BYTES_MAX (256u * 1024u * 1024u)
#define SP_SERIES_FRESH 3600u /* the newest rows are not joined; SP_SLO_WINDOW_MAX_S of them */

/* What the load was like in a row. Rows of different parts are never joined. */
enum sp_series_part {
  SP_SERIES_WARM,   /* warm-up: in no window and no total */
  SP_SERIES_RAMP,   /* the load is on its way up or down */
  SP_SERIES_STEADY, /* as asked for */
  SP_SERIES_DRAIN,  /* nothing new starts */
};

struct sp_series_row {
  int64_t begin_ns, end_ns;
  enum sp_series_part part;
  uint64_t users, in_flight; /* at the row's end */
  uint64_t events;
  struct sp_tally tally;
  char *packed; /* the series' own */
  size_t packed_len;
};

struct sp_series_gauges {
  enum sp_series_part part;
  uint64_t users, in_flight;
};

struct sp_series_options {
  const struct sp_slo *slos; /* read at create only */
  size_t slo_count;
  size_t rows_max, bytes_max, fresh; /* 0: the caps above */
};

struct sp_series;
struct sp_series *sp_series_create(const struct sp_series_options *options); /* NULL: all zero */
void sp_series_destroy(struct sp_series *series);

/* `second` is borrowed for the call: sp_run_view.last as it came. */
void sp_series_push(struct sp_series *series, const struct sp_interval *second, const struct sp_series_gauges *gauges);

size_t sp_series_count(const struct sp_series *series);
const struct sp_series_row *sp_series_row(const struct sp_series *series, size_t i); /* until the next push */
bool sp_series_keeps(const struct sp_series *series, enum sp_metric metric);

/* Adds the rows from … to-1 to an interval, its begin and end too. */
void sp_series_merge(const struct sp_series *series, size_t from, size_t to, struct sp_interval *into);
/* The value of an SLO in those rows; rates over the rows' own time. */
void sp_series_evaluate(const struct sp_series *series, size_t from, size_t to, const struct sp_slo *slo,
                        struct sp_slo_value *out);
int64_t sp_series_span_ns(const struct sp_series *series, size_t from, size_t to);
/* The longest stretch of steady rows. False: there is none. */
bool sp_series_steady(const struct sp_series *series, size_t *from, size_t *to);

#endif
