/*
 * How many users there should be as a function of time. Seats are numbered 1 … N; the shape says when seat k is
 * taken and when it is given up, in closed form on the absolute schedule: every worker computes its own seats'
 * times without asking, and nothing drifts.
 *
 * Now: one ramp from a number of seats to another (closed loop: constant users behind a spawn rate; set_users
 * begins a new ramp). Stages become a list of such ramps here; arrival rate and in-flight targets stand beside
 * them as further kinds, with the same two questions: what is due next, and when.
 */
#ifndef SP_ENGINE_SHAPE_H
#define SP_ENGINE_SHAPE_H

#include "engine/load.h"

struct sp_shape {
  int64_t begin_ns;
  uint64_t from, to;
  double per_s; /* 0: all at begin_ns */
};

/* per_s 0: at once up to SP_SPAWN_AT_ONCE seats, so many a second beyond. */
void sp_shape_init(struct sp_shape *shape, int64_t begin_ns, uint64_t from, uint64_t to, double per_s);
/* The ramp that leads from where the shape is at now_ns to `to`. */
void sp_shape_change(struct sp_shape *shape, int64_t now_ns, uint64_t to, double per_s);

int64_t sp_shape_arrival_ns(const struct sp_shape *shape, uint64_t seat); /* SP_NEVER_NS: not in this shape */
int64_t sp_shape_leave_ns(const struct sp_shape *shape, uint64_t seat);   /* SP_NEVER_NS: it stays */
uint64_t sp_shape_target(const struct sp_shape *shape, int64_t now_ns);   /* seats taken at now_ns */

#endif
