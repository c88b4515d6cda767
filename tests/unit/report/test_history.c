/* The history as an output, and out of it again: every output as the run wrote it; what goes wrong is one sentence;
 * two runs compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "fake_history.h"

#include "base/mem.h"
#include "report/comparison.h"
#include "report/kept.h"
#include "report/page_data.h"
#include "report/replay.h"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

static char folder[64], path[128];

static int set_up(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/spate-history-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof(path), "%s/history.db", folder);
  return 0;
}

static int tear_down(void **state) {
  char command[200];
  (void)state;
  snprintf(command, sizeof(command), "rm -r '%s'", folder);
  assert_int_equal(system(command), 0);
  return 0;
}

static const struct fake calm = { .id = "run-a", .name = "calm", .plan_text = "return 1", .colour = "red", .users = 20,
                                  .seconds = 60, .a_second = 40, .scale = 1, .seed = 1 };

static void write_run(const struct fake *fake) {
  struct sp_err err = { 0 };
  char note[600];
  if (!fake_write(path, fake, note, sizeof(note), &err)) {
    fail_msg("%s", err.text);
  }
  assert_string_equal(note, "");
}

static struct sp_store *opened(void) {
  struct sp_err err = { 0 };
  struct sp_store *store = sp_store_open(path, SP_STORE_READ, &err);
  if (!store) {
    fail_msg("%s", err.text);
  }
  return store;
}

static char *text_of(const char *file) {
  char *text = sp_alloc(1 << 24), where[200];
  snprintf(where, sizeof(where), "%s/%s", folder, file);
  FILE *in = fopen(where, "r");
  assert_non_null(in);
  assert_true(fread(text, 1, (1 << 24) - 1, in) > 0);
  fclose(in);
  return text;
}

/* -- what is kept of a result -- */

/* Everything that a summary is made from, at odd values. */
static void fill_result(struct fabricated *f, struct sp_slo *slo, struct sp_slo_result *slos, struct sp_confidence *sure,
                        struct sp_window_track *track, struct sp_run_stage *stages, const char **notes) {
  fabricate(f);
  fabricate_errors(&f->recorder);
  sp_slo_parse(SP_STR("p95(ttft) < 1500ms over 30s"), slo, NULL);
  *sure = (struct sp_confidence){ SP_CONFIDENCE_DEPENDENT, 1.25, 1, 1.5, 15, 0.3, 200, 72 };
  *track = (struct sp_window_track){ slo, 31, 2, 3, 1777.5, 10 * SP_NS_PER_S, 40 * SP_NS_PER_S, 60 * SP_NS_PER_S };
  slos[0] = (struct sp_slo_result){ slo->text, 1777.5, false, slo, NULL, sure, track, 17 };
  slos[1] = (struct sp_slo_result){ .expression = "rps > 1", .value = NAN, .why = "no requests" };
  for (int i = 0; i < 2; i++) {
    stages[i] = (struct sp_run_stage){ { 10, 50.5, 30 * SP_NS_PER_S }, i * 30 * SP_NS_PER_S, 30 * SP_NS_PER_S, 12.5, NAN,
                                       f->recorder.interval };
    f->load.stages[i] = stages[i].stage;
  }
  f->load.stage_count = f->result.stage_count = 2;
  f->result.slos = slos;
  f->result.slo_count = 2;
  f->result.stages = stages;
  f->result.notes = notes;
  f->result.note_count = 2;
  f->result.interrupted = true;
  f->result.facts.aborted = "the shape failed";
  f->result.facts.users_law = (struct sp_little){ 10, 9.5, 100, 0.25 };
  f->result.facts.requests_law = (struct sp_little){ 10, NAN, 100, -0.25 };
  f->result.facts.throttling = (struct sp_throttling){ true, 5, 123456789 };
  f->result.facts.thread[1] = (struct sp_thread_facts){ 0.5, 0.25 };
  f->result.validity.valid = false;
  f->result.validity.reason_count = f->result.validity.note_count = 1;
  snprintf(f->result.validity.reasons[0], SP_REASON_TEXT_MAX, "it was late");
  snprintf(f->result.validity.notes[0], SP_REASON_TEXT_MAX, "by the way");
}

static struct sp_interval *copy_of(const struct sp_interval *interval) {
  struct sp_interval *copy = sp_interval_create();
  sp_interval_merge(copy, interval);
  return copy;
}

static void a_result_comes_back(void **state) {
  (void)state;
  struct fabricated f;
  struct sp_slo slo;
  struct sp_slo_result slos[2];
  struct sp_confidence sure;
  struct sp_window_track track;
  struct sp_run_stage stages[2];
  const char *notes[2] = { "one", "另一个" };
  struct sp_buf bytes;
  struct sp_err err = { 0 };
  fill_result(&f, &slo, slos, &sure, &track, stages, notes);
  sp_buf_init(&bytes, SP_KEPT_MAX);
  sp_kept_put_result(&bytes, &f.result);
  struct sp_kept_result *kept = sp_kept_read_result(sp_buf_str(&bytes), copy_of(f.result.totals), &err);
  assert_non_null(kept);
  struct sp_result *back = sp_kept_result_of(kept);
  memcpy(back->id, f.result.id, sizeof(back->id));
  back->version = f.result.version, back->name = f.result.name, back->plan = f.result.plan;
  back->host = f.result.host, back->load = f.result.load;
  char *one = sp_page_summary(&f.result, false), *two = sp_page_summary(back, false);
  assert_string_equal(one, two);
  free(one);
  free(two);
  sp_kept_result_destroy(kept);
  for (size_t cut = 0; cut < bytes.len; cut += 1 + cut / 50) {
    assert_null(sp_kept_read_result(sp_str_of(bytes.bytes, cut), sp_interval_create(), &err));
    assert_int_equal(err.code, SP_EPARSE);
  }
  bytes.bytes[0] = SP_KEPT_VERSION + 1;
  assert_null(sp_kept_read_result(sp_buf_str(&bytes), sp_interval_create(), &err));
  assert_non_null(strstr(err.text, "a later spate"));
  sp_buf_fini(&bytes);
  fabricated_fini(&f);
}

/* What watchers saw, and the diagnosis, are kept in the summary's text alone. */
static void what_was_seen_comes_from_the_summary(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  char *none = sp_page_summary(&f.result, false);
  assert_non_null(strstr(none, "\"diagnosis\":null,\"watch\":null"));
  f.result.kept_summary = SP_STR("{\"watch\":{\"left_out\":7},\"diagnosis\":{\"claim\":\"x\"}}");
  char *kept = sp_page_summary(&f.result, false);
  assert_non_null(strstr(kept, "\"diagnosis\":{\"claim\":\"x\"},\"watch\":{\"left_out\":7}"));
  free(none);
  free(kept);
  fabricated_fini(&f);
}

/* What is added to a result has to be kept too: this speaks up, then pack it, and set the new size here. */
static void nothing_new_is_forgotten(void **state) {
  (void)state;
  if (sizeof(void *) == 8) {
    assert_int_equal(sizeof(struct sp_result), 12560);
    assert_int_equal(sizeof(struct sp_load), 2544);
    assert_int_equal(sizeof(struct sp_slo_result), 64);
  }
}

static void loads_come_back(void **state) {
  (void)state;
  static const int64_t trace[] = { 5, 10, 15 * SP_NS_PER_S };
  const char *const slos[] = { "rps > 1", "p95(e2e) < 4s" };
  struct sp_load load;
  struct sp_kept_asked asked;
  struct sp_err err = { 0 };
  struct sp_buf bytes;
  sp_load_init(&load);
  load.kind = SP_LOAD_RATE;
  load.rate_per_s = 12.5;
  load.arrivals = SP_ARRIVALS_EVEN;
  load.max_in_flight = 77;
  load.trace = trace;
  load.trace_count = 3;
  struct sp_run_begin begin = { .load = &load, .slos = slos, .slo_count = 2 };
  sp_buf_init(&bytes, 1 << 20);
  sp_kept_put_asked(&bytes, &begin);
  assert_int_equal(sp_kept_read_asked(sp_buf_str(&bytes), &asked, &err), 0);
  assert_true(asked.load.kind == SP_LOAD_RATE && asked.load.rate_per_s == 12.5 && asked.load.max_in_flight == 77);
  assert_true(asked.load.arrivals == SP_ARRIVALS_EVEN && asked.load.stop_timeout_ns == load.stop_timeout_ns);
  assert_true(sp_load_length_ns(&asked.load) == sp_load_length_ns(&load));
  assert_string_equal(asked.slos[1], "p95(e2e) < 4s");
  sp_kept_fini_asked(&asked);
  for (size_t cut = 0; cut < bytes.len; cut++) {
    assert_int_equal(sp_kept_read_asked(sp_str_of(bytes.bytes, cut), &asked, &err), SP_EPARSE);
    sp_kept_fini_asked(&asked);
  }
  sp_buf_fini(&bytes);
}

/* -- outputs again -- */

static void make_output(const struct fake *fake, const struct sp_report_type *type, const char *where) {
  struct fake_run run;
  struct sp_err err = { 0 };
  void *report = NULL;
  assert_int_equal(type->open(where, &report, &err), 0);
  fake_begin(&run, fake);
  if (type->begin) {
    type->begin(report, &run.begin);
  }
  fake_ticks(&run, fake, type, report);
  fake_finish(&run, fake);
  assert_int_equal(type->write(report, &run.result, &err), 0);
  type->close(report);
  fake_fini(&run);
}

static void outputs_are_the_same_again(void **state) {
  (void)state;
  static const struct sp_report_type *const types[] = { &sp_report_json, &sp_report_csv, &sp_report_hdr };
  static const char *const files[] = { "", "_requests.csv", "_failures.csv", "_history.csv" };
  struct fake warm = calm;
  char run[200], again[200];
  struct sp_err err = { 0 };
  warm.warm_s = 5;
  write_run(&warm);
  struct sp_store *store = opened();
  for (size_t i = 0; i < 3; i++) {
    snprintf(run, sizeof(run), "%s/run", folder);
    snprintf(again, sizeof(again), "%s/again", folder);
    make_output(&warm, types[i], run);
    assert_int_equal(sp_replay_output(store, "run-a", types[i], again, &err), 0);
    bool is_csv = types[i] == &sp_report_csv;
    for (size_t k = is_csv ? 1 : 0; k < (is_csv ? 4 : 1); k++) {
      snprintf(run, sizeof(run), "run%s", files[k]);
      snprintf(again, sizeof(again), "again%s", files[k]);
      char *one = text_of(run), *two = text_of(again);
      assert_string_equal(one, two);
      free(one);
      free(two);
    }
  }
  assert_int_equal(sp_replay_output(store, "run-a", &sp_report_jsonl, "x", &err), SP_EUSAGE);
  sp_store_close(store);
}

/* -- runs without an end -- */

static int check_cut(void *ctx, const struct sp_result *result, struct sp_err *err) {
  (void)err;
  struct sp_tally tally;
  sp_tally_interval(result->totals, &tally);
  assert_int_equal(tally.ok, 55 * 40);
  assert_true(sp_tally_closes(&tally));
  assert_true(result->facts.measured_ns == 55 * SP_NS_PER_S && result->facts.duration_ns == 60 * SP_NS_PER_S);
  assert_true(result->facts.users_max == 20 && result->facts.users_mean == 20);
  assert_true(!result->validity.valid && result->validity.reason_count == 1);
  assert_non_null(strstr(result->validity.reasons[0], "still goes on")); /* its process is this one */
  assert_int_equal(result->slo_count, 1);
  assert_true(result->slos[0].met && result->slos[0].value > 1000 && result->slos[0].value < 4000);
  char *summary = sp_page_summary(result, true);
  assert_non_null(strstr(summary, "\"partial\":true"));
  free(summary);
  *(bool *)ctx = true;
  return 0;
}

static void a_run_without_end(void **state) {
  (void)state;
  static const struct sp_replay_hooks hooks = { .end = check_cut };
  struct fake cut = calm;
  struct sp_err err = { 0 };
  bool seen = false;
  cut.warm_s = 5;
  cut.cut_off = true;
  write_run(&cut);
  struct sp_store *store = opened();
  assert_int_equal(sp_replay(store, "run-a", &hooks, &seen, &err), 0);
  assert_true(seen);
  sp_store_close(store);
}

/* -- what goes wrong -- */

static sqlite3 *lock_history(void) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  return db;
}

static void a_locked_history_costs_a_sentence(void **state) {
  (void)state;
  struct fake other = calm;
  struct sp_err err = { 0 };
  char note[600];
  other.id = "run-b";
  write_run(&calm);
  sqlite3 *db = lock_history();
  assert_true(fake_write(path, &other, note, sizeof(note), &err));
  sqlite3_close(db);
  assert_non_null(strstr(note, "the run is not in the history: cannot write the history"));
  assert_non_null(strstr(note, "another process has it locked"));
  write_run(&other);
}

/* More seconds than may wait: those beyond are dropped, counted, said; the others are there once it is free. */
static void what_waits_is_bounded(void **state) {
  (void)state;
  struct fake longer = calm;
  struct fake_run run;
  struct sp_err err = { 0 };
  void *report = NULL;
  char note[600] = "";
  longer.id = "run-b";
  longer.seconds = 2 * SP_HISTORY_WAITING_MAX + 100; /* the writer may hold as many again */
  longer.a_second = 1;
  write_run(&calm);
  sqlite3 *db = lock_history();
  assert_int_equal(sp_report_history.open(path, &report, &err), 0);
  fake_begin(&run, &longer);
  sp_report_history.begin(report, &run.begin);
  fake_ticks(&run, &longer, &sp_report_history, report);
  sqlite3_close(db);
  fake_finish(&run, &longer);
  assert_int_equal(sp_report_history.write(report, &run.result, &err), 0);
  assert_true(sp_report_history.note(report, note, sizeof(note)));
  unsigned lost = 0, of = 0;
  assert_int_equal(sscanf(note, "the history lacks %u of the run's %u seconds: ", &lost, &of), 2);
  assert_int_equal(of, longer.seconds);
  assert_in_range(lost, 100, SP_HISTORY_WAITING_MAX + 100);
  sp_report_history.close(report);
  fake_fini(&run);
}

/* -- comparing -- */

static void compare(const struct fake *a, const struct fake *b, struct sp_comparison *out) {
  struct sp_err err = { 0 };
  write_run(a);
  write_run(b);
  struct sp_store *store = opened();
  if (sp_comparison_make(store, a->id, b->id, out, &err)) {
    fail_msg("%s", err.text);
  }
  sp_store_close(store);
}

static const struct sp_compare_row *row_of(const struct sp_comparison *comparison, const char *name, enum sp_metric metric,
                                           enum sp_compare_statistic statistic) {
  for (size_t i = 0; i < comparison->row_count; i++) {
    const struct sp_compare_row *row = &comparison->rows[i];
    if (row->name && strcmp(row->name, name) == 0 && row->metric == metric && row->statistic == statistic) {
      return row;
    }
  }
  fail_msg("no such row");
  return NULL;
}

static void a_slower_run_is_slower(void **state) {
  (void)state;
  struct fake slower = calm;
  struct sp_comparison comparison;
  slower.id = "run-b";
  slower.scale = 1.1;
  slower.seed = 2;
  slower.query = "another";
  slower.seconds = 90; /* how long it was held is no other load */
  compare(&calm, &slower, &comparison);
  assert_int_equal(comparison.reasons.count, 0);
  assert_true(comparison.a.steady_s == 60 && comparison.b.steady_s == 90);
  const struct sp_compare_row *mean = row_of(&comparison, "simple chat", SP_METRIC_TTFT, SP_COMPARE_MEAN);
  assert_int_equal(mean->verdict, SP_COMPARE_MORE);
  assert_true(mean->low < 1.1 && 1.1 < mean->high);
  assert_string_equal(comparison.notes.items[0], SP_COMPARE_CAVEAT);
  assert_string_equal(comparison.notes.items[1], "other parameters of the plan: query");
  char *json = sp_comparison_json(&comparison);
  assert_non_null(strstr(json, "{\"comparable\":true,\"reasons\":[],\"note\":\"one run a side"));
  assert_non_null(strstr(json, "\"metric\":\"ttft\",\"statistic\":\"mean\""));
  assert_non_null(strstr(json, "\"name\":null,\"user_class\":null,\"task\":null,\"metric\":\"rps\""));
  free(json);
  sp_comparison_fini(&comparison);
}

static void assert_refused(const struct fake *b, const char *why) {
  struct sp_comparison comparison;
  assert_int_equal(unlink(path) == 0 || errno == ENOENT, 1);
  compare(&calm, b, &comparison);
  bool said = false;
  for (size_t i = 0; i < comparison.reasons.count; i++) {
    said = said || strstr(comparison.reasons.items[i], why);
  }
  if (!said) {
    fail_msg("no reason has '%s' (%zu reasons, first '%s')", why, comparison.reasons.count, comparison.reasons.items[0]);
  }
  sp_comparison_fini(&comparison);
}

/* Most of it is as it was asked for: that part is compared, and no second of the other one. */
static void a_change_at_the_end_is_left_out(void **state) {
  (void)state;
  struct fake b = calm;
  struct sp_comparison comparison;
  b.id = "run-b";
  b.change_s = 40;
  b.change_to = 60;
  compare(&calm, &b, &comparison);
  assert_int_equal(comparison.reasons.count, 0);
  assert_true(comparison.a.steady_s == 60 && comparison.b.steady_s == 40);
  sp_comparison_fini(&comparison);
}

static void what_is_not_comparable(void **state) {
  (void)state;
  struct fake b = calm;
  b.id = "run-b";
  b.users = 21;
  assert_refused(&b, "other loads: A had 20 users, B 21 users");
  b = calm, b.id = "run-b", b.plan_text = "return 2";
  assert_refused(&b, "the text of plans/chat.lua was another one in B");
  b = calm, b.id = "run-b", b.invalid = true;
  assert_refused(&b, "B is invalid");
  b = calm, b.id = "run-b", b.seconds = 9;
  assert_refused(&b, "B was steady for 9 s; an interval needs 10 s and more");
  b = calm, b.id = "run-b", b.cut_off = true;
  assert_refused(&b, "B still goes on");
  b = calm, b.id = "run-b", b.change_s = 15, b.change_to = 40;
  assert_refused(&b, "the longest steady part of A had 20 users, of B 40 users");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(a_result_comes_back),       TEST(nothing_new_is_forgotten), TEST(loads_come_back),
    TEST(what_was_seen_comes_from_the_summary),
    TEST(outputs_are_the_same_again), TEST(a_run_without_end),       TEST(a_locked_history_costs_a_sentence),
    TEST(what_waits_is_bounded),     TEST(a_slower_run_is_slower),   TEST(what_is_not_comparable),
    TEST(a_change_at_the_end_is_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
