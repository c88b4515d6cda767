#include "wire/json.h"

#include "base/mem.h"
#include "wire/json_text.h"

#include <math.h>
#include <stdlib.h>

/* jsmn takes much that is no JSON ({"a" "b"}, [1 2], 1x), needs a token array of the right size, and walks up the
 * open containers at each bracket. So scan() goes over the text first, by the grammar of RFC 8259 and the caps here;
 * what it lets pass jsmn splits in linear time and without a second try. */
#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#define FIRST_TOKENS 64
#define NUMBER_TEXT_MAX 320 /* bytes of a number that is read; 309 digits are the largest double */

/* ---- scanning: is it JSON, and how many tokens has it? ---- */

struct scan {
  const char *start, *at, *end;
  int tokens, depth;
  uint64_t objects; /* a bit for each open container, the innermost lowest: 1 = object */
  int code;
  struct sp_err *err;
};

_Static_assert(SP_JSON_DEPTH_MAX <= 64, "struct scan keeps the open containers in 64 bits");

static bool unexpected(struct scan *scan) {
  size_t offset = (size_t)(scan->at - scan->start);
  unsigned char c = scan->at < scan->end ? (unsigned char)*scan->at : 0;
  if (scan->at == scan->end) {
    scan->code = sp_fail(scan->err, SP_EPARSE, "no JSON: it ends too early, at byte %zu", offset);
  } else if (c > ' ' && c < 0x7f) {
    scan->code = sp_fail(scan->err, SP_EPARSE, "no JSON: unexpected '%c' at byte %zu", c, offset);
  } else {
    scan->code = sp_fail(scan->err, SP_EPARSE, "no JSON: unexpected byte 0x%02x at byte %zu", c, offset);
  }
  return false;
}

static char peek(const struct scan *scan) { return scan->at < scan->end ? *scan->at : '\0'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static void skip_space(struct scan *scan) {
  while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
    scan->at++;
  }
}

/* Past the bytes that mean nothing in a string, eight at a time: none of them is a quote, a backslash or below 0x20
 * (S. E. Anderson, "Bit Twiddling Hacks": hasless, haszero). */
static const char *skip_plain(const char *at, const char *end) {
  const uint64_t ones = UINT64_MAX / 255;
  for (uint64_t w; end - at >= 8; at += 8) {
    memcpy(&w, at, 8);
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
    uint64_t hit = (w - ones * 0x20) & ~w;
    hit |= (quote - ones) & ~quote;
    hit |= (backslash - ones) & ~backslash;
    if (hit & (ones * 0x80)) break;
  }
  while (at < end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\') at++;
  return at;
}

static bool scan_escape(struct scan *scan) {
  scan->at++;
  char c = peek(scan);
  if (!c || !strchr("\"\\/bfnrtu", c)) return unexpected(scan);
  scan->at++;
  for (int i = 0; c == 'u' && i < 4; i++, scan->at++) {
    if (!is_hex(peek(scan))) return unexpected(scan);
  }
  return true;
}

static bool scan_string(struct scan *scan) {
  scan->at++;
  for (;;) {
    scan->at = skip_plain(scan->at, scan->end);
    char c = peek(scan);
    if (c == '"') break;
    if (c != '\\') return unexpected(scan);
    if (!scan_escape(scan)) return false;
  }
  scan->at++;
  scan->tokens++;
  return true;
}

static bool scan_digits(struct scan *scan) {
  if (!is_digit(peek(scan))) return unexpected(scan);
  while (is_digit(peek(scan))) scan->at++;
  return true;
}

static bool scan_number(struct scan *scan) {
  if (peek(scan) == '-') scan->at++;
  if (peek(scan) == '0') {
    scan->at++;
  } else if (!scan_digits(scan)) {
    return false;
  }
  if (peek(scan) == '.') {
    scan->at++;
    if (!scan_digits(scan)) return false;
  }
  if ((peek(scan) | 0x20) == 'e') {
    scan->at++;
    if (peek(scan) == '+' || peek(scan) == '-') scan->at++;
    if (!scan_digits(scan)) return false;
  }
  scan->tokens++;
  return true;
}

static bool scan_word(struct scan *scan, struct sp_str word) {
  for (size_t i = 0; i < word.len; i++, scan->at++) {
    if (peek(scan) != word.bytes[i]) return unexpected(scan);
  }
  scan->tokens++;
  return true;
}

static bool scan_scalar(struct scan *scan) {
  switch (peek(scan)) {
  case '"':
    return scan_string(scan);
  case 't':
    return scan_word(scan, SP_STR("true"));
  case 'f':
    return scan_word(scan, SP_STR("false"));
  case 'n':
    return scan_word(scan, SP_STR("null"));
  default:
    return scan_number(scan);
  }
}

static bool scan_key(struct scan *scan) {
  skip_space(scan);
  if (peek(scan) != '"') return unexpected(scan);
  if (!scan_string(scan)) return false;
  skip_space(scan);
  if (peek(scan) != ':') return unexpected(scan);
  scan->at++;
  return true;
}

static bool scan_open(struct scan *scan) {
  if (scan->depth == SP_JSON_DEPTH_MAX) {
    scan->code = sp_fail(scan->err, SP_ELIMIT, "JSON is nested over the limit of %d levels (SP_JSON_DEPTH_MAX)",
                         SP_JSON_DEPTH_MAX);
    return false;
  }
  scan->objects = scan->objects << 1 | (*scan->at == '{');
  scan->depth++;
  scan->tokens++;
  scan->at++;
  return true;
}

static bool is_close(const struct scan *scan) { return peek(scan) == (scan->objects & 1 ? '}' : ']'); }

static void scan_close(struct scan *scan) {
  scan->at++;
  scan->depth--;
  scan->objects >>= 1;
}

/* Behind a value: closes what ends here. True when a comma says that another value comes; false at the end or on a
 * failure. */
static bool scan_more(struct scan *scan) {
  for (; scan->depth; scan_close(scan)) {
    skip_space(scan);
    if (is_close(scan)) continue;
    if (peek(scan) != ',') return unexpected(scan);
    scan->at++;
    return !(scan->objects & 1) || scan_key(scan);
  }
  return false;
}

/* One value, containers only opened: the loop is in scan_text(). True where a value has to follow at once. */
static bool scan_value(struct scan *scan, bool *opened) {
  skip_space(scan);
  *opened = false;
  if (peek(scan) != '{' && peek(scan) != '[') return scan_scalar(scan);
  if (!scan_open(scan)) return false;
  skip_space(scan);
  if (is_close(scan)) {
    scan_close(scan);
    return true;
  }
  *opened = true;
  return !(scan->objects & 1) || scan_key(scan);
}

static int scan_text(struct scan *scan) {
  bool opened;
  do {
    if (!scan_value(scan, &opened)) return scan->code;
    if (scan->tokens > (int)SP_JSON_TOKENS_MAX) {
      return sp_fail(scan->err, SP_ELIMIT, "JSON has more than %u tokens (SP_JSON_TOKENS_MAX)", SP_JSON_TOKENS_MAX);
    }
  } while (opened || scan_more(scan));
  skip_space(scan);
  if (scan->code == SP_OK && scan->at < scan->end) unexpected(scan);
  return scan->code;
}

/* ---- the document ---- */

static const jsmntok_t *token_at(const struct sp_json *doc, int value) {
  const jsmntok_t *tokens = doc->tokens;
  return value >= 0 && value < doc->count ? &tokens[value] : NULL;
}

void sp_json_init(struct sp_json *doc) { *doc = (struct sp_json){.count = 0}; }

void sp_json_fini(struct sp_json *doc) {
  free(doc->tokens);
  sp_json_init(doc);
}

static void reserve_tokens(struct sp_json *doc, int needed) {
  int cap = doc->cap ? doc->cap : FIRST_TOKENS;
  if (needed <= doc->cap) return;
  while (cap < needed) cap *= 2;
  free(doc->tokens);
  doc->tokens = sp_alloc_array((size_t)cap, sizeof(jsmntok_t));
  doc->cap = cap;
}

static bool is_container(const jsmntok_t *token) { return token->type == JSMN_OBJECT || token->type == JSMN_ARRAY; }

/* In strict mode jsmn knows no number, true, false or null that stands alone. */
static int take_lone_primitive(struct sp_json *doc) {
  jsmntok_t *token = doc->tokens;
  const char *bytes = doc->text.bytes;
  struct sp_str trimmed = sp_str_trim(doc->text);
  int start = (int)(trimmed.bytes - bytes);
  *token = (jsmntok_t){.type = JSMN_PRIMITIVE, .start = start, .end = start + (int)trimmed.len, .parent = -1};
  return 1;
}

static int split_text(struct sp_json *doc) {
  char first = sp_str_trim(doc->text).bytes[0];
  jsmn_parser parser;
  if (first != '{' && first != '[' && first != '"') return take_lone_primitive(doc);
  jsmn_init(&parser);
  return jsmn_parse(&parser, doc->text.bytes, doc->text.len, doc->tokens, (unsigned)doc->cap);
}

int sp_json_parse(struct sp_json *doc, struct sp_str text, struct sp_err *err) {
  doc->text = text;
  doc->count = 0;
  if (text.len > SP_JSON_TEXT_MAX) {
    return sp_fail(err, SP_ELIMIT, "JSON of %zu bytes is over the limit of %u (SP_JSON_TEXT_MAX)", text.len,
                   SP_JSON_TEXT_MAX);
  }
  if (!text.len) return sp_fail(err, SP_EPARSE, "no JSON: it is empty");
  struct scan scan = {.start = text.bytes, .at = text.bytes, .end = text.bytes + text.len, .err = err};
  int code = scan_text(&scan);
  if (code < 0) return code;
  reserve_tokens(doc, scan.tokens);
  int count = split_text(doc);
  if (count != scan.tokens) return sp_fail(err, SP_EPARSE, "no JSON: the readers disagree (a bug of spate)");
  doc->count = count;
  return SP_OK;
}

/* ---- looking up ---- */

enum sp_json_kind sp_json_kind(const struct sp_json *doc, int value) {
  const jsmntok_t *token = token_at(doc, value);
  if (!token) return SP_JSON_ABSENT;
  if (token->type == JSMN_OBJECT) return SP_JSON_OBJECT;
  if (token->type == JSMN_ARRAY) return SP_JSON_ARRAY;
  if (token->type == JSMN_STRING) return SP_JSON_STRING;
  switch (doc->text.bytes[token->start]) {
  case 'n':
    return SP_JSON_NULL;
  case 't':
  case 'f':
    return SP_JSON_BOOL;
  default:
    return SP_JSON_NUMBER;
  }
}

int sp_json_size(const struct sp_json *doc, int value) {
  const jsmntok_t *token = token_at(doc, value);
  return token && is_container(token) ? token->size : 0;
}

int sp_json_first(const struct sp_json *doc, int value) { return sp_json_size(doc, value) > 0 ? value + 1 : -1; }

int sp_json_next(const struct sp_json *doc, int child) {
  const jsmntok_t *tokens = doc->tokens, *token = token_at(doc, child);
  if (!token || token->parent < 0) return -1;
  bool is_key = tokens[token->parent].type == JSMN_OBJECT;
  int end = is_key ? tokens[child + 1].end : token->end;
  int next = child + (is_key ? 2 : 1);
  while (next < doc->count && tokens[next].start < end) next++;
  return next < doc->count && tokens[next].parent == token->parent ? next : -1;
}

/* True where the raw text means `plain` and has no escape: one that has means something shorter than it is. */
static bool means_itself(struct sp_str raw, struct sp_str plain) {
  return sp_str_eq(raw, plain) && !(raw.len && memchr(raw.bytes, '\\', raw.len));
}

static bool key_is(const struct sp_json *doc, const jsmntok_t *token, struct sp_str key) {
  struct sp_str raw = sp_str_of(doc->text.bytes + token->start, (size_t)(token->end - token->start));
  if (raw.len <= key.len) return means_itself(raw, key);
  return memchr(raw.bytes, '\\', raw.len) && sp_json_escaped_equals(raw, key);
}

int sp_json_get(const struct sp_json *doc, int object, const char *key) {
  const jsmntok_t *tokens = doc->tokens;
  struct sp_str wanted = sp_str_from(key);
  if (sp_json_kind(doc, object) != SP_JSON_OBJECT) return -1;
  for (int child = sp_json_first(doc, object); child >= 0; child = sp_json_next(doc, child)) {
    if (key_is(doc, &tokens[child], wanted)) return child + 1;
  }
  return -1;
}

struct sp_str sp_json_raw(const struct sp_json *doc, int value) {
  const jsmntok_t *token = token_at(doc, value);
  if (!token) return sp_str_of(NULL, 0);
  return sp_str_of(doc->text.bytes + token->start, (size_t)(token->end - token->start));
}

bool sp_json_is(const struct sp_json *doc, int value, const char *text) {
  const jsmntok_t *token = token_at(doc, value);
  return token && token->type == JSMN_STRING && means_itself(sp_json_raw(doc, value), sp_str_from(text));
}

bool sp_json_bool(const struct sp_json *doc, int value, bool otherwise) {
  if (sp_json_kind(doc, value) != SP_JSON_BOOL) return otherwise;
  return sp_json_raw(doc, value).bytes[0] == 't';
}

/* Digits only, few enough to be exact: most numbers of a stream. */
static bool small_integer(struct sp_str raw, double *out) {
  int64_t n = 0;
  bool negative = raw.bytes[0] == '-';
  if (raw.len > 15) return false;
  for (size_t i = negative; i < raw.len; i++) {
    if (!is_digit(raw.bytes[i])) return false;
    n = n * 10 + (raw.bytes[i] - '0');
  }
  *out = (double)(negative ? -n : n);
  return true;
}

double sp_json_number(const struct sp_json *doc, int value, double otherwise) {
  char text[NUMBER_TEXT_MAX + 1];
  double number;
  if (sp_json_kind(doc, value) != SP_JSON_NUMBER) return otherwise;
  struct sp_str raw = sp_json_raw(doc, value);
  if (small_integer(raw, &number)) return number;
  if (raw.len > NUMBER_TEXT_MAX) return otherwise;
  memcpy(text, raw.bytes, raw.len);
  text[raw.len] = '\0';
  number = strtod(text, NULL);
  return isfinite(number) ? number : otherwise;
}
