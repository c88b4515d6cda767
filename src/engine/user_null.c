/*
 * The null user type: each task is one request that does nothing for a given time. It tests the engine without
 * network and script, and is the template for another type: see what each entry does and who answers with what.
 */
#include "base/mem.h"
#include "engine/worker.h"

#include <math.h>
#include <stdlib.h>

/* user->data. */
struct null_user {
  struct sp_user *user;
  struct sp_timer timer; /* active: the request is in flight */
  struct sp_recorder *recorder; /* the one that the request started in */
  struct sp_request_key key;
  int64_t begin_ns; /* when the request really went out, against task_due_ns */
};

static int null_thread_create(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err) {
  (void)worker;
  (void)err;
  struct sp_user_null_conf *copy = sp_alloc(sizeof(*copy));
  *copy = *(const struct sp_user_null_conf *)conf;
  *state = copy;
  return 0;
}

static void null_thread_destroy(struct sp_worker *worker, void *state) {
  free(state);
  sp_worker_thread_destroyed(worker);
}

/* The request's end, exactly once for each start, in one outcome, on the recorder of its start. */
static void end_request(struct null_user *null, enum sp_outcome outcome) {
  struct sp_worker *worker = null->user->worker;
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.outcome = outcome;
  sample.start_ns = null->user->task_due_ns; /* the intended start */
  sample.end_ns = sp_loop_now(sp_worker_loop(worker));
  sample.metric_ns[SP_METRIC_WAIT] = null->begin_ns - sample.start_ns;
  /* Its whole answer is one token that comes with the head. */
  sample.metric_ns[SP_METRIC_TTFB] = sample.metric_ns[SP_METRIC_TTFE] = sample.end_ns - sample.start_ns;
  sample.metric_ns[SP_METRIC_TTFT] = sample.metric_ns[SP_METRIC_E2E] = sample.end_ns - sample.start_ns;
  if (outcome == SP_OUTCOME_OK) {
    sample.token_events = 1;
    sp_recorder_event(null->recorder);
  }
  sp_recorder_end(null->recorder, &null->key, &sample);
  sp_worker_in_flight(worker, -1);
}

static void on_answer(struct sp_timer *timer) {
  struct null_user *null = sp_container_of(timer, struct null_user, timer);
  end_request(null, SP_OUTCOME_OK);
  sp_user_task_done(null->user);
}

static void null_user_start(struct sp_user *user) {
  struct null_user *null = sp_alloc(sizeof(*null));
  null->user = user;
  sp_timer_init(&null->timer, sp_worker_loop(user->worker), on_answer);
  user->data = null;
  sp_user_started(user);
}

static int64_t request_ns(struct sp_user *user) {
  const struct sp_user_null_conf *conf = sp_worker_state(user->worker);
  double s = conf->exponential ? sp_rng_exponential(&user->rng, conf->request_s) : conf->request_s;
  return llround(s * (double)SP_NS_PER_S);
}

static void null_task_run(struct sp_user *user, size_t task) {
  struct null_user *null = user->data;
  const struct sp_class_spec *class = sp_worker_class(user->worker, user->class_index);
  const char *name = class->tasks[task].name;
  null->key = (struct sp_request_key){ .name = name, .user_class = class->name, .task = name };
  null->begin_ns = sp_loop_now(sp_worker_loop(user->worker));
  null->recorder = sp_worker_recorder(user->worker);
  sp_recorder_start(null->recorder, &null->key);
  sp_worker_in_flight(user->worker, +1);

  int64_t takes_ns = request_ns(user);
  if (takes_ns > 0) {
    sp_timer_start(&null->timer, null->begin_ns + takes_ns);
  } else {
    end_request(null, SP_OUTCOME_OK);
    sp_user_task_done(user);
  }
}

/* A task is its one request, which may finish: nothing to do. */
static void null_task_wind_up(struct sp_user *user) { (void)user; }

static void null_user_cut(struct sp_user *user) {
  struct null_user *null = user->data;
  if (!sp_timer_active(&null->timer)) return;
  sp_timer_stop(&null->timer);
  end_request(null, SP_OUTCOME_CANCELLED);
  sp_user_task_done(user);
}

static void null_user_stop(struct sp_user *user) {
  free(user->data);
  sp_user_stopped(user);
}

const struct sp_user_type sp_user_null = {
  .name = "null",
  .thread_create = null_thread_create,
  .thread_destroy = null_thread_destroy,
  .user_start = null_user_start,
  .task_run = null_task_run,
  .task_wind_up = null_task_wind_up,
  .user_cut = null_user_cut,
  .user_stop = null_user_stop,
};
