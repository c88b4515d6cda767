#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "report/page_data.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 40u

static json_t *parse(struct sp_str text) {
  json_error_t error;
  json_t *json = json_loadb(text.bytes, text.len, JSON_REJECT_DUPLICATES, &error);
  if (!json) {
    fprintf(stderr, "%d: %s\n", error.position, error.text);
  }
  assert_non_null(json);
  return json;
}

static json_int_t whole(json_t *object, const char *key) {
  assert_true(json_is_integer(json_object_get(object, key)));
  return json_integer_value(json_object_get(object, key));
}

static double number(json_t *object, const char *key) {
  assert_true(json_is_number(json_object_get(object, key)));
  return json_number_value(json_object_get(object, key));
}

/* Second i: i + 1 ok requests of one name, one failed of another each third second. */
static struct sp_interval *second(unsigned i) {
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, BEGIN_NS + i * SP_NS_PER_S);
  for (unsigned n = 0; n <= i; n++) {
    fabricate_ok(&recorder, 0, n);
  }
  if (i % 3 == 0) {
    fabricate_other(&recorder, 2, SP_OUTCOME_TIMEOUT, "late", i, 5);
  }
  sp_recorder_lag(&recorder, 40000);
  struct sp_interval *interval = sp_interval_create();
  sp_interval_merge(interval, recorder.interval);
  interval->begin_ns = BEGIN_NS + i * SP_NS_PER_S;
  interval->end_ns = interval->begin_ns + SP_NS_PER_S;
  interval->cpu_ns = SP_NS_PER_S / 2;
  sp_recorder_fini(&recorder);
  return interval;
}

static void push_seconds(struct sp_page_data *page, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct sp_interval *interval = second(i);
    struct sp_tick_gauges gauges = { .part = i < count / 2 ? SP_SERIES_RAMP : SP_SERIES_STEADY, .users = i,
                                     .users_target = 50, .threads = 2 };
    assert_int_equal(sp_page_data_push(page, interval, &gauges)->gauges.n, i);
    sp_interval_destroy(interval);
  }
}

static void test_heat_buckets(void **state) {
  (void)state;
  assert_int_equal(sp_heat_bucket(0), 0);
  assert_int_equal(sp_heat_bucket(0.05), 0);
  assert_int_equal(sp_heat_bucket(0.1), 0);
  assert_int_equal(sp_heat_bucket(0.2001), 8);
  assert_int_equal(sp_heat_bucket(0.1999), 7);
  assert_int_equal(sp_heat_bucket(102.41), 80);
}

static uint64_t heat_sum(json_t *hist) {
  size_t i;
  json_t *bucket;
  json_int_t before = -1;
  uint64_t sum = 0;
  json_array_foreach(json_object_get(hist, "heat"), i, bucket) {
    assert_true(json_integer_value(json_array_get(bucket, 0)) > before); /* each once, in order */
    before = json_integer_value(json_array_get(bucket, 0));
    sum += (uint64_t)json_integer_value(json_array_get(bucket, 1));
  }
  return sum;
}

static void test_a_tick(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(0, 0);
  push_seconds(page, 4);
  json_t *tick = parse(sp_blob_str(sp_page_data_at(page, 3)->text));
  assert_int_equal(whole(tick, "n"), 3);
  assert_true(number(tick, "t") == 4);
  assert_string_equal(json_string_value(json_object_get(tick, "part")), "steady");
  assert_int_equal(whole(tick, "users"), 3);
  assert_true(number(tick, "rps") == 5 && number(tick, "ok_rps") == 4 && number(tick, "failed_per_s") == 1);
  assert_true(number(tick, "cpu_share") == 0.25);
  assert_true(json_is_null(json_object_get(tick, "rate_target")));
  json_t *requests = json_object_get(tick, "requests");
  assert_int_equal(json_array_size(requests), 2);
  json_t *ttft = json_object_get(json_array_get(requests, 0), "ttft"), *all = json_object_get(tick, "all");
  assert_int_equal(whole(ttft, "n"), 4);
  assert_int_equal(heat_sum(ttft), 4);
  assert_true(number(ttft, "max") == 103);
  assert_true(json_is_null(json_object_get(json_array_get(requests, 1), "e2e"))); /* its one request failed */
  assert_int_equal(whole(json_object_get(all, "itl"), "n"), heat_sum(json_object_get(all, "itl")));
  json_decref(tick);
  sp_page_data_destroy(page);
}

static void test_an_empty_second_has_nulls(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(0, 0);
  struct sp_interval *empty = sp_interval_create();
  struct sp_tick_gauges gauges = { 0 };
  json_t *tick = parse(sp_blob_str(sp_page_data_push(page, empty, &gauges)->text));
  assert_true(json_is_null(json_object_get(tick, "rps")) && json_is_null(json_object_get(tick, "lag_p99")));
  assert_true(json_is_null(json_object_get(json_object_get(tick, "all"), "ttft")));
  json_decref(tick);
  sp_interval_destroy(empty);
  sp_page_data_destroy(page);
}

/* Joined or not, the ticks hold the same requests and the same values. */
static void test_joining_is_exact(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(16, 0);
  struct sp_interval *expected = sp_interval_create(), *held = sp_interval_create();
  push_seconds(page, PAIRS);
  for (unsigned i = 0; i < PAIRS; i++) {
    struct sp_interval *interval = second(i);
    sp_interval_merge(expected, interval);
    sp_interval_destroy(interval);
  }
  assert_in_range(sp_page_data_count(page), 8, 16);
  int64_t end_ns = BEGIN_NS;
  for (size_t i = 0; i < sp_page_data_count(page); i++) {
    const struct sp_page_tick *tick = sp_page_data_at(page, i);
    assert_int_equal(tick->begin_ns, end_ns); /* without a hole */
    end_ns = tick->end_ns;
    json_t *json = parse(sp_blob_str(tick->text));
    assert_int_equal(whole(json, "n") + 1, (end_ns - BEGIN_NS) / SP_NS_PER_S);
    json_decref(json);
    sp_tick_unpack(tick->packed, held);
  }
  assert_int_equal(end_ns, BEGIN_NS + PAIRS * SP_NS_PER_S);
  struct sp_tally a, b;
  sp_tally_interval(expected, &a);
  sp_tally_interval(held, &b);
  assert_int_equal(a.ok, b.ok);
  assert_int_equal(a.failed, b.failed);
  const struct sp_cell *was = sp_interval_cell(expected, &fabricated_keys[0]);
  const struct sp_cell *is = sp_interval_cell(held, &fabricated_keys[0]);
  for (size_t i = 0; i < SP_TICK_METRICS; i++) {
    const struct sp_hist *x = &was->metrics[sp_tick_metrics[i]], *y = &is->metrics[sp_tick_metrics[i]];
    assert_int_equal(x->count, y->count);
    for (double percentile = 0; percentile <= 100; percentile += 5) {
      assert_int_equal(sp_hist_percentile(x, percentile), sp_hist_percentile(y, percentile));
    }
  }
  sp_interval_destroy(expected);
  sp_interval_destroy(held);
  sp_page_data_destroy(page);
}

static void test_bytes_have_a_cap_too(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(0, 20000);
  push_seconds(page, PAIRS);
  size_t bytes = 0;
  for (size_t i = 0; i < sp_page_data_count(page); i++) {
    bytes += sp_blob_str(sp_page_data_at(page, i)->text).len + sp_page_data_at(page, i)->packed.len;
  }
  assert_true(sp_page_data_count(page) < PAIRS);
  assert_true(bytes < 20000 + 4000); /* and the newest */
  sp_page_data_destroy(page);
}

static void test_reset_keeps_the_numbers(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(0, 0);
  push_seconds(page, 5);
  sp_page_data_reset(page);
  assert_int_equal(sp_page_data_count(page), 0);
  assert_int_equal(sp_page_data_first(page), 5);
  struct sp_interval *interval = second(5);
  struct sp_tick_gauges gauges = { 0 };
  json_t *tick = parse(sp_blob_str(sp_page_data_push(page, interval, &gauges)->text));
  assert_int_equal(whole(tick, "n"), 5);
  assert_true(number(tick, "t") == 6); /* since the run's start, still */
  json_decref(tick);
  sp_interval_destroy(interval);
  sp_page_data_destroy(page);
}

static void test_the_log_has_a_cap(void **state) {
  (void)state;
  struct sp_page_data *page = sp_page_data_create(0, 0);
  for (unsigned i = 0; i < SP_PAGE_LOG_MAX + 10; i++) {
    sp_page_data_log(page, i, "info", "a \"line\"\n\x1b[31m");
  }
  assert_int_equal(sp_page_data_log_count(page), SP_PAGE_LOG_MAX);
  json_t *last = parse(sp_page_data_log_at(page, SP_PAGE_LOG_MAX - 1));
  assert_string_equal(json_string_value(json_object_get(last, "text")), "11 more lines are not kept");
  json_decref(last);
  sp_page_data_destroy(page);
}

static void test_the_whole(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  const struct sp_tag tags[] = { { "env", "test" } };
  const char *slos[] = { "p95(ttft) < 2s" };
  f.load.stage_count = 2;
  f.load.stages[0] = (struct sp_stage){ 0, 50, 60 * SP_NS_PER_S };
  f.load.stages[1] = (struct sp_stage){ 50, 50, 30 * SP_NS_PER_S };
  struct sp_run_begin begin = { .version = "1", .id = "id-1", .name = "n", .plan = "p", .host = "h", .tags = tags,
                                .tag_count = 1, .load = &f.load, .slos = slos, .slo_count = 1 };
  struct sp_page_data *page = sp_page_data_create(0, 0);
  sp_page_data_begin(page, &begin);
  sp_page_data_tick(page, &f.view);
  sp_page_data_log(page, 1, "info", "hello");
  char *summary = sp_page_summary(&f.result, true);
  sp_page_data_summary(page, sp_str_from(summary));
  free(summary);
  struct sp_buf out;
  sp_buf_init(&out, SP_PAGE_TEXT_MAX);
  assert_true(sp_page_data_put(page, &out));
  json_t *json = parse(sp_buf_str(&out)), *begun = json_object_get(json, "begin");
  assert_string_equal(json_string_value(json_object_get(json, "schema")), "spate.page/1");
  assert_string_equal(json_string_value(json_array_get(json_object_get(begun, "slos"), 0)), slos[0]);
  assert_true(number(json_array_get(json_object_get(begun, "stages"), 1), "begin_s") == 60);
  assert_true(json_is_null(json_object_get(json_object_get(begun, "load"), "users_mean")));
  assert_int_equal(json_array_size(json_object_get(json, "ticks")), 1);
  assert_true(json_is_true(json_object_get(json_object_get(json, "summary"), "partial")));
  assert_int_equal(whole(json_object_get(json_object_get(json, "summary"), "totals"), "ok"), 1300);
  json_decref(json);
  sp_buf_fini(&out);
  sp_page_data_destroy(page);
  fabricated_fini(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_heat_buckets),
    cmocka_unit_test(test_a_tick),
    cmocka_unit_test(test_an_empty_second_has_nulls),
    cmocka_unit_test(test_joining_is_exact),
    cmocka_unit_test(test_bytes_have_a_cap_too),
    cmocka_unit_test(test_reset_keeps_the_numbers),
    cmocka_unit_test(test_the_log_has_a_cap),
    cmocka_unit_test(test_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
