/* Descriptors and signals. */
#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A watched descriptor and what its callback does. */
struct watch {
  struct sp_poll poll;
  int fd;
  int calls, last_events, closed;
  int want_then;     /* asked for in the first call; -1: nothing new */
  int close_at;      /* closes in this call; 0: never */
  bool close_fd;     /* and the descriptor with it */
  bool drain, stop;  /* reads a byte; stops the loop */
};

static void on_closed(struct sp_poll *poll) { sp_container_of(poll, struct watch, poll)->closed++; }

static void on_ready(struct sp_poll *poll, int events) {
  struct watch *watch = sp_container_of(poll, struct watch, poll);
  char byte;
  assert_int_equal(watch->closed, 0);
  watch->calls++;
  watch->last_events = events;
  if (watch->drain) assert_int_equal(read(watch->fd, &byte, 1), 1);
  if (watch->want_then >= 0) sp_poll_want(poll, watch->want_then);
  if (watch->calls == watch->close_at) sp_poll_close(poll, on_closed);
  if (watch->calls == watch->close_at && watch->close_fd) close(watch->fd);
  if (watch->stop) sp_loop_stop(poll->loop);
}

static void open_watch(struct watch *watch, struct sp_loop *loop, int fd) {
  *watch = (struct watch){ .fd = fd, .want_then = -1 };
  assert_int_equal(sp_poll_open(&watch->poll, loop, fd, on_ready, NULL), SP_OK);
}

static void on_due(struct sp_timer *timer) { sp_loop_stop(timer->loop); }

/* Lets whatever is ready happen a few times, closes included (what is watched lives on the tests' stacks). */
static void run_some_turns(struct sp_loop *loop) {
  struct sp_timer timer;
  sp_timer_init(&timer, loop, on_due);
  for (int i = 0; i < 4; i++) {
    sp_timer_start(&timer, 0);
    sp_loop_run(loop);
  }
}

static int setup(void **state) {
  *state = sp_loop_create(NULL);
  return *state ? 0 : -1;
}

static int teardown(void **state) {
  sp_loop_destroy(*state);
  return 0;
}

static void test_pipe_becomes_readable(void **state) {
  int ends[2];
  struct watch watch;
  assert_int_equal(pipe(ends), 0);
  open_watch(&watch, *state, ends[0]);
  assert_true(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
  watch.drain = true;
  sp_poll_want(&watch.poll, SP_POLL_READ);
  run_some_turns(*state);
  assert_int_equal(watch.calls, 0);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  run_some_turns(*state); /* level-triggered: once a turn until it is empty */
  assert_int_equal(watch.calls, 3);
  assert_int_equal(watch.last_events, SP_POLL_READ);
  close(ends[1]);
  watch.drain = false;
  watch.stop = true;
  sp_loop_run(*state); /* the end of the stream is readable, too */
  assert_int_equal(watch.last_events, SP_POLL_READ);
  sp_poll_close(&watch.poll, on_closed);
  close(ends[0]);
  run_some_turns(*state);
  assert_int_equal(watch.closed, 1);
}

static void test_want_decides(void **state) {
  int pair[2];
  struct watch watch;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  assert_int_equal(write(pair[1], "x", 1), 1);
  open_watch(&watch, *state, pair[0]);
  run_some_turns(*state);
  assert_int_equal(watch.calls, 0); /* nothing was asked for */
  sp_poll_want(&watch.poll, SP_POLL_WRITE);
  run_some_turns(*state);
  assert_int_equal(watch.last_events, SP_POLL_WRITE);
  sp_poll_want(&watch.poll, SP_POLL_READ | SP_POLL_WRITE);
  run_some_turns(*state);
  assert_int_equal(watch.last_events, SP_POLL_READ | SP_POLL_WRITE);
  watch.want_then = SP_POLL_READ; /* changed within the callback */
  run_some_turns(*state);
  assert_int_equal(watch.last_events, SP_POLL_READ);
  watch.want_then = 0;
  watch.calls = 0;
  run_some_turns(*state);
  assert_int_equal(watch.calls, 1);
  sp_poll_close(&watch.poll, on_closed);
  sp_poll_want(&watch.poll, 0); /* nothing changes: fine */
  run_some_turns(*state);
  close(pair[0]);
  close(pair[1]);
}

/* Two descriptors are ready; the first closes both polls and descriptors: the second is never called. */
static struct watch *twins[2];

static void on_twin(struct sp_poll *poll, int events) {
  (void)events;
  sp_container_of(poll, struct watch, poll)->calls++;
  for (int i = 0; i < 2; i++) {
    sp_poll_close(&twins[i]->poll, on_closed);
    close(twins[i]->fd);
    assert_int_equal(twins[i]->closed, 0); /* comes later */
  }
}

static void test_close_within_a_callback(void **state) {
  int ends[2][2];
  struct watch watches[2];
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pipe(ends[i]), 0);
    assert_int_equal(write(ends[i][1], "x", 1), 1);
    watches[i] = (struct watch){ .fd = ends[i][0] };
    twins[i] = &watches[i];
    assert_int_equal(sp_poll_open(&watches[i].poll, *state, ends[i][0], on_twin, NULL), SP_OK);
    sp_poll_want(&watches[i].poll, SP_POLL_READ);
  }
  run_some_turns(*state);
  assert_int_equal(watches[0].calls + watches[1].calls, 1);
  assert_int_equal(watches[0].closed, 1);
  assert_int_equal(watches[1].closed, 1);
  close(ends[0][1]);
  close(ends[1][1]);
}

/* The descriptor's number may be taken by another before on_closed has come. */
static void test_number_is_used_again(void **state) {
  int ends[2], next[2];
  struct watch old, new;
  assert_int_equal(pipe(ends), 0);
  open_watch(&old, *state, ends[0]);
  sp_poll_want(&old.poll, SP_POLL_READ);
  run_some_turns(*state);
  sp_poll_close(&old.poll, on_closed);
  close(ends[0]);
  assert_int_equal(pipe(next), 0);
  assert_int_equal(next[0], ends[0]);
  open_watch(&new, *state, next[0]);
  new.drain = true;
  sp_poll_want(&new.poll, SP_POLL_READ);
  assert_int_equal(write(next[1], "x", 1), 1);
  run_some_turns(*state);
  assert_int_equal(old.calls, 0);
  assert_int_equal(old.closed, 1);
  assert_int_equal(new.calls, 1);
  sp_poll_close(&new.poll, NULL);
  run_some_turns(*state);
  close(next[0]);
  close(next[1]);
  close(ends[1]);
}

/* Who took all that was there is left alone until there is news: more bytes, or the end. */
struct reader {
  struct sp_poll poll;
  int fd, calls, closed;
  ssize_t last; /* of the newest read */
};

static void on_reader_ready(struct sp_poll *poll, int events) {
  struct reader *reader = sp_container_of(poll, struct reader, poll);
  char bytes[8];
  assert_int_equal(events, SP_POLL_READ);
  reader->calls++;
  reader->last = read(reader->fd, bytes, sizeof(bytes));
  if (reader->last < (ssize_t)sizeof(bytes)) sp_poll_drained(poll);
  if (reader->last == 0) sp_poll_want(poll, 0);
}

static void open_reader(struct reader *reader, struct sp_loop *loop, int fd) {
  *reader = (struct reader){ .fd = fd };
  assert_int_equal(sp_poll_open(&reader->poll, loop, fd, on_reader_ready, NULL), SP_OK);
  sp_poll_want(&reader->poll, SP_POLL_READ);
}

static void test_drained_waits_for_news(void **state) {
  int pair[2];
  struct reader reader;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  open_reader(&reader, *state, pair[0]);
  assert_int_equal(write(pair[1], "0123456789", 10), 10);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 2); /* a full read was no draining */
  assert_int_equal(reader.last, 2);
  assert_int_equal(write(pair[1], "x", 1), 1);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 3);
  close(pair[1]);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 4);
  assert_int_equal(reader.last, 0);
  sp_poll_close(&reader.poll, NULL);
  run_some_turns(*state);
  close(pair[0]);
}

/* The last bytes and the end can be told in one: having taken the bytes is no draining then. */
static void test_the_end_is_not_lost_behind_the_last_bytes(void **state) {
  int pair[2];
  struct reader reader;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  open_reader(&reader, *state, pair[0]);
  assert_int_equal(write(pair[1], "abc", 3), 3);
  close(pair[1]);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 2);
  assert_int_equal(reader.last, 0);
  sp_poll_close(&reader.poll, NULL);
  run_some_turns(*state);
  close(pair[0]);
}

/* What came while nobody wanted it is told when somebody does. */
static void test_wanting_again_looks_again(void **state) {
  int pair[2];
  struct reader reader;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  open_reader(&reader, *state, pair[0]);
  sp_poll_want(&reader.poll, 0);
  assert_int_equal(write(pair[1], "abc", 3), 3);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 0);
  sp_poll_want(&reader.poll, SP_POLL_READ);
  run_some_turns(*state);
  assert_int_equal(reader.calls, 1);
  assert_int_equal(reader.last, 3);
  sp_poll_close(&reader.poll, NULL);
  run_some_turns(*state);
  close(pair[0]);
  close(pair[1]);
}

/* More than one system call tells of. */
static void test_many_at_once(void **state) {
  enum { MANY = 400 };
  static struct reader readers[MANY];
  static int pairs[MANY][2];
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
    open_reader(&readers[i], *state, pairs[i][0]);
    assert_int_equal(write(pairs[i][1], "x", 1), 1);
  }
  run_some_turns(*state);
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(readers[i].calls, 1);
    sp_poll_close(&readers[i].poll, NULL);
    close(pairs[i][0]);
    close(pairs[i][1]);
  }
  run_some_turns(*state);
}

static int refused_socket(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t len = sizeof(address);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0); /* bound, never listening: it refuses */
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  int status = connect(fd, (struct sockaddr *)&address, len);
  assert_true(status == 0 || errno == EINPROGRESS || errno == ECONNREFUSED);
  close(listener);
  return fd;
}

static void test_an_error_is_ready_for_all(void **state) {
  struct watch watch;
  int fd = refused_socket();
  open_watch(&watch, *state, fd);
  watch.close_at = 1;
  watch.close_fd = true;
  sp_poll_want(&watch.poll, SP_POLL_WRITE);
  run_some_turns(*state);
  assert_int_equal(watch.calls, 1);
  assert_int_equal(watch.last_events, SP_POLL_READ | SP_POLL_WRITE);
  assert_int_equal(watch.closed, 1);
}

/* A pipe without readers stays in error; who leaves it open is told again (libuv alone would fall silent). */
static void test_an_error_does_not_end_the_watch(void **state) {
  int ends[2];
  struct watch watch;
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  open_watch(&watch, *state, ends[1]);
  watch.close_at = 3;
  sp_poll_want(&watch.poll, SP_POLL_WRITE);
  run_some_turns(*state);
  assert_int_equal(watch.calls, 3);
  assert_int_equal(watch.last_events, SP_POLL_READ | SP_POLL_WRITE);
  assert_int_equal(watch.closed, 1);
  close(ends[1]);
}

static void test_what_cannot_be_watched(void **state) {
  struct sp_poll poll;
  struct sp_err err = { 0 };
  assert_int_equal(sp_poll_open(&poll, *state, -1, on_ready, &err), SP_EIO);
  assert_non_null(strstr(err.text, "-1"));
  int fd = open("/proc/self/exe", O_RDONLY); /* a plain file */
  assert_int_equal(sp_poll_open(&poll, *state, fd, on_ready, &err), SP_EIO);
  close(fd);
}

static void test_destroy_delivers_on_closed(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  int ends[2];
  struct watch watch;
  assert_int_equal(pipe(ends), 0);
  open_watch(&watch, loop, ends[0]);
  sp_poll_want(&watch.poll, SP_POLL_READ);
  sp_poll_close(&watch.poll, on_closed);
  sp_loop_destroy(loop);
  assert_int_equal(watch.closed, 1);
  close(ends[0]);
  close(ends[1]);
}

/* -- signals -- */

struct catcher {
  struct sp_os_signal signal;
  struct sp_loop *loop;
  int caught, stop_at, closed;
};

static void on_signal(struct sp_os_signal *signal) {
  struct catcher *catcher = sp_container_of(signal, struct catcher, signal);
  if (++catcher->caught == catcher->stop_at) sp_loop_stop(catcher->loop);
}

static void on_signal_closed(struct sp_os_signal *signal) { sp_container_of(signal, struct catcher, signal)->closed++; }

static void test_raise(void **state) {
  struct catcher catcher = { .loop = *state, .stop_at = 1 };
  assert_int_equal(sp_signal_open(&catcher.signal, *state, SIGUSR1, on_signal, NULL), SP_OK);
  raise(SIGUSR1);
  assert_int_equal(catcher.caught, 0); /* told by the loop, not in the handler */
  sp_loop_run(*state);
  assert_int_equal(catcher.caught, 1);
  catcher.stop_at = 2;
  kill(getpid(), SIGUSR1);
  sp_loop_run(*state);
  assert_int_equal(catcher.caught, 2);
  sp_signal_close(&catcher.signal, on_signal_closed);
  run_some_turns(*state);
  assert_int_equal(catcher.closed, 1);
}

static void *raise_usr2(void *arg) {
  (void)arg;
  usleep(2000);
  raise(SIGUSR2);
  return NULL;
}

static void test_signal_in_another_thread(void **state) {
  struct catcher catcher = { .loop = *state, .stop_at = 1 }, other = { .loop = *state };
  pthread_t thread;
  assert_int_equal(sp_signal_open(&catcher.signal, *state, SIGUSR2, on_signal, NULL), SP_OK);
  assert_int_equal(sp_signal_open(&other.signal, *state, SIGUSR1, on_signal, NULL), SP_OK);
  pthread_create(&thread, NULL, raise_usr2, NULL);
  sp_loop_run(*state);
  pthread_join(thread, NULL);
  assert_int_equal(catcher.caught, 1);
  assert_int_equal(other.caught, 0);
  sp_signal_close(&catcher.signal, NULL);
  sp_signal_close(&other.signal, NULL);
  run_some_turns(*state);
}

static void test_signals_that_cannot_be_caught(void **state) {
  static const int signums[] = { 0, -1, SIGKILL, SIGSTOP, 10000 };
  for (size_t i = 0; i < sizeof(signums) / sizeof(*signums); i++) {
    struct sp_os_signal signal;
    struct sp_err err = { 0 };
    assert_int_equal(sp_signal_open(&signal, *state, signums[i], on_signal, &err), SP_EIO);
    assert_non_null(strstr(err.text, "signal"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_pipe_becomes_readable, setup, teardown),
    cmocka_unit_test_setup_teardown(test_want_decides, setup, teardown),
    cmocka_unit_test_setup_teardown(test_close_within_a_callback, setup, teardown),
    cmocka_unit_test_setup_teardown(test_number_is_used_again, setup, teardown),
    cmocka_unit_test_setup_teardown(test_drained_waits_for_news, setup, teardown),
    cmocka_unit_test_setup_teardown(test_the_end_is_not_lost_behind_the_last_bytes, setup, teardown),
    cmocka_unit_test_setup_teardown(test_wanting_again_looks_again, setup, teardown),
    cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
    cmocka_unit_test_setup_teardown(test_an_error_is_ready_for_all, setup, teardown),
    cmocka_unit_test_setup_teardown(test_an_error_does_not_end_the_watch, setup, teardown),
    cmocka_unit_test_setup_teardown(test_what_cannot_be_watched, setup, teardown),
    cmocka_unit_test(test_destroy_delivers_on_closed),
    cmocka_unit_test_setup_teardown(test_raise, setup, teardown),
    cmocka_unit_test_setup_teardown(test_signal_in_another_thread, setup, teardown),
    cmocka_unit_test_setup_teardown(test_signals_that_cannot_be_caught, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
