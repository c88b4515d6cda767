/* spate capacity: the highest load that keeps its service levels, and the table of the trials that say so. */
#include "cli/capacity.h"
#include "cli/command.h"

#include "base/mem.h"
#include "base/units.h"
#include "cli/reach_setup.h"
#include "cli/stop_signals.h"
#include "report/out_file.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct outputs {
  struct sp_out_file files[SP_OUTS_MAX];
  size_t count;
  int64_t begun_real_ns, begun_mono_ns;
};

/* -- outputs -- */

static int open_outputs(struct outputs *outputs, const struct sp_options *options, struct sp_err *err) {
  for (size_t i = 0; i < options->out_count; i++) {
    if (strcmp(options->outs[i].type->name, "json") != 0) {
      return sp_fail(err, SP_EUSAGE, "capacity writes json only: --out json=PATH, not %s", options->outs[i].type->name);
    }
    int code = sp_out_file_open(&outputs->files[outputs->count], options->outs[i].path, err);
    if (code) return code;
    outputs->count++;
  }
  return 0;
}

static void close_outputs(struct outputs *outputs) {
  for (size_t i = 0; i < outputs->count; i++) sp_out_file_close(&outputs->files[i]);
}

/* What a document says of this run of the program; a search has no interval of its own. */
static void fill_run(const struct sp_capacity *capacity, const struct outputs *outputs, struct sp_result *run) {
  const struct sp_options *options = capacity->options;
  *run = (struct sp_result){.version = SP_VERSION, .name = options->name ? options->name : capacity->plan_name,
      .plan = capacity->plan_name, .host = capacity->setup->host, .started_real_ns = outputs->begun_real_ns,
      .seed = capacity->setup->load.seed, .tags = options->tags, .tag_count = options->tag_count, .load = &capacity->setup->load,
      .interrupted = capacity->signals > 0};
  run->facts.duration_ns = sp_clock_mono_ns() - outputs->begun_mono_ns;
  run->facts.threads = capacity->setup->load.threads;
  double measured_s = 0, users_most = 0;
  for (size_t i = 0; i < capacity->search.count; i++) {
    measured_s += capacity->search.trials[i].measured_s;
    users_most = fmax(users_most, capacity->search.options.whole ? capacity->search.trials[i].load : 0);
  }
  run->facts.measured_ns = (int64_t)(measured_s * 1e9);
  run->facts.users_max = (uint64_t)users_most;
  char stamp[SP_RFC3339_SIZE];
  sp_clock_rfc3339(outputs->begun_real_ns, stamp, sizeof(stamp));
  snprintf(run->id, sizeof(run->id), "%.4s%.2s%.2s-%.2s%.2s%.2s-%06x", stamp, stamp + 5, stamp + 8, stamp + 11, stamp + 14,
           stamp + 17, (unsigned)((uint64_t)outputs->begun_real_ns ^ (uint64_t)getpid()) & 0xffffff);
}

/* The document as text, which the caller frees; `run` is filled in for it. */
static char *make_document(const struct sp_capacity *capacity, const struct outputs *outputs, struct sp_result *run) {
  fill_run(capacity, outputs, run);
  struct sp_capacity_result result = {.run = run, .search = &capacity->search, .reason = capacity->reason,
      .diagnosis = capacity->diagnosed ? &capacity->diagnosis : NULL, .answers = capacity->answers,
      .answer_count = capacity->answers ? capacity->options->capacity.what_if_count : 0};
  for (size_t g = 0; g < capacity->goals.count; g++) {
    result.goals[g].slos = capacity->goals.items[g].slos;
    result.goals[g].count = capacity->goals.items[g].count;
  }
  return sp_capacity_json(&result);
}

static int write_outputs(struct outputs *outputs, const char *document, struct sp_err *err) {
  struct sp_buf text;
  sp_buf_init(&text, SP_CAPACITY_DOCUMENT_MAX);
  int code = sp_buf_printf(&text, "%s\n", document);
  if (code) code = sp_fail(err, SP_ELIMIT, "the document would be over %u bytes", SP_CAPACITY_DOCUMENT_MAX);
  for (size_t i = 0; i < outputs->count && code == 0; i++) code = sp_out_file_write(&outputs->files[i], text.bytes, text.len, err);
  sp_buf_fini(&text);
  return code;
}

/* The document goes to the outputs, and into the history, where what is in the way costs a sentence and nothing else. */
static int finish(const struct sp_capacity *capacity, struct outputs *outputs, struct sp_err *err) {
  struct sp_result run;
  char *document = make_document(capacity, outputs, &run);
  if (!document) return sp_fail(err, SP_EIO, "cannot make the JSON document: out of memory");
  int code = write_outputs(outputs, document, err);
  if (capacity->search.count > 0) sp_capacity_history(capacity, &run, document);
  free(document);
  return code;
}

static int keep(const struct sp_capacity *capacity, struct sp_err *err) {
  return capacity->state_path ? sp_capacity_state_save(capacity, capacity->state_path, err) : 0;
}

/* -- signals -- */

static void on_signal(void *ctx, unsigned count) {
  struct sp_capacity *capacity = ctx;
  capacity->signals = count;
  if (count == 1) {
    fputs("\n  stopping: started requests may finish (Ctrl-C again stops at once)\n", capacity->show);
    fflush(capacity->show);
  }
  if (!capacity->run) return;
  if (count == 1) sp_run_stop(capacity->run);
  else sp_run_cut(capacity->run);
}

static void on_closed(void *ctx) { sp_loop_stop(((struct sp_capacity *)ctx)->loop); }

/* -- the search -- */

static int search(struct sp_capacity *capacity, struct sp_err *err) {
  struct sp_search_ask ask;
  int code = 0;
  while (code == 0 && capacity->signals == 0 && sp_search_next(&capacity->search, &ask)) {
    struct sp_search_trial trial;
    code = sp_capacity_trial(capacity, &ask, &trial, err);
    if (code || capacity->signals) break; /* a trial that was cut short says nothing */
    sp_search_add(&capacity->search, &trial);
    sp_capacity_show_trial(capacity, &trial);
    code = keep(capacity, err);
  }
  return code;
}

static int search_with_signals(struct sp_capacity *capacity, struct sp_err *err) {
  struct sp_stop_signals signals = {.on_signal = on_signal, .on_closed = on_closed, .ctx = capacity};
  int code = sp_stop_signals_open(&signals, capacity->loop, err);
  if (code) return code;
  code = search(capacity, err);
  sp_stop_signals_close(&signals);
  sp_loop_run(capacity->loop);
  return code;
}

static int exit_code_of(const struct sp_capacity *capacity) {
  bool able = true, has_lower = true;
  for (size_t g = 0; g < capacity->goals.count; g++) {
    struct sp_search_result result;
    sp_search_result(&capacity->search, g, &result);
    able &= result.verdict != SP_SEARCH_NOT_ABLE;
    has_lower &= !isnan(result.lower);
  }
  if (capacity->signals) return SP_EXIT_INTERRUPTED;
  return !able ? SP_EXIT_INVALID : has_lower ? SP_EXIT_OK : SP_EXIT_SLO_MISSED;
}

/* -- what looks at the target meanwhile -- */

static void diagnose(struct sp_capacity *capacity) {
  const struct sp_observations *seen = sp_watching_seen(capacity->watching);
  if (capacity->watching) {
    sp_watching_finish(capacity->watching, capacity->begun_real_ns, sp_clock_real_ns());
    sp_watching_notes(capacity->watching, sp_capacity_show_note, capacity);
  }
  capacity->diagnosed = sp_steps_can_tell(&capacity->steps, seen);
  if (!capacity->diagnosed) return;
  sp_steps_diagnose(&capacity->steps, seen, sp_setup_shares_machine(capacity->setup), &capacity->diagnosis);
}

static void answer(struct sp_capacity *capacity) {
  const struct sp_capacity_options *options = &capacity->options->capacity;
  if (options->what_if_count == 0) return;
  capacity->answers = sp_alloc_array(options->what_if_count, sizeof(*capacity->answers));
  sp_steps_ask(&capacity->steps, sp_watching_seen(capacity->watching), options->what_ifs, options->what_if_count,
               capacity->answers);
}

static int search_watched(struct sp_capacity *capacity, struct sp_err *err) {
  int code = capacity->watching ? sp_watching_start(capacity->watching, err) : 0;
  if (code == 0) code = search_with_signals(capacity, err);
  if (code) return code;
  diagnose(capacity);
  answer(capacity);
  return 0;
}

static int run_all(struct sp_capacity *capacity, struct outputs *outputs, struct sp_err *err) {
  const char *proxy = sp_reach_ambient_proxy(&capacity->setup->reach, capacity->setup->host);
  if (proxy) fprintf(capacity->show, "through the proxy %s of the environment (--proxy '' goes without)\n", proxy);
  outputs->begun_real_ns = capacity->begun_real_ns = sp_clock_real_ns();
  outputs->begun_mono_ns = sp_clock_mono_ns();
  capacity->real_offset_ns = outputs->begun_real_ns - outputs->begun_mono_ns;
  sp_capacity_show_begin(capacity);
  int code = sp_plan_fire(capacity->setup->plan, "start", err);
  if (code == 0) code = search_watched(capacity, err);
  if (code) return sp_cli_fail(err);
  sp_capacity_show_end(capacity);
  code = finish(capacity, outputs, err);
  if (code == 0) code = sp_plan_fire(capacity->setup->plan, "stop", err);
  return code ? sp_cli_fail(err) : exit_code_of(capacity);
}

/* -- from options -- */

static int prepare(struct sp_capacity *capacity, struct outputs *outputs, struct sp_err *err) {
  const struct sp_options *options = capacity->options;
  struct sp_search_options search_options;
  struct sp_err ignored;
  int code = sp_capacity_goals_init(&capacity->goals, options, capacity->setup->plan, err);
  if (code == 0) code = sp_capacity_options_read(options, &capacity->goals, &search_options, err);
  if (code) return code;
  sp_search_init(&capacity->search, &search_options);
  capacity->state_path = options->capacity.state ? options->capacity.state : options->capacity.resume;
  if (options->capacity.resume) code = sp_capacity_state_load(capacity, options->capacity.resume, err);
  if (code == 0) code = open_outputs(outputs, options, err);
  if (code == 0) code = sp_watching_open(&capacity->watching, options, capacity->setup->plan, err);
  if (code == 0) code = keep(capacity, err); /* that it can be is known before the first trial */
  if (code) return code;
  (void)sp_raise_file_limit(search_options.whole ? SP_USERS_MAX : SP_MAX_IN_FLIGHT, &ignored); /* as far as it goes */
  capacity->loop = sp_loop_create(err);
  return capacity->loop ? 0 : err->code;
}

/* The plan's own shape is not what is searched: one of the kind that is stands in for it, with a thread each processor. */
static int set_up(struct sp_setup *setup, const struct sp_options *options, struct sp_err *err) {
  struct sp_options changed = *options;
  bool by_users = options->capacity.by_users || options->capacity.ladder;
  if (by_users) changed.load.users = SP_USERS_MAX;
  else changed.load.rate = (char *)"1/s";
  changed.load.warm_up_ns = 0;
  changed.load.run_time_ns = SP_NS_PER_S;
  int code = sp_setup_init(setup, &changed, err);
  if (code) return code;
  if (options->load.spawn_per_s <= 0) setup->load.spawn_per_s = 0; /* trials don't come in as slowly as the plan's users */
  setup->conf.replaying = false;
  return 0;
}

static int capacity_run(const struct sp_options *options) {
  struct sp_setup setup;
  struct sp_err err;
  if (set_up(&setup, options, &err)) return sp_cli_fail(&err);
  struct outputs outputs = {0};
  struct sp_capacity *capacity = sp_alloc(sizeof(*capacity));
  capacity->options = options;
  capacity->setup = &setup;
  sp_steps_init(&capacity->steps);
  capacity->plan_name = options->arguments[0];
  capacity->show = sp_options_use_stdout(options) ? stderr : stdout; /* a document stays alone there */
  capacity->moves = isatty(fileno(capacity->show)) == 1;
  int exit_code = prepare(capacity, &outputs, &err) ? sp_cli_fail(&err) : run_all(capacity, &outputs, &err);
  close_outputs(&outputs);
  if (capacity->loop) sp_loop_destroy(capacity->loop);
  sp_watching_close(capacity->watching);
  sp_steps_fini(&capacity->steps);
  sp_diagnosis_fini(&capacity->diagnosis);
  free(capacity->answers);
  sp_capacity_goals_fini(&capacity->goals);
  sp_setup_fini(&setup);
  free(capacity);
  return exit_code;
}

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_capacity, sp_options_capacity_load, sp_options_watch,
                                                 sp_options_http, sp_options_capacity_output, sp_options_common, NULL};

const struct sp_command sp_command_capacity = {.name = "capacity", .arguments = "PLAN",
    .summary = "search the highest load that keeps its service levels",
    .details = "Runs trials one after the other, first short ones at loads that double, then long ones around the answer.\n"
               "What the plan says of its load is left out. Exit code 3 where no load keeps the goal, 4 where this\n"
               "machine was the limit (docs/capacity.md).\n",
    .arguments_min = 1, .arguments_max = 1, .option_groups = groups, .run = capacity_run};
