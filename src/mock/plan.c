#include "mock/plan.h"

#include "base/units.h"
#include "mock/fault.h"

#include <stdio.h>

struct word {
  const char *name;
  int (*read)(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err);
};

static int read_head(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_time(value, &plan->timing.head, err);
}
static int read_queue(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_time(value, &plan->timing.queue, err);
}
static int read_first(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_time(value, &plan->timing.first, err);
}
static int read_gap(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_time(value, &plan->timing.gap, err);
}
static int read_tail(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_time(value, &plan->timing.tail, err);
}
static int read_tokens(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dist_parse_count(value, &plan->timing.tokens, err);
}
static int read_node(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  plan->has_node = true;
  return sp_dist_parse_time(value, &plan->node, err);
}

static int read_ns(struct sp_str value, int64_t *out, struct sp_err *err) {
  struct sp_dist dist;
  int code = sp_dist_parse_time(value, &dist, err);
  if (code) return code;
  if (dist.kind != SP_DIST_CONSTANT) return sp_fail(err, SP_EPARSE, "takes one time, no range");
  *out = (int64_t)dist.a;
  return 0;
}

static int read_eof_lag(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return read_ns(value, &plan->timing.eof_lag_ns, err);
}
static int read_stall(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  if (!plan->fault) plan->fault = sp_fault_find(SP_STR("stall"));
  return read_ns(value, &plan->stall_ns, err);
}
static int read_fault(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_fault_parse(value, &plan->fault, &plan->at, err);
}
static int read_style(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_mock_style_parse(value, &plan->style, err);
}
static int read_version(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  return sp_dify_version_parse(value, &plan->version, err);
}

static int read_seed(struct sp_mock_plan *plan, struct sp_str value, struct sp_err *err) {
  char text[32];
  snprintf(text, sizeof text, SP_STR_FMT, SP_STR_ARG(value));
  plan->has_seed = true;
  return sp_parse_count(text, &plan->seed, err);
}

static const struct word words[] = {
  { "head", read_head },     { "queue", read_queue },     { "first", read_first }, { "gap", read_gap },
  { "tail", read_tail },     { "tokens", read_tokens },   { "node", read_node },   { "fault", read_fault },
  { "stall", read_stall },   { "eof_lag", read_eof_lag }, { "seed", read_seed },   { "version", read_version },
  { "style", read_style },
};

static const char *word_name(const void *table, size_t i) {
  (void)table;
  return i < sizeof words / sizeof *words ? words[i].name : NULL;
}

static int read_word(struct sp_mock_plan *plan, struct sp_str word, struct sp_err *err) {
  struct sp_str value = word, name = sp_str_split(&value, '=');
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!sp_str_eq(name, sp_str_from(words[i].name))) continue;
    if (value.len == 0) return sp_fail(err, SP_EPARSE, "'%s' needs a value: %s=…", words[i].name, words[i].name);
    if (words[i].read(plan, value, err)) return sp_err_context(err, "%s", words[i].name);
    return 0;
  }
  char text[64];
  snprintf(text, sizeof text, SP_STR_FMT, SP_STR_ARG(name));
  const char *near = sp_str_nearest(text, word_name, words);
  if (near) return sp_fail(err, SP_EPARSE, "unknown word '%s' (did you mean '%s'?)", text, near);
  return sp_fail(err, SP_EPARSE, "unknown word '%s'", text);
}

int sp_mock_plan_parse(struct sp_mock_plan *plan, const struct sp_profile *profile, const struct sp_mock_app *app,
                       struct sp_str text, struct sp_err *err) {
  *plan = (struct sp_mock_plan){ .timing = app->timing, .at = 1, .version = profile->version, .style = profile->style };
  struct sp_str rest = sp_str_trim(text);
  for (unsigned count = 0; rest.len > 0; count++) {
    struct sp_str word = sp_str_trim(sp_str_split(&rest, ' '));
    if (count >= SP_MOCK_PLAN_WORDS_MAX)
      return sp_fail(err, SP_ELIMIT, "X-Mock-Plan: more than %u words", SP_MOCK_PLAN_WORDS_MAX);
    if (word.len > 0 && read_word(plan, word, err)) return sp_err_context(err, "X-Mock-Plan");
  }
  return 0;
}
