/* Back-pressure, hanging up and deadlines: over HTTP/2, where a stream stops and the connection goes on; pausing over
 * HTTP/1.1, too. */
#include "h2_server.h"

#include "http/internal.h"

#include <stdlib.h>
#include <unistd.h>

#define PLAIN(...) (&(struct ask){.version = SP_HTTP_2, __VA_ARGS__})
#define BIG_LEN (6u << 20)
#define MS SP_NS_PER_MS

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

static void answer_big(struct h2_peer *peer, struct h2_request *request) {
  char *body = malloc(BIG_LEN);
  memset(body, 'b', BIG_LEN);
  h2_head(peer, request, 200, NULL, false);
  h2_data(peer, request, body, BIG_LEN, true);
  free(body);
}

/* -- a paused reader -- */

static void wait_until_sent(struct world *world, size_t bytes) {
  for (int turns = 0; world->server.body_sent < bytes && turns < 2000; turns++) bed_pause(&world->bed, 5);
}

static void check_window(uint32_t window) {
  struct world world = {.server = {.on_request = answer_big}};
  struct exchange slow = {.pause_in = IN_HEAD}, quick = {0};
  open_world(&world, &(struct sp_http_client_options){.stream_window_bytes = window});
  size_t expected = window > 0 ? window : SP_H2_STREAM_WINDOW;
  start(&world.bed, &slow, PLAIN(.url = h2_url(&world.server, "/")));
  wait_until_sent(&world, expected);
  bed_pause(&world.bed, 50); /* would more come? */
  assert_int_equal(world.server.body_sent, expected);
  assert_int_equal(slow.body.len < expected + 1, 1);
  assert_int_equal(slow.dones, 0);
  /* Its window is closed, the connection's is not: others go on. */
  for (int i = 0; i < 3; i++) {
    start(&world.bed, &quick, PLAIN(.url = h2_url(&world.server, "/")));
    for (int turns = 0; quick.dones == 0 && turns < 2000; turns++) bed_pause(&world.bed, 5);
    assert_end(&quick, SP_HTTP_OK, "");
    assert_true(quick.result.reused && quick.result.bytes_in > BIG_LEN);
    exchange_drop(&quick);
  }
  assert_int_equal(world.server.body_sent, expected + 3 * BIG_LEN);
  sp_http_resume(slow.call);
  sp_http_resume(slow.call);
  bed_run(&world.bed);
  assert_end(&slow, SP_HTTP_OK, "");
  assert_true(slow.result.bytes_in > BIG_LEN);
  assert_int_equal(world.server.body_sent, 4 * BIG_LEN);
  assert_int_equal(world.server.peer_count, 1);
  exchange_drop(&slow);
  close_world(&world);
}

static void test_paused_reader(void **state) {
  (void)state;
  check_window(0);
  check_window(100000);
}

/* Stops and goes on again and again; every byte comes once. */
static void test_pause_often(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_big}};
  struct exchange one = {.pause_in = IN_HEAD};
  open_world(&world, &(struct sp_http_client_options){.stream_window_bytes = 70000});
  start(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/")));
  for (int turns = 0; one.dones == 0 && turns < 3000; turns++) {
    bed_pause(&world.bed, 1);
    if (one.dones > 0) break;
    sp_http_resume(one.call);
    one.pause_in = IN_BODY;
  }
  assert_end(&one, SP_HTTP_OK, "");
  assert_true(one.result.bytes_in > BIG_LEN && one.result.bytes_in < BIG_LEN + BIG_LEN / 20);
  exchange_drop(&one);
  close_world(&world);
}

static void test_pause_before_it_is_connected(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_big}};
  struct exchange one = {0};
  open_world(&world, NULL);
  start(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/")));
  sp_http_pause(one.call);
  wait_until_sent(&world, SP_H2_STREAM_WINDOW);
  bed_pause(&world.bed, 50);
  assert_int_equal(world.server.body_sent, SP_H2_STREAM_WINDOW);
  sp_http_resume(one.call);
  bed_run(&world.bed);
  assert_end(&one, SP_HTTP_OK, "");
  exchange_drop(&one);
  close_world(&world);
}

static void test_no_silence_while_paused(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_big}};
  struct exchange one = {.pause_in = IN_HEAD}, two = {.pause_in = IN_HEAD};
  open_world(&world, NULL);
  start(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/"), .timeouts = {.silence_ns = 200 * MS}));
  bed_pause(&world.bed, 600);
  assert_int_equal(one.dones, 0);
  sp_http_resume(one.call);
  bed_run(&world.bed);
  assert_end(&one, SP_HTTP_OK, "");
  start(&world.bed, &two,
        PLAIN(.url = h2_url(&world.server, "/"), .timeouts = {.silence_ns = 60 * SP_NS_PER_S, .total_ns = 200 * MS}));
  bed_run(&world.bed);
  assert_end(&two, SP_HTTP_TIMEOUT, "within 200 ms (timeout)"); /* the whole of it still has its limit */
  exchange_drop(&one);
  exchange_drop(&two);
  close_world(&world);
}

/* -- pausing HTTP/1.1 -- */

#define FLOODING "HTTP/1.1 200 OK\r\n\r\n"

static void test_pause_http1(void **state) {
  (void)state;
  static const struct step flood[] = {EXPECT, SEND(FLOODING), FLOOD("0123456789abcdef")};
  struct bed bed;
  struct exchange one = {.pause_in = IN_BODY};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(flood));
  start(&bed, &one, &(struct ask){.timeouts = {.silence_ns = 100 * MS}});
  for (int turns = 0; one.bodies == 0 && turns < 1000; turns++) bed_pause(&bed, 5);
  int bodies = one.bodies;
  size_t len = one.body.len;
  bed_pause(&bed, 300);
  assert_int_equal(one.bodies, bodies);
  assert_int_equal(one.body.len, len);
  assert_int_equal(one.dones, 0);
  sp_http_resume(one.call);
  for (int turns = 0; one.body.len == len && turns < 1000; turns++) bed_pause(&bed, 5);
  assert_true(one.body.len > len);
  sp_http_abort(one.call);
  bed_run(&bed);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_pause_http1_before_its_answer(void **state) {
  (void)state;
  static const struct step late[] = {EXPECT, PAUSE(50), SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), AGAIN};
  struct bed bed;
  struct exchange one = {0}, two = {0}, three = {0};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(late));
  start(&bed, &one, &(struct ask){.timeouts = {.first_byte_ns = 150 * MS}});
  sp_http_pause(one.call);
  bed_pause(&bed, 400);
  assert_int_equal(one.heads + one.dones, 0);
  sp_http_resume(one.call);
  bed_run(&bed);
  assert_ok(&one, 200, "ok");
  /* A pause ends with its call: the connection reads for the next one, and notices its end while idle. */
  two.pause_in = IN_HEAD;
  get(&bed, &two, NULL);
  assert_ok(&two, 200, "ok");
  get(&bed, &three, NULL);
  assert_ok(&three, 200, "ok");
  assert_true(two.result.reused && three.result.reused);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  bed_close(&bed);
}

/* -- hanging up -- */

static void answer_endless(struct h2_peer *peer, struct h2_request *request) {
  if (strcmp(request->path, "/fine") == 0) {
    h2_answer(peer, request, "fine");
    return;
  }
  h2_head(peer, request, 200, "content-type: text/event-stream\n", false);
  h2_data(peer, request, "data: 1\n\n", 9, false);
}

static void wait_for_reset(struct world *world, int count) {
  for (int turns = 0; world->server.resets < count && turns < 1000; turns++) bed_pause(&world->bed, 5);
  assert_int_equal(world->server.resets, count);
  assert_int_equal(world->server.reset_code, NGHTTP2_CANCEL);
}

static void test_hang_up_in_callbacks(void **state) {
  (void)state;
  static const struct {
    enum place abort_in, finish_in, refuse_in;
    enum sp_http_end end;
  } rows[] = {
      {IN_HEAD, NOWHERE, NOWHERE, SP_HTTP_ABORTED},     {IN_BODY, NOWHERE, NOWHERE, SP_HTTP_ABORTED},
      {IN_READ_END, NOWHERE, NOWHERE, SP_HTTP_ABORTED}, {NOWHERE, IN_HEAD, NOWHERE, SP_HTTP_OK},
      {NOWHERE, IN_BODY, NOWHERE, SP_HTTP_OK},          {NOWHERE, IN_READ_END, NOWHERE, SP_HTTP_OK},
      {NOWHERE, NOWHERE, IN_HEAD, SP_HTTP_PROTOCOL},    {NOWHERE, NOWHERE, IN_BODY, SP_HTTP_PROTOCOL},
  };
  struct world world = {.server = {.on_request = answer_endless}};
  open_world(&world, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exchange one = {.abort_in = rows[i].abort_in, .finish_in = rows[i].finish_in}, other = {0};
    one.refuse_in = rows[i].refuse_in;
    start(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/endless")));
    start(&world.bed, &other, PLAIN(.url = h2_url(&world.server, "/fine")));
    bed_run(&world.bed);
    if (rows[i].end == SP_HTTP_PROTOCOL) assert_end(&one, SP_HTTP_PROTOCOL, "the test refuses this");
    else assert_int_equal(one.result.end, rows[i].end);
    assert_ok(&other, 200, "fine");
    wait_for_reset(&world, (int)i + 1);
    exchange_drop(&one);
    exchange_drop(&other);
  }
  assert_int_equal(world.server.peer_count, 1); /* it stayed */
  close_world(&world);
}

static void test_hang_up_from_outside(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_endless}};
  struct exchange aborted = {0}, finished = {0}, unsent = {0}, early = {0};
  open_world(&world, NULL);
  start(&world.bed, &early, PLAIN(.url = h2_url(&world.server, "/endless")));
  sp_http_abort(early.call); /* alone on its dial */
  bed_run(&world.bed);
  assert_end(&early, SP_HTTP_ABORTED, "hung up by the client");
  start(&world.bed, &aborted, PLAIN(.url = h2_url(&world.server, "/endless")));
  start(&world.bed, &finished, PLAIN(.url = h2_url(&world.server, "/endless")));
  for (int turns = 0; (aborted.bodies == 0 || finished.bodies == 0) && turns < 1000; turns++) bed_pause(&world.bed, 5);
  start(&world.bed, &unsent, PLAIN(.url = h2_url(&world.server, "/endless")));
  sp_http_abort(unsent.call); /* it waits for the end of the loop turn */
  sp_http_abort(aborted.call);
  sp_http_finish(finished.call);
  bed_run(&world.bed);
  assert_end(&aborted, SP_HTTP_ABORTED, "hung up by the client");
  assert_end(&finished, SP_HTTP_OK, "");
  assert_end(&unsent, SP_HTTP_ABORTED, "");
  assert_int_equal(unsent.result.first_write_ns, 0);
  wait_for_reset(&world, 2);
  exchange_drop(&aborted);
  exchange_drop(&finished);
  exchange_drop(&unsent);
  exchange_drop(&early);
  close_world(&world);
}

/* The first of three on one dial hangs up: the others get their connection. */
static void test_leave_a_dial(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = answer_endless}};
  struct exchange exchanges[3] = {{0}};
  open_world(&world, NULL);
  for (int i = 0; i < 3; i++) start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, "/fine")));
  sp_http_abort(exchanges[0].call);
  bed_run(&world.bed);
  assert_end(&exchanges[0], SP_HTTP_ABORTED, "");
  for (int i = 1; i < 3; i++) assert_ok(&exchanges[i], 200, "fine");
  assert_true(exchanges[1].result.connect_ns > 0 && exchanges[2].result.connect_ns == -1);
  for (int i = 0; i < 3; i++) exchange_drop(&exchanges[i]);
  close_world(&world);
}

/* An answer that is whole before the request is: it counts, the rest of the request is not sent. */
static void answer_at_head(struct h2_peer *peer, struct h2_request *request) { h2_answer(peer, request, "enough"); }
static void ignore(struct h2_peer *peer, struct h2_request *request) { (void)peer, (void)request; }

static void test_early_answer(void **state) {
  (void)state;
  enum { LEN = 2 << 20 };
  struct world world = {.server = {.on_request = ignore, .on_head = answer_at_head}};
  struct exchange one = {0};
  char *body = malloc(LEN);
  memset(body, 'u', LEN);
  open_world(&world, NULL);
  get(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/"), .method = "POST", .body = body, .body_len = LEN));
  assert_ok(&one, 200, "enough");
  assert_true(one.result.bytes_out < LEN);
  wait_for_reset(&world, 1);
  free(body);
  exchange_drop(&one);
  close_world(&world);
}

/* The window is open, but the socket is full: what it does not take is not made either, and a small request behind the
 * big one still gets its turn. */
static void sleep_at_head(struct h2_peer *peer, struct h2_request *request) {
  (void)peer;
  if (strcmp(request->path, "/big") == 0) usleep(300000);
}

static void answer_length(struct h2_peer *peer, struct h2_request *request) {
  char text[32];
  snprintf(text, sizeof text, "%zu", request->body_len);
  h2_answer(peer, request, text);
}

static void test_slow_upload(void **state) {
  (void)state;
  enum { LEN = 24 << 20 };
  struct world world = {.server = {.on_request = answer_length, .on_head = sleep_at_head, .window = 32 << 20}};
  struct exchange first = {0}, big = {0}, small = {0};
  char *body = malloc(LEN);
  memset(body, 'u', LEN);
  open_world(&world, NULL);
  get(&world.bed, &first, PLAIN(.url = h2_url(&world.server, "/"))); /* its settings are known now */
  start(&world.bed, &big, PLAIN(.url = h2_url(&world.server, "/big"), .method = "POST", .body = body, .body_len = LEN,
                                .timeouts = {.first_byte_ns = 5 * SP_NS_PER_S}));
  start(&world.bed, &small, PLAIN(.url = h2_url(&world.server, "/small")));
  size_t most = 0;
  while (big.dones == 0) {
    bed_pause(&world.bed, 1);
    struct sp_http_conn *conn = world.bed.session.pool.conns;
    if (conn && conn->conn.output.len > most) most = conn->conn.output.len;
  }
  bed_run(&world.bed);
  assert_ok(&big, 200, "25165824");
  assert_ok(&small, 200, "0");
  assert_true(most > 0 && most < 1u << 20);
  free(body);
  exchange_drop(&first);
  exchange_drop(&big);
  exchange_drop(&small);
  close_world(&world);
}

/* -- deadlines -- */

static void stall(struct h2_peer *peer, struct h2_request *request) {
  if (strcmp(request->path, "/head") == 0) h2_head(peer, request, 200, NULL, false);
}

static void test_deadlines(void **state) {
  (void)state;
  static const struct {
    const char *path;
    struct sp_http_timeouts timeouts;
    const char *detail;
  } rows[] = {
      {"/", {.first_byte_ns = 60 * MS}, "no answer within 60 ms (timeout)"},
      {"/", {.total_ns = 60 * MS}, "no answer within 60 ms (timeout)"},
      {"/head", {.silence_ns = 60 * MS}, "in the middle of the answer, no byte for 60 ms (timeout)"},
      {"/head", {.total_ns = 600 * MS}, "the answer was not whole within 600 ms (timeout)"},
  };
  struct world world = {.server = {.on_request = stall}};
  open_world(&world, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exchange one = {0};
    get(&world.bed, &one, PLAIN(.url = h2_url(&world.server, rows[i].path), .timeouts = rows[i].timeouts));
    assert_end(&one, SP_HTTP_TIMEOUT, rows[i].detail);
    wait_for_reset(&world, (int)i + 1);
    exchange_drop(&one);
  }
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

static void test_no_free_stream(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = stall, .max_streams = 1}};
  struct exchange first = {0}, second = {0};
  open_world(&world, NULL);
  start(&world.bed, &first, PLAIN(.url = h2_url(&world.server, "/head")));
  for (int turns = 0; first.heads == 0 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  start(&world.bed, &second, PLAIN(.url = h2_url(&world.server, "/"), .timeouts = {.connect_ns = 60 * MS}));
  for (int turns = 0; second.dones == 0 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  assert_end(&second, SP_HTTP_TIMEOUT, "no free stream on the connection within 60 ms (timeout)");
  sp_http_abort(first.call);
  bed_run(&world.bed);
  assert_int_equal(world.server.request_count, 1);
  exchange_drop(&first);
  exchange_drop(&second);
  close_world(&world);
}

/* The server grants no window for the body. */
static void test_request_is_not_taken(void **state) {
  (void)state;
  enum { LEN = 1 << 20 };
  static const struct step deaf[] = {SEND("\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0"), HOLD};
  struct bed bed;
  struct exchange one = {0};
  char *body = malloc(LEN);
  memset(body, 'u', LEN);
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(deaf));
  bed_pause(&bed, 1);
  get(&bed, &one, PLAIN(.method = "POST", .body = body, .body_len = LEN, .timeouts = {.first_byte_ns = 80 * MS}));
  assert_end(&one, SP_HTTP_TIMEOUT, "the server did not take the request within 80 ms (timeout)");
  free(body);
  exchange_drop(&one);
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paused_reader),
      cmocka_unit_test(test_pause_often),
      cmocka_unit_test(test_pause_before_it_is_connected),
      cmocka_unit_test(test_no_silence_while_paused),
      cmocka_unit_test(test_pause_http1),
      cmocka_unit_test(test_pause_http1_before_its_answer),
      cmocka_unit_test(test_hang_up_in_callbacks),
      cmocka_unit_test(test_hang_up_from_outside),
      cmocka_unit_test(test_leave_a_dial),
      cmocka_unit_test(test_early_answer),
      cmocka_unit_test(test_slow_upload),
      cmocka_unit_test(test_deadlines),
      cmocka_unit_test(test_no_free_stream),
      cmocka_unit_test(test_request_is_not_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
