#include "watched_system.h"

#include <math.h>

#define S ((double)SP_NS_PER_S)

struct watcher {
  struct sp_observations *observations;
  struct sp_station_figures before[SP_RES_COUNT];
  int64_t offset_ns, last_ns; /* wall clock = simulated time + offset */
};

static void see(struct watcher *watcher, enum sp_signal signal, const char *subject, const char *detail, int64_t now_ns,
                double value) {
  struct sp_observed_key key = {.signal = signal, .subject = subject, .detail = detail, .source = "test", .query = "test"};
  sp_observations_add(watcher->observations, &key, now_ns + watcher->offset_ns, now_ns - watcher->last_ns, value);
}

/* Counters, as rates of the second that has passed. */
static double rate(const struct watcher *watcher, double now, double before, int64_t now_ns) {
  return (now - before) / (double)(now_ns - watcher->last_ns);
}

static void see_container(struct watcher *watcher, const struct sp_resources *resources, enum sp_resource resource,
                          const char *name, int64_t now_ns) {
  const struct sp_resource_spec *spec = &resources->spec->of[resource];
  const struct sp_station_figures *figures = &resources->stations[resource].figures;
  if (!resources->has[resource] || spec->servers > 0) return;
  see(watcher, SP_SIGNAL_CPU_CORES, name, "", now_ns,
      rate(watcher, figures->busy_ns, watcher->before[resource].busy_ns, now_ns));
  see(watcher, SP_SIGNAL_CPU_LIMIT, name, "", now_ns, spec->cores);
}

static void see_slots(struct watcher *watcher, const struct sp_resources *resources, enum sp_resource resource,
                      const char *name, bool limit, int64_t now_ns) {
  const struct sp_station *station = &resources->stations[resource];
  if (!resources->has[resource]) return;
  see(watcher, SP_SIGNAL_SLOTS_USED, name, "", now_ns, (double)station->figures.serving);
  see(watcher, SP_SIGNAL_SLOTS_WAITING, name, "", now_ns, (double)station->figures.waiting);
  if (limit) see(watcher, SP_SIGNAL_SLOTS_LIMIT, name, "", now_ns, (double)station->spec.limit);
}

static void see_calls(struct watcher *watcher, const struct sp_resources *resources, enum sp_resource resource,
                      const char *name, int64_t now_ns) {
  const struct sp_station_figures *now = &resources->stations[resource].figures, *before = &watcher->before[resource];
  double calls = (double)(now->served - before->served);
  if (!resources->has[resource]) return;
  see(watcher, SP_SIGNAL_CALLS_ACTIVE, name, "", now_ns, (double)(now->serving + now->waiting));
  see(watcher, SP_SIGNAL_CALLS_RATE, name, "", now_ns, rate(watcher, calls, 0, now_ns) * S);
  if (calls > 0) see(watcher, SP_SIGNAL_CALLS_TIME, name, "", now_ns, (now->stayed_ns - before->stayed_ns) / calls / S);
}

static void see_sessions(struct watcher *watcher, struct sp_resources *resources, int64_t now_ns) {
  const struct sp_station_figures *cpu = &resources->stations[SP_RES_POSTGRES].figures;
  const struct sp_station_figures *commit = &resources->stations[SP_RES_COMMIT].figures;
  bool locks = resources->spec->of[SP_RES_COMMIT].contention > 0;
  see(watcher, SP_SIGNAL_DB_SESSIONS, "postgres", "CPU", now_ns, (double)cpu->serving);
  see(watcher, SP_SIGNAL_DB_SESSIONS, "postgres", "IO/WALSync", now_ns, (double)commit->serving);
  see(watcher, SP_SIGNAL_DB_SESSIONS, "postgres", locks ? "Lock/transactionid" : "LWLock/WALWrite", now_ns,
      (double)commit->waiting);
}

static void look(void *ctx, struct sp_resources *resources, int64_t now_ns) {
  struct watcher *watcher = ctx;
  for (unsigned i = 0; i < SP_RES_COUNT; i++) sp_station_figures(&resources->stations[i], now_ns);
  if (watcher->last_ns > 0) {
    see_container(watcher, resources, SP_RES_API, "dify-api", now_ns);
    see_container(watcher, resources, SP_RES_WORKER, "dify-worker", now_ns);
    see_container(watcher, resources, SP_RES_POSTGRES, "postgres", now_ns);
    see_container(watcher, resources, SP_RES_VECTOR, "weaviate", now_ns);
    see_container(watcher, resources, SP_RES_PLUGIN, "plugin_daemon", now_ns);
    if (resources->has[SP_RES_STREAMS]) {
      double backlog = (double)resources->stations[SP_RES_STREAMS].figures.waiting;
      see(watcher, SP_SIGNAL_SLOTS_WAITING, "dify-api", "", now_ns, backlog);
    }
    see_slots(watcher, resources, SP_RES_PGBOUNCER, "pgbouncer", true, now_ns);
    see_slots(watcher, resources, SP_RES_MODEL, "vllm", false, now_ns);
    see_calls(watcher, resources, SP_RES_PLUGIN, "plugin_daemon", now_ns);
    see_calls(watcher, resources, SP_RES_VECTOR, "weaviate", now_ns);
    see_sessions(watcher, resources, now_ns);
  }
  for (unsigned i = 0; i < SP_RES_COUNT; i++) watcher->before[i] = resources->stations[i].figures;
  watcher->last_ns = now_ns;
}

static struct closed_system run(const char *profile, const char *app, unsigned users, double think_s,
                                struct watcher *watcher) {
  struct closed_system system = {.profile = profile, .app = app, .users = users,
                                 .think = {SP_DIST_UNIFORM, 0.5 * think_s * S, 1.5 * think_s * S},
                                 .warm_up_ns = 60 * SP_NS_PER_S, .measured_ns = 300 * SP_NS_PER_S,
                                 .look = watcher ? look : NULL, .ctx = watcher};
  closed_system_run(&system);
  return system;
}

double watched_system_per_s(const char *profile, const char *app, unsigned users, double think_s) {
  return run(profile, app, users, think_s, NULL).per_s;
}

static void fill_step(struct sp_diagnose_step *step, const struct closed_system *system, double think_s, int64_t to_ns) {
  *step = (struct sp_diagnose_step){.from_ns = to_ns - system->measured_ns, .to_ns = to_ns, .load = system->users,
                                    .users = system->users, .think_s = think_s, .rps = system->per_s,
                                    .ok_rps = system->per_s, .e2e_s = system->mean_s, .ttfb_s = system->first_s,
                                    .in_flight = system->per_s * system->mean_s, .valid = true};
}

void watched_system_open(struct watched_system *watched, const char *profile, const char *app, const unsigned *users,
                         double think_s) {
  *watched = (struct watched_system){.observations = sp_observations_create()};
  for (size_t i = 0; i < WATCHED_LOADS_MAX && users[i] > 0; i++) {
    /* each run begins at the same simulated instant; an hour of wall clock parts them */
    struct watcher watcher = {.observations = watched->observations, .offset_ns = (int64_t)i * 3600 * SP_NS_PER_S};
    struct closed_system system = run(profile, app, users[i], think_s, &watcher);
    fill_step(&watched->steps[i], &system, think_s, watcher.last_ns + watcher.offset_ns);
    watched->input.step_count++;
  }
  watched->input.steps = watched->steps;
  watched->input.observations = watched->observations;
}

void watched_system_close(struct watched_system *watched) { sp_observations_destroy(watched->observations); }
