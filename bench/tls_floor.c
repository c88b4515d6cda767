/*
 * tls_floor: what OpenSSL costs by itself for the same bytes: floor.c's loop with SSL_read in the place of recv.
 *
 * OpenSSL reads the socket itself, with read-ahead: one read(2) a wake-up brings whole records, header and all, where
 * without it each record takes two. That is cheaper than memory BIOs, which copy every byte once more. The certificate
 * is not verified: that is a matter of the handshake, and the bench takes handshakes out.
 */
#include "floor_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static void die(const char *what) {
  fprintf(stderr, "tls_floor: %s: ", what);
  ERR_print_errors_fp(stderr);
  fputs("\n", stderr);
  exit(1);
}

static SSL_CTX *make_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) die("no context");
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

void *floor_wire_open(int fd) {
  static SSL_CTX *context;
  if (!context) context = make_context();
  SSL *ssl = SSL_new(context);
  if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) die("handshake failed");
  if (fcntl(fd, F_SETFL, O_NONBLOCK)) die("fcntl");
  return ssl;
}

void floor_wire_close(void *wire) { SSL_free(wire); }

ssize_t floor_wire_send(int fd, void *wire, const char *bytes, size_t len) {
  (void)fd;
  return SSL_write(wire, bytes, (int)len);
}

ssize_t floor_wire_recv(int fd, void *wire, char *bytes, size_t size) {
  (void)fd;
  size_t len = 0;
  int got = 0;
  do {
    ERR_clear_error();
    got = SSL_read(wire, bytes + len, (int)(size - len));
    if (got > 0) len += (size_t)got;
  } while (got > 0 && len < size && SSL_has_pending(wire)); /* what read-ahead took no wake-up will tell of */
  if (len > 0) return (ssize_t)len;
  int error = SSL_get_error(wire, got);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ ? EAGAIN : EIO;
  return -1;
}
