/* spate selftest: how much load this machine's generator can be trusted for. */
#include "cli/command.h"
#include "cli/selftest.h"

#include "base/mem.h"
#include "base/units.h"
#include "cli/setup.h"
#include "report/out_file.h"

#include <math.h>
#include <stdlib.h>

#define RUN_TIME_NS (60 * SP_NS_PER_S)
#define MEASURED_MIN_NS (SP_NS_PER_S / 4)
#define MEASURED_MAX_NS (2 * SP_NS_PER_S)
#define STEPS_ROOM 8 /* steps that the time of a series should hold */
#define JSON_MAX (1u << 20)

static const struct sp_selftest_series series_list[] = {
    {"streams at once", "held open: 50 tokens each, 20 ms apart", "sk-held", false, 100, 100, 1300 * SP_NS_PER_MS},
    {"streams a second", "started by the clock: two tokens each", "sk-short", true, 250, 20, 500 * SP_NS_PER_MS},
};
#define SERIES (sizeof(series_list) / sizeof(series_list[0]))

struct selftest {
  FILE *show; /* standard error where the document goes to standard output */
  struct sp_selftest_machine machine;
  struct sp_selftest_result results[SERIES];
};

const struct sp_selftest_step *sp_selftest_best(const struct sp_selftest_result *result) {
  const struct sp_selftest_step *best = NULL;
  for (size_t i = 0; i < result->count && result->steps[i].trusted; i++) best = &result->steps[i];
  return best;
}

const char *sp_selftest_end_name(enum sp_selftest_end end) {
  static const char *const names[] = {"limit", "mock", "other work", "time", "files", "ports"};
  return names[end];
}

/* -- a series -- */

static char *count_of(double value, char *text, size_t size) {
  return sp_format_count(value > 0 ? (uint64_t)llround(value) : 0, text, size);
}

static void print_step(FILE *show, const struct sp_selftest_series *series, const struct sp_selftest_step *step) {
  char level[SP_UNIT_TEXT_SIZE], other[SP_UNIT_TEXT_SIZE], events[SP_UNIT_TEXT_SIZE];
  double beside = series->is_rate ? step->streams_at_once : step->streams_per_s;
  fprintf(show, "  %8s   %s %s · %s events/s · lag p99 %.2f ms · TTFT p99 off by %.2f ms · the mock late by %.2f ms%s\n",
         count_of(step->level, level, sizeof(level)), count_of(beside, other, sizeof(other)),
         series->is_rate ? "at once" : "streams/s", count_of(step->events_per_s, events, sizeof(events)), step->lag_p99_ms,
         step->ttft_off_ms, step->mock_late_ms, step->trusted ? "" : "   ×");
  if (!step->trusted) fprintf(show, "             not trusted: %s\n", step->why);
  fflush(show);
}

/* Client and mock each have one end of a connection in this process. True: the next step is beyond a limit. */
static bool ends_by_limit(const struct sp_selftest_machine *machine, const struct sp_selftest_series *series, double level,
                          enum sp_selftest_end *end) {
  double connections = series->is_rate ? level * series->ttft_ms / 1000 * 4 : level; /* what a slow second may need */
  bool files = 2 * connections + 2 * SP_FILES_BESIDE > (double)machine->files;
  bool ports = machine->port_high > 0 && connections > (double)(machine->port_high - machine->port_low);
  if (files) *end = SP_SELFTEST_FILES;
  if (ports) *end = SP_SELFTEST_PORTS;
  return files || ports;
}

/* Other work comes and goes: what it spoiled is tried once more. */
static int run_step(const struct sp_selftest_series *series, double level, int64_t measured_ns,
                    struct sp_selftest_machine *machine, struct sp_selftest_step *step, struct sp_err *err) {
  int code = sp_selftest_step_run(series, level, measured_ns, machine->processors, step, err);
  if (code == 0 && !step->trusted && step->end == SP_SELFTEST_OTHERS) {
    code = sp_selftest_step_run(series, level, measured_ns, machine->processors, step, err);
  }
  machine->stamps |= isfinite(step->lag_p99_ms);
  machine->throttling.known |= step->throttling.known;
  machine->throttling.periods += step->throttling.periods;
  machine->throttling.throttled_ns += step->throttling.throttled_ns;
  return code;
}

static int64_t measured_of(const struct sp_selftest_series *series, int64_t length_ns) {
  int64_t measured_ns = length_ns / STEPS_ROOM - series->warm_up_ns;
  if (measured_ns < MEASURED_MIN_NS) return MEASURED_MIN_NS;
  return measured_ns > MEASURED_MAX_NS ? MEASURED_MAX_NS : measured_ns;
}

static int run_series(struct selftest *test, struct sp_selftest_result *result, int64_t length_ns, struct sp_err *err) {
  const struct sp_selftest_series *series = result->series;
  int64_t begin_ns = sp_clock_mono_ns(), measured_ns = measured_of(series, length_ns), step_ns = 0;
  fprintf(test->show, "%s, %s\n", series->name, series->what);
  for (double level = series->first_level;; level *= 2) {
    int64_t now_ns = sp_clock_mono_ns();
    result->end = SP_SELFTEST_TIME;
    if (result->count == SP_SELFTEST_STEPS_MAX || (result->count && now_ns - begin_ns + step_ns > length_ns)) return 0;
    if (ends_by_limit(&test->machine, series, level, &result->end)) return 0;
    struct sp_selftest_step *step = &result->steps[result->count];
    int code = run_step(series, level, measured_ns, &test->machine, step, err);
    if (code) return code;
    result->count++;
    step_ns = sp_clock_mono_ns() - now_ns;
    print_step(test->show, series, step);
    if (step->trusted) continue;
    result->end = step->end;
    return 0;
  }
}

/* -- what it comes to -- */

static void print_trust(FILE *show, const char *name, double value, const struct sp_selftest_result *result) {
  static const char *const ends[] = {"", "the mock beside it was the limit", "then other work had the CPU",
                                     "then the time was over", "the limit of open files", "the range of local ports"};
  char text[SP_UNIT_TEXT_SIZE];
  count_of(value, text, sizeof(text));
  if (result->end == SP_SELFTEST_LIMIT) fprintf(show, "  %-17s %s\n", name, text);
  else fprintf(show, "  %-17s at least %s   (%s)\n", name, text, ends[result->end]);
}

static void print_trusted(const struct selftest *test) {
  fprintf(test->show, "\ntrusted on this machine\n");
  for (size_t i = 0; i < SERIES; i++) {
    const struct sp_selftest_result *result = &test->results[i];
    const struct sp_selftest_step *best = sp_selftest_best(result);
    if (!best) {
      const char *why = result->count ? result->steps[0].why : "it could not begin";
      fprintf(test->show, "  %-17s none: %s\n", result->series->name, why);
      continue;
    }
    print_trust(test->show, result->series->name, best->level, result);
    if (!result->series->is_rate) print_trust(test->show, "events a second", best->events_per_s, result);
  }
}

static void print_machine(const struct selftest *test) {
  fprintf(test->show, "this machine\n");
  for (unsigned i = 0; i < SP_ROWS; i++) {
    enum sp_selftest_row row = (enum sp_selftest_row)i;
    char text[200];
    const char *remedy = sp_selftest_remedy(&test->machine, row);
    sp_selftest_row_text(&test->machine, row, text, sizeof(text));
    fprintf(test->show, "  %-17s %s", sp_selftest_row_name(row), text);
    if (remedy) fprintf(test->show, "  → %s", remedy);
    fprintf(test->show, "\n");
  }
}

/* -- the command -- */

static int write_json(struct sp_out_file *file, const struct selftest *test, bool good, struct sp_err *err) {
  struct sp_buf out;
  sp_buf_init(&out, JSON_MAX);
  int code = sp_selftest_json(&test->machine, test->results, SERIES, good, &out);
  if (code) code = sp_fail(err, SP_ELIMIT, "the document is over %u bytes", JSON_MAX);
  else code = sp_out_file_write(file, out.bytes, out.len, err);
  sp_buf_fini(&out);
  return code;
}

static int check_outs(const struct sp_options *options, struct sp_err *err) {
  for (size_t i = 0; i < options->out_count; i++) {
    if (options->outs[i].type != &sp_report_json) {
      return sp_fail(err, SP_EUSAGE, "selftest writes json only, not %s", options->outs[i].type->name);
    }
  }
  return options->out_count > 1 ? sp_fail(err, SP_EUSAGE, "selftest writes one document: give --out once") : 0;
}

static bool is_good(const struct selftest *test) {
  bool good = test->machine.throttling.periods == 0;
  for (size_t i = 0; i < SERIES; i++) good &= sp_selftest_best(&test->results[i]) != NULL;
  return good;
}

static int test_all(struct selftest *test, int64_t length_ns, struct sp_err *err) {
  char text[SP_UNIT_TEXT_SIZE];
  sp_selftest_machine_read(&test->machine);
  fprintf(test->show, "spate selftest: the client against the simulated target on this machine, about %s\n\n",
          sp_format_duration(length_ns, text, sizeof(text)));
  for (size_t i = 0; i < SERIES; i++) {
    test->results[i].series = &series_list[i];
    int code = run_series(test, &test->results[i], length_ns / (int64_t)SERIES, err);
    if (code) return code;
  }
  print_trusted(test);
  print_machine(test);
  return 0;
}

static int selftest_run(const struct sp_options *options) {
  struct sp_err err;
  struct sp_out_file file;
  const char *path = options->out_count ? options->outs[0].path : NULL;
  int64_t length_ns = options->load.run_time_ns > 0 ? options->load.run_time_ns : RUN_TIME_NS;
  if (check_outs(options, &err)) return sp_cli_fail(&err);
  if (path && sp_out_file_open(&file, path, &err)) return sp_cli_fail(&err);
  struct selftest *test = sp_alloc(sizeof(*test));
  test->show = path && strcmp(path, "-") == 0 ? stderr : stdout;
  int code = test_all(test, length_ns, &err);
  bool good = code == 0 && is_good(test);
  if (code == 0 && path) code = write_json(&file, test, good, &err);
  if (path) sp_out_file_close(&file);
  free(test);
  return code ? sp_cli_fail(&err) : good ? SP_EXIT_OK : SP_EXIT_INVALID;
}

static const struct sp_option *const groups[] = {sp_options_selftest, sp_options_common, NULL};

const struct sp_command sp_command_selftest = {.name = "selftest", .arguments = "",
    .summary = "how much load this machine's generator can be trusted for",
    .details = "Runs the client against the mock in rising steps, about a minute, and says what limits it here.\n"
               "Exit code 4 where not even the first step's figures can be trusted.\n",
    .option_groups = groups, .run = selftest_run};
