/*
 * The resources of a simulated deployment, and a request's way through them.
 *
 * Each resource is one station (station.h). A request costs each of them so much work a phase, which the profile says;
 * what costs nothing is passed by. Within a phase the way is always the same:
 *   worker CPU, api CPU, plugin daemon, vector store, then a transaction: a connection of the pool and one of PgBouncer
 *   are taken, PostgreSQL's CPU works, the commit is written, and both connections go back.
 * Slots (streams, celery, model) are taken and given back at the points that passage.c names. No HTTP here: the way is
 * driven by instants, so that a test runs an hour of it on the fake clock.
 */
#ifndef SP_MOCK_RESOURCES_H
#define SP_MOCK_RESOURCES_H

#include "mock/schedule.h"
#include "mock/station.h"

enum sp_resource {
  SP_RES_STREAMS,   /* slots: requests that the api holds open; the others wait in the accept backlog */
  SP_RES_CELERY,    /* slots: runs of flows at once */
  SP_RES_MODEL,     /* slots: answers that the model server makes at once */
  SP_RES_POOL,      /* slots: connections of the application's own pools */
  SP_RES_PGBOUNCER, /* slots: server connections of PgBouncer */
  SP_RES_API,       /* CPU */
  SP_RES_WORKER,    /* CPU */
  SP_RES_POSTGRES,  /* CPU */
  SP_RES_COMMIT,    /* servers: the write-ahead log is flushed by one at a time */
  SP_RES_PLUGIN,    /* servers */
  SP_RES_VECTOR,    /* CPU or servers, with merges */
  SP_RES_COUNT
};
#define SP_RES_SLOTS_END SP_RES_API /* those before it are slots */

/* What a request does, as a profile names it. One cost of each a resource. */
enum sp_work {
  SP_WORK_HEAD,      /* a request is accepted, read and checked */
  SP_WORK_RETRIEVE,  /* a search asked for by itself */
  SP_WORK_BEGIN,     /* its run is made */
  SP_WORK_TOOL,      /* each node of that kind */
  SP_WORK_KNOWLEDGE, /* each node of that kind */
  SP_WORK_LLM,       /* each call of the model, before its first token */
  SP_WORK_NODE,      /* each node, of any kind */
  SP_WORK_TOKEN,     /* each token */
  SP_WORK_END,       /* the run is closed */
  SP_WORK_COUNT
};

const char *sp_resource_name(enum sp_resource resource); /* as a profile names it: "api" */

struct sp_resource_spec {
  double cores;
  uint64_t servers, slots;
  double contention;
  int64_t merge_every_ns, merge_time_ns;
  double merge_speed;
  struct sp_dist cost[SP_WORK_COUNT];
};
struct sp_resources_spec {
  struct sp_resource_spec of[SP_RES_COUNT];
  uint64_t host_cores, max_connections; /* 0: not said */
};
/* What only all of them together can be wrong in. */
int sp_resources_check(const struct sp_resources_spec *spec, struct sp_err *err);
bool sp_resource_is_there(const struct sp_resource_spec *spec); /* it has cores, servers or slots */

struct sp_resources {
  const struct sp_resources_spec *spec; /* borrowed */
  struct sp_station stations[SP_RES_COUNT];
  bool has[SP_RES_COUNT];
  uint64_t transactions; /* of the database, that have ended */
  uint64_t ways; /* under way */
};
struct sp_resources *sp_resources_create(struct sp_loop *loop, const struct sp_resources_spec *spec);
void sp_resources_destroy(struct sp_resources *resources); /* NULL is fine. No way is under way */

/* -- one request's way -- */
struct sp_way;
struct sp_way_slot {
  struct sp_station_job job;
  struct sp_way *way;
};
struct sp_way {
  /* What was asked for is done (sp_way_go) or got (sp_way_take), at that instant. Comes from the loop. The way may be
   * used further in it, or finished. */
  void (*on_passed)(struct sp_way *way, int64_t at_ns);
  /* private */
  struct sp_resources *resources;
  struct sp_rng rng;
  struct sp_way_slot slots[SP_RES_SLOTS_END];
  struct sp_station_job work;
  uint32_t times[SP_WORK_COUNT]; /* still to do */
  unsigned stop;                  /* of the first phase that is still to do */
  bool taking;                    /* for sp_way_take */
};
void sp_way_init(struct sp_way *way, struct sp_resources *resources, uint64_t seed, uint64_t stream,
                 void (*on_passed)(struct sp_way *way, int64_t at_ns));
void sp_way_fini(struct sp_way *way, int64_t now_ns); /* gives back everything, wherever it is */

/* True: it has the slot (or has had it, or there is no such resource). False: on_passed comes. */
bool sp_way_take(struct sp_way *way, enum sp_resource slots, int64_t now_ns);
void sp_way_give(struct sp_way *way, enum sp_resource slots, int64_t now_ns); /* fine when it has none */
static inline void sp_way_add(struct sp_way *way, enum sp_work phase, uint64_t times) {
  way->times[phase] += times < SP_MOCK_TOKENS_MAX ? (uint32_t)times : SP_MOCK_TOKENS_MAX;
}
/* Does what was added. True: there was nothing to do. False: on_passed comes. */
bool sp_way_go(struct sp_way *way, int64_t now_ns);
/* Leaves what it was doing, with the connections it held for it; the other slots stay. */
void sp_way_abandon(struct sp_way *way, int64_t now_ns);

#endif
