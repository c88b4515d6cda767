/* A load's shape as a function of the plan's own: asked on the main thread, where the plan's first Lua state lives. */
#include "script/exchange_detail.h"
#include "script/plan_read.h"

#include <stdio.h>

/* For the run's end: what the plan says of its fault, without its secrets. */
static const char *keep_why(struct sp_plan *plan, double elapsed_s, const char *text) {
  char *why = plan->shape_why;
  int head = snprintf(why, SP_ERR_TEXT_MAX, "the load's shape at %.3g s: ", elapsed_s);
  size_t room = SP_ERR_TEXT_MAX - 1 - (size_t)head;
  size_t len = sp_detail_line(why + head, room, sp_str_from(text), plan->secrets, plan->secret_count);
  why[(size_t)head + len] = '\0';
  return why;
}

int sp_plan_shape(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  struct sp_plan *plan = ctx;
  lua_State *L = plan->lua->L;
  struct sp_err err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, plan->shape_ref);
  lua_pushnumber(L, elapsed_s);
  if (sp_lua_call(L, 1, 2, &err)) {
    out->why = keep_why(plan, elapsed_s, err.text);
    return SP_EPLAN;
  }
  bool over = lua_isnil(L, -2);
  out->level = lua_tonumber(L, -2);
  out->spawn_per_s = lua_tonumber(L, -1);
  lua_pop(L, 2);
  return over ? 1 : 0;
}
