/*
 * Host names to addresses, without blocking the loop (getaddrinfo on libuv's thread pool).
 * A literal address needs no query. Answers are kept for SP_DNS_KEEP_NS a resolver, and users of one name
 * who ask at once share one query. One resolver an engine thread.
 */
#ifndef SP_NET_DNS_H
#define SP_NET_DNS_H

#include "base/clock.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/resolve.h"

#define SP_DNS_KEEP_NS (60 * SP_NS_PER_S)
#define SP_DNS_FAILED_KEEP_NS SP_NS_PER_S /* a failure: long enough that a thousand users ask once */
#define SP_DNS_ADDRESSES_MAX 16u
#define SP_DNS_NAMES_MAX 10000u /* names kept a resolver */

struct sp_dns;
struct sp_dns *sp_dns_create(struct sp_loop *loop);
/* What the table says of a host and port is no question any more (NULL: none). Borrowed; outlives the resolver. */
void sp_dns_use(struct sp_dns *dns, const struct sp_resolves *resolves);
/* Cuts queries: their callbacks never come. Not inside on_answer. A look-up that is still on the thread pool ends
 * by itself in the loop, before sp_loop_destroy returns. */
void sp_dns_destroy(struct sp_dns *dns);

struct sp_dns_query {
  /* count 0: failed, err says why (NULL otherwise). The addresses, in getaddrinfo's order (RFC 6724), are borrowed
   * for the call. Called from the loop, or at once (inside sp_dns_ask) for a literal, a kept answer, one of the table,
   * or a name that cannot be asked for. elapsed_ns is 0 then. */
  void (*on_answer)(struct sp_dns_query *query, const struct sp_address *addresses, size_t count,
                    int64_t elapsed_ns, const struct sp_err *err);
  struct sp_dns_query *next; /* private, like all below */
  void *entry;
  int64_t asked_ns;
  uint16_t port;
};
/* Only on_answer needs to be set before. host: a name, or an address without brackets ("fe80::1%eth0" is fine). */
void sp_dns_ask(struct sp_dns *dns, const char *host, uint16_t port, struct sp_dns_query *query);
void sp_dns_cancel(struct sp_dns *dns, struct sp_dns_query *query); /* fine when it has ended */

#endif
