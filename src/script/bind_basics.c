/* Primitives that need no user: parameters, durations, files, time, the plan's own metrics. */
#include "script/lua_host.h"

#include "base/mem.h"
#include "base/secret.h"
#include "base/units.h"
#include "script/user_lua.h"
#include "wire/http_date.h"
#include "stats/slo.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SP_FEED_FILE_MAX (256u * 1024u * 1024u) /* bytes of a feed's file */

static void environment_name(const char *name, char *out, size_t size) {
  size_t n = (size_t)snprintf(out, size, "SPATE_%s", name);
  for (size_t i = 6; i < n && i + 1 < size; i++) {
    out[i] = isalnum((unsigned char)out[i]) ? (char)toupper((unsigned char)out[i]) : '_';
  }
}

const char *sp_plan_given(const struct sp_plan_options *options, const char *name) {
  for (size_t i = options->setting_count; i-- > 0;) {
    if (strcmp(options->settings[i].key, name) == 0) return options->settings[i].value;
  }
  char variable[256];
  environment_name(name, variable, sizeof(variable));
  return getenv(variable);
}

/* core.param(name): the text given with -e, else in the environment, else nil. */
static int core_param(lua_State *L) {
  const struct sp_plan_options *options = &sp_lua_of(L)->plan->options;
  if (options->describing) return 0; /* a description is the same in every environment */
  lua_pushstring(L, sp_plan_given(options, luaL_checkstring(L, 1)));
  return 1;
}

static const char *next_setting(const void *table, size_t i) {
  const struct sp_plan_options *options = table;
  return i < options->setting_count ? options->settings[i].key : NULL;
}

/* core.near_setting(name): what was given with -e and may have been meant, or nil. */
static int core_near_setting(lua_State *L) {
  lua_pushstring(L, sp_str_nearest(luaL_checkstring(L, 1), next_setting, &sp_lua_of(L)->plan->options));
  return 1;
}

/* core.duration("5m30s"): seconds, or nil and why. */
static int core_duration(lua_State *L) {
  struct sp_err err;
  int64_t ns;
  if (sp_parse_duration(luaL_checkstring(L, 1), &ns, &err)) {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
  }
  lua_pushnumber(L, (double)ns / 1e9);
  return 1;
}

/* core.slo_fault("p95(tfft) < 1s"): what is wrong with it, or nil. */
static int core_slo_fault(lua_State *L) {
  struct sp_err err;
  struct sp_slo slo;
  if (sp_slo_parse(sp_str_from(luaL_checkstring(L, 1)), &slo, &err) == 0) return 0;
  return lua_pushstring(L, err.text), 1;
}

/* core.place(): where the plan is, for the front of an error. */
static int core_place(lua_State *L) {
  sp_lua_push_place(L);
  return 1;
}

static int core_now(lua_State *L) {
  lua_pushnumber(L, (double)sp_clock_mono_ns() / 1e9);
  return 1;
}

static struct sp_str text_at(lua_State *L, int index) {
  size_t len = 0;
  const char *text = lua_tolstring(L, index, &len);
  return sp_str_of(text ? text : "", len);
}

/* core.retry_after(Retry-After, Date): seconds, or nil where it says nothing. */
static int core_retry_after(lua_State *L) {
  int64_t s = sp_retry_after_s(text_at(L, 1), text_at(L, 2), sp_clock_real_ns() / SP_NS_PER_S);
  if (s < 0) return 0;
  lua_pushnumber(L, (double)s);
  return 1;
}

const char *sp_lua_push_file_path(lua_State *L, const char *path) {
  const char *plan = sp_lua_of(L)->plan->options.name, *slash = plan ? strrchr(plan, '/') : NULL; /* a profile is no plan */
  if (!slash || path[0] == '/') return lua_pushstring(L, path), path;
  lua_pushlstring(L, plan, (size_t)(slash + 1 - plan));
  lua_pushstring(L, path);
  lua_concat(L, 2);
  return access(lua_tostring(L, -1), F_OK) == 0 ? lua_tostring(L, -1) : path;
}

/* core.read_file(path): the bytes, or nil and why. */
static int core_read_file(lua_State *L) {
  struct sp_err err;
  char *text;
  size_t len;
  if (sp_read_file(sp_lua_push_file_path(L, luaL_checkstring(L, 1)), SP_FEED_FILE_MAX, &text, &len, &err)) {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
  }
  lua_pushlstring(L, text, len);
  free(text);
  return 1;
}

static int core_log(lua_State *L) {
  fprintf(stderr, "plan: %s\n", luaL_checkstring(L, 1));
  return 0;
}

static int core_url_encode(lua_State *L) {
  size_t len;
  const char *raw = luaL_checklstring(L, 1, &len);
  struct sp_buf out;
  sp_buf_init(&out, len * 3 + 1);
  sp_url_encode(sp_str_of(raw, len), &out);
  lua_pushlstring(L, out.bytes ? out.bytes : "", out.len);
  sp_buf_fini(&out);
  return 1;
}

/* core.name_is_secret(name): does a parameter's name speak of a secret? */
static int core_name_is_secret(lua_State *L) {
  size_t len;
  const char *name = luaL_checklstring(L, 1, &len);
  lua_pushboolean(L, sp_name_is_secret(sp_str_of(name, len), SP_NAME_SHOWN));
  return 1;
}

static int core_feed_next(lua_State *L) {
  struct sp_feeds *feeds = sp_lua_of(L)->plan->feeds;
  if (!feeds) sp_lua_fail(L, "a feed belongs into a plan");
  lua_pushnumber(L, (double)sp_feeds_next(feeds, luaL_checkstring(L, 1)));
  return 1;
}

/* core.metric(name, unit, value) */
static int core_metric(lua_State *L) {
  struct sp_lua *lua = sp_lua_of(L);
  if (!lua->thread) sp_lua_fail(L, "a metric takes values while users run, not while the plan loads");
  sp_recorder_custom(sp_worker_recorder(sp_lua_thread_worker(lua->thread)), luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                     luaL_checknumber(L, 3));
  return 0;
}

void sp_bind_basics(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"param", core_param},         {"duration", core_duration}, {"now", core_now},
      {"read_file", core_read_file}, {"log", core_log},           {"url_encode", core_url_encode},
      {"feed_next", core_feed_next}, {"metric", core_metric},
      {"place", core_place},         {"near_setting", core_near_setting},
      {"retry_after", core_retry_after},
      {"slo_fault", core_slo_fault},
      {"name_is_secret", core_name_is_secret},
      {NULL, NULL}};
  sp_bind_list(L, functions);
  const struct sp_plan *plan = sp_lua_of(L)->plan;
  lua_pushboolean(L, plan->options.describing);
  lua_setfield(L, -2, "describing");
  lua_pushstring(L, plan->options.host);
  lua_setfield(L, -2, "host");
  lua_pushliteral(L, SP_VERSION);
  lua_setfield(L, -2, "version");
}

/* -- feeds -- */

struct sp_feeds {
  pthread_mutex_t lock;
  struct sp_map positions;
};

struct sp_feeds *sp_feeds_create(void) {
  struct sp_feeds *feeds = sp_alloc(sizeof(*feeds));
  pthread_mutex_init(&feeds->lock, NULL);
  sp_map_init(&feeds->positions);
  return feeds;
}

void sp_feeds_destroy(struct sp_feeds *feeds) {
  if (!feeds) return;
  sp_map_fini(&feeds->positions);
  pthread_mutex_destroy(&feeds->lock);
  free(feeds);
}

uint64_t sp_feeds_next(struct sp_feeds *feeds, const char *name) {
  pthread_mutex_lock(&feeds->lock);
  void **place = sp_map_put(&feeds->positions, sp_str_from(name));
  uint64_t position = (uint64_t)(uintptr_t)*place;
  *place = (void *)(uintptr_t)(position + 1);
  pthread_mutex_unlock(&feeds->lock);
  return position;
}
