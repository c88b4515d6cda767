#include "dialect/parts.h"

#include <stdio.h>

void sp_meaning_clear(struct sp_meaning *out) {
  *out = (struct sp_meaning){
      .state = SP_STREAM_OPEN,
      .node = {.elapsed_ns = -1},
      .usage = {.prompt_tokens = -1, .completion_tokens = -1, .server_ttft_ns = -1},
  };
}

void sp_parts_init(struct sp_parts *parts) {
  sp_json_init(&parts->doc);
  /* A string is never longer unescaped than it was in its event. */
  sp_buf_init(&parts->text, SP_SSE_EVENT_MAX);
  sp_buf_init(&parts->more, SP_SSE_EVENT_MAX);
  for (size_t i = 0; i < 3; i++) sp_buf_init(&parts->ids[i], SP_SSE_EVENT_MAX);
  sp_buf_init(&parts->detail, SP_DIALECT_DETAIL_MAX);
}

void sp_parts_fini(struct sp_parts *parts) {
  sp_json_fini(&parts->doc);
  sp_buf_fini(&parts->text);
  sp_buf_fini(&parts->more);
  for (size_t i = 0; i < 3; i++) sp_buf_fini(&parts->ids[i]);
  sp_buf_fini(&parts->detail);
}

static void give_back(struct sp_parts *parts) {
  if (parts->text.cap > SP_DIALECT_KEEP_BYTES) sp_buf_fini(&parts->text);
  if (parts->more.cap > SP_DIALECT_KEEP_BYTES) sp_buf_fini(&parts->more);
  if (parts->doc.cap > SP_DIALECT_KEEP_TOKENS) {
    sp_json_fini(&parts->doc);
    sp_json_init(&parts->doc);
  }
}

bool sp_parts_read(struct sp_parts *parts, struct sp_str data) {
  give_back(parts);
  if (sp_json_parse(&parts->doc, data, NULL) != SP_OK) return false;
  return sp_json_kind(&parts->doc, 0) == SP_JSON_OBJECT;
}

void sp_parts_pick(const struct sp_json *doc, int object, const struct sp_str *keys, size_t count, int *values) {
  for (size_t i = 0; i < count; i++) values[i] = -1;
  for (int key = sp_json_first(doc, object); key >= 0; key = sp_json_next(doc, key)) {
    struct sp_str name = sp_json_raw(doc, key);
    for (size_t i = 0; i < count; i++)
      if (sp_str_eq(keys[i], name)) values[i] = key + 1;
  }
}

struct sp_str sp_parts_text(struct sp_parts *parts, int value, struct sp_buf *scratch) {
  switch (sp_json_kind(&parts->doc, value)) {
  case SP_JSON_STRING:
    return sp_json_string(&parts->doc, value, scratch);
  case SP_JSON_NUMBER:
  case SP_JSON_BOOL:
    return sp_json_raw(&parts->doc, value);
  default:
    return SP_STR("");
  }
}

struct sp_str sp_parts_id(struct sp_parts *parts, int value, size_t slot) {
  if (sp_json_kind(&parts->doc, value) != SP_JSON_STRING) return SP_STR("");
  if (sp_json_raw(&parts->doc, value).len > SP_DIALECT_ID_MAX) return SP_STR("");
  return sp_json_string(&parts->doc, value, &parts->ids[slot]);
}

/* The number in 0..max, or -1. Written so that NaN is -1 too. */
static double sane(const struct sp_parts *parts, int value, double max) {
  if (sp_json_kind(&parts->doc, value) != SP_JSON_NUMBER) return -1;
  double number = sp_json_number(&parts->doc, value, -1);
  return number >= 0 && number <= max ? number : -1;
}

int64_t sp_parts_seconds_ns(const struct sp_parts *parts, int value) {
  double seconds = sane(parts, value, SP_DIALECT_SECONDS_MAX);
  return seconds < 0 ? -1 : (int64_t)(seconds * 1e9 + 0.5);
}

int64_t sp_parts_count(const struct sp_parts *parts, int value) {
  return (int64_t)sane(parts, value, SP_DIALECT_COUNT_MAX);
}

struct sp_str sp_parts_cut(struct sp_str text, size_t max) {
  if (text.len <= max) return text;
  size_t len = max;
  /* Back over continuation bytes (10xxxxxx): the character they belong to does not fit. */
  while (len > 0 && max - len < 4 && ((unsigned char)text.bytes[len] & 0xc0u) == 0x80u) len--;
  return sp_str_of(text.bytes, len);
}

void sp_parts_detail_start(struct sp_parts *parts, struct sp_str text) {
  sp_buf_clear(&parts->detail);
  sp_parts_detail_append(parts, text);
}

void sp_parts_detail_append(struct sp_parts *parts, struct sp_str text) {
  struct sp_buf *detail = &parts->detail;
  text = sp_parts_cut(text, SP_DIALECT_DETAIL_MAX - detail->len);
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.bytes[i];
    bool space = c <= ' ' || c == 0x7f;
    if (space && (detail->len == 0 || detail->bytes[detail->len - 1] == ' ')) continue;
    (void)sp_buf_append_char(detail, space ? ' ' : (char)c); /* cut above to what the cap has left */
  }
}

void sp_parts_detail_error(struct sp_parts *parts, struct sp_str label, int status, struct sp_str message) {
  sp_parts_detail_start(parts, label.len == 0 && status > 0 ? SP_STR("error") : label);
  if (status > 0) {
    char digits[16];
    int len = snprintf(digits, sizeof(digits), " (%d)", status);
    sp_parts_detail_append(parts, sp_str_of(digits, (size_t)len));
  }
  if (parts->detail.len > 0 && message.len > 0) sp_parts_detail_append(parts, SP_STR(": "));
  sp_parts_detail_append(parts, message);
  if (parts->detail.len == 0) sp_parts_detail_start(parts, SP_STR("error event without a message"));
}

void sp_parts_fail(struct sp_parts *parts, struct sp_meaning *out) {
  out->state = SP_STREAM_FAILED;
  out->detail = sp_buf_str(&parts->detail);
}

void sp_parts_over(const struct sp_parts *parts, enum sp_stream_state state, struct sp_meaning *out) {
  out->name = SP_STR("after the end");
  out->state = state;
  if (state == SP_STREAM_FAILED) out->detail = sp_buf_str(&parts->detail);
}
