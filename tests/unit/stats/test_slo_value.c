/* Values of SLOs in an interval, the limits of single requests, and what is counted for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/recorder.h"
#include "stats/slo.h"

#include <math.h>
#include <stdio.h>

static struct sp_slo parsed(const char *text) {
  struct sp_slo slo;
  struct sp_err err = { 0 };
  if (sp_slo_parse(sp_str_from(text), &slo, &err) < 0) {
    fail_msg("%s", err.text);
  }
  return slo;
}

static struct sp_slo_value value_of(const struct sp_interval *interval, double seconds, const char *text) {
  struct sp_slo slo = parsed(text);
  struct sp_slo_value value;
  sp_slo_evaluate(&slo, interval, seconds, &value);
  return value;
}

static void assert_value(const struct sp_interval *interval, const char *text, double want, bool met) {
  struct sp_slo_value value = value_of(interval, 10, text);
  if (!(fabs(value.value - want) <= 0.001 * want + 1e-12) || value.met != met || value.why) {
    fail_msg("%s: %g, %smet (%s)", text, value.value, value.met ? "" : "not ", value.why ? value.why : "");
  }
}

static void assert_none(const struct sp_interval *interval, double seconds, const char *text, const char *why) {
  struct sp_slo_value value = value_of(interval, seconds, text);
  assert_true(isnan(value.value) && !value.met && value.samples == 0);
  assert_non_null(value.why);
  assert_string_equal(value.why, why);
}

static const struct sp_request_key simple = { "chat", "ChatUser", "simple" };
static const struct sp_request_key complex_chat = { "chat", "ChatUser", "complex" };
static const struct sp_request_key list = { "list", "ChatUser", "complex" };

static void end(struct sp_recorder *recorder, const struct sp_request_key *key, enum sp_outcome outcome,
                int64_t ttft_ms) {
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.outcome = outcome;
  sample.metric_ns[SP_METRIC_TTFT] = ttft_ms < 0 ? SP_METRIC_NA : ttft_ms * SP_NS_PER_MS;
  sp_recorder_start(recorder, key);
  sp_recorder_end(recorder, key, &sample);
}

/* 100 of chat/simple with 1 … 100 ms, 10 of chat/complex with 1000 ms, 5 lists without a token, 5 failed lists. */
static struct sp_interval *filled(void) {
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  for (int i = 1; i <= 100; i++) {
    end(&recorder, &simple, SP_OUTCOME_OK, i);
  }
  for (int i = 0; i < 10; i++) {
    end(&recorder, &complex_chat, SP_OUTCOME_OK, 1000);
    end(&recorder, &list, i < 5 ? SP_OUTCOME_OK : SP_OUTCOME_RESET, -1);
  }
  end(&recorder, &list, SP_OUTCOME_CANCELLED, -1);
  end(&recorder, &list, SP_OUTCOME_ABANDONED, -1);
  for (int i = 0; i < 50; i++) {
    sp_recorder_event(&recorder);
  }
  sp_recorder_node(&recorder, SP_STR("LLM"), SP_STR("llm"), 100 * SP_NS_PER_MS, false);
  sp_recorder_node(&recorder, SP_STR("LLM"), SP_STR("agent"), 300 * SP_NS_PER_MS, false);
  sp_recorder_node(&recorder, SP_STR("start"), SP_STR("start"), -1, false);
  sp_recorder_custom(&recorder, "score", "points", 2.5);
  sp_recorder_custom(&recorder, "score", "stars", 4.5);
  struct sp_interval *interval = sp_recorder_take(&recorder, 10 * SP_NS_PER_S);
  sp_recorder_fini(&recorder);
  return interval;
}

static void of_metrics(void **state) {
  (void)state;
  struct sp_interval *interval = filled();
  assert_value(interval, "p50(ttft) < 56", 55, true);
  assert_value(interval, "p99(ttft) <= 999", 1000, false);
  assert_value(interval, "mean(ttft) < 150", (5050 + 10000) / 110.0, true);
  assert_value(interval, "max(ttft) <= 1000", 1000, true);
  assert_value(interval, "max(ttft) < 1000", 1000, false);
  assert_value(interval, "min(ttft) >= 1", 1, true);
  assert_value(interval, "p95(ttft) < 96 on 'simple'", 95, true);   /* the task's name */
  assert_value(interval, "min(ttft) >= 1000 on complex", 1000, true);
  assert_value(interval, "max(ttft) < 1001 on chat", 1000, true);   /* the request's name */
  assert_int_equal(value_of(interval, 10, "p95(ttft) < 1").samples, 110);
  sp_interval_destroy(interval);
}

static void of_counts(void **state) {
  (void)state;
  struct sp_interval *interval = filled();
  assert_value(interval, "failed_share < 5%", 5 / 120.0, true);
  assert_value(interval, "failed_share < 50% on list", 0.5, false);
  assert_value(interval, "failed_share <= 0 on chat", 0, true);
  assert_value(interval, "rps > 12", 12, false); /* 120 completed in 10 s */
  assert_value(interval, "rps >= 12", 12, true);
  assert_value(interval, "rps > 0.9 on list", 1, true);
  assert_value(interval, "ok_rps > 11.4", 11.5, true);
  assert_value(interval, "goodput > 11.4/s", 11.5, true); /* no limits: every ok one */
  assert_value(interval, "goodput_share > 95%", 115 / 120.0, true);
  assert_value(interval, "events_per_s > 4", 5, true);
  sp_interval_destroy(interval);
}

static void of_the_generators_lag(void **state) {
  (void)state;
  struct sp_interval *interval = filled();
  assert_none(interval, 10, "p99(lag) < 5ms", "no samples");
  sp_hist_record(&interval->lag, 2000);
  sp_hist_record(&interval->lag, 4000);
  assert_value(interval, "max(lag) < 5ms", 4, true);
  assert_value(interval, "mean(lag) < 2ms", 3, false);
  sp_interval_destroy(interval);
}

static void of_nodes_and_customs(void **state) {
  (void)state;
  struct sp_interval *interval = filled();
  assert_value(interval, "max(node:LLM) < 1s", 300, true); /* of every type */
  assert_value(interval, "mean(node:LLM) < 100ms", 200, false);
  assert_value(interval, "max(custom:score) <= 4.5", 4.5, true);
  assert_value(interval, "min(custom:score) > 3", 2.5, false);
  assert_none(interval, 10, "max(node:start) < 1s", "no samples");
  assert_none(interval, 10, "max(node:end) < 1s", "no samples: no node of this title");
  assert_none(interval, 10, "max(custom:scores) < 1", "no samples: no metric of this name");
  sp_interval_destroy(interval);
}

/* What was not seen was not kept: also where the limit could not be missed. */
static void without_samples(void **state) {
  (void)state;
  struct sp_interval *empty = sp_interval_create(), *interval = filled();
  assert_none(empty, 10, "p95(ttft) < 1000000", "no samples");
  assert_none(empty, 10, "min(ttft) > 0", "no samples");
  assert_none(empty, 10, "failed_share < 1", "no samples");
  assert_none(empty, 10, "stall_share < 1", "no samples");
  assert_none(empty, 0, "rps > 1", "no samples: no time was measured");
  assert_none(interval, 10, "p95(ttft) < 1s on list", "no samples");
  assert_none(interval, 10, "p95(ttft) < 1s on lists", "no samples: no request or task of this name");
  assert_none(interval, 10, "failed_share < 1 on lists", "no samples: no request or task of this name");
  assert_value(empty, "rps >= 0", 0, true); /* none in ten seconds is a rate */
  sp_interval_destroy(interval);
  sp_interval_destroy(empty);
}

/* -- streams, stalls, goodput: counted by the recorder -- */

static const struct sp_cell *first_cell(const struct sp_interval *interval) { return interval->cells.entries[0].value; }

static void streams_and_stalls(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_gaps gaps;
  struct sp_sample sample;
  sp_recorder_init(&recorder, 0);
  sp_gaps_init(&gaps);
  sp_gaps_add(&gaps, 2 * SP_NS_PER_S, SP_NS_PER_S);
  sp_gaps_add(&gaps, 2 * SP_NS_PER_S, SP_NS_PER_S);
  for (int i = 0; i < 5; i++) {
    sp_sample_init(&sample);
    sample.token_events = i == 0 ? 3 : 0;             /* a stream by its tokens, stalled twice */
    sample.gaps = i == 0 || i == 3 ? &gaps : NULL;
    sample.stream = i == 1 || i == 2 || i == 3;       /* an empty stream is one too */
    sample.outcome = i == 3 ? SP_OUTCOME_TRUNCATED : SP_OUTCOME_OK; /* failed ones are none */
    sp_recorder_start(&recorder, &simple);
    sp_recorder_end(&recorder, &simple, &sample);
  }
  const struct sp_cell *cell = first_cell(recorder.interval);
  assert_int_equal(cell->streams, 3);
  assert_int_equal(cell->stalled_streams, 1);
  assert_int_equal(cell->stalls, 2);
  assert_value(recorder.interval, "stall_share < 50%", 1 / 3.0, true);
  sp_gaps_fini(&gaps);
  sp_recorder_fini(&recorder);
}

static void limits_of(struct sp_limits *limits, const char *const *texts, size_t count) {
  struct sp_slo slos[16];
  assert_true(count <= 16);
  for (size_t i = 0; i < count; i++) {
    slos[i] = parsed(texts[i]);
  }
  sp_limits_init(limits, slos, count);
}

static void which_expressions_give_limits(void **state) {
  (void)state;
  static const char *const none[] = {
    "p95(itl) < 1",      "p95(dns) < 1",         "p95(server_ttft) < 1", "p95(e2e_sent) < 1", "min(ttft) < 1",
    "p95(ttft) > 1",     "failed_share < 1%",    "rps > 40",             "goodput > 1",       "p95(node:LLM) < 1",
    "p95(custom:x) < 1",
  };
  static const char *const some[] = {
    "p95(ttft) < 1",   "mean(e2e) <= 1", "max(max_gap) < 1", "p50(tpot) < 1", "p99(wait) < 1",
    "p5(ttfb) < 1",    "p95(ttfe) < 1",  "p95(ttfr) < 1 on x over 30s",
  };
  struct sp_limits limits;
  limits_of(&limits, none, sizeof(none) / sizeof(none[0]));
  assert_int_equal(limits.count, 0);
  sp_limits_fini(&limits);
  limits_of(&limits, some, sizeof(some) / sizeof(some[0]));
  assert_int_equal(limits.count, 8);
  assert_string_equal(limits.items[7].on, "x");
  sp_limits_fini(&limits);
  sp_limits_init(&limits, NULL, 0);
  sp_limits_fini(&limits);
}

static void a_limit_is_exact(void **state) {
  (void)state;
  static const char *const texts[] = { "p95(ttft) < 100ms", "mean(e2e) <= 1.5s", "p95(wait) < 1000000000000" };
  struct sp_limits limits;
  struct sp_sample sample;
  limits_of(&limits, texts, 3);
  sp_sample_init(&sample);
  assert_true(sp_limits_kept(&limits, "a", "b", &sample)); /* what it has not got does not fail it */
  sample.metric_ns[SP_METRIC_TTFT] = 100 * SP_NS_PER_MS - 1;
  sample.metric_ns[SP_METRIC_E2E] = 1500 * SP_NS_PER_MS;
  sample.metric_ns[SP_METRIC_WAIT] = INT64_C(1000000000000) * SP_NS_PER_MS - 1;
  assert_true(sp_limits_kept(&limits, "a", "b", &sample));
  sample.metric_ns[SP_METRIC_TTFT]++;
  assert_false(sp_limits_kept(&limits, "a", "b", &sample));
  sample.metric_ns[SP_METRIC_TTFT] = SP_METRIC_NA;
  sample.metric_ns[SP_METRIC_E2E]++;
  assert_false(sp_limits_kept(&limits, "a", "b", &sample));
  assert_true(sp_limits_kept(NULL, "a", "b", &sample));
  sp_limits_fini(&limits);
}

static void goodput(void **state) {
  (void)state;
  static const char *const texts[] = { "p95(ttft) < 51ms on simple", "p99(ttft) < 2s", "p50(max_gap) < 1s" };
  struct sp_recorder recorder;
  struct sp_limits limits;
  struct sp_gaps gaps;
  limits_of(&limits, texts, 3);
  sp_recorder_init(&recorder, 0);
  recorder.limits = &limits;
  for (int i = 1; i <= 100; i++) {
    end(&recorder, &simple, SP_OUTCOME_OK, i);
  }
  struct sp_interval *totals = sp_interval_create(), *second = sp_recorder_take(&recorder, SP_NS_PER_S);
  assert_int_equal(first_cell(second)->good, 50);
  end(&recorder, &complex_chat, SP_OUTCOME_OK, 1999); /* limits stay over a take, and `on` narrows */
  end(&recorder, &complex_chat, SP_OUTCOME_OK, 2000);
  end(&recorder, &complex_chat, SP_OUTCOME_RESET, 1); /* only ok ones are good */
  assert_int_equal(first_cell(recorder.interval)->good, 1);
  sp_gaps_init(&gaps); /* a derived metric has its limit too */
  sp_gaps_add(&gaps, SP_NS_PER_S, 5 * SP_NS_PER_S);
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.gaps = &gaps;
  sp_recorder_end(&recorder, &list, &sample);
  sp_interval_merge(totals, second);
  sp_interval_merge(totals, recorder.interval);
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  assert_int_equal(tally.good, 51);
  assert_int_equal(tally.ok, 103);
  assert_value(totals, "goodput > 5", 5.1, true);
  assert_value(totals, "goodput_share >= 49%", 51 / 104.0, true);
  sp_gaps_fini(&gaps);
  sp_interval_destroy(second);
  sp_interval_destroy(totals);
  sp_recorder_fini(&recorder);
  sp_limits_fini(&limits);
}

/* -- the sink -- */

struct taken {
  unsigned count;
  char names[64];
  int statuses;
};

static void take(void *ctx, const struct sp_request_key *key, const struct sp_sample *sample) {
  struct taken *taken = ctx;
  taken->count++;
  taken->statuses += sample->status;
  snprintf(taken->names + strlen(taken->names), sizeof(taken->names) - strlen(taken->names), "%s:%s ", key->name,
           sp_outcome_name(sample->outcome));
}

static void every_sample_goes_to_the_sink(void **state) {
  (void)state;
  struct taken taken = { 0 };
  struct sp_sample_sink sink = { take, &taken };
  struct sp_recorder recorder;
  struct sp_sample sample;
  sp_recorder_init(&recorder, 0);
  end(&recorder, &list, SP_OUTCOME_OK, 1); /* before it is set: seen by nobody */
  recorder.sink = &sink;
  sp_sample_init(&sample);
  assert_int_equal(sample.status, 0);
  sample.status = 200;
  sp_recorder_end(&recorder, &simple, &sample);
  sp_interval_destroy(sp_recorder_take(&recorder, 5));
  sample.status = 503;
  sample.outcome = SP_OUTCOME_HTTP_STATUS;
  sp_recorder_end(&recorder, &list, &sample);
  end(&recorder, &simple, SP_OUTCOME_CANCELLED, 1);
  assert_int_equal(taken.count, 3);
  assert_int_equal(taken.statuses, 703);
  assert_string_equal(taken.names, "chat:ok list:http_status chat:cancelled ");
  sp_recorder_fini(&recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(of_metrics),
    cmocka_unit_test(of_counts),
    cmocka_unit_test(of_the_generators_lag),
    cmocka_unit_test(of_nodes_and_customs),
    cmocka_unit_test(without_samples),
    cmocka_unit_test(streams_and_stalls),
    cmocka_unit_test(which_expressions_give_limits),
    cmocka_unit_test(a_limit_is_exact),
    cmocka_unit_test(goodput),
    cmocka_unit_test(every_sample_goes_to_the_sink),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
