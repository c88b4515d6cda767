/* HTTP/2 as it should be: answers of every shape, requests as the server sees them, one connection for many calls. */
#include "h2_server.h"

#include "http/internal.h"

#include <stdlib.h>

#define PLAIN(...) (&(struct ask){.version = SP_HTTP_2, __VA_ARGS__})

struct world {
  struct bed bed;
  struct h2_server server;
};

static void open_world(struct world *world, const struct sp_http_client_options *options) {
  bed_open(&world->bed, options);
  h2_serve(&world->server);
}

static void close_world(struct world *world) {
  bed_close(&world->bed);
  h2_stop(&world->server);
}

/* -- answers by path -- */

static void answer(struct h2_peer *peer, struct h2_request *request) {
  const char *path = request->path;
  if (strcmp(path, "/204") == 0) {
    h2_head(peer, request, 204, NULL, true);
  } else if (strcmp(path, "/early") == 0) {
    h2_informational(peer, request, 103);
    h2_informational(peer, request, 100);
    h2_answer(peer, request, "late");
  } else if (strcmp(path, "/trailers") == 0) {
    h2_head(peer, request, 200, "trailer: x-sum\n", false);
    h2_data(peer, request, "body", 4, false);
    h2_trailers(peer, request);
  } else if (strcmp(path, "/length") == 0) {
    h2_head(peer, request, 200, "content-length: 4\n", false);
    h2_data(peer, request, "four", 4, true);
  } else if (strcmp(path, "/empty") == 0) {
    h2_head(peer, request, 200, "content-length: 0\n", true);
  } else if (strcmp(path, "/big") == 0) {
    char *body = malloc(5u << 20);
    memset(body, 'b', 5u << 20);
    h2_head(peer, request, 200, NULL, false);
    h2_data(peer, request, body, 5u << 20, true);
    free(body);
  } else if (strcmp(request->method, "HEAD") == 0) {
    h2_head(peer, request, 200, "content-length: 1234\n", true);
  } else {
    h2_answer(peer, request, "hello");
  }
}

static void fetch(struct world *world, struct exchange *exchange, const char *path, const char *method) {
  get(&world->bed, exchange, PLAIN(.url = h2_url(&world->server, path), .method = method));
}

static void test_answers(void **state) {
  (void)state;
  static const struct {
    const char *path, *method;
    int status;
    const char *body;
  } rows[] = {
      {"/", "GET", 200, "hello"},     {"/204", "GET", 204, ""},  {"/early", "GET", 200, "late"},
      {"/trailers", "GET", 200, "body"}, {"/length", "GET", 200, "four"}, {"/empty", "GET", 200, ""},
      {"/head", "HEAD", 200, ""},     {"/", "POST", 200, "hello"},
  };
  struct world world = {.server = {.on_request = answer}};
  open_world(&world, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exchange one = {0};
    fetch(&world, &one, rows[i].path, rows[i].method);
    assert_ok(&one, rows[i].status, rows[i].body);
    assert_true(one.result.http2 && !one.result.close_delimited && !one.result.resent);
    assert_int_equal(one.result.reused, i > 0);
    assert_int_equal(one.result.connect_ns > 0, i == 0);
    assert_true(one.result.first_write_ns > 0 && one.result.first_byte.user_ns >= one.result.first_write_ns);
    assert_true(one.result.end_ns >= one.result.first_byte.kernel_ns);
    assert_true(one.result.bytes_in >= 9 && one.result.bytes_in < 300 && one.result.bytes_out > 9);
    exchange_drop(&one);
  }
  assert_int_equal(world.server.peer_count, 1);
  assert_int_equal(world.server.resets, 0); /* each ended by itself */
  assert_true(world.bed.lags > 0);
  close_world(&world);
}

static void test_head_is_that_of_http1(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer}};
  struct exchange one = {0};
  open_world(&world, NULL);
  fetch(&world, &one, "/length", "GET");
  assert_ok(&one, 200, "four");
  assert_string_equal(one.head, "content-length: 4\r\n");
  exchange_drop(&one);
  close_world(&world);
}

static void answer_with_request(struct h2_peer *peer, struct h2_request *request) {
  char text[H2_HEADERS_MAX + 1024];
  int len = snprintf(text, sizeof text, "%s %s://%s%s\n%s\n%zu:%.100s", request->method, request->scheme,
                     request->authority, request->path, request->headers, request->body_len, request->body);
  h2_head(peer, request, 200, NULL, false);
  h2_data(peer, request, text, (size_t)len, true);
}

static void test_requests(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_with_request}};
  struct exchange one = {0}, two = {0};
  char expected[256];
  open_world(&world, NULL);
  get(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/a?b=c#d"),
                              .headers = "X-One: 1\r\nTE: gzip\r\nConnection: x-two\r\nUpgrade: h2c\r\nX-Empty:\r\n"));
  snprintf(expected, sizeof expected,
           "GET http://127.0.0.1:%u/a?b=c\nx-one: 1\nx-empty: \nuser-agent: spate/" SP_VERSION "\naccept: */*\n\n0:",
           world.server.port);
  assert_ok(&one, 200, expected);
  get(&world.bed, &two, PLAIN(.url = h2_url(&world.server, "/"), .method = "POST", .body = "some body",
                              .headers = "Host: other.example\r\nTE: trailers\r\nUser-Agent: me\r\nAccept: a/b\r\n"));
  assert_ok(&two, 200,
            "POST http://other.example/\nte: trailers\nuser-agent: me\naccept: a/b\ncontent-length: 9\n\n9:some body");
  exchange_drop(&one);
  exchange_drop(&two);
  close_world(&world);
}

static void test_big_bodies(void **state) {
  (void)state;
  enum { LEN = 3 << 20 };
  struct world world = {.server = {.on_request = answer_with_request}};
  struct exchange up = {0}, down = {0};
  char *body = malloc(LEN);
  memset(body, 'u', LEN);
  open_world(&world, NULL);
  get(&world.bed, &up, PLAIN(.url = h2_url(&world.server, "/"), .method = "PUT", .body = body, .body_len = LEN));
  assert_end(&up, SP_HTTP_OK, "");
  assert_non_null(strstr(up.body.bytes, "3145728:uuu"));
  assert_true(up.result.bytes_out > LEN && up.result.bytes_out < LEN + LEN / 100);
  world.server.on_request = answer;
  fetch(&world, &down, "/big", "GET");
  assert_end(&down, SP_HTTP_OK, "");
  assert_true(down.result.bytes_in > 5u << 20 && down.result.bytes_in < (5u << 20) + 50000);
  assert_true(world.server.window_updates > 0);
  free(body);
  exchange_drop(&up);
  exchange_drop(&down);
  close_world(&world);
}

static void test_settings(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer, .client_push = 77}};
  struct exchange one = {0};
  open_world(&world, NULL);
  fetch(&world, &one, "/", "GET");
  assert_ok(&one, 200, "hello");
  assert_int_equal(world.server.client_push, 0);
  assert_int_equal(world.server.client_window, SP_H2_STREAM_WINDOW);
  assert_int_equal(world.server.client_header_list, SP_HTTP1_HEAD_MAX);
  exchange_drop(&one);
  close_world(&world);
}

static void ping(struct h2_peer *peer, struct h2_request *request) {
  nghttp2_submit_ping(peer->session, NGHTTP2_FLAG_NONE, (const uint8_t *)"12345678");
  h2_answer(peer, request, "pinged");
}

static void test_ping_is_answered(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = ping}};
  struct exchange one = {0}, two = {0};
  open_world(&world, NULL);
  fetch(&world, &one, "/", "GET");
  fetch(&world, &two, "/", "GET");
  assert_ok(&two, 200, "pinged");
  assert_true(world.server.pings >= 1);
  exchange_drop(&one);
  exchange_drop(&two);
  close_world(&world);
}

/* -- many calls -- */

static void start_many(struct world *world, struct exchange *exchanges, size_t count, const char *path) {
  for (size_t i = 0; i < count; i++)
    start(&world->bed, &exchanges[i], PLAIN(.url = h2_url(&world->server, path)));
}

static void check_many(struct exchange *exchanges, size_t count, const char *body) {
  for (size_t i = 0; i < count; i++) {
    assert_ok(&exchanges[i], 200, body);
    exchange_drop(&exchanges[i]);
  }
}

/* Answers when all hundred are there: they were truly open at once. */
static void answer_hundred(struct h2_peer *peer, struct h2_request *request) {
  (void)request;
  if (peer->open < 100) return;
  for (int i = 0; i < H2_STREAMS_MAX; i++)
    if (peer->requests[i].id != 0) h2_answer(peer, &peer->requests[i], "together");
}

static void test_hundred_streams_on_one_connection(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_hundred}};
  struct exchange exchanges[100] = {{0}};
  open_world(&world, NULL);
  start_many(&world, exchanges, 100, "/");
  bed_run(&world.bed);
  int new_connections = 0;
  for (int i = 0; i < 100; i++) new_connections += exchanges[i].result.connect_ns > 0;
  assert_int_equal(new_connections, 1); /* one of them has its times */
  check_many(exchanges, 100, "together");
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

/* What is wanted at once goes out in batches, before the turn is over; what cannot be sent is told from the loop, though a
 * batch is made inside of another call's start. */
static void test_batches(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer}};
  struct exchange exchanges[100] = {{0}};
  char *headers = calloc(300, 16);
  open_world(&world, NULL);
  fetch(&world, exchanges, "/", "GET");
  exchange_drop(exchanges);
  memset(exchanges, 0, sizeof exchanges);
  for (int i = 0; i < 300; i++) sprintf(headers + strlen(headers), "X-H%d: 1\r\n", i);
  const struct sp_conn *conn = &world.bed.session.pool.conns->conn;
  uint64_t before = conn->bytes_out;
  for (int i = 0; i < 100; i++) {
    start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, "/"), .headers = i % 7 == 3 ? headers : NULL));
    if (i == 9) assert_int_equal(conn->bytes_out, before);
  }
  assert_true(conn->bytes_out > before);
  assert_int_equal(world.bed.pending, 100);
  bed_run(&world.bed);
  for (int i = 0; i < 100; i++) {
    if (i % 7 == 3) assert_end(&exchanges[i], SP_HTTP_PROTOCOL, "over 256 header fields");
    else assert_ok(&exchanges[i], 200, "hello");
    exchange_drop(&exchanges[i]);
  }
  assert_int_equal(world.server.peer_count, 1);
  free(headers);
  close_world(&world);
}

/* Waits a moment, so that more would come if they might. */
static void answer_slowly(struct h2_peer *peer) {
  for (int i = 0; i < H2_STREAMS_MAX; i++)
    if (peer->requests[i].id != 0 && peer->requests[i].ended) {
      h2_answer(peer, &peer->requests[i], "slow");
      return;
    }
}

static void wait_for_idle(struct h2_peer *peer, struct h2_request *request) { (void)peer, (void)request; }

static void test_calls_wait_for_streams(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = wait_for_idle, .on_idle = answer_slowly, .max_streams = 3}};
  struct exchange exchanges[12] = {{0}};
  open_world(&world, NULL);
  start_many(&world, exchanges, 12, "/");
  bed_run(&world.bed);
  check_many(exchanges, 12, "slow");
  assert_int_equal(world.server.peer_count, 1);
  assert_int_equal(world.server.open_max, 3);
  assert_int_equal(world.server.resets, 0);
  close_world(&world);
}

static void raise_limit(struct h2_peer *peer) {
  if (peer->open == 0) h2_limit(peer, 4);
  else answer_slowly(peer);
}

static void test_no_stream_allowed_at_first(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = wait_for_idle, .on_idle = raise_limit, .allow_none = true}};
  struct exchange exchanges[6] = {{0}};
  open_world(&world, NULL);
  start_many(&world, exchanges, 6, "/");
  bed_run(&world.bed);
  check_many(exchanges, 6, "slow");
  assert_int_equal(world.server.peer_count, 1);
  assert_true(world.server.open_max <= 4);
  close_world(&world);
}

/* The limit falls from ten to two while ten are open: they go on, and then there are two at a time. */
static void fall(struct h2_peer *peer, struct h2_request *request) {
  (void)request;
  if (peer->request_count == 10) {
    h2_limit(peer, 2);
    for (int i = 0; i < H2_STREAMS_MAX; i++)
      if (peer->requests[i].id != 0) h2_answer(peer, &peer->requests[i], "slow");
  }
  if (peer->request_count > 10 && peer->open > 2) h2_reset(peer, request, NGHTTP2_INTERNAL_ERROR);
}

static void answer_after_ten(struct h2_peer *peer) {
  if (peer->request_count >= 10) answer_slowly(peer);
}

static void test_limit_falls(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = fall, .on_idle = answer_after_ten, .max_streams = 10}};
  struct exchange exchanges[16] = {{0}};
  open_world(&world, NULL);
  start_many(&world, exchanges, 16, "/");
  bed_run(&world.bed);
  check_many(exchanges, 16, "slow");
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

static void test_next_call_in_on_done(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer}};
  struct exchange one = {0}, two = {0}, three = {0};
  open_world(&world, NULL);
  struct ask ask = *PLAIN(.url = h2_url(&world.server, "/"));
  one.then = &two;
  one.then_ask = two.then_ask = &ask;
  two.then = &three;
  get(&world.bed, &one, &ask);
  assert_ok(&two, 200, "hello");
  assert_ok(&three, 200, "hello");
  assert_true(three.result.reused);
  assert_int_equal(world.server.peer_count, 1);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  close_world(&world);
}

/* Ten answers come in one read; each one's on_done hangs up the next one. */
static void test_calls_end_each_other(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_hundred}};
  struct exchange exchanges[100] = {{0}};
  open_world(&world, NULL);
  for (int i = 0; i < 99; i++) exchanges[i].kills = &exchanges[i + 1];
  start_many(&world, exchanges, 100, "/");
  bed_run(&world.bed);
  int ok = 0;
  for (int i = 0; i < 100; i++) {
    ok += exchanges[i].result.end == SP_HTTP_OK;
    assert_true(exchanges[i].result.end == SP_HTTP_OK || exchanges[i].result.end == SP_HTTP_ABORTED);
    exchange_drop(&exchanges[i]);
  }
  assert_true(ok >= 50);
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

/* A user whose last call ends goes, and its connection with it, in the middle of whatever ended the call. */
static void test_session_ends_in_on_done(void **state) {
  (void)state;
  static const char *const paths[] = {"/", "/204"};
  struct world world = {.server = {.on_request = answer}};
  struct sp_http_session sessions[3];
  struct exchange exchanges[3] = {{0}};
  open_world(&world, NULL);
  for (int i = 0; i < 3; i++) {
    sp_http_session_init(&sessions[i], world.bed.client);
    exchanges[i].leaves = true;
    start(&world.bed, &exchanges[i],
          PLAIN(.url = i < 2 ? h2_url(&world.server, paths[i]) : "http://127.0.0.1:1/", .session = &sessions[i]));
  }
  bed_run(&world.bed);
  assert_ok(&exchanges[0], 200, "hello");
  assert_int_equal(exchanges[2].result.end, SP_HTTP_CONNECT);
  for (int turns = 0; world.bed.client->conns > 0 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  assert_int_equal(world.bed.client->conns, 0);
  for (int turns = 0; world.server.goaways < 2 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  assert_int_equal(world.server.goaways, 2); /* it said goodbye */
  for (int i = 0; i < 3; i++) exchange_drop(&exchanges[i]);
  close_world(&world);
}

static void test_new_connection_each(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer}};
  struct exchange exchanges[3] = {{0}};
  open_world(&world, NULL);
  for (int i = 0; i < 3; i++)
    start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, "/"), .new_connection = true));
  bed_run(&world.bed);
  check_many(exchanges, 3, "hello");
  for (int turns = 0; world.bed.client->conns > 0 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  assert_int_equal(world.bed.client->conns, 0);
  assert_int_equal(world.server.peer_count, 3);
  close_world(&world);
}

/* -- shared by sessions -- */

static void test_sessions_share(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = wait_for_idle, .on_idle = answer_slowly}};
  struct sp_http_session sessions[10];
  struct exchange exchanges[10] = {{0}};
  open_world(&world, &(struct sp_http_client_options){.streams_per_connection = 4});
  for (int i = 0; i < 10; i++) sp_http_session_init(&sessions[i], world.bed.client);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 10; i++)
      start(&world.bed, &exchanges[i],
            PLAIN(.url = h2_url(&world.server, "/"), .shared = true, .session = &sessions[i]));
    bed_run(&world.bed);
    check_many(exchanges, 10, "slow");
  }
  assert_int_equal(world.server.peer_count, 3); /* 4 + 4 + 2, in both rounds */
  assert_true(world.server.open_max <= 4);
  for (int i = 0; i < 10; i++) sp_http_session_fini(&sessions[i]);
  close_world(&world);
}

/* The server allows fewer streams than we would take: the rest goes to further connections. */
static void test_shared_meets_a_low_limit(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = wait_for_idle, .on_idle = answer_slowly, .max_streams = 2}};
  struct exchange exchanges[8] = {{0}};
  open_world(&world, NULL);
  for (int i = 0; i < 8; i++)
    start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, "/"), .shared = true));
  bed_run(&world.bed);
  check_many(exchanges, 8, "slow");
  assert_int_equal(world.server.open_max, 2);
  assert_int_equal(world.server.peer_count, 4);
  close_world(&world);
}

static void test_shared_http1(void **state) {
  (void)state;
  static const struct step twice[] = {EXPECT, SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), AGAIN};
  struct bed bed;
  struct sp_http_session other;
  struct exchange one = {0}, two = {0}, three = {0};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(twice));
  sp_http_session_init(&other, bed.client);
  get(&bed, &one, &(struct ask){.shared = true});
  get(&bed, &two, &(struct ask){.shared = true, .session = &other});
  get(&bed, &three, &(struct ask){.session = &other});
  assert_ok(&one, 200, "ok");
  assert_ok(&two, 200, "ok");
  assert_true(two.result.reused);
  assert_false(three.result.reused); /* its own */
  assert_int_equal(bed.server.conn_count, 2);
  sp_http_session_fini(&other);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  bed_close(&bed);
}

static void test_too_many_origins(void **state) {
  (void)state;
  struct bed bed;
  char url[64];
  bed_open(&bed, NULL);
  for (unsigned i = 0; i <= SP_HTTP_ORIGINS_MAX; i++) {
    struct exchange one = {0};
    snprintf(url, sizeof url, "http://host%u.invalid/", i);
    get(&bed, &one, &(struct ask){.url = url, .headers = "no colon"}); /* ends before it is looked up */
    if (i < SP_HTTP_ORIGINS_MAX) assert_end(&one, SP_HTTP_PROTOCOL, "no colon");
    else assert_end(&one, SP_HTTP_PROTOCOL, "over 65536 different hosts and ports");
    exchange_drop(&one);
  }
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_head_is_that_of_http1),
      cmocka_unit_test(test_requests),
      cmocka_unit_test(test_big_bodies),
      cmocka_unit_test(test_settings),
      cmocka_unit_test(test_ping_is_answered),
      cmocka_unit_test(test_hundred_streams_on_one_connection),
      cmocka_unit_test(test_batches),
      cmocka_unit_test(test_calls_wait_for_streams),
      cmocka_unit_test(test_no_stream_allowed_at_first),
      cmocka_unit_test(test_limit_falls),
      cmocka_unit_test(test_next_call_in_on_done),
      cmocka_unit_test(test_calls_end_each_other),
      cmocka_unit_test(test_session_ends_in_on_done),
      cmocka_unit_test(test_new_connection_each),
      cmocka_unit_test(test_sessions_share),
      cmocka_unit_test(test_shared_meets_a_low_limit),
      cmocka_unit_test(test_shared_http1),
      cmocka_unit_test(test_too_many_origins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
