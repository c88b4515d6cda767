/* Every timeout, with small limits; only outcomes and lower bounds are asserted. */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS SP_NS_PER_MS
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LONG_NS (25 * SP_NS_PER_S)

static void check(const struct step *steps, struct sp_http_timeouts timeouts, int64_t limit_ns, const char *detail) {
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  int64_t begun_ns = sp_clock_mono_ns();
  get(&bed, &one, &(struct ask){ .timeouts = timeouts });
  assert_end(&one, SP_HTTP_TIMEOUT, detail);
  assert_true(one.result.end_ns - begun_ns >= limit_ns);
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_first_byte(void **state) {
  (void)state;
  static const struct step silent[] = { EXPECT, HOLD };
  static const struct step informed[] = { EXPECT, SEND("HTTP/1.1 100 Continue\r\n\r\n"), HOLD };
  struct sp_http_timeouts timeouts = { .connect_ns = LONG_NS, .first_byte_ns = 60 * MS, .total_ns = LONG_NS };
  check(silent, timeouts, 60 * MS, "no answer within 60 ms (timeout)");
  check(informed, timeouts, 60 * MS, "no answer within 60 ms (timeout)");
}

static void test_silence(void **state) {
  (void)state;
  static const struct step in_head[] = { EXPECT, SEND("HTTP/1.1 200 O"), HOLD };
  static const struct step in_body[] = { EXPECT, SEND(CHUNKED "5\r\nhello\r\n"), HOLD };
  struct sp_http_timeouts timeouts = { .first_byte_ns = LONG_NS, .silence_ns = 70 * MS, .total_ns = LONG_NS };
  check(in_head, timeouts, 70 * MS, "no further byte of the head within 70 ms (timeout)");
  check(in_body, timeouts, 70 * MS, "in the middle of the answer, no byte for 70 ms (timeout)");
}

/* Bytes come all the time, each gap is short, the whole is long. */
static void test_total(void **state) {
  (void)state;
  static const struct step silent[] = { EXPECT, HOLD };
  static const struct step endless[] = { EXPECT, SEND(CHUNKED), FLOOD("5\r\nhello\r\n") };
  struct sp_http_timeouts timeouts = { .first_byte_ns = LONG_NS, .silence_ns = LONG_NS, .total_ns = 80 * MS };
  check(silent, timeouts, 80 * MS, "no answer within 80 ms (timeout)");
  check(endless, timeouts, 80 * MS, "the answer was not whole within 80 ms (timeout)");
}

/* Reads move the deadline although none of them touches the timer. */
static void test_silence_is_between_reads(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND(CHUNKED),
      PAUSE(150), SEND("1\r\na\r\n"), PAUSE(150), SEND("1\r\nb\r\n"), PAUSE(150), SEND("1\r\nc\r\n"),
      PAUSE(150), SEND("1\r\nd\r\n"), PAUSE(150), SEND("1\r\ne\r\n"), PAUSE(150), SEND("0\r\n\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  get(&bed, &one, &(struct ask){ .timeouts = { .silence_ns = 700 * MS } });
  assert_ok(&one, 200, "abcde");
  exchange_drop(&one);
  bed_close(&bed);
}

/* A listener whose queue is full does not answer to SYN. */
static void test_connect(void **state) {
  (void)state;
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t len = sizeof in;
  int listener = socket(AF_INET, SOCK_STREAM, 0), filler[4];
  assert_int_equal(bind(listener, (struct sockaddr *)&in, len), 0);
  assert_int_equal(listen(listener, 0), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
  for (int i = 0; i < 4; i++) {
    filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)!connect(filler[i], (struct sockaddr *)&in, len);
  }
  struct bed bed;
  struct exchange one = { 0 }, two = { 0 };
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(in.sin_port));
  bed_open(&bed, NULL);
  get(&bed, &one, &(struct ask){ .url = url, .timeouts = { .connect_ns = 50 * MS } });
  assert_end(&one, SP_HTTP_TIMEOUT, "could not connect within 50 ms (timeout)");
  assert_int_equal(one.result.first_write_ns, 0);
  get(&bed, &two, &(struct ask){ .url = url, .timeouts = { .total_ns = 50 * MS } });
  assert_end(&two, SP_HTTP_TIMEOUT, "could not connect within 50 ms (timeout)");
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
  for (int i = 0; i < 4; i++) close(filler[i]);
  close(listener);
}

/* A server that takes nothing of a long request. */
static void test_request_is_not_taken(void **state) {
  (void)state;
  static const struct step deaf[] = { DEAF(1000), END };
  size_t size = 30u << 20;
  char *body = test_malloc(size + 1);
  memset(body, 'x', size);
  body[size] = '\0';
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(deaf));
  get(&bed, &one, &(struct ask){ .method = "POST", .body = body, .timeouts = { .first_byte_ns = 100 * MS } });
  assert_end(&one, SP_HTTP_TIMEOUT, "the server did not take the request within 100 ms (timeout)");
  exchange_drop(&one);
  bed_close(&bed);
  test_free(body);
}

/* One that takes it slowly is not silent. */
static void test_request_is_taken_slowly(void **state) {
  (void)state;
  static const struct step slow[] = { SIP(150), SEND("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), HOLD };
  size_t size = 30u << 20;
  char *body = test_malloc(size + 1);
  memset(body, 'x', size);
  body[size] = '\0';
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(slow));
  get(&bed, &one, &(struct ask){ .method = "POST", .body = body, .timeouts = { .first_byte_ns = 1500 * MS } });
  assert_ok(&one, 200, "");
  exchange_drop(&one);
  bed_close(&bed);
  test_free(body);
}

/* The total counts from the intended start, which may lie behind. */
static void test_total_counts_from_the_intended_start(void **state) {
  (void)state;
  static const struct step silent[] = { EXPECT, HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(silent));
  struct ask ask = { .timeouts = { .total_ns = 10 * SP_NS_PER_S }, .start_ns = sp_clock_mono_ns() - 11 * SP_NS_PER_S };
  get(&bed, &one, &ask);
  assert_end(&one, SP_HTTP_TIMEOUT, "within 10 s (timeout)");
  exchange_drop(&one);
  bed_close(&bed);
}

/* Bytes that lie in the socket in time are no timeout, however late we look: here the loop is blocked. */
static void test_our_own_lateness_is_no_timeout(void **state) {
  (void)state;
  static const struct step steps[] = { EXPECT, SEND("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"), PAUSE(40),
                                       SEND("late"), HOLD };
  struct bed bed;
  struct exchange one = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  start(&bed, &one, &(struct ask){ .timeouts = { .silence_ns = 400 * MS } });
  while (one.heads == 0) bed_pause(&bed, 1);
  usleep(700 * 1000);
  bed_run(&bed);
  assert_ok(&one, 200, "late");
  exchange_drop(&one);
  bed_close(&bed);
}

/* The same within one turn of the loop: another call's callback takes long, the bytes come meanwhile. */
static void test_another_call_is_no_timeout(void **state) {
  (void)state;
  static const struct step first[] = { EXPECT, SEND(CHUNKED), PAUSE(100), SEND("1\r\na\r\n0\r\n\r\n"), HOLD };
  static const struct step second[] = { EXPECT, SEND(CHUNKED), PAUSE(200), SEND("1\r\nb\r\n0\r\n\r\n"), HOLD };
  struct bed bed;
  struct exchange one = { .block_in = IN_BODY, .block_ms = 900 }, two = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(first, second));
  start(&bed, &one, NULL);
  while (one.heads == 0) bed_pause(&bed, 1);
  start(&bed, &two, &(struct ask){ .timeouts = { .silence_ns = 500 * MS } });
  bed_run(&bed);
  assert_ok(&one, 200, "a");
  assert_ok(&two, 200, "b");
  exchange_drop(&one);
  exchange_drop(&two);
  bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_byte),
      cmocka_unit_test(test_silence),
      cmocka_unit_test(test_total),
      cmocka_unit_test(test_silence_is_between_reads),
      cmocka_unit_test(test_connect),
      cmocka_unit_test(test_request_is_not_taken),
      cmocka_unit_test(test_request_is_taken_slowly),
      cmocka_unit_test(test_another_call_is_no_timeout),
      cmocka_unit_test(test_total_counts_from_the_intended_start),
      cmocka_unit_test(test_our_own_lateness_is_no_timeout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
