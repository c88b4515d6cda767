/* POST /v1/completion-messages. */
#include "mock/dify.h"
#include "mock/handlers.h"

static bool part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned number, struct sp_buf *out) {
  (void)number;
  if (step == SP_STEP_END || step == SP_STEP_STOPPED) sp_dify_message_end(exchange, out, SP_DIFY_COMPLETION);
  else sp_dify_common(exchange, step, out, SP_DIFY_COMPLETION);
  return false;
}

static void token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  struct sp_jw jw = sp_dify_open(exchange, before, SP_DIFY_COMPLETION, "message");
  sp_jw_text(&jw, "id", exchange->message_id);
  sp_jw_open_string(&jw, "answer");
  sp_buf_append_text(after, "\"}");
}

static void whole(struct sp_mock_exchange *exchange, struct sp_buf *out) {
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "event", "message");
  sp_jw_text(&jw, "task_id", exchange->task_id);
  sp_jw_text(&jw, "id", exchange->message_id);
  sp_jw_text(&jw, "message_id", exchange->message_id);
  sp_jw_text(&jw, "mode", "completion");
  sp_mock_put_answer(exchange, &jw, "answer");
  sp_dify_usage(exchange, &jw);
  sp_jw_int(&jw, "created_at", exchange->created_s);
  sp_jw_close(&jw, '}');
}

static const struct sp_mock_kind completion = { SP_API_DIFY, false, part, token, whole };

void sp_mock_completion(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_dify_ask ask;
  if (!sp_dify_ask_init(&ask, conn, request)) return;
  if (ask.query.len == 0) { /* may also stand inside the inputs */
    json_t *query = json_object_get(json_object_get(ask.doc, "inputs"), "query");
    ask.query = sp_str_of(json_string_value(query), json_string_length(query));
  }
  struct sp_mock_start start = { .app = ask.app, .kind = &completion, .plan = &ask.plan, .streaming = ask.streaming,
                                 .prompt_tokens = sp_dify_prompt_tokens(&ask) };
  if (ask.app->mode == SP_MODE_COMPLETION) sp_mock_exchange_begin(conn, request, &start);
  else
    sp_mock_fail(conn, request, 400, "not_completion_app",
                 "Please check if your app mode matches the right API route.");
  sp_dify_ask_fini(&ask);
}
