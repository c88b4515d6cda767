#include "http_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void *create(struct sp_buf *log) { return http_log_create(log, SP_HTTP1_REQUEST); }

static const struct cut_subject subject = {create, http_log_feed, http_log_end};

static void check(struct sp_str input, const char *expected) { cuts_check(&subject, input, expected); }

static void test_plain(void **state) {
  (void)state;
  check(SP_STR("GET /v1/parameters?user=a%20b HTTP/1.1\r\nHost: 127.0.0.1:5001\r\n\r\n"),
        "begin\nGET </v1/parameters?user=a%20b> 1.1 keep length -1\n  Host=<127.0.0.1:5001>\nend\n");
  check(SP_STR("POST /v1/chat-messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
               "GET / HTTP/1.0\r\n\r\n"),
        "begin\nPOST </v1/chat-messages> 1.1 keep length 2\n  Host=<x>\n  Content-Length=<2>\nbody<{}>\nend\n"
        "begin\nGET </> 1.0 close length -1\nend\n");
  check(SP_STR("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n"
               "HEAD /h HTTP/1.1\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\n\r\n"),
        "begin\nPOST </> 1.1 keep chunked length -1\n  Transfer-Encoding=<chunked>\nbody<{}>\nend\n"
        "begin\nHEAD </h> 1.1 close length -1\n  Connection=<close>\nend\n");
  check(SP_STR("OPTIONS * HTTP/1.1\r\n\r\n"), "begin\nOPTIONS <*> 1.1 keep length -1\nend\n");
  check(SP_STR("GET http://h/p HTTP/1.1\r\n\r\n"), "begin\nGET <http://h/p> 1.1 keep length -1\nend\n");
}

static void test_upgrade_is_ignored_but_connect_ends(void **state) {
  (void)state;
  check(SP_STR("GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        "begin\nGET </> 1.1 keep length -1\n  Connection=<Upgrade, HTTP2-Settings>\n  Upgrade=<h2c>\nend\n"
        "begin\nGET </2> 1.1 keep length -1\nend\n");
  check(SP_STR("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n\x16\x03\x01 and more"),
        "begin\nCONNECT <h:443> 1.1 close length -1\n  Host=<h>\nend\n");
}

static void test_broken(void **state) {
  (void)state;
  check(SP_STR("\x16\x03\x01\x02"), "begin\nfailed -5\n");
  check(SP_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "begin\nfailed -5\n");
  check(SP_STR("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), "begin\nfailed -5\n");
  check(SP_STR("POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"), "begin\nfailed -5\n");
  check(SP_STR("GET / FTP/1.1\r\n\r\n"), "begin\nfailed -5\n");
  check(SP_STR("GET /\r\n\r\n"), "begin\nfailed -5\n");
  check(SP_STR("GET / HTTP/1.1\r\nHost"), "begin\ncut: the connection closed inside the head of the request\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_upgrade_is_ignored_but_connect_ends),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
