/* Every event of Dify's catalogue, one at a time, in each of the forms that its versions write. */
#include "tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Envelopes of a chat app and of a workflow app. */
#define CHAT "\"conversation_id\":\"c1\",\"message_id\":\"m1\",\"created_at\":1780000000,\"task_id\":\"t1\""
#define FLOW "\"task_id\":\"t1\",\"workflow_run_id\":\"r1\""
#define IDS " conversation=c1 message=m1 task=t1"

struct expectation {
  const char *data, *line;
};

static void expect_line(const char *type, const char *data, const char *line) {
  char *log = tape_event(&sp_dialect_dify, type, data);
  if (strcmp(log, line) != 0) print_error("event %s\n", data);
  assert_string_equal(log, line);
  free(log);
}

/* Compact, spaced, escaped, the other way round, and all of it at once. */
static void expect_everywhere(const struct expectation *one) {
  char *spaced = json_spaced(one->data);
  char *escaped = json_escaped(one->data);
  char *reversed = json_reversed(one->data);
  char *reversed_spaced = json_spaced(reversed);
  char *all = json_escaped(reversed_spaced);
  expect_line("", one->data, one->line);
  expect_line("", spaced, one->line);
  expect_line("", escaped, one->line);
  expect_line("", reversed, one->line);
  expect_line("", all, one->line);
  free(spaced);
  free(escaped);
  free(reversed);
  free(reversed_spaced);
  free(all);
}

static void expect_all(const struct expectation *table, size_t count) {
  for (size_t i = 0; i < count; i++) expect_everywhere(&table[i]);
}

#define EXPECT_ALL(table) expect_all(table, sizeof(table) / sizeof((table)[0]))

static void test_tokens(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {"{\"event\":\"message\"," CHAT
       ",\"id\":\"m1\",\"answer\":\"Hel\",\"from_variable_selector\":[\"200\",\"text\"]}",
       "message token 'Hel'" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"id\":\"m1\",\"answer\":\"请简单😀é\"}", "message token '请简单😀é'" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"id\":\"m1\",\"answer\":\" \"}", "message token ' '" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"answer\":\"say \\\"hi\\\"\\t\\\\ {\\\"event\\\":\\\"error\\\"}\"}",
       "message token 'say \"hi\"\t\\ {\"event\":\"error\"}'" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"id\":\"m1\",\"answer\":\"\"}", "message" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"id\":\"m1\",\"answer\":null}", "message" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"id\":\"m1\"}", "message" IDS "\n"},
      {"{\"event\":\"message\"," CHAT ",\"answer\":{\"answer\":\"no\"}}", "message" IDS "\n"},
      {"{\"event\":\"agent_message\"," CHAT ",\"id\":\"m1\",\"answer\":\"da\"}", "agent_message token 'da'" IDS "\n"},
      {"{\"event\":\"agent_message\"," CHAT ",\"id\":\"m1\",\"answer\":\"\"}", "agent_message" IDS "\n"},
      {"{\"event\":\"message_file\"," CHAT
       ",\"id\":\"f1\",\"type\":\"image\",\"belongs_to\":\"assistant\",\"url\":\"/x\"}",
       "message_file" IDS "\n"},
      {"{\"event\":\"message_file\"," CHAT ",\"id\":\"m1\",\"answer\":\"see\"}", "message_file token 'see'" IDS "\n"},
      {"{\"event\":\"text_chunk\"," FLOW ",\"data\":{\"text\":\"天气\",\"from_variable_selector\":[\"1\",\"text\"]}}",
       "text_chunk token '天气' task=t1\n"},
      {"{\"event\":\"text_chunk\"," FLOW ",\"data\":{\"text\":\"\"}}", "text_chunk task=t1\n"},
      {"{\"event\":\"text_chunk\"," FLOW ",\"data\":null}", "text_chunk task=t1\n"},
      {"{\"event\":\"reasoning_chunk\"," CHAT ",\"data\":{\"message_id\":\"m1\",\"reasoning\":\"嗯\",\"node_id\":\"2\","
       "\"is_final\":false}}",
       "reasoning_chunk reasoning '嗯'" IDS "\n"},
      {"{\"event\":\"reasoning_chunk\"," FLOW ",\"data\":{\"reasoning\":\"\",\"is_final\":true}}",
       "reasoning_chunk task=t1\n"},
      {"{\"event\":\"message_replace\"," CHAT ",\"answer\":\"已屏蔽\",\"reason\":\"output_moderation\"}",
       "message_replace replace '已屏蔽'" IDS "\n"},
      {"{\"event\":\"message_replace\"," CHAT ",\"answer\":\"\"}", "message_replace replace" IDS "\n"},
      {"{\"event\":\"text_replace\"," FLOW ",\"data\":{\"text\":\"x\"}}", "text_replace replace 'x' task=t1\n"},
  };
  EXPECT_ALL(table);
}

static void test_known_and_open(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {"{\"event\":\"ping\"}", "ping ping\n"},
      {"{\"event\":\"agent_thought\"," CHAT ",\"id\":\"a1\",\"position\":1,\"thought\":\"想\",\"observation\":\"\","
       "\"tool\":\"a;b\",\"tool_labels\":{\"a\":{\"en_US\":\"A\"}},\"tool_input\":\"{}\",\"message_files\":null}",
       "agent_thought" IDS "\n"},
      {"{\"event\":\"agent_log\"," CHAT
       ",\"data\":{\"id\":\"l1\",\"label\":\"ROUND 1\",\"status\":\"failed\",\"data\":{}}}",
       "agent_log" IDS "\n"},
      {"{\"event\":\"tts_message\"," CHAT ",\"audio\":\"//uQxAA=\"}", "tts_message" IDS "\n"},
      {"{\"event\":\"tts_message_end\"," CHAT ",\"audio\":\"\"}", "tts_message_end" IDS "\n"},
      {"{\"event\":\"workflow_started\"," CHAT
       ",\"workflow_run_id\":\"r1\",\"data\":{\"id\":\"r1\",\"workflow_id\":\"w1\","
       "\"inputs\":{\"sys.query\":\"hi\"},\"created_at\":1780000000,\"reason\":\"initial\"}}",
       "workflow_started" IDS "\n"},
      {"{\"event\":\"node_started\"," FLOW
       ",\"data\":{\"id\":\"x1\",\"node_id\":\"100\",\"node_type\":\"start\",\"title\":"
       "\"Start\",\"index\":1,\"predecessor_node_id\":null,\"inputs\":null,\"extras\":{}}}",
       "node_started begun <Start|start> task=t1\n"},
      {"{\"event\":\"node_retry\"," FLOW
       ",\"data\":{\"node_id\":\"9\",\"node_type\":\"http-request\",\"title\":\"Call\","
       "\"status\":\"retry\",\"elapsed_time\":0.2,\"retry_index\":1}}",
       "node_retry retry task=t1\n"},
      {"{\"event\":\"iteration_started\"," FLOW ",\"data\":{\"node_id\":\"7\"}}", "iteration_started begun <7|> task=t1\n"},
      {"{\"event\":\"iteration_next\"," FLOW ",\"data\":{\"index\":1}}", "iteration_next task=t1\n"},
      {"{\"event\":\"loop_started\"," FLOW ",\"data\":{\"node_id\":\"7\"}}", "loop_started begun <7|> task=t1\n"},
      {"{\"event\":\"loop_next\"," FLOW ",\"data\":{\"index\":1,\"pre_loop_output\":3}}", "loop_next task=t1\n"},
      {"{\"event\":\"human_input_required\"," FLOW
       ",\"data\":{\"form_id\":\"f\",\"node_title\":\"Ask\",\"inputs\":[]}}",
       "human_input_required task=t1\n"},
      {"{\"event\":\"human_input_form_filled\"," FLOW ",\"data\":{\"action_id\":\"ok\"}}",
       "human_input_form_filled task=t1\n"},
      {"{\"event\":\"human_input_form_timeout\"," FLOW ",\"data\":{\"expiration_time\":1}}",
       "human_input_form_timeout task=t1\n"},
  };
  EXPECT_ALL(table);
}

#define NODE(members) "{\"event\":\"node_finished\"," FLOW ",\"data\":{" members "}}"

static void test_nodes(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {"{\"event\":\"node_finished\"," CHAT
       ",\"data\":{\"id\":\"x\",\"node_id\":\"200\",\"node_type\":\"llm\",\"title\":"
       "\"大模型\",\"index\":2,\"inputs\":{\"title\":\"no\",\"status\":\"failed\"},\"outputs\":{\"text\":\"Hello\","
       "\"usage\":"
       "{\"prompt_tokens\":3}},\"status\":\"succeeded\",\"error\":null,\"elapsed_time\":1.84,\"execution_metadata\":"
       "{\"total_tokens\":42,\"currency\":\"USD\"},\"files\":[]}}",
       "node_finished node <大模型|llm|1840000000>" IDS "\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"status\":\"failed\",\"error\":\"boom\",\"elapsed_time\":0"),
       "node_finished node <A|code|0|failed> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"status\":\"exception\",\"elapsed_time\":0.001"),
       "node_finished node <A|code|1000000|failed> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"status\":\"stopped\",\"elapsed_time\":1e-3"),
       "node_finished node <A|code|1000000> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"elapsed_time\":-0.5"),
       "node_finished node <A|code|-1> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"elapsed_time\":1e300"),
       "node_finished node <A|code|-1> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"elapsed_time\":null"),
       "node_finished node <A|code|-1> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"elapsed_time\":\"1.5\""),
       "node_finished node <A|code|-1> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\""), "node_finished node <A|code|-1> task=t1\n"},
      {NODE("\"node_id\":\"1711\",\"node_type\":\"code\",\"elapsed_time\":2"),
       "node_finished node <1711|code|2000000000> task=t1\n"},
      {NODE("\"title\":\"\",\"node_type\":\"code\",\"elapsed_time\":2"),
       "node_finished node <code|code|2000000000> task=t1\n"},
      {NODE("\"title\":\"A\",\"node_type\":\"code\",\"elapsed_time\":1.001"),
       "node_finished node <A|code|1001000000> task=t1\n"},
      {NODE(""), "node_finished node <||-1> task=t1\n"},
      {"{\"event\":\"iteration_completed\"," FLOW ",\"data\":{\"node_id\":\"7\",\"node_type\":\"iteration\",\"title\":"
       "\"Each\",\"status\":\"succeeded\",\"elapsed_time\":0.25,\"steps\":3}}",
       "iteration_completed node <Each|iteration|250000000> task=t1\n"},
      {"{\"event\":\"loop_completed\"," FLOW ",\"data\":{\"node_id\":\"7\",\"node_type\":\"loop\",\"title\":\"Until\","
       "\"status\":\"failed\",\"elapsed_time\":0.5,\"steps\":3}}",
       "loop_completed node <Until|loop|500000000|failed> task=t1\n"},
  };
  EXPECT_ALL(table);
}

#define END(usage)                                                                                                     \
  "{\"event\":\"message_end\"," CHAT ",\"id\":\"m1\",\"metadata\":{\"retriever_resources\":[]," usage "}}"

static void test_message_end(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {END("\"usage\":{\"prompt_tokens\":30,\"prompt_unit_price\":\"0.001\",\"completion_tokens\":12,\"total_tokens\":"
           "42,"
           "\"latency\":1.84,\"time_to_first_token\":0.412,\"time_to_generate\":1.43}"),
       "message_end usage end prompt=30 completion=12 server_ttft=412000000" IDS " DONE\n"},
      {END("\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"time_to_first_token\":null}"),
       "message_end usage end prompt=0 completion=0" IDS " DONE\n"},
      {END("\"usage\":{\"prompt_tokens\":-4,\"completion_tokens\":1e40,\"time_to_first_token\":-1}"),
       "message_end end" IDS " DONE\n"},
      {END("\"usage\":{\"prompt_tokens\":\"30\",\"completion_tokens\":7}"),
       "message_end usage end completion=7" IDS " DONE\n"},
      {END("\"usage\":null"), "message_end end" IDS " DONE\n"},
      {END("\"usage\":{}"), "message_end end" IDS " DONE\n"},
      {"{\"event\":\"message_end\",\"message_id\":\"m1\",\"task_id\":\"t1\",\"metadata\":null}",
       "message_end end message=m1 task=t1 DONE\n"},
      {"{\"event\":\"message_end\"}", "message_end end DONE\n"},
  };
  EXPECT_ALL(table);
}

#define FINISHED(members)                                                                                              \
  "{\"event\":\"workflow_finished\"," FLOW ",\"data\":{\"id\":\"r1\"," members ",\"total_tokens\":42}}"

static void test_workflow_finished(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {FINISHED("\"status\":\"succeeded\",\"error\":null,\"elapsed_time\":1.97"),
       "workflow_finished end task=t1 DONE\n"},
      {FINISHED("\"status\":\"partial-succeeded\",\"exceptions_count\":1"),
       "workflow_finished partial end task=t1 DONE\n"},
      {FINISHED("\"status\":\"failed\",\"error\":\"模型\\n超时\""),
       "workflow_finished task=t1 FAILED workflow failed: 模型 超时\n"},
      {FINISHED("\"status\":\"failed\",\"error\":null"), "workflow_finished task=t1 FAILED workflow failed\n"},
      {FINISHED("\"status\":\"stopped\",\"error\":\"\""), "workflow_finished task=t1 FAILED workflow stopped\n"},
      {FINISHED("\"status\":\"running\""), "workflow_finished task=t1 FAILED workflow running\n"},
      {FINISHED("\"status\":null"), "workflow_finished task=t1 FAILED workflow finished without a status\n"},
      {FINISHED("\"status\":\"paused\""), "workflow_finished paused end task=t1 DONE\n"},
      {"{\"event\":\"workflow_finished\"," CHAT ",\"data\":{\"status\":\"succeeded\"}}",
       "workflow_finished end" IDS "\n"},
      {"{\"event\":\"workflow_finished\"," CHAT ",\"data\":{\"status\":\"failed\",\"error\":\"x\"}}",
       "workflow_finished" IDS " FAILED workflow failed: x\n"},
      {"{\"event\":\"workflow_paused\"," CHAT
       ",\"data\":{\"status\":\"paused\",\"paused_nodes\":[\"5\"],\"reasons\":[]}}",
       "workflow_paused paused end" IDS " DONE\n"},
      {"{\"event\":\"workflow_paused\"," FLOW "}", "workflow_paused paused end task=t1 DONE\n"},
  };
  EXPECT_ALL(table);
}

static void test_errors(void **unused) {
  (void)unused;
  static const struct expectation table[] = {
      {"{\"event\":\"error\",\"conversation_id\":\"c1\",\"message_id\":\"m1\",\"created_at\":1,\"code\":\"invalid_"
       "param\","
       "\"status\":400,\"message\":\"query is required\"}",
       "error conversation=c1 message=m1 FAILED invalid_param (400): query is required\n"},
      {"{\"event\":\"error\",\"workflow_run_id\":\"r1\",\"code\":\"internal_server_error\",\"status\":500,\"message\":"
       "\"Internal Server Error,\\r\\n\\tplease contact support.\"}",
       "error FAILED internal_server_error (500): Internal Server Error, please contact support.\n"},
      {"{\"event\":\"error\",\"message\":\"run not found\",\"status\":500}",
       "error FAILED error (500): run not found\n"},
      {"{\"event\":\"error\",\"message\":\"坏了\"}", "error FAILED 坏了\n"},
      {"{\"event\":\"error\",\"code\":\"unknown\",\"message\":\"x\",\"status\":null}", "error FAILED unknown: x\n"},
      {"{\"event\":\"error\",\"code\":\"unknown\"}", "error FAILED unknown\n"},
      {"{\"event\":\"error\",\"status\":99999}", "error FAILED error event without a message\n"},
      {"{\"event\":\"error\",\"code\":{},\"message\":[]}", "error FAILED error event without a message\n"},
  };
  EXPECT_ALL(table);
}

static void test_unknown_is_not_fatal(void **unused) {
  (void)unused;
  expect_line("", "{\"event\":\"message_token\",\"answer\":\"x\"}", "message_token unknown\n");
  expect_line("", "{\"event\":\"next\\u0020year\"}", "next year unknown\n");
  expect_line("", "{\"event\":\"\"}", "unknown unknown\n");
  expect_line("", "{\"event\":17}", "unknown unknown\n");
  expect_line("", "{\"answer\":\"x\"}", "unknown unknown\n");
  expect_line("", "{}", "unknown unknown\n");
  expect_line("", "[{\"event\":\"message\"}]", "unreadable unknown\n");
  expect_line("", "[DONE]", "unreadable unknown\n");
  expect_line("", "", "unreadable unknown\n");
  expect_line("", "null", "unreadable unknown\n");
  expect_line("", "{\"event\":\"message\",\"answer\":\"cut", "unreadable unknown\n");
  expect_line("", "<html>502 Bad Gateway</html>", "unreadable unknown\n");
  expect_line("", "{\"event\":\"message_end\"} trailing", "unreadable unknown\n");
}

static void test_long_names_are_cut(void **unused) {
  (void)unused;
  /* 62 letters and a character of three bytes: only whole characters stay. */
  expect_line("", "{\"event\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\"}",
              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789 unknown\n");
  expect_line("", "{\"event\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789请\"}",
              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789 unknown\n");
}

static void test_event_line_speaks_where_json_does_not(void **unused) {
  (void)unused;
  expect_line("ping", "{}", "ping ping\n");
  expect_line("ping", "1780000000", "ping ping\n");
  expect_line("error", "{\"code\":\"x\",\"message\":\"y\"}", "error FAILED x: y\n");
  expect_line("error", "{\"event\":\"message\",\"answer\":\"z\"}", "message token 'z'\n");
}

static void test_ids(void **unused) {
  (void)unused;
  char data[1024], id[301];
  memset(id, 'i', sizeof(id) - 1);
  id[300] = 0;
  expect_line(
      "", "{\"event\":\"message\",\"conversation_id\":\"a\\u002Fb\",\"message_id\":\"\\\"m\",\"task_id\":\"t\\\\\"}",
      "message conversation=a/b message=\"m task=t\\\n");
  expect_line("", "{\"event\":\"message\",\"conversation_id\":null,\"message_id\":7,\"task_id\":{}}", "message\n");
  snprintf(data, sizeof(data), "{\"event\":\"message\",\"task_id\":\"t1\",\"message_id\":\"%s\"}", id);
  expect_line("", data, "message task=t1\n");
}

static void test_detail_has_a_cap(void **unused) {
  (void)unused;
  char data[4096] = "{\"event\":\"error\",\"message\":\"";
  for (int i = 0; i < 500; i++) strcat(data, "é");
  strcat(data, "\"}");
  char *log = tape_event(&sp_dialect_dify, "", data);
  assert_int_equal(strlen(log), strlen("error FAILED ") + 512 + 1);
  assert_string_equal(log + strlen(log) - 3, "é\n");
  free(log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tokens),
      cmocka_unit_test(test_known_and_open),
      cmocka_unit_test(test_nodes),
      cmocka_unit_test(test_message_end),
      cmocka_unit_test(test_workflow_finished),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_unknown_is_not_fatal),
      cmocka_unit_test(test_long_names_are_cut),
      cmocka_unit_test(test_event_line_speaks_where_json_does_not),
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_detail_has_a_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
