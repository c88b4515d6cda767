/* What load a run is asked for: from its load at the begin, by wish or by a shape of the plan's own while it runs. */
#include "base/check.h"
#include "base/mem.h"
#include "engine/control.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_of(const struct sp_run *run) { return sp_loop_now(run->options.loop); }
static bool has_rate(const struct sp_run *run) { return run->load.kind == SP_LOAD_RATE && run->load.trace == NULL; }

/* -- what is asked for now -- */

uint64_t sp_run_seats_final(const struct sp_run *run) { return run->shape.count > 0 ? sp_shape_final(&run->shape) : 0; }

uint64_t sp_run_users_target(const struct sp_run *run) {
  if (run->shape.count == 0) return 0;
  return run->shape.pieces[sp_shape_piece_at(&run->shape, now_of(run))].to;
}

bool sp_run_is_changing(const struct sp_run *run) {
  return run->shape.count > 0 && sp_shape_target(&run->shape, now_of(run)) != sp_run_users_target(run);
}

double sp_run_rate_target(const struct sp_run *run) { return sp_rate_level(&run->rate, now_of(run)); }

size_t sp_run_stage_now(const struct sp_run *run) {
  size_t stage = run->stage_count;
  int64_t now_ns = now_of(run);
  while (stage > 1 && run->shared.slots.begin_ns[stage - 1] > now_ns) stage--;
  return stage > 0 ? stage - 1 : 0;
}

/* -- changes -- */

static void change_seats(struct sp_run *run, uint64_t users, double per_s) {
  int64_t now_ns = sp_loop_update_now(run->options.loop);
  uint64_t from = sp_shape_target(&run->shape, now_ns);
  struct sp_shape_piece steps = sp_shape_steps(now_ns, from, users, per_s);
  sp_shape_replace(&run->shape, &steps);
  sp_shape_forget(&run->shape, sp_shape_piece_at(&run->shape, now_ns));
  run->load_number++;
  memset(run->empty, 0, run->threads * sizeof(*run->empty));
  for (unsigned i = 0; i < run->threads; i++) sp_worker_change_shape(run->workers[i], &steps, run->load_number);
  sp_run_update_phase(run);
}

static void change_rate(struct sp_run *run, int64_t begin_ns, double per_s) {
  sp_rate_replace(&run->rate, begin_ns, per_s);
  run->rate.at = run->rate.count - 1;
  sp_rate_forget(&run->rate, now_of(run));
  run->load_number++;
  for (unsigned i = 0; i < run->threads; i++)
    sp_worker_change_rate(run->workers[i], begin_ns, per_s, run->load_number);
}

/* Once it has begun the workers read the load: what it says of stages then stands. */
static void take_over(struct sp_run *run) {
  if (!run->begun) run->load.stage_count = 0;
  run->shape_off = true;
  sp_timer_stop(&run->shape_timer);
}

void sp_run_set_users(struct sp_run *run, uint64_t users, double spawn_per_s) {
  if (run->load.kind == SP_LOAD_RATE || run->phase >= SP_PHASE_ENDING) return;
  if (users > SP_USERS_MAX) users = SP_USERS_MAX;
  double per_s = spawn_per_s > 0 ? spawn_per_s : run->load.spawn_per_s;
  take_over(run);
  if (run->begun) {
    change_seats(run, users, per_s);
    return;
  }
  run->load.users = users;
  run->load.spawn_per_s = per_s;
}

static double clamp_rate(double per_s) { return per_s > 0 ? fmin(per_s, SP_RATE_MAX) : 0; }

void sp_run_set_rate(struct sp_run *run, double per_s) {
  if (!has_rate(run) || run->phase >= SP_PHASE_ENDING) return;
  take_over(run);
  if (run->begun)
    change_rate(run, sp_loop_update_now(run->options.loop) + SP_RATE_LEAD_NS, clamp_rate(per_s));
  else
    run->load.rate_per_s = clamp_rate(per_s);
}

/* -- a shape of the plan's own -- */

static int64_t period_ns(const struct sp_run *run) {
  return run->load.shape_period_ns > 0 ? run->load.shape_period_ns : SP_SHAPE_PERIOD_MAX_NS;
}

/* Rates are asked for a little before they take effect, so that all workers know them by then. */
static int64_t lead_ns(const struct sp_run *run) { return has_rate(run) ? SP_RATE_LEAD_NS : 0; }

static void fail_shape(struct sp_run *run, const char *why) {
  const char *text = why != NULL ? why : "the load's shape failed";
  sp_run_abort(run, sp_strdup(text));
}

/* Asks for the time `after_ns` after the start. False: no level, for the run ends. */
static bool ask_shape(struct sp_run *run, int64_t after_ns, struct sp_shape_point *point) {
  *point = (struct sp_shape_point){ 0 };
  int rc = run->load.shape(run->load.shape_ctx, (double)after_ns / (double)SP_NS_PER_S, point);
  if (rc < 0) {
    fail_shape(run, point->why);
  } else if (rc > 0) {
    int64_t end_ns = run->shared.start_ns + after_ns;
    if (!sp_timer_active(&run->run_end) || sp_timer_due(&run->run_end) > end_ns) sp_timer_start(&run->run_end, end_ns);
  } else if (!isfinite(point->level) || point->level < 0) {
    fail_shape(run, "the load's shape gave no number of 0 or more");
    rc = -1;
  }
  return rc == 0;
}

static uint64_t seats_of(double level) { return level < SP_USERS_MAX ? (uint64_t)llround(level) : SP_USERS_MAX; }

static double spawn_rate(const struct sp_run *run, const struct sp_shape_point *point) {
  return point->spawn_per_s > 0 ? point->spawn_per_s : run->load.spawn_per_s;
}

static void follow_point(struct sp_run *run, int64_t at_ns, const struct sp_shape_point *point) {
  if (has_rate(run)) {
    double per_s = clamp_rate(point->level), now_per_s = sp_rate_level(&run->rate, at_ns);
    if (per_s < now_per_s || per_s > now_per_s) change_rate(run, at_ns, per_s);
  } else if (seats_of(point->level) != sp_run_seats_final(run)) {
    change_seats(run, seats_of(point->level), spawn_rate(run, point));
  }
}

static void arm_shape(struct sp_run *run) {
  int64_t after_ns = (int64_t)run->shape_asked * period_ns(run);
  sp_timer_start(&run->shape_timer, run->shared.start_ns + after_ns - lead_ns(run));
}

static void on_shape_timer(struct sp_timer *timer) {
  struct sp_run *run = sp_container_of(timer, struct sp_run, shape_timer);
  struct sp_shape_point point;
  int64_t after_ns = (int64_t)run->shape_asked++ * period_ns(run);
  if (run->phase >= SP_PHASE_ENDING || run->shape_off) return;
  if (!ask_shape(run, after_ns, &point) || run->shape_off) return; /* the shape may call a setter itself */
  follow_point(run, run->shared.start_ns + after_ns, &point);
  arm_shape(run);
}

/* The level at the start. */
static void begin_shape(struct sp_run *run) {
  struct sp_shape_point point;
  run->shape_asked = 1;
  if (!ask_shape(run, 0, &point)) {
    run->load.users = 0;
    run->load.rate_per_s = 0;
    return;
  }
  run->load.users = seats_of(point.level);
  run->load.rate_per_s = clamp_rate(point.level);
  if (point.spawn_per_s > 0) run->load.spawn_per_s = point.spawn_per_s;
  arm_shape(run);
}

/* -- life -- */

/* Before the begin everything is of the first slot. */
void sp_run_load_init(struct sp_run *run) {
  memcpy(run->stages, run->load.stages, sizeof(run->stages));
  run->stage_count = run->load.stage_count;
  struct sp_slots *slots = &run->shared.slots;
  slots->count = run->stage_count > 0 ? run->stage_count + 1 : 2;
  for (size_t i = 1; i <= SP_STAGES_MAX; i++) slots->begin_ns[i] = SP_NEVER_NS;
  sp_timer_init(&run->shape_timer, run->options.loop, on_shape_timer);
}

static void place_slots(struct sp_run *run) {
  struct sp_slots *slots = &run->shared.slots;
  int64_t begin_ns = run->shared.start_ns;
  slots->warm_end_ns = begin_ns + run->load.warm_up_ns;
  for (size_t i = 0; i < run->stage_count; i++) {
    slots->begin_ns[i] = begin_ns;
    begin_ns += run->stages[i].hold_ns;
  }
}

void sp_run_load_begin(struct sp_run *run) {
  int64_t start_ns = run->shared.start_ns;
  place_slots(run);
  if (run->load.shape != NULL && !run->shape_off) begin_shape(run);
  if (has_rate(run)) sp_rate_init(&run->rate, &run->load, start_ns);
  if (run->load.kind == SP_LOAD_RATE) return; /* each worker walks the arrivals itself */
  sp_shape_init(&run->shape, &run->load, start_ns);
  for (unsigned i = 0; i < run->threads; i++) sp_shape_copy(&run->workers[i]->shape, &run->shape);
}

void sp_run_load_fini(struct sp_run *run) {
  sp_timer_stop(&run->shape_timer);
  sp_shape_fini(&run->shape);
  sp_rate_fini(&run->rate);
}
