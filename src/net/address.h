/*
 * Addresses of sockets: an IP address with its port, or a Unix socket's path.
 */
#ifndef SP_NET_ADDRESS_H
#define SP_NET_ADDRESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SP_ADDRESS_TEXT_SIZE 128 /* what sp_address_format writes */

struct sp_address {
  struct sockaddr_storage sa;
  socklen_t len;
};

/* A literal without brackets ("127.0.0.1", "::1", "fe80::1%eth0"); false where it is none (a name). */
bool sp_address_parse(const char *literal, uint16_t port, struct sp_address *out);
/* A socket in the file system. Fails where the path is empty or longer than the system takes (107 bytes). */
int sp_address_unix(const char *path, struct sp_address *out, struct sp_err *err);

uint16_t sp_address_port(const struct sockaddr_storage *sa); /* 0: it has none */
void sp_address_set_port(struct sp_address *address, uint16_t port);
/* "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock", cut where too long. Returns text. */
char *sp_address_format(const struct sp_address *address, char *text, size_t size);

#endif
