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

static void other_machines_stay_out(void **state) {
  (void)state;
  static const char *const texts[] = { "0.0.0.0:8089", "192.168.1.5:80", "[::]:80", "[fe80::1]:80", "126.255.255.255:1",
                                       "128.0.0.1:1", "[::ffff:127.0.0.1]:80" };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    assert_refused(texts[i], "comes with a later version");
  }
}

/* A page elsewhere that makes its own name point here sends that name. */
static void hosts(void **state) {
  (void)state;
  static const char *const ours[] = { "localhost", "LOCALHOST:8089", "127.0.0.1", "127.0.0.1:8089", "[::1]:8089", "[::1]" };
  static const char *const others[] = { "evil.example", "evil.example:8089", "127.0.0.1.evil.example", "localhost:80",
                                        "127.0.0.1:80890", "", "localhost.", "[::1", " localhost", "127.0.0.1:" };
  for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
    assert_true(sp_web_host_is_ours(ours[i], 8089));
  }
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    assert_false(sp_web_host_is_ours(others[i], 8089));
  }
  assert_false(sp_web_host_is_ours(NULL, 8089));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses),
    cmocka_unit_test(what_is_no_address),
    cmocka_unit_test(other_machines_stay_out),
    cmocka_unit_test(hosts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
