/* What the parser says to a call: heads, body bytes (inflated where asked for), the message's end. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* The first byte of a message. One that nobody asked for stops the parser. */
static int on_begin(void *ctx) {
  struct sp_http_conn *conn = ctx;
  struct sp_http_call *call = conn->call;
  if (!call || conn->message_done) return SP_EPARSE;
  call->result.first_byte = *conn->rx; /* again, if this one is a 1xx */
  call->phase = SP_HTTP_HEAD;
  sp_buf_fini(&call->request);
  call->rearm = true;
  return 0;
}

static int on_informational(struct sp_http_call *call, struct sp_err *err) {
  if (++call->informational > SP_HTTP_INFORMATIONAL_MAX)
    return sp_fail(err, SP_ELIMIT, "over %u informational (1xx) heads before the answer", SP_HTTP_INFORMATIONAL_MAX);
  call->phase = SP_HTTP_WAITING;
  call->result.first_byte = (struct sp_rx){0};
  call->rearm = true;
  return 0;
}

static bool is_gzip(const struct sp_http1_head *head) {
  struct sp_str coding = sp_str_trim(sp_http1_find(head, "Content-Encoding"));
  return sp_str_ieq(coding, SP_STR("gzip")) || sp_str_ieq(coding, SP_STR("x-gzip"));
}

/* RFC 9112 §6.3: how the body ends. */
static void note_framing(struct sp_http_call *call, const struct sp_http1_head *head) {
  bool has_body = !call->head_method && head->status != 204 && head->status != 304;
  call->framed_chunked = head->chunked;
  call->result.close_delimited = has_body && !head->chunked && head->content_length < 0;
  call->conn->keep = head->keep_alive && !call->result.close_delimited && !call->closes &&
                     call->connection == SP_HTTP_CONNECTION_USER;
  if (has_body && call->gzip_asked && is_gzip(head)) call->gzip = sp_gzip_create();
}

/* The sink said no, or hung up inside. */
static int judge(struct sp_http_conn *conn, struct sp_http_call *call, int refused, struct sp_err *err) {
  if (conn->call != call) return sp_fail(err, SP_EPARSE, "hung up");
  if (!refused) return 0;
  return err->text[0] ? SP_EPARSE : sp_fail(err, SP_EPARSE, "the answer was refused");
}

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct sp_http_conn *conn = ctx;
  struct sp_http_call *call = conn->call;
  if (head->status == 101) return sp_fail(err, SP_EPARSE, "the server switches protocols (101), unasked");
  if (head->status < 100) return sp_fail(err, SP_EPARSE, "the answer's status is %d", head->status);
  if (head->status < 200) return on_informational(call, err);
  call->phase = SP_HTTP_BODY;
  note_framing(call, head);
  return judge(conn, call, call->sink.on_head(call->ctx, head, conn->rx, err), err);
}

static int give(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct sp_http_conn *conn = ctx;
  struct sp_http_call *call = conn->call;
  if (call->finished) return 0;
  return judge(conn, call, call->sink.on_body(call->ctx, bytes, conn->rx, err), err);
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct sp_http_conn *conn = ctx;
  struct sp_http_call *call = conn->call;
  if (!call) return conn->use == SP_HTTP_CONN_DRAINING ? 0 : SP_EPARSE;
  if (!call->gzip || call->finished) return give(conn, bytes, err);
  struct sp_http_client *client = conn->client;
  if (!client->piece) client->piece = sp_alloc(SP_GZIP_PIECE_SIZE);
  return sp_gzip_feed(call->gzip, bytes, client->piece, give, conn, err);
}

static int on_end(void *ctx, struct sp_err *err) {
  struct sp_http_conn *conn = ctx;
  struct sp_http_call *call = conn->call;
  if (!call && conn->use != SP_HTTP_CONN_DRAINING) return SP_EPARSE; /* hung up in on_head */
  if (call && call->gzip && !call->finished && !sp_gzip_is_whole(call->gzip))
    return sp_fail(err, SP_EPARSE, "the gzip body ends in its middle");
  conn->message_done = true;
  return 0;
}

const struct sp_http1_handler sp_http_answer_handler = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
};
