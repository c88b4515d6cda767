/* A user's coroutine: deeds asked by the engine, parking, resuming, ending. */
#include "script/lua_user.h"

#include "base/check.h"
#include "script/exchange_detail.h"

#include <stdio.h>

struct sp_lua_user *sp_lua_user_of(lua_State *L, int index) {
  struct sp_lua_user *lua_user = lua_touserdata(L, index);
  if (!lua_user) sp_lua_fail(L, "call this on a user: user:request{…}");
  if (lua_user->co != L) sp_lua_fail(L, "a user's calls belong into its own task (not into on_event, another user's task or a coroutine)");
  return lua_user;
}

struct sp_lua_user *sp_lua_user_waiting(lua_State *L, int index) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, index);
  /* lua_yield would say so too, but after a request was started or a timer set. */
  if (!lua_isyieldable(L)) sp_lua_fail(L, "a user cannot wait in here: a function that string.gsub, table.sort or the like calls");
  return lua_user;
}

bool sp_lua_user_may_start(const struct sp_lua_user *lua_user) { return !lua_user->winding && !lua_user->cut; }

void sp_lua_user_flush(struct sp_lua_user *lua_user) {
  if (lua_user->pending) sp_lua_request_finish(lua_user->pending);
}

void sp_lua_user_error(struct sp_lua_user *lua_user, const char *text) {
  struct sp_lua_thread *thread = lua_user->thread;
  const struct sp_plan *plan = thread->conf->plan;
  const char *class_name = sp_worker_class(thread->worker, lua_user->user->class_index)->name;
  char line[SP_DETAIL_MAX + 1], where[SP_DETAIL_MAX / 2];
  snprintf(where, sizeof(where), " (class %.50s, task %.60s)", class_name, lua_user->task);
  size_t len = sp_detail_line(line, SP_DETAIL_MAX - strlen(where), sp_str_from(text), plan->secrets, plan->secret_count);
  snprintf(line + len, sizeof(line) - len, "%s", where);
  sp_recorder_task_error(sp_worker_recorder(thread->worker), lua_user->task, line, sp_loop_now(sp_worker_loop(thread->worker)));
  const struct sp_tap *tap = thread->conf->tap;
  if (tap && tap->on_task_error) tap->on_task_error(tap->ctx, lua_user->task, line);
}

int sp_lua_user_park(struct sp_lua_user *lua_user, lua_State *L, enum sp_lua_wait wait) {
  lua_user->wait = (uint8_t)wait;
  return lua_yield(L, 0);
}

int sp_lua_user_stop_here(struct sp_lua_user *lua_user, lua_State *L) {
  lua_user->dropped = true;
  return sp_lua_user_park(lua_user, L, SP_WAIT_NOTHING);
}

struct sp_lua_request *sp_lua_user_find(struct sp_lua_user *lua_user, double handle) {
  struct sp_lua_request *request = lua_user->open;
  while (request && ((double)request->serial != handle || request->detached)) request = request->next;
  return request;
}

static void forget_coroutine(struct sp_lua_user *lua_user) {
  luaL_unref(lua_user->thread->lua->L, LUA_REGISTRYINDEX, lua_user->co_ref);
  lua_user->co_ref = LUA_NOREF;
  lua_user->co = NULL;
  lua_user->wait = SP_WAIT_NOTHING;
  lua_user->awaited = NULL;
}

/* A stream that the plan left before its end: hang up. One that was only cut short by the end of the run may finish, and
 * so may what a task had started. */
static bool may_finish(const struct sp_lua_user *lua_user, const struct sp_lua_request *request) {
  if (lua_user->cut) return true; /* it was hung up on already, as cancelled */
  return lua_user->dropped || request->detached || (request->started && !lua_user->broke);
}

static void leave_open_requests(struct sp_lua_user *lua_user) {
  struct sp_lua_request *next;
  for (struct sp_lua_request *request = lua_user->open; request; request = next) {
    next = request->next;
    if (request->ended) {
      sp_lua_request_finish(request);
    } else if (may_finish(lua_user, request)) {
      request->detached = true;
      sp_lua_request_read_on(request); /* nobody else would */
    } else {
      sp_lua_request_leave(request, SP_HANG_UP_LEFT);
    }
  }
}

void sp_lua_user_settle(struct sp_lua_user *lua_user) {
  if (lua_user->in_coroutine || lua_user->open || !(lua_user->over || lua_user->dropped)) return;
  enum sp_lua_deed deed = lua_user->deed;
  if (deed == SP_DEED_NONE) return;
  if (lua_user->dropped && lua_user->co) forget_coroutine(lua_user);
  lua_user->deed = SP_DEED_NONE;
  lua_user->over = lua_user->broke = lua_user->dropped = false;
  if (deed == SP_DEED_START) sp_user_started(lua_user->user);
  if (deed == SP_DEED_TASK) sp_user_task_done(lua_user->user);
  if (deed == SP_DEED_STOP) sp_lua_user_stopped(lua_user);
}

static void after_coroutine(struct sp_lua_user *lua_user, int status) {
  if (status != 0 && status != LUA_YIELD) { /* the runner itself broke: memory, or an error in the error handler */
    const char *text = lua_tostring(lua_user->co, -1);
    sp_lua_user_error(lua_user, text ? text : "an error that is no text");
  }
  bool asked = lua_user->wait != SP_WAIT_NOTHING || lua_user->over || lua_user->dropped;
  if (status == LUA_YIELD && !asked) sp_lua_user_error(lua_user, "a task must not call coroutine.yield: nothing would resume it");
  if (status != LUA_YIELD || !asked) {
    forget_coroutine(lua_user);
    lua_user->over = lua_user->broke = true;
  }
  if (lua_user->over || lua_user->dropped || lua_user->wait == SP_WAIT_SLEEP) sp_lua_user_flush(lua_user);
  if (lua_user->over || lua_user->dropped) leave_open_requests(lua_user);
}

void sp_lua_user_resume(struct sp_lua_user *lua_user, int args) {
  SP_CHECK(!lua_user->in_coroutine && lua_user->co);
  lua_user->wait = SP_WAIT_NOTHING;
  lua_user->awaited = NULL;
  lua_user->in_coroutine = true;
  int status = lua_resume(lua_user->co, args);
  after_coroutine(lua_user, status);
  lua_user->in_coroutine = false;
  sp_lua_user_settle(lua_user);
}

void sp_lua_user_drop(struct sp_lua_user *lua_user) {
  lua_user->dropped = true;
  lua_user->awaited = NULL;
  sp_timer_stop(&lua_user->sleep);
  sp_lua_user_flush(lua_user);
  leave_open_requests(lua_user);
  sp_lua_user_settle(lua_user);
}
