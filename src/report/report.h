/*
 * Outputs of a run. One file with a const table a kind, one line each in cli/registry.c; report/outputs.h keeps the
 * ones that a run was asked for. The main thread calls every hook; only a sink is called from the engine's threads.
 */
#ifndef SP_REPORT_REPORT_H
#define SP_REPORT_REPORT_H

#include "engine/run.h"
#include "model/confidence.h"
#include "model/diagnose.h"
#include "stats/observations.h"
#include "stats/window.h"

#include <stdio.h>

struct sp_tag {
  const char *key, *value;
};

/* What a request row meant to the plan; more than the numbers know. */
struct sp_result {
  const char *version;
  char id[40];
  const char *name; /* --name, or the plan's */
  const char *plan;
  const char *host; /* redacted; "" where requests had their own */
  int64_t started_real_ns;
  uint64_t seed;
  const struct sp_tag *tags;
  size_t tag_count;
  const struct sp_load *load;
  struct sp_run_facts facts;
  const struct sp_interval *totals;
  struct sp_validity validity;
  const struct sp_slo_result *slos;
  size_t slo_count;
  bool interrupted;
  const struct sp_run_stage *stages; /* what the load had of them; their intervals add up to the totals */
  size_t stage_count;
  const struct sp_observations *seen; /* of the target, by watchers; NULL: nobody watched */
  const struct sp_diagnosis *diagnosis; /* NULL: nothing to make one from */
  struct sp_str kept_summary;         /* of a run of the past: the summary's own text, for what is kept nowhere else */
  int64_t real_offset_ns;             /* wall clock - monotonic: what is seen has wall times */
  const char *const *notes; /* worth knowing, beside those of the validity: one sentence each */
  size_t note_count;
};

struct sp_slo_result {
  const char *expression;
  double value; /* NAN: no value */
  bool met;
  /* MAY all be NULL: known of a real expression only. */
  const struct sp_slo *slo;
  const char *why;                        /* there is no value */
  const struct sp_confidence *confidence; /* of the value on the steady part */
  const struct sp_window_track *window;   /* `over 30s` */
  uint64_t samples;
};

struct sp_run_param { /* of the plan, as this run had it */
  const char *key, *value; /* value NULL: a secret's */
};

/* What is known when a run begins. Borrowed for the call, but `load`, which outlives the run. */
struct sp_run_begin {
  const char *version, *id, *name, *plan, *host;
  int64_t real_ns, mono_ns; /* the same moment on both clocks: maps the run's monotonic times to the day's */
  const struct sp_tag *tags;
  size_t tag_count;
  const struct sp_load *load;
  const char *const *slos; /* expressions */
  size_t slo_count;
  struct sp_str plan_text; /* may be empty */
  const struct sp_run_param *params;
  size_t param_count;
};

struct sp_sample_sink; /* stats/recorder.h */

struct sp_report_type {
  const char *name; /* "json": --out json=PATH */
  bool live_only; /* it can't be made again from the history */
  const char *option; /* MAY. "--web": where it is asked for by an option of its own; "": by none */
  const char *help;
  /* MUST. Before the run: the path is writable, or a sentence. What was there stays until begin or write. "-" is
   * standard output. */
  int (*open)(const char *path, void **report, struct sp_err *err);
  /* MAY. Once, right before the first user. What goes wrong from here to the end is kept for write to say. */
  void (*begin)(void *report, const struct sp_run_begin *begin);
  /* MAY. Each second, and once with phase ENDED: what was seen is on the disk (or under way) when it returns, so a
   * killed run keeps it. */
  void (*on_tick)(void *report, const struct sp_run_view *view);
  /* MAY. Where every request's sample goes; asked for before the first user. Its take() is called by all engine
   * threads at once and never waits. */
  const struct sp_sample_sink *(*sink)(void *report);
  /* MAY. A line for people on what happens; level is "info", "warn" or "error". */
  void (*on_log)(void *report, const char *level, const char *text);
  /* MUST. Once, after the run. */
  int (*write)(void *report, const struct sp_result *result, struct sp_err *err);
  /* MAY. What write would make of the run so far, to another path; the run goes on. Without it a report that is opened,
   * written and closed does that: no tick is in it. */
  int (*write_now)(void *report, const struct sp_result *now, const char *path, struct sp_err *err);
  /* MAY. After write: a sentence for people on what was left out ("12 lines dropped"); false: nothing was. */
  bool (*note)(void *report, char *text, size_t size);
  /* MUST. Also when write was never called. */
  void (*close)(void *report);
};

extern const struct sp_report_type sp_report_json, sp_report_csv, sp_report_hdr, sp_report_html, sp_report_jsonl,
  sp_report_prometheus, sp_report_otlp;

#endif
