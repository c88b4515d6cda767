#include "mock/dify.h"

#include "mock/handlers.h"
#include "mock/route.h"

#include <stdio.h>

/* -- the request -- */

void sp_dify_refuse(struct sp_mock_conn *conn, const struct sp_mock_request *request, const char *message) {
  sp_mock_fail(conn, request, 400, "invalid_param", message);
}

static bool read_mode(struct sp_dify_ask *ask, const char **problem) {
  json_t *mode = json_object_get(ask->doc, "response_mode");
  const char *text = json_string_value(mode);
  ask->streaming = text && strcmp(text, "streaming") == 0;
  if (!mode || json_is_null(mode) || ask->streaming || (text && strcmp(text, "blocking") == 0)) return true;
  *problem = "response_mode: Input should be 'blocking' or 'streaming'";
  return false;
}

static bool read_members(struct sp_dify_ask *ask, const char **problem) {
  if (!json_is_object(json_object_get(ask->doc, "inputs"))) {
    *problem =
        json_object_get(ask->doc, "inputs") ? "inputs: Input should be a valid dictionary" : "inputs: Field required";
    return false;
  }
  const char *user = json_string_value(json_object_get(ask->doc, "user"));
  if (!user || !user[0]) {
    *problem = "Arg user must be provided.";
    return false;
  }
  json_t *query = json_object_get(ask->doc, "query");
  if (query && !json_is_null(query) && !json_is_string(query)) {
    *problem = "query: Input should be a valid string";
    return false;
  }
  if (json_is_string(query)) ask->query = sp_str_of(json_string_value(query), json_string_length(query));
  return read_mode(ask, problem);
}

static bool read_body(struct sp_dify_ask *ask, struct sp_mock_conn *conn, const struct sp_mock_request *request) {
  const char *problem = NULL;
  ask->doc = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.len, 0, NULL);
  if (!json_is_object(ask->doc)) {
    sp_mock_fail(conn, request, 400, "bad_request", "Failed to decode JSON object: the body is no JSON object.");
  } else if (!read_members(ask, &problem)) {
    sp_dify_refuse(conn, request, problem);
  } else if (!sp_dify_knows_files(conn->mock, json_object_get(ask->doc, "files"))) {
    sp_dify_refuse(conn, request, "Invalid upload file");
  } else {
    return true;
  }
  json_decref(ask->doc);
  return false;
}

bool sp_dify_ask_init(struct sp_dify_ask *ask, struct sp_mock_conn *conn, struct sp_mock_request *request) {
  *ask = (struct sp_dify_ask){ 0 };
  ask->app = sp_mock_authenticate(conn, request, SP_KEY_APP);
  if (!ask->app) return false;
  struct sp_err err;
  if (sp_mock_plan_parse(&ask->plan, &conn->mock->profile, ask->app, request->plan, &err)) {
    sp_mock_fail(conn, request, 400, "bad_mock_plan", err.text);
    return false;
  }
  return read_body(ask, conn, request);
}

void sp_dify_ask_fini(struct sp_dify_ask *ask) { json_decref(ask->doc); }

uint32_t sp_dify_prompt_tokens(const struct sp_dify_ask *ask) { return 24 + (uint32_t)(sp_utf8_count(ask->query) / 2); }

void sp_mock_stop_task(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  if (!sp_mock_authenticate(conn, request, SP_KEY_APP)) return;
  json_t *doc = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.len, 0, NULL);
  bool has_user = json_is_string(json_object_get(doc, "user"));
  json_decref(doc);
  if (!has_user) {
    sp_dify_refuse(conn, request, "Arg user must be provided.");
    return;
  }
  sp_mock_stop(conn->mock, request->segment);
  struct sp_mock_answer answer = { .status = 200, .content_type = "application/json",
                                   .body = SP_STR("{\"result\":\"success\"}") };
  sp_mock_reply(conn, request, &answer);
}

/* -- events -- */

struct sp_jw sp_dify_open(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope,
                          const char *event) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "event", event);
  if (envelope == SP_DIFY_WORKFLOW) {
    sp_jw_text(&jw, "workflow_run_id", exchange->run_id);
  } else {
    if (envelope == SP_DIFY_CHAT) sp_jw_text(&jw, "conversation_id", exchange->conversation_id);
    sp_jw_text(&jw, "message_id", exchange->message_id);
    sp_jw_int(&jw, "created_at", exchange->created_s);
  }
  sp_jw_text(&jw, "task_id", exchange->task_id);
  return jw;
}

/* Error events have no task_id (shared/dify.md §1.6). */
static void put_error(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "event", "error");
  if (envelope == SP_DIFY_WORKFLOW) sp_jw_text(&jw, "workflow_run_id", exchange->run_id);
  if (envelope == SP_DIFY_CHAT) sp_jw_text(&jw, "conversation_id", exchange->conversation_id);
  if (envelope != SP_DIFY_WORKFLOW) {
    sp_jw_text(&jw, "message_id", exchange->message_id);
    sp_jw_int(&jw, "created_at", exchange->created_s);
  }
  sp_jw_text(&jw, "code", "completion_request_error");
  sp_jw_int(&jw, "status", 400);
  sp_jw_text(&jw, "message", "[mock] the model's provider refused the request");
  sp_jw_close(&jw, '}');
}

static void put_error_nocode(const struct sp_mock_exchange *exchange, struct sp_buf *out) {
  sp_buf_append(out, "data: ", 6);
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "event", "error");
  sp_jw_text(&jw, "message", "[mock] the worker failed before the run began");
  sp_jw_int(&jw, "status", 500);
  sp_jw_close(&jw, '}');
}

static void put_unknown(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  struct sp_jw jw = sp_dify_open(exchange, out, envelope, "mock_unheard_of");
  sp_jw_open(&jw, "data", '{');
  sp_jw_text(&jw, "answer", "no token");
  sp_jw_close(&jw, '}');
  sp_jw_close(&jw, '}');
}

static void put_replace(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  bool flow = envelope == SP_DIFY_WORKFLOW;
  struct sp_jw jw = sp_dify_open(exchange, out, envelope, flow ? "text_replace" : "message_replace");
  if (flow) sp_jw_open(&jw, "data", '{');
  sp_jw_text(&jw, flow ? "text" : "answer", "[mock] this answer was replaced");
  if (flow) sp_jw_close(&jw, '}');
  else sp_jw_text(&jw, "reason", "output_moderation");
  sp_jw_close(&jw, '}');
}

bool sp_dify_common(const struct sp_mock_exchange *exchange, enum sp_mock_step step, struct sp_buf *out,
                    enum sp_dify_envelope envelope) {
  switch (step) {
  case SP_STEP_ERROR: put_error(exchange, out, envelope); return true;
  case SP_STEP_ERROR_NOCODE: put_error_nocode(exchange, out); return true;
  case SP_STEP_UNKNOWN: put_unknown(exchange, out, envelope); return true;
  case SP_STEP_REPLACE: put_replace(exchange, out, envelope); return true;
  default: return false;
  }
}

static void put_prices(struct sp_jw *jw, const char *kind, const char *unit_price) {
  char key[48];
  snprintf(key, sizeof key, "%s_unit_price", kind);
  sp_jw_text(jw, key, unit_price);
  snprintf(key, sizeof key, "%s_price_unit", kind);
  sp_jw_text(jw, key, "0.000001");
  snprintf(key, sizeof key, "%s_price", kind);
  sp_jw_text(jw, key, "0.0000000");
}

/* The times are the schedule's own: latency from the request's arrival, so that a client can compare. */
static void put_usage(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  const struct sp_schedule *schedule = &exchange->schedule;
  int64_t completion = (int64_t)schedule->token;
  sp_jw_open(jw, "usage", '{');
  sp_jw_int(jw, "prompt_tokens", exchange->prompt_tokens);
  put_prices(jw, "prompt", "0");
  sp_jw_int(jw, "completion_tokens", completion);
  put_prices(jw, "completion", "0");
  sp_jw_int(jw, "total_tokens", exchange->prompt_tokens + completion);
  sp_jw_text(jw, "total_price", "0");
  sp_jw_text(jw, "currency", "USD");
  sp_jw_seconds(jw, "latency", schedule->due_ns - schedule->arrival_ns);
  if (completion > 0) {
    sp_jw_seconds(jw, "time_to_first_token", schedule->first_ns - schedule->arrival_ns);
    sp_jw_seconds(jw, "time_to_generate", schedule->last_ns - schedule->first_ns);
  } else {
    sp_jw_raw(jw, "time_to_first_token", "null");
    sp_jw_raw(jw, "time_to_generate", "null");
  }
  sp_jw_close(jw, '}');
}

void sp_dify_usage(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  sp_jw_open(jw, "metadata", '{');
  sp_jw_raw(jw, "annotation_reply", "null");
  sp_jw_raw(jw, "retriever_resources", "[]");
  put_usage(exchange, jw);
  sp_jw_close(jw, '}');
}

void sp_dify_message_end(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  struct sp_jw jw = sp_dify_open(exchange, out, envelope, "message_end");
  sp_jw_text(&jw, "id", exchange->message_id);
  sp_dify_usage(exchange, &jw);
  sp_jw_raw(&jw, "files", "[]");
  sp_jw_close(&jw, '}');
}
