/*
 * Values without their secrets. By the key's name all of it goes; inside of a value it is what stands before an '@' in a URL
 * or address, and everything behind a word that names a secret (PASSWORD=…, "token": …, --requirepass …, Bearer …).
 * Rather too much is hidden than too little.
 */
#include "base/secret.h"
#include "cli/snapshot.h"

#include <ctype.h>

#define HIDDEN "***"

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.'; }

static struct sp_str from(struct sp_str text, size_t at) { return sp_str_of(text.bytes + at, text.len - at); }

/* Behind a word: past quotes and spaces the character that says a value follows; 0 where none does. */
static size_t value_at(struct sp_str text, size_t at, bool is_flag) {
  size_t begin = at;
  while (at < text.len && strchr("\"' \t\\", text.bytes[at])) at++;
  if (at < text.len && strchr("=:", text.bytes[at]) && !sp_str_starts(from(text, at), SP_STR("://"))) return at + 1;
  return is_flag && at > begin && at < text.len ? at : 0;
}

static bool is_scheme(struct sp_str word) {
  return sp_str_ieq(word, SP_STR("bearer")) || sp_str_ieq(word, SP_STR("basic")) || sp_str_ieq(word, SP_STR("identified"));
}

/* Where a secret begins that a word before it names; text.len: nowhere. */
static size_t named_secret(struct sp_str text) {
  for (size_t at = 0; at < text.len;) {
    size_t end = at;
    while (end < text.len && is_word(text.bytes[end])) end++;
    struct sp_str word = sp_str_of(text.bytes + at, end - at);
    bool flag = word.len > 1 && word.bytes[0] == '-';
    if (word.len > 0 && (is_scheme(word) || sp_name_is_secret(word, SP_NAME_SHOWN))) {
      size_t value = value_at(text, end, flag || is_scheme(word));
      if (value) return value;
    }
    at = end + 1;
  }
  return text.len;
}

/* "user:password@" and "//user@": the '@' whose run of characters before it has a ':'. An image's digest is none. */
static bool is_credential(struct sp_str text, size_t at, size_t *begin) {
  size_t start = at;
  while (start > 0 && !strchr(" \t/,;\"'=", text.bytes[start - 1])) start--;
  bool in_url = start >= 3 && memcmp(text.bytes + start - 3, "://", 3) == 0;
  bool has_colon = memchr(text.bytes + start, ':', at - start) != NULL;
  *begin = start;
  return (in_url || has_colon) && at > start && !sp_str_starts(from(text, at + 1), SP_STR("sha256:"));
}

static void put_without_users(struct sp_str text, struct sp_buf *out) {
  size_t done = 0;
  for (size_t at = 0; at < text.len; at++) {
    size_t begin;
    if (text.bytes[at] != '@' || !is_credential(text, at, &begin) || begin < done) continue;
    sp_buf_append_str(out, sp_str_of(text.bytes + done, begin - done));
    sp_buf_append_text(out, HIDDEN);
    done = at;
  }
  sp_buf_append_str(out, from(text, done));
}

void sp_value_redact(struct sp_str key, struct sp_str value, struct sp_buf *out) {
  bool is_pem = memmem(value.bytes ? value.bytes : "", value.len, "PRIVATE KEY", 11) != NULL;
  if (value.len > 0 && (is_pem || sp_name_is_secret(key, SP_NAME_SHOWN))) {
    sp_buf_append_text(out, HIDDEN);
    return;
  }
  size_t plain = named_secret(value);
  put_without_users(sp_str_of(value.bytes, plain), out);
  if (plain < value.len) sp_buf_append_text(out, HIDDEN);
}
