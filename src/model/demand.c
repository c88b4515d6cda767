#include "model/demand.h"

#include "base/mem.h"
#include "model/demand_use.h"
#include "model/queueing_solve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MIN 3u     /* steps that the jackknife needs */
#define SWEEPS 2         /* over the delays to be calibrated, since each moves the others */
#define HALVINGS 24      /* of a calibration: a ten-millionth of its range */
#define FULL 0.9         /* so busy at the lowest load: its times say little about a request alone */
#define FULL_SLACK 0.03  /* of a time at such a load, that is not explained by a delay */
#define UNSEEN_MISFIT 0.05 /* throughput that the model has too much at the highest load: something nobody saw holds it */

struct fit {
  const struct sp_measured *measured;
  const bool *out; /* steps left out */
  struct sp_queue_model *model;
  double *idle; /* MAY be NULL */
  bool plain;   /* no contention, whatever the queues say */
  size_t low, high; /* of the steps that are not left out */
};

/* -- stations -- */

static struct sp_demand demand_of(const struct fit *fit, const struct sp_use *use) {
  if (use->calls) return sp_demand_of_calls(fit->measured, use, fit->out);
  if (use->commit && !fit->plain) return sp_demand_of_commit(fit->measured, use, fit->out);
  return sp_demand_of_use(fit->measured, use, fit->out);
}

/* The nearest slots of a lower rank: fronts hold all, a pooler the database. */
static int holder_of(const struct sp_measured *measured, size_t i) {
  const struct sp_use *use = &measured->uses[i];
  int found = SP_QUEUE_ROOT;
  for (size_t j = 0; j < i; j++) {
    const struct sp_use *slots = &measured->uses[j];
    if (slots->kind != SP_QUEUE_SLOTS || slots->rank > SP_USE_POOL) continue;
    bool holds = slots->rank == SP_USE_FRONT || (use->rank == SP_USE_DATABASE && use->kind != SP_QUEUE_SLOTS);
    if (holds) found = (int)j;
  }
  return found;
}

static void add_station(struct fit *fit, size_t i) {
  const struct sp_use *use = &fit->measured->uses[i];
  struct sp_demand demand = demand_of(fit, use);
  struct sp_queue_station *station = &fit->model->stations[fit->model->count];
  *station = (struct sp_queue_station){.kind = use->kind, .demand_s = demand.demand_s, .contention = demand.contention,
                                       .nested_in = holder_of(fit->measured, i)};
  snprintf(station->name, sizeof(station->name), "%s", use->name);
  station->servers = demand.servers > demand.idle ? demand.servers - demand.idle : demand.servers;
  if (!isfinite(demand.servers)) station->contention = 0;
  if (use->kind != SP_QUEUE_CPU) station->servers = fmax(round(station->servers), 1);
  if (fit->idle) fit->idle[i] = demand.servers > demand.idle ? demand.idle : 0;
  fit->model->count++;
}

static void add_rest(struct fit *fit) {
  struct sp_queue_station *rest = &fit->model->stations[fit->model->count++];
  *rest = (struct sp_queue_station){.kind = SP_QUEUE_DELAY, .nested_in = SP_QUEUE_ROOT};
  snprintf(rest->name, sizeof(rest->name), "%s", SP_DEPLOYMENT_REST);
}

/* -- calibration: a demand so that the model has a time that was measured -- */

static double model_mean_s(const struct fit *fit, size_t step) {
  struct sp_queue_result result;
  if (sp_queue_solve(fit->model, &fit->measured->loads[step], &result, NULL)) return 0;
  return result.mean_s;
}

/* How long a slot is held. */
static double model_held_s(const struct fit *fit, size_t step, size_t station) {
  struct sp_queue_result result;
  if (sp_queue_solve(fit->model, &fit->measured->loads[step], &result, NULL)) return 0;
  return result.figures[station].busy / result.per_s;
}

static double model_time_s(const struct fit *fit, size_t step, size_t station) {
  return station < fit->measured->use_count ? model_held_s(fit, step, station) : model_mean_s(fit, step);
}

static bool is_full(const struct fit *fit, size_t step) {
  const struct sp_measured *measured = fit->measured;
  for (size_t i = 0; i < measured->use_count; i++) {
    const struct sp_queue_station *station = &fit->model->stations[i];
    if (isfinite(station->servers) && measured->uses[i].busy[step] >= FULL * station->servers) return true;
  }
  return false;
}

static void calibrate(struct fit *fit, size_t station, double right_s) {
  double *demand_s = &fit->model->stations[station].demand_s;
  double low = 0, high = right_s;
  if (is_full(fit, fit->low)) right_s *= 1 - FULL_SLACK;
  *demand_s = 0;
  if (model_time_s(fit, fit->low, station) >= right_s) return;
  for (int i = 0; i < HALVINGS; i++) {
    *demand_s = (low + high) / 2;
    if (model_time_s(fit, fit->low, station) > right_s) high = *demand_s;
    else low = *demand_s;
  }
}

/* Slots hold what is nested in them and something more; the whole takes what its parts take and something more. */
static void calibrate_delays(struct fit *fit) {
  const struct sp_measured *measured = fit->measured;
  size_t rest = measured->use_count;
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    bool nested = false;
    for (size_t i = measured->use_count; i-- > 0;) {
      double busy = measured->uses[i].busy[fit->low];
      if (!(busy > 0) || !sp_queue_has_nested(fit->model, i)) continue;
      calibrate(fit, i, busy / measured->per_s[fit->low]);
      nested = true;
    }
    calibrate(fit, rest, measured->mean_s[fit->low]);
    if (!nested) return;
  }
}

/* -- what nobody saw -- */

static double model_per_s(const struct fit *fit, size_t step) {
  struct sp_queue_result result;
  if (sp_queue_solve(fit->model, &fit->measured->loads[step], &result, NULL)) return 0;
  return result.per_s;
}

static struct sp_queue_station *new_unseen(struct fit *fit, double demand_s) {
  struct sp_queue_station *unseen = &fit->model->stations[fit->model->count++];
  *unseen = (struct sp_queue_station){.kind = SP_QUEUE_SERVERS, .servers = 1, .demand_s = demand_s, .nested_in = SP_QUEUE_ROOT};
  snprintf(unseen->name, sizeof(unseen->name), "%s", SP_DEPLOYMENT_UNSEEN);
  return unseen;
}

/* More came than went, though nothing that was seen was full. */
static void add_unseen_open(struct fit *fit) {
  double right_per_s = fit->measured->per_s[fit->high];
  if (sp_measured_kept_up(fit->measured, fit->high)) return;
  if (sp_queue_limit_per_s(fit->model) > right_per_s * (1 + UNSEEN_MISFIT)) new_unseen(fit, 1 / right_per_s);
}

static void add_unseen_closed(struct fit *fit) {
  double right_per_s = fit->measured->per_s[fit->high], low = 0, high = 1 / right_per_s;
  if (model_per_s(fit, fit->high) <= right_per_s * (1 + UNSEEN_MISFIT)) return;
  struct sp_queue_station *unseen = new_unseen(fit, 0);
  for (int i = 0; i < HALVINGS; i++) {
    unseen->demand_s = (low + high) / 2;
    if (model_per_s(fit, fit->high) > right_per_s) low = unseen->demand_s;
    else high = unseen->demand_s;
  }
}

/* Where the model has much more at the highest load than there was, one server more stands for what is missing. It is named, and
 * takes the confidence. */
static void add_unseen(struct fit *fit) {
  size_t before = fit->model->count;
  if (fit->measured->loads[fit->high].open) add_unseen_open(fit);
  else add_unseen_closed(fit);
  if (fit->model->count > before) calibrate_delays(fit);
}

/* -- a fit -- */

static struct fit fit_model(const struct sp_measured *measured, const bool *out, bool plain, struct sp_queue_model *model, double *idle) {
  struct fit fit = {.measured = measured, .out = out, .plain = plain, .model = model, .idle = idle};
  while (out[fit.low]) fit.low++;
  fit.high = measured->count - 1;
  while (out[fit.high]) fit.high--;
  model->count = 0;
  for (size_t i = 0; i < measured->use_count; i++) add_station(&fit, i);
  add_rest(&fit);
  calibrate_delays(&fit);
  return fit;
}

/* Leaves out every step of one part: i, i + parts, … What nobody saw is a matter of all steps. */
static void fit_parts(const struct sp_measured *measured, bool plain, struct sp_deployment *out) {
  bool unseen = sp_queue_find(&out->model, SP_DEPLOYMENT_UNSEEN) >= 0;
  if (measured->count < PARTS_MIN) return;
  out->part_count = measured->count < SP_DEPLOYMENT_PARTS_MAX ? measured->count : SP_DEPLOYMENT_PARTS_MAX;
  out->parts = sp_alloc_array(out->part_count, sizeof(*out->parts));
  for (size_t part = 0; part < out->part_count; part++) {
    bool left_out[SP_DEPLOYMENT_STEPS_MAX] = {false};
    for (size_t i = part; i < measured->count; i += out->part_count) left_out[i] = true;
    struct fit fit = fit_model(measured, left_out, plain, &out->parts[part], NULL);
    if (unseen) add_unseen(&fit);
  }
}

/* -- how well it fits -- */

static double relative(double model, double measured) {
  double off = model / measured - 1;
  return isfinite(off) ? fmin(fabs(off), 1) : 1;
}

/* An open step that more came to than went says nothing of times: they grew as long as it lasted. */
static double off_of(const struct sp_measured *measured, size_t i, const struct sp_deployment_step *step) {
  if (!step->load.open) return relative(step->model_per_s, step->per_s);
  return sp_measured_kept_up(measured, i) ? relative(step->model_mean_s, step->mean_s) : 0;
}

static void judge(const struct sp_measured *measured, struct sp_deployment *out) {
  double squares = 0;
  out->step_count = measured->count;
  for (size_t i = 0; i < measured->count; i++) {
    struct sp_queue_result result;
    struct sp_deployment_step *step = &out->steps[i];
    *step = (struct sp_deployment_step){measured->loads[i], measured->per_s[i], measured->mean_s[i], NAN, NAN};
    if (sp_queue_solve(&out->model, &step->load, &result, NULL) == 0) {
      step->model_per_s = result.per_s;
      step->model_mean_s = result.mean_s;
    }
    squares += off_of(measured, i, step) * off_of(measured, i, step);
    if (isfinite(step->model_mean_s)) out->rest_growth_s = fmax(out->rest_growth_s, step->mean_s - step->model_mean_s);
  }
  out->misfit = sqrt(squares / (double)measured->count);
}

static bool told(const struct sp_use *use) { return !use->calls; }

static void fit_all(const struct sp_measured *measured, bool plain, struct sp_deployment *out) {
  static const bool none[SP_DEPLOYMENT_STEPS_MAX];
  struct fit fit = fit_model(measured, none, plain, &out->model, out->idle);
  add_unseen(&fit);
  for (size_t i = 0; i < measured->use_count; i++) {
    out->spread[i] = sp_demand_spread(measured, &measured->uses[i]);
    out->inferred[i] = !told(&measured->uses[i]);
  }
  out->load = measured->loads[measured->count - 1];
  fit_parts(measured, plain, out);
  judge(measured, out);
}

static bool has_contention(const struct sp_queue_model *model) {
  bool has = false;
  for (size_t i = 0; i < model->count; i++) has |= model->stations[i].contention > 0;
  return has;
}

/* Sessions are sampled, and a few samples make contention of chance: what explains the measured loads better without it has none. */
static void fit_without_contention(const struct sp_measured *measured, struct sp_deployment *out) {
  struct sp_deployment *plain = sp_alloc(sizeof(*plain));
  *plain = (struct sp_deployment){.misfit = NAN};
  fit_all(measured, true, plain);
  if (plain->misfit < out->misfit) {
    struct sp_deployment better = *plain;
    *plain = *out;
    *out = better;
  }
  sp_deployment_fini(plain);
  free(plain);
}

int sp_deployment_fit(const struct sp_diagnose_input *input, struct sp_deployment *out, struct sp_err *err) {
  *out = (struct sp_deployment){.misfit = NAN};
  struct sp_measured *measured = sp_alloc(sizeof(*measured));
  int code = sp_measured_steps(input, measured, err);
  if (code == 0) {
    sp_measured_uses(input, measured);
    fit_all(measured, false, out);
    if (has_contention(&out->model)) fit_without_contention(measured, out);
  }
  free(measured);
  return code;
}

void sp_deployment_fini(struct sp_deployment *deployment) {
  free(deployment->parts);
  deployment->parts = NULL;
  deployment->part_count = 0;
}
