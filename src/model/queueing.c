#include "model/queueing.h"

#include "model/queueing_solve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *sp_queue_kind_name(enum sp_queue_kind kind) {
  static const char *const names[] = {"cpu", "servers", "slots", "delay"};
  return names[kind];
}

/* -- stations -- */

bool sp_queue_is_limited(const struct sp_queue_station *station) {
  return station->kind != SP_QUEUE_DELAY && isfinite(station->servers);
}

double sp_queue_rate(const struct sp_queue_station *station, double n) {
  double at_work = sp_queue_is_limited(station) ? fmin(n, station->servers) : n;
  return at_work / (station->demand_s * (1 + station->contention * (n - 1)));
}

int sp_queue_holder(const struct sp_queue_model *model, int nested_in) {
  while (nested_in != SP_QUEUE_ROOT && !sp_queue_is_limited(&model->stations[nested_in])) {
    nested_in = model->stations[nested_in].nested_in;
  }
  return nested_in;
}

bool sp_queue_takes_time(const struct sp_queue_model *model, size_t station) {
  return model->stations[station].demand_s > 0 || sp_queue_has_nested(model, station);
}

bool sp_queue_has_nested(const struct sp_queue_model *model, size_t station) {
  for (size_t i = station + 1; i < model->count; i++) {
    if (model->stations[i].nested_in == (int)station && sp_queue_takes_time(model, i)) return true;
  }
  return false;
}

int sp_queue_find(const struct sp_queue_model *model, const char *name) {
  for (size_t i = 0; i < model->count; i++) {
    if (strcmp(model->stations[i].name, name) == 0) return (int)i;
  }
  return -1;
}

/* -- what is no model -- */

static int check_station(const struct sp_queue_model *model, size_t i, struct sp_err *err) {
  const struct sp_queue_station *station = &model->stations[i];
  if (!(station->demand_s >= 0 && station->demand_s <= SP_QUEUE_TIME_MAX_S)) {
    return sp_fail(err, SP_EUSAGE, "%s: its demand must be a time up to %g s, not %g s", station->name, SP_QUEUE_TIME_MAX_S,
                   station->demand_s);
  }
  bool limited = sp_queue_is_limited(station);
  if (limited && !(station->servers >= SP_QUEUE_CORES_MIN && station->servers <= SP_QUEUE_SLOTS_MAX)) {
    return sp_fail(err, SP_EUSAGE, "%s: its %s must be from %g to %u, not %g", station->name, sp_queue_kind_name(station->kind),
                   SP_QUEUE_CORES_MIN, SP_QUEUE_SLOTS_MAX, station->servers);
  }
  if (limited && station->kind != SP_QUEUE_CPU && station->servers != floor(station->servers)) {
    return sp_fail(err, SP_EUSAGE, "%s: its %s must be a whole number, not %g", station->name,
                   sp_queue_kind_name(station->kind), station->servers);
  }
  int in = station->nested_in;
  if (in != SP_QUEUE_ROOT && (in < 0 || (size_t)in >= i || model->stations[in].kind != SP_QUEUE_SLOTS)) {
    return sp_fail(err, SP_EUSAGE, "%s: it can only be nested in slots that stand before it", station->name);
  }
  if (!(station->contention >= 0) || (station->contention > 0 && (!limited || sp_queue_has_nested(model, i)))) {
    return sp_fail(err, SP_EUSAGE, "%s: contention needs a limit, and nothing nested", station->name);
  }
  return 0;
}

static int check_load(const struct sp_queue_load *load, struct sp_err *err) {
  if (load->open) {
    if (load->rate_per_s > 0 && isfinite(load->rate_per_s)) return 0;
    return sp_fail(err, SP_EUSAGE, "the rate must be above 0/s, not %g", load->rate_per_s);
  }
  if (!(load->users >= 1 && load->users <= SP_QUEUE_USERS_MAX)) {
    return sp_fail(err, SP_EUSAGE, "users must be from 1 to %u, not %g", SP_QUEUE_USERS_MAX, load->users);
  }
  if (load->think_s >= 0 && load->think_s <= SP_QUEUE_TIME_MAX_S) return 0;
  return sp_fail(err, SP_EUSAGE, "the think time must be a time up to %g s, not %g s", SP_QUEUE_TIME_MAX_S, load->think_s);
}

int sp_queue_check(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_err *err) {
  bool any = false;
  for (size_t i = 0; i < model->count; i++) {
    int code = check_station(model, i, err);
    if (code) return code;
    any |= model->stations[i].demand_s > 0;
  }
  if (!any) return sp_fail(err, SP_EUSAGE, "a model in which nothing takes any time says nothing");
  return check_load(load, err);
}

/* -- bounds -- */

double sp_queue_alone_s(const struct sp_queue_model *model, size_t i) {
  const struct sp_queue_station *station = &model->stations[i];
  if (station->kind == SP_QUEUE_CPU && station->servers < 1) return station->demand_s / station->servers;
  double sum = station->demand_s;
  for (size_t j = i + 1; j < model->count; j++) {
    if (model->stations[j].nested_in == (int)i) sum += sp_queue_alone_s(model, j);
  }
  return sum;
}

double sp_queue_ceiling(const struct sp_queue_model *model, size_t i) {
  const struct sp_queue_station *station = &model->stations[i];
  if (!sp_queue_is_limited(station) || !sp_queue_takes_time(model, i)) return INFINITY;
  if (sp_queue_has_nested(model, i)) return station->servers / sp_queue_alone_s(model, i);
  double best = 0; /* with contention: before all are at work */
  for (double n = 1; n <= ceil(station->servers); n++) best = fmax(best, sp_queue_rate(station, n));
  return best;
}

static int lowest(const struct sp_queue_model *model, int but) {
  int found = -1;
  double least = INFINITY;
  for (size_t i = 0; i < model->count; i++) {
    double ceiling = (int)i == but ? INFINITY : sp_queue_ceiling(model, i);
    if (ceiling >= least) continue;
    least = ceiling;
    found = (int)i;
  }
  return found;
}

int sp_queue_bounds(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_bounds *out,
                    struct sp_err *err) {
  int code = sp_queue_check(model, load, err);
  if (code) return code;
  *out = (struct sp_queue_bounds){.ceiling_per_s = sp_queue_limit_per_s(model), .binding = lowest(model, -1), .next = -1};
  if (out->binding >= 0) out->next = lowest(model, out->binding);
  out->next_per_s = out->next >= 0 ? sp_queue_ceiling(model, (size_t)out->next) : INFINITY;
  for (size_t i = 0; i < model->count; i++) {
    if (model->stations[i].nested_in == SP_QUEUE_ROOT) out->alone_s += sp_queue_alone_s(model, i);
  }
  double cycle_s = out->alone_s + load->think_s;
  out->knee_users = load->open ? NAN : cycle_s * out->ceiling_per_s;
  double by_load = load->open ? load->rate_per_s : load->users / cycle_s;
  out->by_load = by_load < out->ceiling_per_s;
  out->most_per_s = fmin(by_load, out->ceiling_per_s);
  return 0;
}

/* -- doubts -- */

static size_t doubt(char (*texts)[SP_QUEUE_DOUBT_MAX], size_t max, size_t count, const char *name, const char *why) {
  if (count < max) snprintf(texts[count], SP_QUEUE_DOUBT_MAX, "%s: %s", name, why);
  return count + 1;
}

size_t sp_queue_doubts(const struct sp_queue_model *model, char (*texts)[SP_QUEUE_DOUBT_MAX], size_t max) {
  size_t count = 0;
  for (size_t i = 0; i < model->count; i++) {
    const struct sp_queue_station *station = &model->stations[i];
    if (!sp_queue_is_limited(station)) continue;
    if (sp_queue_has_nested(model, i)) {
      count = doubt(texts, max, count, station->name,
                    "held while other stations are waited for; layers are solved one by one, which is near and not exact");
    } else if (station->kind == SP_QUEUE_SERVERS) {
      count = doubt(texts, max, count, station->name,
                    "first come, first served: where its times are very unlike one another, its queue is longer than said");
    }
    if (station->contention > 0) {
      count = doubt(texts, max, count, station->name,
                    "slower with each one more that waits: past its best load throughput falls, how far is uncertain");
    }
  }
  return count;
}
