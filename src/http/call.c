/* One request's life on its connection, to on_done. */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* -- the request -- */

struct sp_str sp_http_call_request(const struct sp_http_call *call) {
  if (!call->head) return sp_str_of(NULL, 0);
  return call->request.len > 0 ? sp_buf_str(&call->request) : sp_http_head_text(call->head);
}

void sp_http_call_forget_request(struct sp_http_call *call) {
  sp_http_head_unref(call->head);
  call->head = NULL;
  sp_buf_fini(&call->request);
}

/* -- the end -- */

/* From its dial or connection. */
static void detach(struct sp_http_call *call, bool reuse) {
  struct sp_http_conn *conn = call->conn;
  sp_http_dial_leave(call);
  if (!conn) return;
  if (conn->mux) {
    sp_http_mux_remove(call);
    return;
  }
  call->conn = NULL;
  call->result.bytes_in += conn->conn.bytes_in - conn->base_in;
  call->result.bytes_out += conn->conn.bytes_out - conn->base_out;
  sp_http_h1_release(conn, reuse);
}

/* What the answer's bytes decided ended with the last of them, anything else ends now. */
static int64_t instant_of_end(const struct sp_http_call *call, enum sp_http_end end) {
  const struct sp_rx *rx = &call->last_rx;
  bool by_bytes = (end == SP_HTTP_OK || end == SP_HTTP_PROTOCOL) && rx->user_ns != 0;
  if (by_bytes) return rx->kernel_ns != 0 ? rx->kernel_ns : rx->user_ns;
  int64_t now_ns = sp_loop_now(call->client->loop);
  return now_ns > rx->user_ns ? now_ns : rx->user_ns;
}

static void __attribute__((format(printf, 2, 0)))
set_detail(struct sp_http_call *call, const char *format, va_list args) {
  char text[SP_ERR_TEXT_MAX];
  vsnprintf(text, sizeof text, format, args);
  free(call->detail);
  call->detail = sp_strdup(text);
}

void sp_http_call_end(struct sp_http_call *call, enum sp_http_end end, const char *format, ...) {
  SP_CHECK(call->phase != SP_HTTP_ENDED);
  if (format) {
    va_list args;
    va_start(args, format);
    set_detail(call, format, args);
    va_end(args);
  }
  call->result.end = end;
  call->result.end_ns = instant_of_end(call, end);
  sp_loop_note_answer(call->client->loop);
  call->phase = SP_HTTP_ENDED;
  detach(call, end == SP_HTTP_OK);
  if (call->deferred) sp_timer_start(&call->timer, sp_loop_now(call->client->loop));
  else sp_http_call_deliver(call);
}

void sp_http_call_deliver(struct sp_http_call *call) {
  sp_timer_stop(&call->timer);
  call->client->calls--;
  call->session->calls--;
  bool ok = call->result.end == SP_HTTP_OK;
  call->result.detail = ok || !call->detail ? "" : call->detail;
  call->sink.on_done(call->ctx, &call->result); /* may finish the session and close the client */
  free(call->detail);
  sp_http_call_forget_request(call);
  sp_gzip_destroy(call->gzip);
  free(call);
}

/* -- sending -- */

static void hint_hot_memory(struct sp_http_conn *conn, const struct sp_http_call *call) {
  struct sp_ahead *ahead = conn->conn.poll.ahead;
  ahead[0] = (struct sp_ahead){conn, SP_HTTP_CONN_HOT_BYTES};
  ahead[1] = (struct sp_ahead){call, SP_HTTP_CALL_HOT_BYTES};
  ahead[2] = call->hot;
}

void sp_http_call_send(struct sp_http_call *call, struct sp_http_conn *conn, int64_t now_ns) {
  hint_hot_memory(conn, call);
  call->conn = conn;
  call->phase = SP_HTTP_WAITING;
  call->answered = false;
  conn->call = call;
  conn->message_done = false;
  conn->keep = false; /* until the head says so */
  conn->base_in = conn->conn.bytes_in;
  conn->base_out = conn->conn.bytes_out;
  if (call->paused) sp_conn_read_stop(&conn->conn);
  if (call->head_method) sp_http1_expect_head_response(&conn->http1);
  call->result.first_write_ns = call->written_ns = now_ns;
  sp_conn_write(&conn->conn, sp_http_call_request(call));
  call->written_bytes = conn->conn.bytes_out;
  if (!call->result.reused) sp_http_call_forget_request(call);
  sp_http_timeouts_arm(call);
}

/* -- losing the connection -- */

/* The server had closed the kept connection while our request was under way to it, or refused the stream. */
void sp_http_call_resend(struct sp_http_call *call) {
  bool http2 = call->conn->mux != NULL;
  struct sp_http_result *result = &call->result;
  detach(call, false);
  result->resent = true;
  result->reused = false;
  result->first_write_ns = 0;
  if (http2) sp_http_call_begin(call); /* a stream elsewhere is as good as a new connection */
  else sp_http_dial(call);
}

static void cut_in_body(struct sp_http_call *call, bool reset, const char *why) {
  const char *body = call->conn->mux                ? "an HTTP/2 stream"
                     : call->framed_chunked         ? "a chunked body"
                     : call->result.close_delimited ? "a body that ends with the connection"
                                                    : "a body with Content-Length";
  call->result.reset = reset;
  sp_http_call_end(call, SP_HTTP_CUT, "%s in the middle of %s%s", reset ? "reset" : "closed", body, why);
}

/* The connection's end is the body's. */
static void close_delimited(struct sp_http_call *call) {
  struct sp_err err;
  int failed = sp_http1_finish(&call->conn->http1, &err);
  if (failed) sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err.text);
  else sp_http_call_end(call, SP_HTTP_OK, NULL);
}

static void explain_loss(const struct sp_http_call *call, bool reset, const struct sp_err *err, char *why,
                         size_t size) {
  const char *farewell = call->conn->mux ? sp_http_mux_farewell(call->conn) : "";
  why[0] = '\0';
  if (farewell[0]) snprintf(why, size, " (%.150s)", farewell);
  else if (reset && call->origin->tls) snprintf(why, size, " (%.150s)", err->text); /* an alert may tell more */
}

/* A request that crossed with the end of its kept connection says nothing about the target. One that the target had
 * taken, and then hung up on, does; unless this is a server that never keeps a connection and does not say so: there
 * the request may have come just before the close. */
static bool may_resend(const struct sp_http_call *call) {
  const struct sp_http_conn *conn = call->conn;
  if (call->answered || !call->result.reused || call->result.resent) return false;
  bool written = conn->conn.bytes_out > conn->base_out;
  return conn->mux || !call->origin->keeps || !written || !sp_conn_was_taken(&conn->conn);
}

void sp_http_call_lost(struct sp_http_call *call, bool reset, const struct sp_err *err) {
  char why[160];
  const char *how = reset ? "reset" : "closed";
  explain_loss(call, reset, err, why, sizeof why);
  if (may_resend(call)) sp_http_call_resend(call);
  else if (call->phase == SP_HTTP_WAITING)
    sp_http_call_end(call, SP_HTTP_RESET, "the connection was %s before the answer%s", how, why);
  else if (call->phase == SP_HTTP_HEAD)
    sp_http_call_end(call, SP_HTTP_RESET, "the connection was %s in the middle of the head%s", how, why);
  else if (call->result.close_delimited && !reset) close_delimited(call);
  else cut_in_body(call, reset, why);
}
