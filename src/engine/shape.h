/*
 * How many users there should be as a function of time. Seats are numbered 1 … N; the shape says when seat k is
 * taken and when it is given up, in closed form on the absolute schedule: every worker computes its own seats'
 * times without asking, and nothing drifts. (Arrivals have engine/rate.h.)
 *
 * A shape is a list of pieces in the order of time. A piece goes one way only, by steps (so many seats a second; a
 * spawn rate) or in a straight line (a stage; seat k is taken while the line is at k - 1/2 or more, so that the seats
 * taken are the line, rounded). A stage that begins elsewhere than the one before it ended begins with steps, until
 * they have met its line.
 */
#ifndef SP_ENGINE_SHAPE_H
#define SP_ENGINE_SHAPE_H

#include "engine/load.h"

struct sp_shape_piece {
  int64_t begin_ns, end_ns; /* SP_NEVER_NS: for good. Equal: all of it happens at once */
  uint64_t from, to;        /* seats at the begin and in the end */
  bool is_line;
  double per_s;                /* steps: 0: all at begin_ns */
  double level_from, level_to; /* line */
};

struct sp_shape {
  struct sp_shape_piece *pieces; /* at least one once it is made */
  size_t count, cap;
};

/* From no seat to the load's level: its users behind the spawn rate, or its stages. */
void sp_shape_init(struct sp_shape *shape, const struct sp_load *load, int64_t begin_ns);
void sp_shape_copy(struct sp_shape *into, const struct sp_shape *from); /* into is empty */
void sp_shape_fini(struct sp_shape *shape); /* fine on a zeroed one */

/* Steps from one number of seats to another, for good. per_s 0: at once up to SP_SPAWN_AT_ONCE seats, so many a second
 * beyond. */
struct sp_shape_piece sp_shape_steps(int64_t begin_ns, uint64_t from, uint64_t to, double per_s);
/* The piece replaces all from its begin on. */
void sp_shape_replace(struct sp_shape *shape, const struct sp_shape_piece *piece);
void sp_shape_forget(struct sp_shape *shape, size_t pieces); /* the first so many: they are over */

/* Within a piece. SP_NEVER_NS: it isn't taken (given up) in this one. */
int64_t sp_shape_arrival_ns(const struct sp_shape_piece *piece, uint64_t seat);
int64_t sp_shape_leave_ns(const struct sp_shape_piece *piece, uint64_t seat);

size_t sp_shape_piece_at(const struct sp_shape *shape, int64_t now_ns);
uint64_t sp_shape_target(const struct sp_shape *shape, int64_t now_ns); /* seats taken at now_ns */
uint64_t sp_shape_final(const struct sp_shape *shape); /* seats in the end */

#endif
