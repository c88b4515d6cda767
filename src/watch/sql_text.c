#include "watch/sql_text.h"

#include "base/buf.h"
#include "stats/clean.h"

#include <ctype.h>

#define SQL_MAX 65536u /* of a statement; the rest of it is left out */

struct scan {
  const char *bytes;
  size_t len, at;
};

static char peek(const struct scan *scan, size_t ahead) {
  return scan->at + ahead < scan->len ? scan->bytes[scan->at + ahead] : 0;
}

static bool in_name(char c) { return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80; }

/* From the opening quote to behind the closing one; a doubled one stands for itself. */
static void skip_quoted(struct scan *scan, char quote, bool backslashes) {
  for (scan->at++; scan->at < scan->len; scan->at++) {
    if (backslashes && peek(scan, 0) == '\\') {
      scan->at++;
    } else if (peek(scan, 0) == quote && peek(scan, 1) == quote) {
      scan->at++;
    } else if (peek(scan, 0) == quote) {
      scan->at++;
      return;
    }
  }
  scan->at = scan->len;
}

/* "$tag$", as long as it is; 0: there is none here (a parameter, say). */
static size_t dollar_tag(const struct scan *scan) {
  size_t len = 1;
  if (isdigit((unsigned char)peek(scan, 1))) return 0;
  while (peek(scan, len) != '$') {
    if (!in_name(peek(scan, len))) return 0;
    len++;
  }
  return len + 1;
}

static void skip_dollars(struct scan *scan, size_t tag) {
  const char *body = scan->bytes + scan->at + tag;
  const char *end = memmem(body, scan->len - scan->at - tag, scan->bytes + scan->at, tag);
  scan->at = end ? (size_t)(end - scan->bytes) + tag : scan->len;
}

static void skip_line(struct scan *scan) {
  while (scan->at < scan->len && peek(scan, 0) != '\n') scan->at++;
}

/* They nest. */
static void skip_comment(struct scan *scan) {
  size_t depth = 0;
  do {
    bool opens = peek(scan, 0) == '/' && peek(scan, 1) == '*', closes = peek(scan, 0) == '*' && peek(scan, 1) == '/';
    depth += opens;
    depth -= closes;
    scan->at += opens || closes ? 2 : 1;
  } while (depth && scan->at < scan->len);
  if (scan->at > scan->len) scan->at = scan->len;
}

static void skip_number(struct scan *scan) {
  while (in_name(peek(scan, 0)) || peek(scan, 0) == '.') {
    bool exponent = (peek(scan, 0) | 0x20) == 'e' && (peek(scan, 1) == '+' || peek(scan, 1) == '-');
    scan->at += exponent ? 2 : 1;
  }
  if (scan->at > scan->len) scan->at = scan->len;
}

/* Length of what stands before a literal's quote and belongs to it: E, B, X, N, U&; 0: none. */
static size_t literal_prefix(const struct scan *scan) {
  char first = (char)(peek(scan, 0) | 0x20);
  if (first == 'u' && peek(scan, 1) == '&' && peek(scan, 2) == '\'') return 2;
  return strchr("ebxn", first) && peek(scan, 1) == '\'' ? 1 : 0;
}

static void put_space(struct sp_buf *out) {
  if (out->len && out->bytes[out->len - 1] != ' ') sp_buf_append_char(out, ' ');
}

static void copy(struct scan *scan, size_t from, struct sp_buf *out) {
  sp_buf_append(out, scan->bytes + from, scan->at - from);
}

static void take_name(struct scan *scan, struct sp_buf *out) {
  size_t from = scan->at, prefix = literal_prefix(scan);
  if (prefix) {
    bool backslashes = (peek(scan, 0) | 0x20) == 'e';
    scan->at += prefix;
    skip_quoted(scan, '\'', backslashes);
    sp_buf_append_char(out, '?');
    return;
  }
  while (in_name(peek(scan, 0))) scan->at++;
  copy(scan, from, out);
}

static void take_dollar(struct scan *scan, struct sp_buf *out) {
  size_t tag = dollar_tag(scan), from = scan->at;
  if (tag) {
    skip_dollars(scan, tag);
    sp_buf_append_char(out, '?');
    return;
  }
  scan->at++;
  while (isdigit((unsigned char)peek(scan, 0))) scan->at++;
  copy(scan, from, out);
}

static void take(struct scan *scan, struct sp_buf *out) {
  char c = peek(scan, 0), next = peek(scan, 1);
  size_t from = scan->at;
  if (isspace((unsigned char)c)) {
    scan->at++;
    put_space(out);
  } else if (c == '-' && next == '-') {
    skip_line(scan);
  } else if (c == '/' && next == '*') {
    skip_comment(scan);
    put_space(out);
  } else if (c == '\'') {
    skip_quoted(scan, '\'', false);
    sp_buf_append_char(out, '?');
  } else if (c == '"') {
    skip_quoted(scan, '"', false);
    copy(scan, from, out);
  } else if (c == '$') {
    take_dollar(scan, out);
  } else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)next))) {
    skip_number(scan);
    sp_buf_append_char(out, '?');
  } else if (in_name(c)) {
    take_name(scan, out);
  } else {
    scan->at++;
    sp_buf_append_char(out, c);
  }
}

size_t sp_sql_text(char *out, size_t max, struct sp_str sql) {
  struct scan scan = {.bytes = sql.bytes, .len = sql.len < SQL_MAX ? sql.len : SQL_MAX};
  struct sp_buf text;
  sp_buf_init(&text, 2 * SQL_MAX);
  while (scan.at < scan.len) take(&scan, &text);
  size_t len = sp_clean_text(out, max, sp_str_trim(sp_buf_str(&text)));
  sp_buf_fini(&text);
  return len;
}
