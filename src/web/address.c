#include "web/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *text, struct sp_err *err) {
  return sp_fail(err, SP_EUSAGE, "must be ADDR:PORT, e.g. " SP_WEB_ADDRESS_DEFAULT ", not '%s'", text);
}

/* "[::1]:8089" -> "::1" and "8089"; a text without a colon is a port. */
static bool cut(const char *text, char *host, size_t size, const char **port) {
  const char *colon = strrchr(text, ':');
  size_t len = colon ? (size_t)(colon - text) : 0;
  *port = colon ? colon + 1 : text;
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  } else if (memchr(text, ':', len)) {
    return false; /* IPv6 without brackets: where would its port begin */
  }
  if (len >= size) {
    return false;
  }
  memcpy(host, text, len);
  host[len] = 0;
  return true;
}

static bool read_port(const char *text, uint16_t *port) {
  size_t len = strlen(text);
  if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
    return false;
  }
  unsigned long number = strtoul(text, NULL, 10);
  *port = (uint16_t)number;
  return number <= UINT16_MAX;
}

static bool is_loopback(const struct sp_web_address *address) {
  if (address->socket.any.sa_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
  }
  return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
}

static bool set_host(struct sp_web_address *out, const char *host, uint16_t port) {
  if (!*host || strcmp(host, "localhost") == 0) {
    host = "127.0.0.1";
  }
  if (inet_pton(AF_INET, host, &out->socket.v4.sin_addr) == 1) {
    out->socket.v4.sin_family = AF_INET;
    out->socket.v4.sin_port = htons(port);
    out->socket_len = sizeof(out->socket.v4);
    snprintf(out->host, sizeof(out->host), "%s", host);
    return true;
  }
  if (inet_pton(AF_INET6, host, &out->socket.v6.sin6_addr) == 1) {
    out->socket.v6.sin6_family = AF_INET6;
    out->socket.v6.sin6_port = htons(port);
    out->socket_len = sizeof(out->socket.v6);
    snprintf(out->host, sizeof(out->host), "[%s]", host);
    return true;
  }
  return false;
}

int sp_web_address_parse(const char *text, struct sp_web_address *out, struct sp_err *err) {
  const char *given = text && *text ? text : SP_WEB_ADDRESS_DEFAULT, *port_text;
  char host[SP_WEB_HOST_SIZE - 2];
  uint16_t port;
  memset(out, 0, sizeof(*out));
  if (!cut(given, host, sizeof(host), &port_text) || !read_port(port_text, &port) || !set_host(out, host, port)) {
    return fail(given, err);
  }
  out->loopback = is_loopback(out);
  return SP_OK;
}
