/* Hosts and ports that a client has met, each once: connections and calls compare them by their address. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>

#define KEY_MAX (SP_URL_HOST_MAX + 3)

static struct sp_str key_of(const struct sp_url *url, char *key) {
  size_t len = url->host.len < SP_URL_HOST_MAX ? url->host.len : SP_URL_HOST_MAX;
  for (size_t i = 0; i < len; i++) {
    char c = url->host.bytes[i];
    key[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  key[len++] = (char)(url->port >> 8);
  key[len++] = (char)(url->port & 0xff);
  key[len++] = (char)url->tls;
  return sp_str_of(key, len);
}

static struct sp_http_origin *create(struct sp_http_client *client, const struct sp_url *url, struct sp_str key) {
  struct sp_http_reach *reach = client->options.reach;
  size_t len = url->host.len < SP_URL_HOST_MAX ? url->host.len : SP_URL_HOST_MAX;
  struct sp_http_origin *origin = sp_alloc(sizeof *origin + len + 1);
  memcpy(origin->host, key.bytes, len);
  origin->port = url->port;
  origin->tls = url->tls;
  origin->turn = client->number;
  if (reach && reach->unix_socket.len == 0) origin->proxy = sp_proxies_use(&reach->proxies, url);
  return origin;
}

struct sp_http_origin *sp_http_origin_of(struct sp_http_client *client, const struct sp_url *url, struct sp_err *err) {
  char text[KEY_MAX];
  struct sp_str key = key_of(url, text);
  struct sp_http_origin *origin = sp_map_get(&client->origins, key);
  if (origin) return origin;
  if (client->origins.count >= SP_HTTP_ORIGINS_MAX) {
    sp_fail(err, SP_ELIMIT, "over %u different hosts and ports (SP_HTTP_ORIGINS_MAX)", SP_HTTP_ORIGINS_MAX);
    return NULL;
  }
  origin = create(client, url, key);
  *sp_map_put(&client->origins, key) = origin;
  return origin;
}

void sp_http_origins_fini(struct sp_http_client *client) {
  for (size_t i = 0; i < client->origins.count; i++) free(client->origins.entries[i].value);
  sp_map_fini(&client->origins);
}
