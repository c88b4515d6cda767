#include "dialect/parts.h"

#include <stdio.h>

void sp_meaning_clear(struct sp_meaning *out) {
  *out = (struct sp_meaning){
      .state = SP_STREAM_OPEN,
      .node = {.elapsed_ns = -1},
      .usage = {.prompt_tokens = -1, .completion_tokens = -1, .server_ttft_ns = -1},
  };
}

void sp_dialect_scratch_init(struct sp_dialect_scratch *scratch) {
  sp_json_init(&scratch->doc);
  /* A string is never longer unescaped than it was in its event. */
  sp_buf_init(&scratch->text, SP_SSE_EVENT_MAX);
  sp_buf_init(&scratch->more, SP_SSE_EVENT_MAX);
  for (size_t i = 0; i < 3; i++) sp_buf_init(&scratch->ids[i], SP_SSE_EVENT_MAX);
}

void sp_dialect_scratch_fini(struct sp_dialect_scratch *scratch) {
  sp_json_fini(&scratch->doc);
  sp_buf_fini(&scratch->text);
  sp_buf_fini(&scratch->more);
  for (size_t i = 0; i < 3; i++) sp_buf_fini(&scratch->ids[i]);
}

static void give_back(struct sp_dialect_scratch *scratch) {
  if (scratch->text.cap > SP_DIALECT_KEEP_BYTES) sp_buf_fini(&scratch->text);
  if (scratch->more.cap > SP_DIALECT_KEEP_BYTES) sp_buf_fini(&scratch->more);
  if (scratch->doc.cap > SP_DIALECT_KEEP_TOKENS) sp_json_fini(&scratch->doc);
}

bool sp_parts_read(struct sp_dialect_scratch *scratch, struct sp_str data) {
  give_back(scratch);
  if (sp_json_parse(&scratch->doc, data, NULL) != SP_OK) return false;
  return sp_json_kind(&scratch->doc, 0) == SP_JSON_OBJECT;
}

void sp_parts_pick(const struct sp_json *doc, int object, const struct sp_str *keys, size_t count, int *values) {
  for (size_t i = 0; i < count; i++) values[i] = -1;
  for (int key = sp_json_first(doc, object); key >= 0; key = sp_json_next(doc, key)) {
    struct sp_str name = sp_json_raw(doc, key);
    for (size_t i = 0; i < count; i++)
      if (sp_str_eq(keys[i], name)) values[i] = key + 1;
  }
}

struct sp_str sp_parts_text(const struct sp_json *doc, int value, struct sp_buf *unescaped) {
  switch (sp_json_kind(doc, value)) {
  case SP_JSON_STRING:
    return sp_json_string(doc, value, unescaped);
  case SP_JSON_NUMBER:
  case SP_JSON_BOOL:
    return sp_json_raw(doc, value);
  default:
    return SP_STR("");
  }
}

struct sp_str sp_parts_id(struct sp_dialect_scratch *scratch, int value, size_t slot) {
  if (sp_json_raw(&scratch->doc, value).len > SP_DIALECT_ID_MAX) return SP_STR("");
  return sp_json_string(&scratch->doc, value, &scratch->ids[slot]);
}

/* The number in 0..max, or -1. Written so that NaN is -1 too. */
static double sane(const struct sp_json *doc, int value, double max) {
  if (sp_json_kind(doc, value) != SP_JSON_NUMBER) return -1;
  double number = sp_json_number(doc, value, -1);
  return number >= 0 && number <= max ? number : -1;
}

int64_t sp_parts_seconds_ns(const struct sp_json *doc, int value) {
  double seconds = sane(doc, value, SP_DIALECT_SECONDS_MAX);
  return seconds < 0 ? -1 : (int64_t)(seconds * 1e9 + 0.5);
}

int64_t sp_parts_count(const struct sp_json *doc, int value) {
  return (int64_t)sane(doc, value, SP_DIALECT_COUNT_MAX);
}

struct sp_str sp_parts_cut(struct sp_str text, size_t max) {
  if (text.len <= max) return text;
  size_t len = max;
  /* Back over continuation bytes (10xxxxxx): the character they belong to does not fit. */
  while (len > 0 && max - len < 4 && ((unsigned char)text.bytes[len] & 0xc0u) == 0x80u) len--;
  return sp_str_of(text.bytes, len);
}

void sp_parts_detail_init(struct sp_buf *detail) { sp_buf_init(detail, SP_DIALECT_DETAIL_MAX); }

void sp_parts_detail_start(struct sp_buf *detail, struct sp_str text) {
  sp_buf_clear(detail);
  sp_parts_detail_append(detail, text);
}

void sp_parts_detail_append(struct sp_buf *detail, struct sp_str text) {
  text = sp_parts_cut(text, SP_DIALECT_DETAIL_MAX - detail->len);
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.bytes[i];
    bool space = c <= ' ' || c == 0x7f;
    if (space && (detail->len == 0 || detail->bytes[detail->len - 1] == ' ')) continue;
    (void)sp_buf_append_char(detail, space ? ' ' : (char)c); /* cut above to what the cap has left */
  }
}

void sp_parts_detail_error(struct sp_buf *detail, struct sp_str label, int status, struct sp_str message) {
  sp_parts_detail_start(detail, label.len == 0 && status > 0 ? SP_STR("error") : label);
  if (status > 0) {
    char digits[16];
    int len = snprintf(digits, sizeof(digits), " (%d)", status);
    sp_parts_detail_append(detail, sp_str_of(digits, (size_t)len));
  }
  if (detail->len > 0 && message.len > 0) sp_parts_detail_append(detail, SP_STR(": "));
  sp_parts_detail_append(detail, message);
  if (detail->len == 0) sp_parts_detail_start(detail, SP_STR("error event without a message"));
}

void sp_parts_fail(const struct sp_buf *detail, struct sp_meaning *out) {
  out->state = SP_STREAM_FAILED;
  out->detail = sp_buf_str(detail);
}

void sp_parts_over(const struct sp_buf *detail, enum sp_stream_state state, struct sp_meaning *out) {
  out->name = SP_STR("after the end");
  out->state = state;
  if (state == SP_STREAM_FAILED) out->detail = sp_buf_str(detail);
}
