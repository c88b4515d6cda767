#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/jsonl_line.h"
#include "report/report.h"
#include "stats/recorder.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BEGIN_NS (1000 * SP_NS_PER_S)

/* --- a line --- */

static void put_line(void *ctx, struct sp_str record) {
  sp_jsonl_put(ctx, record, BEGIN_NS, INT64_C(1795452600) * SP_NS_PER_S - BEGIN_NS);
}

static json_t *line_of(const struct sp_request_key *key, const struct sp_sample *sample) {
  struct sp_line_queue queue;
  struct sp_buf out;
  json_error_t error;
  sp_line_queue_init(&queue);
  sp_buf_init(&out, 1 << 20);
  assert_true(sp_jsonl_pack(&queue, key, sample));
  assert_int_equal(sp_line_queue_drain(&queue, put_line, &out), 1);
  assert_int_equal(out.bytes[out.len - 1], '\n');
  assert_true(strchr(out.bytes, '\n') == out.bytes + out.len - 1);
  json_t *line = json_loads(out.bytes, JSON_REJECT_DUPLICATES, &error);
  if (!line) {
    fprintf(stderr, "%s\n%s\n", error.text, out.bytes);
  }
  assert_non_null(line);
  sp_line_queue_fini(&queue);
  sp_buf_fini(&out);
  return line;
}

static const char *text_of(json_t *line, const char *key) { return json_string_value(json_object_get(line, key)); }
static double number_of(json_t *line, const char *key) {
  assert_true(json_is_number(json_object_get(line, key)));
  return json_number_value(json_object_get(line, key));
}

static void a_stream(void **state) {
  (void)state;
  struct sp_request_key key = { "chat", "ChatUser", "simple" };
  struct sp_sample sample;
  struct sp_gaps gaps;
  sp_sample_init(&sample);
  sp_gaps_init(&gaps);
  sample.start_ns = BEGIN_NS + 1234567 * SP_NS_PER_US + 999;
  sample.end_ns = sample.start_ns + 412345 * SP_NS_PER_US;
  sample.metric_ns[SP_METRIC_TTFT] = 101300400; /* 101.3004 ms: rounded to us */
  sample.metric_ns[SP_METRIC_WAIT] = 0;
  sample.metric_ns[SP_METRIC_E2E] = 412345 * SP_NS_PER_US;
  for (int i = 0; i < 5000; i++) {
    sp_gaps_add(&gaps, (i == 10 ? 1500 : 18) * SP_NS_PER_MS, SP_NS_PER_S);
  }
  sample.gaps = &gaps;
  sample.stream = true;
  sample.status = 200;
  sample.token_events = 5001;
  sample.reported_completion = 0;
  sample.bytes_in = UINT64_C(9007199254740991);
  sample.counters[SP_COUNTER_PING] = 3;
  json_t *line = line_of(&key, &sample);
  assert_string_equal(text_of(line, "start"), "2026-11-23T16:50:01.234Z");
  assert_float_equal(number_of(line, "start_s"), 1.234567, 1e-9);
  assert_string_equal(text_of(line, "name"), "chat");
  assert_string_equal(text_of(line, "user_class"), "ChatUser");
  assert_string_equal(text_of(line, "task"), "simple");
  assert_string_equal(text_of(line, "outcome"), "ok");
  assert_int_equal(number_of(line, "status"), 200);
  assert_true(json_is_null(json_object_get(line, "detail")));
  assert_true(json_is_true(json_object_get(line, "stream")));
  json_t *metrics = json_object_get(line, "metrics");
  assert_float_equal(number_of(metrics, "ttft"), 101.300, 1e-9);
  assert_float_equal(number_of(metrics, "wait"), 0, 1e-9);
  assert_float_equal(number_of(metrics, "max_gap"), 1500, 1e-9);
  assert_true(json_is_null(json_object_get(metrics, "tls")));
  assert_null(json_object_get(metrics, "itl"));
  assert_int_equal(json_object_size(metrics), SP_METRIC_COUNT - 1);
  assert_int_equal(number_of(line, "gaps"), 5000);
  assert_int_equal(number_of(line, "stalls"), 1);
  assert_float_equal(number_of(line, "duration"), 412.345, 1e-9);
  json_t *tokens = json_object_get(line, "tokens");
  assert_int_equal(number_of(tokens, "events"), 5001);
  assert_true(json_is_null(json_object_get(tokens, "reported_prompt")));
  assert_int_equal(number_of(tokens, "reported_completion"), 0);
  assert_true(number_of(line, "bytes_in") == 9007199254740991.0);
  assert_int_equal(json_object_size(json_object_get(line, "counters")), 1);
  json_decref(line);
  sp_gaps_fini(&gaps);
}

/* What a target or a plan may say: each text arrives as valid JSON, within its cap. */
static void texts_that_need_care(void **state) {
  (void)state;
  char longest[1000];
  memset(longest, 'x', sizeof(longest));
  longest[sizeof(longest) - 1] = 0;
  memcpy(longest + SP_DETAIL_MAX - 2, "语", 3); /* one that the cap would cut */
  const char *const texts[] = { "\"quoted\" \\ back", "line\nend\ttab\x01", "\xff\xfe no text", "语言", "", longest };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct sp_request_key key = { texts[i], NULL, texts[i] };
    struct sp_sample sample;
    sp_sample_init(&sample);
    sample.outcome = SP_OUTCOME_STREAM_ERROR;
    sample.detail = texts[i];
    json_t *line = line_of(&key, &sample);
    assert_string_equal(text_of(line, "user_class"), "");
    assert_true(strlen(text_of(line, "name")) <= SP_NAME_MAX);
    assert_true(strlen(text_of(line, "detail")) <= SP_DETAIL_MAX);
    assert_true(json_is_null(json_object_get(line, "status")));
    if (i == 0 || i == 3) {
      assert_string_equal(text_of(line, "detail"), texts[i]);
    }
    json_decref(line);
  }
}

/* --- the queue --- */

#define THREADS 4
#define RECORDS 20000
#define TAIL_MAX 300

struct producer {
  struct sp_line_queue *queue;
  unsigned index;
  uint64_t put;
};

struct numbered {
  unsigned thread, number;
};

static void *produce(void *ctx) {
  struct producer *producer = ctx;
  char tail[TAIL_MAX];
  memset(tail, 'a' + (int)producer->index, sizeof(tail));
  for (unsigned i = 0; i < RECORDS; i++) {
    struct numbered head = { producer->index, i };
    producer->put += sp_line_queue_put(producer->queue, &head, sizeof(head), sp_str_of(tail, i % TAIL_MAX));
  }
  return NULL;
}

struct seen {
  uint64_t count;
  bool numbers[THREADS][RECORDS];
};

static void see(void *ctx, struct sp_str record) {
  struct seen *seen = ctx;
  struct numbered head;
  memcpy(&head, record.bytes, sizeof(head));
  assert_true(head.thread < THREADS && head.number < RECORDS);
  assert_false(seen->numbers[head.thread][head.number]);
  seen->numbers[head.thread][head.number] = true;
  assert_int_equal(record.len, sizeof(head) + head.number % TAIL_MAX);
  for (size_t i = sizeof(head); i < record.len; i++) {
    assert_int_equal(record.bytes[i], 'a' + (int)head.thread);
  }
  seen->count++;
}

static void each_record_arrives_once_and_whole(void **state) {
  (void)state;
  static struct seen seen;
  struct sp_line_queue queue;
  struct producer producers[THREADS] = { 0 };
  pthread_t threads[THREADS];
  uint64_t put = 0;
  sp_line_queue_init(&queue);
  for (unsigned i = 0; i < THREADS; i++) {
    producers[i] = (struct producer){ &queue, i, 0 };
    assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
  }
  for (int i = 0; i < 100; i++) {
    sp_line_queue_drain(&queue, see, &seen);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    put += producers[i].put;
  }
  sp_line_queue_drain(&queue, see, &seen);
  assert_int_equal(seen.count, put);
  assert_int_equal(put + sp_line_queue_dropped(&queue), THREADS * RECORDS);
  assert_int_equal(sp_line_queue_drain(&queue, see, &seen), 0);
  sp_line_queue_fini(&queue);
}

static void count_record(void *ctx, struct sp_str record) {
  (void)record;
  ++*(uint64_t *)ctx;
}

/* Nobody reads: memory stays bounded, what is too much is counted, nobody waits. */
static void a_full_queue_drops(void **state) {
  (void)state;
  struct sp_line_queue queue;
  static char big[1 << 16];
  uint64_t put = 0, seen = 0, tries = SP_LINE_QUEUE_MAX / sizeof(big) + 100;
  sp_line_queue_init(&queue);
  for (uint64_t i = 0; i < tries; i++) {
    put += sp_line_queue_put(&queue, "head", 4, sp_str_of(big, sizeof(big)));
  }
  assert_true(put > 0 && put * sizeof(big) <= SP_LINE_QUEUE_MAX);
  assert_int_equal(put + sp_line_queue_dropped(&queue), tries);
  sp_line_queue_drain(&queue, count_record, &seen);
  assert_int_equal(seen, put);
  assert_true(sp_line_queue_put(&queue, "head", 4, sp_str_of(big, 10)));
  sp_line_queue_fini(&queue);
}

/* --- the report --- */

static void a_file_of_lines(void **state) {
  (void)state;
  char path[] = "/tmp/spate-jsonl-XXXXXX", note[100];
  struct sp_err err;
  void *report;
  struct sp_load load = { 0 };
  struct sp_run_begin begin = { .version = "1", .id = "id", .real_ns = 1, .mono_ns = BEGIN_NS, .load = &load };
  struct sp_request_key key = { "chat", "ChatUser", "simple" };
  struct sp_sample sample;
  sp_sample_init(&sample);
  close(mkstemp(path));
  assert_int_equal(sp_report_jsonl.open(path, &report, &err), 0);
  const struct sp_sample_sink *sink = sp_report_jsonl.sink(report);
  sp_report_jsonl.begin(report, &begin);
  for (int i = 0; i < 1000; i++) {
    sink->take(sink->ctx, &key, &sample);
  }
  assert_int_equal(sp_report_jsonl.write(report, NULL, &err), 0);
  assert_false(sp_report_jsonl.note(report, note, sizeof(note)));
  sp_report_jsonl.close(report);
  FILE *file = fopen(path, "r");
  char line[4096];
  int lines = 0;
  while (fgets(line, sizeof(line), file)) {
    json_t *json = json_loads(line, 0, NULL);
    assert_non_null(json);
    json_decref(json);
    lines++;
  }
  assert_int_equal(lines, 1000);
  fclose(file);
  unlink(path);
}

static void a_full_disk_is_said(void **state) {
  (void)state;
  struct sp_err err;
  void *report;
  struct sp_load load = { 0 };
  struct sp_run_begin begin = { .version = "1", .id = "id", .load = &load };
  struct sp_request_key key = { "chat", "", "" };
  struct sp_sample sample;
  sp_sample_init(&sample);
  if (sp_report_jsonl.open("/dev/full", &report, &err)) {
    skip();
  }
  sp_report_jsonl.begin(report, &begin);
  const struct sp_sample_sink *sink = sp_report_jsonl.sink(report);
  sink->take(sink->ctx, &key, &sample);
  assert_int_equal(sp_report_jsonl.write(report, NULL, &err), SP_EIO);
  assert_non_null(strstr(err.text, "cannot write '/dev/full'"));
  sp_report_jsonl.close(report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stream),
    cmocka_unit_test(texts_that_need_care),
    cmocka_unit_test(each_record_arrives_once_and_whole),
    cmocka_unit_test(a_full_queue_drops),
    cmocka_unit_test(a_file_of_lines),
    cmocka_unit_test(a_full_disk_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
