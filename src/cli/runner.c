#include "cli/runner.h"

#include "base/mem.h"
#include "cli/command.h"
#include "cli/downloads.h"
#include "cli/history_place.h"
#include "cli/reach_setup.h"
#include "cli/run_diagnosis.h"
#include "cli/run_notes.h"
#include "cli/run_params.h"
#include "cli/screen.h"
#include "cli/slo_watch.h"
#include "cli/verdict.h"
#include "cli/watching.h"
#include "report/outputs.h"

#include <stdlib.h>
#include <unistd.h>

#define SP_DEAD_TARGET_NS (10 * SP_NS_PER_S) /* nothing but refused connections for so long: end the run */
#define SP_BROKEN_PLAN_NS (2 * SP_NS_PER_S)  /* nothing but errors of the plan for so long, likewise */
#define SP_BROKEN_TASKS 20u

struct sp_runner {
  struct sp_runner_options conf;
  struct sp_run *run;
  struct sp_terminal *terminal;
  struct sp_outputs outputs, kept; /* kept: for the page alone, and nobody's failure */
  struct sp_history_choice history;
  struct sp_slo_watch slos;
  struct sp_watching *watching; /* NULL: nobody looks at the target */
  int64_t real_offset_ns;       /* wall clock - monotonic, at the begin */
  bool dead_target, slo_lost, broken, interrupted, finished;
  char id[40];
  int64_t started_real_ns;
  size_t errors_logged;
  struct sp_result result, shown;
  struct sp_run_stage stages[SP_STAGES_MAX];
  struct sp_run_notes notes;
  struct sp_diagnosis diagnosis;
  struct sp_interval *since; /* NULL: never reset */
  int write_code;
};

/* -- the begin -- */

static int open_outputs(struct sp_runner *runner, struct sp_err *err) {
  const struct sp_options *options = runner->conf.options;
  int code = 0;
  for (size_t i = 0; i < options->out_count && code == 0; i++) {
    code = sp_outputs_add(&runner->outputs, options->outs[i].type, options->outs[i].path, err);
  }
  if (code == 0) sp_history_add(&runner->outputs, options, &runner->history);
  return code;
}

static void make_id(char *id, size_t size, int64_t real_ns, uint64_t seed) {
  char stamp[SP_RFC3339_SIZE];
  sp_clock_rfc3339(real_ns, stamp, sizeof(stamp));
  struct sp_rng rng;
  sp_rng_seed(&rng, (uint64_t)real_ns ^ seed, (uint64_t)getpid());
  snprintf(id, size, "%.4s%.2s%.2s-%.2s%.2s%.2s-%06llx", stamp, stamp + 5, stamp + 8, stamp + 11, stamp + 14, stamp + 17,
           (unsigned long long)(sp_rng_u64(&rng) & 0xffffff));
}

static const char *name_of(const struct sp_runner *runner) {
  return runner->conf.options->name ? runner->conf.options->name : runner->conf.plan_name;
}

static void begin_outputs(struct sp_runner *runner) {
  const struct sp_setup *setup = runner->conf.setup;
  const char *slos[SP_SLOS_MAX];
  size_t slo_count = runner->slos.none_given ? 0 : runner->slos.count;
  for (size_t i = 0; i < slo_count; i++) slos[i] = runner->slos.slos[i].text;
  struct sp_run_begin begin = {.version = SP_VERSION, .id = runner->id, .name = name_of(runner), .plan = runner->conf.plan_name,
      .host = setup->host, .real_ns = sp_clock_real_ns(), .mono_ns = sp_clock_mono_ns(), .tags = runner->conf.options->tags,
      .tag_count = runner->conf.options->tag_count, .load = &setup->load, .slos = slos, .slo_count = slo_count};
  struct sp_run_params params;
  sp_run_params_init(&params, setup->plan, &begin);
  runner->started_real_ns = begin.real_ns;
  runner->real_offset_ns = begin.real_ns - begin.mono_ns;
  make_id(runner->id, sizeof(runner->id), begin.real_ns, setup->load.seed);
  sp_outputs_begin(&runner->outputs, &begin);
  sp_outputs_begin(&runner->kept, &begin);
  if (runner->conf.web) sp_web_begin(runner->conf.web, &begin);
  sp_run_params_fini(&params);
  if (runner->history.note[0]) sp_runner_note(runner, runner->history.note);
  const char *proxy = sp_reach_ambient_proxy(&setup->reach, setup->host);
  if (!proxy) return;
  char text[SP_ERR_TEXT_MAX];
  snprintf(text, sizeof(text), "through the proxy %s of the environment (--proxy '' goes without)", proxy);
  sp_runner_note(runner, text);
}

/* To everything that has a log. */
static void log_line(struct sp_runner *runner, const char *level, const char *text) {
  sp_outputs_log(&runner->outputs, level, text);
  sp_outputs_log(&runner->kept, level, text);
  if (runner->conf.web) sp_web_log(runner->conf.web, level, text);
}

void sp_runner_note(struct sp_runner *runner, const char *text) {
  sp_terminal_note(runner->terminal, "%s", text);
  log_line(runner, "info", text);
}

static void on_output_error(void *ctx, const struct sp_err *err) {
  struct sp_runner *runner = ctx;
  runner->write_code = sp_cli_fail(err);
  log_line(runner, "error", err->text);
}

static void on_output_note(void *ctx, const char *text) { sp_runner_note(ctx, text); }

static void on_kept_error(void *ctx, const struct sp_err *err) {
  const struct sp_runner *runner = ctx;
  sp_web_log(runner->conf.web, "warn", err->text);
}

static void on_kept_note(void *ctx, const char *text) { (void)ctx, (void)text; }

/* -- the run's events -- */

static void stop_where_lost(struct sp_runner *runner, const struct sp_run_view *view) {
  if (!runner->conf.options->slo_abort || runner->slo_lost || view->phase >= SP_PHASE_ENDING) return;
  const struct sp_slo *lost = sp_slo_watch_lost(&runner->slos);
  if (!lost) return;
  char text[SP_ERR_TEXT_MAX + 60];
  runner->slo_lost = true;
  snprintf(text, sizeof(text), "ending the run: '%s' can't be met any more", lost->text);
  sp_runner_note(runner, text);
  sp_run_stop(runner->run);
}

/* A plan whose every task breaks before its first request would only burn the CPU until its time is over. */
static void stop_where_broken(struct sp_runner *runner, const struct sp_run_view *view) {
  const struct sp_interval *totals = view->totals;
  if (runner->broken || view->elapsed_ns < SP_BROKEN_PLAN_NS || view->phase >= SP_PHASE_ENDING) return;
  if (totals->cells.count + totals->probes.count > 0) return;
  if (totals->tasks < SP_BROKEN_TASKS || totals->task_errors < totals->tasks) return;
  runner->broken = true;
  sp_runner_note(runner, "every task breaks before its first request: ending the run");
  sp_run_stop(runner->run);
}

static void stop_where_dead(struct sp_runner *runner, const struct sp_run_view *view) {
  if (runner->dead_target || view->elapsed_ns < SP_DEAD_TARGET_NS || view->phase >= SP_PHASE_ENDING) return;
  if (!sp_verdict_dead_target(view->totals)) return;
  runner->dead_target = true;
  sp_runner_note(runner, "every connection has failed for 10 s: ending the run");
  sp_run_stop(runner->run);
}

static void add_since(struct sp_runner *runner, const struct sp_interval *last) {
  int64_t begin_ns = runner->since->begin_ns ? runner->since->begin_ns : last->begin_ns;
  sp_interval_merge(runner->since, last);
  runner->since->begin_ns = begin_ns;
  runner->since->end_ns = last->end_ns;
}

/* An error's first time is news for the page's log; errors keep the order in which they came. */
static void log_new_errors(struct sp_runner *runner, const struct sp_interval *totals) {
  char text[SP_NAME_MAX + SP_DETAIL_MAX + 60];
  for (; runner->errors_logged < totals->errors.count; runner->errors_logged++) {
    const struct sp_error_cell *error = totals->errors.entries[runner->errors_logged].value;
    snprintf(text, sizeof(text), "%s: %s: %s", error->name, error->kind, error->detail);
    log_line(runner, "warn", text);
  }
}

static void say_note(void *ctx, const char *text) { sp_runner_note(ctx, text); }

static void on_tick(void *ctx, const struct sp_run_view *view) {
  struct sp_runner *runner = ctx;
  if (runner->watching) sp_watching_notes(runner->watching, say_note, runner);
  sp_terminal_tick(runner->terminal, view);
  sp_outputs_tick(&runner->outputs, view);
  sp_outputs_tick(&runner->kept, view);
  sp_slo_watch_tick(&runner->slos, view);
  if (runner->since) add_since(runner, view->last);
  if (runner->conf.web) sp_web_tick(runner->conf.web, view);
  log_new_errors(runner, view->totals);
  stop_where_lost(runner, view);
  stop_where_broken(runner, view);
  stop_where_dead(runner, view);
}

static void on_end(void *ctx) {
  struct sp_runner *runner = ctx;
  runner->conf.on_end(runner->conf.ctx);
}

static int start_run(struct sp_runner *runner, struct sp_err *err) {
  struct sp_setup *setup = runner->conf.setup;
  struct sp_run_options options = {.loop = runner->conf.loop, .load = &setup->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_tick = on_tick,
      .on_end = on_end, .ctx = runner, .limits = &runner->slos.limits, .sink = sp_outputs_sink(&runner->outputs),
      .compat = runner->conf.options->compat};
  runner->run = sp_run_create(&options, err);
  if (!runner->run) return err->code;
  int code = sp_run_start(runner->run, err);
  if (code == 0) return 0;
  sp_run_destroy(runner->run);
  runner->run = NULL;
  return code;
}

int sp_runner_start(struct sp_runner *runner, struct sp_err *err) {
  int code = sp_plan_fire(runner->conf.setup->plan, "start", err);
  if (code == 0 && runner->watching) code = sp_watching_start(runner->watching, err);
  if (code) return code;
  begin_outputs(runner);
  code = start_run(runner, err);
  if (code && runner->conf.web) sp_web_abandon(runner->conf.web);
  return code;
}

void sp_runner_interrupt(struct sp_runner *runner) { runner->interrupted = true; }

void sp_runner_stop(struct sp_runner *runner, bool at_once) {
  if (!runner->run) return;
  if (at_once) sp_run_cut(runner->run);
  else sp_run_stop(runner->run);
}

/* -- the result -- */

static void fill_stages(struct sp_runner *runner, struct sp_result *result) {
  result->stages = runner->stages;
  for (size_t i = 0; i < sp_run_stage_count(runner->run); i++) sp_run_stage(runner->run, i, &runner->stages[i]);
  result->stage_count = sp_run_stage_count(runner->run);
}

static void fill_result(struct sp_runner *runner, struct sp_result *result) {
  struct sp_setup *setup = runner->conf.setup;
  const struct sp_options *options = runner->conf.options;
  *result = (struct sp_result){.version = SP_VERSION, .plan = runner->conf.plan_name, .host = setup->host,
      .name = name_of(runner), .started_real_ns = runner->started_real_ns, .seed = setup->load.seed, .tags = options->tags,
      .tag_count = options->tag_count, .load = &setup->load, .totals = sp_run_totals(runner->run),
      .slos = runner->slos.results, .slo_count = runner->slos.count, .interrupted = runner->interrupted};
  result->seen = sp_watching_seen(runner->watching);
  result->real_offset_ns = runner->real_offset_ns;
  memcpy(result->id, runner->id, sizeof(result->id));
  sp_run_facts_now(runner->run, &result->facts);
}

static void judge(struct sp_runner *runner, struct sp_result *result) {
  struct sp_validity_facts facts;
  sp_run_validity_facts(runner->run, &result->facts, &facts);
  const struct sp_setup *setup = runner->conf.setup;
  char proxies[SP_REASON_TEXT_MAX];
  facts.totals = result->totals;
  facts.shared_machine = sp_setup_shares_machine(setup);
  facts.source_count = (unsigned)setup->reach.sources.count;
  facts.proxy = sp_proxies_used(&setup->reach.proxies, proxies, sizeof(proxies));
  sp_validity_judge(&facts, &result->validity);
}

static const struct sp_result *result_of(struct sp_runner *runner, struct sp_result *result, const struct sp_interval *totals) {
  fill_result(runner, result);
  if (totals) {
    result->totals = totals;
    result->facts.measured_ns = totals->end_ns - totals->begin_ns;
  }
  judge(runner, result);
  sp_slo_watch_glance(&runner->slos, result->totals, (double)result->facts.measured_ns / 1e9);
  return result;
}

const struct sp_result *sp_runner_result(struct sp_runner *runner) {
  if (runner->finished) return &runner->result;
  return runner->run ? result_of(runner, &runner->shown, NULL) : NULL;
}

const struct sp_result *sp_runner_shown(struct sp_runner *runner) {
  if (runner->finished || !runner->run) return sp_runner_result(runner);
  return result_of(runner, &runner->shown, runner->since);
}

int sp_runner_write_now(struct sp_runner *runner, const struct sp_report_type *type, const char *path, struct sp_err *err) {
  return sp_outputs_write_now(&runner->kept, type, sp_runner_result(runner), path, err);
}

void sp_runner_reset(struct sp_runner *runner) {
  sp_interval_destroy(runner->since);
  runner->since = sp_interval_create();
}

static void add_notes(struct sp_runner *runner, struct sp_result *result) {
  sp_run_notes_take(&runner->notes, result->totals);
  result->notes = runner->notes.list;
  result->note_count = runner->notes.count;
}

static void finish_watching(struct sp_runner *runner) {
  const struct sp_interval *totals = sp_run_totals(runner->run);
  if (!runner->watching) return;
  sp_watching_finish(runner->watching, totals->begin_ns + runner->real_offset_ns, totals->end_ns + runner->real_offset_ns);
  sp_watching_notes(runner->watching, say_note, runner);
}

int sp_runner_finish(struct sp_runner *runner) {
  struct sp_result *result = &runner->result;
  struct sp_err err;
  finish_watching(runner);
  fill_result(runner, result);
  fill_stages(runner, result);
  judge(runner, result);
  sp_slo_watch_judge(&runner->slos, result->totals, (double)result->facts.measured_ns / 1e9);
  add_notes(runner, result);
  bool shared = sp_setup_shares_machine(runner->conf.setup);
  if (sp_run_diagnose(result, !runner->slos.none_given, shared, &runner->diagnosis)) result->diagnosis = &runner->diagnosis;
  runner->finished = true;
  sp_terminal_summary(runner->terminal, result);
  sp_outputs_write(&runner->outputs, result, on_output_error, on_output_note, runner);
  sp_outputs_write(&runner->kept, result, on_kept_error, on_kept_note, runner);
  if (runner->conf.web) sp_web_end(runner->conf.web, result);
  int exit_code = sp_verdict_exit(result);
  if (exit_code == SP_EXIT_OK) exit_code = runner->write_code;
  return sp_plan_fire(runner->conf.setup->plan, "stop", &err) ? sp_cli_fail(&err) : exit_code;
}

/* -- life -- */

/* An open loop's pool, and a shape of the plan's own, grow as far as they have to: too low a limit there shows as failed
 * connections, if ever. */
static int raise_file_limit(const struct sp_runner_options *options, struct sp_err *err) {
  const struct sp_load *load = &options->setup->load;
  uint64_t beside = options->web ? SP_WEB_CONNECTIONS_MAX : 0;
  struct sp_err ignored;
  if (load->kind != SP_LOAD_RATE && !load->shape) return sp_raise_file_limit(sp_load_users_most(load) + beside, err);
  if (load->max_in_flight) return sp_raise_file_limit(load->max_in_flight + beside, err);
  (void)sp_raise_file_limit(sp_load_max_in_flight(load) + beside, &ignored);
  return 0;
}

static int open_slos(struct sp_runner *runner, struct sp_err *err) {
  const struct sp_options *options = runner->conf.options;
  const struct sp_plan *plan = runner->conf.setup->plan;
  int code = sp_slo_watch_init(&runner->slos, options->slos, options->slo_count, plan->slos, plan->slo_count, err);
  if (code || !options->slo_abort || sp_slo_watch_has_windows(&runner->slos)) return code;
  return sp_fail(err, SP_EUSAGE, "--slo-abort ends a run by an SLO with a window, and there is none: write one like "
                 "'p95(ttft) < 2s over 30s'");
}

struct sp_runner *sp_runner_create(const struct sp_runner_options *options, struct sp_err *err) {
  struct sp_runner *runner = sp_alloc(sizeof(*runner));
  const struct sp_options *given = options->options;
  runner->conf = *options;
  if (open_slos(runner, err) || raise_file_limit(options, err) || open_outputs(runner, err) ||
      sp_watching_open(&runner->watching, given, options->setup->plan, err)) {
    sp_runner_destroy(runner);
    return NULL;
  }
  if (options->keep) sp_downloads_keep(&runner->kept, options->keep);
  runner->terminal = sp_screen_open(given);
  return runner;
}

void sp_runner_destroy(struct sp_runner *runner) {
  if (!runner) return;
  sp_run_destroy(runner->run);
  sp_watching_close(runner->watching);
  sp_diagnosis_fini(&runner->diagnosis);
  if (runner->terminal) sp_terminal_destroy(runner->terminal);
  sp_outputs_close(&runner->outputs);
  sp_outputs_close(&runner->kept);
  sp_slo_watch_fini(&runner->slos);
  sp_interval_destroy(runner->since);
  free(runner);
}

struct sp_run *sp_runner_run(const struct sp_runner *runner) { return runner->run; }

const char *sp_runner_out_path(const struct sp_runner *runner, const char *kind) {
  const struct sp_options *options = runner->conf.options;
  for (size_t i = 0; i < options->out_count; i++) {
    const struct sp_out *out = &options->outs[i];
    if (strcmp(out->type->name, kind) == 0 && strcmp(out->path, "-") != 0) return out->path;
  }
  return NULL;
}

const char *sp_runner_id(const struct sp_runner *runner) { return runner->id; }
const struct sp_load *sp_runner_load(const struct sp_runner *runner) { return &runner->conf.setup->load; }
bool sp_runner_ended(const struct sp_runner *runner) { return runner->finished; }
