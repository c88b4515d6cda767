#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *path_of(const char *name) {
  static char path[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static json_t *write_and_load(const struct sp_result *result, const char *name) {
  struct sp_err err = { 0 };
  void *report = NULL;
  assert_int_equal(sp_report_json.open(path_of(name), &report, &err), 0);
  assert_int_equal(sp_report_json.write(report, result, &err), 0);
  sp_report_json.close(report);
  json_error_t error;
  json_t *json = json_load_file(path_of(name), JSON_REJECT_DUPLICATES, &error);
  if (!json) {
    fprintf(stderr, "line %d: %s\n", error.line, error.text);
  }
  assert_non_null(json);
  return json;
}

/* "totals.ok", "requests.0.metrics.ttft" */
static json_t *at(json_t *json, const char *path) {
  char key[64];
  while (*path && json) {
    size_t len = strcspn(path, ".");
    assert_true(len < sizeof(key));
    memcpy(key, path, len);
    key[len] = 0;
    json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key)) : json_object_get(json, key);
    path += len + (path[len] == '.');
  }
  if (!json) {
    fprintf(stderr, "no %s\n", path);
  }
  assert_non_null(json);
  return json;
}

static json_int_t int_at(json_t *json, const char *path) {
  assert_true(json_is_integer(at(json, path)));
  return json_integer_value(at(json, path));
}

static const char *text_at(json_t *json, const char *path) {
  assert_true(json_is_string(at(json, path)));
  return json_string_value(at(json, path));
}

static void assert_number(json_t *json, const char *path, double want) {
  assert_true(json_is_number(at(json, path)));
  double got = json_number_value(at(json, path));
  if (fabs(got - want) > 1e-9 * fabs(want)) {
    fprintf(stderr, "%s is %.17g, not %.17g\n", path, got, want);
  }
  assert_true(fabs(got - want) <= 1e-9 * fabs(want));
}

/* The keys that the contract names, in its order; more may follow. */
static void assert_keys(json_t *object, const char *keys) {
  void *iter = json_object_iter(object);
  struct sp_str rest = sp_str_from(keys);
  while (rest.len > 0) {
    struct sp_str key = sp_str_split(&rest, ' ');
    assert_non_null(iter);
    if (!sp_str_eq(sp_str_from(json_object_iter_key(iter)), key)) {
      fprintf(stderr, "key %s, not " SP_STR_FMT "\n", json_object_iter_key(iter), SP_STR_ARG(key));
    }
    assert_true(sp_str_eq(sp_str_from(json_object_iter_key(iter)), key));
    iter = json_object_iter_next(object, iter);
  }
}

#define HIST_KEYS "count min mean stdev p50 p75 p90 p95 p99 p999 max"

static void keys_are_the_contracts(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  sp_recorder_custom(&f.recorder, "score", "points", 1);
  struct sp_slo_result slo = { "p95(e2e) < 4s", 3210.5, true };
  f.result.slos = &slo;
  f.result.slo_count = 1;
  json_t *json = write_and_load(&f.result, "keys.json");
  assert_keys(json, "schema version run validity totals requests nodes errors slo custom");
  assert_keys(at(json, "run"), "id name plan host started duration_s measured_s warm_up_s users_max threads seed tags");
  assert_keys(at(json, "validity"), "valid reasons generator little");
  assert_keys(at(json, "validity.generator"), "cpu_share loop_lag_ms lag_ms late_starts dropped_starts");
  assert_keys(at(json, "validity.generator.lag_ms"), HIST_KEYS);
  assert_keys(at(json, "validity.little"), "closure_error");
  assert_keys(at(json, "totals"),
              "started ok failed abandoned cancelled rps ok_rps goodput events events_per_s bytes_in bytes_out");
  assert_keys(at(json, "requests.0"), "name user_class task count ok failed rps outcomes metrics failed_metrics "
                                      "stalls tokens");
  assert_keys(at(json, "requests.0.outcomes"), "ok http_status stream_error truncated timeout connect reset protocol "
                                               "check abandoned cancelled");
  assert_keys(at(json, "requests.0.metrics"), "ttfb ttfe ttft itl tpot e2e max_gap");
  assert_keys(at(json, "requests.0.metrics.ttft"), HIST_KEYS);
  assert_keys(at(json, "requests.0.failed_metrics"), "e2e");
  assert_keys(at(json, "requests.0.tokens"), "events reported_prompt reported_completion");
  assert_keys(at(json, "nodes.0"), "title type count failed elapsed");
  assert_keys(at(json, "errors.0"), "name outcome detail count first_s remedy");
  assert_keys(at(json, "slo.0"), "expr value met");
  assert_keys(at(json, "custom.0"), "name unit " HIST_KEYS);
  assert_int_equal(json_object_size(at(json, "requests.0.metrics")), SP_METRIC_COUNT);
  json_decref(json);
  fabricated_fini(&f);
}

static void values(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  struct sp_tag tags[] = { { "round", "3" }, { "change", "数据库" } };
  f.result.tags = tags;
  f.result.tag_count = 2;
  f.load.warm_up_ns = 1500 * SP_NS_PER_MS;
  json_t *json = write_and_load(&f.result, "values.json");
  assert_string_equal(text_at(json, "schema"), "spate.summary/1");
  assert_string_equal(text_at(json, "version"), "0.1.0");
  assert_string_equal(text_at(json, "run.started"), "2026-11-23T16:50:00.123Z");
  assert_string_equal(text_at(json, "run.tags.change"), "数据库");
  assert_number(json, "run.duration_s", 62);
  assert_number(json, "run.measured_s", 60);
  assert_number(json, "run.warm_up_s", 1.5);
  assert_int_equal(int_at(json, "run.seed"), 42);
  assert_int_equal(int_at(json, "run.users_max"), 50);
  assert_true(json_is_true(at(json, "validity.valid")));
  assert_int_equal(json_array_size(at(json, "validity.reasons")), 0);
  assert_true(json_is_null(at(json, "validity.little.closure_error")));
  assert_int_equal(int_at(json, "validity.generator.late_starts"), 2);
  assert_number(json, "totals.rps", (1300 + 18) / 60.0);
  assert_number(json, "totals.ok_rps", 1300 / 60.0);
  assert_number(json, "totals.goodput", 1300 / 60.0);
  assert_number(json, "totals.events_per_s", (double)f.recorder.interval->events / 60);
  assert_int_equal(int_at(json, "totals.rate_limited"), 3);
  assert_int_equal(int_at(json, "totals.task_errors"), 1);
  /* cells stand in the order of their first start: the complex flow came first */
  assert_string_equal(text_at(json, "requests.0.name"), fabricated_keys[1].name);
  assert_string_equal(text_at(json, "requests.0.task"), "complex");
  assert_string_equal(text_at(json, "requests.0.method"), "GET");
  assert_true(json_is_null(at(json, "requests.1.method")));
  assert_int_equal(int_at(json, "requests.0.tokens.reported_completion"), 3000);
  assert_int_equal(int_at(json, "requests.0.tokens.reported_prompt"), 10000);
  assert_true(json_is_null(at(json, "requests.2.tokens.reported_prompt"))); /* nobody reported: n/a, never 0 */
  assert_true(json_is_null(at(json, "requests.2.tokens.reported_completion")));
  assert_number(json, "requests.0.metrics.ttfb.max", 16);
  assert_number(json, "requests.0.failed_metrics.e2e.max", 2500);
  assert_int_equal(int_at(json, "requests.0.cancelled_age.count"), 1);
  assert_int_equal(int_at(json, "requests.2.stalls"), 1);
  assert_int_equal(int_at(json, "requests.2.counters.empty_answer"), 1);
  assert_true(json_is_null(at(json, "requests.1.metrics.ttft"))); /* retrieval has no tokens: n/a, not 0 */
  assert_true(json_is_null(at(json, "requests.1.metrics.itl")));
  assert_true(json_is_null(at(json, "requests.1.cancelled_age")));
  assert_string_equal(text_at(json, "errors.0.outcome"), "http_status");
  assert_number(json, "errors.0.first_s", 2.005);
  assert_true(json_is_null(at(json, "nodes.2.elapsed"))); /* its nodes never said their time */
  json_decref(json);
  fabricated_fini(&f);
}

/* What the file says adds up to what was recorded. */
static void totals_are_the_intervals(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  json_t *json = write_and_load(&f.result, "totals.json"), *request;
  struct sp_tally tally;
  sp_tally_interval(f.recorder.interval, &tally);
  assert_int_equal(int_at(json, "totals.started"), tally.started);
  assert_int_equal(int_at(json, "totals.ok"), tally.ok);
  assert_int_equal(int_at(json, "totals.failed"), tally.failed);
  assert_int_equal(int_at(json, "totals.bytes_in"), tally.bytes_in);
  assert_int_equal(int_at(json, "totals.bytes_out"), tally.bytes_out);
  assert_int_equal(int_at(json, "totals.events"), f.recorder.interval->events);
  assert_int_equal(tally.started, tally.ok + tally.failed + tally.abandoned + tally.cancelled);
  json_int_t count = 0, ok = 0, failed = 0, bytes_in = 0;
  double rps = 0;
  size_t i = 0;
  json_array_foreach(at(json, "requests"), i, request) {
    json_int_t outcomes = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(at(request, "outcomes"), key, value) {
      outcomes += json_integer_value(value);
    }
    assert_int_equal(outcomes, int_at(request, "count"));
    count += int_at(request, "count");
    ok += int_at(request, "ok");
    failed += int_at(request, "failed");
    bytes_in += int_at(request, "bytes_in");
    rps += json_number_value(at(request, "rps"));
    assert_int_equal(int_at(request, "metrics.e2e.count"), int_at(request, "ok"));
    if (int_at(request, "failed") > 0) {
      assert_int_equal(int_at(request, "failed_metrics.e2e.count"), int_at(request, "failed"));
    }
  }
  assert_int_equal(i, 3);
  assert_int_equal(count, tally.started);
  assert_int_equal(ok, tally.ok);
  assert_int_equal(failed, tally.failed);
  assert_int_equal(bytes_in, tally.bytes_in);
  assert_true(fabs(rps - json_number_value(at(json, "totals.rps"))) < 1e-6);
  json_int_t errors = 0;
  json_t *error = NULL;
  json_array_foreach(at(json, "errors"), i, error) {
    errors += strcmp(text_at(error, "outcome"), "task") == 0 ? 0 : int_at(error, "count");
  }
  assert_int_equal(errors, tally.failed);
  json_decref(json);
  fabricated_fini(&f);
}

static void nothing_measured_is_null(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  sp_interval_clear(f.recorder.interval);
  f.result.facts = (struct sp_run_facts){ .cpu_share = NAN };
  f.result.validity.cpu_share = NAN;
  f.result.seed = UINT64_MAX;
  struct sp_slo_result slo = { "p95(e2e) < 4s", NAN, false };
  f.result.slos = &slo;
  f.result.slo_count = 1;
  json_t *json = write_and_load(&f.result, "nothing.json");
  assert_true(json_is_null(at(json, "totals.rps")));
  assert_int_equal(int_at(json, "totals.started"), 0);
  assert_true(json_is_null(at(json, "validity.generator.cpu_share")));
  assert_true(json_is_null(at(json, "validity.generator.lag_ms")));
  assert_true(json_is_null(at(json, "slo.0.value")));
  assert_true(json_is_false(at(json, "slo.0.met")));
  assert_string_equal(text_at(json, "run.seed"), "18446744073709551615");
  assert_int_equal(json_array_size(at(json, "requests")), 0);
  json_decref(json);
  fabricated_fini(&f);
}

static void bad_bytes_do_not_break_the_file(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_other(&f.recorder, 0, SP_OUTCOME_PROTOCOL, "the head is no HTTP: \"\xff\xfe\x01\\\"\n\"", 1, 1);
  f.result.name = "name \xe8\xaf";
  f.result.host = "http://h/\xc0";
  json_t *json = write_and_load(&f.result, "bytes.json");
  assert_string_equal(text_at(json, "run.name"), "name ??");
  assert_string_equal(text_at(json, "errors.0.detail"), "the head is no HTTP: \"?? \\\" \"");
  json_decref(json);
  fabricated_fini(&f);
}

/* --- the file --- */

static void put(const char *name, const char *text) {
  FILE *file = fopen(path_of(name), "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static long size_of(const char *name) {
  struct stat facts;
  return stat(path_of(name), &facts) == 0 ? (long)facts.st_size : -1;
}

static void what_was_there_stays_until_write(void **state) {
  (void)state;
  struct fabricated f;
  void *report = NULL;
  struct sp_err err = { 0 };
  fabricate(&f);
  char *long_text = calloc(1, 200001);
  assert_non_null(long_text);
  memset(long_text, 'x', 200000);
  put("old.json", long_text);
  free(long_text);
  assert_int_equal(sp_report_json.open(path_of("old.json"), &report, &err), 0);
  assert_int_equal(size_of("old.json"), 200000);
  sp_report_json.close(report); /* a run that could not start */
  assert_int_equal(size_of("old.json"), 200000);
  json_decref(write_and_load(&f.result, "old.json")); /* and nothing of the longer one is left behind it */
  assert_true(size_of("old.json") < 200000);
  fabricated_fini(&f);
}

static void a_file_that_was_never_written_goes_again(void **state) {
  (void)state;
  void *report = NULL;
  struct sp_err err = { 0 };
  assert_int_equal(sp_report_json.open(path_of("new.json"), &report, &err), 0);
  assert_int_equal(size_of("new.json"), 0);
  sp_report_json.close(report);
  assert_int_equal(size_of("new.json"), -1);
}

static void assert_refused(const char *path, const char *says) {
  void *report = NULL;
  struct sp_err err = { 0 };
  assert_int_not_equal(sp_report_json.open(path, &report, &err), 0);
  if (!strstr(err.text, says)) {
    fprintf(stderr, "'%s' does not say '%s'\n", err.text, says);
  }
  assert_non_null(strstr(err.text, says));
  assert_null(strchr(err.text, '\n'));
}

static void places_that_can_not_be_written(void **state) {
  (void)state;
  put("file", "x");
  assert_refused(folder, "it is a folder");
  assert_refused(path_of("no/such/"), "it is a folder");
  assert_refused(path_of("no/out.json"), "the folder '");
  assert_refused(path_of("no/out.json"), "/no' does not exist");
  assert_refused(path_of("file/out.json"), "/file' is no folder");
  assert_refused("", "needs a path");
  if (geteuid() != 0) {
    assert_refused("/proc/version", "permission denied");
  }
}

static void a_full_disk_is_said(void **state) {
  (void)state;
  struct fabricated f;
  void *report = NULL;
  struct sp_err err = { 0 };
  if (access("/dev/full", W_OK) != 0) {
    skip();
  }
  fabricate(&f);
  assert_int_equal(sp_report_json.open("/dev/full", &report, &err), 0);
  assert_int_not_equal(sp_report_json.write(report, &f.result, &err), 0);
  assert_non_null(strstr(err.text, "No space left"));
  sp_report_json.close(report);
  fabricated_fini(&f);
}

static void dash_is_standard_output(void **state) {
  (void)state;
  struct fabricated f;
  void *report = NULL;
  struct sp_err err = { 0 };
  fabricate(&f);
  fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  assert_non_null(freopen(path_of("stdout.json"), "w", stdout));
  int opened = sp_report_json.open("-", &report, &err);
  int written = opened == 0 ? sp_report_json.write(report, &f.result, &err) : -1;
  sp_report_json.close(report);
  fflush(stdout);
  dup2(saved, STDOUT_FILENO); /* still open: close leaves standard output alone */
  close(saved);
  assert_int_equal(opened, 0);
  assert_int_equal(written, 0);
  json_t *json = json_load_file(path_of("stdout.json"), 0, NULL);
  assert_string_equal(text_at(json, "schema"), "spate.summary/1");
  json_decref(json);
  fabricated_fini(&f);
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/spate-test-json-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  static const char *const names[] = { "keys.json",  "values.json", "judgements.json", "totals.json", "nothing.json",
                                       "bytes.json", "old.json",    "stdout.json", "file" };
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    unlink(path_of(names[i]));
  }
  return rmdir(folder);
}

/* What is known beyond the contract: intervals and windows of SLOs, stages, the load, laws, other tools' rows. */
static void judgements(void **state) {
  (void)state;
  struct fabricated f;
  struct sp_slo slo;
  struct sp_err err;
  fabricate(&f);
  assert_int_equal(sp_slo_parse(SP_STR("p95(ttft) < 2s over 30s"), &slo, &err), 0);
  struct sp_confidence sure = { .state = SP_CONFIDENCE_GOOD, .value = 2412, .low = 1900.5, .high = 2500, .batches = 20,
                                .samples = 1200, .needed = 72 };
  struct sp_window_track window = { .windows = 31, .missed = 4, .worst = 2412, .worst_begin_ns = BEGIN_NS + 20 * SP_NS_PER_S,
                                    .worst_end_ns = BEGIN_NS + 50 * SP_NS_PER_S };
  struct sp_slo_result slos[] = { { .expression = slo.text, .value = 2412, .slo = &slo, .samples = 1200, .confidence = &sure,
                                    .window = &window },
                                  { .expression = "failed_share < 1", .value = 0, .met = true } };
  const struct sp_run_stage stage = { { 10, 50, 30 * SP_NS_PER_S }, 5 * SP_NS_PER_S, 60 * SP_NS_PER_S, 47.5, NAN, f.recorder.interval };
  static const char *const notes[] = { "one thing" };
  f.result.slos = slos;
  f.result.slo_count = 2;
  f.result.stages = &stage;
  f.result.stage_count = 1;
  f.result.notes = notes;
  f.result.note_count = 1;
  f.result.validity.users_closure = 0.015;
  f.result.facts.users_law = (struct sp_little){ .observed = 47.5, .predicted = 48.2125, .samples = 900 };
  f.result.facts.thread[1].cpu_share = 0.123;
  sp_hist_record(&sp_cell_compat(sp_interval_cell(f.recorder.interval, &fabricated_keys[0]))[0], 99000);
  sp_interval_cell(f.recorder.interval, &fabricated_keys[0])->good -= 30;
  json_t *json = write_and_load(&f.result, "judgements.json");
  assert_string_equal(text_at(json, "slo.0.unit"), "ms");
  assert_number(json, "slo.0.confidence.low", 1900.5);
  assert_true(json_is_true(at(json, "slo.0.confidence.undecided")));
  assert_int_equal(int_at(json, "slo.0.windows.missed"), 4);
  assert_number(json, "slo.0.windows.worst_begin_s", 20);
  assert_true(json_is_null(at(json, "slo.1.confidence")));
  assert_true(json_is_null(at(json, "slo.1.windows")));
  assert_number(json, "stages.0.from", 10);
  assert_number(json, "stages.0.to", 50);
  assert_string_equal(text_at(json, "stages.0.unit"), "users");
  assert_number(json, "stages.0.duration_s", 30);
  assert_true(json_is_null(at(json, "stages.0.in_flight_mean")));
  assert_true(json_equal(at(json, "stages.0.totals"), at(json, "totals")));
  assert_true(json_equal(at(json, "stages.0.requests"), at(json, "requests")));
  assert_string_equal(text_at(json, "notes.0"), "one thing");
  assert_string_equal(text_at(json, "load.kind"), "users");
  assert_number(json, "load.users_mean", 47.5);
  assert_true(json_is_null(at(json, "load.arrivals")));
  assert_number(json, "validity.little.users.closure", 0.015);
  assert_true(json_is_null(at(json, "validity.little.requests")));
  assert_int_equal(json_array_size(at(json, "validity.generator.threads")), 2);
  assert_number(json, "validity.generator.threads.1.cpu_share", 0.123);
  assert_number(json, "requests.2.compat.vllm:ttft.max", 99);
  assert_null(json_object_get(at(json, "requests.0"), "compat"));
  assert_number(json, "totals.goodput", (1300 - 30) / 60.0);
  assert_number(json, "totals.ok_rps", 1300 / 60.0);
  json_decref(json);
  fabricated_fini(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_are_the_contracts),
    cmocka_unit_test(judgements),
    cmocka_unit_test(values),
    cmocka_unit_test(totals_are_the_intervals),
    cmocka_unit_test(nothing_measured_is_null),
    cmocka_unit_test(bad_bytes_do_not_break_the_file),
    cmocka_unit_test(what_was_there_stays_until_write),
    cmocka_unit_test(a_file_that_was_never_written_goes_again),
    cmocka_unit_test(places_that_can_not_be_written),
    cmocka_unit_test(a_full_disk_is_said),
    cmocka_unit_test(dash_is_standard_output),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
