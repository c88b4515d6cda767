/*
 * What the next change would do, by asymptotic bounds: the culprit's own limit moved by the change's factor, every
 * other resource at its own (throughput / level), and the load's (users / (think time + the answer without this wait)).
 * Never past twice what was measured.
 */
#include "model/diagnose_rules.h"
#include "model/whatif.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LITTLE 1.05
#define LOW_PART 0.85  /* of the bound: queues keep a system below it */
#define HIGH_PART 1.03 /* what throughput differs by from run to run */

static double other_bound(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit, double rps,
                          const struct sp_suspect **binding) {
  double least = (double)INFINITY;
  for (size_t i = 0; i < count; i++) {
    const struct sp_suspect *other = &list[i];
    double level = other->level[culprit->d->pressed];
    bool own_path =
        !culprit->rule->scales && strcmp(other->subject, culprit->subject) == 0; /* slow for the same reason */
    if (other == culprit || own_path || !other->rule->scales || other->because || !(level > 0.05)) continue;
    double own = level / fmin(other->rule->full, 1); /* of the limit at which it is felt */
    if (rps / own >= least) continue;
    least = rps / own;
    *binding = other;
  }
  return fmax(least, rps);
}

/* What the load itself allows when this wait is gone. */
static double load_bound(const struct sp_suspect *culprit) {
  const struct sp_diagnose_step *step = sp_pressed(culprit->d);
  if (step->open_loop) return (double)INFINITY;
  bool alone =
      culprit->d->calm == culprit->d->pressed; /* then how long an answer takes without the wait is not known */
  double left_s = step->e2e_s - culprit->cost_s;
  if (!alone) left_s = fmax(sp_zero(left_s), sp_calm(culprit->d)->e2e_s);
  return step->users / (sp_zero(step->think_s) + sp_zero(left_s));
}

static void say_faster(const struct sp_suspect *culprit, struct sp_diagnosis *out) {
  char before[40], after[40];
  double took_s = sp_pressed(culprit->d)->e2e_s;
  if (!isfinite(culprit->cost_s) || culprit->cost_s >= took_s) return;
  snprintf(out->predicted, sizeof(out->predicted),
           "without this wait an answer takes about %s in place of %s at the same load",
           sp_seconds_text(took_s - culprit->cost_s, after, sizeof(after)),
           sp_seconds_text(took_s, before, sizeof(before)));
  snprintf(out->refuted_by, sizeof(out->refuted_by),
           "answers take as long as before, though %s.%s is no longer at its limit", culprit->name,
           culprit->rule->resource);
}

static void say_throughput(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit, double factor,
                           struct sp_diagnosis *out) {
  char load[40], because[SP_CULPRIT_MAX + 40] = "";
  const struct sp_suspect *binding = NULL;
  double rps = sp_pressed(culprit->d)->rps, own = rps * fmin(factor, SP_WHATIF_RANGE), users = load_bound(culprit);
  double others = other_bound(list, count, culprit, rps, &binding), high = fmin(fmin(own, others), users);
  if (!(high > rps)) high = rps;
  out->predicted_high_per_s = fmin(HIGH_PART * high, SP_WHATIF_RANGE * rps);
  out->predicted_low_per_s = fmax(rps, LOW_PART * high);
  sp_load_text(sp_pressed(culprit->d), load, sizeof(load));
  if (high < LITTLE * rps && binding && others <= high) {
    snprintf(out->predicted, sizeof(out->predicted),
             "little by itself at %s: %s.%s is at its limit as well, change both", load, binding->name,
             binding->rule->resource);
    snprintf(out->refuted_by, sizeof(out->refuted_by), "throughput at %s rises by more than a tenth of %.1f/s", load,
             rps);
    return;
  }
  if (users <= own && users <= others) {
    snprintf(because, sizeof(because), "; then the users limit");
  } else if (others < own && binding) {
    snprintf(because, sizeof(because), "; then %s.%s limits", binding->name, binding->rule->resource);
  }
  snprintf(out->predicted, sizeof(out->predicted), "%.1f to %.1f requests/s at %s in place of %.1f%s",
           out->predicted_low_per_s, out->predicted_high_per_s, load, rps, because);
  snprintf(out->refuted_by, sizeof(out->refuted_by),
           "throughput at %s stays below %.1f/s, though %s.%s is no longer at its limit", load,
           out->predicted_low_per_s, culprit->name, culprit->rule->resource);
}

void sp_say_change(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit,
                   struct sp_diagnosis *out) {
  struct sp_advice advice = {.change = out->change, .risk = out->risk, .factor = 1};
  culprit->rule->advise(culprit, &advice);
  if (advice.factor > 1 && isfinite(sp_pressed(culprit->d)->rps)) {
    say_throughput(list, count, culprit, advice.factor, out);
  } else {
    say_faster(culprit, out);
  }
}
