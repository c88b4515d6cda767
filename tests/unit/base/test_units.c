#include "base/clock.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static void test_durations(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ns;
  } cases[] = {
    { "5m30s", 330 * SP_NS_PER_S },
    { "1h", 3600 * SP_NS_PER_S },
    { "250ms", 250 * SP_NS_PER_MS },
    { "1.5s", 1500 * SP_NS_PER_MS },
    { "90", 90 * SP_NS_PER_S },
    { "0.25", 250 * SP_NS_PER_MS },
    { "0", 0 },
    { "0s", 0 },
    { "1h2m3s4ms5us", 3723 * SP_NS_PER_S + 4 * SP_NS_PER_MS + 5 * SP_NS_PER_US },
    { "1.5h", 5400 * SP_NS_PER_S },
    { "0.123456789s", 123456789 },
    { "0.1234567899999s", 123456789 }, /* finer than a nanosecond is cut */
    { "0.0000000000000000000000000001h", 0 },
    { "1.001us", 1001 },
    { "007s", 7 * SP_NS_PER_S },
    { "5m 30s", 330 * SP_NS_PER_S }, /* as we print them */
    { "845 ms", 845 * SP_NS_PER_MS },
    { " 2s ", 2 * SP_NS_PER_S },
    { "9223372036s", INT64_C(9223372036) * SP_NS_PER_S },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    int64_t ns = -1;
    struct sp_err err = { 0 };
    if (sp_parse_duration(cases[i].text, &ns, &err) != SP_OK || ns != cases[i].ns)
      fail_msg("'%s' gave %lld (%s)", cases[i].text, (long long)ns, err.text);
  }
}

static void test_bad_durations(void **state) {
  (void)state;
  static const struct {
    const char *text, *why;
  } cases[] = {
    { "", "empty" },          { "  ", "empty" },        { "-1s", "negative" },     { "5x", "units are" },
    { "5S", "units are" },    { "5sec", "units are" },  { "s", "number" },         { "x", "number" },
    { "1.s", "number" },      { ".5s", "number" },      { "1..5s", "number" },     { "+1s", "number" },
    { "5m30", "no unit" },    { "30s5m", "larger first" }, { "5s5s", "larger first" }, { "1s -1ms", "number" },
    { "5m,30s", "number" },   { "1,5s", "neither" },    { "1e3", "units are" },    { "0x10", "units are" },
    { "5 6", "neither" },     { "inf", "number" },      { "9223372037s", "too long" },
    { "99999999999999999999", "too long" },
    { "2562047h9999999m", "too long" }, { "18446744073709551617s", "too long" }, { "5s\n", "number" },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    int64_t ns = -77;
    struct sp_err err = { 0 };
    if (sp_parse_duration(cases[i].text, &ns, &err) != SP_EUSAGE || ns != -77 || !strstr(err.text, cases[i].why))
      fail_msg("'%s' gave %lld, '%s'", cases[i].text, (long long)ns, err.text);
  }
  int64_t ns;
  assert_int_equal(sp_parse_duration("5x", &ns, NULL), SP_EUSAGE);
  struct sp_err err;
  sp_parse_duration("5x", &ns, &err);
  assert_non_null(strstr(err.text, "'5x'"));
}

static void test_rates(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double per_s;
  } cases[] = {
    { "20/s", 20 }, { "20", 20 },  { "0.5/s", 0.5 },   { "90/m", 1.5 },
    { "1/h", 1.0 / 3600 }, { "0", 0 }, { "0.1", 0.1 }, { "123456789012345678", 123456789012345678.0 },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    double per_s = -1;
    assert_int_equal(sp_parse_rate(cases[i].text, &per_s, NULL), SP_OK);
    assert_true(fabs(per_s - cases[i].per_s) <= 1e-12 * cases[i].per_s);
  }
}

static void test_bad_rates(void **state) {
  (void)state;
  static const char *const texts[] = { "",     "-1",    "/s",   "x",    "20/",    "20/x",  "20 /s", "20/ms", "1e3",
                                       "0x10", "inf",   "nan",  "1.",   ".5",     "1..5",  "20/ss", "20s",   " 20",
                                       "1,5",  "12345678901234567890", "1.12345678901234567890" };
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    double per_s = -77;
    struct sp_err err = { 0 };
    if (sp_parse_rate(texts[i], &per_s, &err) != SP_EUSAGE || per_s > -77 || !strstr(err.text, texts[i]))
      fail_msg("'%s' gave %g, '%s'", texts[i], per_s, err.text);
  }
}

static void test_counts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t value;
  } cases[] = {
    { "0", 0 },        { "50", 50 },     { "10_000", 10000 },
    { "10k", 10000 },  { "1_0k", 10000 }, { "18446744073709551615", UINT64_MAX },
    { "0007", 7 },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    uint64_t value = 77;
    assert_int_equal(sp_parse_count(cases[i].text, &value, NULL), SP_OK);
    assert_true(value == cases[i].value);
  }
}

static void test_bad_counts(void **state) {
  (void)state;
  static const char *const texts[] = { "",    "-1", "+1",  "k",    "_1",   "1_",   "1__0", "1.5",
                                       "10kk", "10K", "10 ", " 10", "0x10", "1e3",  "ten",  "18446744073709551616",
                                       "18446744073709552k" };
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    uint64_t value = 77;
    struct sp_err err = { 0 };
    if (sp_parse_count(texts[i], &value, &err) != SP_EUSAGE || value != 77 || !strstr(err.text, texts[i]))
      fail_msg("'%s' gave %llu, '%s'", texts[i], (unsigned long long)value, err.text);
  }
}

static void check_duration(int64_t ns, const char *expected) {
  char text[SP_UNIT_TEXT_SIZE];
  assert_string_equal(sp_format_duration(ns, text, sizeof(text)), expected);
}

static void test_format_duration(void **state) {
  (void)state;
  check_duration(0, "0 s");
  check_duration(1, "1 ns");
  check_duration(999, "999 ns");
  check_duration(1000, "1.00 us");
  check_duration(12340, "12.3 us");
  check_duration(350 * SP_NS_PER_US, "0.35 ms");
  check_duration(9994 * SP_NS_PER_US, "9.99 ms");
  check_duration(9996 * SP_NS_PER_US, "10.0 ms");
  check_duration(12340 * SP_NS_PER_US, "12.3 ms");
  check_duration(99960 * SP_NS_PER_US, "100 ms");
  check_duration(845 * SP_NS_PER_MS, "845 ms");
  check_duration(999600 * SP_NS_PER_US, "1.00 s"); /* not "1000 ms" */
  check_duration(1234 * SP_NS_PER_MS, "1.23 s");
  check_duration(12300 * SP_NS_PER_MS, "12.3 s");
  check_duration(59940 * SP_NS_PER_MS, "59.9 s");
  check_duration(59960 * SP_NS_PER_MS, "1m 00s"); /* not "60.0 s" */
  check_duration(330 * SP_NS_PER_S, "5m 30s");
  check_duration(3599 * SP_NS_PER_S, "59m 59s");
  check_duration(3599500 * SP_NS_PER_MS, "1h 00m");
  check_duration(3720 * SP_NS_PER_S, "1h 02m");
  check_duration(99 * 3600 * SP_NS_PER_S, "99h 00m");
  check_duration(100 * 3600 * SP_NS_PER_S, "4d 04h");
  check_duration(INT64_MAX, "106751d");
  check_duration(-12300 * SP_NS_PER_MS, "-12.3 s");
  check_duration(INT64_MIN, "-106751d");
}

static void test_format_duration_fits_a_column(void **state) {
  (void)state;
  for (int64_t ns = 1; ns < INT64_MAX / 3; ns = ns * 2 + ns / 7 + 1) {
    char text[SP_UNIT_TEXT_SIZE];
    assert_in_range(strlen(sp_format_duration(ns, text, sizeof(text))), 3, 8);
  }
}

static void check_ms(double ms, const char *expected) {
  char text[SP_UNIT_TEXT_SIZE];
  assert_string_equal(sp_format_ms(ms, text, sizeof(text)), expected);
}

static void test_format_ms(void **state) {
  (void)state;
  check_ms(0, "0.00");
  check_ms(0.35, "0.35");
  check_ms(9.994, "9.99");
  check_ms(9.996, "10.0");
  check_ms(12.44, "12.4");
  check_ms(99.96, "100");
  check_ms(845, "845");
  check_ms(999.4, "999");
  check_ms(999.6, "1,000");
  check_ms(12345.4, "12,345");
  check_ms(1234567, "1,234,567");
  check_ms(-0.5, "-0.50");
  check_ms(-12345, "-12,345");
  check_ms((double)NAN, "n/a");
  check_ms((double)INFINITY, "n/a");
  check_ms(1e20, "1.00e+20");
}

static void test_format_count(void **state) {
  (void)state;
  char text[SP_UNIT_TEXT_SIZE];
  assert_string_equal(sp_format_count(0, text, sizeof(text)), "0");
  assert_string_equal(sp_format_count(999, text, sizeof(text)), "999");
  assert_string_equal(sp_format_count(1000, text, sizeof(text)), "1,000");
  assert_string_equal(sp_format_count(12345, text, sizeof(text)), "12,345");
  assert_string_equal(sp_format_count(UINT64_MAX, text, sizeof(text)), "18,446,744,073,709,551,615");
}

static void test_format_bytes(void **state) {
  (void)state;
  char text[SP_UNIT_TEXT_SIZE];
  assert_string_equal(sp_format_bytes(0, text, sizeof(text)), "0 B");
  assert_string_equal(sp_format_bytes(1023, text, sizeof(text)), "1023 B");
  assert_string_equal(sp_format_bytes(1024, text, sizeof(text)), "1.0 KiB");
  assert_string_equal(sp_format_bytes(1258291, text, sizeof(text)), "1.2 MiB");
  assert_string_equal(sp_format_bytes(845 * 1024, text, sizeof(text)), "845 KiB");
  assert_string_equal(sp_format_bytes(1024 * 1024 - 1, text, sizeof(text)), "1.0 MiB"); /* not "1024 KiB" */
  assert_string_equal(sp_format_bytes(UINT64_MAX, text, sizeof(text)), "16.0 EiB");
}

static void test_small_rooms_are_kept(void **state) {
  (void)state;
  for (size_t size = 1; size < 8; size++) {
    char text[16];
    memset(text, '#', sizeof(text));
    sp_format_duration(-330 * SP_NS_PER_S, text, size);
    sp_format_ms(-12345, text, size);
    sp_format_ms(-9.5, text, size);
    sp_format_count(1234567, text, size);
    sp_format_bytes(1234567, text, size);
    assert_true(strlen(text) < size);
    assert_int_equal(text[size], '#');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_durations),
    cmocka_unit_test(test_bad_durations),
    cmocka_unit_test(test_rates),
    cmocka_unit_test(test_bad_rates),
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_bad_counts),
    cmocka_unit_test(test_format_duration),
    cmocka_unit_test(test_format_duration_fits_a_column),
    cmocka_unit_test(test_format_ms),
    cmocka_unit_test(test_format_count),
    cmocka_unit_test(test_format_bytes),
    cmocka_unit_test(test_small_rooms_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
