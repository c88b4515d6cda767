#include "mock/payload.h"

#include "wire/json.h"

#include <stdio.h>

static void separator(struct sp_jw *jw) {
  if (jw->comma) sp_buf_append(jw->out, ", ", jw->spaced ? 2 : 1);
  jw->comma = true;
}

static void key_of(struct sp_jw *jw, const char *key) {
  separator(jw);
  if (!key) return;
  sp_buf_append_char(jw->out, '"');
  sp_buf_append_text(jw->out, key);
  sp_buf_append(jw->out, "\": ", jw->spaced ? 3 : 2);
}

void sp_jw_open(struct sp_jw *jw, const char *key, char bracket) {
  key_of(jw, key);
  sp_buf_append_char(jw->out, bracket);
  jw->comma = false;
}

void sp_jw_close(struct sp_jw *jw, char bracket) {
  sp_buf_append_char(jw->out, bracket);
  jw->comma = true;
}

void sp_jw_str(struct sp_jw *jw, const char *key, struct sp_str value) {
  sp_jw_open_string(jw, key);
  if (jw->spaced) sp_payload_escape_ascii(jw->out, value);
  else sp_payload_escape(jw->out, value);
  sp_buf_append_char(jw->out, '"');
}

void sp_jw_text(struct sp_jw *jw, const char *key, const char *value) {
  if (value) sp_jw_str(jw, key, sp_str_from(value));
  else sp_jw_raw(jw, key, "null");
}

void sp_jw_int(struct sp_jw *jw, const char *key, int64_t value) {
  key_of(jw, key);
  sp_buf_printf(jw->out, "%lld", (long long)value);
}

void sp_jw_seconds(struct sp_jw *jw, const char *key, int64_t ns) {
  key_of(jw, key);
  sp_buf_printf(jw->out, "%.6f", (double)ns / 1e9);
}

void sp_jw_ms(struct sp_jw *jw, const char *key, double ms) {
  key_of(jw, key);
  sp_buf_printf(jw->out, "%.3f", ms);
}

void sp_jw_bool(struct sp_jw *jw, const char *key, bool value) { sp_jw_raw(jw, key, value ? "true" : "false"); }

void sp_jw_raw(struct sp_jw *jw, const char *key, const char *json) {
  key_of(jw, key);
  sp_buf_append_text(jw->out, json);
}

void sp_jw_open_string(struct sp_jw *jw, const char *key) {
  key_of(jw, key);
  sp_buf_append_char(jw->out, '"');
}

/* -- escaping -- */

int sp_payload_escape(struct sp_buf *out, struct sp_str raw) {
  size_t start = out->len;
  int code = sp_json_append_string(out, raw);
  if (code) return code;
  /* without the quotes: what stands between them moves one to the front */
  size_t inside = out->len - start - 2;
  memmove(out->bytes + start, out->bytes + start + 1, inside);
  out->len = start + inside;
  out->bytes[out->len] = '\0';
  return 0;
}

/* Length of the UTF-8 sequence at bytes and its character; a stray byte is U+FFFD of length 1. */
static size_t decode(const unsigned char *bytes, size_t len, uint32_t *character) {
  static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t count = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0;
  *character = 0xfffd;
  if (count == 0 || count > len || bytes[0] > 0xf4) return 1;
  uint32_t value = count == 1 ? bytes[0] : bytes[0] & (0xffu >> (count + 1));
  for (size_t i = 1; i < count; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return 1;
    value = value << 6 | (bytes[i] & 0x3f);
  }
  if (value < least[count] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 1;
  *character = value;
  return count;
}

static int append_ascii(struct sp_buf *out, uint32_t c) {
  static const char shorts[] = { '\b', 'b', '\t', 't', '\n', 'n', '\f', 'f', '\r', 'r', '"', '"', '\\', '\\' };
  for (size_t i = 0; i < sizeof shorts; i += 2)
    if (c == (unsigned char)shorts[i]) return sp_buf_printf(out, "\\%c", shorts[i + 1]);
  if (c >= 0x20 && c < 0x7f) return sp_buf_append_char(out, (char)c);
  if (c < 0x10000) return sp_buf_printf(out, "\\u%04x", (unsigned)c);
  c -= 0x10000;
  return sp_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)), (unsigned)(0xdc00 + (c & 0x3ff)));
}

int sp_payload_escape_ascii(struct sp_buf *out, struct sp_str raw) {
  const unsigned char *bytes = (const unsigned char *)raw.bytes;
  for (size_t at = 0; at < raw.len;) {
    uint32_t character;
    at += decode(bytes + at, raw.len - at, &character);
    int code = append_ascii(out, character);
    if (code) return code;
  }
  return 0;
}

/* -- ids: RFC 9562 version 4 -- */

static void format_uuid(uint64_t high, uint64_t low, char text[SP_UUID_SIZE]) {
  snprintf(text, SP_UUID_SIZE, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
           (unsigned)(high & 0xffff), (unsigned)(low >> 48), (unsigned long long)(low & 0xffffffffffff));
}

static uint64_t as_version_4(uint64_t high) { return (high & ~UINT64_C(0xf000)) | 0x4000; }
static uint64_t as_variant_1(uint64_t low) { return (low >> 2) | UINT64_C(1) << 63; }

void sp_payload_uuid(struct sp_rng *rng, char text[SP_UUID_SIZE]) {
  uint64_t high = sp_rng_u64(rng), low = sp_rng_u64(rng);
  format_uuid(as_version_4(high), as_variant_1(low), text);
}

static uint64_t second_half(uint64_t high, uint64_t secret) {
  struct sp_rng rng;
  sp_rng_seed(&rng, secret, high);
  return as_variant_1(sp_rng_u64(&rng));
}

void sp_payload_signed_uuid(struct sp_rng *rng, uint64_t secret, char text[SP_UUID_SIZE]) {
  uint64_t high = as_version_4(sp_rng_u64(rng));
  format_uuid(high, second_half(high, secret), text);
}

bool sp_payload_is_signed_uuid(uint64_t secret, struct sp_str text) {
  if (text.len != SP_UUID_SIZE - 1) return false;
  uint64_t high = 0;
  for (size_t i = 0; i < 18; i++) {
    char c = text.bytes[i];
    if (c == '-') continue;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    high = high << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  char expected[SP_UUID_SIZE];
  format_uuid(high, second_half(high, secret), expected);
  return memcmp(expected, text.bytes, SP_UUID_SIZE - 1) == 0;
}
