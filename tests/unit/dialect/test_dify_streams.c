/* Whole streams of each app mode and of each version's order, cut at every byte. */
#include "tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FRAME(name, envelope, more) "data: {\"event\":\"" name "\"," envelope more "}\n\n"
#define CHAT_IDS "\"conversation_id\":\"c1\",\"message_id\":\"m1\",\"created_at\":1780000000,\"task_id\":\"t1\""
#define FLOW_IDS "\"task_id\":\"t1\",\"workflow_run_id\":\"r1\""
#define CHAT(name, more) FRAME(name, CHAT_IDS, more)
#define FLOW(name, more) FRAME(name, FLOW_IDS, more)
#define ANSWER(text) ",\"id\":\"m1\",\"answer\":\"" text "\""
#define USAGE ",\"metadata\":{\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":2,\"time_to_first_token\":0.4}}"
#define LLM ",\"data\":{\"title\":\"LLM\",\"node_type\":\"llm\",\"status\":\"succeeded\",\"elapsed_time\":1.5}"
#define STATUS(status) ",\"data\":{\"id\":\"r1\",\"status\":\"" status "\",\"error\":null,\"total_tokens\":32}"
#define FAILED_WITH(error) ",\"data\":{\"status\":\"failed\",\"error\":\"" error "\"}"

/* How the tape writes them. */
#define IDS " conversation=c1 message=m1 task=t1"
#define ENDED "message_end usage end prompt=30 completion=2 server_ttft=400000000" IDS

#define PING "event: ping\n\n"
#define CHATFLOW_BODY                                                                                                  \
  PING CHAT("workflow_started", ",\"data\":{\"id\":\"r1\"}") CHAT("node_started", ",\"data\":{\"title\":\"LLM\"}")     \
      CHAT("message", ANSWER("")) CHAT("message", ANSWER("你")) CHAT("message", ANSWER("好"))                          \
          CHAT("node_finished", LLM)
#define CHATFLOW_TAPE                                                                                                  \
  "(ping)\nworkflow_started" IDS "\nnode_started begun <LLM|>" IDS "\nmessage" IDS "\nmessage token '你'" IDS                       \
  "\nmessage token '好'" IDS "\nnode_finished node <LLM|llm|1500000000>" IDS "\n"
#define LATE CHAT("message", ANSWER("late")) /* must not be read */

static void dify(const char *stream, const char *expected) { tape_expect(&sp_dialect_dify, stream, expected); }

static void test_chatflow_1_13_1(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("message_end", USAGE) CHAT("workflow_finished", STATUS("succeeded")) LATE,
       CHATFLOW_TAPE ENDED "\nworkflow_finished end" IDS " DONE\n");
}

static void test_chatflow_1_12(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("workflow_finished", STATUS("succeeded")) CHAT("message_end", USAGE) LATE,
       CHATFLOW_TAPE "workflow_finished end" IDS "\n" ENDED " DONE\n");
}

static void test_chatflow_1_13_0_cuts_message_end_off(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("workflow_finished", STATUS("succeeded")),
       CHATFLOW_TAPE "workflow_finished end" IDS "\neof: complete\n");
}

static void test_chatflow_message_end_alone(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("message_end", USAGE), CHATFLOW_TAPE ENDED "\neof: complete\n");
}

static void test_chatflow_truncated(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY, CHATFLOW_TAPE "eof: truncated\n");
  /* The last event was not finished by an empty line: it does not count. */
  dify(CHATFLOW_BODY "data: {\"event\":\"message_end\"," CHAT_IDS "}\n", CHATFLOW_TAPE "eof: truncated\n");
  dify(PING, "(ping)\neof: truncated\n");
  dify("", "eof: truncated\n");
}

static void test_chatflow_partly(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("message_end", USAGE) CHAT("workflow_finished", STATUS("partial-succeeded")),
       CHATFLOW_TAPE ENDED "\nworkflow_finished partial end" IDS " DONE\n");
}

static void test_chatflow_failed_is_over_at_once(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("message_end", USAGE) CHAT("workflow_finished", FAILED_WITH("no credits")) LATE,
       CHATFLOW_TAPE ENDED "\nworkflow_finished" IDS " FAILED workflow failed: no credits\n");
  /* Up to 1.12 an error event followed: the first word stands. */
  dify(CHATFLOW_BODY CHAT("workflow_finished", FAILED_WITH("no credits"))
           CHAT("error", ",\"code\":\"invalid_param\",\"status\":400,\"message\":\"no credits\""),
       CHATFLOW_TAPE "workflow_finished" IDS " FAILED workflow failed: no credits\n");
  dify(CHATFLOW_BODY CHAT("workflow_finished", STATUS("stopped")),
       CHATFLOW_TAPE "workflow_finished" IDS " FAILED workflow stopped\n");
}

static void test_chatflow_paused(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY CHAT("human_input_required", ",\"data\":{}") CHAT("workflow_paused", STATUS("paused")) LATE,
       CHATFLOW_TAPE "human_input_required" IDS "\nworkflow_paused paused end" IDS " DONE\n");
}

static void test_error_in_the_middle(void **unused) {
  (void)unused;
  dify(CHATFLOW_BODY "data: {\"event\":\"error\",\"message\":\"lost\",\"status\":500}\n\n" LATE,
       CHATFLOW_TAPE "error FAILED error (500): lost\n");
}

static void test_chat(void **unused) {
  (void)unused;
  /* Done at message_end, though speech still comes. */
  dify(CHAT("message", ANSWER("Hi")) PING CHAT("message", ANSWER("!")) CHAT("message_end", USAGE)
           CHAT("tts_message", ",\"audio\":\"AA==\"") CHAT("tts_message_end", ",\"audio\":\"\""),
       "message token 'Hi'" IDS "\n(ping)\nmessage token '!'" IDS "\n" ENDED " DONE\n");
  dify(CHAT("message", ANSWER("Hi")), "message token 'Hi'" IDS "\neof: truncated\n");
}

static void test_completion(void **unused) {
  (void)unused;
  dify(FRAME("message", "\"task_id\":\"t1\",\"message_id\":\"m1\"", ANSWER("Hi"))
           FRAME("message_end", "\"task_id\":\"t1\",\"message_id\":\"m1\"", USAGE) LATE,
       "message token 'Hi' message=m1 task=t1\n"
       "message_end usage end prompt=30 completion=2 server_ttft=400000000 message=m1 task=t1 DONE\n");
}

static void test_agent_chat(void **unused) {
  (void)unused;
  dify(CHAT("agent_thought", ",\"id\":\"a\",\"position\":1") CHAT("agent_message", ANSWER("Let me "))
           CHAT("agent_thought", ",\"tool\":\"weather\"") CHAT("agent_message", ANSWER("see"))
               CHAT("message_file", ",\"id\":\"f\",\"url\":\"/x\"") CHAT("message_file", ANSWER("."))
                   CHAT("message_end", USAGE) LATE,
       "agent_thought" IDS "\nagent_message token 'Let me '" IDS "\nagent_thought" IDS "\nagent_message token 'see'" IDS
       "\nmessage_file" IDS "\nmessage_file token '.'" IDS "\n" ENDED " DONE\n");
}

static void test_agent_mode_closes_with_the_whole_answer(void **unused) {
  (void)unused;
  dify(CHAT("agent_message", ANSWER("It ")) CHAT("agent_message", ANSWER("rains")) CHAT("message", ANSWER("It rains"))
           CHAT("message_end", USAGE),
       "agent_message token 'It '" IDS "\nagent_message token 'rains'" IDS "\nmessage" IDS "\n" ENDED " DONE\n");
  /* Where no agent_message said anything, the message is the answer. */
  dify(CHAT("agent_message", ANSWER("")) CHAT("message", ANSWER("It rains")) CHAT("message_end", USAGE),
       "agent_message" IDS "\nmessage token 'It rains'" IDS "\n" ENDED " DONE\n");
}

static void test_workflow(void **unused) {
  (void)unused;
  dify(PING FLOW("workflow_started", ",\"data\":{}") FLOW("node_started", ",\"data\":{}")
           FLOW("text_chunk", ",\"data\":{\"text\":\"a\"}") FLOW("node_retry", ",\"data\":{\"retry_index\":1}")
               FLOW("node_finished", LLM) FLOW("workflow_finished", STATUS("succeeded")) FLOW("text_chunk", ""),
       "(ping)\nworkflow_started task=t1\nnode_started begun <|> task=t1\ntext_chunk token 'a' task=t1\n"
       "node_retry retry task=t1\nnode_finished node <LLM|llm|1500000000> task=t1\nworkflow_finished end task=t1 "
       "DONE\n");
  dify(FLOW("workflow_started", ",\"data\":{}") FLOW("workflow_finished", FAILED_WITH("x")),
       "workflow_started task=t1\nworkflow_finished task=t1 FAILED workflow failed: x\n");
  dify(FLOW("workflow_started", ",\"data\":{}"), "workflow_started task=t1\neof: truncated\n");
}

static void test_a_lost_start_changes_nothing(void **unused) {
  (void)unused;
  /* Under load the relay can lose workflow_started: any event of the flow says that there is one. */
  dify(CHAT("message", ANSWER("x")) CHAT("node_finished", LLM) CHAT("message_end", USAGE)
           CHAT("workflow_finished", STATUS("succeeded")),
       "message token 'x'" IDS "\nnode_finished node <LLM|llm|1500000000>" IDS "\n" ENDED "\nworkflow_finished end" IDS
       " DONE\n");
}

static void test_line_ends_comments_and_split_data(void **unused) {
  (void)unused;
  dify("\xef\xbb\xbf: hello\r\n\r\nevent: ping\r\n\r\ndata: {\"event\":\"message\",\r\ndata: \"answer\":\"好\"}\r\n\r\n"
       "data:{\"event\":\"message_end\"}\r\n\r\n",
       "()\n(ping)\nmessage token '好'\nmessage_end end DONE\n");
  dify("data: {\"event\":\"message\",\"answer\":\"a\"}\r\rid: 7\rdata: {\"event\":\"message_end\"}\r\r",
       "message token 'a'\nmessage_end end DONE\n");
}

static void test_garbage_between_good_events(void **unused) {
  (void)unused;
  dify(CHAT("message", ANSWER("a")) "data: {not json\n\ndata: [1,2\n\ngarbage\n\ndata: \xff\xfe\n\n" CHAT("novelty", "")
           CHAT("message", ANSWER("b")) CHAT("message_end", USAGE),
       "message token 'a'" IDS "\nunreadable unknown\nunreadable unknown\nunreadable unknown\nnovelty unknown" IDS
       "\nmessage token 'b'" IDS "\n" ENDED " DONE\n");
}

static void test_ids_need_not_be_there(void **unused) {
  (void)unused;
  /* A message_end says by itself that the app has messages. */
  dify(
      FLOW("node_finished", LLM) "data: {\"event\":\"message_end\"}\n\n" FLOW("workflow_finished", STATUS("succeeded")),
      "node_finished node <LLM|llm|1500000000> task=t1\nmessage_end end\nworkflow_finished end task=t1 DONE\n");
  dify("data: {\"event\":\"message_end\"}\n\n" FLOW("workflow_started", "") FLOW("text_chunk", ""),
       "message_end end DONE\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chatflow_1_13_1),
      cmocka_unit_test(test_chatflow_1_12),
      cmocka_unit_test(test_chatflow_1_13_0_cuts_message_end_off),
      cmocka_unit_test(test_chatflow_message_end_alone),
      cmocka_unit_test(test_chatflow_truncated),
      cmocka_unit_test(test_chatflow_partly),
      cmocka_unit_test(test_chatflow_failed_is_over_at_once),
      cmocka_unit_test(test_chatflow_paused),
      cmocka_unit_test(test_error_in_the_middle),
      cmocka_unit_test(test_chat),
      cmocka_unit_test(test_completion),
      cmocka_unit_test(test_agent_chat),
      cmocka_unit_test(test_agent_mode_closes_with_the_whole_answer),
      cmocka_unit_test(test_workflow),
      cmocka_unit_test(test_a_lost_start_changes_nothing),
      cmocka_unit_test(test_ids_need_not_be_there),
      cmocka_unit_test(test_line_ends_comments_and_split_data),
      cmocka_unit_test(test_garbage_between_good_events),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
