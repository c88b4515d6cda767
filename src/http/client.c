#include "http/client.h"

#include "http/internal.h"
#include "http/request_head.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

/* -- client -- */

static void on_gone(struct sp_timer *timer) {
  struct sp_http_client *client = sp_container_of(timer, struct sp_http_client, gone);
  void (*on_closed)(void *ctx) = client->on_closed;
  void *ctx = client->closed_ctx;
  sp_dns_destroy(client->dns);
  sp_net_fini(&client->net);
  free(client->piece);
  free(client);
  if (on_closed) on_closed(ctx);
}

struct sp_http_client *sp_http_client_create(const struct sp_http_client_options *options, struct sp_err *err) {
  if (sp_loop_is_fake(options->loop)) {
    sp_fail(err, SP_EUSAGE, "the HTTP client needs a real loop");
    return NULL;
  }
  struct sp_http_client *client = sp_alloc(sizeof *client);
  client->options = *options;
  client->loop = options->loop;
  sp_net_init(&client->net, options->loop);
  client->dns = sp_dns_create(options->loop);
  sp_timer_init(&client->gone, options->loop, on_gone);
  return client;
}

void sp_http_client_close(struct sp_http_client *client, void (*on_closed)(void *ctx), void *ctx) {
  SP_CHECK(client->calls == 0 && !client->closing);
  client->closing = true;
  client->on_closed = on_closed;
  client->closed_ctx = ctx;
  if (client->conns == 0) sp_timer_start(&client->gone, sp_loop_now(client->loop));
}

/* -- session -- */

void sp_http_session_init(struct sp_http_session *session, struct sp_http_client *client) {
  *session = (struct sp_http_session){.client = client};
}

void sp_http_session_fini(struct sp_http_session *session) {
  SP_CHECK(session->calls == 0);
  while (session->conns) sp_http_conn_close(session->conns);
}

/* -- call -- */

static struct sp_http_call *create_call(struct sp_http_session *session, const struct sp_http_request *request,
                                        const struct sp_http_sink *sink, void *ctx) {
  struct sp_http_call *call = sp_alloc(sizeof *call);
  call->client = session->client;
  call->session = session;
  call->sink = *sink;
  call->ctx = ctx;
  call->timeouts = request->timeouts;
  call->gzip_asked = request->gzip;
  call->head_method = sp_str_eq(request->method, SP_STR("HEAD"));
  call->connection = (uint8_t)request->connection;
  call->result.dns_ns = call->result.connect_ns = call->result.tls_ns = -1;
  sp_buf_init(&call->request, SP_HTTP_REQUEST_MAX);
  sp_http_timeouts_init(call);
  session->calls++;
  call->client->calls++;
  return call;
}

static void keep_origin(struct sp_http_call *call, const struct sp_url *url) {
  for (size_t i = 0; i < url->host.len && i < SP_URL_HOST_MAX; i++) {
    char c = url->host.bytes[i];
    call->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  call->port = url->port;
  call->tls = url->tls;
}

static int prepare(struct sp_http_call *call, const struct sp_http_request *request, struct sp_err *err) {
  struct sp_url url;
  int failed = sp_url_parse(request->url, &url, err);
  if (failed) return failed;
  keep_origin(call, &url);
  return sp_http_request_build(request, &url, &call->request, &call->closes, err);
}

static void begin(struct sp_http_call *call) {
  struct sp_http_conn *kept = NULL;
  if (call->connection == SP_HTTP_CONNECTION_USER) kept = sp_http_pool_take(call->session, call);
  if (kept) {
    call->result.reused = true;
    sp_http_call_send(call, kept, sp_loop_update_now(call->client->loop));
  } else if (call->tls && !call->client->options.tls) {
    sp_http_call_end(call, SP_HTTP_CONNECT, "https, but this client was made without TLS");
  } else {
    sp_http_call_open(call);
  }
}

struct sp_http_call *sp_http_start(struct sp_http_session *session, const struct sp_http_request *request,
                                   const struct sp_http_sink *sink, void *ctx) {
  SP_CHECK(!session->client->closing);
  struct sp_http_call *call = create_call(session, request, sink, ctx);
  call->start_ns = request->start_ns != 0 ? request->start_ns : sp_loop_now(call->client->loop);
  call->deferred = true; /* whatever ends it in here */
  struct sp_err err;
  if (prepare(call, request, &err) < 0) sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err.text);
  else begin(call);
  call->deferred = call->phase == SP_HTTP_ENDED;
  return call;
}

void sp_http_abort(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED) return;
  call->deferred = true;
  sp_http_call_end(call, SP_HTTP_ABORTED, "hung up by the client");
}

void sp_http_finish(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED) return;
  if (call->phase < SP_HTTP_BODY) {
    sp_http_abort(call);
  } else if (call->conn->in_read) {
    call->finished = true; /* on_read_end ends it */
  } else {
    call->deferred = true;
    sp_http_call_end(call, SP_HTTP_OK, NULL);
  }
}
