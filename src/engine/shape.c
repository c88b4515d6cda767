#include "engine/shape.h"

#include "base/check.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- one piece: its changes are numbered 0, 1, … in the order of time -- */

static uint64_t change_count(const struct sp_shape_piece *piece) {
  return piece->to > piece->from ? piece->to - piece->from : piece->from - piece->to;
}

static int64_t after_ns(int64_t begin_ns, double ns) {
  return ns >= (double)(SP_NEVER_NS - begin_ns) / 2 ? SP_NEVER_NS : begin_ns + llround(ns);
}

/* Each from the piece's begin, so that errors don't add up. */
static int64_t step_ns(const struct sp_shape_piece *piece, uint64_t n) {
  if (piece->per_s <= 0) return piece->begin_ns;
  return after_ns(piece->begin_ns, (double)n * (double)SP_NS_PER_S / piece->per_s);
}

static int64_t line_ns(const struct sp_shape_piece *piece, uint64_t n) {
  double seat = piece->to > piece->from ? (double)(piece->from + 1 + n) : (double)(piece->from - n);
  double share = (seat - 0.5 - piece->level_from) / (piece->level_to - piece->level_from);
  int64_t length_ns = piece->end_ns - piece->begin_ns;
  double ns = share * (double)length_ns;
  return ns <= 0 ? piece->begin_ns : ns >= (double)length_ns ? piece->end_ns : piece->begin_ns + llround(ns);
}

static int64_t change_ns(const struct sp_shape_piece *piece, uint64_t n) {
  int64_t at_ns = piece->is_line ? line_ns(piece, n) : step_ns(piece, n);
  return at_ns <= piece->end_ns ? at_ns : SP_NEVER_NS; /* it was replaced before it came to that */
}

/* A seat outside of the piece (a worker may be ahead of what the control saw) is due at the begin. */
int64_t sp_shape_arrival_ns(const struct sp_shape_piece *piece, uint64_t seat) {
  if (seat > piece->to) return SP_NEVER_NS;
  return seat <= piece->from ? piece->begin_ns : change_ns(piece, seat - piece->from - 1);
}

int64_t sp_shape_leave_ns(const struct sp_shape_piece *piece, uint64_t seat) {
  if (seat <= piece->to) return SP_NEVER_NS;
  return seat > piece->from ? piece->begin_ns : change_ns(piece, piece->from - seat);
}

/* Changes are ordered in time: find how many are due by halving, so that this agrees with change_ns to the ns. */
static uint64_t piece_target(const struct sp_shape_piece *piece, int64_t now_ns) {
  if (now_ns < piece->begin_ns) return piece->from;
  uint64_t low = 0, high = change_count(piece);
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (change_ns(piece, middle) <= now_ns)
      low = middle + 1;
    else
      high = middle;
  }
  return piece->to > piece->from ? piece->from + low : piece->from - low;
}

struct sp_shape_piece sp_shape_steps(int64_t begin_ns, uint64_t from, uint64_t to, double per_s) {
  struct sp_shape_piece piece = { .begin_ns = begin_ns, .end_ns = SP_NEVER_NS, .from = from, .to = to };
  piece.per_s = per_s > 0 ? per_s : change_count(&piece) <= SP_SPAWN_AT_ONCE ? 0 : SP_SPAWN_AT_ONCE;
  return piece;
}

/* -- the list -- */

static void append(struct sp_shape *shape, const struct sp_shape_piece *piece) {
  if (shape->count == shape->cap) {
    shape->cap = shape->cap > 0 ? shape->cap * 2 : 4;
    shape->pieces = sp_realloc(shape->pieces, shape->cap * sizeof(*shape->pieces));
  }
  shape->pieces[shape->count++] = *piece;
}

void sp_shape_replace(struct sp_shape *shape, const struct sp_shape_piece *piece) {
  while (shape->count > 0 && shape->pieces[shape->count - 1].begin_ns >= piece->begin_ns) shape->count--;
  if (shape->count > 0 && shape->pieces[shape->count - 1].end_ns > piece->begin_ns)
    shape->pieces[shape->count - 1].end_ns = piece->begin_ns;
  append(shape, piece);
}

void sp_shape_forget(struct sp_shape *shape, size_t pieces) {
  SP_CHECK(pieces < shape->count);
  if (pieces == 0) return;
  shape->count -= pieces;
  memmove(shape->pieces, shape->pieces + pieces, shape->count * sizeof(*shape->pieces));
}

void sp_shape_copy(struct sp_shape *into, const struct sp_shape *from) {
  for (size_t i = 0; i < from->count; i++) append(into, &from->pieces[i]);
}

void sp_shape_fini(struct sp_shape *shape) {
  free(shape->pieces);
  *shape = (struct sp_shape){ 0 };
}

size_t sp_shape_piece_at(const struct sp_shape *shape, int64_t now_ns) {
  size_t at = shape->count - 1;
  while (at > 0 && shape->pieces[at].begin_ns > now_ns) at--;
  return at;
}

uint64_t sp_shape_target(const struct sp_shape *shape, int64_t now_ns) {
  return piece_target(&shape->pieces[sp_shape_piece_at(shape, now_ns)], now_ns);
}

uint64_t sp_shape_final(const struct sp_shape *shape) { return shape->pieces[shape->count - 1].to; }

/* -- stages -- */

static uint64_t seats_of(double level) { return (uint64_t)llround(level); }

static struct sp_shape_piece line_of(const struct sp_stage *stage, int64_t begin_ns) {
  struct sp_shape_piece line = { .begin_ns = begin_ns, .end_ns = SP_NEVER_NS, .is_line = true };
  if (stage->hold_ns > 0) line.end_ns = begin_ns + stage->hold_ns;
  line.level_from = stage->from;
  line.level_to = stage->to;
  line.from = seats_of(stage->from);
  line.to = seats_of(stage->to);
  return line;
}

static double level_at(const struct sp_shape_piece *line, int64_t now_ns) {
  if (line->end_ns == SP_NEVER_NS) return line->level_to;
  double share = (double)(now_ns - line->begin_ns) / (double)(line->end_ns - line->begin_ns);
  return line->level_from + share * (line->level_to - line->level_from);
}

/* Whether step n has met the line (or passed it). */
static bool has_met(const struct sp_shape_piece *steps, const struct sp_shape_piece *line, uint64_t n, bool up) {
  double target = level_at(line, step_ns(steps, n));
  return up ? steps->from + n + 1 >= seats_of(target) : steps->from - n - 1 <= seats_of(target);
}

/* The first step that meets the line; `most` where none does. Steps that don't at first can only meet a line that is
 * slower than they are, and then do for good. */
static uint64_t meeting_step(const struct sp_shape_piece *steps, const struct sp_shape_piece *line, uint64_t most,
                             bool up) {
  uint64_t low = 0, high = most;
  if (most > 0 && has_met(steps, line, 0, up)) return 0;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (has_met(steps, line, middle, up))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Steps that fit into the stage, when they go on to its further end. */
static uint64_t steps_within(const struct sp_shape_piece *steps, const struct sp_shape_piece *line, bool up) {
  bool line_rises = line->to > line->from;
  uint64_t furthest = up == line_rises ? line->to : line->from;
  struct sp_shape_piece all = *steps;
  all.to = furthest;
  all.end_ns = line->end_ns - 1;
  uint64_t reached = piece_target(&all, all.end_ns);
  return up ? reached - steps->from : steps->from - reached;
}

/* The seats are at `at`, the stage's line begins elsewhere: steps lead to it. Returns where the line then begins, or
 * its end where it is not met. */
static int64_t catch_up(struct sp_shape *shape, const struct sp_shape_piece *line, uint64_t at, double per_s) {
  struct sp_shape_piece steps = sp_shape_steps(line->begin_ns, at, line->from, per_s);
  bool up = line->from > at;
  uint64_t most = steps.per_s > 0 ? steps_within(&steps, line, up) : 0;
  uint64_t n = steps.per_s > 0 ? meeting_step(&steps, line, most, up) : 0;
  bool met = steps.per_s <= 0 || n < most;
  if (steps.per_s > 0) steps.to = up ? at + (met ? n + 1 : most) : at - (met ? n + 1 : most);
  steps.end_ns = met ? step_ns(&steps, n) : line->end_ns;
  append(shape, &steps);
  return steps.end_ns;
}

static void append_stage(struct sp_shape *shape, const struct sp_stage *stage, int64_t begin_ns, double per_s) {
  struct sp_shape_piece line = line_of(stage, begin_ns);
  uint64_t at = shape->count > 0 ? sp_shape_final(shape) : 0;
  if (at != line.from) {
    int64_t met_ns = catch_up(shape, &line, at, per_s);
    if (met_ns >= line.end_ns) return;
    line.level_from = level_at(&line, met_ns);
    line.from = seats_of(line.level_from);
    line.begin_ns = met_ns;
  }
  append(shape, &line);
}

void sp_shape_init(struct sp_shape *shape, const struct sp_load *load, int64_t begin_ns) {
  *shape = (struct sp_shape){ 0 };
  if (load->stage_count == 0) {
    struct sp_shape_piece steps = sp_shape_steps(begin_ns, 0, load->users, load->spawn_per_s);
    append(shape, &steps);
  }
  for (size_t i = 0; i < load->stage_count; i++) {
    append_stage(shape, &load->stages[i], begin_ns, load->spawn_per_s);
    begin_ns += load->stages[i].hold_ns;
  }
}
