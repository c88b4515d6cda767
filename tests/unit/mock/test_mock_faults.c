/* Each fault's bytes on the wire. */
#include "mock_fixture.h"

#include "mock/fault.h"

#include <stdio.h>
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

/* A request with the fault to an app; CHAT has no nodes, FLOW has. */
static void fault(const char *words, bool flow, bool streaming, struct reply *reply) {
  char plan[256];
  snprintf(plan, sizeof plan, QUICK "%s", words);
  int fd = client_open(&mock);
  ask_on(fd, "/v1/chat-messages", flow ? "app-complex" : "app-chat", plan, streaming ? CHAT_BODY : BLOCKING_BODY);
  client_read(fd, 300, reply, NULL);
  close(fd);
}

static unsigned tokens_in(const struct reply *reply) {
  unsigned count = 0;
  for (const char *at = reply->body; (at = strstr(at, "\"event\":\"message\"")) != NULL; at++) count++;
  return count;
}

struct expected {
  const char *words;
  bool flow;
  enum reply_end end;
  int status;
  unsigned tokens;
  const char *has, *has_not; /* in the body; NULL: whatever */
};

static void a_stream_goes_wrong_as_asked_for(void **state) {
  (void)state;
#define END "\"event\":\"message_end\""
  const struct expected all[] = {
    { "", false, REPLY_WHOLE, 200, 3, END, NULL },
    { "fault=truncate", false, REPLY_WHOLE, 200, 0, NULL, END },
    { "fault=truncate@3", false, REPLY_WHOLE, 200, 2, NULL, END },
    { "fault=truncate@9", false, REPLY_WHOLE, 200, 3, NULL, END },
    { "fault=truncate@9", true, REPLY_WHOLE, 200, 3, NULL, END },
    { "fault=noterminal", false, REPLY_WHOLE, 200, 3, NULL, END },
    { "fault=cut@2", false, REPLY_FIN, 200, 1, NULL, END },
    { "fault=reset@2", false, REPLY_RESET, 200, 1, NULL, END },
    { "fault=reset_head", false, REPLY_RESET, 0, 0, NULL, NULL },
    { "fault=close_head", false, REPLY_FIN, 0, 0, NULL, NULL },
    { "fault=error@2", false, REPLY_WHOLE, 200, 1, "\"event\":\"error\"", END },
    { "fault=error", true, REPLY_WHOLE, 200, 0, "\"code\":\"completion_request_error\",\"status\":400", END },
    { "fault=error_nocode", true, REPLY_SILENT, 200, 0, "{\"event\":\"error\",\"message\":", "\"code\"" },
    { "fault=error_nocode eof_lag=1ms", true, REPLY_WHOLE, 200, 0, "{\"event\":\"error\",\"message\":", NULL },
    { "fault=failed@2", true, REPLY_WHOLE, 200, 1, "\"status\":\"failed\"", "\"event\":\"error\"" },
    { "fault=failed version=1.12 style=compact", true, REPLY_WHOLE, 200, 0, "\"event\":\"error\"", END },
    { "fault=stopped@2", true, REPLY_WHOLE, 200, 1, "\"status\":\"stopped\"", END },
    { "fault=stopped@2", false, REPLY_WHOLE, 200, 1, END, NULL },
    { "fault=partial", true, REPLY_WHOLE, 200, 3, "\"status\":\"partial-succeeded\"", NULL },
    { "fault=partial", true, REPLY_WHOLE, 200, 3, "\"status\":\"exception\"", NULL },
    { "fault=paused@2", true, REPLY_WHOLE, 200, 1, "\"event\":\"workflow_paused\"", END },
    { "fault=stall@2", false, REPLY_SILENT, 200, 1, NULL, END },
    { "stall=20ms", false, REPLY_WHOLE, 200, 3, END, NULL },
    { "fault=silence", false, REPLY_SILENT, 0, 0, NULL, NULL },
    { "fault=429", false, REPLY_WHOLE, 429, 0, "\"code\":\"too_many_requests\"", NULL },
    { "fault=400", false, REPLY_WHOLE, 400, 0, "\"code\":\"invalid_param\"", NULL },
    { "fault=500", false, REPLY_WHOLE, 500, 0, "\"code\":\"internal_server_error\"", NULL },
    { "fault=503html", false, REPLY_WHOLE, 503, 0, "<center>nginx</center>", NULL },
    { "fault=html200", false, REPLY_WHOLE, 200, 0, "<!DOCTYPE html>", NULL },
    { "fault=nohead", false, REPLY_FIN, 0, 0, NULL, NULL },
    { "fault=garbage", false, REPLY_BROKEN, 0, 0, NULL, NULL },
    { "fault=badchunk@2", false, REPLY_BROKEN, 200, 1, NULL, END },
    { "fault=badjson@2", false, REPLY_WHOLE, 200, 4, "cut in the mid\n\n", NULL },
    { "fault=drip", true, REPLY_WHOLE, 200, 3, END, NULL },
    { "fault=lump", false, REPLY_WHOLE, 200, 3, END, NULL },
    { "fault=empty", true, REPLY_WHOLE, 200, 0, "\"status\":\"succeeded\"", NULL },
    { "fault=unknown_event", true, REPLY_WHOLE, 200, 3, "\"event\":\"mock_unheard_of\"", NULL },
    { "fault=replace@2", false, REPLY_WHOLE, 200, 3, "\"event\":\"message_replace\"", NULL },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct reply reply;
    fault(all[i].words, all[i].flow, true, &reply);
    if (reply.end != all[i].end || reply.status != all[i].status || tokens_in(&reply) != all[i].tokens ||
        (all[i].has && !strstr(reply.body, all[i].has)) || (all[i].has_not && strstr(reply.body, all[i].has_not)))
      fail_msg("%s: end %d, status %d, %u tokens: %s", all[i].words, reply.end, reply.status, tokens_in(&reply),
               reply.body);
    reply_free(&reply);
  }
}

static void a_whole_answer_goes_wrong_as_asked_for(void **state) {
  (void)state;
  const struct expected all[] = {
    { "", false, REPLY_WHOLE, 200, 1, "\"created_at\"", NULL },
    { "fault=cut", false, REPLY_FIN, 200, 1, NULL, "\"created_at\"" },
    { "fault=reset", false, REPLY_RESET, 200, 1, NULL, "\"created_at\"" },
    { "fault=reset_head", false, REPLY_RESET, 0, 0, NULL, NULL },
    { "fault=close_head", false, REPLY_FIN, 0, 0, NULL, NULL },
    { "fault=stall", false, REPLY_SILENT, 200, 1, NULL, "\"created_at\"" },
    { "stall=20ms", false, REPLY_WHOLE, 200, 1, "\"created_at\"", NULL },
    { "fault=silence", false, REPLY_SILENT, 0, 0, NULL, NULL },
    { "fault=error", false, REPLY_WHOLE, 400, 0, "\"code\":\"completion_request_error\"", NULL },
    { "fault=failed", true, REPLY_WHOLE, 400, 0, "\"code\":\"completion_request_error\"", NULL },
    { "fault=badjson", false, REPLY_WHOLE, 200, 1, NULL, "\"created_at\"" },
    { "fault=503html", false, REPLY_WHOLE, 503, 0, "nginx", NULL },
    { "fault=drip", false, REPLY_WHOLE, 200, 1, "\"created_at\"", NULL },
    { "fault=truncate", false, REPLY_WHOLE, 400, 0, "does not apply to the blocking answer", NULL },
    { "fault=crlf", false, REPLY_WHOLE, 400, 0, "bad_mock_plan", NULL },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct reply reply;
    fault(all[i].words, all[i].flow, false, &reply);
    if (reply.end != all[i].end || reply.status != all[i].status || tokens_in(&reply) != all[i].tokens ||
        (all[i].has && !strstr(reply.body, all[i].has)) || (all[i].has_not && strstr(reply.body, all[i].has_not)))
      fail_msg("%s: end %d, status %d: %s", all[i].words, reply.end, reply.status, reply.body);
    reply_free(&reply);
  }
}

static void a_big_head_is_over_a_megabyte(void **state) {
  (void)state;
  struct reply reply;
  fault("fault=bighead", false, true, &reply);
  assert_int_equal(reply.end, REPLY_WHOLE);
  assert_true(strlen(reply.head) > 1000000);
  reply_free(&reply);
}

static void garbage_is_no_http(void **state) {
  (void)state;
  const char *words[] = { "fault=garbage", "fault=nohead" };
  for (int i = 0; i < 2; i++) {
    int fd = client_open(&mock);
    size_t len;
    enum reply_end end;
    ask_on(fd, "/v1/chat-messages", "app-chat", words[i], CHAT_BODY);
    char *bytes = client_read_raw(fd, 10000, NULL, &len, &end);
    assert_int_equal(end, REPLY_FIN);
    assert_true(len > 20);
    assert_int_not_equal(strncmp(bytes, "HTTP", 4), 0);
    free(bytes);
    close(fd);
  }
}

static void each_token_is_cut_inside_a_character(void **state) {
  (void)state;
  int fd = client_open(&mock);
  ask_on(fd, "/v1/chat-messages", "app-chat", QUICK "fault=splitutf8", CHAT_BODY);
  char *bytes = client_read_raw(fd, 10000, "\r\n0\r\n\r\n", NULL, NULL);
  unsigned cuts = 0;
  for (const char *at = bytes; (at = strstr(at, "\xe8\r\n")) != NULL; at++)
    cuts++; /* the chunk ends in the lead byte */
  assert_int_equal(cuts, 3);
  free(bytes);
  close(fd);
  struct reply reply;
  struct events events;
  fault("fault=splitutf8", false, true, &reply);
  events_read(&events, reply.body);
  assert_string_equal(json_string_value(json_object_get(events.docs[0], "answer")), "试");
  events_free(&events);
  reply_free(&reply);
}

static void lines_end_in_crlf(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  fault("fault=crlf", true, true, &reply);
  for (size_t i = 0; i < reply.len; i++) assert_true(reply.body[i] != '\n' || reply.body[i - 1] == '\r');
  events_read(&events, reply.body);
  assert_string_equal(event_name(&events, events.count - 1), "workflow_finished");
  events_free(&events);
  reply_free(&reply);
}

static void an_endless_stream_goes_on(void **state) {
  (void)state;
  int fd = client_open(&mock);
  ask_on(fd, "/v1/chat-messages", "app-chat", "head=0 first=0 gap=0 fault=endless", CHAT_BODY);
  for (int i = 0; i < 2000; i++) {
    char bytes[8192];
    assert_true(read(fd, bytes, sizeof bytes) > 0);
  }
  close(fd);
  struct reply reply; /* one without gaps leaves the others their turn, also when its client is gone */
  get(&mock, "/healthz", NULL, &reply);
  assert_int_equal(reply.status, 200);
  reply_free(&reply);
}

static void openai_has_faults_of_its_own_shape(void **state) {
  (void)state;
  struct reply reply;
  const char *body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true}";
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK "fault=error@2", body, &reply);
  assert_non_null(strstr(reply.body, "data: {\"error\":{\"message\":"));
  assert_null(strstr(reply.body, "[DONE]"));
  reply_free(&reply);
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK "fault=429", body, &reply);
  assert_int_equal(reply.status, 429);
  assert_true(reply_has(&reply, "Retry-After: 1"));
  assert_non_null(strstr(reply.body, "{\"error\":{\"message\":"));
  reply_free(&reply);
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK "fault=failed", body, &reply);
  assert_int_equal(reply.status, 400);
  reply_free(&reply);
}

static void a_profile_gives_faults_their_share(void **state) {
  (void)state;
  struct mock_fixture faulty;
  mock_start(&faulty, "{\"faults\": [{\"fault\": \"500\", \"share\": 0.5, \"app\": \"chat\"},"
                      " {\"fault\": \"failed\", \"share\": 0.5}]}"); /* failed does not apply to a chat */
  unsigned failed = 0;
  for (int i = 0; i < 200; i++) {
    struct reply reply;
    ask(&faulty, "/v1/chat-messages", "app-chat", "head=0 first=0 gap=0 tail=0 tokens=1", CHAT_BODY, &reply);
    failed += reply.status == 500;
    reply_free(&reply);
  }
  assert_in_range(failed, 60, 140);
  mock_stop(&faulty);
}

static void the_table_is_whole(void **state) {
  (void)state;
  size_t count = 0;
  for (; sp_fault_at(count); count++) {
    const struct sp_fault *row = sp_fault_at(count);
    assert_ptr_equal(sp_fault_find(sp_str_from(row->name)), row);
    assert_non_null(row->stream);
    assert_true(row->text && row->text[0]);
  }
  assert_int_equal(count, 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stream_goes_wrong_as_asked_for),
    cmocka_unit_test(a_whole_answer_goes_wrong_as_asked_for),
    cmocka_unit_test(a_big_head_is_over_a_megabyte),
    cmocka_unit_test(garbage_is_no_http),
    cmocka_unit_test(each_token_is_cut_inside_a_character),
    cmocka_unit_test(lines_end_in_crlf),
    cmocka_unit_test(an_endless_stream_goes_on),
    cmocka_unit_test(openai_has_faults_of_its_own_shape),
    cmocka_unit_test(a_profile_gives_faults_their_share),
    cmocka_unit_test(the_table_is_whole),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
