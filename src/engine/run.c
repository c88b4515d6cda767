/*
 * The control of a run (engine/run.h): begin, ticks, phases, end. It speaks with the workers by the messages of
 * engine/inside.h only.
 */
#include "base/check.h"
#include "base/mem.h"
#include "engine/control.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS SP_NS_PER_S

const char *sp_phase_name(enum sp_phase phase) {
  static const char *const names[] = { "spawning", "steady", "ending", "ended" };
  return names[phase];
}

static int64_t now_of(const struct sp_run *run) { return sp_loop_now(run->options.loop); }

static void post_all(struct sp_run *run, void (*fn)(void *worker)) {
  for (unsigned i = 0; i < run->threads; i++) sp_loop_post(run->workers[i]->loop, fn, run->workers[i]);
}

/* -- what observers see -- */

static uint64_t in_flight_of(const struct sp_run *run) {
  int64_t sum = 0;
  for (unsigned i = 0; i < run->threads; i++)
    sum += atomic_load_explicit(&run->workers[i]->in_flight, memory_order_relaxed);
  return (uint64_t)sum;
}

static void show(struct sp_run *run, int64_t now_ns) {
  if (run->options.on_tick == NULL) return;
  struct sp_run_view view = {
    .phase = run->phase,
    .elapsed_ns = now_ns - run->shared.start_ns,
    .load = &run->load,
    .users = atomic_load(&run->shared.users_alive),
    .users_target = sp_run_users_target(run),
    .in_flight = in_flight_of(run),
    .rate_target = sp_run_rate_target(run),
    .stage = sp_run_stage_now(run),
    .last = run->last,
    .counted = run->counted ? run->counted : run->last,
    .totals = run->totals,
  };
  run->options.on_tick(run->options.ctx, &view);
}

static void merge_slot(struct sp_run *run, size_t slot, const struct sp_interval *interval) {
  sp_interval_merge(run->filling, interval);
  sp_run_facts_take(run, interval);
  if (slot == 0) return; /* the warm-up */
  sp_interval_merge(run->totals, interval);
  if (run->filling_counted) sp_interval_merge(run->filling_counted, interval);
  if (run->stage_count > 0) sp_interval_merge(run->stage_totals[slot - 1], interval);
}

static void merge_intervals(struct sp_run *run, struct sp_worker_message *message) {
  for (size_t slot = 0; slot < run->shared.slots.count; slot++) {
    if (message->slots[slot] == NULL) continue;
    merge_slot(run, slot, message->slots[slot]);
    sp_interval_destroy(message->slots[slot]);
  }
  free(message->slots);
}

static void swap(struct sp_interval **filling, struct sp_interval **filled, int64_t begin_ns, int64_t end_ns) {
  struct sp_interval *old = *filled;
  (*filling)->begin_ns = begin_ns;
  (*filling)->end_ns = end_ns;
  *filled = *filling;
  *filling = old;
  sp_interval_clear(old);
}

/* What was filled becomes the newest tick. */
static void turn_over(struct sp_run *run, int64_t end_ns) {
  swap(&run->filling, &run->last, run->taken_ns, end_ns);
  if (run->counted) swap(&run->filling_counted, &run->counted, run->taken_ns, end_ns);
  run->taken_ns = end_ns;
  int64_t warm_end_ns = run->shared.slots.warm_end_ns;
  run->totals->begin_ns = warm_end_ns;
  run->totals->end_ns = end_ns > warm_end_ns ? end_ns : warm_end_ns;
}

void sp_run_update_phase(struct sp_run *run) {
  if (run->phase < SP_PHASE_ENDING) run->phase = sp_run_is_changing(run) ? SP_PHASE_SPAWNING : SP_PHASE_STEADY;
}

static void on_tick_timer(struct sp_timer *timer) {
  struct sp_run *run = sp_container_of(timer, struct sp_run, tick);
  int64_t due_ns = sp_timer_due(timer) + TICK_NS, now_ns = sp_loop_update_now(run->options.loop);
  if (due_ns <= now_ns) due_ns += (now_ns - due_ns) / TICK_NS * TICK_NS + TICK_NS;
  sp_timer_start(timer, due_ns);
  if (run->taking > 0) return; /* a worker still owes the last one: the next tick is longer */
  run->taking = run->threads;
  post_all(run, sp_worker_on_take);
}

static void on_taken(struct sp_run *run, struct sp_worker_message *message) {
  merge_intervals(run, message);
  if (--run->taking > 0) return;
  turn_over(run, now_of(run));
  sp_run_update_phase(run);
  show(run, run->taken_ns);
}

/* -- the end -- */

static void begin_cut(struct sp_run *run) {
  if (!run->finishing) post_all(run, sp_worker_on_cut);
}

static void on_stop_timeout(struct sp_timer *timer) {
  begin_cut(sp_container_of(timer, struct sp_run, stop_timeout));
}

void sp_run_begin_ending(struct sp_run *run) {
  if (run->phase >= SP_PHASE_ENDING) return;
  run->phase = SP_PHASE_ENDING;
  run->ending_ns = now_of(run);
  sp_timer_stop(&run->run_end);
  sp_timer_stop(&run->shape_timer);
  sp_timer_start(&run->stop_timeout, run->ending_ns + run->load.stop_timeout_ns);
  post_all(run, sp_worker_on_end);
}

static void on_run_end(struct sp_timer *timer) {
  struct sp_run *run = sp_container_of(timer, struct sp_run, run_end);
  sp_run_begin_ending(run);
}

static void on_idle(struct sp_run *run) {
  if (++run->idle < run->threads) return;
  run->finishing = true;
  sp_timer_stop(&run->tick);
  sp_timer_stop(&run->stop_timeout);
  post_all(run, sp_worker_on_finish);
}

static void on_finished(struct sp_run *run, struct sp_worker_message *message) {
  merge_intervals(run, message);
  sp_worker_join(message->worker);
  if (++run->finished < run->threads) return;
  sp_run_facts_end(run);
  run->phase = SP_PHASE_ENDED;
  turn_over(run, now_of(run));
  run->totals->end_ns = run->totals->begin_ns + run->facts.measured_ns;
  show(run, run->taken_ns);
  run->options.on_end(run->options.ctx); /* may destroy the run */
}

/* -- messages from the workers -- */

/* Whether a worker had anything to do at all that it may say is over. */
static bool has_part(const struct sp_run *run, unsigned i) {
  return sp_is_open_loop(&run->shared) || sp_seats_own(run->workers[i], sp_run_seats_final(run)) > 0;
}

static void on_empty(struct sp_run *run, const struct sp_worker_message *message) {
  if (message->load_number != run->load_number) return;
  run->empty[message->worker->index] = true;
  for (unsigned i = 0; i < run->threads; i++)
    if (!run->empty[i] && has_part(run, i)) return;
  sp_run_begin_ending(run);
}

void sp_run_abort(struct sp_run *run, char *why) {
  if (run->aborted == NULL)
    run->aborted = why;
  else
    free(why);
  sp_run_stop(run);
}

static void begin(struct sp_run *run) {
  struct sp_shared *shared = &run->shared;
  int64_t now_ns = sp_loop_update_now(run->options.loop), length_ns = sp_load_length_ns(&run->load);
  run->taken_ns = shared->start_ns = now_ns;
  shared->end_ns = length_ns == SP_NEVER_NS ? SP_NEVER_NS : now_ns + length_ns;
  if (length_ns != SP_NEVER_NS) sp_timer_start(&run->run_end, shared->end_ns);
  sp_timer_start(&run->tick, now_ns + TICK_NS);
  sp_run_facts_begin(run);
  sp_run_load_begin(run);
  sp_run_update_phase(run);
  if (run->stop_asked) shared->end_ns = now_ns; /* nobody starts */
  post_all(run, sp_worker_on_begin);
  run->begun = true;
  if (run->stop_asked) sp_run_begin_ending(run);
  if (run->cut_asked) begin_cut(run);
}

static void on_message(void *arg) {
  struct sp_worker_message *message = arg;
  struct sp_run *run = message->worker->shared->run;
  struct sp_worker_message copy = *message;
  free(message);
  switch (copy.kind) {
  case SP_MESSAGE_READY:
    if (++run->ready == run->threads) begin(run);
    break;
  case SP_MESSAGE_TAKEN: on_taken(run, &copy); break;
  case SP_MESSAGE_EMPTY: on_empty(run, &copy); break;
  case SP_MESSAGE_TASKS_ENDED: sp_run_begin_ending(run); break;
  case SP_MESSAGE_ABORT: sp_run_abort(run, copy.text); break;
  case SP_MESSAGE_IDLE: on_idle(run); break;
  case SP_MESSAGE_FINISHED: on_finished(run, &copy); break;
  }
}

/* -- wishes -- */

void sp_run_stop(struct sp_run *run) {
  run->stop_asked = true;
  if (run->begun) sp_run_begin_ending(run);
}

void sp_run_cut(struct sp_run *run) {
  run->stop_asked = run->cut_asked = true;
  if (!run->begun) return;
  sp_run_begin_ending(run);
  begin_cut(run);
}

/* -- life -- */

static unsigned processors(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1; /* what taskset left us */
  if (count < 1) count = 1;
  return (unsigned)count < SP_THREADS_MAX ? (unsigned)count : SP_THREADS_MAX;
}

static unsigned thread_count(const struct sp_run *run) {
  if (run->load.threads > 0) return run->load.threads;
  return sp_loop_is_fake(run->options.loop) ? 1 : processors();
}

static void check_options(const struct sp_run_options *options) {
  const struct sp_user_type *type = options->type;
  SP_CHECK(options->loop != NULL && options->on_end != NULL && type != NULL);
  SP_CHECK(type->thread_create != NULL && type->thread_destroy != NULL && type->user_start != NULL);
  SP_CHECK(type->task_run != NULL && type->task_wind_up != NULL && type->user_cut != NULL && type->user_stop != NULL);
  for (size_t i = 0; i < options->class_count; i++)
    SP_CHECK(options->classes[i].think.kind != SP_THINK_CUSTOM || type->think_ns != NULL);
}

static void init_parts(struct sp_run *run) {
  struct sp_loop *loop = run->options.loop;
  sp_timer_init(&run->tick, loop, on_tick_timer);
  sp_timer_init(&run->run_end, loop, on_run_end);
  sp_timer_init(&run->stop_timeout, loop, on_stop_timeout);
  run->filling = sp_interval_create();
  run->last = sp_interval_create();
  run->totals = sp_interval_create();
  if (run->load.warm_up_ns > 0) {
    run->filling_counted = sp_interval_create();
    run->counted = sp_interval_create();
  }
  run->threads = thread_count(run);
  run->workers = sp_alloc_array(run->threads, sizeof(struct sp_worker *));
  run->empty = sp_alloc_array(run->threads, sizeof(*run->empty));
  run->shared = (struct sp_shared){
    .control = loop,
    .on_message = on_message,
    .run = run,
    .load = &run->load,
    .classes = &run->classes,
    .type = run->options.type,
    .limits = run->options.limits,
    .sink = run->options.sink,
    .compat = run->options.compat,
    .worker_count = run->threads,
  };
  sp_run_load_init(run);
  run->stage_totals = sp_alloc_array(run->stage_count, sizeof(struct sp_interval *));
  for (size_t i = 0; i < run->stage_count; i++) run->stage_totals[i] = sp_interval_create();
}

static int create_workers(struct sp_run *run, struct sp_err *err) {
  for (unsigned i = 0; i < run->threads; i++) {
    run->workers[i] = sp_worker_create(&run->shared, i, run->options.type_conf, err);
    if (run->workers[i] == NULL) return -1;
  }
  return 0;
}

struct sp_run *sp_run_create(const struct sp_run_options *options, struct sp_err *err) {
  check_options(options);
  if (sp_load_check(options->load, err) != 0) return NULL;
  struct sp_run *run = sp_alloc(sizeof(*run));
  run->options = *options;
  run->load = *options->load;
  init_parts(run);
  if (sp_class_table_init(&run->classes, options->classes, options->class_count, err) != 0 ||
      create_workers(run, err) != 0) {
    sp_run_destroy(run);
    return NULL;
  }
  return run;
}

int sp_run_start(struct sp_run *run, struct sp_err *err) {
  SP_CHECK(!run->started);
  if (sp_loop_is_fake(run->options.loop)) {
    run->started = true;
    begin(run);
    return 0;
  }
  for (unsigned i = 0; i < run->threads; i++) {
    int rc = sp_worker_start_thread(run->workers[i], err);
    if (rc == 0) continue;
    while (i-- > 0) sp_worker_join(run->workers[i]);
    return rc;
  }
  run->started = true;
  return 0;
}

void sp_run_destroy(struct sp_run *run) {
  if (run == NULL) return;
  SP_CHECK(!run->started || run->phase == SP_PHASE_ENDED);
  for (unsigned i = 0; i < run->threads; i++) sp_worker_destroy(run->workers[i]);
  free(run->workers);
  free(run->empty);
  sp_timer_stop(&run->tick);
  sp_timer_stop(&run->run_end);
  sp_timer_stop(&run->stop_timeout);
  sp_interval_destroy(run->filling);
  sp_interval_destroy(run->last);
  sp_interval_destroy(run->filling_counted);
  sp_interval_destroy(run->counted);
  sp_interval_destroy(run->totals);
  for (size_t i = 0; i < run->stage_count; i++) sp_interval_destroy(run->stage_totals[i]);
  free(run->stage_totals);
  sp_run_load_fini(run);
  sp_class_table_fini(&run->classes);
  free(run->aborted);
  free(run);
}

const struct sp_interval *sp_run_totals(const struct sp_run *run) { return run->totals; }
