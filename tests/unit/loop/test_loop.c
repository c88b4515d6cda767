/* The loop's own life: messages, stop, time, creation and destruction. */
#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int real_setup(void **state) {
  *state = sp_loop_create(NULL);
  return *state ? 0 : -1;
}

static int fake_setup(void **state) {
  *state = sp_loop_create_fake(7);
  return 0;
}

static int teardown(void **state) {
  sp_loop_destroy(*state);
  return 0;
}

/* -- messages -- */

struct diary {
  struct sp_loop *loop;
  struct sp_timer timer;
  char text[16];
  size_t len;
};

static void note(struct diary *diary, char c) { diary->text[diary->len++] = c; }

static void say_c(void *arg) {
  note(arg, 'c');
  sp_loop_stop(((struct diary *)arg)->loop);
}

static void say_b(void *arg) { note(arg, 'b'); }

static void say_a_and_post(void *arg) {
  note(arg, 'a');
  sp_loop_post(((struct diary *)arg)->loop, say_c, arg);
}

static void test_messages_run_in_order(void **state) {
  struct diary diary = { .loop = *state };
  sp_loop_post(*state, say_a_and_post, &diary);
  sp_loop_post(*state, say_b, &diary);
  assert_string_equal(diary.text, ""); /* not before the loop runs */
  sp_loop_run(*state);
  assert_string_equal(diary.text, "abc");
}

static void test_what_was_posted_before_the_stop_runs(void **state) {
  struct diary diary = { .loop = *state };
  sp_loop_post(*state, say_b, &diary);
  sp_loop_stop(*state);
  sp_loop_run(*state); /* at once: the stop came first */
  assert_string_equal(diary.text, "b");
  sp_loop_post(*state, say_c, &diary); /* the stop was for one run */
  sp_loop_run(*state);
  assert_string_equal(diary.text, "bc");
}

static void test_unrun_messages_are_dropped(void **state) {
  (void)state;
  struct diary diary = { 0 };
  struct sp_loop *loops[2] = { sp_loop_create(NULL), sp_loop_create_fake(0) };
  for (int i = 0; i < 2; i++) {
    for (int n = 0; n < 100; n++) sp_loop_post(loops[i], say_b, &diary);
    sp_loop_destroy(loops[i]);
  }
  assert_int_equal(diary.len, 0);
}

enum { POSTERS = 4, POSTS = 5000 };

struct poster {
  pthread_t thread;
  struct sp_loop *loop;
  struct poster *all;
  pthread_t loop_thread;
  int next, out_of_order, elsewhere;
  struct letter {
    struct poster *from;
    int number;
  } letters[POSTS];
};

static void on_letter(void *arg) {
  struct letter *letter = arg;
  struct poster *poster = letter->from;
  poster->out_of_order += letter->number != poster->next;
  poster->elsewhere += !pthread_equal(pthread_self(), poster->loop_thread);
  poster->next++;
  for (int i = 0; i < POSTERS; i++)
    if (poster->all[i].next < POSTS) return;
  sp_loop_stop(poster->loop);
}

static void *post_all(void *arg) {
  struct poster *poster = arg;
  for (int i = 0; i < POSTS; i++) {
    poster->letters[i] = (struct letter){ poster, i };
    sp_loop_post(poster->loop, on_letter, &poster->letters[i]);
  }
  return NULL;
}

static void test_threads_post(void **state) {
  struct poster *posters = calloc(POSTERS, sizeof(*posters));
  for (int i = 0; i < POSTERS; i++) {
    posters[i].loop = *state;
    posters[i].all = posters;
    posters[i].loop_thread = pthread_self();
  }
  for (int i = 0; i < POSTERS; i++) pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
  if (sp_loop_is_fake(*state)) /* it doesn't wait for others */
    for (int i = 0; i < POSTERS; i++) pthread_join(posters[i].thread, NULL);
  sp_loop_run(*state);
  for (int i = 0; i < POSTERS; i++) {
    if (!sp_loop_is_fake(*state)) pthread_join(posters[i].thread, NULL);
    assert_int_equal(posters[i].next, POSTS);
    assert_int_equal(posters[i].out_of_order, 0);
    assert_int_equal(posters[i].elsewhere, 0);
  }
  free(posters);
}

/* -- stop -- */

static void on_due_post_and_stop(struct sp_timer *timer) {
  struct diary *diary = sp_container_of(timer, struct diary, timer);
  sp_loop_post(timer->loop, say_b, diary);
  sp_loop_stop(timer->loop);
}

static void test_stop_in_a_timer_still_runs_messages(void **state) {
  struct diary diary = { .loop = *state };
  sp_timer_init(&diary.timer, *state, on_due_post_and_stop);
  sp_timer_start(&diary.timer, sp_loop_now(*state));
  sp_loop_run(*state);
  assert_string_equal(diary.text, "b");
}

static void *stop_soon(void *loop) {
  usleep(2000);
  sp_loop_stop(loop);
  return NULL;
}

static void test_stop_from_a_thread(void **state) {
  pthread_t thread;
  pthread_create(&thread, NULL, stop_soon, *state);
  sp_loop_run(*state); /* has nothing to do, and waits for the stop */
  pthread_join(thread, NULL);
}

/* The loop goes away as soon as it was stopped; the thread may still be inside sp_loop_stop (for the sanitizers). */
static void test_destroy_right_after_a_stop(void **state) {
  (void)state;
  for (int i = 0; i < 50; i++) {
    struct sp_loop *loop = sp_loop_create(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, (void *(*)(void *))stop_soon, loop);
    sp_loop_run(loop);
    sp_loop_destroy(loop);
    pthread_join(thread, NULL);
  }
}

/* -- time -- */

static void spin(int64_t ns) {
  int64_t end = sp_clock_mono_ns() + ns;
  while (sp_clock_mono_ns() < end) continue;
}

static void look_at_the_clock(void *arg) {
  struct sp_loop *loop = arg;
  int64_t now = sp_loop_now(loop);
  spin(SP_NS_PER_MS);
  assert_true(sp_loop_now(loop) == now); /* the turn's */
  assert_true(sp_loop_update_now(loop) >= now + SP_NS_PER_MS);
  assert_true(sp_loop_now(loop) >= now + SP_NS_PER_MS);
  sp_loop_stop(loop);
}

static void test_now_stands_within_a_turn(void **state) {
  int64_t before = sp_loop_now(*state);
  spin(SP_NS_PER_MS);
  assert_true(sp_loop_now(*state) >= before + SP_NS_PER_MS); /* outside of a run it goes on */
  sp_loop_post(*state, look_at_the_clock, *state);
  sp_loop_run(*state);
}

struct writer {
  int fd;
  int64_t wrote_ns;
};

static void *write_later(void *arg) {
  struct writer *writer = arg;
  usleep(5000);
  writer->wrote_ns = sp_clock_mono_ns();
  assert_int_equal(write(writer->fd, "x", 1), 1);
  return NULL;
}

static int64_t seen_ns;

static void on_readable(struct sp_poll *poll, int events) {
  (void)events;
  seen_ns = sp_loop_now(poll->loop);
  sp_poll_close(poll, NULL);
  sp_loop_stop(poll->loop);
}

static void say_nothing(void *arg) { (void)arg; }

/* What a descriptor's callback sees is the time after the wait, not the time before it. */
static void test_now_is_fresh_behind_a_wait(void **state) {
  int ends[2];
  struct sp_poll poll;
  pthread_t thread;
  assert_int_equal(pipe(ends), 0);
  struct writer writer = { .fd = ends[1] };
  assert_int_equal(sp_poll_open(&poll, *state, ends[0], on_readable, NULL), SP_OK);
  sp_poll_want(&poll, SP_POLL_READ);
  sp_loop_post(*state, say_nothing, NULL); /* makes a first turn, whose time must not last */
  pthread_create(&thread, NULL, write_later, &writer);
  sp_loop_run(*state);
  pthread_join(thread, NULL);
  assert_true(seen_ns >= writer.wrote_ns);
  sp_loop_stop(*state); /* a last turn, for the close of the poll, which lives on this stack */
  sp_loop_run(*state);
  close(ends[0]);
  close(ends[1]);
}

/* -- life -- */

static void test_create_and_destroy(void **state) {
  (void)state;
  sp_loop_destroy(NULL);
  struct sp_loop *loop = sp_loop_create(NULL);
  assert_non_null(loop);
  assert_false(sp_loop_is_fake(loop));
  assert_non_null(sp_loop_uv(loop));
  sp_loop_destroy(loop);
}

/* No room for the timerfd, for epoll, for libuv's pipes. (In the last case libuv leaves its epoll descriptor open.) */
static void test_create_without_descriptors(void **state) {
  (void)state;
  struct rlimit old;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  for (rlim_t room = 0; room < 3; room++) {
    struct sp_err err = { 0 };
    int next_fd = dup(0);
    close(next_fd);
    struct rlimit tight = { (rlim_t)next_fd + room, old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sp_loop *loop = sp_loop_create(&err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_null(loop);
    assert_int_equal(err.code, SP_EIO);
    assert_string_equal(err.text, "cannot make an event loop: too many open files");
    int fd = dup(0);
    assert_true(fd == next_fd || room == 2);
    close(fd);
  }
}

static void test_destroy_finds_what_was_left_open(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    signal(SIGABRT, SIG_DFL);
    close(STDERR_FILENO);
    struct sp_loop *loop = sp_loop_create(NULL);
    struct sp_poll poll;
    sp_poll_open(&poll, loop, ends[0], on_readable, NULL);
    sp_loop_destroy(loop);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  close(ends[0]);
  close(ends[1]);
}

#define ON_BOTH(test) \
  cmocka_unit_test_setup_teardown(test, real_setup, teardown), \
  { "fake: " #test, test, fake_setup, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
    ON_BOTH(test_messages_run_in_order),
    ON_BOTH(test_what_was_posted_before_the_stop_runs),
    ON_BOTH(test_threads_post),
    ON_BOTH(test_stop_in_a_timer_still_runs_messages),
    cmocka_unit_test(test_unrun_messages_are_dropped),
    cmocka_unit_test_setup_teardown(test_stop_from_a_thread, real_setup, teardown),
    cmocka_unit_test(test_destroy_right_after_a_stop),
    cmocka_unit_test_setup_teardown(test_now_stands_within_a_turn, real_setup, teardown),
    cmocka_unit_test_setup_teardown(test_now_is_fresh_behind_a_wait, real_setup, teardown),
    cmocka_unit_test(test_create_and_destroy),
    cmocka_unit_test(test_create_without_descriptors),
    cmocka_unit_test(test_destroy_finds_what_was_left_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
