/* The series: any stretch of rows gives what the seconds themselves add up to; memory has a cap; windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "same_hist.h"

#include "base/clock.h"
#include "base/rng.h"
#include "stats/pack.h"
#include "stats/recorder.h"
#include "stats/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct sp_slo parsed(const char *text) {
  struct sp_slo slo;
  struct sp_err err = { 0 };
  if (sp_slo_parse(sp_str_from(text), &slo, &err) < 0) {
    fail_msg("%s", err.text);
  }
  return slo;
}

/* -- packing -- */

static void integers(void **state) {
  (void)state;
  static const uint64_t values[] = { 0, 1, 127, 128, 300, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX };
  struct sp_buf buf;
  sp_buf_init(&buf, 1000);
  for (size_t i = 0; i < 8; i++) {
    sp_pack_uint(&buf, values[i]);
    sp_pack_double(&buf, (double)values[i] / 3);
  }
  struct sp_unpacker from = { sp_buf_str(&buf), false };
  for (size_t i = 0; i < 8; i++) {
    assert_true(sp_unpacker_uint(&from) == values[i]);
    assert_true(sp_unpacker_double(&from) == (double)values[i] / 3);
  }
  assert_int_equal(from.rest.len, 0);
  assert_false(from.bad);
  sp_buf_fini(&buf);
}

static void histograms(void **state) {
  (void)state;
  struct sp_hist one, two, both, back;
  struct sp_buf buf;
  struct sp_rng rng;
  sp_rng_seed(&rng, 3, 0);
  sp_hist_init(&one);
  sp_hist_init(&two);
  sp_hist_init(&both);
  sp_hist_init(&back);
  sp_buf_init(&buf, 1 << 20);
  sp_pack_hist(&buf, &one); /* empty */
  assert_int_equal(buf.len, 1);
  for (int i = 0; i < 5000; i++) {
    int64_t value = (int64_t)(sp_rng_u64(&rng) >> (20 + sp_rng_below(&rng, 44)));
    sp_hist_record_n(i % 3 ? &one : &two, value, 1 + (uint32_t)sp_rng_below(&rng, 300));
  }
  sp_hist_record(&two, 0);
  sp_hist_record(&two, INT64_MAX);
  sp_pack_hist(&buf, &one);
  sp_pack_hist(&buf, &two);
  struct sp_str packed = sp_buf_str(&buf);
  for (int i = 0; i < 3; i++) {
    sp_unpack_hist(&packed, &back);
  }
  assert_int_equal(packed.len, 0);
  sp_hist_merge(&both, &one);
  sp_hist_merge(&both, &two);
  assert_same_hist(&both, &back);
  assert_false(sp_hist_add_counter(&back, 1u << 15, 1));
  sp_hist_fini(&one);
  sp_hist_fini(&two);
  sp_hist_fini(&both);
  sp_hist_fini(&back);
  sp_buf_fini(&buf);
}

/* -- seconds made at random -- */

static void fill_second(struct sp_rng *rng, struct sp_recorder *recorder, unsigned requests, unsigned names) {
  for (unsigned i = 0; i < requests; i++) {
    char name[32];
    struct sp_sample sample;
    struct sp_gaps gaps;
    sp_gaps_init(&gaps);
    sp_sample_init(&sample);
    snprintf(name, sizeof(name), "request %u", (unsigned)sp_rng_below(rng, names));
    struct sp_request_key key = { name, "U", i % 2 ? "a" : "b" };
    for (int n = 0; n < 5; n++) {
      sp_gaps_add(&gaps, (int64_t)sp_rng_below(rng, 2000) * SP_NS_PER_MS, SP_NS_PER_S);
    }
    sample.gaps = &gaps;
    sample.token_events = 6;
    sample.outcome = sp_rng_below(rng, 10) ? SP_OUTCOME_OK : SP_OUTCOME_TIMEOUT;
    sample.metric_ns[SP_METRIC_TTFT] = (int64_t)sp_rng_below(rng, 1000) * SP_NS_PER_MS;
    sample.metric_ns[SP_METRIC_E2E] = (int64_t)sp_rng_below(rng, 9000) * SP_NS_PER_MS;
    sample.metric_ns[SP_METRIC_TPOT] = (int64_t)sp_rng_below(rng, 90) * SP_NS_PER_MS;
    sample.end_ns = 5000;
    sample.bytes_in = i;
    sp_recorder_start(recorder, &key);
    sp_recorder_end(recorder, &key, &sample);
    sp_recorder_event(recorder);
    sp_gaps_fini(&gaps);
  }
  sp_recorder_node(recorder, SP_STR("LLM"), SP_STR("llm"), (int64_t)sp_rng_below(rng, 1000) * SP_NS_PER_MS, false);
  sp_recorder_node(recorder, SP_STR("end"), SP_STR("end"), 1, true);
  sp_recorder_custom(recorder, "score", "", (double)sp_rng_below(rng, 10));
}

static const struct sp_series_gauges steady = { SP_SERIES_STEADY, 10, 3 };

static void push(struct sp_series *series, struct sp_recorder *recorder, int64_t end_ns, enum sp_series_part part) {
  struct sp_series_gauges gauges = { part, 10, 3 };
  struct sp_interval *second = sp_recorder_take(recorder, end_ns);
  sp_series_push(series, second, &gauges);
  sp_interval_destroy(second);
}

static void assert_same_cell(const struct sp_cell *a, const struct sp_cell *b, const struct sp_series *series) {
  assert_string_equal(a->name, b->name);
  assert_string_equal(a->task, b->task);
  assert_memory_equal(a->outcomes, b->outcomes, sizeof(a->outcomes));
  assert_int_equal(a->started, b->started);
  assert_int_equal(a->good, b->good);
  assert_int_equal(a->streams, b->streams);
  assert_int_equal(a->stalled_streams, b->stalled_streams);
  assert_int_equal(a->stalls, b->stalls);
  assert_int_equal(a->token_events, b->token_events);
  assert_int_equal(a->bytes_in, b->bytes_in);
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (sp_series_keeps(series, (enum sp_metric)i)) {
      assert_same_hist(&a->metrics[i], &b->metrics[i]);
    } else {
      assert_int_equal(b->metrics[i].count, 0);
    }
  }
  assert_same_hist(&a->failed_e2e, &b->failed_e2e);
}

static void assert_same_interval(const struct sp_interval *sum, const struct sp_interval *back,
                                 const struct sp_series *series) {
  assert_int_equal(sum->cells.count, back->cells.count);
  for (size_t i = 0; i < sum->cells.count; i++) {
    const struct sp_map_entry *entry = &sum->cells.entries[i];
    const struct sp_cell *cell = sp_map_get(&back->cells, sp_str_of(entry->key, entry->key_len));
    assert_non_null(cell);
    assert_same_cell(entry->value, cell, series);
  }
  assert_int_equal(sum->events, back->events);
  assert_int_equal(sum->begin_ns, back->begin_ns);
  assert_int_equal(sum->end_ns, back->end_ns);
}

static void a_stretch_is_the_sum_of_its_seconds(void **state) {
  (void)state;
  static const size_t stretches[][2] = { { 0, 20 }, { 0, 1 }, { 7, 12 }, { 19, 20 } };
  struct sp_slo slos[] = { parsed("p95(tpot) < 1"), parsed("max(node:LLM) < 1s"), parsed("mean(custom:score) < 5"),
                           parsed("mean(lag) < 5ms") };
  struct sp_series_options options = { .slos = slos, .slo_count = 4 };
  struct sp_series *series = sp_series_create(&options);
  struct sp_interval *seconds[20];
  struct sp_recorder recorder;
  struct sp_rng rng;
  sp_rng_seed(&rng, 5, 0);
  sp_recorder_init(&recorder, 1000);
  for (int i = 0; i < 20; i++) {
    fill_second(&rng, &recorder, i == 3 ? 0 : 50, 7);
    sp_recorder_lag(&recorder, (i + 1) * 300000);
    seconds[i] = sp_recorder_take(&recorder, 1000 + (i + 1) * SP_NS_PER_S);
    sp_series_push(series, seconds[i], &steady);
  }
  assert_int_equal(sp_series_count(series), 20);
  for (size_t n = 0; n < 4; n++) {
    struct sp_interval *sum = sp_interval_create(), *back = sp_interval_create();
    for (size_t i = stretches[n][0]; i < stretches[n][1]; i++) {
      sp_interval_merge(sum, seconds[i]);
    }
    sp_series_merge(series, stretches[n][0], stretches[n][1], back);
    assert_same_interval(sum, back, series);
    for (size_t i = 0; i < 4; i++) { /* and what SLOs speak of has the same value */
      struct sp_slo_value by_sum, by_series;
      sp_slo_evaluate(&slos[i], sum, 1, &by_sum);
      sp_series_evaluate(series, stretches[n][0], stretches[n][1], &slos[i], &by_series);
      assert_true(by_sum.samples == by_series.samples && by_sum.samples > 0);
      assert_true(fabs(by_sum.value - by_series.value) < 1e-9);
    }
    sp_interval_destroy(sum);
    sp_interval_destroy(back);
  }
  const struct sp_series_row *row = sp_series_row(series, 2);
  assert_int_equal(row->tally.started, 50);
  assert_int_equal(row->begin_ns, 1000 + 2 * SP_NS_PER_S);
  assert_true(row->users == 10 && row->in_flight == 3 && row->events == 50);
  for (int i = 0; i < 20; i++) {
    sp_interval_destroy(seconds[i]);
  }
  sp_recorder_fini(&recorder);
  sp_series_destroy(series);
}

/* -- the cap: nothing is lost but resolution, and that of the oldest -- */

static void check_cap(const struct sp_series_options *options, int seconds) {
  struct sp_series *series = sp_series_create(options);
  struct sp_interval *sum = sp_interval_create(), *back = sp_interval_create();
  struct sp_recorder recorder;
  struct sp_rng rng;
  sp_rng_seed(&rng, 7, 0);
  sp_recorder_init(&recorder, 0);
  recorder.interval->begin_ns = 1;
  for (int i = 0; i < seconds; i++) {
    fill_second(&rng, &recorder, 3, 2);
    struct sp_interval *second = sp_recorder_take(&recorder, (i + 1) * SP_NS_PER_S);
    struct sp_series_gauges gauges = { i < 10 ? SP_SERIES_WARM : SP_SERIES_STEADY, 1, 1 };
    sp_interval_merge(sum, second);
    sp_series_push(series, second, &gauges);
    sp_interval_destroy(second);
  }
  size_t rows = sp_series_count(series);
  sp_series_merge(series, 0, rows, back);
  assert_same_interval(sum, back, series);
  assert_true(options->rows_max == 0 || rows <= options->rows_max);
  assert_true(rows < (size_t)seconds);
  int64_t end_ns = 1;
  for (size_t i = 0; i < rows; i++) {
    const struct sp_series_row *row = sp_series_row(series, i);
    int64_t span_ns = row->end_ns - row->begin_ns;
    assert_int_equal(row->begin_ns, end_ns); /* no hole */
    end_ns = row->end_ns;
    assert_true(i < rows - options->fresh || span_ns == SP_NS_PER_S);
    assert_true(row->part == (end_ns <= 10 * SP_NS_PER_S ? SP_SERIES_WARM : SP_SERIES_STEADY));
  }
  sp_interval_destroy(sum);
  sp_interval_destroy(back);
  sp_recorder_fini(&recorder);
  sp_series_destroy(series);
}

static void a_cap_of_rows(void **state) {
  (void)state;
  struct sp_series_options options = { .rows_max = 40, .fresh = 15 };
  check_cap(&options, 300);
}

static void a_cap_of_bytes(void **state) {
  (void)state;
  struct sp_series_options options = { .bytes_max = 20000, .fresh = 15 };
  check_cap(&options, 300);
}

/* Each second has other names: over the cap of a run's requests they go to "(other)", and the sums stay. */
static void names_without_end(void **state) {
  (void)state;
  struct sp_series *series = sp_series_create(NULL);
  struct sp_interval *back = sp_interval_create();
  struct sp_recorder recorder;
  struct sp_tally tally;
  sp_recorder_init(&recorder, 0);
  for (int i = 0; i < 1500; i++) {
    char name[32];
    snprintf(name, sizeof(name), "n%d", i);
    struct sp_request_key key = { name, "U", "t" };
    sp_recorder_start(&recorder, &key);
    if (i % 300 == 299) {
      push(series, &recorder, (i + 1) * SP_NS_PER_S, SP_SERIES_STEADY);
    }
  }
  sp_series_merge(series, 0, sp_series_count(series), back);
  sp_tally_interval(back, &tally);
  assert_int_equal(tally.started, 1500);
  assert_int_equal(back->cells.count, SP_CELLS_MAX + 1);
  struct sp_request_key other = { SP_OTHER, "", "" };
  assert_int_equal(sp_interval_cell(back, &other)->started, 500);
  sp_interval_destroy(back);
  sp_recorder_fini(&recorder);
  sp_series_destroy(series);
}

static void the_longest_steady_stretch(void **state) {
  (void)state;
  static const char parts[] = "wwrsssrsssssrssdd";
  struct sp_series *series = sp_series_create(NULL);
  struct sp_recorder recorder;
  size_t from = 9, to = 9;
  assert_false(sp_series_steady(series, &from, &to));
  assert_true(from == 0 && to == 0);
  sp_recorder_init(&recorder, 0);
  for (int i = 0; parts[i]; i++) {
    char c = parts[i];
    push(series, &recorder, (i + 1) * SP_NS_PER_S,
         c == 'w' ? SP_SERIES_WARM : c == 'r' ? SP_SERIES_RAMP : c == 's' ? SP_SERIES_STEADY : SP_SERIES_DRAIN);
  }
  assert_true(sp_series_steady(series, &from, &to));
  assert_true(from == 7 && to == 12);
  assert_int_equal(sp_series_span_ns(series, from, to), 5 * SP_NS_PER_S);
  sp_recorder_fini(&recorder);
  sp_series_destroy(series);
}

/* -- windows -- */

/* One letter a second: '.' a good second (100 ms, 10 requests), 'x' a bad one (900 ms), '-' nothing;
 * capitals W R D before it: warm-up, ramp, drain. Gives the seconds after which the SLO was lost, -1 for never. */
static int run_windows(const char *slo_text, const char *seconds, struct sp_window_track *track,
                       struct sp_slo_value *out) {
  static struct sp_slo slo;
  slo = parsed(slo_text);
  struct sp_series *series = sp_series_create(&(struct sp_series_options){ .slos = &slo, .slo_count = 1 });
  struct sp_recorder recorder;
  enum sp_series_part part = SP_SERIES_STEADY;
  int lost = -1, second = 0;
  sp_recorder_init(&recorder, 0);
  sp_window_track_init(track, &slo);
  for (const char *c = seconds; *c; c++) {
    if (*c == 'W' || *c == 'R' || *c == 'S' || *c == 'D') {
      part = *c == 'W' ? SP_SERIES_WARM : *c == 'R' ? SP_SERIES_RAMP : *c == 'D' ? SP_SERIES_DRAIN : SP_SERIES_STEADY;
      continue;
    }
    for (int i = 0; i < 10 && *c != '-'; i++) {
      struct sp_request_key key = { "chat", "U", "t" };
      struct sp_sample sample;
      sp_sample_init(&sample);
      sample.metric_ns[SP_METRIC_TTFT] = (*c == 'x' ? 900 : 100) * SP_NS_PER_MS;
      sp_recorder_start(&recorder, &key);
      sp_recorder_end(&recorder, &key, &sample);
    }
    second++;
    push(series, &recorder, second * SP_NS_PER_S + (second % 2 ? 3 : -3) * SP_NS_PER_MS, part); /* ticks jitter */
    sp_window_track_step(track, series);
    lost = lost < 0 && sp_window_track_lost(track) ? second : lost;
  }
  sp_window_track_finish(track, series, out);
  sp_recorder_fini(&recorder);
  sp_series_destroy(series);
  return lost;
}

static void every_window_has_to_hold(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  /* 3 of 20 seconds are bad: the whole would pass, no window of 5 s with them does */
  assert_int_equal(run_windows("p80(ttft) < 500ms over 5s", "........xxx.........", &track, &value), 10);
  assert_int_equal(track.windows, 16);
  assert_int_equal(track.missed, 5); /* those with two or three of the bad seconds */
  assert_false(value.met);
  assert_true(value.value > 890 && value.samples == 16);
  assert_int_equal(track.worst_begin_ns / SP_NS_PER_S, 5);
  assert_int_equal(run_windows("p80(ttft) < 500ms over 5s", ".....x....x....x....", &track, &value), -1);
  assert_true(value.met && value.value < 110);
  assert_int_equal(track.windows, 16);
}

/* A bad stretch on the border of two fixed windows would be half in each; windows at every second see all of it. */
static void windows_slide(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  assert_int_equal(run_windows("mean(ttft) < 600ms over 4s", "..xxxx..........", &track, &value), 5);
  assert_true(value.value > 899);
  assert_int_equal(run_windows("p40(ttft) < 500ms over 4s", "..xx....", &track, &value), -1);
}

/* Of windows over a minute every sixtieth is judged; the bad stretch is found all the same. */
static void long_windows(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  char seconds[601];
  memset(seconds, '.', 600);
  memset(seconds + 333, 'x', 60);
  seconds[600] = 0;
  assert_in_range(run_windows("p81(ttft) < 500ms over 300s", seconds, &track, &value), 333 + 57, 333 + 62);
  assert_int_equal(track.windows, 61); /* 300, 305 … 600 */
  assert_true(!value.met && value.value > 890);
  assert_int_equal(run_windows("p79(ttft) < 500ms over 300s", seconds, &track, &value), -1);
  assert_true(value.met);
}

static void warm_up_ramp_and_drain(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  assert_int_equal(run_windows("max(ttft) < 500ms over 2s", "WxxxxS.....", &track, &value), -1);
  assert_int_equal(run_windows("max(ttft) < 500ms over 2s", "R..x..S.....", &track, &value), 3);
  assert_int_equal(run_windows("max(ttft) < 500ms over 2s", "S.....D..x", &track, &value), 8);
  assert_int_equal(run_windows("rps > 9 over 2s", "R--S......D--", &track, &value), -1); /* a rate: steady only */
  assert_true(value.met && fabs(value.value - 10) < 0.1);
  assert_int_equal(run_windows("rps > 9 over 2s", "R--S...-..D--", &track, &value), 6);
  assert_true(!value.met && fabs(value.value - 5) < 0.1);
}

static void seconds_without_samples(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  assert_int_equal(run_windows("p95(ttft) < 500ms over 2s", "..----..", &track, &value), -1);
  assert_int_equal(track.windows, 7);
  assert_int_equal(track.empty, 3);
  assert_true(value.met && value.samples == 4);
  run_windows("p95(ttft) < 500ms over 2s", "-----", &track, &value);
  assert_true(!value.met && isnan(value.value));
  assert_string_equal(value.why, "no samples in any window");
  run_windows("failed_share <= 1 over 2s", "-----", &track, &value);
  assert_false(value.met);
}

static void a_run_shorter_than_the_window(void **state) {
  (void)state;
  struct sp_window_track track;
  struct sp_slo_value value;
  assert_int_equal(run_windows("max(ttft) < 500ms over 30s", "WxS..x..", &track, &value), -1); /* not lost early */
  assert_int_equal(track.windows, 1);
  assert_true(!value.met && value.value > 890);
  run_windows("rps > 9 over 30s", "R-S....D-", &track, &value);
  assert_true(value.met && track.windows == 1);
  run_windows("rps > 9 over 30s", "R....", &track, &value); /* never steady */
  assert_false(value.met);
  assert_int_equal(track.windows, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(integers),
    cmocka_unit_test(histograms),
    cmocka_unit_test(a_stretch_is_the_sum_of_its_seconds),
    cmocka_unit_test(a_cap_of_rows),
    cmocka_unit_test(a_cap_of_bytes),
    cmocka_unit_test(names_without_end),
    cmocka_unit_test(the_longest_steady_stretch),
    cmocka_unit_test(every_window_has_to_hold),
    cmocka_unit_test(windows_slide),
    cmocka_unit_test(long_windows),
    cmocka_unit_test(warm_up_ramp_and_drain),
    cmocka_unit_test(seconds_without_samples),
    cmocka_unit_test(a_run_shorter_than_the_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
