/* Cookies: how Set-Cookie is read, and which cookies a request sends. The cases follow RFC 6265's own sections. */
#include "wire/cookie_jar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_S INT64_C(1790000000)

/* -- dates -- */

static void check_date(const char *text, int64_t expected_s) {
  int64_t got_s = -1;
  bool good = sp_cookie_date_parse(sp_str_from(text), &got_s);
  if (good != (expected_s >= 0) || (good && got_s != expected_s)) fail_msg("'%s': %d %lld", text, good, (long long)got_s);
}

static void dates(void **state) {
  (void)state;
  check_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
  check_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
  check_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
  check_date("Sun Nov  6 08:49:37 1994", 784111777);
  check_date("1994 november 6 8:49:37x", 784111777);
  check_date("Wed, 29 Feb 2012 23:59:59 GMT", 1330559999);
  check_date("01 Mar 2000 00:00:00", 951868800);
  check_date("01 Jan 70 00:00:00", 0);
  check_date("01 Jan 69 00:00:00", 3124224000);
  static const char *const bad[] = {"",
                                    "Thu, 01 Jan 1970",
                                    "00:00:00 Jan 1970",
                                    "01 Jan 1600 00:00:00",
                                    "30 Feb 2020 00:00:00",
                                    "01 Jan 2020 24:00:00",
                                    "01 Jan 2020 00:60:00",
                                    "01 Jan 2020 00:00:60",
                                    "00 Jan 2020 00:00:00",
                                    "01 Foo 2020 00:00:00",
                                    "01 Jan 20200 00:00:00",
                                    "111 Jan 2020 00:00:00",
                                    "01 Jan 2020 1:2:345"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) check_date(bad[i], -1);
}

/* -- one header -- */

static void check_parse(const char *text, const char *expected) {
  struct sp_set_cookie c;
  char got[400] = "ignored";
  if (sp_set_cookie_parse(sp_str_from(text), &c)) {
    snprintf(got, sizeof(got), "%.*s=%.*s d=%.*s p=%.*s%s", SP_STR_ARG(c.name), SP_STR_ARG(c.value),
             SP_STR_ARG(c.domain), SP_STR_ARG(c.path), c.secure ? " secure" : "");
    if (c.has_max_age) snprintf(got + strlen(got), 40, " age=%lld", (long long)c.max_age_s);
    if (c.has_expires) snprintf(got + strlen(got), 40, " at=%lld", (long long)c.expires_s);
  }
  if (strcmp(got, expected) != 0) fail_msg("'%s' gave '%s', not '%s'", text, got, expected);
}

static void headers(void **state) {
  (void)state;
  check_parse("a=1", "a=1 d= p=");
  check_parse("  a  =  1 2  ;x;;=;", "a=1 2 d= p=");
  check_parse("a=b=c", "a=b=c d= p=");
  check_parse("a=\"q\"", "a=\"q\" d= p=");
  check_parse("a=", "a= d= p=");
  check_parse("a=1; DOMAIN=.Example.com ; path=/x; secure; HttpOnly; SameSite=Lax",
              "a=1 d=Example.com p=/x secure");
  check_parse("a=1; Domain=; Path=x", "a=1 d= p=");
  check_parse("a=1; Path=/x; Path=", "a=1 d= p=");
  check_parse("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1 d= p= age=60 at=0");
  check_parse("a=1; Max-Age=-1", "a=1 d= p= age=-1");
  check_parse("a=1; Max-Age=99999999999999999999999", "a=1 d= p= age=1000000000000000");
  check_parse("a=1; Max-Age=1x; Max-Age=; Max-Age=-; Expires=soon", "a=1 d= p=");
  check_parse("a", "ignored");
  check_parse("", "ignored");
  check_parse("=1", "ignored");
  check_parse("a=1\x01", "ignored");
  check_parse("a\x7f=1", "ignored");
  check_parse("a=1; Path=/\x01", "ignored");
}

static void lengths(void **state) {
  (void)state;
  static char text[SP_COOKIE_MAX + SP_COOKIE_ATTRIBUTE_MAX + 64];
  struct sp_set_cookie c;
  memset(text, 'v', sizeof(text));
  text[1] = '=';
  assert_true(sp_set_cookie_parse(sp_str_of(text, SP_COOKIE_MAX + 1), &c));
  assert_false(sp_set_cookie_parse(sp_str_of(text, SP_COOKIE_MAX + 2), &c));
  memcpy(text + 2, "1; Path=/", 9);
  assert_true(sp_set_cookie_parse(sp_str_of(text, 10 + SP_COOKIE_ATTRIBUTE_MAX), &c));
  assert_int_equal(c.path.len, SP_COOKIE_ATTRIBUTE_MAX);
  assert_true(sp_set_cookie_parse(sp_str_of(text, 11 + SP_COOKIE_ATTRIBUTE_MAX), &c));
  assert_int_equal(c.path.len, 0);
}

/* -- the jar -- */

static struct sp_url url_of(const char *text) {
  struct sp_url url;
  assert_int_equal(sp_url_parse(sp_str_from(text), &url, NULL), 0);
  return url;
}

static bool take(struct sp_cookie_jar *jar, const char *url, const char *cookie) {
  struct sp_url from = url_of(url);
  return sp_cookie_jar_take(jar, &from, sp_str_from(cookie), NOW_S);
}

static void check_sent_at(struct sp_cookie_jar *jar, const char *url, int64_t now_s, const char *expected) {
  struct sp_url to = url_of(url);
  struct sp_buf out;
  sp_buf_init(&out, 100000);
  assert_int_equal(sp_cookie_jar_append(jar, &to, now_s, &out), 0);
  if (strcmp(out.bytes ? out.bytes : "", expected) != 0) fail_msg("%s: '%s', not '%s'", url, out.bytes, expected);
  sp_buf_fini(&out);
}

static void check_sent(struct sp_cookie_jar *jar, const char *url, const char *expected) {
  check_sent_at(jar, url, NOW_S, expected);
}

static void domains(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  assert_true(take(&jar, "http://a.example.com/", "host=1"));
  assert_true(take(&jar, "http://a.example.com/", "all=1; Domain=EXAMPLE.com"));
  assert_true(take(&jar, "http://a.example.com/", "own=1; Domain=a.example.com"));
  assert_false(take(&jar, "http://a.example.com/", "x=1; Domain=b.example.com"));
  assert_false(take(&jar, "http://a.example.com/", "x=1; Domain=com"));
  assert_false(take(&jar, "http://a.example.com/", "x=1; Domain=.com."));
  assert_false(take(&jar, "http://a.example.com/", "x=1; Domain=ample.com"));
  assert_false(take(&jar, "http://example.com/", "x=1; Domain=a.example.com"));
  check_sent(&jar, "http://A.example.com:81/", "host=1; all=1; own=1");
  check_sent(&jar, "http://b.a.example.com/", "all=1; own=1");
  check_sent(&jar, "https://example.com/", "all=1");
  check_sent(&jar, "http://badexample.com/", "");
  sp_cookie_jar_clear(&jar);
  assert_true(take(&jar, "http://localhost/", "l=1; Domain=localhost"));
  check_sent(&jar, "http://localhost:8080/", "l=1");
  check_sent(&jar, "http://x.localhost/", "");
  assert_true(take(&jar, "http://127.0.0.1/", "i=1; Domain=127.0.0.1"));
  assert_false(take(&jar, "http://127.0.0.1/", "i=1; Domain=0.0.1"));
  check_sent(&jar, "http://127.0.0.1/", "i=1");
  assert_true(take(&jar, "http://[::1]/", "six=1"));
  check_sent(&jar, "http://[::1]:5/", "six=1");
  sp_cookie_jar_clear(&jar);
  assert_int_equal(jar.count, 0);
}

static void paths(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  take(&jar, "http://h/a/b?q=/c/d", "default=1"); /* of /a */
  take(&jar, "http://h/a/b", "root=1; Path=/");
  take(&jar, "http://h/", "deep=1; Path=/a/b/");
  take(&jar, "http://h/x", "top=1"); /* of / */
  check_sent(&jar, "http://h/a/b/c", "deep=1; default=1; root=1; top=1");
  check_sent(&jar, "http://h/a", "default=1; root=1; top=1");
  check_sent(&jar, "http://h/a/b?x", "default=1; root=1; top=1");
  check_sent(&jar, "http://h/ab", "root=1; top=1");
  sp_cookie_jar_clear(&jar);
}

static void secure(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  take(&jar, "https://h/", "s=1; Secure");
  check_sent(&jar, "http://h/", "");
  check_sent(&jar, "https://h/", "s=1");
  sp_cookie_jar_clear(&jar);
}

static void ends(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  take(&jar, "http://h/", "age=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  take(&jar, "http://h/", "date=1; Expires=Mon, 21 Sep 2026 14:13:25 GMT"); /* NOW_S + 5 */
  take(&jar, "http://h/", "session=1");
  take(&jar, "http://h/", "past=1; Max-Age=0");
  assert_int_equal(jar.count, 3);
  check_sent_at(&jar, "http://h/", NOW_S + 4, "age=1; date=1; session=1");
  check_sent_at(&jar, "http://h/", NOW_S + 5, "age=1; session=1");
  check_sent_at(&jar, "http://h/", NOW_S + 10, "session=1");
  assert_int_equal(jar.count, 1);
  take(&jar, "http://h/", "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"); /* how servers delete one */
  assert_int_equal(jar.count, 0);
  take(&jar, "http://h/", "long=1; Max-Age=99999999999999999999");
  check_sent_at(&jar, "http://h/", NOW_S + 1, "long=1");
  sp_cookie_jar_clear(&jar);
}

static void replacing(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  struct sp_url url = url_of("http://h/");
  take(&jar, "http://h/", "a=1");
  take(&jar, "http://h/", "b=2");
  take(&jar, "http://h/", "a=3"); /* in its old place */
  take(&jar, "http://h/", "a=4; Path=/x");
  check_sent(&jar, "http://h/", "a=3; b=2");
  check_sent(&jar, "http://h/x", "a=4; a=3; b=2");
  assert_true(sp_str_eq(sp_cookie_jar_get(&jar, &url, SP_STR("a"), NOW_S), SP_STR("3")));
  assert_null(sp_cookie_jar_get(&jar, &url, SP_STR("A"), NOW_S).bytes);
  sp_cookie_jar_clear(&jar);
}

static void caps(void **state) {
  (void)state;
  struct sp_cookie_jar jar = {0};
  char text[64];
  take(&jar, "http://h/", "first=1; Max-Age=1");
  for (unsigned i = 0; i < SP_COOKIES_MAX; i++) {
    snprintf(text, sizeof(text), "c%u=1%s", i, i == 50 ? "; Path=/deep" : "");
    take(&jar, "http://h/", text);
  }
  assert_int_equal(jar.count, SP_COOKIES_MAX);
  struct sp_url url = url_of("http://h/deep");
  assert_null(sp_cookie_jar_get(&jar, &url, SP_STR("first"), NOW_S).bytes);
  assert_non_null(sp_cookie_jar_get(&jar, &url, SP_STR("c50"), NOW_S).bytes);
  sp_cookie_jar_clear(&jar);
}

static void a_header_has_a_cap(void **state) {
  (void)state;
  static char text[SP_COOKIE_MAX];
  struct sp_cookie_jar jar = {0};
  struct sp_url url = url_of("http://h/");
  struct sp_buf out;
  for (int i = 0; i < 9; i++) {
    memset(text, 'x', sizeof(text) - 1);
    text[0] = (char)('a' + i);
    text[1] = '=';
    take(&jar, "http://h/", text);
  }
  sp_buf_init(&out, 100000);
  assert_int_equal(sp_cookie_jar_append(&jar, &url, NOW_S, &out), 0);
  assert_in_range(out.len, SP_COOKIE_HEADER_MAX - SP_COOKIE_MAX, SP_COOKIE_HEADER_MAX);
  sp_buf_fini(&out);
  sp_cookie_jar_clear(&jar);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates),  cmocka_unit_test(headers),   cmocka_unit_test(lengths),
      cmocka_unit_test(domains), cmocka_unit_test(paths),     cmocka_unit_test(secure),
      cmocka_unit_test(ends),   cmocka_unit_test(replacing), cmocka_unit_test(caps),
      cmocka_unit_test(a_header_has_a_cap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
