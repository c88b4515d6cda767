/* Pacing: turns apart while descriptors are busy, at once for the first after a quiet time, for timers and in a hurry. */
#include "base/clock.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#define LONG_PACE_NS (2 * SP_NS_PER_S) /* a wait that happened is at least this; one that did not is far below */

struct bench {
  struct sp_loop *loop;
  int pipes[2][2];
  struct sp_poll polls[2];
  struct sp_timer timer;
  int64_t served_ns[2];
  int closed;
  bool answers; /* reads count as whole answers */
};

static void on_closed(struct sp_poll *poll) { (void)poll; }

static void read_byte(struct bench *bench, int i) {
  char byte;
  assert_int_equal(read(bench->pipes[i][0], &byte, 1), 1);
  bench->served_ns[i] = sp_clock_mono_ns();
  if (bench->answers) sp_loop_note_answer(bench->loop);
}

static struct bench *current; /* cmocka runs one test at a time */

static void on_first(struct sp_poll *poll, int events) {
  (void)poll, (void)events;
  read_byte(current, 0);
  assert_int_equal(write(current->pipes[1][1], "x", 1), 1);
}

static void on_second(struct sp_poll *poll, int events) {
  (void)poll, (void)events;
  read_byte(current, 1);
  sp_loop_stop(current->loop);
}

static void on_timer(struct sp_timer *timer) { (void)timer; }

static void open_bench(struct bench *bench) {
  struct sp_err err;
  current = bench;
  bench->loop = sp_loop_create(&err);
  assert_non_null(bench->loop);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pipe2(bench->pipes[i], O_NONBLOCK), 0);
    assert_int_equal(sp_poll_open(&bench->polls[i], bench->loop, bench->pipes[i][0], i ? on_second : on_first, &err), 0);
    sp_poll_want(&bench->polls[i], SP_POLL_READ);
  }
  sp_timer_init(&bench->timer, bench->loop, on_timer);
}

/* The second event comes in the first one's turn. Gives how long it waited. */
static int64_t run_bench(struct bench *bench) {
  assert_int_equal(write(bench->pipes[0][1], "x", 1), 1);
  sp_loop_run(bench->loop);
  return bench->served_ns[1] - bench->served_ns[0];
}

static void close_bench(struct bench *bench) {
  sp_timer_stop(&bench->timer);
  for (int i = 0; i < 2; i++) sp_poll_close(&bench->polls[i], on_closed);
  sp_loop_destroy(bench->loop);
  for (int i = 0; i < 4; i++) close(bench->pipes[i / 2][i % 2]);
}

static void busy_turns_are_apart(void **state) {
  (void)state;
  struct bench bench = { 0 };
  open_bench(&bench);
  sp_loop_set_pace(bench.loop, 100 * SP_NS_PER_MS, false);
  assert_true(run_bench(&bench) >= 90 * SP_NS_PER_MS);
  close_bench(&bench);
}

static void without_a_pace_nothing_waits(void **state) {
  (void)state;
  struct bench bench = { 0 };
  open_bench(&bench);
  assert_true(run_bench(&bench) < LONG_PACE_NS / 2);
  close_bench(&bench);
}

static void a_hurry_sets_it_aside(void **state) {
  (void)state;
  struct bench bench = { 0 };
  open_bench(&bench);
  sp_loop_set_pace(bench.loop, LONG_PACE_NS, false);
  sp_loop_hurry(bench.loop, 1);
  assert_true(run_bench(&bench) < LONG_PACE_NS / 2);
  sp_loop_hurry(bench.loop, -1);
  close_bench(&bench);
}

static void whole_answers_set_it_aside(void **state) {
  (void)state;
  struct bench bench = { .answers = true };
  open_bench(&bench);
  sp_loop_set_pace(bench.loop, LONG_PACE_NS, false);
  assert_true(run_bench(&bench) < LONG_PACE_NS / 2);
  close_bench(&bench);
}

static void a_timer_ends_the_wait(void **state) {
  (void)state;
  struct bench bench = { 0 };
  open_bench(&bench);
  sp_loop_set_pace(bench.loop, LONG_PACE_NS, false);
  sp_timer_start(&bench.timer, sp_clock_mono_ns() + 20 * SP_NS_PER_MS);
  assert_true(run_bench(&bench) < LONG_PACE_NS / 2);
  close_bench(&bench);
}

static void a_timer_waits_where_asked(void **state) {
  (void)state;
  struct bench bench = { 0 };
  open_bench(&bench);
  sp_loop_set_pace(bench.loop, 100 * SP_NS_PER_MS, true);
  sp_timer_start(&bench.timer, sp_clock_mono_ns() + 5 * SP_NS_PER_MS);
  assert_true(run_bench(&bench) >= 90 * SP_NS_PER_MS);
  close_bench(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(busy_turns_are_apart),       cmocka_unit_test(without_a_pace_nothing_waits),
      cmocka_unit_test(a_hurry_sets_it_aside),      cmocka_unit_test(whole_answers_set_it_aside),
      cmocka_unit_test(a_timer_ends_the_wait),      cmocka_unit_test(a_timer_waits_where_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
