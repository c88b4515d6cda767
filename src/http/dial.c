/*
 * From a host's name to an open connection: DNS, each address in turn, a proxy's tunnel, TLS. One dial makes one
 * connection, for one call, or, where HTTP/2 may come of it, for all that want the same: they join it while it is on its
 * way. Where new connections are capped it first waits for its turn.
 */
#include "http/internal.h"
#include "http/tunnel.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct sp_http_dial {
  struct sp_http_client *client;
  struct sp_http_origin *origin;
  struct sp_http_pool *pool;
  struct sp_http_dial *next, **link; /* in the pool's list while others may join */
  struct sp_http_link calls;         /* the first one's is the connection's time */
  size_t call_count;
  struct sp_pacer_wait turn;
  struct sp_dns_query query;
  struct sp_address *addresses;
  size_t address_count, address_at;
  struct sp_http_conn *conn;            /* the attempt under way */
  struct sp_tunnel *tunnel;             /* the proxy was asked for one */
  int64_t first_attempt_ns, attempt_ns; /* TCP to the first and to this address */
  uint8_t version;
  bool paced; /* waits for its turn */
  bool resolving, tunnelled, ending;
  bool once; /* the connection serves one call only */
};

static struct sp_http_call *first_call(const struct sp_http_dial *dial) {
  if (sp_http_list_empty(&dial->calls)) return NULL;
  return sp_container_of(dial->calls.next, struct sp_http_call, at);
}

/* -- joining and leaving -- */

static void list(struct sp_http_dial *dial) {
  dial->link = &dial->pool->dials;
  dial->next = dial->pool->dials;
  if (dial->next) dial->next->link = &dial->next;
  dial->pool->dials = dial;
}

static void unlist(struct sp_http_dial *dial) {
  if (!dial->link) return;
  *dial->link = dial->next;
  if (dial->next) dial->next->link = dial->link;
  dial->link = NULL;
}

/* May HTTP/2 come of it, as far as we know? */
static bool is_joinable(const struct sp_http_call *call) {
  if (call->version == SP_HTTP_1_1 || call->connection == SP_HTTP_CONNECTION_REQUEST) return false;
  return call->version == SP_HTTP_2 || !call->origin->http1;
}

static struct sp_http_dial *find(struct sp_http_call *call) {
  struct sp_http_pool *pool = sp_http_pool_of(call);
  if (!is_joinable(call)) return NULL;
  size_t room = pool->shared ? sp_http_streams_max(call->client, call->origin, true) : SIZE_MAX;
  for (struct sp_http_dial *dial = pool->dials; dial; dial = dial->next)
    if (dial->origin == call->origin && dial->version == call->version && dial->call_count < room) return dial;
  return NULL;
}

static struct sp_http_dial *create(struct sp_http_call *call) {
  struct sp_http_dial *dial = sp_alloc(sizeof *dial);
  dial->client = call->client;
  dial->origin = call->origin;
  dial->pool = sp_http_pool_of(call);
  dial->version = call->version;
  dial->once = call->connection == SP_HTTP_CONNECTION_REQUEST;
  sp_http_list_init(&dial->calls);
  if (is_joinable(call)) list(dial);
  return dial;
}

static uint8_t phase_of(const struct sp_http_dial *dial) {
  if (dial->paced) return SP_HTTP_PACED;
  if (dial->tunnel) return SP_HTTP_TUNNELLING;
  return dial->conn ? SP_HTTP_CONNECTING : SP_HTTP_RESOLVING;
}

static void join(struct sp_http_dial *dial, struct sp_http_call *call) {
  sp_http_list_append(&dial->calls, &call->at);
  dial->call_count++;
  call->dial = dial;
  if (dial->paced) sp_http_timeouts_hold_connect(call);
  else sp_http_timeouts_begin_connect(call);
  call->phase = phase_of(dial);
  sp_http_timeouts_arm(call);
}

/* The dial has come to another phase. */
static void tell_calls(struct sp_http_dial *dial) {
  for (struct sp_http_link *at = dial->calls.next; at != &dial->calls; at = at->next) {
    struct sp_http_call *call = sp_container_of(at, struct sp_http_call, at);
    sp_http_timeouts_begin_connect(call);
    call->phase = phase_of(dial);
    sp_http_timeouts_arm(call);
  }
}

static struct sp_http_call *take_call(struct sp_http_dial *dial) {
  struct sp_http_call *call = first_call(dial);
  if (!call) return NULL;
  sp_http_unlink(&call->at);
  dial->call_count--;
  call->dial = NULL;
  return call;
}

static void end_tunnel(struct sp_http_dial *dial) {
  if (!dial->tunnel) return;
  sp_loop_hurry(dial->client->loop, -1);
  sp_tunnel_fini(dial->tunnel);
  free(dial->tunnel);
  dial->tunnel = NULL;
}

static void destroy(struct sp_http_dial *dial) {
  unlist(dial);
  end_tunnel(dial);
  free(dial->addresses);
  free(dial);
}

static void hang_up(struct sp_http_dial *dial) {
  struct sp_http_conn *conn = dial->conn;
  dial->conn = NULL;
  if (conn) sp_http_conn_close(conn);
}

void sp_http_dial_leave(struct sp_http_call *call) {
  struct sp_http_dial *dial = call->dial;
  if (!dial) return;
  sp_http_unlink(&call->at);
  dial->call_count--;
  call->dial = NULL;
  if (dial->call_count > 0 || dial->ending) return;
  if (dial->paced) sp_pacer_leave(&dial->client->turns, &dial->turn);
  if (dial->resolving) sp_dns_cancel(dial->client->dns, &dial->query);
  hang_up(dial);
  destroy(dial);
}

/* -- it failed -- */

static void fail(struct sp_http_dial *dial, const char *text) {
  const struct sp_proxy *proxy = dial->tunnelled ? NULL : dial->origin->proxy; /* it did not come further than there */
  unlist(dial); /* before on_done starts the next calls */
  dial->ending = true;
  hang_up(dial);
  for (struct sp_http_call *call = take_call(dial); call; call = take_call(dial))
    if (proxy) sp_http_call_end(call, SP_HTTP_CONNECT, "proxy %s: %s", proxy->name, text);
    else sp_http_call_end(call, SP_HTTP_CONNECT, "%s", text);
  destroy(dial);
}

static void note(const struct sp_http_dial *dial, enum sp_http_dialled what) {
  const struct sp_http_client_options *options = &dial->client->options;
  if (options->on_dialled) options->on_dialled(options->ctx, what);
}

static void connect_next(struct sp_http_dial *dial);

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  struct sp_http_dial *dial = sp_container_of(conn, struct sp_http_conn, conn)->dial;
  if (end == SP_CONN_REFUSED && dial->address_at + 1 < dial->address_count) {
    hang_up(dial);
    dial->address_at++;
    connect_next(dial);
    return;
  }
  if (conn->lack == SP_CONN_LACKS_PORT) note(dial, SP_HTTP_DIALLED_NO_PORT);
  if (conn->lack == SP_CONN_LACKS_FILE) note(dial, SP_HTTP_DIALLED_NO_FILE);
  char address[SP_ADDRESS_TEXT_SIZE];
  struct sp_err told = *err;
  sp_address_format(&dial->addresses[dial->address_at], address, sizeof address);
  if (end == SP_CONN_REFUSED) sp_fail(&told, SP_EIO, "%s (%s)", err->text, address);
  else if (dial->tunnel) sp_err_context(&told, "before its answer to CONNECT");
  fail(dial, told.text);
}

/* -- it is open -- */

static void begin_http1(struct sp_http_dial *dial) {
  sp_http_h1_begin(dial->conn);
  sp_http_call_send(take_call(dial), dial->conn, sp_loop_update_now(dial->client->loop));
  for (struct sp_http_call *call = take_call(dial); call; call = take_call(dial)) sp_http_call_begin(call);
}

static void begin_http2(struct sp_http_dial *dial) {
  sp_http_mux_begin(dial->conn, dial->once);
  for (struct sp_http_call *call = take_call(dial); call; call = take_call(dial)) sp_http_mux_add(dial->conn, call);
}

/* A call may end in here (on_done): the dial is out of its list by then, and `ending` keeps it alive. */
static void opened(struct sp_http_dial *dial, int64_t connect_ns, int64_t tls_ns) {
  struct sp_http_result *result = &first_call(dial)->result;
  const char *alpn = sp_conn_alpn(&dial->conn->conn);
  bool http2 = dial->origin->tls ? strcmp(alpn, "h2") == 0 : dial->version == SP_HTTP_2;
  result->connect_ns = connect_ns + (dial->attempt_ns - dial->first_attempt_ns);
  result->tls_ns = tls_ns;
  note(dial, SP_HTTP_DIALLED_OPEN);
  if (dial->version == SP_HTTP_2 && !http2) {
    char text[128];
    snprintf(text, sizeof text, "the server does not speak HTTP/2 (ALPN: it chose %s)", alpn[0] ? alpn : "nothing");
    fail(dial, text);
    return;
  }
  unlist(dial);
  dial->ending = true;
  dial->conn->dial = NULL;
  if (dial->version == SP_HTTP_AUTO) dial->origin->http1 = !http2;
  if (http2) begin_http2(dial);
  else begin_http1(dial);
  destroy(dial);
}

/* -- through a proxy -- */

bool sp_http_tunnels(const struct sp_http_origin *origin, unsigned version) {
  return origin->proxy && (origin->tls || version == SP_HTTP_2);
}

static void begin_tunnel(struct sp_http_dial *dial) {
  const struct sp_http_origin *origin = dial->origin;
  struct sp_buf request;
  dial->tunnel = sp_alloc(sizeof *dial->tunnel);
  sp_tunnel_init(dial->tunnel);
  sp_loop_hurry(dial->client->loop, +1); /* as any connection that is being made */
  tell_calls(dial);
  sp_buf_init(&request, SP_CONN_OUTPUT_MAX);
  (void)sp_tunnel_request(origin->proxy, origin->host, origin->port, &request);
  sp_conn_write(&dial->conn->conn, sp_buf_str(&request));
  sp_buf_fini(&request);
}

/* rest: what the target has said already (HTTP/2 without TLS may). */
static void leave_tunnel(struct sp_http_dial *dial, struct sp_str rest, const struct sp_rx *rx) {
  struct sp_http_conn *hc = dial->conn;
  if (dial->origin->tls && rest.len > 0) {
    fail(dial, "bytes stand behind its answer to CONNECT, before the TLS handshake");
    return;
  }
  dial->tunnelled = true;
  if (dial->origin->tls) {
    tell_calls(dial);
    sp_conn_start_tls(&hc->conn, dial->client->options.tls, dial->origin->host);
    return;
  }
  opened(dial, sp_clock_mono_ns() - hc->conn.begun_ns, -1);
  if (rest.len > 0 && hc->use != SP_HTTP_CONN_CLOSED) hc->conn.handler->on_data(&hc->conn, rest, rx);
}

static void on_open(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns) {
  struct sp_http_dial *dial = sp_container_of(conn, struct sp_http_conn, conn)->dial;
  if (!dial->tunnelled && sp_http_tunnels(dial->origin, dial->version)) begin_tunnel(dial);
  else opened(dial, connect_ns, tls_ns);
}

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  struct sp_http_dial *dial = sp_container_of(conn, struct sp_http_conn, conn)->dial;
  struct sp_err err;
  size_t used;
  if (!dial->tunnel) return; /* TLS could not be begun: on_end comes */
  int done = sp_tunnel_feed(dial->tunnel, bytes, &used, &err);
  if (done == 0) return;
  end_tunnel(dial);
  if (done < 0) fail(dial, err.text);
  else leave_tunnel(dial, sp_str_of(bytes.bytes + used, bytes.len - used), rx);
}

static const struct sp_conn_handler handler = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_closed = sp_http_conn_on_closed,
};

/* -- on its way -- */

static const char *alpn_of(const struct sp_http_dial *dial) {
  switch (dial->version) {
  case SP_HTTP_2: return "h2";
  case SP_HTTP_AUTO: return "h2,http/1.1";
  default: return "http/1.1";
  }
}

static void connect_next(struct sp_http_dial *dial) {
  struct sp_http_client *client = dial->client;
  bool tls_at_once = dial->origin->tls && !sp_http_tunnels(dial->origin, dial->version);
  dial->attempt_ns = sp_loop_now(client->loop);
  if (dial->address_at == 0) dial->first_attempt_ns = dial->attempt_ns;
  dial->conn = sp_http_conn_create(client, dial->origin, dial->pool, &handler);
  dial->conn->dial = dial;
  dial->conn->conn.alpn = alpn_of(dial);
  tell_calls(dial);
  sp_conn_connect(&dial->conn->conn, &dial->addresses[dial->address_at], tls_at_once ? client->options.tls : NULL,
                  dial->origin->host);
}

/* Which of its addresses is tried first. */
static size_t choose(struct sp_http_dial *dial, size_t count) {
  const struct sp_http_reach *reach = dial->client->options.reach;
  if (!reach || reach->choice == SP_DNS_FIRST || count < 2) return 0;
  return reach->choice == SP_DNS_RANDOM ? sp_rng_below(&dial->client->rng, count) : dial->origin->turn++ % count;
}

static void take_addresses(struct sp_http_dial *dial, const struct sp_address *addresses, size_t count) {
  size_t first = choose(dial, count);
  dial->addresses = sp_alloc_array(count, sizeof *addresses);
  for (size_t i = 0; i < count; i++) dial->addresses[i] = addresses[(first + i) % count];
  dial->address_count = count;
  connect_next(dial);
}

static void on_answer(struct sp_dns_query *query, const struct sp_address *addresses, size_t count,
                      int64_t elapsed_ns, const struct sp_err *err) {
  struct sp_http_dial *dial = sp_container_of(query, struct sp_http_dial, query);
  dial->resolving = false;
  first_call(dial)->result.dns_ns = elapsed_ns > 0 ? elapsed_ns : -1; /* a literal or kept address: no phase */
  if (count == 0) {
    struct sp_err told = *err;
    fail(dial, told.text);
    return;
  }
  take_addresses(dial, addresses, count);
}

static void resolve(struct sp_http_dial *dial) {
  const struct sp_http_reach *reach = dial->client->options.reach;
  const struct sp_proxy *proxy = dial->origin->proxy;
  if (reach && reach->unix_socket.len > 0) {
    take_addresses(dial, &reach->unix_socket, 1);
    return;
  }
  if (proxy && proxy->fault) {
    fail(dial, proxy->fault);
    return;
  }
  dial->resolving = true;
  dial->query.on_answer = on_answer; /* maybe at once */
  sp_dns_ask(dial->client->dns, proxy ? proxy->host : dial->origin->host, proxy ? proxy->port : dial->origin->port,
             &dial->query);
}

static void on_turn(struct sp_pacer_wait *turn) {
  struct sp_http_dial *dial = sp_container_of(turn, struct sp_http_dial, turn);
  dial->paced = false;
  tell_calls(dial);
  resolve(dial);
}

void sp_http_dial(struct sp_http_call *call) {
  struct sp_http_client *client = call->client;
  struct sp_http_dial *dial = find(call);
  if (dial) {
    join(dial, call);
    return;
  }
  dial = create(call);
  dial->paced = client->options.reach && client->options.reach->pacer.gap_ns > 0;
  join(dial, call);
  if (!dial->paced) {
    resolve(dial);
    return;
  }
  dial->turn.on_turn = on_turn;
  sp_pacer_wait(&client->turns, &dial->turn);
}
