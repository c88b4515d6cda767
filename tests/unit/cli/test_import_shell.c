/* Words of a pasted command, as a POSIX shell and bash's $'…' make them. */
#include "cli/import_shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The words with '|' between them; "more" and "vars" behind as they were seen. */
static char *split(const char *text) {
  static char out[2000];
  struct sp_shell_words words;
  struct sp_err err = {0};
  size_t n = 0;
  char *copy = malloc(strlen(text) ? strlen(text) : 1); /* no byte behind it may be looked at */
  memcpy(copy, text, strlen(text));
  int code = sp_shell_split(sp_str_of(copy, strlen(text)), &words, &err);
  free(copy);
  if (code) {
    snprintf(out, sizeof(out), "error: %s", err.text);
    return out;
  }
  out[0] = '\0';
  for (size_t i = 0; i < words.count; i++)
    n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i ? "|" : "", words.items[i]);
  snprintf(out + n, sizeof(out) - n, "%s%s", words.more ? " (more)" : "", words.variables ? " (vars)" : "");
  sp_shell_words_fini(&words);
  return out;
}

static void test_words(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"", ""},
                                        {"  \t ", ""},
                                        {"curl http://x", "curl|http://x"},
                                        {"a 'b c' \"d e\" f\\ g", "a|b c|d e|f g"},
                                        {"a''b\"\"c '' \"\"", "abc||"},
                                        {"'it'\\''s'", "it's"},
                                        {"\"a\\\"b\\\\c\\nd\\$e\\`f\"", "a\"b\\c\\nd$e`f"},
                                        {"a \\\n b\\\nc", "a|bc"},
                                        {"a \\\r\n b", "a|b"},
                                        {"a \\  \n -b", "a|-b"},
                                        {"\"a\\\nb\"", "ab"},
                                        {"'a\\\nb'", "a\\\nb"},
                                        {"a 'l1\nl2'", "a|l1\nl2"},
                                        {"a # comment\n-b", "a|-b"},
                                        {"a#b", "a#b"},
                                        {"\n\n  a b\n", "a|b"},
                                        {"a b\\", "a|b"},
                                        {NULL, NULL}};
  for (size_t i = 0; rows[i][0]; i++) assert_string_equal(split(rows[i][0]), rows[i][1]);
}

static void test_ansi_quotes(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"$'a\\nb\\tc\\r\\'\\\"\\\\\\?'", "a\nb\tc\r'\"\\?"},
                                        {"$'\\a\\b\\e\\E\\f\\v'", "\a\b\033\033\f\v"},
                                        {"$'\\x41\\102\\x4'", "AB\x04"},
                                        {"$'\\u4f60\\u00e9\\u21'", "你é!"},
                                        {"$'\\ud83d\\ude00'", "😀"},
                                        {"$'\\U0001F600'", "😀"},
                                        {"$'\\ud83dx'", "\xef\xbf\xbdx"},
                                        {"$'\\ud83d\\u0041'", "\xef\xbf\xbd"
                                                              "A"},
                                        {"$'\\q\\z'", "\\q\\z"},
                                        {"a$'b'c", "abc"},
                                        {"\"$'\\n'\"", "$'\\n'"},
                                        {"$\"a\"", "a"},
                                        {NULL, NULL}};
  for (size_t i = 0; rows[i][0]; i++) assert_string_equal(split(rows[i][0]), rows[i][1]);
}

static void test_what_stands_behind(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"a b | jq .", "a|b (more)"},
                                        {"a b;c", "a|b (more)"},
                                        {"a x?p=1&q=2", "a|x?p=1 (more)"},
                                        {"a 'x?p=1&q=2'", "a|x?p=1&q=2"},
                                        {"a b > out 2>&1", "a|b"},
                                        {"a 2>/dev/null b", "a|b"},
                                        {"a b2>f", "a|b2"},
                                        {"a\nsecond line", "a (more)"},
                                        {"a\n  -H x", "a|-H|x"},
                                        {"a\n\n", "a"},
                                        {NULL, NULL}};
  for (size_t i = 0; rows[i][0]; i++) assert_string_equal(split(rows[i][0]), rows[i][1]);
}

static void test_variables(void **state) {
  (void)state;
  assert_string_equal(split("a $KEY"), "a|$KEY (vars)");
  assert_string_equal(split("a \"Bearer ${KEY}\""), "a|Bearer ${KEY} (vars)");
  assert_string_equal(split("a $(cat x)"), "a|$ (more) (vars)");
  assert_string_equal(split("a '$KEY' \\$KEY \"\\$KEY\" 5$ $5"), "a|$KEY|$KEY|$KEY|5$|$5");
}

static void test_faults(void **state) {
  (void)state;
  assert_string_equal(split("a 'b"), "error: the command's line 1, column 3: this ' is never closed");
  assert_string_equal(split("a \\\n  \"b\n\n"), "error: the command's line 2, column 3: this \" is never closed");
  assert_string_equal(split("$'ab\\'"), "error: the command's line 1, column 1: this $' is never closed");
  assert_non_null(strstr(split("$'\\u'"), "hexadecimal"));
  assert_non_null(strstr(split("$'\\u0000'"), "no such character"));
  assert_non_null(strstr(split("$'\\U00110000'"), "no such character"));
  assert_non_null(strstr(split("$'\\0'"), "a byte of 0"));
  assert_non_null(strstr(split("$'\\x'"), "a byte of 0"));
  struct sp_shell_words words;
  struct sp_err err;
  assert_int_equal(sp_shell_split(sp_str_of("a\0b", 3), &words, &err), SP_EUSAGE);
}

static void test_windows_is_refused(void **state) {
  (void)state;
  static const char *const commands[] = {"curl ^\"http://x^\" ^\n  -H ^\"a: b^\"",
                                         "curl \"http://x\" ^\r\n  -H \"a: b\"", "curl \"http://x\" ^\n -d 1", NULL};
  for (size_t i = 0; commands[i]; i++) assert_non_null(strstr(split(commands[i]), "copy it as 'cURL (bash)'"));
  assert_string_equal(split("a '^\"' x^y ^"), "a|^\"|x^y|^");
}

static void test_caps(void **state) {
  (void)state;
  struct sp_shell_words words;
  struct sp_err err = {0};
  size_t len = 2 * SP_SHELL_WORDS_MAX + 2;
  char *text = malloc(len);
  for (size_t i = 0; i < len; i += 2) text[i] = 'a', text[i + 1] = ' ';
  assert_int_equal(sp_shell_split(sp_str_of(text, len), &words, &err), SP_ELIMIT);
  assert_int_equal(sp_shell_split(sp_str_of(text, len - 2), &words, &err), 0);
  assert_int_equal(words.count, SP_SHELL_WORDS_MAX);
  sp_shell_words_fini(&words);
  free(text);
}

/* Every beginning of a command is taken or refused with a sentence. */
static void test_cut_everywhere(void **state) {
  (void)state;
  static const char text[] = "curl -H \"a: \\\"b\" \\\r\n $'\\u4f60\\ud83d\\ude00\\x41\\n' 'q' 2> f $X | y";
  for (size_t cut = 0; cut < sizeof(text); cut++) {
    char begin[sizeof(text)];
    snprintf(begin, cut + 1, "%s", text);
    assert_true(strncmp(split(begin), "curl", cut < 4 ? cut : 4) == 0 ||
                strstr(split(begin), "error: the command's line"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),          cmocka_unit_test(test_ansi_quotes),
      cmocka_unit_test(test_variables),      cmocka_unit_test(test_what_stands_behind),
      cmocka_unit_test(test_faults),         cmocka_unit_test(test_windows_is_refused),
      cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_caps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
