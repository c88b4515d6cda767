/* CONNECT and its answer as bytes, whole and cut at every point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "http/tunnel.h"

#include <stdlib.h>

struct outcome {
  int done;
  size_t used; /* of the whole text */
  char why[SP_ERR_TEXT_MAX];
};

/* piece bytes at a time; 0: all at once, -n: cut once, behind the first n. */
static struct outcome feed(struct sp_str text, int piece) {
  struct sp_tunnel tunnel;
  struct outcome outcome = {0};
  sp_tunnel_init(&tunnel);
  while (outcome.done == 0 && outcome.used < text.len) {
    size_t len = piece > 0 ? (size_t)piece : piece < 0 && outcome.used == 0 ? (size_t)-piece : text.len;
    if (len > text.len - outcome.used) len = text.len - outcome.used;
    char *exact = malloc(len); /* so that a sanitizer sees a read past the end */
    size_t used;
    struct sp_err err = {0};
    memcpy(exact, text.bytes + outcome.used, len);
    outcome.done = sp_tunnel_feed(&tunnel, sp_str_of(exact, len), &used, &err);
    assert_true(used <= len && (outcome.done != 0 || used == len));
    outcome.used += used;
    strcpy(outcome.why, err.text);
    free(exact);
  }
  sp_tunnel_fini(&tunnel);
  return outcome;
}

static void check(const char *text, int done, size_t used, const char *why) {
  struct sp_str whole = sp_str_from(text);
  for (int piece = -(int)whole.len; piece <= 1; piece++) {
    struct outcome outcome = feed(whole, piece);
    bool same = outcome.done == done && (done != 1 || outcome.used == used) && strstr(outcome.why, why);
    if (!same) fail_msg("%s\nby %d: %d, %zu used: %s", text, piece, outcome.done, outcome.used, outcome.why);
  }
}

#define OPEN "HTTP/1.1 200 Connection established\r\n\r\n"

static void answers(void **state) {
  (void)state;
  size_t open = strlen(OPEN);
  check(OPEN, 1, open, "");
  check(OPEN "what the target says", 1, open, "");
  check("HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n", 1, 50, "");
  check("HTTP/1.1 204 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nbytes", SP_EPARSE, 0, "CONNECT");
  check("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nbytes", 1, 37, ""); /* it has no body (RFC 9110 §9.3.6) */
  check("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz", 1, 46, "");
  check("HTTP/1.1 100 Continue\r\n\r\n" OPEN, 1, 25 + open, "");
  check("HTTP/1.1 200", 0, 0, "");
  check("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\nno", SP_EIO, 0,
        "it answered CONNECT with 407 Proxy Authentication Required (user and password: ");
  check("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nabc", SP_EIO, 0, "it answered CONNECT with 502 Bad Gateway");
  check("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", SP_EIO, 0, "CONNECT with 101");
  check("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", SP_EIO, 0, "302 Found");
}

static void garbage(void **state) {
  (void)state;
  check("SSH-2.0-OpenSSH_9.2p1\r\n\r\n", SP_EPARSE, 0, "its answer to CONNECT: ");
  check("\x16\x03\x01\x02\x01\x01\x01\xfc\r\n\r\n", SP_EPARSE, 0, "its answer to CONNECT: ");
  check("HTTP/1.1 200 OK\n\n", SP_EPARSE, 0, "ends in LF alone");
  check("HTTP/1.1 200 OK\r\nX: y\n\r\n", SP_EPARSE, 0, "its answer to CONNECT");
  check("HTTP/2.0 200 OK\r\n\r\n", SP_EPARSE, 0, "its answer to CONNECT: ");
  check("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", SP_EPARSE, 0, "its answer to CONNECT: ");
}

static void caps(void **state) {
  (void)state;
  struct sp_buf text;
  sp_buf_init(&text, 1u << 20);
  for (int i = 0; i <= (int)SP_TUNNEL_INFORMATIONAL_MAX; i++) sp_buf_append_text(&text, "HTTP/1.1 102 x\r\n\r\n");
  struct outcome outcome = feed(sp_buf_str(&text), 0);
  assert_int_equal(outcome.done, SP_ELIMIT);
  assert_string_equal(outcome.why, "over 100 informational (1xx) heads in answer to CONNECT");
  sp_buf_clear(&text);
  sp_buf_append_text(&text, "HTTP/1.1 200 OK\r\nX: ");
  for (int i = 0; i < 70000; i++) sp_buf_append_char(&text, 'x');
  for (int piece = 0; piece < 3000; piece += 1000) {
    outcome = feed(sp_buf_str(&text), piece);
    assert_int_equal(outcome.done, SP_ELIMIT);
    assert_string_equal(outcome.why, "its answer to CONNECT has a head over 64 KiB");
  }
  sp_buf_fini(&text);
}

static void requests(void **state) {
  (void)state;
  struct sp_buf out;
  struct sp_proxy proxy = {.authorization = (char *)"Proxy-Authorization: Basic eDp5\r\n"};
  sp_buf_init(&out, 4096);
  assert_int_equal(sp_tunnel_request(&proxy, "a.test", 443, &out), 0);
  assert_string_equal(out.bytes, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: spate/" SP_VERSION
                                 "\r\nProxy-Authorization: Basic eDp5\r\n\r\n");
  sp_buf_clear(&out);
  proxy.authorization = NULL;
  assert_int_equal(sp_tunnel_request(&proxy, "::1", 8443, &out), 0);
  assert_string_equal(out.bytes, "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nUser-Agent: spate/" SP_VERSION
                                 "\r\n\r\n");
  sp_buf_fini(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers),
      cmocka_unit_test(garbage),
      cmocka_unit_test(caps),
      cmocka_unit_test(requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
