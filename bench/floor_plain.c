/* floor: the socket and nothing else. */
#include "floor_wire.h"

#include <sys/socket.h>

void *floor_wire_open(int fd) {
  (void)fd;
  return NULL;
}

void floor_wire_close(void *wire) { (void)wire; }

ssize_t floor_wire_send(int fd, void *wire, const char *bytes, size_t len) {
  (void)wire;
  return send(fd, bytes, len, MSG_NOSIGNAL);
}

ssize_t floor_wire_recv(int fd, void *wire, char *bytes, size_t size) {
  (void)wire;
  return recv(fd, bytes, size, MSG_DONTWAIT);
}
