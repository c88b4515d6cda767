#include "http/proxy.h"

#include "http/request_head.h"

#include "base/mem.h"
#include "net/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* -- one proxy -- */

static void fini_proxy(struct sp_proxy *proxy) {
  free(proxy->host);
  free(proxy->fault);
  free(proxy->authorization);
  free(proxy->name);
  *proxy = (struct sp_proxy){0};
}

static char *authorization_of(struct sp_str userinfo) {
  struct sp_buf out;
  sp_buf_init(&out, SP_URL_MAX * 2);
  int failed = sp_http_append_basic("Proxy-Authorization", userinfo, &out);
  char *text = failed ? NULL : sp_buf_take(&out);
  sp_buf_fini(&out);
  return text;
}

static char *name_of(const struct sp_url *url, uint16_t port, const char *source) {
  struct sp_buf out;
  sp_buf_init(&out, SP_URL_MAX);
  (void)sp_buf_printf(&out, url->ipv6 ? "http://[" SP_STR_FMT "]:%u (%s)" : "http://" SP_STR_FMT ":%u (%s)",
                      SP_STR_ARG(url->host), port, source);
  return sp_buf_take(&out);
}

/* "proxy:3128" is taken as http://proxy:3128, as curl does. */
static int take_proxy(struct sp_proxy *proxy, const char *text, const char *source, struct sp_err *err) {
  struct sp_buf whole;
  struct sp_url url;
  sp_buf_init(&whole, SP_URL_MAX * 2);
  int failed = sp_buf_printf(&whole, "%s%s", strstr(text, "://") ? "" : "http://", text);
  if (failed) sp_fail(err, SP_ELIMIT, "the URL is too long");
  else if (sp_str_starts(sp_buf_str(&whole), SP_STR("socks")))
    failed = sp_fail(err, SP_EUSAGE, "SOCKS proxies are not known here, only http://[user:password@]host:port");
  else failed = sp_url_parse(sp_buf_str(&whole), &url, err);
  if (!failed && url.tls)
    failed = sp_fail(err, SP_EUSAGE, "proxies that are spoken to over TLS (https://) are not known here, only http://");
  if (!failed) {
    proxy->port = url.port_given ? url.port : SP_PROXY_PORT;
    proxy->host = sp_strndup(url.host.bytes, url.host.len);
    proxy->name = name_of(&url, proxy->port, source);
    if (url.userinfo.len > 0) proxy->authorization = authorization_of(url.userinfo);
  }
  sp_buf_fini(&whole);
  return failed ? err->code : 0;
}

/* -- the environment -- */

struct variables {
  const char *names[5]; /* the first that is set and not empty; NULL ends them */
};

/* What is wrong there is told where it is needed: a run against this machine does not mind. */
static void take_from(struct sp_proxy *proxy, const struct variables *variables,
                      char *(*environment)(const char *name)) {
  for (const char *const *name = variables->names; *name; name++) {
    const char *value = environment(*name);
    struct sp_err err;
    if (!value || !*value) continue;
    if (take_proxy(proxy, value, *name, &err) < 0) {
      proxy->host = sp_strdup("");
      proxy->fault = sp_strdup(err.text);
      proxy->name = sp_strdup(*name);
    }
    return;
  }
}

static const char *no_proxy_of(char *(*environment)(const char *name)) {
  const char *list = environment("no_proxy");
  return list && *list ? list : environment("NO_PROXY");
}

static void take_environment(struct sp_proxies *proxies, char *(*environment)(const char *name)) {
  static const struct variables http = {{"http_proxy", "all_proxy", "ALL_PROXY"}};
  static const struct variables https = {{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}};
  const char *list = no_proxy_of(environment);
  if (list) proxies->no_proxy = sp_strdup(list);
  take_from(&proxies->http, &http, environment);
  take_from(&proxies->https, &https, environment);
}

int sp_proxies_take(struct sp_proxies *proxies, const char *option, char *(*environment)(const char *name),
                    struct sp_err *err) {
  *proxies = (struct sp_proxies){.given = option != NULL};
  if (!option) take_environment(proxies, environment);
  if (!option || !*option) return 0;
  int failed = take_proxy(&proxies->http, option, "--proxy", err);
  if (!failed) failed = take_proxy(&proxies->https, option, "--proxy", err);
  if (failed) sp_proxies_fini(proxies);
  return failed;
}

void sp_proxies_fini(struct sp_proxies *proxies) {
  fini_proxy(&proxies->http);
  fini_proxy(&proxies->https);
  free(proxies->no_proxy);
  proxies->no_proxy = NULL;
}

/* -- who needs none -- */

static struct sp_str without_dots(struct sp_str name) {
  if (name.len > 0 && name.bytes[name.len - 1] == '.') name.len--;
  if (name.len > 0 && name.bytes[0] == '.') name = sp_str_of(name.bytes + 1, name.len - 1);
  return name;
}

static bool is_name_below(struct sp_str name, struct sp_str host) {
  name = without_dots(name);
  host = without_dots(host);
  if (name.len == 0 || name.len > host.len) return false;
  struct sp_str tail = sp_str_of(host.bytes + host.len - name.len, name.len);
  return sp_str_ieq(tail, name) && (tail.len == host.len || tail.bytes[-1] == '.');
}

static bool parse_literal(struct sp_str text, struct sp_address *out) {
  char literal[64];
  if (text.len >= 2 && text.bytes[0] == '[' && text.bytes[text.len - 1] == ']')
    text = sp_str_of(text.bytes + 1, text.len - 2);
  if (text.len == 0 || text.len >= sizeof literal) return false;
  memcpy(literal, text.bytes, text.len);
  literal[text.len] = '\0';
  return sp_address_parse(literal, 0, out);
}

static const unsigned char *bytes_of(const struct sp_address *address, unsigned *bits) {
  bool ipv6 = address->sa.ss_family == AF_INET6;
  *bits = ipv6 ? 128 : 32;
  if (ipv6) return (const void *)&((const struct sockaddr_in6 *)&address->sa)->sin6_addr;
  return (const void *)&((const struct sockaddr_in *)&address->sa)->sin_addr;
}

static bool parse_bits(struct sp_str text, unsigned most, unsigned *bits) {
  if (text.len == 0 || text.len > 3) return false;
  *bits = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
    *bits = *bits * 10 + (unsigned)(text.bytes[i] - '0');
  }
  return *bits <= most;
}

/* "10.0.0.0/8", "::1". */
static bool is_in_block(struct sp_str block, const struct sp_address *host) {
  struct sp_str literal = sp_str_split(&block, '/');
  struct sp_address base;
  unsigned bits;
  if (!parse_literal(literal, &base) || base.sa.ss_family != host->sa.ss_family) return false;
  const unsigned char *a = bytes_of(&base, &bits), *b = bytes_of(host, &bits);
  if (block.bytes && !parse_bits(block, bits, &bits)) return false;
  if (memcmp(a, b, bits / 8) != 0) return false;
  unsigned rest = bits % 8;
  return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static struct sp_str next_word(struct sp_str *rest) {
  size_t from = 0;
  while (from < rest->len && strchr(", \t", rest->bytes[from])) from++;
  size_t to = from;
  while (to < rest->len && !strchr(", \t", rest->bytes[to])) to++;
  struct sp_str word = sp_str_of(rest->bytes + from, to - from);
  *rest = sp_str_of(rest->bytes + to, rest->len - to);
  return word;
}

bool sp_no_proxy_names(const char *list, struct sp_str host) {
  struct sp_str rest = sp_str_from(list);
  struct sp_address address;
  bool literal = parse_literal(host, &address);
  while (rest.len > 0) {
    struct sp_str word = next_word(&rest);
    if (sp_str_eq(word, SP_STR("*"))) return true;
    if (literal ? is_in_block(word, &address) : is_name_below(word, host)) return true;
  }
  return false;
}

const struct sp_proxy *sp_proxies_find(const struct sp_proxies *proxies, const struct sp_url *url) {
  const struct sp_proxy *proxy = url->tls ? &proxies->https : &proxies->http;
  if (!proxy->host) return NULL;
  if (!proxies->given && (sp_url_is_loopback(url) || sp_no_proxy_names(proxies->no_proxy, url->host))) return NULL;
  return proxy;
}

const struct sp_proxy *sp_proxies_use(struct sp_proxies *proxies, const struct sp_url *url) {
  const struct sp_proxy *found = sp_proxies_find(proxies, url);
  struct sp_proxy *proxy = url->tls ? &proxies->https : &proxies->http;
  if (found) atomic_store_explicit(&proxy->used, true, memory_order_relaxed);
  return found;
}

char *sp_proxies_used(const struct sp_proxies *proxies, char *text, size_t size) {
  const char *http = atomic_load(&proxies->http.used) ? proxies->http.name : "";
  const char *https = atomic_load(&proxies->https.used) ? proxies->https.name : "";
  bool both = *http && *https && strcmp(http, https) != 0;
  snprintf(text, size, "%s%s%s", *http ? http : https, both ? " and " : "", both ? https : "");
  return text;
}
