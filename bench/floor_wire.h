/*
 * How the floor's bytes travel: floor_plain.c or floor_tls.c, chosen when it is linked.
 */
#ifndef BENCH_FLOOR_WIRE_H
#define BENCH_FLOOR_WIRE_H

#include <stddef.h>
#include <sys/types.h>

/* What a connected socket needs beside its descriptor; NULL where nothing. Ends the process where it cannot be made. */
void *floor_wire_open(int fd);
void floor_wire_close(void *wire);
/* As send(2) and as recv(2) with MSG_DONTWAIT. A read takes what one wake-up brought. */
ssize_t floor_wire_send(int fd, void *wire, const char *bytes, size_t len);
ssize_t floor_wire_recv(int fd, void *wire, char *bytes, size_t size);

#endif
