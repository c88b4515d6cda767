/* HTTP/2 servers that misbehave: every stream ends once, in the outcome that its phase says, and the rest goes on. */
#include "h2_server.h"

#include "http/internal.h"

#include <stdlib.h>
#include <unistd.h>

#define PLAIN(...) (&(struct ask){.version = SP_HTTP_2, __VA_ARGS__})

struct world {
  struct bed bed;
  struct h2_server server;
};

static void open_world(struct world *world) {
  bed_open(&world->bed, NULL);
  h2_serve(&world->server);
}

static void close_world(struct world *world) {
  bed_close(&world->bed);
  h2_stop(&world->server);
}

static void fetch(struct world *world, struct exchange *exchange, const char *path) {
  get(&world->bed, exchange, PLAIN(.url = h2_url(&world->server, path)));
}

/* -- one bad answer; the connection is as good as before -- */

static void misbehave(struct h2_peer *peer, struct h2_request *request) {
  static char big[70000];
  const char *path = request->path;
  memset(big, 'h', sizeof big - 1);
  if (strcmp(path, "/before") == 0) {
    h2_reset(peer, request, NGHTTP2_INTERNAL_ERROR);
  } else if (strcmp(path, "/between") == 0) {
    h2_informational(peer, request, 103);
    h2_flush(peer);
    h2_reset(peer, request, NGHTTP2_REFUSED_STREAM);
  } else if (strcmp(path, "/head") == 0 || strcmp(path, "/body") == 0) {
    h2_head(peer, request, 200, NULL, false);
    if (path[1] == 'b') h2_data(peer, request, "some", 4, false);
    h2_flush(peer);
    h2_reset(peer, request, NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (strcmp(path, "/quiet") == 0) { /* no error, but no end either */
    h2_head(peer, request, 200, NULL, false);
    h2_flush(peer);
    h2_reset(peer, request, NGHTTP2_NO_ERROR);
  } else if (strcmp(path, "/short") == 0 || strcmp(path, "/long") == 0) {
    h2_head(peer, request, 200, "content-length: 10\n", false);
    h2_data(peer, request, "much more than ten", path[1] == 's' ? 5 : 18, true);
  } else if (strcmp(path, "/204") == 0) {
    h2_head(peer, request, 204, NULL, false);
    h2_data(peer, request, "body", 4, true);
  } else if (strcmp(path, "/not-modified") == 0) {
    h2_head(peer, request, 304, "content-length: 4\n", false);
    h2_data(peer, request, "body", 4, true);
  } else if (strcmp(path, "/101") == 0) {
    h2_informational(peer, request, 101);
  } else if (strcmp(path, "/1xx") == 0) {
    for (int i = 0; i < 200; i++) h2_informational(peer, request, 103);
  } else if (strcmp(path, "/name") == 0) {
    h2_head(peer, request, 200, "x bad: 1\n", true);
  } else if (strcmp(path, "/value") == 0) {
    h2_head(peer, request, 200, "x-bad: a\001b\n", true);
  } else if (strcmp(path, "/connection") == 0) {
    h2_head(peer, request, 200, "connection: close\n", true);
  } else if (strcmp(path, "/many") == 0) {
    char *headers = malloc(300 * 16);
    headers[0] = '\0';
    for (int i = 0; i < 300; i++) sprintf(headers + strlen(headers), "x-h%d: 1\n", i);
    h2_head(peer, request, 200, headers, true);
    free(headers);
  } else if (strcmp(path, "/fat") == 0) { /* of one byte each on the wire, once they are in the table */
    char *headers = malloc(150 * 4100);
    headers[0] = '\0';
    for (int i = 0; i < 100; i++) sprintf(headers + strlen(headers), "x-fat: %.2900s\n", big);
    h2_head(peer, request, 200, headers, true);
    free(headers);
  } else if (strcmp(path, "/nostatus") == 0) {
    nghttp2_nv nv = {(uint8_t *)(uintptr_t) "x-a", (uint8_t *)(uintptr_t) "b", 3, 1, NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_headers(peer->session, NGHTTP2_FLAG_END_STREAM, request->id, NULL, &nv, 1, NULL);
  } else {
    h2_answer(peer, request, "fine");
  }
}

static void test_bad_streams(void **state) {
  (void)state;
  static const struct {
    const char *path;
    enum sp_http_end end;
    const char *detail;
  } rows[] = {
      {"/before", SP_HTTP_RESET, "the stream was reset before the answer (INTERNAL_ERROR)"},
      {"/between", SP_HTTP_RESET, "the stream was reset before the answer (REFUSED_STREAM)"},
      {"/head", SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream (ENHANCE_YOUR_CALM)"},
      {"/body", SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream (ENHANCE_YOUR_CALM)"},
      {"/quiet", SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream (NO_ERROR)"},
      {"/short", SP_HTTP_PROTOCOL, "the body is not as long as its Content-Length (5 bytes of 10)"},
      {"/long", SP_HTTP_PROTOCOL, "the body is not as long as its Content-Length (18 bytes of 10)"},
      {"/204", SP_HTTP_PROTOCOL, "the answer breaks HTTP/2: PROTOCOL_ERROR"},
      {"/not-modified", SP_HTTP_PROTOCOL, "the answer has a body where none may be"},
      {"/101", SP_HTTP_PROTOCOL, "HTTP/2"},
      {"/1xx", SP_HTTP_PROTOCOL, "over 100 informational (1xx) heads"},
      {"/name", SP_HTTP_PROTOCOL, "a name or value that HTTP/2 does not allow: 'x bad'"},
      {"/value", SP_HTTP_PROTOCOL, "a name or value that HTTP/2 does not allow: 'x-bad'"},
      {"/connection", SP_HTTP_PROTOCOL, "HTTP/2"},
      {"/many", SP_HTTP_PROTOCOL, "more than 256 headers (SP_HTTP1_HEADERS_MAX)"},
      {"/fat", SP_HTTP_PROTOCOL, "over the limit of 262144 bytes (SP_HTTP1_HEAD_MAX)"},
      {"/nostatus", SP_HTTP_PROTOCOL, "HTTP/2"},
  };
  struct world world = {.server = {.on_request = misbehave}};
  open_world(&world);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exchange bad = {0}, good = {0};
    start(&world.bed, &bad, PLAIN(.url = h2_url(&world.server, rows[i].path)));
    start(&world.bed, &good, PLAIN(.url = h2_url(&world.server, "/fine")));
    bed_run(&world.bed);
    if (bad.result.end != rows[i].end) print_error("%s\n", rows[i].path);
    assert_end(&bad, rows[i].end, rows[i].detail);
    assert_false(bad.result.resent);
    assert_int_equal(bad.result.reset, rows[i].end == SP_HTTP_CUT || rows[i].end == SP_HTTP_RESET);
    assert_ok(&good, 200, "fine");
    exchange_drop(&bad);
    exchange_drop(&good);
  }
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

/* -- refused streams -- */

static void refuse_first(struct h2_peer *peer, struct h2_request *request) {
  if (peer->request_count == 1) h2_reset(peer, request, NGHTTP2_REFUSED_STREAM);
  else h2_answer(peer, request, request->body);
}

static void test_refused_stream_is_sent_again(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = refuse_first}};
  struct exchange one = {0};
  open_world(&world);
  get(&world.bed, &one, PLAIN(.url = h2_url(&world.server, "/"), .method = "POST", .body = "the body, twice"));
  assert_ok(&one, 200, "the body, twice");
  assert_true(one.result.resent);
  assert_int_equal(world.server.request_count, 2);
  assert_int_equal(world.server.peer_count, 1);
  exchange_drop(&one);
  close_world(&world);
}

static void refuse_all(struct h2_peer *peer, struct h2_request *request) {
  h2_reset(peer, request, NGHTTP2_REFUSED_STREAM);
}

static void test_refused_twice(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = refuse_all}};
  struct exchange one = {0};
  open_world(&world);
  fetch(&world, &one, "/");
  assert_end(&one, SP_HTTP_RESET, "the server refused the stream (REFUSED_STREAM), twice");
  assert_true(one.result.resent);
  assert_int_equal(world.server.request_count, 2);
  exchange_drop(&one);
  close_world(&world);
}

/* -- GOAWAY -- */

/* Of the three requests the first is answered, the last ones are said not to have been looked at. */
static void leave_after_first(struct h2_peer *peer, struct h2_request *request) {
  if (peer->number > 0) {
    h2_answer(peer, request, "second home");
    return;
  }
  if (peer->request_count < 3) return;
  h2_goaway(peer, 1, NGHTTP2_NO_ERROR);
  h2_flush(peer);
  for (int i = 0; i < H2_STREAMS_MAX; i++)
    if (peer->requests[i].id == 1) h2_answer(peer, &peer->requests[i], "first home");
}

static void test_goaway_sends_later_streams_elsewhere(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = leave_after_first}};
  struct exchange exchanges[3] = {{0}}, after = {0};
  open_world(&world);
  for (int i = 0; i < 3; i++) start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, "/")));
  bed_run(&world.bed);
  assert_ok(&exchanges[0], 200, "first home");
  assert_false(exchanges[0].result.resent);
  for (int i = 1; i < 3; i++) {
    assert_ok(&exchanges[i], 200, "second home");
    assert_true(exchanges[i].result.resent);
  }
  fetch(&world, &after, "/");
  assert_ok(&after, 200, "second home");
  assert_int_equal(world.server.peer_count, 2);
  for (int i = 0; i < 3; i++) exchange_drop(&exchanges[i]);
  exchange_drop(&after);
  close_world(&world);
}

/* A graceful one: what is under way goes on, the next call finds a new connection. */
static void leave_gracefully(struct h2_peer *peer, struct h2_request *request) {
  h2_head(peer, request, 200, NULL, false);
  if (peer->number == 0) h2_goaway(peer, 0x7fffffff, NGHTTP2_NO_ERROR);
  h2_flush(peer);
  h2_data(peer, request, "whole", 5, true);
}

static void test_graceful_goaway(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = leave_gracefully}};
  struct exchange one = {0}, two = {0};
  open_world(&world);
  fetch(&world, &one, "/");
  assert_ok(&one, 200, "whole");
  fetch(&world, &two, "/");
  assert_ok(&two, 200, "whole");
  assert_false(two.result.reused);
  assert_int_equal(world.server.peer_count, 2);
  for (int turns = 0; world.bed.client->conns > 1 && turns < 1000; turns++) bed_pause(&world.bed, 5);
  assert_int_equal(world.bed.client->conns, 1); /* the first one is closed by us */
  exchange_drop(&one);
  exchange_drop(&two);
  close_world(&world);
}

static void leave_angrily(struct h2_peer *peer, struct h2_request *request) {
  h2_goaway(peer, request->id, NGHTTP2_ENHANCE_YOUR_CALM);
  h2_flush(peer);
  peer->hang_up = true;
}

static void test_goaway_says_why(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = leave_angrily}};
  struct exchange one = {0};
  open_world(&world);
  fetch(&world, &one, "/");
  assert_end(&one, SP_HTTP_RESET,
             "the connection was closed before the answer (the server ended the connection: ENHANCE_YOUR_CALM, "
             "the test says so)");
  exchange_drop(&one);
  close_world(&world);
}

/* It says that it has not looked at a stream which it has half answered. */
static void leave_in_the_middle(struct h2_peer *peer, struct h2_request *request) {
  h2_head(peer, request, 200, NULL, false);
  h2_data(peer, request, "some", 4, false);
  h2_flush(peer);
  h2_raw(peer, "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
}

static void test_goaway_below_an_answer(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = leave_in_the_middle}};
  struct exchange one = {0};
  open_world(&world);
  fetch(&world, &one, "/");
  assert_end(&one, SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream (REFUSED_STREAM)");
  assert_false(one.result.resent);
  exchange_drop(&one);
  close_world(&world);
}

/* -- the connection ends -- */

static void hang_up_in(struct h2_peer *peer, struct h2_request *request) {
  bool hard = strstr(request->path, "hard") != NULL;
  if (strncmp(request->path, "/body", 5) == 0) {
    h2_head(peer, request, 200, NULL, false);
    h2_data(peer, request, "some", 4, false);
  } else if (strncmp(request->path, "/fine", 5) == 0) {
    h2_answer(peer, request, "fine");
    return;
  }
  h2_flush(peer);
  if (hard) usleep(20000); /* an RST takes with it what was not read yet */
  peer->hang_up = !hard;
  peer->hang_up_hard = hard;
}

static void test_connection_ends(void **state) {
  (void)state;
  static const struct {
    const char *path;
    enum sp_http_end end;
    const char *detail;
    bool reset;
  } rows[] = {
      {"/wait", SP_HTTP_RESET, "the connection was closed before the answer", false},
      {"/wait-hard", SP_HTTP_RESET, "the connection was reset before the answer", false},
      {"/body", SP_HTTP_CUT, "closed in the middle of an HTTP/2 stream", false},
      {"/body-hard", SP_HTTP_CUT, "reset in the middle of an HTTP/2 stream", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct world world = {.server = {.on_request = hang_up_in}};
    struct exchange one = {0};
    open_world(&world);
    fetch(&world, &one, rows[i].path);
    assert_end(&one, rows[i].end, rows[i].detail);
    assert_int_equal(one.result.reset, rows[i].reset);
    assert_false(one.result.resent);
    assert_int_equal(world.server.peer_count, 1);
    exchange_drop(&one);
    close_world(&world);
  }
}

/* An idle connection that the server closes just as the next request goes to it. */
static void hang_up_on_second(struct h2_peer *peer, struct h2_request *request) {
  if (peer->number == 0 && peer->request_count == 2) peer->hang_up = true;
  else h2_answer(peer, request, "ok");
}

static void test_stale_connection(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = hang_up_on_second}};
  struct exchange one = {0}, two = {0};
  open_world(&world);
  fetch(&world, &one, "/");
  bed_pause(&world.bed, 20); /* its last frames (acknowledgements) have come */
  fetch(&world, &two, "/");
  assert_ok(&two, 200, "ok");
  assert_true(two.result.resent && !two.result.reused);
  assert_int_equal(world.server.peer_count, 2);
  exchange_drop(&one);
  exchange_drop(&two);
  close_world(&world);
}

static void answer_long(struct h2_peer *peer, struct h2_request *request) {
  h2_informational(peer, request, 103);
  h2_head(peer, request, 200, "content-length: 30\nserver: cut\n", false);
  h2_data(peer, request, "thirty bytes of a whole answer", 30, true);
}

/* The server's bytes, cut behind each one of them: the call ends once, never well before the last one. */
static void test_cut_everywhere(void **state) {
  (void)state;
  bool seen_ok = false;
  for (size_t cut = 1; !seen_ok && cut < 400; cut++) {
    struct world world = {.server = {.on_request = answer_long, .cut_after = cut, .cut_first = 1}};
    struct exchange one = {0};
    open_world(&world);
    fetch(&world, &one, "/");
    enum sp_http_end end = one.result.end;
    seen_ok = end == SP_HTTP_OK;
    if (seen_ok) assert_ok(&one, 200, "thirty bytes of a whole answer");
    else if (one.heads > 0) assert_int_equal(end, SP_HTTP_CUT);
    else assert_int_equal(end, SP_HTTP_RESET);
    if (seen_ok) assert_true(cut > 9 + 30 + 9); /* SETTINGS, the body, and heads between them */
    exchange_drop(&one);
    close_world(&world);
  }
  assert_true(seen_ok);
}

static void test_many_are_cut(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = hang_up_in}};
  struct exchange exchanges[20] = {{0}};
  open_world(&world);
  fetch(&world, &exchanges[0], "/fine");
  for (int i = 1; i < 20; i++)
    start(&world.bed, &exchanges[i], PLAIN(.url = h2_url(&world.server, i == 19 ? "/body" : "/fine")));
  bed_run(&world.bed);
  for (int i = 0; i < 19; i++) assert_ok(&exchanges[i], 200, "fine");
  assert_end(&exchanges[19], SP_HTTP_CUT, "closed in the middle of an HTTP/2 stream");
  for (int i = 0; i < 20; i++) exchange_drop(&exchanges[i]);
  close_world(&world);
}

/* -- no HTTP/2 at all -- */

static void check_garbage(const char *bytes, size_t len, enum sp_http_end end, const char *detail) {
  const struct step script[] = {{STEP_SEND, bytes, len, 0}, HOLD};
  struct bed bed;
  struct exchange one = {0}, two = {0};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(script));
  start(&bed, &one, PLAIN(0));
  start(&bed, &two, PLAIN(0)); /* waits behind the first one */
  bed_run(&bed);
  assert_end(&one, end, detail);
  assert_end(&two, end, detail);
  assert_true(bed.server.conn_count <= 2); /* behind good SETTINGS the second one may try for itself */
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

#define GARBAGE(text, end, detail) check_garbage(text, sizeof(text) - 1, end, detail)

static void test_garbage(void **state) {
  (void)state;
  GARBAGE("HTTP/1.1 400 Bad Request\r\n\r\n", SP_HTTP_PROTOCOL,
          "the server answers in HTTP/1.1: it does not speak HTTP/2 here");
  GARBAGE("SSH-2.0-OpenSSH_9.2\r\n", SP_HTTP_PROTOCOL, "what the server sends is no HTTP/2: \"SSH-2.0-O\"");
  GARBAGE("\0\0\0\4\1\0\0\0\0", SP_HTTP_PROTOCOL, "no HTTP/2");                 /* an ACK is no first SETTINGS */
  GARBAGE("\0\0\10\6\0\0\0\0\0abcdefgh", SP_HTTP_PROTOCOL, "no HTTP/2");        /* PING first */
  GARBAGE("\0\0\0\4\0\0\0\0\0\0\0\4\10\0\0\0\0\0\0\0\0\0", SP_HTTP_PROTOCOL,    /* WINDOW_UPDATE of 0 */
          "the server breaks HTTP/2: PROTOCOL_ERROR");
  GARBAGE("\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\1abcde", SP_HTTP_PROTOCOL, "the server breaks HTTP/2"); /* DATA first */
  GARBAGE("\0\0\0\4\0\0\0\0\0\0\0\4\1\4\0\0\0\1\377\377\377\377", SP_HTTP_PROTOCOL, /* bad HPACK */
          "the server breaks HTTP/2: COMPRESSION_ERROR");
  GARBAGE("\0\0\0\4\0\0\0\0\0\377\377\377\0\0\0\0\0\1", SP_HTTP_PROTOCOL, "FRAME_SIZE_ERROR");
}

static void test_closed_without_a_word(void **state) {
  (void)state;
  static const struct step closes[] = {PAUSE(5), END};
  struct bed bed;
  struct exchange one = {0}, two = {0};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(closes));
  start(&bed, &one, PLAIN(0));
  start(&bed, &two, PLAIN(0));
  bed_run(&bed);
  assert_end(&one, SP_HTTP_RESET, "before the answer (no HTTP/2 came from it)");
  assert_end(&two, SP_HTTP_RESET, "before any HTTP/2 came");
  assert_int_equal(bed.server.conn_count, 1);
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

static void test_nobody_listens(void **state) {
  (void)state;
  struct bed bed;
  struct exchange exchanges[3] = {{0}};
  bed_open(&bed, NULL);
  for (int i = 0; i < 3; i++) start(&bed, &exchanges[i], PLAIN(.url = "http://127.0.0.1:1/"));
  bed_run(&bed);
  for (int i = 0; i < 3; i++) {
    assert_end(&exchanges[i], SP_HTTP_CONNECT, "connection refused (127.0.0.1:1)");
    exchange_drop(&exchanges[i]);
  }
  bed_close(&bed);
}

static void test_requests_that_cannot_be(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = misbehave}};
  struct exchange many = {0}, fat = {0}, good = {0};
  open_world(&world);
  char *headers = malloc(300 * 16), *fat_header = malloc(300000);
  headers[0] = '\0';
  for (int i = 0; i < 300; i++) sprintf(headers + strlen(headers), "X-H%d: 1\r\n", i);
  memset(fat_header, 'f', 300000);
  memcpy(fat_header, "X-Fat: ", 7);
  fat_header[299999] = '\0';
  get(&world.bed, &many, PLAIN(.url = h2_url(&world.server, "/"), .headers = headers));
  assert_end(&many, SP_HTTP_PROTOCOL, "over 256 header fields");
  get(&world.bed, &fat, PLAIN(.url = h2_url(&world.server, "/"), .headers = fat_header));
  assert_end(&fat, SP_HTTP_PROTOCOL, "too many for HTTP/2");
  fat_header[200000] = '\0';
  exchange_drop(&fat);
  get(&world.bed, &fat, PLAIN(.url = h2_url(&world.server, "/"), .headers = fat_header));
  assert_end(&fat, SP_HTTP_RESET, "the server ended the connection: COMPRESSION_ERROR"); /* over nghttp2's own limit */
  exchange_drop(&fat);
  fetch(&world, &good, "/");
  assert_ok(&good, 200, "fine");
  /* Under our limit, and over nghttp2's, which adds what its compression may need. */
  char *wide = malloc(250 * 1047);
  for (int i = 0; i < 250; i++) sprintf(wide + 1046 * i, "X-Wide: %01036d\r\n", 7);
  get(&world.bed, &fat, PLAIN(.url = h2_url(&world.server, "/"), .headers = wide));
  assert_end(&fat, SP_HTTP_PROTOCOL, "the request's head cannot be sent over HTTP/2");
  free(wide);
  free(headers);
  free(fat_header);
  exchange_drop(&many);
  exchange_drop(&fat);
  exchange_drop(&good);
  close_world(&world);
}

/* A user that tries such a request again and again does not keep the loop from anything else. */
struct stubborn {
  struct world *world;
  struct sp_http_request request;
  int dones;
  bool stop;
};

static int stubborn_head(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err) {
  (void)ctx, (void)head, (void)rx, (void)err;
  return 0;
}

static int stubborn_body(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  (void)ctx, (void)bytes, (void)rx, (void)err;
  return 0;
}

static void stubborn_done(void *ctx, const struct sp_http_result *result);

static void try_again(struct stubborn *stubborn) {
  static const struct sp_http_sink sink = {stubborn_head, stubborn_body, NULL, stubborn_done};
  sp_http_start(&stubborn->world->bed.session, &stubborn->request, &sink, stubborn);
}

static void stubborn_done(void *ctx, const struct sp_http_result *result) {
  struct stubborn *stubborn = ctx;
  assert_int_equal(result->end, SP_HTTP_PROTOCOL);
  stubborn->dones++;
  if (!stubborn->stop) try_again(stubborn);
}

static void test_trying_for_ever(void **state) {
  (void)state;
  struct world world = {.server = {.on_request = misbehave}};
  struct exchange good = {0};
  open_world(&world);
  fetch(&world, &good, "/fine");
  char *headers = malloc(300 * 16);
  headers[0] = '\0';
  for (int i = 0; i < 300; i++) sprintf(headers + strlen(headers), "X-H%d: 1\r\n", i);
  struct stubborn stubborn = {
      .world = &world,
      .request = {.method = SP_STR("GET"), .url = sp_str_from(h2_url(&world.server, "/")),
                  .headers = sp_str_from(headers), .version = SP_HTTP_2},
  };
  try_again(&stubborn);
  bed_pause(&world.bed, 30);
  assert_true(stubborn.dones > 1);
  stubborn.stop = true;
  int dones = stubborn.dones;
  for (int turns = 0; stubborn.dones == dones && turns < 1000; turns++) bed_pause(&world.bed, 1);
  free(headers);
  exchange_drop(&good);
  close_world(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bad_streams),
      cmocka_unit_test(test_refused_stream_is_sent_again),
      cmocka_unit_test(test_refused_twice),
      cmocka_unit_test(test_goaway_sends_later_streams_elsewhere),
      cmocka_unit_test(test_graceful_goaway),
      cmocka_unit_test(test_goaway_says_why),
      cmocka_unit_test(test_goaway_below_an_answer),
      cmocka_unit_test(test_connection_ends),
      cmocka_unit_test(test_stale_connection),
      cmocka_unit_test(test_cut_everywhere),
      cmocka_unit_test(test_many_are_cut),
      cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_closed_without_a_word),
      cmocka_unit_test(test_nobody_listens),
      cmocka_unit_test(test_requests_that_cannot_be),
      cmocka_unit_test(test_trying_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
