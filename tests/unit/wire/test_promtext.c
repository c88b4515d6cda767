/* Prometheus' text format and OpenMetrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cuts.h"
#include "wire/promtext.h"

#include <stdlib.h>

struct reader {
  struct sp_prom prom;
  struct sp_buf *log;
};

static void on_sample(void *ctx, const struct sp_prom_sample *sample) {
  struct reader *reader = ctx;
  sp_buf_printf(reader->log, SP_STR_FMT, SP_STR_ARG(sample->name));
  for (size_t i = 0; i < sample->label_count; i++) {
    sp_buf_printf(reader->log, "|" SP_STR_FMT "=" SP_STR_FMT, SP_STR_ARG(sample->labels[i].name),
                  SP_STR_ARG(sample->labels[i].value));
  }
  sp_buf_printf(reader->log, " %.15g", sample->value);
  if (sample->has_time) sp_buf_printf(reader->log, " @%.3f", sample->time_s);
  if (sample->type) sp_buf_printf(reader->log, " type%d", sample->type);
  sp_buf_append_char(reader->log, '\n');
}

static void *create(struct sp_buf *log, bool open_metrics) {
  struct reader *reader = sp_alloc(sizeof(*reader));
  reader->log = log;
  sp_prom_init(&reader->prom, open_metrics, on_sample, reader);
  return reader;
}
static void *create_text(struct sp_buf *log) { return create(log, false); }
static void *create_open(struct sp_buf *log) { return create(log, true); }

static void feed(void *self, struct sp_str piece) { sp_prom_feed(&((struct reader *)self)->prom, piece); }

static void end(void *self) {
  struct reader *reader = self;
  sp_prom_end(&reader->prom);
  if (reader->prom.faults) sp_buf_printf(reader->log, "%zu faults, %s\n", reader->prom.faults, reader->prom.first_fault);
  if (reader->prom.left_out) sp_buf_printf(reader->log, "%zu left out\n", reader->prom.left_out);
  sp_prom_fini(&reader->prom);
  free(reader);
}

static const struct cut_subject text_format = {create_text, feed, end};
static const struct cut_subject open_metrics = {create_open, feed, end};

static void the_formats_own_example(void **state) {
  (void)state;
  static const char text[] = "# HELP http_requests_total The total number of HTTP requests.\n"
                             "# TYPE http_requests_total counter\n"
                             "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
                             "http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n"
                             "\n"
                             "# Escaping in label values:\n"
                             "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"F\\\"\"} "
                             "1.458255915e9\n"
                             "metric_without_timestamp_and_labels 12.47\n"
                             "something_weird{problem=\"division by zero\"} +Inf -3982045\n"
                             "# TYPE rpc_duration_seconds summary\n"
                             "rpc_duration_seconds{quantile=\"0.5\"} 4773\n"
                             "rpc_duration_seconds_sum 1.7560473e+07\n"
                             "rpc_duration_seconds_count 2693";
  cuts_check(&text_format, sp_str_from(text),
             "http_requests_total|method=post|code=200 1027 @1395066363.000 type1\n"
             "http_requests_total|method=post|code=400 3 @1395066363.000 type1\n"
             "msdos_file_access_time_seconds|path=C:\\DIR\\FILE.TXT|error=Cannot find file:\n\"F\" 1458255915\n"
             "metric_without_timestamp_and_labels 12.47\n"
             "something_weird|problem=division by zero inf @-3982.045\n"
             "rpc_duration_seconds|quantile=0.5 4773 type4\n"
             "rpc_duration_seconds_sum 17560473 type4\n"
             "rpc_duration_seconds_count 2693 type4\n");
}

static void open_metrics_exemplars_and_seconds(void **state) {
  (void)state;
  static const char text[] = "# TYPE foo histogram\n# UNIT foo seconds\n"
                             "foo_bucket{le=\"0.1\"} 8 # {trace_id=\"a b\"} 0.054 1520879607.7\n"
                             "foo_bucket{le=\"+Inf\"} 17 1520879607.789 # {} 0.67\n"
                             "foo_created 1.5e9\n# TYPE bar counter\nbar_total 5 1520879607\nbarrier 1\n# EOF\n";
  cuts_check(&open_metrics, sp_str_from(text),
             "foo_bucket|le=0.1 8 type3\nfoo_bucket|le=+Inf 17 @1520879607.789 type3\nfoo_created 1500000000 type3\n"
             "bar_total 5 @1520879607.000 type1\nbarrier 1\n");
}

static void what_is_lenient(void **state) {
  (void)state;
  static const char text[] = "  a { b = \"1\" , c=\"\\q\" , }\t2 \r\nvllm:running{} NaN\n{\"my.metric\",\"k.v\"=\"x\"} -Inf\n\"\"\n";
  cuts_check(&text_format, sp_str_from(text),
             "a|b=1|c=\\q 2\nvllm:running nan\nmy.metric|k.v=x -inf\n1 faults, line 4: it does not begin with a name\n");
}

static void a_bad_line_is_a_fault_and_the_others_count(void **state) {
  (void)state;
  static const char *const bad[] = {"<html>", "a", "a{", "a{b", "a{b=", "a{b=c} 1", "a{b=\"c} 1", "a{b=\"c\\", "a{b=\"c\"", "a{=\"c\"} 1",
                                    "a one", "a 1 soon", "a 1 2 3", "a{b=\"c\" d=\"e\"} 1", "{} 1", "a 1e", "1a 1", "a\001 1"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct sp_buf text, log;
    sp_buf_init(&text, 1000);
    sp_buf_init(&log, 1000);
    sp_buf_printf(&text, "x 1\n%s\ny 2\n", bad[i]);
    struct reader *reader = create_text(&log);
    feed(reader, sp_buf_str(&text));
    assert_int_equal(reader->prom.faults, 1);
    assert_int_equal(reader->prom.samples, 2);
    assert_true(strncmp(reader->prom.first_fault, "line 2: ", 8) == 0);
    end(reader);
    cuts_check_same(&text_format, sp_buf_str(&text));
    sp_buf_fini(&text);
    sp_buf_fini(&log);
  }
}

/* In pieces, so that the line is longer than any of them. */
static void a_line_has_a_cap(void **state) {
  (void)state;
  struct sp_buf log;
  char piece[1000];
  memset(piece, 'a', sizeof(piece));
  for (size_t total = SP_PROM_LINE_MAX / 2; total <= 100 * SP_PROM_LINE_MAX; total *= 200) {
    sp_buf_init(&log, 200000);
    struct reader *reader = create_text(&log);
    feed(reader, SP_STR("x{y=\""));
    for (size_t sent = 0; sent < total; sent += sizeof(piece)) feed(reader, sp_str_of(piece, sizeof(piece)));
    feed(reader, SP_STR("\"} 1\nz 1\n"));
    bool fits = total < SP_PROM_LINE_MAX;
    assert_int_equal(reader->prom.samples, fits ? 2 : 1);
    assert_int_equal(reader->prom.faults, fits ? 0 : 1);
    end(reader);
    sp_buf_fini(&log);
  }
}

static void labels_and_samples_have_caps(void **state) {
  (void)state;
  struct sp_buf text, log;
  sp_buf_init(&text, 100000);
  sp_buf_init(&log, 100000);
  sp_buf_append_text(&text, "m{");
  for (unsigned i = 0; i <= SP_PROM_LABELS_MAX; i++) sp_buf_printf(&text, "l%u=\"\",", i);
  sp_buf_append_text(&text, "} 1\nn 1\n");
  struct reader *reader = create_text(&log);
  reader->prom.samples = SP_PROM_SAMPLES_MAX - 1;
  feed(reader, sp_buf_str(&text));
  feed(reader, SP_STR("o 1\n"));
  end(reader);
  assert_string_equal(log.bytes, "n 1\n1 faults, line 1: it has too many labels\n1 left out\n");
  sp_buf_fini(&text);
  sp_buf_fini(&log);
}

static void numbers(void **state) {
  (void)state;
  double value;
  assert_true(sp_prom_number(SP_STR("+Inf"), &value) && value > 1e308);
  assert_true(sp_prom_number(SP_STR("1435781451.781"), &value) && value > 1435781451.78);
  assert_false(sp_prom_number(SP_STR(""), &value));
  assert_false(sp_prom_number(SP_STR(" 1"), &value));
  assert_false(sp_prom_number(SP_STR("1 "), &value));
  assert_false(sp_prom_number(SP_STR("1e400x"), &value));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_formats_own_example),
      cmocka_unit_test(open_metrics_exemplars_and_seconds),
      cmocka_unit_test(what_is_lenient),
      cmocka_unit_test(a_bad_line_is_a_fault_and_the_others_count),
      cmocka_unit_test(a_line_has_a_cap),
      cmocka_unit_test(labels_and_samples_have_caps),
      cmocka_unit_test(numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
