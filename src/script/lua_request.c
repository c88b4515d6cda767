/* A request of a plan's user, from its spec to its record. */
#include "script/lua_user.h"

#include "base/check.h"
#include "base/mem.h"
#include "script/hang_up.h"
#include "script/slow_read.h"

#include <stdio.h>
#include <stdlib.h>

static lua_State *main_state(const struct sp_lua_request *request) { return request->owner->thread->lua->L; }

/* -- events for Lua: queued as they come, handed on once their time is known -- */

static bool wants_events(const struct sp_lua_request *request) {
  return request->iterated || request->on_event_ref != LUA_NOREF;
}

static void queue_event(struct sp_lua_request *request, const struct sp_exchange_event *event) {
  lua_State *L = main_state(request);
  request->queued_bytes += event->sse->data.len;
  if (request->queued - request->taken >= SP_EVENT_QUEUE_MAX || request->queued_bytes > SP_EVENT_QUEUE_BYTES_MAX) {
    char text[128];
    snprintf(text, sizeof(text), "over %u events or %u MiB wait for the plan's loop: it is slower than the stream",
             SP_EVENT_QUEUE_MAX, SP_EVENT_QUEUE_BYTES_MAX >> 20);
    sp_lua_user_error(request->owner, text);
    sp_lua_request_hang_up(request, SP_HANG_UP_SLOW);
    return;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->queue_ref);
  sp_lua_push_event(request->owner->thread, L, event);
  lua_rawseti(L, -2, (int)++request->queued);
  lua_pop(L, 1);
}

static void stamp_event(struct sp_lua_request *request, unsigned i, int64_t at_ns) {
  lua_State *L = main_state(request);
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->queue_ref);
  lua_rawgeti(L, -1, (int)i);
  lua_pushnumber(L, (double)(at_ns - sp_exchange_sample(request->exchange)->start_ns) / 1e6);
  lua_setfield(L, -2, "t");
  lua_pop(L, 2);
}

int sp_lua_request_push_event(struct sp_lua_request *request, lua_State *L) {
  if (request->taken >= request->timed) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->queue_ref);
  lua_rawgeti(L, -1, (int)++request->taken);
  lua_pushnil(L);
  lua_rawseti(L, -3, (int)request->taken);
  lua_remove(L, -2);
  lua_pushliteral(L, "data");
  lua_rawget(L, -2);
  request->queued_bytes -= lua_objlen(L, -1);
  lua_pop(L, 1);
  return 1;
}

static void call_on_event(struct sp_lua_request *request) {
  lua_State *L = main_state(request);
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->on_event_ref);
  struct sp_err err;
  if (!sp_lua_request_push_event(request, L)) {
    lua_pop(L, 1);
    return;
  }
  if (sp_lua_call(L, 1, 0, &err)) sp_lua_user_error(request->owner, err.text);
}

static void note_now(struct sp_lua_user *lua_user) {
  lua_user->next_start_ns = sp_loop_update_now(sp_worker_loop(lua_user->thread->worker));
}

static void wake_iteration(struct sp_lua_request *request) {
  struct sp_lua_user *lua_user = request->owner;
  if (lua_user->wait != SP_WAIT_EVENT || lua_user->awaited != request || lua_user->in_coroutine) return;
  if (!sp_lua_request_push_event(request, lua_user->co)) return;
  note_now(lua_user); /* what the plan asks for in its loop, or behind it, starts now */
  sp_lua_user_resume(lua_user, 1);
}

/* -- hooks of the exchange -- */

static const struct sp_tap *tap_of(const struct sp_lua_request *request) { return request->owner->thread->conf->tap; }

static struct sp_tap_request seen_by_tap(const struct sp_lua_request *request, struct sp_exchange *exchange) {
  return (struct sp_tap_request){request->key, request->serial, sp_exchange_sample(exchange)->start_ns};
}

static void on_event(void *ctx, struct sp_exchange *exchange, const struct sp_exchange_event *event) {
  struct sp_lua_request *request = ctx;
  if (!request->exchange) request->exchange = exchange;
  if (wants_events(request) && !request->detached) queue_event(request, event);
  const struct sp_tap *tap = tap_of(request);
  if (tap && tap->on_event) {
    struct sp_tap_request seen = seen_by_tap(request, exchange);
    tap->on_event(tap->ctx, &seen, event);
  }
  if (request->rule) sp_lua_hang_up_see(request->rule, event);
}

static void on_bytes(void *ctx, struct sp_exchange *exchange, size_t len) {
  const struct sp_lua_request *request = ctx;
  (void)exchange;
  if (request->slow) sp_slow_read_take(request->slow, len);
}

static void on_blank(void *ctx, struct sp_exchange *exchange, struct sp_str type) {
  const struct sp_tap *tap = tap_of(ctx);
  if (!tap || !tap->on_blank) return;
  struct sp_tap_request seen = seen_by_tap(ctx, exchange);
  tap->on_blank(tap->ctx, &seen, type);
}

static void stamp_events(struct sp_lua_request *request, int64_t first_ns, int64_t others_ns) {
  for (int64_t at_ns = first_ns; request->timed < request->queued; at_ns = others_ns) {
    stamp_event(request, ++request->timed, at_ns);
    if (request->on_event_ref != LUA_NOREF) call_on_event(request);
  }
}

static void on_events_timed(void *ctx, struct sp_exchange *exchange, int64_t first_ns, int64_t others_ns) {
  struct sp_lua_request *request = ctx;
  const struct sp_tap *tap = tap_of(request);
  if (tap && tap->on_events_timed) {
    struct sp_tap_request seen = seen_by_tap(request, exchange);
    tap->on_events_timed(tap->ctx, &seen, first_ns, others_ns);
  }
  if (!wants_events(request) || request->detached) return;
  stamp_events(request, first_ns, others_ns);
  if (request->iterated) wake_iteration(request);
}

/* A plan's own dialect is a function from an event to "token", "end", "error" or nil. */

/* What a plan's stream function said of an event; false: a word that means nothing. */
static bool take_verdict(lua_State *L, const struct sp_sse_event *event, struct sp_meaning *out) {
  if (!lua_toboolean(L, -1)) return true;
  struct sp_str verdict = lua_isstring(L, -1) ? sp_str_from(lua_tostring(L, -1)) : SP_STR("");
  if (sp_str_eq(verdict, SP_STR("token"))) {
    out->marks = event->data.len ? SP_MARK_TOKEN : 0;
    out->text = event->data;
  } else if (sp_str_eq(verdict, SP_STR("end"))) {
    out->state = SP_STREAM_DONE;
  } else if (sp_str_eq(verdict, SP_STR("error"))) {
    out->state = SP_STREAM_FAILED;
    out->detail = event->data;
  } else {
    return false;
  }
  return true;
}

static void fail_judge(struct sp_lua_request *request, const char *why, struct sp_meaning *out) {
  sp_lua_user_error(request->owner, why);
  out->state = SP_STREAM_FAILED;
  out->detail = SP_STR("the plan's stream function failed");
}

static void judge(void *ctx, const struct sp_sse_event *event, struct sp_meaning *out) {
  struct sp_lua_request *request = ctx;
  lua_State *L = main_state(request);
  struct sp_exchange_event seen = {event, NULL};
  struct sp_err err;
  out->name = event->type.len ? event->type : SP_STR("message");
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->judge_ref);
  sp_lua_push_event(request->owner->thread, L, &seen);
  if (sp_lua_call(L, 1, 1, &err)) {
    fail_judge(request, err.text, out);
    return;
  }
  if (!take_verdict(L, event, out)) {
    const char *word = lua_isstring(L, -1) ? lua_tostring(L, -1) : luaL_typename(L, -1);
    sp_fail(&err, SP_EPLAN, "the stream function gave '%s': there is \"token\", \"end\", \"error\" or nil", word);
    fail_judge(request, err.text, out);
  }
  lua_pop(L, 1);
}

static void deliver(struct sp_lua_request *request) {
  struct sp_lua_user *lua_user = request->owner;
  bool awaited = lua_user->awaited == request && !lua_user->dropped;
  if (!awaited) {
    if (request->detached || lua_user->dropped || lua_user->over) {
      if (lua_user->over) note_now(lua_user); /* the task may end with it, and the next one be due */
      sp_lua_request_finish(request);
      sp_lua_user_settle(lua_user);
    }
    return; /* an iterated stream whose loop is busy elsewhere: it will see the end */
  }
  int args = 1;
  if (lua_user->wait == SP_WAIT_EVENT && sp_lua_request_push_event(request, lua_user->co)) {
    note_now(lua_user); /* the read in which it was hung up on; the end is asked for later */
    sp_lua_user_resume(lua_user, 1);
    return;
  }
  if (lua_user->wait == SP_WAIT_EVENT) {
    lua_pushnil(lua_user->co);
    args = 2;
  }
  sp_lua_push_result(lua_user->thread, lua_user->co, request->exchange);
  lua_user->pending = request;
  note_now(lua_user);
  sp_lua_user_resume(lua_user, args);
}

static void on_end(void *ctx, struct sp_exchange *exchange) {
  struct sp_lua_request *request = ctx;
  request->exchange = exchange;
  request->ended = true;
  if (request->key->role == SP_ROLE_LOAD) sp_worker_in_flight(request->owner->thread->worker, -1);
  if (request->slow) sp_slow_read_end(request->slow);
  int64_t end_ns = sp_exchange_sample(exchange)->end_ns;
  if (!request->detached) stamp_events(request, end_ns, end_ns);
  if (request->rule) sp_lua_hang_up_end(request->rule);
  deliver(request);
}

static const struct sp_exchange_hooks hooks_judge = {.on_event = on_event, .on_events_timed = on_events_timed,
                                                     .on_blank = on_blank, .judge = judge,
                                                     .on_bytes = on_bytes, .on_end = on_end};
static const struct sp_exchange_hooks hooks_dialect = {.on_event = on_event, .on_events_timed = on_events_timed,
                                                       .on_blank = on_blank, .on_bytes = on_bytes, .on_end = on_end};
/* Nobody looks at the events: then they need not look for their request, user and thread, which are in no cache. */
static const struct sp_exchange_hooks hooks_judge_unseen = {.judge = judge, .on_end = on_end};
static const struct sp_exchange_hooks hooks_dialect_unseen = {.on_end = on_end};

static const struct sp_exchange_hooks *hooks_for(const struct sp_lua_request *request, bool has_judge) {
  if (wants_events(request) || tap_of(request) || request->rule || request->slow) return has_judge ? &hooks_judge : &hooks_dialect;
  return has_judge ? &hooks_judge_unseen : &hooks_dialect_unseen;
}

/* -- life -- */

int sp_lua_take_function(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index); /* as the rest of the spec is read */
  if (lua_isfunction(L, -1)) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

static void take_refs(struct sp_lua_request *request, const struct sp_request_spec *spec, lua_State *L, int index) {
  if (sp_request_spec_has(spec, "hang_up")) request->rule = sp_lua_hang_up_create(request, L, index);
  if (sp_request_spec_has(spec, "on_event")) request->on_event_ref = sp_lua_take_function(L, index, "on_event");
  if (spec->has_judge) request->judge_ref = sp_lua_take_function(L, index, "stream");
  if (!wants_events(request)) return;
  lua_newtable(L);
  request->queue_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static struct sp_slow_read *slow_read_of(struct sp_lua_user *lua_user, double bytes_per_s) {
  return sp_slow_read_create(sp_worker_loop(lua_user->thread->worker), bytes_per_s);
}

/* own_url: what the request's URL is of, to be taken over; NULL: it outlives the request. */
static void start_exchange(struct sp_lua_request *request, const struct sp_request_spec *spec, struct sp_buf *own_url,
                           int64_t start_ns) {
  struct sp_lua_user *lua_user = request->owner;
  struct sp_lua_thread *thread = lua_user->thread;
  const struct sp_plan *plan = thread->conf->plan;
  struct sp_exchange_options options = {
      .session = &lua_user->session, .request = spec->http, .dialect = spec->dialect, .stream = spec->stream,
      .scratch = &thread->scratch, .stall_ns = thread->conf->stall_ns,
      .recorder = sp_worker_recorder(thread->worker), .key = spec->key,
      .cookies = spec->cookies ? &lua_user->cookies : NULL, .url = own_url, .redirects_max = spec->redirects_max,
      .secrets = spec->secrets ? spec->secrets : plan->secrets,
      .secret_count = spec->secrets ? spec->secret_count : plan->secret_count,
      .hooks = hooks_for(request, spec->has_judge), .ctx = request};
  options.request.start_ns = start_ns;
  request->next = lua_user->open;
  lua_user->open = request;
  const struct sp_tap *tap = thread->conf->tap;
  if (tap && tap->on_start) {
    struct sp_tap_request seen = {spec->key, request->serial, start_ns};
    tap->on_start(tap->ctx, &seen, spec->http.method, spec->http.url);
  }
  if (request->key->role == SP_ROLE_LOAD) sp_worker_in_flight(thread->worker, 1);
  request->exchange = sp_exchange_start(&options);
  sp_exchange_sample(request->exchange)->retry = spec->retry;
  if (request->slow) request->slow->exchange = request->exchange;
  if (request->rule) sp_lua_hang_up_begin(request->rule, start_ns);
}

static struct sp_lua_request *create(struct sp_lua_user *lua_user, const struct sp_request_spec *spec,
                                     enum sp_lua_request_kind kind) {
  struct sp_lua_request *request = sp_alloc(sizeof(*request));
  request->owner = lua_user;
  request->serial = ++lua_user->requests;
  request->key = spec->key;
  request->iterated = kind == SP_REQUEST_ITERATED;
  request->started = kind == SP_REQUEST_STARTED;
  request->detached = kind == SP_REQUEST_DETACHED;
  request->on_event_ref = request->judge_ref = request->queue_ref = LUA_NOREF;
  if (spec->read_bytes_per_s > 0) request->slow = slow_read_of(lua_user, spec->read_bytes_per_s);
  return request;
}

struct sp_lua_request *sp_lua_request_start(struct sp_lua_user *lua_user, lua_State *L, int index,
                                            enum sp_lua_request_kind kind, int64_t start_ns) {
  struct sp_request_spec spec;
  struct sp_err err;
  if (sp_request_spec_read(&spec, lua_user, L, index, &err)) {
    sp_request_spec_fini(&spec);
    sp_lua_fail(L, "%s", err.text);
  }
  struct sp_lua_request *request = create(lua_user, &spec, kind);
  take_refs(request, &spec, L, index);
  start_exchange(request, &spec, &spec.url, start_ns);
  request->secrets = spec.secrets;
  spec.secrets = NULL;
  sp_request_spec_fini(&spec);
  return request;
}

void sp_lua_request_start_ready(struct sp_lua_user *lua_user, const struct sp_request_spec *spec, int64_t start_ns) {
  start_exchange(create(lua_user, spec, SP_REQUEST_DETACHED), spec, NULL, start_ns);
}

void sp_lua_request_finish(struct sp_lua_request *request) {
  struct sp_lua_user *lua_user = request->owner;
  lua_State *L = main_state(request);
  SP_CHECK(request->ended);
  const struct sp_tap *tap = tap_of(request);
  sp_exchange_record(request->exchange);
  if (tap && tap->on_end) {
    struct sp_tap_request seen = seen_by_tap(request, request->exchange);
    tap->on_end(tap->ctx, &seen, request->exchange);
  }
  sp_exchange_destroy(request->exchange);
  sp_lua_hang_up_destroy(request->rule);
  sp_slow_read_destroy(request->slow);
  luaL_unref(L, LUA_REGISTRYINDEX, request->on_event_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, request->judge_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, request->queue_ref);
  struct sp_lua_request **place = &lua_user->open;
  while (*place != request) place = &(*place)->next;
  *place = request->next;
  if (lua_user->awaited == request) lua_user->awaited = NULL;
  if (lua_user->pending == request) lua_user->pending = NULL;
  free(request->secrets);
  free(request);
}

void sp_lua_request_hang_up(struct sp_lua_request *request, enum sp_hang_up why) {
  static const char *const texts[SP_HANG_UP_COUNT] = {
      [SP_HANG_UP_TIME] = "the plan hung up after its time",
      [SP_HANG_UP_EVENT] = "the plan hung up at its event",
      [SP_HANG_UP_TOKENS] = "the plan hung up after its tokens",
      [SP_HANG_UP_CLOSE] = "the plan hung up",
      [SP_HANG_UP_LEFT] = "the plan left the stream",
      [SP_HANG_UP_SLOW] = "the plan read too slowly",
  };
  if (request->ended || request->hung_up) return;
  request->hung_up = true;
  sp_exchange_sample(request->exchange)->hang_up = why;
  sp_exchange_abort(request->exchange, SP_OUTCOME_ABANDONED, texts[why]);
}

void sp_lua_request_leave(struct sp_lua_request *request, enum sp_hang_up why) {
  if (request->ended) {
    sp_lua_request_finish(request);
    return;
  }
  request->detached = true;
  sp_lua_request_hang_up(request, why);
}

void sp_lua_request_stop_reading(struct sp_lua_request *request) {
  if (request->ended) return;
  if (!request->slow) {
    request->slow = slow_read_of(request->owner, 0);
    request->slow->exchange = request->exchange;
  }
  sp_slow_read_pause(request->slow);
}

void sp_lua_request_read_on(struct sp_lua_request *request) {
  if (request->slow && !request->ended) sp_slow_read_resume(request->slow);
}
