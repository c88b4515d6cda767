#include "cli/session.h"

#include "base/mem.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/reach_setup.h"
#include "cli/run_notes.h"
#include "cli/slo_watch.h"
#include "cli/verdict.h"
#include "report/outputs.h"
#include "report/terminal.h"
#include "web/metrics.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SP_DEAD_TARGET_NS (10 * SP_NS_PER_S) /* nothing but refused connections for so long: end the run */

#define SP_BROKEN_PLAN_NS (2 * SP_NS_PER_S)    /* nothing but errors of the plan for so long, likewise */
#define SP_BROKEN_TASKS 20u
#define SP_WIDTH_ASKED_MAX 1000u /* columns */

struct session {
  struct sp_setup *setup;
  const struct sp_options *options;
  const char *plan_name;
  struct sp_loop *loop;
  struct sp_run *run;
  struct sp_terminal *terminal;
  struct sp_signal interrupt, terminate;
  unsigned signals;
  bool ended, dead_target, slo_lost, broken;
  struct sp_outputs outputs;
  struct sp_slo_watch slos;
  char id[40];
  int64_t started_real_ns;
  int write_code;
};

/* -- outputs -- */

static int open_outputs(struct session *session, struct sp_err *err) {
  const struct sp_options *options = session->options;
  int code = 0;
  for (size_t i = 0; i < options->out_count && code == 0; i++) {
    code = sp_outputs_add(&session->outputs, options->outs[i].type, options->outs[i].path, err);
  }
  if (code == 0 && options->web) code = sp_outputs_add(&session->outputs, &sp_report_web, options->web, err);
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

static const char *name_of(const struct session *session) {
  return session->options->name ? session->options->name : session->plan_name;
}

static void begin_outputs(struct session *session) {
  struct sp_run_begin begin = {.version = SP_VERSION, .id = session->id, .name = name_of(session), .plan = session->plan_name,
      .host = session->setup->host, .real_ns = sp_clock_real_ns(), .mono_ns = sp_clock_mono_ns(),
      .tags = session->options->tags, .tag_count = session->options->tag_count, .load = &session->setup->load};
  session->started_real_ns = begin.real_ns;
  make_id(session->id, sizeof(session->id), begin.real_ns, session->setup->load.seed);
  sp_outputs_begin(&session->outputs, &begin);
  const char *proxy = sp_reach_ambient_proxy(&session->setup->reach, session->setup->host);
  if (proxy) sp_terminal_note(session->terminal, "through the proxy %s of the environment (--proxy '' goes without)", proxy);
  if (!session->options->web) return;
  const char *url = sp_web_url(session->outputs.items[session->outputs.count - 1].report);
  sp_terminal_note(session->terminal, "live: %s, for Prometheus: %smetrics", url, url);
}

static void on_output_error(void *ctx, const struct sp_err *err) {
  struct session *session = ctx;
  session->write_code = sp_cli_fail(err);
}

static void on_output_note(void *ctx, const char *text) {
  struct session *session = ctx;
  sp_terminal_note(session->terminal, "%s", text);
}

static bool is_set(const char *variable) {
  const char *value = getenv(variable);
  return value && *value;
}

/* What is no terminal has no width of its own; whoever reads it may say theirs. 0: nobody did. */
static int width_asked_for(void) {
  uint64_t columns = 0;
  struct sp_err ignored;
  if (!is_set("COLUMNS") || sp_parse_count(getenv("COLUMNS"), &columns, &ignored)) return 0;
  return columns > SP_WIDTH_ASKED_MAX ? 0 : (int)columns;
}

static struct sp_terminal *open_terminal(const struct sp_options *options) {
  FILE *out = sp_options_use_stdout(options) ? stderr : stdout; /* a document on standard output stays alone there */
  bool is_terminal = isatty(fileno(out));
  const char *kind = getenv("TERM");
  bool moves = is_terminal && !(kind && strcmp(kind, "dumb") == 0);
  struct sp_terminal_options terminal = {.out = out, .live = moves && !options->quiet, .quiet = options->quiet,
      .width = is_terminal ? 0 : width_asked_for(), .color = moves && !options->no_color && !is_set("NO_COLOR")};
  return sp_terminal_create(&terminal);
}

/* -- the run's events -- */

static void on_signal(struct session *session) {
  session->signals++;
  if (session->signals == 1) {
    sp_terminal_note(session->terminal, "stopping: started requests may finish (Ctrl-C again stops at once)");
    sp_run_stop(session->run);
  } else if (session->signals == 2) {
    sp_run_cut(session->run);
  } else {
    _exit(SP_EXIT_INTERRUPTED);
  }
}

static void on_interrupt(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct session, interrupt)); }
static void on_terminate(struct sp_signal *signal) { on_signal(sp_container_of(signal, struct session, terminate)); }

static void stop_where_lost(struct session *session, const struct sp_run_view *view) {
  if (!session->options->slo_abort || session->slo_lost || view->phase >= SP_PHASE_ENDING) return;
  const struct sp_slo *lost = sp_slo_watch_lost(&session->slos);
  if (!lost) return;
  session->slo_lost = true;
  sp_terminal_note(session->terminal, "ending the run: '%s' can't be met any more", lost->text);
  sp_run_stop(session->run);
}

/* A plan whose every task breaks before its first request would only burn the CPU until its time is over. */
static void stop_where_broken(struct session *session, const struct sp_run_view *view) {
  const struct sp_interval *totals = view->totals;
  if (session->broken || view->elapsed_ns < SP_BROKEN_PLAN_NS || view->phase >= SP_PHASE_ENDING) return;
  if (totals->cells.count + totals->probes.count > 0) return;
  if (totals->tasks < SP_BROKEN_TASKS || totals->task_errors < totals->tasks) return;
  session->broken = true;
  sp_terminal_note(session->terminal, "every task breaks before its first request: ending the run");
  sp_run_stop(session->run);
}

static void on_tick(void *ctx, const struct sp_run_view *view) {
  struct session *session = ctx;
  sp_terminal_tick(session->terminal, view);
  sp_outputs_tick(&session->outputs, view);
  sp_slo_watch_tick(&session->slos, view);
  stop_where_lost(session, view);
  stop_where_broken(session, view);
  if (session->dead_target || view->elapsed_ns < SP_DEAD_TARGET_NS || view->phase >= SP_PHASE_ENDING) return;
  if (!sp_verdict_dead_target(view->totals)) return;
  session->dead_target = true;
  sp_terminal_note(session->terminal, "every connection has failed for 10 s: ending the run");
  sp_run_stop(session->run);
}

static void on_signals_closed(struct sp_signal *signal) {
  struct session *session = sp_container_of(signal, struct session, terminate);
  sp_loop_stop(session->loop);
}

static void on_end(void *ctx) {
  struct session *session = ctx;
  session->ended = true;
  sp_signal_close(&session->interrupt, NULL);
  sp_signal_close(&session->terminate, on_signals_closed);
}

static int start_run(struct session *session, struct sp_err *err) {
  struct sp_setup *setup = session->setup;
  struct sp_run_options options = {.loop = session->loop, .load = &setup->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_tick = on_tick,
      .on_end = on_end, .ctx = session, .limits = &session->slos.limits, .sink = sp_outputs_sink(&session->outputs),
      .compat = session->options->compat};
  session->run = sp_run_create(&options, err);
  if (!session->run) return err->code;
  int code = sp_signal_open(&session->interrupt, session->loop, SIGINT, on_interrupt, err);
  if (code) return code;
  code = sp_signal_open(&session->terminate, session->loop, SIGTERM, on_terminate, err);
  if (code) goto close_interrupt;
  code = sp_run_start(session->run, err);
  if (code == 0) return 0;
  sp_signal_close(&session->terminate, NULL);
close_interrupt:
  sp_signal_close(&session->interrupt, NULL);
  return code;
}

/* -- the end -- */

static int finish(struct session *session) {
  struct sp_setup *setup = session->setup;
  struct sp_result result = {.version = SP_VERSION, .plan = session->plan_name, .host = setup->host,
      .name = name_of(session), .started_real_ns = session->started_real_ns,
      .seed = setup->load.seed, .tags = session->options->tags, .tag_count = session->options->tag_count, .load = &setup->load,
      .totals = sp_run_totals(session->run), .slos = session->slos.results, .interrupted = session->signals > 0};
  memcpy(result.id, session->id, sizeof(result.id));
  sp_run_facts(session->run, &result.facts);
  struct sp_run_stage stages[SP_STAGES_MAX];
  result.stages = stages;
  for (; result.stage_count < sp_run_stage_count(session->run); result.stage_count++) {
    sp_run_stage(session->run, result.stage_count, &stages[result.stage_count]);
  }
  struct sp_validity_facts facts;
  sp_run_validity_facts(session->run, &result.facts, &facts);
  char proxies[SP_REASON_TEXT_MAX];
  facts.shared_machine = sp_is_loopback(setup->host) || setup->reach.unix_socket.len > 0;
  facts.source_count = (unsigned)setup->reach.sources.count;
  facts.proxy = sp_proxies_used(&setup->reach.proxies, proxies, sizeof(proxies));
  sp_validity_judge(&facts, &result.validity);
  sp_slo_watch_judge(&session->slos, result.totals, (double)result.facts.measured_ns / 1e9);
  result.slo_count = session->slos.count;
  struct sp_run_notes notes;
  sp_run_notes_take(&notes, result.totals);
  result.notes = notes.list;
  result.note_count = notes.count;
  sp_terminal_summary(session->terminal, &result);
  sp_outputs_write(&session->outputs, &result, on_output_error, on_output_note, session);
  int exit_code = sp_verdict_exit(&result);
  return exit_code == SP_EXIT_OK ? session->write_code : exit_code;
}

static int run_to_end(struct session *session, struct sp_err *err) {
  int code = sp_plan_fire(session->setup->plan, "start", err);
  if (code == 0) begin_outputs(session);
  if (code == 0) code = start_run(session, err);
  if (code) return sp_cli_fail(err);
  sp_loop_run(session->loop);
  int exit_code = finish(session);
  if (sp_plan_fire(session->setup->plan, "stop", err)) return sp_cli_fail(err);
  return exit_code;
}

/* An open loop's pool, and a shape of the plan's own, grow as far as they have to: too low a limit there shows as failed
 * connections, if ever. */
static int raise_file_limit(const struct sp_load *load, struct sp_err *err) {
  struct sp_err ignored;
  if (load->kind != SP_LOAD_RATE && !load->shape) return sp_raise_file_limit(sp_load_users_most(load), err);
  if (load->max_in_flight) return sp_raise_file_limit(load->max_in_flight, err);
  (void)sp_raise_file_limit(sp_load_max_in_flight(load), &ignored);
  return 0;
}

static int open_slos(struct session *session, struct sp_err *err) {
  const struct sp_options *options = session->options;
  const struct sp_plan *plan = session->setup->plan;
  int code = sp_slo_watch_init(&session->slos, options->slos, options->slo_count, plan->slos, plan->slo_count, err);
  if (code || !options->slo_abort || sp_slo_watch_has_windows(&session->slos)) return code;
  return sp_fail(err, SP_EUSAGE, "--slo-abort ends a run by an SLO with a window, and there is none: write one like "
                 "'p95(ttft) < 2s over 30s'");
}

int sp_session_run(struct sp_setup *setup, const struct sp_options *options, const char *plan_name) {
  struct sp_err err;
  struct session session = {.setup = setup, .options = options, .plan_name = plan_name};
  int exit_code;
  if (open_slos(&session, &err) || raise_file_limit(&setup->load, &err) || open_outputs(&session, &err)) {
    sp_outputs_close(&session.outputs);
    sp_slo_watch_fini(&session.slos);
    return sp_cli_fail(&err);
  }
  session.loop = sp_loop_create(&err);
  session.terminal = open_terminal(options);
  exit_code = session.loop ? run_to_end(&session, &err) : sp_cli_fail(&err);
  sp_run_destroy(session.run);
  sp_terminal_destroy(session.terminal);
  sp_outputs_close(&session.outputs);
  if (session.loop) sp_loop_destroy(session.loop);
  sp_slo_watch_fini(&session.slos);
  return exit_code;
}
