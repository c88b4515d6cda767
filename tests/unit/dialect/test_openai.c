/* OpenAI's streams and their many dialects of the dialect. */
#include "tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHUNK(choices) "{\"id\":\"k1\",\"object\":\"chat.completion.chunk\",\"choices\":[" choices "]}"
#define DELTA(delta) CHUNK("{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}")
#define FINISH(index, reason) CHUNK("{\"index\":" index ",\"delta\":{},\"finish_reason\":" reason "}")
#define DATA(json) "data: " json "\n\n"
#define DONE DATA("[DONE]")

static void expect_line(const char *type, const char *data, const char *line) {
  char *log = tape_event(&sp_dialect_openai, type, data);
  if (strcmp(log, line) != 0) print_error("event %s\n", data);
  assert_string_equal(log, line);
  free(log);
}

/* Compact; spaced, escaped and the other way round at once. */
static void expect(const char *data, const char *line) {
  char *reversed = json_reversed(data);
  char *spaced = json_spaced(reversed);
  char *all = json_escaped(spaced);
  expect_line("", data, line);
  expect_line("", reversed, line);
  expect_line("", all, line);
  free(reversed);
  free(spaced);
  free(all);
}

static void openai(const char *stream, const char *expected) { tape_expect(&sp_dialect_openai, stream, expected); }

static void test_what_is_a_token(void **unused) {
  (void)unused;
  expect(DELTA("\"content\":\"Hel\""), "chunk token 'Hel' message=k1\n");
  expect(DELTA("\"content\":\"你😀\\n\""), "chunk token '你😀\n' message=k1\n");
  expect(DELTA("\"role\":\"assistant\",\"content\":\"a\""), "chunk token 'a' message=k1\n");
  expect(DELTA("\"refusal\":\"No.\""), "chunk token 'No.' message=k1\n");
  expect(CHUNK("{\"index\":0,\"text\":\"Once\",\"finish_reason\":null}"), "chunk token 'Once' message=k1\n");
  expect(CHUNK("{\"text\":\"Once\"}"), "chunk token 'Once' message=k1\n");
}

static void test_what_is_none(void **unused) {
  (void)unused;
  expect(DELTA("\"role\":\"assistant\""), "chunk message=k1\n");
  expect(DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"), "chunk message=k1\n");
  expect(DELTA("\"content\":null,\"tool_calls\":null,\"reasoning\":null"), "chunk message=k1\n");
  expect(DELTA(""), "chunk message=k1\n");
  expect(FINISH("0", "\"stop\""), "chunk end message=k1\n");
  expect(CHUNK(""), "chunk message=k1\n");
  expect(CHUNK("null,7,\"x\",[],{\"delta\":\"x\"},{\"delta\":null},{\"text\":null}"), "chunk message=k1\n");
  expect("{\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}", "chunk\n");
}

static void test_reasoning(void **unused) {
  (void)unused;
  expect(DELTA("\"reasoning_content\":\"嗯\",\"content\":null"), "chunk reasoning '嗯' message=k1\n");
  expect(DELTA("\"reasoning\":\"so\\t\",\"content\":\"\""), "chunk reasoning 'so\t' message=k1\n");
  expect(DELTA("\"reasoning\":\"so\",\"reasoning_content\":\"so\""), "chunk reasoning 'so' message=k1\n");
  expect(DELTA("\"reasoning\":\"so\",\"reasoning_content\":\"\""), "chunk reasoning 'so' message=k1\n");
  expect(DELTA("\"reasoning_content\":\"\""), "chunk message=k1\n");
  expect(DELTA("\"reasoning_content\":\"so\",\"content\":\"A\""), "chunk token reasoning 'A' message=k1\n");
}

static void test_tool_calls(void **unused) {
  (void)unused;
  expect(
      DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]"),
      "chunk token 'weather' message=k1\n");
  expect(DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]"),
         "chunk token '{\"city\":' message=k1\n");
  expect(DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"a\"}},{\"function\":{\"arguments\":\"\\u0062\"}}]"),
         "chunk token 'ab' message=k1\n");
  expect(DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\"}}]"), "chunk message=k1\n");
  expect(DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\"}]"), "chunk message=k1\n");
  expect(DELTA("\"tool_calls\":[]"), "chunk message=k1\n");
  expect(DELTA("\"tool_calls\":\"x\""), "chunk message=k1\n");
  expect(DELTA("\"function_call\":{\"arguments\":\"{\"}"), "chunk token '{' message=k1\n");
}

static void test_several_choices_are_one_event(void **unused) {
  (void)unused;
  expect(CHUNK("{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}"),
         "chunk token 'ab' message=k1\n");
  expect(CHUNK("{\"index\":0,\"delta\":{\"content\":\"\\n\"}},{\"index\":1,\"delta\":{\"content\":\"\\t\"}},"
               "{\"index\":2,\"delta\":{\"content\":\"c\"}}"),
         "chunk token '\n\tc' message=k1\n");
  expect(CHUNK("{\"index\":0,\"delta\":{\"content\":\"\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}"),
         "chunk token 'b' message=k1\n");
  expect(CHUNK("{\"index\":0,\"delta\":{\"reasoning\":\"x\"}},{\"index\":1,\"delta\":{\"reasoning\":\"y\"}}"),
         "chunk reasoning 'xy' message=k1\n");
}

static void test_usage(void **unused) {
  (void)unused;
  expect("{\"id\":\"k1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"total_tokens\":21}}",
         "chunk usage prompt=9 completion=12 message=k1\n");
  expect("{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":0}}", "chunk usage prompt=9 completion=0\n");
  expect("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}", "chunk token 'a'\n");
  expect("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"completion_tokens\":1}}",
         "chunk token usage 'a' completion=1\n");
  expect("{\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":\"2\"}}", "chunk\n");
}

static void test_errors(void **unused) {
  (void)unused;
  expect("{\"error\":{\"message\":\"Rate limit\\nreached\",\"type\":\"requests\",\"param\":null,\"code\":"
         "\"rate_limit_exceeded\"}}",
         "error FAILED rate_limit_exceeded: Rate limit reached\n");
  expect("{\"error\":{\"message\":\"bad\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}",
         "error FAILED BadRequestError (400): bad\n");
  expect("{\"error\":{\"message\":\"busy\",\"code\":503},\"choices\":[]}", "error FAILED error (503): busy\n");
  expect("{\"error\":{\"message\":\"坏了\",\"type\":\"server_error\",\"code\":null}}",
         "error FAILED server_error: 坏了\n");
  expect("{\"error\":\"model not found\"}", "error FAILED model not found\n");
  expect("{\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}",
         "error FAILED BadRequestError (400): too long\n");
  expect_line("", "{\"error\":{\"detail\":7}}", "error FAILED {\"error\":{\"detail\":7}}\n");
  expect_line("error", "{\"type\":\"overloaded\",\"message\":\"later\"}", "error FAILED overloaded: later\n");
  expect_line("error", "no backend", "error FAILED no backend\n");
  expect("{\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "chunk token 'a'\n");
  expect(CHUNK("{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}"),
         "chunk message=k1 FAILED finish_reason: error\n");
}

static void test_unknown_is_not_fatal(void **unused) {
  (void)unused;
  expect_line("", "{}", "unknown unknown\n");
  expect_line("", "{\"choices\":7}", "unknown unknown\n");
  expect_line("", "{\"id\":\"k1\"}", "unknown unknown message=k1\n");
  expect_line("", "{\"choices\":[{\"delta\":{\"content\":\"cut", "unreadable unknown\n");
  expect_line("", "DONE", "unreadable unknown\n");
  expect_line("", "", "unreadable unknown\n");
  expect_line("ping", "{}", "ping ping\n");
  expect_line("ping", "1", "ping ping\n");
  expect_line("", " [DONE] ", "[DONE] end DONE\n");
}

static void test_chat_stream(void **unused) {
  (void)unused;
  openai(": OPENROUTER PROCESSING\n\n" DATA(DELTA("\"role\":\"assistant\",\"content\":\"\""))
             DATA(DELTA("\"content\":\"你\"")) DATA(DELTA("\"content\":\"好\"")) DATA(FINISH("0", "\"stop\""))
                 DATA("{\"id\":\"k1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}")
                     DONE DATA(DELTA("\"content\":\"late\"")),
         "()\nchunk message=k1\nchunk token '你' message=k1\nchunk token '好' message=k1\nchunk end message=k1\n"
         "chunk usage end prompt=9 completion=2 message=k1\n[DONE] end DONE\n");
}

static void test_error_inside_the_stream(void **unused) {
  (void)unused;
  openai(DATA(DELTA("\"content\":\"a\"")) "event: error\ndata: {\"error\":{\"message\":\"gone\"}}\n\n" DONE,
         "chunk token 'a' message=k1\nerror FAILED gone\n");
}

static void test_end_without_done(void **unused) {
  (void)unused;
  openai(DATA(DELTA("\"content\":\"a\"")) DATA(FINISH("0", "\"length\"")),
         "chunk token 'a' message=k1\nchunk end message=k1\neof: complete\n");
  openai(DATA(DELTA("\"content\":\"a\"")), "chunk token 'a' message=k1\neof: truncated\n");
  openai(DATA(FINISH("0", "null")), "chunk message=k1\neof: truncated\n");
  openai(DATA("{\"choices\":[],\"usage\":{\"prompt_tokens\":9}}"), "chunk usage prompt=9\neof: truncated\n");
  openai("", "eof: truncated\n");
  /* [DONE] without its empty line was never sent whole. */
  openai(DATA(DELTA("\"content\":\"a\"")) "data: [DONE]\n", "chunk token 'a' message=k1\neof: truncated\n");
}

static void test_every_choice_must_finish(void **unused) {
  (void)unused;
#define BOTH "chunk token 'ab' message=k1\nchunk message=k1\n"
  static const char *both = DATA(CHUNK("{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":"
                                       "{\"content\":\"b\"}}")) DATA(FINISH("1", "\"stop\""));
  char stream[1024];
  openai(both, BOTH "eof: truncated\n");
  snprintf(stream, sizeof(stream), "%s%s", both, DATA(FINISH("0", "\"stop\"")));
  openai(stream, BOTH "chunk end message=k1\neof: complete\n");
}

static void test_choices_far_out(void **unused) {
  (void)unused;
#define ALL_ENDED "chunk end message=k1\nchunk end message=k1\neof: complete\n"
#define ONE_OPEN "chunk end message=k1\nchunk message=k1\neof: truncated\n"
  openai(DATA(FINISH("127", "\"stop\"")) DATA(FINISH("64", "\"stop\"")), ALL_ENDED);
  openai(DATA(FINISH("127", "\"stop\"")) DATA(FINISH("64", "null")), ONE_OPEN);
  openai(DATA(FINISH("0", "\"stop\"")) DATA(FINISH("64", "null")), ONE_OPEN);
  /* Past the cap they share one place, and a negative index is the first choice. */
  openai(DATA(FINISH("1e9", "\"stop\"")) DATA(FINISH("500", "null")), ALL_ENDED);
  openai(DATA(FINISH("0", "\"stop\"")) DATA(FINISH("1e9", "null")), ONE_OPEN);
  openai(DATA(FINISH("0", "\"stop\"")) DATA(FINISH("-3", "null")), ALL_ENDED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_a_token),
      cmocka_unit_test(test_what_is_none),
      cmocka_unit_test(test_reasoning),
      cmocka_unit_test(test_tool_calls),
      cmocka_unit_test(test_several_choices_are_one_event),
      cmocka_unit_test(test_usage),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_unknown_is_not_fatal),
      cmocka_unit_test(test_chat_stream),
      cmocka_unit_test(test_error_inside_the_stream),
      cmocka_unit_test(test_end_without_done),
      cmocka_unit_test(test_every_choice_must_finish),
      cmocka_unit_test(test_choices_far_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
