#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/docker_text.h"

#include <math.h>
#include <stdio.h>

static json_t *parse(const char *text) {
  json_t *document;
  struct sp_err err;
  assert_int_equal(sp_docker_parse(sp_str_from(text), &document, &err), 0);
  return document;
}

static void look_at(const char *text, double cores, struct sp_look *look) {
  json_t *document = parse(text);
  const struct sp_docker_limits limits = {.cores = cores};
  sp_look_init(look, "a", NULL, NULL, 1);
  sp_docker_stats(document, &limits, look);
  json_decref(document);
}

static void bytes_that_are_no_document(void **state) {
  (void)state;
  static const char *const texts[] = {"", "{", "[1] x", "nul", "\"\xff\"", "{\"a\":1}}"};
  json_t *document;
  struct sp_err err;
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    assert_int_equal(sp_docker_parse(sp_str_from(texts[i]), &document, &err), SP_EPARSE);
  }
}

static void numbers_by_their_path(void **state) {
  (void)state;
  json_t *document = parse("{\"a\":{\"b\":{\"c\":7}},\"none\":-1,\"text\":\"8\",\"real\":1.5}");
  assert_float_equal(sp_docker_number(document, "a.b.c"), 7, 0);
  assert_float_equal(sp_docker_number(document, "real"), 1.5, 0);
  static const char *const absent[] = {"a.b", "a.b.c.d", "none", "text", "x.y", ""};
  for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) assert_true(isnan(sp_docker_number(document, absent[i])));
  assert_true(isnan(sp_docker_number(NULL, "a")));
  json_decref(document);
}

static void only_ids_go_into_a_path(void **state) {
  (void)state;
  static const struct {
    const char *entry;
    const char *name; /* NULL: not taken */
  } rows[] = {{"{\"Id\":\"0123abcDEF\",\"Names\":[\"/web\",\"/alias\"]}", "web"}, {"{\"Id\":\"ab\",\"Names\":[\"bare\"]}", "bare"},
              {"{\"Id\":\"../x\",\"Names\":[\"/web\"]}", NULL},             {"{\"Id\":\"\",\"Names\":[\"/web\"]}", NULL},
              {"{\"Id\":\"ab\",\"Names\":[]}", NULL},                       {"{\"Id\":\"ab\",\"Names\":[\"/\"]}", NULL},
              {"{\"Names\":[\"/web\"]}", NULL},                             {"[]", NULL},
              {"{\"Id\":5,\"Names\":7}", NULL}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_docker_container container;
    json_t *entry = parse(rows[i].entry);
    assert_int_equal(sp_docker_container(entry, &container), rows[i].name != NULL);
    if (rows[i].name) assert_string_equal(container.name, rows[i].name);
    json_decref(entry);
  }
}

static void memory_of_both_versions_without_the_cache(void **state) {
  (void)state;
  struct sp_look look;
  look_at("{\"memory_stats\":{\"usage\":100,\"limit\":500,\"stats\":{\"inactive_file\":30,\"pgmajfault\":4}}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_USED], 70, 0);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_LIMIT], 500, 0);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_MAJOR_FAULTS], 4, 0);
  look_at("{\"memory_stats\":{\"usage\":100,\"stats\":{\"inactive_file\":1,\"total_inactive_file\":40}}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_USED], 60, 0);
  look_at("{\"memory_stats\":{\"usage\":100,\"stats\":{\"inactive_file\":300}}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_USED], 0, 0);
  look_at("{\"memory_stats\":{\"usage\":100}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_MEMORY_USED], 100, 0);
}

static void what_a_container_may_use(void **state) {
  (void)state;
  static const struct {
    const char *document;
    double cores;
  } rows[] = {{"{\"HostConfig\":{\"NanoCpus\":1500000000,\"CpuQuota\":0}}", 1.5},
              {"{\"HostConfig\":{\"NanoCpus\":0,\"CpuQuota\":50000,\"CpuPeriod\":200000}}", 0.25},
              {"{\"HostConfig\":{\"CpuQuota\":50000}}", 0.5},
              {"{\"HostConfig\":{\"NanoCpus\":0,\"CpuQuota\":-1}}", NAN},
              {"[]", NAN}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_docker_limits limits;
    json_t *document = parse(rows[i].document);
    sp_docker_inspect(document, &limits);
    assert_true(isnan(limits.cores) == isnan(rows[i].cores) && !(limits.cores != rows[i].cores && !isnan(limits.cores)));
    json_decref(document);
  }
}

static void processors_where_there_is_no_limit(void **state) {
  (void)state;
  struct sp_look look;
  look_at("{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":2000000000},\"online_cpus\":4}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_CPU_LIMIT], 4, 0);
  assert_float_equal(look.of[SP_SIGNAL_CPU_CORES], 2, 0);
  look_at("{\"cpu_stats\":{\"cpu_usage\":{\"percpu_usage\":[1,2]}}}", NAN, &look);
  assert_float_equal(look.of[SP_SIGNAL_CPU_LIMIT], 2, 0);
  look_at("{\"cpu_stats\":{\"online_cpus\":4}}", 0.5, &look);
  assert_float_equal(look.of[SP_SIGNAL_CPU_LIMIT], 0.5, 0);
  look_at("[]", NAN, &look);
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) assert_true(isnan(look.of[i]));
}

static void note(void *ctx, const char *key, const char *value) {
  char *text = ctx;
  size_t len = strlen(text);
  snprintf(text + len, 1000 - len, "%s=%s;", key, value);
}

static void variables_without_their_secrets(void **state) {
  (void)state;
  char text[1000] = "";
  json_t *document = parse("{\"Config\":{\"Image\":\"i\",\"Env\":[\"A_TIMEOUT=5\",\"B_POOL=pg://u:hunter2@h/d\",\"C_MAX_TOKEN=hunter2\","
                           "\"D_CACHE=host=x password=hunter2\",\"HOME=/root\",\"broken\",7,\"E_SIZE=\"]}}");
  sp_docker_settings(document, NULL, note, text);
  assert_string_equal(text, "image=i;cpus=no limit;memory=no limit;A_TIMEOUT=5;B_POOL=pg://***@h/d;C_MAX_TOKEN=***;"
                            "D_CACHE=***;E_SIZE=;");
  text[0] = '\0';
  sp_docker_settings(document, "H*", note, text);
  assert_string_equal(text, "image=i;cpus=no limit;memory=no limit;HOME=/root;");
  json_decref(document);
}

static void when_the_engine_looked(void **state) {
  (void)state;
  json_t *document = parse("{\"read\":\"2026-11-28T10:00:00.5Z\"}"), *never = parse("{\"read\":\"0001-01-01T00:00:00Z\"}");
  assert_int_equal(sp_docker_read_ns(document) % SP_NS_PER_S, SP_NS_PER_S / 2);
  assert_int_equal(sp_docker_read_ns(never), 0);
  json_decref(document);
  json_decref(never);
}

static void what_happened(void **state) {
  (void)state;
  const char *name, *code;
  json_t *died = parse("{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"web\",\"exitCode\":\"137\"}}}"),
         *nameless = parse("{\"Action\":\"oom\"}");
  assert_int_equal(sp_docker_event(died, &name, &code), SP_DOCKER_DIE);
  assert_string_equal(name, "web");
  assert_string_equal(code, "137");
  assert_int_equal(sp_docker_event(nameless, &name, &code), SP_DOCKER_OTHER);
  json_decref(died);
  json_decref(nameless);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_that_are_no_document),
      cmocka_unit_test(numbers_by_their_path),
      cmocka_unit_test(only_ids_go_into_a_path),
      cmocka_unit_test(memory_of_both_versions_without_the_cache),
      cmocka_unit_test(what_a_container_may_use),
      cmocka_unit_test(processors_where_there_is_no_limit),
      cmocka_unit_test(variables_without_their_secrets),
      cmocka_unit_test(when_the_engine_looked),
      cmocka_unit_test(what_happened),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
