/* Suspects, their three witnesses, and who of them it is. */
#include "model/diagnose_rules.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_LEVEL 0.85 /* of the level at the most load: below it, the level has risen with the load */
#define CHANGE_WAIT 1.5   /* times; a wait has grown */
#define CHANGE_PART 0.1   /* of what answers grew by: a wait that grew by less did not do it */
#define CHANGE_SHARE 0.3  /* the same for levels that are shares of the answer's time */
#define INNER_WAIT 0.2    /* of the outer place's wait: the inner one has to explain something */

/* -- making -- */

static bool known(const struct sp_suspect *list, size_t count, const struct sp_rule *rule, const char *subject) {
  for (size_t i = 0; i < count; i++) {
    if (list[i].rule == rule && strcmp(list[i].subject, subject) == 0) return true;
  }
  return false;
}

static void add(const struct sp_diagnosing *d, const struct sp_rule *rule, const char *subject, struct sp_suspect *list,
                size_t *count) {
  if (*count == SP_SUSPECTS_MAX || known(list, *count, rule, subject)) return;
  struct sp_suspect *suspect = &list[*count];
  *suspect = (struct sp_suspect){.d = d,
                                 .rule = rule,
                                 .subject = subject,
                                 .kind = sp_subject_kind(subject),
                                 .name = rule->subject ? rule->subject : subject,
                                 .cost_s = (double)NAN};
  if (rule->fits && !rule->fits(suspect)) return;
  suspect->level = sp_alloc_array(d->count, sizeof(double));
  suspect->wait_s = sp_alloc_array(d->count, sizeof(double));
  (*count)++;
}

static void add_subjects(const struct sp_diagnosing *d, const struct sp_rule *rule, struct sp_suspect *list,
                         size_t *count) {
  size_t before = *count;
  for (size_t k = 0; k < rule->anchor_count; k++) {
    enum sp_signal signal = rule->anchors[k];
    for (size_t i = d->first[signal]; i < d->first[signal + 1]; i++) add(d, rule, d->series[i]->subject, list, count);
  }
  if (rule->anchor_count == 0) add(d, rule, rule->subject, list, count);
  if (*count == before && rule->stand_in) add(d, rule, rule->stand_in, list, count);
}

static void hear(struct sp_suspect *suspect) {
  const struct sp_diagnose_input *input = suspect->d->input;
  for (size_t i = 0; i < input->error_count; i++) {
    for (size_t k = 0; k < SP_RULE_NEEDLES_MAX && suspect->rule->needles[k]; k++) {
      if (!sp_has_word(input->errors[i].detail, suspect->rule->needles[k])) continue;
      if (!suspect->said_text) suspect->said_text = input->errors[i].detail;
      suspect->said += input->errors[i].count;
      break;
    }
  }
  if ((double)suspect->said < SP_FAILED_SHARE * (double)suspect->d->requests) suspect->said = 0;
}

static void measure(struct sp_suspect *suspect) {
  for (size_t i = 0; i < suspect->d->count; i++) {
    suspect->level[i] = suspect->rule->level(suspect, i);
    suspect->wait_s[i] = suspect->rule->wait_s ? suspect->rule->wait_s(suspect, i) : (double)NAN;
  }
}

/* -- three witnesses -- */

double sp_growth_s(const struct sp_diagnosing *d) {
  return d->calm == d->pressed ? (double)NAN : sp_pressed(d)->e2e_s - sp_calm(d)->e2e_s;
}

bool sp_is_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  *shown = suspect->rule->queue_shown;
  return suspect->rule->saturated && suspect->rule->saturated(suspect, shown, text, size);
}

static bool waits(const struct sp_suspect *suspect) {
  char text[SP_DIAGNOSIS_TEXT_MAX];
  enum sp_signal shown;
  const struct sp_diagnosing *d = suspect->d;
  double wait_s = suspect->wait_s[d->pressed], share = SP_WAIT_SHARE * sp_zero(sp_pressed(d)->e2e_s);
  if (wait_s >= fmax(SP_WAIT_LEAST_S, share)) return true;
  return suspect->said > 0 || sp_is_saturated(suspect, &shown, text, sizeof(text));
}

/* Answers take longer, or fail, at the most load. */
static bool suffers(const struct sp_diagnosing *d) {
  return sp_pressed(d)->e2e_s >= CHANGE_WAIT * sp_calm(d)->e2e_s ||
         sp_pressed(d)->failed_share >= sp_calm(d)->failed_share + SP_FAILED_SHARE;
}

/* The wait grew, and by enough to be what answers grew by. Where it can't be seen, that answers grew must do. */
static bool wait_grew(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  double calm_s = suspect->wait_s[d->calm], pressed_s = suspect->wait_s[d->pressed];
  if (isnan(pressed_s)) return suffers(d);
  double part = suspect->rule->share ? CHANGE_SHARE : CHANGE_PART;
  return pressed_s >= CHANGE_WAIT * sp_zero(calm_s) + SP_WAIT_LEAST_S / 2 &&
         pressed_s - sp_zero(calm_s) >= part * sp_zero(sp_growth_s(d));
}

static size_t bend(const struct sp_suspect *suspect) {
  size_t i = 0;
  while (i < suspect->d->count && !(suspect->level[i] >= suspect->rule->full)) i++;
  return i;
}

/* The intervention test: the level rose until the load was felt and stops there; or it was at its limit from the first
 * load on, and throughput does not follow the load. */
static bool level_stops(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  double calm = suspect->level[d->calm], pressed = suspect->level[d->pressed];
  if (isnan(calm)) return false;
  if (calm < CHANGE_LEVEL * pressed) {
    size_t at = bend(suspect);
    return d->broke == d->count || (at <= d->broke + 1 && at + 1 >= d->broke);
  }
  double load = sp_pressed(d)->load / sp_calm(d)->load, rps = sp_pressed(d)->rps / sp_calm(d)->rps;
  return load > 1 && rps < 1 + 0.5 * (load - 1);
}

static bool changes(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  if (d->calm == d->pressed || !wait_grew(suspect)) return false;
  return suspect->rule->share || isnan(suspect->level[d->pressed]) || level_stops(suspect);
}

static void judge(struct sp_suspect *suspect) {
  hear(suspect);
  measure(suspect);
  double level = suspect->level[suspect->d->pressed];
  suspect->law = level >= suspect->rule->full || suspect->said > 0;
  suspect->queue = waits(suspect);
  suspect->change = changes(suspect);
}

size_t sp_suspects_make(const struct sp_diagnosing *d, struct sp_suspect *list) {
  size_t count = 0;
  const struct sp_rules *family;
  for (size_t i = 0; (family = sp_rules_at(i)); i++)
    for (size_t k = 0; k < family->count; k++) add_subjects(d, &family->rules[k], list, &count);
  for (size_t i = 0; i < count; i++) judge(&list[i]);
  return count;
}

void sp_suspects_free(struct sp_suspect *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(list[i].level);
    free(list[i].wait_s);
  }
}

bool sp_is_accused(const struct sp_suspect *suspect) {
  bool second = suspect->queue || (suspect->change && !suspect->rule->needs_queue);
  return suspect->law && second && (suspect->d->loaded || suspect->rule->own_load);
}

size_t sp_witnesses(const struct sp_suspect *suspect) {
  return (size_t)suspect->law + (size_t)suspect->queue + (size_t)suspect->change;
}

/* -- who holds whom -- */

static bool is_database(const struct sp_suspect *suspect) {
  return suspect->kind == SP_SUBJECT_DATABASE || suspect->kind == SP_SUBJECT_HOST;
}

/* Is the inner one passed while the outer place is held? */
static bool is_inside(const struct sp_suspect *inner, const struct sp_suspect *outer) {
  if (inner->rule->place != SP_PLACE_NONE && inner->rule->place <= outer->rule->place) return false;
  switch (outer->rule->place) {
  case SP_PLACE_NONE:
    return false;
  case SP_PLACE_FRONT:
    return inner->kind != SP_SUBJECT_PROXY && inner->kind != SP_SUBJECT_TARGET;
  case SP_PLACE_RUNS:
  case SP_PLACE_NODE:
    return inner->kind != SP_SUBJECT_PROXY && inner->kind != SP_SUBJECT_TARGET;
  case SP_PLACE_CALLS:
    return strcmp(inner->subject, outer->subject) == 0 || (outer->kind == SP_SUBJECT_PLUGIN && is_database(inner));
  case SP_PLACE_POOL:
  case SP_PLACE_SQL:
    return is_database(inner);
  }
  return false;
}

/* So near to its limit that what waits before an outer place waits for it, however little it costs itself. */
static bool fills(const struct sp_suspect *inner) {
  if (inner->rule->share || inner->said > 0) return true;
  return inner->level[inner->d->pressed] >= (inner->rule->holds ? inner->rule->full : SP_INNER_LEVEL);
}

static bool explains(const struct sp_suspect *inner, const struct sp_suspect *outer) {
  const struct sp_diagnosing *d = inner->d;
  if (inner == outer || !sp_is_accused(inner) || !is_inside(inner, outer)) return false;
  double inner_s = inner->wait_s[d->pressed], outer_s = outer->wait_s[d->pressed];
  if (!fills(inner) && !(inner_s >= outer_s)) return false;
  return isnan(inner_s) || isnan(outer_s) || inner_s >= INNER_WAIT * outer_s;
}

static void find_reasons(struct sp_suspect *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < count && !list[i].because; k++)
      if (sp_is_accused(&list[i]) && explains(&list[k], &list[i])) list[i].because = &list[k];
  }
}

/* -- what it costs -- */

static bool counts(const struct sp_suspect *suspect) { return sp_is_accused(suspect) && !suspect->because; }

/* A wait that is nobody else's part: those inside of calls, statements and nodes are others' too. */
static bool is_apart(const struct sp_suspect *suspect) {
  return sp_is_accused(suspect) && !suspect->rule->share && !suspect->rule->own_load;
}

static double more_s(const struct sp_suspect *suspect) {
  return sp_zero(suspect->wait_s[suspect->d->pressed]) - sp_zero(suspect->wait_s[suspect->d->calm]);
}

/* What answers grew by and nobody's wait explains. */
static double unexplained_s(const struct sp_suspect *suspect, const struct sp_suspect *list, size_t count) {
  double left_s = sp_growth_s(suspect->d);
  for (size_t i = 0; i < count; i++) {
    bool apart = is_apart(&list[i]) || (counts(&list[i]) && !list[i].rule->own_load);
    if (&list[i] != suspect && apart) left_s -= more_s(&list[i]);
  }
  return isnan(left_s) ? left_s : fmax(left_s, 0);
}

static struct sp_suspect *root(struct sp_suspect *list, const struct sp_suspect *suspect) {
  for (int i = 0; i < 10 && suspect->because; i++) suspect = suspect->because;
  return &list[suspect - list];
}

/* Who waits before a full place waits for what fills it. */
static void hand_on(struct sp_suspect *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!list[i].because || !is_apart(&list[i])) continue;
    struct sp_suspect *cause = root(list, &list[i]);
    if (isfinite(cause->cost_s)) cause->cost_s += sp_zero(list[i].cost_s);
  }
}

/* As full at the least load, when answers were fast: it is not what they grew by. */
static bool stood_still(const struct sp_suspect *suspect) {
  return suspect->d->calm != suspect->d->pressed && !suspect->change;
}

/* What can't be measured gets the rest: a full place before those that work, since nobody waits for them unseen there.
 */
static void find_costs(struct sp_suspect *list, size_t count) {
  bool placed = false;
  for (size_t i = 0; i < count; i++) list[i].cost_s = list[i].wait_s[list[i].d->pressed];
  for (size_t i = 0; i < count; i++) {
    struct sp_suspect *place = &list[i];
    if (place->rule->place != SP_PLACE_POOL || isfinite(place->cost_s) || !is_apart(place) || placed) continue;
    place->cost_s = unexplained_s(place, list, count);
    placed = true;
  }
  for (size_t i = 0; i < count; i++) {
    struct sp_suspect *suspect = &list[i];
    if (isfinite(suspect->cost_s) || !suspect->rule->unmeasured || !is_apart(suspect)) continue;
    if (stood_still(suspect)) continue;
    suspect->cost_s = placed ? 0 : unexplained_s(suspect, list, count);
  }
  hand_on(list, count);
}

/* For the order alone: a cost that is unknown may be all of the answer's time that the others leave. */
static double weight(const struct sp_suspect *suspect, const struct sp_suspect *list, size_t count) {
  if (isfinite(suspect->cost_s)) return suspect->cost_s;
  double left_s = sp_zero(sp_pressed(suspect->d)->e2e_s);
  for (size_t i = 0; i < count; i++)
    if (&list[i] != suspect && counts(&list[i])) left_s -= sp_zero(list[i].cost_s);
  return left_s;
}

/* What the load does goes before what is slow anyhow; then who costs more, or of two that nobody can measure who changed. */
static bool is_stronger(const struct sp_suspect *a, const struct sp_suspect *b, const struct sp_suspect *list,
                        size_t count) {
  bool a_load = !a->rule->own_load && a->d->loaded, b_load = !b->rule->own_load && b->d->loaded;
  if (a_load != b_load) return a_load;
  if (a->change != b->change && isnan(a->cost_s) && isnan(b->cost_s)) return a->change;
  double a_s = weight(a, list, count), b_s = weight(b, list, count);
  return a_s != b_s ? a_s > b_s : a->level[a->d->pressed] > b->level[b->d->pressed];
}

struct sp_suspect *sp_suspects_pick(const struct sp_diagnosing *d, struct sp_suspect *list, size_t count) {
  struct sp_suspect *best = NULL;
  (void)d;
  find_reasons(list, count);
  find_costs(list, count);
  for (size_t i = 0; i < count; i++) {
    if (counts(&list[i]) && (!best || is_stronger(&list[i], best, list, count))) best = &list[i];
  }
  return best;
}
