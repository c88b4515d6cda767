#include "cli/command.h"

#include "base/mem.h"
#include "cli/reach_setup.h"
#include "cli/setup.h"
#include "cli/task_pick.h"
#include "cli/timeline.h"
#include "cli/verdict.h"
#include "report/terminal.h"

#include <signal.h>
#include <unistd.h>

struct trial { /* one task, once */
  struct sp_loop *loop;
  struct sp_run *run;
  struct sp_os_signal interrupt;
  unsigned signals;
};

static void on_interrupt(struct sp_os_signal *signal) {
  struct trial *trial = sp_container_of(signal, struct trial, interrupt);
  if (trial->signals++) _exit(SP_EXIT_INTERRUPTED);
  sp_run_cut(trial->run);
}

static void on_signal_closed(struct sp_os_signal *signal) { sp_loop_stop(sp_container_of(signal, struct trial, interrupt)->loop); }

static void on_end(void *ctx) {
  struct trial *trial = ctx;
  sp_signal_close(&trial->interrupt, on_signal_closed);
}

/* Runs the setup's load with the classes as they are weighted now. */
static int run_once(struct sp_setup *setup, struct trial *trial, struct sp_err *err) {
  struct sp_run_options options = {.loop = trial->loop, .load = &setup->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_end = on_end, .ctx = trial};
  trial->run = sp_run_create(&options, err);
  if (!trial->run) return err->code;
  int code = sp_signal_open(&trial->interrupt, trial->loop, SIGINT, on_interrupt, err);
  if (code) return code;
  code = sp_run_start(trial->run, err);
  if (code == 0) sp_loop_run(trial->loop);
  else sp_signal_close(&trial->interrupt, NULL);
  return code;
}

/* What a failed try should make its reader do. */
static void print_remedies(const struct sp_interval *totals) {
  for (size_t i = 0; i < totals->errors.count; i++) {
    const struct sp_error_cell *error = totals->errors.entries[i].value;
    const char *remedy = sp_remedy(error->kind, error->detail);
    if (remedy) printf("  → %s\n", remedy);
  }
}

static int try_task(struct sp_setup *setup, struct sp_timeline *timeline, bool *dead) {
  struct sp_err err;
  struct trial trial = {0};
  trial.loop = sp_loop_create(&err);
  if (!trial.loop) return sp_cli_fail(&err);
  setup->conf.tap = &timeline->tap;
  int exit_code = run_once(setup, &trial, &err) ? sp_cli_fail(&err) : SP_EXIT_OK;
  if (exit_code == SP_EXIT_OK && trial.signals) exit_code = SP_EXIT_INTERRUPTED;
  if (exit_code == SP_EXIT_OK) {
    print_remedies(sp_run_totals(trial.run));
    *dead |= sp_verdict_dead_target(sp_run_totals(trial.run));
  }
  sp_run_destroy(trial.run);
  sp_loop_destroy(trial.loop);
  return exit_code;
}

static int try_all(struct sp_setup *setup, struct sp_timeline *timeline) {
  struct sp_task_pick picks[SP_TASKS_MAX];
  size_t count = sp_task_pick_all(setup->plan, NULL, picks, SP_TASKS_MAX);
  bool dead = false;
  for (size_t i = 0; i < count; i++) {
    sp_task_pick_only(setup->plan, picks[i]);
    int exit_code = try_task(setup, timeline, &dead);
    if (exit_code) return exit_code;
  }
  if (dead) return SP_EXIT_CANNOT_RUN;
  return timeline->failures || timeline->task_errors ? SP_EXIT_SLO_MISSED : SP_EXIT_OK;
}

static int try_run(const struct sp_options *options) {
  struct sp_setup setup;
  struct sp_err err;
  if (sp_setup_init(&setup, options, &err)) return sp_cli_fail(&err);
  sp_task_pick_load(&setup.load);
  setup.conf.replaying = false;
  const char *proxy = sp_reach_ambient_proxy(&setup.reach, setup.host);
  if (proxy) printf("through the proxy %s of the environment (--proxy '' goes without)\n", proxy);
  struct sp_timeline timeline;
  sp_timeline_init(&timeline, stdout, setup.plan);
  int exit_code = sp_plan_fire(setup.plan, "start", &err) ? sp_cli_fail(&err) : try_all(&setup, &timeline);
  if (sp_plan_fire(setup.plan, "stop", &err)) exit_code = sp_cli_fail(&err);
  sp_timeline_fini(&timeline);
  sp_setup_fini(&setup);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_http, sp_options_common, NULL};

const struct sp_command sp_command_try = {.name = "try", .arguments = "PLAN",
    .summary = "one user, each task once: every event as it arrives with its time",
    .details = "For writing and debugging plans. Exit code 3 when a request or task failed.\n",
    .arguments_min = 1, .arguments_max = 1, .option_groups = groups, .run = try_run};
