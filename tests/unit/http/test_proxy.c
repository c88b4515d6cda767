/* Which proxy a URL goes through: the option, the environment, NO_PROXY; no secret in any text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "http/proxy.h"

#include <stdio.h>

/* -- the environment of a test -- */

static const char *const *variables; /* name, value …, NULL */

static char *environment(const char *name) {
  for (const char *const *at = variables; at && *at; at += 2)
    if (strcmp(at[0], name) == 0) return (char *)at[1];
  return NULL;
}

static const char *way_to(const struct sp_proxies *proxies, const char *text) {
  struct sp_url url;
  assert_int_equal(sp_url_parse(sp_str_from(text), &url, NULL), 0);
  const struct sp_proxy *proxy = sp_proxies_find(proxies, &url);
  return proxy ? proxy->name : "straight";
}

static void assert_way(const char *const *set, const char *option, const char *url, const char *way) {
  struct sp_proxies proxies;
  struct sp_err err;
  variables = set;
  if (sp_proxies_take(&proxies, option, environment, &err) < 0) fail_msg("%s", err.text);
  assert_string_equal(way_to(&proxies, url), way);
  sp_proxies_fini(&proxies);
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static void the_environment(void **state) {
  (void)state;
  const char *const *both = SET("https_proxy", "http://s:1", "http_proxy", "http://p:2");
  assert_way(both, NULL, "https://a.test", "http://s:1 (https_proxy)");
  assert_way(both, NULL, "http://a.test", "http://p:2 (http_proxy)");
  assert_way(SET("HTTPS_PROXY", "http://s:1"), NULL, "https://a.test", "http://s:1 (HTTPS_PROXY)");
  assert_way(SET("HTTPS_PROXY", "http://s:1"), NULL, "http://a.test", "straight");
  assert_way(SET("HTTP_PROXY", "http://p:2"), NULL, "http://a.test", "straight"); /* as curl: a CGI's client sets it */
  assert_way(SET("ALL_PROXY", "a:3"), NULL, "http://a.test", "http://a:3 (ALL_PROXY)");
  assert_way(SET("all_proxy", "a:3", "https_proxy", ""), NULL, "https://a.test", "http://a:3 (all_proxy)");
  assert_way(SET("https_proxy", "[::1]"), NULL, "https://a.test", "http://[::1]:1080 (https_proxy)");
  assert_way(SET("https_proxy", "http://low:1", "HTTPS_PROXY", "http://up:1"), NULL, "https://a.test",
             "http://low:1 (https_proxy)");
  assert_way(NULL, NULL, "https://a.test", "straight");
}

static void this_machine_goes_without(void **state) {
  (void)state;
  static const char *const urls[] = {"http://localhost:5001", "http://127.0.0.1", "http://127.8.9.1", "http://[::1]:1/x",
                                     "http://LOCALHOST"};
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    assert_way(SET("all_proxy", "http://p:1"), NULL, urls[i], "straight");
    assert_way(NULL, "http://p:1", urls[i], "http://p:1 (--proxy)"); /* asked for */
  }
}

static void the_option_wins(void **state) {
  (void)state;
  const char *const *set = SET("https_proxy", "http://s:1", "no_proxy", "*");
  assert_way(set, "http://o:9", "https://a.test", "http://o:9 (--proxy)");
  assert_way(set, "o:9", "http://a.test", "http://o:9 (--proxy)");
  assert_way(SET("https_proxy", "http://s:1"), "", "https://a.test", "straight");
}

static void no_proxy(void **state) {
  (void)state;
  static const struct {
    const char *list, *host;
    bool named;
  } rows[] = {
      {"example.com", "example.com", true},       {"example.com", "api.example.com", true},
      {"example.com", "EXAMPLE.com.", true},      {".example.com", "example.com", true},
      {"example.com", "notexample.com", false},   {"example.com", "example.com.org", false},
      {"a, b  c,d", "c", true},                   {"a, b  c,d", "e", false},
      {"*", "anything", true},                    {"", "a", false},
      {"*.example.com", "api.example.com", false}, /* as in curl: no pattern */
      {"10.0.0.0/8", "10.200.3.4", true},         {"10.0.0.0/8", "11.0.0.1", false},
      {"192.168.1.128/25", "192.168.1.200", true}, {"192.168.1.128/25", "192.168.1.100", false},
      {"10.1.2.3", "10.1.2.3", true},             {"1.2.3", "10.1.2.3", false},
      {"10.0.0.0/33", "10.0.0.0", false},         {"10.0.0.0/", "10.0.0.0", false},
      {"0.0.0.0/0", "9.9.9.9", true},             {"2001:db8::/32", "2001:db8::5", true},
      {"[2001:db8::5]", "2001:db8::5", true},     {"2001:db8::/32", "2001:db9::5", false},
      {"::/0", "10.0.0.1", false},                {".", "a", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (sp_no_proxy_names(rows[i].list, sp_str_from(rows[i].host)) != rows[i].named)
      fail_msg("'%s' of '%s'", rows[i].host, rows[i].list);
  assert_false(sp_no_proxy_names(NULL, SP_STR("a")));
  const char *const *set = SET("all_proxy", "p:1", "no_proxy", "in.test", "NO_PROXY", "out.test");
  assert_way(set, NULL, "http://x.in.test", "straight");
  assert_way(set, NULL, "http://out.test", "http://p:1 (all_proxy)"); /* the lower case one wins */
  assert_way(SET("all_proxy", "p:1", "NO_PROXY", "out.test"), NULL, "http://out.test", "straight");
}

static void passwords(void **state) {
  (void)state;
  struct sp_proxies proxies;
  struct sp_err err;
  assert_int_equal(sp_proxies_take(&proxies, "http://me:s%20cret@p:3128", environment, &err), 0);
  assert_string_equal(proxies.http.authorization, "Proxy-Authorization: Basic bWU6cyBjcmV0\r\n");
  assert_string_equal(proxies.https.name, "http://p:3128 (--proxy)");
  sp_proxies_fini(&proxies);
}

static void wrong_ones(void **state) {
  (void)state;
  static const struct {
    const char *text, *why;
  } rows[] = {
      {"socks5://me:secret@p:1", "SOCKS proxies are not known here"},
      {"https://me:secret@p:1", "over TLS (https://) are not known"},
      {"ftp://me:secret@p:1", "ftp"},
      {"http://me:secret@p:99999", "port"},
      {"http://", "host"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct sp_proxies proxies;
    struct sp_err err = {0};
    assert_true(sp_proxies_take(&proxies, rows[i].text, environment, &err) < 0);
    if (!strstr(err.text, rows[i].why) || strstr(err.text, "secret")) fail_msg("%s: %s", rows[i].text, err.text);
    assert_null(proxies.http.host);
    /* The environment's: told to who needs it. */
    const char *const *set = SET("http_proxy", rows[i].text);
    struct sp_url url;
    variables = set;
    assert_int_equal(sp_proxies_take(&proxies, NULL, environment, &err), 0);
    assert_int_equal(sp_url_parse(SP_STR("http://a.test"), &url, NULL), 0);
    const struct sp_proxy *proxy = sp_proxies_find(&proxies, &url);
    assert_non_null(proxy);
    assert_non_null(strstr(proxy->fault, rows[i].why));
    assert_string_equal(proxy->name, "http_proxy");
    sp_proxies_fini(&proxies);
  }
}

static void which_were_used(void **state) {
  (void)state;
  struct sp_proxies proxies;
  struct sp_err err;
  struct sp_url plain, tls;
  char text[200];
  variables = SET("https_proxy", "s:1", "http_proxy", "p:2");
  assert_int_equal(sp_proxies_take(&proxies, NULL, environment, &err), 0);
  assert_int_equal(sp_url_parse(SP_STR("http://a.test"), &plain, NULL), 0);
  assert_int_equal(sp_url_parse(SP_STR("https://a.test"), &tls, NULL), 0);
  assert_string_equal(sp_proxies_used(&proxies, text, sizeof text), "");
  assert_non_null(sp_proxies_use(&proxies, &tls));
  assert_string_equal(sp_proxies_used(&proxies, text, sizeof text), "http://s:1 (https_proxy)");
  assert_non_null(sp_proxies_use(&proxies, &plain));
  assert_string_equal(sp_proxies_used(&proxies, text, sizeof text), "http://p:2 (http_proxy) and http://s:1 (https_proxy)");
  sp_proxies_fini(&proxies);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_environment), cmocka_unit_test(this_machine_goes_without),
      cmocka_unit_test(the_option_wins), cmocka_unit_test(no_proxy),
      cmocka_unit_test(passwords),       cmocka_unit_test(wrong_ones),
      cmocka_unit_test(which_were_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
