#include "cuts.h"
#include "wire/json.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
  struct sp_json doc;
  struct sp_buf scratch;
  struct guard guard;
};

static int set_up(void **state) {
  struct fixture *f = sp_alloc(sizeof(*f));
  sp_json_init(&f->doc);
  sp_buf_init(&f->scratch, 1 << 20);
  guard_init(&f->guard, 4 << 20);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  sp_json_fini(&f->doc);
  sp_buf_fini(&f->scratch);
  guard_fini(&f->guard);
  free(f);
  return 0;
}

static int parse(struct fixture *f, struct sp_str text) {
  struct sp_err err;
  return sp_json_parse(&f->doc, guard_copy(&f->guard, text), &err);
}

static void must_parse(struct fixture *f, const char *text) {
  if (parse(f, sp_str_from(text)) < 0) fail_msg("not taken: %s", text);
}

static void assert_str(struct sp_str got, const char *expected) {
  if (!sp_str_eq(got, sp_str_from(expected))) fail_msg("'" SP_STR_FMT "' is not '%s'", SP_STR_ARG(got), expected);
}

/* ---- looking up ---- */

static void test_kinds(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *text;
    enum sp_json_kind kind;
  } cases[] = {
      {"null", SP_JSON_NULL},   {"true", SP_JSON_BOOL},      {" false\n", SP_JSON_BOOL},
      {"0", SP_JSON_NUMBER},    {"-1.5e+3", SP_JSON_NUMBER}, {"\t12 ", SP_JSON_NUMBER},
      {"\"\"", SP_JSON_STRING}, {" \"a\" ", SP_JSON_STRING}, {"[]", SP_JSON_ARRAY},
      {" [ ] ", SP_JSON_ARRAY}, {"{}", SP_JSON_OBJECT},      {"\r\n{ }\r\n", SP_JSON_OBJECT},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    must_parse(f, cases[i].text);
    assert_int_equal(sp_json_kind(&f->doc, 0), cases[i].kind);
    assert_int_equal(sp_json_kind(&f->doc, 1), SP_JSON_ABSENT);
    assert_int_equal(sp_json_kind(&f->doc, -1), SP_JSON_ABSENT);
    assert_int_equal(sp_json_next(&f->doc, 0), -1);
  }
}

static void test_look_ups_chain(void **state) {
  struct fixture *f = *state;
  const struct sp_json *doc = &f->doc;
  must_parse(f, "{\"event\":\"node_finished\", \"skip\": {\"data\": 1, \"x\":[{},[[]],\"data\"]},"
                "\"data\" : {\"title\":\"LLM\",\"elapsed_time\":1.84,\"ok\":true,\"error\":null}, \"last\":7}");
  int data = sp_json_get(doc, 0, "data");
  assert_str(sp_json_string(doc, sp_json_get(doc, data, "title"), &f->scratch), "LLM");
  assert_true(sp_json_number(doc, sp_json_get(doc, data, "elapsed_time"), -1) == 1.84);
  assert_true(sp_json_bool(doc, sp_json_get(doc, data, "ok"), false));
  assert_int_equal(sp_json_kind(doc, sp_json_get(doc, data, "error")), SP_JSON_NULL);
  assert_true(sp_json_is(doc, sp_json_get(doc, 0, "event"), "node_finished"));
  assert_false(sp_json_is(doc, sp_json_get(doc, 0, "event"), "node_finishe"));
  assert_true(sp_json_number(doc, sp_json_get(doc, 0, "last"), -1) == 7);
  assert_int_equal(sp_json_size(doc, 0), 4);
}

static void test_absent_answers_the_default(void **state) {
  struct fixture *f = *state;
  const struct sp_json *doc = &f->doc;
  must_parse(f, "{\"a\":{\"b\":\"c\"},\"d\":[1]}");
  int absent = sp_json_get(doc, sp_json_get(doc, 0, "nope"), "b");
  assert_int_equal(absent, -1);
  assert_int_equal(sp_json_get(doc, sp_json_get(doc, 0, "d"), "b"), -1);
  assert_int_equal(sp_json_get(doc, 99, "b"), -1);
  assert_int_equal(sp_json_size(doc, absent), 0);
  assert_int_equal(sp_json_first(doc, absent), -1);
  assert_int_equal(sp_json_next(doc, absent), -1);
  assert_int_equal(sp_json_raw(doc, absent).len, 0);
  assert_int_equal(sp_json_string(doc, absent, &f->scratch).len, 0);
  assert_false(sp_json_is(doc, absent, ""));
  assert_true(sp_json_number(doc, absent, 5) == 5);
  assert_true(sp_json_number(doc, sp_json_get(doc, 0, "a"), 5) == 5);
  assert_true(sp_json_bool(doc, absent, true));
  assert_int_equal(sp_json_first(doc, sp_json_get(doc, sp_json_get(doc, 0, "a"), "b")), -1);
}

static void test_first_of_equal_keys_and_escaped_keys(void **state) {
  struct fixture *f = *state;
  must_parse(f, "{\"a\":1,\"a\":2,\"\\u0065vent\":3,\"\\\\\\\"/\\ud83d\\ude00\":4,\"\":5,\"aa\":6}");
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, "a"), 0) == 1);
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, "event"), 0) == 3);
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, "\\\"/\xF0\x9F\x98\x80"), 0) == 4);
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, ""), 0) == 5);
  assert_int_equal(sp_json_get(&f->doc, 0, "even"), -1);
  assert_int_equal(sp_json_get(&f->doc, 0, "eventx"), -1);
}

/* A key's text in the document is not its meaning: found by fuzzing against jansson. */
static void test_escaped_key_that_looks_like_another(void **state) {
  struct fixture *f = *state;
  must_parse(f, "{\"a\\\\\":1,\"a\\\\\\\\\":2,\"s\":\"x\\n\"}");
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, "a\\"), 0) == 1);
  assert_true(sp_json_number(&f->doc, sp_json_get(&f->doc, 0, "a\\\\"), 0) == 2);
  assert_false(sp_json_is(&f->doc, sp_json_get(&f->doc, 0, "s"), "x\\n"));
}

/* Writes what iterating finds: a second way to the same text. */
static void dump(const struct sp_json *doc, int value, struct sp_buf *out) {
  enum sp_json_kind kind = sp_json_kind(doc, value);
  if (kind != SP_JSON_ARRAY && kind != SP_JSON_OBJECT) {
    sp_buf_printf(out, kind == SP_JSON_STRING ? "\"" SP_STR_FMT "\"" : SP_STR_FMT, SP_STR_ARG(sp_json_raw(doc, value)));
    return;
  }
  int seen = 0;
  sp_buf_append_char(out, kind == SP_JSON_ARRAY ? '[' : '{');
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    if (seen++) sp_buf_append_char(out, ',');
    dump(doc, child, out);
    if (kind == SP_JSON_OBJECT) sp_buf_append_char(out, ':');
    if (kind == SP_JSON_OBJECT) dump(doc, child + 1, out);
  }
  assert_int_equal(seen, sp_json_size(doc, value));
  sp_buf_append_char(out, kind == SP_JSON_ARRAY ? ']' : '}');
}

static void test_iterating_gives_the_text_back(void **state) {
  struct fixture *f = *state;
  static const char *const texts[] = {
      "[]",
      "{}",
      "[[],{},[[]],\"a\",1]",
      "{\"a\":[],\"b\":{},\"c\":[{\"d\":[1,2,{\"e\":null}]},3],\"f\":\"g\"}",
      "[1,[2,[3,[4]],5],6]",
      "{\"a\":{\"b\":{\"c\":{}}},\"d\":[{\"e\":{}},{\"e\":{}}]}",
      "\"x\"",
      "-0.5E-3",
      "[\"\\\"\\\\\",\"]\",\"}\",\"[{\"]",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct sp_buf out;
    sp_buf_init(&out, 1 << 16);
    must_parse(f, texts[i]);
    dump(&f->doc, 0, &out);
    assert_string_equal(out.bytes, texts[i]);
    sp_buf_fini(&out);
  }
}

static void test_numbers(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *text;
    double value;
  } cases[] = {
      {"0", 0},
      {"-0", 0},
      {"123456789012345", 123456789012345.0},
      {"-42", -42},
      {"1780000000", 1780000000.0},
      {"0.0012", 0.0012},
      {"1e3", 1000},
      {"1E-2", 0.01},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"18446744073709551616", 18446744073709551616.0},
      {"1e999", -7},
      {"1.8399999141693115", 1.8399999141693115},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    must_parse(f, cases[i].text);
    assert_true(sp_json_number(&f->doc, 0, -7) == cases[i].value);
  }
  char digits[1000];
  memset(digits, '1', sizeof(digits) - 1);
  digits[sizeof(digits) - 1] = '\0';
  must_parse(f, digits);
  assert_true(sp_json_number(&f->doc, 0, -7) == -7);
}

/* ---- strings ---- */

static void test_strings(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *json, *text;
  } cases[] = {
      {"\"\"", ""},
      {"\"plain\"", "plain"},
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
      {"\"\\u0041\\u00e9\\u4F60\\uffff\"", "A\xC3\xA9\xE4\xBD\xA0\xEF\xBF\xBF"},
      {"\"\xE4\xBD\xA0\xE5\xA5\xBD\"", "\xE4\xBD\xA0\xE5\xA5\xBD"},
      {"\"a\\u597db\xE5\xA5\xBD\"", "a\xE5\xA5\xBD"
                                    "b\xE5\xA5\xBD"},
      {"\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80"},
      {"\"\\uD83D\\uDE00!\"", "\xF0\x9F\x98\x80!"},
      {"\"\\ud83d\"", "\xEF\xBF\xBD"},
      {"\"\\ude00x\"", "\xEF\xBF\xBDx"},
      {"\"\\ud83dx\"", "\xEF\xBF\xBDx"},
      {"\"\\ud83d\\n\"", "\xEF\xBF\xBD\n"},
      {"\"\\ud83d\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
      {"\"\\ud83d\\u0041\"", "\xEF\xBF\xBD"
                             "A"},
      {"\"\x7F\"", "\x7F"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    must_parse(f, cases[i].json);
    assert_str(sp_json_string(&f->doc, 0, &f->scratch), cases[i].text);
  }
  must_parse(f, "\"a\\u0000b\"");
  assert_true(sp_str_eq(sp_json_string(&f->doc, 0, &f->scratch), SP_STR("a\0b")));
}

static void test_string_without_escapes_is_not_copied(void **state) {
  struct fixture *f = *state;
  must_parse(f, "{\"answer\":\"Hello\"}");
  struct sp_str text = sp_json_string(&f->doc, sp_json_get(&f->doc, 0, "answer"), &f->scratch);
  assert_ptr_equal(text.bytes, f->doc.text.bytes + 11);
  assert_null(f->scratch.bytes);
}

static void test_string_over_the_cap_of_scratch(void **state) {
  struct fixture *f = *state;
  struct sp_buf small;
  sp_buf_init(&small, 3);
  must_parse(f, "\"abc\\n\"");
  assert_int_equal(sp_json_string(&f->doc, 0, &small).len, 0);
  sp_buf_fini(&small);
}

static void check_append(const char *raw, size_t len, const char *json) {
  struct sp_buf out;
  struct guard guard;
  guard_init(&guard, len);
  sp_buf_init(&out, 1000);
  sp_buf_append_text(&out, "x");
  assert_int_equal(sp_json_append_string(&out, guard_copy(&guard, sp_str_of(raw, len))), SP_OK);
  assert_string_equal(out.bytes + 1, json);
  sp_buf_fini(&out);
  guard_fini(&guard);
}

static void test_append_string(void **state) {
  (void)state;
#define CHECK(raw, json) check_append(raw, sizeof(raw) - 1, json)
#define BAD "\xEF\xBF\xBD"
  CHECK("", "\"\"");
  CHECK("a\"b\\c/", "\"a\\\"b\\\\c/\"");
  CHECK("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  CHECK("\0", "\"\\u0000\"");
  CHECK("\xE4\xBD\xA0\xF0\x9F\x98\x80\xC3\xA9", "\"\xE4\xBD\xA0\xF0\x9F\x98\x80\xC3\xA9\"");
  CHECK("a\x80\xFF"
        "b",
        "\"a" BAD BAD "b\"");
  CHECK("\xC0\xAF", "\"" BAD BAD "\"");                 /* overlong */
  CHECK("\xED\xA0\x80", "\"" BAD BAD BAD "\"");         /* a surrogate */
  CHECK("\xF4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""); /* past U+10FFFF */
  CHECK("\xE4\xBD", "\"" BAD "\"");                     /* cut: one for the subpart */
  CHECK("\xE4\xBD!", "\"" BAD "!\"");
  CHECK("\xF0\x9F\x98", "\"" BAD "\"");
  CHECK("\xE4\xE4\xBD\xA0", "\"" BAD "\xE4\xBD\xA0\"");
#undef CHECK
}

static void test_append_string_over_the_cap(void **state) {
  (void)state;
  for (size_t max = 3; max < 12; max++) {
    struct sp_buf out;
    sp_buf_init(&out, max);
    sp_buf_append_text(&out, "xyz");
    assert_int_equal(sp_json_append_string(&out, SP_STR("abc\nd\xFF")), SP_ELIMIT);
    assert_string_equal(out.bytes, "xyz");
    sp_buf_fini(&out);
  }
}

/* ---- what is no JSON ---- */

static void test_broken(void **state) {
  struct fixture *f = *state;
  /* clang-format off */
  static const char *const broken[] = {
    " ", "x", "[DONE]", "{", "}", "[", "]", "[}", "{]", "[1", "[1,", "[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1]]",
    "[1] 2", "1 2", "{}{}", "{} x", "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{,}", "{:1}",
    "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{a:1}", "{1:2}", "{\"a\":1:2}", "{\"a\",\"b\"}", "[\"a\":1]",
    "{[]:1}", "{null:1}", "{'a':1}", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u", "\"\\",
    "\"a\nb\"", "\"a\tb\"", "\"\x01\"", "\"\x1f\"", "tru", "truex", "True", "nul", "nulll", "falsey", "-", "+1", "01",
    "-01", "1.", ".5", "1.e3", "1e", "1e+", "1x", "0x10", "1-", "--1", "NaN", "Infinity", "-Infinity", "[1.]", "[01]",
    "[tru]", "[1a]", "[nullnull]", "/**/1", "[1]//", "\xEF\xBB\xBF{}", "\xC2\xA0{}", "[\x0c]", "\v1", "{\"a\":tru}",
    "{\"a\":\"b}", "[\"a]", "[[1]", "{\"a\":{}",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
    if (parse(f, sp_str_from(broken[i])) != SP_EPARSE) fail_msg("taken: %s", broken[i]);
    assert_int_equal(sp_json_kind(&f->doc, 0), SP_JSON_ABSENT);
  }
  assert_int_equal(parse(f, SP_STR("")), SP_EPARSE);
  assert_int_equal(parse(f, SP_STR("1\0")), SP_EPARSE);
  assert_int_equal(parse(f, SP_STR("\0")), SP_EPARSE);
  assert_int_equal(parse(f, SP_STR("[1\0]")), SP_EPARSE);
  assert_int_equal(parse(f, SP_STR("\"a\0\"")), SP_EPARSE);
}

static void test_every_prefix_is_broken(void **state) {
  struct fixture *f = *state;
  struct sp_str whole =
      SP_STR("{\"event\":\"message\",\"a\\n\\u00e9\":[1.5e-3,true,false,null,{}],\"b\":{\"c\":\"\xE4\xBD\xA0\"}}");
  assert_int_equal(parse(f, whole), SP_OK);
  for (size_t len = 0; len < whole.len; len++) assert_int_equal(parse(f, sp_str_of(whole.bytes, len)), SP_EPARSE);
}

/* A string is read eight bytes at a time: what matters is seen at each place of them. */
static void test_every_place_in_a_string(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *put, *sentence;
    int code;
    size_t fault_at; /* behind the place */
  } cases[] = {
      {"\\n", "", SP_OK, 0},
      {"\x7F", "", SP_OK, 0},
      {"\xFF", "", SP_OK, 0},
      {"\x1F", "no JSON: unexpected byte 0x1f at byte ", SP_EPARSE, 0},
      {"\\x", "no JSON: unexpected 'x' at byte ", SP_EPARSE, 1},
      {"\\u00g0", "no JSON: unexpected 'g' at byte ", SP_EPARSE, 4},
      {"\"x", "no JSON: unexpected 'x' at byte ", SP_EPARSE, 1},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 24; i++) {
    size_t place = i % 24, which = i / 24;
    char text[64], sentence[64];
    struct sp_err err = {0};
    snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", (int)place, "abcdefghijklmnopqrstuvwxyz", cases[which].put,
             (int)(24 - place), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    assert_int_equal(sp_json_parse(&f->doc, guard_copy(&f->guard, sp_str_from(text)), &err), cases[which].code);
    if (cases[which].code == SP_OK) continue;
    snprintf(sentence, sizeof(sentence), "%s%zu", cases[which].sentence, 1 + place + cases[which].fault_at);
    assert_string_equal(err.text, sentence);
  }
}

static void test_sentences(void **state) {
  struct fixture *f = *state;
  struct sp_err err;
  sp_json_parse(&f->doc, SP_STR("[DONE]"), &err);
  assert_string_equal(err.text, "no JSON: unexpected 'D' at byte 1");
  sp_json_parse(&f->doc, SP_STR("{\"a\":"), &err);
  assert_string_equal(err.text, "no JSON: it ends too early, at byte 5");
  sp_json_parse(&f->doc, SP_STR("\"a\nb\""), &err);
  assert_string_equal(err.text, "no JSON: unexpected byte 0x0a at byte 2");
}

/* ---- caps and sizes ---- */

static void append_times(struct sp_buf *buf, const char *text, size_t times) {
  for (size_t i = 0; i < times; i++) sp_buf_append_text(buf, text);
}

static void test_depth(void **state) {
  struct fixture *f = *state;
  struct sp_err err;
  struct sp_buf text;
  sp_buf_init(&text, 16 << 20);
  append_times(&text, "[", SP_JSON_DEPTH_MAX);
  append_times(&text, "]", SP_JSON_DEPTH_MAX);
  assert_int_equal(sp_json_parse(&f->doc, sp_buf_str(&text), &err), SP_OK);
  assert_int_equal(f->doc.count, SP_JSON_DEPTH_MAX);
  sp_buf_clear(&text);
  append_times(&text, "{\"a\":", SP_JSON_DEPTH_MAX);
  append_times(&text, "{\"a\":1}", 1);
  assert_int_equal(sp_json_parse(&f->doc, sp_buf_str(&text), &err), SP_ELIMIT);
  assert_string_equal(err.text, "JSON is nested over the limit of 64 levels (SP_JSON_DEPTH_MAX)");
  sp_buf_clear(&text);
  append_times(&text, "[", 1 << 20);
  append_times(&text, "]", 1 << 20);
  assert_int_equal(sp_json_parse(&f->doc, sp_buf_str(&text), &err), SP_ELIMIT);
  sp_buf_fini(&text);
}

/* Each of these is quadratic in some reader; the test's time limit would show it here. */
static void test_megabytes(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *start, *item, *stop;
    size_t times;
  } cases[] = {
      {"[", "{\"a\":[],\"b\":1},", "0]", 150000},
      {"[", "[[[[[[[]]]]]]],", "0]", 130000},
      {"{", "\"a\":1,", "\"b\":2}", 300000},
      {"[", "1,", "2]", 1000000},
      {"\"", "\\u4f60", "\"", 500000},
      {"", " ", "[]", 3000000},
      {"{\"a\":\"", "\xE4\xBD\xA0", "\"}", 1000000},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct sp_buf text;
    sp_buf_init(&text, 16 << 20);
    sp_buf_append_text(&text, cases[i].start);
    append_times(&text, cases[i].item, cases[i].times);
    sp_buf_append_text(&text, cases[i].stop);
    assert_int_equal(parse(f, sp_buf_str(&text)), SP_OK);
    int children = 0;
    for (int child = sp_json_first(&f->doc, 0); child >= 0; child = sp_json_next(&f->doc, child)) children++;
    assert_int_equal(children, sp_json_size(&f->doc, 0));
    sp_buf_fini(&text);
  }
}

static void test_token_cap(void **state) {
  struct fixture *f = *state;
  struct sp_err err;
  struct sp_buf text;
  sp_buf_init(&text, 16 << 20);
  sp_buf_append_text(&text, "[");
  append_times(&text, "1,", SP_JSON_TOKENS_MAX - 2);
  sp_buf_append_text(&text, "1]");
  assert_int_equal(sp_json_parse(&f->doc, sp_buf_str(&text), &err), SP_OK);
  text.bytes[text.len - 1] = ',';
  sp_buf_append_text(&text, "1]");
  assert_int_equal(sp_json_parse(&f->doc, sp_buf_str(&text), &err), SP_ELIMIT);
  assert_string_equal(err.text, "JSON has more than 1048576 tokens (SP_JSON_TOKENS_MAX)");
  sp_buf_fini(&text);
}

static void test_tokens_are_kept(void **state) {
  struct fixture *f = *state;
  must_parse(f, "[1,2,3]");
  void *tokens = f->doc.tokens;
  assert_int_equal(f->doc.cap, 64);
  assert_int_equal(parse(f, SP_STR("[1,")), SP_EPARSE);
  must_parse(f, "{\"a\":\"b\"}");
  assert_ptr_equal(f->doc.tokens, tokens);
  assert_int_equal(f->doc.cap, 64);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_kinds),
      TEST(test_look_ups_chain),
      TEST(test_absent_answers_the_default),
      TEST(test_first_of_equal_keys_and_escaped_keys),
      TEST(test_escaped_key_that_looks_like_another),
      TEST(test_iterating_gives_the_text_back),
      TEST(test_numbers),
      TEST(test_strings),
      TEST(test_string_without_escapes_is_not_copied),
      TEST(test_string_over_the_cap_of_scratch),
      TEST(test_append_string),
      TEST(test_append_string_over_the_cap),
      TEST(test_broken),
      TEST(test_every_prefix_is_broken),
      TEST(test_every_place_in_a_string),
      TEST(test_sentences),
      TEST(test_depth),
      TEST(test_megabytes),
      TEST(test_token_cap),
      TEST(test_tokens_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
