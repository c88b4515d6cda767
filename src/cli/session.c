#include "cli/session.h"

#include "base/mem.h"
#include "cli/command.h"
#include "cli/runner.h"
#include "cli/serving.h"

#include <signal.h>
#include <unistd.h>

struct session {
  struct sp_loop *loop;
  struct sp_runner *runner;
  struct sp_serving *serving; /* --web; or NULL */
  struct sp_signal interrupt, terminate;
  unsigned signals;
};

/* -- the run's events -- */

static void on_signal(struct session *session) {
  session->signals++;
  if (session->signals == 1) {
    sp_runner_interrupt(session->runner);
    sp_runner_note(session->runner, "stopping: started requests may finish (Ctrl-C again stops at once)");
    sp_runner_stop(session->runner, false);
  } else if (session->signals == 2) {
    sp_runner_stop(session->runner, true);
  } else {
    _exit(SP_EXIT_INTERRUPTED);
  }
}

static void on_interrupt(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct session, interrupt)); }
static void on_terminate(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct session, terminate)); }

static void on_signals_closed(struct sp_signal *signal) {
  struct session *session = sp_container_of(signal, struct session, terminate);
  sp_loop_stop(session->loop);
}

static void on_end(void *ctx) {
  struct session *session = ctx;
  sp_signal_close(&session->interrupt, NULL);
  sp_signal_close(&session->terminate, on_signals_closed);
}

static int open_signals(struct session *session, struct sp_err *err) {
  int code = sp_signal_open(&session->interrupt, session->loop, SIGINT, on_interrupt, err);
  if (code) return code;
  code = sp_signal_open(&session->terminate, session->loop, SIGTERM, on_terminate, err);
  if (code) sp_signal_close(&session->interrupt, NULL);
  return code;
}

static int start(struct session *session, struct sp_err *err) {
  int code = open_signals(session, err);
  if (code) return code;
  code = sp_runner_start(session->runner, err);
  if (code) on_end(session);
  return code;
}

/* -- the whole -- */

static int run_to_end(struct session *session, struct sp_err *err) {
  if (session->serving) sp_serving_show(session->serving, session->runner);
  if (start(session, err)) return sp_cli_fail(err);
  if (session->serving) sp_serving_began(session->serving);
  sp_loop_run(session->loop);
  int exit_code = sp_runner_finish(session->runner);
  if (session->serving) sp_serving_linger(session->serving);
  return exit_code;
}

static int open_parts(struct session *session, struct sp_setup *setup, const struct sp_options *options, const char *plan_name,
                      struct sp_err *err) {
  session->loop = sp_loop_create(err);
  if (!session->loop) return err->code;
  if (options->web) {
    struct sp_serving_options serving = {.loop = session->loop, .options = options};
    session->serving = sp_serving_open(&serving, err);
    if (!session->serving) return err->code;
  }
  struct sp_runner_options runner = {.setup = setup, .options = options, .plan_name = plan_name, .loop = session->loop,
      .web = session->serving ? sp_serving_web(session->serving) : NULL,
      .keep = session->serving ? sp_serving_folder(session->serving) : NULL, .on_end = on_end, .ctx = session};
  session->runner = sp_runner_create(&runner, err);
  return session->runner ? 0 : err->code;
}

int sp_session_run(struct sp_setup *setup, const struct sp_options *options, const char *plan_name) {
  struct sp_err err;
  struct session session = {0};
  bool open = open_parts(&session, setup, options, plan_name, &err) == 0;
  int exit_code = open ? run_to_end(&session, &err) : sp_cli_fail(&err);
  sp_serving_close(session.serving); /* it shows the runner */
  sp_runner_destroy(session.runner);
  if (session.loop) sp_loop_destroy(session.loop);
  return exit_code;
}
