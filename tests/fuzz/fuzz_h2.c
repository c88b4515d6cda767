/* HTTP/2: what a server may send to open requests, whole and cut: the same events on every stream, and no end twice.
 * The first byte says how many requests are open and whether one is a HEAD. */
#include "base/check.h"
#include "base/rng.h"
#include "http/h2.h"

#define STREAMS 5
#define OUTPUT_MAX (64u << 20)

struct exchange {
  struct sp_h2_stream stream;
  struct sp_buf log, body;
  int heads, ends, faults, closes;
  bool refuse; /* a body */
};

struct reader {
  struct sp_h2 *h2;
  struct exchange exchanges[STREAMS];
  struct sp_buf log, output;
};

static struct exchange *of(struct sp_h2_stream *stream) { return (struct exchange *)(void *)stream; }

static void check_open(const struct exchange *exchange) { SP_CHECK(exchange->closes == 0 && exchange->faults == 0); }

static int on_begin(void *ctx, struct sp_h2_stream *stream, struct sp_err *err) {
  (void)ctx, (void)err;
  check_open(of(stream));
  return sp_buf_append_char(&of(stream)->log, '>');
}

static int on_head(void *ctx, struct sp_h2_stream *stream, const struct sp_http1_head *head, struct sp_err *err) {
  struct exchange *exchange = of(stream);
  size_t sum = 0;
  (void)ctx, (void)err;
  check_open(exchange);
  SP_CHECK(exchange->heads == 0 && exchange->ends == 0 && head->header_count <= SP_HTTP1_HEADERS_MAX);
  exchange->heads += head->status >= 200;
  for (size_t i = 0; i < head->header_count; i++) {
    struct sp_str name = head->headers[i].name;
    SP_CHECK(name.len > 0 && !memchr(name.bytes, ':', name.len));
    sum += name.len + head->headers[i].value.len + 4;
  }
  SP_CHECK(sum == head->raw.len && head->raw.len <= SP_HTTP1_HEAD_MAX);
  sp_buf_printf(&exchange->log, "%d %lld ", head->status, (long long)head->content_length);
  return sp_buf_append_str(&exchange->log, head->raw);
}

static int on_body(void *ctx, struct sp_h2_stream *stream, struct sp_str bytes, struct sp_err *err) {
  struct exchange *exchange = of(stream);
  (void)ctx;
  check_open(exchange);
  SP_CHECK(bytes.len > 0 && exchange->heads == 1 && exchange->ends == 0);
  sp_buf_append_str(&exchange->body, bytes);
  return exchange->refuse ? sp_fail(err, SP_EPARSE, "refused") : 0;
}

static int on_end(void *ctx, struct sp_h2_stream *stream, struct sp_err *err) {
  (void)ctx, (void)err;
  check_open(of(stream));
  SP_CHECK(of(stream)->heads == 1 && ++of(stream)->ends == 1);
  return sp_buf_append_char(&of(stream)->log, '.');
}

static void on_fault(void *ctx, struct sp_h2_stream *stream, const struct sp_err *err) {
  (void)ctx;
  SP_CHECK(++of(stream)->faults == 1 && of(stream)->ends == 0 && err->text[0]);
  sp_buf_printf(&of(stream)->log, "!%s", err->text);
}

static void on_close(void *ctx, struct sp_h2_stream *stream) {
  (void)ctx;
  SP_CHECK(++of(stream)->closes == 1);
  sp_buf_printf(&of(stream)->log, "#%u%d", stream->code, stream->refused);
}

static void on_activity(void *ctx, struct sp_h2_stream *stream) { (void)ctx, check_open(of(stream)); }
static void on_sent(void *ctx, struct sp_h2_stream *stream) { (void)ctx, (void)stream; }

static void on_settings(void *ctx) {
  struct reader *reader = ctx;
  sp_buf_printf(&reader->log, "settings %u ", sp_h2_streams_max(reader->h2));
}

static void on_goaway(void *ctx) { sp_buf_append_text(&((struct reader *)ctx)->log, "goaway "); }

static const struct sp_h2_handler handler = {on_begin, on_head,     on_body, on_end,      on_fault,
                                             on_close, on_activity, on_sent, on_settings, on_goaway};

static void open_reader(struct reader *reader, uint8_t plan) {
  static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
                                         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"};
  memset(reader, 0, sizeof *reader);
  sp_buf_init(&reader->log, OUTPUT_MAX);
  sp_buf_init(&reader->output, OUTPUT_MAX);
  reader->h2 = sp_h2_create(&(struct sp_h2_options){.stream_window_bytes = 70000}, &handler, reader);
  for (unsigned i = 0; i < STREAMS && i <= plan % 8u; i++) {
    struct exchange *exchange = &reader->exchanges[i];
    struct sp_str request = sp_str_from(requests[(i + plan / 8u) % 3]);
    struct sp_err err;
    sp_buf_init(&exchange->log, OUTPUT_MAX);
    sp_buf_init(&exchange->body, OUTPUT_MAX);
    exchange->refuse = plan >= 128 && i == 2;
    size_t head_len = (size_t)((const char *)memmem(request.bytes, request.len, "\r\n\r\n", 4) + 4 - request.bytes);
    struct sp_h2_head *head = sp_h2_head_create(sp_str_of(request.bytes, head_len), false, &err);
    struct sp_str body = sp_str_of(request.bytes + head_len, request.len - head_len);
    SP_CHECK(head && sp_h2_request(reader->h2, &exchange->stream, head, body, &err) == 0);
    sp_h2_head_destroy(head);
  }
  sp_h2_collect(reader->h2, &reader->output, 1u << 20);
}

static void feed(struct reader *reader, struct sp_str bytes, size_t piece_max, bool collect) {
  struct sp_rng rng;
  struct sp_err err;
  int code = 0;
  sp_rng_seed(&rng, bytes.len, 0);
  for (size_t at = 0; at < bytes.len && code == 0;) {
    size_t len = piece_max < bytes.len ? 1 + (size_t)sp_rng_below(&rng, piece_max) : bytes.len;
    if (len > bytes.len - at) len = bytes.len - at;
    code = sp_h2_feed(reader->h2, sp_str_of(bytes.bytes + at, len), &err);
    if (collect) sp_h2_collect(reader->h2, &reader->output, 1u << 20);
    at += len;
  }
  sp_h2_collect(reader->h2, &reader->output, 16u << 20);
  bool broken = sp_h2_is_broken(reader->h2, &err);
  SP_CHECK(code == 0 || broken);
  sp_buf_printf(&reader->log, "%s", broken ? err.text : "");
}

static void close_reader(struct reader *reader) {
  for (int i = 0; i < STREAMS; i++) {
    sp_h2_drop(reader->h2, &reader->exchanges[i].stream);
    sp_buf_fini(&reader->exchanges[i].log);
    sp_buf_fini(&reader->exchanges[i].body);
  }
  sp_h2_say_goodbye(reader->h2);
  sp_h2_collect(reader->h2, &reader->output, 1u << 20);
  sp_h2_destroy(reader->h2);
  sp_buf_fini(&reader->log);
  sp_buf_fini(&reader->output);
}

static bool says(const struct reader *reader, const char *word) {
  return reader->log.bytes && strstr(reader->log.bytes, word) != NULL;
}

/* nghttp2 counts a CONTINUATION frame again for each piece that its head comes in. Behind a GOAWAY that leaves no
 * stream it looks at the rest of a read, but at no further read. Of a body that breaks a rule in the end, more or less
 * may have been given before, and refused. */
static void compare(struct reader *whole, struct reader *cut) {
  if (says(cut, "CONTINUATION")) return;
  SP_CHECK(says(cut, "goaway") || sp_str_eq(sp_buf_str(&whole->log), sp_buf_str(&cut->log)));
  for (int i = 0; i < STREAMS; i++) {
    struct exchange *a = &whole->exchanges[i], *b = &cut->exchanges[i];
    SP_CHECK(a->refuse || sp_str_eq(sp_buf_str(&a->log), sp_buf_str(&b->log)));
    if (a->ends > 0) SP_CHECK(sp_str_eq(sp_buf_str(&a->body), sp_buf_str(&b->body)));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct reader whole, cut;
  if (len < 2) return 0;
  struct sp_str input = sp_str_of((const char *)bytes + 1, len - 1);
  for (size_t piece_max = 1; piece_max < 60; piece_max *= 7) {
    open_reader(&whole, bytes[0]);
    open_reader(&cut, bytes[0]);
    feed(&whole, input, SIZE_MAX, false);
    feed(&cut, input, piece_max, false);
    compare(&whole, &cut);
    close_reader(&whole);
    close_reader(&cut);
  }
  open_reader(&cut, bytes[0]);
  feed(&cut, input, 20, true);
  close_reader(&cut);
  return 0;
}
