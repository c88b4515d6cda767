#include "model/diagnose_rules.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* -- subjects -- */

struct word {
  const char *word;
  enum sp_subject_kind kind;
};

/* The first that a name has decides. */
static const struct word words[] = {
    {"host", SP_SUBJECT_HOST},         {"pgbouncer", SP_SUBJECT_POOLER}, {"odyssey", SP_SUBJECT_POOLER},
    {"postgres", SP_SUBJECT_DATABASE}, {"mysql", SP_SUBJECT_DATABASE},   {"redis", SP_SUBJECT_CACHE},
    {"valkey", SP_SUBJECT_CACHE},      {"weaviate", SP_SUBJECT_VECTOR},  {"qdrant", SP_SUBJECT_VECTOR},
    {"milvus", SP_SUBJECT_VECTOR},     {"vector", SP_SUBJECT_VECTOR},    {"plugin", SP_SUBJECT_PLUGIN},
    {"vllm", SP_SUBJECT_MODEL},        {"ollama", SP_SUBJECT_MODEL},     {"xinference", SP_SUBJECT_MODEL},
    {"model", SP_SUBJECT_MODEL},       {"nginx", SP_SUBJECT_PROXY},      {"traefik", SP_SUBJECT_PROXY},
    {"envoy", SP_SUBJECT_PROXY},       {"haproxy", SP_SUBJECT_PROXY},    {"worker", SP_SUBJECT_WORKER},
    {"celery", SP_SUBJECT_WORKER},     {"api", SP_SUBJECT_API},          {"gunicorn", SP_SUBJECT_API},
    {"db", SP_SUBJECT_DATABASE},       {"target", SP_SUBJECT_TARGET},
};

bool sp_has_word(const char *text, const char *word) {
  size_t len = strlen(word);
  for (; text && *text; text++) {
    size_t i = 0;
    while (i < len && tolower((unsigned char)text[i]) == word[i]) i++;
    if (i == len) return true;
  }
  return false;
}

enum sp_subject_kind sp_subject_kind(const char *subject) {
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (sp_has_word(subject, words[i].word)) return words[i].kind;
  }
  return SP_SUBJECT_OTHER;
}

/* -- series -- */

void sp_see_index(struct sp_diagnosing *d) {
  const struct sp_observations *seen = d->input->observations;
  size_t count = seen ? sp_observations_count(seen) : 0, at = 0;
  d->series = sp_alloc_array(count + 1, sizeof(const struct sp_observed *));
  for (int signal = 0; signal < SP_SIGNAL_COUNT; signal++) {
    d->first[signal] = at;
    for (size_t i = 0; i < count; i++) {
      const struct sp_observed *series = sp_observations_at(seen, i);
      if ((int)series->signal == signal) d->series[at++] = series;
    }
  }
  d->first[SP_SIGNAL_COUNT] = at;
}

static bool is_of(const struct sp_observed *series, const char *subject, const char *pattern) {
  return (!subject || strcmp(series->subject, subject) == 0) && (!pattern || sp_str_matches(pattern, series->detail));
}

/* A number of things is a sum over details; a share or a time is not. */
static double join(enum sp_signal signal, double so_far, double value) {
  const char *unit = sp_signal_info(signal)->unit;
  if (isnan(so_far)) return value;
  return strcmp(unit, "share") == 0 || strcmp(unit, "s") == 0 ? fmax(so_far, value) : so_far + value;
}

/* One series over a step, or at its last; false: nothing, or too little of the step. */
static bool look(const struct sp_diagnosing *d, const struct sp_observed *series, const struct sp_diagnose_step *step,
                 double *value) {
  struct sp_observed_window window;
  int64_t from_ns = step ? step->from_ns : 0, to_ns = step ? step->to_ns : INT64_MAX;
  if (!sp_observed_window(d->input->observations, series, from_ns, to_ns, &window)) return false;
  *value = step ? window.mean : window.last;
  return !step || window.covered >= SP_SEEN_SHARE;
}

/* The same thing seen by two watchers counts once: the first that has something to tell. */
static bool is_again(const struct sp_diagnosing *d, size_t i, const struct sp_diagnose_step *step) {
  double value;
  for (size_t j = d->first[d->series[i]->signal]; j < i; j++) {
    if (strcmp(d->series[j]->subject, d->series[i]->subject) == 0 &&
        strcmp(d->series[j]->detail, d->series[i]->detail) == 0 && look(d, d->series[j], step, &value))
      return true;
  }
  return false;
}

/* A series without a detail is the whole, and those with one its parts. */
static double join_over(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject, const char *pattern,
                        const struct sp_diagnose_step *step) {
  double joined = (double)NAN, value;
  for (size_t i = d->first[signal]; i < d->first[signal + 1]; i++) {
    if (!is_of(d->series[i], subject, pattern) || !look(d, d->series[i], step, &value)) continue;
    if (!pattern && subject && d->series[i]->detail[0] == 0) return value;
    if (!is_again(d, i, step)) joined = join(signal, joined, value);
  }
  return joined;
}

double sp_see_of(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject, const char *pattern,
                 size_t step) {
  return join_over(d, signal, subject, pattern, d->steps[step]);
}

double sp_see(const struct sp_suspect *suspect, enum sp_signal signal, const char *pattern, size_t step) {
  return sp_see_of(suspect->d, signal, suspect->subject, pattern, step);
}

double sp_see_last(const struct sp_suspect *suspect, enum sp_signal signal) {
  return join_over(suspect->d, signal, suspect->subject, NULL, NULL);
}

size_t sp_see_details(const struct sp_suspect *suspect, enum sp_signal signal) {
  const struct sp_diagnosing *d = suspect->d;
  size_t count = 0;
  for (size_t i = d->first[signal]; i < d->first[signal + 1]; i++)
    if (is_of(d->series[i], suspect->subject, NULL) && !is_again(d, i, NULL)) count++;
  return count;
}

const struct sp_observed *sp_see_first(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject) {
  for (size_t i = d->first[signal]; i < d->first[signal + 1]; i++)
    if (is_of(d->series[i], subject, NULL)) return d->series[i];
  return NULL;
}

const char *sp_see_query(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject) {
  const struct sp_observed *series = signal < SP_SIGNAL_COUNT ? sp_see_first(d, signal, subject) : NULL;
  return series ? series->query : "";
}

double sp_see_setting(const struct sp_suspect *suspect, const char *key) {
  const struct sp_observations *seen = suspect->d->input->observations;
  const char *value = seen ? sp_observations_setting_of(seen, suspect->subject, key) : NULL;
  if (!value && seen) value = sp_observations_setting_of(seen, NULL, key);
  char *end;
  double number = value ? strtod(value, &end) : (double)NAN;
  return value && end != value && isfinite(number) ? number : (double)NAN;
}

double sp_zero(double value) { return isfinite(value) ? value : 0; }

double sp_rps(const struct sp_diagnosing *d, size_t step) {
  double rps = d->steps[step]->rps;
  return rps > 0 ? rps : (double)NAN;
}
