#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/nginx_status.h"

#define PAGE                                                                                                                 \
  "Active connections: 291 \nserver accepts handled requests\n 16630950 16630948 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n"

static void the_page(void **state) {
  (void)state;
  struct sp_nginx_status status;
  assert_true(sp_nginx_status_parse(SP_STR(PAGE), &status));
  assert_float_equal(status.active, 291, 0);
  assert_true(status.accepted - status.handled == 2);
  assert_float_equal(status.requests, 31070465, 0);
  assert_float_equal(status.reading, 6, 0);
  assert_float_equal(status.writing, 179, 0);
  assert_float_equal(status.waiting, 106, 0);
}

/* Cut anywhere before its last number it is another page. */
static void cut_or_another_page(void **state) {
  (void)state;
  struct sp_nginx_status status;
  for (size_t len = 0; len < sizeof(PAGE) - 6; len++) assert_false(sp_nginx_status_parse(sp_str_of(PAGE, len), &status));
  assert_false(sp_nginx_status_parse(SP_STR("<html>\n\n\n</html>"), &status));
  struct sp_str below_zero =
      SP_STR("Active connections: -1\nserver accepts handled requests\n1 1 1\nReading: 0 Writing: 0 Waiting: 0\n");
  assert_false(sp_nginx_status_parse(below_zero, &status));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page),
      cmocka_unit_test(cut_or_another_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
