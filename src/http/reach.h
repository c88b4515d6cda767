/*
 * How targets are reached, where it is not just "ask DNS, connect": proxies, a Unix socket, addresses that are said
 * instead of asked for, source addresses, a cap on new connections a second. Made once, shared by all clients
 * (threads); only its atomics change then.
 */
#ifndef SP_HTTP_REACH_H
#define SP_HTTP_REACH_H

#include "http/proxy.h"
#include "net/pacer.h"
#include "net/resolve.h"
#include "net/source.h"

/* Which of a host's addresses a new connection tries first. Where one cannot be connected to, the others follow. */
enum sp_dns_choice {
  SP_DNS_FIRST,       /* as getaddrinfo orders them (RFC 6724) */
  SP_DNS_ROUND_ROBIN, /* the next one each time, a host and thread */
  SP_DNS_RANDOM,
};

struct sp_http_reach { /* zeros: straight there */
  struct sp_proxies proxies;
  struct sp_resolves resolves;
  struct sp_address unix_socket; /* len 0: none. Everything is sent there, through no proxy */
  enum sp_dns_choice choice;
  struct sp_sources sources;
  struct sp_pacer pacer;
  uint64_t seed;       /* of SP_DNS_RANDOM */
  atomic_uint clients; /* made so far: each begins its turns elsewhere */
};
void sp_http_reach_fini(struct sp_http_reach *reach);

#endif
