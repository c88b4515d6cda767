#include "http_log.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int stop_at(struct http_log *self, enum http_stop stop, struct sp_err *err) {
  return self->stop == stop ? sp_fail(err, SP_EIO, "the callback stops") : 0;
}

static int on_begin(void *ctx) {
  struct http_log *self = ctx;
  sp_buf_append_text(self->log, "begin\n");
  return self->stop == HTTP_STOP_BEGIN;
}

static void log_headers(struct http_log *self, const struct sp_http1_head *head) {
  struct sp_buf again;
  sp_buf_init(&again, SP_HTTP1_HEAD_MAX);
  for (size_t i = 0; i < head->header_count; i++) {
    const struct sp_http1_header *header = &head->headers[i];
    sp_buf_printf(self->log, "  " SP_STR_FMT "=<" SP_STR_FMT ">\n", SP_STR_ARG(header->name),
                  SP_STR_ARG(header->value));
    sp_buf_printf(&again, SP_STR_FMT ": " SP_STR_FMT "\r\n", SP_STR_ARG(header->name), SP_STR_ARG(header->value));
  }
  assert_true(sp_str_eq(sp_buf_str(&again), head->raw));
  sp_buf_fini(&again);
}

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct http_log *self = ctx;
  assert_true(sp_http1_in_message(&self->http1));
  if (self->http1.side == SP_HTTP1_RESPONSE) {
    sp_buf_printf(self->log, "%d <" SP_STR_FMT "> ", head->status, SP_STR_ARG(head->reason));
  } else {
    sp_buf_printf(self->log, SP_STR_FMT " <" SP_STR_FMT "> ", SP_STR_ARG(head->method), SP_STR_ARG(head->target));
  }
  sp_buf_printf(self->log, "%d.%d %s%s length %lld\n", head->major, head->minor, head->keep_alive ? "keep" : "close",
                head->chunked ? " chunked" : "", (long long)head->content_length);
  log_headers(self, head);
  return stop_at(self, HTTP_STOP_HEAD, err);
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct http_log *self = ctx;
  assert_true(bytes.len > 0);
  assert_null(self->http1.scratch);
  sp_buf_append_str(&self->body, bytes);
  return stop_at(self, HTTP_STOP_BODY, err);
}

static void flush_body(struct http_log *self) {
  if (self->body.len) sp_buf_printf(self->log, "body<" SP_STR_FMT ">\n", SP_STR_ARG(sp_buf_str(&self->body)));
  sp_buf_clear(&self->body);
}

static int on_end(void *ctx, struct sp_err *err) {
  struct http_log *self = ctx;
  flush_body(self);
  assert_false(sp_http1_in_message(&self->http1));
  sp_buf_append_text(self->log, "end\n");
  return stop_at(self, HTTP_STOP_END, err);
}

static const struct sp_http1_handler handler = {on_begin, on_head, on_body, on_end};

struct http_log *http_log_create(struct sp_buf *log, enum sp_http1_side side) {
  struct http_log *self = sp_alloc(sizeof(*self));
  self->log = log;
  sp_buf_init(&self->body, 16u << 20);
  sp_http1_init(&self->http1, side, &handler, self);
  return self;
}

void http_log_feed(void *ctx, struct sp_str piece) {
  struct http_log *self = ctx;
  struct sp_err err = {0};
  int code = sp_http1_feed(&self->http1, piece, &err);
  if (self->failed) assert_true(code < 0);
  if (code == SP_OK || self->failed) return;
  assert_true(err.text[0] || self->stop == HTTP_STOP_BEGIN);
  assert_null(self->http1.scratch);
  sp_buf_printf(self->log, "failed %d\n", code); /* how much of a broken body came is a matter of cuts */
  self->failed = true;
  self->err = err;
}

void http_log_end(void *ctx) {
  struct http_log *self = ctx;
  struct sp_err err = {0};
  int code = self->failed ? 0 : sp_http1_finish(&self->http1, &err);
  if (code < 0) sp_buf_printf(self->log, "cut: %s\n", err.text);
  sp_http1_fini(&self->http1);
  sp_buf_fini(&self->body);
  free(self);
}
