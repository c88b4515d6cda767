/*
 * multipart/form-data (RFC 7578), written and read. Bytes in, parts out; slices borrow. As browsers do, a '"' or line
 * end in a name is written %22, %0D, %0A; reading leaves names as they stand.
 */
#ifndef SP_WIRE_MULTIPART_H
#define SP_WIRE_MULTIPART_H

#include "base/buf.h"
#include "base/err.h"

#define SP_BOUNDARY_MAX 70u /* RFC 2046 §5.1.1 */

struct sp_multipart_part {
  struct sp_str name;
  struct sp_str filename; /* bytes NULL: a field, no file */
  struct sp_str type;     /* Content-Type; empty: not said */
  struct sp_str data;
};

/* SP_ELIMIT: out is full. The data must not hold the boundary. */
int sp_multipart_append(struct sp_buf *out, struct sp_str boundary, const struct sp_multipart_part *part);
int sp_multipart_append_end(struct sp_buf *out, struct sp_str boundary);

/* What a file's name says of its type: "application/pdf"; "application/octet-stream" where it says nothing. */
const char *sp_multipart_type_of(struct sp_str filename);

struct sp_multipart {
  struct sp_str boundary, rest;
};
/* From a Content-Type header and the body. SP_EPARSE: it is no multipart/form-data, or has no boundary. */
int sp_multipart_open(struct sp_multipart *multipart, struct sp_str content_type, struct sp_str body,
                      struct sp_err *err);
/* 1 and the next part, 0 behind the last one, SP_EPARSE where it is broken or ends too early. */
int sp_multipart_next(struct sp_multipart *multipart, struct sp_multipart_part *part, struct sp_err *err);

#endif
