/* Reading slowly, on a fake clock; the exchange is a stand-in that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "script/slow_read.h"

#define MS SP_NS_PER_MS

struct sp_exchange { /* in the place of the real one */
  struct sp_sample sample;
  int paused, resumed;
};
struct sp_sample *sp_exchange_sample(struct sp_exchange *exchange) { return &exchange->sample; }
void sp_exchange_pause(struct sp_exchange *exchange) { exchange->paused++; }
void sp_exchange_resume(struct sp_exchange *exchange) { exchange->resumed++; }

struct bench {
  struct sp_loop *loop;
  struct sp_exchange exchange;
  struct sp_slow_read *slow;
  struct sp_timer timer;
  int64_t start_ns, resumed_ns;
};

static void begin(struct bench *it, double bytes_per_s) {
  *it = (struct bench){ .start_ns = 1000 * SP_NS_PER_S };
  it->loop = sp_loop_create_fake(it->start_ns);
  it->slow = sp_slow_read_create(it->loop, bytes_per_s);
  it->slow->exchange = &it->exchange;
}

static void end(struct bench *it) {
  sp_slow_read_end(it->slow);
  sp_slow_read_destroy(it->slow);
  sp_loop_destroy(it->loop);
}

/* Runs until nothing is due any more. */
static int64_t run(struct bench *it) {
  sp_loop_run(it->loop);
  return sp_loop_now(it->loop) - it->start_ns;
}

static void bytes_take_their_time(void **state) {
  (void)state;
  struct bench it;
  begin(&it, 1000);
  sp_slow_read_take(it.slow, 500);
  assert_int_equal(it.exchange.paused, 1);
  assert_int_equal(run(&it), 500 * MS);
  assert_int_equal(it.exchange.resumed, 1);
  sp_slow_read_take(it.slow, 250);
  assert_int_equal(run(&it), 750 * MS);
  assert_int_equal(it.exchange.sample.read_pauses, 2);
  assert_int_equal(it.exchange.sample.paused_ns, 750 * MS);
  end(&it);
}

static void short_debts_add_up(void **state) {
  (void)state;
  struct bench it;
  begin(&it, 1e6);
  for (int i = 0; i < 9; i++) sp_slow_read_take(it.slow, 100); /* 0.1 ms each */
  assert_int_equal(it.exchange.paused, 0);
  sp_slow_read_take(it.slow, 100);
  assert_int_equal(it.exchange.paused, 1);
  assert_int_equal(run(&it), 1 * MS);
  end(&it);
}

static void on_timer(struct sp_timer *timer) {
  struct bench *it = sp_container_of(timer, struct bench, timer);
  sp_slow_read_resume(it->slow);
  it->resumed_ns = sp_loop_now(it->loop) - it->start_ns;
}

/* The plan's pause and the rate's overlap: reading goes on when both are over, and it is one pause. */
static void two_reasons_are_one_pause(void **state) {
  (void)state;
  struct bench it;
  begin(&it, 1000);
  sp_slow_read_pause(it.slow);
  sp_slow_read_pause(it.slow);
  sp_slow_read_take(it.slow, 300);
  sp_timer_init(&it.timer, it.loop, on_timer);
  sp_timer_start(&it.timer, it.start_ns + 100 * MS);
  assert_int_equal(run(&it), 300 * MS);
  assert_int_equal(it.resumed_ns, 100 * MS);
  assert_int_equal(it.exchange.paused, 1);
  assert_int_equal(it.exchange.resumed, 1);
  assert_int_equal(it.exchange.sample.read_pauses, 1);
  assert_int_equal(it.exchange.sample.paused_ns, 300 * MS);
  end(&it);
}

static void no_rate_no_pause(void **state) {
  (void)state;
  struct bench it;
  begin(&it, 0);
  sp_slow_read_take(it.slow, 1u << 30);
  sp_slow_read_resume(it.slow);
  assert_int_equal(it.exchange.paused + it.exchange.resumed, 0);
  end(&it);
  begin(&it, 1e-300); /* longer than any run */
  sp_slow_read_take(it.slow, 1u << 30);
  assert_int_equal(it.exchange.paused, 1);
  end(&it);
  assert_int_equal(it.exchange.sample.paused_ns, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_take_their_time),
    cmocka_unit_test(short_debts_add_up),
    cmocka_unit_test(two_reasons_are_one_pause),
    cmocka_unit_test(no_rate_no_pause),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
