/*
 * A task that is one request (spate.request{…} in a plan): its spec is read once a thread, and each run starts it without
 * entering Lua. All behind that, from the exchange to its record, is as for a request that a task's function makes and
 * that nobody waits for. What can't be made ready is run by the task's function, which also tells why.
 */
#include "script/lua_user.h"

#include "base/mem.h"

#include <stdlib.h>

struct reading {
  struct sp_lua_user *lua_user;
  struct sp_request_spec *spec;
  int spec_ref;
  int code;
};

/* Runs protected. The spec's texts are borrowed from the table, which its reference holds. */
static int read_spec(lua_State *L) {
  struct reading *reading = lua_touserdata(L, 1);
  struct sp_err err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, reading->spec_ref);
  reading->code = sp_request_spec_read(reading->spec, reading->lua_user, L, lua_gettop(L), &err);
  return 0;
}

static void forget(struct sp_lua_task *task, lua_State *L) {
  luaL_unref(L, LUA_REGISTRYINDEX, task->request_ref);
  task->request_ref = LUA_NOREF;
  sp_ready_request_free(task);
}

static void make_ready(struct sp_lua_user *lua_user, struct sp_lua_task *task) {
  lua_State *L = lua_user->thread->lua->L;
  task->ready = sp_alloc(sizeof(*task->ready));
  struct reading reading = {.lua_user = lua_user, .spec = task->ready, .spec_ref = task->request_ref};
  struct sp_err err;
  lua_pushcfunction(L, read_spec);
  lua_pushlightuserdata(L, &reading);
  if (sp_lua_call(L, 1, 0, &err) || reading.code) forget(task, L);
}

bool sp_ready_request_run(struct sp_lua_user *lua_user, struct sp_lua_task *task) {
  if (task->request_ref == LUA_NOREF) return false;
  if (!task->ready) make_ready(lua_user, task);
  if (!task->ready) return false;
  lua_user->over = true; /* but for its request */
  sp_lua_request_start_ready(lua_user, task->ready, lua_user->next_start_ns);
  return true;
}

void sp_ready_request_free(struct sp_lua_task *task) {
  if (task->ready) sp_request_spec_fini(task->ready);
  free(task->ready);
  task->ready = NULL;
}
