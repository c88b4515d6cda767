/*
 * From the samples of exporters to points of signals, by the packs (watch/packs.h). The watchers `scrape` and `prometheus` put
 * into it what they read:
 *
 *   series = sp_panel_series(panel, &sample);           // NULL: no pack has a use for it
 *   if (series) sp_panel_put(panel, series, at, value); // each series in the order of time; an old sample is dropped
 *   sp_panel_flush(panel, &sink);                       // behind the samples of one look, or of one time: makes the points
 *
 * Counters give the delta between their own two samples over the time between those two: a reset begins anew, and a gap of over
 * SP_PANEL_GAP intervals gives no point, but a hole. Where a figure is a sum of series (replicas), it is made at the times of
 * one of them, with the others' latest.
 *
 * One thread.
 */
#ifndef SP_WATCH_PANEL_H
#define SP_WATCH_PANEL_H

#include "watch/packs.h"
#include "watch/watch.h"

#define SP_PANEL_SERIES_MAX 20000u /* of use; the others are counted in `left_out` */
#define SP_PANEL_KEY_MAX 4096u     /* bytes of a series' name and labels; a longer one is left out */
#define SP_PANEL_GAP 3

struct sp_panel_options {
  const char *subject;  /* in place of the packs' own, where no label says; NULL */
  const char *match;    /* labels that every sample must have: "namespace=dify,job!=test" (packs.h: where); NULL */
  const char *packs;    /* only these: "cadvisor,node_exporter"; NULL: all */
  const char *instance; /* of samples without that label: "db1:9187"; NULL */
  const char *url;      /* where the text is: its figures are shown by curl and grep; NULL: by PromQL */
  int64_t interval_ns;  /* of the samples, at best */
};

struct sp_panel;
struct sp_panel_series;
/* Texts are borrowed for good. SP_EUSAGE: a pack that there is none of, a bad match. */
int sp_panel_create(const struct sp_panel_options *options, struct sp_panel **out, struct sp_err *err);
void sp_panel_destroy(struct sp_panel *panel); /* NULL is fine */
void sp_panel_set_interval(struct sp_panel *panel, int64_t interval_ns);

struct sp_panel_series *sp_panel_series(struct sp_panel *panel, const struct sp_prom_sample *sample);
void sp_panel_put(struct sp_panel *panel, struct sp_panel_series *series, int64_t at_ns, double value);
void sp_panel_flush(struct sp_panel *panel, struct sp_watch_sink *sink);

/* What it has seen, in words: sp_watch_can for each pack with its subjects, sp_watch_cannot for what is missing of one. */
void sp_panel_tell(const struct sp_panel *panel, struct sp_watch_sink *sink);
bool sp_panel_takes(const struct sp_panel *panel, const struct sp_pack *pack); /* by options.packs */
bool sp_panel_saw(const struct sp_panel *panel, const struct sp_pack *pack);
void sp_panel_saw_metric(struct sp_panel *panel, struct sp_str metric); /* before its samples come */
size_t sp_panel_gaps(const struct sp_panel *panel);
size_t sp_panel_left_out(const struct sp_panel *panel);

/* Appends `label="value",…` as PromQL has conditions, each with a comma behind it. */
void sp_panel_put_match(const char *where, struct sp_buf *out);

#endif
