/* Dates as recorded loads have them. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void times(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t s, ns;
  } cases[] = {
    { "1970-01-01T00:00:00Z", 0, 0 },
    { "2026-11-23T16:50:00.123Z", 1795452600, 123000000 },
    { "2026-11-23t16:50:00.123456789z", 1795452600, 123456789 },
    { "2026-11-23 16:50:00.1234567899999Z", 1795452600, 123456789 },
    { "2026-11-23T17:50:00.5+01:00", 1795452600, 500000000 },
    { "2026-11-23T11:20:00-05:30", 1795452600, 0 },
    { "2024-02-29T23:59:60Z", 1709251200, 0 }, /* a leap second */
    { "2000-02-29T00:00:00Z", 951782400, 0 },
    { "2261-12-31T23:59:59Z", INT64_C(9214646399), 0 },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    int64_t real_ns = -1;
    bool taken = sp_clock_parse_rfc3339(sp_str_from(cases[i].text), &real_ns);
    if (!taken || real_ns != cases[i].s * SP_NS_PER_S + cases[i].ns)
      fail_msg("'%s' gave %lld", cases[i].text, (long long)real_ns);
  }
}

static void no_times(void **state) {
  (void)state;
  static const char *const cases[] = {
    "", "2026", "2026-11-23", "2026-11-23T16:50Z", "2026-11-23T16:50:00", "2026-11-23T16:50:00.Z", "2026-11-23T24:00:00Z",
    "2026-11-23T16:60:00Z", "2026-11-23T16:50:61Z", "2026-13-23T16:50:00Z", "2026-00-23T16:50:00Z", "2026-02-29T16:50:00Z",
    "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-11-00T16:50:00Z", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z",
    "2026-11-23T16:50:00+0100", "2026-11-23T16:50:00+24:00", "2026-11-23T16:50:00+01:60", "2026-11-23T16:50:00Z ",
    " 2026-11-23T16:50:00Z", "2026-11-23x16:50:00Z", "-026-11-23T16:50:00Z", "2026-1--23T16:50:00Z" };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    int64_t real_ns;
    if (sp_clock_parse_rfc3339(sp_str_from(cases[i]), &real_ns)) fail_msg("'%s' was taken", cases[i]);
  }
}

/* Every byte of a time matters: none of its beginnings is one. */
static void cut(void **state) {
  (void)state;
  static const char text[] = "2026-11-23T16:50:00.123+01:00";
  for (size_t len = 0; len + 1 < sizeof(text); len++) {
    int64_t real_ns;
    assert_false(sp_clock_parse_rfc3339(sp_str_of(text, len), &real_ns));
  }
}

static void there_and_back(void **state) {
  (void)state;
  for (int64_t s = 0; s < INT64_C(9214646399); s += 86399 * 97) {
    char text[SP_RFC3339_SIZE];
    int64_t again_ns, real_ns = s * SP_NS_PER_S + 7 * SP_NS_PER_MS;
    sp_clock_rfc3339(real_ns, text, sizeof(text));
    assert_true(sp_clock_parse_rfc3339(sp_str_from(text), &again_ns));
    assert_int_equal(again_ns, real_ns);
  }
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(times),
    cmocka_unit_test(no_times),
    cmocka_unit_test(cut),
    cmocka_unit_test(there_and_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
