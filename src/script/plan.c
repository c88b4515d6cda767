#include "script/plan.h"

#include "base/mem.h"
#include "base/secret.h"
#include "script/embedded.h"
#include "script/exchange_detail.h"
#include "script/files.h"
#include "script/lua_host.h"
#include "script/plan_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *next_plan_name(const void *table, size_t i) {
  for (const struct sp_embedded *file = table; file->name; file++) {
    if (strcmp(file->kind, "plan") == 0 && i-- == 0) return file->name;
  }
  return NULL;
}

static int fail_unknown_plan(const char *name, struct sp_err *err) {
  const char *near = sp_str_nearest(name, next_plan_name, sp_embedded_files);
  return sp_fail(err, SP_ENOTFOUND, "there is no plan '%s': no such file, and no built-in of that name%s%s%s ('spate plans' lists them)",
                 name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_source(struct sp_plan *plan, struct sp_err *err) {
  const char *name = plan->options.name;
  const struct sp_embedded *file = sp_embedded_find("plan", name);
  if (file) {
    plan->source = sp_strndup(file->text, file->len);
    plan->source_len = file->len;
    return 0;
  }
  if (access(name, F_OK)) return fail_unknown_plan(name, err);
  return sp_read_file(name, SP_PLAN_MAX, &plan->source, &plan->source_len, err);
}

static const char *next_param_name(const void *table, size_t i) {
  const struct sp_plan *plan = table;
  return i < plan->param_count ? plan->params[i].name : NULL;
}

/* A value for a parameter that the plan does not have is a mistake in typing. */
static int check_settings(const struct sp_plan *plan, struct sp_err *err) {
  for (size_t i = 0; i < plan->options.setting_count; i++) {
    const char *key = plan->options.settings[i].key;
    bool known = false;
    for (size_t p = 0; p < plan->param_count; p++) known |= strcmp(plan->params[p].name, key) == 0;
    if (known) continue;
    const char *near = sp_str_nearest(key, next_param_name, plan);
    return sp_fail(err, SP_EUSAGE, "-e %s=…: the plan has no parameter '%s'%s%s%s", key, key, near ? ": did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
  }
  return 0;
}

static void collect_secrets(struct sp_plan *plan) {
  plan->secrets = sp_alloc_array(plan->param_count + plan->class_count + 1, sizeof(*plan->secrets));
  for (size_t i = 0; i < plan->class_count; i++) {
    const char *password = plan->class_http[i].auth_password;
    if (password) plan->secrets[plan->secret_count++] = sp_str_from(password);
  }
  for (size_t i = 0; i < plan->param_count; i++) {
    const struct sp_param *param = &plan->params[i];
    const char *value = param->value ? param->value : param->default_text;
    if (param->secret && value) plan->secrets[plan->secret_count++] = sp_str_from(value);
  }
}

/* A plan that breaks while it loads can have put any parameter into its error, before anybody knows which are secret:
 * what was given on the command line or in the environment under a name that looks so is cut out. */
static void redact_error(const struct sp_plan_options *options, struct sp_err *err) {
  extern char **environ;
  size_t len = strlen(err->text);
  for (size_t i = 0; i < options->setting_count; i++) {
    struct sp_str value = sp_str_from(options->settings[i].value);
    if (sp_name_is_secret(sp_str_from(options->settings[i].key), SP_NAME_SHOWN)) sp_redact(err->text, &len, &value, 1);
  }
  for (char **variable = environ; *variable; variable++) {
    struct sp_str value = sp_str_from(*variable), name = sp_str_split(&value, '=');
    bool secret = sp_str_starts(name, SP_STR("SPATE_")) && sp_name_is_secret(name, SP_NAME_SHOWN);
    if (secret) sp_redact(err->text, &len, &value, 1);
  }
  err->text[len] = '\0';
}

struct sp_plan *sp_plan_load(const struct sp_plan_options *options, struct sp_err *err) {
  struct sp_plan *plan = sp_alloc(sizeof(*plan));
  plan->options = *options;
  plan->feeds = sp_feeds_create();
  plan->replays = sp_replays_create();
  plan->files = sp_files_create();
  sp_plan_load_init(&plan->load);
  int code = read_source(plan, err);
  if (code == 0 && !(plan->lua = sp_lua_create(plan, NULL, err))) code = err->code;
  if (code == 0) code = sp_plan_read(plan, err);
  if (code == 0) code = check_settings(plan, err);
  if (code == 0) {
    collect_secrets(plan);
    sp_replays_seal(plan->replays);
    return plan;
  }
  redact_error(options, err);
  sp_plan_destroy(plan);
  return NULL;
}

void sp_plan_destroy(struct sp_plan *plan) {
  if (!plan) return;
  sp_plan_read_free(plan);
  sp_lua_destroy(plan->lua);
  sp_feeds_destroy(plan->feeds);
  sp_replays_destroy(plan->replays);
  sp_files_destroy(plan->files);
  free(plan->secrets);
  free(plan->source);
  free(plan);
}

int sp_plan_fire(struct sp_plan *plan, const char *hook, struct sp_err *err) {
  lua_State *L = plan->lua->L;
  int top = lua_gettop(L), code = 0;
  sp_plan_push_table(L);
  lua_getfield(L, -1, "hooks");
  lua_getfield(L, -1, hook);
  size_t count = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
  for (size_t i = 1; code == 0 && i <= count; i++) {
    lua_rawgeti(L, -1, (int)i);
    code = sp_lua_call(L, 0, 0, err);
  }
  lua_settop(L, top);
  if (code) sp_err_context(err, "in the plan's '%s' hook", hook);
  return code;
}

struct sp_str sp_plan_about(struct sp_str source) {
  struct sp_str line = sp_str_split(&source, '\n');
  if (!sp_str_starts(line, SP_STR("-- "))) return SP_STR("");
  line.bytes += 3, line.len -= 3;
  const char *dot = memmem(line.bytes, line.len, " · ", 4);
  if (!dot) return line;
  size_t skip = (size_t)(dot - line.bytes) + 4;
  return sp_str_of(line.bytes + skip, line.len - skip);
}

const char *sp_plan_host(const struct sp_plan *plan) {
  if (plan->options.host) return plan->options.host;
  return plan->load.host ? plan->load.host : "";
}
