/*
 * Places: streams that an api holds open, runs of flows, a model server's batch, connections of a pool. No CPU graph
 * shows them; counting those in flight does (Little): places taken = in flight - waiting = throughput x holding time,
 * and that number stays the same however many more come.
 */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>

#define FULL 0.95
#define BUSY 0.8         /* with a queue before it: a place that is handed on is free at some of the looks */
#define STEADY 0.10      /* places taken differ by less while more come */
#define NEAR 0.04        /* of a number of places that people set */
#define FEW 4.0          /* an api has more; a model server need not */
#define NUMBER_MAX 120.0 /* above it every number is near a multiple of ten */
#define BODY_LEAST                                                                                                     \
  0.3 /* of an answer behind its head, at the least load: a stream, not a call that answers at its end */
#define BEHIND_GROWN 1.25 /* times; what is behind the wait does not get slower when places are what is short */
#define MOVED 0.8         /* of what answers grew by, in one phase */

/* -- from what was seen -- */

static double used(const struct sp_suspect *suspect, size_t step) {
  double seen = sp_see(suspect, SP_SIGNAL_SLOTS_USED, NULL, step);
  if (isfinite(seen) || suspect->kind != SP_SUBJECT_API) return seen;
  return suspect->d->steps[step]->in_flight - sp_see(suspect, SP_SIGNAL_SLOTS_WAITING, NULL, step);
}

/* The same number taken at the most load and at the step before it, though more came. */
static bool is_steady(const struct sp_suspect *suspect,
                      double (*taken)(const struct sp_suspect *suspect, size_t step)) {
  const struct sp_diagnosing *d = suspect->d;
  double now = taken(suspect, d->pressed);
  for (size_t i = d->calm; i < d->pressed; i++) {
    if (d->steps[d->pressed]->in_flight < 1.2 * d->steps[i]->in_flight) continue;
    if (fabs(taken(suspect, i) / now - 1) <= STEADY) return true;
  }
  return false;
}

/* 1, 2, 4, and tens: what people set. The near one; NAN: there is none. */
static double near_usual(double places) {
  static const double small[] = {1, 2, 4};
  for (size_t i = 0; i < 3; i++)
    if (fabs(places / small[i] - 1) <= NEAR) return small[i];
  double tens = round(places / 10) * 10;
  return tens >= 10 && tens <= NUMBER_MAX && fabs(places / tens - 1) <= NEAR ? tens : (double)NAN;
}
static bool is_usual(double places) { return isfinite(near_usual(places)); }
static double usual(double places) { return is_usual(places) ? near_usual(places) : round(places); }

/* Where the limit was not told: who waits, waits because all are taken. */
static double level(const struct sp_suspect *suspect, size_t step) {
  double limit = sp_see_last(suspect, SP_SIGNAL_SLOTS_LIMIT), taken = used(suspect, step),
         waiting = sp_see(suspect, SP_SIGNAL_SLOTS_WAITING, NULL, step);
  if (limit > 0) return waiting >= 1 && taken >= BUSY * limit ? fmax(taken / limit, FULL) : taken / limit;
  if (!(waiting >= 1)) return isnan(waiting) ? waiting : 0;
  double most = used(suspect, suspect->d->pressed);
  return is_steady(suspect, used) || is_usual(most) ? sp_capped(taken / most, 1) : (double)NAN;
}

static double wait_s(const struct sp_suspect *suspect, size_t step) {
  double waited = sp_see(suspect, SP_SIGNAL_SLOTS_WAIT_TIME, NULL, step),
         waiting = sp_see(suspect, SP_SIGNAL_SLOTS_WAITING, NULL, step),
         queued_s = sp_see(suspect, SP_SIGNAL_CALLS_QUEUE_TIME, NULL, step);
  if (isfinite(waited) || isfinite(waiting)) return fmax(sp_zero(waited), sp_zero(waiting)) / sp_rps(suspect->d, step);
  return queued_s * sp_see(suspect, SP_SIGNAL_CALLS_RATE, NULL, step) / sp_rps(suspect->d, step);
}

static void figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double limit = sp_see_last(suspect, SP_SIGNAL_SLOTS_LIMIT),
         waiting = sp_see(suspect, SP_SIGNAL_SLOTS_WAITING, NULL, step);
  int len = limit > 0 ? snprintf(text, size, "%.1f of %.0f places taken", used(suspect, step), limit)
                      : snprintf(text, size, "%.1f places taken, the limit was not seen", used(suspect, step));
  if (len > 0 && (size_t)len < size && isfinite(waiting))
    snprintf(text + len, size - (size_t)len, ", %.1f wait", waiting);
}

/* A change to the places of the api takes connections to the database along. */
static void advise_front(const char *name, double places, struct sp_advice *out) {
  out->factor = 2;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "raise SERVER_WORKER_CONNECTIONS (Dify's default is 10 a worker, SERVER_WORKER_AMOUNT=1) so that %s serves "
           "%.0f at "
           "once in place of %.0f; each may hold a connection to the database: SQLALCHEMY_POOL_SIZE + "
           "SQLALCHEMY_MAX_OVERFLOW a "
           "worker, and (workers x instances + Celery) x pool <= max_connections",
           name, places * 2, places);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX,
           "restarts dify-api; what the places held back comes to the database and the model");
}

static void advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double places = usual(used(suspect, suspect->d->pressed)), limit = sp_see_last(suspect, SP_SIGNAL_SLOTS_LIMIT);
  if (isfinite(limit)) places = limit;
  out->factor = 2;
  switch (suspect->kind) {
  case SP_SUBJECT_API:
  case SP_SUBJECT_TARGET:
    advise_front(suspect->name, places, out);
    return;
  case SP_SUBJECT_POOLER:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "raise default_pool_size of %s from %.0f to %.0f (with reserve_pool_size 0), within max_connections of "
             "the database; "
             "with pool_mode=session a client holds its server between transactions too: use transaction",
             suspect->name, places, places * 2);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "more sessions compete in the database: its CPU and commits are next");
    return;
  case SP_SUBJECT_MODEL:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "let %s make more than %.0f answers at once (vLLM: --max-num-seqs; Ollama: OLLAMA_NUM_PARALLEL, 1 by "
             "default), or "
             "run a second one",
             suspect->name, places);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "memory for the KV cache; tokens of each answer come slower");
    return;
  default:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "raise the limit of %s from %.0f to %.0f", suspect->name, places,
             places * 2);
    return;
  }
}

/* -- runs of flows that wait for a Celery worker -- */

/* Dify has many queues; the one that answers wait for is told by its name, where it is there. */
static double queued(const struct sp_suspect *suspect, size_t step) {
  double flows = sp_see(suspect, SP_SIGNAL_QUEUE_LENGTH, "*workflow*", step);
  return isfinite(flows) ? flows : sp_see(suspect, SP_SIGNAL_QUEUE_LENGTH, NULL, step);
}

static double running(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  return at->in_flight - queued(suspect, step) - at->rps * sp_zero(at->ttfb_s);
}

static double queue_level(const struct sp_suspect *suspect, size_t step) {
  double waiting = queued(suspect, step), most = running(suspect, suspect->d->pressed);
  if (!(waiting >= 1)) return isnan(waiting) ? waiting : 0;
  return is_steady(suspect, running) || is_usual(most) ? sp_capped(running(suspect, step) / most, 1) : (double)NAN;
}

static double queue_wait_s(const struct sp_suspect *suspect, size_t step) {
  return queued(suspect, step) / sp_rps(suspect->d, step);
}

static void queue_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.1f runs at once, %.1f wait in the queue", running(suspect, step), queued(suspect, step));
}

static void advise_runs(double places, struct sp_advice *out) {
  out->factor = 2;
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "raise CELERY_WORKER_AMOUNT (runs at once, now about %.0f) to %.0f, or give the queue "
      "workflow_based_app_execution a "
      "worker of its own (CELERY_QUEUES); each run may hold a connection: (workers x instances + Celery) x pool <= "
      "max_connections",
      places, places * 2);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts dify-worker; runs under way are lost");
}

static void queue_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  advise_runs(usual(running(suspect, suspect->d->pressed)), out);
}

/* -- from the run alone: which phase waits, and how many are let through -- */

static double head_s(const struct sp_diagnose_step *step) { return step->ttfb_s; }
static double dispatch_s(const struct sp_diagnose_step *step) { return step->ttfe_s - step->ttfb_s; }

typedef double (*phase_fn)(const struct sp_diagnose_step *step);

static double phase_wait_s(const struct sp_diagnosing *d, phase_fn phase, size_t step) {
  double more_s = phase(d->steps[step]) - phase(sp_calm(d));
  return more_s < 0 ? 0 : more_s;
}

/* Throughput x the time behind the wait. */
static double let_through(const struct sp_diagnosing *d, phase_fn phase, size_t step) {
  return d->steps[step]->rps * (d->steps[step]->e2e_s - phase_wait_s(d, phase, step));
}

/* Nothing but this phase gets slower. Where a CPU is short, everything does. */
static bool only_it_waits(const struct sp_diagnosing *d, phase_fn phase) {
  const struct sp_diagnose_step *calm = sp_calm(d), *pressed = sp_pressed(d);
  double grown_s = sp_growth_s(d), behind_s = calm->e2e_s - phase(calm);
  if (!(grown_s > 0) || behind_s < BODY_LEAST * calm->e2e_s) return false;
  if (pressed->itl_s > BEHIND_GROWN * calm->itl_s) return false;
  return phase(pressed) - phase(calm) >= MOVED * grown_s && pressed->e2e_s - phase(pressed) <= BEHIND_GROWN * behind_s;
}

static double phase_level(const struct sp_suspect *suspect, phase_fn phase, size_t step) {
  const struct sp_diagnosing *d = suspect->d;
  double most = let_through(d, phase, d->pressed);
  if (d->calm == d->pressed || !only_it_waits(d, phase)) return (double)NAN;
  return is_usual(most) ? sp_capped(let_through(d, phase, step) / most, 1) : (double)NAN;
}

static double front_level(const struct sp_suspect *suspect, size_t step) { return phase_level(suspect, head_s, step); }
static double front_wait_s(const struct sp_suspect *suspect, size_t step) {
  return phase_wait_s(suspect->d, head_s, step);
}
static double runs_level(const struct sp_suspect *suspect, size_t step) {
  return phase_level(suspect, dispatch_s, step);
}
static double runs_wait_s(const struct sp_suspect *suspect, size_t step) {
  return phase_wait_s(suspect->d, dispatch_s, step);
}

static void say_phase(const struct sp_suspect *suspect, phase_fn phase, const char *where, size_t step, char *text,
                      size_t size) {
  char before[40], now[40];
  const struct sp_diagnosing *d = suspect->d;
  snprintf(text, size,
           "%.1f answers at once are let through (%.1f/s x %.2f s), the others wait %s: %s, at the least load %s",
           let_through(d, phase, step), d->steps[step]->rps, d->steps[step]->e2e_s - phase_wait_s(d, phase, step),
           where, sp_seconds_text(phase(d->steps[step]), now, sizeof(now)),
           sp_seconds_text(phase(sp_calm(d)), before, sizeof(before)));
}

static void front_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  say_phase(suspect, head_s, "for the head", step, text, size);
}
static void runs_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  say_phase(suspect, dispatch_s, "behind the head for the first event", step, text, size);
}

static void front_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double places = usual(let_through(suspect->d, head_s, suspect->d->pressed));
  advise_front("the api", places, out);
  if (places > FEW) return;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "let it work on more than %.0f at a time: a model server that does (OLLAMA_NUM_PARALLEL, 1 by default; vLLM "
           "--max-num-seqs), or an api with so few places (SERVER_WORKER_CONNECTIONS)",
           places);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "memory for the KV cache; tokens of each answer come slower");
}
static void runs_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  advise_runs(usual(let_through(suspect->d, dispatch_s, suspect->d->pressed)), out);
}

/* Where somebody watched the api's places, that figure is the better one. */
static bool nobody_saw(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  for (size_t i = d->first[SP_SIGNAL_SLOTS_WAITING]; i < d->first[SP_SIGNAL_SLOTS_WAITING + 1]; i++)
    if (sp_subject_kind(d->series[i]->subject) == SP_SUBJECT_API) return false;
  return true;
}
static bool nobody_saw_queue(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  return d->first[SP_SIGNAL_QUEUE_LENGTH] == d->first[SP_SIGNAL_QUEUE_LENGTH + 1];
}

static bool is_front(const struct sp_suspect *suspect) {
  return suspect->kind == SP_SUBJECT_API || suspect->kind == SP_SUBJECT_TARGET;
}
static bool is_pooler(const struct sp_suspect *suspect) { return suspect->kind == SP_SUBJECT_POOLER; }
static bool is_other(const struct sp_suspect *suspect) { return !is_front(suspect) && !is_pooler(suspect); }

#define SLOTS                                                                                                          \
  .resource = "slots", .anchors = {SP_SIGNAL_SLOTS_WAITING, SP_SIGNAL_SLOTS_USED}, .anchor_count = 2, .full = FULL,    \
  .level = level, .wait_s = wait_s, .figure = figure, .shown = SP_SIGNAL_SLOTS_USED,                                   \
  .queue_shown = SP_SIGNAL_SLOTS_WAITING, .advise = advise

static const struct sp_rule rules[] = {
    {SLOTS, .place = SP_PLACE_FRONT, .fits = is_front, .waits = {"waiting for a stream slot of ", ""}},
    {SLOTS, .place = SP_PLACE_POOL, .scales = true, .fits = is_pooler,
     .waits = {"waiting for a server connection of ", ""}},
    {SLOTS, .place = SP_PLACE_CALLS, .fits = is_other, .waits = {"waiting for a place of ", ""}},
    {.resource = "slots",
     .place = SP_PLACE_FRONT,
     .subject = "target",
     .fits = nobody_saw,
     .full = FULL,
     .level = front_level,
     .wait_s = front_wait_s,
     .figure = front_figure,
     .shown = SP_SIGNAL_COUNT,
     .queue_shown = SP_SIGNAL_COUNT,
     .waits = {"waiting for a stream slot of the ", ""},
     .advise = front_advise},
    {.resource = "workers",
     .place = SP_PLACE_RUNS,
     .subject = "celery",
     .anchors = {SP_SIGNAL_QUEUE_LENGTH},
     .anchor_count = 1,
     .full = FULL,
     .level = queue_level,
     .wait_s = queue_wait_s,
     .figure = queue_figure,
     .shown = SP_SIGNAL_QUEUE_LENGTH,
     .queue_shown = SP_SIGNAL_QUEUE_LENGTH,
     .waits = {"waiting for a worker of ", ""},
     .advise = queue_advise},
    {.resource = "workers",
     .place = SP_PLACE_RUNS,
     .subject = "celery",
     .fits = nobody_saw_queue,
     .full = FULL,
     .level = runs_level,
     .wait_s = runs_wait_s,
     .figure = runs_figure,
     .shown = SP_SIGNAL_COUNT,
     .queue_shown = SP_SIGNAL_COUNT,
     .waits = {"waiting for a worker of ", ""},
     .advise = runs_advise},
};
const struct sp_rules sp_rules_slots = {rules, sizeof(rules) / sizeof(rules[0])};
