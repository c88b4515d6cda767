/*
 * The accept queue of a port, and how long it may get: of the listeners of this process's own network, asked of the kernel by
 * NETLINK_SOCK_DIAG (man 7 sock_diag). No file of /proc says the limit, and /proc/net/tcp has a line a connection.
 */
#ifndef SP_WATCH_LISTENERS_H
#define SP_WATCH_LISTENERS_H

struct sp_listeners { /* summed over the port's listeners; NAN: nobody listens there, or the kernel does not say */
  double waiting, limit;
};
void sp_listeners_look(unsigned port, struct sp_listeners *out);

#endif
