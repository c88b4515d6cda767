#include "cli/command.h"

#include "base/mem.h"
#include "cli/serving.h"

#include <signal.h>
#include <unistd.h>

struct server {
  struct sp_loop *loop;
  struct sp_serving *serving;
  struct sp_signal interrupt, terminate;
  unsigned signals;
  bool ending;
};

static void on_signal(struct server *server) {
  if (++server->signals > 2) _exit(SP_EXIT_INTERRUPTED);
  sp_serving_quit(server->serving);
}

static void on_interrupt(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct server, interrupt)); }
static void on_terminate(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct server, terminate)); }

static void on_signals_closed(struct sp_signal *signal) {
  sp_loop_stop(sp_container_of(signal, struct server, terminate)->loop);
}

static void close_signals(void *ctx) {
  struct server *server = ctx;
  if (server->ending) return;
  server->ending = true;
  sp_signal_close(&server->interrupt, NULL);
  sp_signal_close(&server->terminate, on_signals_closed);
}

static int open_signals(struct server *server, struct sp_err *err) {
  int code = sp_signal_open(&server->interrupt, server->loop, SIGINT, on_interrupt, err);
  if (code) return code;
  code = sp_signal_open(&server->terminate, server->loop, SIGTERM, on_terminate, err);
  if (code) sp_signal_close(&server->interrupt, NULL);
  return code;
}

static int serve(struct server *server, const struct sp_options *options, struct sp_err *err) {
  struct sp_serving_options serving = {.loop = server->loop, .options = options, .serve = true, .on_quiet = close_signals,
      .ctx = server};
  server->serving = sp_serving_open(&serving, err);
  if (!server->serving || open_signals(server, err)) return sp_cli_fail(err);
  fprintf(stderr, "spate serve: %s (Ctrl-C ends it)\n", sp_web_entry(sp_serving_web(server->serving)));
  sp_loop_run(server->loop);
  return sp_serving_was_cut_short(server->serving) ? SP_EXIT_INTERRUPTED : SP_EXIT_OK;
}

static int serve_run(const struct sp_options *options) {
  struct sp_err err;
  struct server server = {.loop = sp_loop_create(&err)};
  if (!server.loop) return sp_cli_fail(&err);
  int exit_code = serve(&server, options, &err);
  sp_serving_close(server.serving);
  sp_loop_destroy(server.loop);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_load, sp_options_slo, sp_options_http, sp_options_output,
                                                 sp_options_web, sp_options_common, NULL};

const struct sp_command sp_command_serve = {.name = "serve", .arguments = "[PLANS]",
    .summary = "the web page without starting: start, change and stop runs from there",
    .details = "Offers the plans that are named, and the built-in ones. Options are the defaults of the page's form.\n"
               "An address that other machines can reach needs a token, which is printed once (or SPATE_WEB_TOKEN).\n",
    .arguments_max = SP_ARGUMENTS_MAX, .option_groups = groups, .run = serve_run};
