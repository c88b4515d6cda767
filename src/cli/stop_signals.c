#include "cli/stop_signals.h"

#include "base/mem.h"
#include "cli/command.h"

#include <signal.h>
#include <unistd.h>

static void on_signal(struct sp_stop_signals *signals) {
  if (++signals->count > 2) _exit(SP_EXIT_INTERRUPTED);
  signals->on_signal(signals->ctx, signals->count);
}

static void on_interrupt(struct sp_os_signal *signal) { on_signal(sp_container_of(signal, struct sp_stop_signals, interrupt)); }
static void on_terminate(struct sp_os_signal *signal) { on_signal(sp_container_of(signal, struct sp_stop_signals, terminate)); }

static void on_closed(struct sp_os_signal *signal) {
  struct sp_stop_signals *signals = sp_container_of(signal, struct sp_stop_signals, terminate);
  signals->on_closed(signals->ctx);
}

int sp_stop_signals_open(struct sp_stop_signals *signals, struct sp_loop *loop, struct sp_err *err) {
  int code = sp_signal_open(&signals->interrupt, loop, SIGINT, on_interrupt, err);
  if (code) return code;
  code = sp_signal_open(&signals->terminate, loop, SIGTERM, on_terminate, err);
  if (code) sp_signal_close(&signals->interrupt, NULL);
  return code;
}

void sp_stop_signals_close(struct sp_stop_signals *signals) {
  if (signals->closing) return;
  signals->closing = true;
  sp_signal_close(&signals->interrupt, NULL);
  sp_signal_close(&signals->terminate, on_closed);
}
