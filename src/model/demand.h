/*
 * From measurements to a model: what each resource of a deployment is asked to do for a request (model/queueing.h), from steps
 * at several loads and what watchers saw meanwhile. Pure: the same input gives the same model.
 *
 * Each resource that can be seen becomes a station, named as a diagnosis names it:
 *   SUBJECT.cpu          cpu.cores over cpu.limit: demand = use / throughput
 *   SUBJECT.slots        slots.used of slots.limit: holding time = used / throughput (Little). The api's and the proxy's are held
 *                        for all the rest, PgBouncer's for the database, others for themselves. Without a limit that was told: what
 *                        was used while others waited
 *   SUBJECT.commit       db.sessions that flush the write-ahead log (or flushes × their time): one server; those that wait for it, or
 *                        for a lock, are its queue
 *   SUBJECT.main_thread  a cache's one thread
 *   SUBJECT.calls        calls.rate × calls.time, of services that have none of the former: how many they serve at once is
 *                        inferred from how the time grows with the load, and unknown where it does not grow
 * Demands come by least squares over the steps, use = idle part + demand × throughput (the idle part only where the steps are
 * far enough apart to tell), contention of a commit path from how its demand grows with its queue. What is left of the measured
 * times at the lowest load is a delay ("rest"). The model is then asked for the measured loads: its misfit is part of
 * every prediction.
 */
#ifndef SP_MODEL_DEMAND_H
#define SP_MODEL_DEMAND_H

#include "model/diagnose.h"
#include "model/queueing.h"

#define SP_DEPLOYMENT_STEPS_MAX 200u
#define SP_DEPLOYMENT_PARTS_MAX 20u /* of the jackknife: more steps are left out several at a time */
#define SP_DEPLOYMENT_REST "rest"     /* the delay that belongs to no resource */
#define SP_DEPLOYMENT_UNSEEN "unseen" /* a server that stands for what holds the target and that nobody saw; only where needed */

struct sp_deployment_step { /* the model against what was measured */
  struct sp_queue_load load;
  double per_s, mean_s;             /* measured */
  double model_per_s, model_mean_s;
};

struct sp_deployment {
  struct sp_queue_model model;
  struct sp_queue_load load; /* of the highest step: what a prediction is about */
  struct sp_deployment_step steps[SP_DEPLOYMENT_STEPS_MAX]; /* lowest load first */
  size_t step_count;
  double idle[SP_QUEUE_STATIONS_MAX];   /* use without any request; already taken from the model's servers */
  double spread[SP_QUEUE_STATIONS_MAX]; /* of use / throughput over the steps, relative (1: twice as much at some step) */
  bool inferred[SP_QUEUE_STATIONS_MAX]; /* its servers are no setting that was seen, but a conclusion */
  double misfit;          /* relative: root mean square over the steps, of throughput (closed) or time (open) */
  double rest_growth_s;   /* by how much measured times grew more than the model's: something that nobody saw */
  struct sp_queue_model *parts; /* fitted without one part of the steps each */
  size_t part_count;
};

/* Steps that are not valid, or have no throughput or time, are left out; none left, or open and closed ones mixed: SP_EUSAGE with
 * a sentence. Ends in sp_deployment_fini, also when it failed. */
int sp_deployment_fit(const struct sp_diagnose_input *input, struct sp_deployment *out, struct sp_err *err);
void sp_deployment_fini(struct sp_deployment *deployment);

#endif
