/*
 * A request that its user ends by itself: after a time, at an event, after so many tokens. Private to this folder.
 *
 * What a plan says: hang_up = { after = seconds, event = "name" | function, tokens = n, stop = function }, checked by
 * the prelude; the first that comes true hangs up. `stop` makes, from the result of an abandoned request, the spec of
 * one that tells the target (Dify's stop endpoint); nobody waits for its answer, and it has its own row.
 */
#ifndef SP_SCRIPT_HANG_UP_H
#define SP_SCRIPT_HANG_UP_H

#include "script/lua_user.h"

struct sp_lua_hang_up {
  struct sp_lua_request *request;
  struct sp_timer timer;
  int64_t after_ns;         /* from the intended start; -1: no limit */
  uint64_t tokens, seen;    /* 0: no limit; token events so far */
  char *event;              /* NULL: none */
  int judge_ref, stop_ref;  /* LUA_NOREF: none */
};

/* Of the spec table at `index`; NULL where it says nothing of hanging up. */
struct sp_lua_hang_up *sp_lua_hang_up_create(struct sp_lua_request *request, lua_State *L, int index);
void sp_lua_hang_up_begin(struct sp_lua_hang_up *rule, int64_t start_ns); /* the request has started */
/* Looks at an event; may hang up. */
void sp_lua_hang_up_see(struct sp_lua_hang_up *rule, const struct sp_exchange_event *event);
void sp_lua_hang_up_end(struct sp_lua_hang_up *rule); /* the request has ended: may start the one that tells the target */
void sp_lua_hang_up_destroy(struct sp_lua_hang_up *rule); /* NULL is fine */

#endif
