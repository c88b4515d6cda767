/* A search on the disk: what was searched for, and its trials. */
#include "cli/capacity.h"

#include "base/mem.h"
#include "wire/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA "spate.capacity-state/1"
#define STATE_MAX (8u << 20)
#define WORDS_MAX 8192u
#define PATH_MAX_BYTES 4096u

/* -- what makes a search the same one -- */

enum word { WORD_PLAN, WORD_HOST, WORD_GOALS, WORD_LOADS, WORD_TIMES, WORDS };
static const char *const word_names[] = {"plan", "host", "goals", "loads", "times"};

static void put_loads(const struct sp_search_options *options, struct sp_buf *out) {
  sp_buf_printf(out, "%s", options->whole ? "users" : "rate");
  if (!options->ladder_count) sp_buf_printf(out, " from %.9g to %.9g", options->min, options->max);
  for (size_t i = 0; i < options->ladder_count; i++) sp_buf_printf(out, "%c%.9g", i ? ',' : ' ', options->ladder[i]);
}

/* The text that must be the same when it is resumed. */
static void put_word(const struct sp_capacity *capacity, enum word word, struct sp_buf *out) {
  const struct sp_search_options *options = &capacity->search.options;
  switch (word) {
  case WORD_PLAN: sp_buf_append_text(out, capacity->plan_name); break;
  case WORD_HOST: sp_buf_append_text(out, capacity->setup->host); break;
  case WORD_GOALS:
    for (size_t g = 0; g < capacity->goals.count; g++) {
      sp_buf_printf(out, "%s%s", g ? " | " : "", capacity->goals.items[g].text);
    }
    break;
  case WORD_LOADS: put_loads(options, out); break;
  case WORD_TIMES: sp_buf_printf(out, "%.9g s, %.9g s, %.9g s", options->short_s, options->full_s, options->sum_s); break;
  case WORDS: break;
  }
}

/* -- saving -- */

static void put_number(struct sp_buf *out, const char *key, double value) {
  if (isfinite(value)) sp_buf_printf(out, ", \"%s\": %.17g", key, value);
  else sp_buf_printf(out, ", \"%s\": null", key);
}

static void put_flag(struct sp_buf *out, const char *key, bool value) {
  sp_buf_printf(out, ", \"%s\": %s", key, value ? "true" : "false");
}

static void put_trial(const struct sp_search_trial *trial, size_t goals, struct sp_buf *out) {
  sp_buf_printf(out, "    {\"steady\": %d", (int)trial->steady);
  put_number(out, "load", trial->load);
  put_number(out, "asked_s", trial->asked_s);
  put_number(out, "measured_s", trial->measured_s);
  put_number(out, "goodput", trial->goodput_per_s);
  put_number(out, "requests", (double)trial->requests);
  put_flag(out, "warm_up", trial->warm_up);
  put_flag(out, "valid", trial->valid);
  put_flag(out, "lost", trial->lost);
  sp_buf_append_text(out, ", \"goals\": [");
  for (size_t g = 0; g < goals; g++) {
    sp_buf_printf(out, "%s{\"missed\": %s", g ? ", " : "", trial->missed[g] ? "true" : "false");
    put_number(out, "share", trial->miss_share[g]);
    sp_buf_append_text(out, "}");
  }
  sp_buf_append_text(out, "]}");
}

static void put_state(const struct sp_capacity *capacity, struct sp_buf *out) {
  struct sp_buf word;
  sp_buf_init(&word, WORDS_MAX);
  sp_buf_append_text(out, "{\n  \"schema\": \"" SCHEMA "\"");
  for (int i = 0; i < WORDS; i++) {
    sp_buf_clear(&word);
    put_word(capacity, (enum word)i, &word);
    sp_buf_printf(out, ",\n  \"%s\": ", word_names[i]);
    sp_json_append_string(out, sp_buf_str(&word));
  }
  sp_buf_append_text(out, ",\n  \"trials\": [\n");
  for (size_t i = 0; i < capacity->search.count; i++) {
    put_trial(&capacity->search.trials[i], capacity->goals.count, out);
    sp_buf_append_text(out, i + 1 < capacity->search.count ? ",\n" : "\n");
  }
  sp_buf_append_text(out, "  ]\n}\n");
  sp_buf_fini(&word);
}

static int write_file(const char *path, const struct sp_buf *text) {
  FILE *file = fopen(path, "w");
  if (!file) return errno;
  bool written = fwrite(text->bytes, 1, text->len, file) == text->len;
  int error = written ? 0 : errno;
  if (fclose(file) && error == 0) error = errno;
  return error;
}

int sp_capacity_state_save(const struct sp_capacity *capacity, const char *path, struct sp_err *err) {
  char beside[PATH_MAX_BYTES];
  if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside)) {
    return sp_fail(err, SP_EUSAGE, "the state's path is over %u bytes long", PATH_MAX_BYTES);
  }
  struct sp_buf text;
  sp_buf_init(&text, STATE_MAX);
  put_state(capacity, &text);
  int error = write_file(beside, &text);
  if (error == 0 && rename(beside, path)) error = errno;
  sp_buf_fini(&text);
  return error ? sp_fail(err, SP_EIO, "cannot keep the search in '%s': %s", path, strerror(error)) : 0;
}

/* -- loading -- */

static int read_file(const char *path, struct sp_buf *text, struct sp_err *err) {
  FILE *file = fopen(path, "r");
  if (!file) return sp_fail(err, SP_EIO, "cannot read the search's state '%s': %s", path, strerror(errno));
  char piece[8192];
  int code = 0;
  for (size_t len; code == 0 && (len = fread(piece, 1, sizeof(piece), file)) > 0;) code = sp_buf_append(text, piece, len);
  if (code) sp_fail(err, SP_ELIMIT, "'%s' is over %u bytes: that is no state of a search", path, STATE_MAX);
  else if (ferror(file)) code = sp_fail(err, SP_EIO, "cannot read the search's state '%s': %s", path, strerror(errno));
  fclose(file);
  return code;
}

static int check_word(const struct sp_capacity *capacity, const struct sp_json *doc, enum word word, struct sp_err *err) {
  struct sp_buf now, scratch;
  sp_buf_init(&now, WORDS_MAX);
  sp_buf_init(&scratch, WORDS_MAX);
  put_word(capacity, word, &now);
  struct sp_str then = sp_json_string(doc, sp_json_get(doc, 0, word_names[word]), &scratch);
  bool same = sp_str_eq(then, sp_buf_str(&now));
  if (!same) {
    sp_fail(err, SP_EUSAGE, "it is of another search: its %s: '" SP_STR_FMT "', now: '%s'", word_names[word], SP_STR_ARG(then),
            now.bytes ? now.bytes : "");
  }
  sp_buf_fini(&now);
  sp_buf_fini(&scratch);
  return same ? 0 : SP_EUSAGE;
}

static double number_of(const struct sp_json *doc, int object, const char *key) {
  return sp_json_number(doc, sp_json_get(doc, object, key), (double)NAN);
}

/* False: what is there can't have come from a trial. */
static bool read_trial(const struct sp_json *doc, int value, size_t goals, struct sp_search_trial *out) {
  double steady = number_of(doc, value, "steady"), requests = number_of(doc, value, "requests");
  *out = (struct sp_search_trial){.load = number_of(doc, value, "load"), .asked_s = number_of(doc, value, "asked_s"),
      .measured_s = number_of(doc, value, "measured_s"), .goodput_per_s = number_of(doc, value, "goodput"),
      .warm_up = sp_json_bool(doc, sp_json_get(doc, value, "warm_up"), false),
      .valid = sp_json_bool(doc, sp_json_get(doc, value, "valid"), false),
      .lost = sp_json_bool(doc, sp_json_get(doc, value, "lost"), false)};
  int list = sp_json_get(doc, value, "goals");
  if (!(out->load > 0 && out->load <= SP_RATE_MAX && out->asked_s > 0 && fabs(out->measured_s) < 1e9)) return false;
  if (!(steady >= 0 && steady <= SP_STEADY_DRIFTS && requests >= 0 && requests < 1e15)) return false;
  if (sp_json_size(doc, list) != (int)goals) return false;
  out->steady = (enum sp_steady_state)steady;
  out->requests = (uint64_t)requests;
  int goal = sp_json_first(doc, list);
  for (size_t g = 0; g < goals; g++, goal = sp_json_next(doc, goal)) {
    out->missed[g] = sp_json_bool(doc, sp_json_get(doc, goal, "missed"), true);
    out->miss_share[g] = number_of(doc, goal, "share");
  }
  return true;
}

static int read_state(struct sp_capacity *capacity, const struct sp_json *doc, struct sp_err *err) {
  if (!sp_json_is(doc, sp_json_get(doc, 0, "schema"), SCHEMA)) return sp_fail(err, SP_EUSAGE, "it is no " SCHEMA);
  for (int word = 0; word < WORDS; word++) {
    if (check_word(capacity, doc, (enum word)word, err)) return err->code;
  }
  int list = sp_json_get(doc, 0, "trials");
  if (sp_json_size(doc, list) > (int)SP_SEARCH_TRIALS_MAX) {
    return sp_fail(err, SP_EUSAGE, "over %u trials", SP_SEARCH_TRIALS_MAX);
  }
  size_t number = 1;
  for (int value = sp_json_first(doc, list); value >= 0; value = sp_json_next(doc, value), number++) {
    struct sp_search_trial trial;
    if (!read_trial(doc, value, capacity->goals.count, &trial)) return sp_fail(err, SP_EUSAGE, "trial %zu is damaged", number);
    sp_search_add(&capacity->search, &trial);
  }
  return 0;
}

int sp_capacity_state_load(struct sp_capacity *capacity, const char *path, struct sp_err *err) {
  struct sp_buf text;
  struct sp_json doc;
  sp_buf_init(&text, STATE_MAX);
  sp_json_init(&doc);
  int code = read_file(path, &text, err);
  if (code == 0) {
    code = sp_json_parse(&doc, sp_buf_str(&text), err);
    if (code) code = err->code = SP_EUSAGE;
    if (code == 0) code = read_state(capacity, &doc, err);
    if (code) sp_err_context(err, "cannot resume from '%s'", path);
  }
  sp_json_fini(&doc);
  sp_buf_fini(&text);
  return code;
}
