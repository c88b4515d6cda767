/*
 * The head of a request: request line, headers (the caller's, checked, and those it left out).
 */
#ifndef SP_HTTP_REQUEST_HEAD_H
#define SP_HTTP_REQUEST_HEAD_H

#include "http/client.h"
#include "http/proxy.h"

#define SP_HTTP_METHOD_MAX 32u

/* Appends to out, the body's place included at most SP_HTTP_REQUEST_MAX. proxy: the one that an http target is asked
 * through, by its whole URL (NULL: the target itself, or a tunnel to it). closes: the request asks for the connection to
 * be closed. Fails with a sentence that has no header's value in it (values are secrets). */
int sp_http_request_build(const struct sp_http_request *request, const struct sp_url *url, const struct sp_proxy *proxy,
                          struct sp_buf *out, bool *closes, struct sp_err *err);

/* "NAME: Basic …\r\n" (RFC 7617) of a URL's "user:password", percent-decoded. */
int sp_http_append_basic(const char *name, struct sp_str userinfo, struct sp_buf *out);

#endif
