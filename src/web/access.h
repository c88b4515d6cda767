/*
 * Who may ask: the Host header, the Origin header and the token. Pure questions about texts; no state.
 *
 * Host: a page in the user's browser could reach our port under a name of its own (DNS rebinding), so only names that
 * nobody else can point at us count: localhost, an address in digits, this machine's name, the name that was given.
 * Origin: what changes something is only taken from our own page, or from a tool that sends no Origin.
 * Token: needed wherever other machines can reach us, or where one was set. Compared in constant time.
 */
#ifndef SP_WEB_ACCESS_H
#define SP_WEB_ACCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_WEB_TOKEN_VARIABLE "SPATE_WEB_TOKEN"
#define SP_WEB_TOKEN_MIN 16u
#define SP_WEB_TOKEN_MAX 128u

struct sp_web_access {
  bool loopback;            /* only this machine's own names, then */
  bool tls;
  uint16_t port;
  const char *name;         /* MAY: another name of ours; borrowed */
  char machine[256];        /* what this machine calls itself; "" not known */
  char token[SP_WEB_TOKEN_MAX + 1]; /* "": none needed */
  char cookie[24];          /* the cookie's name: a browser shares cookies among the ports of a host */
};

/* given: a token, or NULL for none or a made one, as the address needs. */
int sp_web_access_init(struct sp_web_access *access, const char *given, struct sp_err *err);

/* Headers as they came; NULL: absent. */
bool sp_web_host_allowed(const struct sp_web_access *access, const char *host);
bool sp_web_origin_allowed(const struct sp_web_access *access, const char *origin, const char *host);
bool sp_web_bearer_allowed(const struct sp_web_access *access, const char *authorization);
bool sp_web_token_allowed(const struct sp_web_access *access, const char *token); /* of a cookie or a query */

#endif
