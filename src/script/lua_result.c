/* What Lua sees of an exchange's end and of an event. Times are milliseconds from the intended start. */
#include "script/lua_user.h"

static void set_text(lua_State *L, const char *name, struct sp_str text) {
  lua_pushlstring(L, text.bytes ? text.bytes : "", text.len);
  lua_setfield(L, -2, name);
}

static void set_text_if(lua_State *L, const char *name, struct sp_str text) {
  if (text.len) set_text(L, name, text);
}

static void set_ms(lua_State *L, const char *name, int64_t ns) {
  if (ns < 0) return;
  lua_pushnumber(L, (double)ns / 1e6);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_usage(lua_State *L, const struct sp_sample *sample) {
  if (sample->reported_prompt < 0 && sample->reported_completion < 0) return;
  lua_createtable(L, 0, 2);
  if (sample->reported_prompt >= 0) set_number(L, "prompt_tokens", (double)sample->reported_prompt);
  if (sample->reported_completion >= 0) set_number(L, "completion_tokens", (double)sample->reported_completion);
  lua_setfield(L, -2, "usage");
}

void sp_lua_push_result(struct sp_lua_thread *thread, lua_State *L, struct sp_exchange *exchange) {
  const struct sp_sample *sample = sp_exchange_sample(exchange);
  lua_createtable(L, 0, 12);
  lua_pushboolean(L, sample->outcome == SP_OUTCOME_OK);
  lua_setfield(L, -2, "ok");
  set_text(L, "outcome", sp_str_from(sp_outcome_name(sample->outcome)));
  set_number(L, "status", sp_exchange_status(exchange));
  set_text(L, "text", sp_exchange_text(exchange));
  set_text(L, "_headers", sp_exchange_headers(exchange));
  set_number(L, "events", (double)sp_exchange_events(exchange));
  set_number(L, "tokens", (double)sample->token_events);
  set_ms(L, "ttfb", sample->metric_ns[SP_METRIC_TTFB]);
  set_ms(L, "ttft", sample->metric_ns[SP_METRIC_TTFT]);
  set_ms(L, "e2e", sample->metric_ns[SP_METRIC_E2E]);
  set_usage(L, sample);
  if (sample->outcome == SP_OUTCOME_ABANDONED) set_text(L, "hung_up", sp_str_from(sp_hang_up_name(sample->hang_up)));
  if (sample->outcome != SP_OUTCOME_OK) set_text(L, "error", sp_str_from(sp_exchange_detail(exchange)));
  unsigned redirects = sp_exchange_redirects(exchange);
  if (redirects) {
    set_number(L, "redirects", redirects);
    set_text(L, "url", sp_exchange_url(exchange));
  }
  set_text_if(L, "conversation_id", sp_exchange_conversation(exchange));
  set_text_if(L, "message_id", sp_exchange_message(exchange));
  set_text_if(L, "task_id", sp_exchange_task(exchange));
  lua_rawgeti(L, LUA_REGISTRYINDEX, thread->result_mt_ref);
  lua_setmetatable(L, -2);
}

static const char *kind_of(const struct sp_meaning *meaning) {
  if (meaning->state == SP_STREAM_DONE) return "end";
  if (meaning->state == SP_STREAM_FAILED) return "error";
  if (meaning->marks & SP_MARK_TOKEN) return "token";
  if (meaning->marks & SP_MARK_REASONING) return "reasoning";
  if (meaning->marks & SP_MARK_NODE) return "node";
  return meaning->marks & SP_MARK_PING ? "ping" : "other";
}

static void set_node(lua_State *L, const struct sp_node_finished *node) {
  lua_createtable(L, 0, 4);
  set_text(L, "title", node->title);
  set_text(L, "type", node->type);
  set_ms(L, "elapsed", node->elapsed_ns);
  lua_pushboolean(L, node->failed);
  lua_setfield(L, -2, "failed");
  lua_setfield(L, -2, "node");
}

void sp_lua_push_event(struct sp_lua_thread *thread, lua_State *L, const struct sp_exchange_event *event) {
  const struct sp_meaning *meaning = event->meaning;
  lua_createtable(L, 0, 8);
  if (meaning) {
    set_text(L, "name", meaning->name);
    set_text(L, "kind", sp_str_from(kind_of(meaning)));
    set_text_if(L, "text", meaning->text);
    if (meaning->marks & SP_MARK_NODE) set_node(L, &meaning->node);
    if (meaning->state == SP_STREAM_FAILED) set_text(L, "error", meaning->detail);
  }
  set_text(L, "type", event->sse->type);
  set_text(L, "data", event->sse->data);
  set_text_if(L, "id", event->sse->id);
  lua_rawgeti(L, LUA_REGISTRYINDEX, thread->event_mt_ref);
  lua_setmetatable(L, -2);
}
