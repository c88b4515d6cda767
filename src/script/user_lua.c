#include "script/user_lua.h"

#include "base/check.h"
#include "base/mem.h"
#include "engine/think.h"
#include "script/lua_user.h"

#include <stdlib.h>

struct sp_worker *sp_lua_thread_worker(const struct sp_lua_thread *thread) { return thread->worker; }

/* Turns of the loop at least so far apart while streams run (loop.h): thousands of streams then cost a fraction of the
 * wake-ups. Arrivals keep their kernel stamps, so only what has none waits: at most this long. */
#define SP_PACE_NS SP_NS_PER_MS

/* -- the thread's own state -- */

static int ref_field(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1)) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

/* Calls spate._user_hook(which, class) and keeps the function it gives. */
static int ref_hook(lua_State *L, int spate, const char *which, size_t class_index) {
  lua_getfield(L, spate, "_user_hook");
  lua_pushstring(L, which);
  lua_pushinteger(L, (lua_Integer)class_index + 1);
  lua_call(L, 2, 1);
  if (!lua_isnil(L, -1)) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

/* The spec of a task that is one request which C can make by itself. */
static int ref_ready_request(lua_State *L, int spate, size_t class_index, size_t task) {
  lua_getfield(L, spate, "_ready_request");
  lua_pushinteger(L, (lua_Integer)class_index + 1);
  lua_pushinteger(L, (lua_Integer)task + 1);
  lua_call(L, 2, 1);
  if (!lua_isnil(L, -1)) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

static void take_class(struct sp_lua_thread *thread, lua_State *L, int spate, size_t i) {
  struct sp_lua_class *class = &thread->classes[i];
  size_t count = thread->conf->plan->classes[i].task_count;
  class->tasks = sp_alloc_array(count, sizeof(*class->tasks));
  lua_getfield(L, -1, "tasks");
  for (size_t t = 0; t < count; t++) {
    lua_rawgeti(L, -1, (int)t + 1);
    class->tasks[t].run_ref = ref_field(L, lua_gettop(L), "run");
    class->tasks[t].request_ref = ref_ready_request(L, spate, i, t);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lua_getfield(L, -1, "think");
  class->think_ref = ref_field(L, lua_gettop(L), "fn");
  lua_pop(L, 1);
  class->start_ref = ref_hook(L, spate, "user_start", i);
  class->stop_ref = ref_hook(L, spate, "user_stop", i);
}

/* Runs protected: keeps what the thread needs of the plan in registry references. */
static int take_plan(lua_State *L) {
  struct sp_lua_thread *thread = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "spate");
  lua_call(L, 1, 1);
  int spate = lua_gettop(L);
  thread->runner_ref = ref_field(L, spate, "_runner");
  thread->make_user_ref = ref_field(L, spate, "_make_user");
  luaL_getmetatable(L, SP_MT_RESULT);
  thread->result_mt_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_getmetatable(L, SP_MT_EVENT);
  thread->event_mt_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, spate, "_plan");
  lua_getfield(L, -1, "classes");
  for (size_t i = 0; i < thread->conf->plan->class_count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    take_class(thread, L, spate, i);
    lua_pop(L, 1);
  }
  return 0;
}

static void on_lag(void *ctx, int64_t lag_ns) {
  struct sp_lua_thread *thread = ctx;
  sp_recorder_lag(sp_worker_recorder(thread->worker), lag_ns);
}

static void on_dialled(void *ctx, enum sp_http_dialled what) {
  struct sp_lua_thread *thread = ctx;
  struct sp_interval *interval = sp_worker_recorder(thread->worker)->interval;
  switch (what) {
  case SP_HTTP_DIALLED_OPEN: interval->connections++; break;
  case SP_HTTP_DIALLED_NO_PORT: interval->port_exhausted++; break;
  case SP_HTTP_DIALLED_NO_FILE: interval->files_exhausted++; break;
  }
}

static void free_thread(struct sp_lua_thread *thread) {
  sp_lua_destroy(thread->lua);
  sp_dialect_scratch_fini(&thread->scratch);
  for (size_t i = 0; i < thread->conf->plan->class_count; i++) {
    struct sp_lua_task *tasks = thread->classes[i].tasks;
    for (size_t t = 0; tasks && t < thread->conf->plan->classes[i].task_count; t++) sp_ready_request_free(&tasks[t]);
    free(tasks);
  }
  for (size_t i = 0; i < thread->keys.count; i++) {
    struct sp_request_key *key = thread->keys.entries[i].value;
    free((char *)key->name);
    free((char *)key->method);
    free(key);
  }
  sp_map_fini(&thread->keys);
  free(thread->classes);
  free(thread);
}

static int open_client(struct sp_lua_thread *thread, struct sp_err *err) {
  struct sp_http_client_options options = {
      .loop = sp_worker_loop(thread->worker), .tls = thread->conf->tls, .reach = thread->conf->reach, .on_lag = on_lag,
      .on_dialled = on_dialled, .ctx = thread};
  sp_loop_set_pace(options.loop, SP_PACE_NS, false);
  thread->client = sp_http_client_create(&options, err);
  return thread->client ? 0 : err->code;
}

static int thread_create(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err) {
  struct sp_lua_thread *thread = sp_alloc(sizeof(*thread));
  thread->worker = worker;
  thread->conf = conf;
  thread->classes = sp_alloc_array(thread->conf->plan->class_count, sizeof(*thread->classes));
  sp_map_init(&thread->keys);
  sp_dialect_scratch_init(&thread->scratch);
  int code = 0;
  thread->lua = sp_lua_create(thread->conf->plan, thread, err);
  if (!thread->lua) code = err->code;
  if (code == 0) {
    lua_pushcfunction(thread->lua->L, take_plan);
    lua_pushlightuserdata(thread->lua->L, thread);
    code = sp_lua_call(thread->lua->L, 1, 0, err);
  }
  if (code == 0) code = open_client(thread, err);
  if (code) {
    free_thread(thread);
    return code;
  }
  *state = thread;
  return 0;
}

static void on_client_closed(void *ctx) {
  struct sp_lua_thread *thread = ctx;
  struct sp_worker *worker = thread->worker;
  free_thread(thread);
  sp_worker_thread_destroyed(worker);
}

static void thread_destroy(struct sp_worker *worker, void *state) {
  struct sp_lua_thread *thread = state;
  (void)worker;
  sp_http_client_close(thread->client, on_client_closed, thread);
}

/* -- a user's deeds -- */

static void on_sleep_due(struct sp_timer *timer) {
  struct sp_lua_user *lua_user = sp_container_of(timer, struct sp_lua_user, sleep);
  sp_lua_user_resume(lua_user, 0);
}

/* A new coroutine needs the runner below its first arguments. Returns how many more arguments resume takes. */
static int ready_coroutine(struct sp_lua_user *lua_user) {
  lua_State *L = lua_user->thread->lua->L;
  if (lua_user->co) return 0;
  lua_user->co = lua_newthread(L);
  lua_user->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(lua_user->co, LUA_REGISTRYINDEX, lua_user->thread->runner_ref);
  lua_rawgeti(lua_user->co, LUA_REGISTRYINDEX, lua_user->user_ref);
  return 1;
}

static void begin_deed(struct sp_lua_user *lua_user, enum sp_lua_deed deed, const char *task, size_t task_index,
                       int64_t start_ns) {
  SP_CHECK(lua_user->deed == SP_DEED_NONE);
  lua_user->deed = (uint8_t)deed;
  lua_user->task = task;
  lua_user->task_index = task_index;
  lua_user->next_start_ns = start_ns;
  lua_user->winding = lua_user->has_row = false;
}

static void run_function(struct sp_lua_user *lua_user, int function_ref) {
  if (function_ref == LUA_NOREF) {
    lua_user->over = true;
    sp_lua_user_settle(lua_user);
    return;
  }
  int args = ready_coroutine(lua_user);
  lua_rawgeti(lua_user->co, LUA_REGISTRYINDEX, function_ref);
  sp_lua_user_resume(lua_user, args + 1);
}

static struct sp_lua_user *lua_user_of(const struct sp_user *user) { return user->data; }

static void make_user_object(struct sp_lua_user *lua_user) {
  lua_State *L = lua_user->thread->lua->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, lua_user->thread->make_user_ref);
  lua_pushlightuserdata(L, lua_user);
  lua_pushnumber(L, (double)lua_user->user->id);
  lua_pushstring(L, sp_worker_class(lua_user->thread->worker, lua_user->user->class_index)->name);
  struct sp_err err;
  if (sp_lua_call(L, 3, 1, &err)) { /* the plan has broken what the prelude stands on */
    sp_worker_abort_run(lua_user->thread->worker, err.text);
    lua_pushnil(L);
  }
  lua_user->user_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void user_start(struct sp_user *user) {
  struct sp_lua_thread *thread = sp_worker_state(user->worker);
  struct sp_lua_user *lua_user = sp_alloc(sizeof(*lua_user));
  user->data = lua_user;
  lua_user->thread = thread;
  lua_user->user = user;
  lua_user->co_ref = LUA_NOREF;
  struct sp_loop *loop = sp_worker_loop(user->worker);
  sp_timer_init(&lua_user->sleep, loop, on_sleep_due);
  sp_http_session_init(&lua_user->session, thread->client);
  make_user_object(lua_user);
  begin_deed(lua_user, SP_DEED_START, "user_start", SIZE_MAX, sp_loop_now(loop));
  run_function(lua_user, thread->classes[user->class_index].start_ref);
}

static void task_run(struct sp_user *user, size_t index) {
  struct sp_lua_user *lua_user = lua_user_of(user);
  const struct sp_class_spec *class = sp_worker_class(user->worker, user->class_index);
  struct sp_lua_task *task = &lua_user->thread->classes[user->class_index].tasks[index];
  begin_deed(lua_user, SP_DEED_TASK, class->tasks[index].name, index, user->task_due_ns);
  if (!sp_ready_request_run(lua_user, task)) run_function(lua_user, task->run_ref);
}

static void task_wind_up(struct sp_user *user) {
  struct sp_lua_user *lua_user = lua_user_of(user);
  lua_user->winding = true;
  if (lua_user->wait == SP_WAIT_SLEEP) sp_lua_user_drop(lua_user);
}

static void user_cut(struct sp_user *user) {
  struct sp_lua_user *lua_user = lua_user_of(user);
  lua_user->cut = true;
  if (lua_user->deed == SP_DEED_NONE) return;
  for (struct sp_lua_request *request = lua_user->open; request; request = request->next) {
    if (!request->ended) sp_exchange_abort(request->exchange, SP_OUTCOME_CANCELLED, "cut by the end of the run");
  }
  sp_lua_user_drop(lua_user);
}

static void user_stop(struct sp_user *user) {
  struct sp_lua_user *lua_user = lua_user_of(user);
  int hook = lua_user->cut ? LUA_NOREF : lua_user->thread->classes[user->class_index].stop_ref;
  begin_deed(lua_user, SP_DEED_STOP, "user_stop", SIZE_MAX, sp_loop_now(sp_worker_loop(user->worker)));
  run_function(lua_user, hook);
}

/* The plan may have kept the user's table: it must find no pointer there any more. */
static void empty_user_object(struct sp_lua_user *lua_user) {
  lua_State *L = lua_user->thread->lua->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, lua_user->user_ref);
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "_u");
    lua_pushboolean(L, false);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}

void sp_lua_user_stopped(struct sp_lua_user *lua_user) {
  struct sp_user *user = lua_user->user;
  lua_State *L = lua_user->thread->lua->L;
  empty_user_object(lua_user);
  sp_timer_stop(&lua_user->sleep);
  sp_http_session_fini(&lua_user->session);
  sp_cookie_jar_clear(&lua_user->cookies);
  luaL_unref(L, LUA_REGISTRYINDEX, lua_user->co_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, lua_user->user_ref);
  free(lua_user);
  user->data = NULL;
  sp_user_stopped(user);
}

/* -- think time -- */

static int64_t custom_think_ns(struct sp_user *user) {
  struct sp_lua_user *lua_user = lua_user_of(user);
  lua_State *L = lua_user->thread->lua->L;
  struct sp_err err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, lua_user->thread->classes[user->class_index].think_ref);
  lua_rawgeti(L, LUA_REGISTRYINDEX, lua_user->user_ref);
  if (sp_lua_call(L, 1, 1, &err)) {
    sp_lua_user_error(lua_user, err.text);
    return SP_NS_PER_S; /* a broken think function must not become a busy loop */
  }
  double s = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return s > 0 && s < 1e9 ? (int64_t)(s * 1e9) : 0;
}

int64_t sp_lua_user_think_ns(struct sp_lua_user *lua_user) {
  struct sp_user *user = lua_user->user;
  const struct sp_think *think = &sp_worker_class(user->worker, user->class_index)->think;
  if (think->kind == SP_THINK_CUSTOM) return custom_think_ns(user);
  int64_t now_ns = sp_loop_now(sp_worker_loop(user->worker));
  return sp_think_due_ns(think, &user->rng, user->task_due_ns, now_ns) - now_ns;
}

const struct sp_user_type sp_user_lua = {
    .name = "lua",
    .thread_create = thread_create,
    .thread_destroy = thread_destroy,
    .user_start = user_start,
    .task_run = task_run,
    .task_wind_up = task_wind_up,
    .user_cut = user_cut,
    .user_stop = user_stop,
    .think_ns = custom_think_ns,
};
