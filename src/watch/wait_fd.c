#include "watch/wait_fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define LOOK_MS 100 /* how often the end is asked for */

int sp_watch_wait_fd(const struct sp_watch_sink *sink, int fd, short events, int64_t until_ns, struct sp_err *err) {
  struct pollfd polled = {.fd = fd, .events = events};
  for (;;) {
    int64_t left_ms = (until_ns - sp_clock_mono_ns()) / SP_NS_PER_MS;
    if (left_ms <= 0) {
      return sp_fail(err, SP_EIO, "no answer within %d s", (int)(SP_WATCH_CALL_MAX_NS / SP_NS_PER_S));
    }
    int ready = poll(&polled, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return sp_fail(err, SP_EIO, "cannot wait for it: %s", strerror(errno));
    if (sp_watch_stopping(sink)) return sp_fail(err, SP_EIO, "given up at the end");
  }
}
