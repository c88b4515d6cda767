/* The run's metrics in every form that they leave in: the same points in each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "golden.h"

#include "report/exposition.h"
#include "report/otlp_encode.h"
#include "report/remote_encode.h"

#include <jansson.h>

struct exported {
  struct fabricated f;
  struct sp_export_run run;
  struct sp_export_source source;
};

static void export_begin(struct exported *e) {
  fabricate(&e->f);
  fabricate_errors(&e->f.recorder);
  fabricate_nodes(&e->f.recorder);
  struct sp_run_begin begin = { .version = "0.1.0", .id = "20261123-165000-ab12", .name = "a \"name\"\\\n", .plan = "p.lua",
                                .host = "http://h", .real_ns = 1500 * SP_NS_PER_MS, .mono_ns = BEGIN_NS, .load = &e->f.load };
  sp_export_run_init(&e->run, &begin);
  e->source = (struct sp_export_source){ .run = &e->run, .view = &e->f.view };
}

static void export_end(struct exported *e) {
  sp_export_run_fini(&e->run);
  fabricated_fini(&e->f);
}

static char *text_of(const struct sp_export_source *source, enum sp_exposition_format format) {
  struct sp_buf out;
  sp_buf_init(&out, SP_EXPOSITION_MAX);
  sp_exposition_put(&out, source, format);
  char *text = sp_buf_take(&out);
  sp_buf_fini(&out);
  return text;
}

/* --- text --- */

static void texts_are_golden(void **state) {
  (void)state;
  struct exported e;
  export_begin(&e);
  sp_interval_clear(e.f.recorder.interval);
  e.f.recorder.interval->end_ns = (e.f.recorder.interval->begin_ns = BEGIN_NS) + SP_NS_PER_S;
  memset(e.f.recorder.recent, 0, sizeof(e.f.recorder.recent)); /* the cells are gone */
  fabricate_ok(&e.f.recorder, 0, 7);
  fabricate_other(&e.f.recorder, 0, SP_OUTCOME_CONNECT, "cannot connect", 1, 5);
  sp_recorder_node(&e.f.recorder, SP_STR("LLM"), SP_STR("llm"), 800 * SP_NS_PER_MS, false);
  sp_recorder_custom(&e.f.recorder, "score", "points", 0.75);
  char *plain = text_of(&e.source, SP_EXPOSITION_TEXT), *open = text_of(&e.source, SP_EXPOSITION_OPENMETRICS);
  assert_non_null(strstr(plain, "\n# TYPE spate_received_bytes_total counter\n# HELP spate_received_bytes_total Bytes"));
  assert_non_null(strstr(open, "\n# TYPE spate_received_bytes counter\n# UNIT spate_received_bytes bytes\n"));
  assert_golden("metrics_openmetrics", open);
  assert_non_null(strstr(plain, "name=\"a \\\"name\\\"\\\\ \"")); /* the line end was made a space */
  assert_null(strstr(plain, "# EOF"));
  assert_string_equal(open + strlen(open) - 6, "# EOF\n");
  free(plain);
  free(open);
  export_end(&e);
}

static void the_end_has_a_verdict(void **state) {
  (void)state;
  struct exported e;
  export_begin(&e);
  struct sp_slo_result slos[] = { { "p95(e2e) < 4s on 'a\"b'", 3210.5, true }, { "rps > 5", NAN, false } };
  e.f.result.slos = slos;
  e.f.result.slo_count = 2;
  e.source = (struct sp_export_source){ .run = &e.run, .result = &e.f.result };
  char *text = text_of(&e.source, SP_EXPOSITION_TEXT);
  assert_non_null(strstr(text, "\nspate_run_valid 1\n"));
  assert_non_null(strstr(text, "\nspate_run_phase{phase=\"ended\"} 1\n"));
  assert_non_null(strstr(text, "\nspate_slo_met{expr=\"p95(e2e) < 4s on 'a\\\"b'\"} 1\n"));
  assert_non_null(strstr(text, "\nspate_slo_met{expr=\"rps > 5\"} 0\n"));
  assert_non_null(strstr(text, "\nspate_slo_value{expr=\"p95(e2e) < 4s on 'a\\\"b'\"} 3210.5\n"));
  assert_null(strstr(text, "spate_slo_value{expr=\"rps")); /* n/a is no point */
  free(text);
  export_end(&e);
}

static void assert_number_text(double number, const char *want) {
  struct sp_buf out;
  sp_buf_init(&out, 100);
  sp_exposition_put_number(&out, number);
  assert_string_equal(out.bytes, want);
  sp_buf_fini(&out);
}

static void numbers(void **state) {
  (void)state;
  assert_number_text(1, "1.0");
  assert_number_text(0.001, "0.001");
  assert_number_text(0.1, "0.1");
  assert_number_text(7.5, "7.5");
  assert_number_text(120, "120.0");
  assert_number_text(INFINITY, "+Inf");
  assert_number_text(1.0 / 3, "0.3333333333333333");
  assert_number_text(1e300, "1e+300");
}

/* A value stands in the bucket whose bounds hold what the percentiles would say of it. */
static void values_find_their_bucket(void **state) {
  (void)state;
  static const struct { int64_t us; const char *first; } cases[] = {
    { 0, "0.001" },   { 1000, "0.001" }, { 1001, "0.002" },         { 5000, "0.005" },
    { 5001, "0.01" }, { 120000000, "120.0" }, { 120200000, "+Inf" },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct exported e;
    export_begin(&e);
    sp_interval_clear(e.f.recorder.interval);
    sp_hist_record(&sp_interval_cell(e.f.recorder.interval, &fabricated_keys[0])->metrics[SP_METRIC_E2E], cases[i].us);
    char *text = text_of(&e.source, SP_EXPOSITION_TEXT);
    char *bucket = strstr(text, "metric=\"e2e\",le=\"");
    while (bucket && strstr(bucket, "\"} 1\n") != strchr(bucket + strlen("metric=\"e2e\",le=\""), '"')) {
      bucket = strstr(bucket + 1, "metric=\"e2e\",le=\"");
    }
    assert_non_null(bucket);
    assert_memory_equal(bucket + strlen("metric=\"e2e\",le=\""), cases[i].first, strlen(cases[i].first));
    free(text);
    export_end(&e);
  }
}

/* --- the caps --- */

static double sum_of(const char *text, const char *name) {
  double sum = 0;
  for (const char *line = strstr(text, name); line; line = strstr(line + 1, name)) {
    sum += line[-1] == '\n' ? strtod(strchr(line, ' ') + 1, NULL) : 0;
  }
  return sum;
}

static void many_requests_and_nodes(void **state) {
  (void)state;
  enum { MANY = 500 };
  struct exported e;
  export_begin(&e);
  sp_interval_clear(e.f.recorder.interval);
  for (int i = 0; i < MANY; i++) {
    char name[40];
    snprintf(name, sizeof(name), "request-%d", i);
    struct sp_request_key key = { name, "X", "y" };
    struct sp_cell *cell = sp_interval_cell(e.f.recorder.interval, &key);
    cell->started = cell->outcomes[SP_OUTCOME_OK] = 2;
    sp_hist_record(&cell->metrics[SP_METRIC_E2E], 1000 * i);
    sp_recorder_node(&e.f.recorder, sp_str_from(name), SP_STR("llm"), i, i % 2);
  }
  char *text = text_of(&e.source, SP_EXPOSITION_TEXT);
  assert_true(sum_of(text, "spate_requests_started_total{") == 2 * MANY);
  assert_true(sum_of(text, "spate_requests_total{") == 2 * MANY);
  assert_true(sum_of(text, "spate_request_duration_seconds_count{") == MANY);
  assert_true(sum_of(text, "spate_node_runs_total{") == MANY);
  assert_non_null(strstr(text, "spate_requests_started_total{name=\"(other)\",class=\"\",task=\"\"} 800\n"));
  assert_non_null(strstr(text, "name=\"request-99\""));
  assert_null(strstr(text, "name=\"request-100\""));
  assert_null(strstr(text, "title=\"request-100\""));
  assert_int_equal(e.f.recorder.interval->cells.count, MANY); /* the totals themselves are as they were */
  free(text);
  export_end(&e);
}

/* --- remote write --- */

struct reader {
  const unsigned char *at, *end;
};

static uint64_t read_varint(struct reader *reader) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    assert_true(reader->at < reader->end && shift < 64);
    unsigned char byte = *reader->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
}

/* Field number and, of length-delimited fields, what is inside. */
static unsigned read_field(struct reader *reader, struct reader *inside) {
  uint64_t tag = read_varint(reader);
  if ((tag & 7) == 2) {
    uint64_t len = read_varint(reader);
    assert_true(len <= (uint64_t)(reader->end - reader->at));
    *inside = (struct reader){ reader->at, reader->at + len };
    reader->at += len;
  }
  return (unsigned)tag;
}

static void read_text(const struct reader *reader, char *text, size_t size) {
  size_t len = (size_t)(reader->end - reader->at);
  assert_true(len < size);
  memcpy(text, reader->at, len);
  text[len] = 0;
}

/* The series as a line of exposition text: name{a="b",…} value */
static void series_line(struct reader series, char *line, size_t size, int64_t *time_ms) {
  char name[300], value[2048], last[300] = "";
  struct reader part;
  size_t len = 0;
  double number = NAN;
  line[0] = 0;
  while (series.at < series.end) {
    unsigned tag = read_field(&series, &part);
    if (tag == (1 << 3 | 2)) {
      struct reader text;
      assert_int_equal(read_field(&part, &text), 1 << 3 | 2);
      read_text(&text, name, sizeof(name));
      assert_int_equal(read_field(&part, &text), 2 << 3 | 2);
      read_text(&text, value, sizeof(value));
      assert_true(strcmp(name, last) > 0); /* in order */
      snprintf(last, sizeof(last), "%s", name);
      if (strcmp(name, "__name__") == 0) {
        len += (size_t)snprintf(line + len, size - len, "%s{", value);
      } else {
        len += (size_t)snprintf(line + len, size - len, "%s=%s,", name, value);
      }
    } else {
      assert_int_equal(tag, 2 << 3 | 2);
      assert_int_equal(*part.at++, 1 << 3 | 1);
      memcpy(&number, part.at, 8);
      part.at += 8;
      assert_int_equal(*part.at++, 2 << 3 | 0);
      *time_ms = (int64_t)read_varint(&part);
    }
  }
  snprintf(line + len, size - len, "} %.15g", number);
}

static void a_write_request(void **state) {
  (void)state;
  struct exported e;
  struct sp_buf out;
  char line[4096];
  int64_t time_ms = 0;
  size_t series = 0, points = 0;
  bool users = false, bucket = false, total = false;
  export_begin(&e);
  sp_buf_init(&out, SP_REMOTE_MAX);
  sp_remote_put(&out, &e.source, INT64_C(1795452600123) * SP_NS_PER_MS);
  struct reader reader = { (const unsigned char *)out.bytes, (const unsigned char *)out.bytes + out.len }, inside;
  while (reader.at < reader.end) {
    assert_int_equal(read_field(&reader, &inside), 1 << 3 | 2);
    series_line(inside, line, sizeof(line), &time_ms);
    assert_int_equal(time_ms, INT64_C(1795452600123));
    users |= strcmp(line, "spate_users{instance=20261123-165000-ab12,job=spate,} 50") == 0;
    bucket |= strcmp(line, "spate_request_duration_seconds_bucket{class=ChatUser,instance=20261123-165000-ab12,job=spate,"
                           "le=+Inf,metric=ttft,name=simple chat,task=simple,} 1100") == 0;
    total |= strcmp(line, "spate_requests_total{class=ChatUser,instance=20261123-165000-ab12,job=spate,name=simple chat,"
                          "outcome=ok,task=simple,} 1100") == 0;
    series++;
  }
  assert_true(users && bucket && total);
  char *text = text_of(&e.source, SP_EXPOSITION_TEXT);
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
    points += at[1] && at[1] != '#';
  }
  assert_int_equal(series, points); /* as many as the text has */
  free(text);
  sp_buf_fini(&out);
  export_end(&e);
}

static void assert_snappy(size_t len) {
  struct sp_buf in, out;
  sp_buf_init(&in, 1 << 22);
  sp_buf_init(&out, 1 << 22);
  for (size_t i = 0; i < len; i++) {
    sp_buf_append_char(&in, (char)(i * 31 + i / 251));
  }
  sp_snappy_put(&out, sp_buf_str(&in));
  struct reader reader = { (const unsigned char *)out.bytes, (const unsigned char *)out.bytes + out.len };
  size_t seen = 0;
  assert_int_equal(read_varint(&reader), len);
  while (reader.at < reader.end) {
    assert_int_equal(reader.at[0] & 3, 0); /* a literal */
    assert_int_equal(reader.at[0] >> 2, 61);
    size_t part = (size_t)(reader.at[1] | reader.at[2] << 8) + 1;
    reader.at += 3;
    assert_true(part <= (size_t)(reader.end - reader.at));
    assert_memory_equal(reader.at, in.bytes + seen, part);
    reader.at += part;
    seen += part;
  }
  assert_int_equal(seen, len);
  sp_buf_fini(&in);
  sp_buf_fini(&out);
}

static void snappy_blocks(void **state) {
  (void)state;
  static const size_t lengths[] = { 0, 1, 59, 60, 61, 255, 256, 65535, 65536, 65537, 131072, 1000000 };
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    assert_snappy(lengths[i]);
  }
}

/* --- OTLP --- */

static json_t *metric_named(json_t *metrics, const char *name) {
  size_t i;
  json_t *metric;
  json_array_foreach(metrics, i, metric) {
    if (strcmp(json_string_value(json_object_get(metric, "name")), name) == 0) {
      return metric;
    }
  }
  return NULL;
}

static json_t *points_of(json_t *metrics, const char *name, const char *kind) {
  json_t *points = json_object_get(json_object_get(metric_named(metrics, name), kind), "dataPoints");
  assert_true(json_array_size(points) > 0);
  return points;
}

static void an_otlp_document(void **state) {
  (void)state;
  struct exported e;
  struct sp_buf out;
  export_begin(&e);
  sp_buf_init(&out, SP_REMOTE_MAX);
  sp_otlp_put(&out, &e.source, INT64_C(1795452600123) * SP_NS_PER_MS);
  json_t *document = json_loads(out.bytes, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(document);
  json_t *resource = json_array_get(json_object_get(document, "resourceMetrics"), 0);
  json_t *scope = json_array_get(json_object_get(resource, "scopeMetrics"), 0);
  json_t *metrics = json_object_get(scope, "metrics");
  json_t *users = json_array_get(points_of(metrics, "spate_users", "gauge"), 0);
  assert_true(json_number_value(json_object_get(users, "asDouble")) == 50);
  assert_string_equal(json_string_value(json_object_get(users, "startTimeUnixNano")), "1500000000");
  assert_string_equal(json_string_value(json_object_get(users, "timeUnixNano")), "1795452600123000000");
  json_t *requests = metric_named(metrics, "spate_requests");
  assert_true(json_is_true(json_object_get(json_object_get(requests, "sum"), "isMonotonic")));
  assert_int_equal(json_array_size(points_of(metrics, "spate_requests", "sum")), 3 * SP_OUTCOME_COUNT);
  json_t *durations = metric_named(metrics, "spate_request_duration_seconds");
  assert_string_equal(json_string_value(json_object_get(durations, "unit")), "s");
  json_t *points = points_of(metrics, "spate_request_duration_seconds", "histogram"), *point;
  size_t i;
  json_array_foreach(points, i, point) {
    json_t *counts = json_object_get(point, "bucketCounts");
    uint64_t sum = 0;
    assert_int_equal(json_array_size(counts), json_array_size(json_object_get(point, "explicitBounds")) + 1);
    for (size_t k = 0; k < json_array_size(counts); k++) {
      sum += strtoull(json_string_value(json_array_get(counts, k)), NULL, 10);
    }
    assert_int_equal(sum, strtoull(json_string_value(json_object_get(point, "count")), NULL, 10));
  }
  json_decref(document);
  sp_buf_fini(&out);
  export_end(&e);
}

/* A run without a request yet is a document too. */
static void nothing_yet(void **state) {
  (void)state;
  struct exported e;
  struct sp_buf out;
  export_begin(&e);
  sp_interval_clear(e.f.recorder.interval);
  sp_buf_init(&out, SP_REMOTE_MAX);
  sp_otlp_put(&out, &e.source, 1);
  json_t *document = json_loads(out.bytes, 0, NULL);
  assert_non_null(document);
  json_decref(document);
  sp_buf_fini(&out);
  char *text = text_of(&e.source, SP_EXPOSITION_OPENMETRICS);
  assert_null(strstr(text, "spate_requests"));
  assert_non_null(strstr(text, "\nspate_users 50\n"));
  free(text);
  export_end(&e);
}

static int go_to_build(void **state) {
  (void)state;
  golden_go_to_build();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(texts_are_golden), cmocka_unit_test(the_end_has_a_verdict), cmocka_unit_test(numbers),
    cmocka_unit_test(values_find_their_bucket), cmocka_unit_test(many_requests_and_nodes), cmocka_unit_test(a_write_request),
    cmocka_unit_test(snappy_blocks), cmocka_unit_test(an_otlp_document), cmocka_unit_test(nothing_yet),
  };
  return cmocka_run_group_tests(tests, go_to_build, NULL);
}
