#include "model/whatif_words.h"

#include "model/diagnose_rules.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIME_SIZE 40
#define MISFIT_SMALL 0.03
#define MISFIT_LARGE 0.10
#define NEAR 1.3        /* times the measured throughput */
#define FAR 1.7
#define NEAR_CEILING 0.7 /* of the ceiling, by an open load */
#define WIDE 0.15       /* of the interval to each side */
#define VERY_WIDE 0.3
#define PARTS_GOOD 3u   /* steps that a high confidence needs */
#define SPREAD_LARGE 0.25
#define STAYS_BUSY 0.95 /* of what it was: a resource that was given more and stays so busy refutes */

static void say(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char *text, const char *format, ...) { /* appends, cut at the cap */
  size_t len = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + len, SP_WHATIF_TEXT_MAX - len, format, args);
  va_end(args);
}

/* -- confidence -- */

static const char *low_because(const struct sp_whatif_sides *sides, const struct sp_prediction *prediction, double width) {
  const struct sp_deployment *deployment = sides->deployment;
  double beyond = prediction->per_s / sides->most_per_s;
  if (!isfinite(prediction->before_ceiling_per_s))
    return "nobody watched anything that has a limit, so that nothing is ever full here";
  if (sp_queue_find(sides->before, SP_DEPLOYMENT_UNSEEN) >= 0) return "something that nobody watched holds the target already";
  if (deployment->step_count < 2) return "one load was measured: how anything changes with load is not known";
  if (!(deployment->misfit <= MISFIT_LARGE)) return "the model does not reproduce what was measured";
  if (sides->load->open && sides->most_per_s < NEAR_CEILING * prediction->before_ceiling_per_s)
    return "nothing that was seen was near its limit, so it may be something else that stopped the search";
  if (width > VERY_WIDE) return "each measured load says something else about it";
  if (sides->binding >= 0 && sides->after->stations[sides->binding].contention > 0)
    return "it gets slower with each one more that waits there, and what keeps them away may not have been seen";
  return beyond > FAR ? "it is far beyond what was measured, where something else may hold it" : NULL;
}

static bool rests_on_inference(const struct sp_whatif_sides *sides) {
  for (size_t i = 0; i < sides->whatif->count; i++) {
    int station = sp_queue_find(sides->before, sides->whatif->changes[i].station);
    if (station >= 0 && sides->deployment->inferred[station]) return true;
  }
  return sides->binding >= 0 && sides->deployment->inferred[sides->binding];
}

static const char *medium_because(const struct sp_whatif_sides *sides, double beyond, double width) {
  const struct sp_deployment *deployment = sides->deployment;
  if (rests_on_inference(sides)) return "how many a service serves at once is inferred from its times, no setting that was seen";
  if (deployment->step_count < PARTS_GOOD) return "few loads were measured";
  if (!(deployment->misfit <= MISFIT_SMALL)) return "the model is some per cent off what was measured";
  if (sides->binding >= 0 && sides->after->stations[sides->binding].kind != SP_QUEUE_SLOTS &&
      deployment->spread[sides->binding] > SPREAD_LARGE)
    return "what a request costs there changes with the load";
  if (width > WIDE) return "the measured loads say unlike things about it";
  return beyond > NEAR ? "it is beyond what was measured, where something else may hold it" : NULL;
}

static void grade(const struct sp_whatif_sides *sides, struct sp_prediction *out) {
  double beyond = out->per_s / sides->most_per_s, width = out->high_per_s / out->per_s - 1;
  const char *low = low_because(sides, out, width), *medium = low ? NULL : medium_because(sides, beyond, width);
  out->confidence = low ? SP_DIAGNOSIS_LOW : medium ? SP_DIAGNOSIS_MEDIUM : SP_DIAGNOSIS_HIGH;
  if (low || medium) say(out->doubt, "%s", low ? low : medium);
}

/* -- words -- */

static const char *unit_of(const struct sp_queue_station *station) {
  return station->kind == SP_QUEUE_CPU ? "cores" : sp_queue_kind_name(station->kind);
}

static void say_station(const struct sp_whatif_sides *sides, const struct sp_change *change, char *text) {
  int i = sp_queue_find(sides->before, change->station);
  const struct sp_queue_station *old = &sides->before->stations[i], *new = &sides->after->stations[i];
  double idle = sides->deployment->idle[i];
  if (change->of == SP_CHANGE_TIME) {
    char before[TIME_SIZE], after[TIME_SIZE];
    say(text, "%s %s -> %s a request", old->name, sp_seconds_text(old->demand_s, before, sizeof(before)),
        sp_seconds_text(new->demand_s, after, sizeof(after)));
  } else {
    say(text, "%s %.3g -> %.3g %s", old->name, old->servers + idle, new->servers + idle, unit_of(old));
  }
}

static void say_load(const struct sp_queue_load *old, const struct sp_queue_load *new, enum sp_change_of of, char *text) {
  if (of == SP_CHANGE_USERS) say(text, "users %g -> %g", old->users, new->users);
  else if (of == SP_CHANGE_THINK) say(text, "think time %.3g -> %.3g s", old->think_s, new->think_s);
  else say(text, "rate %.3g -> %.3g/s", old->rate_per_s, new->rate_per_s);
}

static void say_change(const struct sp_whatif_sides *sides, char *text) {
  for (size_t i = 0; i < sides->whatif->count; i++) {
    const struct sp_change *change = &sides->whatif->changes[i];
    if (i > 0) say(text, ", ");
    if (change->station[0]) say_station(sides, change, text);
    else say_load(&sides->deployment->load, sides->load, change->of, text);
  }
  if (sides->whatif->count == 0) say(text, "nothing");
}

/* What it was used for before: by the law that its kind obeys. */
static void say_law(const struct sp_whatif_sides *sides, int i, char *text) {
  const struct sp_queue_station *station = &sides->before->stations[i];
  const struct sp_queue_figures *figures = &sides->before_result->figures[i];
  bool slots = station->kind == SP_QUEUE_SLOTS;
  char time[TIME_SIZE];
  sp_seconds_text(slots ? figures->busy / sides->before_result->per_s : station->demand_s, time, sizeof(time));
  say(text, "%s %s %s a request", station->name, slots ? "is held" : "takes", time);
  if (!isfinite(station->servers) || station->kind == SP_QUEUE_DELAY) return;
  say(text, " (%.3g of %.3g %s in use, %.0f %%)", figures->busy, station->servers, unit_of(station), figures->utilisation * 100);
}

static void say_basis(const struct sp_whatif_sides *sides, const struct sp_prediction *prediction, char *text) {
  const struct sp_deployment *deployment = sides->deployment;
  int said = -1;
  say(text, "%zu measured load%s (model %.1f %% off): ", deployment->step_count, deployment->step_count == 1 ? "" : "s",
      deployment->misfit * 100);
  for (size_t i = 0; i < sides->whatif->count; i++) {
    int station = sp_queue_find(sides->before, sides->whatif->changes[i].station);
    if (station < 0 || station == said) continue;
    say_law(sides, station, text);
    say(text, "; ");
    said = station;
  }
  if (sides->binding >= 0 && sides->binding != said) {
    say_law(sides, sides->binding, text);
    say(text, "; ");
  }
  if (sides->binding >= 0) say(text, "then %s holds it", prediction->binding);
  else say(text, "then the %s", sides->load->open ? "rate limits" : "users limit");
  if (prediction->next[0]) say(text, ", %s would at %.3g/s", prediction->next, prediction->next_per_s);
}

static void say_predicted(const struct sp_whatif_sides *sides, const struct sp_prediction *prediction, char *text) {
  char mean[TIME_SIZE];
  say(text, "%.3g to %.3g requests/s (90 %%)", prediction->low_per_s, prediction->high_per_s);
  if (sides->load->open) say(text, " where %.3g/s were measured", prediction->before_per_s);
  else say(text, " with %g users, %s on the average", sides->load->users, sp_seconds_text(prediction->mean_s, mean, sizeof(mean)));
}

/* The throughput itself; and of what was given more, that it is still as busy as it was. */
static void say_refuted(const struct sp_whatif_sides *sides, const struct sp_prediction *prediction, char *text) {
  say(text, "fewer than %.3g or more than %.3g requests/s", prediction->low_per_s, prediction->high_per_s);
  if (!sides->load->open) say(text, " at %g users", sides->load->users);
  for (size_t i = 0; i < sides->whatif->count; i++) {
    int station = sp_queue_find(sides->before, sides->whatif->changes[i].station);
    if (station < 0 || station == sides->binding || sides->load->open) continue;
    double was = sides->before_result->figures[station].utilisation;
    if (was >= STAYS_BUSY) {
      say(text, "; or %s stays over %.0f %% busy", sides->before->stations[station].name, STAYS_BUSY * 100);
    }
  }
  if (sides->binding >= 0) say(text, "; or %s is not what is full then", prediction->binding);
}

void sp_whatif_say(const struct sp_whatif_sides *sides, struct sp_prediction *out) {
  grade(sides, out);
  say_change(sides, out->change);
  say_basis(sides, out, out->basis);
  say_predicted(sides, out, out->predicted);
  say_refuted(sides, out, out->refuted_by);
}
