#include "http/tunnel.h"

#include <stdio.h>

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct sp_tunnel *tunnel = ctx;
  (void)err;
  tunnel->status = head->status;
  snprintf(tunnel->reason, sizeof tunnel->reason, SP_STR_FMT, SP_STR_ARG(head->reason));
  return 0;
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  (void)ctx, (void)bytes, (void)err;
  return 0;
}

static int on_end(void *ctx, struct sp_err *err) {
  (void)ctx, (void)err;
  return 0;
}

static const struct sp_http1_handler handler = {.on_head = on_head, .on_body = on_body, .on_end = on_end};

void sp_tunnel_init(struct sp_tunnel *tunnel) {
  *tunnel = (struct sp_tunnel){0};
  sp_http1_init(&tunnel->http1, SP_HTTP1_RESPONSE, &handler, tunnel);
}

void sp_tunnel_fini(struct sp_tunnel *tunnel) { sp_http1_fini(&tunnel->http1); }

int sp_tunnel_request(const struct sp_proxy *proxy, const char *host, uint16_t port, struct sp_buf *out) {
  const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
  int failed = sp_buf_printf(out, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n", open, host, close, port, open, host,
                             close, port);
  failed |= sp_buf_append_text(out, "User-Agent: spate/" SP_VERSION "\r\n");
  if (proxy->authorization) failed |= sp_buf_append_text(out, proxy->authorization);
  return failed | sp_buf_append_text(out, "\r\n");
}

/* How many of the bytes belong to the head under way: its empty line is the last of it. A line that ends in LF alone is
 * refused: a parser that takes it would end the head elsewhere than we. */
static size_t cut_head(struct sp_tunnel *tunnel, struct sp_str bytes, bool *whole) {
  static const char end[4] = {'\r', '\n', '\r', '\n'};
  size_t i = 0;
  while (i < bytes.len && tunnel->matched < sizeof end) {
    char c = bytes.bytes[i++];
    bool fits = c == end[tunnel->matched];
    if (c == '\n' && !fits) tunnel->bare_lf = true;
    tunnel->matched = fits ? (uint8_t)(tunnel->matched + 1) : c == '\r';
  }
  *whole = tunnel->matched == sizeof end;
  if (*whole) tunnel->matched = 0;
  return i;
}

static int judge(struct sp_tunnel *tunnel, struct sp_err *err) {
  if (tunnel->status >= 200 && tunnel->status < 300) return 1;
  if (tunnel->status == 0) return 0; /* empty lines before the head (RFC 9112 §2.2) */
  if (tunnel->status < 200 && tunnel->status != 101) {
    tunnel->status = 0;
    if (++tunnel->informational <= SP_TUNNEL_INFORMATIONAL_MAX) return 0;
    return sp_fail(err, SP_ELIMIT, "over %u informational (1xx) heads in answer to CONNECT", SP_TUNNEL_INFORMATIONAL_MAX);
  }
  const char *advice = tunnel->status == 407 ? " (user and password: http://user:password@host:port)" : "";
  return sp_fail(err, SP_EIO, "it answered CONNECT with %d %s%s", tunnel->status, tunnel->reason, advice);
}

int sp_tunnel_feed(struct sp_tunnel *tunnel, struct sp_str bytes, size_t *used, struct sp_err *err) {
  for (*used = 0; *used < bytes.len;) {
    bool whole;
    struct sp_str rest = sp_str_of(bytes.bytes + *used, bytes.len - *used);
    rest.len = cut_head(tunnel, rest, &whole);
    *used += rest.len;
    tunnel->bytes += rest.len;
    if (tunnel->bytes > SP_TUNNEL_HEAD_MAX)
      return sp_fail(err, SP_ELIMIT, "its answer to CONNECT has a head over %u KiB", SP_TUNNEL_HEAD_MAX >> 10);
    if (tunnel->bare_lf) return sp_fail(err, SP_EPARSE, "its answer to CONNECT has a line that ends in LF alone");
    if (sp_http1_feed(&tunnel->http1, rest, err) < 0) return sp_err_context(err, "its answer to CONNECT");
    int done = whole ? judge(tunnel, err) : 0;
    if (done) return done;
  }
  return 0;
}
