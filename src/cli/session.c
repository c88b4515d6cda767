#include "cli/session.h"

#include "cli/command.h"
#include "cli/runner.h"
#include "cli/serving.h"
#include "cli/stop_signals.h"

struct session {
  struct sp_loop *loop;
  struct sp_runner *runner;
  struct sp_serving *serving; /* --web; or NULL */
  struct sp_stop_signals signals;
};

/* -- the run's events -- */

static void on_signal(void *ctx, unsigned count) {
  struct session *session = ctx;
  sp_runner_interrupt(session->runner);
  if (count == 1) sp_runner_note(session->runner, "stopping: started requests may finish (Ctrl-C again stops at once)");
  sp_runner_stop(session->runner, count > 1);
}

static void on_signals_closed(void *ctx) { sp_loop_stop(((struct session *)ctx)->loop); }
static void on_end(void *ctx) { sp_stop_signals_close(&((struct session *)ctx)->signals); }

static int start(struct session *session, struct sp_err *err) {
  session->signals = (struct sp_stop_signals){.on_signal = on_signal, .on_closed = on_signals_closed, .ctx = session};
  int code = sp_stop_signals_open(&session->signals, session->loop, err);
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
  bool in_a_hurry = session->signals.count > 1;
  if (session->serving && !in_a_hurry) sp_serving_linger(session->serving);
  return exit_code;
}

static int open_parts(struct session *session, struct sp_setup *setup, const struct sp_options *options, const char *plan_name,
                      struct sp_err *err) {
  session->loop = sp_loop_create(err);
  if (!session->loop) return err->code;
  if (options->web_linger_ns >= 0 && !options->web) {
    return sp_fail(err, SP_EUSAGE, "--web-linger needs a page to keep: give --web, too");
  }
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
