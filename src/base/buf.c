#include "base/buf.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define SP_BUF_FIRST_CAP 64

void sp_buf_init(struct sp_buf *buf, size_t max) {
  *buf = (struct sp_buf){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 }; /* one byte is the NUL's */
}

void sp_buf_fini(struct sp_buf *buf) {
  free(buf->bytes);
  sp_buf_init(buf, buf->max);
}

void sp_buf_clear(struct sp_buf *buf) {
  buf->len = 0;
  if (buf->bytes) buf->bytes[0] = '\0';
}

int sp_buf_reserve(struct sp_buf *buf, size_t more) {
  if (more > buf->max - buf->len) return SP_ELIMIT;
  size_t needed = buf->len + more;
  if (buf->bytes && needed <= buf->cap) return SP_OK;
  size_t cap = buf->cap > buf->max / 2 ? buf->max : buf->cap * 2;
  if (cap < SP_BUF_FIRST_CAP) cap = SP_BUF_FIRST_CAP < buf->max ? SP_BUF_FIRST_CAP : buf->max;
  if (cap < needed) cap = needed;
  buf->bytes = sp_realloc(buf->bytes, cap + 1);
  buf->cap = cap;
  buf->bytes[buf->len] = '\0';
  return SP_OK;
}

int sp_buf_append(struct sp_buf *buf, const void *bytes, size_t len) {
  int code = sp_buf_reserve(buf, len);
  if (code < 0) return code;
  if (len) memcpy(buf->bytes + buf->len, bytes, len);
  buf->len += len;
  buf->bytes[buf->len] = '\0';
  return SP_OK;
}

int sp_buf_append_str(struct sp_buf *buf, struct sp_str s) { return sp_buf_append(buf, s.bytes, s.len); }

int sp_buf_append_text(struct sp_buf *buf, const char *text) { return sp_buf_append(buf, text, strlen(text)); }

int sp_buf_append_char(struct sp_buf *buf, char c) { return sp_buf_append(buf, &c, 1); }

int sp_buf_printf(struct sp_buf *buf, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int code = sp_buf_vprintf(buf, format, args);
  va_end(args);
  return code;
}

int sp_buf_vprintf(struct sp_buf *buf, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  size_t room = buf->bytes ? buf->cap - buf->len + 1 : 0;
  int printed = vsnprintf(room ? buf->bytes + buf->len : NULL, room, format, args);
  SP_CHECK(printed >= 0);
  size_t len = (size_t)printed;
  int code = SP_OK;
  if (len >= room) {
    if (room) buf->bytes[buf->len] = '\0'; /* take back what was cut */
    code = sp_buf_reserve(buf, len);
    if (code == SP_OK) vsnprintf(buf->bytes + buf->len, len + 1, format, again);
  }
  va_end(again);
  if (code == SP_OK) buf->len += len;
  return code;
}

void sp_buf_consume(struct sp_buf *buf, size_t len) {
  SP_CHECK(len <= buf->len);
  if (len == 0) return;
  buf->len -= len;
  memmove(buf->bytes, buf->bytes + len, buf->len + 1);
}

char *sp_buf_take(struct sp_buf *buf) {
  char *bytes = buf->bytes ? buf->bytes : sp_strndup("", 0);
  sp_buf_init(buf, buf->max);
  return bytes;
}
