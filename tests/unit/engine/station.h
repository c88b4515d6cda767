/*
 * A user type whose requests go through a station with a known rule, so that every latency is known beforehand: a
 * request takes service_ns, but while the station stands still (stop_ns … stop_ns + stopped_ns after the run's start)
 * nothing ends, and what would have ends when it goes on, after its whole service.
 */
#ifndef TEST_ENGINE_STATION_H
#define TEST_ENGINE_STATION_H

#include "rig.h"

#define STATION_STARTS_MAX 20000u

struct station {
  int64_t service_ns;
  int64_t stop_ns, stopped_ns;
  int64_t user_start_ns;   /* how long a user's start takes */
  uint64_t leaves_at_start; /* user with this id leaves in its start; 0: none */
  int64_t begin_ns;        /* the run's start; 0: where the fake loops begin */

  /* What happened, by arrival. */
  size_t starts;
  uint64_t arrival[STATION_STARTS_MAX];
  int64_t due_ns[STATION_STARTS_MAX];
  uint64_t users_started, users_stopped;
};

extern const struct sp_user_type station_type; /* conf: a struct station, which it writes (one thread only) */

/* When a request that comes at `at_ns` (after the begin) ends. */
int64_t station_end_ns(const struct station *station, int64_t at_ns);

#endif
