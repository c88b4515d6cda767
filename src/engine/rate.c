#include "engine/rate.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seconds(int64_t ns) { return (double)ns / (double)SP_NS_PER_S; }

/* Change of the rate, per second and second. */
static double slope_of(const struct sp_rate_piece *piece) {
  if (piece->end_ns == SP_NEVER_NS) return 0;
  return (piece->to_per_s - piece->from_per_s) / seconds(piece->end_ns - piece->begin_ns);
}

static double integral_in(const struct sp_rate_piece *piece, int64_t until_ns) {
  double t = seconds(until_ns - piece->begin_ns);
  return t * (piece->from_per_s + slope_of(piece) * t / 2);
}

/* The t with from * t + slope * t^2 / 2 = number, in the form that loses no digits where the slope is small. */
static double time_of(const struct sp_rate_piece *piece, double number) {
  if (!(number > 0)) return 0;
  double from = piece->from_per_s;
  double root = sqrt(fmax(from * from + 2 * slope_of(piece) * number, 0));
  return 2 * number / (from + root);
}

/* -- the list -- */

static void append(struct sp_rate *rate, int64_t begin_ns, int64_t end_ns, double from_per_s, double to_per_s) {
  if (rate->count == rate->cap) {
    rate->cap = rate->cap > 0 ? rate->cap * 2 : 4;
    rate->pieces = sp_realloc(rate->pieces, rate->cap * sizeof(*rate->pieces));
  }
  struct sp_rate_piece *piece = &rate->pieces[rate->count];
  *piece = (struct sp_rate_piece){ begin_ns, end_ns, from_per_s, to_per_s, 0, 0 };
  piece->base = rate->count > 0 ? piece[-1].top : 0;
  if (end_ns != SP_NEVER_NS)
    piece->top = piece->base + integral_in(piece, end_ns);
  else
    piece->top = from_per_s > 0 ? (double)INFINITY : piece->base;
  rate->count++;
}

void sp_rate_init(struct sp_rate *rate, const struct sp_load *load, int64_t begin_ns) {
  *rate = (struct sp_rate){ 0 };
  if (load->stage_count == 0) append(rate, begin_ns, SP_NEVER_NS, load->rate_per_s, load->rate_per_s);
  for (size_t i = 0; i < load->stage_count; i++) {
    const struct sp_stage *stage = &load->stages[i];
    int64_t end_ns = stage->hold_ns > 0 ? begin_ns + stage->hold_ns : SP_NEVER_NS;
    append(rate, begin_ns, end_ns, stage->from, stage->to);
    begin_ns = end_ns;
  }
}

void sp_rate_copy(struct sp_rate *into, const struct sp_rate *from) {
  *into = *from;
  into->cap = from->count;
  into->pieces = sp_alloc_array(from->count, sizeof(*into->pieces));
  memcpy(into->pieces, from->pieces, from->count * sizeof(*into->pieces));
}

void sp_rate_fini(struct sp_rate *rate) {
  free(rate->pieces);
  *rate = (struct sp_rate){ 0 };
}

double sp_rate_level(const struct sp_rate *rate, int64_t now_ns) {
  for (size_t i = rate->count; i-- > 0;) {
    const struct sp_rate_piece *piece = &rate->pieces[i];
    if (piece->begin_ns > now_ns) continue;
    if (piece->end_ns <= now_ns) return 0;
    return piece->from_per_s + slope_of(piece) * seconds(now_ns - piece->begin_ns);
  }
  return 0;
}

void sp_rate_replace(struct sp_rate *rate, int64_t begin_ns, double per_s) {
  while (rate->count > 1 && rate->pieces[rate->count - 1].begin_ns >= begin_ns) rate->count--;
  struct sp_rate_piece *last = &rate->pieces[rate->count - 1];
  if (last->begin_ns >= begin_ns) {
    double base = last->base;
    rate->count = 0;
    append(rate, begin_ns, SP_NEVER_NS, per_s, per_s);
    rate->pieces[0].base = base;
    if (!(per_s > 0)) rate->pieces[0].top = base;
  } else {
    if (last->end_ns > begin_ns) {
      last->to_per_s = sp_rate_level(rate, begin_ns);
      last->top = last->base + integral_in(last, begin_ns);
      last->end_ns = begin_ns;
    }
    append(rate, begin_ns, SP_NEVER_NS, per_s, per_s);
  }
  if (rate->at >= rate->count) rate->at = rate->count - 1;
}

void sp_rate_forget(struct sp_rate *rate, int64_t before_ns) {
  size_t over = 0;
  while (over + 1 < rate->count && over < rate->at && rate->pieces[over].end_ns <= before_ns) over++;
  if (over == 0) return;
  rate->count -= over;
  rate->at -= over;
  memmove(rate->pieces, rate->pieces + over, rate->count * sizeof(*rate->pieces));
}

int64_t sp_rate_due_ns(struct sp_rate *rate, double number) {
  while (rate->at + 1 < rate->count && number >= rate->pieces[rate->at].top) rate->at++;
  const struct sp_rate_piece *piece = &rate->pieces[rate->at];
  if (number >= piece->top) return SP_NEVER_NS;
  double ns = time_of(piece, number - piece->base) * (double)SP_NS_PER_S;
  if (ns >= (double)(SP_NEVER_NS - piece->begin_ns) / 2) return SP_NEVER_NS;
  int64_t due_ns = piece->begin_ns + llround(ns);
  return due_ns < piece->end_ns ? due_ns : piece->end_ns;
}

double sp_rate_integral(const struct sp_rate *rate, int64_t until_ns) {
  double sum = 0;
  for (size_t i = 0; i < rate->count && rate->pieces[i].begin_ns < until_ns; i++) {
    const struct sp_rate_piece *piece = &rate->pieces[i];
    sum = piece->base + integral_in(piece, until_ns < piece->end_ns ? until_ns : piece->end_ns);
  }
  return sum;
}
