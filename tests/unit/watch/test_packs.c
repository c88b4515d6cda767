/*
 * Exporters' texts as they are, and what is seen in them: a file of looks/ each. "# LOOK s" begins a look at that time;
 * "# EXPECT signal|subject|detail|value" is the last point of a series, and there is no other series than these; "# POINTS" are
 * all its values; "# SETTING subject|key|value"; "# QUERY signal|subject|detail|PromQL".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "report/golden.h"
#include "watch/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define S SP_NS_PER_S
#define FILE_MAX (1u << 20)

struct bench {
  struct sp_observations *seen;
  struct sp_watch_sink sink;
  struct sp_panel *panel;
  struct sp_prom prom;
  int64_t at_ns;
};

static void on_sample(void *ctx, const struct sp_prom_sample *sample) {
  struct bench *bench = ctx;
  struct sp_panel_series *series = sp_panel_series(bench->panel, sample);
  int64_t at_ns = sample->has_time ? (int64_t)(sample->time_s * (double)S) : bench->at_ns;
  if (series) sp_panel_put(bench->panel, series, at_ns, sample->value);
}

static void open_bench(struct bench *bench, const struct sp_panel_options *options) {
  *bench = (struct bench){.seen = sp_observations_create()};
  bench->sink = (struct sp_watch_sink){.observations = bench->seen, .source = "test"};
  assert_int_equal(sp_panel_create(options, &bench->panel, NULL), 0);
  sp_prom_init(&bench->prom, false, on_sample, bench);
}

static void close_bench(struct bench *bench) {
  sp_prom_fini(&bench->prom);
  sp_panel_destroy(bench->panel);
  sp_observations_destroy(bench->seen);
}

static const struct sp_panel_options usual = {.instance = "db1:9000", .interval_ns = 10 * S};

static char *read_looks(const char *name) {
  char path[600];
  snprintf(path, sizeof(path), "%s", __FILE__);
  char *slash = strrchr(path, '/');
  snprintf(slash, sizeof(path) - (size_t)(slash - path), "/looks/%s.txt", name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("cannot read %s", path);
  char *text = sp_alloc(FILE_MAX);
  assert_true(fread(text, 1, FILE_MAX - 1, file) < FILE_MAX - 1);
  fclose(file);
  return text;
}

static void cut_field(struct sp_str *rest, char *out, size_t size) {
  struct sp_str field = sp_str_split(rest, '|');
  snprintf(out, size, SP_STR_FMT, SP_STR_ARG(field));
}

/* Cuts "signal|subject|detail|" off. */
static const struct sp_observed *find(const struct bench *bench, struct sp_str *rest) {
  char signal[60], subject[200], detail[300];
  cut_field(rest, signal, sizeof(signal));
  cut_field(rest, subject, sizeof(subject));
  cut_field(rest, detail, sizeof(detail));
  int id = sp_signal_find(signal);
  if (id < 0) fail_msg("no signal %s", signal);
  const struct sp_observed *series = sp_observations_find(bench->seen, (enum sp_signal)id, subject, detail, NULL);
  if (!series) fail_msg("nothing of %s|%s|%s", signal, subject, detail);
  return series;
}

static void check_points(const struct bench *bench, struct sp_str rest, bool only_last) {
  size_t count, at = 0;
  struct sp_str line = rest;
  struct sp_point *points = sp_observed_points(bench->seen, find(bench, &rest), 0, &count);
  if (only_last) at = count - 1;
  while (rest.len) {
    double want = NAN;
    assert_true(sp_prom_number(sp_str_split(&rest, ' '), &want));
    if (at >= count) fail_msg("too few points: " SP_STR_FMT, SP_STR_ARG(line));
    if (fabs(points[at].value - want) > 1e-9 * fmax(1, fabs(want))) {
      fail_msg("%.15g: " SP_STR_FMT, points[at].value, SP_STR_ARG(line));
    }
    at++;
  }
  assert_int_equal(at, count);
  free(points);
}

static void check_setting(const struct bench *bench, struct sp_str rest) {
  char subject[100], key[100];
  cut_field(&rest, subject, sizeof(subject));
  cut_field(&rest, key, sizeof(key));
  const char *value = sp_observations_setting_of(bench->seen, subject, key);
  assert_non_null(value);
  assert_true(sp_str_eq(sp_str_from(value), rest));
}

static void check_query(const struct bench *bench, struct sp_str rest) {
  const char *query = find(bench, &rest)->query;
  if (!sp_str_eq(sp_str_from(query), rest)) fail_msg("%s\n" SP_STR_FMT, query, SP_STR_ARG(rest));
}

static bool cut(struct sp_str *line, struct sp_str word) {
  if (!sp_str_starts(*line, word)) return false;
  *line = sp_str_of(line->bytes + word.len, line->len - word.len);
  return true;
}

static void play(struct bench *bench, struct sp_str text, size_t *expected) {
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    double at_s;
    if (cut(&line, SP_STR("# LOOK ")) && sp_prom_number(line, &at_s)) {
      sp_panel_flush(bench->panel, &bench->sink);
      bench->at_ns = (int64_t)(at_s * (double)S);
    } else if (cut(&line, SP_STR("# EXPECT "))) {
      sp_panel_flush(bench->panel, &bench->sink);
      check_points(bench, line, true);
      ++*expected;
    } else if (cut(&line, SP_STR("# POINTS "))) {
      sp_panel_flush(bench->panel, &bench->sink);
      check_points(bench, line, false);
    } else if (cut(&line, SP_STR("# SETTING "))) {
      check_setting(bench, line);
    } else if (cut(&line, SP_STR("# QUERY "))) {
      check_query(bench, line);
    } else {
      sp_prom_feed(&bench->prom, line);
      sp_prom_feed(&bench->prom, SP_STR("\n"));
    }
  }
  sp_panel_flush(bench->panel, &bench->sink);
}

static void check_file(void **state) {
  const char *name = *state;
  struct bench bench;
  size_t expected = 0;
  char *text = read_looks(name);
  open_bench(&bench, &usual);
  play(&bench, sp_str_from(text), &expected);
  for (size_t i = 0; i < sp_observations_count(bench.seen) && sp_observations_count(bench.seen) != expected; i++) {
    const struct sp_observed *series = sp_observations_at(bench.seen, i);
    print_message("%s|%s|%s\n", sp_signal_info(series->signal)->name, series->subject, series->detail);
  }
  assert_int_equal(sp_observations_count(bench.seen), expected);
  assert_int_equal(sp_observations_left_out(bench.seen), 0);
  assert_true(strcmp(name, "garbage") == 0 ? bench.prom.faults == 1 : bench.prom.faults == 0);
  assert_int_equal(sp_panel_gaps(bench.panel) > 0, strcmp(name, "restart") == 0);
  close_bench(&bench);
  free(text);
}

/* -- options -- */

static void feed(struct bench *bench, int64_t at_s, const char *text) {
  bench->at_ns = at_s * S;
  sp_prom_feed(&bench->prom, sp_str_from(text));
  sp_panel_flush(bench->panel, &bench->sink);
}

static const char *subject_at(const struct bench *bench, size_t i) { return sp_observations_at(bench->seen, i)->subject; }

static void a_second_instance_has_its_address(void **state) {
  (void)state;
  struct bench bench;
  open_bench(&bench, &usual);
  feed(&bench, 1, "redis_connected_clients{instance=\"a:9121\"} 1\nredis_connected_clients{instance=\"b:9121\"} 1\n"
                  "redis_connected_clients{instance=\"a:9121\"} 1\n");
  assert_int_equal(sp_observations_count(bench.seen), 2);
  assert_string_equal(subject_at(&bench, 0), "redis");
  assert_string_equal(subject_at(&bench, 1), "redis:b:9121");
  close_bench(&bench);
}

static void a_subject_of_the_user_is_for_what_no_label_names(void **state) {
  (void)state;
  struct bench bench;
  struct sp_panel_options options = usual;
  options.subject = "cache";
  open_bench(&bench, &options);
  feed(&bench, 1, "redis_connected_clients 1\nnode_filefd_allocated 1\ncontainer_memory_working_set_bytes{container=\"api\"} 1\n");
  assert_int_equal(sp_observations_count(bench.seen), 3);
  assert_string_equal(subject_at(&bench, 0), "cache");
  assert_string_equal(subject_at(&bench, 1), "cache");
  assert_string_equal(subject_at(&bench, 2), "api");
  close_bench(&bench);
}

static void match_and_packs_leave_out(void **state) {
  (void)state;
  struct bench bench;
  struct sp_panel_options options = usual;
  options.match = "namespace=dify|tools,job!=test*";
  options.packs = "cadvisor,vllm";
  open_bench(&bench, &options);
  feed(&bench, 1, "redis_connected_clients{namespace=\"dify\"} 1\n"
                  "container_memory_working_set_bytes{container=\"api\",namespace=\"dify\"} 1\n"
                  "container_memory_working_set_bytes{container=\"api2\",namespace=\"dify\",job=\"test1\"} 1\n"
                  "container_memory_working_set_bytes{container=\"other\",namespace=\"prod\"} 1\n");
  assert_int_equal(sp_observations_count(bench.seen), 1);
  assert_string_equal(subject_at(&bench, 0), "api");
  assert_string_equal(sp_observations_at(bench.seen, 0)->query,
                      "sum(container_memory_working_set_bytes{container=\"api\","
                      "namespace=~\"dify|tools\",job!~\"test.*\"})");
  assert_true(sp_panel_saw(bench.panel, &sp_pack_containers));
  assert_false(sp_panel_saw(bench.panel, &sp_pack_redis));
  close_bench(&bench);
}

static void wrong_options_are_sentences(void **state) {
  (void)state;
  struct sp_panel *panel;
  struct sp_err err;
  struct sp_panel_options options = usual;
  options.packs = "cadviser";
  assert_int_equal(sp_panel_create(&options, &panel, &err), SP_EUSAGE);
  assert_string_equal(err.text, "there is no pack 'cadviser': did you mean 'cadvisor'? (docs/watch.md has them)");
  options = usual;
  options.match = "namespace";
  assert_int_equal(sp_panel_create(&options, &panel, &err), SP_EUSAGE);
  assert_string_equal(err.text, "match must be LABEL=VALUE, with commas between, e.g. namespace=dify; not 'namespace'");
}

static void a_text_is_shown_by_curl(void **state) {
  (void)state;
  struct bench bench;
  struct sp_panel_options options = usual;
  options.url = "http://db1:8080/metrics";
  open_bench(&bench, &options);
  feed(&bench, 1, "container_spec_cpu_quota{container=\"api\"} 50000\ncontainer_spec_cpu_period{container=\"api\"} 100000\n");
  assert_string_equal(sp_observations_at(bench.seen, 0)->query,
                      "curl -s 'http://db1:8080/metrics' | grep -E '^(container_spec_cpu_quota|container_spec_cpu_period)[{ ]"
                      ".*container=\"api\"'");
  feed(&bench, 2, "container_memory_working_set_bytes{container=\"a'; rm -r /; '\"} 1\n");
  assert_string_equal(sp_observations_at(bench.seen, 1)->query,
                      "curl -s 'http://db1:8080/metrics' | grep -E '^(container_memory_working_set_bytes)[{ ]'");
  close_bench(&bench);
}

/* A part that is replaced: another one leads, the sum goes on, and what is gone is not in it. */
static void parts_of_a_sum_come_and_go(void **state) {
  (void)state;
  struct bench bench;
  char text[200];
  open_bench(&bench, &usual);
  for (int i = 0; i < 12; i++) {
    snprintf(text, sizeof(text), "vllm:num_requests_running{engine=\"%s\"} 5\nvllm:num_requests_running{engine=\"b\"} 5\n",
             i < 5 ? "a" : "c");
    feed(&bench, 10 * (i + 1), text);
  }
  size_t count;
  struct sp_point *points = sp_observed_points(bench.seen, sp_observations_at(bench.seen, 0), 0, &count);
  assert_int_equal(count, 11);
  for (size_t i = 0; i < count; i++) assert_float_equal(points[i].value, 10, 1e-9);
  free(points);
  close_bench(&bench);
}

static void series_have_a_cap(void **state) {
  (void)state;
  struct bench bench;
  char text[200];
  open_bench(&bench, &usual);
  for (unsigned i = 0; i < SP_PANEL_SERIES_MAX + 10; i++) {
    snprintf(text, sizeof(text), "container_memory_working_set_bytes{container=\"api\",pod=\"%u\"} 1\n", i);
    sp_prom_feed(&bench.prom, sp_str_from(text));
  }
  assert_int_equal(sp_panel_left_out(bench.panel), 10);
  close_bench(&bench);
}

/* The table itself: names that a person wrote. */
static void every_row_makes_sense(void **state) {
  (void)state;
  const struct sp_pack *pack;
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) {
    assert_ptr_equal(sp_pack_find(pack->name), pack);
    for (const struct sp_pack_row *row = pack->rows; row->a.metric; row++) {
      bool has_b = row->how == SP_HOW_LESS || row->how == SP_HOW_QUOTIENT || row->how == SP_HOW_RATE_LESS || row->how == SP_HOW_RATIO;
      assert_int_equal(row->b.metric != NULL, has_b);
      assert_non_null(row->a.where);
      assert_non_null(row->detail);
      assert_true(strncmp(row->a.metric, "spate_", 6) != 0);
    }
  }
}

int main(void) {
  golden_go_to_build();
  static const char *const files[] = {"cadvisor_kubelet", "cadvisor_docker",       "node_exporter",      "postgres_exporter",
                                      "postgres_exporter_old", "pgbouncer_exporter", "redis_exporter",   "nginx_exporter",
                                      "gunicorn", "vllm", "weaviate", "plugin_daemon", "xinference", "restart", "garbage"};
  struct CMUnitTest looks[sizeof(files) / sizeof(files[0])];
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    looks[i] = (struct CMUnitTest){.name = files[i], .test_func = check_file, .initial_state = (void *)files[i]};
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_second_instance_has_its_address),
      cmocka_unit_test(a_subject_of_the_user_is_for_what_no_label_names),
      cmocka_unit_test(match_and_packs_leave_out),
      cmocka_unit_test(wrong_options_are_sentences),
      cmocka_unit_test(a_text_is_shown_by_curl),
      cmocka_unit_test(parts_of_a_sum_come_and_go),
      cmocka_unit_test(series_have_a_cap),
      cmocka_unit_test(every_row_makes_sense),
  };
  int failed = cmocka_run_group_tests_name("looks", looks, NULL, NULL);
  return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
