/*
 * A connection that speaks HTTP/2: many calls, a stream each. Between the socket, the protocol (h2.c) and the calls.
 *
 * Everything that came with a read, and every stream that ended, only marks its call as touched; settle() then looks at
 * these one by one (on_read_end, on_done: others' code, which may start and abort what it likes), gives free streams to
 * calls that wait, and sends all frames in one write. From outside of a read, settle() comes with the end of the loop
 * turn, so the requests that one turn starts share a write, or a write for each BATCH of them.
 *
 * A session's connection takes any number of calls: those over the server's limit wait, first come first served. A
 * shared one takes as many as it may have streams. After a GOAWAY (or when stream ids or trust are used up) it is
 * retired: out of its pool, closed after its last call.
 */
#include "http/internal.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

/* Requests that one write takes. Of a hundred that one read sets free, the server works on the first ones while we make
 * the others. */
#define BATCH 32u
#define OUTPUT_HIGH (256u * 1024u) /* bytes made for the socket at a time, and beyond which none are made */
#define OUTPUT_KEEP (64u * 1024u)  /* an empty output buffer of this size stays for the next time */

struct sp_http_mux {
  struct sp_http_conn *hc;
  struct sp_h2 *h2;
  struct sp_timer soon;        /* settle() at the end of the loop turn */
  struct sp_http_link streams; /* calls that have a stream */
  struct sp_http_link waiting; /* calls that have none yet */
  struct sp_http_link touched;
  size_t stream_count, waiting_count;
  const struct sp_rx *rx; /* of the feed under way */
  int64_t flush_ns;       /* of the flush under way; 0: nobody has asked yet */
  bool retired;           /* takes no more calls */
  bool once;              /* serves one call, in no pool */
  bool full;              /* as its pool knows it */
  bool working;           /* settle() follows */
  bool in_read;           /* between a read's first on_data and its on_read_end */
};

static struct sp_http_call *call_of(struct sp_h2_stream *stream) {
  return sp_container_of(stream, struct sp_http_call, stream);
}

static struct sp_http_call *first_of(const struct sp_http_link *list) {
  return sp_http_list_empty(list) ? NULL : sp_container_of(list->next, struct sp_http_call, at);
}

static bool is_closed(const struct sp_http_mux *mux) { return mux->hc->use == SP_HTTP_CONN_CLOSED; }

static void settle_soon(struct sp_http_mux *mux) {
  if (mux->working || is_closed(mux) || sp_timer_active(&mux->soon)) return;
  sp_timer_start(&mux->soon, sp_loop_now(mux->hc->client->loop));
}

/* -- how many streams -- */

size_t sp_http_streams_max(const struct sp_http_client *client, const struct sp_http_origin *origin, bool shared) {
  size_t cap = client->options.streams_per_connection;
  if (cap == 0) cap = SP_HTTP_STREAMS_DEFAULT;
  if (!shared) cap = SIZE_MAX;
  return origin->streams_max != 0 && origin->streams_max < cap ? origin->streams_max : cap;
}

/* Before the server has said anything, one stream: what it does not allow it would refuse. */
static size_t streams_now(const struct sp_http_mux *mux) {
  const struct sp_http_conn *hc = mux->hc;
  if (!sp_h2_has_settings(mux->h2) && hc->origin->streams_max == 0) return 1;
  size_t limit = sp_http_streams_max(hc->client, hc->origin, hc->pool->shared);
  if (!sp_h2_has_settings(mux->h2)) return limit;
  return sp_h2_streams_max(mux->h2) < limit ? sp_h2_streams_max(mux->h2) : limit;
}

/* A server that allows no stream at all may allow some later: calls wait for that here, or each would dial in vain. */
bool sp_http_mux_is_full(const struct sp_http_conn *hc) {
  const struct sp_http_mux *mux = hc->mux;
  bool known = sp_h2_has_settings(mux->h2);
  size_t limit = known ? streams_now(mux) : sp_http_streams_max(hc->client, hc->origin, true);
  return hc->pool->shared && limit > 0 && mux->stream_count + mux->waiting_count >= limit;
}

bool sp_http_mux_is_idle(const struct sp_http_conn *hc) {
  return hc->mux->stream_count + hc->mux->waiting_count == 0;
}

static void place(struct sp_http_mux *mux) { /* in its pool, after the number of its calls or streams has changed */
  if (mux->retired || mux->once || is_closed(mux)) return;
  bool full = sp_http_mux_is_full(mux->hc);
  if (full != mux->full || sp_http_mux_is_idle(mux->hc)) sp_http_pool_put_mux(mux->hc);
  mux->full = full;
}

static void retire(struct sp_http_mux *mux) {
  mux->retired = true;
  sp_http_pool_remove(mux->hc);
}

/* -- what the protocol says -- */

static void touch(struct sp_http_mux *mux, struct sp_http_call *call) {
  if (!sp_http_linked(&call->touched)) sp_http_list_append(&mux->touched, &call->touched);
}

static int on_begin(void *ctx, struct sp_h2_stream *stream, struct sp_err *err) {
  struct sp_http_mux *mux = ctx;
  struct sp_http_call *call = call_of(stream);
  (void)err;
  if (stream->body_sent == stream->body.len) sp_http_call_forget_request(call);
  sp_http_answer_begin(call, mux->rx);
  return 0;
}

static int on_head(void *ctx, struct sp_h2_stream *stream, const struct sp_http1_head *head, struct sp_err *err) {
  const struct sp_http_mux *mux = ctx;
  return sp_http_answer_head(call_of(stream), head, mux->rx, err);
}

static int on_body(void *ctx, struct sp_h2_stream *stream, struct sp_str bytes, struct sp_err *err) {
  const struct sp_http_mux *mux = ctx;
  return sp_http_answer_body(call_of(stream), bytes, mux->rx, err);
}

static int on_message_end(void *ctx, struct sp_h2_stream *stream, struct sp_err *err) {
  struct sp_http_mux *mux = ctx;
  touch(mux, call_of(stream));
  return sp_http_answer_end(call_of(stream), err);
}

static void on_fault(void *ctx, struct sp_h2_stream *stream, const struct sp_err *err) {
  struct sp_http_call *call = call_of(stream);
  touch(ctx, call);
  if (call->phase == SP_HTTP_ENDED || call->faulty) return;
  call->faulty = true;
  free(call->detail);
  call->detail = sp_strdup(err->text);
}

static void on_stream_close(void *ctx, struct sp_h2_stream *stream) { touch(ctx, call_of(stream)); }

static void on_activity(void *ctx, struct sp_h2_stream *stream) {
  struct sp_http_mux *mux = ctx;
  struct sp_http_call *call = call_of(stream);
  call->last_rx = *mux->rx;
  touch(mux, call);
}

static void on_sent(void *ctx, struct sp_h2_stream *stream) {
  struct sp_http_mux *mux = ctx;
  struct sp_http_call *call = call_of(stream);
  if (mux->flush_ns == 0) mux->flush_ns = sp_loop_update_now(mux->hc->client->loop);
  if (call->result.first_write_ns == 0) call->result.first_write_ns = mux->flush_ns;
  call->written_ns = mux->flush_ns;
}

static void on_settings(void *ctx) {
  struct sp_http_mux *mux = ctx;
  mux->hc->origin->streams_max = sp_h2_streams_max(mux->h2);
}

static void on_goaway(void *ctx) { retire(ctx); }

static const struct sp_h2_handler protocol_handler = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_message_end,
    .on_fault = on_fault,
    .on_close = on_stream_close,
    .on_activity = on_activity,
    .on_sent = on_sent,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
};

/* -- calls come and go -- */

static void put_behind(struct sp_http_mux *mux, struct sp_http_call *call) {
  sp_http_list_append(&mux->waiting, &call->at);
  mux->waiting_count++;
  call->phase = SP_HTTP_QUEUED;
}

static void take_out(struct sp_http_mux *mux, struct sp_http_call *call) { /* of `waiting` */
  sp_http_unlink(&call->at);
  mux->waiting_count--;
}

static struct sp_str body_of(const struct sp_http_call *call) {
  if (call->request.len == 0) return sp_str_of(NULL, 0);
  size_t head_len = sp_http_head_text(call->head).len;
  return sp_str_of(call->request.bytes + head_len, call->request.len - head_len);
}

/* The call is in no list. */
static void submit(struct sp_http_mux *mux, struct sp_http_call *call) {
  struct sp_http_conn *hc = mux->hc;
  struct sp_err err;
  const struct sp_h2_head *head = sp_http_head_h2(call->head, &err);
  int failed = head ? sp_h2_request(mux->h2, &call->stream, head, body_of(call), &err) : err.code;
  if (failed == SP_ELIMIT) { /* stream ids are used up */
    retire(mux);
    put_behind(mux, call); /* settle() sends it elsewhere */
    return;
  }
  if (failed) {
    call->conn = NULL;
    call->deferred = true; /* this may be inside of another's start */
    sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err.text);
    return;
  }
  if (call->paused) sp_h2_pause(&call->stream);
  sp_http_list_append(&mux->streams, &call->at);
  mux->stream_count++;
  call->phase = SP_HTTP_WAITING;
  call->faulty = false;
  call->stale = sp_h2_has_settings(mux->h2);
  call->sent_at_bytes = hc->conn.bytes_in;
  call->written_ns = sp_loop_now(hc->client->loop); /* until it is truly written */
  call->written_bytes = 0;
  sp_http_timeouts_arm(call);
}

/* Not those that come meanwhile (a request that cannot be sent ends soon, and its user may try again for ever). */
static void submit_waiting(struct sp_http_mux *mux) {
  struct sp_http_call *call;
  for (size_t left = mux->waiting_count; left > 0 && !mux->retired; left--) {
    if (mux->stream_count >= streams_now(mux) || (call = first_of(&mux->waiting)) == NULL) break;
    take_out(mux, call);
    submit(mux, call);
  }
}

static void flush(struct sp_http_mux *mux) {
  struct sp_http_conn *hc = mux->hc;
  struct sp_buf *out = &hc->client->output;
  if (hc->conn.output.len > OUTPUT_HIGH) return; /* on_drained goes on */
  mux->flush_ns = 0;
  bool more = sp_h2_collect(mux->h2, out, OUTPUT_HIGH);
  sp_conn_write(&hc->conn, sp_buf_str(out));
  if (out->cap > OUTPUT_KEEP) sp_buf_fini(out);
  else sp_buf_clear(out);
  if (more && hc->conn.output.len == 0) sp_timer_start(&mux->soon, sp_loop_now(hc->client->loop));
}

/* Calls nobody, so it may be done inside of a start. */
static void send_batch(struct sp_http_mux *mux) {
  bool in_feed = mux->rx != NULL;
  if (in_feed || mux->waiting_count < BATCH || mux->stream_count >= streams_now(mux)) return;
  submit_waiting(mux);
  flush(mux);
}

void sp_http_mux_add(struct sp_http_conn *hc, struct sp_http_call *call) {
  struct sp_http_mux *mux = hc->mux;
  call->conn = hc;
  call->result.http2 = true;
  sp_http_timeouts_begin_connect(call);
  put_behind(mux, call);
  sp_http_timeouts_arm(call);
  send_batch(mux);
  place(mux);
  settle_soon(mux);
}

void sp_http_mux_remove(struct sp_http_call *call) {
  struct sp_http_conn *hc = call->conn;
  struct sp_http_mux *mux = hc->mux;
  bool has_stream = call->stream.id != 0;
  call->conn = NULL;
  sp_http_unlink(&call->touched);
  if (has_stream) {
    sp_http_unlink(&call->at);
    mux->stream_count--;
    call->result.bytes_in += call->stream.bytes_in;
    call->result.bytes_out += call->stream.bytes_out;
    sp_h2_drop(mux->h2, &call->stream);
  } else {
    take_out(mux, call);
  }
  place(mux);
  settle_soon(mux);
}

void sp_http_mux_resume(struct sp_http_call *call) {
  struct sp_http_mux *mux = call->conn->mux;
  sp_h2_resume(mux->h2, &call->stream);
  settle_soon(mux);
}

/* -- settling -- */

static void stream_ended(struct sp_http_call *call) {
  const struct sp_h2_stream *stream = &call->stream;
  const char *code = sp_h2_code_name(stream->code);
  call->result.reset = true;
  if (stream->refused && !call->result.resent && call->head) {
    call->result.reset = false;
    sp_http_call_resend(call);
  } else if (stream->refused && call->result.resent) {
    sp_http_call_end(call, SP_HTTP_RESET, "the server refused the stream (%s), twice", code);
  } else if (call->phase == SP_HTTP_BODY) {
    sp_http_call_end(call, SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream (%s)", code);
  } else {
    sp_http_call_end(call, SP_HTTP_RESET, "the stream was reset before the answer (%s)", code);
  }
}

static void look_at(struct sp_http_call *call, const struct sp_rx *rx) {
  if (rx && call->phase == SP_HTTP_BODY && call->sink.on_read_end) call->sink.on_read_end(call->ctx, rx);
  if (call->phase == SP_HTTP_ENDED) return; /* hung up inside */
  sp_http_unlink(&call->touched);
  if (call->finished || call->stream.done) sp_http_call_end(call, SP_HTTP_OK, NULL);
  else if (call->faulty) sp_http_call_end(call, SP_HTTP_PROTOCOL, NULL);
  else if (call->stream.closed) stream_ended(call);
  else if (call->rearm) sp_http_timeouts_rearm(call);
}

static void look_at_touched(struct sp_http_mux *mux, const struct sp_rx *rx) {
  while (!sp_http_list_empty(&mux->touched))
    look_at(sp_container_of(mux->touched.next, struct sp_http_call, touched), rx);
}

/* Calls that need not wait here go elsewhere. */
static void send_away(struct sp_http_mux *mux) {
  struct sp_http_call *call;
  bool full = !mux->retired && sp_h2_has_settings(mux->h2) && sp_http_mux_is_full(mux->hc);
  while ((mux->retired || full) && (call = first_of(&mux->waiting)) != NULL) {
    take_out(mux, call);
    call->conn = NULL;
    sp_http_call_begin(call);
  }
}

static void serve_waiting(struct sp_http_mux *mux) {
  submit_waiting(mux);
  place(mux);
  send_away(mux);
}

/* Every call ends; the connection, too. */
static void fail_all(struct sp_http_mux *mux, const struct sp_err *err) {
  struct sp_http_call *call;
  retire(mux);
  mux->working = true;
  if (!sp_h2_has_settings(mux->h2))
    while ((call = first_of(&mux->waiting)) != NULL) sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err->text);
  while ((call = first_of(&mux->streams)) != NULL) sp_http_call_end(call, SP_HTTP_PROTOCOL, "%s", err->text);
  send_away(mux);
  sp_http_conn_close(mux->hc);
}

static bool has_more_to_do(const struct sp_http_mux *mux) {
  return !sp_http_list_empty(&mux->touched) || (mux->waiting_count > 0 && mux->stream_count < streams_now(mux));
}

static void settle(struct sp_http_mux *mux, const struct sp_rx *rx) {
  struct sp_err err;
  mux->working = true;
  look_at_touched(mux, rx);
  if (!is_closed(mux) && !sp_h2_is_broken(mux->h2, &err)) serve_waiting(mux);
  if (!is_closed(mux)) flush(mux);
  mux->working = false;
  if (is_closed(mux)) return;
  if (sp_h2_is_broken(mux->h2, &err)) fail_all(mux, &err);
  else if ((mux->retired || mux->once) && sp_http_mux_is_idle(mux->hc)) sp_http_conn_close(mux->hc);
  else if (has_more_to_do(mux)) settle_soon(mux); /* streams that the flush has ended */
}

static void on_soon(struct sp_timer *timer) { settle(sp_container_of(timer, struct sp_http_mux, soon), NULL); }

/* -- what the socket says -- */

static struct sp_http_mux *mux_of(struct sp_conn *conn) {
  return sp_container_of(conn, struct sp_http_conn, conn)->mux;
}

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  struct sp_http_mux *mux = mux_of(conn);
  struct sp_err err;
  if (!mux->in_read) sp_http_conn_note_lag(mux->hc, rx);
  mux->working = mux->in_read = true;
  mux->rx = rx;
  (void)sp_h2_feed(mux->h2, bytes, &err); /* settle() asks whether it is broken */
  mux->rx = NULL;
}

static void on_read_end(struct sp_conn *conn, const struct sp_rx *rx) {
  struct sp_http_mux *mux = mux_of(conn);
  mux->in_read = false;
  settle(mux, rx);
}

/* Streams that had no byte since the connection lay idle are sent again, the first time. */
static void lose(struct sp_http_mux *mux, struct sp_http_call *call, bool reset, const struct sp_err *err) {
  call->answered = !call->stale || mux->hc->conn.bytes_in != call->sent_at_bytes;
  sp_http_call_lost(call, reset, err);
}

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  struct sp_http_mux *mux = mux_of(conn);
  struct sp_http_call *call;
  bool reset = end == SP_CONN_RESET;
  struct sp_err told = *err;
  retire(mux);
  mux->working = true;
  if (!sp_h2_has_settings(mux->h2))
    while ((call = first_of(&mux->waiting)) != NULL)
      sp_http_call_end(call, SP_HTTP_RESET, "the connection was %s before any HTTP/2 came", reset ? "reset" : "closed");
  while ((call = first_of(&mux->streams)) != NULL) lose(mux, call, reset, &told);
  send_away(mux);
  sp_http_conn_close(mux->hc);
}

static void on_drained(struct sp_conn *conn) {
  struct sp_http_mux *mux = mux_of(conn);
  int64_t now_ns = sp_loop_now(mux->hc->client->loop);
  for (struct sp_http_link *at = mux->streams.next; at != &mux->streams; at = at->next) {
    struct sp_http_call *call = sp_container_of(at, struct sp_http_call, at);
    if (call->phase == SP_HTTP_WAITING) call->written_ns = now_ns;
  }
  settle(mux, NULL);
}

static const struct sp_conn_handler socket_handler = {
    .on_data = on_data,
    .on_read_end = on_read_end,
    .on_end = on_end,
    .on_closed = sp_http_conn_on_closed,
    .on_drained = on_drained,
};

/* -- life -- */

void sp_http_mux_begin(struct sp_http_conn *hc, bool once) {
  const struct sp_http_client_options *options = &hc->client->options;
  struct sp_http_mux *mux = sp_alloc(sizeof *mux);
  mux->hc = hc;
  mux->once = once;
  mux->h2 = sp_h2_create(&(struct sp_h2_options){options->stream_window_bytes, options->window_bytes},
                         &protocol_handler, mux);
  sp_http_list_init(&mux->streams);
  sp_http_list_init(&mux->waiting);
  sp_http_list_init(&mux->touched);
  sp_timer_init(&mux->soon, hc->client->loop, on_soon);
  hc->mux = mux;
  hc->use = SP_HTTP_CONN_MUX;
  hc->conn.handler = &socket_handler;
  if (!once) sp_http_pool_put_mux(hc);
  settle_soon(mux);
}

const char *sp_http_mux_farewell(const struct sp_http_conn *hc) {
  if (!sp_h2_has_settings(hc->mux->h2)) return "no HTTP/2 came from it";
  return sp_h2_farewell(hc->mux->h2);
}

void sp_http_mux_goodbye(struct sp_http_conn *hc) {
  struct sp_http_mux *mux = hc->mux;
  sp_timer_stop(&mux->soon);
  if (hc->conn.ended || mux->rx) return; /* over, or inside a feed */
  struct sp_buf out;
  sp_buf_init(&out, SP_CONN_OUTPUT_MAX);
  sp_h2_say_goodbye(mux->h2);
  (void)sp_h2_collect(mux->h2, &out, OUTPUT_HIGH);
  sp_conn_write(&hc->conn, sp_buf_str(&out));
  sp_buf_fini(&out);
}

void sp_http_mux_destroy(struct sp_http_conn *hc) {
  sp_h2_destroy(hc->mux->h2);
  free(hc->mux);
}
