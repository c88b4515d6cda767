/*
 * A run from the history, as it was: its begin, every second, its log, its end, in the same words in which a run tells an output.
 * So everything that can be made of a run can be made again. Of a run that goes on, or was cut off, there is an end too:
 * what its seconds add up to, with the sentence that says so in its validity.
 */
#ifndef SP_REPORT_REPLAY_H
#define SP_REPORT_REPLAY_H

#include "report/report.h"
#include "store/store_read.h"

/* All MAY be NULL. What they get is borrowed for the call. */
struct sp_replay_hooks {
  void (*begin)(void *ctx, const struct sp_run_begin *begin);
  void (*on_tick)(void *ctx, const struct sp_run_view *view);
  void (*on_log)(void *ctx, int64_t elapsed_ns, const char *level, const char *text);
  int (*end)(void *ctx, const struct sp_result *result, struct sp_err *err);
};
int sp_replay(struct sp_store *store, const char *id, const struct sp_replay_hooks *hooks, void *ctx, struct sp_err *err);

/* Makes an output of it: open, begin, ticks, write. SP_EUSAGE for a kind that there is only while a run goes on. */
int sp_replay_output(struct sp_store *store, const char *id, const struct sp_report_type *type, const char *path,
                     struct sp_err *err);

#endif
