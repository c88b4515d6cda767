/* What resources of a deployment can be seen, and what holds what. */
#include "model/demand_use.h"

#include "base/str.h"
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE 2 /* stations that belong to no resource */
#define KEPT_UP 0.95 /* of what came */
#define ALL_USERS 0.01
#define FLUSHES "IO/W?L*" /* IO/WALSync, IO/WalWrite … of a session that does it */
#define WAITED 0.5 /* so many wait, on the average: all places are taken */

/* -- steps -- */

static bool is_usable(const struct sp_diagnose_step *step) {
  return step->valid && step->rps > 0 && isfinite(step->rps) && step->e2e_s > 0 && isfinite(step->e2e_s) && step->load > 0;
}

static struct sp_queue_load load_of(const struct sp_diagnose_step *step) {
  if (step->open_loop) return (struct sp_queue_load){.open = true, .rate_per_s = step->load};
  bool as_asked = fabs(step->users / step->load - 1) <= ALL_USERS; /* but for rounding */
  double users = !as_asked && step->users >= 1 ? step->users : fmax(step->load, 1);
  double think_s = isfinite(step->think_s) ? step->think_s : fmax(users / step->rps - step->e2e_s, 0);
  return (struct sp_queue_load){.users = fmin(users, SP_QUEUE_USERS_MAX), .think_s = think_s};
}

static int by_load(const void *a, const void *b) {
  double x = (*(const struct sp_diagnose_step *const *)a)->load, y = (*(const struct sp_diagnose_step *const *)b)->load;
  return (x > y) - (x < y);
}

int sp_measured_steps(const struct sp_diagnose_input *input, struct sp_measured *out, struct sp_err *err) {
  out->count = 0;
  for (size_t i = 0; i < input->step_count && out->count < SP_DEPLOYMENT_STEPS_MAX; i++) {
    if (!is_usable(&input->steps[i])) continue;
    if (out->count > 0 && input->steps[i].open_loop != out->steps[0]->open_loop) {
      return sp_fail(err, SP_EUSAGE, "a model needs steps of one kind: users or arrivals a second, not both");
    }
    out->steps[out->count++] = &input->steps[i];
  }
  if (out->count == 0) {
    return sp_fail(err, SP_EUSAGE, "nothing to make a model of: no valid step in which requests ended");
  }
  qsort(out->steps, out->count, sizeof(out->steps[0]), by_load);
  for (size_t i = 0; i < out->count; i++) {
    out->loads[i] = load_of(out->steps[i]);
    out->per_s[i] = out->steps[i]->rps;
    out->mean_s[i] = out->steps[i]->e2e_s;
  }
  return 0;
}

bool sp_measured_kept_up(const struct sp_measured *measured, size_t step) {
  const struct sp_queue_load *load = &measured->loads[step];
  return !load->open || measured->per_s[step] >= KEPT_UP * load->rate_per_s;
}

/* -- what is seen at a step -- */

/* Steps and series, for the eyes of the diagnosis. */
struct view {
  struct sp_diagnosing eyes;
  const struct sp_measured *measured;
};

static double see(const struct view *view, size_t step, enum sp_signal signal, const char *subject, const char *pattern) {
  return sp_see_of(&view->eyes, signal, subject, pattern, step);
}

/* A limit is a setting: the last one that was told. */
static double limit_of(const struct view *view, enum sp_signal signal, const char *subject) {
  for (size_t i = view->measured->count; i-- > 0;) {
    double limit = see(view, i, signal, subject, NULL);
    if (limit > 0) return limit;
  }
  return INFINITY;
}

/* -- the kinds of resources -- */

static void use_cpu(const struct view *view, const char *subject, struct sp_use *use) {
  use->kind = SP_QUEUE_CPU;
  use->limit = limit_of(view, SP_SIGNAL_CPU_LIMIT, subject);
  for (size_t i = 0; i < view->measured->count; i++) {
    use->busy[i] = see(view, i, SP_SIGNAL_CPU_CORES, subject, NULL);
  }
}

static double in_flight(const struct sp_measured *measured, size_t step) {
  double seen = measured->steps[step]->in_flight;
  return seen > 0 ? seen : measured->per_s[step] * measured->mean_s[step];
}

static void use_slots(const struct view *view, const char *subject, struct sp_use *use) {
  double most = 0;
  use->kind = SP_QUEUE_SLOTS;
  use->limit = limit_of(view, SP_SIGNAL_SLOTS_LIMIT, subject);
  for (size_t i = 0; i < view->measured->count; i++) {
    use->busy[i] = see(view, i, SP_SIGNAL_SLOTS_USED, subject, NULL);
    use->waiting[i] = see(view, i, SP_SIGNAL_SLOTS_WAITING, subject, NULL);
    if (use->rank == SP_USE_FRONT && isnan(use->busy[i])) { /* all that are in flight and do not wait */
      use->busy[i] = fmax(in_flight(view->measured, i) - sp_zero(use->waiting[i]), 0);
    }
    if (use->waiting[i] >= WAITED) most = fmax(most, sp_zero(use->busy[i]));
  }
  if (!isfinite(use->limit) && most > 0) use->limit = fmax(round(most), 1);
}

/* Who flushes; or flushes a second × the time of one, where that is told. */
static void use_commit(const struct view *view, const char *subject, struct sp_use *use) {
  use->kind = SP_QUEUE_SERVERS;
  use->commit = true;
  use->limit = 1;
  for (size_t i = 0; i < view->measured->count; i++) {
    double flushing = see(view, i, SP_SIGNAL_DB_SESSIONS, subject, FLUSHES);
    double told = see(view, i, SP_SIGNAL_DB_WAL_SYNCS, subject, NULL) * see(view, i, SP_SIGNAL_DB_WAL_SYNC_TIME, subject, NULL);
    use->busy[i] = isfinite(flushing) || isfinite(told) ? fmin(fmax(sp_zero(flushing), sp_zero(told)), 1) : (double)NAN;
    use->waiting[i] = sp_zero(see(view, i, SP_SIGNAL_DB_SESSIONS, subject, "LWLock/W?LWrite")) +
                      sp_zero(see(view, i, SP_SIGNAL_DB_SESSIONS, subject, "Lock/*"));
  }
}

static void use_thread(const struct view *view, const char *subject, struct sp_use *use) {
  use->kind = SP_QUEUE_SERVERS;
  use->limit = 1;
  for (size_t i = 0; i < view->measured->count; i++) {
    use->busy[i] = see(view, i, SP_SIGNAL_CACHE_MAIN_THREAD, subject, NULL);
  }
}

static bool is_again(const struct sp_diagnosing *eyes, size_t i) {
  const struct sp_observed *series = eyes->series[i];
  return sp_observations_find(eyes->input->observations, series->signal, series->subject, series->detail, NULL) != series;
}

/* Little, for each kind of call: what is there = calls a second × their time. */
static double calls_there(const struct view *view, const char *subject, size_t step) {
  const struct sp_diagnosing *eyes = &view->eyes;
  double there = (double)NAN;
  for (size_t i = eyes->first[SP_SIGNAL_CALLS_TIME]; i < eyes->first[SP_SIGNAL_CALLS_TIME + 1]; i++) {
    const struct sp_observed *series = eyes->series[i];
    if (strcmp(series->subject, subject) != 0 || is_again(eyes, i)) continue;
    double some = see(view, step, SP_SIGNAL_CALLS_RATE, subject, series->detail) *
                  see(view, step, SP_SIGNAL_CALLS_TIME, subject, series->detail);
    if (isfinite(some)) there = sp_zero(there) + some;
  }
  return there;
}

static void use_calls(const struct view *view, const char *subject, struct sp_use *use) {
  use->kind = SP_QUEUE_SERVERS;
  use->calls = true;
  for (size_t i = 0; i < view->measured->count; i++) use->busy[i] = calls_there(view, subject, i);
}

struct family {
  enum sp_signal anchor;
  const char *detail;   /* of the anchor; NULL: any */
  const char *resource;
  void (*use)(const struct view *view, const char *subject, struct sp_use *use);
};

/* In this order: what stands before tells a subject's resource better. */
static const struct family families[] = {
    {SP_SIGNAL_SLOTS_USED, NULL, "slots", use_slots},
    {SP_SIGNAL_SLOTS_WAITING, NULL, "slots", use_slots},
    {SP_SIGNAL_CPU_CORES, NULL, "cpu", use_cpu},
    {SP_SIGNAL_DB_SESSIONS, FLUSHES, "commit", use_commit},
    {SP_SIGNAL_DB_WAL_SYNC_TIME, NULL, "commit", use_commit},
    {SP_SIGNAL_CACHE_MAIN_THREAD, NULL, "main_thread", use_thread},
    {SP_SIGNAL_CALLS_TIME, NULL, "calls", use_calls},
};

/* -- what holds what -- */

/* Whose slots are held for what. Those of others (a model server's) hold nothing but their own time. */
static int rank_of(const char *subject) {
  switch (sp_subject_kind(subject)) {
  case SP_SUBJECT_PROXY:
  case SP_SUBJECT_API:
  case SP_SUBJECT_TARGET: return SP_USE_FRONT;
  case SP_SUBJECT_POOLER: return SP_USE_POOL;
  case SP_SUBJECT_DATABASE: return SP_USE_DATABASE;
  default: return SP_USE_OTHER;
  }
}

/* -- all of them -- */

static bool starts_with_subject(const struct sp_use *use, const char *subject) {
  size_t len = strlen(subject);
  return strncmp(use->name, subject, len) == 0 && use->name[len] == '.';
}

/* Once each; and calls only of a subject that nothing else tells of, since their time has those others' in it, and not of what
 * all requests pass. A host's CPU is that of its containers. */
static bool is_new(const struct sp_measured *measured, const struct family *family, const char *subject,
                   const struct sp_use *use) {
  bool calls = family->anchor == SP_SIGNAL_CALLS_TIME;
  if (family->anchor == SP_SIGNAL_CPU_CORES && sp_subject_kind(subject) == SP_SUBJECT_HOST) return false;
  if (calls && use->rank == SP_USE_FRONT) return false;
  for (size_t i = 0; i < measured->use_count; i++) {
    if (strcmp(measured->uses[i].name, use->name) == 0) return false;
    if (calls && starts_with_subject(&measured->uses[i], subject)) return false;
  }
  return true;
}

/* Without a limit, neither the front's places (all that is under way) nor a CPU say where anybody could wait. */
static bool says_something(const struct sp_measured *measured, const struct sp_use *use) {
  bool needs_limit = use->kind == SP_QUEUE_CPU || (use->rank == SP_USE_FRONT && use->kind == SP_QUEUE_SLOTS);
  if (needs_limit && !isfinite(use->limit)) return false;
  for (size_t i = 0; i < measured->count; i++) {
    if (use->busy[i] > 0) return true;
  }
  return false;
}

static void add(const struct view *view, struct sp_measured *measured, const struct family *family, const char *subject) {
  struct sp_use *use = &measured->uses[measured->use_count];
  *use = (struct sp_use){.limit = INFINITY, .rank = rank_of(subject)};
  int len = snprintf(use->name, sizeof(use->name), "%s.%s", subject, family->resource);
  if (len >= (int)sizeof(use->name) || !is_new(measured, family, subject, use)) return;
  family->use(view, subject, use);
  if (says_something(measured, use)) measured->use_count++;
}

static int by_place(const void *a, const void *b) {
  const struct sp_use *x = a, *y = b;
  bool x_holds = x->kind == SP_QUEUE_SLOTS, y_holds = y->kind == SP_QUEUE_SLOTS;
  if (x_holds != y_holds) return x_holds ? -1 : 1;
  if (x_holds && x->rank != y->rank) return x->rank - y->rank;
  return strcmp(x->name, y->name);
}

static void add_family(const struct view *view, struct sp_measured *measured, const struct family *family) {
  const struct sp_diagnosing *eyes = &view->eyes;
  for (size_t i = eyes->first[family->anchor]; i < eyes->first[family->anchor + 1]; i++) {
    const struct sp_observed *series = eyes->series[i];
    if (family->detail && !sp_str_matches(family->detail, series->detail)) continue;
    if (measured->use_count + SPARE < SP_QUEUE_STATIONS_MAX) add(view, measured, family, series->subject);
  }
}

void sp_measured_uses(const struct sp_diagnose_input *input, struct sp_measured *out) {
  struct view view = {.eyes = {.input = input, .steps = out->steps, .count = out->count}, .measured = out};
  out->use_count = 0;
  sp_see_index(&view.eyes);
  for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) add_family(&view, out, &families[f]);
  free(view.eyes.series);
  qsort(out->uses, out->use_count, sizeof(out->uses[0]), by_place);
}
