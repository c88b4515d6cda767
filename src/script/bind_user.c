/* Primitives of a user: they park its coroutine or act at once. The prelude gives them their pleasant shape. */
#include "script/lua_user.h"

#include "base/check.h"

#include <math.h>

/* Iterated ones; what was started goes on. */
static void leave_streams(struct sp_lua_user *lua_user) {
  struct sp_lua_request *next;
  for (struct sp_lua_request *request = lua_user->open; request; request = next) {
    next = request->next;
    if (!request->detached && !request->started) sp_lua_request_leave(request, SP_HANG_UP_LEFT);
  }
}

/* core.request(u, spec) -> result */
static int core_request(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  sp_lua_user_flush(lua_user);
  if (!sp_lua_user_may_start(lua_user)) return sp_lua_user_stop_here(lua_user, L);
  leave_streams(lua_user);
  lua_user->awaited = sp_lua_request_start(lua_user, L, 2, SP_REQUEST_AWAITED, lua_user->next_start_ns);
  return sp_lua_user_park(lua_user, L, SP_WAIT_REQUEST);
}

/* core.stream(u, spec) -> handle */
static int core_stream(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  sp_lua_user_flush(lua_user);
  if (!sp_lua_user_may_start(lua_user)) return sp_lua_user_stop_here(lua_user, L);
  leave_streams(lua_user);
  struct sp_lua_request *request = sp_lua_request_start(lua_user, L, 2, SP_REQUEST_ITERATED, lua_user->next_start_ns);
  lua_pushnumber(L, (double)request->serial);
  return 1;
}

/* core.next_event(u, handle) -> event | nil, result */
static int core_next_event(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  struct sp_lua_request *request = sp_lua_user_find(lua_user, lua_tonumber(L, 2));
  if (!request) return 0;
  sp_lua_request_read_on(request);
  if (sp_lua_request_push_event(request, L)) return 1;
  if (request->ended) {
    lua_pushnil(L);
    sp_lua_push_result(lua_user->thread, L, request->exchange);
    lua_user->pending = request;
    lua_user->next_start_ns = sp_loop_update_now(sp_worker_loop(lua_user->thread->worker));
    return 2;
  }
  lua_user->awaited = request;
  return sp_lua_user_park(lua_user, L, SP_WAIT_EVENT);
}

static int core_hang_up(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  struct sp_lua_request *request = sp_lua_user_find(lua_user, lua_tonumber(L, 2));
  if (request) sp_lua_request_leave(request, SP_HANG_UP_CLOSE);
  return 0;
}

static int sleep_for(struct sp_lua_user *lua_user, lua_State *L, int64_t ns) {
  sp_lua_user_flush(lua_user);
  if (!sp_lua_user_may_start(lua_user)) return sp_lua_user_stop_here(lua_user, L);
  lua_user->next_start_ns = sp_loop_now(sp_worker_loop(lua_user->thread->worker)) + ns;
  sp_timer_start(&lua_user->sleep, lua_user->next_start_ns);
  return sp_lua_user_park(lua_user, L, SP_WAIT_SLEEP);
}

static int core_sleep(lua_State *L) {
  double s = luaL_checknumber(L, 2);
  return sleep_for(sp_lua_user_waiting(L, 1), L, s > 1e9 ? INT64_C(1000000000) * SP_NS_PER_S : (int64_t)(s * 1e9));
}

static int core_think(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  return sleep_for(lua_user, L, sp_lua_user_think_ns(lua_user));
}

static int core_check(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  const char *message = luaL_checkstring(L, 2);
  if (!lua_user->pending) {
    sp_lua_fail(L, "check '%.200s' has no request to judge: call it right after the request, before a pause", message);
  }
  sp_exchange_fail_check(lua_user->pending->exchange, message);
  return 0;
}

/* core.random(u | nil, a, b): as math.random, from the user's own generator. */
static int core_random(lua_State *L) {
  struct sp_lua_user *lua_user = lua_touserdata(L, 1);
  if (!lua_user) sp_lua_fail(L, "random needs a user");
  struct sp_rng *rng = &lua_user->user->rng;
  if (lua_isnoneornil(L, 2)) {
    lua_pushnumber(L, sp_rng_uniform(rng));
    return 1;
  }
  double low = 1, high = luaL_checknumber(L, 2);
  if (!lua_isnoneornil(L, 3)) {
    low = high;
    high = luaL_checknumber(L, 3);
  }
  if (!(high >= low)) sp_lua_fail(L, "random(%g, %g): the interval is empty", low, high);
  if (!(high - low <= 9e15)) sp_lua_fail(L, "random(%g, %g): the interval is too wide", low, high); /* also inf - inf */
  lua_pushnumber(L, floor(low) + (double)sp_rng_below(rng, (uint64_t)(floor(high) - floor(low)) + 1));
  return 1;
}

/* core.done(u, ok, error): the function under way has ended; gives the next one when there is one. */
static int core_done(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  lua_user->broke = !lua_toboolean(L, 2);
  if (lua_user->broke) {
    const char *text = lua_tostring(L, 3);
    sp_lua_user_error(lua_user, text ? text : "an error that is no text");
  }
  lua_user->over = true;
  return sp_lua_user_park(lua_user, L, SP_WAIT_NOTHING);
}

void sp_bind_user(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"request", core_request}, {"stream", core_stream}, {"next_event", core_next_event}, {"hang_up", core_hang_up},
      {"sleep", core_sleep},     {"think", core_think},   {"check", core_check},           {"random", core_random},
      {"done", core_done},       {NULL, NULL}};
  sp_bind_list(L, functions);
}
