/* HTTP/1: requests and responses, whole and cut: the same messages, the same end. */
#include "base/check.h"
#include "base/rng.h"
#include "wire/http1.h"

#define LOG_MAX (64u << 20)

struct reader {
  struct sp_http1 http1;
  struct sp_buf log, body;
};

static void log_part(struct reader *reader, char mark, struct sp_str part) {
  sp_buf_printf(&reader->log, "%c%zu:", mark, part.len);
  sp_buf_append_str(&reader->log, part);
}

static int on_begin(void *ctx) {
  struct reader *reader = ctx;
  SP_CHECK(sp_http1_in_message(&reader->http1));
  return sp_buf_append_char(&reader->log, '>');
}

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct reader *reader = ctx;
  size_t sum = 0;
  (void)err;
  sp_buf_printf(&reader->log, "%d %d.%d %d%d %lld", head->status, head->major, head->minor, head->keep_alive,
                head->chunked, (long long)head->content_length);
  log_part(reader, 'r', head->reason);
  log_part(reader, 'm', head->method);
  log_part(reader, 'u', head->target);
  SP_CHECK(head->header_count <= SP_HTTP1_HEADERS_MAX);
  for (size_t i = 0; i < head->header_count; i++) {
    log_part(reader, 'n', head->headers[i].name);
    log_part(reader, 'v', head->headers[i].value);
    SP_CHECK(head->headers[i].name.len > 0);
    sum += head->headers[i].name.len + head->headers[i].value.len + 4;
  }
  SP_CHECK(sum == head->raw.len);
  return 0;
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct reader *reader = ctx;
  (void)err;
  SP_CHECK(bytes.len > 0);
  return sp_buf_append_str(&reader->body, bytes);
}

static int on_end(void *ctx, struct sp_err *err) {
  struct reader *reader = ctx;
  (void)err;
  log_part(reader, 'b', sp_buf_str(&reader->body));
  sp_buf_clear(&reader->body);
  return sp_buf_append_char(&reader->log, '.');
}

static void feed_pieces(struct reader *reader, struct sp_str bytes, size_t piece_max) {
  struct sp_rng rng;
  struct sp_err err;
  int code = SP_OK;
  sp_rng_seed(&rng, bytes.len, 0);
  for (size_t at = 0; at < bytes.len && code == SP_OK;) {
    size_t len = piece_max < bytes.len ? 1 + (size_t)sp_rng_below(&rng, piece_max) : bytes.len;
    if (len > bytes.len - at) len = bytes.len - at;
    code = sp_http1_feed(&reader->http1, sp_str_of(bytes.bytes + at, len), &err);
    SP_CHECK(code == err.code || code == SP_OK);
    at += len;
  }
  if (code == SP_OK) code = sp_http1_finish(&reader->http1, &err);
  sp_buf_printf(&reader->log, "code %d", code);
}

static void read_all(struct reader *reader, enum sp_http1_side side, bool to_head, struct sp_str bytes,
                     size_t piece_max) {
  static const struct sp_http1_handler handler = {on_begin, on_head, on_body, on_end};
  sp_buf_init(&reader->log, LOG_MAX);
  sp_buf_init(&reader->body, LOG_MAX);
  sp_http1_init(&reader->http1, side, &handler, reader);
  if (to_head) sp_http1_expect_head_response(&reader->http1);
  feed_pieces(reader, bytes, piece_max);
  sp_http1_fini(&reader->http1);
  sp_buf_fini(&reader->body);
}

static void compare(enum sp_http1_side side, bool to_head, struct sp_str bytes, size_t piece_max) {
  struct reader whole, cut;
  read_all(&whole, side, to_head, bytes, SIZE_MAX);
  read_all(&cut, side, to_head, bytes, piece_max);
  SP_CHECK(sp_str_eq(sp_buf_str(&whole.log), sp_buf_str(&cut.log)));
  sp_buf_fini(&whole.log);
  sp_buf_fini(&cut.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str input = sp_str_of((const char *)bytes, len);
  if (!len) return 0;
  for (size_t piece_max = 1; piece_max < 60; piece_max *= 7) {
    compare(SP_HTTP1_RESPONSE, false, input, piece_max);
    compare(SP_HTTP1_RESPONSE, true, input, piece_max);
    compare(SP_HTTP1_REQUEST, false, input, piece_max);
  }
  return 0;
}
