#include "cli/command.h"

#include "cli/mock_thread.h"
#include "cli/session.h"
#include "mock/mock.h"

#define SCENARIOS "dify:three-scenarios"
#define ROUND "dify-8c16g-1"
#define ROUND_STAGES "20:8s,60:8s,100:16s" /* the diagnosis wants to see how figures change with the load */

static void demo_defaults(struct sp_options *options) {
  options->load.users = 20;
  options->load.spawn_per_s = 5;
  options->load.run_time_ns = 30 * SP_NS_PER_S;
}

static void add_setting(struct sp_options *options, const char *key, const char *value) {
  if (options->setting_count < SP_SETTINGS_MAX) options->settings[options->setting_count++] = (struct sp_setting){key, value};
}

/* A run of a plan against a mock of its own. `fill` says what is particular about it. */
struct part {
  const char *plan, *profile, *title; /* profile NULL: the default one */
  bool watched;                       /* by what the mock exports */
  void (*fill)(struct sp_options *options);
};

static void fill_scenarios(struct sp_options *options) {
  add_setting(options, "simple_key", "app-simple");
  add_setting(options, "complex_key", "app-complex");
  add_setting(options, "dataset_key", "dataset-demo");
  add_setting(options, "dataset", "demo");
}

/* The load of the published round, watched as its team watched it. What the command line says of outputs is the first
 * part's: both would be the same file. */
static void fill_round(struct sp_options *options) {
  sp_plan_load_init(&options->load);
  options->load.stages = (char *)ROUND_STAGES;
  options->out_count = options->slo_count = 0;
  options->slo_abort = false;
  options->name = "round 1 of the published test";
  add_setting(options, "key", "app-simple");
}

static int run_on(const struct sp_options *given, const struct part *part, const char *host) {
  struct sp_err err;
  struct sp_setup setup;
  struct sp_options options = *given;
  char watch[100];
  options.host = host;
  options.arguments[0] = part->plan;
  options.argument_count = 1;
  if (options.tag_count < SP_TAGS_MAX) options.tags[options.tag_count++] = (struct sp_tag){"demo", "true"}; /* the history has it too */
  part->fill(&options);
  snprintf(watch, sizeof(watch), "scrape=%s/metrics", host);
  options.watches[0] = watch;
  options.watch_count = part->watched ? 1 : 0;
  if (sp_setup_init(&setup, &options, &err)) return sp_cli_fail(&err);
  fprintf(stderr, "%s\n\n", part->title);
  int exit_code = sp_session_run(&setup, &options, part->plan);
  sp_setup_fini(&setup);
  return exit_code;
}

static int run_part(const struct sp_options *given, const struct part *part) {
  struct sp_err err;
  struct sp_mock_thread *mock = sp_mock_thread_start(part->profile ? sp_mock_profile_find(part->profile) : NULL, &err);
  if (!mock) return sp_cli_fail(&err);
  char host[64];
  snprintf(host, sizeof(host), "http://127.0.0.1:%u", (unsigned)sp_mock_thread_port(mock));
  int exit_code = run_on(given, part, host);
  sp_mock_thread_stop(mock, NULL);
  return exit_code;
}

static int demo_run(const struct sp_options *given) {
  static const struct part parts[] = {
      {SCENARIOS, NULL, "spate demo: three scenarios of a published Dify test, on a simulated Dify", false, fill_scenarios},
      {"dify:chat", ROUND, "\nspate demo: round 1 of that test, on a simulated Dify of 8 cores with its limits: what holds it?",
       true, fill_round}};
  int exit_code = run_part(given, &parts[0]);
  return exit_code ? exit_code : run_part(given, &parts[1]);
}

static const struct sp_option *const groups[] = {sp_options_load, sp_options_slo,     sp_options_output,
                                                 sp_options_web,  sp_options_web_run, sp_options_common, NULL};

const struct sp_command sp_command_demo = {.name = "demo", .arguments = "",
    .summary = "the three scenarios against the simulated target, and a diagnosis",
    .details = "Starts the mock, runs plans/dify-three-scenarios.lua against it (20 users, 30 s) and reports. Then runs round 1 of\n"
               "the published test (up to 100 users, 32 s) on a mock with that round's limits, watches it, and says what holds it.\n"
               "Options are the first part's.\n",
    .option_groups = groups, .defaults = demo_defaults, .run = demo_run};
