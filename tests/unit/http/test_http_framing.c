/* Answers that are fine, in every framing, whole and a byte at a time. */
#include "harness.h"

#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* One script, one GET, one result; the next request shows whether the connection was kept. */
static void check(const struct step *steps, const struct ask *ask, int status, const char *body) {
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, ask);
  assert_ok(&one, status, body);
  assert_int_equal(one.result.resent, false);
  assert_true(one.result.bytes_in > 0);
  assert_true(one.result.bytes_out > 0);
  assert_true(one.result.first_write_ns > 0);
  assert_true(one.result.connect_ns > 0);
  assert_int_equal(one.result.dns_ns, -1);
  assert_int_equal(one.result.tls_ns, -1);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_content_length(void **state) {
  (void)state;
  static const struct step whole[] = { EXPECT, SEND(HEAD "Content-Length: 5\r\n\r\nhello"), HOLD };
  static const struct step trickled[] = { EXPECT, TRICKLE(HEAD "Content-Length: 5\r\n\r\nhello"), HOLD };
  static const struct step empty[] = { EXPECT, SEND(HEAD "Content-Length: 0\r\n\r\n"), HOLD };
  check(whole, NULL, 200, "hello");
  check(trickled, NULL, 200, "hello");
  check(empty, NULL, 200, "");
}

static void test_chunked(void **state) {
  (void)state;
  static const struct step whole[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"), HOLD };
  static const struct step trickled[] = { EXPECT, TRICKLE(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), HOLD };
  static const struct step trailer[] = { EXPECT, TRICKLE(CHUNKED "5\r\nhello\r\n0\r\nDigest: x\r\n\r\n"), HOLD };
  static const struct step empty[] = { EXPECT, SEND(CHUNKED "0\r\n\r\n"), HOLD };
  check(whole, NULL, 200, "hello world");
  check(trickled, NULL, 200, "hello world");
  check(trailer, NULL, 200, "hello");
  check(empty, NULL, 200, "");
}

static void test_close_delimited(void **state) {
  (void)state;
  static const struct step ten[] = { EXPECT, SEND("HTTP/1.0 200 OK\r\n\r\nhello"), PAUSE(5), SEND(" you"), END };
  static const struct step eleven[] = { EXPECT, TRICKLE(HEAD "\r\nhello"), END };
  static const struct step empty[] = { EXPECT, SEND(HEAD "\r\n"), END };
  check(ten, NULL, 200, "hello you");
  check(eleven, NULL, 200, "hello");
  check(empty, NULL, 200, "");
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(ten));
  get(&bed, &one, NULL);
  assert_true(one.result.close_delimited);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_informational_heads_are_skipped(void **state) {
  (void)state;
  static const struct step one[] = { EXPECT, SEND("HTTP/1.1 100 Continue\r\n\r\n"), PAUSE(10),
                                     TRICKLE("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), PAUSE(10),
                                     SEND(HEAD "Content-Length: 2\r\n\r\nok"), HOLD };
  check(one, NULL, 200, "ok");
}

static void test_first_byte_is_of_the_final_head(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND("HTTP/1.1 100 Continue\r\n\r\n"), PAUSE(60),
                                       SEND(HEAD "Content-Length: 2\r\n\r\nok"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, NULL);
  assert_ok(&one, 200, "ok");
  assert_true(one.result.first_byte.user_ns - one.result.first_write_ns >= 50 * SP_NS_PER_MS);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_answers_without_body(void **state) {
  (void)state;
  static const struct step head[] = { EXPECT, SEND(HEAD "Content-Length: 1000\r\n\r\n"), AGAIN };
  static const struct step no_content[] = { EXPECT, SEND("HTTP/1.1 204 No Content\r\n\r\n"), AGAIN };
  static const struct step not_modified[] = { EXPECT, SEND("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
                                              AGAIN };
  static const struct { const struct step *steps; const char *method; int status; } rows[] = {
      { head, "HEAD", 200 }, { no_content, "GET", 204 }, { not_modified, "GET", 304 } };
  for (size_t i = 0; i < 3; i++) {
    struct bed bed;
    struct exchange one = { 0 }, two = { 0 };
    struct ask ask = { .method = rows[i].method };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(rows[i].steps));
    get(&bed, &one, &ask);
    get(&bed, &two, &ask);
    assert_ok(&one, rows[i].status, "");
    assert_ok(&two, rows[i].status, "");
    assert_false(one.result.close_delimited);
    assert_true(two.result.reused);
    exchange_drop(&one);
    exchange_drop(&two);
    bed_close(&bed);
  }
}

static void test_error_statuses_are_whole_messages(void **state) {
  (void)state;
  static const struct step limited[] = { EXPECT, SEND("HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nslow"), HOLD };
  static const struct step broken[] = { EXPECT, SEND("HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n"), HOLD };
  check(limited, NULL, 429, "slow");
  check(broken, NULL, 500, "");
}

static void test_request_bytes(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(HEAD "Content-Length: 0\r\n\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  struct ask ask = { .method = "POST", .headers = "Content-Type: application/json\r\n", .body = "{\"a\":1}" };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, &ask);
  assert_ok(&one, 200, "");
  const char *sent = server_request(&bed.server, 0);
  assert_ptr_equal(strstr(sent, "POST /path?q=1 HTTP/1.1\r\nHost: 127.0.0.1:"), sent);
  assert_non_null(strstr(sent, "\r\nContent-Length: 7\r\n"));
  assert_non_null(strstr(sent, "\r\n\r\n{\"a\":1}"));
  assert_int_equal(one.result.bytes_out, strlen(sent));
  exchange_drop(&one);
  bed_close(&bed);
}

/* A request far beyond the socket's buffers arrives whole. */
static void test_large_request(void **state) {
  (void)state;
  static const struct step steps[] = { DEAF(20), EXPECT, SEND(HEAD "Content-Length: 2\r\n\r\nok"), HOLD };
  size_t len = 20u << 20;
  char *body = test_malloc(len + 1);
  memset(body, 'x', len);
  body[len] = '\0';
  struct bed bed;
  struct exchange one = { 0 };
  struct ask ask = { .method = "POST", .body = body, .timeouts = { .first_byte_ns = 20 * SP_NS_PER_S } };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, &ask);
  assert_ok(&one, 200, "ok");
  assert_true(one.result.bytes_out > len);
  exchange_drop(&one);
  bed_close(&bed);
  test_free(body);
}

static void test_ipv6(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(HEAD "Content-Length: 2\r\n\r\nv6"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  char url[64];
  bed_open(&bed, NULL);
  server_start(&bed.server, true, SCRIPTS(steps));
  bed.has_server = true;
  snprintf(url, sizeof url, "http://[::1]:%u", bed.server.port);
  struct ask ask = { .url = url };
  get(&bed, &one, &ask);
  assert_ok(&one, 200, "v6");
  assert_non_null(strstr(server_request(&bed.server, 0), "GET / HTTP/1.1\r\nHost: [::1]:"));
  exchange_drop(&one);
  bed_close(&bed);
}

/* "localhost" may be ::1 first: the server listens on 127.0.0.1 only, so the next address is tried. */
static void test_name_and_next_address(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(HEAD "Content-Length: 2\r\n\r\nok"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  char url[64];
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  snprintf(url, sizeof url, "http://LOCALHOST:%u/", bed.server.port);
  struct ask ask = { .url = url };
  get(&bed, &one, &ask);
  assert_ok(&one, 200, "ok");
  assert_true(one.result.dns_ns > 0);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_lag_once_a_read(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(HEAD "Content-Length: 4\r\n\r\n"), PAUSE(20), SEND("ab"),
                                       PAUSE(20), SEND("cd"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, NULL);
  assert_ok(&one, 200, "abcd");
  assert_int_equal(bed.lags, one.read_ends); /* loopback gives stamps */
  assert_true(one.result.first_byte.kernel_ns > 0);
  assert_true(one.result.end_ns >= one.result.first_byte.kernel_ns);
  exchange_drop(&one);
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_length),
      cmocka_unit_test(test_chunked),
      cmocka_unit_test(test_close_delimited),
      cmocka_unit_test(test_informational_heads_are_skipped),
      cmocka_unit_test(test_first_byte_is_of_the_final_head),
      cmocka_unit_test(test_answers_without_body),
      cmocka_unit_test(test_error_statuses_are_whole_messages),
      cmocka_unit_test(test_request_bytes),
      cmocka_unit_test(test_large_request),
      cmocka_unit_test(test_ipv6),
      cmocka_unit_test(test_name_and_next_address),
      cmocka_unit_test(test_lag_once_a_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
