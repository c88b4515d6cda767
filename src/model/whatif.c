#include "model/whatif.h"

#include "base/str.h"
#include "base/units.h"
#include "model/whatif_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_SUFFIX ".time"
#define EDGE 1e-3         /* of a range: exactly twice is within it */
#define QUANTILE 1.64     /* of 90 % */
#define RUN_NOISE 0.015   /* of a throughput from run to run, in a closed loop of some minutes */
#define FEW_PARTS 0.05    /* instead of the jackknife's error, where there are too few steps for one */
#define BEYOND 0.1        /* for each time the measured throughput beyond it: what was never seen may hold it there */
#define BINDS 0.85        /* so busy, it is what holds it */

/* -- reading -- */

struct by {
  const char *sign;
  enum sp_change_by by;
};
static const struct by signs[] = {{"*=", SP_CHANGE_TIMES}, {"+=", SP_CHANGE_PLUS}, {"=", SP_CHANGE_TO}};

struct of_load {
  const char *name;
  enum sp_change_of of;
};
static const struct of_load of_loads[] = {{"users", SP_CHANGE_USERS}, {"think", SP_CHANGE_THINK}, {"rate", SP_CHANGE_RATE}};

static int read_name(const char *name, struct sp_change *change, struct sp_err *err) {
  size_t len = strlen(name), suffix = strlen(TIME_SUFFIX);
  for (size_t i = 0; i < sizeof(of_loads) / sizeof(of_loads[0]); i++) {
    if (strcmp(name, of_loads[i].name) != 0) continue;
    change->of = of_loads[i].of;
    return 0;
  }
  if (len == 0 || len >= sizeof(change->station)) return sp_fail(err, SP_EUSAGE, "'%s': no name of a resource", name);
  change->of = SP_CHANGE_SERVERS;
  if (len > suffix && strcmp(name + len - suffix, TIME_SUFFIX) == 0) {
    change->of = SP_CHANGE_TIME;
    len -= suffix;
  }
  memcpy(change->station, name, len);
  change->station[len] = '\0';
  return 0;
}

static bool is_time(const struct sp_change *change) {
  return (change->of == SP_CHANGE_TIME || change->of == SP_CHANGE_THINK) && change->by != SP_CHANGE_TIMES;
}

static int read_value(const char *text, struct sp_change *change, struct sp_err *err) {
  struct sp_err why;
  int64_t ns;
  char *end;
  int code = 0;
  if (is_time(change)) {
    code = sp_parse_duration(text, &ns, &why);
    change->value = (double)ns / 1e9;
  } else if (change->of == SP_CHANGE_RATE && change->by != SP_CHANGE_TIMES) {
    code = sp_parse_rate(text, &change->value, &why);
  } else {
    change->value = strtod(text, &end);
    if (end == text || *end || !isfinite(change->value) || change->value < 0) {
      code = sp_fail(&why, SP_EUSAGE, "'%s' is no number from 0 on", text);
    }
  }
  return code ? sp_fail(err, SP_EUSAGE, "%s", why.text) : 0;
}

static int read_change(const char *text, struct sp_change *change, struct sp_err *err) {
  char name[SP_WHATIF_TEXT_MAX];
  const char *at = strchr(text, '=');
  size_t len = at ? (size_t)(at - text) : 0;
  if (!at || len >= sizeof(name)) {
    return sp_fail(err, SP_EUSAGE, "'%s': write NAME=VALUE, NAME*=FACTOR or NAME+=MORE, as dify-api.cpu=2", text);
  }
  *change = (struct sp_change){.by = SP_CHANGE_TO};
  for (size_t i = 0; i < 2 && len > 0; i++) {
    if (text[len - 1] != signs[i].sign[0]) continue;
    change->by = signs[i].by;
    len--;
    break;
  }
  memcpy(name, text, len);
  name[len] = '\0';
  int code = read_name(name, change, err);
  return code ? code : read_value(at + 1, change, err);
}

int sp_whatif_parse(const char *text, struct sp_whatif *into, struct sp_err *err) {
  struct sp_str rest = sp_str_from(text);
  do {
    char one[SP_WHATIF_TEXT_MAX];
    struct sp_str part = sp_str_trim(sp_str_split(&rest, ','));
    if (part.len >= sizeof(one)) return sp_fail(err, SP_EUSAGE, "a change of %zu bytes is too long", part.len);
    if (into->count == SP_WHATIF_CHANGES_MAX) {
      return sp_fail(err, SP_ELIMIT, "at most %u changes", SP_WHATIF_CHANGES_MAX);
    }
    snprintf(one, sizeof(one), SP_STR_FMT, SP_STR_ARG(part));
    int code = read_change(one, &into->changes[into->count], err);
    if (code) return code;
    into->count++;
  } while (rest.bytes);
  return 0;
}

/* -- applying -- */

static double changed(const struct sp_change *change, double old) {
  if (change->by == SP_CHANGE_TIMES) return old * change->value;
  return change->by == SP_CHANGE_PLUS ? old + change->value : change->value;
}

static const char *station_name(const void *model, size_t i) {
  const struct sp_queue_model *of = model;
  return i < of->count ? of->stations[i].name : NULL;
}

static int fail_unknown(const struct sp_queue_model *model, const char *name, struct sp_err *err) {
  char all[SP_WHATIF_TEXT_MAX] = "";
  const char *near = sp_str_nearest(name, station_name, model);
  if (near) return sp_fail(err, SP_ENOTFOUND, "no resource '%s' was seen; did you mean '%s'?", name, near);
  for (size_t i = 0, len = 0; i < model->count && len < sizeof(all); i++) {
    len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "", model->stations[i].name);
  }
  return sp_fail(err, SP_ENOTFOUND, "no resource '%s' was seen; there are %s, and users, think, rate", name, all);
}

static int change_station(const struct sp_change *change, struct sp_queue_model *model, const double *idle,
                          struct sp_err *err) {
  int i = sp_queue_find(model, change->station);
  if (i < 0) return fail_unknown(model, change->station, err);
  struct sp_queue_station *station = &model->stations[i];
  if (change->of == SP_CHANGE_TIME) {
    station->demand_s = changed(change, station->demand_s);
    return 0;
  }
  if (station->kind == SP_QUEUE_DELAY || !isfinite(station->servers)) {
    return sp_fail(err, SP_EUSAGE,
                   "%s has no limit that was seen (nobody was seen to wait there, and no setting told it), so that what "
                   "more of it would do cannot be said; %s%s can be changed",
                   station->name, station->name, TIME_SUFFIX);
  }
  double servers = changed(change, station->servers + idle[i]) - idle[i];
  if (station->kind != SP_QUEUE_CPU) servers = round(servers);
  if (!(servers > 0) || servers > SP_QUEUE_SLOTS_MAX) {
    return sp_fail(err, SP_EUSAGE, "%s can't be %g (it is %g, of which %g are used without any request)", station->name,
                   servers + idle[i], station->servers + idle[i], idle[i]);
  }
  station->servers = servers;
  return 0;
}

static int change_load(const struct sp_change *change, struct sp_queue_load *load, struct sp_err *err) {
  bool of_open = change->of == SP_CHANGE_RATE;
  if (of_open != load->open) {
    return sp_fail(err, SP_EUSAGE, "what was measured is %s, so %s can't be changed",
                   load->open ? "a rate of arrivals" : "users", of_open ? "the rate" : "users and their thinking");
  }
  double *value = change->of == SP_CHANGE_USERS ? &load->users : of_open ? &load->rate_per_s : &load->think_s;
  *value = changed(change, *value);
  return 0;
}

static int apply(const struct sp_whatif *whatif, struct sp_queue_model *model, const double *idle, struct sp_queue_load *load,
                 struct sp_err *err) {
  int code = 0;
  for (size_t i = 0; i < whatif->count && code == 0; i++) {
    const struct sp_change *change = &whatif->changes[i];
    bool of_station = change->of == SP_CHANGE_SERVERS || change->of == SP_CHANGE_TIME;
    code = of_station ? change_station(change, model, idle, err) : change_load(change, load, err);
  }
  return code;
}

/* -- how far may it go? -- */

static double most_per_s(const struct sp_deployment *deployment) {
  double most = 0;
  for (size_t i = 0; i < deployment->step_count; i++) most = fmax(most, deployment->steps[i].per_s);
  return most;
}

static int check_load(const struct sp_deployment *deployment, const struct sp_queue_load *load, struct sp_err *err) {
  double asked = load->open ? load->rate_per_s : load->users;
  double measured = load->open ? deployment->load.rate_per_s : deployment->load.users;
  if (asked <= measured * SP_WHATIF_RANGE * (1 + EDGE)) return 0;
  return sp_fail(err, SP_ELIMIT, "%g%s are more than twice the %g that were measured, and nothing is known there; "
                 "measure a higher load first", asked, load->open ? "/s" : " users", measured);
}

static int check_throughput(const struct sp_deployment *deployment, double per_s, struct sp_err *err) {
  double measured = most_per_s(deployment);
  if (per_s <= measured * SP_WHATIF_RANGE * (1 + EDGE)) return 0;
  return sp_fail(err, SP_ELIMIT, "it would pass twice the %.3g/s that were measured, and what holds it there was never "
                 "seen; ask for a smaller change, make it, and measure again", measured);
}

/* -- predicting -- */

struct outcome {
  struct sp_queue_model model;
  struct sp_queue_load load;
  struct sp_queue_result result;
  struct sp_queue_bounds bounds;
  double per_s; /* what is predicted: closed the throughput, open the ceiling */
};

static int solve(struct outcome *outcome, struct sp_err *err) {
  int code = sp_queue_solve(&outcome->model, &outcome->load, &outcome->result, err);
  if (code == 0) code = sp_queue_bounds(&outcome->model, &outcome->load, &outcome->bounds, err);
  outcome->per_s = outcome->load.open ? outcome->bounds.ceiling_per_s : outcome->result.per_s;
  return code;
}

/* How much more gets through, by this model of it. */
static int ratio(const struct sp_deployment *deployment, const struct sp_queue_model *model, const struct sp_whatif *whatif,
                 struct outcome *before, struct outcome *after, struct sp_err *err) {
  before->model = after->model = *model;
  before->load = after->load = deployment->load;
  int code = solve(before, err);
  if (code == 0) code = apply(whatif, &after->model, deployment->idle, &after->load, err);
  if (code == 0) code = check_load(deployment, &after->load, err);
  return code ? code : solve(after, err);
}

/* Standard error of the predicted throughput by the jackknife (Quenouille, Tukey; Efron, Stein, The Annals of Statistics 9(3),
 * 1981), relative. */
static double jackknife(const struct sp_deployment *deployment, const struct sp_whatif *whatif) {
  double sum = 0, squares = 0, n = 0;
  struct sp_err err;
  for (size_t i = 0; i < deployment->part_count; i++) {
    struct outcome before, after;
    if (ratio(deployment, &deployment->parts[i], whatif, &before, &after, &err)) continue;
    if (!isfinite(after.per_s)) continue;
    sum += after.per_s;
    squares += after.per_s * after.per_s;
    n++;
  }
  if (n < 2) return FEW_PARTS;
  double mean = sum / n;
  return sqrt(fmax(squares - n * mean * mean, 0) * (n - 1) / n) / mean;
}

static double half_width(const struct sp_deployment *deployment, const struct sp_whatif *whatif, double per_s) {
  double beyond = fmax(per_s / most_per_s(deployment) - 1, 0) * BEYOND;
  double error = QUANTILE * jackknife(deployment, whatif), misfit = QUANTILE * deployment->misfit, noise = QUANTILE * RUN_NOISE;
  if (deployment->load.open) misfit = 0; /* of times, not of the ceiling */
  return fmin(sqrt(error * error + misfit * misfit + noise * noise) + beyond, 0.9);
}

/* Which is the narrowest of those that are busy? */
static int binding_of(const struct outcome *outcome) {
  int found = -1;
  double least = INFINITY;
  if (outcome->load.open) return outcome->bounds.binding;
  for (size_t i = 0; i < outcome->model.count; i++) {
    double ceiling = sp_queue_ceiling(&outcome->model, i);
    if (!(outcome->result.figures[i].utilisation >= BINDS) || ceiling >= least) continue;
    least = ceiling;
    found = (int)i;
  }
  return found;
}

static int next_of(const struct outcome *outcome, int binding) {
  if (binding >= 0 && binding == outcome->bounds.binding) return outcome->bounds.next;
  return outcome->bounds.binding != binding ? outcome->bounds.binding : -1;
}

static void name_station(char *name, const struct sp_queue_model *model, int station, const char *otherwise) {
  snprintf(name, SP_QUEUE_NAME_MAX, "%s", station >= 0 ? model->stations[station].name : otherwise);
}

/* An open network's ceiling is no load that keeps its service levels: what was measured stands for as much of it as before. */
static double scale(const struct sp_deployment *deployment, const struct outcome *before, double per_s) {
  return deployment->load.open ? per_s / before->per_s * most_per_s(deployment) : per_s;
}

int sp_whatif_predict(const struct sp_deployment *deployment, const struct sp_whatif *whatif, struct sp_prediction *out,
                      struct sp_err *err) {
  struct outcome before, after;
  int code = ratio(deployment, &deployment->model, whatif, &before, &after, err);
  if (code) return code;
  if (deployment->load.open && !isfinite(after.per_s)) {
    return sp_fail(err, SP_EUSAGE, "nothing that was seen limits the rate, so that no ceiling can be predicted");
  }
  double per_s = scale(deployment, &before, after.per_s);
  code = check_throughput(deployment, per_s, err);
  if (code) return code;
  double half = half_width(deployment, whatif, per_s);
  int binding = binding_of(&after), next = next_of(&after, binding);
  double before_per_s = scale(deployment, &before, before.per_s), high_per_s = per_s * (1 + half);
  /* where a crowd makes the station slow, a limit that nobody saw may keep the crowd away from it */
  if (binding >= 0 && after.model.stations[binding].contention > 0) high_per_s = fmax(high_per_s, before_per_s);
  *out = (struct sp_prediction){.per_s = per_s, .low_per_s = per_s * (1 - half), .high_per_s = high_per_s,
      .mean_s = after.load.open ? (double)NAN : after.result.mean_s,
      .before_per_s = before_per_s,
      .before_mean_s = before.load.open ? (double)NAN : before.result.mean_s,
      .ceiling_per_s = after.bounds.ceiling_per_s, .before_ceiling_per_s = before.bounds.ceiling_per_s, .next_per_s = NAN};
  name_station(out->binding, &after.model, binding, after.load.open ? "rate" : "users");
  name_station(out->next, &after.model, next, "");
  if (next >= 0) out->next_per_s = sp_queue_ceiling(&after.model, (size_t)next);
  struct sp_whatif_sides sides = {.deployment = deployment, .whatif = whatif, .before = &before.model, .after = &after.model,
      .before_result = &before.result, .load = &after.load, .most_per_s = most_per_s(deployment), .binding = binding};
  sp_whatif_say(&sides, out);
  return 0;
}

void sp_whatif_ask(const struct sp_deployment *deployment, const char *text, struct sp_whatif_answer *out) {
  struct sp_whatif whatif = {0};
  struct sp_err err;
  *out = (struct sp_whatif_answer){.asked = text};
  int code = sp_whatif_parse(text, &whatif, &err);
  if (code == 0) code = sp_whatif_predict(deployment, &whatif, &out->prediction, &err);
  out->refused = code != 0;
  if (code) snprintf(out->why_not, sizeof(out->why_not), "%s", err.text);
}
