/*
 * A tunnel through a proxy: CONNECT and its answer (RFC 9110 §9.3.6). Bytes in, bytes out; no sockets, no clock.
 */
#ifndef SP_HTTP_TUNNEL_H
#define SP_HTTP_TUNNEL_H

#include "http/proxy.h"
#include "wire/http1.h"

#define SP_TUNNEL_HEAD_MAX (64u * 1024u)   /* bytes of all heads that the proxy answers with */
#define SP_TUNNEL_INFORMATIONAL_MAX 100u   /* 1xx heads before the answer */

struct sp_tunnel {
  struct sp_http1 http1;
  int status; /* of the head that came last; 0: none */
  char reason[64];
  size_t bytes;
  unsigned informational;
  uint8_t matched; /* of the empty line that ends a head */
  bool bare_lf;
};
void sp_tunnel_init(struct sp_tunnel *tunnel);
void sp_tunnel_fini(struct sp_tunnel *tunnel);

/* Appends the request. host: without brackets. */
int sp_tunnel_request(const struct sp_proxy *proxy, const char *host, uint16_t port, struct sp_buf *out);
/* Takes the proxy's bytes. 1: the tunnel stands, and bytes from *used on are the target's; 0: needs more; <0: refused,
 * no HTTP, or over a cap, err says which. */
int sp_tunnel_feed(struct sp_tunnel *tunnel, struct sp_str bytes, size_t *used, struct sp_err *err);

#endif
