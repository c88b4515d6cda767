/* A connection that speaks HTTP/1.1: from the socket's callbacks to the parser, the call and the pool. */
#include "http/internal.h"

#include "base/mem.h"

static struct sp_http_conn *of(struct sp_conn *conn) { return sp_container_of(conn, struct sp_http_conn, conn); }

/* -- what the parser says -- */

/* The first byte of a message. One that nobody asked for stops the parser. */
static int on_message_begin(void *ctx) {
  struct sp_http_conn *hc = ctx;
  struct sp_http_call *call = hc->call;
  if (!call || hc->message_done) return SP_EPARSE;
  sp_http_call_forget_request(call);
  sp_http_answer_begin(call, hc->rx);
  return 0;
}

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct sp_http_conn *hc = ctx;
  if (hc->call->result.reused) hc->origin->keeps = true;
  return sp_http_answer_head(hc->call, head, hc->rx, err);
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct sp_http_conn *hc = ctx;
  if (!hc->call) return hc->use == SP_HTTP_CONN_DRAINING ? 0 : SP_EPARSE;
  return sp_http_answer_body(hc->call, bytes, hc->rx, err);
}

static int on_message_end(void *ctx, struct sp_err *err) {
  struct sp_http_conn *hc = ctx;
  if (!hc->call && hc->use != SP_HTTP_CONN_DRAINING) return SP_EPARSE; /* hung up in on_head */
  int failed = hc->call ? sp_http_answer_end(hc->call, err) : 0;
  if (!failed) hc->message_done = true;
  return failed;
}

static const struct sp_http1_handler parser_handler = {
    .on_begin = on_message_begin,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_message_end,
};

/* -- what the socket says -- */

static void note_read(struct sp_http_conn *hc, const struct sp_rx *rx) {
  struct sp_http_call *call = hc->call;
  bool same_read = hc->in_read; /* TLS: a further record of it */
  hc->in_read = true;
  call->answered = true;
  call->last_rx = *rx;
  /* What came while the call was paused waited because it was told to. */
  if (!same_read && rx->kernel_ns >= call->resumed_ns) sp_http_conn_note_lag(hc, rx);
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
  else if (call->rearm) sp_http_timeouts_rearm(call);
}

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  struct sp_http_conn *hc = of(conn);
  if (hc->call) sp_http_call_lost(hc->call, end == SP_CONN_RESET, err);
  else sp_http_conn_close(hc);
}

static void on_drained(struct sp_conn *conn) {
  struct sp_http_call *call = of(conn)->call;
  if (call && call->phase == SP_HTTP_WAITING) call->written_ns = sp_loop_now(call->client->loop);
}

static const struct sp_conn_handler handler = {
    .on_data = on_data,
    .on_read_end = on_read_end,
    .on_end = on_end,
    .on_closed = sp_http_conn_on_closed,
    .on_drained = on_drained,
};

void sp_http_h1_begin(struct sp_http_conn *hc) {
  hc->conn.handler = &handler;
  sp_http1_init(&hc->http1, SP_HTTP1_RESPONSE, &parser_handler, hc);
}

void sp_http_h1_release(struct sp_http_conn *hc, bool reuse) {
  hc->call = NULL;
  hc->in_read = false;
  bool written = hc->conn.output.len == 0; /* an answer may come before the request was taken */
  if (!reuse || !hc->keep || hc->failed || !written) {
    sp_http_conn_close(hc);
    return;
  }
  sp_conn_read_start(&hc->conn); /* the call may have been paused */
  if (hc->message_done) sp_http_pool_put(hc);
  else sp_http_pool_drain(hc);
}
