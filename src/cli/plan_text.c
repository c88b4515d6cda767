#include "cli/plan_text.h"

#include "base/map.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES 76 /* of a table on one line */
#define JOINED_MAX 30     /* pieces joined by `..`; more go through table.concat: Lua nests each `..` */
#define DIGITS_EXACT 17   /* significant digits that a double can hold */
#define INTEGER_MAX 1e15  /* from here on the encoder writes whole numbers with an exponent */

void sp_plan_text_init(struct sp_plan_text *text, struct sp_buf *out, const struct sp_import_secrets *secrets) {
  *text = (struct sp_plan_text){.out = out, .secrets = secrets};
  sp_buf_init(&text->scratch, SP_JSON_TEXT_MAX);
}

void sp_plan_text_fini(struct sp_plan_text *text) { sp_buf_fini(&text->scratch); }

static void put_bytes(struct sp_plan_text *text, const char *bytes, size_t len) {
  if (!text->full && sp_buf_append(text->out, bytes, len)) text->full = true;
}

void sp_plan_put(struct sp_plan_text *text, const char *source) { put_bytes(text, source, strlen(source)); }

void sp_plan_putf(struct sp_plan_text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (!text->full && sp_buf_vprintf(text->out, format, args)) text->full = true;
  va_end(args);
}

void sp_plan_put_indent(struct sp_plan_text *text, int levels) {
  for (int i = 0; i < levels; i++) sp_plan_put(text, "  ");
}

/* ---- strings ---- */

/* Length of the character at the front (Unicode 15, table 3-7); 0 where the bytes are no UTF-8. */
static size_t character_length(struct sp_str s) {
  const unsigned char *b = (const unsigned char *)s.bytes;
  size_t need = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
  if (need < 2 || need > s.len) return need == 1 ? 1 : 0;
  unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
  if (b[1] < low || b[1] > high) return 0;
  for (size_t i = 2; i < need; i++) {
    if ((b[i] & 0xc0) != 0x80) return 0;
  }
  return need;
}

bool sp_plan_is_utf8(struct sp_str bytes) {
  for (size_t len; bytes.len; bytes = sp_str_of(bytes.bytes + len, bytes.len - len)) {
    if (!(len = character_length(bytes))) return false;
  }
  return true;
}

static void put_escape(struct sp_plan_text *text, unsigned char c) {
  static const char letters[] = "\"\"\\\\\nn\rr\tt"; /* the byte, then its escape */
  for (size_t i = 0; letters[i]; i += 2) {
    if ((unsigned char)letters[i] == c) {
      sp_plan_putf(text, "\\%c", letters[i + 1]);
      return;
    }
  }
  sp_plan_putf(text, "\\%03u", c);
}

static bool is_plain(unsigned char c) { return c >= ' ' && c != '"' && c != '\\' && c != 0x7f; }

static void put_literal(struct sp_plan_text *text, struct sp_str s) {
  sp_plan_put(text, "\"");
  while (s.len && !text->full) {
    size_t plain = 0, len = 1;
    while (plain < s.len && is_plain((unsigned char)s.bytes[plain])) {
      len = character_length(sp_str_of(s.bytes + plain, s.len - plain));
      if (!len) break;
      plain += len;
    }
    put_bytes(text, s.bytes, plain);
    if (plain < s.len) put_escape(text, (unsigned char)s.bytes[plain++]);
    s = sp_str_of(s.bytes + plain, s.len - plain);
  }
  sp_plan_put(text, "\"");
}

/* Cuts the next piece off *rest: bytes that are no secret (secret -2), or a secret. */
static struct sp_import_mark next_piece(const struct sp_plan_text *text, struct sp_str *rest) {
  struct sp_import_mark piece;
  bool found = text->secrets && sp_import_secrets_next(text->secrets, *rest, &piece);
  if (!found)
    piece = (struct sp_import_mark){rest->bytes, rest->len, -2};
  else if (piece.at != rest->bytes)
    piece = (struct sp_import_mark){rest->bytes, (size_t)(piece.at - rest->bytes), -2};
  *rest = sp_str_of(rest->bytes + piece.len, rest->len - piece.len);
  return piece;
}

static size_t count_pieces(const struct sp_plan_text *text, struct sp_str bytes) {
  size_t count = 0;
  for (; bytes.len && count <= JOINED_MAX; count++) next_piece(text, &bytes);
  return count;
}

static void put_piece(struct sp_plan_text *text, struct sp_import_mark piece) {
  if (piece.secret >= 0)
    sp_plan_put(text, text->secrets->items[piece.secret].name);
  else
    put_literal(text, piece.secret == -1 ? SP_STR("***") : sp_str_of(piece.at, piece.len));
}

void sp_plan_put_string(struct sp_plan_text *text, struct sp_str bytes) {
  bool many = count_pieces(text, bytes) > JOINED_MAX;
  if (!bytes.len) sp_plan_put(text, "\"\"");
  if (many) sp_plan_put(text, "table.concat { ");
  for (bool first = true; bytes.len && !text->full; first = false) {
    if (!first) sp_plan_put(text, many ? ", " : " .. ");
    put_piece(text, next_piece(text, &bytes));
  }
  if (many) sp_plan_put(text, " }");
}

static bool is_identifier(struct sp_str name) {
  static const char *const words[] = {"and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
                                      "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
                                      "repeat",   "return", "then", "true", "until",  "while", NULL};
  if (!name.len || isdigit((unsigned char)name.bytes[0])) return false;
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = (unsigned char)name.bytes[i];
    if (c >= 0x80 || (!isalnum(c) && c != '_')) return false;
  }
  for (size_t i = 0; words[i]; i++) {
    if (sp_str_eq(name, sp_str_from(words[i]))) return false;
  }
  return true;
}

void sp_plan_put_key(struct sp_plan_text *text, struct sp_str name) {
  struct sp_import_mark mark;
  if (is_identifier(name) && !(text->secrets && sp_import_secrets_next(text->secrets, name, &mark))) {
    put_bytes(text, name.bytes, name.len);
    sp_plan_put(text, " = ");
    return;
  }
  sp_plan_put(text, "[");
  sp_plan_put_string(text, name);
  sp_plan_put(text, "] = ");
}

/* ---- JSON: can it be a table? ---- */

static size_t count_text(struct sp_str s, const char *wanted, size_t len) {
  size_t count = 0;
  for (const char *at = s.bytes, *end = s.bytes + s.len; s.len && (at = memmem(at, (size_t)(end - at), wanted, len));
       at += len)
    count++;
  return count;
}

/* An escaped lone surrogate has become U+FFFD: then there are more of them than were written. */
static bool string_fits(const struct sp_json *doc, int value, struct sp_buf *scratch) {
  struct sp_str raw = sp_json_raw(doc, value);
  if (!sp_plan_is_utf8(raw)) return false;
  if (!raw.len || !memmem(raw.bytes, raw.len, "\\u", 2)) return true;
  struct sp_str plain = sp_json_string(doc, value, scratch);
  size_t written = count_text(raw, "\xef\xbf\xbd", 3) + count_text(raw, "\\ufffd", 6) + count_text(raw, "\\uFFFD", 6);
  return count_text(plain, "\xef\xbf\xbd", 3) <= written;
}

static bool number_fits(const struct sp_json *doc, int value) {
  struct sp_str raw = sp_json_raw(doc, value);
  size_t digits = 0;
  bool whole = true;
  for (size_t i = 0; i < raw.len; i++) {
    char c = raw.bytes[i];
    if (c == 'e' || c == 'E') break;
    digits += isdigit((unsigned char)c) && (digits || c != '0');
    whole &= c != '.';
  }
  double number = sp_json_number(doc, value, NAN);
  if (!isfinite(number) || digits > DIGITS_EXACT) return false;
  return !whole || fabs(number) < INTEGER_MAX;
}

static bool children_fit(const struct sp_json *doc, int value, bool object, struct sp_buf *scratch,
                         struct sp_map *names) {
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    if (object) {
      if (!string_fits(doc, child, scratch)) return false;
      void **place = sp_map_put(names, sp_json_string(doc, child, scratch));
      if (*place) return false;
      *place = names;
    }
    if (!sp_plan_json_fits(doc, object ? child + 1 : child)) return false;
  }
  return true;
}

bool sp_plan_json_fits(const struct sp_json *doc, int value) {
  enum sp_json_kind kind = sp_json_kind(doc, value);
  struct sp_buf scratch;
  struct sp_map names;
  bool fits = true;
  sp_buf_init(&scratch, SP_JSON_TEXT_MAX);
  sp_map_init(&names);
  if (kind == SP_JSON_NUMBER) fits = number_fits(doc, value);
  if (kind == SP_JSON_STRING) fits = string_fits(doc, value, &scratch);
  if (kind == SP_JSON_OBJECT || kind == SP_JSON_ARRAY)
    fits = children_fit(doc, value, kind == SP_JSON_OBJECT, &scratch, &names);
  sp_map_fini(&names);
  sp_buf_fini(&scratch);
  return fits;
}

/* ---- JSON as a table ---- */

static bool is_container(enum sp_json_kind kind) { return kind == SP_JSON_OBJECT || kind == SP_JSON_ARRAY; }

/* Small, and nothing in it is a table with something in it. */
static bool fits_one_line(const struct sp_json *doc, int value) {
  bool object = sp_json_kind(doc, value) == SP_JSON_OBJECT;
  size_t width = 0;
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    int item = object ? child + 1 : child;
    if (is_container(sp_json_kind(doc, item)) && sp_json_size(doc, item)) return false;
    width += sp_json_raw(doc, item).len + (object ? sp_json_raw(doc, child).len + 5 : 4);
    if (width > LINE_MAX_BYTES) return false;
  }
  return true;
}

static void put_children(struct sp_plan_text *text, const struct sp_json *doc, int value, int indent) {
  bool object = sp_json_kind(doc, value) == SP_JSON_OBJECT, one_line = fits_one_line(doc, value), first = true;
  sp_plan_put(text, one_line ? "{ " : "{\n");
  for (int child = sp_json_first(doc, value); child >= 0 && !text->full; child = sp_json_next(doc, child)) {
    if (one_line && !first) sp_plan_put(text, ", ");
    if (!one_line) sp_plan_put_indent(text, indent + 1);
    if (object) sp_plan_put_key(text, sp_json_string(doc, child, &text->scratch));
    sp_plan_put_json(text, doc, object ? child + 1 : child, indent + 1);
    if (!one_line) sp_plan_put(text, ",\n");
    first = false;
  }
  if (!one_line) sp_plan_put_indent(text, indent);
  sp_plan_put(text, one_line ? " }" : "}");
}

/* A secret is marked by its raw bytes, which are not those of the unescaped string. */
static void put_json_string(struct sp_plan_text *text, const struct sp_json *doc, int value) {
  struct sp_import_mark mark;
  struct sp_str raw = sp_json_raw(doc, value);
  bool whole = raw.len && text->secrets && sp_import_secrets_next(text->secrets, raw, &mark) && mark.len == raw.len;
  if (whole)
    put_piece(text, mark);
  else
    sp_plan_put_string(text, sp_json_string(doc, value, &text->scratch));
}

void sp_plan_put_json(struct sp_plan_text *text, const struct sp_json *doc, int value, int indent) {
  struct sp_str raw = sp_json_raw(doc, value);
  switch (sp_json_kind(doc, value)) {
  case SP_JSON_ABSENT:
  case SP_JSON_NULL:
    sp_plan_put(text, "spate.json.null");
    break;
  case SP_JSON_BOOL:
  case SP_JSON_NUMBER:
    put_bytes(text, raw.bytes, raw.len);
    break;
  case SP_JSON_STRING:
    put_json_string(text, doc, value);
    break;
  case SP_JSON_ARRAY:
  case SP_JSON_OBJECT:
    if (sp_json_size(doc, value))
      put_children(text, doc, value, indent);
    else
      sp_plan_put(text, sp_json_kind(doc, value) == SP_JSON_ARRAY ? "spate.array {}" : "{}");
    break;
  }
}
