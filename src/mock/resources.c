#include "mock/resources.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const resource_names[SP_RES_COUNT] = { "streams", "celery", "model", "pool", "pgbouncer", "api",
                                                          "worker", "postgres", "commit", "plugin", "vector" };

const char *sp_resource_name(enum sp_resource resource) { return resource_names[resource]; }

bool sp_resource_is_there(const struct sp_resource_spec *spec) {
  return spec->cores > 0 || spec->servers > 0 || spec->slots > 0;
}

/* -- all of them -- */

int sp_resources_check(const struct sp_resources_spec *spec, struct sp_err *err) {
  double sum = 0;
  for (unsigned i = 0; i < SP_RES_COUNT; i++)
    if (spec->of[i].servers == 0) sum += spec->of[i].cores;
  if (spec->host_cores == 0 || sum <= (double)spec->host_cores) return 0;
  return sp_fail(err, SP_EPLAN, "resources: together they have %g cores, the host has %llu", sum,
                 (unsigned long long)spec->host_cores);
}

static struct sp_station_spec station_spec(const struct sp_resource_spec *spec) {
  return (struct sp_station_spec){ .cores = spec->servers > 0 ? (double)spec->servers : spec->cores,
                                   .limit = spec->slots > 0 ? spec->slots : spec->servers,
                                   .contention = spec->contention,
                                   .slow_every_ns = spec->merge_time_ns > 0 ? spec->merge_every_ns : 0,
                                   .slow_for_ns = spec->merge_time_ns,
                                   .slow_speed = spec->merge_speed };
}

struct sp_resources *sp_resources_create(struct sp_loop *loop, const struct sp_resources_spec *spec) {
  struct sp_resources *resources = sp_alloc(sizeof *resources);
  resources->spec = spec;
  for (unsigned i = 0; i < SP_RES_COUNT; i++) {
    struct sp_station_spec station = station_spec(&spec->of[i]);
    resources->has[i] = sp_resource_is_there(&spec->of[i]);
    sp_station_init(&resources->stations[i], loop, &station);
  }
  return resources;
}

void sp_resources_destroy(struct sp_resources *resources) {
  if (!resources) return;
  SP_CHECK(resources->ways == 0);
  for (unsigned i = 0; i < SP_RES_COUNT; i++) sp_station_fini(&resources->stations[i]);
  free(resources);
}

/* -- the stops of a phase -- */

enum act { SERVE, TAKE, GIVE };
struct stop {
  enum sp_resource at;
  enum act act; /* TAKE and GIVE only where the phase has a transaction */
};

static const struct stop stops[] = {
  { SP_RES_WORKER, SERVE },   { SP_RES_API, SERVE },    { SP_RES_PLUGIN, SERVE },   { SP_RES_VECTOR, SERVE },
  { SP_RES_POOL, TAKE },      { SP_RES_PGBOUNCER, TAKE }, { SP_RES_POSTGRES, SERVE }, { SP_RES_COMMIT, SERVE },
  { SP_RES_PGBOUNCER, GIVE }, { SP_RES_POOL, GIVE },
};
#define STOPS (sizeof stops / sizeof *stops)

static bool costs(const struct sp_resources *resources, enum sp_resource resource, enum sp_work phase) {
  const struct sp_dist *cost = &resources->spec->of[resource].cost[phase];
  return resources->has[resource] && (cost->kind != SP_DIST_CONSTANT || cost->a > 0);
}

static bool has_transaction(const struct sp_resources *resources, enum sp_work phase) {
  return costs(resources, SP_RES_POSTGRES, phase) || costs(resources, SP_RES_COMMIT, phase);
}

/* One draw for all of them: what is done many times at once is one piece of work. */
static void serve(struct sp_way *way, enum sp_resource resource, enum sp_work phase, int64_t now_ns) {
  double once_ns = sp_dist_draw(&way->resources->spec->of[resource].cost[phase], &way->rng);
  sp_station_serve(&way->resources->stations[resource], &way->work, once_ns * way->times[phase], now_ns);
}

/* False: it waits there. */
static bool make_stop(struct sp_way *way, const struct stop *stop, enum sp_work phase, int64_t now_ns) {
  switch (stop->act) {
  case SERVE:
    if (!costs(way->resources, stop->at, phase)) return true;
    serve(way, stop->at, phase, now_ns);
    return false;
  case TAKE:
    if (!has_transaction(way->resources, phase)) return true;
    return !way->resources->has[stop->at] ||
           sp_station_take(&way->resources->stations[stop->at], &way->slots[stop->at].job, now_ns);
  case GIVE:
    if (stop->at == SP_RES_POOL && has_transaction(way->resources, phase))
      way->resources->transactions += way->times[phase];
    sp_way_give(way, stop->at, now_ns);
    return true;
  }
  return true;
}

static bool walk(struct sp_way *way, int64_t now_ns) {
  for (unsigned phase = 0; phase < SP_WORK_COUNT; phase++) {
    if (way->times[phase] == 0) continue;
    while (way->stop < STOPS)
      if (!make_stop(way, &stops[way->stop++], (enum sp_work)phase, now_ns)) return false;
    way->times[phase] = 0;
    way->stop = 0;
  }
  return true;
}

static void on_worked(struct sp_station_job *job, int64_t at_ns) {
  struct sp_way *way = sp_container_of(job, struct sp_way, work);
  if (walk(way, at_ns)) way->on_passed(way, at_ns);
}

static void on_slot(struct sp_station_job *job, int64_t at_ns) {
  struct sp_way *way = sp_container_of(job, struct sp_way_slot, job)->way;
  if (way->taking || walk(way, at_ns)) {
    way->taking = false;
    way->on_passed(way, at_ns);
  }
}

/* -- a way -- */

void sp_way_init(struct sp_way *way, struct sp_resources *resources, uint64_t seed, uint64_t stream,
                 void (*on_passed)(struct sp_way *way, int64_t at_ns)) {
  *way = (struct sp_way){ .on_passed = on_passed, .resources = resources };
  sp_rng_seed(&way->rng, seed, stream);
  for (unsigned i = 0; i < SP_RES_SLOTS_END; i++) {
    sp_station_job_init(&way->slots[i].job, on_slot);
    way->slots[i].way = way;
  }
  sp_station_job_init(&way->work, on_worked);
  resources->ways++;
}

void sp_way_fini(struct sp_way *way, int64_t now_ns) {
  sp_way_abandon(way, now_ns);
  for (unsigned i = 0; i < SP_RES_SLOTS_END; i++) sp_way_give(way, (enum sp_resource)i, now_ns);
  way->resources->ways--;
}

bool sp_way_take(struct sp_way *way, enum sp_resource slots, int64_t now_ns) {
  if (!way->resources->has[slots] || way->slots[slots].job.state != SP_JOB_AWAY) return true;
  way->taking = !sp_station_take(&way->resources->stations[slots], &way->slots[slots].job, now_ns);
  return !way->taking;
}

void sp_way_give(struct sp_way *way, enum sp_resource slots, int64_t now_ns) {
  sp_station_leave(&way->slots[slots].job, now_ns);
}

bool sp_way_go(struct sp_way *way, int64_t now_ns) {
  way->stop = 0;
  return walk(way, now_ns);
}

void sp_way_abandon(struct sp_way *way, int64_t now_ns) {
  sp_station_leave(&way->work, now_ns);
  sp_way_give(way, SP_RES_PGBOUNCER, now_ns);
  sp_way_give(way, SP_RES_POOL, now_ns);
  for (unsigned i = 0; i < SP_RES_SLOTS_END; i++) { /* one that it does not have yet */
    enum sp_job_state state = way->slots[i].job.state;
    if (state == SP_JOB_WAITING || state == SP_JOB_READY) sp_way_give(way, (enum sp_resource)i, now_ns);
  }
  memset(way->times, 0, sizeof way->times);
  way->taking = false;
}
