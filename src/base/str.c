#include "base/str.h"

#define SP_NEAREST_WORD_MAX 48 /* longer words get no suggestion */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

bool sp_str_ieq(struct sp_str a, struct sp_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (lower(a.bytes[i]) != lower(b.bytes[i])) return false;
  return true;
}

bool sp_str_starts(struct sp_str s, struct sp_str prefix) {
  return s.len >= prefix.len && sp_str_eq(sp_str_of(s.bytes, prefix.len), prefix);
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct sp_str sp_str_trim(struct sp_str s) {
  while (s.len && is_space(s.bytes[0])) s = sp_str_of(s.bytes + 1, s.len - 1);
  while (s.len && is_space(s.bytes[s.len - 1])) s.len--;
  return s;
}

struct sp_str sp_str_split(struct sp_str *rest, char separator) {
  struct sp_str s = *rest;
  const char *at = s.len ? memchr(s.bytes, separator, s.len) : NULL;
  if (!at) {
    *rest = sp_str_of(NULL, 0);
    return s;
  }
  size_t len = (size_t)(at - s.bytes);
  *rest = sp_str_of(at + 1, s.len - len - 1);
  return sp_str_of(s.bytes, len);
}

/* Length of the UTF-8 sequence at `s` (Unicode 15, table 3-7), 1 for a byte that begins none. */
static size_t sequence_length(const unsigned char *s, size_t len) {
  unsigned char lead = s[0], low = 0x80, high = 0xbf;
  size_t need = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  if (need == 1 || need > len) return 1;
  if (lead == 0xe0) low = 0xa0; /* overlong */
  if (lead == 0xed) high = 0x9f; /* surrogates */
  if (lead == 0xf0) low = 0x90; /* overlong */
  if (lead == 0xf4) high = 0x8f; /* past U+10FFFF */
  if (s[1] < low || s[1] > high) return 1;
  for (size_t i = 2; i < need; i++)
    if ((s[i] & 0xc0) != 0x80) return 1;
  return need;
}

size_t sp_utf8_count(struct sp_str s) {
  const unsigned char *bytes = (const unsigned char *)s.bytes;
  size_t count = 0;
  for (size_t i = 0; i < s.len; count++) i += bytes[i] < 0x80 ? 1 : sequence_length(bytes + i, s.len - i);
  return count;
}

static const char *next_char(const char *text) {
  return text + sequence_length((const unsigned char *)text, strnlen(text, 4));
}

bool sp_str_matches(const char *pattern, const char *text) {
  const char *star = NULL, *retry = NULL; /* behind the last '*', and the text it has not swallowed yet */
  while (*text) {
    if (*pattern == '*') {
      star = ++pattern;
      retry = text;
    } else if (*pattern == '?') {
      pattern++;
      text = next_char(text);
    } else if (*pattern && *pattern == *text) {
      pattern++;
      text++;
    } else if (star) {
      pattern = star;
      text = retry = next_char(retry);
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Edits between two words: insert, delete, replace, swap neighbours (optimal string alignment). */
static unsigned edit_distance(const char *a, const char *b) {
  unsigned rows[3][SP_NEAREST_WORD_MAX + 1];
  unsigned *two_up = rows[0], *up = rows[1], *row = rows[2];
  unsigned b_len = (unsigned)strlen(b);
  for (unsigned j = 0; j <= b_len; j++) up[j] = j;
  for (unsigned i = 1; a[i - 1]; i++) {
    row[0] = i;
    for (unsigned j = 1; j <= b_len; j++) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) row[j] = least(row[j], two_up[j - 2] + 1);
    }
    unsigned *spare = two_up;
    two_up = up;
    up = row;
    row = spare;
  }
  return up[b_len];
}

/* An edit in each three letters is near; the beginning of a longer word ("cap") as well. */
static bool is_near(const char *word, const char *candidate, unsigned *out_distance) {
  size_t len = strlen(word), other_len = strlen(candidate);
  if (other_len > SP_NEAREST_WORD_MAX) return false;
  unsigned limit = len < 6 ? least((unsigned)len - 1, len < 4 ? 1 : 2) : 3;
  unsigned distance = edit_distance(word, candidate);
  bool begins = len >= 3 && other_len > len && sp_str_ieq(sp_str_of(candidate, len), sp_str_of(word, len));
  *out_distance = begins ? least(distance, limit) : distance;
  return *out_distance <= limit && *out_distance < other_len;
}

const char *sp_str_nearest(const char *word, const char *(*next)(const void *table, size_t i), const void *table) {
  size_t len = strlen(word);
  if (len == 0 || len > SP_NEAREST_WORD_MAX) return NULL;
  const char *nearest = NULL, *candidate;
  unsigned nearest_distance = 0;
  for (size_t i = 0; (candidate = next(table, i)) != NULL; i++) {
    unsigned distance;
    if (!is_near(word, candidate, &distance)) continue;
    if (nearest && distance >= nearest_distance) continue;
    nearest = candidate;
    nearest_distance = distance;
  }
  return nearest;
}
