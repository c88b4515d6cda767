/*
 * The run as metrics for monitoring systems, in Prometheus' data model and naming: one walk feeds the text formats
 * (report/exposition.h), remote write and OTLP. What it counts is what the summary counts: the totals, without the
 * warm-up. Times are seconds, sizes bytes; a counter's name stands without its "_total".
 *
 * Bounded: SP_EXPORT_CELLS_MAX request rows and as many nodes; the others are added up under "(other)", so sums stay
 * true.
 */
#ifndef SP_REPORT_EXPORT_H
#define SP_REPORT_EXPORT_H

#include "report/report.h"

#define SP_EXPORT_CELLS_MAX 100u
#define SP_EXPORT_LABELS_MAX 8u

enum sp_export_kind { SP_EXPORT_COUNTER, SP_EXPORT_GAUGE, SP_EXPORT_HISTOGRAM };

struct sp_export_family {
  const char *name; /* "spate_request_duration_seconds" */
  const char *unit; /* "seconds", "bytes"; "": none */
  const char *help;
  enum sp_export_kind kind;
};

struct sp_export_label {
  const char *name, *value;
};

struct sp_export_histogram {
  const double *bounds_s; /* inclusive upper ends; beyond the last one is +Inf */
  const uint64_t *counts; /* a bucket each, not added up; bound_count + 1 of them */
  size_t bound_count;
  uint64_t count;
  double sum_s;
};

/* Each family, and then its points. All is borrowed for the call. */
struct sp_export_visitor {
  void *ctx;
  void (*family)(void *ctx, const struct sp_export_family *family);
  void (*value)(void *ctx, const struct sp_export_label *labels, size_t label_count, double value);
  void (*histogram)(void *ctx, const struct sp_export_label *labels, size_t label_count,
                    const struct sp_export_histogram *histogram);
};

/* Who is seen. Owned texts: the outputs that export keep one over the run. */
struct sp_export_run {
  char *id, *name, *plan, *host, *version;
  int64_t real_minus_mono_ns, begin_real_ns;
};
void sp_export_run_init(struct sp_export_run *run, const struct sp_run_begin *begin);
void sp_export_run_fini(struct sp_export_run *run); /* fine on a zeroed one */

struct sp_export_source {
  const struct sp_export_run *run;
  const struct sp_run_view *view;   /* a tick; or NULL and */
  const struct sp_result *result;   /* the end: the verdict too */
};

void sp_export_walk(const struct sp_export_source *source, const struct sp_export_visitor *visitor);

#endif
