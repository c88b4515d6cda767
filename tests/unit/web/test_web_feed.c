#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "web/feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_TIME 1
#define EVENTS 2000u
#define WATCHERS 8u

static void publish(struct sp_web_feed *feed, unsigned number) {
  char text[40];
  struct sp_web_event event = { .kind = "tick" };
  snprintf(text, sizeof(text), "%u", number);
  event.data = sp_blob_create(sp_str_from(text));
  sp_web_feed_publish(feed, event);
}

static int next_number(struct sp_web_feed *feed, uint64_t *at, int64_t most_ns, enum sp_web_next *next) {
  struct sp_web_event event;
  *next = sp_web_feed_next(feed, at, most_ns, &event);
  if (*next != SP_WEB_NEXT_EVENT) {
    return -1;
  }
  int number = atoi(sp_blob_str(event.data).bytes);
  sp_blob_unref(event.data);
  return number;
}

static void from_when_it_came(void **state) {
  (void)state;
  struct sp_web_feed *feed = sp_web_feed_create(8, 1000);
  enum sp_web_next next;
  uint64_t at;
  publish(feed, 1);
  assert_true(sp_web_feed_join(feed, 1, &at));
  assert_int_equal(next_number(feed, &at, NO_TIME, &next), -1);
  assert_int_equal(next, SP_WEB_NEXT_QUIET);
  publish(feed, 2);
  assert_int_equal(next_number(feed, &at, NO_TIME, &next), 2);
  sp_web_feed_end(feed);
  publish(feed, 3); /* after the end: nothing */
  next_number(feed, &at, SP_NS_PER_S, &next);
  assert_int_equal(next, SP_WEB_NEXT_END);
  sp_web_feed_leave(feed);
  sp_web_feed_unref(feed);
}

static void there_is_room_for_so_many(void **state) {
  (void)state;
  struct sp_web_feed *feed = sp_web_feed_create(8, 1000);
  uint64_t at;
  assert_false(sp_web_feed_left(feed));
  assert_true(sp_web_feed_join(feed, 2, &at) && sp_web_feed_join(feed, 2, &at));
  assert_false(sp_web_feed_join(feed, 2, &at));
  sp_web_feed_leave(feed);
  assert_true(sp_web_feed_join(feed, 2, &at));
  sp_web_feed_leave(feed);
  sp_web_feed_leave(feed);
  assert_true(sp_web_feed_left(feed));
  sp_web_feed_drain(feed, SP_NS_PER_S);
  sp_web_feed_unref(feed);
}

static void who_is_too_slow_is_told(void **state) {
  (void)state;
  struct sp_web_feed *feed = sp_web_feed_create(4, 1000);
  enum sp_web_next next;
  uint64_t at;
  assert_true(sp_web_feed_join(feed, 9, &at));
  for (unsigned i = 0; i < 4; i++) {
    publish(feed, i);
  }
  assert_int_equal(next_number(feed, &at, NO_TIME, &next), 0);
  publish(feed, 4);
  assert_int_equal(next_number(feed, &at, NO_TIME, &next), 1); /* just in time */
  publish(feed, 5);
  publish(feed, 6);
  publish(feed, 7);
  next_number(feed, &at, NO_TIME, &next);
  assert_int_equal(next, SP_WEB_NEXT_LOST);
  sp_web_feed_leave(feed);
  sp_web_feed_unref(feed);
}

static void bytes_have_a_cap(void **state) {
  (void)state;
  struct sp_web_feed *feed = sp_web_feed_create(100, 10);
  enum sp_web_next next;
  uint64_t at, late;
  assert_true(sp_web_feed_join(feed, 9, &at));
  for (unsigned i = 0; i < 12; i++) {
    publish(feed, i);
  }
  next_number(feed, &at, NO_TIME, &next);
  assert_int_equal(next, SP_WEB_NEXT_LOST);
  late = 11;
  assert_int_equal(next_number(feed, &late, NO_TIME, &next), 11);
  sp_web_feed_leave(feed);
  sp_web_feed_unref(feed);
}

static void *watch(void *ctx) {
  struct sp_web_feed *feed = ctx;
  enum sp_web_next next;
  uint64_t at = 0;
  unsigned expected = 0;
  while (true) {
    int number = next_number(feed, &at, SP_NS_PER_S, &next);
    if (next == SP_WEB_NEXT_END) {
      break;
    }
    if (next == SP_WEB_NEXT_EVENT && (unsigned)number != expected++) {
      expected = EVENTS + 1;
    }
  }
  sp_web_feed_leave(feed);
  sp_web_feed_unref(feed);
  return (void *)(uintptr_t)expected;
}

static void many_threads(void **state) {
  (void)state;
  struct sp_web_feed *feed = sp_web_feed_create(EVENTS, 1000000);
  pthread_t threads[WATCHERS];
  uint64_t at;
  for (unsigned i = 0; i < WATCHERS; i++) {
    assert_true(sp_web_feed_join(feed, WATCHERS, &at));
    assert_int_equal(pthread_create(&threads[i], NULL, watch, sp_web_feed_ref(feed)), 0);
  }
  for (unsigned i = 0; i < EVENTS; i++) {
    publish(feed, i);
  }
  sp_web_feed_end(feed);
  sp_web_feed_unref(feed);
  for (unsigned i = 0; i < WATCHERS; i++) {
    void *seen;
    pthread_join(threads[i], &seen);
    assert_int_equal((uintptr_t)seen, EVENTS); /* each event, once, in order */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(from_when_it_came), cmocka_unit_test(there_is_room_for_so_many), cmocka_unit_test(who_is_too_slow_is_told),
    cmocka_unit_test(bytes_have_a_cap),  cmocka_unit_test(many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
