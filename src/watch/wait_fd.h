/* Waits of a watcher for its client's socket: each ends with the call's time, and soon after the watcher is to stop. */
#ifndef SP_WATCH_WAIT_FD_H
#define SP_WATCH_WAIT_FD_H

#include "watch/watch.h"

/* Until `events` (POLLIN, POLLOUT) or an end of the connection shows. until_ns: monotonic. SP_EIO with a sentence. */
int sp_watch_wait_fd(const struct sp_watch_sink *sink, int fd, short events, int64_t until_ns, struct sp_err *err);

#endif
