/* OpenAI's API: chat completions, completions, models. */
#include "mock/handlers.h"
#include "mock/route.h"
#include "mock/stream.h"

#include <jansson.h>
#include <stdio.h>

#define CHOICES_MAX 9u /* n: one digit in a token's frame */
#define MODEL_DEFAULT "mock-model"

/* -- events -- */

static const char *model_of(const struct sp_mock_exchange *exchange) {
  return exchange->app->model ? exchange->app->model : MODEL_DEFAULT;
}

static struct sp_jw open_object(const struct sp_mock_exchange *exchange, struct sp_buf *out, const char *object) {
  char id[64];
  bool chat = object[0] == 'c';
  snprintf(id, sizeof id, "%s-%s", chat ? "chatcmpl" : "cmpl", exchange->task_id);
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "id", id);
  sp_jw_text(&jw, "object", object);
  sp_jw_int(&jw, "created", exchange->created_s);
  sp_jw_text(&jw, "model", model_of(exchange));
  return jw;
}

static void put_usage(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  int64_t completion = (int64_t)exchange->schedule.token * exchange->choices;
  sp_jw_open(jw, "usage", '{');
  sp_jw_int(jw, "prompt_tokens", exchange->prompt_tokens);
  sp_jw_int(jw, "completion_tokens", completion);
  sp_jw_int(jw, "total_tokens", exchange->prompt_tokens + completion);
  sp_jw_close(jw, '}');
}

static const char *finish_reason(const struct sp_mock_exchange *exchange) {
  return exchange->capped ? "length" : "stop";
}

/* A chunk with one choice. What the choice holds is written by the caller in between. */
static struct sp_jw open_chunk(const struct sp_mock_exchange *exchange, struct sp_buf *out, const char *object,
                               unsigned choice) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = open_object(exchange, out, object);
  sp_jw_open(&jw, "choices", '[');
  sp_jw_open(&jw, NULL, '{');
  sp_jw_int(&jw, "index", choice);
  return jw;
}

static void close_chunk(struct sp_jw *jw, const char *reason) {
  sp_jw_raw(jw, "logprobs", "null");
  sp_jw_text(jw, "finish_reason", reason);
  sp_jw_close(jw, '}');
  sp_jw_close(jw, ']');
  sp_jw_close(jw, '}');
}

static void put_role(const struct sp_mock_exchange *exchange, struct sp_buf *out, unsigned choice) {
  struct sp_jw jw = open_chunk(exchange, out, "chat.completion.chunk", choice);
  sp_jw_open(&jw, "delta", '{');
  sp_jw_text(&jw, "role", "assistant");
  sp_jw_text(&jw, "content", "");
  sp_jw_close(&jw, '}');
  close_chunk(&jw, NULL);
}

static void put_finish(const struct sp_mock_exchange *exchange, struct sp_buf *out, const char *object,
                       unsigned choice) {
  struct sp_jw jw = open_chunk(exchange, out, object, choice);
  if (object[0] == 'c') sp_jw_raw(&jw, "delta", "{}");
  else sp_jw_text(&jw, "text", "");
  close_chunk(&jw, finish_reason(exchange));
}

static void put_usage_chunk(const struct sp_mock_exchange *exchange, struct sp_buf *out, const char *object) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = open_object(exchange, out, object);
  sp_jw_raw(&jw, "choices", "[]");
  put_usage(exchange, &jw);
  sp_jw_close(&jw, '}');
}

static void put_error(struct sp_buf *out) {
  sp_buf_append(out, "data: ", 6);
  sp_mock_put_error(out, SP_API_OPENAI, 500, "server_error", "[mock] the engine failed on request");
}

static void put_unknown(const struct sp_mock_exchange *exchange, struct sp_buf *out) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = open_object(exchange, out, "mock.unheard_of");
  sp_jw_close(&jw, '}');
}

/* The finish of each choice, usage where it was asked for, and the end mark. */
static bool end_part(const struct sp_mock_exchange *exchange, unsigned part, struct sp_buf *out, const char *object) {
  if (part < exchange->choices) {
    put_finish(exchange, out, object, part);
    return true;
  }
  if (part == exchange->choices && exchange->include_usage) {
    put_usage_chunk(exchange, out, object);
    return true;
  }
  sp_buf_append_text(out, "data: [DONE]");
  return false;
}

static bool common_part(const struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part,
                        struct sp_buf *out, const char *object) {
  if (step == SP_STEP_END) return end_part(exchange, part, out, object);
  if (step == SP_STEP_ERROR) put_error(out);
  if (step == SP_STEP_UNKNOWN) put_unknown(exchange, out);
  return false;
}

static bool chat_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part, struct sp_buf *out) {
  if (step != SP_STEP_BEGIN) return common_part(exchange, step, part, out, "chat.completion.chunk");
  put_role(exchange, out, part);
  return part + 1 < exchange->choices;
}

static bool completion_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part,
                            struct sp_buf *out) {
  return common_part(exchange, step, part, out, "text_completion");
}

static void chat_token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  struct sp_jw jw = open_chunk(exchange, before, "chat.completion.chunk", 0);
  exchange->choice_at = (uint32_t)before->len - 1;
  sp_jw_open(&jw, "delta", '{');
  sp_jw_open_string(&jw, "content");
  sp_buf_append_text(after, exchange->spaced ? "\"}, \"logprobs\": null, \"finish_reason\": null}]}"
                                             : "\"},\"logprobs\":null,\"finish_reason\":null}]}");
}

static void completion_token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  struct sp_jw jw = open_chunk(exchange, before, "text_completion", 0);
  exchange->choice_at = (uint32_t)before->len - 1;
  sp_jw_open_string(&jw, "text");
  sp_buf_append_text(after, exchange->spaced ? "\", \"logprobs\": null, \"finish_reason\": null}]}"
                                             : "\",\"logprobs\":null,\"finish_reason\":null}]}");
}

/* -- whole answers -- */

static void put_choice(const struct sp_mock_exchange *exchange, struct sp_jw *jw, unsigned index, bool chat) {
  sp_jw_open(jw, NULL, '{');
  sp_jw_int(jw, "index", index);
  if (chat) {
    sp_jw_open(jw, "message", '{');
    sp_jw_text(jw, "role", "assistant");
    sp_mock_put_answer(exchange, jw, "content");
    sp_jw_close(jw, '}');
  } else {
    sp_mock_put_answer(exchange, jw, "text");
  }
  sp_jw_raw(jw, "logprobs", "null");
  sp_jw_text(jw, "finish_reason", finish_reason(exchange));
  sp_jw_close(jw, '}');
}

static void put_whole(const struct sp_mock_exchange *exchange, struct sp_buf *out, bool chat) {
  struct sp_jw jw = open_object(exchange, out, chat ? "chat.completion" : "text_completion");
  sp_jw_open(&jw, "choices", '[');
  for (unsigned i = 0; i < exchange->choices; i++) put_choice(exchange, &jw, i, chat);
  sp_jw_close(&jw, ']');
  put_usage(exchange, &jw);
  sp_jw_close(&jw, '}');
}

static void chat_whole(struct sp_mock_exchange *exchange, struct sp_buf *out) { put_whole(exchange, out, true); }
static void completion_whole(struct sp_mock_exchange *exchange, struct sp_buf *out) { put_whole(exchange, out, false); }

static const struct sp_mock_kind chat = { SP_API_OPENAI, false, chat_part, chat_token, chat_whole };
static const struct sp_mock_kind completion = {SP_API_OPENAI, false, completion_part, completion_token,
                                               completion_whole};

/* -- the request -- */

static void refuse(struct sp_mock_conn *conn, const struct sp_mock_request *request, const char *message) {
  sp_mock_fail(conn, request, 400, "invalid_request_error", message);
}

static bool read_count(json_t *doc, const char *name, json_int_t most, json_int_t *out) {
  json_t *value = json_object_get(doc, name);
  if (!value || json_is_null(value)) return true;
  *out = json_integer_value(value);
  return json_is_integer(value) && *out >= 1 && *out <= most;
}

static const char *read_options(json_t *doc, struct sp_mock_start *start) {
  json_int_t choices = 1, cap = 0;
  if (!json_string_value(json_object_get(doc, "model"))) return "you must provide a model parameter";
  if (!read_count(doc, "n", CHOICES_MAX, &choices)) return "n must be a whole number from 1 to 9 (the mock's limit)";
  if (!read_count(doc, "max_tokens", INT32_MAX, &cap) || !read_count(doc, "max_completion_tokens", INT32_MAX, &cap))
    return "max_tokens must be a positive whole number";
  json_t *stream = json_object_get(doc, "stream"), *options = json_object_get(doc, "stream_options");
  if (stream && !json_is_boolean(stream) && !json_is_null(stream)) return "stream must be a boolean";
  start->streaming = json_is_true(stream);
  if (json_is_object(options) && !start->streaming) return "stream_options is only allowed when stream is enabled";
  start->include_usage = json_is_true(json_object_get(options, "include_usage"));
  start->choices = (unsigned)choices;
  start->token_cap = (uint64_t)cap;
  return NULL;
}

static uint32_t count_prompt(json_t *value) {
  if (json_is_string(value))
    return (uint32_t)(sp_utf8_count(sp_str_of(json_string_value(value), json_string_length(value))) / 3);
  uint32_t sum = 0;
  size_t i;
  json_t *message;
  json_array_foreach(value, i, message) {
    json_t *content = json_object_get(message, "content");
    if (json_is_string(content)) sum += count_prompt(content) + 4;
  }
  return sum;
}

static void begin(struct sp_mock_conn *conn, struct sp_mock_request *request, json_t *doc,
                  struct sp_mock_start *start) {
  bool is_chat = start->kind == &chat;
  json_t *prompt = json_object_get(doc, is_chat ? "messages" : "prompt");
  const char *problem = json_is_object(doc) ? read_options(doc, start) : "the body is no JSON object";
  if (!problem && is_chat && (!json_is_array(prompt) || json_array_size(prompt) == 0))
    problem = "'messages' is required: a list with at least one message";
  if (!problem && !is_chat && !json_is_string(prompt) && !json_is_array(prompt)) problem = "'prompt' is required";
  if (problem) {
    refuse(conn, request, problem);
    return;
  }
  start->prompt_tokens = 3 + count_prompt(prompt);
  sp_mock_exchange_begin(conn, request, start);
}

static void serve(struct sp_mock_conn *conn, struct sp_mock_request *request, const struct sp_mock_kind *kind) {
  const struct sp_mock_app *app = sp_mock_authenticate(conn, request, SP_KEY_MODEL);
  if (!app) return;
  struct sp_mock_plan plan;
  struct sp_err err;
  if (sp_mock_plan_parse(&plan, &conn->mock->profile, app, request->plan, &err)) {
    sp_mock_fail(conn, request, 400, "bad_mock_plan", err.text);
    return;
  }
  struct sp_mock_start start = { .app = app, .kind = kind, .plan = &plan };
  json_t *doc = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.len, 0, NULL);
  begin(conn, request, doc, &start);
  json_decref(doc);
}

void sp_mock_openai_chat(struct sp_mock_conn *conn, struct sp_mock_request *request) { serve(conn, request, &chat); }

void sp_mock_openai_completion(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  serve(conn, request, &completion);
}

void sp_mock_openai_models(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  const struct sp_mock_app *app = sp_mock_authenticate(conn, request, SP_KEY_MODEL);
  if (!app) return;
  struct sp_buf body;
  sp_buf_init(&body, 4096 + SP_MOCK_TEXT_MAX * 6);
  struct sp_jw jw = sp_jw_begin(&body, false);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "object", "list");
  sp_jw_open(&jw, "data", '[');
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "id", app->model ? app->model : MODEL_DEFAULT);
  sp_jw_text(&jw, "object", "model");
  sp_jw_int(&jw, "created", 1780000000);
  sp_jw_text(&jw, "owned_by", "spate-mock");
  sp_jw_close(&jw, '}');
  sp_jw_close(&jw, ']');
  sp_jw_close(&jw, '}');
  struct sp_mock_answer answer = { .status = 200, .content_type = "application/json", .body = sp_buf_str(&body) };
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(&body);
}
