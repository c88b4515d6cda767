/*
 * Metrics as exporters serve them: Prometheus' text format 0.0.4 (and 1.0.0's quoted names) and OpenMetrics 1.0, by lines.
 * Bytes in, samples out; no sockets, no clock; fuzzed. What both formats share is read leniently; a line that is no metric is
 * a counted fault, since one bad line does not make the others wrong.
 *
 * Exemplars, units and help are skipped. Slices of a sample are borrowed for the call.
 */
#ifndef SP_WIRE_PROMTEXT_H
#define SP_WIRE_PROMTEXT_H

#include "base/buf.h"
#include "base/err.h"

#define SP_PROM_LINE_MAX (64u * 1024u) /* bytes of a line; a longer one is a fault */
#define SP_PROM_LABELS_MAX 64u         /* of a sample; one with more is a fault */
#define SP_PROM_SAMPLES_MAX 500000u    /* of a text; the others are counted in `left_out` */
#define SP_PROM_NAME_MAX 200u          /* of a family whose type is kept */
#define SP_PROM_FAULT_MAX 120u

enum sp_prom_type {
  SP_PROM_UNTYPED, /* nobody said */
  SP_PROM_COUNTER,
  SP_PROM_GAUGE,
  SP_PROM_HISTOGRAM,
  SP_PROM_SUMMARY,
};

struct sp_prom_label {
  struct sp_str name, value; /* the value without escapes */
};

struct sp_prom_sample {
  struct sp_str name;
  struct sp_prom_label labels[SP_PROM_LABELS_MAX]; /* in the order of the line */
  size_t label_count;
  double value; /* may be no number, or infinite */
  bool has_time;
  double time_s; /* since 1970, as the exporter says */
  enum sp_prom_type type; /* of its family, by the "# TYPE" before it */
};

/* The empty slice where the sample has no such label: the formats do not tell the two apart. */
struct sp_str sp_prom_label_of(const struct sp_prom_sample *sample, struct sp_str name);

struct sp_prom {
  bool open_metrics; /* its timestamps are seconds, the others' milliseconds */
  void (*on_sample)(void *ctx, const struct sp_prom_sample *sample);
  void *ctx;
  size_t samples, faults, left_out;
  char first_fault[SP_PROM_FAULT_MAX]; /* "line 3: it has no value"; "" where there is none */
  /* private */
  struct sp_buf line;    /* cut by the end of the bytes fed */
  struct sp_buf escaped; /* label values that had escapes */
  size_t line_number;
  bool skipping;         /* the rest of a line that is too long */
  char family[SP_PROM_NAME_MAX + 1];
  enum sp_prom_type type;
};

void sp_prom_init(struct sp_prom *prom, bool open_metrics, void (*on_sample)(void *ctx, const struct sp_prom_sample *sample),
                  void *ctx);
void sp_prom_fini(struct sp_prom *prom);
void sp_prom_feed(struct sp_prom *prom, struct sp_str bytes);
void sp_prom_end(struct sp_prom *prom); /* the last line may lack its end */

/* A number of these formats and of Prometheus' API: "1", "-1.5e3", "NaN", "+Inf". False for anything else. */
bool sp_prom_number(struct sp_str text, double *out);

#endif
