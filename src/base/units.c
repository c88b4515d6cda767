#include "base/units.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* More digits say nothing about a rate, and a double holds no more of them. */
#define SP_NUMBER_DIGITS_MAX 18

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* -- durations -- */

static const struct duration_unit {
  struct sp_str name;
  int64_t ns;
} duration_units[] = { /* the order in which they may follow one another */
  { { "h", 1 }, 3600 * SP_NS_PER_S }, { { "m", 1 }, 60 * SP_NS_PER_S }, { { "s", 1 }, SP_NS_PER_S },
  { { "ms", 2 }, SP_NS_PER_MS },      { { "us", 2 }, SP_NS_PER_US },
};
enum { DURATION_UNITS = sizeof(duration_units) / sizeof(*duration_units), UNIT_SECOND = 2 };

static int bad_duration(struct sp_err *err, const char *text, const char *why) {
  return sp_fail(err, SP_EUSAGE, "'%s' is no duration: %s (write 5m30s, 1.5s or 250ms)", text, why);
}

/* A number as it stands: the digits before the point, and those behind it. */
struct number {
  struct sp_str whole, fraction;
};

/* Reads digits [. digits] at *at and moves it behind them. False when there is no such number. */
static bool read_number(const char **at, struct number *number) {
  const char *p = *at;
  while (is_digit(*p)) p++;
  number->whole = sp_str_of(*at, (size_t)(p - *at));
  number->fraction = sp_str_of(p, 0);
  if (number->whole.len == 0) return false;
  if (*p == '.') {
    const char *start = ++p;
    while (is_digit(*p)) p++;
    number->fraction = sp_str_of(start, (size_t)(p - start));
    if (number->fraction.len == 0) return false;
  }
  *at = p;
  return true;
}

/* total += number of unit; false when it overflows. What is finer than a nanosecond is cut. */
static bool add_part(int64_t *total_ns, const struct number *number, int64_t unit_ns) {
  int64_t value = 0;
  for (size_t i = 0; i < number->whole.len; i++)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, number->whole.bytes[i] - '0', &value))
      return false;
  if (__builtin_mul_overflow(value, unit_ns, &value)) return false;
  int64_t place_ns = unit_ns, below = 0;
  for (size_t i = 0; i < number->fraction.len; i++) below += (number->fraction.bytes[i] - '0') * (place_ns /= 10);
  return !__builtin_add_overflow(value, below, &value) && !__builtin_add_overflow(*total_ns, value, total_ns) &&
         *total_ns != SP_NEVER_NS;
}

/* Reads a unit's letters at *at; returns its index, DURATION_UNITS for none, -1 for an unknown one. */
static int read_unit(const char **at, struct sp_str *name) {
  const char *p = *at;
  while (is_letter(*p)) p++;
  *name = sp_str_of(*at, (size_t)(p - *at));
  *at = p;
  if (name->len == 0) return DURATION_UNITS;
  for (int i = 0; i < DURATION_UNITS; i++)
    if (sp_str_eq(duration_units[i].name, *name)) return i;
  return -1;
}

static void skip_spaces(const char **at) { *at += strspn(*at, " "); }

int sp_parse_duration(const char *text, int64_t *out_ns, struct sp_err *err) {
  const char *at = text;
  int64_t total_ns = 0;
  int last_unit = -1;
  skip_spaces(&at);
  if (*at == '\0') return bad_duration(err, text, "it is empty");
  if (*at == '-') return bad_duration(err, text, "it is negative");
  while (*at) {
    struct number number;
    struct sp_str name;
    if (!read_number(&at, &number)) return bad_duration(err, text, "a number is missing");
    skip_spaces(&at);
    int unit = read_unit(&at, &name);
    if (unit < 0) return bad_duration(err, text, "the units are h, m, s, ms and us");
    skip_spaces(&at);
    if (unit == DURATION_UNITS) { /* a bare number is seconds, when it is all there is */
      if (*at) return bad_duration(err, text, "there is something that is neither digit nor unit");
      if (last_unit >= 0) return bad_duration(err, text, "the last number has no unit");
      unit = UNIT_SECOND;
    }
    if (unit <= last_unit) return bad_duration(err, text, "each unit stands once, the larger first");
    last_unit = unit;
    if (!add_part(&total_ns, &number, duration_units[unit].ns)) return bad_duration(err, text, "it is too long");
  }
  *out_ns = total_ns;
  return SP_OK;
}

/* -- rates and counts -- */

static int bad_rate(struct sp_err *err, const char *text, const char *why) {
  return sp_fail(err, SP_EUSAGE, "'%s' is no rate: %s (write 20/s, 0.5/s or 90/m)", text, why);
}

/* Not strtod: that reads hexadecimal, infinities and what the locale likes. */
static double number_value(const struct number *number) {
  double value = 0;
  for (size_t i = 0; i < number->whole.len; i++) value = value * 10 + (number->whole.bytes[i] - '0');
  double fraction = 0, scale = 1;
  for (size_t i = 0; i < number->fraction.len; i++) {
    fraction = fraction * 10 + (number->fraction.bytes[i] - '0');
    scale *= 10;
  }
  return value + fraction / scale;
}

int sp_parse_rate(const char *text, double *out_per_s, struct sp_err *err) {
  const char *at = text;
  struct number number;
  if (*at == '\0') return bad_rate(err, text, "it is empty");
  if (*at == '-') return bad_rate(err, text, "it is negative");
  if (!read_number(&at, &number)) return bad_rate(err, text, "it does not begin with a number");
  if (number.whole.len + number.fraction.len > SP_NUMBER_DIGITS_MAX)
    return bad_rate(err, text, "it has too many digits");
  double per_s = number_value(&number);
  if (strcmp(at, "/m") == 0)
    per_s /= 60;
  else if (strcmp(at, "/h") == 0)
    per_s /= 3600;
  else if (*at && strcmp(at, "/s") != 0)
    return bad_rate(err, text, "behind the number stands /s, /m, /h or nothing");
  *out_per_s = per_s;
  return SP_OK;
}

static int bad_count(struct sp_err *err, const char *text, const char *why) {
  return sp_fail(err, SP_EUSAGE, "'%s' is no whole number: %s (write 50, 10_000 or 10k)", text, why);
}

int sp_parse_count(const char *text, uint64_t *out, struct sp_err *err) {
  uint64_t value = 0;
  const char *p = text;
  if (*p == '\0') return bad_count(err, text, "it is empty");
  if (*p == '-') return bad_count(err, text, "it is negative");
  if (!is_digit(*p)) return bad_count(err, text, "it does not begin with a digit");
  for (; is_digit(*p) || (*p == '_' && is_digit(p[1])); p++) {
    if (*p == '_') continue;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
      return bad_count(err, text, "it is too large");
  }
  if (*p == 'k') {
    if (__builtin_mul_overflow(value, 1000, &value)) return bad_count(err, text, "it is too large");
    p++;
  }
  if (*p) return bad_count(err, text, "behind the digits stands k or nothing");
  *out = value;
  return SP_OK;
}

/* -- writing -- */

/* Three digits, as many as a measurement deserves: "0.35", "9.87", "12.3", "845". The borders are where rounding
 * would add a digit. value < 9999.5 */
static void format_three(double value, char *text, size_t size) {
  snprintf(text, size, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

static void format_scaled(double value, const char *unit, char *text, size_t size) {
  char number[16];
  format_three(value, number, sizeof(number));
  snprintf(text, size, "%s %s", number, unit);
}

static void format_long_duration(int64_t seconds, char *text, size_t size) {
  int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (hours == 0)
    snprintf(text, size, "%" PRId64 "m %02" PRId64 "s", minutes, seconds % 60);
  else if (hours < 100)
    snprintf(text, size, "%" PRId64 "h %02" PRId64 "m", hours, minutes % 60);
  else if (days < 1000)
    snprintf(text, size, "%" PRId64 "d %02" PRId64 "h", days, hours % 24);
  else
    snprintf(text, size, "%" PRId64 "d", days);
}

char *sp_format_duration(int64_t ns, char *text, size_t size) {
  char *start = text;
  double value = (double)ns;
  if (ns < 0) {
    if (size > 1) {
      *text++ = '-';
      size--;
    }
    value = -value;
    ns = ns == INT64_MIN ? INT64_MAX : -ns;
  }
  if (ns == 0)
    snprintf(text, size, "0 s");
  else if (ns < SP_NS_PER_US)
    snprintf(text, size, "%d ns", (int)ns);
  else if (ns < 100 * SP_NS_PER_US)
    format_scaled(value / 1e3, "us", text, size);
  else if (ns < 999500 * SP_NS_PER_US)
    format_scaled(value / 1e6, "ms", text, size);
  else if (ns < 59950 * SP_NS_PER_MS)
    format_scaled(value / 1e9, "s", text, size);
  else
    format_long_duration(ns / SP_NS_PER_S + (ns % SP_NS_PER_S >= SP_NS_PER_S / 2), text, size);
  return start;
}

char *sp_format_ms(double ms, char *text, size_t size) {
  if (!isfinite(ms)) {
    snprintf(text, size, "n/a");
  } else if (fabs(ms) < 999.5) {
    snprintf(text, size, "%s", ms < 0 ? "-" : "");
    size_t len = strlen(text);
    format_three(fabs(ms), text + len, size - len);
  } else if (fabs(ms) < 1e15) {
    snprintf(text, size, "%s", ms < 0 ? "-" : "");
    size_t len = strlen(text);
    sp_format_count((uint64_t)llround(fabs(ms)), text + len, size - len);
  } else {
    snprintf(text, size, "%.2e", ms);
  }
  return text;
}

char *sp_format_count(uint64_t n, char *text, size_t size) {
  char digits[24], grouped[SP_UNIT_TEXT_SIZE];
  size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), out = 0;
  for (size_t i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) grouped[out++] = ',';
    grouped[out++] = digits[i];
  }
  grouped[out] = '\0';
  snprintf(text, size, "%s", grouped);
  return text;
}

char *sp_format_bytes(uint64_t n, char *text, size_t size) {
  static const char units[][4] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
  if (n < 1024) {
    snprintf(text, size, "%d B", (int)n);
    return text;
  }
  double value = (double)n / 1024;
  size_t unit = 0;
  for (; value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(*units); unit++) value /= 1024;
  snprintf(text, size, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
  return text;
}
