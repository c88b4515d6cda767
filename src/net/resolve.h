/*
 * Addresses that are said instead of asked for, as curl's --resolve says them: HOST:PORT:ADDR[,ADDR]. IPv6 stands in
 * brackets; the host `*` is every host that has no line of its own. A later line replaces an earlier one.
 * Filled by one thread, then read by all.
 */
#ifndef SP_NET_RESOLVE_H
#define SP_NET_RESOLVE_H

#include "base/str.h"
#include "net/address.h"

#define SP_RESOLVES_MAX 1000u
#define SP_RESOLVE_ADDRESSES_MAX 16u

struct sp_resolve {
  char *host; /* "*": every one */
  uint16_t port;
  size_t count;
  struct sp_address addresses[SP_RESOLVE_ADDRESSES_MAX]; /* with the port */
};

struct sp_resolves {
  struct sp_resolve *lines;
  size_t count, cap;
};
void sp_resolves_fini(struct sp_resolves *resolves); /* zeros are an empty table */
/* Fails with a sentence; the table is as before then. */
int sp_resolves_add(struct sp_resolves *resolves, const char *text, struct sp_err *err);
/* host without brackets, case ignored. NULL: the table (which may be NULL) does not say. */
const struct sp_resolve *sp_resolves_find(const struct sp_resolves *resolves, const char *host, uint16_t port);

#endif
