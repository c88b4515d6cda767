/* Timers, each test on a real and on a fake loop unless its name says which. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACE_MAX 64

/* What fired, in order: each timer adds its letter. */
struct trace {
  char text[TRACE_MAX];
  size_t len;
};

struct letter {
  struct sp_timer timer;
  struct trace *trace;
  char name;
  bool last;             /* stops the loop */
  struct letter *victim; /* stopped by this one */
  struct letter *next;   /* started by this one, `next_in_ns` after its own due time */
  int64_t next_in_ns;
};

static void on_letter(struct sp_timer *timer) {
  struct letter *letter = sp_container_of(timer, struct letter, timer);
  assert_false(sp_timer_active(timer));
  assert_true(sp_loop_now(timer->loop) >= sp_timer_due(timer));
  assert_true(letter->trace->len + 1 < TRACE_MAX);
  letter->trace->text[letter->trace->len++] = letter->name;
  if (letter->victim) sp_timer_stop(&letter->victim->timer);
  if (letter->next) sp_timer_start(&letter->next->timer, sp_timer_due(timer) + letter->next_in_ns);
  if (letter->last) sp_loop_stop(timer->loop);
}

static struct letter make_letter(struct sp_loop *loop, struct trace *trace, char name) {
  struct letter letter = { .trace = trace, .name = name };
  sp_timer_init(&letter.timer, loop, on_letter);
  return letter;
}

static int real_setup(void **state) {
  *state = sp_loop_create(NULL);
  return *state ? 0 : -1;
}

static int fake_setup(void **state) {
  *state = sp_loop_create_fake(1000 * SP_NS_PER_S);
  return 0;
}

static int teardown(void **state) {
  sp_loop_destroy(*state);
  return 0;
}

static void test_due_order_then_start_order(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  int64_t now = sp_loop_now(loop);
  static const struct {
    char name;
    int after_ms;
  } plan[] = { { 'd', 3 }, { 'a', 1 }, { 'e', 3 }, { 'c', 2 }, { 'b', 1 }, { 'f', 3 }, { 'z', 4 } };
  struct letter letters[7];
  for (int i = 0; i < 7; i++) {
    letters[i] = make_letter(loop, &trace, plan[i].name);
    letters[i].last = plan[i].name == 'z';
    sp_timer_start(&letters[i].timer, now + plan[i].after_ms * SP_NS_PER_MS);
  }
  sp_loop_run(loop);
  assert_string_equal(trace.text, "abcdefz");
}

static void test_a_nanosecond_decides(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter b = make_letter(loop, &trace, 'b'), a = make_letter(loop, &trace, 'a');
  int64_t due = sp_loop_now(loop) + SP_NS_PER_MS;
  b.last = true;
  sp_timer_start(&b.timer, due);
  sp_timer_start(&a.timer, due - 1);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "ab");
}

static void test_the_past_is_due_at_once_in_order(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter c = make_letter(loop, &trace, 'c'), a = make_letter(loop, &trace, 'a'),
                b = make_letter(loop, &trace, 'b');
  int64_t now = sp_loop_now(loop);
  c.last = true;
  sp_timer_start(&c.timer, now);
  sp_timer_start(&b.timer, now - SP_NS_PER_S);
  sp_timer_start(&a.timer, INT64_MIN);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "abc");
  assert_true(sp_timer_due(&b.timer) == now - SP_NS_PER_S); /* kept as it was asked for */
}

static void test_restart_moves(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b'),
                z = make_letter(loop, &trace, 'z');
  int64_t now = sp_loop_now(loop);
  z.last = true;
  sp_timer_start(&z.timer, now + 5 * SP_NS_PER_MS);
  sp_timer_start(&a.timer, now + 1 * SP_NS_PER_MS);
  sp_timer_start(&b.timer, now + 2 * SP_NS_PER_MS);
  sp_timer_start(&a.timer, now + 3 * SP_NS_PER_MS); /* later, behind b */
  assert_true(sp_timer_active(&a.timer));
  assert_true(sp_timer_due(&a.timer) == now + 3 * SP_NS_PER_MS);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "baz");
}

static void test_stop(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), z = make_letter(loop, &trace, 'z');
  int64_t now = sp_loop_now(loop);
  z.last = true;
  sp_timer_stop(&a.timer); /* never started */
  sp_timer_start(&a.timer, now + SP_NS_PER_MS);
  sp_timer_start(&z.timer, now + 2 * SP_NS_PER_MS);
  sp_timer_stop(&a.timer);
  sp_timer_stop(&a.timer);
  assert_false(sp_timer_active(&a.timer));
  sp_loop_run(loop);
  assert_string_equal(trace.text, "z");
}

/* All are due in the same turn; the first takes out one that would have been next. */
static void test_stop_inside_a_callback(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b'),
                c = make_letter(loop, &trace, 'c');
  int64_t now = sp_loop_now(loop);
  a.victim = &b;
  c.victim = &c; /* itself: not active while it fires */
  c.last = true;
  sp_timer_start(&a.timer, now - 3);
  sp_timer_start(&b.timer, now - 2);
  sp_timer_start(&c.timer, now - 1);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "ac");
  assert_false(sp_timer_active(&b.timer));
}

/* b is started by a and due before c, but c was due already when the turn began. */
static void test_started_while_firing_runs_next_turn(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b'),
                c = make_letter(loop, &trace, 'c');
  int64_t now = sp_loop_now(loop);
  a.next = &b;
  a.next_in_ns = 1;
  b.last = true;
  sp_timer_start(&a.timer, now - 100);
  sp_timer_start(&c.timer, now - 50);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "acb");
}

static void test_deferred_can_be_stopped_and_restarted(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b'),
                c = make_letter(loop, &trace, 'c'), d = make_letter(loop, &trace, 'd'),
                z = make_letter(loop, &trace, 'z');
  int64_t now = sp_loop_now(loop);
  a.next = &b; /* b is deferred by a … */
  c.victim = &b; /* … and stopped by c in the same turn */
  c.next = &d;
  z.last = true;
  sp_timer_start(&a.timer, now - 30);
  sp_timer_start(&c.timer, now - 20);
  sp_timer_start(&d.timer, now - 10); /* active still when c restarts it: deferred then */
  sp_timer_start(&z.timer, now + 2 * SP_NS_PER_MS);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "acdz");
}

static void test_chain_of_starts(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b'),
                c = make_letter(loop, &trace, 'c');
  a.next = &b;
  a.next_in_ns = SP_NS_PER_MS;
  b.next = &c;
  b.next_in_ns = 0;
  c.last = true;
  sp_timer_start(&a.timer, sp_loop_now(loop) + SP_NS_PER_MS);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "abc");
}

static void test_never_never_comes(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter never = make_letter(loop, &trace, 'n'), z = make_letter(loop, &trace, 'z');
  z.last = true;
  sp_timer_start(&never.timer, SP_NEVER_NS);
  sp_timer_start(&z.timer, sp_loop_now(loop) + SP_NS_PER_MS);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "z");
  assert_true(sp_timer_active(&never.timer));
  sp_timer_stop(&never.timer);
}

static void test_run_again_goes_on(void **state) {
  struct sp_loop *loop = *state;
  struct trace trace = { 0 };
  struct letter a = make_letter(loop, &trace, 'a'), b = make_letter(loop, &trace, 'b');
  int64_t now = sp_loop_now(loop);
  a.last = b.last = true;
  sp_timer_start(&a.timer, now + SP_NS_PER_MS);
  sp_timer_start(&b.timer, now + 3 * SP_NS_PER_MS);
  sp_loop_run(loop);
  sp_loop_run(loop);
  assert_string_equal(trace.text, "ab");
}

/* -- many -- */

struct swarm {
  struct sp_loop *loop;
  size_t fired;
  int64_t last_due_ns;
  bool early, unordered;
  uint64_t digest; /* of the order in which they fired */
};

struct bee {
  struct sp_timer timer;
  struct swarm *swarm;
  uint64_t id;
};

static void on_bee(struct sp_timer *timer) {
  struct bee *bee = sp_container_of(timer, struct bee, timer);
  struct swarm *swarm = bee->swarm;
  int64_t due = sp_timer_due(timer);
  if (!sp_loop_is_fake(timer->loop) && sp_clock_mono_ns() < due) swarm->early = true;
  if (due < swarm->last_due_ns) swarm->unordered = true;
  swarm->last_due_ns = due;
  swarm->fired++;
  swarm->digest = (swarm->digest ^ bee->id) * UINT64_C(0x100000001b3);
}

static void on_end(struct sp_timer *timer) { sp_loop_stop(timer->loop); }

enum { BEES = 10000 };

/* 10,000 timers within 50 ms, a third of them stopped, a third restarted. */
static struct swarm fly(struct sp_loop *loop, uint64_t seed) {
  struct swarm swarm = { .loop = loop, .last_due_ns = INT64_MIN };
  struct bee *bees = calloc(BEES, sizeof(*bees));
  struct sp_timer end;
  struct sp_rng rng;
  int64_t now = sp_loop_now(loop);
  sp_rng_seed(&rng, seed, 0);
  for (uint64_t i = 0; i < BEES; i++) {
    bees[i].swarm = &swarm;
    bees[i].id = i;
    sp_timer_init(&bees[i].timer, loop, on_bee);
    sp_timer_start(&bees[i].timer, now + (int64_t)sp_rng_below(&rng, 500) * 100 * SP_NS_PER_US);
  }
  for (uint64_t i = 0; i < BEES; i++) {
    if (i % 3 == 0) sp_timer_stop(&bees[i].timer);
    if (i % 3 == 1) sp_timer_start(&bees[i].timer, now + (int64_t)sp_rng_below(&rng, 500) * 100 * SP_NS_PER_US);
  }
  sp_timer_init(&end, loop, on_end);
  sp_timer_start(&end, now + 50 * SP_NS_PER_MS);
  sp_loop_run(loop);
  free(bees);
  return swarm;
}

static void test_ten_thousand(void **state) {
  struct swarm swarm = fly(*state, 1);
  assert_int_equal(swarm.fired, BEES - (BEES + 2) / 3);
  assert_false(swarm.early);
  assert_false(swarm.unordered);
}

static void test_same_seed_same_order(void **state) {
  (void)state;
  uint64_t digests[3];
  for (int i = 0; i < 3; i++) {
    struct sp_loop *loop = sp_loop_create_fake(5);
    digests[i] = fly(loop, i < 2 ? 1 : 2).digest;
    sp_loop_destroy(loop);
  }
  assert_true(digests[0] == digests[1]);
  assert_true(digests[0] != digests[2]);
}

/* -- what only one kind can show -- */

struct ticker {
  struct sp_timer timer;
  int64_t every_ns;
  int left;
};

static void on_tick(struct sp_timer *timer) {
  struct ticker *ticker = sp_container_of(timer, struct ticker, timer);
  assert_true(sp_loop_now(timer->loop) == sp_timer_due(timer)); /* to the nanosecond */
  assert_true(sp_loop_update_now(timer->loop) == sp_timer_due(timer));
  if (--ticker->left > 0) sp_timer_start(timer, sp_timer_due(timer) + ticker->every_ns);
}

static void test_fake_hour_passes_in_no_time(void **state) {
  struct sp_loop *loop = *state;
  struct ticker ticker = { .every_ns = 10 * SP_NS_PER_S, .left = 360 };
  int64_t start = sp_loop_now(loop);
  assert_true(start == 1000 * SP_NS_PER_S);
  assert_true(sp_loop_is_fake(loop));
  assert_null(sp_loop_uv(loop));
  sp_timer_init(&ticker.timer, loop, on_tick);
  sp_timer_start(&ticker.timer, start + ticker.every_ns);
  sp_loop_run(loop); /* returns: nothing is left */
  assert_int_equal(ticker.left, 0);
  assert_true(sp_loop_now(loop) == start + 3600 * SP_NS_PER_S);
}

static void test_fake_with_nothing_returns(void **state) {
  struct sp_timer never;
  sp_timer_init(&never, *state, on_end);
  sp_loop_run(*state);
  sp_timer_start(&never, SP_NEVER_NS);
  sp_loop_run(*state);
  sp_timer_stop(&never);
  assert_true(sp_loop_now(*state) == 1000 * SP_NS_PER_S);
}

struct greedy {
  struct sp_timer timer;
  int fired;
};

/* Starts itself anew for the past, for ever. */
static void on_greedy(struct sp_timer *timer) {
  sp_container_of(timer, struct greedy, timer)->fired++;
  sp_timer_start(timer, sp_loop_update_now(timer->loop) - 1);
}

static void on_readable(struct sp_poll *poll, int events) {
  assert_int_equal(events, SP_POLL_READ);
  sp_poll_close(poll, NULL);
  sp_loop_stop(poll->loop);
}

static void test_real_descriptors_do_not_starve(void **state) {
  struct greedy greedy = { 0 };
  struct sp_poll poll;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  sp_timer_init(&greedy.timer, *state, on_greedy);
  sp_timer_start(&greedy.timer, 0);
  assert_int_equal(sp_poll_open(&poll, *state, ends[0], on_readable, NULL), SP_OK);
  sp_poll_want(&poll, SP_POLL_READ);
  sp_loop_run(*state); /* returns only when the descriptor had its turn */
  assert_true(greedy.fired >= 1);
  sp_timer_stop(&greedy.timer);
  sp_loop_stop(*state); /* a last turn, for the close of the poll, which lives on this stack */
  sp_loop_run(*state);
  close(ends[0]);
  close(ends[1]);
}

/* The earliest goes away and later ones remain: the stale arming must not swallow them. */
static void test_real_earliest_gets_later(void **state) {
  struct trace trace = { 0 };
  struct letter a = make_letter(*state, &trace, 'a'), b = make_letter(*state, &trace, 'b'),
                c = make_letter(*state, &trace, 'c'), z = make_letter(*state, &trace, 'z');
  int64_t now = sp_loop_now(*state);
  sp_timer_start(&a.timer, now + 3 * SP_NS_PER_MS);
  sp_timer_start(&b.timer, now + SP_NS_PER_MS);
  sp_timer_start(&c.timer, now + 6 * SP_NS_PER_MS);
  sp_timer_start(&z.timer, now + 9 * SP_NS_PER_MS);
  b.victim = &a;  /* armed for a next, or not at all yet: either way c comes */
  z.last = true;
  sp_loop_run(*state);
  assert_string_equal(trace.text, "bcz");
}

static void *stop_later(void *loop) {
  usleep(50000);
  sp_loop_stop(loop);
  return NULL;
}

/* Neither a timerfd that fired and is not needed any more nor one that is armed for later keeps the loop awake. */
static void test_real_idle_loop_sleeps(void **state) {
  struct trace trace = { 0 };
  struct letter a = make_letter(*state, &trace, 'a'), later = make_letter(*state, &trace, 'l');
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    sp_timer_start(&a.timer, sp_loop_now(*state) + SP_NS_PER_MS);
    if (i == 1) sp_timer_start(&later.timer, sp_loop_now(*state) + 3600 * SP_NS_PER_S);
    int64_t cpu_ns = sp_clock_thread_cpu_ns();
    pthread_create(&thread, NULL, stop_later, *state);
    sp_loop_run(*state);
    pthread_join(thread, NULL);
    assert_true(sp_clock_thread_cpu_ns() - cpu_ns < 20 * SP_NS_PER_MS);
  }
  sp_timer_stop(&later.timer);
  sp_timer_stop(&a.timer);
}

static void test_real_destroy_stops_timers(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_timer timer;
  sp_timer_init(&timer, loop, on_end);
  sp_timer_start(&timer, sp_loop_now(loop) + 3600 * SP_NS_PER_S);
  sp_loop_destroy(loop);
  assert_false(sp_timer_active(&timer));
  sp_timer_stop(&timer);
}

#define ON_BOTH(test) \
  cmocka_unit_test_setup_teardown(test, real_setup, teardown), \
  { "fake: " #test, test, fake_setup, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
    ON_BOTH(test_due_order_then_start_order),
    ON_BOTH(test_a_nanosecond_decides),
    ON_BOTH(test_the_past_is_due_at_once_in_order),
    ON_BOTH(test_restart_moves),
    ON_BOTH(test_stop),
    ON_BOTH(test_stop_inside_a_callback),
    ON_BOTH(test_started_while_firing_runs_next_turn),
    ON_BOTH(test_deferred_can_be_stopped_and_restarted),
    ON_BOTH(test_chain_of_starts),
    ON_BOTH(test_never_never_comes),
    ON_BOTH(test_run_again_goes_on),
    ON_BOTH(test_ten_thousand),
    cmocka_unit_test(test_same_seed_same_order),
    cmocka_unit_test_setup_teardown(test_fake_hour_passes_in_no_time, fake_setup, teardown),
    cmocka_unit_test_setup_teardown(test_fake_with_nothing_returns, fake_setup, teardown),
    cmocka_unit_test_setup_teardown(test_real_descriptors_do_not_starve, real_setup, teardown),
    cmocka_unit_test_setup_teardown(test_real_earliest_gets_later, real_setup, teardown),
    cmocka_unit_test_setup_teardown(test_real_idle_loop_sleeps, real_setup, teardown),
    cmocka_unit_test(test_real_destroy_stops_timers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
