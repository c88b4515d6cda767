#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_slices(void **state) {
  (void)state;
  assert_int_equal(sp_str_from(NULL).len, 0);
  assert_int_equal(sp_str_from("abc").len, 3);
  assert_int_equal(SP_STR("a\0b").len, 3);
  assert_true(sp_str_eq(SP_STR(""), sp_str_of(NULL, 0)));
  assert_true(sp_str_eq(SP_STR("a\0b"), SP_STR("a\0b")));
  assert_false(sp_str_eq(SP_STR("a\0b"), SP_STR("a\0c")));
  assert_false(sp_str_eq(SP_STR("ab"), SP_STR("abc")));
}

static void test_ieq_is_ascii_only(void **state) {
  (void)state;
  assert_true(sp_str_ieq(SP_STR("Content-LENGTH"), SP_STR("content-length")));
  assert_true(sp_str_ieq(sp_str_of(NULL, 0), SP_STR("")));
  assert_false(sp_str_ieq(SP_STR("ab"), SP_STR("abc")));
  assert_false(sp_str_ieq(SP_STR("[bc"), SP_STR("{bc"))); /* 0x20 apart, no letters */
  assert_false(sp_str_ieq(SP_STR("@"), SP_STR("`")));
  assert_false(sp_str_ieq(SP_STR("\xc3\x84"), SP_STR("\xc3\xa4"))); /* Ä, ä */
}

static void test_starts(void **state) {
  (void)state;
  assert_true(sp_str_starts(SP_STR("data: x"), SP_STR("data:")));
  assert_true(sp_str_starts(SP_STR("x"), SP_STR("")));
  assert_true(sp_str_starts(sp_str_of(NULL, 0), SP_STR("")));
  assert_false(sp_str_starts(SP_STR("da"), SP_STR("data")));
  assert_false(sp_str_starts(SP_STR("Data"), SP_STR("data")));
}

static void test_trim(void **state) {
  (void)state;
  assert_true(sp_str_eq(sp_str_trim(SP_STR(" \t\r\na b\r\n ")), SP_STR("a b")));
  assert_true(sp_str_eq(sp_str_trim(SP_STR("ab")), SP_STR("ab")));
  assert_int_equal(sp_str_trim(SP_STR(" \t ")).len, 0);
  assert_int_equal(sp_str_trim(sp_str_of(NULL, 0)).len, 0);
  assert_true(sp_str_eq(sp_str_trim(SP_STR("\v")), SP_STR("\v")));
}

static void test_split(void **state) {
  (void)state;
  struct sp_str rest = SP_STR("a,,bc,");
  assert_true(sp_str_eq(sp_str_split(&rest, ','), SP_STR("a")));
  assert_true(sp_str_eq(sp_str_split(&rest, ','), SP_STR("")));
  assert_true(sp_str_eq(sp_str_split(&rest, ','), SP_STR("bc")));
  assert_int_equal(rest.len, 0);
  assert_non_null(rest.bytes); /* there was a separator: one more (empty) part follows */
  assert_true(sp_str_eq(sp_str_split(&rest, ','), SP_STR("")));
  assert_null(rest.bytes);
  assert_int_equal(sp_str_split(&rest, ',').len, 0);
  rest = SP_STR("whole");
  assert_true(sp_str_eq(sp_str_split(&rest, ','), SP_STR("whole")));
  assert_null(rest.bytes);
}

static void test_matches(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *text;
    bool match;
  } cases[] = {
    { "", "", true },           { "", "a", false },        { "*", "", true },          { "***", "", true },
    { "a", "a", true },         { "a", "b", false },       { "a", "", false },         { "a*", "abc", true },
    { "*c", "abc", true },      { "*b*", "abc", true },    { "a*c", "abcbc", true },   { "a*d", "abcbc", false },
    { "a?c", "abc", true },     { "a?c", "ac", false },    { "?", "", false },         { "*?", "a", true },
    { "?*?", "a", false },      { "*a*b*c", "xaybzc", true }, { "*ab*ab", "abab", true }, { "*ab*ab", "ab", false },
    { "simple*", "Simple", false }, { "?", "\xe7\xae\x80", true }, { "??", "\xe7\xae\x80", false },
    { "*??", "\xe7\xae\x80", false }, { "?\xe5\x8d\x95", "\xe7\xae\x80\xe5\x8d\x95", true }, { "?", "\x80", true },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
    if (sp_str_matches(cases[i].pattern, cases[i].text) != cases[i].match)
      fail_msg("'%s' against '%s' should give %d", cases[i].pattern, cases[i].text, cases[i].match);
}

static void test_matches_does_not_explode(void **state) {
  (void)state;
  char text[2001];
  memset(text, 'a', 2000);
  text[2000] = '\0';
  assert_false(sp_str_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static const char *next_option(const void *table, size_t i) { return ((const char *const *)table)[i]; }

static void test_nearest(void **state) {
  (void)state;
  static const char *const options[] = { "run",   "try",  "capacity", "serve",    "mock",   "demo",   "history",
                                         "users", "host", "task",     "run-time", "stages", "--seed", "spawn-rate",
                                         NULL };
  static const struct {
    const char *word, *nearest;
  } cases[] = {
    { "rnu", "run" },        { "runn", "run" },     { "RUN", "run" },         { "usres", "users" },
    { "user", "users" },     { "histroy", "history" }, { "capasity", "capacity" }, { "cap", "capacity" },
    { "capac", "capacity" }, { "spawnrate", "spawn-rate" }, { "spwan-rte", "spawn-rate" }, { "runtime", "run-time" },
    { "mokc", "mock" },      { "--sed", "--seed" }, { "xyzzy", NULL },        { "", NULL },
    { "x", NULL },           { "zz", NULL },        { "concurrency", NULL },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    const char *nearest = sp_str_nearest(cases[i].word, next_option, options);
    if (!cases[i].nearest ? nearest != NULL : !nearest || strcmp(nearest, cases[i].nearest) != 0)
      fail_msg("nearest to '%s' is '%s'", cases[i].word, nearest ? nearest : "nothing");
  }
}

static void test_nearest_of_odd_tables(void **state) {
  (void)state;
  static const char *const nothing[] = { NULL };
  assert_null(sp_str_nearest("run", next_option, nothing));
  char long_word[2000];
  memset(long_word, 'r', sizeof(long_word) - 1);
  long_word[sizeof(long_word) - 1] = '\0';
  const char *const options[] = { long_word, "", "run", NULL };
  assert_null(sp_str_nearest(long_word, next_option, options));
  assert_string_equal(sp_str_nearest("rum", next_option, options), "run");
  static const char *const tie[] = { "task-a", "task-b", NULL }; /* the first of equals */
  assert_string_equal(sp_str_nearest("task-x", next_option, tie), "task-a");
}

/* Counts with the bytes against the end of a page, so that a read past them is seen. */
static size_t count_guarded(const char *bytes, size_t len) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  char *at = pages + page - len;
  if (len) memcpy(at, bytes, len);
  size_t count = sp_utf8_count(sp_str_of(at, len));
  munmap(pages, 2 * page);
  return count;
}

static void test_utf8_count(void **state) {
  (void)state;
  static const struct {
    struct sp_str text;
    size_t count;
  } cases[] = {
    { { "", 0 }, 0 },
    { { "abc", 3 }, 3 },
    { { "a\0b", 3 }, 3 },
    { { "\xe7\xae\x80\xe5\x8d\x95", 6 }, 2 },
    { { "\xf0\x9f\x98\x80", 4 }, 1 },
    { { "\xc3\xa4x", 3 }, 2 },
    { { "\x80\x80", 2 }, 2 },     /* stray */
    { { "\xc0\x80", 2 }, 2 },     /* overlong */
    { { "\xe0\x80\x80", 3 }, 3 }, /* overlong */
    { { "\xed\xa0\x80", 3 }, 3 }, /* surrogate */
    { { "\xf4\x90\x80\x80", 4 }, 4 },
    { { "\xff\xfe", 2 }, 2 },
    { { "\xe7\xae" "a", 3 }, 3 }, /* cut by another */
    { { "\xf0\x9f\x98", 3 }, 3 }, /* cut by the end */
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
    if (count_guarded(cases[i].text.bytes, cases[i].text.len) != cases[i].count) fail_msg("case %zu", i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_slices),        cmocka_unit_test(test_ieq_is_ascii_only),
    cmocka_unit_test(test_starts),        cmocka_unit_test(test_trim),
    cmocka_unit_test(test_split),         cmocka_unit_test(test_matches),
    cmocka_unit_test(test_nearest),       cmocka_unit_test(test_matches_does_not_explode),
    cmocka_unit_test(test_utf8_count),    cmocka_unit_test(test_nearest_of_odd_tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
