#include "model/diagnose_rules.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONG_ENOUGH 0.25 /* of the longest step: shorter ones are not what is judged */
#define ALL_FAILED 0.9   /* such a step has nothing to tell */

const char *sp_diagnosis_confidence_name(enum sp_diagnosis_confidence confidence) {
  static const char *const names[] = {"none", "low", "medium", "high"};
  return names[confidence];
}

/* -- the steps -- */

static int by_load(const void *a, const void *b) {
  const struct sp_diagnose_step *left = *(const struct sp_diagnose_step *const *)a,
                                *right = *(const struct sp_diagnose_step *const *)b;
  if (left->load != right->load) return left->load < right->load ? -1 : 1;
  return left->from_ns < right->from_ns ? -1 : left->from_ns > right->from_ns;
}

/* The generator made the load, and was late by little of what an answer takes. */
static bool is_nearly_valid(const struct sp_diagnose_step *step) {
  return step->dropped_starts == 0 && step->generator_s > 0 && step->generator_s <= SP_OWN_SHARE * step->e2e_s;
}

static bool is_fair(const struct sp_diagnose_step *step) { return step->valid || is_nearly_valid(step); }

/* Fair ones of one kind of load, in order. */
static void order_steps(struct sp_diagnosing *d) {
  const struct sp_diagnose_input *input = d->input;
  d->steps = sp_alloc_array(input->step_count + 1, sizeof(const struct sp_diagnose_step *));
  for (size_t i = 0; i < input->step_count; i++) {
    const struct sp_diagnose_step *step = &input->steps[i];
    for (size_t k = 0; k < SP_OUTCOME_COUNT; k++)
      d->requests += sp_outcome_is_completed((enum sp_outcome)k) ? step->outcomes[k] : 0;
    if (!is_fair(step) || step->open_loop != input->steps[0].open_loop || step->to_ns <= step->from_ns || step->load <= 0)
      continue;
    d->steps[d->count++] = step;
    if (!step->valid) d->doubtful = step;
  }
  qsort(d->steps, d->count, sizeof(d->steps[0]), by_load);
}

static int64_t length_ns(const struct sp_diagnose_step *step) { return step->to_ns - step->from_ns; }

static bool is_judged(const struct sp_diagnose_step *step, int64_t longest_ns) {
  return (double)length_ns(step) >= LONG_ENOUGH * (double)longest_ns && isfinite(step->e2e_s) &&
         !(step->failed_share >= ALL_FAILED);
}

/* The least and the most load that have something to tell. */
static void find_ends(struct sp_diagnosing *d) {
  int64_t longest_ns = 0;
  for (size_t i = 0; i < d->count; i++)
    if (length_ns(d->steps[i]) > longest_ns) longest_ns = length_ns(d->steps[i]);
  d->pressed = d->count - 1;
  while (d->pressed > 0 && !is_judged(d->steps[d->pressed], longest_ns)) d->pressed--;
  d->calm = 0;
  while (d->calm < d->pressed && !is_judged(d->steps[d->calm], longest_ns)) d->calm++;
  if (sp_calm(d)->load >= sp_pressed(d)->load) d->calm = d->pressed;
}

/* -- is the load felt? -- */

/* Closed loop: most of a user's time is spent thinking, so that more could not be asked. */
static bool users_limit(const struct sp_diagnose_step *step) {
  return !step->open_loop && step->think_s > 0 && step->e2e_s / (step->e2e_s + step->think_s) <= SP_CAP_SHARE;
}

static bool fails_more(const struct sp_diagnose_step *step, const struct sp_diagnose_step *calm) {
  return step->failed_share >= (step == calm ? 0 : sp_zero(calm->failed_share)) + SP_FAILED_SHARE;
}

static bool felt(const struct sp_diagnosing *d, const struct sp_diagnose_step *step) {
  const struct sp_diagnose_step *calm = sp_calm(d);
  if (fails_more(step, calm)) return true;
  if (step == calm) return step->slo_missed || !users_limit(step);
  bool slower = step->e2e_s >= SP_GROWN * calm->e2e_s || step->ttft_s >= SP_GROWN * calm->ttft_s;
  if (step->slo_missed) return !calm->slo_missed || slower;
  return slower && !users_limit(step);
}

static void find_break(struct sp_diagnosing *d) {
  bool has_slo = false;
  for (size_t i = d->calm; i <= d->pressed; i++) has_slo = has_slo || d->steps[i]->slo_missed;
  d->loaded = felt(d, sp_pressed(d));
  d->broke = sp_calm(d)->slo_missed ? d->calm : d->calm + 1;
  while (d->broke <= d->pressed && !(has_slo ? d->steps[d->broke]->slo_missed : felt(d, d->steps[d->broke])))
    d->broke++;
  if (d->broke > d->pressed || d->calm == d->pressed) d->broke = d->count;
}

/* -- how sure -- */

/* Somebody else costs nearly as much. */
static bool is_close(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit) {
  for (size_t i = 0; i < count; i++) {
    const struct sp_suspect *other = &list[i];
    if (other == culprit || !sp_is_accused(other) || other->because || other->rule->own_load) continue;
    if (!isfinite(culprit->cost_s) || other->cost_s >= 0.5 * culprit->cost_s) return true;
  }
  return false;
}

static enum sp_diagnosis_confidence confidence(const struct sp_suspect *list, size_t count,
                                               const struct sp_suspect *culprit) {
  const struct sp_diagnosing *d = culprit->d;
  double share = culprit->cost_s / sp_pressed(d)->e2e_s;
  bool all = sp_witnesses(culprit) == 3;
  int grade = all ? SP_DIAGNOSIS_HIGH : SP_DIAGNOSIS_LOW;
  if (!all && (share >= 0.5 || culprit->said > 0)) grade = SP_DIAGNOSIS_MEDIUM;
  if (d->first[SP_SIGNAL_COUNT] == 0 || is_close(list, count, culprit))
    grade--; /* nobody to compare with, or somebody alike */
  if (d->input->generator_shares_machine && culprit->kind == SP_SUBJECT_HOST) grade--;
  if (culprit->rule->place == SP_PLACE_NODE) grade = SP_DIAGNOSIS_LOW; /* where, and not what */
  if (d->doubtful) grade--;
  if (share > 1.5) grade--; /* others wait there too: not only what this run asked for */
  return grade < SP_DIAGNOSIS_LOW ? SP_DIAGNOSIS_LOW : (enum sp_diagnosis_confidence)grade;
}

/* -- all of it -- */

static void begin(struct sp_diagnosis *out) {
  memset(out, 0, sizeof(*out));
  out->seconds_per_request = out->predicted_low_per_s = out->predicted_high_per_s = (double)NAN;
}

/* The most that was tried, fair or not, is what the generator could not do. */
static bool generator_limits(const struct sp_diagnosing *d) {
  const struct sp_diagnose_input *input = d->input;
  for (size_t i = 0; i < input->step_count; i++) {
    const struct sp_diagnose_step *step = &input->steps[i];
    if (!is_fair(step) && (d->count == 0 || step->load >= sp_pressed(d)->load)) return true;
  }
  return false;
}

static void say_culprit(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit,
                        struct sp_diagnosis *out) {
  sp_say_claim(culprit, out);
  sp_say_witnesses(culprit, out);
  out->seconds_per_request = culprit->cost_s;
  out->confidence = confidence(list, count, culprit);
  sp_say_change(list, count, culprit, out);
}

static void diagnose(struct sp_diagnosing *d, struct sp_diagnosis *out) {
  struct sp_suspect *list = sp_alloc_array(SP_SUSPECTS_MAX, sizeof(*list));
  find_ends(d);
  find_break(d);
  size_t count = sp_suspects_make(d, list);
  const struct sp_suspect *culprit = sp_suspects_pick(d, list, count);
  sp_say_others(list, count, culprit, out);
  sp_say_unseen(d, out);
  if (culprit) {
    say_culprit(list, count, culprit, out);
  } else if (generator_limits(d)) {
    sp_say_generator(d->input, out);
  } else {
    sp_say_nothing(d, out);
  }
  sp_suspects_free(list, count);
  free(list);
}

void sp_diagnose(const struct sp_diagnose_input *input, struct sp_diagnosis *out) {
  struct sp_diagnosing d = {.input = input};
  begin(out);
  order_steps(&d);
  sp_see_index(&d);
  if (d.count > 0) {
    diagnose(&d, out);
  } else if (generator_limits(&d)) {
    sp_say_generator(input, out);
  } else {
    sp_say_nothing(&d, out);
  }
  free(d.steps);
  free(d.series);
}

static void free_list(struct sp_diagnosis_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->lines[i].text);
    free(list->lines[i].resource);
    free(list->lines[i].query);
  }
  list->count = 0;
}

void sp_diagnosis_fini(struct sp_diagnosis *diagnosis) {
  free_list(&diagnosis->witnesses);
  free_list(&diagnosis->exonerated);
  free_list(&diagnosis->unseen);
  free_list(&diagnosis->also);
}
