#include "script/plan_read.h"

#include "base/mem.h"
#include "script/redirect.h"

#include <stdlib.h>

void sp_plan_load_init(struct sp_plan_load *load) {
  *load = (struct sp_plan_load){.users = -1, .iterations = -1, .seed = -1, .spawn_per_s = -1, .run_time_ns = -1,
      .stop_timeout_ns = -1, .warm_up_ns = -1, .stall_ns = -1, .timeout_ns = -1, .connect_timeout_ns = -1,
      .first_byte_timeout_ns = -1, .silence_timeout_ns = -1, .connection = -1, .version = -1, .redirects = -1,
      .in_flight = -1, .max_in_flight = -1};
}

void sp_plan_push_table(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED"); /* package.loaded, whatever the plan has done to its globals */
  lua_getfield(L, -1, "spate");
  lua_remove(L, -2);
  if (!lua_istable(L, -1)) return;
  lua_getfield(L, -1, "_plan");
  lua_remove(L, -2);
}

/* -- fields of the table on the top of the stack -- */

static double field_number(lua_State *L, const char *name, double otherwise) {
  lua_getfield(L, -1, name);
  double value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : otherwise;
  lua_pop(L, 1);
  return value;
}

static int64_t field_ns(lua_State *L, const char *name) {
  double s = field_number(L, name, -1);
  if (s < 0) return -1;
  return s > 1e9 ? (int64_t)1000000000 * SP_NS_PER_S : (int64_t)(s * 1e9);
}

static char *field_text(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  char *text = lua_isstring(L, -1) ? sp_strdup(lua_tostring(L, -1)) : NULL;
  lua_pop(L, 1);
  return text;
}

static bool field_bool(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Pushes the list and gives its length; raises where a plan has put something else in its place. */
static size_t push_list(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  if (!lua_istable(L, -1)) luaL_error(L, "the plan has overwritten '%s' of require(\"spate\")", name);
  return lua_objlen(L, -1);
}

static int field_connection(lua_State *L) {
  char *text = field_text(L, "connection");
  int connection = text ? (int)sp_connection_of(sp_str_from(text)) : -1;
  free(text);
  return connection;
}

static int field_version(lua_State *L) {
  char *text = field_text(L, "http");
  enum sp_http_version version;
  bool known = sp_http_version_of(sp_str_from(text), &version);
  free(text);
  return known ? (int)version : -1;
}

/* A number, true or false. */
static int field_redirects(lua_State *L) {
  lua_getfield(L, -1, "redirects");
  int count = lua_isnumber(L, -1) ? (int)lua_tonumber(L, -1) : lua_isnil(L, -1) ? -1 : 0;
  if (lua_isboolean(L, -1) && lua_toboolean(L, -1)) count = SP_REDIRECTS_DEFAULT;
  lua_pop(L, 1);
  return count;
}

/* -- classes -- */

/* By any of the patterns; where there is none, everything is. */
static bool is_chosen(const char *const *patterns, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (sp_str_matches(patterns[i], name)) return true;
  }
  return count == 0;
}

static bool class_chosen(const struct sp_plan *plan, const char *name) {
  return is_chosen(plan->options.class_names, plan->options.class_name_count, name);
}

static bool task_chosen(const struct sp_plan *plan, const char *name) {
  return is_chosen(plan->options.task_patterns, plan->options.task_pattern_count, name);
}

static void read_think(lua_State *L, struct sp_think *think) {
  static const struct {
    const char *name;
    enum sp_think_kind kind;
  } kinds[] = {{"none", SP_THINK_NONE}, {"constant", SP_THINK_CONSTANT}, {"between", SP_THINK_BETWEEN},
               {"exponential", SP_THINK_EXPONENTIAL}, {"pace", SP_THINK_PACE}, {"custom", SP_THINK_CUSTOM}};
  lua_getfield(L, -1, "think");
  char *name = field_text(L, "kind");
  for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(name, kinds[i].name) == 0) think->kind = kinds[i].kind;
  }
  free(name);
  think->a_s = field_number(L, "a", 0);
  think->b_s = field_number(L, "b", 0);
  lua_pop(L, 1);
}

/* A task that -T leaves out keeps its place with weight 0, so that indexes agree with the Lua tables. */
static void read_tasks(lua_State *L, const struct sp_plan *plan, struct sp_class_spec *class) {
  size_t count = push_list(L, "tasks");
  struct sp_task_spec *tasks = sp_alloc_array(count, sizeof(*tasks));
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    tasks[i].name = field_text(L, "name");
    tasks[i].weight = task_chosen(plan, tasks[i].name) ? (unsigned)field_number(L, "weight", 1) : 0;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  class->tasks = tasks;
  class->task_count = count;
}

static bool has_work(const struct sp_class_spec *class) {
  unsigned sum = 0;
  for (size_t i = 0; i < class->task_count; i++) sum += class->tasks[i].weight;
  return sum > 0;
}

static void read_cookies_and_auth(lua_State *L, struct sp_class_http *http) {
  lua_getfield(L, -1, "cookies");
  http->no_cookies = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  lua_getfield(L, -1, "auth");
  if (lua_istable(L, -1)) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    http->auth_user = sp_strdup(lua_tostring(L, -2));
    http->auth_password = sp_strdup(lua_tostring(L, -1));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static void read_class(lua_State *L, struct sp_plan *plan, size_t i) {
  struct sp_class_spec *class = &plan->classes[i];
  class->name = field_text(L, "name");
  class->weight = class_chosen(plan, class->name) ? (unsigned)field_number(L, "weight", 1) : 0;
  read_think(L, &class->think);
  read_tasks(L, plan, class);
  if (!has_work(class)) class->weight = 0;
  struct sp_class_http *http = &plan->class_http[i];
  http->host = field_text(L, "host");
  http->timeout_ns = field_ns(L, "timeout");
  http->connection = field_connection(L);
  http->version = field_version(L);
  http->redirects = field_redirects(L);
  read_cookies_and_auth(L, http);
}

static int check_work(const struct sp_plan *plan, struct sp_err *err) {
  for (size_t i = 0; i < plan->class_count; i++) {
    if (plan->classes[i].weight > 0) return 0;
  }
  if (plan->class_count == 0) {
    return sp_fail(err, SP_EPLAN, "%s defines no user class: call spate.user(\"Name\", { tasks = … })", plan->options.name);
  }
  struct sp_buf names;
  sp_buf_init(&names, 400);
  for (size_t i = 0; i < plan->class_count; i++) {
    for (size_t t = 0; t < plan->classes[i].task_count; t++) {
      sp_buf_printf(&names, "%s%s.%s", names.len ? ", " : "", plan->classes[i].name, plan->classes[i].tasks[t].name);
    }
  }
  int code = sp_fail(err, SP_EUSAGE, "no task is left to run: check -T, --user-class and the weights (the plan has: %s)",
                     names.bytes ? names.bytes : "");
  sp_buf_fini(&names);
  return code;
}

static int read_classes(lua_State *L, struct sp_plan *plan, struct sp_err *err) {
  size_t count = push_list(L, "classes");
  if (count > SP_CLASSES_MAX) return sp_fail(err, SP_ELIMIT, "the plan has over %u user classes", SP_CLASSES_MAX);
  plan->classes = sp_alloc_array(count + 1, sizeof(*plan->classes));
  plan->class_http = sp_alloc_array(count + 1, sizeof(*plan->class_http));
  plan->class_count = count;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    read_class(L, plan, i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  for (size_t i = 0; i < count; i++) {
    if (plan->classes[i].task_count <= SP_TASKS_MAX) continue;
    return sp_fail(err, SP_ELIMIT, "user '%s' has over %u tasks", plan->classes[i].name, SP_TASKS_MAX);
  }
  return plan->options.describing ? 0 : check_work(plan, err);
}

/* -- parameters, load, SLOs -- */

static int read_params(lua_State *L, struct sp_plan *plan, struct sp_err *err) {
  size_t count = push_list(L, "params");
  if (count > SP_PARAMS_MAX) return sp_fail(err, SP_ELIMIT, "the plan has over %u parameters", SP_PARAMS_MAX);
  plan->params = sp_alloc_array(count + 1, sizeof(*plan->params));
  plan->param_count = count;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    struct sp_param *param = &plan->params[i];
    param->name = field_text(L, "name");
    param->description = field_text(L, "description");
    param->default_text = field_text(L, "default");
    param->value = field_text(L, "value");
    param->secret = field_bool(L, "secret");
    param->required = field_bool(L, "required");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 0;
}

/* What prelude/shape.lua made of it. */
static void read_shape(lua_State *L, struct sp_plan *plan) {
  struct sp_plan_load *load = &plan->load;
  lua_getfield(L, -1, "shape");
  if (lua_istable(L, -1)) {
    char *kind = field_text(L, "kind");
    load->shape_kind = SP_LOAD_USERS;
    if (kind && strcmp(kind, "rate") == 0) load->shape_kind = SP_LOAD_RATE;
    if (kind && strcmp(kind, "in_flight") == 0) load->shape_kind = SP_LOAD_IN_FLIGHT;
    free(kind);
    load->shape_period_ns = field_ns(L, "every");
    lua_getfield(L, -1, "ask");
    plan->shape_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    load->shape = sp_plan_shape;
    load->shape_ctx = plan;
  }
  lua_pop(L, 1);
}

static void read_replay(lua_State *L, struct sp_plan_load *load) {
  lua_getfield(L, -1, "replay");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "handle");
    load->replay = lua_touserdata(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_load(lua_State *L, struct sp_plan *plan) {
  struct sp_plan_load *load = &plan->load;
  lua_getfield(L, -1, "load");
  read_shape(L, plan);
  read_replay(L, load);
  load->users = (int64_t)field_number(L, "users", -1);
  load->iterations = (int64_t)field_number(L, "iterations", -1);
  load->seed = (int64_t)field_number(L, "seed", -1);
  load->spawn_per_s = field_number(L, "spawn_rate", -1);
  load->run_time_ns = field_ns(L, "run_time");
  load->stop_timeout_ns = field_ns(L, "stop_timeout");
  load->warm_up_ns = field_ns(L, "warm_up");
  load->stall_ns = field_ns(L, "stall");
  load->timeout_ns = field_ns(L, "timeout");
  load->connect_timeout_ns = field_ns(L, "connect_timeout");
  load->first_byte_timeout_ns = field_ns(L, "first_byte_timeout");
  load->silence_timeout_ns = field_ns(L, "silence_timeout");
  load->connection = field_connection(L);
  load->version = field_version(L);
  load->redirects = field_redirects(L);
  load->host = field_text(L, "host");
  load->stages = field_text(L, "stages");
  load->rate = field_text(L, "rate");
  load->arrivals = field_text(L, "arrivals");
  load->in_flight = (int64_t)field_number(L, "in_flight", -1);
  load->max_in_flight = (int64_t)field_number(L, "max_in_flight", -1);
  lua_pop(L, 1);
}

static int read_slos(lua_State *L, struct sp_plan *plan, struct sp_err *err) {
  size_t count = push_list(L, "slo");
  if (count > SP_SLOS_MAX) return sp_fail(err, SP_ELIMIT, "the plan has over %u SLOs", SP_SLOS_MAX);
  plan->slos = sp_alloc_array(count + 1, sizeof(*plan->slos));
  plan->slo_count = count;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    plan->slos[i] = sp_strdup(lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 0;
}

/* -- watchers -- */

static int read_watch_options(lua_State *L, struct sp_plan_watch *watcher, struct sp_err *err) {
  size_t count = push_list(L, "options");
  if (count > SP_PLAN_WATCH_OPTIONS_MAX) {
    return sp_fail(err, SP_ELIMIT, "a watcher of the plan has over %u options", SP_PLAN_WATCH_OPTIONS_MAX);
  }
  watcher->options = sp_alloc_array(count + 1, sizeof(*watcher->options));
  watcher->option_count = count;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    watcher->options[i] = (struct sp_setting){.key = field_text(L, "key"), .value = field_text(L, "value")};
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return 0;
}

static int read_watcher(lua_State *L, struct sp_plan_watch *watcher, struct sp_err *err) {
  watcher->text = field_text(L, "text");
  if (watcher->text) return 0;
  watcher->kind = field_text(L, "kind");
  watcher->url = field_text(L, "url");
  watcher->subject = field_text(L, "subject");
  watcher->interval_ns = field_ns(L, "interval");
  return read_watch_options(L, watcher, err);
}

static int read_watchers(lua_State *L, struct sp_plan *plan, struct sp_err *err) {
  size_t count = push_list(L, "watch");
  if (count > SP_PLAN_WATCHERS_MAX) return sp_fail(err, SP_ELIMIT, "the plan has over %u watchers", SP_PLAN_WATCHERS_MAX);
  plan->watchers = sp_alloc_array(count + 1, sizeof(*plan->watchers));
  plan->watcher_count = count;
  int code = 0;
  for (size_t i = 0; i < count && code == 0; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    code = read_watcher(L, &plan->watchers[i], err);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return code;
}

struct reading {
  struct sp_plan *plan;
  struct sp_err *err;
  int code;
};

/* Runs protected: what it has read so far is the plan's, and goes with it. */
static int read_all(lua_State *L) {
  struct reading *reading = lua_touserdata(L, 1);
  struct sp_plan *plan = reading->plan;
  int code = 0;
  sp_plan_push_table(L);
  if (!lua_istable(L, -1)) {
    code = sp_fail(reading->err, SP_EPLAN, "%s is no plan: it never calls require(\"spate\")", plan->options.name);
  }
  if (code == 0) code = read_params(L, plan, reading->err);
  if (code == 0) code = read_classes(L, plan, reading->err);
  if (code == 0) code = read_slos(L, plan, reading->err);
  if (code == 0) code = read_watchers(L, plan, reading->err);
  if (code == 0) read_load(L, plan);
  reading->code = code;
  return 0;
}

int sp_plan_read(struct sp_plan *plan, struct sp_err *err) {
  lua_State *L = plan->lua->L;
  struct reading reading = {plan, err, 0};
  lua_pushcfunction(L, read_all);
  lua_pushlightuserdata(L, &reading);
  int code = sp_lua_call(L, 1, 0, err);
  return code ? code : reading.code;
}

static void free_class(struct sp_class_spec *class, struct sp_class_http *http) {
  for (size_t t = 0; t < class->task_count; t++) free((char *)class->tasks[t].name);
  free((struct sp_task_spec *)class->tasks);
  free((char *)class->name);
  free(http->host);
  free(http->auth_user);
  free(http->auth_password);
}

static void free_param(struct sp_param *param) {
  free(param->name);
  free(param->description);
  free(param->default_text);
  free(param->value);
}

static void free_watcher(struct sp_plan_watch *watcher) {
  for (size_t i = 0; i < watcher->option_count; i++) {
    free((char *)watcher->options[i].key);
    free((char *)watcher->options[i].value);
  }
  free(watcher->options);
  free(watcher->text);
  free(watcher->kind);
  free(watcher->url);
  free(watcher->subject);
}

void sp_plan_read_free(struct sp_plan *plan) {
  for (size_t i = 0; i < plan->class_count; i++) free_class(&plan->classes[i], &plan->class_http[i]);
  for (size_t i = 0; i < plan->param_count; i++) free_param(&plan->params[i]);
  for (size_t i = 0; i < plan->slo_count; i++) free(plan->slos[i]);
  free(plan->classes);
  free(plan->class_http);
  free(plan->params);
  for (size_t i = 0; i < plan->watcher_count; i++) free_watcher(&plan->watchers[i]);
  free(plan->watchers);
  free(plan->slos);
  free(plan->load.host);
  free(plan->load.stages);
  free(plan->load.rate);
  free(plan->load.arrivals);
}
