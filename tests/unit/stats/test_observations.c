#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/observations.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S SP_NS_PER_S

static const struct sp_observed_key cpu = {.signal = SP_SIGNAL_CPU_CORES, .subject = "dify-api", .source = "here", .query = "top"};

static void every_signal_has_a_row(void **state) {
  (void)state;
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) {
    const struct sp_signal_info *info = sp_signal_info((enum sp_signal)i);
    assert_int_equal(sp_signal_find(info->name), i);
    assert_true(info->help[0]);
  }
  assert_int_equal(sp_signal_find("cpu"), -1);
}

static void means_are_weighted_by_time(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  struct sp_observed_window window;
  sp_observations_add(seen, &cpu, 10 * S, S, 1.0);
  sp_observations_add(seen, &cpu, 13 * S, 3 * S, 2.0);
  const struct sp_observed *series = sp_observations_find(seen, SP_SIGNAL_CPU_CORES, "dify-api", NULL, NULL);
  assert_non_null(series);
  assert_true(sp_observed_window(seen, series, 9 * S, 13 * S, &window));
  assert_float_equal(window.mean, 1.75, 1e-9);
  assert_float_equal(window.covered, 1, 1e-9);
  assert_int_equal(window.points, 2);
  assert_true(sp_observed_window(seen, series, 12 * S, 20 * S, &window)); /* a second of eight is covered */
  assert_float_equal(window.mean, 2, 1e-9);
  assert_float_equal(window.covered, 0.125, 1e-9);
  assert_false(sp_observed_window(seen, series, 13 * S, 20 * S, &window));
  sp_observations_destroy(seen);
}

static void late_and_wrong_points_are_dropped(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  size_t count;
  sp_observations_add(seen, &cpu, 10 * S, S, 1.0);
  sp_observations_add(seen, &cpu, 10 * S, S, 5.0);
  sp_observations_add(seen, &cpu, 9 * S, S, 5.0);
  sp_observations_add(seen, &cpu, 11 * S, S, (double)NAN);
  free(sp_observed_points(seen, sp_observations_at(seen, 0), 0, &count));
  assert_int_equal(count, 1);
  sp_observations_destroy(seen);
}

static void a_long_series_gets_coarser_and_keeps_its_mean(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  struct sp_observed_window window;
  int64_t seconds = 3 * (int64_t)SP_OBSERVED_POINTS_MAX;
  for (int64_t i = 1; i <= seconds; i++) sp_observations_add(seen, &cpu, i * S, S, (double)(i % 10));
  assert_true(sp_observed_window(seen, sp_observations_at(seen, 0), 0, seconds * S, &window));
  assert_true(window.points <= SP_OBSERVED_POINTS_MAX);
  assert_float_equal(window.mean, 4.5, 1e-6);
  assert_float_equal(window.covered, 1, 1e-9);
  sp_observations_destroy(seen);
}

static void series_have_a_cap(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  for (unsigned i = 0; i < SP_OBSERVED_MAX + 5; i++) {
    char subject[20];
    snprintf(subject, sizeof(subject), "pod-%u", i);
    sp_observations_add(seen, &(struct sp_observed_key){.signal = SP_SIGNAL_NET_IN, .subject = subject}, S, S, 1);
  }
  assert_int_equal(sp_observations_count(seen), SP_OBSERVED_MAX);
  assert_int_equal(sp_observations_left_out(seen), 5);
  sp_observations_destroy(seen);
}

static void details_split_a_signal(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  const char *const waits[] = {"CPU", "IO/WALSync"};
  size_t from = 0, found = 0;
  for (size_t i = 0; i < 2; i++) {
    sp_observations_add(seen, &(struct sp_observed_key){.signal = SP_SIGNAL_DB_SESSIONS, .subject = "pg", .detail = waits[i]}, S, S, 1);
  }
  while (sp_observations_find(seen, SP_SIGNAL_DB_SESSIONS, NULL, NULL, &from)) found++;
  assert_int_equal(found, 2);
  assert_null(sp_observations_find(seen, SP_SIGNAL_DB_SESSIONS, "other", NULL, NULL));
  assert_string_equal(sp_observations_find(seen, SP_SIGNAL_DB_SESSIONS, "pg", "IO/WALSync", NULL)->detail, "IO/WALSync");
  sp_observations_destroy(seen);
}

static void texts_of_a_peer_are_cleaned(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  sp_observations_setting(seen, "pg", "shared_buffers", "128\tMB\x1b[31m");
  sp_observations_setting(seen, "pg", "shared_buffers", "1GB"); /* settings are those at the start */
  assert_string_equal(sp_observations_setting_of(seen, NULL, "shared_buffers"), "128 MB [31m");
  sp_observations_sight(seen, "pg", false, "waits: no pg_monitor");
  sp_observations_sight(seen, "pg", false, "waits: no pg_monitor");
  assert_int_equal(sp_observations_sight_count(seen), 1);
  assert_false(sp_observations_sight_at(seen, 0)->can);
  sp_observations_destroy(seen);
}

static void *add_many(void *ctx) {
  for (int64_t i = 1; i <= 5000; i++) {
    sp_observations_add(ctx, &(struct sp_observed_key){.signal = SP_SIGNAL_NET_OUT, .subject = "host"}, i * S, S, 1);
  }
  return NULL;
}

static void threads_add_while_others_look(void **state) {
  (void)state;
  struct sp_observations *seen = sp_observations_create();
  pthread_t thread;
  struct sp_observed_window window;
  sp_observations_add(seen, &cpu, S, S, 1.0);
  assert_int_equal(pthread_create(&thread, NULL, add_many, seen), 0);
  for (size_t i = 0; i < 1000; i++) {
    const struct sp_observed *series = sp_observations_at(seen, i % 2);
    if (series) sp_observed_window(seen, series, 0, 5000 * S, &window);
  }
  pthread_join(thread, NULL);
  assert_true(sp_observed_window(seen, sp_observations_at(seen, 1), 0, 5000 * S, &window));
  assert_int_equal(window.points, 5000);
  sp_observations_destroy(seen);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_signal_has_a_row),
      cmocka_unit_test(means_are_weighted_by_time),
      cmocka_unit_test(late_and_wrong_points_are_dropped),
      cmocka_unit_test(a_long_series_gets_coarser_and_keeps_its_mean),
      cmocka_unit_test(series_have_a_cap),
      cmocka_unit_test(details_split_a_signal),
      cmocka_unit_test(texts_of_a_peer_are_cleaned),
      cmocka_unit_test(threads_add_while_others_look),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
