/* What a target can do wrong: each ends in exactly one way, with a sentence. */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static struct sp_http_result check(const struct step *steps, const struct ask *ask, enum sp_http_end end,
                                   const char *detail) {
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, ask);
  assert_end(&one, end, detail);
  assert_int_equal(atomic_load(&bed.server.conn_count), 1); /* a new connection is never tried twice */
  struct sp_http_result result = one.result;
  exchange_drop(&one);
  bed_close(&bed);
  return result;
}

static uint16_t free_port(void) {
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t len = sizeof in;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
  close(fd);
  return ntohs(in.sin_port);
}

static void check_without_server(const struct ask *ask, enum sp_http_end end, const char *detail) {
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  get(&bed, &one, ask);
  assert_end(&one, end, detail);
  assert_int_equal(one.heads + one.bodies + one.read_ends, 0);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_refused(void **state) {
  (void)state;
  char url[64], where[64];
  unsigned port = free_port();
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
  snprintf(where, sizeof where, "connection refused (127.0.0.1:%u)", port);
  check_without_server(&(struct ask){ .url = url }, SP_HTTP_CONNECT, where);
  snprintf(url, sizeof url, "http://localhost:%u/", port); /* every address is tried */
  check_without_server(&(struct ask){ .url = url }, SP_HTTP_CONNECT, "connection refused (");
}

static void test_no_dns(void **state) {
  (void)state;
  check_without_server(&(struct ask){ .url = "http://no-such-host.invalid/" }, SP_HTTP_CONNECT, "no-such-host.invalid");
}

static void test_bad_requests(void **state) {
  (void)state;
  static const struct { struct ask ask; const char *detail; } rows[] = {
      { { .url = "127.0.0.1/x" }, "scheme" },
      { { .url = "" }, "" "URL" },
      { { .url = "ftp://127.0.0.1/" }, "ftp" },
      { { .url = "http://127.0.0.1:1/", .headers = "X: a\nb\r\n" }, "line break" },
      { { .url = "http://127.0.0.1:1/", .headers = "X: a\rb\r\n" }, "line break" },
      { { .url = "http://127.0.0.1:1/", .headers = "no colon here" }, "no colon" },
      { { .url = "http://127.0.0.1:1/", .headers = "A: b\r\n\r\nC: d" }, "no colon" },
      { { .url = "http://127.0.0.1:1/", .headers = "A b: c" }, "characters" },
      { { .url = "http://127.0.0.1:1/", .headers = "A: b\r\n folded: c" }, "characters" },
      { { .url = "http://127.0.0.1:1/", .method = "GE T" }, "method" },
      { { .url = "http://127.0.0.1:1/", .headers = "Content-Length: 3", .body = "four" }, "Content-Length" },
      { { .url = "https://127.0.0.1:1/" }, "without TLS" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    enum sp_http_end end = strstr(rows[i].detail, "TLS") ? SP_HTTP_CONNECT : SP_HTTP_PROTOCOL;
    check_without_server(&rows[i].ask, end, rows[i].detail);
  }
}

static void test_reset_before_the_head(void **state) {
  (void)state;
  static const struct step at_once[] = { EXPECT, RST };
  static const struct step closed[] = { EXPECT, END };
  static const struct step part_reset[] = { EXPECT, SEND("HTTP/1.1 20"), PAUSE(20), RST };
  static const struct step part_closed[] = { EXPECT, SEND(HEAD "Content-Le"), END };
  static const struct step informed[] = { EXPECT, SEND("HTTP/1.1 100 Continue\r\n\r\n"), END };
  check(at_once, NULL, SP_HTTP_RESET, "reset before the answer");
  check(closed, NULL, SP_HTTP_RESET, "closed before the answer");
  check(part_reset, NULL, SP_HTTP_RESET, "reset in the middle of the head");
  check(part_closed, NULL, SP_HTTP_RESET, "closed in the middle of the head");
  struct sp_http_result result = check(informed, NULL, SP_HTTP_RESET, "closed before the answer");
  assert_int_equal(result.first_byte.user_ns, 0); /* a 1xx is no answer */
}

static void test_cut_in_the_body(void **state) {
  (void)state;
  static const struct step chunk_fin[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), END };
  static const struct step chunk_rst[] = { EXPECT, SEND(CHUNKED "5\r\nhel"), PAUSE(20), RST };
  static const struct step length_fin[] = { EXPECT, SEND(HEAD "Content-Length: 9\r\n\r\nhello"), END };
  static const struct step length_rst[] = { EXPECT, SEND(HEAD "Content-Length: 9\r\n\r\nhello"), PAUSE(20), RST };
  static const struct step until_rst[] = { EXPECT, SEND(HEAD "\r\nhello"), PAUSE(20), RST };
  struct sp_http_result result = check(chunk_fin, NULL, SP_HTTP_CUT, "closed in the middle of a chunked body");
  assert_false(result.reset);
  result = check(chunk_rst, NULL, SP_HTTP_CUT, "reset in the middle of a chunked body");
  assert_true(result.reset);
  result = check(length_fin, NULL, SP_HTTP_CUT, "closed in the middle of a body with Content-Length");
  assert_false(result.reset);
  result = check(length_rst, NULL, SP_HTTP_CUT, "reset in the middle of a body with Content-Length");
  assert_true(result.reset);
  result = check(until_rst, NULL, SP_HTTP_CUT, "reset in the middle of a body that ends with the connection");
  assert_true(result.reset && result.close_delimited);
}

static void test_garbage(void **state) {
  (void)state;
  static const struct step noise[] = { EXPECT, SEND("\x01\x02garbage that is no answer\r\n\r\n"), HOLD };
  static const struct step ssh[] = { EXPECT, SEND("SSH-2.0-OpenSSH_9.2\r\n"), HOLD };
  static const struct step bad_chunk[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\nxyz\r\n"), HOLD };
  static const struct step huge_chunk[] = { EXPECT, SEND(CHUNKED "fffffffffffffffff\r\n"), HOLD };
  static const struct step bad_length[] = { EXPECT, SEND(HEAD "Content-Length: many\r\n\r\n"), HOLD };
  static const struct step two_lengths[] = { EXPECT, SEND(HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
                                            HOLD };
  static const struct step upgraded[] = { EXPECT, SEND("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n"
                                                       "Connection: upgrade\r\n\r\n"), HOLD };
  check(noise, NULL, SP_HTTP_PROTOCOL, "HTTP");
  check(ssh, NULL, SP_HTTP_PROTOCOL, "HTTP");
  check(bad_chunk, NULL, SP_HTTP_PROTOCOL, "chunk");
  check(huge_chunk, NULL, SP_HTTP_PROTOCOL, "chunk");
  check(bad_length, NULL, SP_HTTP_PROTOCOL, "");
  check(two_lengths, NULL, SP_HTTP_PROTOCOL, "");
  check(upgraded, NULL, SP_HTTP_PROTOCOL, "101");
}

/* What came before the fault in the same read was given. */
static void test_bytes_before_a_fault_are_given(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\nxyz\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, NULL);
  assert_end(&one, SP_HTTP_PROTOCOL, "chunk");
  assert_string_equal(one.body.bytes, "hello");
  assert_true(one.read_ends >= 1);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_endless_heads(void **state) {
  (void)state;
  static const struct step big[] = { EXPECT, SEND(HEAD), FLOOD("X-Filler: 012345678901234567890123456789\r\n") };
  static const struct step line[] = { EXPECT, SEND(HEAD "X-Long: "), FLOOD("012345678901234567890123456789") };
  static const struct step informed[] = { EXPECT, FLOOD("HTTP/1.1 102 Processing\r\n\r\n") };
  check(big, NULL, SP_HTTP_PROTOCOL, "");
  check(line, NULL, SP_HTTP_PROTOCOL, "262144");
  check(informed, NULL, SP_HTTP_PROTOCOL, "informational");
}

static void test_sink_refuses(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(HEAD "Content-Length: 5\r\n\r\nhello"), HOLD };
  static const enum place places[] = { IN_HEAD, IN_BODY };
  for (size_t i = 0; i < 2; i++) {
    struct bed bed;
    struct exchange one = { .refuse_in = places[i] };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(steps));
    get(&bed, &one, NULL);
    assert_end(&one, SP_HTTP_PROTOCOL, "the test refuses this");
    assert_int_equal(one.bodies, places[i] == IN_BODY);
    exchange_drop(&one);
    bed_close(&bed);
  }
}

/* -- hanging up -- */

static void test_abort_inside(void **state) {
  (void)state;
  static const struct step endless[] = { EXPECT, SEND(CHUNKED), FLOOD("5\r\nhello\r\n") };
  static const struct step whole[] = { EXPECT, SEND(HEAD "Content-Length: 5\r\n\r\nhello"), HOLD };
  static const enum place places[] = { IN_HEAD, IN_BODY, IN_READ_END };
  for (size_t i = 0; i < 6; i++) {
    struct bed bed;
    struct exchange one = { .abort_in = places[i / 2] };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(i % 2 ? whole : endless));
    get(&bed, &one, NULL);
    assert_end(&one, SP_HTTP_ABORTED, "hung up");
    assert_null(bed.session.pool.conns); /* closed at once, not drained */
    assert_int_equal(one.heads, 1);
    if (places[i / 2] == IN_HEAD) assert_int_equal(one.bodies, 0);
    if (places[i / 2] == IN_BODY) assert_int_equal(one.bodies, 1);
    if (i % 2) assert_int_equal(one.read_ends, places[i / 2] == IN_READ_END); /* all in one read */
    exchange_drop(&one);
    bed_close(&bed);
  }
}

static void test_abort_outside(void **state) {
  (void)state;
  static const struct step silent[] = { EXPECT, HOLD };
  static const struct step endless[] = { EXPECT, SEND(CHUNKED), FLOOD("5\r\nhello\r\n") };
  for (int i = 0; i < 4; i++) {
    struct bed bed;
    struct exchange one = { 0 };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(i == 2 ? endless : silent));
    struct ask by_name = { .url = i == 3 ? "http://no-such-host.invalid/" : NULL };
    start(&bed, &one, &by_name);
    if (i == 1 || i == 2) bed_pause(&bed, 50); /* otherwise while connecting or in DNS */
    assert_int_equal(one.dones, 0);
    sp_http_abort(one.call);
    sp_http_abort(one.call);
    sp_http_finish(one.call);
    assert_int_equal(one.dones, 0);
    bed_run(&bed);
    assert_end(&one, SP_HTTP_ABORTED, "hung up");
    exchange_drop(&one);
    bed_close(&bed);
  }
}

static void test_abort_of_a_failed_start(void **state) {
  (void)state;
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  start(&bed, &one, &(struct ask){ .url = "nonsense" });
  sp_http_abort(one.call); /* its end is decided */
  bed_run(&bed);
  assert_end(&one, SP_HTTP_PROTOCOL, "");
  exchange_drop(&one);
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_no_dns),
      cmocka_unit_test(test_bad_requests),
      cmocka_unit_test(test_reset_before_the_head),
      cmocka_unit_test(test_cut_in_the_body),
      cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_bytes_before_a_fault_are_given),
      cmocka_unit_test(test_endless_heads),
      cmocka_unit_test(test_sink_refuses),
      cmocka_unit_test(test_abort_inside),
      cmocka_unit_test(test_abort_outside),
      cmocka_unit_test(test_abort_of_a_failed_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
