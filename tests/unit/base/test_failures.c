/* err, check and mem: what happens when things go wrong. */
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a child; returns its wait status and what it wrote to standard error. */
static int run_child(void (*fn)(void), char *text, size_t size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    signal(SIGABRT, SIG_DFL); /* cmocka's handler would report a failed test */
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    fn();
    _exit(0);
  }
  close(ends[1]);
  size_t len = 0;
  ssize_t got;
  while (len + 1 < size && (got = read(ends[0], text + len, size - len - 1)) > 0) len += (size_t)got;
  text[len] = '\0';
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

static void test_fail_fills_and_returns(void **state) {
  (void)state;
  struct sp_err err = { 0 };
  assert_int_equal(sp_fail(&err, SP_EIO, "cannot open '%s'", "x"), SP_EIO);
  assert_int_equal(err.code, SP_EIO);
  assert_string_equal(err.text, "cannot open 'x'");
  assert_int_equal(sp_fail(NULL, SP_ELIMIT, "nobody listens"), SP_ELIMIT);
}

static void test_fail_cuts_long_text(void **state) {
  (void)state;
  struct sp_err err;
  char long_text[3 * SP_ERR_TEXT_MAX];
  memset(long_text, 'a', sizeof(long_text) - 1);
  long_text[sizeof(long_text) - 1] = '\0';
  sp_fail(&err, SP_EPLAN, "%s", long_text);
  assert_int_equal(strlen(err.text), SP_ERR_TEXT_MAX - 1);
}

static void test_fail_takes_its_own_text(void **state) {
  (void)state;
  struct sp_err err;
  sp_fail(&err, SP_EPARSE, "bad byte");
  sp_fail(&err, SP_EPLAN, "line 3: %s (in plan)", err.text);
  assert_string_equal(err.text, "line 3: bad byte (in plan)");
}

static void test_context_stands_in_front(void **state) {
  (void)state;
  struct sp_err err;
  sp_fail(&err, SP_EIO, "no such file");
  assert_int_equal(sp_err_context(&err, "plan '%s'", "p.lua"), SP_EIO);
  assert_int_equal(sp_err_context(&err, "run %d", 2), SP_EIO);
  assert_string_equal(err.text, "run 2: plan 'p.lua': no such file");
}

static void test_context_cuts_at_the_end(void **state) {
  (void)state;
  struct sp_err err;
  sp_fail(&err, SP_EIO, "%*s", SP_ERR_TEXT_MAX - 1, "end");
  sp_err_context(&err, "front");
  assert_int_equal(strlen(err.text), SP_ERR_TEXT_MAX - 1);
  assert_int_equal(strncmp(err.text, "front: ", 7), 0);
}

static void fail_a_check(void) { SP_CHECK(1 + 1 == 3); }

static void test_check_names_the_place_and_aborts(void **state) {
  (void)state;
  SP_CHECK(1 + 1 == 2);
  char text[512];
  int status = run_child(fail_a_check, text, sizeof(text));
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
  assert_non_null(strstr(text, "1 + 1 == 3"));
  assert_non_null(strstr(text, "fail_a_check"));
  assert_non_null(strstr(text, "test_failures.c:"));
}

static void overflow_an_array(void) {
  volatile size_t half = SIZE_MAX / 2;
  free(sp_alloc_array(half, 3));
}

static void test_array_product_is_checked(void **state) {
  (void)state;
  char text[512];
  int status = run_child(overflow_an_array, text, sizeof(text));
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
  assert_non_null(strstr(text, "out of memory"));
}

static void test_memory_is_zeroed_and_never_null(void **state) {
  (void)state;
  unsigned char *bytes = sp_alloc_array(10, 100);
  for (int i = 0; i < 1000; i++) assert_int_equal(bytes[i], 0);
  bytes = sp_realloc(bytes, 2000);
  assert_int_equal(bytes[999], 0);
  free(bytes);
  void *nothing = sp_alloc(0);
  assert_non_null(nothing);
  nothing = sp_realloc(nothing, 0);
  assert_non_null(nothing);
  free(nothing);
}

static void test_strdup(void **state) {
  (void)state;
  assert_null(sp_strdup(NULL));
  char *copy = sp_strdup("abc");
  assert_string_equal(copy, "abc");
  free(copy);
  copy = sp_strndup("a\0b\0c", 3); /* exactly three bytes, NUL or not */
  assert_memory_equal(copy, "a\0b\0", 4);
  free(copy);
  copy = sp_strndup(NULL, 0);
  assert_string_equal(copy, "");
  free(copy);
}

struct outer {
  int before;
  char member;
};

static void test_container_of(void **state) {
  (void)state;
  struct outer outer = { 1, 'x' };
  assert_ptr_equal(sp_container_of(&outer.member, struct outer, member), &outer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fail_fills_and_returns),
    cmocka_unit_test(test_fail_cuts_long_text),
    cmocka_unit_test(test_fail_takes_its_own_text),
    cmocka_unit_test(test_context_stands_in_front),
    cmocka_unit_test(test_context_cuts_at_the_end),
    cmocka_unit_test(test_check_names_the_place_and_aborts),
    cmocka_unit_test(test_array_product_is_checked),
    cmocka_unit_test(test_memory_is_zeroed_and_never_null),
    cmocka_unit_test(test_strdup),
    cmocka_unit_test(test_container_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
