/*
 * What the fuzz targets of the dialects share. The first byte says where the stream is cut, the rest is the stream;
 * it is played through the SSE parser and every meaning is held to what the header promises.
 */
#ifndef TESTS_FUZZ_DIALECT_H
#define TESTS_FUZZ_DIALECT_H

#include "base/check.h"
#include "base/mem.h"
#include "dialect/dialect.h"

#include <stdlib.h>

struct fuzz_stream {
  const struct sp_dialect *dialect;
  void *state;
  enum sp_stream_state end;
  uint64_t sum; /* of all bytes of all slices: reads each of them, where a sanitizer sees it */
};

static inline void fuzz_slice(struct fuzz_stream *stream, struct sp_str slice) {
  SP_CHECK(slice.len <= SP_SSE_EVENT_MAX);
  for (size_t i = 0; i < slice.len; i++) stream->sum = stream->sum * 31 + (unsigned char)slice.bytes[i];
}

static inline void fuzz_check_numbers(const struct sp_meaning *meaning) {
  bool usage = (meaning->marks & SP_MARK_USAGE) != 0;
  SP_CHECK(meaning->node.elapsed_ns >= -1);
  SP_CHECK(meaning->usage.prompt_tokens >= -1 && meaning->usage.completion_tokens >= -1);
  SP_CHECK(meaning->usage.server_ttft_ns >= -1);
  SP_CHECK(usage == (meaning->usage.prompt_tokens >= 0 || meaning->usage.completion_tokens >= 0 ||
                     meaning->usage.server_ttft_ns >= 0));
}

static inline void fuzz_check(struct fuzz_stream *stream, const struct sp_meaning *meaning) {
  struct sp_str slices[] = {meaning->name,       meaning->text,       meaning->detail,
                            meaning->node.type,  meaning->node.title, meaning->conversation_id,
                            meaning->message_id, meaning->task_id};
  for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) fuzz_slice(stream, slices[i]);
  unsigned spoken = SP_MARK_TOKEN | SP_MARK_REASONING;
  if (meaning->marks & spoken) SP_CHECK(meaning->text.len > 0);
  if (meaning->text.len > 0) SP_CHECK(meaning->marks & (spoken | SP_MARK_REPLACE));
  SP_CHECK((meaning->state == SP_STREAM_FAILED) == (meaning->detail.len > 0));
  SP_CHECK(meaning->name.len > 0);
  for (size_t i = 0; i < meaning->detail.len; i++) SP_CHECK((unsigned char)meaning->detail.bytes[i] >= ' ');
  if (meaning->marks & SP_MARK_END) SP_CHECK(meaning->state != SP_STREAM_FAILED);
  fuzz_check_numbers(meaning);
}

/* Goes on behind the end, as no caller should. */
static inline int fuzz_on_event(void *ctx, const struct sp_sse_event *event) {
  struct fuzz_stream *stream = ctx;
  struct sp_meaning meaning;
  memset(&meaning, 0x5a, sizeof(meaning));
  stream->dialect->on_event(stream->state, event, &meaning);
  fuzz_check(stream, &meaning);
  if (stream->end != SP_STREAM_OPEN) SP_CHECK(meaning.state == stream->end);
  stream->end = meaning.state;
  return 0;
}

static inline uint64_t fuzz_play(const struct sp_dialect *dialect, struct sp_str bytes, size_t cut) {
  static const struct sp_sse_handler handler = {fuzz_on_event, NULL};
  struct fuzz_stream stream = {.dialect = dialect, .state = sp_alloc(dialect->state_size)};
  struct sp_dialect_scratch scratch;
  struct sp_sse sse;
  sp_dialect_scratch_init(&scratch);
  dialect->init(stream.state, &scratch);
  sp_sse_init(&sse, SP_SSE_EVENT_MAX, &handler, &stream);
  if (sp_sse_feed(&sse, sp_str_of(bytes.bytes, cut), NULL) == 0)
    (void)sp_sse_feed(&sse, sp_str_of(bytes.bytes + cut, bytes.len - cut), NULL);
  (void)sp_sse_finish(&sse);
  sp_sse_fini(&sse);
  bool complete = dialect->on_eof(stream.state);
  if (stream.end != SP_STREAM_OPEN) SP_CHECK(complete == (stream.end == SP_STREAM_DONE));
  dialect->fini(stream.state);
  sp_dialect_scratch_fini(&scratch);
  free(stream.state);
  return stream.sum * 2 + complete;
}

/* The same bytes as an answer that is no stream. */
static inline void fuzz_whole(const struct sp_dialect *dialect, struct sp_str body) {
  if (!dialect->on_whole) return;
  void *state = sp_alloc(dialect->state_size);
  struct sp_dialect_scratch scratch;
  struct sp_meaning meaning;
  sp_dialect_scratch_init(&scratch);
  dialect->init(state, &scratch);
  memset(&meaning, 0x5a, sizeof(meaning));
  dialect->on_whole(state, body, &meaning);
  SP_CHECK((meaning.state == SP_STREAM_FAILED) == (meaning.detail.len > 0));
  fuzz_check_numbers(&meaning);
  dialect->fini(state);
  sp_dialect_scratch_fini(&scratch);
  free(state);
}

/* Whole and cut, the stream means the same. */
static inline int fuzz_dialect(const struct sp_dialect *dialect, const uint8_t *bytes, size_t len) {
  if (len == 0) return 0;
  struct sp_str stream = sp_str_of((const char *)bytes + 1, len - 1);
  size_t cut = bytes[0] * stream.len / 256;
  SP_CHECK(fuzz_play(dialect, stream, stream.len) == fuzz_play(dialect, stream, cut));
  fuzz_whole(dialect, stream);
  return 0;
}

#endif
