#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/clean.h"

#include <stdlib.h>

static void assert_cleans(struct sp_str in, size_t max, const char *want) {
  char out[64];
  char *exact = malloc(in.len + 1); /* the sanitizer sees a read past the end */
  assert_non_null(exact);
  memcpy(exact, in.bytes, in.len);
  char *copy = realloc(exact, in.len > 0 ? in.len : 1);
  assert_non_null(copy);
  assert_true(max <= sizeof(out) - 1);
  size_t len = sp_clean_text(out, max, sp_str_of(copy, in.len));
  out[len] = 0;
  assert_string_equal(out, want);
  free(copy);
}

static void text_stays(void **state) {
  (void)state;
  assert_cleans(SP_STR(""), 10, "");
  assert_cleans(SP_STR("plain text"), 60, "plain text");
  assert_cleans(SP_STR("请简单介绍一下你自己 é 😀"), 60, "请简单介绍一下你自己 é 😀");
}

static void control_characters_become_spaces(void **state) {
  (void)state;
  assert_cleans(SP_STR("a\r\nb\tc\0d\x7f\x1b[2J"), 60, "a  b c d  [2J");
  assert_cleans(SP_STR("\xc2\x9b" "31m"), 60, " 31m"); /* C1: the 8-bit CSI */
}

static void bad_bytes_become_question_marks(void **state) {
  (void)state;
  assert_cleans(SP_STR("\xff\xfe"), 60, "??");
  assert_cleans(SP_STR("\xc0\xaf"), 60, "??");             /* overlong */
  assert_cleans(SP_STR("\xed\xa0\x80"), 60, "???");        /* a surrogate */
  assert_cleans(SP_STR("\xf4\x90\x80\x80"), 60, "????");   /* past U+10FFFF */
  assert_cleans(SP_STR("\xe8\xaf"), 60, "??");             /* cut */
  assert_cleans(SP_STR("\xe8\xaf" "x"), 60, "??x");
}

static void cut_between_characters(void **state) {
  (void)state;
  assert_cleans(SP_STR("请简"), 6, "请简");
  assert_cleans(SP_STR("请简"), 5, "请");
  assert_cleans(SP_STR("请简"), 2, "");
  assert_cleans(SP_STR("abc"), 2, "ab");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_stays),
    cmocka_unit_test(control_characters_become_spaces),
    cmocka_unit_test(bad_bytes_become_question_marks),
    cmocka_unit_test(cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
