/* A connection that speaks HTTP/1.1: from the socket's callbacks to the parser, the call and the pool. */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

static struct sp_http_conn *of(struct sp_conn *conn) { return sp_container_of(conn, struct sp_http_conn, conn); }

static void on_open(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns) {
  sp_http_call_opened(of(conn)->call, connect_ns, tls_ns);
}

static void note_read(struct sp_http_conn *hc, const struct sp_rx *rx) {
  struct sp_http_call *call = hc->call;
  const struct sp_http_client_options *options = &hc->client->options;
  bool same_read = hc->in_read; /* TLS: a further record of it */
  hc->in_read = true;
  call->answered = true;
  call->last_rx = *rx;
  if (!same_read && rx->kernel_ns != 0 && options->on_lag) options->on_lag(options->ctx, rx->user_ns - rx->kernel_ns);
}

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  struct sp_http_conn *hc = of(conn);
  if (hc->use == SP_HTTP_CONN_IDLE) { /* nobody asked for these */
    sp_http_conn_close(hc);
    return;
  }
  if (hc->call) note_read(hc, rx);
  if (hc->failed) return; /* further records of a read that has failed */
  struct sp_err err;
  err.code = 0;
  err.text[0] = '\0';
  hc->rx = rx;
  int failed = sp_http1_feed(&hc->http1, bytes, &err);
  hc->rx = NULL;
  if (hc->use == SP_HTTP_CONN_CLOSED) return; /* hung up inside */
  if (hc->use == SP_HTTP_CONN_DRAINING) {
    sp_http_pool_drained(hc, bytes.len, failed != 0);
  } else if (failed) {
    hc->failed = true; /* behind the end of the message: spoils the connection only */
    if (!hc->message_done) hc->call->detail = sp_strdup(err.text);
  }
}

/* A message's end, a failure and sp_http_finish all wait for the end of the read that brought them. */
static void on_read_end(struct sp_conn *conn, const struct sp_rx *rx) {
  struct sp_http_conn *hc = of(conn);
  struct sp_http_call *call = hc->call;
  if (!call) return;
  if (call->phase == SP_HTTP_BODY && call->sink.on_read_end) call->sink.on_read_end(call->ctx, rx);
  if (hc->call != call) return; /* hung up inside */
  hc->in_read = false;
  if (call->finished || hc->message_done) sp_http_call_end(call, SP_HTTP_OK, NULL);
  else if (hc->failed) sp_http_call_end(call, SP_HTTP_PROTOCOL, NULL);
  else if (call->rearm) sp_http_timeouts_arm(call);
}

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  struct sp_http_conn *hc = of(conn);
  if (hc->call) sp_http_call_lost(hc->call, end, err);
  else sp_http_conn_close(hc);
}

static void on_drained(struct sp_conn *conn) {
  struct sp_http_call *call = of(conn)->call;
  if (call && call->phase == SP_HTTP_WAITING) call->written_ns = sp_loop_now(call->client->loop);
}

static void on_closed(struct sp_conn *conn) {
  struct sp_http_conn *hc = of(conn);
  struct sp_http_client *client = hc->client;
  sp_http1_fini(&hc->http1);
  free(hc);
  client->conns--;
  if (client->closing && client->conns == 0) sp_timer_start(&client->gone, sp_loop_now(client->loop));
}

static const struct sp_conn_handler handler = {
    .on_open = on_open,
    .on_data = on_data,
    .on_read_end = on_read_end,
    .on_end = on_end,
    .on_closed = on_closed,
    .on_drained = on_drained,
};

struct sp_http_conn *sp_http_conn_open(struct sp_http_call *call, const struct sp_address *address) {
  struct sp_http_client *client = call->client;
  size_t host_size = strlen(call->host) + 1;
  struct sp_http_conn *hc = sp_alloc(sizeof *hc + host_size);
  memcpy(hc->host, call->host, host_size);
  hc->port = call->port;
  hc->tls = call->tls;
  hc->client = client;
  hc->session = call->session;
  hc->call = call;
  hc->use = SP_HTTP_CONN_BUSY;
  client->conns++;
  sp_http1_init(&hc->http1, SP_HTTP1_RESPONSE, &sp_http_answer_handler, hc);
  sp_conn_init(&hc->conn, &client->net, &handler);
  sp_conn_connect(&hc->conn, address, call->tls ? client->options.tls : NULL, hc->host);
  return hc;
}

void sp_http_conn_close(struct sp_http_conn *hc) {
  if (hc->use == SP_HTTP_CONN_CLOSED) return;
  sp_http_pool_remove(hc);
  hc->use = SP_HTTP_CONN_CLOSED;
  hc->call = NULL;
  hc->session = NULL;
  sp_conn_close(&hc->conn);
}

void sp_http_conn_release(struct sp_http_conn *hc, bool reuse) {
  hc->call = NULL;
  hc->in_read = false;
  bool written = hc->conn.output.len == 0; /* an answer may come before the request was taken */
  if (!reuse || !hc->keep || hc->failed || !written) sp_http_conn_close(hc);
  else if (hc->message_done) sp_http_pool_put(hc);
  else sp_http_pool_drain(hc);
}
