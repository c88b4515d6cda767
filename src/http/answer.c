/* What an answer's parts do to its call, of whatever version: heads, body bytes (inflated where asked for), the end. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>

void sp_http_answer_begin(struct sp_http_call *call, const struct sp_rx *rx) {
  call->result.first_byte = *rx; /* again, if this one is a 1xx */
  call->phase = SP_HTTP_HEAD;
  call->rearm = true;
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

/* RFC 9112 §6.3: how the body ends. A stream of HTTP/2 says so by itself. */
static void note_framing(struct sp_http_call *call, const struct sp_http1_head *head) {
  bool has_body = !call->head_method && head->status != 204 && head->status != 304;
  bool framed = head->chunked || head->content_length >= 0 || head->major > 1;
  call->framed_chunked = head->chunked;
  call->result.close_delimited = has_body && !framed;
  if (!call->conn->mux)
    call->conn->keep = head->keep_alive && !call->result.close_delimited && !call->closes &&
                       call->connection != SP_HTTP_CONNECTION_REQUEST;
  if (has_body && call->gzip_asked && is_gzip(head)) call->gzip = sp_gzip_create();
}

/* The sink said no, or hung up inside. */
static int judge(const struct sp_http_call *call, int refused, struct sp_err *err) {
  if (call->phase == SP_HTTP_ENDED) return sp_fail(err, SP_EPARSE, "hung up");
  if (!refused) return 0;
  return err->text[0] ? SP_EPARSE : sp_fail(err, SP_EPARSE, "the answer was refused");
}

int sp_http_answer_head(struct sp_http_call *call, const struct sp_http1_head *head, const struct sp_rx *rx,
                        struct sp_err *err) {
  if (head->status == 101) return sp_fail(err, SP_EPARSE, "the server switches protocols (101), unasked");
  if (head->status < 100) return sp_fail(err, SP_EPARSE, "the answer's status is %d", head->status);
  if (head->status < 200) return on_informational(call, err);
  call->phase = SP_HTTP_BODY;
  note_framing(call, head);
  return judge(call, call->sink.on_head(call->ctx, head, rx, err), err);
}

struct giving {
  struct sp_http_call *call;
  const struct sp_rx *rx;
};

static int give(void *ctx, struct sp_str bytes, struct sp_err *err) {
  const struct giving *giving = ctx;
  struct sp_http_call *call = giving->call;
  if (call->finished) return 0;
  return judge(call, call->sink.on_body(call->ctx, bytes, giving->rx, err), err);
}

int sp_http_answer_body(struct sp_http_call *call, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  struct giving giving = {call, rx};
  if (!call->gzip || call->finished) return give(&giving, bytes, err);
  struct sp_http_client *client = call->client;
  if (!client->piece) client->piece = sp_alloc(SP_GZIP_PIECE_SIZE);
  return sp_gzip_feed(call->gzip, bytes, client->piece, give, &giving, err);
}

int sp_http_answer_end(const struct sp_http_call *call, struct sp_err *err) {
  if (call->gzip && !call->finished && !sp_gzip_is_whole(call->gzip))
    return sp_fail(err, SP_EPARSE, "the gzip body ends in its middle");
  return 0;
}
