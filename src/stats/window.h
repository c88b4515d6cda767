/*
 * Windowed SLOs (`over 30s`): the limit has to hold in every window of that length, and windows begin at every row of
 * the series, so that a bad stretch cannot hide between two of them. (Of windows over a minute, at every sixtieth of
 * their length: the work a second stays that of 60 rows.)
 *
 * A window is whole rows that add up to the length (give or take half a second). Times, shares and goodput_share look
 * at every row but those of the warm-up; rates only at the steady ones, since neither a ramp nor the drain is the
 * target's fault. A window without samples is counted and says nothing: what hangs shows when it ends. When the run was
 * too short for a whole window, all there is is judged as one.
 *
 * Step after each push, finish at the end. One owner; the SLO and the series outlive it.
 */
#ifndef SP_STATS_WINDOW_H
#define SP_STATS_WINDOW_H

#include "stats/series.h"

struct sp_window_track {
  const struct sp_slo *slo;
  uint64_t windows; /* judged */
  uint64_t empty;   /* of these: without samples */
  uint64_t missed;
  double worst;     /* NAN: none had a value */
  int64_t worst_begin_ns, worst_end_ns;
  int64_t judged_ns; /* the end of the newest window; 0: none yet */
};

void sp_window_track_init(struct sp_window_track *track, const struct sp_slo *slo);
/* Judges the window that ends with the newest row, if there is one. */
void sp_window_track_step(struct sp_window_track *track, const struct sp_series *series);
/* The SLO can no longer be met: one window has missed it (--slo-abort). */
bool sp_window_track_lost(const struct sp_window_track *track);
/* value: the worst window's; samples: windows with a value. */
void sp_window_track_finish(struct sp_window_track *track, const struct sp_series *series, struct sp_slo_value *out);

#endif
