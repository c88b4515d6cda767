/* CPU: a container's or a process's quota, the host's cores, what a hypervisor takes away; and the one thread that an
 * event loop is. */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>

#define FULL 0.90          /* Netdata warns at 85 … 95 % of a quota, the node mixin at 90 % of a host */
#define THROTTLED 0.25     /* of the periods: kubernetes-mixin, CPUThrottlingHigh */
#define THROTTLED_USE 0.80 /* awesome-prometheus-alerts; below it a quota only smooths bursts */
#define THROTTLED_FELT 0.05
#define PRESSURE 0.10 /* of the time somebody waits for a CPU (PSI, some) */
#define STEAL 0.10    /* awesome-prometheus-alerts */
#define CANARY_LEAST_S 0.1
#define CANARY_GROWN 5.0
#define GC_FULL 0.25   /* s a second: a pause is felt by all who share the process */
#define LOOP_FULL 0.85 /* of one core */

/* -- used up -- */

/* What it may use: its quota; less where it is one thread, or as many processes as are set. */
static double limit_of(const struct sp_suspect *suspect) {
  double limit = sp_see_last(suspect, SP_SIGNAL_CPU_LIMIT), processes = (double)INFINITY;
  double instances = (double)sp_see_details(suspect, SP_SIGNAL_CPU_CORES);
  if (suspect->kind == SP_SUBJECT_POOLER || suspect->kind == SP_SUBJECT_CACHE) processes = 1;
  if (suspect->kind == SP_SUBJECT_API) processes = sp_see_setting(suspect, "SERVER_WORKER_AMOUNT");
  if (isfinite(processes) && instances > 0)
    limit = fmin(isnan(limit) ? (double)INFINITY : limit, processes * instances);
  return limit > 0 && isfinite(limit) ? limit : (double)NAN;
}

static double level(const struct sp_suspect *suspect, size_t step) {
  double used = sp_see(suspect, SP_SIGNAL_CPU_CORES, NULL, step), limit = limit_of(suspect);
  double throttled = sp_see(suspect, SP_SIGNAL_CPU_THROTTLED, NULL, step);
  bool stopped = throttled >= THROTTLED && !(used / limit < THROTTLED_USE);
  return stopped ? fmax(FULL, sp_zero(used / limit)) : used / limit;
}

/* Threads that wait for a CPU; of a database, sessions that wait for nothing else and are more than the cores in use.
 */
static double wait_s(const struct sp_suspect *suspect, size_t step) {
  double run_wait = sp_see(suspect, SP_SIGNAL_CPU_RUN_WAIT, NULL, step);
  if (isfinite(run_wait)) return run_wait / sp_rps(suspect->d, step);
  if (suspect->kind != SP_SUBJECT_DATABASE) return (double)NAN;
  double running = sp_see(suspect, SP_SIGNAL_DB_SESSIONS, "CPU", step),
         used = sp_see(suspect, SP_SIGNAL_CPU_CORES, NULL, step);
  double more = running - used;
  return isnan(more) ? more : fmax(more, 0) / sp_rps(suspect->d, step);
}

static bool saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  size_t step = suspect->d->pressed;
  double throttled = sp_see(suspect, SP_SIGNAL_CPU_THROTTLED, NULL, step),
         pressure = sp_see(suspect, SP_SIGNAL_CPU_PRESSURE, NULL, step);
  if (!(throttled >= THROTTLED_FELT) && !(pressure >= PRESSURE)) return false;
  if (throttled >= THROTTLED_FELT) {
    *shown = SP_SIGNAL_CPU_THROTTLED;
    snprintf(text, size, "stopped by its quota in %.0f %% of the periods", throttled * 100);
  } else {
    snprintf(text, size, "something in it waits for a CPU %.0f %% of the time", pressure * 100);
  }
  return true;
}

static void figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double used = sp_see(suspect, SP_SIGNAL_CPU_CORES, NULL, step), limit = limit_of(suspect);
  double a_request_ms = used / sp_rps(suspect->d, step) * 1000;
  int len = snprintf(text, size, "CPU %.2f of %.2f cores (%.0f %%)", used, limit, used / limit * 100);
  if (suspect->level[step] >= FULL && isfinite(a_request_ms) && len > 0 && (size_t)len < size)
    snprintf(text + len, size - (size_t)len, ", %.1f ms of CPU a request", a_request_ms);
}

static void advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double limit = limit_of(suspect), workers = sp_see_setting(suspect, "SERVER_WORKER_AMOUNT");
  double more = limit * 1.5;
  out->factor = 1.5;
  if (suspect->kind == SP_SUBJECT_API) {
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "give %s %.3g CPU in place of %.3g, with SERVER_WORKER_AMOUNT=%.0f (a Python process uses one core at "
             "most), or as "
             "many more instances; connections to the database grow along: (workers x instances + Celery) x "
             "(SQLALCHEMY_POOL_SIZE + SQLALCHEMY_MAX_OVERFLOW) must stay within max_connections",
             suspect->name, more, limit, fmax(sp_zero(workers), ceil(more)));
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts %s", suspect->name);
  } else if (suspect->kind == SP_SUBJECT_DATABASE) {
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "give %s %.3g CPU in place of %.3g; before that look at the statements that take most of it "
             "(pg_stat_statements). "
             "More connections would make it worse",
             suspect->name, more, limit);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts the database");
  } else if (suspect->kind == SP_SUBJECT_VECTOR) {
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "give %s %.3g CPU in place of %.3g and a disk of its own, let imports (whose segments it merges, with the "
             "same CPU) run at "
             "other times; smaller ef and top_k, hot searches cached",
             suspect->name, more, limit);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts %s; a smaller ef finds less", suspect->name);
  } else if (suspect->kind == SP_SUBJECT_HOST) {
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "move a part of the deployment (database, vector store) off %s, or give it more cores: quotas of its "
             "containers "
             "cannot help",
             suspect->name);
  } else {
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "give %s %.3g CPU in place of %.3g, or as many more instances",
             suspect->name, more, limit);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts %s", suspect->name);
  }
}

/* -- taken away -- */

static double steal_level(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_CPU_STEAL, NULL, step) / STEAL;
}

static void steal_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "the hypervisor took %.1f %% of the CPU", suspect->level[step] * STEAL * 100);
}

static void steal_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "move %s to a machine whose CPUs are its own", suspect->name);
}

/* -- one thread -- */

static double gc_level(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_GC_TIME, NULL, step) / GC_FULL;
}

static void gc_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "garbage collection stands for %.2f s a second", suspect->level[step] * GC_FULL);
}

static void gc_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "give %s more memory, so that it collects less often (Go: GOGC, GOMEMLIMIT; the JVM: -Xmx), or more instances",
      suspect->name);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "more memory in use: its limit is next");
}

/* A cheap request beside the load is slow, while a worker's one thread has no rest: the event loop is blocked. */
static bool is_loop(const struct sp_suspect *suspect) {
  return suspect->kind != SP_SUBJECT_DATABASE && suspect->kind != SP_SUBJECT_CACHE;
}

static double loop_level(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnosing *d = suspect->d;
  double canary_s = sp_see(suspect, SP_SIGNAL_CANARY_TIME, NULL, step);
  double calm_s = sp_see(suspect, SP_SIGNAL_CANARY_TIME, NULL, d->calm);
  if (isnan(canary_s)) return canary_s;
  if (canary_s < CANARY_LEAST_S || !(canary_s >= CANARY_GROWN * calm_s)) return 0;
  /* slow only for want of a place: streams hold those, an event loop does not */
  const struct sp_observed *cores = sp_see_first(d, SP_SIGNAL_CPU_CORES, suspect->subject);
  return cores ? sp_see(suspect, SP_SIGNAL_CPU_CORES, NULL, step) /
                     fmax(sp_zero(sp_see_setting(suspect, "SERVER_WORKER_AMOUNT")), 1)
               : 0;
}

static double loop_wait_s(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_CANARY_TIME, NULL, step);
}

static void loop_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  char took[40];
  snprintf(text, size, "a cheap request beside the load takes %s",
           sp_seconds_text(sp_see(suspect, SP_SIGNAL_CANARY_TIME, NULL, step), took, sizeof(took)));
}

static void loop_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "find what blocks the event loop of %s (GEVENT_MONITOR_THREAD_ENABLE=true logs it), and raise "
           "SERVER_WORKER_AMOUNT so "
           "that others are not behind it",
           suspect->name);
  out->factor = 1.5;
}

static const struct sp_rule rules[] = {
    {.resource = "cpu",
     .anchors = {SP_SIGNAL_CPU_CORES, SP_SIGNAL_CPU_THROTTLED},
     .anchor_count = 2,
     .full = FULL,
     .scales = true,
     .unmeasured = true,
     .level = level,
     .wait_s = wait_s,
     .saturated = saturated,
     .figure = figure,
     .shown = SP_SIGNAL_CPU_CORES,
     .queue_shown = SP_SIGNAL_CPU_PRESSURE,
     .waits = {"waiting for ", "'s CPU"},
     .advise = advise},
    {.resource = "steal",
     .anchors = {SP_SIGNAL_CPU_STEAL},
     .anchor_count = 1,
     .full = 1,
     .unmeasured = true,
     .level = steal_level,
     .figure = steal_figure,
     .shown = SP_SIGNAL_CPU_STEAL,
     .queue_shown = SP_SIGNAL_CPU_STEAL,
     .waits = {"waiting for CPUs that ", "'s hypervisor took"},
     .advise = steal_advise},
    {.resource = "gc",
     .anchors = {SP_SIGNAL_GC_TIME},
     .anchor_count = 1,
     .full = 1,
     .unmeasured = true,
     .level = gc_level,
     .figure = gc_figure,
     .shown = SP_SIGNAL_GC_TIME,
     .queue_shown = SP_SIGNAL_GC_TIME,
     .waits = {"waiting for garbage collections of ", ""},
     .advise = gc_advise},
    {.resource = "event_loop",
     .anchors = {SP_SIGNAL_CANARY_TIME},
     .anchor_count = 1,
     .fits = is_loop,
     .full = LOOP_FULL,
     .level = loop_level,
     .wait_s = loop_wait_s,
     .figure = loop_figure,
     .shown = SP_SIGNAL_CANARY_TIME,
     .queue_shown = SP_SIGNAL_CANARY_TIME,
     .waits = {"waiting for the event loop of ", ""},
     .advise = loop_advise},
};
const struct sp_rules sp_rules_cpu = {rules, sizeof(rules) / sizeof(rules[0])};
