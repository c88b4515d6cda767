#include "cli/reach_setup.h"

#include <stdlib.h>

static int settle_proxies(struct sp_http_reach *reach, const struct sp_options *options, struct sp_err *err) {
  if (options->unix_socket && options->proxy && *options->proxy)
    return sp_fail(err, SP_EUSAGE, "--unix-socket and --proxy are two ways to the target: give one of them");
  if (options->unix_socket && (options->resolve_count || options->sources)) {
    return sp_fail(err, SP_EUSAGE, "--%s is for networks, and --unix-socket goes over none: give one of them",
                   options->resolve_count ? "resolve" : "source");
  }
  if (options->unix_socket) return sp_address_unix(options->unix_socket, &reach->unix_socket, err);
  return sp_proxies_take(&reach->proxies, options->proxy, getenv, err);
}

/* A proxy of the environment that can't be used and is needed. */
static int check_host(const struct sp_http_reach *reach, const char *host, struct sp_err *err) {
  struct sp_url url;
  if (sp_url_parse(sp_str_from(host), &url, NULL)) return 0;
  const struct sp_proxy *proxy = sp_proxies_find(&reach->proxies, &url);
  if (!proxy || !proxy->fault) return 0;
  return sp_fail(err, SP_EUSAGE, "%s of the environment: %s (--proxy '' goes without)", proxy->name, proxy->fault);
}

int sp_reach_settle(struct sp_http_reach *reach, const struct sp_options *options, const char *host, uint64_t seed,
                    struct sp_err *err) {
  int code = settle_proxies(reach, options, err);
  if (code == 0) code = check_host(reach, host, err);
  for (size_t i = 0; i < options->resolve_count && code == 0; i++)
    code = sp_resolves_add(&reach->resolves, options->resolves[i], err);
  if (code == 0 && options->sources) code = sp_sources_parse(options->sources, &reach->sources, err);
  sp_pacer_init(&reach->pacer, options->connect_per_s);
  reach->choice = options->dns;
  reach->seed = seed;
  if (code) sp_http_reach_fini(reach);
  return code;
}

const char *sp_reach_ambient_proxy(const struct sp_http_reach *reach, const char *host) {
  struct sp_url url;
  if (reach->proxies.given || sp_url_parse(sp_str_from(host), &url, NULL)) return NULL;
  const struct sp_proxy *proxy = sp_proxies_find(&reach->proxies, &url);
  return proxy ? proxy->name : NULL;
}
