/* Primitives of several streams a user: started requests, that go on while the task does something else. */
#include "script/lua_user.h"

#include "base/check.h"

/* core.start(u, spec) -> handle. Leaves the user's other streams alone. */
static int core_start(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!sp_lua_user_may_start(lua_user)) return sp_lua_user_stop_here(lua_user, L);
  size_t started = 0;
  for (struct sp_lua_request *request = lua_user->open; request; request = request->next) started += request->started;
  if (started >= SP_STARTED_MAX) {
    sp_lua_fail(L, "a user has at most %u started requests that were not waited for: use user:wait or handle:result()",
                SP_STARTED_MAX);
  }
  struct sp_lua_request *request = sp_lua_request_start(lua_user, L, 2, SP_REQUEST_STARTED, lua_user->next_start_ns);
  lua_pushnumber(L, (double)request->serial);
  return 1;
}

/* core.wait(u, handle) -> result; nothing for a handle whose result was given before. */
static int core_wait(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_waiting(L, 1);
  struct sp_lua_request *request = sp_lua_user_find(lua_user, lua_tonumber(L, 2));
  if (!request || lua_user->pending == request) return 0;
  sp_lua_user_flush(lua_user);
  sp_lua_request_read_on(request);
  if (!request->ended) {
    lua_user->awaited = request;
    return sp_lua_user_park(lua_user, L, SP_WAIT_REQUEST);
  }
  sp_lua_push_result(lua_user->thread, L, request->exchange);
  lua_user->pending = request;
  lua_user->next_start_ns = sp_loop_update_now(sp_worker_loop(lua_user->thread->worker));
  return 1;
}

/* core.ended(u, handle) -> bool */
static int core_ended(lua_State *L) {
  struct sp_lua_request *request = sp_lua_user_find(sp_lua_user_of(L, 1), lua_tonumber(L, 2));
  lua_pushboolean(L, !request || request->ended);
  return 1;
}

/* core.close(u, handle): hangs up; its result is still there to be waited for. */
static int core_close(lua_State *L) {
  struct sp_lua_request *request = sp_lua_user_find(sp_lua_user_of(L, 1), lua_tonumber(L, 2));
  if (request && !request->ended) sp_lua_request_hang_up(request, SP_HANG_UP_CLOSE);
  return 0;
}

static int core_pause(lua_State *L) {
  struct sp_lua_request *request = sp_lua_user_find(sp_lua_user_of(L, 1), lua_tonumber(L, 2));
  if (request) sp_lua_request_stop_reading(request);
  return 0;
}

static int core_resume(lua_State *L) {
  struct sp_lua_request *request = sp_lua_user_find(sp_lua_user_of(L, 1), lua_tonumber(L, 2));
  if (request) sp_lua_request_read_on(request);
  return 0;
}

void sp_bind_streams(lua_State *L) {
  static const luaL_Reg functions[] = {{"start", core_start}, {"wait", core_wait},   {"ended", core_ended},
                                       {"close", core_close}, {"pause", core_pause}, {"resume", core_resume},
                                       {NULL, NULL}};
  sp_bind_list(L, functions);
}
