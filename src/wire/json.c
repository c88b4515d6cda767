#include "wire/json.h"

#include "base/mem.h"
#include "wire/json_text.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define FIRST_TOKENS 64
#define NUMBER_TEXT_MAX 320 /* bytes of a number that is read; 309 digits are the largest double */

/* A value, or the key of a member, in the order of the text: a container's first child is the token behind it, and so
 * is the value of a key. */
struct sp_json_token {
  uint32_t start, end; /* in the text; a string's without its quotes */
  uint32_t next;       /* the next sibling; 0 for the last one, and for a member's value */
  uint32_t kind : 3;   /* enum sp_json_kind */
  uint32_t escaped : 1; /* a string with a backslash in it */
  uint32_t size : 28;  /* children of a container; in an object only the keys count */
};

_Static_assert(sizeof(struct sp_json_token) == 16, "four tokens a cache line");
_Static_assert(SP_JSON_TOKENS_MAX < 1u << 28 && SP_JSON_TEXT_MAX < UINT32_MAX, "a token's fields hold any");

/* ---- scanning: one pass by the grammar of RFC 8259 and the caps here, which writes the tokens as it goes ---- */

struct level { /* an open container */
  int container, child; /* tokens; the child under way */
  char close;
};

struct scan {
  const char *start, *at, *end;
  struct sp_json *doc;
  struct level *levels;
  int depth;
  int code;
  struct sp_err *err;
};

__attribute__((noinline, cold)) static bool unexpected(struct scan *scan) {
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

__attribute__((noinline)) static bool make_room(struct scan *scan) {
  struct sp_json *doc = scan->doc;
  if (doc->count == (int)SP_JSON_TOKENS_MAX) {
    scan->code = sp_fail(scan->err, SP_ELIMIT, "JSON has more than %u tokens (SP_JSON_TOKENS_MAX)", SP_JSON_TOKENS_MAX);
    return false;
  }
  doc->cap = doc->cap ? doc->cap * 2 : FIRST_TOKENS;
  doc->tokens = sp_realloc(doc->tokens, (size_t)doc->cap * sizeof(*doc->tokens));
  return true;
}

/* A token that starts at `start`; NULL at the cap. Valid until the next one is added. */
static inline struct sp_json_token *add_token(struct scan *scan, enum sp_json_kind kind, const char *start) {
  struct sp_json *doc = scan->doc;
  if (doc->count == doc->cap && !make_room(scan)) return NULL;
  struct sp_json_token *token = &doc->tokens[doc->count++];
  *token = (struct sp_json_token){.start = (uint32_t)(start - scan->start), .kind = (unsigned)kind & 7u};
  return token;
}

static void end_token(const struct scan *scan, struct sp_json_token *token) {
  token->end = (uint32_t)(scan->at - scan->start);
}

static inline char peek(const struct scan *scan) { return scan->at < scan->end ? *scan->at : '\0'; }

static inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static inline void skip_space(struct scan *scan) {
  if (scan->at < scan->end && *scan->at > ' ') return; /* compact JSON has none: most calls end here */
  while (scan->at < scan->end && is_space(*scan->at)) scan->at++;
}

static inline bool is_plain(char c) { return (unsigned char)c >= 0x20 && c != '"' && c != '\\'; }

/* Past the bytes that mean nothing in a string, many at a time: none of them is a quote, a backslash or below 0x20. */
#ifdef __SSE2__
static inline const char *skip_plain(const char *at, const char *end) {
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    unsigned mask = (unsigned)_mm_movemask_epi8(hits);
    if (mask) return at + __builtin_ctz(mask);
  }
  while (at < end && is_plain(*at)) at++;
  return at;
}
#else
/* (S. E. Anderson, "Bit Twiddling Hacks": hasless, haszero; the lowest byte that they mark is a true one.) */
static inline const char *skip_plain(const char *at, const char *end) {
  const uint64_t ones = UINT64_MAX / 255;
  for (uint64_t w; end - at >= 8; at += 8) {
    memcpy(&w, at, 8);
    w = le64toh(w);
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
    uint64_t hit = (w - ones * 0x20) & ~w;
    hit |= (quote - ones) & ~quote;
    hit |= (backslash - ones) & ~backslash;
    hit &= ones * 0x80;
    if (hit) return at + __builtin_ctzll(hit) / 8;
  }
  while (at < end && is_plain(*at)) at++;
  return at;
}
#endif

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

static inline bool scan_string(struct scan *scan) {
  struct sp_json_token *token = add_token(scan, SP_JSON_STRING, ++scan->at);
  if (!token) return false;
  for (;;) {
    scan->at = skip_plain(scan->at, scan->end);
    char c = peek(scan);
    if (c == '"') break;
    if (c != '\\') return unexpected(scan);
    if (!scan_escape(scan)) return false;
    token->escaped = 1;
  }
  end_token(scan, token);
  scan->at++;
  return true;
}

static bool scan_digits(struct scan *scan) {
  if (!is_digit(peek(scan))) return unexpected(scan);
  while (is_digit(peek(scan))) scan->at++;
  return true;
}

static bool scan_fraction(struct scan *scan) {
  if (peek(scan) == '.') {
    scan->at++;
    if (!scan_digits(scan)) return false;
  }
  if ((peek(scan) | 0x20) != 'e') return true;
  scan->at++;
  if (peek(scan) == '+' || peek(scan) == '-') scan->at++;
  return scan_digits(scan);
}

static bool scan_number(struct scan *scan) {
  struct sp_json_token *token = add_token(scan, SP_JSON_NUMBER, scan->at);
  if (!token) return false;
  if (peek(scan) == '-') scan->at++;
  if (peek(scan) == '0') {
    scan->at++;
  } else if (!scan_digits(scan)) {
    return false;
  }
  if (!scan_fraction(scan)) return false;
  end_token(scan, token);
  return true;
}

static bool scan_word(struct scan *scan, enum sp_json_kind kind, struct sp_str word) {
  struct sp_json_token *token = add_token(scan, kind, scan->at);
  if (!token) return false;
  for (size_t i = 0; i < word.len; i++, scan->at++) {
    if (peek(scan) != word.bytes[i]) return unexpected(scan);
  }
  end_token(scan, token);
  return true;
}

static bool scan_scalar(struct scan *scan) {
  switch (peek(scan)) {
  case '"':
    return scan_string(scan);
  case 't':
    return scan_word(scan, SP_JSON_BOOL, SP_STR("true"));
  case 'f':
    return scan_word(scan, SP_JSON_BOOL, SP_STR("false"));
  case 'n':
    return scan_word(scan, SP_JSON_NULL, SP_STR("null"));
  default:
    return scan_number(scan);
  }
}

static struct level *innermost(const struct scan *scan) { return &scan->levels[scan->depth - 1]; }

static bool in_object(const struct scan *scan) { return innermost(scan)->close == '}'; }

static inline void put_string(struct sp_json_token *token, const struct scan *scan, const char *start, const char *end,
                              int next) {
  *token = (struct sp_json_token){.start = (uint32_t)(start - scan->start), .end = (uint32_t)(end - scan->start),
                                  .next = (uint32_t)next, .kind = SP_JSON_STRING};
}

/* Most of what machines write is `"key":"text",` without a space or a backslash, member after member: those are taken in
 * one loop that touches nothing but them. Stops in front of the first key that is followed by anything else; that one
 * is the child under way. */
static inline void scan_plain_members(struct scan *scan) {
  struct sp_json *doc = scan->doc;
  struct level *level = innermost(scan);
  const char *at = scan->at, *end = scan->end;
  struct sp_json_token *tokens = doc->tokens;
  int count = doc->count;
  while (doc->cap - count > 2 && at < end && *at == '"') {
    const char *key_end = skip_plain(at + 1, end);
    if (end - key_end < 3 || key_end[0] != '"' || key_end[1] != ':' || key_end[2] != '"') break;
    const char *text = key_end + 3, *text_end = skip_plain(text, end);
    if (end - text_end < 2 || text_end[0] != '"' || text_end[1] != ',') break;
    put_string(&tokens[count], scan, at + 1, key_end, count + 2);
    put_string(&tokens[count + 1], scan, text, text_end, 0);
    count += 2;
    at = text_end + 2;
  }
  for (int pairs = (count - doc->count) / 2; pairs > 0; pairs--) tokens[level->container].size++;
  level->child = doc->count = count;
  scan->at = at;
}

static bool scan_key(struct scan *scan) {
  scan_plain_members(scan);
  skip_space(scan);
  if (peek(scan) != '"') return unexpected(scan);
  if (!scan_string(scan)) return false;
  skip_space(scan);
  if (peek(scan) != ':') return unexpected(scan);
  scan->at++;
  return true;
}

static bool scan_open(struct scan *scan, bool object) {
  if (scan->depth == SP_JSON_DEPTH_MAX) {
    scan->code = sp_fail(scan->err, SP_ELIMIT, "JSON is nested over the limit of %d levels (SP_JSON_DEPTH_MAX)",
                         SP_JSON_DEPTH_MAX);
    return false;
  }
  if (!add_token(scan, object ? SP_JSON_OBJECT : SP_JSON_ARRAY, scan->at)) return false;
  scan->at++;
  int container = scan->doc->count - 1;
  scan->levels[scan->depth++] = (struct level){container, container + 1, object ? '}' : ']'};
  return true;
}

static void scan_close(struct scan *scan) {
  scan->at++;
  end_token(scan, &scan->doc->tokens[innermost(scan)->container]);
  scan->depth--;
}

/* The token that is added next is another child of the innermost container. */
static void next_child(struct scan *scan) {
  struct level *level = innermost(scan);
  struct sp_json_token *tokens = scan->doc->tokens;
  tokens[level->container].size++;
  tokens[level->child].next = (uint32_t)scan->doc->count;
  level->child = scan->doc->count;
}

/* Behind a value: closes what ends here. True when a comma says that another value comes; false at the end or on a
 * failure. */
static bool scan_more(struct scan *scan) {
  for (; scan->depth; scan_close(scan)) {
    skip_space(scan);
    if (peek(scan) == innermost(scan)->close) continue;
    if (peek(scan) != ',') return unexpected(scan);
    scan->at++;
    next_child(scan);
    return !in_object(scan) || scan_key(scan);
  }
  return false;
}

/* One value, containers only opened: the loop is in scan_text(). True where a value has to follow at once. */
static bool scan_value(struct scan *scan, bool *opened) {
  skip_space(scan);
  *opened = false;
  char c = peek(scan);
  if (c != '{' && c != '[') return scan_scalar(scan);
  if (!scan_open(scan, c == '{')) return false;
  skip_space(scan);
  if (peek(scan) == innermost(scan)->close) {
    scan_close(scan);
    return true;
  }
  *opened = true;
  scan->doc->tokens[innermost(scan)->container].size = 1;
  return !in_object(scan) || scan_key(scan);
}

static int scan_text(struct scan *scan) {
  bool opened;
  do {
    if (!scan_value(scan, &opened)) return scan->code;
  } while (opened || scan_more(scan));
  skip_space(scan);
  if (scan->code == SP_OK && scan->at < scan->end) unexpected(scan);
  return scan->code;
}

/* ---- the document ---- */

static const struct sp_json_token *token_at(const struct sp_json *doc, int value) {
  return value >= 0 && value < doc->count ? &doc->tokens[value] : NULL;
}

void sp_json_init(struct sp_json *doc) { *doc = (struct sp_json){.count = 0}; }

void sp_json_fini(struct sp_json *doc) {
  free(doc->tokens);
  sp_json_init(doc);
}

int sp_json_parse(struct sp_json *doc, struct sp_str text, struct sp_err *err) {
  struct level levels[SP_JSON_DEPTH_MAX];
  doc->text = text;
  doc->count = 0;
  if (text.len > SP_JSON_TEXT_MAX) {
    return sp_fail(err, SP_ELIMIT, "JSON of %zu bytes is over the limit of %u (SP_JSON_TEXT_MAX)", text.len,
                   SP_JSON_TEXT_MAX);
  }
  if (!text.len) return sp_fail(err, SP_EPARSE, "no JSON: it is empty");
  const char *start = text.bytes;
  struct scan scan = {.start = start, .at = start, .end = start + text.len, .doc = doc, .levels = levels, .err = err};
  int code = scan_text(&scan);
  if (code < 0) doc->count = 0;
  return code;
}

/* ---- looking up ---- */

enum sp_json_kind sp_json_kind(const struct sp_json *doc, int value) {
  const struct sp_json_token *token = token_at(doc, value);
  return token ? (enum sp_json_kind)token->kind : SP_JSON_ABSENT;
}

int sp_json_size(const struct sp_json *doc, int value) {
  const struct sp_json_token *token = token_at(doc, value);
  return token ? (int)token->size : 0;
}

int sp_json_first(const struct sp_json *doc, int value) { return sp_json_size(doc, value) > 0 ? value + 1 : -1; }

int sp_json_next(const struct sp_json *doc, int child) {
  const struct sp_json_token *token = token_at(doc, child);
  return token && token->next ? (int)token->next : -1;
}

static struct sp_str text_of(const struct sp_json *doc, const struct sp_json_token *token) {
  return sp_str_of(doc->text.bytes + token->start, token->end - token->start);
}

/* An escape means something shorter than it is. */
static bool string_is(const struct sp_json *doc, const struct sp_json_token *token, struct sp_str plain) {
  struct sp_str raw = text_of(doc, token);
  if (!token->escaped) return sp_str_eq(raw, plain);
  return raw.len > plain.len && sp_json_escaped_equals(raw, plain);
}

int sp_json_get(const struct sp_json *doc, int object, const char *key) {
  struct sp_str wanted = sp_str_from(key);
  if (sp_json_kind(doc, object) != SP_JSON_OBJECT) return -1;
  for (int child = sp_json_first(doc, object); child >= 0; child = sp_json_next(doc, child)) {
    if (string_is(doc, &doc->tokens[child], wanted)) return child + 1;
  }
  return -1;
}

struct sp_str sp_json_raw(const struct sp_json *doc, int value) {
  const struct sp_json_token *token = token_at(doc, value);
  return token ? text_of(doc, token) : sp_str_of(NULL, 0);
}

struct sp_str sp_json_string(const struct sp_json *doc, int value, struct sp_buf *scratch) {
  const struct sp_json_token *token = token_at(doc, value);
  if (!token || token->kind != SP_JSON_STRING) return sp_str_of(NULL, 0);
  return token->escaped ? sp_json_unescape(text_of(doc, token), scratch) : text_of(doc, token);
}

bool sp_json_is(const struct sp_json *doc, int value, const char *text) {
  const struct sp_json_token *token = token_at(doc, value);
  return token && token->kind == SP_JSON_STRING && !token->escaped && sp_str_eq(text_of(doc, token), sp_str_from(text));
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
