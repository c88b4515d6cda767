/*
 * The real loop: libuv waits, our timers wake it through one timerfd.
 *
 * libuv's own timers count in milliseconds. The timerfd is armed for the earliest due time, once a turn at most and
 * only when that time came nearer: a timer that is started and stopped again (every timeout of every request) costs no
 * system call. When the earliest goes away, the descriptor stays armed, wakes the loop once for nothing, and is armed
 * anew then.
 *
 *   prepare: arm, or don't wait │ poll: descriptors, messages │ check: time, timers, stop │ close callbacks
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PACE_LEAST_NS (50 * SP_NS_PER_US)

struct real_loop {
  struct sp_loop base;
  uv_loop_t uv;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle; /* active while a timer is due or a close is to be told already: keeps the poll from waiting */
  uv_async_t async;
  uv_poll_t timer_poll, epoll_poll;
  int timer_fd;
  bool timer_readable; /* it fired and was neither read nor armed since */
  int64_t armed_ns;    /* SP_NEVER_NS when not */
  int64_t polled_ns;   /* the newest poll's begin; only kept with a pace */
};

static struct real_loop *real_of(struct sp_loop *loop) { return sp_container_of(loop, struct real_loop, base); }

/* -- the timerfd -- */

static void arm(struct real_loop *real, int64_t due_ns) {
  if (due_ns < real->armed_ns) {
    struct itimerspec spec = { .it_value = { .tv_sec = due_ns / SP_NS_PER_S, .tv_nsec = due_ns % SP_NS_PER_S } };
    SP_CHECK(timerfd_settime(real->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0); /* clears readiness, too */
    real->armed_ns = due_ns;
    real->timer_readable = false;
  } else if (real->timer_readable) {
    uint64_t expirations;
    SP_CHECK(read(real->timer_fd, &expirations, sizeof(expirations)) > 0 || errno == EAGAIN);
    real->timer_readable = false;
  }
}

static void on_timer_fd(uv_poll_t *poll, int status, int events) {
  struct real_loop *real = sp_container_of(poll, struct real_loop, timer_poll);
  SP_CHECK(status == 0);
  (void)events;
  real->armed_ns = SP_NEVER_NS;
  real->timer_readable = true;
}

static void on_descriptors(uv_poll_t *poll, int status, int events) {
  SP_CHECK(status == 0);
  (void)events;
  sp_loop_serve_polls(&sp_container_of(poll, struct real_loop, epoll_poll)->base);
}

/* -- the turn -- */

static bool wants_pace(const struct sp_loop *loop) {
  if (loop->pace_ns == 0 || loop->hurried > 0) return false;
  return loop->turn_answers * 2 < loop->turn_ready;
}

/* Sleeps until the last poll is pace_ns ago. Not much is left: not worth a system call. */
static void pace(struct real_loop *real, int64_t due_ns) {
  struct sp_loop *loop = &real->base;
  bool paced = wants_pace(loop);
  loop->turn_ready = loop->turn_answers = 0;
  if (!paced) return;
  int64_t until_ns = real->polled_ns + loop->pace_ns;
  if (!loop->timers_wait && due_ns < until_ns) until_ns = due_ns;
  if (until_ns - sp_clock_mono_ns() < PACE_LEAST_NS) return;
  struct timespec until = { .tv_sec = until_ns / SP_NS_PER_S, .tv_nsec = until_ns % SP_NS_PER_S };
  (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL); /* a signal ends it early: as well */
}

static void on_idle(uv_idle_t *idle) { (void)idle; }

static void on_prepare(uv_prepare_t *prepare) {
  struct real_loop *real = sp_container_of(prepare, struct real_loop, prepare);
  int64_t due_ns = sp_loop_next_due(&real->base);
  if (real->base.pace_ns) {
    pace(real, due_ns);
    real->polled_ns = sp_loop_update_now(&real->base);
  }
  if (due_ns <= real->base.now_ns || real->base.closed) {
    uv_idle_start(&real->idle, on_idle);
  } else {
    uv_idle_stop(&real->idle);
    arm(real, due_ns);
  }
  real->base.now_valid = false;
}

static void on_check(uv_check_t *check) {
  struct real_loop *real = sp_container_of(check, struct real_loop, check);
  sp_loop_update_now(&real->base);
  sp_loop_fire_timers(&real->base);
  sp_loop_end_polls(&real->base);
  if (!atomic_load(&real->base.stopping)) return;
  sp_loop_run_messages(&real->base); /* what was posted before the stop still runs */
  uv_stop(&real->uv);
}

static void on_async(uv_async_t *async) {
  sp_loop_run_messages(&sp_container_of(async, struct real_loop, async)->base);
}

static void real_run(struct sp_loop *loop) { uv_run(&real_of(loop)->uv, UV_RUN_DEFAULT); }

static void real_wake(struct sp_loop *loop) { SP_CHECK(uv_async_send(&real_of(loop)->async) == 0); }

static int64_t real_read_clock(const struct sp_loop *loop) {
  (void)loop;
  return sp_clock_mono_ns();
}

static uv_loop_t *real_uv(struct sp_loop *loop) { return &real_of(loop)->uv; }

/* -- life -- */

/* A handle's type is UV_UNKNOWN_HANDLE (0) until it was initialised. */
static void close_own(uv_handle_t *handle) {
  if (handle->type != UV_UNKNOWN_HANDLE) uv_close(handle, NULL);
}

static void check_closing(uv_handle_t *handle, void *arg) {
  (void)arg;
  SP_CHECK(uv_is_closing(handle)); /* else: a signal of a user's that was never closed */
}

static void real_destroy(struct sp_loop *loop) {
  struct real_loop *real = real_of(loop);
  close_own((uv_handle_t *)&real->prepare);
  close_own((uv_handle_t *)&real->check);
  close_own((uv_handle_t *)&real->idle);
  close_own((uv_handle_t *)&real->async);
  close_own((uv_handle_t *)&real->timer_poll);
  close_own((uv_handle_t *)&real->epoll_poll);
  while (loop->closed) sp_loop_end_polls(loop);
  SP_CHECK(loop->polls == 0); /* else: a descriptor of a user's that was never closed */
  uv_walk(&real->uv, check_closing, NULL);
  uv_run(&real->uv, UV_RUN_DEFAULT);
  SP_CHECK(uv_loop_close(&real->uv) == 0);
  close(real->timer_fd);
  close(loop->epoll_fd);
  sp_loop_fini(loop);
  free(real);
}

static const struct sp_loop_type real_type = {
  .run = real_run,
  .wake = real_wake,
  .read_clock = real_read_clock,
  .uv = real_uv,
  .destroy = real_destroy,
};

static int open_handles(struct real_loop *real) {
  uv_prepare_init(&real->uv, &real->prepare);
  uv_check_init(&real->uv, &real->check);
  uv_idle_init(&real->uv, &real->idle);
  int status = uv_async_init(&real->uv, &real->async, on_async);
  if (status == 0) status = uv_poll_init(&real->uv, &real->timer_poll, real->timer_fd);
  if (status == 0) status = uv_poll_start(&real->timer_poll, UV_READABLE, on_timer_fd);
  if (status == 0) status = uv_poll_init(&real->uv, &real->epoll_poll, real->base.epoll_fd);
  if (status == 0) status = uv_poll_start(&real->epoll_poll, UV_READABLE, on_descriptors);
  if (status == 0) status = uv_prepare_start(&real->prepare, on_prepare);
  if (status == 0) status = uv_check_start(&real->check, on_check);
  return status;
}

/* Fails with libuv's codes, which are negated errno values. */
static int make_loop(struct real_loop *real) {
  real->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (real->timer_fd < 0) return -errno;
  real->base.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int status = real->base.epoll_fd < 0 ? -errno : uv_loop_init(&real->uv);
  if (status < 0) close(real->timer_fd);
  if (status < 0 && real->base.epoll_fd >= 0) close(real->base.epoll_fd);
  real->armed_ns = SP_NEVER_NS;
  return status;
}

static struct sp_loop *refuse(struct sp_err *err, int status) {
  sp_fail(err, SP_EIO, "cannot make an event loop: %s", uv_strerror(status));
  return NULL;
}

struct sp_loop *sp_loop_create(struct sp_err *err) {
  struct real_loop *real = sp_alloc(sizeof(*real));
  sp_loop_init(&real->base, &real_type);
  int status = make_loop(real);
  if (status < 0) {
    sp_loop_fini(&real->base);
    free(real);
    return refuse(err, status);
  }
  status = open_handles(real);
  if (status < 0) {
    real_destroy(&real->base);
    return refuse(err, status);
  }
  return &real->base;
}
