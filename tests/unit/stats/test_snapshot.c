/* Snapshots: what is encoded comes back exactly, what an earlier spate wrote is still read, bad bytes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "same_hist.h"

#include "base/rng.h"
#include "stats/compat.h"
#include "stats/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- something of everything -- */

static void fill_hist(struct sp_hist *hist, struct sp_rng *rng) {
  uint64_t n = sp_rng_below(rng, 4) * sp_rng_below(rng, 40);
  for (uint64_t i = 0; i < n; i++) {
    sp_hist_record_n(hist, (int64_t)(sp_rng_u64(rng) >> (24 + sp_rng_below(rng, 40))), 1 + (uint32_t)sp_rng_below(rng, 9));
  }
}

static void fill_counts(uint64_t *counts, size_t n, struct sp_rng *rng) {
  for (size_t i = 0; i < n; i++) {
    counts[i] = sp_rng_below(rng, 2) * (sp_rng_u64(rng) >> sp_rng_below(rng, 64));
  }
}

static void fill_cell(struct sp_cell *cell, struct sp_rng *rng) {
  uint64_t *places[SP_CELL_COUNTS];
  sp_cell_counts(cell, places);
  for (size_t i = 0; i < SP_CELL_COUNTS; i++) {
    fill_counts(places[i], 1, rng);
  }
  fill_counts(cell->outcomes, SP_OUTCOME_COUNT, rng);
  fill_counts(cell->hang_ups, SP_HANG_UP_COUNT, rng);
  fill_counts(cell->counters, SP_COUNTER_COUNT, rng);
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    fill_hist(&cell->metrics[i], rng);
  }
  fill_hist(&cell->failed_e2e, rng);
  fill_hist(&cell->cancelled_age, rng);
  fill_hist(&cell->abandoned_age, rng);
  for (size_t i = 0; sp_rng_below(rng, 3) == 0 && i < SP_COMPAT_ROWS; i++) {
    fill_hist(&sp_cell_compat(cell)[i], rng);
  }
}

static void fill_names(struct sp_interval *interval, struct sp_rng *rng) {
  char name[40];
  for (unsigned i = 0; i < 5; i++) {
    snprintf(name, sizeof(name), "名字 %u", i);
    struct sp_request_key key = { name, "ChatUser", i % 2 ? "simple" : "", i < 3 ? SP_ROLE_LOAD : (enum sp_role)(i - 2),
                                  i % 2 ? "POST" : NULL };
    fill_cell(sp_interval_cell(interval, &key), rng);
    struct sp_node_cell *node = sp_interval_node(interval, sp_str_from(name), SP_STR("llm"));
    node->count = i;
    node->failed = i / 2;
    fill_hist(&node->elapsed, rng);
    sp_interval_error(interval, name, "http_status", "503 service unavailable", i, (int64_t)i * 1000 - 1);
    fill_hist(&sp_interval_custom(interval, name, "tokens")->values, rng);
  }
}

static struct sp_interval *filled(uint64_t seed) {
  struct sp_interval *interval = sp_interval_create();
  struct sp_rng rng;
  sp_rng_seed(&rng, seed, 0);
  fill_names(interval, &rng);
  interval->begin_ns = 12345678901234;
  interval->end_ns = interval->begin_ns + 1000000007;
  interval->events = 1234;
  interval->task_errors = 2;
  interval->tasks = 300;
  interval->late_starts = 4;
  interval->arrivals = 500000;
  interval->dropped_starts = 6;
  interval->connections = 70;
  interval->port_exhausted = 8;
  interval->files_exhausted = 9;
  interval->cpu_ns = 987654321;
  interval->user_time_ns = 5e10 / 3;
  interval->request_time_ns = 1e-3;
  fill_hist(&interval->lag, &rng);
  fill_hist(&interval->loop_lag, &rng);
  fill_hist(&interval->start_lag, &rng);
  return interval;
}

static struct sp_interval *decoded(const struct sp_buf *bytes) {
  struct sp_err err = { 0 };
  struct sp_interval *interval = sp_snapshot_decode(sp_buf_str(bytes), &err);
  if (!interval) {
    fail_msg("%s", err.text);
  }
  return interval;
}

/* -- the same -- */

static void assert_same_cell(struct sp_cell *a, struct sp_cell *b) {
  uint64_t *of_a[SP_CELL_COUNTS], *of_b[SP_CELL_COUNTS];
  sp_cell_counts(a, of_a);
  sp_cell_counts(b, of_b);
  assert_string_equal(a->name, b->name);
  assert_string_equal(a->user_class, b->user_class);
  assert_string_equal(a->task, b->task);
  assert_string_equal(a->method, b->method);
  assert_int_equal(a->role, b->role);
  for (size_t i = 0; i < SP_CELL_COUNTS; i++) {
    assert_true(*of_a[i] == *of_b[i]);
  }
  assert_memory_equal(a->outcomes, b->outcomes, sizeof(a->outcomes));
  assert_memory_equal(a->hang_ups, b->hang_ups, sizeof(a->hang_ups));
  assert_memory_equal(a->counters, b->counters, sizeof(a->counters));
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    assert_same_hist(&a->metrics[i], &b->metrics[i]);
  }
  assert_same_hist(&a->failed_e2e, &b->failed_e2e);
  assert_same_hist(&a->cancelled_age, &b->cancelled_age);
  assert_same_hist(&a->abandoned_age, &b->abandoned_age);
  assert_true(!a->compat == !b->compat);
  for (size_t i = 0; a->compat && i < SP_COMPAT_ROWS; i++) {
    assert_same_hist(&a->compat[i], &b->compat[i]);
  }
}

static void assert_same_cells(const struct sp_map *a, const struct sp_map *b) {
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    assert_same_cell(a->entries[i].value, b->entries[i].value);
  }
}

static void assert_same_names(const struct sp_interval *a, const struct sp_interval *b) {
  assert_int_equal(a->nodes.count, b->nodes.count);
  assert_int_equal(a->errors.count, b->errors.count);
  assert_int_equal(a->customs.count, b->customs.count);
  for (size_t i = 0; i < a->nodes.count; i++) {
    const struct sp_node_cell *of_a = a->nodes.entries[i].value, *of_b = b->nodes.entries[i].value;
    assert_string_equal(of_a->title, of_b->title);
    assert_string_equal(of_a->type, of_b->type);
    assert_true(of_a->count == of_b->count && of_a->failed == of_b->failed);
    assert_same_hist(&of_a->elapsed, &of_b->elapsed);
  }
  for (size_t i = 0; i < a->errors.count; i++) {
    const struct sp_error_cell *of_a = a->errors.entries[i].value, *of_b = b->errors.entries[i].value;
    assert_string_equal(of_a->name, of_b->name);
    assert_string_equal(of_a->kind, of_b->kind);
    assert_string_equal(of_a->detail, of_b->detail);
    assert_true(of_a->count == of_b->count && of_a->first_ns == of_b->first_ns);
  }
  for (size_t i = 0; i < a->customs.count; i++) {
    const struct sp_custom_cell *of_a = a->customs.entries[i].value, *of_b = b->customs.entries[i].value;
    assert_string_equal(of_a->name, of_b->name);
    assert_string_equal(of_a->unit, of_b->unit);
    assert_same_hist(&of_a->values, &of_b->values);
  }
}

static void assert_same(const struct sp_interval *a, const struct sp_interval *b) {
  assert_true(a->begin_ns == b->begin_ns && a->end_ns == b->end_ns && a->cpu_ns == b->cpu_ns);
  assert_true(a->events == b->events && a->tasks == b->tasks && a->task_errors == b->task_errors);
  assert_true(a->late_starts == b->late_starts && a->arrivals == b->arrivals && a->dropped_starts == b->dropped_starts);
  assert_true(a->connections == b->connections && a->port_exhausted == b->port_exhausted);
  assert_true(a->files_exhausted == b->files_exhausted);
  assert_true(a->user_time_ns == b->user_time_ns && a->request_time_ns == b->request_time_ns);
  assert_same_hist(&a->lag, &b->lag);
  assert_same_hist(&a->loop_lag, &b->loop_lag);
  assert_same_hist(&a->start_lag, &b->start_lag);
  assert_same_cells(&a->cells, &b->cells);
  assert_same_cells(&a->probes, &b->probes);
  assert_same_names(a, b);
}

static void exact(void **state) {
  (void)state;
  struct sp_buf bytes;
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct sp_interval *interval = filled(seed), *merged = sp_interval_create();
    sp_buf_clear(&bytes);
    sp_snapshot_encode(interval, &bytes);
    struct sp_interval *back = decoded(&bytes);
    sp_interval_merge(merged, back);
    assert_same(interval, back);
    assert_same(interval, merged);
    sp_interval_destroy(interval);
    sp_interval_destroy(back);
    sp_interval_destroy(merged);
  }
  sp_buf_fini(&bytes);
}

static void caps_come_back(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  char name[32];
  struct sp_request_key key = { name, "U", "t", SP_ROLE_LOAD };
  for (unsigned i = 0; i < SP_CELLS_MAX + 50; i++) {
    snprintf(name, sizeof(name), "request %u", i);
    sp_interval_cell(interval, &key)->started++;
    sp_interval_error(interval, name, i % 3 ? "timeout" : "connect", name, 1 + i, i);
  }
  struct sp_buf bytes;
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(interval, &bytes);
  struct sp_interval *back = decoded(&bytes);
  assert_same(interval, back);
  sp_interval_destroy(interval);
  sp_interval_destroy(back);
  sp_buf_fini(&bytes);
}

/* A second of a calm run: one request with a handful of times. */
static void small(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  struct sp_buf bytes;
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(interval, &bytes);
  assert_true(bytes.len < 40);
  struct sp_request_key key = { "chat", "ChatUser", "simple", SP_ROLE_LOAD };
  struct sp_cell *cell = sp_interval_cell(interval, &key);
  cell->started = cell->outcomes[SP_OUTCOME_OK] = 3;
  for (unsigned i = 0; i < 3; i++) {
    sp_hist_record(&cell->metrics[SP_METRIC_TTFT], 100000 + 1234 * i);
    sp_hist_record(&cell->metrics[SP_METRIC_E2E], 2000000 + 43210 * i);
  }
  sp_buf_clear(&bytes);
  sp_snapshot_encode(interval, &bytes);
  assert_true(bytes.len < 150);
  sp_interval_destroy(interval);
  sp_buf_fini(&bytes);
}

/* -- kept files -- */

/* As version 1 wrote it: rows of the tables stay where they are, or this fails and the version has to go up. */
static const unsigned char version_1[] = {
#include "stats/snapshot_1.h"
};

static void make_version_1(struct sp_interval *interval) {
  struct sp_request_key key = { "chat", "ChatUser", "simple", SP_ROLE_LOAD, "POST" };
  struct sp_cell *cell = sp_interval_cell(interval, &key);
  uint64_t *places[SP_CELL_COUNTS];
  interval->begin_ns = 1000;
  interval->end_ns = 1000001000;
  interval->events = 7;
  sp_cell_counts(cell, places);
  for (size_t i = 0; i < 18; i++) {
    *places[i] = 1 + i;
  }
  cell->outcomes[SP_OUTCOME_CANCELLED] = 9;
  cell->hang_ups[SP_HANG_UP_SLOW] = 2;
  cell->counters[SP_COUNTER_RESENT] = 3;
  for (int i = 0; i <= SP_METRIC_E2E_SENT; i++) {
    sp_hist_record(&cell->metrics[i], 1000 + i);
  }
  sp_hist_record(&sp_cell_compat(cell)[12], 5);
}

static void version_1_is_read(void **state) {
  (void)state;
  struct sp_interval *interval = sp_interval_create();
  make_version_1(interval);
  struct sp_err err = { 0 };
  struct sp_interval *back = sp_snapshot_decode(sp_str_of((const char *)version_1, sizeof(version_1)), &err);
  if (!back) {
    fail_msg("%s", err.text);
  }
  assert_same(interval, back);
  sp_interval_destroy(interval);
  sp_interval_destroy(back);
}

/* What is added to an interval has to be kept too: this speaks up, then encode it, and set the new size here. */
static void nothing_new_is_forgotten(void **state) {
  (void)state;
  if (sizeof(void *) == 8) {
    assert_int_equal(sizeof(struct sp_interval), 1200);
    assert_int_equal(sizeof(struct sp_cell), 5448);
  }
}

/* -- bad bytes -- */

static void refused(void **state) {
  (void)state;
  struct sp_err err = { 0 };
  struct sp_interval *interval = filled(3);
  struct sp_buf bytes;
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(interval, &bytes);
  for (size_t cut = 0; cut < bytes.len; cut += 1 + cut / 300) {
    char *part = sp_str_of(bytes.bytes, cut).len > 0 ? malloc(cut) : malloc(1);
    memcpy(part, bytes.bytes, cut);
    assert_null(sp_snapshot_decode(sp_str_of(part, cut), &err));
    assert_int_equal(err.code, SP_EPARSE);
    free(part);
  }
  sp_buf_append_char(&bytes, 0);
  assert_null(sp_snapshot_decode(sp_buf_str(&bytes), &err));
  assert_non_null(strstr(err.text, "damaged"));
  bytes.bytes[0] = SP_SNAPSHOT_VERSION + 1;
  assert_null(sp_snapshot_decode(sp_buf_str(&bytes), &err));
  assert_non_null(strstr(err.text, "a later one"));
  sp_interval_destroy(interval);
  sp_buf_fini(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(exact), cmocka_unit_test(caps_come_back),    cmocka_unit_test(small),
    cmocka_unit_test(refused), cmocka_unit_test(version_1_is_read), cmocka_unit_test(nothing_new_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
