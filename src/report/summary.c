#include "report/summary.h"

#include "base/mem.h"
#include "base/units.h"
#include "report/diagnosis_text.h"
#include "report/figures.h"
#include "report/terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ERRORS_SHOWN_MAX 15u
#define ERROR_INDENT 9
#define LINE_SIZE 1200

static void put_line(struct sp_canvas *canvas, const char *text) {
  sp_put_parts(canvas, sp_str_from(text), 0, 2);
}

/* --- what ran --- */

static void date_text(int64_t real_ns, char *text, size_t size) {
  time_t seconds = (time_t)(real_ns / SP_NS_PER_S);
  struct tm utc;
  if (!gmtime_r(&seconds, &utc) || strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
    snprintf(text, size, "-");
  }
}

static void put_title(const struct sp_result *result, struct sp_canvas *canvas) {
  char line[LINE_SIZE], measured[SP_FIGURE_SIZE], load[SP_LOAD_TEXT_SIZE], date[40];
  const char *name = result->name && result->name[0] ? result->name : result->plan;
  snprintf(line, sizeof(line), "%s%s%s", name, result->host && result->host[0] ? " → " : "",
           result->host ? result->host : "");
  sp_put_ink(canvas, SP_INK_BOLD);
  put_line(canvas, line);
  sp_put_ink(canvas, SP_INK_PLAIN);
  date_text(result->started_real_ns, date, sizeof(date));
  snprintf(line, sizeof(line), "%s, %s measured%s · %u thread%s · seed %llu · %s",
           sp_summary_load_text(result, load, sizeof(load)),
           sp_format_duration(result->facts.measured_ns, measured, sizeof(measured)),
           result->interrupted ? " (interrupted)" : "", result->facts.threads, result->facts.threads == 1 ? "" : "s",
           (unsigned long long)result->seed, date);
  put_line(canvas, line);
}

static const char *valid_text(const struct sp_result *result) {
  struct sp_tally tally;
  sp_tally_interval(result->totals, &tally);
  if (tally.ok > 0) {
    return "the generator kept up: these times are the target's";
  }
  return tally.failed > 0 ? "the generator kept up, but no request succeeded"
                          : "the generator kept up, but no request was completed";
}

static void put_note(const char *note, struct sp_canvas *canvas) {
  sp_put_inked(canvas, SP_INK_CYAN, "note");
  sp_put(canvas, "  ");
  sp_put_wrapped(canvas, sp_str_from(note), 6, 2);
}

static void put_notes(const struct sp_result *result, struct sp_canvas *canvas) {
  for (size_t i = 0; i < result->validity.note_count; i++) {
    put_note(result->validity.notes[i], canvas);
  }
  for (size_t i = 0; i < result->note_count; i++) {
    put_note(result->notes[i], canvas);
  }
}

static void put_verdict(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_validity *validity = &result->validity;
  sp_put(canvas, "\n");
  if (result->facts.aborted) {
    sp_put_inked(canvas, SP_INK_RED, "ENDED EARLY");
    sp_put(canvas, "  ");
    sp_put_wrapped(canvas, sp_str_from(result->facts.aborted), 13, 2);
  }
  if (validity->valid) {
    sp_put_inked(canvas, SP_INK_GREEN, "VALID");
    sp_put(canvas, "  ");
    sp_put_wrapped(canvas, sp_str_from(valid_text(result)), 7, 2);
    return;
  }
  sp_put_inked(canvas, SP_INK_RED, "NOT VALID");
  sp_put(canvas, "  ");
  sp_put_wrapped(canvas, SP_STR("these numbers tell of the generator, not only of the target:"), 11, 2);
  for (size_t i = 0; i < validity->reason_count; i++) {
    sp_put(canvas, "  · ");
    sp_put_wrapped(canvas, sp_str_from(validity->reasons[i]), 4, 4);
  }
}

static void append(char *line, size_t size, const char *before, uint64_t count, const char *word) {
  char number[SP_FIGURE_SIZE];
  size_t len = strlen(line);
  snprintf(line + len, size - len, "%s%s %s", before, sp_format_count(count, number, sizeof(number)), word);
}

static void put_totals(const struct sp_result *result, struct sp_canvas *canvas) {
  char line[LINE_SIZE] = "", rps[SP_FIGURE_SIZE], events[SP_FIGURE_SIZE], in[SP_FIGURE_SIZE], out[SP_FIGURE_SIZE];
  struct sp_tally tally;
  int64_t measured_ns = result->facts.measured_ns;
  sp_tally_interval(result->totals, &tally);
  append(line, sizeof(line), "", tally.started, "requests = ");
  append(line, sizeof(line), "", tally.ok, "ok");
  append(line, sizeof(line), " + ", tally.failed, "failed");
  append(line, sizeof(line), " + ", tally.abandoned, "abandoned");
  append(line, sizeof(line), " + ", tally.cancelled, "cancelled");
  sp_put(canvas, "\n");
  put_line(canvas, line);
  sp_figure_rate(sp_per_s(sp_completed(&tally), measured_ns), rps, sizeof(rps));
  sp_figure_rate(sp_per_s(result->totals->events, measured_ns), events, sizeof(events));
  snprintf(line, sizeof(line), "%s requests/s · %s events/s · %s in · %s out", rps, events,
           sp_format_bytes(tally.bytes_in, in, sizeof(in)), sp_format_bytes(tally.bytes_out, out, sizeof(out)));
  if (tally.good < tally.ok) {
    size_t len = strlen(line);
    sp_figure_rate(sp_per_s(tally.good, measured_ns), rps, sizeof(rps));
    snprintf(line + len, sizeof(line) - len, " · goodput %s/s", rps);
  }
  if (result->totals->task_errors > 0) {
    append(line, sizeof(line), " · ", result->totals->task_errors,
           result->totals->task_errors == 1 ? "error in a task" : "errors in tasks");
  }
  put_line(canvas, line);
}

/* --- errors --- */

static int most_first(const void *a, const void *b) {
  const struct sp_error_cell *x = *(const struct sp_error_cell *const *)a;
  const struct sp_error_cell *y = *(const struct sp_error_cell *const *)b;
  if (x->count != y->count) {
    return (x->count < y->count) - (x->count > y->count);
  }
  return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static void put_error(const struct sp_error_cell *error, int64_t begin_ns, const char *advice,
                      struct sp_canvas *canvas) {
  char count[SP_FIGURE_SIZE], first[SP_FIGURE_SIZE], line[LINE_SIZE];
  int64_t first_ns = error->first_ns > begin_ns ? error->first_ns - begin_ns : 0;
  sp_format_count(error->count, count, sizeof(count));
  snprintf(line, sizeof(line), "%s: %s (first after %s)", error->name, error->kind,
           sp_format_duration(first_ns, first, sizeof(first)));
  sp_put_inked(canvas, SP_INK_RED, "%6s ×", count);
  sp_put(canvas, " ");
  sp_put_wrapped(canvas, sp_str_from(line), ERROR_INDENT, ERROR_INDENT);
  if (error->detail[0]) {
    sp_put_spaces(canvas, ERROR_INDENT);
    sp_put_wrapped(canvas, sp_str_from(error->detail), ERROR_INDENT, ERROR_INDENT);
  }
  if (advice) {
    sp_put_spaces(canvas, ERROR_INDENT);
    sp_put_inked(canvas, SP_INK_CYAN, "→ ");
    sp_put_wrapped(canvas, sp_str_from(advice), ERROR_INDENT + 2, ERROR_INDENT + 2);
  }
}

static void put_sorted_errors(const struct sp_error_cell **errors, size_t count, int64_t begin_ns,
                              struct sp_canvas *canvas) {
  const char *last_advice = NULL;
  for (size_t i = 0; i < count && i < ERRORS_SHOWN_MAX; i++) {
    const char *advice = sp_remedy(errors[i]->kind, errors[i]->detail);
    put_error(errors[i], begin_ns, advice == last_advice ? NULL : advice, canvas);
    last_advice = advice;
  }
  if (count > ERRORS_SHOWN_MAX) {
    sp_put(canvas, "         … and %zu more kinds (--out json=PATH has them all)\n", count - ERRORS_SHOWN_MAX);
  }
}

static void put_errors(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_map *map = &result->totals->errors;
  if (map->count == 0) {
    return;
  }
  const struct sp_error_cell **errors = sp_alloc_array(map->count, sizeof(errors[0]));
  for (size_t i = 0; i < map->count; i++) {
    errors[i] = map->entries[i].value;
  }
  qsort(errors, map->count, sizeof(errors[0]), most_first);
  sp_put(canvas, "\n");
  sp_put_inked(canvas, SP_INK_BOLD, "errors");
  sp_put(canvas, "\n");
  put_sorted_errors(errors, map->count, result->totals->begin_ns, canvas);
  free(errors);
}

/* --- the generator --- */

static void lag_text(const struct sp_hist *hist, char *text, size_t size) {
  char p99[SP_FIGURE_SIZE];
  sp_figure_percentile(hist, 99, p99, sizeof(p99));
  snprintf(text, size, hist->count > 0 ? "%s ms" : "%s", p99);
}

static void put_generator(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_validity *validity = &result->validity;
  char line[LINE_SIZE], cpu[SP_FIGURE_SIZE], lag[SP_FIGURE_SIZE + 4], loop_lag[SP_FIGURE_SIZE + 4];
  sp_figure_percent(validity->cpu_share, cpu, sizeof(cpu));
  lag_text(&result->totals->lag, lag, sizeof(lag));
  lag_text(&result->totals->loop_lag, loop_lag, sizeof(loop_lag));
  snprintf(line, sizeof(line), "generator: busiest thread %s CPU · lag p99 %s · loop lag p99 %s", cpu, lag, loop_lag);
  append(line, sizeof(line), " · ", validity->late_starts, validity->late_starts == 1 ? "late start" : "late starts");
  if (validity->dropped_starts > 0) {
    append(line, sizeof(line), " · ", validity->dropped_starts, "dropped starts");
  }
  sp_put(canvas, "\n");
  sp_put_ink(canvas, SP_INK_DIM);
  put_line(canvas, line);
  sp_put_ink(canvas, SP_INK_PLAIN);
}

void sp_summary_put(const struct sp_result *result, struct sp_canvas *canvas) {
  put_title(result, canvas);
  put_verdict(result, canvas);
  put_notes(result, canvas);
  put_totals(result, canvas);
  sp_summary_put_load(result, canvas);
  sp_summary_put_open_ends(result, canvas);
  sp_summary_put_stages(result, canvas);
  sp_summary_put_requests(result, canvas);
  sp_summary_put_compat(result, canvas);
  sp_summary_put_nodes(result, canvas);
  sp_summary_put_customs(result, canvas);
  put_errors(result, canvas);
  sp_summary_put_slos(result, canvas);
  /* Where nobody watched, only what the run alone could tell is worth the lines. */
  if (result->diagnosis && (result->seen || result->diagnosis->claim[0])) sp_diagnosis_put(result->diagnosis, canvas);
  put_generator(result, canvas);
}
