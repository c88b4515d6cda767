/*
 * The bytes of a request: request line, headers (the caller's, checked, and those it left out), body.
 */
#ifndef SP_HTTP_REQUEST_HEAD_H
#define SP_HTTP_REQUEST_HEAD_H

#include "http/client.h"

#define SP_HTTP_METHOD_MAX 32u

/* Appends to out. closes: the request asks for the connection to be closed. Fails with a sentence that has no
 * header's value in it (values are secrets). */
int sp_http_request_build(const struct sp_http_request *request, const struct sp_url *url, struct sp_buf *out,
                          bool *closes, struct sp_err *err);

#endif
