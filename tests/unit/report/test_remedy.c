#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/terminal.h"

#include <string.h>

static void assert_says(const char *kind, const char *detail, const char *says) {
  const char *advice = sp_remedy(kind, detail);
  if (!advice || !strstr(advice, says)) {
    fprintf(stderr, "%s: %s → %s\n", kind, detail, advice ? advice : "(none)");
  }
  assert_non_null(advice);
  assert_non_null(strstr(advice, says));
}

static void statuses(void **state) {
  (void)state;
  assert_says("http_status", "401 unauthorized: Access token is invalid", "check the key");
  assert_says("http_status", "401", "check the key");
  assert_says("http_status", "403 forbidden: App is unavailable", "key");
  assert_says("http_status", "404 Not Found", "--host");
  assert_says("http_status", "404 not_found: Conversation Not Exists.", "conversation");
  assert_says("http_status", "400 provider_not_initialize: …", "Model Provider");
  assert_says("http_status", "400 not_chat_app: Please check if your app mode matches", "dify:workflow");
  /* Dify's own cap on active requests most likely comes as a 400 */
  assert_says("http_status", "400 invalid_param: Too many requests. Please try again later.", "limits the rate");
  assert_says("http_status", "429 too_many_requests", "limits the rate");
  assert_says("http_status", "500 internal_server_error", "log");
  assert_says("http_status", "502 Bad Gateway", "gateway");
  assert_says("http_status", "504 Gateway Time-out", "proxy_read_timeout");
  assert_says("http_status", "507 Insufficient Storage", "inside the target");
}

/* The status is what stands at the front, not any number of the text. */
static void a_number_in_the_text_is_no_status(void **state) {
  (void)state;
  assert_says("http_status", "500 upstream said 401", "log");
  assert_null(sp_remedy("http_status", "4010 what"));
  assert_null(sp_remedy("http_status", "418 I'm a teapot 401"));
  assert_null(sp_remedy("http_status", "40"));
  assert_null(sp_remedy("http_status", ""));
  assert_null(sp_remedy("http_status", NULL));
}

static void connections(void **state) {
  (void)state;
  assert_says("connect", "cannot connect: Connection refused", "nothing listens there");
  assert_says("connect", "host 'nosuch.example' is not known", "DNS");
  assert_says("connect", "certificate has expired", "renew");
  assert_says("connect", "certificate is not for host '127.0.0.1'", "name in it");
  assert_says("connect", "self-signed certificate (trust it with --cacert, or go on with --insecure)", "--cacert");
  assert_says("connect", "certificate is signed by an unknown authority: …", "--cacert");
  assert_says("connect", "TLS failed during the TLS handshake: wrong version number", "http://");
  assert_says("connect", "cannot connect: Too many open files", "ulimit -n");
  assert_says("connect", "proxy http://p:1 (--proxy): connection refused (10.0.0.1:1)", "--proxy");
  assert_says("connect", "proxy http://p:1 (--proxy): it answered CONNECT with 407 No", "user:password@host:port");
  assert_says("connect", "no free local port: all of … (keep connections alive, use several --source addresses)", "--source");
  assert_says("connect", "something new", "--host");
}

static void streams(void **state) {
  (void)state;
  assert_says("stream_error", "provider_not_initialize (400): …", "Model Provider");
  assert_says("stream_error", "workflow failed: node LLM", "node");
  assert_says("stream_error", "whatever", "log");
  assert_says("truncated", "the stream ended without its terminal event", "worker");
  assert_says("timeout", "no answer within 30 s (timeout)", "queues");
  assert_says("timeout", "in the middle of the answer, no byte for 10 s", "stalled");
  assert_says("reset", "connection reset by the peer", "closed");
  assert_says("protocol", "not an event stream: the answer's content type is 'text/html'", "event stream");
  assert_says("check", "empty answer", "check");
  assert_says("task", "plan.lua:7: attempt to index a nil value", "line");
}

static void unknown_kinds_have_none(void **state) {
  (void)state;
  assert_null(sp_remedy("ok", ""));
  assert_null(sp_remedy("cancelled", "x"));
  assert_null(sp_remedy(NULL, NULL));
}

/* Every kind of failure that an output can show has at least a general word of advice. */
static void every_failure_has_advice(void **state) {
  (void)state;
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    enum sp_outcome outcome = (enum sp_outcome)i;
    if (sp_outcome_is_failure(outcome) && outcome != SP_OUTCOME_HTTP_STATUS) {
      assert_non_null(sp_remedy(sp_outcome_name(outcome), "(other)"));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(statuses),
    cmocka_unit_test(a_number_in_the_text_is_no_status),
    cmocka_unit_test(connections),
    cmocka_unit_test(streams),
    cmocka_unit_test(unknown_kinds_have_none),
    cmocka_unit_test(every_failure_has_advice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
