/* Connections kept, closed, found stale; calls that finish early; several calls at once. */
#include "harness.h"
#include "http/internal.h"

#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct step polite[] = { EXPECT, SEND(OK_ANSWER), AGAIN };

/* Two requests one after the other, with a pause between. */
struct pair {
  struct bed bed;
  struct exchange one, two;
};

static void run_pair(struct pair *pair, const struct step *const *scripts, size_t count, const struct ask *ask,
                     int64_t pause_ms) {
  memset(pair, 0, sizeof *pair);
  bed_open(&pair->bed, NULL);
  bed_serve(&pair->bed, scripts, count);
  get(&pair->bed, &pair->one, ask);
  if (pause_ms > 0) bed_pause(&pair->bed, pause_ms);
  get(&pair->bed, &pair->two, ask);
}

static void drop_pair(struct pair *pair) {
  exchange_drop(&pair->one);
  exchange_drop(&pair->two);
  bed_close(&pair->bed);
}

static int conns(struct bed *bed) { return atomic_load(&bed->server.conn_count); }

static void test_kept_alive(void **state) {
  (void)state;
  struct pair pair;
  run_pair(&pair, SCRIPTS(polite), NULL, 20);
  assert_ok(&pair.one, 200, "ok");
  assert_ok(&pair.two, 200, "ok");
  assert_false(pair.one.result.reused);
  assert_true(pair.two.result.reused);
  assert_false(pair.two.result.resent);
  assert_int_equal(pair.one.result.bytes_in, sizeof OK_ANSWER - 1);
  assert_int_equal(pair.two.result.bytes_in, sizeof OK_ANSWER - 1);
  assert_int_equal(pair.one.result.bytes_out, pair.two.result.bytes_out);
  assert_int_equal(conns(&pair.bed), 1);
  drop_pair(&pair);
}

/* Heads are kept and shared (head.c): each request is still its own. */
static void test_what_differs_is_sent(void **state) {
  (void)state;
  struct bed bed;
  struct exchange exchange;
  memset(&bed, 0, sizeof bed);
  memset(&exchange, 0, sizeof exchange);
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(polite));
  char other_url[256];
  snprintf(other_url, sizeof other_url, "http://127.0.0.1:%u/path?q=2", bed.server.port);
  const struct {
    struct ask ask;
    const char *begins, *has, *ends;
  } asked[] = {
      { { .headers = "A: 1\r\n" }, "GET /path?q=1 ", "\r\nA: 1\r\n", "\r\n\r\n" },
      { { .headers = "A: 2\r\n" }, "GET /path?q=1 ", "\r\nA: 2\r\n", "\r\n\r\n" },
      { { .headers = "A: 1\r\n", .method = "PUT" }, "PUT /path?q=1 ", "\r\nContent-Length: 0\r\n", "\r\n\r\n" },
      { { .headers = "A: 1\r\n", .url = other_url }, "GET /path?q=2 ", "\r\nA: 1\r\n", "\r\n\r\n" },
      { { .headers = "A: 1\r\n", .gzip = true }, "GET /path?q=1 ", "\r\nAccept-Encoding: gzip\r\n", "\r\n\r\n" },
      { { .method = "POST", .body = "one" }, "POST /path?q=1 ", "\r\nContent-Length: 3\r\n", "\r\n\r\none" },
      { { .method = "POST", .body = "two" }, "POST /path?q=1 ", "\r\nContent-Length: 3\r\n", "\r\n\r\ntwo" },
      { { .method = "POST", .body = "three" }, "POST /path?q=1 ", "\r\nContent-Length: 5\r\n", "\r\n\r\nthree" },
  };
  int count = sizeof asked / sizeof asked[0];
  for (int i = 0; i < 2 * count; i++) {
    get(&bed, &exchange, &asked[i % count].ask);
    assert_ok(&exchange, 200, "ok");
    exchange_drop(&exchange);
    const char *sent = server_request(&bed.server, i), *ends = asked[i % count].ends;
    assert_memory_equal(sent, asked[i % count].begins, strlen(asked[i % count].begins));
    assert_non_null(strstr(sent, asked[i % count].has));
    assert_string_equal(sent + strlen(sent) - strlen(ends), ends);
  }
  assert_int_equal(conns(&bed), 1);
  bed_close(&bed);
}

static void test_new_connection_each_request(void **state) {
  (void)state;
  struct pair pair;
  run_pair(&pair, SCRIPTS(polite), &(struct ask){ .new_connection = true }, 0);
  assert_ok(&pair.one, 200, "ok");
  assert_ok(&pair.two, 200, "ok");
  assert_false(pair.two.result.reused);
  assert_non_null(strstr(server_request(&pair.bed.server, 0), "\r\nConnection: close\r\n"));
  assert_int_equal(conns(&pair.bed), 2);
  assert_null(pair.bed.session.pool.conns);
  drop_pair(&pair);
}

static void test_answers_that_end_the_connection(void **state) {
  (void)state;
  static const struct step says_close[] = { EXPECT, SEND("HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                                         "Content-Length: 2\r\n\r\nok"), HOLD };
  static const struct step ten[] = { EXPECT, SEND("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), HOLD };
  static const struct step extra[] = { EXPECT, SEND(OK_ANSWER "HTTP/1.1 200 OK\r\n"), HOLD };
  static const struct step noise[] = { EXPECT, SEND(OK_ANSWER "\x01noise"), HOLD };
  static const struct step *const all[] = { says_close, ten, extra, noise };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct pair pair;
    run_pair(&pair, SCRIPTS(all[i]), NULL, 0);
    assert_ok(&pair.one, 200, "ok");
    assert_ok(&pair.two, 200, "ok");
    assert_false(pair.two.result.reused);
    assert_int_equal(conns(&pair.bed), 2);
    drop_pair(&pair);
  }
}

static void test_ten_with_keep_alive(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                                                    "Content-Length: 2\r\n\r\nok"), AGAIN };
  struct pair pair;
  run_pair(&pair, SCRIPTS(steps), NULL, 0);
  assert_ok(&pair.two, 200, "ok");
  assert_true(pair.two.result.reused);
  drop_pair(&pair);
}

static void test_our_own_connection_close(void **state) {
  (void)state;
  struct pair pair;
  run_pair(&pair, SCRIPTS(polite), &(struct ask){ .headers = "connection: Keep-Alive, CLOSE\r\n" }, 0);
  assert_false(pair.two.result.reused);
  assert_null(strstr(server_request(&pair.bed.server, 0), "Connection:"));
  drop_pair(&pair);
}

/* -- the server ends an idle connection -- */

static void test_idle_close_is_noticed(void **state) {
  (void)state;
  static const struct step once[] = { EXPECT, SEND(OK_ANSWER), END };
  static const struct step reset[] = { EXPECT, SEND(OK_ANSWER), PAUSE(10), RST };
  static const struct step bytes[] = { EXPECT, SEND(OK_ANSWER), PAUSE(10), SEND("HTTP/1.1 408 \r\n\r\n"), HOLD };
  static const struct step *const all[] = { once, reset, bytes };
  for (size_t i = 0; i < 3; i++) {
    struct bed bed;
    struct exchange one = { 0 }, two = { 0 };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(all[i]));
    get(&bed, &one, NULL);
    assert_non_null(bed.session.pool.conns);
    for (int turns = 0; bed.session.pool.conns && turns < 1000; turns++) bed_pause(&bed, 5);
    assert_null(bed.session.pool.conns);
    get(&bed, &two, NULL);
    assert_ok(&two, 200, "ok");
    assert_false(two.result.reused || two.result.resent);
    exchange_drop(&one);
    exchange_drop(&two);
    bed_close(&bed);
  }
}

/* The server closes while our loop looks away: the request goes to a dead connection, and again to a new one. */
static void stale(const struct step *const *scripts, size_t count, struct pair *pair) {
  memset(pair, 0, sizeof *pair);
  bed_open(&pair->bed, NULL);
  bed_serve(&pair->bed, scripts, count);
  get(&pair->bed, &pair->one, NULL);
  assert_ok(&pair->one, 200, "ok");
  usleep(60 * 1000);
  int64_t start_ns = sp_clock_mono_ns() - SP_NS_PER_MS;
  get(&pair->bed, &pair->two, &(struct ask){ .start_ns = start_ns, .method = "POST", .body = "again" });
}

static void test_stale_connection_is_sent_again(void **state) {
  (void)state;
  static const struct step closes[] = { EXPECT, SEND(OK_ANSWER), END };
  static const struct step resets[] = { EXPECT, SEND(OK_ANSWER), PAUSE(10), RST };
  static const struct step closes_late[] = { EXPECT, SEND(OK_ANSWER), EXPECT, END }; /* never kept one yet */
  static const struct step *const all[] = { closes, resets, closes_late };
  for (size_t i = 0; i < 3; i++) {
    struct pair pair;
    stale(SCRIPTS(all[i], polite), &pair);
    assert_ok(&pair.two, 200, "ok");
    assert_true(pair.two.result.resent);
    assert_false(pair.two.result.reused);
    assert_true(pair.two.result.connect_ns > 0);
    assert_int_equal(conns(&pair.bed), 2);
    int last = atomic_load(&pair.bed.server.request_count) - 1;
    assert_non_null(strstr(server_request(&pair.bed.server, last), "\r\n\r\nagain"));
    drop_pair(&pair);
  }
}

static void test_sent_again_only_once(void **state) {
  (void)state;
  static const struct step closes[] = { EXPECT, SEND(OK_ANSWER), END };
  static const struct step deaf[] = { EXPECT, END };
  struct pair pair;
  stale(SCRIPTS(closes, deaf), &pair);
  assert_end(&pair.two, SP_HTTP_RESET, "closed before the answer");
  assert_true(pair.two.result.resent);
  assert_int_equal(conns(&pair.bed), 2);
  drop_pair(&pair);
}

/* A server that keeps connections and hangs up on a request that it has taken: to send again would hide it. */
static void test_not_sent_again_once_taken(void **state) {
  (void)state;
  static const struct step closes[] = { EXPECT, SEND(OK_ANSWER), EXPECT, SEND(OK_ANSWER), EXPECT, END };
  static const struct step resets[] = { EXPECT, SEND(OK_ANSWER), EXPECT, SEND(OK_ANSWER), EXPECT, RST };
  static const struct step *const all[] = { closes, resets };
  static const char *const whys[] = { "closed before the answer", "reset before the answer" };
  for (size_t i = 0; i < 2; i++) {
    struct bed bed;
    struct exchange exchanges[3] = { 0 };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(all[i], polite));
    for (size_t k = 0; k < 3; k++) get(&bed, &exchanges[k], NULL);
    assert_ok(&exchanges[1], 200, "ok");
    assert_end(&exchanges[2], SP_HTTP_RESET, whys[i]);
    assert_true(exchanges[2].result.reused && !exchanges[2].result.resent);
    assert_int_equal(conns(&bed), 1);
    for (size_t k = 0; k < 3; k++) exchange_drop(&exchanges[k]);
    bed_close(&bed);
  }
}

static void test_not_sent_again_after_a_byte(void **state) {
  (void)state;
  static const struct step part[] = { EXPECT, SEND(OK_ANSWER), EXPECT, SEND("H"), END };
  static const struct step informed[] = { EXPECT, SEND(OK_ANSWER), EXPECT, SEND("HTTP/1.1 100 \r\n\r\n"), END };
  struct pair pair;
  stale(SCRIPTS(part), &pair);
  assert_end(&pair.two, SP_HTTP_RESET, "in the middle of the head");
  assert_true(pair.two.result.reused && !pair.two.result.resent);
  drop_pair(&pair);
  stale(SCRIPTS(informed), &pair);
  assert_end(&pair.two, SP_HTTP_RESET, "before the answer");
  assert_false(pair.two.result.resent);
  drop_pair(&pair);
}

static void test_sent_again_to_nobody(void **state) {
  (void)state;
  static const struct step closes[] = { EXPECT, SEND(OK_ANSWER), END };
  struct bed bed;
  struct exchange one = { 0 }, two = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(closes));
  get(&bed, &one, NULL);
  server_stop(&bed.server);
  bed.has_server = false;
  get(&bed, &two, NULL);
  assert_end(&two, SP_HTTP_CONNECT, "refused");
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

/* -- finishing early -- */

/* Until the draining connection is idle, or gone. */
static void wait_for_tail(struct bed *bed, bool kept) {
  for (int turns = 0; turns < 1000; turns++) {
    struct sp_http_conn *conn = bed->session.pool.conns;
    if (kept ? conn && conn->use == SP_HTTP_CONN_IDLE : !conn) return;
    bed_pause(bed, 5);
  }
  fail_msg("the connection is still draining");
}

static void check_finish(const struct step *steps, enum place place, bool by_hand, bool waits, bool reused) {
  struct bed bed;
  struct exchange one = { .finish_in = place }, two = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps, polite));
  start(&bed, &one, NULL);
  if (by_hand) {
    while (one.read_ends == 0) bed_pause(&bed, 1);
    sp_http_finish(one.call);
    sp_http_finish(one.call);
    assert_int_equal(one.dones, 0);
  }
  bed_run(&bed);
  assert_end(&one, SP_HTTP_OK, "");
  assert_true(one.read_ends >= 1);
  if (place == IN_BODY) assert_int_equal(one.bodies, 1);
  if (place == IN_HEAD) assert_int_equal(one.bodies, 0);
  if (waits) wait_for_tail(&bed, reused);
  get(&bed, &two, NULL);
  assert_ok(&two, 200, "ok");
  assert_int_equal(two.result.reused, reused);
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

static void test_finish_and_the_tail_comes(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), PAUSE(50), SEND("0\r\n\r\n"), EXPECT,
                                       SEND(OK_ANSWER), HOLD };
  static const struct step in_one[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), EXPECT,
                                        SEND(OK_ANSWER), HOLD };
  check_finish(steps, IN_BODY, false, true, true);
  check_finish(steps, IN_HEAD, false, true, true);
  check_finish(steps, IN_READ_END, false, true, true);
  check_finish(steps, NOWHERE, true, true, true);
  check_finish(in_one, IN_BODY, false, false, true);
}

static void test_finish_and_nobody_waits_for_the_tail(void **state) {
  (void)state;
  static const struct step late[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), HOLD };
  static const struct step flood[] = { EXPECT, SEND(CHUNKED), FLOOD("5\r\nhello\r\n") };
  static const struct step noise[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), PAUSE(20), SEND("xyz\r\n"), HOLD };
  static const struct step behind[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), PAUSE(20),
                                       SEND("0\r\n\r\nHTTP/"), HOLD };
  static const struct step gone[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), PAUSE(20), RST };
  static const struct step until_close[] = { EXPECT, SEND("HTTP/1.1 200 OK\r\n\r\nhello"), HOLD };
  check_finish(late, IN_BODY, false, false, false);
  check_finish(flood, IN_BODY, false, true, false);
  check_finish(noise, IN_BODY, false, true, false);
  check_finish(behind, IN_BODY, false, true, false);
  check_finish(gone, IN_BODY, false, true, false);
  check_finish(until_close, IN_BODY, false, false, false);
}

/* The draining connection closes when its user goes on; the server sees that. */
static void test_a_new_request_closes_the_draining_one(void **state) {
  (void)state;
  static const struct step late[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { .finish_in = IN_BODY }, two = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(late, polite));
  get(&bed, &one, NULL);
  assert_int_equal(bed.session.pool.conns->use, SP_HTTP_CONN_DRAINING);
  get(&bed, &two, NULL);
  assert_ok(&two, 200, "ok");
  assert_int_equal(bed.session.pool.conns->use, SP_HTTP_CONN_IDLE);
  assert_null(bed.session.pool.conns->next);
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

/* Nobody goes on and the rest never comes: the tail's time ends it (brought forward here). */
static void test_the_tail_has_an_end(void **state) {
  (void)state;
  static const struct step late[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { .finish_in = IN_BODY };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(late));
  get(&bed, &one, NULL);
  struct sp_timer *tail = &bed.session.pool.conns->tail;
  assert_true(sp_timer_active(tail));
  assert_true(sp_timer_due(tail) - one.result.end_ns >= SP_HTTP_TAIL_NS - SP_NS_PER_S);
  sp_timer_start(tail, sp_loop_now(bed.loop));
  bed_pause(&bed, 10);
  assert_null(bed.session.pool.conns);
  exchange_drop(&one);
  bed_close(&bed);
}

/* An answer that comes before the request was taken whole leaves the connection in the middle of it. */
static void test_early_answer_spoils_the_connection(void **state) {
  (void)state;
  static const struct step early[] = { SEND(OK_ANSWER), DEAF(500), HOLD };
  size_t size = 30u << 20;
  char *body = test_malloc(size + 1);
  memset(body, 'x', size);
  body[size] = '\0';
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(early));
  get(&bed, &one, &(struct ask){ .method = "POST", .body = body });
  assert_ok(&one, 200, "ok");
  assert_true(one.result.bytes_out < size);
  assert_null(bed.session.pool.conns);
  exchange_drop(&one);
  bed_close(&bed);
  test_free(body);
}

static void test_finish_before_the_head_hangs_up(void **state) {
  (void)state;
  static const struct step silent[] = { EXPECT, HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(silent));
  start(&bed, &one, NULL);
  bed_pause(&bed, 20);
  sp_http_finish(one.call);
  bed_run(&bed);
  assert_end(&one, SP_HTTP_ABORTED, "hung up");
  exchange_drop(&one);
  bed_close(&bed);
}

/* -- several calls -- */

static void test_several_at_once(void **state) {
  (void)state;
  static const struct step slow[] = { EXPECT, PAUSE(30), SEND(OK_ANSWER), AGAIN };
  enum { N = 12 };
  struct bed bed;
  struct exchange all[N] = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(slow));
  for (int i = 0; i < N; i++) start(&bed, &all[i], NULL);
  bed_run(&bed);
  int idle = 0;
  for (struct sp_http_conn *conn = bed.session.pool.conns; conn; conn = conn->next) idle++;
  assert_int_equal(idle, SP_HTTP_IDLE_CONNS_MAX);
  assert_int_equal(conns(&bed), N);
  for (int i = 0; i < N; i++) {
    assert_ok(&all[i], 200, "ok");
    exchange_drop(&all[i]);
  }
  bed_close(&bed);
}

/* What on_done starts finds the connection free already. */
static void test_next_in_on_done(void **state) {
  (void)state;
  struct bed bed;
  struct exchange one = { 0 }, two = { 0 }, three = { 0 };
  one.then = &two;
  two.then = &three;
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(polite));
  get(&bed, &one, NULL);
  assert_ok(&three, 200, "ok");
  assert_true(two.result.reused && three.result.reused);
  assert_int_equal(conns(&bed), 1);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  bed_close(&bed);
}

/* on_done may take everything down: the call is gone for all but its own last words. */
static int accept_head(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err) {
  (void)ctx, (void)head, (void)rx, (void)err;
  return 0;
}

static int accept_body(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  (void)ctx, (void)bytes, (void)rx, (void)err;
  return 0;
}

static void stop_loop(void *ctx) { sp_loop_stop(ctx); }

static void take_all_down(void *ctx, const struct sp_http_result *result) {
  struct bed *bed = ctx;
  (void)result;
  sp_http_session_fini(&bed->session);
  sp_http_client_close(bed->client, stop_loop, bed->loop);
}

static void test_all_goes_down_in_on_done(void **state) {
  (void)state;
  static const struct step cut[] = { EXPECT, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), END };
  static const struct step silent[] = { EXPECT, HOLD };
  static const struct step *const all[] = { polite, cut, silent };
  static const struct sp_http_sink sink = { accept_head, accept_body, NULL, take_all_down };
  for (size_t i = 0; i < 4; i++) {
    struct bed bed;
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(all[i % 3]));
    struct sp_http_request request = { .method = SP_STR("GET"), .url = sp_str_from(i == 3 ? "bad" : bed_url(&bed)) };
    request.timeouts.first_byte_ns = 50 * SP_NS_PER_MS;
    sp_http_start(&bed.session, &request, &sink, &bed);
    sp_loop_run(bed.loop);
    sp_loop_destroy(bed.loop);
    server_stop(&bed.server);
  }
}

static void test_origins_do_not_share(void **state) {
  (void)state;
  struct bed bed;
  struct exchange one = { 0 }, two = { 0 }, three = { 0 };
  char url[64];
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(polite));
  snprintf(url, sizeof url, "http://localhost:%u/", bed.server.port);
  get(&bed, &one, NULL);
  get(&bed, &two, &(struct ask){ .url = url });
  get(&bed, &three, &(struct ask){ .url = url });
  assert_false(two.result.reused);
  assert_true(three.result.reused);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  bed_close(&bed);
}

static void test_thousands_one_after_another(void **state) {
  (void)state;
  struct bed bed;
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(polite));
  for (int i = 0; i < 3000; i++) {
    struct exchange one = { 0 };
    get(&bed, &one, NULL);
    assert_ok(&one, 200, "ok");
    assert_int_equal(one.result.reused, i > 0);
    exchange_drop(&one);
  }
  assert_int_equal(conns(&bed), 1);
  bed_close(&bed);
}

static void test_an_idle_connection_is_small(void **state) {
  (void)state;
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(polite));
  get(&bed, &one, NULL);
  struct sp_http_conn *conn = bed.session.pool.conns;
  assert_null(conn->http1.scratch);
  assert_true(conn->conn.output.cap <= 4096);
  assert_true(sizeof *conn + sizeof bed.session + conn->conn.output.cap < 2048);
  exchange_drop(&one);
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kept_alive),
      cmocka_unit_test(test_what_differs_is_sent),
      cmocka_unit_test(test_new_connection_each_request),
      cmocka_unit_test(test_answers_that_end_the_connection),
      cmocka_unit_test(test_ten_with_keep_alive),
      cmocka_unit_test(test_our_own_connection_close),
      cmocka_unit_test(test_idle_close_is_noticed),
      cmocka_unit_test(test_stale_connection_is_sent_again),
      cmocka_unit_test(test_sent_again_only_once),
      cmocka_unit_test(test_not_sent_again_once_taken),
      cmocka_unit_test(test_not_sent_again_after_a_byte),
      cmocka_unit_test(test_sent_again_to_nobody),
      cmocka_unit_test(test_finish_and_the_tail_comes),
      cmocka_unit_test(test_finish_and_nobody_waits_for_the_tail),
      cmocka_unit_test(test_a_new_request_closes_the_draining_one),
      cmocka_unit_test(test_the_tail_has_an_end),
      cmocka_unit_test(test_early_answer_spoils_the_connection),
      cmocka_unit_test(test_finish_before_the_head_hangs_up),
      cmocka_unit_test(test_several_at_once),
      cmocka_unit_test(test_next_in_on_done),
      cmocka_unit_test(test_all_goes_down_in_on_done),
      cmocka_unit_test(test_origins_do_not_share),
      cmocka_unit_test(test_thousands_one_after_another),
      cmocka_unit_test(test_an_idle_connection_is_small),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
