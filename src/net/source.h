/*
 * Local addresses that connections are made from, in turn. Each address has the system's whole range of local ports
 * for itself, so several of them widen the wall that short connections run into. The port is chosen at connect
 * (IP_BIND_ADDRESS_NO_PORT), when the peer is known: a port can serve several peers.
 *
 * Filled by one thread, then shared by all: only the turn moves.
 */
#ifndef SP_NET_SOURCE_H
#define SP_NET_SOURCE_H

#include "net/address.h"

#include <stdatomic.h>

#define SP_SOURCES_MAX 256u

struct sp_sources {
  struct sp_address *addresses;
  size_t count; /* 0: the system chooses */
  atomic_size_t turn;
};
void sp_sources_fini(struct sp_sources *sources); /* zeros are none */
/* "10.0.0.2,10.0.0.3" and IPv6, in brackets or not. Fails with a sentence: no address, or none of this machine. */
int sp_sources_parse(const char *text, struct sp_sources *out, struct sp_err *err);
/* Binds the socket to the next address of the family. Nothing where sources are NULL or none; fails where no source
 * has that family. */
int sp_sources_bind(struct sp_sources *sources, int fd, int family, struct sp_err *err);

#endif
