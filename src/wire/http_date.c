#include "wire/http_date.h"

#define NUMBER_MAX INT64_C(1000000000) /* a number that is larger counts as this: over 30 years of seconds */

/* H. Hinnant, chrono-compatible low-level date algorithms: days_from_civil. */
int64_t sp_http_date_days(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = year / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct sp_str next_word(struct sp_str *rest) {
  size_t begin = 0;
  while (begin < rest->len && memchr(" ,-", rest->bytes[begin], 3)) begin++;
  size_t end = begin;
  while (end < rest->len && !memchr(" ,-", rest->bytes[end], 3)) end++;
  struct sp_str word = sp_str_of(rest->bytes + begin, end - begin);
  *rest = sp_str_of(rest->bytes + end, rest->len - end);
  return word;
}

/* Digits only; -1 for anything else. */
static int64_t number_of(struct sp_str word) {
  int64_t value = 0;
  for (size_t i = 0; i < word.len; i++) {
    if (word.bytes[i] < '0' || word.bytes[i] > '9') return -1;
    value = value * 10 + (word.bytes[i] - '0');
    if (value > NUMBER_MAX) value = NUMBER_MAX;
  }
  return word.len > 0 ? value : -1;
}

static int64_t month_of(struct sp_str word) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int64_t i = 0; word.len == 3 && i < 12; i++) {
    if (memcmp(names + 3 * i, word.bytes, 3) == 0) return i + 1;
  }
  return -1;
}

/* "08:49:37"; -1. A leap second is the next minute's first. */
static int64_t clock_of(struct sp_str word) {
  if (word.len != 8 || word.bytes[2] != ':' || word.bytes[5] != ':') return -1;
  int64_t hour = number_of(sp_str_of(word.bytes, 2)), minute = number_of(sp_str_of(word.bytes + 3, 2));
  int64_t second = number_of(sp_str_of(word.bytes + 6, 2));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
  return (hour * 60 + minute) * 60 + second;
}

static int64_t year_of(struct sp_str word) {
  int64_t year = number_of(word);
  if (word.len == 2 && year >= 0) return year < 70 ? 2000 + year : 1900 + year;
  return word.len == 4 ? year : -1;
}

bool sp_http_date_parse(struct sp_str text, int64_t *unix_s) {
  next_word(&text); /* the weekday follows from the date */
  struct sp_str day_word = next_word(&text), month_word = next_word(&text), year_word, clock_word;
  bool is_asctime = month_of(day_word) > 0;
  if (is_asctime) {
    struct sp_str month = day_word;
    day_word = month_word;
    month_word = month;
    clock_word = next_word(&text);
    year_word = next_word(&text);
  } else {
    year_word = next_word(&text);
    clock_word = next_word(&text);
    if (!sp_str_eq(next_word(&text), SP_STR("GMT"))) return false;
  }
  int64_t day = number_of(day_word), month = month_of(month_word), year = year_of(year_word), clock = clock_of(clock_word);
  if (day < 1 || day > 31 || month < 0 || year < 0 || clock < 0 || next_word(&text).len > 0) return false;
  *unix_s = sp_http_date_days(year, month, day) * 86400 + clock;
  return true;
}

int64_t sp_retry_after_s(struct sp_str value, struct sp_str date, int64_t now_unix_s) {
  value = sp_str_trim(value);
  int64_t seconds = number_of(value), until_s, sent_s;
  if (seconds >= 0) return seconds;
  if (!sp_http_date_parse(value, &until_s)) return -1;
  if (!sp_http_date_parse(sp_str_trim(date), &sent_s)) sent_s = now_unix_s;
  return until_s > sent_s ? until_s - sent_s : 0;
}
