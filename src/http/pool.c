/* The connections that a session keeps: idle ones, and those that still read the end of a message. */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

static bool same_origin(const struct sp_http_conn *conn, const struct sp_http_call *call) {
  return conn->port == call->port && conn->tls == call->tls && strcmp(conn->host, call->host) == 0;
}

static void insert(struct sp_http_conn *conn) {
  struct sp_http_session *session = conn->session;
  conn->link = &session->conns;
  conn->next = session->conns;
  if (conn->next) conn->next->link = &conn->next;
  session->conns = conn;
}

void sp_http_pool_remove(struct sp_http_conn *conn) {
  if (!conn->link) return;
  *conn->link = conn->next;
  if (conn->next) conn->next->link = conn->link;
  conn->link = NULL;
  conn->next = NULL;
  sp_timer_stop(&conn->tail);
}

/* Over the cap the one that is idle longest goes. */
static void hold_cap(struct sp_http_session *session) {
  struct sp_http_conn *oldest = NULL;
  unsigned idle = 0;
  for (struct sp_http_conn *conn = session->conns; conn; conn = conn->next) {
    if (conn->use != SP_HTTP_CONN_IDLE) continue;
    oldest = conn;
    idle++;
  }
  if (idle > SP_HTTP_IDLE_CONNS_MAX) sp_http_conn_close(oldest);
}

void sp_http_pool_put(struct sp_http_conn *conn) {
  SP_CHECK(conn->use == SP_HTTP_CONN_BUSY && !conn->call);
  conn->use = SP_HTTP_CONN_IDLE;
  insert(conn);
  hold_cap(conn->session);
}

static void on_tail_due(struct sp_timer *timer) {
  sp_http_conn_close(sp_container_of(timer, struct sp_http_conn, tail));
}

void sp_http_pool_drain(struct sp_http_conn *conn) {
  SP_CHECK(conn->use == SP_HTTP_CONN_BUSY && !conn->call);
  conn->use = SP_HTTP_CONN_DRAINING;
  conn->tail_bytes = 0;
  insert(conn);
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
static void close_draining(struct sp_http_session *session, const struct sp_http_call *call) {
  struct sp_http_conn *next;
  for (struct sp_http_conn *conn = session->conns; conn; conn = next) {
    next = conn->next;
    if (conn->use == SP_HTTP_CONN_DRAINING && same_origin(conn, call)) sp_http_conn_close(conn);
  }
}

struct sp_http_conn *sp_http_pool_take(struct sp_http_session *session, const struct sp_http_call *call) {
  for (struct sp_http_conn *conn = session->conns; conn; conn = conn->next) {
    if (conn->use != SP_HTTP_CONN_IDLE || !same_origin(conn, call)) continue;
    sp_http_pool_remove(conn);
    conn->use = SP_HTTP_CONN_BUSY;
    return conn;
  }
  close_draining(session, call);
  return NULL;
}
