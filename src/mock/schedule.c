#include "mock/schedule.h"

#include "base/clock.h"

#include <math.h>

static double draw_any(const struct sp_dist *dist, struct sp_rng *rng) {
  switch (dist->kind) {
  case SP_DIST_CONSTANT: return dist->a;
  case SP_DIST_UNIFORM: return sp_rng_between(rng, dist->a, dist->b);
  case SP_DIST_NORMAL: return dist->a + dist->b * sp_rng_normal(rng);
  case SP_DIST_EXPONENTIAL: return sp_rng_exponential(rng, dist->a);
  case SP_DIST_LOGNORMAL: return dist->a * exp(dist->b * sp_rng_normal(rng));
  }
  return dist->a;
}

double sp_dist_draw(const struct sp_dist *dist, struct sp_rng *rng) {
  double value = draw_any(dist, rng);
  if (!(value > 0)) return 0;
  return value < (double)SP_MOCK_TIME_MAX_NS ? value : (double)SP_MOCK_TIME_MAX_NS;
}

static int64_t draw_ns(struct sp_schedule *schedule, const struct sp_dist *dist) {
  return (int64_t)(sp_dist_draw(dist, &schedule->rng) + 0.5);
}

static uint64_t draw_tokens(struct sp_schedule *schedule, const struct sp_schedule_options *options) {
  if (options->endless) return SP_SCHEDULE_ENDLESS;
  double count = floor(sp_dist_draw(&schedule->timing->tokens, &schedule->rng) + 0.5);
  if (options->empty) return 0;
  return count < SP_MOCK_TOKENS_MAX ? (uint64_t)count : SP_MOCK_TOKENS_MAX;
}

void sp_schedule_init(struct sp_schedule *schedule, const struct sp_schedule_options *options) {
  *schedule = (struct sp_schedule){ .step = SP_STEP_HEAD, .arrival_ns = options->arrival_ns };
  schedule->timing = options->timing;
  schedule->node_times = options->node_times;
  schedule->node_count = options->node_count;
  schedule->stream_node = options->stream_node;
  schedule->lump = options->lump;
  schedule->node_override = options->node_override;
  sp_rng_seed(&schedule->rng, options->seed, options->stream);
  schedule->tokens = draw_tokens(schedule, options);
  schedule->due_ns = options->arrival_ns + draw_ns(schedule, &schedule->timing->head);
  schedule->head_ns = schedule->due_ns;
}

static void go_end(struct sp_schedule *schedule) {
  schedule->step = SP_STEP_END;
  schedule->due_ns += draw_ns(schedule, &schedule->timing->tail);
  schedule->end_ns = schedule->due_ns;
}

static void go_node(struct sp_schedule *schedule, unsigned node) {
  if (node >= schedule->node_count) {
    go_end(schedule);
    return;
  }
  schedule->step = SP_STEP_NODE_STARTED;
  schedule->node = node;
  schedule->node_begun_ns = schedule->due_ns;
}

static void leave_tokens(struct sp_schedule *schedule) {
  if (schedule->node_count > 0) schedule->step = SP_STEP_NODE_FINISHED;
  else go_end(schedule);
}

/* A buffering proxy holds every token until the last has come: look ahead to when that is. */
static void go_lump(struct sp_schedule *schedule) {
  for (uint64_t i = 1; i < schedule->tokens; i++) schedule->due_ns += draw_ns(schedule, &schedule->timing->gap);
}

static void go_first_token(struct sp_schedule *schedule) {
  schedule->due_ns += draw_ns(schedule, &schedule->timing->first);
  if (schedule->tokens == 0) {
    leave_tokens(schedule);
    return;
  }
  schedule->step = SP_STEP_TOKEN;
  if (schedule->lump && schedule->tokens != SP_SCHEDULE_ENDLESS) go_lump(schedule);
  schedule->first_ns = schedule->last_ns = schedule->due_ns;
}

static void go_next_token(struct sp_schedule *schedule) {
  schedule->token++;
  if (schedule->token >= schedule->tokens) {
    leave_tokens(schedule);
    return;
  }
  if (!schedule->lump) schedule->due_ns += draw_ns(schedule, &schedule->timing->gap);
  schedule->last_ns = schedule->due_ns;
}

static void go_node_end(struct sp_schedule *schedule) {
  const struct sp_dist *time =
      schedule->node_override ? schedule->node_override : &schedule->node_times[schedule->node];
  schedule->due_ns += draw_ns(schedule, time);
  schedule->step = SP_STEP_NODE_FINISHED;
}

static void go_begin(struct sp_schedule *schedule) {
  schedule->step = SP_STEP_BEGIN;
  schedule->due_ns += draw_ns(schedule, &schedule->timing->queue);
  schedule->begin_ns = schedule->due_ns;
}

void sp_schedule_next(struct sp_schedule *schedule) {
  switch (schedule->step) {
  case SP_STEP_HEAD: go_begin(schedule); return;
  case SP_STEP_BEGIN:
    if (schedule->node_count > 0) go_node(schedule, 0);
    else go_first_token(schedule);
    return;
  case SP_STEP_NODE_STARTED:
    if (schedule->node == schedule->stream_node) go_first_token(schedule);
    else go_node_end(schedule);
    return;
  case SP_STEP_NODE_FINISHED: go_node(schedule, schedule->node + 1); return;
  case SP_STEP_TOKEN: go_next_token(schedule); return;
  case SP_STEP_END:
    schedule->step = SP_STEP_EOF;
    schedule->due_ns += schedule->timing->eof_lag_ns;
    return;
  default: schedule->step = SP_STEP_DONE; return;
  }
}

void sp_schedule_shift(struct sp_schedule *schedule, int64_t ns) {
  schedule->due_ns += ns;
  switch (schedule->step) {
  case SP_STEP_HEAD: schedule->head_ns = schedule->due_ns; return;
  case SP_STEP_BEGIN: schedule->begin_ns = schedule->due_ns; return;
  case SP_STEP_NODE_STARTED: schedule->node_begun_ns = schedule->due_ns; return;
  case SP_STEP_TOKEN:
    schedule->last_ns = schedule->due_ns;
    if (schedule->token == 0) schedule->first_ns = schedule->due_ns;
    return;
  case SP_STEP_END: schedule->end_ns = schedule->due_ns; return;
  default: return;
  }
}

void sp_schedule_end_now(struct sp_schedule *schedule, int64_t now_ns) {
  schedule->step = SP_STEP_EOF;
  schedule->end_ns = now_ns;
  schedule->due_ns = now_ns + schedule->timing->eof_lag_ns;
}

void sp_schedule_truth(const struct sp_schedule *schedule, struct sp_schedule_truth *out) {
  struct sp_schedule copy = *schedule;
  if (copy.tokens == SP_SCHEDULE_ENDLESS) copy.tokens = copy.token + 1; /* the first token is still known */
  while (copy.step != SP_STEP_DONE) sp_schedule_next(&copy);
  *out = (struct sp_schedule_truth){ .arrival_ns = copy.arrival_ns, .head_ns = copy.head_ns,
                                     .first_ns = copy.first_ns, .last_ns = copy.last_ns,
                                     .end_ns = copy.end_ns, .tokens = schedule->tokens };
  if (schedule->tokens == SP_SCHEDULE_ENDLESS) out->last_ns = out->end_ns = SP_NEVER_NS;
}
