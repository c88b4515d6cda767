/* How an answer begins and ends: its fault, ids, schedule and its place in the table of open ones. */
#include "base/clock.h"
#include "base/mem.h"
#include "mock/passage.h"
#include "mock/stream.h"

#include <stdio.h>
#include <stdlib.h>

/* -- the table by task id -- */

static struct sp_mock_exchange **slot_of(struct sp_mock *mock, const char *task_id) {
  uint32_t hash = 2166136261u; /* FNV-1a; the ids are random */
  for (size_t i = 0; i < 8; i++) hash = (hash ^ (unsigned char)task_id[i]) * 16777619u;
  return &mock->streams[hash % SP_MOCK_STREAM_SLOTS];
}

static void link_exchange(struct sp_mock_exchange *exchange) {
  struct sp_mock *mock = exchange->conn->mock;
  struct sp_mock_exchange **slot = slot_of(mock, exchange->task_id);
  exchange->next = *slot;
  if (*slot) (*slot)->previous = exchange;
  *slot = exchange;
  mock->active++;
  if (!exchange->streaming) return;
  mock->streams_open++;
  if (mock->streams_open > mock->streams_max) mock->streams_max = mock->streams_open;
}

static void unlink_exchange(struct sp_mock_exchange *exchange) {
  struct sp_mock *mock = exchange->conn->mock;
  if (exchange->previous) exchange->previous->next = exchange->next;
  else *slot_of(mock, exchange->task_id) = exchange->next;
  if (exchange->next) exchange->next->previous = exchange->previous;
  mock->active--;
  if (exchange->streaming) mock->streams_open--;
}

void sp_mock_stop(struct sp_mock *mock, struct sp_str task_id) {
  if (task_id.len != SP_UUID_SIZE - 1) return;
  struct sp_mock_exchange *exchange = *slot_of(mock, task_id.bytes);
  while (exchange && !sp_str_eq(task_id, sp_str_of(exchange->task_id, SP_UUID_SIZE - 1))) exchange = exchange->next;
  if (exchange && exchange->streaming) sp_mock_exchange_stop(exchange);
}

void sp_mock_exchange_destroy(struct sp_mock_exchange *exchange) {
  sp_timer_stop(&exchange->conn->timer);
  exchange->conn->exchange = NULL;
  unlink_exchange(exchange);
  sp_mock_passage_destroy(exchange->passage);
  free(exchange->plan);
  free(exchange->frame);
  free(exchange->query);
  free(exchange);
}

/* -- faults -- */

static bool applies(const struct sp_fault *fault, const struct sp_mock_start *start) {
  if (fault->needs >= SP_FAULT_DIFY && start->kind->api != SP_API_DIFY) return false;
  if (fault->needs >= SP_FAULT_FLOW && !start->kind->flow) return false;
  return start->streaming ? fault->stream != NULL : fault->whole != NULL;
}

static void draw_fault(struct sp_mock_exchange *exchange, const struct sp_mock_start *start) {
  struct sp_mock *mock = exchange->conn->mock;
  double chance = mock->profile.fault_count > 0 ? sp_rng_uniform(&mock->chances) : 0;
  for (unsigned i = 0; i < mock->profile.fault_count; i++) {
    const struct sp_mock_fault_share *share = &mock->profile.faults[i];
    if (share->app && strcmp(share->app, start->app->name) != 0) continue;
    if (!applies(share->fault, start)) continue;
    if (chance < share->share) {
      exchange->fault = share->fault;
      exchange->fault_at = share->at;
      exchange->stall_ns = share->stall_ns;
      return;
    }
    chance -= share->share;
  }
}

static bool choose_fault(struct sp_mock_exchange *exchange, const struct sp_mock_request *request,
                         const struct sp_mock_start *start) {
  const struct sp_mock_plan *plan = start->plan;
  if (!plan->fault) {
    draw_fault(exchange, start);
    return true;
  }
  if (!applies(plan->fault, start)) {
    char message[200];
    snprintf(message, sizeof message, "X-Mock-Plan: the fault '%s' does not apply to %s %s answer of this app",
             plan->fault->name, start->streaming ? "a" : "the", start->streaming ? "streamed" : "blocking");
    sp_mock_fail(exchange->conn, request, 400, "bad_mock_plan", message);
    return false;
  }
  exchange->fault = plan->fault;
  exchange->fault_at = plan->at;
  exchange->stall_ns = plan->stall_ns;
  return true;
}

/* -- beginning -- */

static void make_ids(struct sp_mock_exchange *exchange, const struct sp_mock_start *start) {
  struct sp_mock *mock = exchange->conn->mock;
  sp_payload_uuid(&mock->ids, exchange->task_id);
  sp_payload_uuid(&mock->ids, exchange->message_id);
  sp_payload_uuid(&mock->ids, exchange->run_id);
  if (start->conversation_id.len == SP_UUID_SIZE - 1)
    memcpy(exchange->conversation_id, start->conversation_id.bytes, SP_UUID_SIZE - 1);
  else sp_payload_signed_uuid(&mock->ids, mock->profile.seed + start->app->index, exchange->conversation_id);
}

static void make_schedule(struct sp_mock_exchange *exchange, const struct sp_mock_request *request,
                          const struct sp_mock_start *start) {
  const struct sp_mock_app *app = start->app;
  struct sp_mock *mock = exchange->conn->mock;
  if (request->plan.len > 0) {
    exchange->plan = sp_alloc(sizeof *exchange->plan);
    *exchange->plan = *start->plan;
  }
  const struct sp_mock_plan *plan = exchange->plan;
  struct sp_schedule_options options = {
    .timing = plan ? &plan->timing : &app->timing,
    .node_times = app->node_times,
    .node_override = plan && plan->has_node ? &plan->node : NULL,
    .node_count = start->kind->flow ? app->node_count : 0,
    .stream_node = app->stream_node,
    .lump = exchange->lump,
    .endless = exchange->endless,
    .empty = exchange->empty,
    .seed = plan && plan->has_seed ? plan->seed : mock->profile.seed,
    .stream = plan && plan->has_seed ? 0 : mock->sequence,
    .arrival_ns = request->arrival_ns,
  };
  sp_schedule_init(&exchange->schedule, &options);
  if (start->token_cap > 0 && exchange->schedule.tokens > start->token_cap && !exchange->endless) {
    exchange->schedule.tokens = start->token_cap;
    exchange->capped = true;
  }
}

static void write_log(struct sp_mock_exchange *exchange, const struct sp_mock_request *request,
                      const struct sp_fault *fault) {
  struct sp_mock *mock = exchange->conn->mock;
  if (!mock->log.entries) return;
  struct sp_mock_log_entry entry = { .number = mock->sequence, .app = exchange->app->name,
                                     .fault = fault ? fault->name : "", .at = exchange->fault_at };
  memcpy(entry.task_id, exchange->task_id, SP_UUID_SIZE);
  snprintf(entry.request_id, sizeof entry.request_id, SP_STR_FMT, SP_STR_ARG(request->id));
  sp_schedule_truth(&exchange->schedule, &entry.truth);
  sp_mock_log_add(&mock->log, &entry);
}

static bool has_room(struct sp_mock_conn *conn, const struct sp_mock_request *request) {
  struct sp_mock *mock = conn->mock;
  if (mock->profile.max_active == 0 || mock->active < mock->profile.max_active) return true;
  char message[160];
  snprintf(message, sizeof message,
           "Too many requests. Please try again later. The current maximum concurrent requests allowed is %llu.",
           (unsigned long long)mock->profile.max_active);
  sp_mock_fail(conn, request, 429, "too_many_requests", message);
  return false;
}

static struct sp_mock_exchange *make_exchange(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                                              const struct sp_mock_start *start) {
  struct sp_mock_exchange *exchange = sp_alloc(sizeof *exchange);
  const struct sp_mock_plan *plan = start->plan;
  exchange->conn = conn;
  exchange->kind = start->kind;
  exchange->app = start->app;
  exchange->streaming = start->streaming;
  exchange->http10 = request->http10;
  exchange->keep_alive = request->keep_alive && !(request->http10 && start->streaming); /* the close ends the body */
  exchange->version = plan->version;
  exchange->spaced = plan->style == SP_STYLE_AUTO ? sp_dify_version_before(&plan->version, 13, 0)
                                                  : plan->style == SP_STYLE_SPACED;
  if (start->kind->api != SP_API_DIFY) exchange->spaced = plan->style == SP_STYLE_SPACED;
  exchange->status = "succeeded";
  exchange->created_s = sp_clock_real_ns() / SP_NS_PER_S;
  exchange->choices = (uint8_t)(start->choices > 0 ? start->choices : 1);
  exchange->records = (uint8_t)start->records;
  exchange->query = sp_strdup(start->query);
  exchange->include_usage = start->include_usage;
  exchange->prompt_tokens = start->prompt_tokens;
  return exchange;
}

void sp_mock_exchange_begin(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                            const struct sp_mock_start *start) {
  if (!has_room(conn, request)) return;
  struct sp_mock_exchange *exchange = make_exchange(conn, request, start);
  if (!choose_fault(exchange, request, start)) {
    free(exchange->query);
    free(exchange);
    return;
  }
  conn->mock->sequence++;
  const struct sp_fault *fault = exchange->fault;
  if (fault && fault->phase == SP_FAULT_AT_START) {
    exchange->fault = NULL;
    if (start->streaming) fault->stream(exchange);
    else fault->whole(exchange);
  }
  make_ids(exchange, start);
  make_schedule(exchange, request, start);
  write_log(exchange, request, fault);
  exchange->passage = sp_mock_passage_create(exchange, sp_mock_exchange_on_timer);
  conn->exchange = exchange;
  link_exchange(exchange);
  sp_mock_exchange_start(exchange);
}
