/*
 * A worker: one engine thread's loop, users, recorder and type state. All of it belongs to that thread; the
 * run talks to it by sp_loop_post only. In a fake loop run and workers share the loop and the thread.
 */
#ifndef SP_ENGINE_WORKER_H
#define SP_ENGINE_WORKER_H

#include "engine/user.h"

/* For user types. */
struct sp_loop *sp_worker_loop(const struct sp_worker *worker);
/* Call once when a request starts and use what it gave for the start, all between and the end of that request:
 * a worker has one recorder for the warm-up and one for each stage of the measured time, and a request belongs to the
 * one that it started in. That keeps `started = ok + failed + abandoned + cancelled` true of the totals. */
struct sp_recorder *sp_worker_recorder(struct sp_worker *worker);
void *sp_worker_state(const struct sp_worker *worker); /* what thread_create gave */
const struct sp_class_spec *sp_worker_class(const struct sp_worker *worker, size_t class_index);
unsigned sp_worker_index(const struct sp_worker *worker);
bool sp_worker_ending(const struct sp_worker *worker); /* no new requests: the run is winding up */
uint64_t sp_worker_seed(const struct sp_worker *worker);
/* Keeps the live count of requests in flight (a gauge beside the recorder). MUST: +1 when a request starts, -1 when
 * it ends; the engine takes the time of the last end, and so the run's duration, from it. */
void sp_worker_in_flight(struct sp_worker *worker, int change);
void sp_worker_thread_destroyed(struct sp_worker *worker); /* ends thread_destroy */
/* Ends the whole run from inside (a plan that can't go on). The text is copied. */
void sp_worker_abort_run(struct sp_worker *worker, const char *why);

#endif
