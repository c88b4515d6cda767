/* Resources over HTTP: what they are asked to do adds up in /metrics and /mock/stats, and who waits, leaves or is
 * stopped gives back what it had. */
#include "mock_fixture.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Costs that add up to a known sum. */
#define PROFILE                                                                                                        \
  "{\"apps\": {"                                                                                                       \
  " \"complex\": {\"head\": 0, \"queue\": 0, \"first\": 0, \"gap\": 0, \"tokens\": 3, \"tail\": 0, \"nodes\": ["       \
  "   {\"type\": \"start\", \"time\": 0}, {\"type\": \"tool\", \"time\": 0}, {\"type\": \"knowledge-retrieval\","      \
  "   \"time\": 0}, {\"type\": \"llm\"}, {\"type\": \"answer\", \"time\": 0}]},"                                       \
  " \"retrieve\": {\"time\": 0}, \"openai\": {\"head\": 0, \"first\": 0, \"gap\": 0, \"tokens\": 2}},"                 \
    " \"resources\": {\"host_cores\": 8, \"max_connections\": 20, \"streams\": {\"slots\": 2}, \"celery\": "           \
    "{\"slots\": 4},"                                                                                                  \
  " \"model\": {\"slots\": 3}, \"pool\": {\"slots\": 5}, \"pgbouncer\": {\"slots\": 4},"                               \
  " \"api\": {\"cores\": 2, \"head\": 1, \"begin\": 2, \"node\": 0.5, \"token\": 0.25, \"end\": 1.5, "                 \
  "\"retrieve\": 4},"                                                                                                  \
  " \"worker\": {\"cores\": 1, \"begin\": 0.5}, \"postgres\": {\"cores\": 1, \"head\": 0.5, \"node\": 0.25},"          \
  " \"commit\": {\"servers\": 1, \"node\": 0.5, \"end\": 1}, \"plugin\": {\"servers\": 2, \"tool\": 3, \"llm\": 2},"   \
  " \"vector\": {\"cores\": 1, \"knowledge\": 2, \"retrieve\": 5, \"merge_every\": \"10m\", \"merge_time\": \"1s\","   \
  "   \"merge_speed\": 0.5}}}"

/* The api's work for one chat: head, begin, five nodes, three tokens, end. */
#define API_CHAT_MS (1 + 2 + 5 * 0.5 + 3 * 0.25 + 1.5)
#define RETRIEVE_BODY "{\"query\":\"hi\"}"
#define OPENAI_BODY "{\"model\":\"mock-model\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

static struct mock_fixture mock;

static int start(void **state) {
  (void)state;
  mock_start(&mock, PROFILE);
  return 0;
}
static int stop(void **state) {
  (void)state;
  mock_stop(&mock);
  return 0;
}

/* -- /metrics -- */

/* One sample of Prometheus' text format: name{label="value",…} value. False: it is none. */
static bool is_sample(const char *line) {
  const char *at = line;
  if (!isalpha((unsigned char)*at) && *at != '_') return false;
  while (isalnum((unsigned char)*at) || *at == '_' || *at == ':') at++;
  if (*at == '{') {
    do {
      at++;
      size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
      if (name == 0 || strncmp(at + name, "=\"", 2) != 0) return false;
      at = strchr(at + name + 2, '"');
      if (!at) return false;
      at++;
    } while (*at == ',');
    if (*at++ != '}') return false;
  }
  if (*at++ != ' ') return false;
  char *end;
  double value = strtod(at, &end);
  return end > at && *end == '\0' && isfinite(value);
}

static void expect_family(const char *text, const char *line) {
  char type[160];
  size_t len = strcspn(line, "{ ");
  static const char *const suffixes[] = { "", "_bucket", "_sum", "_count" };
  for (size_t i = 0; i < 4; i++) {
    size_t cut = strlen(suffixes[i]);
    if (cut >= len || strncmp(line + len - cut, suffixes[i], cut) != 0) continue;
    snprintf(type, sizeof type, "# TYPE %.*s ", (int)(len - cut), line);
    if (strstr(text, type)) return;
  }
  fail_msg("no type before '%s'", line);
}

/* A sample's value; fails the test when it is not there. */
static double sample(const char *text, const char *name) {
  const char *at = text;
  size_t len = strlen(name);
  while ((at = strstr(at, name)) != NULL) {
    if ((at == text || at[-1] == '\n') && at[len] == ' ') return strtod(at + len, NULL);
    at += len;
  }
  fail_msg("no %s", name);
  return 0;
}

static double metric(const char *name) {
  struct reply reply;
  get(&mock, "/metrics", NULL, &reply);
  double value = sample(reply.body, name);
  reply_free(&reply);
  return value;
}

/* Until it is so: what was asked for happens in the mock's own thread. */
static void await_metric(const char *name, double value) {
  for (int i = 0; i < 1000 && metric(name) != value; i++) usleep(10000);
  assert_true(metric(name) == value);
}

static void expect_ms(const char *text, const char *name, double ms) {
  double got_ms = sample(text, name) * 1000;
  if (fabs(got_ms - ms) > 0.01) fail_msg("%s: %g ms, not %g ms", name, got_ms, ms);
}

#define CPU(container)                                                                                                 \
  "container_cpu_usage_seconds_total{container=\"" container "\",name=\"" container "\",namespace=\"dify\",pod=\""     \
  container "-0\"}"

static void ask_once(const char *path, const char *key, const char *body) {
  struct reply reply;
  ask(&mock, path, key, NULL, body, &reply);
  assert_int_equal(reply.status, 200);
  assert_int_equal(reply.end, REPLY_WHOLE);
  reply_free(&reply);
}

static void what_was_asked_adds_up(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3; i++) ask_once("/v1/chat-messages", "app-complex", CHAT_BODY);
  ask_once("/v1/chat-messages", "app-complex", BLOCKING_BODY); /* the same work, at its end */
  ask_once("/v1/datasets/d/retrieve", "dataset-demo", RETRIEVE_BODY);
  ask_once("/v1/chat/completions", "sk-mock", OPENAI_BODY); /* the model's slot alone */
  struct reply reply;
  get(&mock, "/metrics", NULL, &reply);
  const char *text = reply.body;
  expect_ms(text, CPU("dify-api"), 4 * API_CHAT_MS + 1 + 4);
  expect_ms(text, CPU("dify-worker"), 4 * 0.5);
  expect_ms(text, CPU("postgres"), 4 * (0.5 + 5 * 0.25) + 0.5);
  expect_ms(text, CPU("weaviate"), 4 * 2 + 5);
  expect_ms(text, "spate_mock_station_work_seconds_total{station=\"commit\"}", 4 * (5 * 0.5 + 1));
  expect_ms(text, "spate_mock_station_work_seconds_total{station=\"plugin\"}", 4 * (3 + 2));
  assert_true(sample(text, "plugin_invocations_total{plugin_id=\"mock\",status=\"success\"}") == 8);
  assert_true(sample(text, "pg_stat_database_xact_commit{datname=\"dify\"}") == 4 * 7 + 1); /* head, nodes, end */
  assert_true(sample(text, "queries_durations_ms_count{class_name=\"Vector_index_mock\",shard_name=\"mock\"}") == 5);
  assert_true(sample(text, "vllm:request_queue_time_seconds_count{model_name=\"mock-model\"}") == 5);
  assert_true(sample(text, "nginx_http_requests_total") == 5);
  reply_free(&reply);
}

static void the_text_is_prometheus_own(void **state) {
  (void)state;
  struct reply reply;
  get(&mock, "/metrics", NULL, &reply);
  assert_true(reply_has(&reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  assert_non_null(strstr(reply.body, "# A simulation by spate mock"));
  char *copy = sp_strdup(reply.body), *rest = copy, *line;
  unsigned samples = 0;
  while ((line = strsep(&rest, "\n")) != NULL) {
    if (line[0] == '#' || (line[0] == '\0' && !rest)) continue;
    if (!is_sample(line)) fail_msg("'%s'", line);
    expect_family(reply.body, line);
    *strrchr(line, ' ') = '\0';
    char again[400];
    snprintf(again, sizeof again, "\n%s ", line);
    char *first = strstr(reply.body, again);
    assert_true(first && !strstr(first + 1, again)); /* each series once */
    samples++;
  }
  assert_true(samples > 100);
  free(copy);
  reply_free(&reply);
}

static void the_stats_say_the_same(void **state) {
  (void)state;
  struct reply metrics, stats;
  get(&mock, "/metrics", NULL, &metrics);
  get(&mock, "/mock/stats", NULL, &stats);
  json_t *doc = json_loads(stats.body, 0, NULL), *stations = json_object_get(doc, "stations"), *station, *value;
  const char *name, *member;
  assert_int_equal(json_object_size(stations), 11);
  json_object_foreach(stations, name, station) {
    json_object_foreach(station, member, value) {
      static const struct { const char *member, *metric; } pairs[] = {
        { "entered", "entered_total" }, { "served", "served_total" }, { "left", "left_total" },
        { "waiting", "waiting" }, { "serving", "serving" }, { "work_s", "work_seconds_total" },
        { "busy_s", "busy_seconds_total" }, { "waited_s", "waited_seconds_total" },
      };
      char series[120] = "";
      for (size_t i = 0; i < 8; i++)
        if (strcmp(pairs[i].member, member) == 0)
          snprintf(series, sizeof series, "spate_mock_station_%s{station=\"%s\"}", pairs[i].metric, name);
      double got = sample(metrics.body, series);
      if (fabs(got - json_number_value(value)) > 1e-6) fail_msg("%s: %g", series, got);
    }
  }
  json_decref(doc);
  reply_free(&metrics);
  reply_free(&stats);
}

/* -- waiting -- */

#define WAITING "spate_mock_station_waiting{station=\"streams\"}"
#define SERVING "spate_mock_station_serving{station=\"streams\"}"

static int open_endless(void) {
  int fd = client_open(&mock);
  ask_on(fd, "/v1/chat-messages", "app-complex", "fault=endless gap=5ms", CHAT_BODY);
  size_t len;
  enum reply_end end;
  free(client_read_raw(fd, 10000, "\"message\"", &len, &end));
  return fd;
}

/* With both slots taken nothing at all comes, not even the head; the next that is free goes to who waited longest. */
static void a_request_without_a_slot_waits_for_its_head(void **state) {
  (void)state;
  int first = open_endless(), second = open_endless(), third = client_open(&mock), fourth = client_open(&mock);
  ask_on(third, "/v1/chat-messages", "app-complex", NULL, CHAT_BODY);
  await_metric(WAITING, 1);
  ask_on(fourth, "/v1/chat-messages", "app-complex", NULL, CHAT_BODY);
  await_metric(WAITING, 2);
  assert_true(metric("gunicorn_backlog{app=\"dify-api\"}") == 2);
  struct reply reply;
  client_read(third, 300, &reply, NULL);
  assert_int_equal(reply.end, REPLY_SILENT);
  assert_int_equal(reply.status, 0);
  reply_free(&reply);
  close(fourth); /* gives up waiting */
  await_metric(WAITING, 1);
  close(first);
  client_read(third, 10000, &reply, NULL);
  assert_int_equal(reply.end, REPLY_WHOLE);
  reply_free(&reply);
  close(second);
  close(third);
  await_metric(SERVING, 0);
  assert_true(metric("spate_mock_station_left_total{station=\"streams\"}") == 1);
  assert_true(metric("spate_mock_station_serving{station=\"model\"}") == 0);
  assert_true(metric("spate_mock_station_serving{station=\"celery\"}") == 0);
}

/* A fault ends an answer anywhere; what it held comes back. */
static void faults_give_back_what_they_held(void **state) {
  (void)state;
  static const char *const plans[] = { "fault=reset@2", "fault=cut@1", "fault=failed", "fault=error",
                                       "fault=noterminal", "fault=reset_head", "fault=lump",
                                       "fault=stall@2 stall=10ms" };
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    struct reply reply;
    ask(&mock, "/v1/chat-messages", "app-complex", plans[i], CHAT_BODY, &reply);
    reply_free(&reply);
  }
  await_metric(SERVING, 0);
  ask_once("/v1/chat-messages", "app-complex", CHAT_BODY);
}

/* The stop endpoint ends an answer that waits for the model; the mock ends with those that still do. */
static void who_waits_can_be_stopped(void **state) {
  (void)state;
  mock_stop(&mock);
  mock_start(&mock, "{\"resources\": {\"model\": {\"slots\": 1}}}");
  int holder = open_endless(), waiter = client_open(&mock), later = client_open(&mock);
  ask_on(waiter, "/v1/chat-messages", "app-complex", QUICK, CHAT_BODY);
  await_metric("vllm:num_requests_waiting{model_name=\"mock-model\"}", 1);
  size_t len;
  enum reply_end end;
  char *text = client_read_raw(waiter, 10000, "\"task_id\"", &len, &end);
  char *more = client_read_raw(waiter, 300, "workflow_finished", &len, &end);
  assert_int_equal(end, REPLY_SILENT);
  char path[128];
  const char *id = strstr(strstr(more, "\"task_id\"") ? more : text, "\"task_id\"") + strlen("\"task_id\":\"");
  snprintf(path, sizeof path, "/v1/chat-messages/%.36s/stop", id);
  struct reply reply;
  ask(&mock, path, "app-complex", NULL, "{\"user\":\"u\"}", &reply);
  assert_int_equal(reply.status, 200);
  reply_free(&reply);
  char *last = client_read_raw(waiter, 10000, "\"stopped\"", &len, &end);
  assert_non_null(strstr(last, "\"stopped\""));
  await_metric("vllm:num_requests_waiting{model_name=\"mock-model\"}", 0);
  ask_on(later, "/v1/chat-messages", "app-complex", QUICK, CHAT_BODY);
  await_metric("vllm:num_requests_waiting{model_name=\"mock-model\"}", 1);
  free(text);
  free(more);
  free(last);
  close(waiter);
  mock_stop(&mock);
  close(holder);
  close(later);
  mock_start(&mock, NULL);
}

/* Without resources there is little to say, and no station. */
static void a_mock_without_resources_has_no_stations(void **state) {
  (void)state;
  struct reply reply;
  get(&mock, "/metrics", NULL, &reply);
  assert_non_null(strstr(reply.body, "spate_mock_info{simulation=\"true\"} 1\n"));
  assert_null(strstr(reply.body, "station"));
  assert_null(strstr(reply.body, "container_"));
  reply_free(&reply);
  get(&mock, "/mock/stats", NULL, &reply);
  assert_null(strstr(reply.body, "stations"));
  reply_free(&reply);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_asked_adds_up),
    cmocka_unit_test(the_text_is_prometheus_own),
    cmocka_unit_test(the_stats_say_the_same),
    cmocka_unit_test(a_request_without_a_slot_waits_for_its_head),
    cmocka_unit_test(faults_give_back_what_they_held),
    cmocka_unit_test(who_waits_can_be_stopped),
    cmocka_unit_test(a_mock_without_resources_has_no_stations),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
