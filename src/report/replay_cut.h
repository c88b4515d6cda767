/* Private to the replay: the end of a run that has none, from its seconds. */
#ifndef SP_REPORT_REPLAY_CUT_H
#define SP_REPORT_REPLAY_CUT_H

#include "report/kept.h"
#include "store/store_read.h"

struct sp_cut {
  struct sp_interval *totals; /* without the warm-up */
  int64_t elapsed_ns, warm_ns;
  uint64_t users_max;
  struct sp_run_stage stages[SP_STAGES_MAX]; /* those that it came to */
  struct sp_interval *intervals[SP_STAGES_MAX];
  struct sp_slo slos[SP_KEPT_SLOS_MAX];
  struct sp_slo_result results[SP_KEPT_SLOS_MAX];
};

void sp_cut_init(struct sp_cut *cut);
void sp_cut_fini(struct sp_cut *cut);
/* counted: what of it is in the totals; NULL: nothing. end_ns: the tick's, on the clock of its interval. */
void sp_cut_add(struct sp_cut *cut, const struct sp_store_tick *tick, const struct sp_interval *counted, int64_t end_ns,
                int64_t warm_up_ns);
/* Fills facts, totals, validity, SLOs and stages; they borrow from cut and asked. */
void sp_cut_finish(struct sp_cut *cut, const struct sp_kept_asked *asked, bool goes_on, struct sp_result *result);

#endif
