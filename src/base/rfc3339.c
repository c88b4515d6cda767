/* RFC 3339 dates and times, read (base/clock.h). */
#include "base/clock.h"

#include <string.h>
#include <time.h>

static void skip(struct sp_str *text, size_t bytes) { *text = sp_str_of(text->bytes + bytes, text->len - bytes); }

/* Takes so many digits from the front. */
static bool take_number(struct sp_str *text, size_t digits, int *out) {
  *out = 0;
  if (text->len < digits) return false;
  for (size_t i = 0; i < digits; i++) {
    if (text->bytes[i] < '0' || text->bytes[i] > '9') return false;
    *out = *out * 10 + (text->bytes[i] - '0');
  }
  skip(text, digits);
  return true;
}

static bool take_char(struct sp_str *text, const char *any_of) {
  if (text->len == 0 || text->bytes[0] == '\0' || strchr(any_of, text->bytes[0]) == NULL) return false;
  skip(text, 1);
  return true;
}

static int64_t take_fraction_ns(struct sp_str *text) {
  int64_t ns = 0, digit_ns = SP_NS_PER_S / 10;
  while (text->len > 0 && text->bytes[0] >= '0' && text->bytes[0] <= '9') {
    ns += (text->bytes[0] - '0') * digit_ns;
    digit_ns /= 10;
    skip(text, 1);
  }
  return ns;
}

static bool take_offset_s(struct sp_str *text, int *out) {
  *out = 0;
  if (take_char(text, "Zz")) return true;
  if (text->len == 0) return false;
  int sign = text->bytes[0] == '-' ? -1 : 1, hours, minutes;
  if (!take_char(text, "+-") || !take_number(text, 2, &hours) || !take_char(text, ":")) return false;
  if (!take_number(text, 2, &minutes) || hours > 23 || minutes > 59) return false;
  *out = sign * (hours * 3600 + minutes * 60);
  return true;
}

static bool take_date(struct sp_str *text, struct tm *tm) {
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  if (!take_number(text, 4, &tm->tm_year) || !take_char(text, "-")) return false;
  if (!take_number(text, 2, &tm->tm_mon) || !take_char(text, "-") || !take_number(text, 2, &tm->tm_mday)) return false;
  int year = tm->tm_year;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (year < 1970 || year > 2261 || tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1) return false;
  if (tm->tm_mday > days[tm->tm_mon - 1] + (tm->tm_mon == 2 && leap)) return false;
  tm->tm_year -= 1900;
  tm->tm_mon -= 1;
  return true;
}

static bool take_time(struct sp_str *text, struct tm *tm) {
  if (!take_number(text, 2, &tm->tm_hour) || !take_char(text, ":")) return false;
  if (!take_number(text, 2, &tm->tm_min) || !take_char(text, ":") || !take_number(text, 2, &tm->tm_sec)) return false;
  return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60; /* 60: a leap second */
}

bool sp_clock_parse_rfc3339(struct sp_str text, int64_t *out_real_ns) {
  struct tm tm = { 0 };
  int64_t fraction_ns = 0;
  int offset_s;
  if (!take_date(&text, &tm) || !take_char(&text, "Tt ") || !take_time(&text, &tm)) return false;
  if (take_char(&text, ".")) {
    if (text.len == 0 || text.bytes[0] < '0' || text.bytes[0] > '9') return false;
    fraction_ns = take_fraction_ns(&text);
  }
  if (!take_offset_s(&text, &offset_s) || text.len > 0) return false;
  *out_real_ns = ((int64_t)timegm(&tm) - offset_s) * SP_NS_PER_S + fraction_ns;
  return true;
}
