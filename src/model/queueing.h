/*
 * Queueing networks with one kind of request: how much gets through a deployment, how long it takes and what stops it, from
 * what each station is asked to do for a request. Pure mathematics.
 *
 * A model is a list of stations that a request passes, in any order and any number of times: only the seconds of each station's
 * work a request count (service demand D; utilisation = throughput × D). Stations:
 *   CPU      cores shared by all who are there, also fewer than one (a quota); one request uses one core at most
 *   SERVERS  so many at once, the others wait: processes, workers, a commit path (one server)
 *   SLOTS    places held while the stations nested in it serve, and `demand_s` beside them: connections, a pool. Slots that
 *            nothing is nested in hold demand_s, and are servers
 *   DELAY    nobody waits: time that belongs to no resource
 * Any of them may get slower with each one more who is there (contention: locks, caches).
 *
 * Method. n requests at a station are served at the rate min(n, servers) / (D (1 + contention (n - 1))). A closed network of
 * such stations has product form and is solved exactly, by convolution (Buzen, CACM 16(9), 1973; load-dependent rates: Chandy,
 * Herzog, Woo, IBM J. R&D 19(1), 1975): the figures of exact mean value analysis (Reiser, Lavenberg, JACM 27(2), 1980), without
 * the cancellation that load-dependent MVA suffers from (Casale, Serazzi). Sums of positive terms in logarithms: stable for
 * SP_QUEUE_USERS_MAX users and any number of servers. Several servers are exact, so Seidmann's approximation is not needed.
 *   Slots are layered: what is nested in them is solved with 1 … slots requests, and becomes a station with those rates (the
 * flow-equivalent server of the same paper). Exact where a request needs its slot's station in one piece and times are
 * exponential; an approximation else.
 *   An open network's stations stand each for itself (Jackson, Operations Research 5(4), 1957).
 *
 * Limits: means only, no percentiles. First come first served with very unlike times, several slots held at once that are not
 * nested, batches and demands that fall with load have no product form: the result is near, and sp_queue_doubts says what.
 */
#ifndef SP_MODEL_QUEUEING_H
#define SP_MODEL_QUEUEING_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SP_QUEUE_STATIONS_MAX 64u
#define SP_QUEUE_USERS_MAX 10000u
#define SP_QUEUE_SLOTS_MAX 10000u
#define SP_QUEUE_CORES_MIN 0.001
#define SP_QUEUE_TIME_MAX_S 1e6 /* demands, think times */
#define SP_QUEUE_NAME_MAX 160u
#define SP_QUEUE_ROOT (-1) /* nested in nothing */

enum sp_queue_kind { SP_QUEUE_CPU, SP_QUEUE_SERVERS, SP_QUEUE_SLOTS, SP_QUEUE_DELAY };
const char *sp_queue_kind_name(enum sp_queue_kind kind); /* "cpu", "servers", "slots", "delay" */

struct sp_queue_station {
  char name[SP_QUEUE_NAME_MAX]; /* "dify-api.cpu" */
  enum sp_queue_kind kind;
  double servers;    /* cores (any fraction), servers or slots (whole); INFINITY: nobody waits. Not read of a delay */
  double demand_s;   /* work a request, all its visits; of slots what they are held for beside what is nested in them */
  double contention; /* 0: none */
  int nested_in;     /* a station of kind slots that stands *before* this one, or SP_QUEUE_ROOT */
};

struct sp_queue_model {
  struct sp_queue_station stations[SP_QUEUE_STATIONS_MAX];
  size_t count;
};

/* Who asks: `users` who think in between (closed), or `rate_per_s` arrivals (open: then users is not read). */
struct sp_queue_load {
  bool open;
  double users; /* 1 … SP_QUEUE_USERS_MAX; between two whole numbers the results are interpolated */
  double think_s;
  double rate_per_s;
};

struct sp_queue_figures { /* of a station, means over time */
  double utilisation; /* 0 … 1; of a delay and what has no limit: NAN */
  double busy;        /* cores, servers or slots in use */
  double present;     /* requests there, served or waiting */
  double stay_s;      /* of a request, all its visits, with what is nested in it */
};

struct sp_queue_result {
  double per_s;      /* throughput */
  double mean_s;     /* of a request, without the thinking. INFINITY: an open network that can't keep up */
  double in_flight;
  bool overloaded;   /* open: more comes than a station can do; per_s is what gets through */
  struct sp_queue_figures figures[SP_QUEUE_STATIONS_MAX];
};

/* SP_EUSAGE with a sentence: a station, its nesting or the load is none. */
int sp_queue_solve(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_result *out,
                   struct sp_err *err);

/* Asymptotic bounds: what no number of users can pass. */
struct sp_queue_bounds {
  double ceiling_per_s;  /* of the whole; below the stations' own where those wait for one another. INFINITY: nothing limits */
  int binding;           /* the station with the least ceiling of its own; -1: none */
  int next;              /* the one that binds when that one is gone; -1: none */
  double next_per_s;     /* its own ceiling; INFINITY */
  double alone_s;        /* a request's time when it is alone */
  double knee_users;     /* N*: users at which the two bounds meet, (alone + think) × ceiling. NAN in an open network */
  double most_per_s;     /* the lesser of the ceiling and users / (alone + think); of an open network and the rate */
  bool by_load;          /* it is the load that limits, not a station */
};
int sp_queue_bounds(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_queue_bounds *out,
                    struct sp_err *err);
/* A station's own: servers / demand (the utilisation law); slots / the time they are held when nobody else is there (the slot
 * law); with contention the best of any number there. INFINITY: none. */
double sp_queue_ceiling(const struct sp_queue_model *model, size_t station);
double sp_queue_alone_s(const struct sp_queue_model *model, size_t station); /* a request's stay when nobody else is there */

int sp_queue_find(const struct sp_queue_model *model, const char *name); /* -1: there is none */

/* Sentences about what is approximated in this model; returns how many there are and fills at most `max`. */
#define SP_QUEUE_DOUBT_MAX 400u
size_t sp_queue_doubts(const struct sp_queue_model *model, char (*texts)[SP_QUEUE_DOUBT_MAX], size_t max);

#endif
