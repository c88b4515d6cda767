/*
 * What the two kinds of loop share: time, timers, messages. Only for the files of this folder.
 *
 * A kind of loop is one const table. A turn of either goes: wait, time, descriptors and messages, timers.
 */
#ifndef SP_LOOP_INTERNAL_H
#define SP_LOOP_INTERNAL_H

#include "loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>

struct sp_loop_type {
  void (*run)(struct sp_loop *loop);                 /* until loop->stopping */
  void (*wake)(struct sp_loop *loop);                /* any thread, mailbox locked: a message or a stop is there */
  int64_t (*read_clock)(const struct sp_loop *loop);
  uv_loop_t *(*uv)(struct sp_loop *loop);
  void (*destroy)(struct sp_loop *loop);             /* closes what the kind owns and frees the loop */
};

struct sp_message {
  void (*fn)(void *arg);
  void *arg;
};

struct sp_message_queue {
  struct sp_message *messages;
  size_t count, cap;
};

struct sp_loop {
  const struct sp_loop_type *type;
  bool running;
  bool now_valid; /* false once the loop may have slept: the next who asks reads the clock */
  int64_t now_ns;

  int64_t pace_ns;
  bool timers_wait;
  int hurried;                       /* how many want no pacing now */
  unsigned turn_ready, turn_answers; /* descriptors served and whole answers in this turn */

  struct sp_heap timers;
  struct sp_heap deferred; /* started while timers fire and due already: theirs is the next turn */
  bool firing;             /* timers that are due at firing_ns are being fired */
  int64_t firing_ns;

  int epoll_fd;            /* of the descriptors; -1 in a fake loop */
  size_t polls;            /* open ones */
  struct sp_poll *closed;  /* their on_closed is to come */

  pthread_mutex_t mutex;            /* guards `inbox` and the right to wake */
  struct sp_message_queue inbox;    /* filled by any thread */
  struct sp_message_queue outgoing; /* the batch being run; the loop's thread only */
  atomic_bool stopping;
};

void sp_loop_init(struct sp_loop *loop, const struct sp_loop_type *type);
void sp_loop_fini(struct sp_loop *loop);

/* Runs what was posted so far; what those post waits for the next call. Returns whether there was anything. */
bool sp_loop_run_messages(struct sp_loop *loop);

/* Calls on_ready of every descriptor that is ready. */
void sp_loop_serve_polls(struct sp_loop *loop);
/* Calls on_closed of those that were closed; of those that are closed meanwhile the next call does. */
void sp_loop_end_polls(struct sp_loop *loop);

/* Fires every timer that is due at loop->now_ns; those that they start wait for the next call. */
void sp_loop_fire_timers(struct sp_loop *loop);
int64_t sp_loop_next_due(const struct sp_loop *loop); /* SP_NEVER_NS when there is none */

#endif
