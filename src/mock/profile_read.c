#include "mock/profile_read.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* -- members -- */

static const char *member_at(const void *table, size_t i) { return ((const struct sp_reader *)table)[i].name; }

int sp_fail_unknown(struct sp_err *err, const char *what, const char *word,
                    const char *(*next)(const void *table, size_t i), const void *table) {
  const char *near = sp_str_nearest(word, next, table);
  if (near) return sp_fail(err, SP_EPLAN, "unknown %s '%s' (did you mean '%s'?)", what, word, near);
  return sp_fail(err, SP_EPLAN, "unknown %s '%s'", what, word);
}

static bool has_member(const struct sp_reader *table, const char *name) {
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0) return true;
  return false;
}

int sp_read_members(const struct sp_reader *table, json_t *object, void *into, struct sp_err *err) {
  const char *name;
  json_t *value;
  if (!json_is_object(object)) return sp_fail(err, SP_EPLAN, "must be an object");
  json_object_foreach(object, name, value)
    if (!has_member(table, name)) return sp_fail_unknown(err, "member", name, member_at, table);
  for (; table->name; table++) {
    value = json_object_get(object, table->name);
    if (value && table->read(value, (char *)into + table->offset, err)) return sp_err_context(err, "%s", table->name);
  }
  return 0;
}

/* -- plain values -- */

int sp_read_text(json_t *value, void *into, struct sp_err *err) {
  char **text = into;
  if (!json_is_string(value)) return sp_fail(err, SP_EPLAN, "must be a text");
  if (json_string_length(value) > SP_MOCK_TEXT_MAX)
    return sp_fail(err, SP_ELIMIT, "is over %u bytes", SP_MOCK_TEXT_MAX);
  if (strlen(json_string_value(value)) != json_string_length(value))
    return sp_fail(err, SP_EPLAN, "must have no NUL character");
  free(*text);
  *text = sp_strdup(json_string_value(value));
  return 0;
}

int sp_read_count(json_t *value, void *into, struct sp_err *err) {
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return sp_fail(err, SP_EPLAN, "must be a whole number, 0 or more");
  *(uint64_t *)into = (uint64_t)json_integer_value(value);
  return 0;
}

int sp_read_share(json_t *value, void *into, struct sp_err *err) {
  double share = json_is_number(value) ? json_number_value(value) : -1;
  if (!(share >= 0 && share <= 1)) return sp_fail(err, SP_EPLAN, "must be a number from 0 to 1");
  *(double *)into = share;
  return 0;
}

/* -- distributions -- */

enum unit { UNIT_TIME, UNIT_COUNT };

static int check_time(double ns, struct sp_err *err) {
  if (!(ns >= 0)) return sp_fail(err, SP_EPLAN, "must not be negative");
  if (ns > (double)SP_MOCK_TIME_MAX_NS) return sp_fail(err, SP_EPLAN, "must be at most one hour");
  return 0;
}

static int parse_time(struct sp_str text, double *out_ns, struct sp_err *err) {
  char copy[64];
  int64_t ns = 0;
  text = sp_str_trim(text);
  if (text.len == 0 || text.len >= sizeof copy) return sp_fail(err, SP_EPLAN, "must be a time: \"20ms\"");
  memcpy(copy, text.bytes, text.len);
  copy[text.len] = '\0';
  /* a bare number would be seconds in a text and milliseconds in JSON: nobody should have to know */
  if (copy[text.len - 1] >= '0' && copy[text.len - 1] <= '9' && strcmp(copy, "0") != 0)
    return sp_fail(err, SP_EPLAN, "'%s' needs a unit: \"%sms\"", copy, copy);
  int code = sp_parse_duration(copy, &ns, err);
  if (code) return code;
  *out_ns = (double)ns;
  return check_time(*out_ns, err);
}

static int parse_count(struct sp_str text, double *out, struct sp_err *err) {
  char copy[32];
  uint64_t count = 0;
  if (text.len >= sizeof copy) return sp_fail(err, SP_EPLAN, "must be a whole number");
  if (text.len > 0) memcpy(copy, text.bytes, text.len);
  copy[text.len] = '\0';
  int code = sp_parse_count(copy, &count, err);
  if (code) return code;
  if (count > SP_MOCK_TOKENS_MAX) return sp_fail(err, SP_EPLAN, "must be at most %u", SP_MOCK_TOKENS_MAX);
  *out = (double)count;
  return 0;
}

static int parse_value(enum unit unit, struct sp_str text, double *out, struct sp_err *err) {
  return unit == UNIT_TIME ? parse_time(text, out, err) : parse_count(text, out, err);
}

/* "20ms", "10ms..30ms" */
static int parse_dist(enum unit unit, struct sp_str text, struct sp_dist *out, struct sp_err *err) {
  const char *dots = text.len > 0 ? memmem(text.bytes, text.len, "..", 2) : NULL;
  *out = sp_dist_constant(0);
  if (!dots) return parse_value(unit, text, &out->a, err);
  size_t low_len = (size_t)(dots - text.bytes);
  out->kind = SP_DIST_UNIFORM;
  int code = parse_value(unit, sp_str_of(text.bytes, low_len), &out->a, err);
  if (!code) code = parse_value(unit, sp_str_of(dots + 2, text.len - low_len - 2), &out->b, err);
  if (!code && out->b < out->a) return sp_fail(err, SP_EPLAN, "the range runs backwards");
  return code;
}

int sp_dist_parse_time(struct sp_str text, struct sp_dist *out, struct sp_err *err) {
  return parse_dist(UNIT_TIME, text, out, err);
}
int sp_dist_parse_count(struct sp_str text, struct sp_dist *out, struct sp_err *err) {
  return parse_dist(UNIT_COUNT, text, out, err);
}

static int read_value(enum unit unit, json_t *value, double *out, struct sp_err *err) {
  if (json_is_string(value))
    return parse_value(unit, sp_str_of(json_string_value(value), json_string_length(value)), out, err);
  if (!json_is_number(value))
    return sp_fail(err, SP_EPLAN, unit == UNIT_TIME ? "must be a time: 20 (ms), \"20ms\" or {\"uniform\": [10, 30]}"
                                                    : "must be a count: 40 or {\"uniform\": [20, 60]}");
  *out = json_number_value(value) * (unit == UNIT_TIME ? (double)SP_NS_PER_MS : 1);
  if (unit == UNIT_TIME) return check_time(*out, err);
  return *out >= 0 && *out <= SP_MOCK_TOKENS_MAX ? 0
                                                 : sp_fail(err, SP_EPLAN, "must be 0 … %u", SP_MOCK_TOKENS_MAX);
}

static int read_pair(enum unit unit, json_t *value, bool second_is_plain, struct sp_dist *out, struct sp_err *err) {
  if (!json_is_array(value) || json_array_size(value) != 2) return sp_fail(err, SP_EPLAN, "must be a list of two");
  int code = read_value(unit, json_array_get(value, 0), &out->a, err);
  if (code) return code;
  json_t *second = json_array_get(value, 1);
  if (!second_is_plain) return read_value(unit, second, &out->b, err);
  out->b = json_is_number(second) ? json_number_value(second) : -1;
  return out->b >= 0 && out->b <= 10 ? 0 : sp_fail(err, SP_EPLAN, "its sigma must be a number from 0 to 10");
}

struct shape {
  const char *name;
  enum sp_dist_kind kind;
  bool pair, plain_second;
};

static const struct shape shapes[] = {
  { "uniform", SP_DIST_UNIFORM, true, false },
  { "normal", SP_DIST_NORMAL, true, false },
  { "exponential", SP_DIST_EXPONENTIAL, false, false },
  { "lognormal", SP_DIST_LOGNORMAL, true, true },
};

static const char *shape_at(const void *table, size_t i) {
  (void)table;
  return i < sizeof shapes / sizeof *shapes ? shapes[i].name : NULL;
}

static int read_shape(enum unit unit, const struct shape *shape, json_t *value, struct sp_dist *out,
                      struct sp_err *err) {
  out->kind = shape->kind;
  int code =
      shape->pair ? read_pair(unit, value, shape->plain_second, out, err) : read_value(unit, value, &out->a, err);
  if (!code && shape->kind == SP_DIST_UNIFORM && out->b < out->a)
    code = sp_fail(err, SP_EPLAN, "the range runs backwards");
  return code ? sp_err_context(err, "%s", shape->name) : 0;
}

static int read_dist(enum unit unit, json_t *value, struct sp_dist *out, struct sp_err *err) {
  struct sp_dist dist = { 0 };
  int code;
  if (json_is_string(value)) {
    code = parse_dist(unit, sp_str_of(json_string_value(value), json_string_length(value)), &dist, err);
  } else if (json_is_object(value) && json_object_size(value) == 1) {
    const char *name = json_object_iter_key(json_object_iter(value));
    size_t i = 0;
    while (i < sizeof shapes / sizeof *shapes && strcmp(name, shapes[i].name) != 0) i++;
    if (i == sizeof shapes / sizeof *shapes) return sp_fail_unknown(err, "distribution", name, shape_at, NULL);
    code = read_shape(unit, &shapes[i], json_object_get(value, name), &dist, err);
  } else {
    code = read_value(unit, value, &dist.a, err);
  }
  if (!code) *out = dist;
  return code;
}

int sp_read_time(json_t *value, void *into, struct sp_err *err) { return read_dist(UNIT_TIME, value, into, err); }
int sp_read_count_dist(json_t *value, void *into, struct sp_err *err) {
  return read_dist(UNIT_COUNT, value, into, err);
}

int sp_read_ns(json_t *value, void *into, struct sp_err *err) {
  double ns = 0;
  int code = read_value(UNIT_TIME, value, &ns, err);
  if (!code) *(int64_t *)into = (int64_t)(ns + 0.5);
  return code;
}

/* -- words -- */

int sp_mock_style_parse(struct sp_str text, enum sp_mock_style *out, struct sp_err *err) {
  if (sp_str_eq(text, SP_STR("compact"))) *out = SP_STYLE_COMPACT;
  else if (sp_str_eq(text, SP_STR("spaced"))) *out = SP_STYLE_SPACED;
  else if (sp_str_eq(text, SP_STR("auto"))) *out = SP_STYLE_AUTO;
  else return sp_fail(err, SP_EPLAN, "must be 'compact', 'spaced' or 'auto' (by the version)");
  return 0;
}

int sp_dify_version_parse(struct sp_str text, struct sp_dify_version *out, struct sp_err *err) {
  uint16_t numbers[3] = { 0 };
  struct sp_str rest = text;
  for (unsigned i = 0; i < 3 && rest.len > 0; i++) {
    struct sp_str part = sp_str_split(&rest, '.');
    if (part.len == 0 || part.len > 3) return sp_fail(err, SP_EPLAN, "must be a version: 1.13.3");
    for (size_t j = 0; j < part.len; j++) {
      if (part.bytes[j] < '0' || part.bytes[j] > '9') return sp_fail(err, SP_EPLAN, "must be a version: 1.13.3");
      numbers[i] = (uint16_t)(numbers[i] * 10 + (part.bytes[j] - '0'));
    }
  }
  if (rest.len > 0 || text.len == 0) return sp_fail(err, SP_EPLAN, "must be a version: 1.13.3");
  *out = (struct sp_dify_version){ numbers[0], numbers[1], numbers[2] };
  return 0;
}
