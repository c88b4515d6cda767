/* multipart = { … } of a request: parts in a list, or by name. { name =, data = | file =, filename =, type = } each. */
#include "script/lua_user.h"

#include "base/rng.h"
#include "script/files.h"
#include "wire/multipart.h"

#include <stdio.h>
#include <stdlib.h>

#define SP_PARTS_MAX 1000u

static int check_members(lua_State *L, int index, struct sp_err *err) {
  static const char *const known[] = {"name", "data", "file", "filename", "type", NULL};
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "a number";
    size_t i = 0;
    while (known[i] && strcmp(known[i], name) != 0) i++;
    if (known[i] && (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER)) continue;
    if (known[i]) return sp_fail(err, SP_EPLAN, "'%s' of a part of multipart{…} must be a text", name);
    return sp_fail(err, SP_EPLAN, "a part of multipart{…} has no member '%.60s' (it has: data, file, filename, name, type)",
                   name);
  }
  return 0;
}

/* The text stays held by the table, or (a number's) by the stack. */
static struct sp_str member(lua_State *L, int index, const char *name) {
  struct sp_str text = {NULL, 0};
  lua_pushstring(L, name);
  lua_rawget(L, index);
  text.bytes = lua_tolstring(L, -1, &text.len);
  return text;
}

static struct sp_str base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return sp_str_from(slash ? slash + 1 : path);
}

static bool is_one_line(struct sp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    if (strchr("\r\n", text.bytes[i])) return false; /* it finds the NUL too */
  }
  return true;
}

static int read_file(const struct sp_lua_user *lua_user, lua_State *L, struct sp_str path,
                     struct sp_multipart_part *part, struct sp_err *err) {
  if (memchr(path.bytes, '\0', path.len)) return sp_fail(err, SP_EPLAN, "a file's name has a NUL in it");
  if (!part->filename.bytes) part->filename = base_name(path.bytes);
  int code = sp_files_get(lua_user->thread->conf->plan->files, sp_lua_push_file_path(L, path.bytes), &part->data, err);
  return code ? sp_err_context(err, "multipart{…}") : 0;
}

/* A table at `index`; name: its key, where it has one. */
static int read_table(const struct sp_lua_user *lua_user, lua_State *L, int index, struct sp_multipart_part *part,
                      struct sp_err *err) {
  int code = check_members(L, index, err);
  if (code) return code;
  struct sp_str name = member(L, index, "name"), file = member(L, index, "file");
  if (name.bytes) part->name = name;
  part->data = member(L, index, "data");
  part->filename = member(L, index, "filename");
  part->type = member(L, index, "type");
  if (!part->name.bytes) return sp_fail(err, SP_EPLAN, "a part of multipart{…} needs a name");
  if (!file.bytes == !part->data.bytes)
    return sp_fail(err, SP_EPLAN, "the part '%.60s' of multipart{…} takes one of data and file", part->name.bytes);
  if (!is_one_line(part->type))
    return sp_fail(err, SP_EPLAN, "the type of the part '%.60s' has a line end or NUL in it", part->name.bytes);
  code = file.bytes ? read_file(lua_user, L, file, part, err) : 0;
  if (!part->type.bytes && part->filename.bytes) part->type = sp_str_from(sp_multipart_type_of(part->filename));
  return code;
}

/* The value on the top of the stack. */
static int append_part(const struct sp_lua_user *lua_user, lua_State *L, struct sp_str key, struct sp_str boundary,
                       struct sp_buf *out, struct sp_err *err) {
  struct sp_multipart_part part = {.name = key};
  int top = lua_gettop(L), code = 0;
  if (lua_type(L, top) == LUA_TTABLE) code = read_table(lua_user, L, top, &part, err);
  else if (key.bytes && (lua_type(L, top) == LUA_TSTRING || lua_type(L, top) == LUA_TNUMBER))
    part.data.bytes = lua_tolstring(L, top, &part.data.len);
  else code = sp_fail(err, SP_EPLAN, "a part of multipart{…} is a table, or a text under its name");
  if (code == 0 && part.data.len && memmem(part.data.bytes, part.data.len, boundary.bytes, boundary.len))
    code = sp_fail(err, SP_EPLAN, "a part of multipart{…} has the form's own boundary in it");
  if (code == 0 && sp_multipart_append(out, boundary, &part))
    code = sp_fail(err, SP_EPLAN, "the multipart form is over %u MiB", SP_HTTP_REQUEST_MAX >> 20);
  lua_settop(L, top);
  return code;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Parts by name have no order of their own: by the alphabet, so that each request is the same. */
static int append_named(const struct sp_lua_user *lua_user, lua_State *L, int index, struct sp_str boundary,
                        struct sp_buf *out, struct sp_err *err) {
  const char *names[SP_PARTS_MAX];
  size_t count = 0;
  int code = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    if (count == SP_PARTS_MAX) return sp_fail(err, SP_EPLAN, "multipart{…} has over %u parts", SP_PARTS_MAX);
    names[count++] = lua_tostring(L, -2); /* the table holds it */
  }
  qsort(names, count, sizeof(names[0]), by_text);
  for (size_t i = 0; i < count && code == 0; i++) {
    lua_getfield(L, index, names[i]);
    code = append_part(lua_user, L, sp_str_from(names[i]), boundary, out, err);
    lua_pop(L, 1);
  }
  return code;
}

static int append_parts(const struct sp_lua_user *lua_user, lua_State *L, int index, struct sp_str boundary,
                        struct sp_buf *out, struct sp_err *err) {
  size_t count = lua_objlen(L, index);
  int code = count > SP_PARTS_MAX ? sp_fail(err, SP_EPLAN, "multipart{…} has over %u parts", SP_PARTS_MAX) : 0;
  for (size_t i = 1; i <= count && code == 0; i++) {
    lua_rawgeti(L, index, (int)i);
    code = append_part(lua_user, L, sp_str_of(NULL, 0), boundary, out, err);
    lua_pop(L, 1);
  }
  return code ? code : append_named(lua_user, L, index, boundary, out, err);
}

/* Its own for each request, the same with the same seed. */
static void make_boundary(const struct sp_lua_user *lua_user, char *text, size_t size) {
  struct sp_rng rng;
  sp_rng_seed(&rng, lua_user->user->id, lua_user->requests);
  snprintf(text, size, "----spate%016llx%016llx", (unsigned long long)sp_rng_u64(&rng),
           (unsigned long long)sp_rng_u64(&rng));
}

int sp_request_multipart_read(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index,
                              struct sp_err *err) {
  int top = lua_gettop(L), code = 0;
  char boundary[48];
  lua_pushliteral(L, "multipart");
  lua_rawget(L, index);
  if (lua_istable(L, -1)) {
    make_boundary(lua_user, boundary, sizeof(boundary));
    code = append_parts(lua_user, L, top + 1, sp_str_from(boundary), &spec->body, err);
    if (code == 0 && spec->body.len == 0) code = sp_fail(err, SP_EPLAN, "multipart{…} has no part");
    if (code == 0 && sp_multipart_append_end(&spec->body, sp_str_from(boundary)))
      code = sp_fail(err, SP_EPLAN, "the multipart form is over %u MiB", SP_HTTP_REQUEST_MAX >> 20);
    snprintf(spec->content_type, sizeof(spec->content_type), "multipart/form-data; boundary=%s", boundary);
    spec->http.has_body = true;
    spec->http.body = sp_buf_str(&spec->body);
  }
  lua_settop(L, top);
  return code;
}
