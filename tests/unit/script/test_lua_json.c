/* JSON between Lua and bytes, and Lua files as JSON. The checks are Lua's own asserts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prelude[] =
    "local spate = require('spate') local array = spate.array "
    "local encode, decode, null = spate.json.encode, spate.json.decode, spate.json.null\n"
    "local function same(a, b) if a ~= b then error(tostring(a) .. ' is not ' .. tostring(b), 2) end end\n"
    "local function trip(text) same(encode(decode(text)), text) end\n";

static char *evaluate(const char *body, struct sp_err *err) {
  char text[8192];
  int len = snprintf(text, sizeof(text), "%s%s", prelude, body);
  assert_true(len > 0 && (size_t)len < sizeof(text));
  return sp_lua_text_to_json("test.lua", text, (size_t)len, err);
}

static void passes(const char *body) {
  struct sp_err err;
  char text[8000];
  snprintf(text, sizeof(text), "%s\nreturn {}", body);
  char *json = evaluate(text, &err);
  if (!json) fail_msg("%s", err.text);
  free(json);
}

static void gives(const char *body, const char *expected) {
  struct sp_err err;
  char *json = evaluate(body, &err);
  if (!json) fail_msg("%s", err.text);
  assert_string_equal(json, expected);
  free(json);
}

static void fails(const char *body, const char *sentence) {
  struct sp_err err;
  char *json = evaluate(body, &err);
  assert_null(json);
  if (!strstr(err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, err.text);
  assert_int_equal(err.code, SP_EPLAN);
}

static void round_trips(void **state) {
  (void)state;
  passes("trip '{}' trip '[]' trip '[[],{}]' trip '{\"a\":[1,2,{\"b\":null}]}' trip '[null,true,false,\"\",0,-1,1.5]'");
  passes("trip '[0.1,1e+300,-2.5e-07,123456789012345,1e+15]'");
  passes("trip '\"a string\"' trip '5' trip 'null' trip 'true'");
  passes("trip '[\"请简单介绍\",\"\\\\\"\\\\\\\\\\\\n\\\\u0001\"]'");
  passes("same(decode('\"\\\\u8bf7\\\\ud83d\\\\ude00\\\\/\"'), '请😀/')");
  passes("same(decode(' { \"a\" : 1 } ').a, 1)");
}

static void arrays_and_objects(void **state) {
  (void)state;
  gives("return {}", "{}");
  gives("return array {}", "[]");
  gives("return array()", "[]");
  gives("return { 1, 'two', false }", "[1,\"two\",false]");
  gives("return { a = {} , }", "{\"a\":{}}");
  gives("return { [10] = 'ten' }", "{\"10\":\"ten\"}");
  gives("return { [1.5] = 'x' }", "{\"1.5\":\"x\"}");
  gives("return { [0] = 'zero' }", "{\"0\":\"zero\"}");
  gives("return { null, null }", "[null,null]");
  gives("return { a = null }", "{\"a\":null}");
  gives("local t = decode('[1,2]') t[3] = 3 return t", "[1,2,3]");
  gives("local t = decode('[1,2]') t[1], t[2] = nil, nil return t", "[]");
  fails("return { 1, 2, name = 'x' }", "a table with list items cannot have the member 'name' too");
  fails("return { 1, 2, [9] = 'x' }", "a table with list items cannot have other members too");
  fails("return { 1, 2, [0] = 'x' }", "cannot have other members too");
  fails("return array { a = 1 }", "cannot have the member 'a' too");
  fails("return { [true] = 1 }", "a JSON member's name can't be a boolean");
  /* A number as a key must stay a number in the table. */
  passes("local t = { [10] = 'a', [11] = 'b', [12] = 'c' } encode(t) same(t[10] .. t[11] .. t[12], 'abc') assert(next(t) ~= '10')");
}

static void numbers(void **state) {
  (void)state;
  gives("return { 1e15, 1e14, -0.5, 2^53, 1/3 }", "[1e+15,100000000000000,-0.5,9007199254740992,0.3333333333333333]");
  gives("return { 0.1, 0.7, 1.1, 1e100 }", "[0.1,0.7,1.1,1e+100]");
  fails("return { 0/0 }", "item 1: JSON has no number like");
  fails("return { a = 1/0 }", "'a': JSON has no number like inf");
  fails("return { -1/0 }", "no number like -inf");
  passes("same(decode('9007199254740993'), 9007199254740992) same(decode('-0'), 0) same(decode('1E2'), 100)");
}

static void what_is_no_json(void **state) {
  (void)state;
  fails("return { a = { b = { print } } }", "'a': 'b': item 1: a function can't be JSON");
  fails("return { coroutine.create(print) }", "a thread can't be JSON");
  passes("local v, why = decode('{') assert(v == nil and why:find('no JSON'), why)");
  passes("local v, why = decode('') assert(v == nil and why)");
  passes("local v, why = decode('[1,]') assert(v == nil and why)");
  passes("local v, why = decode('nul') assert(v == nil and why)");
  passes("local fine, why = pcall(decode) assert(not fine)");
  passes("local fine, why = pcall(encode) assert(not fine)");
  passes("local fine, why = pcall(encode, { f = print }) assert(not fine and why:find(\"json.encode: 'f': a function\", 1, true), why)");
}

static void depth(void **state) {
  (void)state;
  passes("local t = {} for i = 1, 63 do t = { t } end encode(t)");
  fails("local t = {} for i = 1, 70 do t = { t } end return t", "a table is nested over 64 deep");
  fails("local t = {} t.t = t return t", "or holds itself");
  passes("local text = string.rep('[', 64) .. string.rep(']', 64) trip(text)");
  passes("local v, why = decode(string.rep('[', 65) .. string.rep(']', 65)) assert(v == nil and why)");
  passes("local v, why = decode(string.rep('[', 100000)) assert(v == nil and why)");
}

/* Deep in the script's own calls the room on Lua's stack may run out: an error, and nothing of ours is lost. */
static void deep_in_calls(void **state) {
  (void)state;
  passes("local function dig(n) local t = decode('[[[[[[[[[[1]]]]]]]]]]') encode(t) return n + dig(n + 1) end\n"
         "local fine, why = pcall(dig, 1) assert(not fine)");
}

static void text(void **state) {
  (void)state;
  gives("return { 'a\\0b' }", "[\"a\\u0000b\"]");
  gives("return { '\\255x\\195' }", "[\"\xEF\xBF\xBDx\xEF\xBF\xBD\"]");
  gives("return { ['\\255'] = 1 }", "{\"\xEF\xBF\xBD\":1}");
  gives("return { 'line\\nend\\ttab\"quote\\\\' }", "[\"line\\nend\\ttab\\\"quote\\\\\"]");
  passes("same(decode('\"\\255\"'), '\\255')"); /* as it is */
  passes("same(decode('\"a\\\\u0000b\"'), 'a\\0b')");
}

static void null_is_a_value(void **state) {
  (void)state;
  passes("local t = decode('{\"a\":null}') assert(t.a == null and t.a ~= nil and t.b == nil)");
  passes("same(encode(null), 'null') same(encode(nil), 'null')");
}

static void metatables_are_not_asked(void **state) {
  (void)state;
  gives("return setmetatable({ a = 1 }, { __index = function() error('no') end, __len = function() error('no') end })", "{\"a\":1}");
}

static void lua_files(void **state) {
  (void)state;
  struct sp_err err;
  fails("return 5", "test.lua must return a table");
  fails("return", "must return a table");
  fails("error('on purpose')", "test.lua:4: on purpose");
  fails("error({})", "an error that is no text");
  fails("return {", "test.lua");
  fails("return require('spate').feed('/nothing/here.csv')", "cannot read the feed");
  assert_null(sp_lua_file_to_json("/nothing/here.lua", &err));
  assert_non_null(strstr(err.text, "cannot open '/nothing/here.lua'"));
  assert_null(sp_lua_file_to_json("/tmp", &err));
  char path[] = "/tmp/spate-profile-XXXXXX";
  int fd = mkstemp(path);
  assert_int_equal(write(fd, "return { a = { 1 } }", 20), 20);
  close(fd);
  char *json = sp_lua_file_to_json(path, &err);
  assert_string_equal(json, "{\"a\":[1]}");
  free(json);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(round_trips),
    cmocka_unit_test(arrays_and_objects),
    cmocka_unit_test(numbers),
    cmocka_unit_test(what_is_no_json),
    cmocka_unit_test(depth),
    cmocka_unit_test(deep_in_calls),
    cmocka_unit_test(text),
    cmocka_unit_test(null_is_a_value),
    cmocka_unit_test(metatables_are_not_asked),
    cmocka_unit_test(lua_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
