/* Server-sent events: however the bytes are cut, the same events come out. */
#include "base/check.h"
#include "base/rng.h"
#include "wire/sse.h"

#define LOG_MAX (64u << 20)

struct reader {
  struct sp_sse sse;
  struct sp_buf log;
};

static void log_part(struct reader *reader, char mark, struct sp_str part) {
  sp_buf_printf(&reader->log, "%c%zu:", mark, part.len);
  sp_buf_append_str(&reader->log, part);
}

static int on_event(void *ctx, const struct sp_sse_event *event) {
  log_part(ctx, 't', event->type);
  log_part(ctx, 'd', event->data);
  log_part(ctx, 'i', event->id);
  return 0;
}

static void on_blank(void *ctx, struct sp_str type) { log_part(ctx, 'b', type); }

static void feed_pieces(struct reader *reader, struct sp_str bytes, size_t piece_max, uint64_t seed) {
  struct sp_rng rng;
  sp_rng_seed(&rng, seed, 0);
  int code = SP_OK;
  for (size_t at = 0; at < bytes.len && code == SP_OK;) {
    size_t len = piece_max < bytes.len ? 1 + (size_t)sp_rng_below(&rng, piece_max) : bytes.len;
    if (len > bytes.len - at) len = bytes.len - at;
    code = sp_sse_feed(&reader->sse, sp_str_of(bytes.bytes + at, len), NULL);
    at += len;
  }
  sp_buf_printf(&reader->log, "code %d retry %lld", code, (long long)reader->sse.retry_ms);
  if (code == SP_OK) sp_buf_printf(&reader->log, " unfinished %d", sp_sse_finish(&reader->sse));
}

static void read_all(struct reader *reader, struct sp_str bytes, size_t event_max, size_t piece_max, uint64_t seed) {
  static const struct sp_sse_handler handler = {on_event, on_blank};
  sp_buf_init(&reader->log, LOG_MAX);
  sp_sse_init(&reader->sse, event_max, &handler, reader);
  feed_pieces(reader, bytes, piece_max, seed);
  sp_sse_fini(&reader->sse);
}

static void compare(struct sp_str bytes, size_t event_max, size_t piece_max) {
  struct reader whole, cut;
  read_all(&whole, bytes, event_max, SIZE_MAX, 0);
  read_all(&cut, bytes, event_max, piece_max, bytes.len);
  SP_CHECK(sp_str_eq(sp_buf_str(&whole.log), sp_buf_str(&cut.log)));
  sp_buf_fini(&whole.log);
  sp_buf_fini(&cut.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str input = sp_str_of((const char *)bytes, len);
  if (!len) return 0;
  compare(input, SP_SSE_EVENT_MAX, 1);
  compare(input, SP_SSE_EVENT_MAX, 30);
  compare(input, 48, 7);
  return 0;
}
