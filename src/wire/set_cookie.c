#include "wire/set_cookie.h"

#include "wire/http_date.h"

#define MAX_AGE_DIGITS 15u /* of a number of seconds that is told apart from for ever */
#define MAX_AGE_MAX_S INT64_C(1000000000000000)

/* -- dates -- */

struct date {
  bool has_time, has_day, has_month, has_year;
  unsigned hour, minute, second, day, month, year;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_delimiter(char c) {
  unsigned char u = (unsigned char)c;
  return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) || (u >= 0x5b && u <= 0x60) ||
         (u >= 0x7b && u <= 0x7e);
}

/* min to max digits at the front, and no further one behind them. Gives how many there are; 0: not so. */
static size_t take_digits(struct sp_str s, size_t min, size_t max, unsigned *out) {
  size_t n = 0;
  unsigned value = 0;
  while (n < s.len && n < max && is_digit(s.bytes[n])) value = value * 10 + (unsigned)(s.bytes[n++] - '0');
  if (n < min || (n < s.len && is_digit(s.bytes[n]))) return 0;
  *out = value;
  return n;
}

static bool take_time(struct sp_str token, struct date *date) {
  unsigned parts[3];
  for (size_t i = 0; i < 3; i++) {
    size_t n = take_digits(token, 1, 2, &parts[i]);
    if (!n || (i < 2 && (n == token.len || token.bytes[n] != ':'))) return false;
    size_t used = i < 2 ? n + 1 : n;
    token = sp_str_of(token.bytes + used, token.len - used);
  }
  date->hour = parts[0];
  date->minute = parts[1];
  date->second = parts[2];
  return true;
}

static bool take_month(struct sp_str token, struct date *date) {
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.len < 3) return false;
  for (unsigned i = 0; i < 12; i++) {
    if (!sp_str_ieq(sp_str_of(token.bytes, 3), sp_str_of(names + i * 3, 3))) continue;
    date->month = i + 1;
    return true;
  }
  return false;
}

/* The first token of each kind counts. */
static void take_token(struct sp_str token, struct date *date) {
  if (!date->has_time && take_time(token, date)) date->has_time = true;
  else if (!date->has_day && take_digits(token, 1, 2, &date->day)) date->has_day = true;
  else if (!date->has_month && take_month(token, date)) date->has_month = true;
  else if (!date->has_year && take_digits(token, 2, 4, &date->year)) date->has_year = true;
}

static bool is_leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static bool is_date(const struct date *date) {
  static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (!date->has_time || !date->has_day || !date->has_month || !date->has_year) return false;
  unsigned last = days[date->month - 1] + (date->month == 2 && is_leap(date->year) ? 1u : 0u);
  return date->year >= 1601 && date->day >= 1 && date->day <= last && date->hour <= 23 && date->minute <= 59 &&
         date->second <= 59;
}

bool sp_cookie_date_parse(struct sp_str text, int64_t *out_s) {
  struct date date = {0};
  for (size_t at = 0; at < text.len;) {
    size_t from = at;
    while (at < text.len && !is_delimiter(text.bytes[at])) at++;
    if (at > from) take_token(sp_str_of(text.bytes + from, at - from), &date);
    else at++;
  }
  if (date.has_year && date.year <= 69) date.year += 2000;
  else if (date.has_year && date.year <= 99) date.year += 1900;
  if (!is_date(&date)) return false;
  *out_s = sp_http_date_days(date.year, date.month, date.day) * 86400 + date.hour * 3600 + date.minute * 60 + date.second;
  return true;
}

/* -- attributes -- */

static bool parse_max_age(struct sp_str text, int64_t *out_s) {
  bool negative = text.len && text.bytes[0] == '-';
  if (negative) text = sp_str_of(text.bytes + 1, text.len - 1);
  if (!text.len) return false;
  int64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.bytes[i])) return false;
    value = i < MAX_AGE_DIGITS ? value * 10 + (text.bytes[i] - '0') : MAX_AGE_MAX_S;
  }
  *out_s = negative ? -value : value;
  return true;
}

static void take_attribute(struct sp_str name, struct sp_str value, struct sp_set_cookie *out) {
  if (value.len > SP_COOKIE_ATTRIBUTE_MAX) return;
  if (sp_str_ieq(name, SP_STR("Secure"))) {
    out->secure = true;
  } else if (sp_str_ieq(name, SP_STR("Path"))) {
    out->path = value.len && value.bytes[0] == '/' ? value : sp_str_of(NULL, 0);
  } else if (sp_str_ieq(name, SP_STR("Domain"))) {
    bool dot = value.len && value.bytes[0] == '.';
    if (value.len) out->domain = dot ? sp_str_of(value.bytes + 1, value.len - 1) : value;
  } else if (sp_str_ieq(name, SP_STR("Max-Age"))) {
    out->has_max_age |= parse_max_age(value, &out->max_age_s);
  } else if (sp_str_ieq(name, SP_STR("Expires"))) {
    out->has_expires |= sp_cookie_date_parse(value, &out->expires_s);
  }
}

static bool has_control(struct sp_str s) {
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.bytes[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

bool sp_cookie_is_good(struct sp_str name, struct sp_str value) {
  if (!name.len || name.len + value.len > SP_COOKIE_MAX || has_control(name) || has_control(value)) return false;
  return !memchr(name.bytes, '=', name.len) && !memchr(name.bytes, ';', name.len) &&
         !(value.len && memchr(value.bytes, ';', value.len));
}

bool sp_set_cookie_parse(struct sp_str text, struct sp_set_cookie *out) {
  *out = (struct sp_set_cookie){.name = {NULL, 0}};
  struct sp_str value = sp_str_split(&text, ';');
  struct sp_str name = sp_str_split(&value, '=');
  if (!value.bytes) return false; /* no '=' */
  out->name = sp_str_trim(name);
  out->value = sp_str_trim(value);
  if (!sp_cookie_is_good(out->name, out->value)) return false;
  while (text.len) {
    value = sp_str_split(&text, ';');
    name = sp_str_split(&value, '=');
    take_attribute(sp_str_trim(name), sp_str_trim(value), out);
  }
  return !has_control(out->domain) && !has_control(out->path);
}
