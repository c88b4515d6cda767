/*
 * Descriptors, in an epoll set of ours, edge-triggered (epoll(7)), which libuv watches as one descriptor.
 *
 * A level-triggered set looks at each ready descriptor twice: when it is ready, and in the next turn again to find that
 * it is not. With thousands of streams, each of whose events is a readiness of its own, that second look costs more
 * than all of our own parsing. So the kernel tells news only, and who did not take all of it is armed again here.
 */
#include "base/check.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define BATCH 256         /* descriptors a system call */
#define TURN_BATCHES_MAX 16 /* timers and messages are waiting, too */
#define CACHE_LINE 64
/* How many descriptors ahead: enough for memory to answer while they are served, and not so many that what was fetched
 * is gone again. The hints stand in the poll, so that comes first: some at a time, since each waits for its page to be
 * found, and that can be done for several at once. */
#define POLL_GROUP 4
#define HINTS_AHEAD 2

_Static_assert(SP_POLL_READ == (int)EPOLLIN && SP_POLL_WRITE == (int)EPOLLOUT, "events pass unchanged");

static int control(const struct sp_poll *poll, int operation) {
  uint32_t hang_up = poll->events & SP_POLL_READ ? (uint32_t)EPOLLRDHUP : 0;
  struct epoll_event event = { .events = (uint32_t)poll->events | hang_up | EPOLLET, .data.ptr = (void *)poll };
  return epoll_ctl(poll->loop->epoll_fd, operation, poll->fd, &event) == 0 ? 0 : -errno;
}

/* The kernel looks at the descriptor anew, and tells what is ready already. */
static void arm(const struct sp_poll *poll) { SP_CHECK(control(poll, EPOLL_CTL_MOD) == 0); }

int sp_poll_open(struct sp_poll *poll, struct sp_loop *loop, int fd, void (*on_ready)(struct sp_poll *, int),
                 struct sp_err *err) {
  int on = 1;
  SP_CHECK(loop->epoll_fd >= 0); /* a fake loop has no descriptors */
  *poll = (struct sp_poll){ .loop = loop, .fd = fd, .on_ready = on_ready };
  int code = ioctl(fd, FIONBIO, &on) == 0 ? control(poll, EPOLL_CTL_ADD) : -errno;
  if (code < 0) return sp_fail(err, SP_EIO, "cannot watch descriptor %d: %s", fd, strerror(-code));
  loop->polls++;
  return SP_OK;
}

void sp_poll_want(struct sp_poll *poll, int events) {
  if (events == poll->events) return;
  SP_CHECK(!poll->closing);
  poll->events = events;
  arm(poll);
}

void sp_poll_close(struct sp_poll *poll, void (*on_closed)(struct sp_poll *)) {
  SP_CHECK(!poll->closing && control(poll, EPOLL_CTL_DEL) == 0);
  poll->loop->polls--;
  poll->closing = true;
  poll->events = 0;
  poll->on_closed = on_closed;
  poll->next = poll->loop->closed;
  poll->loop->closed = poll;
}

/* -- the loop's side -- */

static int ready_events(const struct sp_poll *poll, uint32_t told) {
  if (told & EPOLLERR) return SP_POLL_READ | SP_POLL_WRITE;
  if (told & EPOLLHUP) return poll->events;
  if (told & EPOLLRDHUP) told |= EPOLLIN;
  return (int)told & poll->events;
}

static void serve(struct sp_poll *poll, uint32_t told) {
  int wanted = poll->events;
  if (wanted == 0) return; /* closed or stopped in this turn; who wants again is told then */
  bool hung_up = (told & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0; /* told once, and it lasts */
  poll->drained = false;
  poll->loop->turn_ready++;
  poll->on_ready(poll, ready_events(poll, told));
  bool rests = poll->drained && !hung_up;
  if (!rests && poll->events == wanted) arm(poll); /* else sp_poll_want did, or it is closed */
}

/* Inlined, since gcc 12 takes a function that only prefetches for one that does nothing, and leaves its calls out. */
static inline __attribute__((always_inline)) void fetch(const void *at, size_t bytes) {
  const char *end = (const char *)at + bytes;
  const char *line = (const char *)at - (uintptr_t)at % CACHE_LINE; /* else the last line would be left out */
  for (; line < end; line += CACHE_LINE) __builtin_prefetch(line);
}

static inline __attribute__((always_inline)) void fetch_polls(const struct epoll_event *told, int rest) {
  for (int i = 0; i < POLL_GROUP && i < rest; i++) fetch(told[i].data.ptr, sizeof(struct sp_poll));
}

static inline __attribute__((always_inline)) void fetch_hinted(const struct epoll_event *told, int rest) {
  if (rest <= HINTS_AHEAD) return;
  const struct sp_poll *poll = told[HINTS_AHEAD].data.ptr;
  for (size_t i = 0; i < SP_AHEAD_COUNT; i++) {
    if (poll->ahead[i].at) fetch(poll->ahead[i].at, poll->ahead[i].bytes);
  }
}

void sp_loop_serve_polls(struct sp_loop *loop) {
  struct epoll_event told[BATCH];
  int count = BATCH;
  for (int i = 0; i < TURN_BATCHES_MAX && count == BATCH; i++) {
    count = epoll_wait(loop->epoll_fd, told, BATCH, 0);
    SP_CHECK(count >= 0 || errno == EINTR);
    for (int k = 0; k < count; k++) {
      int group = k + HINTS_AHEAD + 1; /* the first one whose poll was not fetched yet */
      if (k % POLL_GROUP == 0 && group < count) fetch_polls(told + group, count - group);
      fetch_hinted(told + k, count - k);
      serve(told[k].data.ptr, told[k].events);
    }
  }
}

void sp_loop_end_polls(struct sp_loop *loop) {
  struct sp_poll *poll = loop->closed, *next;
  loop->closed = NULL;
  for (; poll; poll = next) {
    next = poll->next;
    if (poll->on_closed) poll->on_closed(poll);
  }
}
