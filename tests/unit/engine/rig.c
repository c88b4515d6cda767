#include "rig.h"

#include <stdio.h>
#include <string.h>

#define FAKE_START_NS (1000 * S)

void rig_init(struct rig *rig, uint64_t users, double request_s, double think_s, int64_t run_time_ns) {
  memset(rig, 0, sizeof(*rig));
  sp_load_init(&rig->load);
  rig->load.users = users;
  rig->load.run_time_ns = run_time_ns;
  rig->load.threads = 1;
  rig->task = (struct sp_task_spec){ .name = "t", .weight = 1 };
  rig->class = (struct sp_class_spec){ .name = "u", .weight = 1, .tasks = &rig->task, .task_count = 1 };
  if (think_s > 0) rig->class.think = (struct sp_think){ .kind = SP_THINK_CONSTANT, .a_s = think_s };
  rig->classes = &rig->class;
  rig->class_count = 1;
  rig->null.request_s = request_s;
  rig->type = &sp_user_null;
  rig->type_conf = &rig->null;
}

void rig_rate(struct rig *rig, double per_s, enum sp_arrivals_kind kind) {
  rig->load.kind = SP_LOAD_RATE;
  rig->load.rate_per_s = per_s;
  rig->load.arrivals = kind;
}

void rig_stages(struct rig *rig, const struct sp_stage *stages, size_t count) {
  rig->load.stage_count = count;
  memcpy(rig->load.stages, stages, count * sizeof(*stages));
}

static void on_tick(void *ctx, const struct sp_run_view *view) {
  struct rig *rig = ctx;
  assert_int_equal(rig->end_count, 0);
  assert_true(rig->tick_count < RIG_TICKS_MAX);
  struct rig_tick *tick = &rig->ticks[rig->tick_count++];
  *tick = (struct rig_tick){ .phase = view->phase, .elapsed_ns = view->elapsed_ns, .users = view->users,
                             .users_target = view->users_target, .in_flight = view->in_flight,
                             .rate_target = view->rate_target, .stage = view->stage };
  sp_tally_interval(view->last, &tick->last);
  sp_tally_interval(view->totals, &tick->totals);
  sp_interval_merge(rig->all, view->last);
  if (rig->at_tick != NULL) rig->at_tick(rig, view);
}

/* A tally is counts and nothing else. */
static void add_tally(struct sp_tally *sum, const struct sp_tally *tally) {
  uint64_t into[sizeof(*sum) / sizeof(uint64_t)], from[sizeof(*sum) / sizeof(uint64_t)];
  memcpy(into, sum, sizeof(into));
  memcpy(from, tally, sizeof(from));
  for (size_t i = 0; i < sizeof(into) / sizeof(into[0]); i++) into[i] += from[i];
  memcpy(sum, into, sizeof(into));
}

static void take_stages(struct rig *rig) {
  const struct sp_interval *totals = sp_run_totals(rig->run);
  struct sp_tally sum = { 0 }, whole;
  uint64_t tasks = 0, arrivals = 0;
  int64_t measured_ns = 0;
  rig->stage_count = sp_run_stage_count(rig->run);
  for (size_t i = 0; i < rig->stage_count; i++) {
    struct rig_stage *stage = &rig->stages[i];
    sp_run_stage(rig->run, i, &stage->facts);
    sp_tally_interval(stage->facts.interval, &stage->tally);
    stage->tasks = stage->facts.interval->tasks;
    stage->arrivals = stage->facts.interval->arrivals;
    stage->dropped = stage->facts.interval->dropped_starts;
    add_tally(&sum, &stage->tally);
    tasks += stage->tasks;
    arrivals += stage->arrivals;
    measured_ns += stage->facts.measured_ns;
  }
  if (rig->stage_count == 0) return;
  sp_tally_interval(totals, &whole);
  assert_memory_equal(&sum, &whole, sizeof(sum));
  assert_int_equal(tasks, totals->tasks);
  assert_int_equal(arrivals, totals->arrivals);
  assert_int_equal(measured_ns, rig->facts.measured_ns);
}

static void judge(struct rig *rig) {
  struct sp_validity_facts facts;
  sp_run_validity_facts(rig->run, &rig->facts, &facts);
  sp_validity_judge(&facts, &rig->validity);
}

static void on_end(void *ctx) {
  struct rig *rig = ctx;
  rig->end_count++;
  sp_run_facts(rig->run, &rig->facts);
  if (rig->facts.aborted != NULL) snprintf(rig->aborted, sizeof(rig->aborted), "%s", rig->facts.aborted);
  sp_interval_merge(rig->totals, sp_run_totals(rig->run));
  take_stages(rig);
  judge(rig);
  sp_run_destroy(rig->run); /* allowed here */
  sp_loop_stop(rig->loop);
}

static void run_to_end(struct rig *rig) {
  struct sp_err err = { 0 };
  struct sp_run_options options = { .loop = rig->loop, .load = &rig->load, .classes = rig->classes,
                                    .class_count = rig->class_count, .type = rig->type, .type_conf = rig->type_conf,
                                    .on_tick = on_tick, .on_end = on_end, .ctx = rig };
  rig->run = sp_run_create(&options, &err);
  assert_string_equal(err.text, "");
  assert_non_null(rig->run);
  if (rig->at_create != NULL) rig->at_create(rig);
  assert_int_equal(sp_run_start(rig->run, &err), 0);
  sp_loop_run(rig->loop);
  assert_int_equal(rig->end_count, 1);
}

void rig_run(struct rig *rig) {
  struct sp_err err;
  rig->totals = sp_interval_create();
  rig->all = sp_interval_create();
  rig->loop = rig->real ? sp_loop_create(&err) : sp_loop_create_fake(FAKE_START_NS);
  assert_non_null(rig->loop);
  run_to_end(rig);
  sp_loop_destroy(rig->loop);

  sp_tally_interval(rig->totals, &rig->tally);
  sp_tally_interval(rig->all, &rig->tally_all);
  assert_true(sp_tally_closes(&rig->tally));
  assert_true(sp_tally_closes(&rig->tally_all));
  const struct rig_tick *last = &rig->ticks[rig->tick_count - 1];
  assert_int_equal(last->phase, SP_PHASE_ENDED);
  assert_int_equal(last->users, 0);
  assert_int_equal(last->in_flight, 0);
  if (rig->load.warm_up_ns == 0) assert_memory_equal(&rig->tally, &rig->tally_all, sizeof(rig->tally));
}

void rig_fini(struct rig *rig) {
  sp_interval_destroy(rig->totals);
  sp_interval_destroy(rig->all);
}

const struct sp_cell *rig_cell(const struct sp_interval *interval, const char *class, const char *task) {
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    if (strcmp(cell->user_class, class) == 0 && strcmp(cell->task, task) == 0) return cell;
  }
  return NULL;
}

static uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * UINT64_C(0x100000001b3); }

uint64_t rig_fingerprint(const struct sp_interval *interval) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    hash = mix(hash, cell->started);
    struct sp_hist_bucket bucket;
    for (uint32_t cursor = 0; sp_hist_next(&cell->metrics[SP_METRIC_E2E], &cursor, &bucket);)
      hash = mix(mix(hash, (uint64_t)bucket.low), bucket.count);
  }
  return hash;
}
