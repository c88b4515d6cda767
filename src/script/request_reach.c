/* What a request says of its way: HTTP version, redirects, cookies, Basic authentication. */
#include "script/lua_user.h"

#include "base/base64.h"
#include "base/mem.h"
#include "script/redirect.h"

#include <stdlib.h>

enum sp_http_connection sp_connection_of(struct sp_str text) {
  if (sp_str_eq(text, SP_STR("request"))) return SP_HTTP_CONNECTION_REQUEST;
  return sp_str_eq(text, SP_STR("shared")) ? SP_HTTP_CONNECTION_SHARED : SP_HTTP_CONNECTION_USER;
}

bool sp_http_version_of(struct sp_str text, enum sp_http_version *out) {
  static const struct {
    const char *name;
    enum sp_http_version version;
  } versions[] = {{"1.1", SP_HTTP_1_1}, {"2", SP_HTTP_2}, {"auto", SP_HTTP_AUTO}};
  for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
    if (!sp_str_eq(text, sp_str_from(versions[i].name))) continue;
    *out = versions[i].version;
    return true;
  }
  return false;
}

static void read_version(struct sp_request_spec *spec, const struct sp_class_http *class,
                         const struct sp_lua_conf *conf, lua_State *L, int index) {
  spec->http.version = conf->version;
  if (conf->version_forced) return;
  if (class->version >= 0) spec->http.version = (enum sp_http_version)class->version;
  sp_request_spec_get(spec, L, index, "http");
  struct sp_str text = {NULL, 0};
  if (lua_type(L, -1) == LUA_TSTRING) text.bytes = lua_tolstring(L, -1, &text.len);
  sp_http_version_of(text, &spec->http.version);
  lua_pop(L, 1);
}

/* true, false or a number, as the prelude has checked. */
static unsigned redirects_at(lua_State *L, int index) {
  if (lua_isboolean(L, index)) return lua_toboolean(L, index) ? SP_REDIRECTS_DEFAULT : 0;
  return (unsigned)lua_tonumber(L, index);
}

static void read_redirects(struct sp_request_spec *spec, const struct sp_class_http *class,
                           const struct sp_lua_conf *conf, lua_State *L, int index) {
  spec->redirects_max = class->redirects >= 0 ? (unsigned)class->redirects : conf->redirects_max;
  sp_request_spec_get(spec, L, index, "redirects");
  if (!lua_isnil(L, -1)) spec->redirects_max = redirects_at(L, -1);
  lua_pop(L, 1);
}

static void read_cookies(struct sp_request_spec *spec, const struct sp_class_http *class, lua_State *L, int index) {
  spec->cookies = !class->no_cookies;
  sp_request_spec_get(spec, L, index, "cookies");
  if (lua_isboolean(L, -1)) spec->cookies = lua_toboolean(L, -1);
  lua_pop(L, 1);
}

/* -- Basic authentication (RFC 7617) -- */

static bool has_authorization(struct sp_str headers) {
  while (headers.len) {
    struct sp_str line = sp_str_split(&headers, '\n');
    if (sp_str_ieq(sp_str_split(&line, ':'), SP_STR("authorization"))) return true;
  }
  return false;
}

/* The plan's secrets and this request's own: its password, and how it goes over the wire. */
static void keep_secrets(struct sp_request_spec *spec, const struct sp_plan *plan, struct sp_str password,
                         struct sp_str token) {
  size_t count = plan->secret_count;
  spec->secrets = sp_alloc((count + 2) * sizeof(struct sp_str) + password.len + token.len);
  char *at = (char *)(spec->secrets + count + 2);
  if (count) memcpy(spec->secrets, plan->secrets, count * sizeof(struct sp_str));
  if (password.len) memcpy(at, password.bytes, password.len);
  memcpy(at + password.len, token.bytes, token.len);
  spec->secrets[count] = sp_str_of(at, password.len);
  spec->secrets[count + 1] = sp_str_of(at + password.len, token.len);
  spec->secret_count = count + 2;
}

static int append_authorization(struct sp_request_spec *spec, const struct sp_plan *plan, struct sp_str user,
                                struct sp_str password, struct sp_err *err) {
  struct sp_buf plain, token;
  sp_buf_init(&plain, SP_HTTP1_HEAD_MAX);
  sp_buf_init(&token, SP_HTTP1_HEAD_MAX);
  int failed = sp_buf_append_str(&plain, user) || sp_buf_append_char(&plain, ':') ||
               sp_buf_append_str(&plain, password) || sp_base64_append(sp_buf_str(&plain), &token) ||
               sp_buf_append_text(&spec->headers, "Authorization: Basic ") ||
               sp_buf_append_str(&spec->headers, sp_buf_str(&token)) || sp_buf_append_text(&spec->headers, "\r\n");
  if (!failed) keep_secrets(spec, plan, password, sp_buf_str(&token));
  spec->http.headers = sp_buf_str(&spec->headers);
  sp_buf_fini(&plain);
  sp_buf_fini(&token);
  return failed ? sp_fail(err, SP_EPLAN, "the headers are over %u bytes", SP_HTTP1_HEAD_MAX) : 0;
}

static struct sp_str item(lua_State *L, int index, int i) {
  struct sp_str text = {NULL, 0};
  lua_rawgeti(L, index, i);
  if (lua_type(L, -1) == LUA_TSTRING) text.bytes = lua_tolstring(L, -1, &text.len);
  lua_pop(L, 1); /* the table still holds it */
  return text;
}

/* http://user:password@host: as auth, so that the password is hidden as any other. */
static int read_url_user(struct sp_request_spec *spec, const struct sp_plan *plan, struct sp_err *err) {
  struct sp_url url;
  struct sp_str text = sp_buf_str(&spec->url);
  if (!memchr(text.bytes, '@', text.len) || sp_url_parse(text, &url, NULL) || !url.userinfo.len) return 0;
  struct sp_str password = url.userinfo;
  struct sp_str user = sp_str_split(&password, ':');
  struct sp_buf plain;
  sp_buf_init(&plain, SP_URL_MAX);
  sp_buf_reserve(&plain, url.userinfo.len); /* decoded it is no longer */
  sp_url_decode(user, &plain);
  size_t user_len = plain.len;
  sp_url_decode(password, &plain);
  int code = append_authorization(spec, plan, sp_str_of(plain.bytes, user_len),
                                  sp_str_of(plain.bytes + user_len, plain.len - user_len), err);
  sp_buf_fini(&plain);
  return code;
}

static int read_auth(struct sp_request_spec *spec, const struct sp_class_http *class, const struct sp_plan *plan,
                     lua_State *L, int index, struct sp_err *err) {
  struct sp_str user = sp_str_from(class->auth_user), password = sp_str_from(class->auth_password);
  sp_request_spec_get(spec, L, index, "auth");
  if (lua_istable(L, -1)) {
    user = item(L, lua_gettop(L), 1);
    password = item(L, lua_gettop(L), 2);
  }
  lua_pop(L, 1);
  if (has_authorization(sp_buf_str(&spec->headers))) return 0;
  if (!user.bytes) return read_url_user(spec, plan, err);
  return append_authorization(spec, plan, user, password, err);
}

int sp_request_reach_read(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index,
                          struct sp_err *err) {
  const struct sp_lua_conf *conf = lua_user->thread->conf;
  const struct sp_class_http *class = &conf->plan->class_http[lua_user->user->class_index];
  read_version(spec, class, conf, L, index);
  read_redirects(spec, class, conf, L, index);
  read_cookies(spec, class, L, index);
  return read_auth(spec, class, conf->plan, L, index, err);
}
