#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "stats/recorder.h"

#include <math.h>
#include <stdio.h>

static const struct sp_request_key chat = { "chat", "ChatUser", "simple" };

static const struct sp_cell *only_cell(const struct sp_recorder *recorder) {
  assert_int_equal(recorder->interval->cells.count, 1);
  return recorder->interval->cells.entries[0].value;
}

static void one(struct sp_recorder *recorder, const struct sp_sample *sample) {
  sp_recorder_start(recorder, &chat);
  sp_recorder_end(recorder, &chat, sample);
}

static void ok_stream(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_gaps gaps;
  struct sp_sample sample;
  sp_recorder_init(&recorder, 100);
  sp_gaps_init(&gaps);
  sp_sample_init(&sample);
  for (int i = 0; i < 49; i++) {
    sp_gaps_add(&gaps, 20 * SP_NS_PER_MS, SP_NS_PER_S);
  }
  sp_gaps_add(&gaps, 1500 * SP_NS_PER_MS, SP_NS_PER_S);
  sample.gaps = &gaps;
  sample.metric_ns[SP_METRIC_TTFB] = 3 * SP_NS_PER_MS;
  sample.metric_ns[SP_METRIC_TTFT] = 100 * SP_NS_PER_MS;
  sample.metric_ns[SP_METRIC_E2E] = 2580 * SP_NS_PER_MS;
  sample.metric_ns[SP_METRIC_WAIT] = 0;
  sample.token_events = 51;
  sample.answer_chars = 120;
  sample.reported_completion = 60;
  sample.bytes_in = 9000;
  sample.bytes_out = 400;
  sample.counters[SP_COUNTER_PING] = 2;
  one(&recorder, &sample);

  const struct sp_cell *cell = only_cell(&recorder);
  assert_int_equal(cell->metrics[SP_METRIC_ITL].count, 50);
  assert_int_equal(cell->metrics[SP_METRIC_ITL].max, 1500000);
  assert_int_equal(cell->metrics[SP_METRIC_MAX_GAP].max, 1500000);
  assert_int_equal(cell->metrics[SP_METRIC_TTFT].max, 100000);
  assert_int_equal(cell->metrics[SP_METRIC_WAIT].count, 1); /* 0 is a value */
  assert_int_equal(cell->metrics[SP_METRIC_DNS].count, 0);  /* n/a is none */
  assert_int_equal(cell->metrics[SP_METRIC_TPOT].count, 0);
  assert_int_equal(cell->failed_e2e.count, 0);
  assert_int_equal(cell->stalls, 1);
  assert_int_equal(cell->token_events, 51);
  assert_int_equal(cell->reported_prompt, 0);
  assert_int_equal(cell->prompt_reports, 0);
  assert_int_equal(cell->reported_completion, 60);
  assert_int_equal(cell->completion_reports, 1);
  assert_int_equal(cell->counters[SP_COUNTER_PING], 2);
  assert_int_equal(cell->bytes_in, 9000);
  sp_gaps_fini(&gaps);
  sp_recorder_fini(&recorder);
}

/* A failed request's times stay out of the latency histograms; its bytes count. */
static void failed_request(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_gaps gaps;
  struct sp_sample sample;
  sp_recorder_init(&recorder, 0);
  sp_gaps_init(&gaps);
  sp_gaps_add(&gaps, 2 * SP_NS_PER_S, SP_NS_PER_S);
  sp_sample_init(&sample);
  sample.outcome = SP_OUTCOME_HTTP_STATUS;
  sample.detail = "429 too many requests";
  sample.rate_limited = true;
  sample.gaps = &gaps;
  sample.metric_ns[SP_METRIC_TTFB] = 3 * SP_NS_PER_MS;
  sample.start_ns = 10 * SP_NS_PER_MS;
  sample.end_ns = 15 * SP_NS_PER_MS;
  sample.token_events = 4;
  sample.bytes_in = 100;
  one(&recorder, &sample);

  const struct sp_cell *cell = only_cell(&recorder);
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    assert_int_equal(cell->metrics[i].count, 0);
  }
  assert_int_equal(cell->failed_e2e.max, 5000);
  assert_int_equal(cell->rate_limited, 1);
  assert_int_equal(cell->stalls, 0);
  assert_int_equal(cell->token_events, 0);
  assert_int_equal(cell->bytes_in, 100);
  assert_int_equal(recorder.interval->errors.count, 1);
  const struct sp_error_cell *error = recorder.interval->errors.entries[0].value;
  assert_string_equal(error->name, "chat");
  assert_string_equal(error->kind, "http_status");
  assert_string_equal(error->detail, "429 too many requests");
  assert_int_equal(error->first_ns, 15 * SP_NS_PER_MS);
  sp_gaps_fini(&gaps);
  sp_recorder_fini(&recorder);
}

static void pauses_and_retries_are_counted_of_every_outcome(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  for (int outcome = 0; outcome < SP_OUTCOME_COUNT; outcome++) {
    struct sp_sample sample;
    sp_sample_init(&sample);
    sample.outcome = (enum sp_outcome)outcome;
    sample.end_ns = 7000;
    sample.retry = true;
    sample.read_pauses = outcome == 0 ? 0 : 3;
    sample.paused_ns = outcome == 0 ? 0 : 50;
    one(&recorder, &sample);
  }
  const struct sp_cell *cell = only_cell(&recorder);
  assert_int_equal(cell->retries, SP_OUTCOME_COUNT);
  assert_int_equal(cell->paused_requests, SP_OUTCOME_COUNT - 1);
  assert_int_equal(cell->read_pauses, 3 * (SP_OUTCOME_COUNT - 1));
  assert_int_equal(cell->paused_ns, 50 * (SP_OUTCOME_COUNT - 1));
  sp_recorder_fini(&recorder);
}

/* The same name in three roles: three cells, and only the load's is in the sums. */
static void probes_are_in_no_sum(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  for (int role = 0; role < SP_ROLE_COUNT; role++) {
    struct sp_request_key key = { "chat", "U", "t", (enum sp_role)role };
    struct sp_sample sample;
    sp_sample_init(&sample);
    for (int i = 0; i <= role; i++) {
      sp_recorder_start(&recorder, &key);
      sp_recorder_end(&recorder, &key, &sample);
    }
  }
  struct sp_interval *sum = sp_interval_create();
  sp_interval_merge(sum, recorder.interval);
  sp_interval_merge(sum, recorder.interval);
  assert_int_equal(sum->cells.count, 1);
  assert_int_equal(sum->probes.count, 2);
  for (size_t i = 0; i < 2; i++) {
    const struct sp_cell *cell = sum->probes.entries[i].value;
    assert_string_equal(cell->name, "chat");
    assert_int_equal(cell->outcomes[SP_OUTCOME_OK], cell->role == SP_ROLE_PROBE ? 4 : 6);
  }
  struct sp_tally tally;
  sp_tally_interval(sum, &tally);
  assert_int_equal(tally.started, 2);
  assert_true(sp_tally_closes(&tally));
  assert_int_equal(sp_role_find("probe"), SP_ROLE_PROBE);
  assert_int_equal(sp_role_find("prob"), -1);
  sp_interval_clear(sum);
  assert_int_equal(sum->probes.count, 0);
  sp_interval_destroy(sum);
  sp_recorder_fini(&recorder);
}

static void cut_requests_are_in_no_histogram_but_their_own(void **state) {
  (void)state;
  static const enum sp_outcome cut[] = { SP_OUTCOME_CANCELLED, SP_OUTCOME_ABANDONED };
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  for (size_t i = 0; i < 2; i++) {
    struct sp_sample sample;
    sp_sample_init(&sample);
    sample.outcome = cut[i];
    sample.hang_up = SP_HANG_UP_TOKENS;
    sample.stream_asked = true;
    sample.metric_ns[SP_METRIC_TTFB] = 1000;
    sample.end_ns = 7000;
    one(&recorder, &sample);
  }
  const struct sp_cell *cell = only_cell(&recorder);
  assert_int_equal(cell->cancelled_age.count, 1);
  assert_int_equal(cell->cancelled_age.max, 7);
  assert_int_equal(cell->abandoned_age.count, 1);
  assert_int_equal(cell->hang_ups[SP_HANG_UP_TOKENS], 1);
  assert_int_equal(cell->cut_streams, 1);
  assert_int_equal(cell->cut_tokenless, 1);
  assert_int_equal(cell->failed_e2e.count, 0);
  assert_int_equal(cell->metrics[SP_METRIC_TTFB].count, 0);
  assert_int_equal(recorder.interval->errors.count, 0);
  sp_recorder_fini(&recorder);
}

/* Start in one interval, end in another: only the sum closes. */
static void identities_hold_over_intervals(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_interval *totals = sp_interval_create();
  struct sp_rng rng;
  struct sp_tally tally;
  sp_rng_seed(&rng, 1, 0);
  sp_recorder_init(&recorder, 0);
  unsigned flying = 0;
  for (int64_t second = 1; second <= 20; second++) {
    for (unsigned i = 0; i < 100; i++) {
      sp_recorder_start(&recorder, &chat);
      flying++;
    }
    for (uint64_t n = second == 20 ? flying : sp_rng_below(&rng, flying); n > 0; n--, flying--) {
      struct sp_sample sample;
      sp_sample_init(&sample);
      sample.outcome = (enum sp_outcome)sp_rng_below(&rng, SP_OUTCOME_COUNT);
      sp_recorder_end(&recorder, &chat, &sample);
    }
    struct sp_interval *taken = sp_recorder_take(&recorder, second * SP_NS_PER_S);
    assert_int_equal(taken->end_ns - taken->begin_ns, SP_NS_PER_S);
    sp_interval_merge(totals, taken);
    sp_interval_destroy(taken);
    sp_tally_interval(totals, &tally);
    assert_int_equal(sp_tally_closes(&tally), flying == 0);
  }
  assert_int_equal(tally.started, 2000);
  assert_true(tally.ok > 0 && tally.failed > 0 && tally.abandoned > 0 && tally.cancelled > 0);
  uint64_t errors = 0;
  for (size_t i = 0; i < totals->errors.count; i++) {
    errors += ((const struct sp_error_cell *)totals->errors.entries[i].value)->count;
  }
  assert_int_equal(errors, tally.failed);
  sp_interval_destroy(totals);
  sp_recorder_fini(&recorder);
}

/* A script's string may be freed and its memory reused for another name. */
static void same_address_other_name(void **state) {
  (void)state;
  struct sp_recorder recorder;
  char name[16] = "first";
  struct sp_request_key key = { name, "U", "t" };
  sp_recorder_init(&recorder, 0);
  sp_recorder_start(&recorder, &key);
  snprintf(name, sizeof(name), "second");
  sp_recorder_start(&recorder, &key);
  sp_recorder_start(&recorder, &key);
  snprintf(name, sizeof(name), "first");
  sp_recorder_start(&recorder, &key);
  assert_int_equal(recorder.interval->cells.count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(((const struct sp_cell *)recorder.interval->cells.entries[i].value)->started, 2);
  }
  sp_recorder_fini(&recorder);
}

static void nothing_is_found_in_a_taken_interval(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_start(&recorder, &chat);
  struct sp_interval *taken = sp_recorder_take(&recorder, 10);
  sp_interval_destroy(taken);
  sp_recorder_start(&recorder, &chat);
  assert_int_equal(only_cell(&recorder)->started, 1);
  assert_int_equal(recorder.interval->begin_ns, 10);
  sp_recorder_fini(&recorder);
}

static void nodes(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_node(&recorder, SP_STR("LLM"), SP_STR("llm"), 250 * SP_NS_PER_MS, false);
  sp_recorder_node(&recorder, SP_STR("LLM"), SP_STR("llm"), -1, true);
  sp_recorder_node(&recorder, SP_STR("LLM"), SP_STR("tool"), 0, false);
  assert_int_equal(recorder.interval->nodes.count, 2);
  const struct sp_node_cell *node = recorder.interval->nodes.entries[0].value;
  assert_int_equal(node->count, 2);
  assert_int_equal(node->failed, 1);
  assert_int_equal(node->elapsed.count, 1);
  assert_int_equal(node->elapsed.max, 250000);
  sp_recorder_fini(&recorder);
}

static void task_errors(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_task_error(&recorder, "simple", "plan.lua:7: attempt to index a nil value", 5);
  sp_recorder_event(&recorder);
  sp_recorder_lag(&recorder, 30000);
  assert_int_equal(recorder.interval->task_errors, 1);
  assert_int_equal(recorder.interval->events, 1);
  assert_int_equal(recorder.interval->lag.max, 30);
  const struct sp_error_cell *error = recorder.interval->errors.entries[0].value;
  assert_string_equal(error->kind, "task");
  sp_recorder_fini(&recorder);
}

static void custom_values(void **state) {
  (void)state;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_custom(&recorder, "score", "points", 0.125);
  sp_recorder_custom(&recorder, "score", "points", NAN);
  sp_recorder_custom(&recorder, "score", "points", INFINITY);
  sp_recorder_custom(&recorder, "score", "points", 1e300);
  sp_recorder_custom(&recorder, "score", "points", -3);
  const struct sp_custom_cell *custom = recorder.interval->customs.entries[0].value;
  assert_int_equal(custom->values.count, 3);
  assert_int_equal(custom->values.min, 0);
  assert_int_equal(custom->values.max, SP_HIST_MAX);
  assert_int_equal(sp_hist_percentile(&custom->values, 50), 125);
  assert_int_equal(custom->too_large, 1);
  assert_int_equal(custom->too_small, 0);
  sp_recorder_custom(&recorder, "score", "points", 0.0004);
  sp_recorder_custom(&recorder, "score", "points", 0.0005);
  sp_recorder_custom(&recorder, "score", "points", 0);
  sp_recorder_custom(&recorder, "score", "points", SP_CUSTOM_MOST);
  assert_int_equal(custom->too_large, 1);
  assert_int_equal(custom->too_small, 1);
  struct sp_interval *sum = sp_interval_create();
  sp_interval_merge(sum, recorder.interval);
  sp_interval_merge(sum, recorder.interval);
  custom = sum->customs.entries[0].value;
  assert_int_equal(custom->too_large, 2);
  assert_int_equal(custom->too_small, 2);
  sp_interval_destroy(sum);
  sp_recorder_fini(&recorder);
}

/* A start that was 40 ms late: the response took 100 ms from its send and 140 ms from when it was due. */
static void uncorrected_full_response(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_sample sample;
  sp_recorder_init(&recorder, 0);
  sp_sample_init(&sample);
  sample.metric_ns[SP_METRIC_E2E] = 140 * SP_NS_PER_MS;
  one(&recorder, &sample); /* nothing known of the send */
  assert_int_equal(only_cell(&recorder)->metrics[SP_METRIC_E2E_SENT].count, 0);
  sample.metric_ns[SP_METRIC_WAIT] = 40 * SP_NS_PER_MS;
  assert_int_equal(sp_sample_metric(&sample, SP_METRIC_E2E_SENT), 100 * SP_NS_PER_MS);
  one(&recorder, &sample);
  const struct sp_cell *cell = only_cell(&recorder);
  assert_int_equal(cell->metrics[SP_METRIC_E2E].max, 140000);
  assert_int_equal(cell->metrics[SP_METRIC_E2E_SENT].count, 1);
  assert_int_equal(cell->metrics[SP_METRIC_E2E_SENT].max, 100000);
  sample.metric_ns[SP_METRIC_WAIT] = 150 * SP_NS_PER_MS; /* an answer before all was sent */
  assert_int_equal(sp_sample_metric(&sample, SP_METRIC_E2E_SENT), 0);
  assert_int_equal(sp_sample_metric(&sample, SP_METRIC_ITL), SP_METRIC_NA);
  sp_recorder_fini(&recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ok_stream),
    cmocka_unit_test(failed_request),
    cmocka_unit_test(cut_requests_are_in_no_histogram_but_their_own),
    cmocka_unit_test(pauses_and_retries_are_counted_of_every_outcome),
    cmocka_unit_test(probes_are_in_no_sum),
    cmocka_unit_test(identities_hold_over_intervals),
    cmocka_unit_test(same_address_other_name),
    cmocka_unit_test(nothing_is_found_in_a_taken_interval),
    cmocka_unit_test(nodes),
    cmocka_unit_test(task_errors),
    cmocka_unit_test(custom_values),
    cmocka_unit_test(uncorrected_full_response),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
