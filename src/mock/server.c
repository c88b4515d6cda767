#include "mock/server.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mock/request.h"
#include "mock/route.h"
#include "mock/stream.h"

#include <stdlib.h>

/* -- one connection's life -- */

static void on_timer(struct sp_timer *timer) {
  struct sp_mock_conn *conn = sp_container_of(timer, struct sp_mock_conn, timer);
  if (conn->exchange) sp_mock_exchange_on_timer(conn->exchange);
  else if (conn->lingering) sp_conn_close(&conn->conn);
}

static void drop_requests(struct sp_mock_conn *conn) {
  sp_mock_request_destroy(conn->incoming);
  conn->incoming = NULL;
  while (conn->waiting) {
    struct sp_mock_request *request = conn->waiting;
    conn->waiting = request->next;
    sp_mock_request_destroy(request);
  }
  conn->waiting_end = &conn->waiting;
  conn->waiting_count = 0;
}

void sp_mock_conn_drop(struct sp_mock_conn *conn) {
  if (conn->exchange) sp_mock_exchange_destroy(conn->exchange);
  sp_conn_close(&conn->conn);
}

void sp_mock_conn_linger(struct sp_mock_conn *conn) {
  if (conn->lingering || conn->conn.closing) return;
  conn->lingering = true;
  sp_conn_shutdown(&conn->conn);
  sp_conn_read_start(&conn->conn); /* to see the client close */
  sp_timer_start(&conn->timer, sp_clock_mono_ns() + SP_MOCK_LINGER_NS);
}

static void finish_close(struct sp_mock *mock) {
  if (!mock->closing || mock->connections_open > 0 || !mock->listener_closed) return;
  void (*on_closed)(void *ctx) = mock->on_closed;
  void *ctx = mock->ctx;
  sp_mock_destroy_closed(mock);
  if (on_closed) on_closed(ctx);
}

static void on_conn_closed(struct sp_conn *base) {
  struct sp_mock_conn *conn = sp_container_of(base, struct sp_mock_conn, conn);
  struct sp_mock *mock = conn->mock;
  if (conn->exchange) sp_mock_exchange_destroy(conn->exchange);
  sp_timer_stop(&conn->timer);
  drop_requests(conn);
  sp_http1_fini(&conn->http1);
  if (conn->previous) conn->previous->next = conn->next;
  else mock->conns = conn->next;
  if (conn->next) conn->next->previous = conn->previous;
  mock->connections_open--;
  free(conn);
  finish_close(mock);
}

static void on_conn_end(struct sp_conn *base, enum sp_conn_end end, const struct sp_err *err) {
  (void)end;
  (void)err;
  sp_mock_conn_drop(sp_container_of(base, struct sp_mock_conn, conn));
}

static void on_conn_drained(struct sp_conn *base) {
  struct sp_mock_conn *conn = sp_container_of(base, struct sp_mock_conn, conn);
  if (conn->exchange) sp_mock_exchange_on_drained(conn->exchange);
}

/* -- requests in order -- */

static void serve_one(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  if (request->refused == 413) {
    sp_mock_fail(conn, request, 413, "request_entity_too_large",
                 "The request body is over the mock's limit of 16 MiB.");
  } else if (request->refused == 417) {
    sp_mock_fail(conn, request, 417, "expectation_failed", "The only expectation that is understood is 100-continue.");
  } else {
    sp_mock_dispatch(conn, request);
  }
}

static void serve(struct sp_mock_conn *conn) {
  if (conn->serving) return;
  conn->serving = true;
  while (conn->waiting && !conn->exchange && !conn->lingering && !conn->conn.closing) {
    struct sp_mock_request *request = conn->waiting;
    conn->waiting = request->next;
    if (!conn->waiting) conn->waiting_end = &conn->waiting;
    conn->waiting_count--;
    serve_one(conn, request);
    sp_mock_request_destroy(request);
    /* whoever waited for this answer begins now, however early its bytes came */
    if (conn->waiting) conn->waiting->arrival_ns = sp_clock_mono_ns();
  }
  conn->serving = false;
}

void sp_mock_conn_answered(struct sp_mock_conn *conn, bool keep_alive) {
  if (!keep_alive) {
    sp_mock_conn_linger(conn);
    return;
  }
  if (conn->waiting) conn->waiting->arrival_ns = sp_clock_mono_ns();
  serve(conn);
  if (!conn->waiting && !conn->conn.closing) sp_conn_read_start(&conn->conn);
}

void sp_mock_conn_take(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  *conn->waiting_end = request;
  conn->waiting_end = &request->next;
  conn->waiting_count++;
  conn->mock->requests++;
  serve(conn);
}

/* Bytes that are no request get an answer too, where none is under way. */
static void refuse_bytes(struct sp_mock_conn *conn, int code, const struct sp_err *err) {
  if (conn->exchange || conn->waiting || conn->lingering || conn->conn.closing) {
    if (!conn->lingering) sp_mock_conn_drop(conn);
    return;
  }
  struct sp_mock_request request = { .keep_alive = false };
  conn->mock->requests++;
  if (code == SP_ELIMIT) sp_mock_fail(conn, &request, 431, "request_header_fields_too_large", err->text);
  else sp_mock_fail(conn, &request, 400, "bad_request", err->text);
}

static void on_conn_data(struct sp_conn *base, struct sp_str bytes, const struct sp_rx *rx) {
  struct sp_mock_conn *conn = sp_container_of(base, struct sp_mock_conn, conn);
  if (conn->lingering) return;
  conn->rx_ns = rx->kernel_ns > 0 && rx->kernel_ns < rx->user_ns ? rx->kernel_ns : rx->user_ns;
  struct sp_err err = { 0 };
  int code = sp_http1_feed(&conn->http1, bytes, &err);
  if (conn->conn.closing) return;
  if (code) refuse_bytes(conn, code, &err);
  else if (conn->waiting) sp_conn_read_stop(base); /* what is pipelined further waits in the kernel */
}

static const struct sp_conn_handler conn_handler = {
  .on_data = on_conn_data,
  .on_end = on_conn_end,
  .on_closed = on_conn_closed,
  .on_drained = on_conn_drained,
};

static void on_accept(struct sp_listener *listener, int fd) {
  struct sp_mock *mock = sp_container_of(listener, struct sp_mock, listener);
  struct sp_mock_conn *conn = sp_alloc(sizeof *conn);
  conn->mock = mock;
  conn->waiting_end = &conn->waiting;
  sp_timer_init(&conn->timer, mock->loop, on_timer);
  sp_conn_init(&conn->conn, &mock->net, &conn_handler);
  if (sp_conn_accept(&conn->conn, fd, mock->tls, NULL) < 0) {
    free(conn);
    return;
  }
  sp_mock_request_reader_init(conn);
  conn->next = mock->conns;
  if (conn->next) conn->next->previous = conn;
  mock->conns = conn;
  mock->connections++;
  mock->connections_open++;
}

/* -- the whole server -- */

static int open_mock(struct sp_mock *mock, const struct sp_mock_options *options, struct sp_err *err) {
  if (sp_profile_load(&mock->profile, options->profile_json, err)) return sp_err_context(err, "profile");
  if (options->cert_file) {
    struct sp_tls_options tls = { .server = true, .cert_file = options->cert_file, .key_file = options->key_file };
    mock->tls = sp_tls_context_create(&tls, err);
    if (!mock->tls) goto undo_profile;
  }
  if (sp_listen(&mock->listener, options->loop, options->address, on_accept, err)) goto undo_tls;
  return 0;
undo_tls:
  sp_tls_context_destroy(mock->tls);
undo_profile:
  sp_profile_fini(&mock->profile);
  return err ? err->code : SP_EIO;
}

/* A way has many stops, and each would wait for the loop's next turn: pacing would make them longer than they are. */
static void begin_resources(struct sp_mock *mock) {
  sp_loop_set_pace(mock->loop, 0, true);
  mock->resources = sp_resources_create(mock->loop, mock->profile.resources);
}

struct sp_mock *sp_mock_create(const struct sp_mock_options *options, struct sp_err *err) {
  struct sp_mock *mock = sp_alloc(sizeof *mock);
  mock->loop = options->loop;
  mock->date_s = mock->small_s = -1;
  if (open_mock(mock, options, err)) {
    free(mock);
    return NULL;
  }
  sp_net_init(&mock->net, options->loop);
  if (mock->profile.resources) begin_resources(mock);
  mock->streams = sp_alloc_array(SP_MOCK_STREAM_SLOTS, sizeof(struct sp_mock_exchange *));
  sp_buf_init(&mock->out, SP_MOCK_WRITE_MAX);
  sp_buf_init(&mock->body, SP_MOCK_WRITE_MAX);
  sp_buf_init(&mock->small, 1024);
  sp_mock_log_init(&mock->log, mock->profile.log);
  sp_hist_init(&mock->late);
  sp_rng_seed(&mock->ids, mock->profile.seed, UINT64_MAX);
  sp_rng_seed(&mock->chances, mock->profile.seed, UINT64_MAX - 1);
  return mock;
}

void sp_mock_destroy_closed(struct sp_mock *mock) {
  sp_net_fini(&mock->net);
  sp_tls_context_destroy(mock->tls);
  sp_resources_destroy(mock->resources);
  sp_profile_fini(&mock->profile);
  sp_mock_log_fini(&mock->log);
  sp_hist_fini(&mock->late);
  sp_buf_fini(&mock->out);
  sp_buf_fini(&mock->body);
  sp_buf_fini(&mock->small);
  free(mock->streams);
  free(mock);
}

uint16_t sp_mock_port(const struct sp_mock *mock) { return sp_listener_port(&mock->listener); }

const char *sp_mock_note(const struct sp_mock *mock, size_t i) {
  return i < mock->profile.note_count ? mock->profile.notes[i] : NULL;
}

static void on_listener_closed(struct sp_listener *listener) {
  struct sp_mock *mock = sp_container_of(listener, struct sp_mock, listener);
  mock->listener_closed = true;
  finish_close(mock);
}

void sp_mock_close(struct sp_mock *mock, void (*on_closed)(void *ctx), void *ctx) {
  SP_CHECK(!mock->closing);
  mock->closing = true;
  mock->on_closed = on_closed;
  mock->ctx = ctx;
  for (struct sp_mock_conn *conn = mock->conns; conn; conn = conn->next) sp_mock_conn_drop(conn);
  sp_listener_close(&mock->listener, on_listener_closed);
}

void sp_mock_stats(const struct sp_mock *mock, struct sp_mock_stats *out) {
  *out = (struct sp_mock_stats){ .connections = mock->connections, .connections_open = mock->connections_open,
                                 .requests = mock->requests, .streams_open = mock->streams_open,
                                 .streams_max = mock->streams_max, .events = mock->events, .late = &mock->late };
}
