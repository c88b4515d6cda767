#include "http/client.h"

#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

/* -- client -- */

static void on_gone(struct sp_timer *timer) {
  struct sp_http_client *client = sp_container_of(timer, struct sp_http_client, gone);
  void (*on_closed)(void *ctx) = client->on_closed;
  void *ctx = client->closed_ctx;
  if (client->options.reach) sp_pacer_queue_fini(&client->turns);
  sp_dns_destroy(client->dns);
  sp_net_fini(&client->net);
  sp_http_heads_fini(client);
  sp_http_origins_fini(client);
  sp_buf_fini(&client->output);
  free(client->piece);
  free(client);
  if (on_closed) on_closed(ctx);
}

static void use_reach(struct sp_http_client *client, struct sp_http_reach *reach) {
  client->number = atomic_fetch_add(&reach->clients, 1);
  sp_rng_seed(&client->rng, reach->seed, client->number);
  sp_dns_use(client->dns, &reach->resolves);
  client->net.sources = &reach->sources;
  sp_pacer_queue_init(&client->turns, &reach->pacer, client->loop);
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
  sp_map_init(&client->origins);
  sp_buf_init(&client->output, SP_CONN_OUTPUT_MAX);
  client->shared.shared = true;
  sp_timer_init(&client->gone, options->loop, on_gone);
  if (options->reach) use_reach(client, options->reach);
  return client;
}

void sp_http_client_close(struct sp_http_client *client, void (*on_closed)(void *ctx), void *ctx) {
  SP_CHECK(client->calls == 0 && !client->closing);
  client->closing = true;
  client->on_closed = on_closed;
  client->closed_ctx = ctx;
  sp_http_pool_close(&client->shared);
  if (client->conns == 0) sp_timer_start(&client->gone, sp_loop_now(client->loop));
}

/* -- session -- */

void sp_http_session_init(struct sp_http_session *session, struct sp_http_client *client) {
  *session = (struct sp_http_session){.client = client};
}

void sp_http_session_fini(struct sp_http_session *session) {
  SP_CHECK(session->calls == 0);
  sp_http_pool_close(&session->pool);
}

/* -- call -- */

static struct sp_http_call *create_call(struct sp_http_session *session, const struct sp_http_request *request,
                                        const struct sp_http_sink *sink, void *ctx) {
  struct sp_http_call *call = sp_alloc(sizeof *call);
  call->client = session->client;
  call->session = session;
  call->sink = *sink;
  call->ctx = ctx;
  call->hot = request->hot;
  call->timeouts = request->timeouts;
  call->gzip_asked = request->gzip;
  call->head_method = sp_str_eq(request->method, SP_STR("HEAD"));
  call->connection = (uint8_t)request->connection;
  call->version = (uint8_t)request->version;
  call->result.dns_ns = call->result.connect_ns = call->result.tls_ns = -1;
  sp_buf_init(&call->request, SP_HTTP_REQUEST_MAX);
  sp_http_timeouts_init(call);
  session->calls++;
  call->client->calls++;
  return call;
}

static int prepare(struct sp_http_call *call, const struct sp_http_request *request, struct sp_err *err) {
  call->head = sp_http_head_of(call->client, request, err);
  if (!call->head) return err->code;
  call->origin = sp_http_head_origin(call->head);
  call->closes = sp_http_head_closes(call->head);
  if (!call->origin->tls && call->version == SP_HTTP_AUTO) call->version = SP_HTTP_1_1;
  if (request->body.len == 0) return 0;
  struct sp_str head = sp_http_head_text(call->head);
  int failed = sp_buf_reserve(&call->request, head.len + request->body.len);
  failed |= sp_buf_append_str(&call->request, head);
  failed |= sp_buf_append_str(&call->request, request->body);
  SP_CHECK(!failed); /* request_head.c has seen to the cap */
  return 0;
}

void sp_http_call_begin(struct sp_http_call *call) {
  bool keeps = call->connection != SP_HTTP_CONNECTION_REQUEST;
  struct sp_http_conn *mux = keeps && call->version != SP_HTTP_1_1 ? sp_http_pool_find_mux(call) : NULL;
  struct sp_http_conn *kept = keeps && !mux && call->version != SP_HTTP_2 ? sp_http_pool_take(call) : NULL;
  call->result.reused = (mux || kept) && call->result.connect_ns < 0; /* refused by the one it had opened: not so */
  call->result.http2 = false;
  if (mux) sp_http_mux_add(mux, call);
  else if (kept) sp_http_call_send(call, kept, sp_loop_update_now(call->client->loop));
  else if (call->origin->tls && !call->client->options.tls)
    sp_http_call_end(call, SP_HTTP_CONNECT, "https, but this client was made without TLS");
  else sp_http_dial(call);
}

struct sp_http_call *sp_http_start(struct sp_http_session *session, const struct sp_http_request *request,
                                   const struct sp_http_sink *sink, void *ctx) {
  SP_CHECK(!session->client->closing);
  struct sp_http_call *call = create_call(session, request, sink, ctx);
  call->start_ns = request->start_ns != 0 ? request->start_ns : sp_loop_now(call->client->loop);
  call->deferred = true; /* whatever ends it in here */
  struct sp_err err;
  if (prepare(call, request, &err) < 0) sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err.text);
  else sp_http_call_begin(call);
  call->deferred = call->phase == SP_HTTP_ENDED;
  return call;
}

void sp_http_abort(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED) return;
  call->deferred = true;
  sp_http_call_end(call, SP_HTTP_ABORTED, "hung up by the client");
}

/* Its own bytes are being read right now: the end of the read ends it. */
static bool is_in_read(const struct sp_http_call *call) {
  return call->conn->mux ? sp_http_linked(&call->touched) : call->conn->in_read;
}

void sp_http_finish(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED) return;
  if (call->phase < SP_HTTP_BODY) {
    sp_http_abort(call);
  } else if (is_in_read(call)) {
    call->finished = true;
  } else {
    call->deferred = true;
    sp_http_call_end(call, SP_HTTP_OK, NULL);
  }
}

void sp_http_pause(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED || call->paused) return;
  call->paused = true;
  if (!call->conn) return; /* not connected yet: it will begin paused */
  if (call->conn->mux) sp_h2_pause(&call->stream);
  else sp_conn_read_stop(&call->conn->conn);
}

void sp_http_resume(struct sp_http_call *call) {
  if (call->phase == SP_HTTP_ENDED || !call->paused) return;
  call->paused = false;
  call->resumed_ns = sp_loop_now(call->client->loop);
  sp_http_timeouts_arm(call);
  if (!call->conn) return;
  if (call->conn->mux) sp_http_mux_resume(call);
  else sp_conn_read_start(&call->conn->conn);
}
