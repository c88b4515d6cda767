#include "script/hang_up.h"

#include "base/mem.h"

#include <stdlib.h>

static lua_State *main_state(const struct sp_lua_hang_up *rule) { return rule->request->owner->thread->lua->L; }

static void on_due(struct sp_timer *timer) {
  struct sp_lua_hang_up *rule = sp_container_of(timer, struct sp_lua_hang_up, timer);
  sp_lua_request_hang_up(rule->request, SP_HANG_UP_TIME);
}

/* -- what the plan says -- */

static double take_number(lua_State *L, int index, const char *name, double otherwise) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  double value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : otherwise;
  lua_pop(L, 1);
  return value;
}

static char *take_text(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  char *text = lua_type(L, -1) == LUA_TSTRING ? sp_strdup(lua_tostring(L, -1)) : NULL;
  lua_pop(L, 1);
  return text;
}

struct sp_lua_hang_up *sp_lua_hang_up_create(struct sp_lua_request *request, lua_State *L, int index) {
  lua_pushliteral(L, "hang_up");
  lua_rawget(L, index);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    return NULL;
  }
  int table = lua_gettop(L);
  struct sp_lua_hang_up *rule = sp_alloc(sizeof(*rule));
  rule->request = request;
  double after_s = take_number(L, table, "after", -1);
  rule->after_ns = after_s < 0 ? -1 : after_s > 1e9 ? INT64_C(1000000000) * SP_NS_PER_S : (int64_t)(after_s * 1e9);
  rule->tokens = (uint64_t)take_number(L, table, "tokens", 0);
  rule->event = take_text(L, table, "event");
  rule->judge_ref = sp_lua_take_function(L, table, "event");
  rule->stop_ref = sp_lua_take_function(L, table, "stop");
  sp_timer_init(&rule->timer, sp_worker_loop(request->owner->thread->worker), on_due);
  lua_pop(L, 1);
  return rule;
}

void sp_lua_hang_up_begin(struct sp_lua_hang_up *rule, int64_t start_ns) {
  if (rule->after_ns >= 0) sp_timer_start(&rule->timer, start_ns + rule->after_ns);
}

/* -- events -- */

static bool is_named(const struct sp_lua_hang_up *rule, const struct sp_exchange_event *event) {
  struct sp_str name = sp_str_from(rule->event);
  return sp_str_eq(event->meaning->name, name) || sp_str_eq(event->sse->type, name);
}

static bool is_judged(const struct sp_lua_hang_up *rule, const struct sp_exchange_event *event) {
  lua_State *L = main_state(rule);
  struct sp_err err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rule->judge_ref);
  sp_lua_push_event(rule->request->owner->thread, L, event);
  if (sp_lua_call(L, 1, 1, &err)) {
    sp_lua_user_error(rule->request->owner, err.text);
    return false;
  }
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

void sp_lua_hang_up_see(struct sp_lua_hang_up *rule, const struct sp_exchange_event *event) {
  rule->seen += event->meaning->marks & SP_MARK_TOKEN ? 1 : 0;
  if (rule->tokens && rule->seen >= rule->tokens) {
    sp_lua_request_hang_up(rule->request, SP_HANG_UP_TOKENS);
  } else if ((rule->event && is_named(rule, event)) || (rule->judge_ref != LUA_NOREF && is_judged(rule, event))) {
    sp_lua_request_hang_up(rule->request, SP_HANG_UP_EVENT);
  }
}

/* -- the end -- */

/* Protected: user, stop function, result. */
static int ask_stop(lua_State *L) {
  struct sp_lua_user *lua_user = lua_touserdata(L, 1);
  lua_call(L, 1, 1);
  if (!lua_istable(L, -1)) return 0; /* nothing to stop: no event had come */
  int64_t now_ns = sp_loop_update_now(sp_worker_loop(lua_user->thread->worker));
  sp_lua_request_start(lua_user, L, lua_gettop(L), SP_REQUEST_DETACHED, now_ns);
  return 0;
}

void sp_lua_hang_up_end(struct sp_lua_hang_up *rule) {
  struct sp_lua_request *request = rule->request;
  struct sp_lua_user *lua_user = request->owner;
  sp_timer_stop(&rule->timer);
  bool abandoned = sp_exchange_sample(request->exchange)->outcome == SP_OUTCOME_ABANDONED;
  if (rule->stop_ref == LUA_NOREF || !abandoned || !sp_lua_user_may_start(lua_user)) return;
  lua_State *L = main_state(rule);
  struct sp_err err;
  lua_pushcfunction(L, ask_stop);
  lua_pushlightuserdata(L, lua_user);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rule->stop_ref);
  sp_lua_push_result(lua_user->thread, L, request->exchange);
  if (sp_lua_call(L, 3, 0, &err)) sp_lua_user_error(lua_user, err.text);
}

void sp_lua_hang_up_destroy(struct sp_lua_hang_up *rule) {
  if (!rule) return;
  lua_State *L = main_state(rule);
  luaL_unref(L, LUA_REGISTRYINDEX, rule->judge_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, rule->stop_ref);
  sp_timer_stop(&rule->timer);
  free(rule->event);
  free(rule);
}
