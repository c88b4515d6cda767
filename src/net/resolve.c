#include "net/resolve.h"

#include "base/mem.h"

#include <stdlib.h>
#include <strings.h>

#define FORM "must be HOST:PORT:ADDRESS[,ADDRESS], e.g. api.example.com:443:127.0.0.1"

void sp_resolves_fini(struct sp_resolves *resolves) {
  for (size_t i = 0; i < resolves->count; i++) free(resolves->lines[i].host);
  free(resolves->lines);
  *resolves = (struct sp_resolves){ 0 };
}

/* "[::1]" and "name": what stands before the next ':' that is in no brackets, without them. */
static struct sp_str take_host(struct sp_str *rest) {
  if (!sp_str_starts(*rest, SP_STR("["))) return sp_str_split(rest, ':');
  *rest = sp_str_of(rest->bytes + 1, rest->len - 1);
  struct sp_str host = sp_str_split(rest, ']');
  struct sp_str between = sp_str_split(rest, ':');
  return between.len == 0 ? host : SP_STR("");
}

static bool take_port(struct sp_str *rest, uint16_t *port) {
  struct sp_str text = sp_str_split(rest, ':');
  unsigned n = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9' || n > UINT16_MAX) return false;
    n = n * 10 + (unsigned)(text.bytes[i] - '0');
  }
  *port = (uint16_t)n;
  return n > 0 && n <= UINT16_MAX;
}

static bool take_address(struct sp_str text, uint16_t port, struct sp_address *out) {
  text = sp_str_trim(text);
  bool bracketed = text.len > 2 && text.bytes[0] == '[' && text.bytes[text.len - 1] == ']';
  if (bracketed) text = sp_str_of(text.bytes + 1, text.len - 2);
  char *literal = sp_strndup(text.len > 0 ? text.bytes : "", text.len);
  bool good = sp_address_parse(literal, port, out) && bracketed == (out->sa.ss_family == AF_INET6);
  free(literal);
  return good;
}

static int take_addresses(struct sp_str rest, struct sp_resolve *line, struct sp_err *err) {
  for (line->count = 0; rest.len > 0; line->count++) {
    struct sp_str text = sp_str_split(&rest, ',');
    if (line->count == SP_RESOLVE_ADDRESSES_MAX)
      return sp_fail(err, SP_ELIMIT, "over %u addresses of one host", SP_RESOLVE_ADDRESSES_MAX);
    if (!take_address(text, line->port, &line->addresses[line->count]))
      return sp_fail(err, SP_EUSAGE, "'" SP_STR_FMT "' is no IP address (IPv6 stands in brackets: [::1])",
                     SP_STR_ARG(text));
  }
  return line->count > 0 ? 0 : sp_fail(err, SP_EUSAGE, FORM);
}

static struct sp_resolve *new_line(struct sp_resolves *resolves) {
  if (resolves->count == resolves->cap) {
    resolves->cap = resolves->cap > 0 ? resolves->cap * 2 : 4;
    resolves->lines = sp_realloc(resolves->lines, resolves->cap * sizeof(*resolves->lines));
  }
  return &resolves->lines[resolves->count];
}

int sp_resolves_add(struct sp_resolves *resolves, const char *text, struct sp_err *err) {
  struct sp_str rest = sp_str_from(text);
  if (resolves->count == SP_RESOLVES_MAX) return sp_fail(err, SP_ELIMIT, "over %u hosts", SP_RESOLVES_MAX);
  if (*text == '+' || *text == '-')
    return sp_fail(err, SP_EUSAGE, "curl's '%c' before the host is not known here: " FORM, *text);
  struct sp_resolve *line = new_line(resolves);
  struct sp_str host = take_host(&rest);
  if (host.len == 0 || !take_port(&rest, &line->port)) return sp_fail(err, SP_EUSAGE, FORM ", not '%s'", text);
  int failed = take_addresses(rest, line, err);
  if (failed) return failed;
  line->host = sp_strndup(host.bytes, host.len);
  resolves->count++;
  return 0;
}

const struct sp_resolve *sp_resolves_find(const struct sp_resolves *resolves, const char *host, uint16_t port) {
  const struct sp_resolve *any = NULL;
  for (size_t i = resolves ? resolves->count : 0; i-- > 0;) {
    const struct sp_resolve *line = &resolves->lines[i];
    if (line->port != port) continue;
    if (strcasecmp(line->host, host) == 0) return line;
    if (!any && strcmp(line->host, "*") == 0) any = line;
  }
  return any;
}
