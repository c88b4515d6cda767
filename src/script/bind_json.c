/* JSON <-> Lua. An empty table is an object, unless spate.array made it; spate.json.null stands for null. */
#include "script/lua_host.h"

#include "wire/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SP_LUA_JSON_MAX (64u * 1024u * 1024u) /* bytes of an encoded value */
/* Slots for the deepest value, taken at once: further in, a full stack would jump over memory that is ours to free. */
#define SP_JSON_STACK (4 * (SP_JSON_DEPTH_MAX + 4))

struct encoder {
  lua_State *L;
  struct sp_buf *out;
  struct sp_err *err;
};

static int encode_value(struct encoder *encoder, int index, int depth);

static bool is_array(lua_State *L, int index) {
  if (lua_getmetatable(L, index)) {
    luaL_getmetatable(L, SP_MT_ARRAY);
    bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (marked) return true;
  }
  if (lua_objlen(L, index) == 0) return false;
  lua_rawgeti(L, index, 1);
  bool first = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return first;
}

/* The fewest digits that give the same double again: 0.1, not 0.10000000000000001. */
static int encode_number(struct encoder *encoder, double number) {
  if (isnan(number) || isinf(number)) return sp_fail(encoder->err, SP_EPLAN, "JSON has no number like %g", number);
  if (number == floor(number) && fabs(number) < 1e15) return sp_buf_printf(encoder->out, "%.0f", number);
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof(text), "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  return sp_buf_append_text(encoder->out, text);
}

/* What an array would leave out must not get lost in silence. */
static int check_array(struct encoder *encoder, int index, size_t count) {
  lua_State *L = encoder->L;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    double key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (key >= 1 && key <= (double)count && key == floor(key)) continue;
    bool named = lua_type(L, -1) == LUA_TSTRING;
    sp_fail(encoder->err, SP_EPLAN, "a table with list items cannot have %s%s%s too", named ? "the member '" : "other members",
            named ? lua_tostring(L, -1) : "", named ? "'" : "");
    lua_pop(L, 1);
    return SP_EPLAN;
  }
  return 0;
}

static int encode_array(struct encoder *encoder, int index, int depth) {
  size_t count = lua_objlen(encoder->L, index);
  int code = check_array(encoder, index, count);
  if (code == 0) code = sp_buf_append_char(encoder->out, '[');
  for (size_t i = 1; code == 0 && i <= count; i++) {
    if (i > 1) code = sp_buf_append_char(encoder->out, ',');
    lua_rawgeti(encoder->L, index, (int)i);
    if (code == 0) code = encode_value(encoder, lua_gettop(encoder->L), depth + 1);
    if (code == SP_EPLAN) sp_err_context(encoder->err, "item %zu", i);
    lua_pop(encoder->L, 1);
  }
  return code ? code : sp_buf_append_char(encoder->out, ']');
}

static int encode_key(struct encoder *encoder, int index) {
  lua_State *L = encoder->L;
  if (lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER) {
    return sp_fail(encoder->err, SP_EPLAN, "a JSON member's name can't be a %s", luaL_typename(L, index));
  }
  lua_pushvalue(L, index); /* lua_tolstring would change a number key under lua_next */
  size_t len;
  const char *name = lua_tolstring(L, -1, &len);
  int code = sp_json_append_string(encoder->out, sp_str_of(name, len));
  lua_pop(L, 1);
  return code ? code : sp_buf_append_char(encoder->out, ':');
}

static int encode_object(struct encoder *encoder, int index, int depth) {
  lua_State *L = encoder->L;
  int code = sp_buf_append_char(encoder->out, '{');
  bool first = true;
  lua_pushnil(L);
  while (code == 0 && lua_next(L, index)) {
    int top = lua_gettop(L);
    if (!first) code = sp_buf_append_char(encoder->out, ',');
    first = false;
    if (code == 0) code = encode_key(encoder, top - 1);
    if (code == 0) code = encode_value(encoder, top, depth + 1);
    if (code == SP_EPLAN && lua_type(L, top - 1) == LUA_TSTRING) sp_err_context(encoder->err, "'%s'", lua_tostring(L, top - 1));
    lua_settop(L, top - 1);
  }
  return code ? code : sp_buf_append_char(encoder->out, '}');
}

static int encode_value(struct encoder *encoder, int index, int depth) {
  lua_State *L = encoder->L;
  size_t len;
  if (depth > SP_JSON_DEPTH_MAX) {
    /* Not SP_EPLAN: sixty names in front would hide the sentence. */
    return sp_fail(encoder->err, SP_EPARSE, "a table is nested over %d deep, or holds itself", SP_JSON_DEPTH_MAX);
  }
  switch (lua_type(L, index)) {
  case LUA_TNIL:
  case LUA_TLIGHTUSERDATA: return sp_buf_append_text(encoder->out, "null");
  case LUA_TBOOLEAN: return sp_buf_append_text(encoder->out, lua_toboolean(L, index) ? "true" : "false");
  case LUA_TNUMBER: return encode_number(encoder, lua_tonumber(L, index));
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, index, &len);
    return sp_json_append_string(encoder->out, sp_str_of(text, len));
  }
  case LUA_TTABLE: return is_array(L, index) ? encode_array(encoder, index, depth) : encode_object(encoder, index, depth);
  default: return sp_fail(encoder->err, SP_EPLAN, "a %s can't be JSON", luaL_typename(L, index));
  }
}

int sp_lua_json_encode(lua_State *L, int index, struct sp_buf *out, struct sp_err *err) {
  struct encoder encoder = {L, out, err};
  int top = lua_gettop(L);
  if (!lua_checkstack(L, SP_JSON_STACK)) return sp_fail(err, SP_EPLAN, "the Lua stack is full");
  int code = encode_value(&encoder, index < 0 ? top + 1 + index : index, 0);
  lua_settop(L, top);
  if (code == SP_ELIMIT) return sp_fail(err, SP_EPLAN, "the JSON is over %zu bytes", out->max);
  if (code) err->code = SP_EPLAN;
  return code ? SP_EPLAN : 0;
}

/* -- decode -- */

static int push_value(lua_State *L, const struct sp_json *doc, int value, struct sp_buf *scratch);

static void push_children(lua_State *L, const struct sp_json *doc, int value, bool object, struct sp_buf *scratch) {
  int n = 0;
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    if (object) {
      struct sp_str name = sp_json_string(doc, child, scratch);
      lua_pushlstring(L, name.bytes ? name.bytes : "", name.len);
      push_value(L, doc, child + 1, scratch);
      lua_rawset(L, -3);
    } else {
      push_value(L, doc, child, scratch);
      lua_rawseti(L, -2, ++n);
    }
  }
}

static int push_value(lua_State *L, const struct sp_json *doc, int value, struct sp_buf *scratch) {
  switch (sp_json_kind(doc, value)) {
  case SP_JSON_BOOL: lua_pushboolean(L, sp_json_bool(doc, value, false)); break;
  case SP_JSON_NUMBER: lua_pushnumber(L, sp_json_number(doc, value, 0)); break;
  case SP_JSON_STRING: {
    struct sp_str text = sp_json_string(doc, value, scratch);
    lua_pushlstring(L, text.bytes ? text.bytes : "", text.len);
    break;
  }
  case SP_JSON_ARRAY:
    lua_createtable(L, sp_json_size(doc, value), 0);
    push_children(L, doc, value, false, scratch);
    luaL_getmetatable(L, SP_MT_ARRAY);
    lua_setmetatable(L, -2);
    break;
  case SP_JSON_OBJECT:
    lua_createtable(L, 0, sp_json_size(doc, value));
    push_children(L, doc, value, true, scratch);
    break;
  case SP_JSON_NULL:
  case SP_JSON_ABSENT: lua_pushlightuserdata(L, NULL); break;
  }
  return 1;
}

static int json_decode(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct sp_json doc;
  struct sp_buf scratch;
  struct sp_err err;
  luaL_checkstack(L, SP_JSON_STACK, "JSON");
  sp_json_init(&doc);
  sp_buf_init(&scratch, SP_LUA_JSON_MAX);
  int results = 1;
  if (sp_json_parse(&doc, sp_str_of(text, len), &err) == 0) {
    push_value(L, &doc, 0, &scratch);
  } else {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    results = 2;
  }
  sp_buf_fini(&scratch);
  sp_json_fini(&doc);
  return results;
}

static int json_encode(lua_State *L) {
  struct sp_err err;
  struct sp_buf out;
  luaL_checkany(L, 1);
  sp_buf_init(&out, SP_LUA_JSON_MAX);
  int code = sp_lua_json_encode(L, 1, &out, &err);
  if (code == 0) lua_pushlstring(L, out.bytes, out.len);
  sp_buf_fini(&out);
  if (code) sp_lua_fail(L, "json.encode: %s", err.text);
  return 1;
}

void sp_bind_json(lua_State *L) {
  static const luaL_Reg functions[] = {{"json_encode", json_encode}, {"json_decode", json_decode}, {NULL, NULL}};
  sp_bind_list(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
}
