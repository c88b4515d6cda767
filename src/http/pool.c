/* The connections that a session (or the client, for all) keeps: idle ones of HTTP/1.1, those that still read the end
 * of a message, and those of HTTP/2. */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

struct sp_http_pool *sp_http_pool_of(struct sp_http_call *call) {
  return call->connection == SP_HTTP_CONNECTION_SHARED ? &call->client->shared : &call->session->pool;
}

static void insert(struct sp_http_conn *conn, struct sp_http_conn **list) {
  conn->link = list;
  conn->next = *list;
  if (conn->next) conn->next->link = &conn->next;
  *list = conn;
}

void sp_http_pool_remove(struct sp_http_conn *conn) {
  if (!conn->link) return;
  *conn->link = conn->next;
  if (conn->next) conn->next->link = conn->link;
  conn->link = NULL;
  conn->next = NULL;
  sp_timer_stop(&conn->tail);
}

static bool is_idle(const struct sp_http_conn *conn) {
  return conn->use == SP_HTTP_CONN_IDLE || (conn->use == SP_HTTP_CONN_MUX && sp_http_mux_is_idle(conn));
}

/* Over the cap the one that is idle longest goes. The shared ones are as many as calls were in flight at once. */
static void hold_cap(struct sp_http_pool *pool) {
  struct sp_http_conn *oldest = NULL;
  unsigned idle = 0;
  if (pool->shared) return;
  for (struct sp_http_conn *conn = pool->conns; conn; conn = conn->next) {
    if (!is_idle(conn)) continue;
    oldest = conn;
    idle++;
  }
  if (idle > SP_HTTP_IDLE_CONNS_MAX) sp_http_conn_close(oldest);
}

void sp_http_pool_put(struct sp_http_conn *conn) {
  SP_CHECK(conn->use == SP_HTTP_CONN_BUSY && !conn->call);
  conn->use = SP_HTTP_CONN_IDLE;
  insert(conn, &conn->pool->conns);
  hold_cap(conn->pool);
}

void sp_http_pool_put_mux(struct sp_http_conn *conn) {
  SP_CHECK(conn->use == SP_HTTP_CONN_MUX);
  sp_http_pool_remove(conn);
  insert(conn, sp_http_mux_is_full(conn) ? &conn->pool->full : &conn->pool->conns);
  if (sp_http_mux_is_idle(conn)) hold_cap(conn->pool);
}

static void on_tail_due(struct sp_timer *timer) {
  sp_http_conn_close(sp_container_of(timer, struct sp_http_conn, tail));
}

void sp_http_pool_drain(struct sp_http_conn *conn) {
  SP_CHECK(conn->use == SP_HTTP_CONN_BUSY && !conn->call);
  conn->use = SP_HTTP_CONN_DRAINING;
  conn->tail_bytes = 0;
  insert(conn, &conn->pool->conns);
  sp_timer_init(&conn->tail, conn->client->loop, on_tail_due);
  sp_timer_start(&conn->tail, sp_loop_now(conn->client->loop) + SP_HTTP_TAIL_NS);
}

void sp_http_pool_drained(struct sp_http_conn *conn, size_t bytes, bool failed) {
  conn->tail_bytes += bytes;
  if (failed || conn->tail_bytes > SP_HTTP_TAIL_MAX) {
    sp_http_conn_close(conn);
  } else if (conn->message_done) {
    sp_http_pool_remove(conn);
    conn->use = SP_HTTP_CONN_BUSY; /* for an instant: nobody's, as after a call */
    sp_http_pool_put(conn);
  }
}

/* The draining ones of this origin close: their user has gone on. */
static void close_draining(struct sp_http_pool *pool, const struct sp_http_call *call) {
  struct sp_http_conn *next;
  for (struct sp_http_conn *conn = pool->conns; conn; conn = next) {
    next = conn->next;
    if (conn->use == SP_HTTP_CONN_DRAINING && conn->origin == call->origin) sp_http_conn_close(conn);
  }
}

struct sp_http_conn *sp_http_pool_take(struct sp_http_call *call) {
  struct sp_http_pool *pool = sp_http_pool_of(call);
  for (struct sp_http_conn *conn = pool->conns; conn; conn = conn->next) {
    if (conn->use != SP_HTTP_CONN_IDLE || conn->origin != call->origin) continue;
    sp_http_pool_remove(conn);
    conn->use = SP_HTTP_CONN_BUSY;
    return conn;
  }
  if (!pool->shared) close_draining(pool, call);
  return NULL;
}

struct sp_http_conn *sp_http_pool_find_mux(struct sp_http_call *call) {
  for (struct sp_http_conn *conn = sp_http_pool_of(call)->conns; conn; conn = conn->next)
    if (conn->use == SP_HTTP_CONN_MUX && conn->origin == call->origin) return conn;
  return NULL;
}

void sp_http_pool_close(struct sp_http_pool *pool) {
  while (pool->conns) sp_http_conn_close(pool->conns);
  while (pool->full) sp_http_conn_close(pool->full);
}
