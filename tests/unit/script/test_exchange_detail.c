/* The one line of a failure: one line, capped, no secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "script/exchange_detail.h"
#include "stats/interval.h"

#include <stdlib.h>

static const struct sp_str secrets[] = { { "key-1", 5 }, { "key-1-longer", 12 }, { "abc", 3 }, { "zzzz", 4 } };
#define SECRETS secrets, 4

static void assert_redacted(const char *text, const char *expected) {
  size_t len = strlen(text);
  char *bytes = sp_strndup(text, len); /* exactly as long: the sanitizer watches the end */
  sp_redact(bytes, &len, SECRETS);
  assert_int_equal(len, strlen(expected));
  assert_memory_equal(bytes, expected, len);
  free(bytes);
}

static void redaction(void **state) {
  (void)state;
  assert_redacted("", "");
  assert_redacted("nothing here", "nothing here");
  assert_redacted("key-1", "***");
  assert_redacted("key-1key-1", "******");
  assert_redacted("a key-1 b", "a *** b");
  assert_redacted("a key-1-longer b", "a *** b"); /* the longest, whatever the order */
  assert_redacted("abc is too short to be one", "abc is too short to be one");
  assert_redacted("zzzzz", "***z");
  assert_redacted("***key-1", "******");
  assert_redacted("cut key-1-lon", "cut ***"); /* the beginning of one, where a text was cut */
  assert_redacted("cut key-", "cut ***");
  assert_redacted("cut key", "cut key");
  assert_redacted("key- in the middle", "key- in the middle");
}

static void without_secrets(void **state) {
  (void)state;
  char text[] = "key-1";
  size_t len = 5;
  sp_redact(text, &len, NULL, 0);
  assert_int_equal(len, 5);
}

static void assert_detail(const struct sp_buf *detail, const char *expected) {
  assert_string_equal(detail->bytes, expected);
  assert_int_equal(detail->len, strlen(expected));
}

static void a_line(void **state) {
  (void)state;
  struct sp_buf detail;
  sp_buf_init(&detail, SP_DETAIL_MAX);
  sp_detail_set(&detail, SP_STR("two\r\nlines\tand \x1b[31m red\x7f"), SECRETS);
  assert_detail(&detail, "two  lines and  [31m red ");
  sp_detail_set(&detail, SP_STR("second"), SECRETS);
  assert_detail(&detail, "second");
  sp_detail_set(&detail, SP_STR(""), SECRETS);
  assert_detail(&detail, "");
  sp_buf_fini(&detail);
}

/* A secret at any place around the end of what is kept, and around the end of what is looked at. */
static void secrets_at_the_cut(void **state) {
  (void)state;
  struct sp_str secret = SP_STR("0123456789ABCDEFGHIJ");
  for (size_t before = 0; before < 4200; before += before < 250 || (before > 310 && before < 4060) ? 37 : 1) {
    size_t len = before + secret.len + 100;
    char *text = sp_alloc(len);
    memset(text, 'x', len);
    memcpy(text + before, secret.bytes, secret.len);
    struct sp_buf detail;
    sp_buf_init(&detail, SP_DETAIL_MAX);
    sp_detail_set(&detail, sp_str_of(text, len), &secret, 1);
    assert_true(detail.len <= SP_DETAIL_MAX);
    assert_null(strstr(detail.bytes, "0123"));
    sp_buf_fini(&detail);
    free(text);
  }
}

/* Long secrets make room: what stood far behind them moves into the line. */
static void a_long_secret_moves_the_cut(void **state) {
  (void)state;
  char token[4000];
  for (size_t i = 0; i < sizeof(token); i++) token[i] = (char)('a' + i % 26);
  struct sp_str secret = sp_str_of(token, sizeof(token));
  struct sp_buf text, detail;
  sp_buf_init(&text, 20000);
  sp_buf_init(&detail, SP_DETAIL_MAX);
  for (int i = 0; i < 3; i++) {
    sp_buf_append_text(&text, "it was ");
    sp_buf_append_str(&text, secret);
  }
  sp_detail_set(&detail, sp_buf_str(&text), &secret, 1);
  assert_detail(&detail, "it was ***it was ***");
  sp_buf_fini(&text);
  sp_buf_fini(&detail);
}

static void characters_stay_whole(void **state) {
  (void)state;
  for (size_t shift = 0; shift < 3; shift++) {
    struct sp_buf text, detail;
    sp_buf_init(&text, 20000);
    sp_buf_init(&detail, SP_DETAIL_MAX);
    for (size_t i = 0; i < shift; i++) sp_buf_append_char(&text, '.');
    for (size_t i = 0; i < 3000; i++) sp_buf_append_text(&text, "请");
    sp_detail_set(&detail, sp_buf_str(&text), NULL, 0);
    assert_int_equal((detail.len - shift) % 3, 0);
    assert_in_range(detail.len, SP_DETAIL_MAX - 2, SP_DETAIL_MAX);
    sp_buf_fini(&text);
    sp_buf_fini(&detail);
  }
}

/* -- status and body -- */

static void add(struct sp_buf *detail, int status, const char *reason, const char *body) {
  struct sp_http1_head head = { .status = status, .reason = sp_str_from(reason) };
  sp_detail_status(detail, &head, SECRETS);
  if (body) sp_detail_add_body(detail, sp_str_from(body), SECRETS);
}

static void assert_status(int status, const char *reason, const char *body, const char *expected) {
  struct sp_buf detail;
  sp_buf_init(&detail, SP_DETAIL_MAX);
  add(&detail, status, reason, body);
  assert_detail(&detail, expected);
  sp_buf_fini(&detail);
}

static void status_lines(void **state) {
  (void)state;
  assert_status(503, "Service Unavailable", NULL, "503 Service Unavailable");
  assert_status(503, "", NULL, "503");
  assert_status(503, "a reason that goes on and on and on and on and on and on and on and on", NULL, "503");
  assert_status(999, "Odd\x01", NULL, "999 Odd"); /* a space at the end says nothing */
}

static void bodies(void **state) {
  (void)state;
  assert_status(401, "Unauthorized", "{\"code\":\"unauthorized\",\"message\":\"Access token is invalid\",\"status\":401}",
                "401 unauthorized: Access token is invalid");
  assert_status(429, "", "{\"error\":{\"message\":\"slow down\",\"type\":\"rate\",\"code\":null}}", "429 rate: slow down");
  assert_status(400, "Bad Request", "{\"error\":{\"message\":\"m\",\"code\":\"c\"}}", "400 c: m");
  assert_status(400, "Bad Request", "{\"error\":\"just text\"}", "400: just text");
  assert_status(422, "", "{\"detail\":\"field required\"}", "422: field required");
  assert_status(500, "Oops", "{\"message\":\"key-1 is\\nwrong\"}", "500: *** is wrong");
  assert_status(500, "Oops", "{\"message\":\"it is k\\u0065y-1!\"}", "500: it is ***!"); /* unescaped first */
  assert_status(500, "Oops", "{\"code\":\"only\"}", "500 only");
  assert_status(500, "Oops", "{\"code\":5}", "500 Oops");
  assert_status(500, "Oops", "{}", "500 Oops");
  assert_status(500, "Oops", "[1,2]", "500 Oops");
  assert_status(500, "Oops", "<html>", "500 Oops");
  assert_status(500, "Oops", "", "500 Oops");
  assert_status(500, "Oops", "  {\"message\":\"trimmed\"}\n", "500: trimmed");
}

static void an_endless_body(void **state) {
  (void)state;
  struct sp_buf body, detail;
  sp_buf_init(&body, 1u << 20);
  sp_buf_init(&detail, SP_DETAIL_MAX);
  sp_buf_append_text(&body, "{\"code\":\"c\",\"message\":\"");
  for (int i = 0; i < 20000; i++) sp_buf_append_text(&body, "m");
  sp_buf_append_text(&body, "\"}");
  add(&detail, 400, "Bad Request", body.bytes);
  assert_int_equal(detail.len, SP_DETAIL_MAX);
  assert_memory_equal(detail.bytes, "400 c: mmm", 10);
  sp_buf_fini(&body);
  sp_buf_fini(&detail);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(redaction),
    cmocka_unit_test(without_secrets),
    cmocka_unit_test(a_line),
    cmocka_unit_test(secrets_at_the_cut),
    cmocka_unit_test(a_long_secret_moves_the_cut),
    cmocka_unit_test(characters_stay_whole),
    cmocka_unit_test(status_lines),
    cmocka_unit_test(bodies),
    cmocka_unit_test(an_endless_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
