/*
 * A closed system on the fake clock: users who think and ask a mock's app again and again, through the very schedule
 * and passage that an answer has, but without HTTP. An hour of it takes a second.
 */
#ifndef SP_TESTS_CLOSED_SYSTEM_H
#define SP_TESTS_CLOSED_SYSTEM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/clock.h"
#include "mock/passage.h"

struct closed_system {
  const char *profile; /* JSON */
  const char *app;     /* its name */
  unsigned users;
  struct sp_dist think;
  int64_t warm_up_ns, measured_ns;
  /* MAY be NULL: once a second of the measured time, its ends among them. What a watcher beside it would look at. */
  void (*look)(void *ctx, struct sp_resources *resources, int64_t now_ns);
  /* MAY be NULL: each step of each answer, when it has happened; the last one is DONE (of a whole answer: END). */
  void (*stepped)(void *ctx, const struct sp_mock_exchange *exchange, bool measured);
  void *ctx;
  /* out */
  double per_s, mean_s, first_s; /* throughput, the whole answer, until its head */
  double rate[SP_RES_COUNT];     /* work done a second: the cores in use */
  double waiting[SP_RES_COUNT], serving[SP_RES_COUNT]; /* mean numbers */
};
void closed_system_run(struct closed_system *system);

#endif
