/* What resources of a deployment can be seen, and what holds what. */
#include "model/demand_use.h"

#include "base/str.h"
#include "model/seen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPARE 2 /* stations that belong to no resource */
#define WAITED 0.5 /* so many wait, on the average: all places are taken */

/* -- steps -- */

static bool is_usable(const struct sp_diagnose_step *step) {
  return step->valid && step->rps > 0 && isfinite(step->rps) && step->e2e_s > 0 && isfinite(step->e2e_s) && step->load > 0;
}

static struct sp_queue_load load_of(const struct sp_diagnose_step *step) {
  if (step->open_loop) return (struct sp_queue_load){.open = true, .rate_per_s = step->load};
  double users = step->users >= 1 ? step->users : fmax(step->load, 1);
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

/* -- what is seen at a step -- */

static double see(const struct sp_observations *seen, const struct sp_measured *measured, size_t step, enum sp_signal signal,
                  const char *subject, const char *pattern) {
  const struct sp_diagnose_step *at = measured->steps[step];
  return sp_seen_mean(seen, signal, subject, pattern, at->from_ns, at->to_ns);
}

static double zero(double value) { return isfinite(value) ? value : 0; }

/* A limit is a setting: the last one that was told. */
static double limit_of(const struct sp_observations *seen, const struct sp_measured *measured, enum sp_signal signal,
                       const char *subject) {
  for (size_t i = measured->count; i-- > 0;) {
    double limit = see(seen, measured, i, signal, subject, NULL);
    if (limit > 0) return limit;
  }
  return INFINITY;
}

/* -- the kinds of resources -- */

static void use_cpu(const struct sp_observations *seen, const struct sp_measured *measured, const char *subject,
                    struct sp_use *use) {
  use->kind = SP_QUEUE_CPU;
  use->limit = limit_of(seen, measured, SP_SIGNAL_CPU_LIMIT, subject);
  for (size_t i = 0; i < measured->count; i++) {
    use->busy[i] = see(seen, measured, i, SP_SIGNAL_CPU_CORES, subject, NULL);
  }
}

static void use_slots(const struct sp_observations *seen, const struct sp_measured *measured, const char *subject,
                      struct sp_use *use) {
  double most = 0;
  use->kind = SP_QUEUE_SLOTS;
  use->limit = limit_of(seen, measured, SP_SIGNAL_SLOTS_LIMIT, subject);
  for (size_t i = 0; i < measured->count; i++) {
    use->busy[i] = see(seen, measured, i, SP_SIGNAL_SLOTS_USED, subject, NULL);
    use->waiting[i] = see(seen, measured, i, SP_SIGNAL_SLOTS_WAITING, subject, NULL);
    if (use->rank == SP_USE_FRONT && isnan(use->busy[i])) { /* all that are in flight and do not wait */
      use->busy[i] = fmax(measured->per_s[i] * measured->mean_s[i] - zero(use->waiting[i]), 0);
    }
    if (use->waiting[i] >= WAITED) most = fmax(most, zero(use->busy[i]));
  }
  if (!isfinite(use->limit) && most > 0) use->limit = fmax(round(most), 1);
}

static void use_commit(const struct sp_observations *seen, const struct sp_measured *measured, const char *subject,
                       struct sp_use *use) {
  use->kind = SP_QUEUE_SERVERS;
  use->commit = true;
  use->limit = 1;
  for (size_t i = 0; i < measured->count; i++) {
    use->busy[i] = see(seen, measured, i, SP_SIGNAL_DB_SESSIONS, subject, "*WALSync");
    use->waiting[i] = zero(see(seen, measured, i, SP_SIGNAL_DB_SESSIONS, subject, "*WALWrite")) +
                      zero(see(seen, measured, i, SP_SIGNAL_DB_SESSIONS, subject, "Lock/*"));
  }
}

/* Little: what is there = calls a second × their time. */
static void use_calls(const struct sp_observations *seen, const struct sp_measured *measured, const char *subject,
                      struct sp_use *use) {
  use->kind = SP_QUEUE_SERVERS;
  use->calls = true;
  for (size_t i = 0; i < measured->count; i++) {
    use->busy[i] = see(seen, measured, i, SP_SIGNAL_CALLS_RATE, subject, NULL) *
                   see(seen, measured, i, SP_SIGNAL_CALLS_TIME, subject, NULL);
  }
}

struct family {
  enum sp_signal anchor;
  const char *detail;   /* of the anchor; NULL: any */
  const char *resource;
  void (*use)(const struct sp_observations *seen, const struct sp_measured *measured, const char *subject, struct sp_use *use);
};

/* In this order: what stands before tells a subject's resource better. */
static const struct family families[] = {
    {SP_SIGNAL_SLOTS_USED, NULL, "slots", use_slots},
    {SP_SIGNAL_SLOTS_WAITING, NULL, "slots", use_slots},
    {SP_SIGNAL_CPU_CORES, NULL, "cpu", use_cpu},
    {SP_SIGNAL_DB_SESSIONS, "*WALSync", "commit", use_commit},
    {SP_SIGNAL_CALLS_TIME, NULL, "calls", use_calls},
};

/* -- what holds what -- */

struct place {
  const char *pattern;
  int rank;
};

/* Whose slots are held for what. Those of others (a model server's) hold nothing but their own time. */
static const struct place places[] = {
    {"*pgbouncer*", SP_USE_POOL}, {"*pooler*", SP_USE_POOL},     {"*postgres*", SP_USE_DATABASE}, {"*mysql*", SP_USE_DATABASE},
    {"*nginx*", SP_USE_FRONT},    {"*gunicorn*", SP_USE_FRONT}, {"*api*", SP_USE_FRONT},
};

static int rank_of(const char *subject) {
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    if (sp_str_matches(places[i].pattern, subject)) return places[i].rank;
  }
  return SP_USE_OTHER;
}

/* -- all of them -- */

static bool starts_with_subject(const struct sp_use *use, const char *subject) {
  size_t len = strlen(subject);
  return strncmp(use->name, subject, len) == 0 && use->name[len] == '.';
}

/* Once each; and calls only of a subject that nothing else tells of, since their time has those others' in it. A host's CPU is
 * that of its containers. */
static bool is_new(const struct sp_measured *measured, const struct family *family, const char *subject, const char *name) {
  if (family->anchor == SP_SIGNAL_CPU_CORES && strncmp(subject, "host", 4) == 0) return false;
  for (size_t i = 0; i < measured->use_count; i++) {
    if (strcmp(measured->uses[i].name, name) == 0) return false;
    if (family->anchor == SP_SIGNAL_CALLS_TIME && starts_with_subject(&measured->uses[i], subject)) return false;
  }
  return true;
}

/* The front's places are all that is under way; without a limit they say nothing. */
static bool was_used(const struct sp_measured *measured, const struct sp_use *use) {
  if (use->rank == SP_USE_FRONT && use->kind == SP_QUEUE_SLOTS && !isfinite(use->limit)) return false;
  for (size_t i = 0; i < measured->count; i++) {
    if (use->busy[i] > 0) return true;
  }
  return false;
}

static void add(const struct sp_observations *seen, struct sp_measured *measured, const struct family *family,
                const char *subject) {
  struct sp_use *use = &measured->uses[measured->use_count];
  *use = (struct sp_use){.limit = INFINITY, .rank = rank_of(subject)};
  int len = snprintf(use->name, sizeof(use->name), "%s.%s", subject, family->resource);
  if (len >= (int)sizeof(use->name) || !is_new(measured, family, subject, use->name)) return;
  family->use(seen, measured, subject, use);
  if (was_used(measured, use)) measured->use_count++;
}

static int by_place(const void *a, const void *b) {
  const struct sp_use *x = a, *y = b;
  bool x_holds = x->kind == SP_QUEUE_SLOTS, y_holds = y->kind == SP_QUEUE_SLOTS;
  if (x_holds != y_holds) return x_holds ? -1 : 1;
  if (x_holds && x->rank != y->rank) return x->rank - y->rank;
  return strcmp(x->name, y->name);
}

void sp_measured_uses(const struct sp_observations *observations, struct sp_measured *out) {
  out->use_count = 0;
  for (size_t f = 0; observations && f < sizeof(families) / sizeof(families[0]); f++) {
    const struct sp_observed *series;
    for (size_t from = 0; (series = sp_observations_find(observations, families[f].anchor, NULL, NULL, &from));) {
      if (families[f].detail && !sp_str_matches(families[f].detail, series->detail)) continue;
      if (out->use_count + SPARE < SP_QUEUE_STATIONS_MAX) add(observations, out, &families[f], series->subject);
    }
  }
  qsort(out->uses, out->use_count, sizeof(out->uses[0]), by_place);
}
