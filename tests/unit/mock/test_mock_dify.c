/* Dify's endpoints, over real sockets: what they answer, in which order, and what they refuse. */
#include "mock_fixture.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static struct mock_fixture mock;

static int start(void **state) {
  (void)state;
  mock_start(&mock, "{\"log\": 100, \"datasets\": [\"d1\"]}");
  return 0;
}
static int stop(void **state) {
  (void)state;
  mock_stop(&mock);
  return 0;
}

static void expect_order(const char *path, const char *key, const char *plan, const char *order) {
  struct reply reply;
  struct events events;
  ask(&mock, path, key, plan, CHAT_BODY, &reply);
  assert_int_equal(reply.end, REPLY_WHOLE);
  assert_int_equal(reply.status, 200);
  events_read(&events, reply.body);
  assert_true(reply.chunks >= events.count); /* one event, one chunk */
  char *got = event_order(&events);
  assert_string_equal(got, order);
  free(got);
  events_free(&events);
  reply_free(&reply);
}

#define NODE "node_started node_finished "

static void each_app_has_its_events_in_order(void **state) {
  (void)state;
  expect_order("/v1/chat-messages", "app-simple", "first=2ms",
               "ping workflow_started " NODE "node_started message node_finished message_end workflow_finished");
  expect_order("/v1/chat-messages", "app-complex", QUICK,
               "ping workflow_started " NODE NODE NODE NODE NODE "node_started message* node_finished " NODE
               "message_end workflow_finished");
  expect_order("/v1/chat-messages", "app-chat", QUICK, "message* message_end");
  expect_order("/v1/chat-messages", "app-agent", QUICK, "agent_thought agent_message* agent_thought message_end");
  expect_order("/v1/completion-messages", "app-completion", QUICK, "message* message_end");
  expect_order("/v1/workflows/run", "app-workflow", QUICK,
               "ping workflow_started " NODE NODE "node_started text_chunk* node_finished " NODE "workflow_finished");
}

static void the_end_of_a_chatflow_is_that_of_the_version(void **state) {
  (void)state;
#define HEAD "workflow_started " NODE "node_started message node_finished "
  expect_order("/v1/chat-messages", "app-simple", "first=2ms version=1.12.1", HEAD "workflow_finished message_end");
  expect_order("/v1/chat-messages", "app-simple", "first=2ms version=1.13.0", "ping " HEAD "workflow_finished");
  expect_order("/v1/chat-messages", "app-simple", "first=2ms version=1.13.1",
               "ping " HEAD "message_end workflow_finished");
}

static void the_head_is_difys_and_says_that_it_is_a_simulation(void **state) {
  (void)state;
  struct reply reply;
  ask(&mock, "/v1/chat-messages", "app-chat", QUICK, CHAT_BODY, &reply);
  assert_true(reply_has(&reply, "Content-Type: text/event-stream; charset=utf-8"));
  assert_true(reply_has(&reply, "Transfer-Encoding: chunked"));
  assert_true(reply_has(&reply, "X-Version: 1.13.3"));
  assert_true(reply_has(&reply, "X-Env: PRODUCTION"));
  assert_true(reply_has(&reply, "X-Spate-Mock: simulation"));
  reply_free(&reply);
  ask(&mock, "/v1/chat-messages", "app-chat", QUICK "version=1.12.0", CHAT_BODY, &reply);
  assert_true(reply_has(&reply, "X-Version: 1.12.0"));
  reply_free(&reply);
}

static double number(json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }
static void assert_close(double got, double expected) { assert_true(fabs(got - expected) < 1e-6); }
static const char *text(json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

static void times_in_the_stream_are_those_of_the_schedule(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  ask(&mock, "/v1/chat-messages", "app-complex", "head=1ms queue=2ms node=5ms first=10ms gap=3ms tokens=4 tail=1ms",
      CHAT_BODY, &reply);
  events_read(&events, reply.body);
  for (size_t i = 0; i < 7; i++) { /* six of 5 ms; the llm: first + 3 gaps */
    json_t *data = json_object_get(event_find(&events, "node_finished", i), "data");
    assert_close(number(data, "elapsed_time"), i == 5 ? 0.019 : 0.005);
    assert_string_equal(text(data, "status"), "succeeded");
  }
  json_t *usage = json_object_get(json_object_get(event_find(&events, "message_end", 0), "metadata"), "usage");
  assert_close(number(usage, "time_to_first_token"), 0.001 + 0.002 + 5 * 0.005 + 0.010);
  assert_close(number(usage, "time_to_generate"), 0.009);
  assert_close(number(usage, "latency"), 0.038 + 0.009 + 0.005 + 0.001);
  assert_int_equal(number(usage, "completion_tokens"), 4);
  assert_int_equal(number(usage, "total_tokens"), number(usage, "prompt_tokens") + 4);
  json_t *run = json_object_get(event_find(&events, "workflow_finished", 0), "data");
  assert_string_equal(text(run, "status"), "succeeded");
  assert_close(number(run, "elapsed_time"), 0.053 - 0.003);
  events_free(&events);
  reply_free(&reply);
}

static void the_log_has_the_truth(void **state) {
  (void)state;
  struct reply reply;
  ask(&mock, "/v1/chat-messages", "app-chat", "head=1ms queue=2ms first=10ms gap=3ms tokens=4 tail=1ms", CHAT_BODY,
      &reply);
  reply_free(&reply);
  get(&mock, "/mock/log", NULL, &reply);
  json_t *doc = json_loads(reply.body, 0, NULL), *entries = json_object_get(doc, "entries");
  json_t *last = json_array_get(entries, json_array_size(entries) - 1);
  assert_string_equal(text(last, "app"), "chat");
  json_int_t arrival = json_integer_value(json_object_get(last, "arrival_ns"));
  assert_true(arrival > 0);
  assert_int_equal(json_integer_value(json_object_get(last, "head_ns")) - arrival, 1000000);
  assert_int_equal(json_integer_value(json_object_get(last, "first_ns")) - arrival, 13000000);
  assert_int_equal(json_integer_value(json_object_get(last, "last_ns")) - arrival, 22000000);
  assert_int_equal(json_integer_value(json_object_get(last, "end_ns")) - arrival, 23000000);
  assert_int_equal(json_integer_value(json_object_get(last, "tokens")), 4);
  assert_true(json_is_null(json_object_get(last, "fault")));
  json_decref(doc);
  reply_free(&reply);
}

static void the_answer_is_the_text_of_the_profile(void **state) {
  (void)state;
  struct reply reply;
  for (int spaced = 0; spaced < 2; spaced++) {
    struct events events;
    char answer[512] = "";
    ask(&mock, "/v1/chat-messages", "app-chat", spaced ? QUICK "tokens=12 style=spaced" : QUICK "tokens=12", CHAT_BODY,
        &reply);
    events_read(&events, reply.body);
    assert_int_equal(strstr(reply.body, "\"event\": \"message\"") != NULL, spaced);
    for (size_t i = 0; i < events.count; i++)
      if (strcmp(event_name(&events, i), "message") == 0) strcat(answer, text(events.docs[i], "answer"));
    assert_string_equal(answer, "我可以回答常见问题,也可");
    for (size_t i = 0; spaced && i < reply.len; i++) assert_true((reply.body[i] & 0x80) == 0);
    events_free(&events);
    reply_free(&reply);
  }
}

static json_t *blocking(const char *path, const char *key, const char *plan, int status) {
  struct reply reply;
  ask(&mock, path, key, plan, BLOCKING_BODY, &reply);
  assert_int_equal(reply.end, REPLY_WHOLE);
  assert_int_equal(reply.status, status);
  json_t *doc = json_loads(reply.body, 0, NULL);
  assert_non_null(doc);
  reply_free(&reply);
  return doc;
}

static void blocking_answers_come_whole(void **state) {
  (void)state;
  json_t *doc = blocking("/v1/chat-messages", "app-simple", "first=2ms", 200);
  assert_string_equal(text(doc, "event"), "message");
  assert_string_equal(text(doc, "mode"), "advanced-chat");
  assert_true(strlen(text(doc, "answer")) > 20 && strlen(text(doc, "conversation_id")) == 36);
  assert_non_null(json_object_get(json_object_get(doc, "metadata"), "usage"));
  json_decref(doc);
  doc = blocking("/v1/completion-messages", "app-completion", QUICK, 200);
  assert_null(json_object_get(doc, "conversation_id"));
  assert_string_equal(text(doc, "answer"), "这是一");
  json_decref(doc);
  doc = blocking("/v1/workflows/run", "app-workflow", QUICK, 200);
  assert_string_equal(text(json_object_get(doc, "data"), "status"), "succeeded");
  json_decref(doc);
  doc = blocking("/v1/workflows/run", "app-workflow", QUICK "fault=failed", 200);
  assert_string_equal(text(json_object_get(doc, "data"), "status"), "failed");
  json_decref(doc);
  doc = blocking("/v1/chat-messages", "app-agent", QUICK, 400);
  assert_string_equal(text(doc, "message"), "Agent Chat App does not support blocking mode");
  json_decref(doc);
}

static void a_conversation_goes_on(void **state) {
  (void)state;
  json_t *first = blocking("/v1/chat-messages", "app-chat", QUICK, 200);
  char body[256];
  struct reply reply;
  snprintf(body, sizeof body, "{\"inputs\":{},\"query\":\"q\",\"user\":\"u\",\"conversation_id\":\"%s\"}",
           text(first, "conversation_id"));
  ask(&mock, "/v1/chat-messages", "app-chat", QUICK, body, &reply);
  json_t *second = json_loads(reply.body, 0, NULL);
  assert_string_equal(text(second, "conversation_id"), text(first, "conversation_id"));
  assert_string_not_equal(text(second, "message_id"), text(first, "message_id"));
  reply_free(&reply);
  ask(&mock, "/v1/chat-messages", "app-simple", QUICK, body, &reply); /* another app's */
  assert_int_equal(reply.status, 404);
  reply_free(&reply);
  json_decref(first);
  json_decref(second);
}

struct refusal {
  const char *path, *key, *plan, *body;
  int status;
  const char *code, *message;
};

static void wrong_requests_get_difys_errors(void **state) {
  (void)state;
#define CHAT "/v1/chat-messages"
#define RETRIEVE "/v1/datasets/d1/retrieve"
  static char long_query[400];
  snprintf(long_query, sizeof long_query, "{\"query\":\"%0251d\"}", 0);
  const struct refusal refusals[] = {
      {CHAT, NULL, NULL, CHAT_BODY, 401, "unauthorized", "Authorization header must be provided"},
      {CHAT, "app-nobody", NULL, CHAT_BODY, 401, "unauthorized", "Access token is invalid"},
      {CHAT, "dataset-demo", NULL, CHAT_BODY, 401, "unauthorized", ""},
      {CHAT, "app-simple", NULL, "", 400, "bad_request", ""},
      {CHAT, "app-simple", NULL, "[1]", 400, "bad_request", ""},
      {CHAT, "app-simple", NULL, "{\"inputs\":{},\"user\":\"u\"}", 400, "invalid_param", "query"},
      {CHAT, "app-simple", NULL, "{\"query\":\"x\",\"user\":\"u\"}", 400, "invalid_param", "inputs: Field required"},
      {CHAT, "app-simple", NULL, "{\"query\":\"x\",\"inputs\":[],\"user\":\"u\"}", 400, "invalid_param", "inputs"},
      {CHAT, "app-simple", NULL, "{\"query\":\"x\",\"inputs\":{}}", 400, "invalid_param", "Arg user must be provided."},
      {CHAT, "app-simple", NULL, "{\"query\":1,\"inputs\":{},\"user\":\"u\"}", 400, "invalid_param", "query"},
      {CHAT, "app-simple", NULL, "{\"query\":\"x\",\"inputs\":{},\"user\":\"u\",\"response_mode\":\"sync\"}", 400,
       "invalid_param", "response_mode"},
      {CHAT, "app-simple", NULL, "{\"query\":\"x\",\"inputs\":{},\"user\":\"u\",\"conversation_id\":\"x\"}", 400,
       "invalid_param", "UUID"},
      {CHAT, "app-simple", NULL,
       "{\"query\":\"x\",\"inputs\":{},\"user\":\"u\",\"conversation_id\":\"01234567-89ab-4def-8123-456789abcdef\"}",
       404, "not_found", "Conversation Not Exists."},
      {CHAT, "app-workflow", NULL, CHAT_BODY, 400, "not_chat_app", ""},
      {"/v1/workflows/run", "app-simple", NULL, CHAT_BODY, 400, "not_workflow_app", ""},
      {"/v1/completion-messages", "app-simple", NULL, CHAT_BODY, 400, "not_completion_app", ""},
      {CHAT, "app-simple", "gapp=1ms", CHAT_BODY, 400, "bad_mock_plan", "did you mean 'gap'?"},
      {CHAT, "app-chat", "fault=failed", CHAT_BODY, 400, "bad_mock_plan", "'failed' does not apply"},
      {CHAT "/x/stop", "app-chat", NULL, "{}", 400, "invalid_param", "user"},
      {CHAT "/x/stop", NULL, NULL, "{}", 401, "unauthorized", ""},
      {RETRIEVE, "app-simple", NULL, "{\"query\":\"x\"}", 401, "unauthorized", ""},
      {RETRIEVE, "dataset-demo", NULL, "{}", 400, "invalid_param", "Query or attachment_ids is required"},
      {RETRIEVE, "dataset-demo", NULL, long_query, 400, "invalid_param", "Query cannot exceed 250 characters"},
      {RETRIEVE, "dataset-demo", NULL, "x", 400, "bad_request", ""},
      {RETRIEVE, "dataset-demo", NULL, "{\"query\":\"x\",\"retrieval_model\":{}}", 400, "invalid_param",
       "search_method"},
      {RETRIEVE, "dataset-demo", NULL, "{\"query\":\"x\",\"retrieval_model\":{\"search_method\":\"best\"}}", 400,
       "invalid_param", "hybrid_search"},
      {"/v1/datasets/d2/retrieve", "dataset-demo", NULL, "{\"query\":\"x\"}", 404, "not_found", "Dataset not found."},
      {"/v1/nowhere", "app-simple", NULL, "{}", 404, "not_found", ""},
      {"/v1/info", "app-simple", NULL, "{}", 405, "method_not_allowed", ""},
  };
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal *wrong = &refusals[i];
    struct reply reply;
    ask(&mock, wrong->path, wrong->key, wrong->plan, wrong->body, &reply);
    json_t *doc = json_loads(reply.body, 0, NULL);
    if (reply.status != wrong->status || !doc || strcmp(text(doc, "code"), wrong->code) != 0 ||
        number(doc, "status") != wrong->status || !strstr(text(doc, "message"), wrong->message))
      fail_msg("%s %s: got %d %s", wrong->path, wrong->body, reply.status, reply.body);
    assert_true(reply_has(&reply, "X-Version: 1.13.3"));
    assert_int_equal(reply_has(&reply, "WWW-Authenticate: Bearer realm=\"api\""), wrong->status == 401);
    json_decref(doc);
    reply_free(&reply);
  }
}

static void a_retrieval_has_its_records(void **state) {
  (void)state;
  struct reply reply;
  ask(&mock, RETRIEVE, "dataset-demo", "head=1ms",
      "{\"query\":\"流程审批是什么?\",\"retrieval_model\":{\"search_method\":\"hybrid_search\","
      "\"reranking_enable\":false,\"score_threshold_enabled\":false}}", &reply);
  json_t *doc = json_loads(reply.body, 0, NULL), *records = json_object_get(doc, "records");
  assert_string_equal(text(json_object_get(doc, "query"), "content"), "流程审批是什么?");
  assert_int_equal(json_array_size(records), 3);
  double before = 1;
  for (size_t i = 0; i < 3; i++) {
    json_t *record = json_array_get(records, i);
    assert_true(number(record, "score") < before);
    before = number(record, "score");
    assert_non_null(text(json_object_get(record, "segment"), "content"));
  }
  json_decref(doc);
  reply_free(&reply);
  ask(&mock, "/v1/datasets/d1/hit-testing", "dataset-demo", "head=1ms",
      "{\"query\":\"x\",\"retrieval_model\":{\"search_method\":\"keyword_search\",\"reranking_enable\":false,"
      "\"score_threshold_enabled\":false,\"top_k\":1}}", &reply);
  doc = json_loads(reply.body, 0, NULL);
  assert_int_equal(json_array_size(json_object_get(doc, "records")), 1);
  json_decref(doc);
  reply_free(&reply);
}

static void the_stop_endpoint_stops_the_stream(void **state) {
  (void)state;
  const char *keys[] = { "app-chat", "app-workflow" }, *paths[] = { "/v1/chat-messages", "/v1/workflows/run" };
  const char *stops[] = { "/v1/chat-messages", "/v1/workflows/tasks" };
  for (int i = 0; i < 2; i++) {
    int fd = client_open(&mock);
    ask_on(fd, paths[i], keys[i], QUICK "fault=endless gap=5ms", CHAT_BODY);
    char *begun = client_read_raw(fd, 10000, "\"task_id\":\"", NULL, NULL), path[128], task[37];
    snprintf(task, sizeof task, "%.36s", strstr(begun, "\"task_id\":\"") + 11);
    snprintf(path, sizeof path, "%s/%s/stop", stops[i], task);
    struct reply reply;
    ask(&mock, path, keys[i], NULL, "{\"user\":\"u\"}", &reply);
    assert_string_equal(reply.body, "{\"result\":\"success\"}");
    char *rest = client_read_raw(fd, 10000, "\r\n0\r\n\r\n", NULL, NULL);
    assert_non_null(strstr(rest, i == 0 ? "\"event\":\"message_end\"" : "\"status\":\"stopped\""));
    assert_non_null(strstr(rest, "\r\n0\r\n\r\n"));
    reply_free(&reply);
    ask(&mock, path, keys[i], NULL, "{\"user\":\"u\"}", &reply); /* it is over: still a success */
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    ask_on(fd, paths[i], keys[i], QUICK, CHAT_BODY); /* the connection serves on */
    client_read(fd, 10000, &reply, NULL);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    free(begun);
    free(rest);
    close(fd);
  }
}

static void info_tells_the_mode(void **state) {
  (void)state;
  struct reply reply;
  get(&mock, "/v1/info", "app-complex", &reply);
  json_t *doc = json_loads(reply.body, 0, NULL);
  assert_string_equal(text(doc, "mode"), "advanced-chat");
  json_decref(doc);
  reply_free(&reply);
  get(&mock, "/v1/parameters?user=u", "app-complex", &reply);
  doc = json_loads(reply.body, 0, NULL);
  assert_true(json_is_array(json_object_get(doc, "user_input_form")));
  json_decref(doc);
  reply_free(&reply);
  get(&mock, "/v1/info", NULL, &reply);
  assert_int_equal(reply.status, 401);
  reply_free(&reply);
}

static void too_many_at_once_are_refused(void **state) {
  (void)state;
  struct mock_fixture small;
  mock_start(&small, "{\"max_active\": 1, \"retry_after_s\": 7}");
  int fd = client_open(&small);
  ask_on(fd, "/v1/chat-messages", "app-chat", "head=0 fault=silence", CHAT_BODY);
  struct reply reply = { 0 };
  do { /* until the first one has arrived */
    reply_free(&reply);
    ask(&small, "/v1/chat-messages", "app-chat", QUICK, CHAT_BODY, &reply);
  } while (reply.status == 200);
  assert_int_equal(reply.status, 429);
  assert_true(reply_has(&reply, "Retry-After: 7"));
  assert_non_null(strstr(reply.body, "\"code\":\"too_many_requests\""));
  close(fd); /* the slot is free again */
  do {
    reply_free(&reply);
    ask(&small, "/v1/chat-messages", "app-chat", QUICK, CHAT_BODY, &reply);
  } while (reply.status == 429);
  assert_int_equal(reply.status, 200);
  reply_free(&reply);
  mock_stop(&small);
}

static void the_same_seed_and_order_give_the_same_log(void **state) {
  (void)state;
  char *logs[2];
  for (int run = 0; run < 2; run++) {
    struct mock_fixture seeded;
    struct reply reply;
    struct sp_buf offsets;
    sp_buf_init(&offsets, 1u << 20);
    mock_start(&seeded,
               "{\"seed\": 5, \"log\": 10, \"apps\": {\"chat\": {\"first\": {\"lognormal\": [5, 0.5]}, \"gap\": "
               "{\"exponential\": 1}, \"tokens\": {\"uniform\": [2, 9]}}}}");
    for (int i = 0; i < 4; i++) {
      ask(&seeded, "/v1/chat-messages", "app-chat", NULL, CHAT_BODY, &reply);
      reply_free(&reply);
    }
    get(&seeded, "/mock/log", NULL, &reply);
    json_t *doc = json_loads(reply.body, 0, NULL), *entry;
    size_t i;
    json_array_foreach(json_object_get(doc, "entries"), i, entry)
      sp_buf_printf(&offsets, "%s %lld %lld\n", text(entry, "task_id"),
                    (long long)(json_integer_value(json_object_get(entry, "end_ns")) -
                                json_integer_value(json_object_get(entry, "arrival_ns"))),
                    (long long)json_integer_value(json_object_get(entry, "tokens")));
    logs[run] = sp_buf_take(&offsets);
    json_decref(doc);
    reply_free(&reply);
    mock_stop(&seeded);
  }
  assert_string_equal(logs[0], logs[1]);
  free(logs[0]);
  free(logs[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_app_has_its_events_in_order),
    cmocka_unit_test(the_end_of_a_chatflow_is_that_of_the_version),
    cmocka_unit_test(the_head_is_difys_and_says_that_it_is_a_simulation),
    cmocka_unit_test(times_in_the_stream_are_those_of_the_schedule),
    cmocka_unit_test(the_log_has_the_truth),
    cmocka_unit_test(the_answer_is_the_text_of_the_profile),
    cmocka_unit_test(blocking_answers_come_whole),
    cmocka_unit_test(a_conversation_goes_on),
    cmocka_unit_test(wrong_requests_get_difys_errors),
    cmocka_unit_test(a_retrieval_has_its_records),
    cmocka_unit_test(the_stop_endpoint_stops_the_stream),
    cmocka_unit_test(info_tells_the_mode),
    cmocka_unit_test(too_many_at_once_are_refused),
    cmocka_unit_test(the_same_seed_and_order_give_the_same_log),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
