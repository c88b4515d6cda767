#include "script/lua_host.h"

#include "base/check.h"
#include "base/mem.h"
#include "script/embedded.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char host_key; /* its address is the registry key */

struct sp_lua *sp_lua_of(lua_State *L) {
  lua_pushlightuserdata(L, (void *)&host_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  struct sp_lua *lua = lua_touserdata(L, -1);
  lua_pop(L, 1);
  SP_CHECK(lua);
  return lua;
}

const struct sp_embedded *sp_embedded_find(const char *kind, const char *name) {
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    if (strcmp(file->kind, kind) == 0 && strcmp(file->name, name) == 0) return file;
  }
  return NULL;
}

void sp_bind_list(lua_State *L, const luaL_Reg *list) {
  for (; list->name; list++) {
    lua_pushcfunction(L, list->func);
    lua_setfield(L, -2, list->name);
  }
}

int sp_lua_call(lua_State *L, int args, int results, struct sp_err *err) {
  if (lua_pcall(L, args, results, 0) == 0) return 0;
  const char *text = lua_tostring(L, -1);
  sp_fail(err, SP_EPLAN, "%s", text ? text : "an error that is no text");
  lua_pop(L, 1);
  return SP_EPLAN;
}

void sp_lua_push_place(lua_State *L) {
  lua_Debug at;
  for (int level = 0; lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "Sl", &at);
    if (at.source[0] != '@' || at.currentline <= 0) continue;
    lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

int sp_lua_fail(lua_State *L, const char *format, ...) {
  char text[SP_ERR_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  sp_lua_push_place(L);
  lua_pushstring(L, text);
  lua_concat(L, 2);
  lua_error(L);
  abort(); /* lua_error does not return */
}

static void add_metatable(lua_State *L, const char *registry_name, const char *core_name) {
  luaL_newmetatable(L, registry_name);
  lua_setfield(L, -2, core_name);
}

static int open_core(lua_State *L) {
  lua_newtable(L);
  add_metatable(L, SP_MT_RESULT, "result_mt");
  add_metatable(L, SP_MT_EVENT, "event_mt");
  add_metatable(L, SP_MT_ARRAY, "array_mt");
  sp_bind_basics(L);
  sp_bind_json(L);
  sp_bind_cookies(L);
  sp_bind_streams(L);
  sp_bind_user(L);
  sp_bind_replay(L);
  return 1;
}

/* require() finds the prelude's modules in package.preload. */
static int load_prelude_module(lua_State *L) {
  const struct sp_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
  char chunk[64];
  snprintf(chunk, sizeof(chunk), "=[%s]", file->name);
  if (luaL_loadbuffer(L, file->text, file->len, chunk)) return lua_error(L);
  lua_pushstring(L, file->name);
  lua_call(L, 1, 1);
  return 1;
}

static void preload_modules(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open_core);
  lua_setfield(L, -2, "spate.core");
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    if (strcmp(file->kind, "prelude") != 0) continue;
    lua_pushlightuserdata(L, (void *)file);
    lua_pushcclosure(L, load_prelude_module, 1);
    lua_setfield(L, -2, file->name);
  }
  lua_pop(L, 2);
}

/* A plan beside its modules: require() also looks into the plan's own folder. */
static void set_module_path(lua_State *L, const char *plan_path) {
  const char *slash = strrchr(plan_path, '/');
  lua_getglobal(L, "package");
  if (slash) {
    lua_pushlstring(L, plan_path, (size_t)(slash - plan_path));
    lua_pushliteral(L, "/?.lua;./?.lua");
    lua_concat(L, 2);
  } else {
    lua_pushliteral(L, "./?.lua");
  }
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
  preload_modules(L);
  return 0;
}

static int run_plan(struct sp_lua *lua, struct sp_err *err) {
  lua_State *L = lua->L;
  const struct sp_plan *plan = lua->plan;
  bool builtin = sp_embedded_find("plan", plan->options.name) != NULL;
  set_module_path(L, builtin ? "" : plan->options.name);
  char chunk[1024];
  snprintf(chunk, sizeof(chunk), "@%s", plan->options.name);
  if (luaL_loadbuffer(L, plan->source, plan->source_len, chunk)) {
    sp_fail(err, SP_EPLAN, "%s", lua_tostring(L, -1));
    return SP_EPLAN;
  }
  return sp_lua_call(L, 0, 0, err);
}

static struct sp_lua *create_bare(const struct sp_plan *plan, struct sp_lua_thread *thread, struct sp_err *err) {
  struct sp_lua *lua = sp_alloc(sizeof(*lua));
  lua->plan = plan;
  lua->thread = thread;
  lua->L = luaL_newstate();
  if (!lua->L) {
    sp_fail(err, SP_ELIMIT, "no memory for a Lua state");
    free(lua);
    return NULL;
  }
  lua_pushlightuserdata(lua->L, (void *)&host_key);
  lua_pushlightuserdata(lua->L, lua);
  lua_rawset(lua->L, LUA_REGISTRYINDEX);
  lua_pushcfunction(lua->L, open_libraries);
  if (sp_lua_call(lua->L, 0, 0, err) == 0) return lua;
  sp_lua_destroy(lua);
  return NULL;
}

struct sp_lua *sp_lua_create(const struct sp_plan *plan, struct sp_lua_thread *thread, struct sp_err *err) {
  struct sp_lua *lua = create_bare(plan, thread, err);
  if (!lua) return NULL;
  if (run_plan(lua, err) == 0) return lua;
  sp_lua_destroy(lua);
  return NULL;
}

void sp_lua_destroy(struct sp_lua *lua) {
  if (!lua) return;
  if (lua->L) lua_close(lua->L);
  free(lua);
}

int sp_read_file(const char *path, size_t max, char **text, size_t *len, struct sp_err *err) {
  FILE *file = fopen(path, "rb");
  if (!file) return sp_fail(err, SP_EIO, "cannot open '%s': %s", path, strerror(errno));
  struct sp_buf buf;
  sp_buf_init(&buf, max + 1);
  char block[16384];
  int code = 0;
  for (size_t got; code == 0 && (got = fread(block, 1, sizeof(block), file)) > 0;) {
    if (sp_buf_append(&buf, block, got) || buf.len > max) {
      code = sp_fail(err, SP_ELIMIT, "'%s' is over %zu bytes", path, max);
    }
  }
  if (code == 0 && ferror(file)) code = sp_fail(err, SP_EIO, "cannot read '%s': %s", path, strerror(errno));
  fclose(file);
  *len = buf.len;
  *text = code ? NULL : (buf.len ? sp_buf_take(&buf) : sp_strdup(""));
  sp_buf_fini(&buf);
  return code;
}

/* -- a Lua file as JSON (mock profiles) -- */

char *sp_lua_text_to_json(const char *name, const char *text, size_t len, struct sp_err *err) {
  struct sp_plan none = {0};
  struct sp_lua *lua = create_bare(&none, NULL, err);
  if (!lua) return NULL;
  char chunk[1024], *json = NULL;
  snprintf(chunk, sizeof(chunk), "@%s", name);
  struct sp_buf out;
  sp_buf_init(&out, SP_PLAN_MAX);
  if (luaL_loadbuffer(lua->L, text, len, chunk)) {
    sp_fail(err, SP_EPLAN, "%s", lua_tostring(lua->L, -1));
  } else if (sp_lua_call(lua->L, 0, 1, err) == 0) {
    if (lua_type(lua->L, -1) != LUA_TTABLE) {
      sp_fail(err, SP_EPLAN, "%s must return a table", name);
    } else if (sp_lua_json_encode(lua->L, -1, &out, err) == 0) {
      json = sp_buf_take(&out);
    }
  }
  sp_buf_fini(&out);
  sp_lua_destroy(lua);
  return json;
}

static bool is_json(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot && strcmp(dot, ".json") == 0;
}

char *sp_lua_file_to_json(const char *path, struct sp_err *err) {
  char *text = NULL;
  size_t len;
  if (sp_read_file(path, SP_PLAN_MAX, &text, &len, err)) return NULL;
  if (is_json(path)) return text; /* whoever reads it says what is wrong with it */
  char *json = sp_lua_text_to_json(path, text, len, err);
  free(text);
  return json;
}
