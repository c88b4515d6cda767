/*
 * The event loop of one thread: time, timers, descriptors, messages from other threads, signals.
 *
 * This folder alone owns libuv loops. Timers are ours (a heap and one timerfd), so they are due at a
 * nanosecond and run in order of (due time, start order); a fake loop beside it (sp_loop_create_fake) has the
 * same timers on a clock that jumps from one due time to the next, so a ten-minute run takes milliseconds.
 *
 * Everything here is for the loop's own thread, but sp_loop_post and sp_loop_stop.
 */
#ifndef SP_LOOP_LOOP_H
#define SP_LOOP_LOOP_H

#include "base/err.h"
#include "base/heap.h"

#include <uv.h>

struct sp_loop;

struct sp_loop *sp_loop_create(struct sp_err *err);
struct sp_loop *sp_loop_create_fake(int64_t start_ns);
/* Every poll and signal has been closed before; an on_closed that is still to come is called in here. Timers may be
 * left active: they are stopped. */
void sp_loop_destroy(struct sp_loop *loop);

/* Runs until sp_loop_stop (at once when that came before the run). A fake loop also returns when no timer and no
 * message is left (there is nothing that could still happen). */
void sp_loop_run(struct sp_loop *loop);
void sp_loop_stop(struct sp_loop *loop); /* any thread; what was posted before still runs */

/* Monotonic time of this loop turn: read by the first who asks after the wait and once more before timers fire.
 * Outside of a run each call reads the clock. */
int64_t sp_loop_now(const struct sp_loop *loop);
/* Reads the clock and makes it the turn's time. */
int64_t sp_loop_update_now(struct sp_loop *loop);

/* Runs fn(arg) on the loop's thread, in the order posted. Any thread. Messages still queued when the loop is
 * destroyed are dropped. */
void sp_loop_post(struct sp_loop *loop, void (*fn)(void *arg), void *arg);

/* -- pacing: many descriptors a turn instead of one --
 * A loop that serves thousands of streams wakes for each few events, and most of its CPU goes into waking. With a
 * pace, turns begin at least pace_ns apart: what comes meanwhile waits in the kernel (which stamps its arrival) and is
 * served in one turn. A loop that has been quiet for longer serves its next event at once. Pacing stands aside while
 * somebody asks for promptness (sp_loop_hurry: a connection being made has no kernel stamp) and after turns most of
 * whose reads were whole answers (sp_loop_note_answer: there somebody waits to send the next request).
 * A timer that is due ends the wait, unless `timers_wait`. 0 (the default): no pacing. Nothing in a fake loop. */
void sp_loop_set_pace(struct sp_loop *loop, int64_t pace_ns, bool timers_wait);
void sp_loop_hurry(struct sp_loop *loop, int change); /* +1 … -1 */
void sp_loop_note_answer(struct sp_loop *loop);

bool sp_loop_is_fake(const struct sp_loop *loop);
uv_loop_t *sp_loop_uv(struct sp_loop *loop); /* for net's DNS; NULL in a fake loop */

/* -- timers: caller's memory, no allocation -- */
struct sp_timer {
  struct sp_heap_node node;
  struct sp_loop *loop;
  void (*on_due)(struct sp_timer *timer);
  bool deferred; /* private: waits for the next turn (see sp_timer_start) */
};
void sp_timer_init(struct sp_timer *timer, struct sp_loop *loop, void (*on_due)(struct sp_timer *timer));
/* Restarts when active. The past is due at once, but from inside a timer's callback in the next turn at the earliest:
 * descriptors get theirs in between. SP_NEVER_NS never comes. */
void sp_timer_start(struct sp_timer *timer, int64_t due_ns);
void sp_timer_stop(struct sp_timer *timer);                  /* fine when not active */
static inline bool sp_timer_active(const struct sp_timer *timer) { return sp_heap_node_active(&timer->node); }
static inline int64_t sp_timer_due(const struct sp_timer *timer) { return timer->node.key; }

/* -- descriptors (not in a fake loop) -- */
enum { SP_POLL_READ = 1, SP_POLL_WRITE = 4 }; /* as EPOLLIN and EPOLLOUT */
/* Memory that serving a descriptor touches. With thousands of streams each event finds its own in no cache: it is
 * fetched while the descriptors before it are served. A hint, never read: a stale one does no harm. */
struct sp_ahead {
  const void *at; /* NULL: none */
  size_t bytes;
};
#define SP_AHEAD_COUNT 4u

struct sp_poll { /* private but `ahead` */
  void (*on_ready)(struct sp_poll *poll, int events);
  struct sp_loop *loop;
  int events; /* asked for */
  int fd;
  bool drained; /* sp_poll_drained was called in the on_ready under way */
  bool closing;
  void (*on_closed)(struct sp_poll *poll);
  struct sp_poll *next; /* of those whose on_closed is to come */
  struct sp_ahead ahead[SP_AHEAD_COUNT];
};
/* fd is made non-blocking and stays the caller's. An error on the descriptor shows as READ|WRITE ready. on_ready comes
 * each turn in which something of what is asked for is ready. */
int sp_poll_open(struct sp_poll *poll, struct sp_loop *loop, int fd, void (*on_ready)(struct sp_poll *, int),
                 struct sp_err *err);
void sp_poll_want(struct sp_poll *poll, int events); /* 0 stops; no system call when nothing changes */
/* Said within on_ready: what made the descriptor ready has been taken, all of it (a read gave less than it had room
 * for), so on_ready need not come until there is news. Saves the kernel a look at each descriptor a turn. After an end
 * or an error it is no promise, and on_ready comes again. */
static inline void sp_poll_drained(struct sp_poll *poll) { poll->drained = true; }
/* on_closed comes later, from the loop; only then may the memory go. The fd may be closed right after the call. */
void sp_poll_close(struct sp_poll *poll, void (*on_closed)(struct sp_poll *));

/* -- signals (not in a fake loop) -- */
struct sp_os_signal {
  uv_signal_t uv;
  void (*on_signal)(struct sp_os_signal *signal);
  void (*on_closed)(struct sp_os_signal *signal);
};
int sp_signal_open(struct sp_os_signal *signal, struct sp_loop *loop, int signum, void (*on_signal)(struct sp_os_signal *),
                   struct sp_err *err);
void sp_signal_close(struct sp_os_signal *signal, void (*on_closed)(struct sp_os_signal *)); /* on_closed may be NULL */

#endif
