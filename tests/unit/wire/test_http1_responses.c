#include "http_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_LOG "begin\n200 <OK> 1.1 keep chunked length -1\n  Transfer-Encoding=<chunked>\n"

static void *create(struct sp_buf *log) { return http_log_create(log, SP_HTTP1_RESPONSE); }

static void *create_for_head(struct sp_buf *log) {
  struct http_log *self = http_log_create(log, SP_HTTP1_RESPONSE);
  sp_http1_expect_head_response(&self->http1);
  return self;
}

static const struct cut_subject subject = {create, http_log_feed, http_log_end};
static const struct cut_subject head_subject = {create_for_head, http_log_feed, http_log_end};

static void check(struct sp_str input, const char *expected) { cuts_check(&subject, input, expected); }

static void test_content_length(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:   5  \r\nX-Empty:\r\nX-Colon: a: b:\r\n\r\nhello"),
        "begin\n200 <OK> 1.1 keep length 5\n  Server=<x>\n  content-length=<5>\n  X-Empty=<>\n  X-Colon=<a: b:>\n"
        "body<hello>\nend\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        "begin\n200 <OK> 1.1 keep length 0\n  Content-Length=<0>\nend\n");
  check(SP_STR("HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nno"),
        "begin\n404 <> 1.1 keep length 2\n  Content-Length=<2>\nbody<no>\nend\n");
  check(SP_STR("HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno"),
        "begin\n404 <> 1.1 keep length 2\n  Content-Length=<2>\nbody<no>\nend\n");
  check(SP_STR("HTTP/1.1 429 Too Many Requests: later\r\nContent-Length: 0\r\n\r\n"),
        "begin\n429 <Too Many Requests: later> 1.1 keep length 0\n  Content-Length=<0>\nend\n");
}

static void test_header_values(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 200 OK\r\nA: \t x \t\r\nB: ,;\"=\xE4\xBD\xA0\r\nC:\r\nD: :\r\nContent-Length: 0\r\n\r\n"),
        "begin\n200 <OK> 1.1 keep length 0\n  A=<x>\n  B=<,;\"=\xE4\xBD\xA0>\n  C=<>\n  D=<:>\n  "
        "Content-Length=<0>\nend\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        "begin\n200 <OK> 1.1 keep length 0\n  Folded=<a b>\n  Content-Length=<0>\nend\n");
}

static void test_connection(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        "begin\n200 <OK> 1.1 close length 2\n  Connection=<close>\n  Content-Length=<2>\nbody<ok>\nend\n");
  check(SP_STR("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "begin\n200 <OK> 1.0 close length 2\n  Content-Length=<2>\nbody<ok>\nend\n");
  check(SP_STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
        "begin\n200 <OK> 1.0 keep length 2\n  Connection=<keep-alive>\n  Content-Length=<2>\nbody<ok>\nend\n");
}

static void test_body_until_close(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 200 OK\r\n\r\nall of this"), "begin\n200 <OK> 1.1 close length -1\nbody<all of this>\nend\n");
  check(SP_STR("HTTP/1.0 200 OK\r\n\r\n"), "begin\n200 <OK> 1.0 close length -1\nend\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz"),
        "begin\n200 <OK> 1.1 close length -1\n  Transfer-Encoding=<gzip>\nbody<xyz>\nend\n");
}

static void test_chunked(void **state) {
  (void)state;
  check(SP_STR(CHUNKED "5\r\nhello\r\n00a\r\n 12345678!\r\n0\r\n\r\n"), CHUNKED_LOG "body<hello 12345678!>\nend\n");
  check(SP_STR(CHUNKED "0\r\n\r\n"), CHUNKED_LOG "end\n");
  check(SP_STR(CHUNKED "A\r\n0\r\n\r\n00000\r\n0\r\n\r\n"), CHUNKED_LOG "body<0\r\n\r\n00000>\nend\n");
  check(SP_STR(CHUNKED "2;name=value\r\nab\r\n1;flag\r\nc\r\n2;q=\"a;b\"\r\nde\r\n0;last\r\n\r\n"),
        CHUNKED_LOG "body<abcde>\nend\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        "begin\n200 <OK> 1.1 keep chunked length -1\n  Transfer-Encoding=<gzip, chunked>\nbody<x>\nend\n");
}

static void test_trailers_are_no_headers(void **state) {
  (void)state;
  const char next[] = "begin\n200 <OK> 1.1 keep length 1\n  Content-Length=<1>\nbody<x>\nend\n";
  char expected[400];
  snprintf(expected, sizeof(expected), "%s%s", CHUNKED_LOG "body<ab>\nend\n", next);
  check(SP_STR(CHUNKED "2\r\nab\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        expected);
  /* A trailer says nothing about the connection: the head said it is kept. */
  check(SP_STR(CHUNKED "2\r\nab\r\n0\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        expected);
}

static void test_no_body_by_status(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"
               "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        "begin\n204 <No Content> 1.1 keep length -1\nend\n"
        "begin\n304 <Not Modified> 1.1 keep length 7\n  Content-Length=<7>\nend\n"
        "begin\n204 <x> 1.1 keep chunked length -1\n  Transfer-Encoding=<chunked>\nend\n"
        "begin\n200 <OK> 1.1 keep length 1\n  Content-Length=<1>\nbody<x>\nend\n");
}

static void test_answer_to_head(void **state) {
  (void)state;
  const char *after = "begin\n200 <OK> 1.1 keep length 2\n  Content-Length=<2>\nbody<ab>\nend\n";
  char expected[400];
  snprintf(expected, sizeof(expected), "begin\n200 <OK> 1.1 keep length 99\n  Content-Length=<99>\nend\n%s", after);
  cuts_check(&head_subject,
             SP_STR("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
             expected);
  snprintf(expected, sizeof(expected), "begin\n200 <OK> 1.1 keep length -1\nend\n%s", after);
  cuts_check(&head_subject, SP_STR("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), expected);
  snprintf(expected, sizeof(expected), "begin\n100 <> 1.1 keep length -1\n" CHUNKED_LOG "end\n%s", after);
  cuts_check(&head_subject, SP_STR("HTTP/1.1 100\r\n\r\n" CHUNKED "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
             expected);
}

static void test_interim_answers(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "begin\n100 <Continue> 1.1 keep length -1\nbegin\n103 <Early Hints> 1.1 keep length -1\n  Link=<</a>>\n"
        "begin\n200 <OK> 1.1 keep length 2\n  Content-Length=<2>\nbody<ok>\nend\n");
  check(SP_STR("HTTP/1.1 100 Continue\r\n\r\n"),
        "begin\n100 <Continue> 1.1 keep length -1\ncut: the connection closed behind a status 100\n");
  check(SP_STR("HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        "begin\n100 <Continue> 1.1 close length -1\n  Connection=<close>\n"
        "begin\n200 <OK> 1.1 keep length 1\n  Content-Length=<1>\nbody<x>\nend\n");
}

/* The keep-alive of a 1xx head says nothing, not even in HTTP/1.0. */
static void test_interim_answer_of_http_1_0(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.0 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nx"),
        "begin\n100 <Continue> 1.0 close length -1\nbegin\n200 <OK> 1.0 close length -1\nbody<x>\nend\n");
}

static void test_switching_protocols_ends(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"),
        "begin\n101 <Switching Protocols> 1.1 close length -1\n  Upgrade=<websocket>\n  Connection=<Upgrade>\nend\n");
  check(SP_STR("HTTP/1.1 101 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "begin\n101 <x> 1.1 close length -1\nend\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\nx"),
        "begin\n200 <OK> 1.1 keep length 1\n  Upgrade=<h2>\n  Connection=<Upgrade>\n  "
        "Content-Length=<1>\nbody<x>\nend\n");
}

static void test_pipelined(void **state) {
  (void)state;
  check(SP_STR("\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na\r\n" CHUNKED "1\r\nb\r\n0\r\n\r\n"
               "HTTP/1.1 200 OK\r\n\r\nc"),
        "begin\n200 <OK> 1.1 keep length 1\n  Content-Length=<1>\nbody<a>\nend\n" CHUNKED_LOG "body<b>\nend\n"
        "begin\n200 <OK> 1.1 close length -1\nbody<c>\nend\n");
}

static void test_bytes_behind_the_last_message_are_passed_over(void **state) {
  (void)state;
  check(SP_STR("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n garbage"),
        "begin\n200 <OK> 1.1 close length 1\n  Connection=<close>\n  Content-Length=<1>\nbody<a>\nend\n");
}

static void test_cut_by_the_peer(void **state) {
  (void)state;
  check(SP_STR(""), "");
  check(SP_STR("\r\n"), "");
  check(SP_STR("H"), "begin\ncut: the connection closed inside the head of the answer\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
        "begin\ncut: the connection closed inside the head of the answer\n");
  check(SP_STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"),
        "begin\n200 <OK> 1.1 keep length 5\n  Content-Length=<5>\n"
        "cut: the connection closed with 2 bytes of the answer missing\n");
  check(SP_STR(CHUNKED "5\r\nhello\r\n"),
        CHUNKED_LOG "cut: the connection closed before the last chunk of the answer\n");
  check(SP_STR(CHUNKED "0\r\n"), CHUNKED_LOG "cut: the connection closed before the last chunk of the answer\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_length),
      cmocka_unit_test(test_header_values),
      cmocka_unit_test(test_connection),
      cmocka_unit_test(test_body_until_close),
      cmocka_unit_test(test_chunked),
      cmocka_unit_test(test_trailers_are_no_headers),
      cmocka_unit_test(test_no_body_by_status),
      cmocka_unit_test(test_answer_to_head),
      cmocka_unit_test(test_interim_answers),
      cmocka_unit_test(test_interim_answer_of_http_1_0),
      cmocka_unit_test(test_switching_protocols_ends),
      cmocka_unit_test(test_pipelined),
      cmocka_unit_test(test_bytes_behind_the_last_message_are_passed_over),
      cmocka_unit_test(test_cut_by_the_peer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
