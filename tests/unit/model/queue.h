/*
 * A simulated target for the search: requests that come by a Poisson process to c servers with one queue, in simulated
 * seconds. Its service may be fixed or exponential, and may get slower (or faster) as time goes on. It makes trials as
 * the program's own trial runner does: warm-up, longer while not steady, ended early once lost, drained behind.
 */
#ifndef TEST_MODEL_QUEUE_H
#define TEST_MODEL_QUEUE_H

#include "base/rng.h"
#include "model/search.h"

#define QUEUE_SERVERS_MAX 200u

struct queue {
  unsigned servers;
  double service_s;
  bool fixed;      /* else exponential */
  double drift_per_s; /* of the service time, as a share of what it was in the beginning */
  double limit_s;  /* a request that takes longer misses */
  double allowed;  /* share that may miss */
  double able_to;  /* loads over this the generator is not able to make; 0: any */
  double leak;     /* seconds that each second of a trial adds to its service time */

  struct sp_rng rng;
  double now_s;
  double free_s[QUEUE_SERVERS_MAX];
};

void queue_init(struct queue *queue, unsigned servers, double service_s, bool fixed, uint64_t seed);
void queue_trial(struct queue *queue, const struct sp_search_ask *ask, struct sp_search_trial *out);

/* The load at which exactly `allowed` miss: by formula where service is exponential, else by a long simulation. At the
 * service time of `at_s`. */
double queue_truth(const struct queue *queue, double at_s);

#endif
