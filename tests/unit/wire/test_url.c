#include "cuts.h"
#include "wire/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int parse_guarded(struct sp_str text, struct sp_url *url, struct sp_err *err, struct guard *guard) {
  guard_init(guard, text.len);
  return sp_url_parse(guard_copy(guard, text), url, err);
}

static void assert_str(struct sp_str got, const char *expected) {
  if (!sp_str_eq(got, sp_str_from(expected))) fail_msg("'" SP_STR_FMT "' is not '%s'", SP_STR_ARG(got), expected);
}

struct good {
  const char *text, *host, *target, *userinfo, *authority;
  bool tls, ipv6;
  uint16_t port;
};

static void check_good(const struct good *want) {
  struct sp_url url;
  struct sp_err err = {0};
  struct guard guard;
  struct sp_buf authority;
  if (parse_guarded(sp_str_from(want->text), &url, &err, &guard) < 0) fail_msg("%s: %s", want->text, err.text);
  assert_str(url.host, want->host);
  assert_str(url.target, want->target);
  assert_str(url.userinfo, want->userinfo);
  assert_int_equal(url.tls, want->tls);
  assert_int_equal(url.ipv6, want->ipv6);
  assert_int_equal(url.port, want->port);
  sp_buf_init(&authority, 1000);
  assert_int_equal(sp_url_append_authority(&url, &authority), SP_OK);
  assert_string_equal(authority.bytes, want->authority);
  sp_buf_fini(&authority);
  guard_fini(&guard);
}

static void test_good(void **state) {
  (void)state;
  static const struct good cases[] = {
      {"http://localhost", "localhost", "/", "", "localhost", false, false, 80},
      {"http://localhost/", "localhost", "/", "", "localhost", false, false, 80},
      {"https://api.dify.ai/v1", "api.dify.ai", "/v1", "", "api.dify.ai", true, false, 443},
      {"HTTPS://API.dify.ai:443/v1", "API.dify.ai", "/v1", "", "API.dify.ai", true, false, 443},
      {"http://127.0.0.1:5001/v1/chat-messages?a=b&c=/d?", "127.0.0.1", "/v1/chat-messages?a=b&c=/d?", "",
       "127.0.0.1:5001", false, false, 5001},
      {"http://h:443/", "h", "/", "", "h:443", false, false, 443},
      {"https://h:80/", "h", "/", "", "h:80", true, false, 80},
      {"http://[::1]:8080/x", "::1", "/x", "", "[::1]:8080", false, true, 8080},
      {"http://[2001:db8::127.0.0.1]", "2001:db8::127.0.0.1", "/", "", "[2001:db8::127.0.0.1]", false, true, 80},
      {"http://user:pa:ss@h/x", "h", "/x", "user:pa:ss", "h", false, false, 80},
      {"http://a@b@h:81", "h", "/", "a@b", "h:81", false, false, 81},
      {"http://h/a@b:c", "h", "/a@b:c", "", "h", false, false, 80},
      {"http://h/x#frag?y", "h", "/x", "", "h", false, false, 80},
      {"http://h#frag", "h", "/", "", "h", false, false, 80},
      {"http://h:/x", "h", "/x", "", "h", false, false, 80},
      {"http://h:65535/x", "h", "/x", "", "h:65535", false, false, 65535},
      {"http://h_1.a-b./\xE4\xBD\xA0", "h_1.a-b.", "/\xE4\xBD\xA0", "", "h_1.a-b.", false, false, 80},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) check_good(&cases[i]);
}

static void test_port_given(void **state) {
  (void)state;
  struct sp_url url;
  assert_int_equal(sp_url_parse(SP_STR("http://h:80"), &url, NULL), SP_OK);
  assert_true(url.port_given);
  assert_int_equal(sp_url_parse(SP_STR("http://h:"), &url, NULL), SP_OK);
  assert_false(url.port_given);
}

static void check_bad(struct sp_str text, const char *sentence) {
  struct sp_url url;
  struct sp_err err = {0};
  struct guard guard;
  if (parse_guarded(text, &url, &err, &guard) == SP_OK) fail_msg("taken: " SP_STR_FMT, SP_STR_ARG(text));
  assert_string_equal(err.text, sentence);
  guard_fini(&guard);
}

static void test_bad_scheme(void **state) {
  (void)state;
  check_bad(SP_STR(""), "the URL is empty: write http://host:port/path");
  check_bad(SP_STR("localhost:5001/v1"), "'localhost:5001/v1' has no scheme: write http://localhost:5001/v1");
  check_bad(SP_STR("api.dify.ai"), "'api.dify.ai' has no scheme: write http://api.dify.ai");
  check_bad(SP_STR("//h/x"), "'//h/x' has no scheme: write http://h/x");
  check_bad(SP_STR("://h"), "'://h' has no scheme: write http://h");
  check_bad(SP_STR("/"), "'/' is no URL: write http://host:port/path");
  check_bad(SP_STR("http:/h/x"), "'http:/h/x' lacks '//' behind the scheme: write http://h/x");
  check_bad(SP_STR("https:h"), "'https:h' lacks '//' behind the scheme: write https://h");
  check_bad(SP_STR("ftp://h/x"), "'ftp://h/x' has the scheme 'ftp': only http and https are known");
  check_bad(SP_STR("htttp://h"), "'htttp://h' has the scheme 'htttp': only http and https are known");
}

static void test_bad_authority(void **state) {
  (void)state;
  check_bad(SP_STR("http://"), "'http://' has no host");
  check_bad(SP_STR("http:///x"), "'http:///x' has no host");
  check_bad(SP_STR("http://:80/"), "'http://:80/' has no host");
  check_bad(SP_STR("http://h:0/"), "'http://h:0/' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://h:65536"), "'http://h:65536' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://h:8o"), "'http://h:8o' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://h:-1"), "'http://h:-1' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://h:18446744073709551617/"),
            "'http://h:18446744073709551617/' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://::1/"),
            "'http://::1/' has more than one ':' in its host: an IPv6 address stands in brackets (http://[::1]:8080/)");
  check_bad(SP_STR("http://[::1/"), "'http://[::1/' lacks the ']' of an IPv6 address");
  check_bad(SP_STR("http://[]/"), "'http://[]/' has no IPv6 address in its brackets (as in http://[::1]:8080/)");
  check_bad(SP_STR("http://[h]/"), "'http://[h]/' has no IPv6 address in its brackets (as in http://[::1]:8080/)");
  check_bad(SP_STR("http://[::1]80/"), "'http://[::1]80/' has '8' behind the ']': only ':port' may stand there");
  check_bad(SP_STR("http://a,b/"), "'http://a,b/' has ',' in its host");
  check_bad(SP_STR("http://h\\x"), "'http://h\\x' has a backslash behind its host: write '/'");
  check_bad(SP_STR("http://b\xC3\xBC.de/"),
            "'http://b\xC3\xBC.de/' has a host that is not ASCII: write its punycode form (xn--…)");
}

static void test_bad_bytes_and_target(void **state) {
  (void)state;
  check_bad(SP_STR("http://h/a b"), "'http://h/a b' has a space at column 11: write %20");
  check_bad(SP_STR(" http://h/"), "' http://h/' has a space at column 1: write %20");
  check_bad(SP_STR("http://h/a\r\nX: y"), "'http://h/a??X: y' has a control character (0x0d) at column 11");
  check_bad(SP_STR("http://h/\0"), "'http://h/?' has a control character (0x00) at column 10");
  check_bad(SP_STR("http://h?x=1"), "'http://h?…' has a query but no path: write '/' before the '?'");
}

static void test_sentences_hide_secrets(void **state) {
  (void)state;
  check_bad(SP_STR("http://user:pass@h:x/"), "'http://***@h:x/' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("http://user:pa/ss@h/"), "'http://***@h/' has a bad port: a port is a number from 1 to 65535");
  check_bad(SP_STR("user:pass@h/v1"), "'***@h/v1' has no scheme: write http://***@h/v1");
  check_bad(SP_STR("http:/user:pass@h"), "'***@h' lacks '//' behind the scheme: write http://***@h");
  check_bad(SP_STR("http://h:x/?key=1"), "'http://h:x/?…' has a bad port: a port is a number from 1 to 65535");
}

static void test_caps(void **state) {
  (void)state;
  struct sp_url url;
  struct sp_err err;
  struct sp_buf text;
  sp_buf_init(&text, 2 * SP_URL_MAX);
  sp_buf_append_text(&text, "http://h/");
  while (text.len < SP_URL_MAX) sp_buf_append_char(&text, 'x');
  assert_int_equal(sp_url_parse(sp_buf_str(&text), &url, &err), SP_OK);
  sp_buf_append_char(&text, 'x');
  assert_int_equal(sp_url_parse(sp_buf_str(&text), &url, &err), SP_ELIMIT);
  assert_string_equal(err.text, "a URL of 8193 bytes is over the limit of 8192 (SP_URL_MAX)");
  sp_buf_clear(&text);
  sp_buf_append_text(&text, "http://");
  for (int i = 0; i < SP_URL_HOST_MAX; i++) sp_buf_append_char(&text, 'h');
  assert_int_equal(sp_url_parse(sp_buf_str(&text), &url, &err), SP_OK);
  sp_buf_append_char(&text, 'h');
  assert_int_equal(sp_url_parse(sp_buf_str(&text), &url, &err), SP_ELIMIT);
  sp_buf_fini(&text);
}

static void check_join(const char *base, const char *path, const char *expected) {
  struct sp_buf out;
  struct sp_err err = {0};
  struct sp_url url;
  sp_buf_init(&out, 10000);
  if (sp_url_join(sp_str_from(base), sp_str_from(path), &out, &err) < 0) fail_msg("%s + %s: %s", base, path, err.text);
  assert_string_equal(out.bytes, expected);
  assert_int_equal(sp_url_parse(sp_buf_str(&out), &url, &err), SP_OK);
  sp_buf_fini(&out);
}

static void test_join(void **state) {
  (void)state;
  check_join("http://host", "/v1/x", "http://host/v1/x");
  check_join("http://host/", "/v1/x", "http://host/v1/x");
  check_join("http://host/dify", "/v1/x", "http://host/dify/v1/x");
  check_join("http://host/dify/", "/v1/x", "http://host/dify/v1/x");
  check_join("http://host/dify?q=1", "/v1/x", "http://host/dify/v1/x");
  check_join("http://host", "x", "http://host/x");
  check_join("http://host/a/b", "x", "http://host/a/x");
  check_join("http://host/a/b/", "x?y=1", "http://host/a/b/x?y=1");
  check_join("http://host/a?b=/c/d", "x", "http://host/x");
  check_join("http://host/a?b=1", "", "http://host/a?b=1");
  check_join("http://host/a#f", "", "http://host/a");
  check_join("http://host#f", "#g", "http://host/");
  check_join("http://host/a?b=1", "?c=2", "http://host/a?c=2");
  check_join("http://host", "?c=2", "http://host/?c=2");
  check_join("http://host/a", "https://other:1/b", "https://other:1/b");
  check_join("http://host/a", "http://other", "http://other/");
  check_join("http://host/a", "//x", "http://host/a//x");
  check_join("http://u:p@host:81/a", "/b", "http://u:p@host:81/a/b");
  check_join("http://host", "/\xE4\xBD\xA0?q=\xC3\xA9", "http://host/%E4%BD%A0?q=%C3%A9");
  check_join("http://host/\xE4\xBD\xA0", "", "http://host/%E4%BD%A0");
  check_join("http://host", "a:b", "http://host/a:b");
  check_join("http://host", "/r?to=http://x", "http://host/r?to=http://x");
}

static void check_join_fails(const char *base, const char *path, int code, const char *sentence) {
  struct sp_buf out;
  struct sp_err err = {0};
  sp_buf_init(&out, 20000);
  sp_buf_append_text(&out, "kept");
  assert_int_equal(sp_url_join(sp_str_from(base), sp_str_from(path), &out, &err), code);
  assert_string_equal(out.bytes, "kept");
  if (sentence) assert_string_equal(err.text, sentence);
  sp_buf_fini(&out);
}

static void test_join_fails(void **state) {
  (void)state;
  char deep[SP_URL_MAX];
  memset(deep, 'x', sizeof(deep) - 1);
  deep[sizeof(deep) - 1] = '\0';
  check_join_fails("host", "/x", SP_EPARSE, "'host' has no scheme: write http://host");
  check_join_fails("http://host", "/a b", SP_EPARSE, "'/a b' has a space at column 3: write %20");
  check_join_fails("http://host", "/a\nb", SP_EPARSE, "'/a?b' has a control character (0x0a) at column 3");
  check_join_fails("http://host", "ftp://x", SP_EPARSE,
                   "'ftp://x' has the scheme 'ftp': only http and https are known");
  check_join_fails("http://host", "http:/x", SP_EPARSE, "'http:/x' lacks '//' behind the scheme: write http://x");
  check_join_fails("http://host", deep, SP_ELIMIT, "the URL is longer than 8192 bytes (SP_URL_MAX)");
}

static void check_redact(const char *text, const char *expected) {
  struct sp_buf out;
  sp_buf_init(&out, 10000);
  assert_int_equal(sp_url_redact(sp_str_from(text), &out), SP_OK);
  assert_string_equal(out.bytes, expected);
  sp_buf_fini(&out);
}

static void test_redact(void **state) {
  (void)state;
  check_redact("http://user:pw@h:81/x", "http://h:81/x");
  check_redact("https://h:443/x#f", "https://h/x");
  check_redact("http://h/x?a=1&api_key=2&b", "http://h/x?a=1&api_key=***&b");
  check_redact("http://h/x?Access-Token=2;sig=3&design=4&X-Amz-Signature=5",
               "http://h/x?Access-Token=***;sig=***&design=4&X-Amz-Signature=***");
  check_redact("http://h/x?password=a=b&secret=&auth&user=u", "http://h/x?password=***&secret=***&auth&user=u");
  check_redact("http://[::1]/?key=%20", "http://[::1]/?key=***");
  check_redact("app-123456 what is this", "(no URL)");
  check_redact("", "(no URL)");
}

static void test_encode(void **state) {
  (void)state;
  struct sp_buf out;
  sp_buf_init(&out, 100);
  assert_int_equal(sp_url_encode(SP_STR("aZ09-._~ &=+/%\xE4\xBD\xA0\0"), &out), SP_OK);
  assert_string_equal(out.bytes, "aZ09-._~%20%26%3D%2B%2F%25%E4%BD%A0%00");
  sp_buf_fini(&out);
  sp_buf_init(&out, 5);
  sp_buf_append_text(&out, "x");
  assert_int_equal(sp_url_encode(SP_STR("ab%c"), &out), SP_ELIMIT);
  assert_string_equal(out.bytes, "x");
  sp_buf_fini(&out);
}

/* ---- resolve ---- */

static void check_resolved(const char *base, const char *reference, const char *expected) {
  struct sp_buf out;
  struct sp_err err;
  sp_buf_init(&out, 4 * SP_URL_MAX);
  sp_buf_append_char(&out, '<');
  int code = sp_url_resolve(sp_str_from(base), sp_str_from(reference), &out, &err);
  if (code) {
    assert_string_equal(out.bytes, "<");
    if (strcmp(expected, "fails") != 0) fail_msg("%s + %s: %s", base, reference, err.text);
  } else if (strcmp(out.bytes + 1, expected) != 0) {
    fail_msg("%s + %s = %s, not %s", base, reference, out.bytes + 1, expected);
  }
  sp_buf_fini(&out);
}

static void test_resolve(void **state) { /* RFC 3986 §5.4, as far as it is of http */
  (void)state;
  static const char base[] = "http://u:p@a/b/c/d;p?q";
  static const char *const cases[][2] = {
      {"http://g", "http://g/"},          {"g", "http://a/b/c/g"},         {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},          {"/g", "http://a/g"},            {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},       {"g?y", "http://a/b/c/g?y"},     {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},          {";x", "http://a/b/c/;x"},       {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},             {"./", "http://a/b/c/"},         {"..", "http://a/b/"},
      {"../", "http://a/b/"},             {"../g", "http://a/b/g"},        {"../..", "http://a/"},
      {"../../g", "http://a/g"},          {"../../../g", "http://a/g"},    {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},            {"g.", "http://a/b/c/g."},       {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},        {"./../g", "http://a/b/g"},      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},      {"g/../h", "http://a/b/c/h"},    {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"https://x:81?q", "https://x:81/?q"}, {" /a b ", "http://a/a%20b"}, {"/\xC3\xA9", "http://a/%C3%A9"},
      {"//[::1]:8/x", "http://[::1]:8/x"}, {"http://v:w@g/x", "http://v:w@g/x"}, {"//", "fails"},
      {"mailto:x", "fails"},              {"ftp://g/", "fails"},           {"/a\x01", "fails"},
      {"http:g", "fails"},                {"/a//b/../c", "http://a/a//c"}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) check_resolved(base, cases[i][0], cases[i][1]);
  check_resolved("https://h:444/x", "/y", "https://h:444/y");
  check_resolved("nothing", "/y", "fails");
  char longer[SP_URL_MAX + 2];
  memset(longer, 'x', sizeof(longer) - 1);
  longer[0] = '/';
  longer[sizeof(longer) - 1] = '\0';
  check_resolved(base, longer, "fails");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resolve), cmocka_unit_test(test_good),
      cmocka_unit_test(test_port_given),
      cmocka_unit_test(test_bad_scheme),
      cmocka_unit_test(test_bad_authority),
      cmocka_unit_test(test_bad_bytes_and_target),
      cmocka_unit_test(test_sentences_hide_secrets),
      cmocka_unit_test(test_caps),
      cmocka_unit_test(test_join),
      cmocka_unit_test(test_join_fails),
      cmocka_unit_test(test_redact),
      cmocka_unit_test(test_encode),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
