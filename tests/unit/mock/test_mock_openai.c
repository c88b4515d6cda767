/* OpenAI's endpoints, over real sockets. */
#include "mock_fixture.h"

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

#define MESSAGES "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}]"

static json_t *choice(const struct events *events, size_t i) {
  return json_array_get(json_object_get(events->docs[i], "choices"), 0);
}

static json_int_t integer(json_t *object, const char *key) { return json_integer_value(json_object_get(object, key)); }

static void a_chat_streams_role_tokens_finish_usage_done(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK,
      "{" MESSAGES ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", &reply);
  assert_int_equal(reply.status, 200);
  assert_false(reply_has(&reply, "X-Env: PRODUCTION"));
  events_read(&events, reply.body);
  assert_int_equal(events.count, 1 + 3 + 1 + 1 + 1);
  assert_string_equal(json_string_value(json_object_get(json_object_get(choice(&events, 0), "delta"), "role")),
                      "assistant");
  const char *words[] = { "This ", "is ", "a " };
  for (size_t i = 0; i < 3; i++) {
    json_t *delta = json_object_get(choice(&events, 1 + i), "delta");
    assert_string_equal(json_string_value(json_object_get(delta, "content")), words[i]);
    assert_true(json_is_null(json_object_get(choice(&events, 1 + i), "finish_reason")));
  }
  assert_string_equal(json_string_value(json_object_get(choice(&events, 4), "finish_reason")), "stop");
  json_t *usage = json_object_get(events.docs[5], "usage");
  assert_int_equal(json_array_size(json_object_get(events.docs[5], "choices")), 0);
  assert_int_equal(integer(usage, "completion_tokens"), 3);
  assert_int_equal(integer(usage, "total_tokens"), integer(usage, "prompt_tokens") + 3);
  assert_string_equal(events.texts[6], "[DONE]");
  events_free(&events);
  reply_free(&reply);
}

static void every_choice_has_its_tokens(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK, "{" MESSAGES ",\"stream\":true,\"n\":3}", &reply);
  events_read(&events, reply.body);
  assert_int_equal(events.count, 3 * (1 + 3 + 1) + 1);
  for (size_t i = 0; i + 1 < events.count; i++) assert_int_equal(integer(choice(&events, i), "index"), i % 3);
  events_free(&events);
  reply_free(&reply);
}

static void max_tokens_cuts_the_answer(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK, "{" MESSAGES ",\"stream\":true,\"max_tokens\":1}", &reply);
  events_read(&events, reply.body);
  assert_int_equal(events.count, 1 + 1 + 1 + 1);
  assert_string_equal(json_string_value(json_object_get(json_object_get(choice(&events, 1), "delta"), "content")),
                      "This ");
  assert_string_equal(json_string_value(json_object_get(choice(&events, 2), "finish_reason")), "length");
  events_free(&events);
  reply_free(&reply);
}

static void without_stream_the_answer_comes_whole(void **state) {
  (void)state;
  struct reply reply;
  ask(&mock, "/v1/chat/completions", "sk-mock", QUICK, "{" MESSAGES ",\"n\":2}", &reply);
  json_t *doc = json_loads(reply.body, 0, NULL), *choices = json_object_get(doc, "choices");
  assert_string_equal(json_string_value(json_object_get(doc, "object")), "chat.completion");
  assert_int_equal(json_array_size(choices), 2);
  json_t *message = json_object_get(json_array_get(choices, 1), "message");
  assert_string_equal(json_string_value(json_object_get(message, "content")), "This is a ");
  assert_int_equal(integer(json_object_get(doc, "usage"), "completion_tokens"), 6);
  json_decref(doc);
  reply_free(&reply);
}

static void completions_stream_and_come_whole(void **state) {
  (void)state;
  struct reply reply;
  struct events events;
  ask(&mock, "/v1/completions", "sk-mock", QUICK, "{\"model\":\"m\",\"prompt\":\"x\",\"stream\":true}", &reply);
  events_read(&events, reply.body);
  assert_int_equal(events.count, 3 + 1 + 1);
  assert_string_equal(json_string_value(json_object_get(choice(&events, 0), "text")), "This ");
  assert_string_equal(event_name(&events, 0), "text_completion");
  events_free(&events);
  reply_free(&reply);
  ask(&mock, "/v1/completions", "sk-mock", QUICK, "{\"model\":\"m\",\"prompt\":[\"x\"]}", &reply);
  assert_non_null(strstr(reply.body, "\"text\":\"This is a \""));
  reply_free(&reply);
}

static void models_are_listed(void **state) {
  (void)state;
  struct reply reply;
  get(&mock, "/v1/models", "sk-mock", &reply);
  json_t *doc = json_loads(reply.body, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(doc, "data"), 0), "id")),
                      "mock-model");
  json_decref(doc);
  reply_free(&reply);
}

struct refusal {
  const char *path, *key, *body;
  int status;
  const char *says;
};

static void wrong_requests_get_openais_errors(void **state) {
  (void)state;
#define CHAT "/v1/chat/completions"
  const struct refusal refusals[] = {
    { CHAT, NULL, "{" MESSAGES "}", 401, "API key" },
    { CHAT, "app-simple", "{" MESSAGES "}", 401, "API key" },
    { CHAT, "sk-mock", "", 400, "no JSON object" },
    { CHAT, "sk-mock", "{\"messages\":[{}]}", 400, "model" },
    { CHAT, "sk-mock", "{\"model\":\"m\"}", 400, "messages" },
    { CHAT, "sk-mock", "{\"model\":\"m\",\"messages\":[]}", 400, "messages" },
    { CHAT, "sk-mock", "{" MESSAGES ",\"n\":10}", 400, "n must be" },
    { CHAT, "sk-mock", "{" MESSAGES ",\"n\":0}", 400, "n must be" },
    { CHAT, "sk-mock", "{" MESSAGES ",\"max_tokens\":\"9\"}", 400, "max_tokens" },
    { CHAT, "sk-mock", "{" MESSAGES ",\"stream\":1}", 400, "stream must be a boolean" },
    { CHAT, "sk-mock", "{" MESSAGES ",\"stream_options\":{}}", 400, "stream_options" },
    { "/v1/completions", "sk-mock", "{\"model\":\"m\"}", 400, "prompt" },
  };
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    struct reply reply;
    ask(&mock, refusals[i].path, refusals[i].key, NULL, refusals[i].body, &reply);
    json_t *doc = json_loads(reply.body, 0, NULL);
    const char *message = json_string_value(json_object_get(json_object_get(doc, "error"), "message"));
    if (reply.status != refusals[i].status || !message || !strstr(message, refusals[i].says))
      fail_msg("%s: got %d %s", refusals[i].body, reply.status, reply.body);
    json_decref(doc);
    reply_free(&reply);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_chat_streams_role_tokens_finish_usage_done),
    cmocka_unit_test(every_choice_has_its_tokens),
    cmocka_unit_test(max_tokens_cuts_the_answer),
    cmocka_unit_test(without_stream_the_answer_comes_whole),
    cmocka_unit_test(completions_stream_and_come_whole),
    cmocka_unit_test(models_are_listed),
    cmocka_unit_test(wrong_requests_get_openais_errors),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
