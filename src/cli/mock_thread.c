#include "cli/mock_thread.h"

#include "base/mem.h"
#include "engine/thread_times.h"

#include <pthread.h>
#include <stdlib.h>

struct sp_mock_thread {
  struct sp_loop *loop;
  struct sp_mock *mock;
  pthread_t thread;
  int64_t begin_ns;
  struct sp_mock_thread_facts facts;
};

static void *run_loop(void *arg) {
  struct sp_mock_thread *thread = arg;
  thread->begin_ns = sp_clock_mono_ns();
  sp_loop_run(thread->loop);
  return NULL;
}

static void on_closed(void *ctx) {
  struct sp_mock_thread *thread = ctx;
  sp_loop_stop(thread->loop);
}

struct sp_mock_thread *sp_mock_thread_start(const char *profile_json, struct sp_err *err) {
  struct sp_mock_thread *thread = sp_alloc(sizeof(*thread));
  thread->loop = sp_loop_create(err);
  if (!thread->loop) goto free_thread;
  sp_loop_set_pace(thread->loop, SP_MOCK_PACE_NS, true);
  struct sp_mock_options options = {.loop = thread->loop, .address = "127.0.0.1:0", .profile_json = profile_json};
  thread->mock = sp_mock_create(&options, err);
  if (!thread->mock) goto destroy_loop;
  if (pthread_create(&thread->thread, NULL, run_loop, thread) == 0) return thread;
  sp_fail(err, SP_EIO, "cannot start a thread for the mock");
  sp_mock_close(thread->mock, on_closed, thread);
  sp_loop_run(thread->loop);
destroy_loop:
  sp_loop_destroy(thread->loop);
free_thread:
  free(thread);
  return NULL;
}

uint16_t sp_mock_thread_port(const struct sp_mock_thread *thread) { return sp_mock_port(thread->mock); }

/* On the mock's own thread. */
static void take_facts(struct sp_mock_thread *thread) {
  struct sp_mock_stats stats;
  int64_t wall_ns = sp_clock_mono_ns() - thread->begin_ns;
  sp_mock_stats(thread->mock, &stats);
  thread->facts.late_p99_ms = stats.late->count ? (double)sp_hist_percentile(stats.late, 99) / 1000 : 0;
  if (wall_ns <= 0) return;
  struct sp_thread_times times;
  sp_thread_times_read(&times);
  thread->facts.cpu_share = (double)times.cpu_ns / (double)wall_ns;
  thread->facts.wait_share = (double)times.wait_ns / (double)wall_ns;
}

static void close_mock(void *arg) {
  struct sp_mock_thread *thread = arg;
  take_facts(thread);
  sp_mock_close(thread->mock, on_closed, thread);
}

void sp_mock_thread_stop(struct sp_mock_thread *thread, struct sp_mock_thread_facts *facts) {
  if (!thread) return;
  sp_loop_post(thread->loop, close_mock, thread);
  pthread_join(thread->thread, NULL);
  if (facts) *facts = thread->facts;
  sp_loop_destroy(thread->loop);
  free(thread);
}
