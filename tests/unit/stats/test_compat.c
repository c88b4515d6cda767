/* Other tools' definitions on samples made by hand: each value was reckoned on paper from the tool's own formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/recorder.h"

#include <string.h>

#define MS SP_NS_PER_MS

static int row_named(const char *name) {
  for (int i = 0; i < SP_COMPAT_ROWS; i++) {
    if (strcmp(sp_compat_rows[i].name, name) == 0) {
      return i;
    }
  }
  fail_msg("no row %s", name);
  return -1;
}

/* The values that a row records of a sample, in ms. */
static void assert_row(const struct sp_sample *sample, const char *name, const double *want_ms, size_t count) {
  struct sp_hist hist;
  struct sp_hist_bucket bucket;
  uint32_t cursor = 0;
  size_t i = 0;
  sp_hist_init(&hist);
  sp_compat_rows[row_named(name)].record(sample, &hist);
  if (hist.count != count) {
    fail_msg("%s: %u values", name, (unsigned)hist.count);
  }
  while (sp_hist_next(&hist, &cursor, &bucket)) {
    for (uint64_t n = 0; n < bucket.count; n++, i++) {
      int64_t us = (int64_t)(want_ms[i] * 1000 + 0.5);
      if (us < bucket.low || us > bucket.high) {
        fail_msg("%s: value %u is %.3f ms", name, (unsigned)i, (double)bucket.low / 1000);
      }
    }
  }
  sp_hist_fini(&hist);
}

#define ASSERT_ROW(sample, name, ...) \
  assert_row(sample, name, (const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))
#define ASSERT_NO_VALUE(sample, name) assert_row(sample, name, NULL, 0)

/*
 * Taken up 5 ms late; DNS 1, connect 2, TLS 4 ms, so the first byte went out at 12 ms. Head at 40, a role-only chunk at
 * 50, tokens at 200, 220, 320 and 330 ms, a chunk with finish_reason at 331, usage with 9 tokens, [DONE] at 340 ms.
 */
static void make(struct sp_sample *sample, struct sp_gaps *gaps) {
  sp_sample_init(sample);
  sp_gaps_init(gaps);
  sp_gaps_add(gaps, 20 * MS, SP_NS_PER_S);
  sp_gaps_add(gaps, 100 * MS, SP_NS_PER_S);
  sp_gaps_add(gaps, 10 * MS, SP_NS_PER_S);
  sample->gaps = gaps;
  sample->stream = true;
  sample->metric_ns[SP_METRIC_WAIT] = 12 * MS;
  sample->metric_ns[SP_METRIC_DNS] = 1 * MS;
  sample->metric_ns[SP_METRIC_CONNECT] = 2 * MS;
  sample->metric_ns[SP_METRIC_TLS] = 4 * MS;
  sample->metric_ns[SP_METRIC_TTFB] = 40 * MS;
  sample->metric_ns[SP_METRIC_TTFE] = 50 * MS;
  sample->metric_ns[SP_METRIC_TTFT] = 200 * MS;
  sample->metric_ns[SP_METRIC_TPOT] = 130 * MS / 3;
  sample->metric_ns[SP_METRIC_E2E] = 340 * MS;
  sample->token_events = 4;
  sample->reported_completion = 9;
  sample->first_chunk_ns = 50 * MS;
  sample->last_chunk_ns = 331 * MS;
}

static void vllm(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  ASSERT_ROW(&sample, "vllm:ttft", 45);                 /* role-only chunk, from when it was taken up */
  ASSERT_ROW(&sample, "vllm:itl", 1, 10, 20, 100, 150); /* role -> text and text -> finish are gaps */
  ASSERT_ROW(&sample, "vllm:e2e", 326);
  ASSERT_ROW(&sample, "vllm:tpot", (326 - 45) / 8.0);   /* 9 tokens */
  sample.reported_completion = -1;
  ASSERT_ROW(&sample, "vllm:tpot", (326 - 45) / 3.0); /* 4 events */
  sample.reported_completion = 1;
  ASSERT_NO_VALUE(&sample, "vllm:tpot");
  sp_gaps_fini(&gaps);
}

/* Where chunks are not known, the first event and the last token are the nearest. */
static void vllm_without_chunks(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  sample.first_chunk_ns = sample.last_chunk_ns = SP_METRIC_NA;
  ASSERT_ROW(&sample, "vllm:ttft", 45);
  ASSERT_ROW(&sample, "vllm:itl", 10, 20, 100, 150);
  ASSERT_ROW(&sample, "vllm:e2e", 325);
  sp_gaps_fini(&gaps);
}

static void reasoning(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  sample.metric_ns[SP_METRIC_TTFR] = 80 * MS;
  ASSERT_ROW(&sample, "aiperf:ttft", 75);
  ASSERT_ROW(&sample, "guidellm:ttft", 75);
  ASSERT_ROW(&sample, "aiperf:itl", (330 - 80) / 8.0);
  ASSERT_NO_VALUE(&sample, "vllm:itl"); /* gaps that we do not know */
  sp_gaps_fini(&gaps);
}

static void aiperf(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  ASSERT_ROW(&sample, "aiperf:ttft", 195);
  ASSERT_ROW(&sample, "aiperf:e2e", 325);
  ASSERT_ROW(&sample, "aiperf:itl", (325 - 195) / 8.0);
  sp_gaps_fini(&gaps);
}

/* Time per output token has the first token in it, and means count once a token. */
static void guidellm(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  sample.reported_completion = 5;
  ASSERT_ROW(&sample, "guidellm:ttft", 195);
  ASSERT_ROW(&sample, "guidellm:itl", 32.5, 32.5, 32.5, 32.5);
  ASSERT_ROW(&sample, "guidellm:tpot", 65, 65, 65, 65, 65);
  ASSERT_ROW(&sample, "guidellm:e2e", 335);
  sp_gaps_fini(&gaps);
}

static void locust(void **state) {
  (void)state;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  ASSERT_ROW(&sample, "locust:response_time", 35);
  ASSERT_ROW(&sample, "locust:ttfe", 45);
  sp_gaps_fini(&gaps);
}

/* One token, no usage: no gaps and no mean over them. And a request that is no stream has no stream's times. */
static void little_to_go_by(void **state) {
  (void)state;
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.token_events = 1;
  sample.metric_ns[SP_METRIC_TTFE] = sample.metric_ns[SP_METRIC_TTFT] = 100 * MS;
  ASSERT_ROW(&sample, "vllm:ttft", 100); /* nothing known of its wait: not late */
  ASSERT_ROW(&sample, "aiperf:e2e", 100);
  ASSERT_ROW(&sample, "guidellm:tpot", 100);
  ASSERT_NO_VALUE(&sample, "vllm:itl");
  ASSERT_NO_VALUE(&sample, "vllm:tpot");
  ASSERT_NO_VALUE(&sample, "aiperf:itl");
  ASSERT_NO_VALUE(&sample, "guidellm:itl");
  sp_sample_init(&sample);
  sample.metric_ns[SP_METRIC_TTFB] = 30 * MS;
  sample.metric_ns[SP_METRIC_E2E] = 40 * MS;
  for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
    const char *name = sp_compat_rows[i].name;
    bool whole = strcmp(name, "guidellm:e2e") == 0 || strcmp(name, "locust:response_time") == 0;
    struct sp_hist hist;
    sp_hist_init(&hist);
    sp_compat_rows[i].record(&sample, &hist);
    assert_int_equal(hist.count, whole);
    sp_hist_fini(&hist);
  }
}

static void only_when_asked_for(void **state) {
  (void)state;
  static const struct sp_request_key key = { "chat", "U", "t" };
  struct sp_recorder recorder;
  struct sp_sample sample;
  struct sp_gaps gaps;
  make(&sample, &gaps);
  sp_recorder_init(&recorder, 0);
  sp_recorder_end(&recorder, &key, &sample);
  assert_null(((const struct sp_cell *)recorder.interval->cells.entries[0].value)->compat);
  recorder.compat = SP_COMPAT_BIT(SP_COMPAT_GUIDELLM) | SP_COMPAT_BIT(SP_COMPAT_LOCUST);
  sp_recorder_end(&recorder, &key, &sample);
  struct sp_interval *totals = sp_interval_create(), *taken = sp_recorder_take(&recorder, 1);
  sample.outcome = SP_OUTCOME_TRUNCATED; /* not of failed ones */
  sp_recorder_end(&recorder, &key, &sample);
  sample.outcome = SP_OUTCOME_OK;
  sp_recorder_end(&recorder, &key, &sample);
  sp_interval_merge(totals, taken);
  sp_interval_merge(totals, recorder.interval);
  const struct sp_cell *cell = totals->cells.entries[0].value;
  assert_int_equal(cell->compat[row_named("locust:ttfe")].count, 2);
  assert_int_equal(cell->compat[row_named("guidellm:tpot")].count, 18);
  assert_int_equal(cell->compat[row_named("vllm:ttft")].count, 0);
  assert_int_equal(cell->metrics[SP_METRIC_TTFT].count, 3); /* ours are as ever */
  sp_interval_destroy(taken);
  sp_interval_destroy(totals);
  sp_recorder_fini(&recorder);
  sp_gaps_fini(&gaps);
}

static void the_table_is_whole(void **state) {
  (void)state;
  for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
    const struct sp_compat_row *row = &sp_compat_rows[i];
    const char *tool = sp_compat_tool_name(row->tool);
    assert_non_null(row->record);
    assert_true(strncmp(row->name, tool, strlen(tool)) == 0 && row->name[strlen(tool)] == ':');
    assert_true(row->theirs[0] && row->note[0]);
    for (size_t j = 0; j < i; j++) {
      assert_string_not_equal(row->name, sp_compat_rows[j].name);
    }
  }
  assert_int_equal(sp_compat_find(SP_STR("AIPerf")), SP_COMPAT_AIPERF);
  assert_int_equal(sp_compat_find(SP_STR("k6")), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(vllm),
    cmocka_unit_test(vllm_without_chunks),
    cmocka_unit_test(reasoning),
    cmocka_unit_test(aiperf),
    cmocka_unit_test(guidellm),
    cmocka_unit_test(locust),
    cmocka_unit_test(little_to_go_by),
    cmocka_unit_test(only_when_asked_for),
    cmocka_unit_test(the_table_is_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
