#include "cli/command.h"

#include "base/mem.h"
#include "cli/mock_thread.h"
#include "cli/setup.h"
#include "mock/mock.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SP_MOCK_FILES 20000u /* connections that a mock can hold where the limit of files allows */

struct mock_run {
  struct sp_loop *loop;
  struct sp_mock *mock;
  struct sp_os_signal interrupt, terminate;
  unsigned signals;
};

static int fail_unknown(const char *name, struct sp_err *err) {
  char names[400] = "";
  for (size_t i = 0; sp_mock_profile_name(i); i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", sp_mock_profile_name(i));
  }
  return sp_fail(err, SP_ENOTFOUND,
                 "there is no mock profile '%s': no such file, and no built-in of that name (there are: %s)", name, names);
}

/* A profile is a JSON file, a Lua file that returns such a table, or a built-in name. NULL is the default profile. */
static int load_profile(const char *name, char **json, struct sp_err *err) {
  *json = NULL;
  if (!name || strcmp(name, "default") == 0) return 0;
  const char *built_in = sp_mock_profile_find(name);
  if (!built_in && access(name, F_OK)) return fail_unknown(name, err);
  *json = built_in ? sp_strdup(built_in) : sp_lua_file_to_json(name, err);
  return *json ? 0 : err->code;
}

static void on_signals_closed(struct sp_os_signal *signal) {
  sp_loop_stop(sp_container_of(signal, struct mock_run, terminate)->loop);
}

static void print_stats(const struct mock_run *run) {
  struct sp_mock_stats stats;
  sp_mock_stats(run->mock, &stats);
  struct sp_hist_summary late;
  sp_hist_summarise(stats.late, 0.001, &late);
  printf("%llu requests on %llu connections, %llu events, most streams at once %llu\n", (unsigned long long)stats.requests,
         (unsigned long long)stats.connections, (unsigned long long)stats.events, (unsigned long long)stats.streams_max);
  if (late.count) {
    printf("the mock's own lateness: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", late.p50, late.p99, late.max);
  }
}

static void on_closed(void *ctx) {
  struct mock_run *run = ctx;
  sp_signal_close(&run->interrupt, NULL);
  sp_signal_close(&run->terminate, on_signals_closed);
}

static void stop(struct mock_run *run) {
  if (run->signals++) _exit(SP_EXIT_INTERRUPTED);
  print_stats(run);
  sp_mock_close(run->mock, on_closed, run);
}

static void on_interrupt(struct sp_os_signal *signal) { stop(sp_container_of(signal, struct mock_run, interrupt)); }
static void on_terminate(struct sp_os_signal *signal) { stop(sp_container_of(signal, struct mock_run, terminate)); }

static void print_notes(const struct sp_mock *mock) {
  for (size_t i = 0; sp_mock_note(mock, i); i++) printf("note: %s\n", sp_mock_note(mock, i));
}

static void print_welcome(const struct sp_options *options, const char *address, const struct sp_mock *mock) {
  unsigned port = sp_mock_port(mock);
  const char *colon = strrchr(address, ':');
  printf("spate mock: a simulated Dify and OpenAI target (no real model) on %s://%.*s:%u\n", options->cert ? "https" : "http",
         (int)(colon - address), address, (unsigned)port);
  printf("keys: app-simple, app-complex, app-chat, app-agent, app-completion, app-workflow, dataset-demo, sk-mock\n"
         "try:  spate try dify:chat -H %s://%.*s:%u -e key=app-simple      (Ctrl-C stops the mock)\n", options->cert ? "https" : "http",
         (int)(colon - address), address, (unsigned)port);
  print_notes(mock);
  fflush(stdout);
}

static int serve(struct mock_run *run, const struct sp_options *options, const char *profile_json, struct sp_err *err) {
  const char *address = options->listen ? options->listen : "127.0.0.1:5001";
  if (!strrchr(address, ':')) return sp_fail(err, SP_EUSAGE, "--listen must be ADDR:PORT, not '%s'", address);
  struct sp_mock_options mock = {.loop = run->loop, .address = address, .profile_json = profile_json,
      .cert_file = options->cert, .key_file = options->key};
  sp_loop_set_pace(run->loop, SP_MOCK_PACE_NS, true);
  run->mock = sp_mock_create(&mock, err);
  if (!run->mock) return err->code;
  int code = sp_signal_open(&run->interrupt, run->loop, SIGINT, on_interrupt, err);
  if (code == 0) code = sp_signal_open(&run->terminate, run->loop, SIGTERM, on_terminate, err);
  if (code) return code;
  print_welcome(options, address, run->mock);
  sp_loop_run(run->loop);
  return 0;
}

static int mock_run_command(const struct sp_options *options) {
  struct sp_err err, ignored;
  char *profile_json;
  struct mock_run run = {0};
  if (load_profile(options->argument_count ? options->arguments[0] : NULL, &profile_json, &err)) return sp_cli_fail(&err);
  (void)sp_raise_file_limit(SP_MOCK_FILES, &ignored);
  run.loop = sp_loop_create(&err);
  int exit_code = !run.loop || serve(&run, options, profile_json, &err) ? sp_cli_fail(&err) : SP_EXIT_OK;
  if (run.loop) sp_loop_destroy(run.loop);
  free(profile_json);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_mock, sp_options_common, NULL};

const struct sp_command sp_command_mock = {.name = "mock", .arguments = "[PROFILE]",
    .summary = "the simulated target (Dify and OpenAI compatible)",
    .details = "PROFILE is a JSON file, a Lua file that returns such a table (docs/mock.md), 'default', or a simulated\n"
               "deployment, whose rounds are those of a published test: dify-8c16g-1 … -6, dify-16c32g-1, -2, -final.\n"
               "Those have resources that requests wait for, and tell about them at /metrics.\n",
    .arguments_max = 1, .option_groups = groups, .run = mock_run_command};
