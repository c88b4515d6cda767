/*
 * A borrowed slice of bytes, not terminated. It lives as long as what it points into.
 * All comparisons are of bytes; "ignoring case" means ASCII only.
 */
#ifndef SP_BASE_STR_H
#define SP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sp_str {
  const char *bytes; /* may be NULL where len is 0 */
  size_t len;
};

#define SP_STR(literal) ((struct sp_str){ "" literal, sizeof(literal) - 1 })
#define SP_STR_FMT "%.*s"
#define SP_STR_ARG(s) (int)(s).len, (s).bytes ? (s).bytes : ""

static inline struct sp_str sp_str_from(const char *text) { /* NULL gives the empty slice */
  struct sp_str s = { text, text ? strlen(text) : 0 };
  return s;
}

static inline struct sp_str sp_str_of(const char *bytes, size_t len) {
  struct sp_str s = { bytes, len };
  return s;
}

static inline bool sp_str_eq(struct sp_str a, struct sp_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

bool sp_str_ieq(struct sp_str a, struct sp_str b); /* ignoring case */
bool sp_str_starts(struct sp_str s, struct sp_str prefix);
struct sp_str sp_str_trim(struct sp_str s); /* spaces, tabs, CR, LF at both ends */

/* Cuts *rest at the first `separator`: returns what stood before it; *rest becomes what is behind it
 * (empty with NULL bytes when there was none). */
struct sp_str sp_str_split(struct sp_str *rest, char separator);

/* Shell-like pattern of `*` and `?` (one UTF-8 character) against the whole text. */
bool sp_str_matches(const char *pattern, const char *text);

/* The candidate nearest to `word` for "did you mean …", or NULL when none is near.
 * `next` returns candidate i or NULL at the end. */
const char *sp_str_nearest(const char *word, const char *(*next)(const void *table, size_t i), const void *table);

/* Number of Unicode characters in valid UTF-8; stray bytes count one each. */
size_t sp_utf8_count(struct sp_str s);

#endif
