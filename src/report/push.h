/*
 * What outputs that push have in common: who the run is, when the next push is due, the poster. A run's first second,
 * then each SP_PUSH_EVERY_NS, and the end with its verdict.
 */
#ifndef SP_REPORT_PUSH_H
#define SP_REPORT_PUSH_H

#include "base/buf.h"
#include "report/export.h"
#include "report/poster.h"

#define SP_PUSH_EVERY_NS (5 * SP_NS_PER_S)
#define SP_PUSH_MAX (64u * 1024u * 1024u)

struct sp_push {
  const char *what; /* "prometheus" */
  /* Appends a body: the metrics as they were at real_ns. */
  void (*encode)(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns);
  struct sp_poster *poster;
  struct sp_export_run run;
  int64_t next_ns;
  struct sp_err err;
};

int sp_push_open(const struct sp_poster_options *options, const char *what,
                 void (*encode)(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns),
                 void **report, struct sp_err *err);

/* The hooks of a struct sp_report_type; `report` is a struct sp_push. */
void sp_push_begin(void *report, const struct sp_run_begin *begin);
void sp_push_tick(void *report, const struct sp_run_view *view);
int sp_push_write(void *report, const struct sp_result *result, struct sp_err *err);
bool sp_push_note(void *report, char *text, size_t size);
void sp_push_close(void *report);

#endif
