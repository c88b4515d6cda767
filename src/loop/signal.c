#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <signal.h>

static void on_uv_signal(uv_signal_t *uv, int signum) {
  struct sp_os_signal *signal = sp_container_of(uv, struct sp_os_signal, uv);
  (void)signum;
  signal->on_signal(signal);
}

/* Asked before libuv is: were uv_signal_start to fail, the handle would have to be closed, which takes a turn. */
static bool can_be_caught(int signum) {
  return signum > 0 && signum != SIGKILL && signum != SIGSTOP && sigaction(signum, NULL, NULL) == 0;
}

int sp_signal_open(struct sp_os_signal *signal, struct sp_loop *loop, int signum, void (*on_signal)(struct sp_os_signal *),
                   struct sp_err *err) {
  uv_loop_t *uv = sp_loop_uv(loop);
  SP_CHECK(uv != NULL); /* a fake loop has no signals */
  if (!can_be_caught(signum)) return sp_fail(err, SP_EIO, "signal %d cannot be caught", signum);
  *signal = (struct sp_os_signal){ .on_signal = on_signal };
  int status = uv_signal_init(uv, &signal->uv);
  if (status < 0) return sp_fail(err, SP_EIO, "cannot watch signal %d: %s", signum, uv_strerror(status));
  SP_CHECK(uv_signal_start(&signal->uv, on_uv_signal, signum) == 0);
  return SP_OK;
}

static void on_uv_closed(uv_handle_t *uv) {
  struct sp_os_signal *signal = sp_container_of((uv_signal_t *)uv, struct sp_os_signal, uv);
  if (signal->on_closed) signal->on_closed(signal);
}

void sp_signal_close(struct sp_os_signal *signal, void (*on_closed)(struct sp_os_signal *)) {
  signal->on_closed = on_closed;
  uv_close((uv_handle_t *)&signal->uv, on_uv_closed);
}
