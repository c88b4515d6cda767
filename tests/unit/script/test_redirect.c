/* Where a redirect goes, and what of the request goes along. No sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/redirect.h"

#include <stdio.h>

static const char headers[] = "Host: h\r\nAuthorization: Bearer x\r\nCookie: a=1\r\nX-Api-Key: k\r\nX-Plain: p\r\n"
                              "Content-Type: text/plain\r\n";

static struct sp_redirect *begin(const char *method, const char *url, unsigned max) {
  struct sp_http_request request = {.method = sp_str_from(method),
                                    .url = sp_str_from(url),
                                    .headers = sp_str_from(headers),
                                    .body = SP_STR("body"),
                                    .has_body = true};
  return sp_redirect_create(&request, max);
}

static bool note(struct sp_redirect *redirect, int status, const char *location) {
  struct sp_http1_header header = {SP_STR("location"), sp_str_from(location)};
  struct sp_http1_head head = {.status = status, .headers = &header, .header_count = location ? 1 : 0};
  return sp_redirect_note(redirect, &head);
}

static int go(struct sp_redirect *redirect, int status, const char *location, struct sp_err *err) {
  struct sp_http_result result = {.bytes_in = 10, .bytes_out = 20, .first_write_ns = 5 + redirect->followed};
  assert_true(note(redirect, status, location));
  return sp_redirect_go(redirect, &result, err);
}

static void which_statuses(void **state) {
  (void)state;
  struct sp_redirect *redirect = begin("GET", "http://h/", 1);
  static const int none[] = {200, 201, 300, 304, 305, 306, 309, 404};
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) assert_false(note(redirect, none[i], "/x"));
  assert_false(note(redirect, 302, NULL));
  assert_true(note(redirect, 302, ""));
  sp_redirect_destroy(redirect);
}

static void check_method(const char *method, int status, const char *wanted) {
  struct sp_err err;
  struct sp_redirect *redirect = begin(method, "http://h/", 1);
  assert_int_equal(go(redirect, status, "/x", &err), 0);
  if (!sp_str_eq(redirect->request.method, sp_str_from(wanted)))
    fail_msg("%s behind %d is " SP_STR_FMT, method, status, SP_STR_ARG(redirect->request.method));
  bool same = strcmp(method, wanted) == 0;
  assert_int_equal(redirect->request.has_body, same);
  assert_int_equal(redirect->request.body.len, same ? 4 : 0);
  bool has_type = memmem(redirect->request.headers.bytes, redirect->request.headers.len, "Content-Type", 12) != NULL;
  assert_int_equal(has_type, same);
  sp_redirect_destroy(redirect);
}

static void methods(void **state) { /* RFC 9110 §15.4 */
  (void)state;
  check_method("POST", 301, "GET");
  check_method("POST", 302, "GET");
  check_method("POST", 303, "GET");
  check_method("POST", 307, "POST");
  check_method("POST", 308, "POST");
  check_method("PUT", 301, "PUT");
  check_method("PUT", 302, "PUT");
  check_method("PUT", 303, "GET");
  check_method("DELETE", 303, "GET");
  check_method("HEAD", 303, "HEAD");
  check_method("GET", 303, "GET");
}

static void check_goes(const char *from, const char *location, const char *url, bool keeps) {
  struct sp_err err;
  struct sp_redirect *redirect = begin("GET", from, 1);
  if (go(redirect, 302, location, &err)) fail_msg("%s: %s", location, err.text);
  if (!sp_str_eq(redirect->request.url, sp_str_from(url)))
    fail_msg("%s + %s = " SP_STR_FMT, from, location, SP_STR_ARG(redirect->request.url));
  const char *wanted = keeps ? headers : "X-Plain: p\r\nContent-Type: text/plain\r\n";
  if (!sp_str_eq(redirect->request.headers, sp_str_from(wanted)))
    fail_msg("%s + %s: " SP_STR_FMT, from, location, SP_STR_ARG(redirect->request.headers));
  sp_redirect_destroy(redirect);
}

static void origins(void **state) {
  (void)state;
  check_goes("http://h/a/b", "c?d", "http://h/a/c?d", true);
  check_goes("http://h/", "http://H:80/x", "http://H/x", true);
  check_goes("http://u:p@h/", "/x", "http://u:p@h/x", true); /* the user goes along … */
  check_goes("http://u:p@h/", "//other/x", "http://other/x", false); /* … but not to another origin */
  check_goes("http://h/", "http://h:81/", "http://h:81/", false);
  check_goes("http://h/", "https://h/", "https://h/", false);
  check_goes("https://h/", "https://h2/#x", "https://h2/", false);
}

static void check_refused(struct sp_redirect *redirect, const char *location, int code, const char *sentence) {
  struct sp_err err;
  assert_int_equal(go(redirect, 302, location, &err), code);
  if (!strstr(err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, err.text);
  sp_redirect_destroy(redirect);
}

static void refusals(void **state) {
  (void)state;
  check_refused(begin("GET", "https://h/", 9), "http://h/?token=abc", SP_EPARSE,
                "a redirect from https to http is not followed: http://h/?token=***");
  check_refused(begin("GET", "http://h/", 9), "ftp://u:secret@h/", SP_EPARSE, "the redirect's Location: ");
  check_refused(begin("GET", "http://h/", 9), "http://[x/", SP_EPARSE, "the redirect's Location: ");
  struct sp_err err;
  struct sp_redirect *redirect = begin("GET", "http://h/", 1);
  assert_int_equal(go(redirect, 302, "/1", &err), 0);
  check_refused(redirect, "/2", SP_ELIMIT, "over 1 redirect, the last one to: http://h/2");
}

static void what_the_hops_came_to(void **state) {
  (void)state;
  struct sp_err err;
  struct sp_redirect *redirect = begin("POST", "http://h/", 3);
  assert_int_equal(go(redirect, 307, "/1", &err), 0);
  assert_int_equal(go(redirect, 308, "2", &err), 0);
  assert_int_equal(go(redirect, 302, "http://other/3", &err), 0);
  assert_int_equal(redirect->followed, 3);
  assert_int_equal(redirect->bytes_in, 30);
  assert_int_equal(redirect->bytes_out, 60);
  assert_int_equal(redirect->first_write_ns, 5); /* the first one's */
  assert_true(sp_str_eq(redirect->request.headers, SP_STR("X-Plain: p\r\n")));
  sp_redirect_destroy(redirect);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(which_statuses), cmocka_unit_test(methods),
                                     cmocka_unit_test(origins), cmocka_unit_test(refusals),
                                     cmocka_unit_test(what_the_hops_came_to)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
