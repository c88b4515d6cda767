#include "queue.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_S 30.0
#define SECONDS_MAX 4000u

struct request {
  double begin_s, end_s;
};

/* One trial under way. */
struct trial {
  struct queue *queue;
  struct request *requests;
  size_t count, cap;
  double begin_s, next_s, load;
  double in_flight[SECONDS_MAX];
  size_t seconds;
};

void queue_init(struct queue *queue, unsigned servers, double service_s, bool fixed, uint64_t seed) {
  memset(queue, 0, sizeof(*queue));
  queue->servers = servers;
  queue->service_s = service_s;
  queue->fixed = fixed;
  queue->limit_s = 4 * service_s;
  queue->allowed = 0.05;
  sp_rng_seed(&queue->rng, seed, 7);
}

static double service_at(const struct queue *queue, double at_s) {
  return queue->service_s * (1 + queue->drift_per_s * at_s);
}

/* When a request that comes now ends: first come, first served by whoever is free first. */
static double serve(struct queue *queue, double at_s, double mean_s) {
  size_t first = 0;
  for (size_t i = 1; i < queue->servers; i++) {
    if (queue->free_s[i] < queue->free_s[first]) first = i;
  }
  double begin_s = fmax(at_s, queue->free_s[first]);
  return queue->free_s[first] = begin_s + (queue->fixed ? mean_s : sp_rng_exponential(&queue->rng, mean_s));
}

static void add_request(struct trial *trial) {
  struct queue *queue = trial->queue;
  double at_s = trial->next_s, mean_s = service_at(queue, at_s) + queue->leak * (at_s - trial->begin_s);
  if (trial->count == trial->cap) {
    trial->cap = trial->cap ? trial->cap * 2 : 1024;
    trial->requests = sp_realloc(trial->requests, trial->cap * sizeof(*trial->requests));
  }
  trial->requests[trial->count++] = (struct request){ at_s, serve(queue, at_s, mean_s) };
  trial->next_s += sp_rng_exponential(&queue->rng, 1 / trial->load);
}

static void pass_second(struct trial *trial) {
  double until_s = trial->begin_s + (double)++trial->seconds, open = 0;
  while (trial->next_s < until_s) {
    add_request(trial);
  }
  for (size_t i = 0; i < trial->count; i++) {
    open += trial->requests[i].end_s > until_s ? 1 : 0;
  }
  trial->in_flight[trial->seconds - 1] = open;
}

/* Of the requests of the measured part that have ended by then. */
static double count(const struct trial *trial, double warm_s, double by_s, double *misses) {
  double ended = 0;
  *misses = 0;
  for (size_t i = 0; i < trial->count; i++) {
    const struct request *request = &trial->requests[i];
    bool counts = request->begin_s >= trial->begin_s + warm_s && request->end_s <= by_s;
    ended += counts ? 1 : 0;
    *misses += counts && request->end_s - request->begin_s > trial->queue->limit_s ? 1 : 0;
  }
  return ended;
}

static void run(struct trial *trial, const struct sp_search_ask *ask, struct sp_steady *steady, bool *lost) {
  double measured_s = 0, misses;
  struct sp_steady_series series = { .in_flight = trial->in_flight, .warm = (size_t)ask->warm_s,
                                     .arrivals_per_s = ask->load };
  do {
    pass_second(trial);
    measured_s = (double)trial->seconds - ask->warm_s;
    count(trial, ask->warm_s, trial->begin_s + (double)trial->seconds, &misses);
    *lost = sp_search_is_lost(misses, ask->load * ask->seconds, trial->queue->allowed);
    series.count = trial->seconds;
    if (measured_s >= ask->seconds) sp_steady_judge(&series, steady);
  } while (!*lost && (measured_s < ask->seconds || (steady->state != SP_STEADY_GROWS && measured_s < steady->needs_s &&
                                                    measured_s < ask->seconds_max)));
  sp_steady_judge(&series, steady);
}

/* Behind the trial nothing new comes; what is left after the drain is cut, and missed. */
static void drain(struct trial *trial) {
  struct queue *queue = trial->queue;
  double end_s = trial->begin_s + (double)trial->seconds, last_s = end_s;
  for (size_t i = 0; i < trial->count; i++) last_s = fmax(last_s, trial->requests[i].end_s);
  queue->now_s = fmin(last_s, end_s + DRAIN_S);
  for (size_t i = 0; i < queue->servers; i++) queue->free_s[i] = fmin(queue->free_s[i], queue->now_s);
}

void queue_trial(struct queue *queue, const struct sp_search_ask *ask, struct sp_search_trial *out) {
  struct trial *trial = sp_alloc(sizeof(*trial));
  struct sp_steady steady;
  double misses;
  *trial = (struct trial){ .queue = queue, .begin_s = queue->now_s, .load = ask->load };
  trial->next_s = trial->begin_s + sp_rng_exponential(&queue->rng, 1 / ask->load);
  *out = (struct sp_search_trial){ .load = ask->load, .asked_s = ask->seconds, .warm_up = ask->warm_up };
  run(trial, ask, &steady, &out->lost);
  drain(trial);
  double ended = count(trial, ask->warm_s, INFINITY, &misses);
  out->measured_s = (double)trial->seconds - ask->warm_s;
  out->valid = queue->able_to <= 0 || ask->load <= queue->able_to;
  out->steady = steady.state;
  out->miss_share[0] = ended > 0 ? misses / ended : (double)NAN;
  out->missed[0] = sp_search_is_missed(misses, ended, queue->allowed, ask->coarse);
  out->goodput_per_s = (ended - misses) / out->measured_s;
  out->requests = (uint64_t)ended;
  free(trial->requests);
  free(trial);
}

/* -- the truth -- */

/* M/M/c: P(T > t) from Erlang's C (Gross & Harris, Fundamentals of Queueing Theory, ch. 2). */
static double exponential_miss(const struct queue *queue, double mean_s, double load) {
  double c = queue->servers, mu = 1 / mean_s, a = load / mu, t = queue->limit_s;
  if (a >= c) return 1;
  double term = 1, sum = 1;
  for (double k = 1; k < c; k++) sum += term *= a / k;
  double last = term * a / c * c / (c - a), waits = last / (sum + last), theta = c * mu - load - mu;
  return exp(-mu * t) + waits * mu / theta * (exp(-mu * t) - exp(-(c * mu - load) * t));
}

static double simulated_miss(const struct queue *queue, double mean_s, double load) {
  struct queue copy = *queue;
  sp_rng_seed(&copy.rng, 99, 1);
  memset(copy.free_s, 0, sizeof(copy.free_s));
  double at_s = 0, misses = 0, n = 400000;
  for (double i = 0; i < n; i++) {
    at_s += sp_rng_exponential(&copy.rng, 1 / load);
    misses += serve(&copy, at_s, mean_s) - at_s > queue->limit_s ? 1 : 0;
  }
  return misses / n;
}

double queue_truth(const struct queue *queue, double at_s) {
  double mean_s = service_at(queue, at_s), low = 0, high = queue->servers / mean_s * 1.05;
  for (int i = 0; i < 18; i++) {
    double middle = (low + high) / 2;
    double miss = queue->fixed ? simulated_miss(queue, mean_s, middle) : exponential_miss(queue, mean_s, middle);
    *(miss > queue->allowed ? &high : &low) = middle;
  }
  return low;
}
