/* A plan's request{…} table -> an HTTP request. The table was checked for unknown members by the prelude. */
#include "script/lua_user.h"

#include "base/mem.h"

#include <stdlib.h>

#define SP_METHOD_MAX 16u
#define SP_REQUEST_NAME_MAX (4 * SP_NAME_MAX) /* bytes of a name that are looked at; outputs show SP_NAME_MAX */

/* -- members of the table: most are not there, and asking Lua for each costs more than the rest of it -- */

static uint64_t bit_of(const char *name, size_t len) {
  unsigned mixed = len ? (unsigned)len * 7 + (unsigned char)name[0] + (unsigned char)name[len - 1] * 3u : 0;
  return UINT64_C(1) << (mixed & 63);
}

static void note_members(struct sp_request_spec *spec, lua_State *L, int index) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    size_t len;
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    const char *name = lua_tolstring(L, -2, &len);
    spec->members |= bit_of(name, len);
  }
}

bool sp_request_spec_has(const struct sp_request_spec *spec, const char *name) {
  return (spec->members & bit_of(name, strlen(name))) != 0;
}

static void raw_get(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
}

/* Raw: a metatable's function could raise past what we hold, and give a text that nobody holds. */
void sp_request_spec_get(const struct sp_request_spec *spec, lua_State *L, int index, const char *name) {
  if (sp_request_spec_has(spec, name)) raw_get(L, index, name);
  else lua_pushnil(L);
}

static struct sp_str field(const struct sp_request_spec *spec, lua_State *L, int index, const char *name) {
  size_t len = 0;
  sp_request_spec_get(spec, L, index, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  lua_pop(L, 1); /* the table still holds it */
  return sp_str_of(text, len);
}

static int64_t field_ns(const struct sp_request_spec *spec, lua_State *L, int index, const char *name,
                        int64_t otherwise) {
  sp_request_spec_get(spec, L, index, name);
  double s = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -1;
  lua_pop(L, 1);
  if (!(s >= 0)) return otherwise;
  return s > 1e9 ? INT64_C(1000000000) * SP_NS_PER_S : (int64_t)(s * 1e9);
}

static bool valid_method(struct sp_str method) {
  if (method.len == 0 || method.len > SP_METHOD_MAX) return false;
  for (size_t i = 0; i < method.len; i++) {
    if (method.bytes[i] < 'A' || method.bytes[i] > 'Z') return false;
  }
  return true;
}

static int read_method(struct sp_request_spec *spec, lua_State *L, int index, struct sp_err *err) {
  struct sp_str method = field(spec, L, index, "method");
  if (!method.bytes) method = spec->http.has_body ? SP_STR("POST") : SP_STR("GET");
  if (!valid_method(method)) return sp_fail(err, SP_EPLAN, "method '" SP_STR_FMT "' must be capital letters", SP_STR_ARG(method));
  spec->http.method = method;
  return 0;
}

const char *sp_request_base_url(const struct sp_lua_user *lua_user) {
  const struct sp_plan *plan = lua_user->thread->conf->plan;
  if (plan->options.host) return plan->options.host;
  const char *own = plan->class_http[lua_user->user->class_index].host;
  return own ? own : sp_plan_host(plan);
}

static int read_url(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index,
                    struct sp_err *err) {
  struct sp_str path = field(spec, L, index, "url");
  if (!path.bytes) path = field(spec, L, index, "path");
  if (!path.bytes) return sp_fail(err, SP_EPLAN, "a request needs a path (or a whole url)");
  const char *base = sp_request_base_url(lua_user);
  if (!*base && !memmem(path.bytes, path.len, "://", 3)) {
    return sp_fail(err, SP_EPLAN, "no host for '" SP_STR_FMT "': give --host URL, or spate.load{ host = … }",
                   SP_STR_ARG(path.len ? path : SP_STR("/")));
  }
  int code = sp_url_join(sp_str_from(base), path, &spec->url, err);
  spec->http.url = sp_buf_str(&spec->url);
  return code;
}

static int add_header(struct sp_buf *headers, struct sp_str name, struct sp_str value, struct sp_err *err) {
  bool full = sp_buf_append_str(headers, name) || sp_buf_append(headers, ": ", 2) || sp_buf_append_str(headers, value) ||
              sp_buf_append(headers, "\r\n", 2);
  return full ? sp_fail(err, SP_EPLAN, "the headers are over %u bytes", SP_HTTP1_HEAD_MAX) : 0;
}

/* A line end in a header would smuggle in another one. */
static int check_header(struct sp_str name, struct sp_str value, struct sp_err *err) {
  static const char separators[] = " \t\r\n:\"(),/;<=>?@[\\]{}";
  bool good = name.len > 0;
  for (size_t i = 0; i < name.len; i++) {
    good &= (unsigned char)name.bytes[i] > 0x20 && (unsigned char)name.bytes[i] < 0x7f && !strchr(separators, name.bytes[i]);
  }
  if (!good) return sp_fail(err, SP_EPLAN, "'" SP_STR_FMT "' is no header's name", SP_STR_ARG(name));
  for (size_t i = 0; i < value.len; i++) {
    if (!strchr("\r\n", value.bytes[i])) continue; /* it finds the NUL too */
    return sp_fail(err, SP_EPLAN, "header '" SP_STR_FMT "' has a line end or NUL in it", SP_STR_ARG(name));
  }
  return 0;
}

/* The pair on the top of the stack. */
static int take_header(struct sp_buf *headers, lua_State *L, struct sp_str *name, struct sp_err *err) {
  struct sp_str value;
  if (lua_type(L, -2) != LUA_TSTRING) return sp_fail(err, SP_EPLAN, "headers must be { Name = \"value\" }");
  name->bytes = lua_tolstring(L, -2, &name->len);
  value.bytes = lua_tolstring(L, -1, &value.len);
  if (!value.bytes) return sp_fail(err, SP_EPLAN, "header '%s' must be a string", name->bytes);
  int code = check_header(*name, value, err);
  return code ? code : add_header(headers, *name, value, err);
}

static int read_headers(struct sp_request_spec *spec, lua_State *L, int index, struct sp_str content_type, struct sp_err *err) {
  int top = lua_gettop(L), code = 0;
  bool has_type = content_type.len == 0, has_accept = !spec->stream;
  sp_request_spec_get(spec, L, index, "headers");
  if (lua_istable(L, -1)) lua_pushnil(L);
  while (code == 0 && lua_istable(L, top + 1) && lua_next(L, top + 1)) {
    struct sp_str name;
    code = take_header(&spec->headers, L, &name, err);
    has_type |= code == 0 && sp_str_ieq(name, SP_STR("content-type"));
    has_accept |= code == 0 && sp_str_ieq(name, SP_STR("accept"));
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  if (code == 0 && !has_type) code = add_header(&spec->headers, SP_STR("Content-Type"), content_type, err);
  if (code == 0 && !has_accept) code = add_header(&spec->headers, SP_STR("Accept"), SP_STR("text/event-stream"), err);
  spec->http.headers = sp_buf_str(&spec->headers);
  return code;
}

static int read_body(struct sp_request_spec *spec, lua_State *L, int index, struct sp_str *content_type, struct sp_err *err) {
  sp_request_spec_get(spec, L, index, "json");
  bool has_json = !lua_isnil(L, -1);
  int code = has_json ? sp_lua_json_encode(L, -1, &spec->body, err) : 0;
  lua_pop(L, 1);
  if (code) return sp_err_context(err, "json of a request");
  struct sp_str body = field(spec, L, index, "body");
  *content_type = has_json ? SP_STR("application/json") : field(spec, L, index, "content_type");
  spec->http.has_body = has_json || body.bytes;
  spec->http.body = has_json ? sp_buf_str(&spec->body) : body;
  return 0;
}

static void read_dialect(struct sp_request_spec *spec, lua_State *L, int index) {
  sp_request_spec_get(spec, L, index, "stream");
  if (lua_type(L, -1) == LUA_TSTRING) spec->dialect = sp_dialect_find(lua_tostring(L, -1));
  spec->has_judge = lua_isfunction(L, -1);
  spec->stream = spec->dialect || spec->has_judge;
  lua_pop(L, 1);
  struct sp_str answer = field(spec, L, index, "answer");
  if (!spec->stream && answer.len) spec->dialect = sp_dialect_find(answer.bytes);
}

static void read_policy(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index) {
  const struct sp_lua_conf *conf = lua_user->thread->conf;
  const struct sp_class_http *class = &conf->plan->class_http[lua_user->user->class_index];
  struct sp_http_timeouts *timeouts = &spec->http.timeouts;
  *timeouts = conf->timeouts;
  if (!conf->total_timeout_forced) {
    if (class->timeout_ns >= 0) timeouts->total_ns = class->timeout_ns;
    timeouts->total_ns = field_ns(spec, L, index, "timeout", timeouts->total_ns);
  }
  timeouts->first_byte_ns = field_ns(spec, L, index, "first_byte_timeout", timeouts->first_byte_ns);
  timeouts->silence_ns = field_ns(spec, L, index, "silence_timeout", timeouts->silence_ns);
  spec->http.connection = class->connection >= 0 ? (enum sp_http_connection)class->connection : conf->connection;
  struct sp_str connection = field(spec, L, index, "connection");
  if (connection.len) spec->http.connection = sp_connection_of(connection);
  sp_request_spec_get(spec, L, index, "gzip");
  spec->http.gzip = lua_toboolean(L, -1);
  lua_pop(L, 1);
}

/* A script can make a name up for every request: over the cap they share one, as they do in every output. */
static const struct sp_request_key *other_key(struct sp_lua_thread *thread, enum sp_role role) {
  thread->other_keys[role] = (struct sp_request_key){.name = SP_OTHER, .user_class = "", .task = "", .role = role};
  return &thread->other_keys[role];
}

/* Names come again and again: the key is made once, and its address serves as its identity. */
static const struct sp_request_key *find_key(struct sp_lua_user *lua_user, struct sp_str name, enum sp_role role,
                                             struct sp_str method) {
  struct sp_lua_thread *thread = lua_user->thread;
  struct sp_lua_class *class = &thread->classes[lua_user->user->class_index];
  bool plain = name.len == 0 && role == SP_ROLE_LOAD && lua_user->task_index != SIZE_MAX;
  if (plain && class->tasks[lua_user->task_index].key) return class->tasks[lua_user->task_index].key;
  const char *class_name = sp_worker_class(thread->worker, lua_user->user->class_index)->name;
  if (name.len == 0) name = sp_str_from(lua_user->task);
  if (name.len > SP_REQUEST_NAME_MAX) name.len = SP_REQUEST_NAME_MAX;
  struct sp_buf text;
  sp_buf_init(&text, SP_PLAN_MAX);
  sp_buf_append(&text, class_name, strlen(class_name) + 1);
  sp_buf_append(&text, lua_user->task, strlen(lua_user->task) + 1);
  sp_buf_append_char(&text, (char)('0' + role));
  sp_buf_append_str(&text, name);
  struct sp_request_key *key = sp_map_get(&thread->keys, sp_buf_str(&text));
  if (!key && thread->keys.count >= SP_CELLS_MAX) {
    sp_buf_fini(&text);
    return other_key(thread, role);
  }
  if (!key) {
    key = sp_alloc(sizeof(*key));
    key->user_class = class_name;
    key->task = lua_user->task;
    key->role = role;
    key->name = sp_strndup(name.bytes, name.len);
    key->method = sp_strndup(method.bytes, method.len);
    *sp_map_put(&thread->keys, sp_buf_str(&text)) = key;
  }
  if (plain) class->tasks[lua_user->task_index].key = key;
  sp_buf_fini(&text);
  return key;
}

static enum sp_role role_of(const struct sp_request_spec *spec, lua_State *L, int index) {
  sp_request_spec_get(spec, L, index, "role");
  int role = lua_type(L, -1) == LUA_TSTRING ? sp_role_find(lua_tostring(L, -1)) : -1;
  lua_pop(L, 1);
  return role < 0 ? SP_ROLE_LOAD : (enum sp_role)role;
}

/* read = { bytes_per_s = … } */
static double read_rate(const struct sp_request_spec *spec, lua_State *L, int index) {
  double per_s = 0;
  sp_request_spec_get(spec, L, index, "read");
  if (lua_istable(L, -1)) {
    raw_get(L, lua_gettop(L), "bytes_per_s");
    per_s = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return per_s;
}

int sp_request_spec_read(struct sp_request_spec *spec, struct sp_lua_user *lua_user, lua_State *L, int index,
                         struct sp_err *err) {
  struct sp_str content_type = SP_STR("");
  *spec = (struct sp_request_spec){0};
  sp_buf_init(&spec->url, SP_URL_MAX);
  sp_buf_init(&spec->headers, SP_HTTP1_HEAD_MAX);
  sp_buf_init(&spec->body, SP_HTTP_REQUEST_MAX);
  note_members(spec, L, index);
  int code = read_body(spec, L, index, &content_type, err);
  if (code == 0 && sp_request_spec_has(spec, "multipart")) code = sp_request_multipart_read(spec, lua_user, L, index, err);
  if (code) return code;
  if (spec->content_type[0]) content_type = sp_str_from(spec->content_type);
  read_dialect(spec, L, index);
  if ((code = read_method(spec, L, index, err)) || (code = read_url(spec, lua_user, L, index, err)) ||
      (code = read_headers(spec, L, index, content_type, err))) {
    return code;
  }
  read_policy(spec, lua_user, L, index);
  if ((code = sp_request_reach_read(spec, lua_user, L, index, err))) return code;
  sp_request_spec_get(spec, L, index, "_retry");
  spec->retry = lua_toboolean(L, -1);
  lua_pop(L, 1);
  spec->read_bytes_per_s = read_rate(spec, L, index);
  spec->key = find_key(lua_user, field(spec, L, index, "name"), role_of(spec, L, index), spec->http.method);
  return 0;
}

void sp_request_spec_fini(struct sp_request_spec *spec) {
  sp_buf_fini(&spec->url);
  sp_buf_fini(&spec->headers);
  sp_buf_fini(&spec->body);
  free(spec->secrets);
}
