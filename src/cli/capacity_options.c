/* What the command line says of the search. */
#include "cli/capacity.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>

#define SHORT_SHARE (1.0 / 6) /* a coarse trial, of a full one */
#define SUM_SHARE (5.0 / 3)   /* seconds that decide about a load */
#define SHORT_MIN_S 1.0
#define LADDER_ITEM_MAX 32u

int sp_capacity_ladder_parse(const char *text, double *loads, size_t *count, struct sp_err *err) {
  struct sp_str rest = sp_str_from(text);
  *count = 0;
  do {
    struct sp_str item = sp_str_trim(sp_str_split(&rest, ','));
    char word[LADDER_ITEM_MAX];
    uint64_t users;
    snprintf(word, sizeof(word), SP_STR_FMT, SP_STR_ARG(item));
    if (*count == SP_SEARCH_LADDER_MAX) return sp_fail(err, SP_EUSAGE, "over %u steps", SP_SEARCH_LADDER_MAX);
    if (sp_parse_count(word, &users, err)) return sp_err_context(err, "step %zu", *count + 1);
    if (users < 1 || users > SP_USERS_MAX) {
      return sp_fail(err, SP_EUSAGE, "step %zu: users are 1 to %u, not %s", *count + 1, SP_USERS_MAX, word);
    }
    if (*count > 0 && (double)users <= loads[*count - 1]) {
      return sp_fail(err, SP_EUSAGE, "steps rise, but %llu stands behind %.0f", (unsigned long long)users, loads[*count - 1]);
    }
    loads[(*count)++] = (double)users;
  } while (rest.bytes);
  return 0;
}

static int read_bounds(const struct sp_options *options, struct sp_search_options *out, struct sp_err *err) {
  const struct sp_capacity_options *given = &options->capacity;
  double most = out->whole ? (double)SP_USERS_MAX : SP_RATE_MAX;
  if (out->whole) out->min = 1;
  if (given->from > 0) out->start = out->min = given->from;
  if (given->to > 0) out->max = given->to;
  if (out->max > most || out->min > most) return sp_fail(err, SP_EUSAGE, "--from and --to go up to %.0f", most);
  if (out->whole && (floor(out->min) < out->min || floor(out->max) < out->max)) {
    return sp_fail(err, SP_EUSAGE, "users are whole numbers: --from %g --to %g are not", out->min, out->max);
  }
  if (out->min > out->max && given->from > 0) {
    return sp_fail(err, SP_EUSAGE, "--from %g is over --to %g: nothing is between", out->min, out->max);
  }
  out->min = fmin(out->min, out->max);
  out->start = fmin(out->start, out->max);
  return 0;
}

int sp_capacity_options_read(const struct sp_options *options, const struct sp_capacity_goals *goals,
                             struct sp_search_options *out, struct sp_err *err) {
  const struct sp_capacity_options *given = &options->capacity;
  sp_search_options_init(out);
  out->goals = goals->count;
  out->requests = sp_capacity_requests_needed(goals);
  out->whole = given->by_users;
  if (given->trial_ns > 0) {
    out->full_s = (double)given->trial_ns / 1e9;
    out->short_s = fmax(SHORT_MIN_S, floor(out->full_s * SHORT_SHARE));
    out->sum_s = ceil(out->full_s * SUM_SHARE);
  }
  if (given->ladder) {
    if (given->rate_said) return sp_fail(err, SP_EUSAGE, "--ladder is in users: leave --unit rate out");
    if (given->from > 0 || given->to > 0) {
      return sp_fail(err, SP_EUSAGE, "--ladder says its loads itself: leave --from and --to out");
    }
    out->whole = true;
    return sp_capacity_ladder_parse(given->ladder, out->ladder, &out->ladder_count, err);
  }
  return read_bounds(options, out, err);
}
