/* The head of a request, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/request_head.h"

#include <stdlib.h>

#define URL "http://h.example:8080/a?b=c#frag"

struct build {
  struct sp_buf out;
  struct sp_err err;
  bool closes;
  int code;
};

static struct build build_at(const char *url_text, const struct sp_http_request *request) {
  struct build build = { 0 };
  struct sp_url url;
  struct sp_err err;
  assert_int_equal(sp_url_parse(sp_str_from(url_text), &url, &err), 0);
  sp_buf_init(&build.out, SP_HTTP_REQUEST_MAX);
  build.code = sp_http_request_build(request, &url, NULL, &build.out, &build.closes, &build.err);
  return build;
}

static void check(const char *url, const struct sp_http_request *request, const char *expected) {
  struct build build = build_at(url, request);
  assert_int_equal(build.code, 0);
  assert_string_equal(build.out.bytes, expected);
  sp_buf_fini(&build.out);
}

#define USUAL "User-Agent: spate/" SP_VERSION "\r\nAccept: */*\r\n"

static void test_plain(void **state) {
  (void)state;
  struct sp_http_request get = { .method = SP_STR("GET") };
  check(URL, &get, "GET /a?b=c HTTP/1.1\r\nHost: h.example:8080\r\n" USUAL "\r\n");
  check("http://h", &get, "GET / HTTP/1.1\r\nHost: h\r\n" USUAL "\r\n");
  check("https://[::1]:443/x", &get, "GET /x HTTP/1.1\r\nHost: [::1]\r\n" USUAL "\r\n");
}

static void test_body(void **state) {
  (void)state;
  struct sp_http_request post = { .method = SP_STR("POST"), .body = SP_STR("abc"), .has_body = true };
  check("http://h/", &post, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n" USUAL "\r\n");
  struct sp_http_request empty = { .method = SP_STR("DELETE"), .has_body = true };
  check("http://h/", &empty, "DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" USUAL "\r\n");
  struct sp_http_request none = { .method = SP_STR("POST") };
  check("http://h/", &none, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" USUAL "\r\n");
}

static void test_given_headers_win(void **state) {
  (void)state;
  struct sp_http_request request = {
      .method = SP_STR("PUT"),
      .headers = SP_STR("host: other\r\nUSER-AGENT: me\r\nAccept: text/event-stream\r\nContent-length: 1 \r\n"
                        "Accept-Encoding: identity\r\nConnection: keep-alive\r\nAuthorization: Bearer t"),
      .body = SP_STR("x"),
      .has_body = true,
      .gzip = true,
      .connection = SP_HTTP_CONNECTION_REQUEST,
  };
  check("http://user:pass@h/", &request,
        "PUT / HTTP/1.1\r\nhost: other\r\nUSER-AGENT: me\r\nAccept: text/event-stream\r\nContent-length: 1 \r\n"
        "Accept-Encoding: identity\r\nConnection: keep-alive\r\nAuthorization: Bearer t\r\n\r\n");
}

static void test_added_on_wish(void **state) {
  (void)state;
  struct sp_http_request request = { .method = SP_STR("GET"), .gzip = true, .connection = SP_HTTP_CONNECTION_REQUEST };
  struct build build = build_at("http://Aladdin:open%20sesame@h/", &request);
  assert_int_equal(build.code, 0);
  assert_true(build.closes);
  assert_string_equal(build.out.bytes, "GET / HTTP/1.1\r\nHost: h\r\n" USUAL "Accept-Encoding: gzip\r\n"
                                       "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
                                       "Connection: close\r\n\r\n");
  sp_buf_fini(&build.out);
}

static void test_base64_of_every_length(void **state) {
  (void)state;
  static const struct { const char *url, *basic; } rows[] = {
      { "http://a@h/", "Basic YTo=\r\n" },       /* a: */
      { "http://a:b@h/", "Basic YTpi\r\n" },     /* a:b */
      { "http://a:bc@h/", "Basic YTpiYw==\r\n" }, /* a:bc */
      { "http://a:%ff%3E@h/", "Basic YTr/Pg==\r\n" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct build build = build_at(rows[i].url, &(struct sp_http_request){ .method = SP_STR("GET") });
    assert_non_null(strstr(build.out.bytes, rows[i].basic));
    sp_buf_fini(&build.out);
  }
}

static void test_refusals_show_no_values(void **state) {
  (void)state;
  static const struct { struct sp_str headers; const char *sentence; } rows[] = {
      { SP_STR("A: secret\nB: c"), "request header 'A' has a line break" },
      { SP_STR("A: b\r\nToken: secret\rx"), "request header 'Token' has a line break" },
      { SP_STR("A: secret\0x"), "request header 'A' has a line break or NUL" },
      { SP_STR("A: b\r\nsecret"), "request header 2 has no colon" },
      { SP_STR(": secret"), "request header 1 has a name" },
      { SP_STR("A : secret"), "request header 1 has a name" },
      { SP_STR("secret\xc3\xa9: b"), "request header 1 has a name" },
      { SP_STR("\r\n"), "request header 1 has no colon" },
      { SP_STR("Content-Length: secret"), "Content-Length" },
      { SP_STR("Content-Length: -1"), "Content-Length" },
      { SP_STR("Content-Length: 18446744073709551617"), "Content-Length" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct sp_http_request request = { .method = SP_STR("GET"), .headers = rows[i].headers, .body = SP_STR("x") };
    struct build build = build_at("http://h/", &request);
    assert_true(build.code < 0);
    assert_non_null(strstr(build.err.text, rows[i].sentence));
    assert_null(strstr(build.err.text, "secret"));
    sp_buf_fini(&build.out);
  }
}

static void test_methods(void **state) {
  (void)state;
  static const struct sp_str bad[] = { SP_STR(""), SP_STR("GE T"), SP_STR("GET\r\nX: y"), SP_STR("G\0T"),
                                       SP_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHI") };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct build build = build_at("http://h/", &(struct sp_http_request){ .method = bad[i] });
    assert_true(build.code < 0);
    assert_non_null(strstr(build.err.text, "method"));
    sp_buf_fini(&build.out);
  }
}

static void test_size_cap(void **state) {
  (void)state;
  char *body = calloc(1, SP_HTTP_REQUEST_MAX);
  struct sp_http_request request = { .method = SP_STR("POST"), .body = { body, SP_HTTP_REQUEST_MAX } };
  struct build build = build_at("http://h/", &request);
  assert_int_equal(build.code, SP_ELIMIT);
  assert_string_equal(build.err.text, "the request is over 64 MiB");
  sp_buf_fini(&build.out);
  free(body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_body),
      cmocka_unit_test(test_given_headers_win),
      cmocka_unit_test(test_added_on_wish),
      cmocka_unit_test(test_base64_of_every_length),
      cmocka_unit_test(test_refusals_show_no_values),
      cmocka_unit_test(test_methods),
      cmocka_unit_test(test_size_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
