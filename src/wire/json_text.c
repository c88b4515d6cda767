#include "wire/json_text.h"

#include <stdio.h>

#define UTF8_MAX 4
#define REPLACEMENT 0xFFFDu

static size_t encode_utf8(uint32_t code, char *out) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
  out[0] = (char)(leads[len] | code);
  return len;
}

/* ---- reading ---- */

static uint32_t hex4(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t c = (unsigned char)at[i];
    value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

/* The code behind "\u" at *at, with its other half where it is a pair; *at moves behind. */
static uint32_t read_code(const char **at, const char *end) {
  uint32_t code = hex4(*at);
  *at += 4;
  if (code < 0xD800 || code > 0xDFFF) return code;
  if (code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return REPLACEMENT;
  uint32_t low = hex4(*at + 2);
  if (low < 0xDC00 || low > 0xDFFF) return REPLACEMENT;
  *at += 6;
  return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/* What the escape at *at ('\\') means, as UTF-8; *at moves behind it. */
static size_t read_escape(const char **at, const char *end, char *out) {
  static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
  char c = (*at)[1];
  *at += 2;
  if (c == 'u') return encode_utf8(read_code(at, end), out);
  const char *name = strchr(names, c);
  out[0] = name ? meanings[name - names] : c;
  return 1;
}

bool sp_json_escaped_equals(struct sp_str escaped, struct sp_str plain) {
  const char *at = escaped.bytes, *end = at + escaped.len;
  size_t done = 0;
  while (at < end) {
    char piece[UTF8_MAX] = {*at};
    size_t len = 1;
    if (*at == '\\') {
      len = read_escape(&at, end, piece);
    } else {
      at++;
    }
    if (plain.len - done < len || memcmp(plain.bytes + done, piece, len) != 0) return false;
    done += len;
  }
  return done == plain.len;
}

struct sp_str sp_json_unescape(struct sp_str raw, struct sp_buf *scratch) {
  const char *at = raw.bytes, *end = at + raw.len;
  sp_buf_clear(scratch);
  if (sp_buf_reserve(scratch, raw.len) < 0) return sp_str_of(NULL, 0); /* unescaping never makes it longer */
  for (const char *escape = memchr(at, '\\', raw.len); escape;
       escape = at < end ? memchr(at, '\\', (size_t)(end - at)) : NULL) {
    sp_buf_append(scratch, at, (size_t)(escape - at));
    at = escape;
    char piece[UTF8_MAX];
    sp_buf_append(scratch, piece, read_escape(&at, end, piece));
  }
  sp_buf_append(scratch, at, (size_t)(end - at));
  return sp_buf_str(scratch);
}

/* ---- writing ---- */

/* Length of the UTF-8 character at `at` (Unicode 15, table 3-7), or minus the length of the maximal subpart that is
 * none. */
static int utf8_length(const unsigned char *at, const unsigned char *end) {
  unsigned lead = at[0], low = 0x80, high = 0xBF;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  int need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (int i = 1; i < need; i++, low = 0x80, high = 0xBF) {
    if (at + i >= end || at[i] < low || at[i] > high) return -i;
  }
  return need;
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\' && c < 0x80; }

static int append_escape(struct sp_buf *out, unsigned char c) {
  static const char meanings[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
  const char *meaning = c ? strchr(meanings, c) : NULL;
  char text[8];
  if (meaning) {
    snprintf(text, sizeof(text), "\\%c", names[meaning - meanings]);
  } else {
    snprintf(text, sizeof(text), "\\u%04x", c);
  }
  return sp_buf_append_text(out, text);
}

/* Past what may stand in a JSON string as it is. */
static const unsigned char *skip_writable(const unsigned char *at, const unsigned char *end) {
  while (at < end) {
    int len = is_plain(*at) ? 1 : *at < 0x80 ? 0 : utf8_length(at, end);
    if (len <= 0) break;
    at += len;
  }
  return at;
}

static int append_content(struct sp_buf *out, struct sp_str raw) {
  const unsigned char *at = (const unsigned char *)raw.bytes, *end = at + raw.len;
  int code = SP_OK;
  while (at < end && code == SP_OK) {
    const unsigned char *run = at;
    at = skip_writable(at, end);
    code = sp_buf_append(out, run, (size_t)(at - run));
    if (at == end || code < 0) break;
    code = *at < 0x80 ? append_escape(out, *at) : sp_buf_append_text(out, "\xEF\xBF\xBD");
    at += *at < 0x80 ? 1 : -utf8_length(at, end);
  }
  return code;
}

int sp_json_append_string(struct sp_buf *out, struct sp_str raw) {
  size_t start = out->len;
  int code = sp_buf_append_char(out, '"');
  if (code == SP_OK && raw.len) code = append_content(out, raw);
  if (code == SP_OK) code = sp_buf_append_char(out, '"');
  if (code < 0 && out->bytes) {
    out->len = start;
    out->bytes[start] = '\0';
  }
  return code;
}
