/*
 * Proxies: which one a URL goes through. Said by an option (then for every target), else by the environment as curl
 * reads it: https_proxy and HTTPS_PROXY for https, http_proxy (lower case only: in a CGI the other is a header of the
 * client's) for http, all_proxy and ALL_PROXY for both, no_proxy and NO_PROXY for hosts without one. By the environment
 * nothing on this machine itself (localhost, 127.x, ::1) is reached through a proxy.
 *
 * An http target is asked for with its whole URL; an https one, and HTTP/2 without TLS, through a tunnel (CONNECT).
 * Only http:// proxies. Filled by one thread, then read by all.
 */
#ifndef SP_HTTP_PROXY_H
#define SP_HTTP_PROXY_H

#include "wire/url.h"

#include <stdatomic.h>

#define SP_PROXY_PORT 1080u /* of a proxy whose URL has none, as in curl */

struct sp_proxy {
  char *host;  /* without brackets; NULL: none */
  char *fault; /* of the environment's: why it can't be used, to be told to who would need it; NULL: it can */
  uint16_t port;
  char *authorization; /* "Proxy-Authorization: Basic …\r\n"; NULL: none. A secret */
  char *name;          /* "http://proxy:3128 (https_proxy)": for people, no secret in it */
  atomic_bool used;    /* some target is reached through it */
};

struct sp_proxies {
  struct sp_proxy http, https;
  char *no_proxy;     /* NULL: none */
  bool given;         /* by the option */
};
void sp_proxies_fini(struct sp_proxies *proxies); /* zeros are none */
/* option: the URL; "": none, whatever the environment says; NULL: the environment. environment: getenv.
 * A wrong option fails with a sentence that has no secret in it. */
int sp_proxies_take(struct sp_proxies *proxies, const char *option, char *(*environment)(const char *name),
                    struct sp_err *err);
/* NULL: go straight there. */
const struct sp_proxy *sp_proxies_find(const struct sp_proxies *proxies, const struct sp_url *url);
/* As sp_proxies_find, for who will go there: notes it in `used`. */
const struct sp_proxy *sp_proxies_use(struct sp_proxies *proxies, const struct sp_url *url);
/* The names of those used: "a and b"; "": none. Returns text. */
char *sp_proxies_used(const struct sp_proxies *proxies, char *text, size_t size);

/* A list as curl reads NO_PROXY: names by comma or space that stand for themselves and all below them ("example.com",
 * ".example.com"), addresses and their blocks ("10.0.0.0/8", "[::1]"), "*" for all. */
bool sp_no_proxy_names(const char *list, struct sp_str host);

#endif
