#include "cli/command.h"

#include "cli/serving.h"
#include "cli/stop_signals.h"

struct server {
  struct sp_loop *loop;
  struct sp_serving *serving;
  struct sp_stop_signals signals;
};

static void on_signal(void *ctx, unsigned count) {
  (void)count;
  sp_serving_quit(((struct server *)ctx)->serving);
}

static void on_quiet(void *ctx) { sp_stop_signals_close(&((struct server *)ctx)->signals); }
static void on_signals_closed(void *ctx) { sp_loop_stop(((struct server *)ctx)->loop); }

static int serve(struct server *server, const struct sp_options *options, struct sp_err *err) {
  struct sp_serving_options serving = {.loop = server->loop, .options = options, .serve = true, .on_quiet = on_quiet, .ctx = server};
  server->signals = (struct sp_stop_signals){.on_signal = on_signal, .on_closed = on_signals_closed, .ctx = server};
  server->serving = sp_serving_open(&serving, err);
  if (!server->serving || sp_stop_signals_open(&server->signals, server->loop, err)) return sp_cli_fail(err);
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

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_load, sp_options_slo, sp_options_watch, sp_options_http,
                                                 sp_options_output, sp_options_web, sp_options_common, NULL};

const struct sp_command sp_command_serve = {.name = "serve", .arguments = "[PLANS]",
    .summary = "the web page without starting: start, change and stop runs from there",
    .details = "Offers the plans that are named, and the built-in ones. Options are the defaults of the page's form.\n"
               "An address that other machines can reach needs a token, which is printed once (or SPATE_WEB_TOKEN).\n",
    .arguments_max = SP_ARGUMENTS_MAX, .option_groups = groups, .run = serve_run};
