/* What a search shows: a line a trial while it goes, a table of the loads and each goal's answer at its end. */
#include "cli/capacity.h"

#include "base/units.h"
#include "cli/screen.h"
#include "report/diagnosis_text.h"
#include "report/figures.h"

#include <math.h>
#include <stdlib.h>

#define LINE_CLEAR "\r\033[K"

char *sp_capacity_load_text(const struct sp_search_options *options, double load, char *text, size_t size) {
  if (isnan(load)) snprintf(text, size, "-");
  else if (options->whole) snprintf(text, size, "%.0f user%s", load, load < 1.5 ? "" : "s");
  else snprintf(text, size, load < 1000 ? "%.4g/s" : "%.0f/s", load);
  return text;
}

static char *share_text(double share, char *text, size_t size) {
  if (isnan(share)) snprintf(text, size, "-");
  else sp_figure_percent(share, text, size);
  return text;
}

void sp_capacity_show_begin(const struct sp_capacity *capacity) {
  const struct sp_search_options *options = &capacity->search.options;
  char low[SP_CAPACITY_LOAD_SIZE], high[SP_CAPACITY_LOAD_SIZE];
  fprintf(capacity->show, "spate capacity: %s%s%s\n", capacity->plan_name, capacity->setup->host[0] ? " · " : "",
          capacity->setup->host);
  for (size_t g = 0; g < capacity->goals.count; g++) fprintf(capacity->show, "  goal: %s\n", capacity->goals.items[g].text);
  if (capacity->goals.left_out) fputs("  rates among the SLOs are left out: the rate is what is searched\n", capacity->show);
  if (options->ladder_count) {
    fprintf(capacity->show, "  %zu steps of %.0f s each\n", options->ladder_count, options->full_s);
  } else {
    fprintf(capacity->show, "  between %s and %s, trials of %.0f s\n",
            sp_capacity_load_text(options, options->min, low, sizeof(low)),
            sp_capacity_load_text(options, options->max, high, sizeof(high)), options->full_s);
  }
  if (capacity->search.count) fprintf(capacity->show, "  resumed behind %zu trials\n", capacity->search.count);
  fflush(capacity->show);
}

static void show_head(struct sp_capacity *capacity) {
  if (capacity->headed) return;
  fprintf(capacity->show, "\n  %5s  %12s  %7s  %8s  %8s  %9s  %s\n", "trial", "load", "seconds", "requests", "missed", "goodput",
          "says");
  capacity->headed = true;
}

void sp_capacity_show_progress(struct sp_capacity *capacity, const struct sp_search_ask *ask, double second,
                               uint64_t in_flight) {
  char load[SP_CAPACITY_LOAD_SIZE];
  if (!capacity->moves || capacity->options->quiet) return;
  show_head(capacity);
  fprintf(capacity->show, LINE_CLEAR "  %5zu  %12s  %7.0f  %llu in flight", capacity->search.count + 1,
          sp_capacity_load_text(&capacity->search.options, ask->load, load, sizeof(load)), second, (unsigned long long)in_flight);
  fflush(capacity->show);
}

void sp_capacity_show_note(void *ctx, const char *text) {
  const struct sp_capacity *capacity = ctx;
  fprintf(capacity->show, "%s  note: %s\n", capacity->moves ? LINE_CLEAR : "", text);
}

static const char *says(const struct sp_search_trial *trial) {
  if (trial->warm_up) return "warm-up";
  if (!trial->valid) return "not valid: the generator";
  if (trial->steady == SP_STEADY_GROWS) return trial->missed[0] ? "missed, and grows" : "grows: more comes than goes";
  if (trial->missed[0]) return trial->lost ? "missed, ended early" : "missed";
  return trial->steady == SP_STEADY_DRIFTS ? "not steady" : "kept";
}

void sp_capacity_show_trial(struct sp_capacity *capacity, const struct sp_search_trial *trial) {
  char load[SP_CAPACITY_LOAD_SIZE], requests[SP_UNIT_TEXT_SIZE], missed[SP_FIGURE_SIZE], goodput[SP_FIGURE_SIZE];
  if (capacity->options->quiet) return;
  show_head(capacity);
  if (capacity->moves) fputs(LINE_CLEAR, capacity->show);
  fprintf(capacity->show, "  %5zu  %12s  %7.0f  %8s  %8s  %7s/s  %s\n", capacity->search.count,
          sp_capacity_load_text(&capacity->search.options, trial->load, load, sizeof(load)), trial->measured_s,
          sp_format_count(trial->requests, requests, sizeof(requests)),
          share_text(trial->miss_share[0], missed, sizeof(missed)),
          sp_figure_rate(trial->goodput_per_s, goodput, sizeof(goodput)), says(trial));
  fflush(capacity->show);
}

/* -- the end -- */

static int by_load(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static size_t loads_of(const struct sp_search *search, double *loads) {
  size_t count = 0;
  for (size_t i = 0; i < search->count; i++) {
    bool known = search->trials[i].warm_up;
    for (size_t j = 0; j < count && !known; j++) known = loads[j] == search->trials[i].load;
    if (!known) loads[count++] = search->trials[i].load;
  }
  qsort(loads, count, sizeof(*loads), by_load);
  return count;
}

static const char *meaning(const struct sp_search *search, size_t goal, double load) {
  static const char *const whys[] = {"upper: it does not keep the goal", "upper: it does not settle",
                                     "upper: this machine was not able"};
  switch (sp_search_class_at(search, goal, load)) {
  case SP_SEARCH_LOWER: return "lower: it keeps the goal";
  case SP_SEARCH_UPPER: return whys[sp_search_why_at(search, goal, load)];
  case SP_SEARCH_UNDECIDED: break;
  }
  return "undecided: short trials only, or too few";
}

static void show_load(const struct sp_capacity *capacity, size_t goal, double load) {
  double seconds = 0, least = (double)NAN, most = (double)NAN;
  unsigned trials = 0;
  for (size_t i = 0; i < capacity->search.count; i++) {
    const struct sp_search_trial *trial = &capacity->search.trials[i];
    if (trial->warm_up || trial->load != load) continue;
    trials++;
    seconds += trial->measured_s;
    least = fmin(least, trial->miss_share[goal]);
    most = fmax(most, trial->miss_share[goal]);
  }
  char text[SP_CAPACITY_LOAD_SIZE], low[SP_FIGURE_SIZE], high[SP_FIGURE_SIZE];
  share_text(least, low, sizeof(low));
  share_text(most, high, sizeof(high));
  bool same = strcmp(low, high) == 0;
  fprintf(capacity->show, "  %12s  %6u  %7.0f  %7s%s%-7s  %s\n",
          sp_capacity_load_text(&capacity->search.options, load, text, sizeof(text)), trials, seconds, low, same ? "   " : " … ",
          same ? "" : high, meaning(&capacity->search, goal, load));
}

static void show_answer(const struct sp_capacity *capacity, const struct sp_search_result *result) {
  const struct sp_search_options *options = &capacity->search.options;
  char lower[SP_CAPACITY_LOAD_SIZE], upper[SP_CAPACITY_LOAD_SIZE], goodput[SP_FIGURE_SIZE];
  sp_capacity_load_text(options, result->lower, lower, sizeof(lower));
  sp_capacity_load_text(options, result->upper, upper, sizeof(upper));
  fprintf(capacity->show, "  %s: ", sp_search_verdict_name(result->verdict));
  bool has_lower = !isnan(result->lower);
  switch (result->verdict) {
  case SP_SEARCH_BOUNDED: fprintf(capacity->show, "%s keeps the goal, %s does not", lower, upper); break;
  case SP_SEARCH_NO_UPPER: fprintf(capacity->show, "%s keeps the goal, and no more was tried", lower); break;
  case SP_SEARCH_NO_LOWER:
    fprintf(capacity->show, isnan(result->upper) ? "no load was decided" : "not even %s keeps the goal", upper);
    break;
  case SP_SEARCH_NO_STEADY:
    fprintf(capacity->show, "trials at %s do not settle%s%s", upper, has_lower ? "; the goal is kept at " : "",
            has_lower ? lower : "");
    break;
  case SP_SEARCH_NOT_ABLE:
    fprintf(capacity->show, "at %s this machine is the limit%s%s", upper, has_lower ? "; the goal is kept at " : "",
            has_lower ? lower : "");
    break;
  }
  if (!isnan(result->goodput_at_lower)) {
    fprintf(capacity->show, " (goodput %s/s there)", sp_figure_rate(result->goodput_at_lower, goodput, sizeof(goodput)));
  }
  fputs("\n", capacity->show);
  if (!result->complete) fputs("  stopped on the way: these are the bounds so far\n", capacity->show);
  if (result->verdict == SP_SEARCH_NOT_ABLE && capacity->reason[0]) fprintf(capacity->show, "  %s\n", capacity->reason);
}

static void put_insight(void *ctx, struct sp_canvas *canvas) {
  const struct sp_capacity *capacity = ctx;
  if (capacity->diagnosed) sp_diagnosis_put(&capacity->diagnosis, canvas);
  if (capacity->answers) sp_whatif_put(capacity->answers, capacity->options->capacity.what_if_count, canvas);
}

static void show_insight(struct sp_capacity *capacity) {
  fflush(capacity->show);
  struct sp_terminal *terminal = sp_screen_open(capacity->options);
  sp_terminal_put(terminal, put_insight, capacity);
  sp_terminal_destroy(terminal);
}

void sp_capacity_show_end(struct sp_capacity *capacity) {
  double loads[SP_SEARCH_TRIALS_MAX];
  size_t count = loads_of(&capacity->search, loads);
  if (capacity->moves) fputs(LINE_CLEAR, capacity->show);
  for (size_t g = 0; g < capacity->goals.count; g++) {
    struct sp_search_result result;
    sp_search_result(&capacity->search, g, &result);
    fprintf(capacity->show, "\n%s\n", capacity->goals.items[g].text);
    show_answer(capacity, &result);
    fprintf(capacity->show, "\n  %12s  %6s  %7s  %17s  %s\n", "load", "trials", "seconds", "missed", "class");
    for (size_t i = 0; i < count; i++) show_load(capacity, g, loads[i]);
  }
  if (capacity->diagnosed || capacity->answers) show_insight(capacity);
  fflush(capacity->show);
}
