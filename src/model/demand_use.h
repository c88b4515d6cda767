/* Private to the fitted models: what the steps say, and what each resource was used for in them. */
#ifndef SP_MODEL_DEMAND_USE_H
#define SP_MODEL_DEMAND_USE_H

#include "model/demand.h"

struct sp_use { /* a resource; figures a step, NAN where they were not seen */
  char name[SP_QUEUE_NAME_MAX];
  enum sp_queue_kind kind;
  bool commit;  /* its queue says how contention slows it */
  bool calls;   /* a service whose servers nobody tells: `busy` are all that are there, served or not */
  int rank;     /* of slots: what they hold has a higher one (SP_USE_…) */
  double limit; /* INFINITY: not told */
  double busy[SP_DEPLOYMENT_STEPS_MAX];    /* cores, servers or places in use */
  double waiting[SP_DEPLOYMENT_STEPS_MAX]; /* who is there and not served */
};
enum { SP_USE_FRONT, SP_USE_POOL, SP_USE_DATABASE, SP_USE_OTHER };

struct sp_measured { /* the lowest load first */
  const struct sp_diagnose_step *steps[SP_DEPLOYMENT_STEPS_MAX]; /* borrowed */
  struct sp_queue_load loads[SP_DEPLOYMENT_STEPS_MAX];
  double per_s[SP_DEPLOYMENT_STEPS_MAX], mean_s[SP_DEPLOYMENT_STEPS_MAX];
  size_t count;
  struct sp_use uses[SP_QUEUE_STATIONS_MAX]; /* slots stand before what they may hold */
  size_t use_count;
};
int sp_measured_steps(const struct sp_diagnose_input *input, struct sp_measured *out, struct sp_err *err);
bool sp_measured_kept_up(const struct sp_measured *measured, size_t step); /* as much went as came */
void sp_measured_uses(const struct sp_diagnose_input *input, struct sp_measured *out); /* of out's steps */

/* -- one resource's laws (demand_laws.c); steps for which `out[i]` is set are left out -- */

struct sp_demand {
  double demand_s, idle, contention;
  double servers; /* INFINITY: nobody was held up */
};
/* Busy = idle + demand × throughput. */
struct sp_demand sp_demand_of_use(const struct sp_measured *measured, const struct sp_use *use, const bool *out);
/* Demand of one server that grows with its queue. */
struct sp_demand sp_demand_of_commit(const struct sp_measured *measured, const struct sp_use *use, const bool *out);
/* How many servers, that the same time of service comes out of what was there at each load. */
struct sp_demand sp_demand_of_calls(const struct sp_measured *measured, const struct sp_use *use, const bool *out);
double sp_demand_spread(const struct sp_measured *measured, const struct sp_use *use);

#endif
