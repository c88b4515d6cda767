/* A user's cookies as its plan sees them. `path` says for which URL: a path, or a whole one; the host's root where
 * there is none. */
#include "script/lua_user.h"

#include "script/cookies.h"

#include <math.h>

/* Of the argument at `index`. */
static struct sp_url url_of(const struct sp_lua_user *lua_user, lua_State *L, int index, struct sp_buf *text) {
  struct sp_url url = {0};
  struct sp_err err;
  sp_buf_init(text, SP_URL_MAX);
  size_t len = 0;
  const char *path = luaL_optlstring(L, index, "/", &len);
  int code = sp_url_join(sp_str_from(sp_request_base_url(lua_user)), sp_str_of(path, len), text, &err);
  if (code == 0) code = sp_url_parse(sp_buf_str(text), &url, &err);
  if (code == 0) return url;
  sp_buf_fini(text);
  sp_lua_fail(L, "a cookie's URL: %s", err.text);
}

/* core.cookie(u, name, path): the value, or nil */
static int core_cookie(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  size_t len;
  const char *name = luaL_checklstring(L, 2, &len);
  struct sp_buf text;
  struct sp_url url = url_of(lua_user, L, 3, &text);
  struct sp_str value = sp_cookie_jar_get(&lua_user->cookies, &url, sp_str_of(name, len), sp_cookies_now_s());
  if (value.bytes) lua_pushlstring(L, value.bytes, value.len);
  else lua_pushnil(L);
  sp_buf_fini(&text);
  return 1;
}

/* core.set_cookie(u, name, value, path, cookie_path, domain, max_age, secure) -> was it taken? */
static int core_set_cookie(lua_State *L) {
  struct sp_lua_user *lua_user = sp_lua_user_of(L, 1);
  struct sp_set_cookie cookie = {0};
  cookie.name.bytes = luaL_checklstring(L, 2, &cookie.name.len);
  cookie.value.bytes = luaL_checklstring(L, 3, &cookie.value.len);
  cookie.path.bytes = luaL_optlstring(L, 5, "/", &cookie.path.len);
  cookie.domain.bytes = luaL_optlstring(L, 6, "", &cookie.domain.len);
  cookie.has_max_age = lua_isnumber(L, 7);
  double max_age_s = lua_tonumber(L, 7);
  cookie.max_age_s = max_age_s >= 1e12 ? INT64_C(1000000000000) : max_age_s > 0 ? (int64_t)ceil(max_age_s) : 0;
  cookie.secure = lua_toboolean(L, 8);
  struct sp_buf text;
  struct sp_url url = url_of(lua_user, L, 4, &text);
  bool good = sp_cookie_is_good(cookie.name, cookie.value);
  lua_pushboolean(L, good && sp_cookie_jar_put(&lua_user->cookies, &url, &cookie, sp_cookies_now_s()));
  sp_buf_fini(&text);
  return 1;
}

static int core_clear_cookies(lua_State *L) {
  sp_cookie_jar_clear(&sp_lua_user_of(L, 1)->cookies);
  return 0;
}

void sp_bind_cookies(lua_State *L) {
  static const luaL_Reg functions[] = {{"cookie", core_cookie},
                                       {"set_cookie", core_set_cookie},
                                       {"clear_cookies", core_clear_cookies},
                                       {NULL, NULL}};
  sp_bind_list(L, functions);
}
