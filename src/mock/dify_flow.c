/* Events of apps that run a graph of nodes: chatflows and workflows. */
#include "base/clock.h"
#include "mock/dify.h"

#include <stdio.h>

#define ERROR_TEXT "[mock] the run failed on request"

static int64_t wall_s(const struct sp_mock_exchange *exchange, int64_t ns) {
  return exchange->created_s + (ns - exchange->schedule.arrival_ns) / SP_NS_PER_S;
}

static struct sp_jw open_run(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                             enum sp_dify_envelope envelope, const char *event) {
  struct sp_jw jw = sp_dify_open(exchange, out, envelope, event);
  if (envelope != SP_DIFY_WORKFLOW) sp_jw_text(&jw, "workflow_run_id", exchange->run_id);
  sp_jw_open(&jw, "data", '{');
  return jw;
}

static void close_run(struct sp_jw *jw) {
  sp_jw_close(jw, '}');
  sp_jw_close(jw, '}');
}

static void put_workflow_id(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  char id[SP_UUID_SIZE];
  snprintf(id, sizeof id, "5ba7e000-0000-4000-8000-%012x", exchange->app->index);
  sp_jw_text(jw, "workflow_id", id);
}

static void put_started(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  struct sp_jw jw = open_run(exchange, out, envelope, "workflow_started");
  sp_jw_text(&jw, "id", exchange->run_id);
  put_workflow_id(exchange, &jw);
  sp_jw_raw(&jw, "inputs", "{}");
  sp_jw_int(&jw, "created_at", wall_s(exchange, exchange->schedule.begin_ns));
  if (!sp_dify_version_before(&exchange->version, 13, 0)) sp_jw_text(&jw, "reason", "initial");
  close_run(&jw);
}

/* -- nodes -- */

/* An id of the node's execution: that of the run with the node's number in its end. */
static void put_node_ids(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  unsigned index = exchange->schedule.node;
  const struct sp_mock_node *node = &exchange->app->nodes[index];
  char id[SP_UUID_SIZE], node_id[32];
  snprintf(id, sizeof id, "%.32s%04x", exchange->run_id, index);
  snprintf(node_id, sizeof node_id, "17%06u%05u", exchange->app->index, index);
  sp_jw_text(jw, "id", id);
  sp_jw_text(jw, "node_id", node_id);
  sp_jw_text(jw, "node_type", node->type);
  sp_jw_text(jw, "title", node->title);
  sp_jw_int(jw, "index", index + 1);
  if (index > 0) snprintf(node_id, sizeof node_id, "17%06u%05u", exchange->app->index, index - 1);
  sp_jw_text(jw, "predecessor_node_id", index > 0 ? node_id : NULL);
}

static void put_node_started(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                             enum sp_dify_envelope envelope) {
  struct sp_jw jw = open_run(exchange, out, envelope, "node_started");
  put_node_ids(exchange, &jw);
  sp_jw_raw(&jw, "inputs", "null");
  sp_jw_bool(&jw, "inputs_truncated", false);
  sp_jw_int(&jw, "created_at", wall_s(exchange, exchange->schedule.node_begun_ns));
  sp_jw_raw(&jw, "extras", "{}");
  sp_jw_raw(&jw, "iteration_id", "null");
  sp_jw_raw(&jw, "loop_id", "null");
  sp_jw_raw(&jw, "agent_strategy", "null");
  close_run(&jw);
}

static bool is_streaming_node(const struct sp_mock_exchange *exchange) {
  return exchange->schedule.node == exchange->app->stream_node;
}

/* The node that a partially succeeded run passes over: the second, where that is not the streaming one. */
static bool is_exception_node(const struct sp_mock_exchange *exchange) {
  return strcmp(exchange->status, "partial-succeeded") == 0 && exchange->schedule.node == 1 &&
         !is_streaming_node(exchange);
}

static const char *node_status(const struct sp_mock_exchange *exchange) {
  if (is_exception_node(exchange)) return "exception";
  return strcmp(exchange->status, "failed") == 0 && is_streaming_node(exchange) ? "failed" : "succeeded";
}

static void put_outputs(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  const char *type = exchange->app->nodes[exchange->schedule.node].type;
  bool answer = strcmp(type, "answer") == 0;
  sp_jw_open(jw, "outputs", '{');
  if (answer || is_streaming_node(exchange)) sp_mock_put_answer(exchange, jw, answer ? "answer" : "text");
  sp_jw_close(jw, '}');
  sp_jw_bool(jw, "outputs_truncated", false);
}

static void put_execution(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  sp_jw_open(jw, "execution_metadata", '{');
  if (strcmp(exchange->app->nodes[exchange->schedule.node].type, "llm") == 0) {
    sp_jw_int(jw, "total_tokens", (int64_t)(exchange->prompt_tokens + exchange->schedule.token));
    sp_jw_text(jw, "total_price", "0");
    sp_jw_text(jw, "currency", "USD");
  }
  sp_jw_close(jw, '}');
}

static void put_node_finished(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                              enum sp_dify_envelope envelope) {
  const struct sp_schedule *schedule = &exchange->schedule;
  const char *status = node_status(exchange);
  struct sp_jw jw = open_run(exchange, out, envelope, "node_finished");
  put_node_ids(exchange, &jw);
  sp_jw_raw(&jw, "inputs", "{}");
  sp_jw_bool(&jw, "inputs_truncated", false);
  sp_jw_raw(&jw, "process_data", "{}");
  sp_jw_bool(&jw, "process_data_truncated", false);
  put_outputs(exchange, &jw);
  sp_jw_text(&jw, "status", status);
  sp_jw_text(&jw, "error", strcmp(status, "succeeded") == 0 ? NULL : ERROR_TEXT);
  sp_jw_seconds(&jw, "elapsed_time", schedule->due_ns - schedule->node_begun_ns);
  put_execution(exchange, &jw);
  sp_jw_int(&jw, "created_at", wall_s(exchange, schedule->node_begun_ns));
  sp_jw_int(&jw, "finished_at", wall_s(exchange, schedule->due_ns));
  sp_jw_raw(&jw, "files", "[]");
  sp_jw_raw(&jw, "iteration_id", "null");
  sp_jw_raw(&jw, "loop_id", "null");
  close_run(&jw);
}

/* -- the run's end -- */

void sp_dify_run_members(const struct sp_mock_exchange *exchange, struct sp_jw *jw) {
  const struct sp_schedule *schedule = &exchange->schedule;
  bool failed = strcmp(exchange->status, "failed") == 0, partial = strcmp(exchange->status, "partial-succeeded") == 0;
  sp_jw_text(jw, "id", exchange->run_id);
  put_workflow_id(exchange, jw);
  sp_jw_text(jw, "status", exchange->status);
  sp_jw_open(jw, "outputs", '{');
  sp_mock_put_answer(exchange, jw, exchange->app->mode == SP_MODE_WORKFLOW ? "text" : "answer");
  sp_jw_close(jw, '}');
  sp_jw_text(jw, "error", failed ? ERROR_TEXT : NULL);
  sp_jw_seconds(jw, "elapsed_time", schedule->due_ns - schedule->begin_ns);
  sp_jw_int(jw, "total_tokens", (int64_t)(exchange->prompt_tokens + schedule->token));
  sp_jw_int(jw, "total_steps", exchange->app->node_count);
  sp_jw_int(jw, "created_at", wall_s(exchange, schedule->begin_ns));
  sp_jw_int(jw, "finished_at", wall_s(exchange, schedule->due_ns));
  sp_jw_int(jw, "exceptions_count", partial ? 1 : 0);
}

void sp_dify_workflow_finished(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                               enum sp_dify_envelope envelope) {
  struct sp_jw jw = open_run(exchange, out, envelope, "workflow_finished");
  sp_dify_run_members(exchange, &jw);
  sp_jw_raw(&jw, "created_by", "{}");
  sp_jw_raw(&jw, "files", "[]");
  close_run(&jw);
}

static void put_human_input(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                            enum sp_dify_envelope envelope) {
  struct sp_jw jw = open_run(exchange, out, envelope, "human_input_required");
  sp_jw_text(&jw, "form_id", exchange->message_id);
  sp_jw_text(&jw, "node_id", "1700000000000");
  sp_jw_text(&jw, "node_title", "Approval");
  sp_jw_text(&jw, "form_content", "Approve?");
  sp_jw_raw(&jw, "inputs", "[]");
  sp_jw_raw(&jw, "actions", "[]");
  sp_jw_bool(&jw, "display_in_ui", true);
  sp_jw_raw(&jw, "form_token", "null");
  sp_jw_raw(&jw, "resolved_default_values", "{}");
  sp_jw_int(&jw, "expiration_time", exchange->created_s + 86400);
  close_run(&jw);
}

static void put_paused(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope) {
  const struct sp_schedule *schedule = &exchange->schedule;
  struct sp_jw jw = open_run(exchange, out, envelope, "workflow_paused");
  sp_jw_text(&jw, "workflow_run_id", exchange->run_id);
  sp_jw_raw(&jw, "paused_nodes", "[\"1700000000000\"]");
  sp_jw_raw(&jw, "outputs", "{}");
  sp_jw_raw(&jw, "reasons", "[]");
  sp_jw_text(&jw, "status", "paused");
  sp_jw_int(&jw, "created_at", wall_s(exchange, schedule->begin_ns));
  sp_jw_seconds(&jw, "elapsed_time", schedule->due_ns - schedule->begin_ns);
  sp_jw_int(&jw, "total_tokens", (int64_t)schedule->token);
  sp_jw_int(&jw, "total_steps", schedule->node);
  close_run(&jw);
}

/* A failed run: its node, the run, and up to 1.12 an error event (later the relay cuts that off, §1.6). */
static bool failed_part(const struct sp_mock_exchange *exchange, unsigned part, struct sp_buf *out,
                        enum sp_dify_envelope envelope) {
  bool before_1_13 = sp_dify_version_before(&exchange->version, 13, 0);
  if (part == 0 && exchange->app->node_count > 0) put_node_finished(exchange, out, envelope);
  if (part == 1) sp_dify_workflow_finished(exchange, out, envelope);
  if (part == 2) sp_dify_common(exchange, SP_STEP_ERROR, out, envelope);
  return part < (before_1_13 ? 2 : 1);
}

bool sp_dify_flow_part(const struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part,
                       struct sp_buf *out, enum sp_dify_envelope envelope) {
  switch (step) {
  case SP_STEP_HEAD: /* from 1.13 the relay writes it before the run starts */
    if (!sp_dify_version_before(&exchange->version, 13, 0)) sp_buf_append_text(out, "event: ping");
    return false;
  case SP_STEP_BEGIN: put_started(exchange, out, envelope); return false;
  case SP_STEP_NODE_STARTED: put_node_started(exchange, out, envelope); return false;
  case SP_STEP_NODE_FINISHED: put_node_finished(exchange, out, envelope); return false;
  case SP_STEP_FAILED: return failed_part(exchange, part, out, envelope);
  case SP_STEP_PAUSED:
    if (part == 0) put_human_input(exchange, out, envelope);
    else put_paused(exchange, out, envelope);
    return part == 0;
  default: sp_dify_common(exchange, step, out, envelope); return false;
  }
}
