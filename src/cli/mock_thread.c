#include "cli/mock_thread.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct sp_mock_thread {
  struct sp_loop *loop;
  struct sp_mock *mock;
  pthread_t thread;
};

static void *run_loop(void *arg) {
  struct sp_mock_thread *thread = arg;
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

static void close_mock(void *arg) {
  struct sp_mock_thread *thread = arg;
  sp_mock_close(thread->mock, on_closed, thread);
}

void sp_mock_thread_stop(struct sp_mock_thread *thread) {
  if (!thread) return;
  sp_loop_post(thread->loop, close_mock, thread);
  pthread_join(thread->thread, NULL);
  sp_loop_destroy(thread->loop);
  free(thread);
}
