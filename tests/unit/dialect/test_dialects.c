/* The plain dialect, the list of dialects, and what all of them share. */
#include "tape.h"

#include "base/mem.h"
#include "dialect/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_registry(void **unused) {
  (void)unused;
  assert_ptr_equal(sp_dialect_find("dify"), &sp_dialect_dify);
  assert_ptr_equal(sp_dialect_find("openai"), &sp_dialect_openai);
  assert_ptr_equal(sp_dialect_find("sse"), &sp_dialect_sse);
  assert_null(sp_dialect_find("Dify"));
  assert_null(sp_dialect_find(""));
  assert_null(sp_dialect_find(NULL));
  size_t count = 0;
  for (const struct sp_dialect *dialect; (dialect = sp_dialect_at(count)); count++)
    assert_ptr_equal(sp_dialect_find(dialect->name), dialect);
  assert_int_equal(count, 3);
  assert_null(sp_dialect_at(SIZE_MAX));
}

static void test_plain(void **unused) {
  (void)unused;
  const struct sp_dialect *sse = &sp_dialect_sse;
  tape_expect(sse, "data: 你好\n\nevent: delta\ndata: {\"a\":1}\ndata: 2\n\n",
              "message token '你好'\ndelta token '{\"a\":1}\n2'\neof: complete\n");
  tape_expect(sse, "data: [DONE]\n\n", "message token '[DONE]'\neof: complete\n");
  tape_expect(sse, "data:\n\n: hi\nevent: ping\n\nevent: ping\ndata: 1\n\n",
              "message\n()\n(ping)\nping ping\neof: complete\n");
  tape_expect(sse, "", "eof: complete\n");
  tape_expect(sse, "data: a\n\nevent: error\ndata: no more\n\ndata: b\n\n",
              "message token 'a'\nerror FAILED no more\n");
  tape_expect(sse, "event: error\ndata:\n\n", "error FAILED error event without a message\n");
}

static void test_clear(void **unused) {
  (void)unused;
  struct sp_meaning meaning;
  memset(&meaning, 0x5a, sizeof(meaning));
  sp_meaning_clear(&meaning);
  assert_int_equal(meaning.marks, 0);
  assert_int_equal(meaning.state, SP_STREAM_OPEN);
  assert_int_equal(meaning.node.elapsed_ns, -1);
  assert_int_equal(meaning.usage.prompt_tokens, -1);
  assert_int_equal(meaning.usage.completion_tokens, -1);
  assert_int_equal(meaning.usage.server_ttft_ns, -1);
  assert_int_equal(meaning.name.len + meaning.text.len + meaning.detail.len + meaning.task_id.len, 0);
}

/* What ends each dialect's stream, well and badly. */
static const struct {
  const struct sp_dialect *dialect;
  const char *done, *failed, *token;
} ends[] = {
    {&sp_dialect_dify, "{\"event\":\"message_end\"}", "{\"event\":\"error\",\"message\":\"m\"}",
     "{\"event\":\"message\",\"answer\":\"a\"}"},
    {&sp_dialect_openai, "[DONE]", "{\"error\":\"m\"}", "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"},
};

static void say(const struct sp_dialect *dialect, void *state, const char *data, struct sp_meaning *out) {
  struct sp_sse_event event = {.data = sp_str_from(data)};
  dialect->on_event(state, &event, out);
}

static void expect_sticky(const struct sp_dialect *dialect, const char *last, const char *token,
                          enum sp_stream_state state) {
  struct sp_meaning meaning;
  struct sp_dialect_scratch scratch;
  void *memory = sp_alloc(dialect->state_size);
  sp_dialect_scratch_init(&scratch);
  dialect->init(memory, &scratch);
  say(dialect, memory, last, &meaning);
  assert_int_equal(meaning.state, state);
  for (int i = 0; i < 2; i++) {
    say(dialect, memory, token, &meaning);
    assert_int_equal(meaning.state, state);
    assert_int_equal(meaning.marks, 0);
    assert_int_equal(meaning.detail.len, state == SP_STREAM_FAILED ? 1 : 0);
  }
  assert_int_equal(dialect->on_eof(memory), state == SP_STREAM_DONE);
  dialect->fini(memory);
  sp_dialect_scratch_fini(&scratch);
  free(memory);
}

static void test_the_end_is_the_end(void **unused) {
  (void)unused;
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    expect_sticky(ends[i].dialect, ends[i].done, ends[i].token, SP_STREAM_DONE);
    expect_sticky(ends[i].dialect, ends[i].failed, ends[i].token, SP_STREAM_FAILED);
  }
}

static void expect_whole(const char *body, enum sp_stream_state state, unsigned marks, const char *detail) {
  struct sp_meaning meaning;
  struct sp_dialect_scratch scratch;
  void *memory = sp_alloc(sp_dialect_dify.state_size);
  sp_dialect_scratch_init(&scratch);
  sp_dialect_dify.init(memory, &scratch);
  sp_dialect_dify.on_whole(memory, sp_str_from(body), &meaning);
  assert_int_equal(meaning.state, state);
  assert_int_equal(meaning.marks & ~(unsigned)SP_MARK_END, marks);
  assert_true(sp_str_eq(meaning.detail, sp_str_from(detail)));
  sp_dialect_dify.fini(memory);
  sp_dialect_scratch_fini(&scratch);
  free(memory);
}

static void test_how_a_blocking_run_ended(void **unused) {
  (void)unused;
  expect_whole("{\"data\":{\"status\":\"succeeded\"}}", SP_STREAM_DONE, 0, "");
  expect_whole("{\"data\":{\"status\":\"partial-succeeded\",\"error\":\"x\"}}", SP_STREAM_DONE, SP_MARK_PARTIAL, "");
  expect_whole("{\"data\":{\"status\":\"failed\",\"error\":\"no\\nmodel\"}}", SP_STREAM_FAILED, 0, "workflow failed: no model");
  expect_whole("{\"data\":{\"status\":\"stopped\",\"error\":null}}", SP_STREAM_FAILED, 0, "workflow stopped");
  expect_whole("{\"data\":{\"status\":null}}", SP_STREAM_FAILED, 0, "workflow finished without a status");
  expect_whole("{\"answer\":\"a\",\"metadata\":{\"usage\":{\"prompt_tokens\":3}}}", SP_STREAM_OPEN, SP_MARK_USAGE, "");
  /* No run of a workflow, or nothing that could say how it ended. */
  expect_whole("{\"event\":\"message\",\"answer\":\"a\",\"status\":\"failed\"}", SP_STREAM_OPEN, 0, "");
  expect_whole("{\"data\":[]}", SP_STREAM_OPEN, 0, "");
  expect_whole("<html>", SP_STREAM_OPEN, 0, "");
  expect_whole("", SP_STREAM_OPEN, 0, "");
}

/* What one stream keeps is its own: the scratch is overwritten by the others of its thread. */
static void test_streams_share_the_scratch(void **unused) {
  (void)unused;
  struct sp_dialect_scratch scratch;
  struct sp_meaning meaning;
  void *failed = sp_alloc(sp_dialect_dify.state_size), *other = sp_alloc(sp_dialect_openai.state_size);
  sp_dialect_scratch_init(&scratch);
  sp_dialect_dify.init(failed, &scratch);
  sp_dialect_openai.init(other, &scratch);
  say(&sp_dialect_dify, failed, "{\"event\":\"error\",\"code\":\"a\\u0062c\",\"message\":\"1\\u0032\"}", &meaning);
  struct sp_str detail = meaning.detail;
  say(&sp_dialect_openai, other, "{\"choices\":[{\"delta\":{\"content\":\"x\\u0079z\"}}]}", &meaning);
  assert_true(sp_str_eq(meaning.text, SP_STR("xyz")));
  assert_true(sp_str_eq(detail, SP_STR("abc: 12")));
  say(&sp_dialect_dify, failed, "{\"event\":\"message\"}", &meaning);
  assert_true(sp_str_eq(meaning.detail, SP_STR("abc: 12")));
  sp_dialect_dify.fini(failed);
  sp_dialect_openai.fini(other);
  sp_dialect_scratch_fini(&scratch);
  free(failed);
  free(other);
}

/* A frame of a megabyte, with many values and a long escaped string, and small ones behind it. */
static void test_a_large_frame_between_small_ones(void **unused) {
  (void)unused;
  struct sp_buf frame;
  struct sp_meaning meaning;
  struct sp_dialect_scratch scratch;
  void *state = sp_alloc(sp_dialect_dify.state_size);
  sp_buf_init(&frame, SP_SSE_EVENT_MAX);
  sp_buf_append_text(&frame, "{\"event\":\"message\",\"outputs\":[0");
  for (int i = 0; i < 100000; i++) sp_buf_append_text(&frame, ",1");
  sp_buf_append_text(&frame, "],\"answer\":\"");
  for (int i = 0; i < 100000; i++) sp_buf_append_text(&frame, "\\u597d");
  sp_buf_append_text(&frame, "\"}");
  sp_dialect_scratch_init(&scratch);
  sp_dialect_dify.init(state, &scratch);
  for (int i = 0; i < 3; i++) {
    say(&sp_dialect_dify, state, ends[0].token, &meaning);
    assert_true(sp_str_eq(meaning.text, SP_STR("a")));
    say(&sp_dialect_dify, state, frame.bytes, &meaning);
    assert_int_equal(meaning.text.len, 300000);
    assert_int_equal(sp_utf8_count(meaning.text), 100000);
  }
  sp_dialect_dify.fini(state);
  sp_dialect_scratch_fini(&scratch);
  sp_buf_fini(&frame);
  free(state);
}

/* One frame of megabytes must not cost its thread that memory until the end. */
static void test_memory_is_given_back(void **unused) {
  (void)unused;
  struct sp_dialect_scratch scratch;
  struct sp_buf frame;
  sp_dialect_scratch_init(&scratch);
  sp_buf_init(&frame, SP_SSE_EVENT_MAX);
  sp_buf_append_text(&frame, "{\"a\":[0");
  for (int i = 0; i < 50000; i++) sp_buf_append_text(&frame, ",1");
  sp_buf_append_text(&frame, "]}");
  assert_true(sp_parts_read(&scratch, sp_buf_str(&frame)));
  assert_true(scratch.doc.cap > SP_DIALECT_KEEP_TOKENS);
  sp_buf_reserve(&scratch.text, 100000);
  sp_buf_reserve(&scratch.more, 100000);
  assert_true(sp_parts_read(&scratch, SP_STR("{\"a\":1}")));
  assert_true(scratch.doc.cap <= SP_DIALECT_KEEP_TOKENS);
  assert_true(scratch.text.cap + scratch.more.cap <= 2 * SP_DIALECT_KEEP_BYTES);
  sp_dialect_scratch_fini(&scratch);
  sp_buf_fini(&frame);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_registry),
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_clear),
      cmocka_unit_test(test_the_end_is_the_end),
      cmocka_unit_test(test_how_a_blocking_run_ended),
      cmocka_unit_test(test_memory_is_given_back),
      cmocka_unit_test(test_streams_share_the_scratch),
      cmocka_unit_test(test_a_large_frame_between_small_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
