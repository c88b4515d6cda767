#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/clock.h"
#include "mock/fault.h"
#include "mock/mock.h"
#include "mock/plan.h"
#include "mock/profile.h"

#include <string.h>

static const struct sp_mock_app *app_of(const struct sp_profile *profile, const char *key) {
  const struct sp_mock_app *app = sp_profile_app_by_key(profile, sp_str_from(key));
  assert_non_null(app);
  return app;
}

static void load(struct sp_profile *profile, const char *json) {
  struct sp_err err = { 0 };
  if (sp_profile_load(profile, json, &err)) fail_msg("%s", err.text);
}

static void the_builtin_profile_has_an_app_for_each_mode(void **state) {
  (void)state;
  struct sp_profile profile;
  load(&profile, NULL);
  const char *keys[] = {"app-simple",   "app-chat",     "app-agent", "app-completion",
                        "app-workflow", "dataset-demo", "sk-mock"};
  for (int mode = SP_MODE_CHATFLOW; mode <= SP_MODE_OPENAI; mode++)
    assert_int_equal(app_of(&profile, keys[mode])->mode, mode);
  const struct sp_mock_app *complex = app_of(&profile, "app-complex");
  assert_int_equal(complex->node_count, 7);
  assert_string_equal(complex->nodes[complex->stream_node].type, "llm");
  const struct sp_mock_app *simple = app_of(&profile, "app-simple");
  assert_string_equal(simple->nodes[simple->stream_node].type, "answer");
  assert_null(sp_profile_app_by_key(&profile, SP_STR("app-nobody")));
  sp_profile_fini(&profile);
}

static void a_profile_is_laid_over_the_builtin_one(void **state) {
  (void)state;
  struct sp_profile profile;
  load(&profile, "{\"seed\": 9, \"dify_version\": \"1.12\", \"eof_lag\": \"1s\", \"datasets\": [\"d1\"],"
                 " \"apps\": {\"simple\": {\"first\": \"300ms\"},"
                 "   \"mine\": {\"mode\": \"chat\", \"key\": \"app-mine\", \"gap\": {\"normal\": [20, \"5ms\"]},"
                 "            \"tokens\": {\"uniform\": [10, 20]}, \"eof_lag\": 5}},"
                 " \"faults\": [{\"fault\": \"reset\", \"share\": 0.1, \"at\": 3, \"app\": \"mine\"}]}");
  assert_int_equal(profile.seed, 9);
  assert_int_equal(profile.version.minor, 12);
  const struct sp_mock_app *simple = app_of(&profile, "app-simple"), *mine = app_of(&profile, "app-mine");
  assert_true(simple->timing.first.kind == SP_DIST_CONSTANT && simple->timing.first.a == 300e6);
  assert_int_equal(simple->node_count, 2); /* as it was */
  assert_int_equal(simple->timing.eof_lag_ns, SP_NS_PER_S);
  assert_int_equal(mine->timing.eof_lag_ns, 5 * SP_NS_PER_MS);
  assert_true(mine->timing.gap.kind == SP_DIST_NORMAL && mine->timing.gap.a == 20e6 && mine->timing.gap.b == 5e6);
  assert_true(mine->timing.tokens.a == 10 && mine->timing.tokens.b == 20);
  assert_string_equal(profile.faults[0].fault->name, "reset");
  assert_int_equal(profile.faults[0].at, 3);
  assert_string_equal(profile.datasets[0], "d1");
  sp_profile_fini(&profile);
}

/* A round says what it changed, and stands on the one before. */
static void a_profile_is_laid_over_its_base(void **state) {
  (void)state;
  struct sp_profile first, third, mine;
  load(&first, sp_mock_profile_find("dify-8c16g-1"));
  load(&third, sp_mock_profile_find("dify-8c16g-3"));
  load(&mine, "{\"base\": \"dify-8c16g-1\", \"resources\": {\"api\": {\"cores\": 1.5}, \"pool\": {\"slots\": 0}}}");
  const struct sp_resource_spec *api = &mine.resources->of[SP_RES_API];
  assert_true(first.resources->of[SP_RES_API].cores == 0.8 && third.resources->of[SP_RES_API].cores == 2);
  assert_true(api->cores == 1.5 && api->cost[SP_WORK_HEAD].a == 14e6);
  assert_false(sp_resource_is_there(&mine.resources->of[SP_RES_POOL]));
  assert_true(first.note_count == 3 && third.note_count == 2 && mine.note_count == 3);
  assert_null(sp_mock_profile_find("dify-8c16g-9"));
  for (size_t i = 0; sp_mock_profile_name(i); i++) { /* each loads */
    struct sp_profile profile;
    load(&profile, sp_mock_profile_find(sp_mock_profile_name(i)));
    sp_profile_fini(&profile);
  }
  sp_profile_fini(&first);
  sp_profile_fini(&third);
  sp_profile_fini(&mine);
}

static void a_new_list_of_nodes_takes_the_place_of_the_old(void **state) {
  (void)state;
  struct sp_profile profile;
  load(&profile, "{\"apps\": {\"complex\": {\"nodes\": [{\"type\": \"code\", \"time\": {\"exponential\": 30}},"
                 "{\"type\": \"llm\", \"title\": \"Qwen\"}]}}}");
  const struct sp_mock_app *app = app_of(&profile, "app-complex");
  assert_int_equal(app->node_count, 2);
  assert_int_equal(app->stream_node, 1);
  assert_string_equal(app->nodes[0].title, "code");
  assert_true(app->node_times[0].kind == SP_DIST_EXPONENTIAL && app->node_times[0].a == 30e6);
  sp_profile_fini(&profile);
}

struct wrong {
  const char *json, *says;
};

static void a_wrong_profile_says_where_and_what(void **state) {
  (void)state;
  const struct wrong wrongs[] = {
      {"{", "is no JSON: line 1"},
      {"[]", "must be an object"},
      {"{\"sede\": 1}", "unknown member 'sede' (did you mean 'seed'?)"},
      {"{\"seed\": -1}", "seed: must be a whole number"},
      {"{\"seed\": 1, \"seed\": 2}", "duplicate"},
      {"{\"log\": 10000000}", "log: must be at most"},
      {"{\"dify_version\": \"new\"}", "dify_version: must be a version"},
      {"{\"dify_version\": 1.13}", "dify_version: must be a text"},
      {"{\"style\": \"wide\"}", "style: must be 'compact'"},
      {"{\"apps\": []}", "apps: must be an object"},
      {"{\"apps\": {\"simple\": {\"gapp\": 1}}}", "apps: simple: unknown member 'gapp' (did you mean 'gap'?)"},
      {"{\"apps\": {\"simple\": {\"gap\": \"20\"}}}", "apps: simple: gap: '20' needs a unit: \"20ms\""},
      {"{\"apps\": {\"simple\": {\"gap\": true}}}", "gap: must be a time"},
      {"{\"apps\": {\"simple\": {\"gap\": -1}}}", "gap: must not be negative"},
      {"{\"apps\": {\"simple\": {\"gap\": \"2h\"}}}", "gap: must be at most one hour"},
      {"{\"apps\": {\"simple\": {\"gap\": {\"unifrom\": [1, 2]}}}}",
       "unknown distribution 'unifrom' (did you mean 'uniform'?)"},
      {"{\"apps\": {\"simple\": {\"gap\": {\"uniform\": [3, 2]}}}}", "gap: uniform: the range runs backwards"},
      {"{\"apps\": {\"simple\": {\"gap\": {\"uniform\": 3}}}}", "gap: uniform: must be a list of two"},
      {"{\"apps\": {\"simple\": {\"gap\": {\"lognormal\": [3, 99]}}}}", "its sigma must be a number from 0 to 10"},
      {"{\"apps\": {\"simple\": {\"tokens\": 2000000}}}", "tokens: must be 0 …"},
      {"{\"apps\": {\"simple\": {\"nodes\": [{\"title\": \"x\"}]}}}", "nodes: node 1: 'type' is missing"},
      {"{\"apps\": {\"simple\": {\"nodes\": [{\"type\": \"llm\", \"tme\": 1}]}}}",
       "unknown member 'tme' (did you mean 'time'?)"},
      {"{\"apps\": {\"new\": {\"mode\": \"chat\"}}}", "apps: new: 'key' is missing"},
      {"{\"apps\": {\"new\": {\"mode\": \"chatt\", \"key\": \"k\"}}}", "unknown mode 'chatt' (did you mean 'chat'?)"},
      {"{\"apps\": {\"new\": {\"mode\": \"chat\", \"key\": \"app-simple\"}}}", "'simple' and 'new' have the same key"},
      {"{\"faults\": [{\"fault\": \"resett\", \"share\": 1}]}", "unknown fault 'resett' (did you mean 'reset'?)"},
      {"{\"faults\": [{\"share\": 1}]}", "faults: entry 1: 'fault' is missing"},
      {"{\"faults\": [{\"fault\": \"cut\", \"share\": 2}]}", "share: must be a number from 0 to 1"},
      {"{\"faults\": [{\"fault\": \"cut\", \"share\": 0.6}, {\"fault\": \"reset\", \"share\": 0.6}]}",
       "sum to more than 1"},
      {"{\"faults\": [{\"fault\": \"cut\", \"share\": 0.6, \"app\": \"nobody\"}]}", "there is no app 'nobody'"},
      {"{\"datasets\": [1]}", "datasets: must be a text"},
      {"{\"notes\": \"x\"}", "notes: must be a list of texts"},
      {"{\"base\": \"dify-8c16g-7\"}", "base: unknown profile 'dify-8c16g-7' (did you mean 'dify-8c16g-1'?)"},
      {"{\"base\": 1}", "base: must be the name of a built-in profile"},
      {"{\"resources\": []}", "resources: must be an object"},
      {"{\"resources\": {\"apii\": {}}}", "resources: unknown resource 'apii' (did you mean 'api'?)"},
      {"{\"resources\": {\"api\": {\"core\": 1}}}", "resources: api: unknown member 'core' (did you mean 'cores'?)"},
      {"{\"resources\": {\"api\": {\"cores\": -1}}}", "api: cores: must be a number from 0 to 4096"},
      {"{\"resources\": {\"api\": {\"slots\": 1}}}", "api: unknown member 'slots'"},
      {"{\"resources\": {\"pool\": {\"cores\": 1}}}", "pool: unknown member 'cores'"},
      {"{\"resources\": {\"pool\": {\"slots\": 2000000}}}", "pool: slots: must be at most 1000000"},
      {"{\"resources\": {\"plugin\": {\"cores\": 1, \"servers\": 1}}}",
       "plugin: has 'cores' (shared by all) and 'servers'"},
      {"{\"resources\": {\"commit\": {\"contention\": 11}}}", "commit: contention: must be a number from 0 to 10"},
      {"{\"resources\": {\"api\": {\"head\": \"2h\"}}}", "api: head: must be at most one hour"},
      {"{\"resources\": {\"vector\": {\"merge_time\": \"1s\"}}}", "vector: 'merge_every' must be at least 100 ms"},
      {"{\"resources\": {\"vector\": {\"merge_time\": \"1s\", \"merge_every\": \"1s\"}}}", "must be shorter than"},
      {"{\"resources\": {\"vector\": {\"merge_time\": \"1s\", \"merge_every\": \"2s\"}}}", "'merge_speed' is missing"},
      {"{\"resources\": {\"host_cores\": 2, \"api\": {\"cores\": 3}}}", "together they have 3 cores, the host has 2"},
  };
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    struct sp_profile profile;
    struct sp_err err = { 0 };
    assert_true(sp_profile_load(&profile, wrongs[i].json, &err) < 0);
    if (!strstr(err.text, wrongs[i].says))
      fail_msg("%s: '%s' does not say '%s'", wrongs[i].json, err.text, wrongs[i].says);
    assert_true(sp_profile_load(&profile, wrongs[i].json, NULL) < 0);
  }
}

static void a_text_is_cut_into_pieces_that_make_it_again(void **state) {
  (void)state;
  const char *wholes[] = { "Hello wide world", "流程 OA 系统,好\n再见", "", "😀\"x\\", "one" };
  const size_t counts[] = { 3, 10, 1, 2, 1 };
  for (size_t i = 0; i < 5; i++) {
    struct sp_mock_text text;
    char again[256] = "\"";
    sp_mock_text_init(&text, wholes[i]);
    if (i != 1) assert_int_equal(text.count, counts[i]);
    for (size_t j = 0; j < text.count; j++) strncat(again, text.pieces[j].compact.bytes, text.pieces[j].compact.len);
    assert_int_equal(strlen(again) - 1, text.all.compact.len);
    assert_memory_equal(again + 1, text.all.compact.bytes, text.all.compact.len);
    for (size_t j = 0; j < text.all.spaced.len; j++) assert_true((text.all.spaced.bytes[j] & 0x80) == 0);
    sp_mock_text_fini(&text);
  }
}

/* -- the request header -- */

static int parse(struct sp_mock_plan *plan, const char *text, struct sp_err *err) {
  struct sp_profile profile;
  load(&profile, NULL);
  int code = sp_mock_plan_parse(plan, &profile, app_of(&profile, "app-complex"), sp_str_from(text), err);
  sp_profile_fini(&profile);
  return code;
}

static void a_plan_sets_what_it_names(void **state) {
  (void)state;
  struct sp_mock_plan plan;
  struct sp_err err;
  const char *text = "head=20ms first=100ms  gap=10ms..30ms tokens=50 node=30ms fault=reset@10 seed=7 version=1.12 "
                     "style=spaced queue=0 tail=1.5s eof_lag=2s";
  assert_int_equal(parse(&plan, text, &err), 0);
  assert_true(plan.timing.head.a == 20e6 && plan.timing.first.a == 100e6 && plan.timing.tail.a == 1.5e9);
  assert_true(plan.timing.gap.kind == SP_DIST_UNIFORM && plan.timing.gap.a == 10e6 && plan.timing.gap.b == 30e6);
  assert_true(plan.timing.tokens.a == 50 && plan.has_node && plan.node.a == 30e6 && plan.timing.queue.a == 0);
  assert_true(plan.has_seed && plan.seed == 7 && plan.version.minor == 12 && plan.style == SP_STYLE_SPACED);
  assert_string_equal(plan.fault->name, "reset");
  assert_int_equal(plan.at, 10);
  assert_int_equal(plan.timing.eof_lag_ns, 2 * SP_NS_PER_S);
  assert_int_equal(parse(&plan, "", &err), 0);
  assert_null(plan.fault);
  assert_int_equal(parse(&plan, "stall=5s", &err), 0);
  assert_string_equal(plan.fault->name, "stall");
  assert_int_equal(plan.stall_ns, 5 * SP_NS_PER_S);
}

static void a_wrong_plan_says_what(void **state) {
  (void)state;
  const struct wrong wrongs[] = {
    { "gapp=1ms", "unknown word 'gapp' (did you mean 'gap'?)" },
    { "gap", "'gap' needs a value" },
    { "gap=", "'gap' needs a value" },
    { "gap=5", "gap: '5' needs a unit" },
    { "gap=9ms..1ms", "gap: the range runs backwards" },
    { "tokens=many", "tokens: " },
    { "tokens=99999999", "tokens: must be at most" },
    { "fault=explode", "fault: unknown fault 'explode'" },
    { "fault=reset@0", "tokens are counted from 1" },
    { "fault=reset@x", "reset@" },
    { "version=x", "version: must be a version" },
    { "eof_lag=1ms..2ms", "eof_lag: takes one time" },
    { "seed=-1", "seed: " },
  };
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    struct sp_mock_plan plan;
    struct sp_err err = { 0 };
    assert_true(parse(&plan, wrongs[i].json, &err) < 0);
    if (!strstr(err.text, wrongs[i].says))
      fail_msg("%s: '%s' does not say '%s'", wrongs[i].json, err.text, wrongs[i].says);
  }
  char many[1024] = "";
  for (int i = 0; i < 40; i++) strcat(many, "gap=1ms ");
  struct sp_mock_plan plan;
  struct sp_err err = { 0 };
  assert_int_equal(parse(&plan, many, &err), SP_ELIMIT);
}

static void versions_compare(void **state) {
  (void)state;
  struct sp_dify_version v;
  assert_int_equal(sp_dify_version_parse(SP_STR("1.13.0"), &v, NULL), 0);
  assert_true(sp_dify_version_before(&v, 13, 1) && !sp_dify_version_before(&v, 13, 0));
  assert_int_equal(sp_dify_version_parse(SP_STR("0.15.8"), &v, NULL), 0);
  assert_true(sp_dify_version_before(&v, 13, 0));
  assert_int_equal(sp_dify_version_parse(SP_STR("2"), &v, NULL), 0);
  assert_false(sp_dify_version_before(&v, 13, 0));
  assert_true(sp_dify_version_parse(SP_STR("1.2.3.4"), &v, NULL) < 0);
  assert_true(sp_dify_version_parse(SP_STR(""), &v, NULL) < 0);
  assert_true(sp_dify_version_parse(SP_STR("1..2"), &v, NULL) < 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_builtin_profile_has_an_app_for_each_mode),
    cmocka_unit_test(a_profile_is_laid_over_the_builtin_one),
    cmocka_unit_test(a_profile_is_laid_over_its_base),
    cmocka_unit_test(a_new_list_of_nodes_takes_the_place_of_the_old),
    cmocka_unit_test(a_wrong_profile_says_where_and_what),
    cmocka_unit_test(a_text_is_cut_into_pieces_that_make_it_again),
    cmocka_unit_test(a_plan_sets_what_it_names),
    cmocka_unit_test(a_wrong_plan_says_what),
    cmocka_unit_test(versions_compare),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
