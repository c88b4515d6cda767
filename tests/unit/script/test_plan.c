/* Plans as they load: what they say, and the sentences for what is wrong with them. */
#include "rig.h"

#include "script/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "local spate = require('spate')\n"
#define USER "spate.user('U', { tasks = { t = function() end } })\n"

static struct rig_plan load(const char *text) {
  struct rig_plan it = { 0 };
  if (!rig_plan_load(&it, text)) fail_msg("%s", it.err.text);
  return it;
}

/* -- classes and tasks -- */

static void classes(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD "local function f() end\n"
    "spate.user('Chat', { weight = 3, think = spate.between(1, 3), timeout = '1m', connection = 'request', host = 'http://h',\n"
    "  tasks = { b = { weight = 2, run = f }, a = f, [1] = f, [2] = { name = 'own', run = f, weight = 0 } } })\n"
    "spate.user('Plain', { tasks = { t = f } })\n");
  struct sp_plan *plan = it.plan;
  assert_int_equal(plan->class_count, 2);
  const struct sp_class_spec *chat = &plan->classes[0];
  assert_string_equal(chat->name, "Chat");
  assert_int_equal(chat->weight, 3);
  assert_int_equal(chat->think.kind, SP_THINK_BETWEEN);
  assert_true(chat->think.a_s == 1 && chat->think.b_s == 3);
  assert_int_equal(chat->task_count, 4); /* sorted by key: the same in every thread */
  assert_string_equal(chat->tasks[0].name, "task 1");
  assert_string_equal(chat->tasks[1].name, "own");
  assert_string_equal(chat->tasks[2].name, "a");
  assert_string_equal(chat->tasks[3].name, "b");
  assert_int_equal(chat->tasks[1].weight, 0);
  assert_int_equal(chat->tasks[3].weight, 2);
  assert_string_equal(plan->class_http[0].host, "http://h");
  assert_int_equal(plan->class_http[0].timeout_ns, 60 * SP_NS_PER_S);
  assert_int_equal(plan->class_http[0].connection, SP_HTTP_CONNECTION_REQUEST);
  assert_int_equal(plan->classes[1].think.kind, SP_THINK_NONE);
  assert_null(plan->class_http[1].host);
  assert_int_equal(plan->class_http[1].timeout_ns, -1);
  assert_int_equal(plan->class_http[1].connection, -1);
  rig_plan_free(&it);
}

static void think_times(void **state) {
  (void)state;
  static const struct { const char *think; enum sp_think_kind kind; double a_s; } cases[] = {
    { "2", SP_THINK_CONSTANT, 2 }, { "spate.constant('250ms')", SP_THINK_CONSTANT, 0.25 }, { "spate.pace(5)", SP_THINK_PACE, 5 },
    { "spate.exponential(0.5)", SP_THINK_EXPONENTIAL, 0.5 }, { "function() end", SP_THINK_CUSTOM, 0 }, { "nil", SP_THINK_NONE, 0 } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[300];
    snprintf(text, sizeof(text), HEAD "spate.user('U', { think = %s, tasks = { t = function() end } })", cases[i].think);
    struct rig_plan it = load(text);
    assert_int_equal(it.plan->classes[0].think.kind, cases[i].kind);
    assert_true(it.plan->classes[0].think.a_s == cases[i].a_s);
    rig_plan_free(&it);
  }
}

static void wrong_classes(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.user('U')", ".lua:2: user('U', …) must be a table, not nothing");
  assert_plan_fails(HEAD "spate.user({})", ".lua:2: user(name, …) must be a string, not a table");
  assert_plan_fails(HEAD "spate.user('U', {})", ".lua:2: tasks of 'U' must be a table");
  assert_plan_fails(HEAD "spate.user('U', { tasks = {} })", "user 'U' has no tasks");
  assert_plan_fails(HEAD "spate.user('U', { task = {} })", "user 'U' has no member 'task' (it has: auth, connection,");
  assert_plan_fails(HEAD "spate.user('U', {\n tasks = { t = 5 } })", "task 't' of U must be a table, not a number");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { t = { wait = 1 } } })", "task 't' of U has no member 'wait'");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { t = {} } })", "run of task 't' of U must be a function, not nothing");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { t = { name = {}, run = print } } })", "name of task 't' of U must be a string");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { a = print, b = { name = 'a', run = print } } })",
                    "user 'U' has two tasks named 'a'");
  assert_plan_fails(HEAD "spate.user('U', { weight = -1, tasks = { t = print } })", "the weight of user 'U' must be a whole number");
  assert_plan_fails(HEAD "spate.user('U', { weight = 1.5, tasks = { t = print } })", "must be a whole number");
  assert_plan_fails(HEAD "spate.user('U', { weight = 0/0, tasks = { t = print } })", "must be a whole number");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { t = { weight = 1/0, run = print } } })", "the weight of task 't' of U");
  assert_plan_fails(HEAD "spate.user('U', { think = 'long', tasks = { t = print } })", "think of user 'U' must be spate.constant");
  assert_plan_fails(HEAD "spate.user('U', { think = spate.between(3, 1), tasks = { t = print } })", "the second must not be less");
  assert_plan_fails(HEAD "spate.user('U', { host = 5, tasks = { t = print } })", "host of 'U' must be a string");
  assert_plan_fails(HEAD "spate.user('U', { on_start = 5, tasks = { t = print } })", "on_start of 'U' must be a function");
  assert_plan_fails(HEAD "spate.user('U', { timeout = 'soon', tasks = { t = print } })", "timeout of 'U': 'soon' is no duration");
  assert_plan_fails(HEAD "spate.user('U', { connection = 'one', tasks = { t = print } })", "connection of user 'U' must be");
  assert_plan_fails(HEAD USER USER, ".lua:3: there are two user classes named 'U'");
}

static void what_is_no_plan(void **state) {
  (void)state;
  assert_plan_fails("return 1", "is no plan: it never calls require(\"spate\")");
  assert_plan_fails("", "is no plan: it never calls");
  assert_plan_fails(HEAD, "defines no user class: call spate.user(\"Name\", { tasks = … })");
  assert_plan_fails(HEAD "x = = 1", ".lua:2: unexpected symbol near '='");
  assert_plan_fails(HEAD "local x = nil .. 'a'", ".lua:2: attempt to concatenate a nil value");
  assert_plan_fails(HEAD "error({})", "an error that is no text");
  assert_plan_fails(HEAD "require('no.such.module')", "module 'no.such.module' not found");
  assert_plan_fails(HEAD "local function f() return f() + 1 end f()", "stack overflow");
  assert_plan_fails(HEAD "package.loaded.spate = 5", "is no plan");
}

/* What a plan does to the globals must not reach us. */
static void a_plan_that_breaks_things(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD USER "package = nil require = nil");
  rig_plan_free(&it);
  assert_plan_fails(HEAD USER "spate._plan = nil", "is no plan");
  assert_plan_fails(HEAD USER "spate._plan.classes = 5", "the plan has overwritten 'classes'");
  assert_plan_fails(HEAD USER "spate._plan.params = nil", "the plan has overwritten 'params'");
}

static void no_such_file(void **state) {
  (void)state;
  struct sp_plan_options options = { .name = "dify:caht" };
  struct sp_err err;
  assert_null(sp_plan_load(&options, &err));
  assert_int_equal(err.code, SP_ENOTFOUND);
  assert_non_null(strstr(err.text, "there is no plan 'dify:caht': no such file, and no built-in of that name; did you mean 'dify:chat'?"));
  options.name = "/nothing/like/this.lua";
  assert_null(sp_plan_load(&options, &err));
  assert_null(strstr(err.text, "did you mean"));
  options.name = "/tmp";
  assert_null(sp_plan_load(&options, &err));
  assert_non_null(strstr(err.text, "/tmp"));
}

static void modules_beside_the_plan(void **state) {
  (void)state;
  char folder[] = "/tmp/spate-plans-XXXXXX", path[100], module[100];
  assert_non_null(mkdtemp(folder));
  snprintf(module, sizeof(module), "%s/helper.lua", folder);
  snprintf(path, sizeof(path), "%s/plan.lua", folder);
  FILE *file = fopen(module, "w");
  fputs("return { name = 'FromModule' }", file);
  fclose(file);
  file = fopen(path, "w");
  fputs(HEAD "spate.user(require('helper').name, { tasks = { t = function() end } })", file);
  fclose(file);
  struct sp_plan_options options = { .name = path };
  struct sp_err err;
  struct sp_plan *plan = sp_plan_load(&options, &err);
  if (!plan) fail_msg("%s", err.text);
  assert_string_equal(plan->classes[0].name, "FromModule");
  sp_plan_destroy(plan);
  unlink(path), unlink(module), rmdir(folder);
}

/* -- -T, --user-class -- */

#define TWO HEAD "local function f() end\nspate.user('Chat', { tasks = { ['simple chat'] = f, ['complex chat'] = f } })\n" \
                 "spate.user('Retrieve', { weight = 2, tasks = { search = f } })\n"

static void choose(struct rig_plan *it, const char *pattern, const char *class_name) {
  static const char *names[1], *patterns[1];
  names[0] = class_name;
  patterns[0] = pattern;
  *it = (struct rig_plan){ .options = { .task_patterns = patterns, .task_pattern_count = pattern ? 1 : 0, .class_names = names,
                                        .class_name_count = class_name ? 1 : 0 } };
}

static void assert_weights(const char *pattern, const char *class_name, unsigned chat, unsigned complex, unsigned simple,
                           unsigned retrieve) {
  struct rig_plan it;
  choose(&it, pattern, class_name);
  if (!rig_plan_load(&it, TWO)) fail_msg("%s", it.err.text);
  const struct sp_class_spec *classes = it.plan->classes;
  assert_int_equal(classes[0].weight, chat);
  assert_int_equal(classes[0].tasks[0].weight, complex);
  assert_int_equal(classes[0].tasks[1].weight, simple);
  assert_int_equal(classes[1].weight, retrieve);
  rig_plan_free(&it);
}

static void filters(void **state) {
  (void)state;
  assert_weights(NULL, NULL, 1, 1, 1, 2);
  assert_weights("simple*", NULL, 1, 0, 1, 0);
  assert_weights("*chat", NULL, 1, 1, 1, 0);
  assert_weights("search", NULL, 0, 0, 0, 2);
  assert_weights(NULL, "Retrieve", 0, 1, 1, 2);
  assert_weights(NULL, "Ret*", 0, 1, 1, 2);
  assert_weights("s*", "Chat", 1, 0, 1, 0);
  struct rig_plan it;
  choose(&it, "search", "Chat");
  assert_false(rig_plan_load(&it, TWO));
  assert_int_equal(it.err.code, SP_EUSAGE);
  assert_non_null(strstr(it.err.text, "no task is left to run: check -T, --user-class and the weights (the plan has: Chat.complex chat,"));
  rig_plan_free(&it);
}

static void several_patterns(void **state) {
  static const char *const patterns[] = { "sea*", "simple chat" };
  (void)state;
  struct rig_plan it = { .options = { .task_patterns = patterns, .task_pattern_count = 2 } };
  if (!rig_plan_load(&it, TWO)) fail_msg("%s", it.err.text);
  assert_int_equal(it.plan->classes[0].tasks[0].weight, 0);
  assert_int_equal(it.plan->classes[0].tasks[1].weight, 1);
  assert_int_equal(it.plan->classes[1].weight, 2);
  rig_plan_free(&it);
}

static void all_weights_zero(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.user('U', { weight = 0, tasks = { t = print } })", "no task is left to run");
  assert_plan_fails(HEAD "spate.user('U', { tasks = { t = { weight = 0, run = print } } })", "no task is left to run");
}

/* -- parameters -- */

static void params_from_flag_environment_and_default(void **state) {
  (void)state;
  setenv("SPATE_FROM_ENV", "environment", 1);
  setenv("SPATE_BOTH", "environment", 1);
  setenv("SPATE_WITH_DASH", "dash", 1);
  struct sp_setting settings[] = { { "both", "first" }, { "both", "flag" }, { "n", "0x10" }, { "yes", "1" }, { "empty", "" } };
  struct rig_plan it = { .options = { .settings = settings, .setting_count = 5 } };
  bool loaded = rig_plan_load(&it, HEAD USER
    "assert(spate.param('both') == 'flag')\n"
    "assert(spate.param('from_env', 'default') == 'environment')\n"
    "assert(spate.param('with-dash') == 'dash')\n"
    "assert(spate.param('nothing', 'default') == 'default')\n"
    "assert(spate.param('optional', { optional = true }) == nil)\n"
    "assert(spate.param('n', 5) == 16)\n"
    "assert(spate.param('yes', false) == true)\n"
    "assert(spate.param('no', false) == false)\n"
    "assert(spate.param('empty', 'default') == '')\n"
    "assert(spate.param('both', { description = 'asked for again' }) == 'flag')\n");
  if (!loaded) fail_msg("%s", it.err.text);
  unsetenv("SPATE_FROM_ENV"), unsetenv("SPATE_BOTH"), unsetenv("SPATE_WITH_DASH");
  assert_int_equal(it.plan->param_count, 9);
  assert_string_equal(it.plan->params[0].name, "both");
  assert_string_equal(it.plan->params[0].description, "asked for again");
  assert_true(it.plan->params[0].required);
  assert_string_equal(it.plan->params[5].default_text, "5");
  assert_string_equal(it.plan->params[5].value, "0x10");
  assert_string_equal(it.plan->params[6].default_text, "false");
  assert_null(it.plan->params[3].value);
  assert_false(it.plan->params[4].required);
  rig_plan_free(&it);
}

static void fails_with_setting(const char *key, const char *value, const char *text, const char *sentence) {
  struct sp_setting setting = { key, value };
  struct rig_plan it = { .options = { .settings = &setting, .setting_count = 1 } };
  assert_false(rig_plan_load(&it, text));
  if (!strstr(it.err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, it.err.text);
  rig_plan_free(&it);
}

static void wrong_params(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.param('key')",
                    ".lua:2: the plan needs the parameter 'key': give it with -e key=VALUE or in the environment as SPATE_KEY");
  assert_plan_fails(HEAD "spate.param('key', { description = 'of the app' })", "the parameter 'key' (of the app)");
  assert_plan_fails(HEAD "spate.param('a', {}, 'x')\n", "the plan needs");
  assert_plan_fails(HEAD "spate.param('a', { defualt = 1 })", "param 'a' has no member 'defualt'");
  assert_plan_fails(HEAD "spate.param(5)", "param(name) must be a string");
  assert_plan_fails(HEAD "spate.param('a', { default = {} })", "the default of param 'a' cannot be a table");
  fails_with_setting("n", "five", HEAD USER "spate.param('n', 5)", ".lua:3: parameter 'n' must be a number, not 'five'");
  fails_with_setting("b", "maybe", HEAD USER "spate.param('b', true)", "parameter 'b' must be true or false, not 'maybe'");
  fails_with_setting("auth", "s3cret", HEAD USER "spate.param('auth', 5)", "parameter 'auth' must be a number, not what was given");
  fails_with_setting("thnik", "5", HEAD USER "spate.param('think', 5)",
                    "-e thnik=…: the plan has no parameter 'thnik': did you mean 'think'?");
  fails_with_setting("zzzzzzz", "5", HEAD USER "spate.param('think', 5)", "the plan has no parameter 'zzzzzzz'");
  fails_with_setting("kye", "x", HEAD USER "spate.param('key')", "as SPATE_KEY (was -e kye=… meant?)");
}

static void secrets(void **state) {
  (void)state;
  struct sp_setting settings[] = { { "key", "app-123" }, { "plain", "seen" }, { "forced", "hidden" }, { "open_key", "shown" },
                                   { "max_tokens", "7" } };
  struct rig_plan it = { .options = { .settings = settings, .setting_count = 5 } };
  bool loaded = rig_plan_load(&it, HEAD USER
    "spate.param('key') spate.param('plain') spate.param('forced', { secret = true })\n"
    "spate.param('open_key', { secret = false }) spate.param('max_tokens', 5) spate.param('Password', 'by default')\n"
    "spate.param('api_token', { optional = true })");
  if (!loaded) fail_msg("%s", it.err.text);
  assert_int_equal(it.plan->secret_count, 3);
  assert_true(sp_str_eq(it.plan->secrets[0], SP_STR("app-123")));
  assert_true(sp_str_eq(it.plan->secrets[1], SP_STR("hidden")));
  assert_true(sp_str_eq(it.plan->secrets[2], SP_STR("by default")));
  rig_plan_free(&it);
}

static void too_many(void **state) {
  (void)state;
  assert_plan_fails(HEAD USER "for i = 1, 300 do spate.param('p' .. i, i) end", "the plan has over 200 parameters");
  assert_plan_fails(HEAD USER "for i = 1, 200 do spate.slo('p95(e2e) < ' .. i) end", "the plan has over 100 SLOs");
  assert_plan_fails(HEAD "for i = 1, 200 do spate.user('U' .. i, { tasks = { t = print } }) end", "over 100 user classes");
  assert_plan_fails(HEAD "local t = {} for i = 1, 2000 do t['t' .. i] = print end spate.user('U', { tasks = t })",
                    "user 'U' has over 1000 tasks");
}

/* -- load, SLOs, hooks -- */

static void load_settings(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD USER "spate.load { users = 50, spawn_rate = 2.5, run_time = '5m30s', iterations = 7, stop_timeout = 10,\n"
    "  warm_up = '10s', seed = 9, timeout = 60, connect_timeout = '500ms', first_byte_timeout = 1, silence_timeout = 2, stall = 3,\n"
    "  connection = 'request', host = 'http://h' }\n");
  const struct sp_plan_load *said = &it.plan->load;
  assert_int_equal(said->users, 50);
  assert_true(said->spawn_per_s == 2.5);
  assert_int_equal(said->run_time_ns, 330 * SP_NS_PER_S);
  assert_int_equal(said->iterations, 7);
  assert_int_equal(said->stop_timeout_ns, 10 * SP_NS_PER_S);
  assert_int_equal(said->warm_up_ns, 10 * SP_NS_PER_S);
  assert_int_equal(said->seed, 9);
  assert_int_equal(said->timeout_ns, 60 * SP_NS_PER_S);
  assert_int_equal(said->connect_timeout_ns, 500 * MS);
  assert_int_equal(said->first_byte_timeout_ns, SP_NS_PER_S);
  assert_int_equal(said->silence_timeout_ns, 2 * SP_NS_PER_S);
  assert_int_equal(said->stall_ns, 3 * SP_NS_PER_S);
  assert_int_equal(said->connection, SP_HTTP_CONNECTION_REQUEST);
  assert_string_equal(sp_plan_host(it.plan), "http://h");
  rig_plan_free(&it);
}

static void load_says_nothing(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD USER "spate.load { users = 5 } spate.load { run_time = 1e30 }");
  const struct sp_plan_load *said = &it.plan->load;
  assert_int_equal(said->users, 5); /* several calls add up */
  assert_true(said->run_time_ns > 0);
  assert_int_equal(said->iterations, -1);
  assert_int_equal(said->stop_timeout_ns, -1);
  assert_int_equal(said->connection, -1);
  assert_true(said->spawn_per_s < 0);
  assert_null(said->host);
  assert_string_equal(sp_plan_host(it.plan), "");
  rig_plan_free(&it);
}

static void wrong_load(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.load(5)", ".lua:2: load{…} must be a table, not a number");
  assert_plan_fails(HEAD "spate.load { user = 5 }", "load{…} has no member 'user'");
  assert_plan_fails(HEAD "spate.load { users = '5' }", "load.users must be a number, not a string");
  assert_plan_fails(HEAD "spate.load { users = -1 }", "load.users must not be negative");
  assert_plan_fails(HEAD "spate.load { users = 1.5 }", "load.users must be a whole number");
  assert_plan_fails(HEAD "spate.load { users = 0/0 }", "load.users must not be negative");
  assert_plan_fails(HEAD "spate.load { iterations = 1/0 }", "load.iterations must be a whole number");
  assert_plan_fails(HEAD "spate.load { run_time = '5 minutes' }", "load.run_time: '5 minutes' is no duration");
  assert_plan_fails(HEAD "spate.load { run_time = -5 }", "load.run_time must not be negative");
  assert_plan_fails(HEAD "spate.load { connection = 'x' }", "connection of load{…} must be");
  assert_plan_fails(HEAD "spate.load { host = 5 }", "load.host must be a string");
  assert_plan_fails(HEAD "spate.slo(5)", "slo{…} must be a table");
  assert_plan_fails(HEAD "spate.slo { 5 }", "each of slo{…} must be a string");
  assert_plan_fails(HEAD "spate.on('begin', print)", "on('begin', …): there is start, stop, user_start and user_stop");
  assert_plan_fails(HEAD "spate.on('start')", "on('start', fn) must be a function");
}

static void slos(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD USER "spate.slo { 'p95(e2e) < 4s', 'failed_share < 1%' } spate.slo 'rps > 4'");
  assert_int_equal(it.plan->slo_count, 3);
  assert_string_equal(it.plan->slos[2], "rps > 4");
  rig_plan_free(&it);
}

static void hooks_of_the_run(void **state) {
  (void)state;
  struct rig_plan it = load(HEAD USER
                    "local n = 0 spate.on('start', function() n = n + 1 end) spate.on('start', function() n = n + 1 end)\n"
                                      "spate.on('stop', function() error('n is ' .. n) end)");
  struct sp_err err;
  assert_int_equal(sp_plan_fire(it.plan, "start", &err), 0);
  assert_int_equal(sp_plan_fire(it.plan, "stop", &err), SP_EPLAN);
  assert_non_null(strstr(err.text, "in the plan's 'stop' hook: "));
  assert_non_null(strstr(err.text, ".lua:4: n is 2"));
  assert_int_equal(sp_plan_fire(it.plan, "nothing", &err), 0);
  rig_plan_free(&it);
}

/* -- built-in plans -- */

static void built_in_plans_describe_themselves(void **state) {
  (void)state;
  setenv("SPATE_TIMEOUT", "no number", 1); /* a description does not look at the environment */
  int count = 0;
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    if (strcmp(file->kind, "plan") != 0) continue;
    struct sp_plan_options options = { .name = file->name, .describing = true };
    struct sp_err err;
    struct sp_plan *plan = sp_plan_load(&options, &err);
    if (!plan) fail_msg("%s: %s", file->name, err.text);
    assert_true(plan->class_count > 0 && plan->param_count > 0);
    for (size_t i = 0; i < plan->param_count; i++) {
      if (!plan->params[i].description[0]) fail_msg("%s: '%s' has no description", file->name, plan->params[i].name);
    }
    sp_plan_destroy(plan);
    count++;
  }
  unsetenv("SPATE_TIMEOUT");
  assert_true(count >= 6);
}

/* With its parameters given, each built-in plan loads for a run. */
static void built_in_plans_load(void **state) {
  (void)state;
  static const struct sp_setting settings[] = { { "key", "app-x" }, { "dataset", "d" }, { "simple_key", "a" },
                                                 { "complex_key", "b" }, { "dataset_key", "c" } };
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    if (strcmp(file->kind, "plan") != 0) continue;
    struct sp_plan_options describe = { .name = file->name, .describing = true };
    struct sp_err err;
    struct sp_plan *plan = sp_plan_load(&describe, &err);
    struct sp_setting given[8];
    size_t count = 0;
    for (size_t i = 0; i < plan->param_count; i++) {
      for (size_t s = 0; plan->params[i].required && s < 5; s++) {
        if (strcmp(settings[s].key, plan->params[i].name) == 0) given[count++] = settings[s];
      }
    }
    sp_plan_destroy(plan);
    struct sp_plan_options options = { .name = file->name, .settings = given, .setting_count = count };
    plan = sp_plan_load(&options, &err);
    if (!plan) fail_msg("%s: %s", file->name, err.text);
    sp_plan_destroy(plan);
  }
}

/* -- feeds -- */

static char *write_file(char *path, const char *suffix, const char *text) {
  snprintf(path, 64, "/tmp/spate-feed-XXXXXX%s", suffix);
  int fd = mkstemps(path, (int)strlen(suffix));
  assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
  return path;
}

static void with_feed(const char *suffix, const char *content, const char *code) {
  char path[64], text[1500];
  write_file(path, suffix, content);
  snprintf(text, sizeof(text), HEAD USER "local path = '%s'\n%s", path, code);
  struct rig_plan it = { 0 };
  bool loaded = rig_plan_load(&it, text);
  unlink(path);
  if (!loaded) fail_msg("%s", it.err.text);
  rig_plan_free(&it);
}

static void feed_fails(const char *suffix, const char *content, const char *sentence) {
  char path[64], text[300];
  write_file(path, suffix, content);
  snprintf(text, sizeof(text), HEAD USER "spate.feed('%s')", path);
  assert_plan_fails(text, sentence);
  unlink(path);
}

static void feeds(void **state) {
  (void)state;
  with_feed(".csv", "\xEF\xBB\xBFid,text\r\n1,\"a, \"\"b\"\"\"\r\n\r\n2,\"two\nlines\"\r3,last",
            "local f = spate.feed(path, { order = 'sequential' })\n"
            "assert(f.count == 3)\n"
            "local a, b, c, d = f:next(), f:next(), f:next(), f:next()\n"
            "assert(a.id == '1' and a.text == 'a, \"b\"' and b.text == 'two\\nlines' and c.text == 'last' and d.id == '1')\n");
  with_feed(".csv", "a,b\n1,\n,2\n", "local f = spate.feed(path, { order = 'once' })\n"
            "local x, y = f:next(), f() assert(x.a == '1' and x.b == '' and y.a == '' and y.b == '2')\n"
            "assert(f:next() == nil and f:next() == nil)\n");
  with_feed(".jsonl", "{\"q\":\"一\"}\n\n[1,2]\r\n5", "local f = spate.feed(path, { order = 'sequential' })\n"
            "assert(f:next().q == '一') assert(f:next()[2] == 2) assert(f:next() == 5)\n");
  with_feed(".csv", "a\n1\n", "local fine, why = pcall(function() spate.feed(path):next() end)\n"
            "assert(not fine and why:find('random needs a user'), why)\n");
  with_feed(".csv", "a\n1\n",
                    "local fine, why = pcall(spate.feed, path, { ordr = 1 }) assert(not fine and why:find('no member'), why)\n"
            "fine, why = pcall(spate.feed, path, { order = 'up' }) assert(not fine and why:find('there is random'), why)\n");
}

static void wrong_feeds(void **state) {
  (void)state;
  assert_plan_fails(HEAD "spate.feed('/nothing/here.csv')", ".lua:2: cannot read the feed: cannot open '/nothing/here.csv'");
  assert_plan_fails(HEAD "spate.feed()", "feed(path): the path of a file is needed");
  feed_fails(".csv", "", "has no rows");
  feed_fails(".csv", "a,b\n", "has no rows");
  feed_fails(".csv", "a,b\n1\n", "record 2 has 1 fields, the header has 2");
  feed_fails(".csv", "a,b\n1,\"x\n", "record 2: a quote that is never closed");
  feed_fails(".csv", "a,b\n1,\"x\"y\n", "record 2: a character behind a closing quote");
  feed_fails(".jsonl", "{}\n{", ":2: no JSON");
}

static void a_feed_is_shared_by_all_threads(void **state) {
  (void)state;
  static const struct route none[] = { { NULL, NULL } };
  char path[64], text[600];
  struct rig rig;
  write_file(path, ".csv", "n\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
  rig_init(&rig, none);
  rig.load.users = 6;
  rig.load.threads = 3;
  rig.load.iterations = 30;
  snprintf(text, sizeof(text), HEAD "local feed, rows = spate.feed('%s', { order = 'once' }), spate.metric('rows')\n"
           "local any = spate.feed('%s')\n"
           "spate.user('U', { tasks = { t = function(user)\n"
           "  local row = feed:next(user) if row then rows:add(tonumber(row.n)) end\n"
           "  local n = tonumber(any:next(user).n) assert(n >= 1 and n <= 10)\n"
           "end } })", path, path);
  rig_run(&rig, text);
  unlink(path);
  assert_no_task_errors(&rig);
  assert_int_equal(rig.totals->customs.count, 1);
  const struct sp_custom_cell *rows = rig.totals->customs.entries[0].value;
  assert_int_equal(rows->values.count, 10);
  assert_true(sp_hist_mean(&rows->values) == 5500); /* each once */
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(classes),
    cmocka_unit_test(think_times),
    cmocka_unit_test(wrong_classes),
    cmocka_unit_test(what_is_no_plan),
    cmocka_unit_test(a_plan_that_breaks_things),
    cmocka_unit_test(no_such_file),
    cmocka_unit_test(modules_beside_the_plan),
    cmocka_unit_test(filters),
    cmocka_unit_test(several_patterns),
    cmocka_unit_test(all_weights_zero),
    cmocka_unit_test(params_from_flag_environment_and_default),
    cmocka_unit_test(wrong_params),
    cmocka_unit_test(secrets),
    cmocka_unit_test(too_many),
    cmocka_unit_test(load_settings),
    cmocka_unit_test(load_says_nothing),
    cmocka_unit_test(wrong_load),
    cmocka_unit_test(slos),
    cmocka_unit_test(hooks_of_the_run),
    cmocka_unit_test(built_in_plans_describe_themselves),
    cmocka_unit_test(built_in_plans_load),
    cmocka_unit_test(feeds),
    cmocka_unit_test(wrong_feeds),
    cmocka_unit_test(a_feed_is_shared_by_all_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
