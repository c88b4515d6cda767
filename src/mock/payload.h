/*
 * JSON and ids as the simulated services write them. Two styles: compact with raw UTF-8 (orjson, Dify since 2025),
 * and spaced with \uXXXX escapes (Python's json.dumps, before). Writes into a buffer that the caller owns; strings
 * are valid UTF-8 or become U+FFFD.
 */
#ifndef SP_MOCK_PAYLOAD_H
#define SP_MOCK_PAYLOAD_H

#include "base/buf.h"
#include "base/rng.h"

struct sp_jw {
  struct sp_buf *out;
  bool spaced;
  bool comma; /* the next member or item needs a separator */
};

static inline struct sp_jw sp_jw_begin(struct sp_buf *out, bool spaced) {
  return (struct sp_jw){ out, spaced, false };
}
/* key NULL: an item of an array, or the root. bracket is '{' or '['. */
void sp_jw_open(struct sp_jw *jw, const char *key, char bracket);
void sp_jw_close(struct sp_jw *jw, char bracket); /* '}' or ']' */
void sp_jw_str(struct sp_jw *jw, const char *key, struct sp_str value);
void sp_jw_text(struct sp_jw *jw, const char *key, const char *value); /* NULL writes null */
void sp_jw_int(struct sp_jw *jw, const char *key, int64_t value);
void sp_jw_seconds(struct sp_jw *jw, const char *key, int64_t ns); /* 1.234567 */
void sp_jw_ms(struct sp_jw *jw, const char *key, double ms);
void sp_jw_bool(struct sp_jw *jw, const char *key, bool value);
void sp_jw_raw(struct sp_jw *jw, const char *key, const char *json); /* "null", "[]", "{}" */
/* The key and an opening quote: the caller appends escaped bytes and what follows. */
void sp_jw_open_string(struct sp_jw *jw, const char *key);

/* Appends the inside of a JSON string, all ASCII: what json.dumps makes of it. */
int sp_payload_escape_ascii(struct sp_buf *out, struct sp_str raw);
/* Appends the inside of a JSON string with raw UTF-8. */
int sp_payload_escape(struct sp_buf *out, struct sp_str raw);

#define SP_UUID_SIZE 37
void sp_payload_uuid(struct sp_rng *rng, char text[SP_UUID_SIZE]);
/* An id whose second half follows from its first and `secret`, so that a service without memory knows its own. */
void sp_payload_signed_uuid(struct sp_rng *rng, uint64_t secret, char text[SP_UUID_SIZE]);
bool sp_payload_is_signed_uuid(uint64_t secret, struct sp_str text);

#endif
