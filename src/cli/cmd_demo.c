#include "cli/command.h"

#include "cli/mock_thread.h"
#include "cli/session.h"

#define DEMO_PLAN "dify:three-scenarios"

static void demo_defaults(struct sp_options *options) {
  options->load.users = 20;
  options->load.spawn_per_s = 5;
  options->load.run_time_ns = 30 * SP_NS_PER_S;
}

static void demo_settings(struct sp_options *options, const char *host) {
  static const struct sp_setting settings[] = {{"simple_key", "app-simple"}, {"complex_key", "app-complex"},
                                               {"dataset_key", "dataset-demo"}, {"dataset", "demo"}};
  options->host = host;
  options->arguments[0] = DEMO_PLAN;
  options->argument_count = 1;
  if (options->tag_count < SP_TAGS_MAX) options->tags[options->tag_count++] = (struct sp_tag){"demo", "true"}; /* the history has it too */
  for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) options->settings[options->setting_count++] = settings[i];
}

static int demo_run(const struct sp_options *given) {
  struct sp_err err;
  struct sp_mock_thread *mock = sp_mock_thread_start(NULL, &err);
  if (!mock) return sp_cli_fail(&err);
  char host[64];
  snprintf(host, sizeof(host), "http://127.0.0.1:%u", (unsigned)sp_mock_thread_port(mock));
  struct sp_options options = *given;
  demo_settings(&options, host);
  struct sp_setup setup;
  int exit_code;
  if (sp_setup_init(&setup, &options, &err)) {
    exit_code = sp_cli_fail(&err);
  } else {
    fprintf(stderr, "spate demo: three scenarios of a published Dify test, on a simulated Dify\n\n");
    exit_code = sp_session_run(&setup, &options, DEMO_PLAN);
    sp_setup_fini(&setup);
  }
  sp_mock_thread_stop(mock, NULL);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_load, sp_options_slo,     sp_options_watch,  sp_options_output,
                                                 sp_options_web,  sp_options_web_run, sp_options_common, NULL};

const struct sp_command sp_command_demo = {.name = "demo", .arguments = "",
    .summary = "the three scenarios against the simulated target",
    .details = "Starts the mock, runs plans/dify-three-scenarios.lua against it (20 users, 30 s) and reports.\n",
    .option_groups = groups, .defaults = demo_defaults, .run = demo_run};
