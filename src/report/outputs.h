/*
 * The outputs that one run was asked for: opened before it, told of its begin and ticks, written and closed. One that
 * fails at the end doesn't take the others with it.
 */
#ifndef SP_REPORT_OUTPUTS_H
#define SP_REPORT_OUTPUTS_H

#include "report/report.h"
#include "stats/recorder.h"

#define SP_OUTPUTS_MAX 32u

struct sp_outputs {
  struct sp_output {
    const struct sp_report_type *type;
    const char *path; /* borrowed */
    void *report;
  } items[SP_OUTPUTS_MAX];
  size_t count;
  const struct sp_sample_sink *sinks[SP_OUTPUTS_MAX];
  size_t sink_count;
  struct sp_sample_sink all; /* gives each sample to every one of them */
};

/* Opens one more; on failure the ones before stay open. Start from a zeroed struct. */
int sp_outputs_add(struct sp_outputs *outputs, const struct sp_report_type *type, const char *path,
                   struct sp_err *err);
/* Where samples go, for all outputs that want them; NULL: none does. Lives as long as the outputs, which stay where
 * they are meanwhile. */
const struct sp_sample_sink *sp_outputs_sink(struct sp_outputs *outputs);
void sp_outputs_begin(struct sp_outputs *outputs, const struct sp_run_begin *begin);
void sp_outputs_tick(struct sp_outputs *outputs, const struct sp_run_view *view);
void sp_outputs_log(struct sp_outputs *outputs, const char *level, const char *text);
/* Writes them all; on_error and on_note are called where there is something to say. */
void sp_outputs_write(struct sp_outputs *outputs, const struct sp_result *result,
                      void (*on_error)(void *ctx, const struct sp_err *err),
                      void (*on_note)(void *ctx, const char *text), void *ctx);
/* The output of that type as of now, to a path of its own. SP_ENOTFOUND: there is none of that type. */
int sp_outputs_write_now(struct sp_outputs *outputs, const struct sp_report_type *type, const struct sp_result *now,
                         const char *path, struct sp_err *err);
void sp_outputs_close(struct sp_outputs *outputs);

#endif
