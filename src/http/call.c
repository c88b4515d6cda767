/* One request's life, from its addresses to on_done. */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* -- the end -- */

static void detach(struct sp_http_call *call, bool reuse) {
  struct sp_http_conn *conn = call->conn;
  if (!conn) return;
  call->conn = NULL;
  call->result.bytes_in += conn->conn.bytes_in - conn->base_in;
  call->result.bytes_out += conn->conn.bytes_out - conn->base_out;
  sp_http_conn_release(conn, reuse);
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
  if (call->phase == SP_HTTP_RESOLVING) sp_dns_cancel(call->client->dns, &call->query);
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
  free(call->addresses);
  sp_buf_fini(&call->request);
  sp_gzip_destroy(call->gzip);
  free(call);
}

/* -- connecting -- */

static void connect_next(struct sp_http_call *call) {
  call->phase = SP_HTTP_CONNECTING;
  call->attempt_ns = sp_loop_now(call->client->loop);
  if (call->address_at == 0) call->first_attempt_ns = call->attempt_ns;
  call->conn = sp_http_conn_open(call, &call->addresses[call->address_at]);
}

static void on_answer(struct sp_dns_query *query, const struct sp_address *addresses, size_t count,
                      int64_t elapsed_ns, const struct sp_err *err) {
  struct sp_http_call *call = sp_container_of(query, struct sp_http_call, query);
  call->result.dns_ns = elapsed_ns > 0 ? elapsed_ns : -1; /* a literal or kept address: no phase */
  if (count == 0) {
    sp_http_call_end(call, SP_HTTP_CONNECT, "%s", err->text);
    return;
  }
  call->addresses = sp_alloc_array(count, sizeof *addresses);
  memcpy(call->addresses, addresses, count * sizeof *addresses);
  call->address_count = count;
  call->address_at = 0;
  connect_next(call);
}

void sp_http_call_open(struct sp_http_call *call) {
  call->phase = SP_HTTP_RESOLVING;
  call->connect_begun_ns = sp_loop_now(call->client->loop);
  call->query.on_answer = on_answer;
  sp_http_timeouts_arm(call);
  sp_dns_ask(call->client->dns, call->host, call->port, &call->query);
}

void sp_http_call_opened(struct sp_http_call *call, int64_t connect_ns, int64_t tls_ns) {
  call->result.connect_ns = connect_ns + (call->attempt_ns - call->first_attempt_ns);
  call->result.tls_ns = tls_ns;
  free(call->addresses);
  call->addresses = NULL;
  sp_http_call_send(call, call->conn, sp_loop_update_now(call->client->loop));
}

/* -- sending -- */

void sp_http_call_send(struct sp_http_call *call, struct sp_http_conn *conn, int64_t now_ns) {
  call->conn = conn;
  call->phase = SP_HTTP_WAITING;
  call->answered = false;
  conn->call = call;
  conn->message_done = false;
  conn->keep = false; /* until the head says so */
  conn->base_in = conn->conn.bytes_in;
  conn->base_out = conn->conn.bytes_out;
  if (call->head_method) sp_http1_expect_head_response(&conn->http1);
  call->result.first_write_ns = call->written_ns = now_ns;
  sp_conn_write(&conn->conn, sp_buf_str(&call->request));
  call->written_bytes = conn->conn.bytes_out;
  if (!call->result.reused) sp_buf_fini(&call->request);
  sp_http_timeouts_arm(call);
}

/* -- losing the connection -- */

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

static void refused(struct sp_http_call *call, const struct sp_err *err) {
  char text[INET6_ADDRSTRLEN + 16];
  format_address(&call->addresses[call->address_at], text, sizeof text);
  if (call->address_at + 1 == call->address_count) {
    sp_http_call_end(call, SP_HTTP_CONNECT, "%s (%s)", err->text, text);
    return;
  }
  detach(call, false);
  call->address_at++;
  connect_next(call);
}

/* The server had closed the kept connection while our request was under way to it. */
static void resend(struct sp_http_call *call) {
  detach(call, false);
  struct sp_http_result *result = &call->result;
  result->resent = true;
  result->reused = false;
  result->first_write_ns = 0;
  sp_http_call_open(call);
}

static void cut_in_body(struct sp_http_call *call, bool reset, const char *why) {
  const char *body = call->framed_chunked          ? "a chunked body"
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

static void broken(struct sp_http_call *call, bool reset, const struct sp_err *err) {
  char why[160] = "";
  if (reset && call->tls) snprintf(why, sizeof why, " (%.150s)", err->text); /* an alert may tell more */
  const char *how = reset ? "reset" : "closed";
  if (call->phase == SP_HTTP_CONNECTING) sp_http_call_end(call, SP_HTTP_CONNECT, "%s", err->text);
  else if (!call->answered && call->result.reused) resend(call);
  else if (call->phase == SP_HTTP_WAITING)
    sp_http_call_end(call, SP_HTTP_RESET, "the connection was %s before the answer%s", how, why);
  else if (call->phase == SP_HTTP_HEAD)
    sp_http_call_end(call, SP_HTTP_RESET, "the connection was %s in the middle of the head%s", how, why);
  else if (call->result.close_delimited && !reset) close_delimited(call);
  else cut_in_body(call, reset, why);
}

void sp_http_call_lost(struct sp_http_call *call, enum sp_conn_end end, const struct sp_err *err) {
  if (end == SP_CONN_TLS_FAILED) sp_http_call_end(call, SP_HTTP_CONNECT, "%s", err->text);
  else if (end == SP_CONN_REFUSED) refused(call, err);
  else broken(call, end == SP_CONN_RESET, err);
}
