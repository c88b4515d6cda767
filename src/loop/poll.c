#include "base/check.h"
#include "base/mem.h"
#include "loop/internal.h"

_Static_assert(SP_POLL_READ == (int)UV_READABLE && SP_POLL_WRITE == (int)UV_WRITABLE, "events pass unchanged");

static void on_uv_poll(uv_poll_t *uv, int status, int events);

static void watch(struct sp_poll *poll) { SP_CHECK(uv_poll_start(&poll->uv, poll->events, on_uv_poll) == 0); }

static void on_uv_poll(uv_poll_t *uv, int status, int events) {
  struct sp_poll *poll = sp_container_of(uv, struct sp_poll, uv);
  poll->loop->turn_ready++;
  if (status == 0) {
    poll->on_ready(poll, events);
    return;
  }
  poll->on_ready(poll, SP_POLL_READ | SP_POLL_WRITE);
  /* libuv gave up watching because of the error; our user did not. */
  if (poll->events != 0 && !uv_is_active((uv_handle_t *)uv)) watch(poll);
}

int sp_poll_open(struct sp_poll *poll, struct sp_loop *loop, int fd, void (*on_ready)(struct sp_poll *, int),
                 struct sp_err *err) {
  uv_loop_t *uv = sp_loop_uv(loop);
  SP_CHECK(uv != NULL); /* a fake loop has no descriptors */
  *poll = (struct sp_poll){ .loop = loop, .on_ready = on_ready };
  int status = uv_poll_init(uv, &poll->uv, fd);
  if (status < 0) return sp_fail(err, SP_EIO, "cannot watch descriptor %d: %s", fd, uv_strerror(status));
  return SP_OK;
}

void sp_poll_want(struct sp_poll *poll, int events) {
  if (events == poll->events) return;
  SP_CHECK(!uv_is_closing((uv_handle_t *)&poll->uv));
  poll->events = events;
  if (events)
    watch(poll);
  else
    SP_CHECK(uv_poll_stop(&poll->uv) == 0);
}

static void on_uv_closed(uv_handle_t *uv) {
  struct sp_poll *poll = sp_container_of((uv_poll_t *)uv, struct sp_poll, uv);
  if (poll->on_closed) poll->on_closed(poll);
}

void sp_poll_close(struct sp_poll *poll, void (*on_closed)(struct sp_poll *)) {
  poll->events = 0;
  poll->on_closed = on_closed;
  uv_close((uv_handle_t *)&poll->uv, on_uv_closed);
}
