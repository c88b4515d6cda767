#include "net/source.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

void sp_sources_fini(struct sp_sources *sources) {
  free(sources->addresses);
  sources->addresses = NULL;
  sources->count = 0;
}

static int bind_to(int fd, const struct sp_address *address, struct sp_err *err) {
  int on = 1;
  char text[SP_ADDRESS_TEXT_SIZE];
  (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  if (bind(fd, (const struct sockaddr *)&address->sa, address->len) == 0) return 0;
  int error = errno;
  sp_address_format(address, text, sizeof(text));
  text[strlen(text) - 2] = '\0'; /* the port, ":0" */
  if (error == EADDRNOTAVAIL) return sp_fail(err, SP_EUSAGE, "%s is no address of this machine", text);
  return sp_fail(err, SP_EIO, "cannot use the source address %s: %s", text, strerror(error));
}

static int probe(const struct sp_address *address, struct sp_err *err) {
  int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return sp_fail(err, SP_EIO, "cannot make a socket: %s", strerror(errno));
  int failed = bind_to(fd, address, err);
  close(fd);
  return failed;
}

static int add(struct sp_sources *sources, struct sp_str text, struct sp_err *err) {
  struct sp_address *address = &sources->addresses[sources->count];
  bool bracketed = text.len > 2 && text.bytes[0] == '[' && text.bytes[text.len - 1] == ']';
  if (bracketed) text = sp_str_of(text.bytes + 1, text.len - 2);
  char *literal = sp_strndup(text.len > 0 ? text.bytes : "", text.len);
  bool good = sp_address_parse(literal, 0, address);
  free(literal);
  if (!good) return sp_fail(err, SP_EUSAGE, "'" SP_STR_FMT "' is no IP address", SP_STR_ARG(text));
  sources->count++;
  return probe(address, err);
}

int sp_sources_parse(const char *text, struct sp_sources *out, struct sp_err *err) {
  struct sp_str rest = sp_str_from(text);
  int failed = 0;
  out->addresses = sp_alloc_array(SP_SOURCES_MAX, sizeof(*out->addresses));
  out->count = 0;
  atomic_init(&out->turn, 0);
  do {
    if (out->count == SP_SOURCES_MAX) failed = sp_fail(err, SP_ELIMIT, "over %u addresses", SP_SOURCES_MAX);
    else failed = add(out, sp_str_trim(sp_str_split(&rest, ',')), err);
  } while (!failed && rest.bytes);
  if (failed) sp_sources_fini(out);
  return failed;
}

int sp_sources_bind(struct sp_sources *sources, int fd, int family, struct sp_err *err) {
  if (!sources || sources->count == 0) return 0;
  size_t turn = atomic_fetch_add_explicit(&sources->turn, 1, memory_order_relaxed);
  for (size_t i = 0; i < sources->count; i++) {
    const struct sp_address *address = &sources->addresses[(turn + i) % sources->count];
    if (address->sa.ss_family == family) return bind_to(fd, address, err);
  }
  return sp_fail(err, SP_EUSAGE, "no source address (--source) is of IPv%d", family == AF_INET6 ? 6 : 4);
}
