/* POST /v1/workflows/run. */
#include "mock/dify.h"
#include "mock/handlers.h"

static bool part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned number, struct sp_buf *out) {
  if (step != SP_STEP_END && step != SP_STEP_STOPPED)
    return sp_dify_flow_part(exchange, step, number, out, SP_DIFY_WORKFLOW);
  sp_dify_workflow_finished(exchange, out, SP_DIFY_WORKFLOW);
  return false;
}

static void token(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after) {
  struct sp_jw jw = sp_dify_open(exchange, before, SP_DIFY_WORKFLOW, "text_chunk");
  sp_jw_open(&jw, "data", '{');
  sp_jw_open_string(&jw, "text");
  sp_buf_append_text(after, exchange->spaced ? "\", \"from_variable_selector\": [\"llm\", \"text\"]}}"
                                             : "\",\"from_variable_selector\":[\"llm\",\"text\"]}}");
}

static void whole(struct sp_mock_exchange *exchange, struct sp_buf *out) {
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "task_id", exchange->task_id);
  sp_jw_text(&jw, "workflow_run_id", exchange->run_id);
  sp_jw_open(&jw, "data", '{');
  sp_dify_run_members(exchange, &jw);
  sp_jw_close(&jw, '}');
  sp_jw_close(&jw, '}');
}

static const struct sp_mock_kind workflow = { SP_API_DIFY, true, part, token, whole };

void sp_mock_workflow(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_dify_ask ask;
  if (!sp_dify_ask_init(&ask, conn, request)) return;
  struct sp_mock_start start = { .app = ask.app, .kind = &workflow, .plan = &ask.plan, .streaming = ask.streaming,
                                 .prompt_tokens = sp_dify_prompt_tokens(&ask) };
  if (ask.app->mode == SP_MODE_WORKFLOW) sp_mock_exchange_begin(conn, request, &start);
  else
    sp_mock_fail(conn, request, 400, "not_workflow_app", "Please check if your app mode matches the right API route.");
  sp_dify_ask_fini(&ask);
}
