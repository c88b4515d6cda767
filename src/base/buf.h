/*
 * A growing byte buffer with a maximum that is fixed at creation. Owned by one thread.
 *
 * Appending past `max` appends nothing and returns SP_ELIMIT: the caller names the cap in its error.
 * `bytes` is always terminated by a NUL that `len` does not count (once anything was reserved).
 */
#ifndef SP_BASE_BUF_H
#define SP_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct sp_buf {
  char *bytes; /* NULL until the first append */
  size_t len;
  size_t cap;
  size_t max;
};

void sp_buf_init(struct sp_buf *buf, size_t max);
void sp_buf_fini(struct sp_buf *buf);  /* frees; the buffer can be used again with the same max */
void sp_buf_clear(struct sp_buf *buf); /* len = 0, memory kept */

int sp_buf_reserve(struct sp_buf *buf, size_t more); /* room for `more` bytes behind len */
int sp_buf_append(struct sp_buf *buf, const void *bytes, size_t len);
int sp_buf_append_str(struct sp_buf *buf, struct sp_str s);
int sp_buf_append_text(struct sp_buf *buf, const char *text);
int sp_buf_append_char(struct sp_buf *buf, char c);
int sp_buf_printf(struct sp_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sp_buf_vprintf(struct sp_buf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

void sp_buf_consume(struct sp_buf *buf, size_t len); /* drops bytes at the front */
char *sp_buf_take(struct sp_buf *buf); /* the bytes, terminated; the caller frees; buf is empty then */

static inline struct sp_str sp_buf_str(const struct sp_buf *buf) { return sp_str_of(buf->bytes, buf->len); }

#endif
