/* POST /v1/chat-messages: chatflows, basic chats and agents. */
#include "mock/dify.h"
#include "mock/handlers.h"

/* -- chatflow -- */

/* The end differs by version (shared/dify.md §1.5): up to 1.12 the run ends before the message; 1.13.0 lost the
 * message's end; since 1.13.1 it comes before the run's. */
static bool end_chatflow(struct sp_mock_exchange *exchange, unsigned part, struct sp_buf *out) {
  bool message_last = sp_dify_version_before(&exchange->version, 13, 0);
  bool message_lost = !message_last && sp_dify_version_before(&exchange->version, 13, 1);
  bool run_now = message_lost || (part == 0) == message_last;
  if (run_now) sp_dify_workflow_finished(exchange, out, SP_DIFY_CHAT);
  else sp_dify_message_end(exchange, out, SP_DIFY_CHAT);
  return part == 0 && !message_lost;
}

static bool stop_chatflow(struct sp_mock_exchange *exchange, unsigned part, struct sp_buf *out) {
  if (part == 0) sp_dify_workflow_finished(exchange, out, SP_DIFY_CHAT);
  else sp_dify_message_end(exchange, out, SP_DIFY_CHAT);
  return part == 0 && sp_dify_version_before(&exchange->version, 13, 0);
}

static bool chatflow_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part,
                          struct sp_buf *out) {
  if (step == SP_STEP_END) return end_chatflow(exchange, part, out);
  if (step == SP_STEP_STOPPED) return stop_chatflow(exchange, part, out);
  return sp_dify_flow_part(exchange, step, part, out, SP_DIFY_CHAT);
}

static void message_token(struct sp_mock_exchange *exchange, struct sp_buf *before, const char *event) {
  struct sp_jw jw = sp_dify_open(exchange, before, SP_DIFY_CHAT, event);
  sp_jw_text(&jw, "id", exchange->message_id);
  sp_jw_open_string(&jw, "answer");
}

static void chatflow_token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  message_token(exchange, before, "message");
  sp_buf_append_text(after, exchange->spaced ? "\", \"from_variable_selector\": [\"llm\", \"text\"]}"
                                             : "\",\"from_variable_selector\":[\"llm\",\"text\"]}");
}

/* -- basic chat -- */

static bool chat_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part, struct sp_buf *out) {
  (void)part;
  if (step == SP_STEP_END || step == SP_STEP_STOPPED) sp_dify_message_end(exchange, out, SP_DIFY_CHAT);
  else sp_dify_common(exchange, step, out, SP_DIFY_CHAT);
  return false;
}

static void chat_token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  message_token(exchange, before, "message");
  sp_buf_append_text(after, "\"}");
}

/* -- agent -- */

static void put_thought(struct sp_mock_exchange *exchange, struct sp_buf *out, bool filled) {
  struct sp_jw jw = sp_dify_open(exchange, out, SP_DIFY_CHAT, "agent_thought");
  sp_jw_text(&jw, "id", exchange->run_id);
  sp_jw_int(&jw, "position", 1);
  sp_jw_text(&jw, "thought", filled ? "The weather tool knows." : "");
  sp_jw_text(&jw, "observation", filled ? "{\"weather\": \"22 degrees, sunny\"}" : "");
  sp_jw_text(&jw, "tool", filled ? "weather" : "");
  sp_jw_raw(&jw, "tool_labels", "{}");
  sp_jw_text(&jw, "tool_input", filled ? "{\"weather\": {\"city\": \"Beijing\"}}" : "");
  sp_jw_raw(&jw, "message_files", "[]");
  sp_jw_close(&jw, '}');
}

static bool agent_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part, struct sp_buf *out) {
  if (step == SP_STEP_BEGIN) {
    put_thought(exchange, out, false);
    return false;
  }
  if (step == SP_STEP_END && part == 0) {
    put_thought(exchange, out, true);
    return true;
  }
  return chat_part(exchange, step, part, out);
}

static void agent_token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  message_token(exchange, before, "agent_message");
  sp_buf_append_text(after, "\"}");
}

/* -- the blocking answer, and the request -- */

static void whole(struct sp_mock_exchange *exchange, struct sp_buf *out) {
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "event", "message");
  sp_jw_text(&jw, "task_id", exchange->task_id);
  sp_jw_text(&jw, "id", exchange->message_id);
  sp_jw_text(&jw, "message_id", exchange->message_id);
  sp_jw_text(&jw, "conversation_id", exchange->conversation_id);
  sp_jw_text(&jw, "mode", sp_mock_mode_name(exchange->app->mode));
  sp_mock_put_answer(exchange, &jw, "answer");
  sp_dify_usage(exchange, &jw);
  sp_jw_int(&jw, "created_at", exchange->created_s);
  sp_jw_close(&jw, '}');
}

static const struct sp_mock_kind chatflow = { SP_API_DIFY, true, chatflow_part, chatflow_token, whole };
static const struct sp_mock_kind chat = { SP_API_DIFY, false, chat_part, chat_token, whole };
static const struct sp_mock_kind agent = { SP_API_DIFY, false, agent_part, agent_token, whole };

static const struct sp_mock_kind *kind_of(enum sp_mock_mode mode) {
  return mode == SP_MODE_CHATFLOW ? &chatflow : mode == SP_MODE_CHAT ? &chat : mode == SP_MODE_AGENT ? &agent : NULL;
}

static bool read_conversation(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                              const struct sp_dify_ask *ask, struct sp_str *out) {
  json_t *id = json_object_get(ask->doc, "conversation_id");
  *out = sp_str_of(json_string_value(id), json_string_length(id));
  if (out->len == 0) return true;
  if (sp_payload_is_signed_uuid(conn->mock->profile.seed + ask->app->index, *out)) return true;
  if (out->len != SP_UUID_SIZE - 1) sp_dify_refuse(conn, request, "conversation_id must be a valid UUID");
  else sp_mock_fail(conn, request, 404, "not_found", "Conversation Not Exists.");
  return false;
}

static void begin(struct sp_mock_conn *conn, const struct sp_mock_request *request, const struct sp_dify_ask *ask) {
  struct sp_mock_start start = { .app = ask->app, .kind = kind_of(ask->app->mode), .plan = &ask->plan,
                                 .streaming = ask->streaming, .prompt_tokens = sp_dify_prompt_tokens(ask) };
  if (!start.kind) {
    sp_mock_fail(conn, request, 400, "not_chat_app", "Please check if your app mode matches the right API route.");
  } else if (!json_object_get(ask->doc, "query")) {
    sp_dify_refuse(conn, request, "query: Field required");
  } else if (start.kind == &agent && !ask->streaming) {
    sp_dify_refuse(conn, request, "Agent Chat App does not support blocking mode");
  } else if (read_conversation(conn, request, ask, &start.conversation_id)) {
    sp_mock_exchange_begin(conn, request, &start);
  }
}

void sp_mock_chat(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_dify_ask ask;
  if (!sp_dify_ask_init(&ask, conn, request)) return;
  begin(conn, request, &ask);
  sp_dify_ask_fini(&ask);
}
