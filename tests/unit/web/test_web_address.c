#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/address.h"

#include <arpa/inet.h>
#include <string.h>

static void assert_address(const char *text, const char *host, uint16_t port) {
  struct sp_web_address address;
  struct sp_err err;
  assert_int_equal(sp_web_address_parse(text, &address, &err), 0);
  assert_string_equal(address.host, host);
  assert_int_equal(ntohs(address.socket.v4.sin_port), port);
  assert_int_equal(address.socket_len, host[0] == '[' ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
}

static void addresses(void **state) {
  (void)state;
  assert_address(NULL, "127.0.0.1", 8089);
  assert_address("", "127.0.0.1", 8089);
  assert_address("127.0.0.1:80", "127.0.0.1", 80);
  assert_address("127.1.2.3:65535", "127.1.2.3", 65535);
  assert_address("localhost:1", "127.0.0.1", 1);
  assert_address("[::1]:8080", "[::1]", 8080);
  assert_address("8090", "127.0.0.1", 8090);
  assert_address(":0", "127.0.0.1", 0);
}

static void assert_refused(const char *text, const char *why) {
  struct sp_web_address address;
  struct sp_err err;
  assert_int_equal(sp_web_address_parse(text, &address, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, why));
  assert_non_null(strstr(err.text, text));
}

static void what_is_no_address(void **state) {
  (void)state;
  static const char *const texts[] = { "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                                       "127.0.0.1:+1", "127.0.0.1: 1", "::1:80", "[::1]", "example.com:80",
                                       "127.0.0.1:000080", "[::1:80", "http://127.0.0.1:80" };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    assert_refused(texts[i], "must be ADDR:PORT");
  }
}

static void who_can_reach_it(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool loopback;
  } texts[] = { { "127.0.0.1:1", true },      { "127.9.9.9:1", true },     { "[::1]:1", true },  { "localhost:1", true },
                { "0.0.0.0:8089", false },    { "192.168.1.5:80", false }, { "[::]:80", false }, { "[fe80::1]:80", false },
                { "126.255.255.255:1", false }, { "128.0.0.1:1", false },  { "[::ffff:127.0.0.1]:80", false } };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct sp_web_address address;
    struct sp_err err;
    assert_int_equal(sp_web_address_parse(texts[i].text, &address, &err), 0);
    assert_int_equal(address.loopback, texts[i].loopback);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses),
    cmocka_unit_test(what_is_no_address),
    cmocka_unit_test(who_can_reach_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
