#include "cuts.h"
#include "wire/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- a parser that logs, one line an event ---- */

struct reader {
  struct sp_sse sse;
  struct sp_buf *log;
  int events, stop_at;
  bool failed;
};

static int log_event(void *ctx, const struct sp_sse_event *event) {
  struct reader *reader = ctx;
  sp_buf_printf(reader->log, "event<");
  sp_buf_append_str(reader->log, event->type);
  sp_buf_append_text(reader->log, "> data<");
  sp_buf_append_str(reader->log, event->data);
  sp_buf_append_text(reader->log, "> id<");
  sp_buf_append_str(reader->log, event->id);
  sp_buf_append_text(reader->log, ">\n");
  return ++reader->events == reader->stop_at;
}

static void log_blank(void *ctx, struct sp_str type) {
  struct reader *reader = ctx;
  sp_buf_printf(reader->log, "blank<" SP_STR_FMT ">\n", SP_STR_ARG(type));
}

static const struct sp_sse_handler handler = {log_event, log_blank};

static struct reader *make_reader(struct sp_buf *log, size_t event_max, int stop_at) {
  struct reader *reader = calloc(1, sizeof(*reader));
  assert_non_null(reader);
  reader->log = log;
  reader->stop_at = stop_at;
  sp_sse_init(&reader->sse, event_max, &handler, reader);
  return reader;
}

static void *create(struct sp_buf *log) { return make_reader(log, SP_SSE_EVENT_MAX, 0); }
static void *create_small(struct sp_buf *log) { return make_reader(log, 32, 0); }
static void *create_stopping(struct sp_buf *log) { return make_reader(log, SP_SSE_EVENT_MAX, 2); }

static void feed(void *self, struct sp_str piece) {
  struct reader *reader = self;
  struct sp_err err = {0};
  int code = sp_sse_feed(&reader->sse, piece, &err);
  if (reader->failed) {
    assert_true(code < 0);
  } else if (code < 0) {
    sp_buf_printf(reader->log, "failed %d\n", code);
    reader->failed = true;
  }
}

static void end(void *self) {
  struct reader *reader = self;
  if (reader->sse.retry_ms >= 0) sp_buf_printf(reader->log, "retry %lld\n", (long long)reader->sse.retry_ms);
  if (!reader->failed && sp_sse_finish(&reader->sse)) sp_buf_append_text(reader->log, "unfinished\n");
  sp_sse_fini(&reader->sse);
  free(reader);
}

static const struct cut_subject subject = {create, feed, end};
static const struct cut_subject small = {create_small, feed, end};
static const struct cut_subject stopping = {create_stopping, feed, end};

static void check(struct sp_str input, const char *expected) { cuts_check(&subject, input, expected); }

/* ---- the rules ---- */

static void test_line_ends(void **state) {
  (void)state;
  const char *expected = "event<> data<a> id<>\nevent<> data<b\nc> id<>\n";
  check(SP_STR("data: a\n\ndata: b\ndata: c\n\n"), expected);
  check(SP_STR("data: a\r\n\r\ndata: b\r\ndata: c\r\n\r\n"), expected);
  check(SP_STR("data: a\r\rdata: b\rdata: c\r\r"), expected);
  check(SP_STR("data: a\n\rdata: b\r\ndata: c\r\r"), expected);
  check(SP_STR("data: a\r\n\ndata: b\n\rdata: c\n\n"),
        "event<> data<a> id<>\nevent<> data<b> id<>\nevent<> data<c> id<>\n");
  check(SP_STR("\n\n\r\r\n\rdata: a\n\n\n\n"), "event<> data<a> id<>\n");
}

static void test_examples_of_the_standard(void **state) {
  (void)state;
  check(SP_STR("data: YHOO\ndata: +2\ndata: 10\n\n"), "event<> data<YHOO\n+2\n10> id<>\n");
  check(SP_STR(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"),
        "blank<>\nevent<> data<first event> id<1>\nevent<> data<second event> id<>\nunfinished\n");
  check(SP_STR("data\n\ndata\ndata\n\ndata:"), "event<> data<> id<>\nevent<> data<\n> id<>\nunfinished\n");
  check(SP_STR("data:test\n\ndata: test\n\n"), "event<> data<test> id<>\nevent<> data<test> id<>\n");
  check(SP_STR("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n"),
        "event<add> data<73857293> id<>\nevent<remove> data<2153> id<>\n");
}

static void test_byte_order_mark(void **state) {
  (void)state;
  check(SP_STR("\xEF\xBB\xBF"
               "data: a\n\n"),
        "event<> data<a> id<>\n");
  check(SP_STR("\xEF\xBB\xBF\xEF\xBB\xBF"
               "data: a\n\ndata: b\n\n"),
        "event<> data<b> id<>\n");
  check(SP_STR("data: a\n\n\xEF\xBB\xBF"
               "data: b\n\n"),
        "event<> data<a> id<>\n");
  check(SP_STR("\xEF\xBB"
               "data: a\n\ndata: b\n\n"),
        "event<> data<b> id<>\n");
  check(SP_STR("\xEF"
               "data: a\ndata: b\n\n"),
        "event<> data<b> id<>\n");
  check(SP_STR("\xEF\xBB\xBF\n\xEF\xBB\xBF: c\ndata: b\n\n"), "event<> data<b> id<>\n");
  check(SP_STR("\xEF\xBB"), "unfinished\n");
  check(SP_STR("\xEF\xBB\xBF"), "");
}

static void test_fields(void **state) {
  (void)state;
  check(SP_STR("data:  a : b \n\n"), "event<> data< a : b > id<>\n");
  check(SP_STR("data:\n\n"), "event<> data<> id<>\n");
  check(SP_STR("Data: a\nDATA: b\n data: c\ndat: d\ndatab: e\nevent2: f\n\n"), "");
  check(SP_STR("foo\nbar: x\ndata: a\n\n"), "event<> data<a> id<>\n");
  check(SP_STR("event: a\nevent: bb\ndata: x\n\ndata: y\n\n"), "event<bb> data<x> id<>\nevent<> data<y> id<>\n");
  check(SP_STR("event: a\nevent\ndata: x\n\n"), "event<> data<x> id<>\n");
  check(SP_STR("data: a\nevent: late\ndata: b\nid: 9\n\n"), "event<late> data<a\nb> id<9>\n");
}

static void test_comments_and_blanks(void **state) {
  (void)state;
  check(SP_STR(":\n:x\n: y\n\n"), "blank<>\nblank<>\nblank<>\n");
  check(SP_STR("data: a\n: keep-alive\ndata: b\n\n"), "blank<>\nevent<> data<a\nb> id<>\n");
  check(SP_STR("event: ping\n\nevent: ping\r\n\r\n"), "blank<ping>\nblank<ping>\n");
  check(SP_STR("event:\n\nid: 4\n\nretry: 10\n\n"), "retry 10\n");
  check(SP_STR("event: ping\n\ndata: a\n\n"), "blank<ping>\nevent<> data<a> id<>\n");
}

static void test_id(void **state) {
  (void)state;
  check(SP_STR("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
        "event<> data<a> id<1>\nevent<> data<b> id<1>\nevent<> data<c> id<>\n");
  check(SP_STR("id: 1\ndata: a\n\nid: 2\0x\ndata: b\n\n"), "event<> data<a> id<1>\nevent<> data<b> id<1>\n");
  check(SP_STR("id: 7\n\ndata: a\n\n"), "event<> data<a> id<7>\n");
}

static void test_retry(void **state) {
  (void)state;
  check(SP_STR("retry: 1500\n"), "retry 1500\n");
  check(SP_STR("retry: 1500\nretry: 15x\nretry: -1\nretry:\nretry: 1.5\nretry:  9\n"), "retry 1500\n");
  check(SP_STR("retry: 99999999999999999999999999\n"), "");
  check(SP_STR("retry:0\n"), "retry 0\n");
}

static void test_bytes_pass_unchanged(void **state) {
  (void)state;
  check(SP_STR("data: \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80\n\n"),
        "event<> data<\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80> id<>\n");
  check(SP_STR("data: \xFF\xC0 \xE4\n\n"), "event<> data<\xFF\xC0 \xE4> id<>\n");
}

static void test_unfinished(void **state) {
  (void)state;
  check(SP_STR(""), "");
  check(SP_STR("data: a\n\n"), "event<> data<a> id<>\n");
  check(SP_STR("data: a\n"), "unfinished\n");
  check(SP_STR("data: a"), "unfinished\n");
  check(SP_STR("d"), "unfinished\n");
  check(SP_STR("event: x\n"), "unfinished\n");
  check(SP_STR("id: x\n"), "");
  check(SP_STR(": comm"), "");
  check(SP_STR("data: a\n\r"), "event<> data<a> id<>\n");
}

static void test_dify(void **state) {
  (void)state;
  check(SP_STR("event: ping\n\n"
               "data: "
               "{\"event\":\"workflow_started\",\"task_id\":\"t1\",\"data\":{\"id\":\"r1\",\"inputs\":{\"sys.query\":"
               "\"hi\"}}}\n\n"
               "data: {\"event\":\"message\",\"answer\":\"\xE4\xBD\xA0\"}\n\n"
               "data: {\"event\": \"message\", \"answer\": \"\\u597d\"}\n\n"
               "event: ping\n\n"
               "data: {\"event\":\"message_end\",\"metadata\":{}}\n\n"),
        "blank<ping>\n"
        "event<> "
        "data<{\"event\":\"workflow_started\",\"task_id\":\"t1\",\"data\":{\"id\":\"r1\",\"inputs\":{\"sys.query\":"
        "\"hi\"}}}> id<>\n"
        "event<> data<{\"event\":\"message\",\"answer\":\"\xE4\xBD\xA0\"}> id<>\n"
        "event<> data<{\"event\": \"message\", \"answer\": \"\\u597d\"}> id<>\n"
        "blank<ping>\n"
        "event<> data<{\"event\":\"message_end\",\"metadata\":{}}> id<>\n");
}

/* ---- caps, stops, copies ---- */

static void test_event_over_the_cap(void **state) {
  (void)state;
  cuts_check(&small, SP_STR("data: 0123456789\n\ndata: 0123456789\n\n"),
             "event<> data<0123456789> id<>\nevent<> data<0123456789> id<>\n");
  cuts_check(&small, SP_STR("data: 0123456789\n\ndata: 01234567890123456789012345\n\n"), /* 32 bytes: the cap */
             "event<> data<0123456789> id<>\nevent<> data<01234567890123456789012345> id<>\n");
  cuts_check(&small, SP_STR("data: 0123456789\n\ndata: 012345678901234567890123456\n\ndata: x\n\n"),
             "event<> data<0123456789> id<>\nfailed -4\n");
  cuts_check(&small, SP_STR("data: 0123456789\n\ndata: 0123456789\ndata: 01234567890\n\n"),
             "event<> data<0123456789> id<>\nfailed -4\n");
  cuts_check(&small, SP_STR("data: 0123456789\n\n: a comment of more than thirty-two bytes\n"),
             "event<> data<0123456789> id<>\nfailed -4\n");
  cuts_check(&small, SP_STR(": comments are\n: not summed\n: up to the cap\n: of the event\ndata: 0123456789\n\n"),
             "blank<>\nblank<>\nblank<>\nblank<>\nevent<> data<0123456789> id<>\n");
  cuts_check(&small, SP_STR("data: 0123456789\n\n\xEF\xBB\xBFnot a field, only garbage without an end"),
             "event<> data<0123456789> id<>\nfailed -4\n");
}

static void test_cap_is_named(void **state) {
  (void)state;
  struct sp_buf log;
  struct sp_err err = {0};
  sp_buf_init(&log, 1000);
  struct reader *reader = make_reader(&log, 8, 0);
  assert_int_equal(sp_sse_feed(&reader->sse, SP_STR("data: abcdef\n"), &err), SP_ELIMIT);
  assert_string_equal(err.text, "an event of the stream is over the limit of 8 bytes (SP_SSE_EVENT_MAX)");
  assert_true(sp_sse_feed(&reader->sse, SP_STR("\n"), &err) < 0);
  end(reader);
  sp_buf_fini(&log);
}

static void test_handler_stops(void **state) {
  (void)state;
  cuts_check(&stopping, SP_STR("data: a\n\ndata: b\n\ndata: c\n\n"),
             "event<> data<a> id<>\nevent<> data<b> id<>\nfailed -5\n");
}

static int see_pointer(void *ctx, const struct sp_sse_event *event) {
  *(const char **)ctx = event->data.bytes;
  return 0;
}

static void test_whole_event_is_not_copied(void **state) {
  (void)state;
  static const struct sp_sse_handler pointer_handler = {see_pointer, NULL};
  const char text[] = "event: a\r\ndata: hello\r\nid: 5\r\n\r\n: c\n\n", *seen = NULL;
  struct sp_sse sse;
  struct sp_err err;
  sp_sse_init(&sse, SP_SSE_EVENT_MAX, &pointer_handler, &seen);
  assert_int_equal(sp_sse_feed(&sse, sp_str_of(text, sizeof(text) - 1), &err), 0);
  assert_ptr_equal(seen, strstr(text, "hello"));
  assert_null(sse.data.bytes);
  assert_null(sse.line.bytes);
  sp_sse_fini(&sse);
}

static void test_big_event_and_its_memory(void **state) {
  (void)state;
  const size_t size = 3u << 20;
  struct sp_buf log;
  struct sp_err err;
  char *text = malloc(size);
  sp_buf_init(&log, 2 * size);
  memset(text, 'x', size);
  struct reader *reader = make_reader(&log, SP_SSE_EVENT_MAX, 0);
  assert_int_equal(sp_sse_feed(&reader->sse, SP_STR("data: "), &err), 0);
  for (size_t at = 0; at < size; at += 16384) {
    assert_int_equal(sp_sse_feed(&reader->sse, sp_str_of(text + at, 16384), &err), 0);
  }
  assert_int_equal(sp_sse_feed(&reader->sse, SP_STR("\n\n"), &err), 0);
  assert_int_equal(reader->events, 1);
  assert_int_equal(log.len, size + strlen("event<> data<> id<>\n"));
  assert_true(reader->sse.data.cap < 100000); /* given back */
  assert_true(reader->sse.line.cap < 100000);
  end(reader);
  sp_buf_fini(&log);
  free(text);
}

/* One-byte lines ended by CR alone must not be searched for LF again at each line: that would be minutes, and the
 * test's time limit is two. */
static void test_many_short_lines(void **state) {
  (void)state;
  const size_t size = 16u << 20;
  struct sp_buf log;
  struct sp_err err;
  char *text = malloc(size);
  sp_buf_init(&log, size);
  for (size_t i = 0; i < size; i++) text[i] = i % 3 == 0 ? 'x' : '\r'; /* with its blank line: no event grows */
  struct reader *reader = make_reader(&log, SP_SSE_EVENT_MAX, 0);
  assert_int_equal(sp_sse_feed(&reader->sse, sp_str_of(text, size), &err), 0);
  for (size_t i = 0; i < size; i++) text[i] = i % 3 == 0 ? 'x' : '\n';
  assert_int_equal(sp_sse_feed(&reader->sse, sp_str_of(text, size), &err), 0);
  end(reader);
  sp_buf_fini(&log);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_line_ends),
      cmocka_unit_test(test_examples_of_the_standard),
      cmocka_unit_test(test_byte_order_mark),
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_comments_and_blanks),
      cmocka_unit_test(test_id),
      cmocka_unit_test(test_retry),
      cmocka_unit_test(test_bytes_pass_unchanged),
      cmocka_unit_test(test_unfinished),
      cmocka_unit_test(test_dify),
      cmocka_unit_test(test_event_over_the_cap),
      cmocka_unit_test(test_cap_is_named),
      cmocka_unit_test(test_handler_stops),
      cmocka_unit_test(test_whole_event_is_not_copied),
      cmocka_unit_test(test_big_event_and_its_memory),
      cmocka_unit_test(test_many_short_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
