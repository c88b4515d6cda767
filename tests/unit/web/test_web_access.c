#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/access.h"

#include <string.h>

static struct sp_web_access access_of(bool loopback, const char *token) {
  struct sp_web_access access = { .loopback = loopback, .port = 8089 };
  struct sp_err err;
  assert_int_equal(sp_web_access_init(&access, token, &err), 0);
  strcpy(access.machine, "mybox");
  return access;
}

/* A page elsewhere that makes its own name point here sends that name. */
static void hosts_on_loopback(void **state) {
  (void)state;
  static const char *const ours[] = { "localhost", "LOCALHOST:8089", "127.0.0.1", "127.0.0.1:8089", "[::1]:8089", "[::1]",
                                      "127.3.2.1:8089" };
  static const char *const others[] = { "evil.example", "evil.example:8089", "127.0.0.1.evil.example", "localhost:80",
                                        "127.0.0.1:80890", "", "localhost.", "[::1", " localhost", "127.0.0.1:",
                                        "192.168.1.5:8089", "mybox:8089", "[::2]:8089", "::1", "127.1", ":8089" };
  struct sp_web_access access = access_of(true, NULL);
  for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
    assert_true(sp_web_host_allowed(&access, ours[i]));
  }
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    assert_false(sp_web_host_allowed(&access, others[i]));
  }
  assert_false(sp_web_host_allowed(&access, NULL));
}

static void hosts_elsewhere(void **state) {
  (void)state;
  struct sp_web_access access = access_of(false, NULL);
  assert_true(sp_web_host_allowed(&access, "192.168.1.5:8089"));
  assert_true(sp_web_host_allowed(&access, "[fe80::1]:8089"));
  assert_true(sp_web_host_allowed(&access, "MYBOX:8089"));
  assert_false(sp_web_host_allowed(&access, "load.example.com:8089"));
  assert_false(sp_web_host_allowed(&access, "192.168.1.5:80"));
  access.name = "load.example.com";
  assert_true(sp_web_host_allowed(&access, "load.example.com:8089"));
  assert_true(sp_web_host_allowed(&access, "load.example.com"));
  assert_false(sp_web_host_allowed(&access, "x.load.example.com"));
}

static void origins(void **state) {
  (void)state;
  struct sp_web_access access = access_of(true, NULL);
  const char *host = "localhost:8089";
  assert_true(sp_web_origin_allowed(&access, NULL, host)); /* a tool */
  assert_true(sp_web_origin_allowed(&access, "http://localhost:8089", host));
  static const char *const others[] = { "null", "", "http://localhost", "http://localhost:80899", "https://localhost:8089",
                                        "http://evil.example", "http://localhost:8089/", "http://localhost:8089.evil.example",
                                        "http://127.0.0.1:8089" };
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    assert_false(sp_web_origin_allowed(&access, others[i], host));
  }
  assert_false(sp_web_origin_allowed(&access, "http://", NULL));
  access.tls = true;
  assert_true(sp_web_origin_allowed(&access, "https://localhost:8089", host));
  assert_false(sp_web_origin_allowed(&access, "http://localhost:8089", host));
}

static void tokens(void **state) {
  (void)state;
  struct sp_web_access access = access_of(false, "0123456789abcdef");
  assert_true(sp_web_token_allowed(&access, "0123456789abcdef"));
  static const char *const wrong[] = { "", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0",
                                       "0123456789abcdef0123456789abcdef", "*" };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    assert_false(sp_web_token_allowed(&access, wrong[i]));
  }
  assert_false(sp_web_token_allowed(&access, NULL));
  assert_true(sp_web_bearer_allowed(&access, "Bearer 0123456789abcdef"));
  assert_true(sp_web_bearer_allowed(&access, "bearer 0123456789abcdef"));
  assert_false(sp_web_bearer_allowed(&access, "Basic 0123456789abcdef"));
  assert_false(sp_web_bearer_allowed(&access, "Bearer"));
  assert_false(sp_web_bearer_allowed(&access, NULL));
}

static void where_a_token_comes_from(void **state) {
  (void)state;
  struct sp_web_access loopback = access_of(true, NULL), a = access_of(false, NULL), b = access_of(false, NULL);
  assert_string_equal(loopback.token, "");
  assert_true(sp_web_token_allowed(&loopback, NULL));
  assert_int_equal(strlen(a.token), 24);
  assert_string_not_equal(a.token, b.token);
  struct sp_web_access set = access_of(true, "0123456789abcdef"); /* set: needed on loopback too */
  assert_false(sp_web_token_allowed(&set, NULL));
  struct sp_err err;
  assert_int_equal(sp_web_access_init(&set, "short", &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "SPATE_WEB_TOKEN must have 16 to 128 characters, not 5"));
  assert_null(strstr(err.text, "short"));
  assert_int_equal(sp_web_access_init(&set, "0123456789abcde;", &err), SP_EUSAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(hosts_on_loopback), cmocka_unit_test(hosts_elsewhere), cmocka_unit_test(origins),
    cmocka_unit_test(tokens),            cmocka_unit_test(where_a_token_comes_from),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
