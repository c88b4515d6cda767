#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "stats/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sp_request_key chat = { "chat", "ChatUser", "simple" };
static const struct sp_request_key chat_other_task = { "chat", "ChatUser", "complex" };

static void a_cell_a_key(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  struct sp_cell *a = sp_interval_cell(interval, &chat);
  struct sp_request_key same = { strdup("chat"), "ChatUser", "simple" };
  assert_ptr_equal(sp_interval_cell(interval, &same), a);
  assert_ptr_not_equal(sp_interval_cell(interval, &chat_other_task), a);
  struct sp_request_key bare = { "chat", NULL, NULL };
  struct sp_cell *b = sp_interval_cell(interval, &bare);
  assert_ptr_not_equal(b, a);
  assert_string_equal(b->user_class, "");
  assert_string_equal(a->name, "chat");
  assert_string_equal(a->user_class, "ChatUser");
  assert_string_equal(a->task, "simple");
  free((void *)(uintptr_t)same.name);
  sp_interval_destroy(interval);
}

static void parts_do_not_run_together(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  struct sp_request_key ab = { "ab", "c", "" }, a = { "a", "bc", "" };
  assert_ptr_not_equal(sp_interval_cell(interval, &ab), sp_interval_cell(interval, &a));
  sp_interval_destroy(interval);
}

static void texts_are_cleaned_and_cut(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  char longest[1000];
  memset(longest, 'x', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = 0;
  struct sp_request_key key = { longest, longest, longest };
  struct sp_cell *cell = sp_interval_cell(interval, &key);
  assert_int_equal(strlen(cell->name), SP_NAME_MAX);
  assert_ptr_equal(sp_interval_cell(interval, &key), cell);
  sp_interval_error(interval, longest, longest, longest, 1, 0);
  struct sp_error_cell *error = interval->errors.entries[0].value;
  assert_int_equal(strlen(error->detail), SP_DETAIL_MAX);
  sp_interval_error(interval, "a", "timeout", "two\nlines", 1, 0);
  error = interval->errors.entries[1].value;
  assert_string_equal(error->detail, "two lines");
  sp_interval_destroy(interval);
}

/* Rows are told apart by name, class and task: of several methods the first is shown. */
static void the_first_method_stands(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create(), *other = sp_interval_create();
  struct sp_request_key post = { "a", "U", "t", SP_ROLE_LOAD, "POST" }, get = { "a", "U", "t", SP_ROLE_LOAD, "GET" };
  struct sp_request_key none = { "b", "U", "t" };
  struct sp_cell *cell = sp_interval_cell(interval, &post);
  assert_ptr_equal(sp_interval_cell(interval, &get), cell);
  assert_string_equal(cell->method, "POST");
  assert_string_equal(sp_interval_cell(interval, &none)->method, "");
  sp_interval_merge(other, interval);
  assert_string_equal(sp_interval_cell(other, &get)->method, "POST");
  sp_interval_destroy(interval);
  sp_interval_destroy(other);
}

static void cells_have_a_cap(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  char name[32];
  struct sp_request_key key = { name, "U", "t" };
  for (unsigned i = 0; i < SP_CELLS_MAX + 100; i++) {
    snprintf(name, sizeof(name), "request %u", i);
    sp_interval_cell(interval, &key)->started++;
  }
  assert_int_equal(interval->cells.count, SP_CELLS_MAX + 1);
  struct sp_cell *other = interval->cells.entries[SP_CELLS_MAX].value;
  assert_string_equal(other->name, "(other)");
  assert_int_equal(other->started, 100);
  snprintf(name, sizeof(name), "request %u", 0u); /* a known one is still found */
  assert_int_equal(sp_interval_cell(interval, &key)->started, 1);
  struct sp_tally tally;
  sp_tally_interval(interval, &tally);
  assert_int_equal(tally.started, SP_CELLS_MAX + 100);
  sp_interval_destroy(interval);
}

static void nodes_and_customs_have_caps(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  char name[32];
  for (unsigned i = 0; i < SP_NODES_MAX + 7; i++) {
    snprintf(name, sizeof(name), "node %u", i);
    sp_interval_node(interval, sp_str_from(name), SP_STR("llm"))->count++;
    sp_hist_record(&sp_interval_custom(interval, name, "ms")->values, i);
  }
  assert_int_equal(interval->nodes.count, SP_NODES_MAX + 1);
  struct sp_node_cell *node = interval->nodes.entries[SP_NODES_MAX].value;
  assert_string_equal(node->title, "(other)");
  assert_int_equal(node->count, 7);
  assert_int_equal(interval->customs.count, SP_CUSTOM_MAX + 1);
  struct sp_custom_cell *custom = interval->customs.entries[SP_CUSTOM_MAX].value;
  assert_int_equal(custom->values.count, SP_NODES_MAX + 7 - SP_CUSTOM_MAX);
  sp_interval_destroy(interval);
}

static uint64_t error_sum(const struct sp_interval *interval) {
  uint64_t sum = 0;
  for (size_t i = 0; i < interval->errors.count; i++) {
    sum += ((const struct sp_error_cell *)interval->errors.entries[i].value)->count;
  }
  return sum;
}

static void errors_have_a_cap(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  char detail[32];
  for (unsigned i = 0; i < SP_ERRORS_MAX + 50; i++) {
    snprintf(detail, sizeof(detail), "detail %u", i);
    sp_interval_error(interval, "chat", "protocol", detail, 2, 1000 - i);
  }
  assert_int_equal(interval->errors.count, SP_ERRORS_MAX + 1);
  struct sp_error_cell *other = interval->errors.entries[SP_ERRORS_MAX].value;
  assert_string_equal(other->name, "chat");
  assert_string_equal(other->kind, "protocol");
  assert_string_equal(other->detail, "(other)");
  assert_int_equal(other->count, 100);
  assert_int_equal(other->first_ns, 1000 - (SP_ERRORS_MAX + 49));
  char name[32];
  for (unsigned i = 0; i < 5 * SP_ERRORS_MAX; i++) { /* names without end too */
    snprintf(name, sizeof(name), "name %u", i);
    sp_interval_error(interval, name, i % 2 ? "reset" : "timeout", "x", 1, 0);
  }
  assert_true(interval->errors.count <= 2 * SP_ERRORS_MAX + 2);
  assert_int_equal(error_sum(interval), 2 * (SP_ERRORS_MAX + 50) + 5 * SP_ERRORS_MAX);
  sp_interval_destroy(interval);
}

static void error_keeps_its_first_time(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  sp_interval_error(interval, "a", "reset", "x", 1, 500);
  sp_interval_error(interval, "a", "reset", "x", 3, 200);
  sp_interval_error(interval, "a", "reset", "x", 1, 900);
  struct sp_error_cell *error = interval->errors.entries[0].value;
  assert_int_equal(interval->errors.count, 1);
  assert_int_equal(error->count, 5);
  assert_int_equal(error->first_ns, 200);
  sp_interval_destroy(interval);
}

/* --- merging --- */

static void fill(struct sp_interval *interval, uint64_t seed, int64_t begin_ns) {
  struct sp_rng rng;
  sp_rng_seed(&rng, seed, 0);
  char text[32];
  interval->begin_ns = begin_ns;
  interval->end_ns = begin_ns + 1000;
  for (unsigned i = 0; i < 300; i++) {
    snprintf(text, sizeof(text), "r%u", (unsigned)sp_rng_below(&rng, 20));
    struct sp_request_key key = { text, "U", "t" };
    struct sp_cell *cell = sp_interval_cell(interval, &key);
    cell->started++;
    cell->outcomes[sp_rng_below(&rng, SP_OUTCOME_COUNT)]++;
    cell->counters[sp_rng_below(&rng, SP_COUNTER_COUNT)] += 2;
    cell->token_events += 3;
    cell->answer_chars += 4;
    cell->reported_prompt += 5;
    cell->reported_completion += 6;
    cell->prompt_reports += 14;
    cell->completion_reports += 15;
    cell->bytes_in += 7;
    cell->bytes_out += 8;
    cell->stalls += 1;
    cell->rate_limited += 9;
    cell->retries += 10;
    cell->hang_ups[sp_rng_below(&rng, SP_HANG_UP_COUNT)] += 11;
    cell->cut_streams += 12;
    cell->cut_tokenless += 13;
    cell->paused_requests += 14;
    cell->read_pauses += 15;
    cell->paused_ns += 16;
    sp_hist_record(&cell->abandoned_age, (int64_t)i);
    sp_hist_record(&cell->metrics[sp_rng_below(&rng, SP_METRIC_COUNT)], (int64_t)sp_rng_below(&rng, 1000000));
    sp_hist_record(&cell->failed_e2e, (int64_t)i);
    sp_hist_record(&cell->cancelled_age, (int64_t)i);
    struct sp_node_cell *node = sp_interval_node(interval, sp_str_from(text), SP_STR("llm"));
    node->count++;
    node->failed += i % 2;
    sp_hist_record(&node->elapsed, i);
    sp_interval_error(interval, text, "timeout", "first byte", 1, (int64_t)sp_rng_below(&rng, 1000));
    sp_hist_record(&sp_interval_custom(interval, text, "ms")->values, i);
    sp_hist_record(&interval->lag, i);
    sp_hist_record(&interval->loop_lag, i);
  }
  interval->events = seed * 10;
  interval->tasks = seed * 11;
  interval->task_errors = seed * 12;
  interval->late_starts = seed * 13;
  interval->cpu_ns = (int64_t)seed * 14;
  interval->connections = seed * 15;
  interval->port_exhausted = seed * 16;
  interval->files_exhausted = seed * 17;
}

static void assert_same_hist(const struct sp_hist *a, const struct sp_hist *b) {
  assert_int_equal(a->count, b->count);
  if (a->count == 0) {
    return;
  }
  assert_int_equal(a->min, b->min);
  assert_int_equal(a->max, b->max);
  assert_true(a->sum == b->sum && a->sum_squares == b->sum_squares);
  uint32_t ca = 0, cb = 0;
  struct sp_hist_bucket x, y;
  while (sp_hist_next(a, &ca, &x)) {
    assert_true(sp_hist_next(b, &cb, &y) && x.low == y.low && x.count == y.count);
  }
}

static void assert_same_cell(const struct sp_cell *a, const struct sp_cell *b) {
  assert_int_equal(a->started, b->started);
  assert_memory_equal(a->outcomes, b->outcomes, sizeof(a->outcomes));
  assert_memory_equal(a->counters, b->counters, sizeof(a->counters));
  assert_int_equal(a->rate_limited, b->rate_limited);
  assert_int_equal(a->retries, b->retries);
  assert_memory_equal(a->hang_ups, b->hang_ups, sizeof(a->hang_ups));
  assert_int_equal(a->cut_streams, b->cut_streams);
  assert_int_equal(a->cut_tokenless, b->cut_tokenless);
  assert_int_equal(a->paused_requests, b->paused_requests);
  assert_int_equal(a->read_pauses, b->read_pauses);
  assert_int_equal(a->paused_ns, b->paused_ns);
  assert_same_hist(&a->abandoned_age, &b->abandoned_age);
  assert_int_equal(a->stalls, b->stalls);
  assert_int_equal(a->token_events, b->token_events);
  assert_int_equal(a->answer_chars, b->answer_chars);
  assert_int_equal(a->reported_prompt, b->reported_prompt);
  assert_int_equal(a->reported_completion, b->reported_completion);
  assert_int_equal(a->prompt_reports, b->prompt_reports);
  assert_int_equal(a->completion_reports, b->completion_reports);
  assert_int_equal(a->bytes_in, b->bytes_in);
  assert_int_equal(a->bytes_out, b->bytes_out);
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    assert_same_hist(&a->metrics[i], &b->metrics[i]);
  }
  assert_same_hist(&a->failed_e2e, &b->failed_e2e);
  assert_same_hist(&a->cancelled_age, &b->cancelled_age);
}

static void *partner(const struct sp_map *map, const struct sp_map_entry *entry) {
  void *value = sp_map_get(map, sp_str_of(entry->key, entry->key_len));
  assert_non_null(value);
  return value;
}

static void assert_same_interval(const struct sp_interval *a, const struct sp_interval *b) {
  assert_int_equal(a->begin_ns, b->begin_ns);
  assert_int_equal(a->end_ns, b->end_ns);
  assert_int_equal(a->cells.count, b->cells.count);
  for (size_t i = 0; i < a->cells.count; i++) {
    assert_same_cell(a->cells.entries[i].value, partner(&b->cells, &a->cells.entries[i]));
  }
  assert_int_equal(a->nodes.count, b->nodes.count);
  for (size_t i = 0; i < a->nodes.count; i++) {
    const struct sp_node_cell *x = a->nodes.entries[i].value, *y = partner(&b->nodes, &a->nodes.entries[i]);
    assert_true(x->count == y->count && x->failed == y->failed);
    assert_same_hist(&x->elapsed, &y->elapsed);
  }
  assert_int_equal(a->errors.count, b->errors.count);
  for (size_t i = 0; i < a->errors.count; i++) {
    const struct sp_error_cell *x = a->errors.entries[i].value, *y = partner(&b->errors, &a->errors.entries[i]);
    assert_true(x->count == y->count && x->first_ns == y->first_ns);
  }
  assert_int_equal(a->customs.count, b->customs.count);
  for (size_t i = 0; i < a->customs.count; i++) {
    const struct sp_custom_cell *x = a->customs.entries[i].value;
    assert_same_hist(&x->values, &((struct sp_custom_cell *)partner(&b->customs, &a->customs.entries[i]))->values);
  }
  assert_true(a->events == b->events && a->tasks == b->tasks && a->task_errors == b->task_errors);
  assert_true(a->late_starts == b->late_starts && a->cpu_ns == b->cpu_ns);
  assert_true(a->connections == b->connections && a->port_exhausted == b->port_exhausted);
  assert_int_equal(a->files_exhausted, b->files_exhausted);
  assert_same_hist(&a->lag, &b->lag);
  assert_same_hist(&a->loop_lag, &b->loop_lag);
}

static void merge_is_associative(void **state) {
  (void)state;
  struct sp_interval *parts[3], *left = sp_interval_create(), *right = sp_interval_create();
  struct sp_interval *tail = sp_interval_create();
  for (size_t i = 0; i < 3; i++) {
    parts[i] = sp_interval_create();
    fill(parts[i], i + 1, (int64_t)i * 1000);
  }
  for (size_t i = 0; i < 3; i++) { /* (a + b) + c */
    sp_interval_merge(left, parts[i]);
  }
  sp_interval_merge(tail, parts[2]); /* (c + b) + a */
  sp_interval_merge(tail, parts[1]);
  sp_interval_merge(right, tail);
  sp_interval_merge(right, parts[0]);
  assert_same_interval(left, right);
  assert_int_equal(left->begin_ns, 0);
  assert_int_equal(left->end_ns, 3000);
  assert_int_equal(left->lag.count, 900);
  for (size_t i = 0; i < 3; i++) {
    sp_interval_destroy(parts[i]);
  }
  sp_interval_destroy(left);
  sp_interval_destroy(right);
  sp_interval_destroy(tail);
}

static void clear_leaves_nothing(void **state) {
  (void)state;
  struct sp_interval *used = sp_interval_create(), *empty = sp_interval_create();
  fill(used, 5, 7000);
  sp_interval_clear(used);
  assert_same_interval(used, empty);
  fill(used, 9, 0);
  fill(empty, 9, 0);
  assert_same_interval(used, empty);
  sp_interval_destroy(used);
  sp_interval_destroy(empty);
  sp_interval_destroy(NULL);
}

static void merging_past_the_caps_loses_no_count(void **state) {
  (void)state;
  struct sp_interval *total = sp_interval_create();
  for (unsigned part = 0; part < 3; part++) {
    struct sp_interval *interval = sp_interval_create();
    for (unsigned i = 0; i < SP_CELLS_MAX; i++) {
      char name[32];
      snprintf(name, sizeof(name), "part %u request %u", part, i);
      struct sp_request_key key = { name, "U", "t" };
      struct sp_cell *cell = sp_interval_cell(interval, &key);
      cell->started = cell->outcomes[SP_OUTCOME_TIMEOUT] = 1;
      sp_interval_error(interval, name, "timeout", name, 1, 0);
    }
    sp_interval_merge(total, interval);
    sp_interval_destroy(interval);
  }
  struct sp_tally tally;
  sp_tally_interval(total, &tally);
  assert_int_equal(total->cells.count, SP_CELLS_MAX + 1);
  assert_int_equal(tally.started, 3 * SP_CELLS_MAX);
  assert_int_equal(tally.failed, 3 * SP_CELLS_MAX);
  assert_true(sp_tally_closes(&tally));
  assert_int_equal(error_sum(total), 3 * SP_CELLS_MAX);
  sp_interval_destroy(total);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_cell_a_key),
    cmocka_unit_test(parts_do_not_run_together),
    cmocka_unit_test(texts_are_cleaned_and_cut),
    cmocka_unit_test(the_first_method_stands),
    cmocka_unit_test(cells_have_a_cap),
    cmocka_unit_test(nodes_and_customs_have_caps),
    cmocka_unit_test(errors_have_a_cap),
    cmocka_unit_test(error_keeps_its_first_time),
    cmocka_unit_test(merge_is_associative),
    cmocka_unit_test(clear_leaves_nothing),
    cmocka_unit_test(merging_past_the_caps_loses_no_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
