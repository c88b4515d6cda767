/* An HTTP parser that logs, a line an event; body pieces are joined, so that the log doesn't depend on cuts. */
#ifndef SP_TESTS_HTTP_LOG_H
#define SP_TESTS_HTTP_LOG_H

#include "cuts.h"
#include "wire/http1.h"

enum http_stop { HTTP_STOP_NEVER, HTTP_STOP_BEGIN, HTTP_STOP_HEAD, HTTP_STOP_BODY, HTTP_STOP_END };

struct http_log {
  struct sp_http1 http1;
  struct sp_buf *log;
  struct sp_buf body;
  enum http_stop stop;
  bool failed;
  struct sp_err err; /* of the first failure */
};

struct http_log *http_log_create(struct sp_buf *log, enum sp_http1_side side);
void http_log_feed(void *self, struct sp_str piece);
void http_log_end(void *self);

#endif
