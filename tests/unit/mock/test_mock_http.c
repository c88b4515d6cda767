/* The server itself: keep-alive, pipelining, HTTP/1.0, caps, slow readers, clients that go away. */
#include "mock_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct mock_fixture mock;

static int start(void **state) {
  (void)state;
  mock_start(&mock, NULL);
  return 0;
}
static int stop(void **state) {
  (void)state;
  mock_stop(&mock);
  return 0;
}

static void send_text(int fd, const char *text) { client_send(fd, text, strlen(text)); }

static void small_gets_share_a_connection(void **state) {
  (void)state;
  int fd = client_open(&mock);
  for (int i = 0; i < 100; i++) {
    struct reply reply;
    send_text(fd, i % 2 ? "GET / HTTP/1.1\r\nHost: t\r\n\r\n" : "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
    client_read(fd, 10000, &reply, NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "ok\n");
    assert_true(reply_has(&reply, "X-Spate-Mock: simulation"));
    reply_free(&reply);
  }
  close(fd);
}

static void a_head_request_has_no_body(void **state) {
  (void)state;
  int fd = client_open(&mock);
  send_text(fd, "HEAD / HTTP/1.1\r\nHost: t\r\n\r\nGET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  enum reply_end end;
  char *bytes = client_read_raw(fd, 10000, NULL, NULL, &end);
  char *blank = strstr(bytes, "\r\n\r\n");
  assert_non_null(strstr(bytes, "Content-Length: 3"));
  assert_int_equal(strncmp(blank + 4, "HTTP/1.1 200 OK", 15), 0);
  assert_non_null(strstr(blank, "Connection: close"));
  assert_int_equal(end, REPLY_FIN);
  free(bytes);
  close(fd);
}

/* Requests sent at once, a stream among them, are answered one after the other, byte by byte as well. */
static void pipelined_requests_are_answered_in_order(void **state) {
  (void)state;
  const char *body = CHAT_BODY;
  char requests[4096];
  int len =
      snprintf(requests, sizeof requests,
               "GET / HTTP/1.1\r\nHost: t\r\n\r\n"
               "POST /v1/chat-messages HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer app-chat\r\nX-Mock-Plan: " QUICK
               "\r\nContent-Length: %zu\r\n\r\n%s"
               "GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n"
               "POST /v1/chat-messages HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer app-chat\r\nX-Mock-Plan: " QUICK
               "\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n"
               "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n",
               strlen(body), body, strlen(body), body);
  const int statuses[] = { 200, 200, 404, 200, 200 };
  for (int bytewise = 0; bytewise < 2; bytewise++) {
    int fd = client_open(&mock);
    if (!bytewise) client_send(fd, requests, (size_t)len);
    for (int i = 0; bytewise && i < len; i++) client_send(fd, requests + i, 1);
    struct reply reply = { 0 }, before = { 0 };
    for (int i = 0; i < 5; i++) {
      client_read(fd, 10000, &reply, &before);
      assert_int_equal(reply.end, REPLY_WHOLE);
      assert_int_equal(reply.status, statuses[i]);
      assert_int_equal(strstr(reply.body, "message_end") != NULL, i == 1 || i == 3);
      reply_free(&before);
      before = reply;
    }
    assert_int_equal(before.rest_len, 0);
    reply_free(&before);
    close(fd);
  }
}

static void many_pipelined_gets_are_all_answered(void **state) {
  (void)state;
  int fd = client_open(&mock);
  struct sp_buf requests;
  sp_buf_init(&requests, 1u << 20);
  for (int i = 0; i < 500; i++) sp_buf_append_text(&requests, "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  sp_buf_append_text(&requests, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  client_send(fd, requests.bytes, requests.len);
  char *bytes = client_read_raw(fd, 10000, NULL, NULL, NULL);
  unsigned count = 0;
  for (const char *at = bytes; (at = strstr(at, "HTTP/1.1 200 OK")) != NULL; at++) count++;
  assert_int_equal(count, 501);
  free(bytes);
  sp_buf_fini(&requests);
  close(fd);
}

static void http_1_0_gets_bodies_without_chunks(void **state) {
  (void)state;
  char request[512];
  const char *body = CHAT_BODY;
  snprintf(request, sizeof request,
           "POST /v1/chat-messages HTTP/1.0\r\nAuthorization: Bearer app-chat\r\nX-Mock-Plan: " QUICK
           "\r\nContent-Length: %zu\r\n\r\n%s",
           strlen(body), body);
  int fd = client_open(&mock);
  struct reply reply;
  struct events events;
  send_text(fd, request);
  client_read(fd, 10000, &reply, NULL);
  assert_int_equal(reply.end, REPLY_FIN);
  assert_true(reply_has(&reply, "Connection: close"));
  assert_null(strstr(reply.head, "Transfer-Encoding"));
  events_read(&events, reply.body);
  assert_int_equal(events.count, 4);
  events_free(&events);
  reply_free(&reply);
  close(fd);
  fd = client_open(&mock);
  for (int i = 0; i < 2; i++) {
    send_text(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    client_read(fd, 10000, &reply, NULL);
    assert_int_equal(reply.end, REPLY_WHOLE);
    assert_true(reply_has(&reply, "Connection: keep-alive"));
    reply_free(&reply);
  }
  close(fd);
}

static void expect_continue_is_answered_before_the_body(void **state) {
  (void)state;
  int fd = client_open(&mock);
  struct reply reply;
  const char *body = BLOCKING_BODY;
  char head[512];
  snprintf(head, sizeof head,
           "POST /v1/chat-messages HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer app-chat\r\nX-Mock-Plan: " QUICK
           "\r\nExpect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
           strlen(body));
  send_text(fd, head);
  client_read(fd, 10000, &reply, NULL);
  assert_int_equal(reply.status, 100);
  reply_free(&reply);
  send_text(fd, body);
  client_read(fd, 10000, &reply, NULL);
  assert_int_equal(reply.status, 200);
  reply_free(&reply);
  close(fd);
}

static void what_is_too_large_or_no_http_is_refused(void **state) {
  (void)state;
  const char *heads[] = { "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\n",
                          "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: magic\r\n\r\n",
                          "\x16\x03\x01\x02 hello\r\n\r\n" };
  const int statuses[] = { 413, 417, 400 };
  for (int i = 0; i < 3; i++) {
    int fd = client_open(&mock);
    struct reply reply;
    send_text(fd, heads[i]);
    client_read(fd, 10000, &reply, NULL);
    assert_int_equal(reply.status, statuses[i]);
    assert_true(reply_has(&reply, "Connection: close"));
    reply_free(&reply);
    client_read(fd, 10000, &reply, NULL);
    assert_int_equal(reply.end, REPLY_FIN);
    reply_free(&reply);
    close(fd);
  }
}

static void a_chunked_body_meets_the_cap(void **state) {
  (void)state;
  int fd = client_open(&mock);
  char *block = sp_alloc(1u << 20);
  memset(block, 'x', 1u << 20);
  send_text(fd, "POST /v1/chat-messages HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 17; i++) {
    send_text(fd, "100000\r\n");
    client_send(fd, block, 1u << 20);
    send_text(fd, "\r\n");
  }
  struct reply reply;
  client_read(fd, 10000, &reply, NULL);
  assert_int_equal(reply.status, 413);
  reply_free(&reply);
  free(block);
  close(fd);
}

static json_int_t stat_of(const char *name) {
  struct reply reply;
  get(&mock, "/mock/stats", NULL, &reply);
  json_t *doc = json_loads(reply.body, 0, NULL);
  json_int_t value = json_integer_value(json_object_get(doc, name));
  assert_non_null(json_object_get(doc, name));
  json_decref(doc);
  reply_free(&reply);
  return value;
}

static void wait_for(const char *name, json_int_t value) {
  for (int i = 0; i < 1000 && stat_of(name) != value; i++) poll(NULL, 0, 10);
  assert_int_equal(stat_of(name), value);
}

static void a_client_that_goes_away_frees_its_stream(void **state) {
  (void)state;
  int fds[20];
  for (int i = 0; i < 20; i++) {
    fds[i] = client_open(&mock);
    ask_on(fds[i], "/v1/chat-messages", "app-chat", i % 2 ? "head=0 first=1h" : "head=0 fault=silence", CHAT_BODY);
  }
  wait_for("streams_open", 20);
  assert_true(stat_of("streams_max") >= 20);
  for (int i = 0; i < 20; i++) close(fds[i]);
  wait_for("streams_open", 0);
  wait_for("connections_open", 1); /* the one that asks */
}

/* The mock holds back what a client does not read, and goes on when it reads again. */
static void a_slow_reader_makes_its_stream_wait(void **state) {
  (void)state;
  int fd = client_open(&mock);
  ask_on(fd, "/v1/chat-messages", "app-chat", "head=0 queue=0 first=0 gap=0 tail=0 tokens=60000", CHAT_BODY);
  poll(NULL, 0, 300);
  struct reply reply;
  struct events events;
  client_read(fd, 10000, &reply, NULL);
  assert_int_equal(reply.end, REPLY_WHOLE);
  events_read(&events, reply.body);
  assert_int_equal(events.count, 60001);
  assert_string_equal(event_name(&events, 60000), "message_end");
  events_free(&events);
  reply_free(&reply);
  close(fd);
}

static void closing_the_mock_ends_what_is_under_way(void **state) {
  (void)state;
  struct mock_fixture other;
  mock_start(&other, NULL);
  int fds[10];
  for (int i = 0; i < 10; i++) {
    fds[i] = client_open(&other);
    ask_on(fds[i], "/v1/chat-messages", "app-chat", i % 2 ? "head=0 first=0 gap=1ms fault=endless" : "fault=silence",
           CHAT_BODY);
  }
  char byte;
  assert_int_equal(read(fds[1], &byte, 1), 1);
  mock_stop(&other);
  for (int i = 0; i < 10; i++) close(fds[i]);
}

static void a_wrong_profile_or_address_is_an_error(void **state) {
  (void)state;
  struct sp_err err = { 0 };
  struct sp_loop *loop = sp_loop_create(&err);
  struct sp_mock_options options = { .loop = loop, .address = "127.0.0.1:0", .profile_json = "{\"x\": 1}" };
  assert_null(sp_mock_create(&options, &err));
  assert_non_null(strstr(err.text, "profile: unknown member 'x'"));
  char taken[32];
  snprintf(taken, sizeof taken, "127.0.0.1:%d", mock.port);
  options = (struct sp_mock_options){ .loop = loop, .address = taken };
  assert_null(sp_mock_create(&options, &err));
  assert_non_null(strstr(err.text, taken));
  sp_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(small_gets_share_a_connection),
    cmocka_unit_test(a_head_request_has_no_body),
    cmocka_unit_test(pipelined_requests_are_answered_in_order),
    cmocka_unit_test(many_pipelined_gets_are_all_answered),
    cmocka_unit_test(http_1_0_gets_bodies_without_chunks),
    cmocka_unit_test(expect_continue_is_answered_before_the_body),
    cmocka_unit_test(what_is_too_large_or_no_http_is_refused),
    cmocka_unit_test(a_chunked_body_meets_the_cap),
    cmocka_unit_test(a_client_that_goes_away_frees_its_stream),
    cmocka_unit_test(a_slow_reader_makes_its_stream_wait),
    cmocka_unit_test(closing_the_mock_ends_what_is_under_way),
    cmocka_unit_test(a_wrong_profile_or_address_is_an_error),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
