/*
 * Ctrl-C and SIGTERM, as one wish that may be said again. Main thread.
 */
#ifndef SP_CLI_STOP_SIGNALS_H
#define SP_CLI_STOP_SIGNALS_H

#include "loop/loop.h"

struct sp_stop_signals {
  /* Set before open. count: 1, 2; the third ends the process at once. */
  void (*on_signal)(void *ctx, unsigned count);
  void (*on_closed)(void *ctx);
  void *ctx;
  /* Private. */
  struct sp_os_signal interrupt, terminate;
  unsigned count;
  bool closing;
};
int sp_stop_signals_open(struct sp_stop_signals *signals, struct sp_loop *loop, struct sp_err *err);
void sp_stop_signals_close(struct sp_stop_signals *signals); /* on_closed comes later; fine to be called again */

#endif
