#include "station.h"

#include "base/mem.h"

#include <stdlib.h>

struct station_user {
  struct sp_user *user;
  struct sp_timer timer;
  struct sp_recorder *recorder; /* NULL: no request is in flight */
  struct sp_request_key key;
  bool starting;
};

static struct station *station_of(const struct sp_user *user) { return sp_worker_state(user->worker); }

int64_t station_end_ns(const struct station *station, int64_t at_ns) {
  int64_t end_ns = at_ns + station->service_ns, again_ns = station->stop_ns + station->stopped_ns;
  bool stands = station->stopped_ns > 0 && end_ns >= station->stop_ns && at_ns < again_ns;
  return stands ? again_ns + station->service_ns : end_ns;
}

static int create(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err) {
  (void)worker;
  (void)err;
  *state = (struct station *)(uintptr_t)conf;
  return 0;
}

static void destroy(struct sp_worker *worker, void *state) {
  (void)state;
  sp_worker_thread_destroyed(worker);
}

static void end_request(struct station_user *station_user, enum sp_outcome outcome) {
  struct sp_user *user = station_user->user;
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.outcome = outcome;
  sample.start_ns = user->task_due_ns;
  sample.end_ns = sp_loop_now(sp_worker_loop(user->worker));
  sample.metric_ns[SP_METRIC_E2E] = sample.end_ns - sample.start_ns;
  sp_recorder_end(station_user->recorder, &station_user->key, &sample);
  station_user->recorder = NULL;
  sp_worker_in_flight(user->worker, -1);
}

static void leave(struct station_user *station_user) {
  struct sp_user *user = station_user->user;
  station_of(user)->users_stopped++;
  sp_timer_stop(&station_user->timer);
  free(station_user);
  sp_user_stopped(user);
}

static void end_start(struct station_user *station_user) {
  station_user->starting = false;
  if (station_of(station_user->user)->leaves_at_start == station_user->user->id)
    leave(station_user);
  else
    sp_user_started(station_user->user);
}

static void on_timer(struct sp_timer *timer) {
  struct station_user *station_user = sp_container_of(timer, struct station_user, timer);
  if (station_user->starting) {
    end_start(station_user);
    return;
  }
  end_request(station_user, SP_OUTCOME_OK);
  sp_user_task_done(station_user->user);
}

static void user_start(struct sp_user *user) {
  struct station *station = station_of(user);
  struct station_user *station_user = sp_alloc(sizeof(*station_user));
  user->data = station_user;
  station_user->user = user;
  station_user->starting = true;
  station->users_started++;
  sp_timer_init(&station_user->timer, sp_worker_loop(user->worker), on_timer);
  if (station->user_start_ns > 0)
    sp_timer_start(&station_user->timer, sp_loop_now(sp_worker_loop(user->worker)) + station->user_start_ns);
  else
    end_start(station_user);
}

static void task_run(struct sp_user *user, size_t task) {
  struct station *station = station_of(user);
  struct station_user *station_user = user->data;
  const struct sp_class_spec *class = sp_worker_class(user->worker, user->class_index);
  int64_t now_ns = sp_loop_now(sp_worker_loop(user->worker));
  int64_t begin_ns = station->begin_ns > 0 ? station->begin_ns : 1000 * S;
  station_user->key = (struct sp_request_key){ class->tasks[task].name, class->name, class->tasks[task].name };
  station_user->recorder = sp_worker_recorder(user->worker);
  if (station->starts < STATION_STARTS_MAX) {
    station->arrival[station->starts] = user->arrival;
    station->due_ns[station->starts++] = user->task_due_ns - begin_ns;
  }
  sp_recorder_start(station_user->recorder, &station_user->key);
  sp_worker_in_flight(user->worker, 1);
  sp_timer_start(&station_user->timer, begin_ns + station_end_ns(station, now_ns - begin_ns));
}

static void task_wind_up(struct sp_user *user) { (void)user; }

static void user_cut(struct sp_user *user) {
  struct station_user *station_user = user->data;
  sp_timer_stop(&station_user->timer);
  if (station_user->starting) {
    end_start(station_user);
  } else if (station_user->recorder != NULL) {
    end_request(station_user, SP_OUTCOME_CANCELLED);
    sp_user_task_done(user);
  }
}

static void user_stop(struct sp_user *user) { leave(user->data); }

const struct sp_user_type station_type = {
  .name = "station",
  .thread_create = create,
  .thread_destroy = destroy,
  .user_start = user_start,
  .task_run = task_run,
  .task_wind_up = task_wind_up,
  .user_cut = user_cut,
  .user_stop = user_stop,
};
