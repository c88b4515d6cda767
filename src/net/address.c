#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* -- literals -- */

static bool parse_ipv4(const char *host, struct sp_address *address) {
  struct sockaddr_in *in = (struct sockaddr_in *)&address->sa;
  if (inet_pton(AF_INET, host, &in->sin_addr) != 1) return false;
  in->sin_family = AF_INET;
  address->len = sizeof(*in);
  return true;
}

static bool parse_scope(const char *text, uint32_t *scope) { /* an interface's name or number */
  *scope = if_nametoindex(text);
  if (*scope != 0) return true;
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  *scope = (uint32_t)number;
  return *text >= '0' && *text <= '9' && *end == '\0' && number <= UINT32_MAX;
}

static bool parse_ipv6(const char *host, struct sp_address *address) {
  char text[INET6_ADDRSTRLEN];
  struct sockaddr_in6 *in = (struct sockaddr_in6 *)&address->sa;
  size_t len = strcspn(host, "%");
  if (len >= sizeof(text)) return false;
  memcpy(text, host, len);
  text[len] = '\0';
  if (inet_pton(AF_INET6, text, &in->sin6_addr) != 1) return false;
  if (host[len] == '%' && !parse_scope(host + len + 1, &in->sin6_scope_id)) return false;
  in->sin6_family = AF_INET6;
  address->len = sizeof(*in);
  return true;
}

bool sp_address_parse(const char *literal, uint16_t port, struct sp_address *out) {
  *out = (struct sp_address){ 0 };
  if (!parse_ipv4(literal, out) && !parse_ipv6(literal, out)) return false;
  sp_address_set_port(out, port);
  return true;
}

int sp_address_unix(const char *path, struct sp_address *out, struct sp_err *err) {
  struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
  size_t len = strlen(path);
  *out = (struct sp_address){ 0 };
  if (len == 0) return sp_fail(err, SP_EUSAGE, "needs the path of a socket");
  if (len >= sizeof(un->sun_path))
    return sp_fail(err, SP_EUSAGE, "the path is %zu bytes long: a Unix socket's may have %zu", len,
                   sizeof(un->sun_path) - 1);
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path, len + 1);
  out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
  return 0;
}

/* -- parts -- */

uint16_t sp_address_port(const struct sockaddr_storage *sa) {
  if (sa->ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
  return sa->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)sa)->sin_port) : 0;
}

void sp_address_set_port(struct sp_address *address, uint16_t port) {
  if (address->sa.ss_family == AF_INET) ((struct sockaddr_in *)&address->sa)->sin_port = htons(port);
  if (address->sa.ss_family == AF_INET6) ((struct sockaddr_in6 *)&address->sa)->sin6_port = htons(port);
}

char *sp_address_format(const struct sp_address *address, char *text, size_t size) {
  char host[INET6_ADDRSTRLEN] = "?";
  uint16_t port = sp_address_port(&address->sa);
  if (address->sa.ss_family == AF_UNIX) {
    snprintf(text, size, "unix:%s", ((const struct sockaddr_un *)&address->sa)->sun_path);
  } else if (address->sa.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&address->sa)->sin6_addr, host, sizeof(host));
    snprintf(text, size, "[%s]:%u", host, port);
  } else {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)&address->sa)->sin_addr, host, sizeof(host));
    snprintf(text, size, "%s:%u", host, port);
  }
  return text;
}
