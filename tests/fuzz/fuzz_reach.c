/* What a command line or an environment says of the way to a target. By the first byte: a proxy's URL, a line of
 * --resolve, or a list of NO_PROXY with a host before its first line break. */
#include "base/check.h"
#include "base/mem.h"
#include "http/reach.h"

#include <stdlib.h>
#include <strings.h>

static const char *value; /* of every variable */
static char *environment(const char *name) { return (char *)(strcasecmp(name, "no_proxy") == 0 ? "" : value); }

static void try_proxy(const char *text) {
  struct sp_proxies proxies;
  struct sp_err err = {0};
  struct sp_url url;
  if (sp_proxies_take(&proxies, text, environment, &err) < 0) {
    SP_CHECK(err.text[0] && !strstr(err.text, "hunter2@"));
    SP_CHECK(!proxies.http.host && !proxies.https.host);
  } else if (*text) {
    SP_CHECK(proxies.http.host[0] && proxies.http.port > 0 && !strchr(proxies.http.name, '@'));
  }
  sp_proxies_fini(&proxies);
  value = text;
  SP_CHECK(sp_proxies_take(&proxies, NULL, environment, &err) == 0);
  SP_CHECK(sp_url_parse(SP_STR("https://a.test"), &url, NULL) == 0);
  const struct sp_proxy *proxy = sp_proxies_find(&proxies, &url);
  SP_CHECK((proxy != NULL) == (*text != '\0'));
  SP_CHECK(!proxy || proxy->fault || proxy->host[0]);
  sp_proxies_fini(&proxies);
}

static void try_resolve(const char *text) {
  struct sp_resolves table = {0};
  struct sp_err err = {0};
  if (sp_resolves_add(&table, text, &err) < 0) {
    SP_CHECK(err.text[0] && table.count == 0);
  } else {
    const struct sp_resolve *line = &table.lines[0];
    SP_CHECK(line->host[0] && line->port > 0 && line->count > 0 && line->count <= SP_RESOLVE_ADDRESSES_MAX);
    SP_CHECK(sp_resolves_find(&table, line->host, line->port) == line);
    for (size_t i = 0; i < line->count; i++) SP_CHECK(sp_address_port(&line->addresses[i].sa) == line->port);
  }
  sp_resolves_fini(&table);
}

static void try_no_proxy(const char *text) {
  struct sp_str rest = sp_str_from(text), host = sp_str_split(&rest, '\n');
  bool named = sp_no_proxy_names(rest.bytes, host);
  SP_CHECK(!named || rest.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len == 0) return 0;
  char *text = sp_strndup((const char *)bytes + 1, len - 1);
  switch (bytes[0] % 3) {
  case 0: try_proxy(text); break;
  case 1: try_resolve(text); break;
  default: try_no_proxy(text);
  }
  free(text);
  return 0;
}
