/*
 * How long the accept queue of a port may get: of the listeners of this process's own network, asked of the kernel by
 * NETLINK_SOCK_DIAG (man 7 sock_diag), since no file of /proc says it.
 */
#ifndef SP_WATCH_LISTENERS_H
#define SP_WATCH_LISTENERS_H

/* Summed over the port's listeners; NAN: nobody listens there, or the kernel does not say. */
double sp_listeners_limit(unsigned port);

#endif
