/* Recorded loads for plans: opening one, and the row that a task serves. */
#include "script/lua_user.h"
#include "script/replay.h"

/* core.replay(path, time, unit_s, speed): a handle, rows and seconds; or nil and why. */
static int core_replay(lua_State *L) {
  const struct sp_plan *plan = sp_lua_of(L)->plan;
  struct sp_err err;
  struct sp_replay_options options = {.path = luaL_checkstring(L, 1), .time = luaL_checkstring(L, 2),
      .unit_s = luaL_checknumber(L, 3), .speed = luaL_checknumber(L, 4)};
  if (!plan->replays) sp_lua_fail(L, "a replay belongs into a plan");
  const struct sp_replay *replay = sp_replays_open(plan->replays, &options, &err);
  if (!replay) {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
  }
  lua_pushlightuserdata(L, (void *)replay);
  lua_pushnumber(L, (double)replay->count);
  lua_pushnumber(L, (double)replay->due_ns[replay->count - 1] / 1e9);
  return 3;
}

/* Where the replay is not the load (flags have replaced it, or this is `spate try`), tasks take its rows in turn. */
static uint64_t choose_row(const struct sp_lua_user *lua_user, const struct sp_replay *replay) {
  const struct sp_lua_conf *conf = lua_user->thread->conf;
  if (conf->replaying) return lua_user->user->arrival;
  return sp_feeds_next(conf->plan->feeds, " replay") % replay->count;
}

/* core.row(u): the text of the row that the task under way serves. */
static int core_row(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  const struct sp_replay *replay = lua_user->thread->conf->plan->load.replay;
  if (!replay) sp_lua_fail(L, "there is no row: the plan's load replays nothing (spate.load{ replay = … })");
  if (lua_user->deed != SP_DEED_TASK) sp_lua_fail(L, "a row is a task's, not a hook's");
  if (!lua_user->has_row) lua_user->row = choose_row(lua_user, replay);
  lua_user->has_row = true;
  const struct sp_str *row = &replay->rows[lua_user->row];
  lua_pushlstring(L, row->bytes, row->len);
  return 1;
}

void sp_bind_replay(lua_State *L) {
  static const luaL_Reg functions[] = {{"replay", core_replay}, {"row", core_row}, {NULL, NULL}};
  sp_bind_list(L, functions);
}
