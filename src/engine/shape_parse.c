#include "engine/shape_parse.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>

/* A piece's text, and where it stands. */
struct piece {
  char text[SP_STAGE_TEXT_MAX + 1];
  size_t number, column;
};

static int bad_piece(const struct piece *piece, struct sp_err *err, const char *why) {
  return sp_fail(err, SP_EUSAGE, "stage %zu ('%s', column %zu): %s", piece->number, piece->text, piece->column, why);
}

/* Puts the piece in front of what a parser of units said. */
static int blame(const struct piece *piece, struct sp_err *err, const struct sp_err *inner) {
  return bad_piece(piece, err, inner->text);
}

static char *trim(char *text) {
  struct sp_str kept = sp_str_trim(sp_str_from(text));
  char *begin = text + (kept.len > 0 ? kept.bytes - text : 0);
  begin[kept.len] = '\0';
  return begin;
}

/* -- levels -- */

typedef int (*parse_level_fn)(const char *text, double *out, struct sp_err *err);

static int parse_users(const char *text, double *out, struct sp_err *err) {
  uint64_t count = 0;
  int rc = sp_parse_count(text, &count, err);
  if (rc == 0 && count > SP_USERS_MAX) rc = sp_fail(err, SP_EUSAGE, "'%s' is over the most, %u", text, SP_USERS_MAX);
  *out = (double)count;
  return rc;
}

static int parse_rate(const char *text, double *out, struct sp_err *err) {
  int rc = sp_parse_rate(text, out, err);
  if (rc == 0 && *out > SP_RATE_MAX)
    rc = sp_fail(err, SP_EUSAGE, "'%s' is over the most, %.0f a second", text, SP_RATE_MAX);
  return rc;
}

/* "20..100/s": the unit behind the second level is the first one's too. */
static int parse_range(const char *from, const char *to, parse_level_fn parse_level, struct sp_stage *stage,
                       struct sp_err *err) {
  char with_unit[2 * SP_STAGE_TEXT_MAX + 2];
  const char *unit = strchr(to, '/');
  snprintf(with_unit, sizeof(with_unit), "%s%s", from, unit != NULL && strchr(from, '/') == NULL ? unit : "");
  int rc = parse_level(with_unit, &stage->from, err);
  return rc == 0 ? parse_level(to, &stage->to, err) : rc;
}

/* -- pieces -- */

static int parse_hold(const struct piece *piece, const char *text, struct sp_stage *stage, struct sp_err *err) {
  struct sp_err inner = { 0 };
  if (sp_parse_duration(text, &stage->hold_ns, &inner) != 0) return blame(piece, err, &inner);
  if (stage->hold_ns == 0 || stage->hold_ns > SP_LOAD_TIME_MAX_NS)
    return bad_piece(piece, err, "it must last longer than 0 and at most ten years");
  return 0;
}

static int parse_piece(const struct piece *piece, bool last, parse_level_fn parse_level, struct sp_stage *stage,
                       struct sp_err *err) {
  char copy[sizeof(piece->text)];
  struct sp_err inner = { 0 };
  memcpy(copy, piece->text, sizeof(copy));
  *stage = (struct sp_stage){ 0 };
  char *hold = strchr(copy, ':');
  if (hold != NULL) *hold++ = '\0';
  char *to = strstr(copy, "..");
  if (hold == NULL && (to != NULL || !last))
    return bad_piece(piece, err, "how long it lasts is missing (write 100:5m, or 0..100:2m for a ramp)");
  if (hold != NULL && parse_hold(piece, trim(hold), stage, err) != 0) return SP_EUSAGE;
  if (to != NULL) {
    *to = '\0';
    to += 2;
    return parse_range(trim(copy), trim(to), parse_level, stage, &inner) == 0 ? 0 : blame(piece, err, &inner);
  }
  if (parse_level(trim(copy), &stage->from, &inner) != 0) return blame(piece, err, &inner);
  stage->to = stage->from;
  return 0;
}

/* Cuts the next piece out of *rest. */
static int take_piece(const char *text, struct sp_str *rest, struct piece *piece, struct sp_err *err) {
  struct sp_str part = sp_str_split(rest, ',');
  struct sp_str kept = sp_str_trim(part);
  piece->number++;
  piece->column = (size_t)((kept.len > 0 ? kept.bytes : part.bytes) - text) + 1;
  if (kept.len > SP_STAGE_TEXT_MAX)
    return sp_fail(err, SP_EUSAGE, "stage %zu (column %zu): it is longer than %u characters", piece->number,
                   piece->column, SP_STAGE_TEXT_MAX);
  snprintf(piece->text, sizeof(piece->text), SP_STR_FMT, SP_STR_ARG(kept));
  return kept.len > 0 ? 0 : bad_piece(piece, err, "it is empty");
}

static int parse_all(const char *text, parse_level_fn parse_level, struct sp_stage *stages, size_t *count,
                     struct sp_err *err) {
  struct sp_str rest = sp_str_from(text);
  struct piece piece = { .number = 0 };
  *count = 0;
  do {
    if (*count == SP_STAGES_MAX) return sp_fail(err, SP_EUSAGE, "more than %u stages", SP_STAGES_MAX);
    int rc = take_piece(text, &rest, &piece, err);
    if (rc == 0) rc = parse_piece(&piece, rest.bytes == NULL, parse_level, &stages[*count], err);
    if (rc != 0) return rc;
    ++*count;
  } while (rest.bytes != NULL);
  return 0;
}

int sp_stages_parse(const char *text, struct sp_stage *stages, size_t *count, struct sp_err *err) {
  return parse_all(text, parse_users, stages, count, err);
}

int sp_rates_parse(const char *text, struct sp_stage *stages, size_t *count, struct sp_err *err) {
  return parse_all(text, parse_rate, stages, count, err);
}
