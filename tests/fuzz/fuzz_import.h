/* What holds of every plan that an import writes. */
#ifndef FUZZ_IMPORT_H
#define FUZZ_IMPORT_H

#include "base/check.h"
#include "cli/plan_text.h"
#include "cli/plan_writer.h"
#include "script/plan.h"

#include <lauxlib.h>
#include <lua.h>

static inline void check_lua(struct sp_str plan) {
  lua_State *L = luaL_newstate();
  SP_CHECK(luaL_loadbuffer(L, plan.bytes, plan.len, "plan") == 0);
  lua_close(L);
}

/* The parts of a plan that come from the input: behind the parameters' descriptions, which name names. */
static inline void check_no_secret(const struct sp_import *import, struct sp_str plan) {
  const char *body = memmem(plan.bytes, plan.len, "tasks = {", 9);
  SP_CHECK(body);
  size_t len = plan.len - (size_t)(body - plan.bytes);
  for (size_t i = 0; i < import->secrets.count; i++) {
    struct sp_str value = import->secrets.items[i].value;
    bool plain = value.len >= 12 &&
                 memchr(value.bytes, '1', value.len); /* shorter ones can be the plan's own words, or others' names */
    for (size_t c = 0; c < value.len; c++)
      plain &= (unsigned char)value.bytes[c] > ' ' && !strchr("\"\\", value.bytes[c]);
    SP_CHECK(!plain || !memmem(body, len, value.bytes, value.len)); /* no secret in the plan */
  }
}

static inline void check_plan(struct sp_import *import) {
  struct sp_buf plan;
  struct sp_err err = {0};
  sp_buf_init(&plan, SP_PLAN_MAX);
  int code = sp_import_write(import, &plan, &err);
  if (code == 0) {
    SP_CHECK(sp_plan_is_utf8(sp_buf_str(&plan)));
    check_lua(sp_buf_str(&plan));
    check_no_secret(import, sp_buf_str(&plan));
  } else {
    SP_CHECK(code == SP_ELIMIT && err.text[0]);
  }
  sp_buf_fini(&plan);
}

#endif
