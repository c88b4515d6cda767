/* Dates of HTTP headers, and Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http_date.h"

#define NOON_1994 INT64_C(784111777) /* RFC 9110's own example: 1994-11-06 08:49:37 */

static int64_t parsed(const char *text) {
  int64_t unix_s = -1;
  return sp_http_date_parse(sp_str_from(text), &unix_s) ? unix_s : -1;
}

static void all_three_forms(void **state) {
  (void)state;
  assert_int_equal(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), NOON_1994);
  assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), NOON_1994);
  assert_int_equal(parsed("Sun Nov  6 08:49:37 1994"), NOON_1994);
  assert_int_equal(parsed("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  assert_int_equal(parsed("Thu, 29 Feb 2024 23:59:60 GMT"), INT64_C(1709251200)); /* a leap second */
  assert_int_equal(parsed("Wednesday, 01-Jan-69 00:00:00 GMT"), INT64_C(3124224000));
}

static void what_is_no_date(void **state) {
  (void)state;
  static const char *const wrong[] = {
    "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06 Nov 994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994 GMT", "06 Nov 1994",
    "Sun, 06 Nov 1994 08:49:37 GMT GMT", "Sun, -6 Nov 1994 08:4a:37 GMT",
  };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    assert_int_equal(parsed(wrong[i]), -1);
  }
}

static int64_t wait_s(const char *value, const char *date, int64_t now_s) {
  return sp_retry_after_s(sp_str_from(value), sp_str_from(date), now_s);
}

static void retry_after(void **state) {
  (void)state;
  assert_int_equal(wait_s("120", "", 0), 120);
  assert_int_equal(wait_s(" 0 ", "", 0), 0);
  assert_int_equal(wait_s("99999999999999999999999", "", 0), 1000000000);
  assert_int_equal(wait_s("Sun, 06 Nov 1994 08:49:37 GMT", "", NOON_1994 - 30), 30);
  assert_int_equal(wait_s("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:30 GMT", 0), 7); /* its clock */
  assert_int_equal(wait_s("Sun, 06 Nov 1994 08:49:37 GMT", "nonsense", NOON_1994 - 3), 3);
  assert_int_equal(wait_s("Sun, 06 Nov 1994 08:49:37 GMT", "", NOON_1994 + 5), 0); /* over already */
  assert_int_equal(wait_s("", "", 0), -1);
  assert_int_equal(wait_s("-1", "", 0), -1);
  assert_int_equal(wait_s("1.5", "", 0), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_three_forms),
    cmocka_unit_test(what_is_no_date),
    cmocka_unit_test(retry_after),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
