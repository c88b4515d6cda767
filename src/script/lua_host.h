/*
 * One Lua state and what it is for. Private to this folder.
 *
 * Lua is guest, C is host: every entry is protected, a binding never exits, blocks or assumes a stack index.
 * The C primitives live in the module "spate.core"; plans see the prelude on top of it.
 */
#ifndef SP_SCRIPT_LUA_HOST_H
#define SP_SCRIPT_LUA_HOST_H

#include "script/plan.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

struct sp_lua_thread; /* script/user_lua.c: the engine thread this state belongs to */

struct sp_lua {
  lua_State *L;
  const struct sp_plan *plan;
  struct sp_lua_thread *thread; /* NULL in the main thread */
};

/* Makes a state, runs prelude and plan. `thread` may be NULL. */
struct sp_lua *sp_lua_create(const struct sp_plan *plan, struct sp_lua_thread *thread, struct sp_err *err);
void sp_lua_destroy(struct sp_lua *lua);
struct sp_lua *sp_lua_of(lua_State *L);

/* lua_pcall with the error as sp_err (SP_EPLAN). */
int sp_lua_call(lua_State *L, int args, int results, struct sp_err *err);

/* Where the plan is: pushes "plan.lua:12: ", the innermost line of the stack that is in a file and not in the prelude. */
void sp_lua_push_place(lua_State *L);
/* Raises an error with that in front. Nothing of ours may be held. */
int sp_lua_fail(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* A file of the plan's lies beside the plan, as its modules do, or where spate runs. What is pushed keeps the text. */
const char *sp_lua_push_file_path(lua_State *L, const char *path); /* bind_basics.c */

/* -- bindings: each pushes its functions into the table on the top of the stack -- */
void sp_bind_basics(lua_State *L);  /* bind_basics.c: param, duration, files, time */
void sp_bind_json(lua_State *L);    /* bind_json.c */
void sp_bind_streams(lua_State *L); /* bind_streams.c: started requests */
void sp_bind_cookies(lua_State *L); /* bind_cookies.c */
void sp_bind_user(lua_State *L);    /* bind_user.c: request, stream, sleep, check … */
void sp_bind_replay(lua_State *L);  /* bind_replay.c: recorded loads */

/* Sets functions in the table on the top of the stack. */
void sp_bind_list(lua_State *L, const luaL_Reg *list);

/* The metatables of results, events and JSON arrays, by name in the registry. */
#define SP_MT_RESULT "spate.result"
#define SP_MT_EVENT "spate.event"
#define SP_MT_ARRAY "spate.array"

/* -- JSON between Lua and bytes (bind_json.c) -- */
/* Encodes the value at `index`; an error's text says where. Returns 0 or SP_EPLAN. */
int sp_lua_json_encode(lua_State *L, int index, struct sp_buf *out, struct sp_err *err);

/* -- feeds: positions shared by the threads -- */
struct sp_feeds *sp_feeds_create(void);
void sp_feeds_destroy(struct sp_feeds *feeds);
uint64_t sp_feeds_next(struct sp_feeds *feeds, const char *name); /* 0, 1, 2 …; any thread */

int sp_read_file(const char *path, size_t max, char **text, size_t *len, struct sp_err *err);

#endif
