#include "base/base64.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static void test_append_grows_and_terminates(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 1 << 20);
  assert_null(buf.bytes);
  for (size_t i = 0; i < 10000; i++) {
    assert_int_equal(sp_buf_append_char(&buf, (char)('a' + i % 26)), SP_OK);
    assert_int_equal(buf.len, i + 1);
    assert_int_equal(buf.bytes[buf.len], '\0');
  }
  for (size_t i = 0; i < 10000; i++) assert_int_equal(buf.bytes[i], (char)('a' + i % 26));
  sp_buf_fini(&buf);
}

static void test_append_kinds(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 100);
  assert_int_equal(sp_buf_append(&buf, "a\0b", 3), SP_OK);
  assert_int_equal(sp_buf_append_str(&buf, SP_STR("cd")), SP_OK);
  assert_int_equal(sp_buf_append_str(&buf, sp_str_of(NULL, 0)), SP_OK);
  assert_int_equal(sp_buf_append_text(&buf, "ef"), SP_OK);
  assert_int_equal(sp_buf_printf(&buf, "%d", 42), SP_OK);
  assert_true(sp_str_eq(sp_buf_str(&buf), SP_STR("a\0bcdef42")));
  sp_buf_fini(&buf);
  assert_null(buf.bytes);
  assert_int_equal(buf.max, 100);
  assert_int_equal(sp_buf_append_text(&buf, "again"), SP_OK);
  sp_buf_fini(&buf);
}

static void test_the_maximum_holds(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 10);
  assert_int_equal(sp_buf_append_text(&buf, "0123456789"), SP_OK); /* exactly full */
  assert_int_equal(sp_buf_append_char(&buf, 'x'), SP_ELIMIT);
  assert_int_equal(sp_buf_printf(&buf, "%d", 1), SP_ELIMIT);
  assert_int_equal(sp_buf_append(&buf, "", 0), SP_OK);
  assert_int_equal(sp_buf_printf(&buf, "%s", ""), SP_OK);
  assert_string_equal(buf.bytes, "0123456789");
  sp_buf_consume(&buf, 4);
  assert_int_equal(sp_buf_append_text(&buf, "abcde"), SP_ELIMIT); /* one too many: nothing of it */
  assert_string_equal(buf.bytes, "456789");
  assert_int_equal(sp_buf_append_text(&buf, "abcd"), SP_OK);
  assert_string_equal(buf.bytes, "456789abcd");
  assert_true(buf.cap <= 10);
  sp_buf_fini(&buf);
}

static void test_sizes_that_would_wrap(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, SIZE_MAX);
  assert_int_equal(sp_buf_append_text(&buf, "ab"), SP_OK);
  assert_int_equal(sp_buf_reserve(&buf, SIZE_MAX), SP_ELIMIT);
  assert_int_equal(sp_buf_reserve(&buf, SIZE_MAX - 2), SP_ELIMIT);
  assert_string_equal(buf.bytes, "ab");
  sp_buf_fini(&buf);
  sp_buf_init(&buf, 0);
  assert_int_equal(sp_buf_append(&buf, NULL, 0), SP_OK);
  assert_string_equal(buf.bytes, "");
  assert_int_equal(sp_buf_append_char(&buf, 'x'), SP_ELIMIT);
  sp_buf_fini(&buf);
}

static void test_reserve_keeps_the_promise(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 1000);
  assert_int_equal(sp_buf_reserve(&buf, 0), SP_OK);
  assert_string_equal(buf.bytes, "");
  assert_int_equal(sp_buf_reserve(&buf, 700), SP_OK);
  assert_true(buf.cap >= 700);
  char *before = buf.bytes;
  memset(buf.bytes, 'z', 700);
  buf.len = 700;
  assert_int_equal(sp_buf_reserve(&buf, 0), SP_OK);
  assert_ptr_equal(buf.bytes, before);
  assert_int_equal(sp_buf_reserve(&buf, 301), SP_ELIMIT);
  sp_buf_fini(&buf);
}

static void test_printf_of_every_length(void **state) {
  (void)state;
  char text[300];
  for (size_t len = 0; len < sizeof(text); len++) { /* below, at and beyond the room that is there */
    struct sp_buf buf;
    sp_buf_init(&buf, 512);
    memset(text, 'p', len);
    text[len] = '\0';
    assert_int_equal(sp_buf_append_text(&buf, "front "), SP_OK);
    assert_int_equal(sp_buf_printf(&buf, "%s|", text), SP_OK);
    assert_int_equal(buf.len, 6 + len + 1);
    assert_memory_equal(buf.bytes + 6, text, len);
    assert_string_equal(buf.bytes + 6 + len, "|");
    sp_buf_fini(&buf);
  }
}

static void test_printf_past_the_maximum_leaves_no_trace(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 70);
  assert_int_equal(sp_buf_append_text(&buf, "kept"), SP_OK);
  assert_int_equal(sp_buf_printf(&buf, "%080d", 1), SP_ELIMIT);
  assert_string_equal(buf.bytes, "kept");
  assert_int_equal(buf.len, 4);
  sp_buf_fini(&buf);
}

static void test_clear_consume_take(void **state) {
  (void)state;
  struct sp_buf buf;
  sp_buf_init(&buf, 100);
  sp_buf_clear(&buf);
  sp_buf_consume(&buf, 0);
  char *empty = sp_buf_take(&buf);
  assert_string_equal(empty, "");
  free(empty);
  assert_int_equal(sp_buf_append_text(&buf, "abcdef"), SP_OK);
  sp_buf_consume(&buf, 2);
  assert_string_equal(buf.bytes, "cdef");
  sp_buf_consume(&buf, 4);
  assert_string_equal(buf.bytes, "");
  assert_int_equal(sp_buf_append_text(&buf, "xy"), SP_OK);
  char *taken = sp_buf_take(&buf);
  assert_string_equal(taken, "xy");
  free(taken);
  assert_null(buf.bytes);
  assert_int_equal(buf.len, 0);
  assert_int_equal(buf.max, 100);
  assert_int_equal(sp_buf_append_text(&buf, "new"), SP_OK);
  char *kept = buf.bytes;
  sp_buf_clear(&buf);
  assert_string_equal(buf.bytes, "");
  assert_ptr_equal(buf.bytes, kept);
  sp_buf_fini(&buf);
}

static void check_base64(const char *raw, const char *expected) {
  struct sp_buf out;
  sp_buf_init(&out, 100);
  assert_int_equal(sp_base64_append(sp_str_from(raw), &out), SP_OK);
  assert_string_equal(out.bytes ? out.bytes : "", expected);
  sp_buf_fini(&out);
}

static void test_base64(void **state) { /* RFC 4648 §10 */
  (void)state;
  check_base64("", "");
  check_base64("f", "Zg==");
  check_base64("fo", "Zm8=");
  check_base64("foo", "Zm9v");
  check_base64("foobar", "Zm9vYmFy");
  check_base64("\xff\xfe\xfb", "//77");
  struct sp_buf small;
  sp_buf_init(&small, 4);
  assert_int_equal(sp_base64_append(SP_STR("foob"), &small), SP_ELIMIT);
  sp_buf_fini(&small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_append_grows_and_terminates),
    cmocka_unit_test(test_append_kinds),
    cmocka_unit_test(test_the_maximum_holds),
    cmocka_unit_test(test_sizes_that_would_wrap),
    cmocka_unit_test(test_reserve_keeps_the_promise),
    cmocka_unit_test(test_printf_of_every_length),
    cmocka_unit_test(test_printf_past_the_maximum_leaves_no_trace),
    cmocka_unit_test(test_clear_consume_take),
    cmocka_unit_test(test_base64),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
