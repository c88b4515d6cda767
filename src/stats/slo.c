/*
 * The parser of SLO expressions: one pass by hand, since every fault is to name its column and a way out.
 */
#include "stats/slo.h"

#include "base/units.h"
#include "stats/clean.h"
#include "stats/slo_words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define WORD_MAX 64u
#define SHOWN_MAX 120u /* bytes of the expression in a message */

struct parser {
  struct sp_str text;
  size_t at;
  struct sp_slo *slo;
  struct sp_err *err;
};

static int fail_at(struct parser *parser, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail_at(struct parser *parser, size_t at, const char *format, ...) {
  char shown[SHOWN_MAX + 1], why[SP_ERR_TEXT_MAX / 2];
  va_list args;
  va_start(args, format);
  vsnprintf(why, sizeof(why), format, args);
  va_end(args);
  shown[sp_clean_text(shown, SHOWN_MAX, parser->text)] = 0;
  size_t column = sp_utf8_count(sp_str_of(parser->text.bytes, at)) + 1;
  return sp_fail(parser->err, SP_EUSAGE, "SLO \"%s\", column %zu: %s", shown, column, why);
}

/* -- the smallest parts -- */

static char peek(const struct parser *parser) {
  return parser->at < parser->text.len ? parser->text.bytes[parser->at] : 0;
}

static bool at_end(const struct parser *parser) { return parser->at >= parser->text.len; }

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_spaces(struct parser *parser) {
  while (!at_end(parser) && is_space(peek(parser))) {
    parser->at++;
  }
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.';
}

static struct sp_str read_while(struct parser *parser, bool (*belongs)(char c)) {
  size_t from = parser->at;
  while (!at_end(parser) && belongs(peek(parser))) {
    parser->at++;
  }
  return sp_str_of(parser->text.bytes + from, parser->at - from);
}

static bool word_is(struct sp_str word, const char *name) { return sp_str_ieq(word, sp_str_from(name)); }

/* What stands there, for "…, not 'x'". */
static const char *seen(const struct parser *parser, char *out, size_t size) {
  char shown[24];
  struct sp_str rest = sp_str_of(parser->text.bytes + parser->at, parser->text.len - parser->at);
  shown[sp_clean_text(shown, sizeof(shown) - 1, rest)] = 0;
  snprintf(out, size, rest.len ? "not '%s'" : "here is the end", shown);
  return out;
}

/* -- near words -- */

static const char *const statistics[] = { "mean", "min", "max", "p50", "p75", "p90", "p95", "p99", "p99.9" };
#define STATISTICS (sizeof(statistics) / sizeof(statistics[0]))

static const char *next_head(const void *table, size_t i) {
  (void)table;
  if (i < STATISTICS) {
    return statistics[i];
  }
  i -= STATISTICS;
  size_t first = SP_SLO_OF_FAILED_SHARE;
  return i + first < SP_SLO_OF_COUNT ? sp_slo_figures[i + first].word : NULL;
}

static const char *next_subject(const void *table, size_t i) {
  (void)table;
  if (i < SP_METRIC_COUNT) {
    return sp_metric_info((enum sp_metric)i)->name;
  }
  static const char *const others[] = { SP_SLO_LAG, "node:", "custom:" };
  return i - SP_METRIC_COUNT < 3 ? others[i - SP_METRIC_COUNT] : NULL;
}

static const char *next_clause(const void *table, size_t i) {
  static const char *const clauses[] = { "on", "over" };
  (void)table;
  return i < 2 ? clauses[i] : NULL;
}

static const char *did_you_mean(struct sp_str word, const char *(*next)(const void *, size_t), char *out, size_t size) {
  char text[WORD_MAX + 1];
  size_t len = word.len < WORD_MAX ? word.len : WORD_MAX;
  for (size_t i = 0; i < len; i++) {
    char c = word.bytes[i];
    text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  text[len] = 0;
  const char *near = sp_str_nearest(text, next, NULL);
  if (near) {
    snprintf(out, size, ": did you mean '%s'?", near);
  } else {
    out[0] = 0;
  }
  return out;
}

/* -- names -- */

static int read_quoted(struct parser *parser, struct sp_str *raw, char *room) {
  size_t from = parser->at, len = 0;
  char quote = parser->text.bytes[parser->at++];
  while (!at_end(parser) && peek(parser) != quote) {
    if (peek(parser) == '\\' && parser->at + 1 < parser->text.len) {
      parser->at++;
    }
    room[len++] = parser->text.bytes[parser->at++];
  }
  if (at_end(parser)) {
    return fail_at(parser, from, "the name that begins here has no closing %c", quote);
  }
  parser->at++;
  *raw = sp_str_of(room, len);
  return 0;
}

static bool is_bare(char c) { return !is_space(c) && c != ')'; }

/* 'quoted', "quoted", or what stands up to a space or a closing bracket. Cleaned as the names of requests are. */
static int read_name(struct parser *parser, const char *of_what, char *out) {
  char room[SP_SLO_TEXT_MAX];
  struct sp_str raw;
  size_t from = parser->at;
  if (peek(parser) == '\'' || peek(parser) == '"') {
    int code = read_quoted(parser, &raw, room);
    if (code) {
      return code;
    }
  } else {
    raw = read_while(parser, is_bare);
  }
  out[sp_clean_text(out, SP_NAME_MAX, raw)] = 0;
  if (out[0] == 0) {
    return fail_at(parser, from, "%s is expected, in quotes where it has spaces", of_what);
  }
  return 0;
}

/* -- statistic and subject -- */

static int read_percentile(struct parser *parser, struct sp_str word, size_t at) {
  double percentile = 0;
  parser->slo->statistic = SP_SLO_PERCENTILE;
  if (!sp_slo_number(sp_str_of(word.bytes + 1, word.len - 1), 0, &percentile)) {
    return fail_at(parser, at, "'" SP_STR_FMT "' is no percentile: write p95 or p99.9", SP_STR_ARG(word));
  }
  if (word_is(word, "p999")) {
    percentile = 99.9; /* as every output names it */
  }
  if (!(percentile > 0) || percentile > 100) {
    return fail_at(parser, at, "a percentile is over 0 and at most 100");
  }
  parser->slo->percentile = percentile;
  return 0;
}

static int read_statistic(struct parser *parser, struct sp_str word, size_t at) {
  static const struct {
    const char *name;
    enum sp_slo_statistic statistic;
  } named[] = { { "mean", SP_SLO_MEAN }, { "min", SP_SLO_MIN }, { "max", SP_SLO_MAX } };
  char near[WORD_MAX + 32];
  for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
    if (word_is(word, named[i].name)) {
      parser->slo->statistic = named[i].statistic;
      return 0;
    }
  }
  if (word.len > 1 && (word.bytes[0] == 'p' || word.bytes[0] == 'P') && is_digit(word.bytes[1])) {
    return read_percentile(parser, word, at);
  }
  return fail_at(parser, at, "no statistic '" SP_STR_FMT "'%s (there are p95, p99.9 and so on, mean, min and max)",
                 SP_STR_ARG(word), did_you_mean(word, next_head, near, sizeof(near)));
}

static int read_subject(struct parser *parser) {
  struct sp_slo *slo = parser->slo;
  size_t at = parser->at;
  struct sp_str word = read_while(parser, is_word);
  if (peek(parser) == ':' && (word_is(word, "node") || word_is(word, "custom"))) {
    bool node = word_is(word, "node");
    parser->at++;
    slo->of = node ? SP_SLO_OF_NODE : SP_SLO_OF_CUSTOM;
    return read_name(parser, node ? "a node's title" : "a metric's name", slo->name);
  }
  if (word_is(word, SP_SLO_LAG)) {
    slo->of = SP_SLO_OF_LAG;
    return 0;
  }
  slo->of = SP_SLO_OF_METRIC;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (word_is(word, sp_metric_info((enum sp_metric)i)->name)) {
      slo->metric = (enum sp_metric)i;
      return 0;
    }
  }
  char text[WORD_MAX + 32];
  if (word.len == 0) {
    return fail_at(parser, at, "a metric is expected (ttft, itl, e2e …), %s", seen(parser, text, sizeof(text)));
  }
  return fail_at(parser, at, "no metric '" SP_STR_FMT "'%s", SP_STR_ARG(word),
                 did_you_mean(word, next_subject, text, sizeof(text)));
}

static int read_bracketed(struct parser *parser, struct sp_str word, size_t at) {
  char text[WORD_MAX];
  int code = read_statistic(parser, word, at);
  if (code) {
    return code;
  }
  parser->at++;
  skip_spaces(parser);
  code = read_subject(parser);
  if (code) {
    return code;
  }
  skip_spaces(parser);
  if (peek(parser) != ')') {
    return fail_at(parser, parser->at, "a closing bracket ')' is expected, %s", seen(parser, text, sizeof(text)));
  }
  parser->at++;
  return 0;
}

static int no_such_figure(struct parser *parser, struct sp_str word, size_t at) {
  char near[WORD_MAX + 32];
  for (int i = 0; i <= SP_METRIC_COUNT; i++) {
    const char *name = i < SP_METRIC_COUNT ? sp_metric_info((enum sp_metric)i)->name : SP_SLO_LAG;
    if (word_is(word, name)) {
      return fail_at(parser, at, "'%s' needs a statistic: p95(%s), mean(%s), max(%s)", name, name, name, name);
    }
  }
  for (size_t i = 0; i < STATISTICS; i++) {
    if (word_is(word, statistics[i])) {
      return fail_at(parser, parser->at, "'%s' needs a metric in brackets: %s(ttft)", statistics[i], statistics[i]);
    }
  }
  return fail_at(parser, at, "'" SP_STR_FMT "' is nothing that can be limited%s", SP_STR_ARG(word),
                 did_you_mean(word, next_head, near, sizeof(near)));
}

static int read_left(struct parser *parser) {
  char text[WORD_MAX];
  size_t at = parser->at;
  struct sp_str word = read_while(parser, is_word);
  if (word.len == 0) {
    return fail_at(parser, at, "a figure is expected, like p95(ttft), failed_share or rps, %s",
                   seen(parser, text, sizeof(text)));
  }
  skip_spaces(parser);
  for (int i = SP_SLO_OF_FAILED_SHARE; i < SP_SLO_OF_COUNT; i++) {
    if (word_is(word, sp_slo_figures[i].word)) {
      parser->slo->of = (enum sp_slo_of)i;
      return 0;
    }
  }
  return peek(parser) == '(' ? read_bracketed(parser, word, at) : no_such_figure(parser, word, at);
}

/* -- operator and limit -- */

static int read_op(struct parser *parser) {
  char text[WORD_MAX];
  bool less = peek(parser) == '<';
  if (!less && peek(parser) != '>') {
    return fail_at(parser, parser->at, "one of < <= > >= is expected, %s", seen(parser, text, sizeof(text)));
  }
  parser->at++;
  bool equal = peek(parser) == '=';
  parser->at += equal ? 1 : 0;
  parser->slo->op = less ? (equal ? SP_SLO_LE : SP_SLO_LT) : (equal ? SP_SLO_GE : SP_SLO_GT);
  return 0;
}

static bool is_number(char c) { return is_digit(c) || c == '.'; }
static bool is_unit(char c) { return is_word(c) || c == '%' || c == '/' || (c & 0x80); }

static const struct unit {
  const char *name;
  enum sp_slo_unit unit;
  int shift; /* power of ten to the limit's unit */
} units[] = {
  { "ms", SP_SLO_MS, 0 }, { "s", SP_SLO_MS, 3 },    { "us", SP_SLO_MS, -3 },  { "µs", SP_SLO_MS, -3 },
  { "%", SP_SLO_SHARE, -2 }, { "/s", SP_SLO_PER_S, 0 },
};

static const char *units_of(enum sp_slo_unit unit) {
  switch (unit) {
  case SP_SLO_MS: return "a time: ms, s or us";
  case SP_SLO_SHARE: return "a share: % or a bare ratio";
  case SP_SLO_PER_S: return "a rate: /s or none";
  case SP_SLO_OWN: return "in the metric's own unit: a bare number";
  }
  return "";
}

static bool is_clause(struct sp_str word) {
  char near[WORD_MAX + 32];
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (word_is(word, units[i].name)) {
      return false;
    }
  }
  return word_is(word, "on") || word_is(word, "over") || did_you_mean(word, next_clause, near, sizeof(near))[0];
}

/* The unit behind a number, if it is one; `on` and `over` are none. */
static int read_unit(struct parser *parser, enum sp_slo_unit of, int *shift) {
  size_t before = parser->at;
  skip_spaces(parser);
  size_t at = parser->at;
  struct sp_str word = read_while(parser, is_unit);
  *shift = 0;
  if (word.len == 0 || is_clause(word)) {
    parser->at = before;
    return 0;
  }
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (units[i].unit == of && word_is(word, units[i].name)) {
      *shift = units[i].shift;
      return 0;
    }
  }
  return fail_at(parser, at, "'" SP_STR_FMT "' is no unit here: the limit is %s", SP_STR_ARG(word), units_of(of));
}

static int check_share(struct parser *parser, size_t at, struct sp_str digits, int shift) {
  if (parser->slo->limit <= 1) {
    return 0;
  }
  if (shift != 0) {
    return fail_at(parser, at, "a share is at most 100%%");
  }
  return fail_at(parser, at, "a share is a ratio of at most 1: did you mean " SP_STR_FMT "%%?", SP_STR_ARG(digits));
}

static int bad_limit(struct parser *parser, size_t at, struct sp_str digits) {
  return fail_at(parser, at, "'%.*s' can be no limit: it has over 15 digits, or is over 10^12, or too small",
                 digits.len < 40 ? (int)digits.len : 40, digits.bytes);
}

static int read_limit(struct parser *parser) {
  char text[WORD_MAX];
  double *limit = &parser->slo->limit;
  size_t at = parser->at;
  struct sp_str digits = read_while(parser, is_number);
  int shift = 0;
  if (digits.len == 0) {
    return fail_at(parser, at, "a number is expected, %s", seen(parser, text, sizeof(text)));
  }
  if (!sp_slo_number(digits, 0, limit)) {
    return bad_limit(parser, at, digits);
  }
  enum sp_slo_unit unit = sp_slo_unit(parser->slo);
  int code = read_unit(parser, unit, &shift);
  if (code) {
    return code;
  }
  if (!sp_slo_number(digits, shift, limit) || *limit > SP_SLO_LIMIT_MAX) {
    return bad_limit(parser, at, digits);
  }
  return unit == SP_SLO_SHARE ? check_share(parser, at, digits, shift) : 0;
}

/* -- on … and over … -- */

static const char *not_by_request(enum sp_slo_of of) {
  switch (of) {
  case SP_SLO_OF_NODE: return "nodes are";
  case SP_SLO_OF_LAG: return "the generator's lag is";
  case SP_SLO_OF_CUSTOM: return "a plan's own metrics are";
  case SP_SLO_OF_EVENTS_PER_S: return "events_per_s is";
  default: return NULL;
  }
}

static int read_on(struct parser *parser, size_t at) {
  const char *what = not_by_request(parser->slo->of);
  if (parser->slo->on[0]) {
    return fail_at(parser, at, "'on' stands here a second time");
  }
  if (what) {
    return fail_at(parser, at, "%s not counted by request: leave 'on' away", what);
  }
  skip_spaces(parser);
  return read_name(parser, "the name of a request or task", parser->slo->on);
}

static int read_over(struct parser *parser, size_t at) {
  char text[WORD_MAX + 1];
  int64_t ns = 0;
  struct sp_err why;
  if (parser->slo->window_ns) {
    return fail_at(parser, at, "'over' stands here a second time");
  }
  skip_spaces(parser);
  at = parser->at;
  struct sp_str word = read_while(parser, is_word);
  snprintf(text, sizeof(text), SP_STR_FMT, SP_STR_ARG(word));
  if (word.len == 0 || word.len > WORD_MAX || sp_parse_duration(text, &ns, &why) < 0) {
    return fail_at(parser, at, "the length of a window is expected, like 30s");
  }
  if (ns < INT64_C(1000000000) || ns % INT64_C(1000000000) || ns > SP_SLO_WINDOW_MAX_S * INT64_C(1000000000)) {
    return fail_at(parser, at, "a window has whole seconds, from 1s to %us", SP_SLO_WINDOW_MAX_S);
  }
  parser->slo->window_ns = ns;
  return 0;
}

static int read_clauses(struct parser *parser) {
  char near[WORD_MAX + 32];
  for (skip_spaces(parser); !at_end(parser); skip_spaces(parser)) {
    size_t at = parser->at;
    struct sp_str word = read_while(parser, is_word);
    int code = 0;
    if (word_is(word, "on")) {
      code = read_on(parser, at);
    } else if (word_is(word, "over")) {
      code = read_over(parser, at);
    } else {
      parser->at = at;
      char here[WORD_MAX];
      code = fail_at(parser, at, "on 'NAME', over 30s or the end is expected, %s%s", seen(parser, here, sizeof(here)),
                     did_you_mean(word, next_clause, near, sizeof(near)));
    }
    if (code) {
      return code;
    }
  }
  return 0;
}

static int parse(struct parser *parser) {
  static int (*const parts[])(struct parser *) = { read_left, read_op, read_limit, read_clauses };
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    skip_spaces(parser);
    int code = parts[i](parser);
    if (code) {
      return code;
    }
  }
  return 0;
}

int sp_slo_parse(struct sp_str text, struct sp_slo *out, struct sp_err *err) {
  struct parser parser = { .text = sp_str_trim(text), .slo = out, .err = err };
  memset(out, 0, sizeof(*out));
  if (parser.text.len == 0) {
    return sp_fail(err, SP_EUSAGE, "an SLO is empty: write p95(ttft) < 1500ms, failed_share < 1%% or rps > 40");
  }
  if (parser.text.len > SP_SLO_TEXT_MAX) {
    return sp_fail(err, SP_EUSAGE, "an SLO is longer than %u bytes (SP_SLO_TEXT_MAX)", SP_SLO_TEXT_MAX);
  }
  int code = parse(&parser);
  out->text[sp_clean_text(out->text, SP_SLO_TEXT_MAX, parser.text)] = 0;
  return code;
}
