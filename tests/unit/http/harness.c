#include "harness.h"

#include <unistd.h>

#define GUARD_NS (30 * SP_NS_PER_S)

/* -- callbacks: record, and act where the test says so -- */

static void act(struct exchange *exchange, enum place place) {
  if (exchange->block_in == place) {
    exchange->block_in = NOWHERE;
    usleep((useconds_t)exchange->block_ms * 1000);
  }
  if (exchange->pause_in == place) {
    exchange->pause_in = NOWHERE;
    sp_http_pause(exchange->call);
  }
  if (exchange->abort_in == place) sp_http_abort(exchange->call);
  if (exchange->finish_in == place) sp_http_finish(exchange->call);
}

static int refuse(const struct exchange *exchange, enum place place, struct sp_err *err) {
  return exchange->refuse_in == place ? sp_fail(err, SP_EPARSE, "the test refuses this") : 0;
}

static int on_head(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err) {
  struct exchange *exchange = ctx;
  assert_false(exchange->starting);
  assert_int_equal(exchange->dones, 0);
  assert_true(rx->user_ns > 0 && rx->kernel_ns <= rx->user_ns);
  exchange->heads++;
  exchange->status = head->status;
  snprintf(exchange->head, sizeof exchange->head, SP_STR_FMT, SP_STR_ARG(head->raw));
  act(exchange, IN_HEAD);
  return refuse(exchange, IN_HEAD, err);
}

static int on_body(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  struct exchange *exchange = ctx;
  assert_int_equal(exchange->heads, 1);
  assert_int_equal(exchange->dones, 0);
  assert_true(bytes.len > 0 && rx->user_ns > 0);
  exchange->bodies++;
  if (exchange->body.len < (1u << 20)) assert_int_equal(sp_buf_append_str(&exchange->body, bytes), 0);
  act(exchange, IN_BODY);
  return refuse(exchange, IN_BODY, err);
}

static void on_read_end(void *ctx, const struct sp_rx *rx) {
  struct exchange *exchange = ctx;
  assert_int_equal(exchange->heads, 1);
  assert_int_equal(exchange->dones, 0);
  assert_true(rx->user_ns > 0);
  exchange->read_ends++;
  act(exchange, IN_READ_END);
}

static void check_result(const struct sp_http_result *result) {
  assert_non_null(result->detail);
  assert_int_equal(result->end == SP_HTTP_OK, result->detail[0] == '\0');
  assert_null(strchr(result->detail, '\n'));
  assert_true(result->end_ns > 0);
  if (result->end == SP_HTTP_OK) assert_true(result->first_byte.user_ns >= result->first_write_ns);
  if (result->reused) assert_true(result->connect_ns == -1 && result->dns_ns == -1 && result->tls_ns == -1);
}

static void on_done(void *ctx, const struct sp_http_result *result) {
  struct exchange *exchange = ctx;
  assert_false(exchange->starting);
  exchange->dones++;
  assert_int_equal(exchange->dones, 1);
  check_result(result);
  exchange->result = *result;
  snprintf(exchange->detail, sizeof exchange->detail, "%s", result->detail);
  if (result->end == SP_HTTP_OK && exchange->kills && exchange->kills->dones == 0) sp_http_abort(exchange->kills->call);
  if (exchange->leaves) sp_http_session_fini(exchange->session);
  if (exchange->then) start(exchange->bed, exchange->then, exchange->then_ask);
  if (--exchange->bed->pending == 0) sp_loop_stop(exchange->bed->loop);
}

static const struct sp_http_sink sink = { on_head, on_body, on_read_end, on_done };

/* -- the bed -- */

static void on_guard(struct sp_timer *timer) {
  (void)timer;
  fail_msg("the test took over 30 s: a call did not end");
}

static void on_pause(struct sp_timer *timer) { sp_loop_stop(timer->loop); }

static void on_lag(void *ctx, int64_t lag_ns) {
  struct bed *bed = ctx;
  assert_true(lag_ns >= 0);
  bed->lags++;
}

void bed_open(struct bed *bed, const struct sp_http_client_options *options) {
  struct sp_err err;
  memset(bed, 0, sizeof *bed);
  bed->loop = sp_loop_create(&err);
  assert_non_null(bed->loop);
  struct sp_http_client_options with = options ? *options : (struct sp_http_client_options){ 0 };
  with.loop = bed->loop;
  with.on_lag = on_lag;
  with.ctx = bed;
  bed->client = sp_http_client_create(&with, &err);
  assert_non_null(bed->client);
  sp_http_session_init(&bed->session, bed->client);
  sp_timer_init(&bed->guard, bed->loop, on_guard);
  sp_timer_init(&bed->pause, bed->loop, on_pause);
}

static void on_client_closed(void *ctx) { sp_loop_stop(((struct bed *)ctx)->loop); }

void bed_close(struct bed *bed) {
  assert_int_equal(bed->pending, 0);
  sp_http_session_fini(&bed->session);
  sp_http_client_close(bed->client, on_client_closed, bed);
  sp_timer_start(&bed->guard, sp_loop_update_now(bed->loop) + GUARD_NS);
  sp_loop_run(bed->loop);
  sp_timer_stop(&bed->guard);
  sp_loop_destroy(bed->loop);
  if (bed->has_server) server_stop(&bed->server);
}

void bed_serve(struct bed *bed, const struct step *const *scripts, size_t count) {
  server_start(&bed->server, false, scripts, count);
  bed->has_server = true;
}

const char *bed_url(struct bed *bed) {
  static char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/path?q=1", bed->server.port);
  return url;
}

void bed_run(struct bed *bed) {
  sp_timer_start(&bed->guard, sp_loop_update_now(bed->loop) + GUARD_NS);
  if (bed->pending > 0) sp_loop_run(bed->loop);
  sp_timer_stop(&bed->guard);
  assert_int_equal(bed->pending, 0);
}

void bed_pause(struct bed *bed, int64_t ms) {
  sp_timer_start(&bed->pause, sp_loop_update_now(bed->loop) + ms * SP_NS_PER_MS);
  sp_loop_run(bed->loop);
  sp_timer_stop(&bed->pause); /* the last on_done stops the loop, too */
}

void start(struct bed *bed, struct exchange *exchange, const struct ask *ask) {
  static const struct ask plain = { 0 };
  if (!ask) ask = &plain;
  exchange->bed = bed;
  sp_buf_init(&exchange->body, 64u << 20);
  struct sp_http_request request = {
      .method = sp_str_from(ask->method ? ask->method : "GET"),
      .url = sp_str_from(ask->url ? ask->url : bed_url(bed)),
      .headers = sp_str_from(ask->headers),
      .body = ask->body_len > 0 ? sp_str_of(ask->body, ask->body_len) : sp_str_from(ask->body),
      .has_body = ask->body != NULL,
      .gzip = ask->gzip,
      .timeouts = ask->timeouts,
      .start_ns = ask->start_ns,
      .version = ask->version,
      .connection = ask->new_connection ? SP_HTTP_CONNECTION_REQUEST
                    : ask->shared       ? SP_HTTP_CONNECTION_SHARED
                                        : SP_HTTP_CONNECTION_USER,
  };
  bed->pending++;
  exchange->session = ask->session ? ask->session : &bed->session;
  exchange->starting = true;
  exchange->call = sp_http_start(exchange->session, &request, &sink, exchange);
  exchange->starting = false;
  assert_non_null(exchange->call);
}

void get(struct bed *bed, struct exchange *exchange, const struct ask *ask) {
  start(bed, exchange, ask);
  bed_run(bed);
  assert_int_equal(exchange->dones, 1);
}

void exchange_drop(struct exchange *exchange) {
  sp_buf_fini(&exchange->body);
  *exchange = (struct exchange){ 0 };
}

/* -- assertions -- */

static const char *const end_names[] = { "OK", "CONNECT", "TIMEOUT", "RESET", "CUT", "PROTOCOL", "ABORTED" };

void assert_end(const struct exchange *exchange, enum sp_http_end end, const char *detail) {
  assert_int_equal(exchange->dones, 1);
  if (exchange->result.end != end)
    fail_msg("ended %s (%s) instead of %s", end_names[exchange->result.end], exchange->detail, end_names[end]);
  if (!strstr(exchange->detail, detail)) /* check_result: a failure has one, OK has none */
    fail_msg("detail \"%s\" instead of \"%s\"", exchange->detail, detail);
}

void assert_ok(const struct exchange *exchange, int status, const char *body) {
  assert_end(exchange, SP_HTTP_OK, "");
  assert_int_equal(exchange->heads, 1);
  assert_int_equal(exchange->status, status);
  assert_true(exchange->read_ends >= 1);
  assert_int_equal(exchange->body.len, strlen(body));
  if (exchange->body.len > 0) assert_string_equal(exchange->body.bytes, body);
}
