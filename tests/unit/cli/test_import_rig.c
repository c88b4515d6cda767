#include "cli/test_import_rig.h"

#include "cli/import_curl.h"
#include "script/plan.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* As `spate plans` loads it: parameters may be missing. */
static void check_loads(const char *plan) {
  struct sp_err err = {0};
  char path[64];
  int fd = memfd_create("plan", 0);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, plan, strlen(plan)), strlen(plan));
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  struct sp_plan_options options = {.name = path, .describing = true};
  struct sp_plan *loaded = sp_plan_load(&options, &err);
  if (!loaded) fail_msg("the plan does not load: %s\n%s", err.text, plan);
  assert_int_equal(loaded->class_count, 1);
  assert_true(*sp_plan_host(loaded));
  for (size_t i = 0; i < loaded->param_count; i++) assert_true(loaded->params[i].secret && loaded->params[i].required);
  sp_plan_destroy(loaded);
  close(fd);
}

char *rig_write(struct sp_import *import) {
  struct sp_buf out;
  struct sp_err err = {0};
  sp_buf_init(&out, SP_PLAN_MAX);
  if (sp_import_write(import, &out, &err)) fail_msg("not written: %s", err.text);
  char *plan = sp_buf_take(&out);
  check_loads(plan);
  return plan;
}

static const char stub[] =
    "local out, class, load = {}, nil, nil\n"
    "local null, array = {}, {}\n"
    "local function sorted(t)\n"
    "  local keys = {}\n"
    "  for key in pairs(t) do keys[#keys + 1] = key end\n"
    "  table.sort(keys)\n"
    "  return keys\n"
    "end\n"
    "local function encode(v)\n"
    "  if v == null then return 'null' end\n"
    "  if type(v) == 'string' then return '\"' .. v .. '\"' end\n"
    "  if type(v) == 'number' then return string.format('%.17g', v) end\n"
    "  if type(v) ~= 'table' then return tostring(v) end\n"
    "  local parts = {}\n"
    "  if getmetatable(v) == array or v[1] ~= nil then\n"
    "    for i, item in ipairs(v) do parts[i] = encode(item) end\n"
    "    return '[' .. table.concat(parts, ',') .. ']'\n"
    "  end\n"
    "  for i, key in ipairs(sorted(v)) do parts[i] = key .. ':' .. encode(v[key]) end\n"
    "  return '{' .. table.concat(parts, ',') .. '}'\n"
    "end\n"
    "local user = {}\n"
    "function user:sleep(s) out[#out + 1] = 'sleep ' .. s end\n"
    "function user:set_cookies(text) out[#out + 1] = 'cookies ' .. text end\n"
    "function user:request(r)\n"
    "  local parts = { r.method .. ' ' .. (r.url or load.host .. ' ' .. r.path) }\n"
    "  for _, name in ipairs(sorted(r.headers or {})) do parts[#parts + 1] = name .. ': ' .. r.headers[name] end\n"
    "  if r.content_type then parts[#parts + 1] = 'type ' .. r.content_type end\n"
    "  if r.json then parts[#parts + 1] = 'json ' .. encode(r.json) end\n"
    "  if r.auth then parts[#parts + 1] = 'auth ' .. r.auth[1] .. ':' .. r.auth[2] end\n"
    "  for _, part in ipairs(r.multipart or {}) do parts[#parts + 1] = 'part ' .. encode(part) end\n"
    "  if r.redirects then parts[#parts + 1] = 'redirects ' .. r.redirects end\n"
    "  for _, name in ipairs { 'body', 'stream', 'connection', 'timeout', 'name' } do\n"
    "    if r[name] then parts[#parts + 1] = name .. ' ' .. r[name] end\n"
    "  end\n"
    "  if r.gzip then parts[#parts + 1] = 'gzip' end\n"
    "  out[#out + 1] = table.concat(parts, ' | ')\n"
    "end\n"
    "package.preload.spate = function()\n"
    "  return { json = { null = null }, array = function(t) return setmetatable(t, array) end,\n"
    "    param = function(name) return '<' .. name .. '>' end, between = function() end,\n"
    "    user = function(_, def) class = def end, load = function(options) load = options end }\n"
    "end\n"
    "return function() if class.on_start then class.on_start(user) end\n"
    "  for _, run in pairs(class.tasks) do run(user) end return table.concat(out, '\\n') end\n";

char *rig_run(const char *plan) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  if (luaL_dostring(L, stub)) fail_msg("stub: %s", lua_tostring(L, -1));
  if (luaL_dostring(L, plan)) fail_msg("plan: %s\n%s", lua_tostring(L, -1), plan);
  lua_settop(L, 1);
  if (lua_pcall(L, 0, 1, 0)) fail_msg("task: %s\n%s", lua_tostring(L, -1), plan);
  char *text = strdup(lua_tostring(L, -1));
  lua_close(L);
  return text;
}

char *rig_curl(const char *command) {
  struct sp_import import;
  struct sp_err err = {0};
  sp_import_init(&import, "a test");
  if (sp_import_curl_text(&import, sp_str_from(command), &err)) fail_msg("%s\n%s", err.text, command);
  char *plan = rig_write(&import);
  char *text = rig_run(plan);
  free(plan);
  sp_import_fini(&import);
  return text;
}
