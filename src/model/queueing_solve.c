#include "model/queueing_solve.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEGLIGIBLE 40.0 /* terms so far (in logarithms) below the largest are less than rounding */

/* A station with n requests: log of 1 / (rate(1) … rate(n)) for n = 0 … last. A group of stations is such a sequence too: the
 * convolution of theirs; and its rates make it a station. */
struct sequence {
  double *log;
  size_t last;
};

static struct sequence new_sequence(size_t last) {
  return (struct sequence){sp_alloc_array(last + 1, sizeof(double)), last};
}

/* The rates from `from` on are those at `from`. */
static void extend(struct sequence *sequence, size_t from) {
  double step = from > 0 ? sequence->log[from] - sequence->log[from - 1] : 0;
  for (size_t n = from + 1; n <= sequence->last; n++) sequence->log[n] = sequence->log[n - 1] + step;
}

/* -- convolution -- */

/* log of the sum over i of exp(a[i] + b[n - i]). Where the rates grow with the number there is one peak, which only moves to the
 * right as n grows, and the sum ends a little beside it. */
static double log_sum(const double *a, const double *b, size_t n, size_t *peak, bool one_peak) {
  size_t p = one_peak ? *peak : 0;
  double most = a[p] + b[n - p], sum = 1;
  for (size_t i = p + 1; i <= n; i++) {
    double term = a[i] + b[n - i];
    if (term >= most) {
      most = term;
      p = i;
    } else if (one_peak) {
      break;
    }
  }
  *peak = p;
  for (size_t i = p + 1; i <= n; i++) {
    double below = a[i] + b[n - i] - most;
    if (below > -NEGLIGIBLE) sum += exp(below);
    else if (one_peak) break;
  }
  for (size_t i = p; i-- > 0;) {
    double below = a[i] + b[n - i] - most;
    if (below > -NEGLIGIBLE) sum += exp(below);
    else if (one_peak) break;
  }
  return most + log(sum);
}

static struct sequence convolve(const struct sequence *a, const struct sequence *b, bool one_peak) {
  struct sequence out = new_sequence(a->last);
  size_t peak = 0;
  for (size_t n = 0; n <= out.last; n++) out.log[n] = log_sum(a->log, b->log, n, &peak, one_peak);
  return out;
}

static struct sequence copy(const struct sequence *sequence) {
  struct sequence out = new_sequence(sequence->last);
  memcpy(out.log, sequence->log, (out.last + 1) * sizeof(double));
  return out;
}

/* -- stations and groups -- */

struct network {
  const struct sp_queue_model *model;
  double think_s; /* a delay beside the stations of the root */
  bool one_peak;
};

/* What a group is made of: the stations in it, and before them the delay of its own. */
struct group {
  struct sequence parts[SP_QUEUE_STATIONS_MAX + 1];
  int stations[SP_QUEUE_STATIONS_MAX + 1]; /* SP_QUEUE_ROOT: its own delay */
  size_t count, last;
};

static struct sequence delay_sequence(double time_s, size_t last) {
  struct sequence out = new_sequence(last);
  for (size_t n = 1; n <= last; n++) out.log[n] = out.log[n - 1] + log(time_s / (double)n);
  return out;
}

static struct sequence group_sequence(const struct network *network, int slots, size_t last);

static struct sequence station_sequence(const struct network *network, size_t i, size_t last) {
  const struct sp_queue_station *station = &network->model->stations[i];
  if (sp_queue_is_limited(station) && sp_queue_has_nested(network->model, i)) {
    size_t places = (double)last > station->servers ? (size_t)station->servers : last;
    struct sequence inside = group_sequence(network, (int)i, places), out = new_sequence(last);
    memcpy(out.log, inside.log, (places + 1) * sizeof(double));
    free(inside.log);
    extend(&out, places);
    return out;
  }
  struct sequence out = new_sequence(last);
  for (size_t n = 1; n <= last; n++) out.log[n] = out.log[n - 1] - log(sp_queue_rate(station, (double)n));
  return out;
}

/* Slots that hold nobody up are looked through: what is nested in them stands here, and their own time is a delay. */
static bool is_part(const struct network *network, size_t i, int slots) {
  const struct sp_queue_model *model = network->model;
  if (sp_queue_holder(model, model->stations[i].nested_in) != slots) return false;
  if (!sp_queue_is_limited(&model->stations[i])) return model->stations[i].demand_s > 0;
  return sp_queue_takes_time(model, i);
}

static void open_group(const struct network *network, int slots, size_t last, struct group *group) {
  double own_s = slots == SP_QUEUE_ROOT ? network->think_s : network->model->stations[slots].demand_s;
  group->count = 0;
  group->last = last;
  if (own_s > 0) {
    group->stations[group->count] = SP_QUEUE_ROOT;
    group->parts[group->count++] = delay_sequence(own_s, last);
  }
  for (size_t i = 0; i < network->model->count; i++) {
    if (!is_part(network, i, slots)) continue;
    group->stations[group->count] = (int)i;
    group->parts[group->count++] = station_sequence(network, i, last);
  }
}

static void close_group(struct group *group) {
  for (size_t i = 0; i < group->count; i++) free(group->parts[i].log);
}

/* The convolution of all parts but one; `without` group->count: of all. */
static struct sequence whole(const struct network *network, const struct group *group, size_t without) {
  struct sequence out = {NULL, 0};
  for (size_t i = 0; i < group->count; i++) {
    if (i == without) continue;
    struct sequence next = out.log ? convolve(&out, &group->parts[i], network->one_peak) : copy(&group->parts[i]);
    free(out.log);
    out = next;
  }
  if (out.log) return out;
  out = new_sequence(group->last); /* nobody can be anywhere else */
  for (size_t n = 1; n <= out.last; n++) out.log[n] = -INFINITY;
  return out;
}

static struct sequence group_sequence(const struct network *network, int slots, size_t last) {
  struct group group;
  open_group(network, slots, last, &group);
  struct sequence out = whole(network, &group, group.count);
  close_group(&group);
  return out;
}

/* -- figures -- */

static void group_figures(const struct network *network, int slots, const double *chance, size_t last,
                          struct sp_queue_figures *figures);

/* chance[n]: that n are at the station; then beyond: those that an open network has behind the last. */
static void station_figures(const struct network *network, size_t i, const double *chance, size_t last, double beyond,
                            struct sp_queue_figures *figures) {
  const struct sp_queue_station *station = &network->model->stations[i];
  bool limited = sp_queue_is_limited(station);
  struct sp_queue_figures *own = &figures[i];
  own->busy = own->present = 0;
  for (size_t n = 1; n <= last; n++) {
    own->present += chance[n] * (double)n;
    own->busy += chance[n] * (limited ? fmin((double)n, station->servers) : (double)n);
  }
  own->present += beyond;
  own->utilisation = limited ? own->busy / station->servers : NAN;
  if (!limited || !sp_queue_has_nested(network->model, i)) return;
  size_t places = (double)last > station->servers ? (size_t)station->servers : last;
  double *inside = sp_alloc_array(places + 1, sizeof(*inside));
  for (size_t n = 0; n <= last; n++) inside[n < places ? n : places] += chance[n];
  group_figures(network, (int)i, inside, places, figures);
  free(inside);
}

/* chance_all[n]: that n are in the group; the chances of one of its parts follow. */
static void part_chances(const struct sequence *part, const struct sequence *others, const struct sequence *all,
                         const double *chance_all, double *out) {
  for (size_t i = 0; i <= all->last; i++) out[i] = 0;
  for (size_t n = 0; n <= all->last; n++) {
    if (chance_all[n] <= 0) continue;
    for (size_t i = 0; i <= n; i++) out[i] += chance_all[n] * exp(part->log[i] + others->log[n - i] - all->log[n]);
  }
}

static void group_figures(const struct network *network, int slots, const double *chance, size_t last,
                          struct sp_queue_figures *figures) {
  struct group group;
  open_group(network, slots, last, &group);
  struct sequence all = whole(network, &group, group.count);
  double *own = sp_alloc_array(last + 1, sizeof(*own));
  for (size_t k = 0; k < group.count; k++) {
    if (group.stations[k] == SP_QUEUE_ROOT) continue;
    struct sequence others = whole(network, &group, k);
    part_chances(&group.parts[k], &others, &all, chance, own);
    station_figures(network, (size_t)group.stations[k], own, last, 0, figures);
    free(others.log);
  }
  free(own);
  free(all.log);
  close_group(&group);
}

/* -- closed -- */

static struct network network_of(const struct sp_queue_model *model, double think_s) {
  struct network network = {.model = model, .think_s = think_s, .one_peak = true};
  for (size_t i = 0; i < model->count; i++) network.one_peak &= model->stations[i].contention <= 0;
  return network;
}

/* Slots without a limit have no queue of their own: who is in them is who is in what they hold. */
static void sum_unlimited(const struct sp_queue_model *model, struct sp_queue_result *out) {
  for (size_t i = model->count; i-- > 0;) {
    const struct sp_queue_station *station = &model->stations[i];
    if (station->nested_in == SP_QUEUE_ROOT) continue;
    if (sp_queue_is_limited(&model->stations[station->nested_in])) continue;
    out->figures[station->nested_in].present += out->figures[i].present;
    out->figures[station->nested_in].busy += out->figures[i].present;
  }
}

static void finish(const struct sp_queue_model *model, struct sp_queue_result *out) {
  sum_unlimited(model, out);
  for (size_t i = 0; i < model->count; i++) {
    struct sp_queue_figures *figures = &out->figures[i];
    figures->stay_s = out->per_s > 0 ? figures->present / out->per_s : 0;
    if (!sp_queue_is_limited(&model->stations[i])) figures->utilisation = NAN;
  }
}

static void solve_users(const struct sp_queue_model *model, double think_s, size_t users, struct sp_queue_result *out) {
  struct network network = network_of(model, think_s);
  struct sequence all = group_sequence(&network, SP_QUEUE_ROOT, users);
  double *chance = sp_alloc_array(users + 1, sizeof(*chance));
  chance[users] = 1;
  *out = (struct sp_queue_result){.per_s = exp(all.log[users - 1] - all.log[users])};
  out->in_flight = fmax((double)users - out->per_s * think_s, 0);
  out->mean_s = out->in_flight / out->per_s;
  group_figures(&network, SP_QUEUE_ROOT, chance, users, out->figures);
  finish(model, out);
  free(chance);
  free(all.log);
}

static double mix(double a, double b, double share) { return share > 0 ? a + (b - a) * share : a; }

/* Between two whole numbers of users, as time spent at each. */
static void solve_closed(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_result *out) {
  double whole_users = floor(load->users), share = load->users - whole_users;
  solve_users(model, load->think_s, (size_t)whole_users, out);
  if (share <= 0) return;
  struct sp_queue_result more;
  solve_users(model, load->think_s, (size_t)whole_users + 1, &more);
  out->per_s = mix(out->per_s, more.per_s, share);
  out->in_flight = mix(out->in_flight, more.in_flight, share);
  out->mean_s = out->in_flight / out->per_s;
  for (size_t i = 0; i < model->count; i++) {
    struct sp_queue_figures *figures = &out->figures[i];
    figures->utilisation = mix(figures->utilisation, more.figures[i].utilisation, share);
    figures->busy = mix(figures->busy, more.figures[i].busy, share);
    figures->present = mix(figures->present, more.figures[i].present, share);
    figures->stay_s = figures->present / out->per_s;
  }
}

/* -- open -- */

/* From how many on its rate does not change any more; with contention where it is best, and beyond it only gets worse. */
static size_t steady_from(const struct sp_queue_station *station) {
  size_t full = (size_t)ceil(station->servers);
  if (station->contention <= 0) return full;
  size_t n = 1;
  while (n < SP_QUEUE_USERS_MAX && sp_queue_rate(station, (double)n + 1) > sp_queue_rate(station, (double)n)) n++;
  return n;
}

static double best_rate(const struct sequence *sequence) {
  return exp(sequence->log[sequence->last - 1] - sequence->log[sequence->last]);
}

double sp_queue_limit_per_s(const struct sp_queue_model *model) {
  struct network network = network_of(model, 0);
  double least = INFINITY;
  for (size_t i = 0; i < model->count; i++) {
    if (!is_part(&network, i, SP_QUEUE_ROOT) || !sp_queue_is_limited(&model->stations[i])) continue;
    struct sequence sequence = station_sequence(&network, i, steady_from(&model->stations[i]));
    least = fmin(least, best_rate(&sequence));
    free(sequence.log);
  }
  return least;
}

/* A station by itself, arrivals at a rate that it can do: its states up to the last one that is like no other, and behind
 * that a geometric tail. */
static void open_station(const struct network *network, size_t i, double rate_per_s, struct sp_queue_result *out) {
  const struct sp_queue_station *station = &network->model->stations[i];
  if (!sp_queue_is_limited(station)) {
    out->figures[i].busy = out->figures[i].present = rate_per_s * station->demand_s;
    return;
  }
  struct sequence sequence = station_sequence(network, i, steady_from(station));
  size_t last = sequence.last;
  double left = rate_per_s / best_rate(&sequence), most = -INFINITY, sum = 0;
  double *chance = sp_alloc_array(last + 1, sizeof(*chance));
  for (size_t n = 0; n <= last; n++) {
    chance[n] = sequence.log[n] + (double)n * log(rate_per_s);
    most = fmax(most, chance[n]);
  }
  for (size_t n = 0; n <= last; n++) {
    chance[n] = exp(chance[n] - most) / (n == last ? 1 - left : 1);
    sum += chance[n];
  }
  for (size_t n = 0; n <= last; n++) chance[n] /= sum;
  station_figures(network, i, chance, last, chance[last] * left / (1 - left), out->figures);
  free(chance);
  free(sequence.log);
}

static void overload(const struct sp_queue_model *model, double limit_per_s, struct sp_queue_result *out) {
  *out = (struct sp_queue_result){.per_s = limit_per_s, .mean_s = INFINITY, .in_flight = INFINITY, .overloaded = true};
  for (size_t i = 0; i < model->count; i++) {
    const struct sp_queue_station *station = &model->stations[i];
    struct sp_queue_figures *figures = &out->figures[i];
    bool slots = sp_queue_has_nested(model, i);
    figures->busy = slots ? NAN : limit_per_s * station->demand_s;
    figures->utilisation = sp_queue_is_limited(station) ? figures->busy / station->servers : NAN;
    figures->present = figures->stay_s = NAN;
  }
}

static void solve_open(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_result *out) {
  struct network network = network_of(model, 0);
  double limit_per_s = sp_queue_limit_per_s(model);
  if (load->rate_per_s >= limit_per_s) {
    overload(model, limit_per_s, out);
    return;
  }
  *out = (struct sp_queue_result){.per_s = load->rate_per_s};
  for (size_t i = 0; i < model->count; i++) {
    if (!is_part(&network, i, SP_QUEUE_ROOT)) continue;
    open_station(&network, i, load->rate_per_s, out);
    out->in_flight += out->figures[i].present;
  }
  out->mean_s = out->in_flight / load->rate_per_s;
  finish(model, out);
}

int sp_queue_solve(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_result *out,
                   struct sp_err *err) {
  int code = sp_queue_check(model, load, err);
  if (code) return code;
  if (load->open) solve_open(model, load, out);
  else solve_closed(model, load, out);
  return 0;
}
