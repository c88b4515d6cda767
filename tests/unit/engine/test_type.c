/*
 * What a user type may do: take its time over every deed, leave by itself, fail to be made, end the run. A slow
 * type whose start, stop and thread's end all take time; on a fake loop.
 */
#include "rig.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct slow_conf {
  int64_t start_ns, task_ns, stop_ns, thread_ns;
  uint64_t leave_after;  /* tasks; the user then leaves by itself; 0: never */
  uint64_t abort_after;  /* tasks of user 1; 0: never */
  unsigned fail_thread;  /* 1 …: thread_create of this one fails */
  unsigned started, stopped, wind_ups, cuts, threads; /* what happened (a fake loop: one thread) */
};

struct slow_thread {
  struct sp_worker *worker;
  struct slow_conf *conf;
  struct sp_timer timer;
};

enum deed { NOTHING, STARTING, TASK, STOPPING };

struct slow_user {
  struct sp_user *user;
  struct sp_timer timer;
  enum deed deed;
  uint64_t tasks;
};

static struct slow_conf *conf_of(const struct sp_user *user) {
  return ((struct slow_thread *)sp_worker_state(user->worker))->conf;
}

static void thread_gone(struct sp_timer *timer) {
  struct slow_thread *thread = sp_container_of(timer, struct slow_thread, timer);
  struct sp_worker *worker = thread->worker;
  thread->conf->threads--;
  free(thread);
  sp_worker_thread_destroyed(worker);
}

static int slow_thread_create(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err) {
  struct slow_conf *slow = (struct slow_conf *)(uintptr_t)conf;
  if (slow->fail_thread == sp_worker_index(worker) + 1) return sp_fail(err, SP_EPLAN, "the plan is broken");
  struct slow_thread *thread = sp_alloc(sizeof(*thread));
  thread->worker = worker;
  thread->conf = slow;
  slow->threads++;
  sp_timer_init(&thread->timer, sp_worker_loop(worker), thread_gone);
  *state = thread;
  return 0;
}

static void slow_thread_destroy(struct sp_worker *worker, void *state) {
  struct slow_thread *thread = state;
  sp_timer_start(&thread->timer, sp_loop_now(sp_worker_loop(worker)) + thread->conf->thread_ns);
}

static void leave(struct slow_user *slow) {
  struct sp_user *user = slow->user;
  conf_of(user)->stopped++;
  sp_timer_stop(&slow->timer);
  free(slow);
  sp_user_stopped(user);
}

static void end_task(struct slow_user *slow) {
  struct slow_conf *conf = conf_of(slow->user);
  slow->deed = NOTHING;
  slow->tasks++;
  if (conf->abort_after == slow->tasks && slow->user->id == 1)
    sp_worker_abort_run(slow->user->worker, "out of questions");
  if (conf->leave_after == slow->tasks)
    leave(slow);
  else
    sp_user_task_done(slow->user);
}

static void end_deed(struct slow_user *slow) {
  switch (slow->deed) {
  case STARTING:
    slow->deed = NOTHING;
    sp_user_started(slow->user);
    break;
  case TASK: end_task(slow); break;
  case STOPPING: leave(slow); break;
  case NOTHING: fail();
  }
}

static void on_deed(struct sp_timer *timer) { end_deed(sp_container_of(timer, struct slow_user, timer)); }

static void begin_deed(struct slow_user *slow, enum deed deed, int64_t takes_ns) {
  assert_int_equal(slow->deed, NOTHING);
  slow->deed = deed;
  if (takes_ns == 0)
    end_deed(slow);
  else
    sp_timer_start(&slow->timer, sp_loop_now(sp_worker_loop(slow->user->worker)) + takes_ns);
}

static void slow_start(struct sp_user *user) {
  struct slow_user *slow = sp_alloc(sizeof(*slow));
  slow->user = user;
  user->data = slow;
  sp_timer_init(&slow->timer, sp_worker_loop(user->worker), on_deed);
  conf_of(user)->started++;
  begin_deed(slow, STARTING, conf_of(user)->start_ns);
}

static void slow_task(struct sp_user *user, size_t task) {
  assert_int_equal(task, 0);
  assert_false(sp_user_leaving(user));
  begin_deed(user->data, TASK, conf_of(user)->task_ns);
}

static void slow_wind_up(struct sp_user *user) {
  struct slow_user *slow = user->data;
  assert_true(sp_user_leaving(user));
  assert_int_equal(slow->deed, TASK);
  conf_of(user)->wind_ups++;
  sp_timer_stop(&slow->timer);
  end_deed(slow); /* inside the call */
}

static void slow_cut(struct sp_user *user) {
  struct slow_user *slow = user->data;
  conf_of(user)->cuts++;
  sp_timer_stop(&slow->timer);
  end_deed(slow);
}

static void slow_stop(struct sp_user *user) { begin_deed(user->data, STOPPING, conf_of(user)->stop_ns); }

static const struct sp_user_type slow_type = {
  .name = "slow",
  .thread_create = slow_thread_create,
  .thread_destroy = slow_thread_destroy,
  .user_start = slow_start,
  .task_run = slow_task,
  .task_wind_up = slow_wind_up,
  .user_cut = slow_cut,
  .user_stop = slow_stop,
};

static void slow_rig(struct rig *rig, struct slow_conf *conf, uint64_t users, int64_t run_time_ns) {
  rig_init(rig, users, 0, 0, run_time_ns);
  rig->type = &slow_type;
  rig->type_conf = conf;
  rig->load.threads = 2;
}

static void assert_all_gone(const struct slow_conf *conf) {
  assert_int_equal(conf->started, conf->stopped);
  assert_int_equal(conf->threads, 0);
}

/* Ready at 0.2 s; tasks of 1 s from there: nine are over at 9.2 s, the tenth is wound up at 10 s. */
static void every_deed_takes_time(void **state) {
  (void)state;
  struct slow_conf conf = { .start_ns = 200 * MS, .task_ns = S, .stop_ns = 300 * MS, .thread_ns = 400 * MS };
  struct rig rig;
  slow_rig(&rig, &conf, 5, 10 * S);
  rig_run(&rig);
  assert_all_gone(&conf);
  assert_int_equal(rig.totals->tasks, 50);
  assert_int_equal(conf.wind_ups, 5);
  assert_int_equal(conf.cuts, 0);
  assert_int_equal(rig.ticks[rig.tick_count - 1].elapsed_ns, 10700 * MS);
  rig_fini(&rig);
}

/* The timeout passes while the users' last deeds take too long, and another time while they still start. */
static void the_cut_reaches_every_deed(void **state) {
  (void)state;
  struct slow_conf stopping = { .task_ns = S, .stop_ns = 300 * S };
  struct rig rig;
  slow_rig(&rig, &stopping, 5, 10 * S);
  rig.load.stop_timeout_ns = 2 * S;
  rig_run(&rig);
  assert_all_gone(&stopping);
  assert_int_equal(stopping.cuts, 5);
  assert_int_equal(rig.ticks[rig.tick_count - 1].elapsed_ns, 12 * S);
  rig_fini(&rig);

  struct slow_conf starting = { .start_ns = 300 * S, .task_ns = S, .stop_ns = 300 * S };
  slow_rig(&rig, &starting, 5, 10 * S);
  rig.load.stop_timeout_ns = 2 * S;
  rig_run(&rig);
  assert_all_gone(&starting);
  assert_int_equal(starting.cuts, 10); /* the start, then the stop */
  assert_int_equal(rig.totals->tasks, 0);
  assert_int_equal(rig.ticks[rig.tick_count - 1].elapsed_ns, 12 * S);
  rig_fini(&rig);
}

static void one_user_less(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_set_users(rig->run, 4, 0);
}

/* Taken away at 3 s, winding up once, although the end comes while it stops. */
static void a_user_is_wound_up_once(void **state) {
  (void)state;
  struct slow_conf conf = { .task_ns = 20 * S, .stop_ns = 9 * S };
  struct rig rig;
  slow_rig(&rig, &conf, 5, 10 * S);
  rig.at_tick = one_user_less;
  rig_run(&rig);
  assert_all_gone(&conf);
  assert_int_equal(conf.wind_ups, 5);
  rig_fini(&rig);
}

static void the_run_ends_when_all_users_have_left(void **state) {
  (void)state;
  struct slow_conf conf = { .task_ns = S, .leave_after = 3 };
  struct rig rig;
  slow_rig(&rig, &conf, 7, 0);
  rig.load.spawn_per_s = 0.5; /* the first have left before the last come */
  rig_run(&rig);
  assert_all_gone(&conf);
  assert_int_equal(conf.started, 7);
  assert_int_equal(rig.totals->tasks, 21);
  assert_int_equal(rig.facts.duration_ns, 15 * S);
  rig_fini(&rig);
}

static void leaving_inside_every_call(void **state) {
  (void)state;
  struct slow_conf conf = { .leave_after = 1 };
  struct rig rig;
  slow_rig(&rig, &conf, 7, 0);
  rig.load.iterations = 100;
  rig_run(&rig);
  assert_all_gone(&conf);
  assert_int_equal(rig.totals->tasks, 7);
  rig_fini(&rig);
}

static void the_run_is_ended_from_inside(void **state) {
  (void)state;
  struct slow_conf conf = { .task_ns = S, .abort_after = 4 };
  struct rig rig;
  slow_rig(&rig, &conf, 7, 0);
  rig_run(&rig);
  assert_all_gone(&conf);
  assert_string_equal(rig.aborted, "out of questions");
  assert_int_equal(rig.facts.duration_ns, 4 * S);
  rig_fini(&rig);
}

static void a_thread_that_can_not_be_made(void **state) {
  (void)state;
  struct slow_conf conf = { .fail_thread = 3, .thread_ns = S };
  struct rig rig;
  slow_rig(&rig, &conf, 7, S);
  rig.load.threads = 4;
  struct sp_loop *loop = sp_loop_create_fake(0);
  struct sp_err err = { 0 };
  struct sp_run_options options = { .loop = loop, .load = &rig.load, .classes = rig.classes, .class_count = 1,
                                    .type = rig.type, .type_conf = &conf, .on_end = (void (*)(void *))abort };
  assert_null(sp_run_create(&options, &err));
  assert_string_equal(err.text, "the plan is broken");
  assert_int_equal(conf.threads, 0);
  sp_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_deed_takes_time),
    cmocka_unit_test(the_cut_reaches_every_deed),
    cmocka_unit_test(a_user_is_wound_up_once),
    cmocka_unit_test(the_run_ends_when_all_users_have_left),
    cmocka_unit_test(leaving_inside_every_call),
    cmocka_unit_test(the_run_is_ended_from_inside),
    cmocka_unit_test(a_thread_that_can_not_be_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
