/* A connection of any kind: its making and its end. What it speaks is h1.c's and mux.c's. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>

struct sp_http_conn *sp_http_conn_create(struct sp_http_client *client, struct sp_http_origin *origin,
                                         struct sp_http_pool *pool, const struct sp_conn_handler *handler) {
  struct sp_http_conn *hc = sp_alloc(sizeof *hc);
  hc->client = client;
  hc->origin = origin;
  hc->pool = pool;
  hc->use = SP_HTTP_CONN_BUSY;
  client->conns++;
  sp_conn_init(&hc->conn, &client->net, handler);
  return hc;
}

void sp_http_conn_close(struct sp_http_conn *hc) {
  if (hc->use == SP_HTTP_CONN_CLOSED) return;
  sp_http_pool_remove(hc);
  if (hc->mux) sp_http_mux_goodbye(hc);
  hc->use = SP_HTTP_CONN_CLOSED;
  hc->call = NULL;
  hc->pool = NULL;
  hc->dial = NULL;
  sp_conn_close(&hc->conn);
}

void sp_http_conn_on_closed(struct sp_conn *conn) {
  struct sp_http_conn *hc = sp_container_of(conn, struct sp_http_conn, conn);
  struct sp_http_client *client = hc->client;
  if (hc->mux) sp_http_mux_destroy(hc);
  else sp_http1_fini(&hc->http1);
  free(hc);
  client->conns--;
  if (client->closing && client->conns == 0) sp_timer_start(&client->gone, sp_loop_now(client->loop));
}

void sp_http_conn_note_lag(const struct sp_http_conn *hc, const struct sp_rx *rx) {
  const struct sp_http_client_options *options = &hc->client->options;
  if (rx->kernel_ns != 0 && options->on_lag) options->on_lag(options->ctx, rx->user_ns - rx->kernel_ns);
}
