/*
 * Header fields between HTTP/1.1's text and HTTP/2's lists: a request's head taken apart (RFC 9113 §8.3.1), an answer's
 * fields put together as a struct sp_http1_head. Private to h2.c; no sockets, no clock, no nghttp2.
 */
#ifndef SP_HTTP_H2_FIELDS_H
#define SP_HTTP_H2_FIELDS_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/http1.h"

struct sp_h2_field {
  struct sp_str name, value;
};

/* The fields of a request's head, which request_head.c has built and checked; those that HTTP/2 forbids are left out.
 * text: where lower-case names are kept; emptied here, borrowed by the fields. *count: in, room; out, fields. */
int sp_h2_request_fields(struct sp_str head, bool tls, struct sp_buf *text, struct sp_h2_field *fields, size_t *count,
                         struct sp_err *err);

struct sp_h2_answer { /* a head that is being collected; one a connection */
  struct sp_buf text;      /* "name: value\r\n"… */
  uint32_t (*lens)[2];     /* of each name and value in it */
  size_t count, lens_room;
  int status;
  int64_t content_length; /* -1: none */
};
void sp_h2_answer_init(struct sp_h2_answer *answer);
void sp_h2_answer_fini(struct sp_h2_answer *answer);
void sp_h2_answer_begin(struct sp_h2_answer *answer);
int sp_h2_answer_add(struct sp_h2_answer *answer, struct sp_str name, struct sp_str value, struct sp_err *err);
/* headers: SP_HTTP1_HEADERS_MAX. Borrows from the answer. */
void sp_h2_answer_head(const struct sp_h2_answer *answer, struct sp_http1_header *headers, struct sp_http1_head *head);

#endif
