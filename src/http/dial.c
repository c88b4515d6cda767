/*
 * From a host's name to an open connection: DNS, each address in turn, TLS. One dial makes one connection, for one
 * call, or, where HTTP/2 may come of it, for all that want the same: they join it while it is on its way.
 */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct sp_http_dial {
  struct sp_http_client *client;
  struct sp_http_origin *origin;
  struct sp_http_pool *pool;
  struct sp_http_dial *next, **link; /* in the pool's list while others may join */
  struct sp_http_link calls;         /* the first one's is the connection's time */
  size_t call_count;
  struct sp_dns_query query;
  struct sp_address *addresses;
  size_t address_count, address_at;
  struct sp_http_conn *conn;            /* the attempt under way */
  int64_t first_attempt_ns, attempt_ns; /* TCP to the first and to this address */
  uint8_t version;
  bool resolving, ending;
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
  dial->resolving = true;
  sp_http_list_init(&dial->calls);
  if (is_joinable(call)) list(dial);
  return dial;
}

static void join(struct sp_http_dial *dial, struct sp_http_call *call) {
  sp_http_list_append(&dial->calls, &call->at);
  dial->call_count++;
  call->dial = dial;
  sp_http_timeouts_begin_connect(call);
  call->phase = dial->resolving ? SP_HTTP_RESOLVING : SP_HTTP_CONNECTING;
  sp_http_timeouts_arm(call);
}

static struct sp_http_call *take_call(struct sp_http_dial *dial) {
  struct sp_http_call *call = first_call(dial);
  if (!call) return NULL;
  sp_http_unlink(&call->at);
  dial->call_count--;
  call->dial = NULL;
  return call;
}

static void destroy(struct sp_http_dial *dial) {
  unlist(dial);
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
  if (dial->resolving) sp_dns_cancel(dial->client->dns, &dial->query);
  hang_up(dial);
  destroy(dial);
}

/* -- it failed -- */

static void fail(struct sp_http_dial *dial, const char *text) {
  unlist(dial); /* before on_done starts the next calls */
  dial->ending = true;
  hang_up(dial);
  for (struct sp_http_call *call = take_call(dial); call; call = take_call(dial))
    sp_http_call_end(call, SP_HTTP_CONNECT, "%s", text);
  destroy(dial);
}

static void format_address(const struct sp_address *address, char *text, size_t size) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address->sa.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)&address->sa;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    snprintf(text, size, "[%s]:%u", host, ntohs(in6->sin6_port));
  } else {
    const struct sockaddr_in *in = (const void *)&address->sa;
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
  }
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
  char address[INET6_ADDRSTRLEN + 16];
  struct sp_err told = *err;
  format_address(&dial->addresses[dial->address_at], address, sizeof address);
  if (end == SP_CONN_REFUSED) sp_fail(&told, SP_EIO, "%s (%s)", err->text, address);
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
static void on_open(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns) {
  struct sp_http_dial *dial = sp_container_of(conn, struct sp_http_conn, conn)->dial;
  struct sp_http_result *result = &first_call(dial)->result;
  const char *alpn = sp_conn_alpn(conn);
  bool http2 = dial->origin->tls ? strcmp(alpn, "h2") == 0 : dial->version == SP_HTTP_2;
  result->connect_ns = connect_ns + (dial->attempt_ns - dial->first_attempt_ns);
  result->tls_ns = tls_ns;
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

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  (void)conn, (void)bytes, (void)rx;
  SP_CHECK(false); /* no bytes before it is open */
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
  for (struct sp_http_link *at = dial->calls.next; at != &dial->calls; at = at->next)
    sp_container_of(at, struct sp_http_call, at)->phase = SP_HTTP_CONNECTING;
  dial->attempt_ns = sp_loop_now(client->loop);
  if (dial->address_at == 0) dial->first_attempt_ns = dial->attempt_ns;
  dial->conn = sp_http_conn_create(client, dial->origin, dial->pool, &handler);
  dial->conn->dial = dial;
  dial->conn->conn.alpn = alpn_of(dial);
  sp_conn_connect(&dial->conn->conn, &dial->addresses[dial->address_at],
                  dial->origin->tls ? client->options.tls : NULL, dial->origin->host);
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
  dial->addresses = sp_alloc_array(count, sizeof *addresses);
  memcpy(dial->addresses, addresses, count * sizeof *addresses);
  dial->address_count = count;
  connect_next(dial);
}

void sp_http_dial(struct sp_http_call *call) {
  struct sp_http_dial *dial = find(call);
  if (dial) {
    join(dial, call);
    return;
  }
  dial = create(call);
  join(dial, call);
  dial->query.on_answer = on_answer;
  sp_dns_ask(dial->client->dns, dial->origin->host, dial->origin->port, &dial->query); /* may answer at once */
}
