#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "golden.h"
#include "report/canvas.h"
#include "report/terminal.h"

static const int widths[] = { 40, 60, 80, 100, 200 };
#define WIDTHS (sizeof(widths) / sizeof(widths[0]))

/* What a terminal would have been sent. */
struct caught {
  FILE *file;
  char *bytes;
  size_t len;
  struct sp_terminal *terminal;
};

static void catch_begin(struct caught *caught, bool live, bool color, bool quiet, int width) {
  *caught = (struct caught){ 0 };
  caught->file = open_memstream(&caught->bytes, &caught->len);
  assert_non_null(caught->file);
  struct sp_terminal_options options = { caught->file, live, color, quiet, width };
  caught->terminal = sp_terminal_create(&options);
}

static void catch_end(struct caught *caught) {
  sp_terminal_destroy(caught->terminal);
  fclose(caught->file);
  free(caught->bytes);
}

/* Drops escape sequences and carriage returns: what stays is what is read. */
static char *visible(const char *text) {
  char *out = calloc(1, strlen(text) + 1), *at = out;
  assert_non_null(out);
  while (*text) {
    if (*text == '\x1b') {
      text += strcspn(text, "ABCDHJKmlh");
      text += *text ? 1 : 0;
    } else if (*text == '\r') {
      text++;
    } else {
      *at++ = *text++;
    }
  }
  return out;
}

static void assert_fits(const char *text, int width) {
  struct sp_str rest = sp_str_from(text);
  while (rest.len > 0) {
    struct sp_str line = sp_str_split(&rest, '\n');
    if (sp_text_width(line) > width) {
      fprintf(stderr, "wider than %d: " SP_STR_FMT "\n", width, SP_STR_ARG(line));
    }
    assert_true(sp_text_width(line) <= width);
    assert_true(line.len == 0 || line.bytes[line.len - 1] != ' ');
  }
}

static void live_frames(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  for (int errors = 0; errors < 2; errors++) {
    for (size_t i = 0; i < WIDTHS; i++) {
      struct caught caught;
      char name[64];
      catch_begin(&caught, true, false, false, widths[i]);
      sp_terminal_tick(caught.terminal, &f.view);
      char *text = visible(caught.bytes);
      assert_fits(text, widths[i] - 1);
      snprintf(name, sizeof(name), "live_%d%s", widths[i], errors ? "_errors" : "");
      assert_golden(name, text);
      free(text);
      catch_end(&caught);
    }
    fabricate_errors(&f.recorder);
  }
  fabricated_fini(&f);
}

/* The second frame goes up as many lines as the first had, and leaves nothing of it. */
static void redraws_in_place(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  catch_begin(&caught, true, true, false, 100);
  sp_terminal_tick(caught.terminal, &f.view);
  char *first = visible(caught.bytes);
  assert_null(strstr(caught.bytes, "A\x1b[2K")); /* nothing to go up to */
  int lines = 0;
  for (const char *at = first; *at; at++) {
    lines += *at == '\n';
  }
  size_t before = caught.len;
  sp_terminal_tick(caught.terminal, &f.view);
  char up[32];
  snprintf(up, sizeof(up), "\r\x1b[%dA\x1b[2K", lines);
  assert_memory_equal(caught.bytes + before, up, strlen(up));
  assert_string_equal(caught.bytes + caught.len - 3, "\x1b[J");
  char *second = visible(caught.bytes + before);
  assert_string_equal(first, second);
  free(first);
  free(second);
  fabricated_fini(&f);
  catch_end(&caught);
}

static void a_note_stands_above_the_frame(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  catch_begin(&caught, true, false, false, 80);
  sp_terminal_tick(caught.terminal, &f.view);
  char *frame = visible(caught.bytes);
  size_t before = caught.len;
  sp_terminal_note(caught.terminal, "stopping; Ctrl-C %s stops at once", "again");
  char *text = visible(caught.bytes + before), *want = NULL;
  assert_true(asprintf(&want, "stopping; Ctrl-C again stops at once\n%s", frame) > 0);
  assert_string_equal(text, want);
  assert_non_null(strstr(caught.bytes + before, "\x1b[J"));
  free(text);
  free(want);
  free(frame);
  fabricated_fini(&f);
  catch_end(&caught);
}

static void no_more_lines_than_the_screen(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  for (int i = 0; i < 50; i++) {
    char name[32];
    snprintf(name, sizeof(name), "request %d", i);
    struct sp_request_key key = { name, "U", "t" };
    sp_recorder_start(&f.recorder, &key);
  }
  catch_begin(&caught, true, false, false, 80);
  sp_terminal_tick(caught.terminal, &f.view);
  char *text = visible(caught.bytes);
  int lines = 0;
  for (const char *at = text; *at; at++) {
    lines += *at == '\n';
  }
  assert_true(lines <= 23); /* of 24: the cursor stands below */
  assert_non_null(strstr(text, "more requests"));
  free(text);
  fabricated_fini(&f);
  catch_end(&caught);
}

static void phases(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  static const struct {
    enum sp_phase phase;
    int64_t run_time_s, warm_up_s;
    uint64_t iterations;
    const char *says;
  } cases[] = {
    { SP_PHASE_SPAWNING, 300, 0, 0, "21 %  1m 05s of 5m 00s  starting users" },
    { SP_PHASE_STEADY, 0, 0, 0, "1m 05s  running" },
    { SP_PHASE_STEADY, 0, 0, 5200, "25 %  1m 05s  1,300 of 5,200 tasks  running" },
    { SP_PHASE_STEADY, 300, 90, 0, "warming up" },
    { SP_PHASE_ENDING, 60, 0, 0, "100 %" },
    { SP_PHASE_ENDING, 60, 0, 0, "ending: what has started may finish" },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    f.view.phase = cases[i].phase;
    f.load.run_time_ns = cases[i].run_time_s * SP_NS_PER_S;
    f.load.warm_up_ns = cases[i].warm_up_s * SP_NS_PER_S;
    f.load.iterations = cases[i].iterations;
    catch_begin(&caught, true, false, false, 100);
    sp_terminal_tick(caught.terminal, &f.view);
    assert_non_null(strstr(caught.bytes, cases[i].says));
    catch_end(&caught);
  }
  fabricated_fini(&f);
}

/* No figure is made up where there is none yet. */
static void first_second(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  sp_interval_clear(f.recorder.interval);
  sp_interval_clear(f.last);
  f.view.phase = SP_PHASE_SPAWNING;
  f.view.elapsed_ns = 0;
  f.view.users = 0;
  catch_begin(&caught, true, false, false, 100);
  sp_terminal_tick(caught.terminal, &f.view);
  char *text = visible(caught.bytes);
  assert_golden("live_first", text);
  assert_null(strstr(text, "nan"));
  free(text);
  fabricated_fini(&f);
  catch_end(&caught);
}

static void plain_lines_every_five_seconds(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  catch_begin(&caught, false, false, false, 0);
  for (int second = 1; second <= 22; second++) {
    f.view.elapsed_ns = second * SP_NS_PER_S + (second % 3 - 1) * 2 * SP_NS_PER_MS; /* ticks are never exact */
    sp_terminal_tick(caught.terminal, &f.view);
  }
  fflush(caught.file);
  assert_null(strchr(caught.bytes, '\x1b'));
  assert_golden("plain", caught.bytes);
  fabricated_fini(&f);
  catch_end(&caught);
}

static void quiet_is_quiet(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  catch_begin(&caught, true, true, true, 100);
  for (int second = 1; second <= 20; second++) {
    f.view.elapsed_ns = second * SP_NS_PER_S;
    sp_terminal_tick(caught.terminal, &f.view);
  }
  fflush(caught.file);
  assert_int_equal(caught.len, 0);
  sp_terminal_summary(caught.terminal, &f.result);
  assert_true(caught.len > 0);
  fabricated_fini(&f);
  catch_end(&caught);
}

/* --- summaries --- */

static char *summary_of(const struct sp_result *result, int width) {
  struct caught caught;
  catch_begin(&caught, false, false, false, width);
  sp_terminal_summary(caught.terminal, result);
  assert_null(strchr(caught.bytes, '\x1b'));
  char *text = strdup(caught.bytes);
  catch_end(&caught);
  return text;
}

static void summary_ok(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  char *text = summary_of(&f.result, 0);
  assert_golden("summary_ok", text);
  free(text);
  fabricated_fini(&f);
}

static void summaries(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  sp_recorder_custom(&f.recorder, "score", "points", 0.75);
  sp_recorder_custom(&f.recorder, "score", "points", 0.25);
  struct sp_slo_result slos[] = { { "p95(e2e) < 4s", 3210, true },
                                  { "failed_share < 1%", 0.015, false },
                                  { "p95(ttft) < 1s on 'no such'", NAN, false } };
  f.result.slos = slos;
  f.result.slo_count = 3;
  f.result.validity.valid = false;
  f.result.validity.reason_count = 2;
  snprintf(f.result.validity.reasons[0], SP_REASON_TEXT_MAX,
           "an engine thread was 97 %% busy (limit 90 %%): times include the generator's own queueing; use more "
           "--threads or another machine");
  snprintf(f.result.validity.reasons[1], SP_REASON_TEXT_MAX, "12 starts that were due were dropped");
  f.result.validity.dropped_starts = 12;
  f.result.interrupted = true;
  f.result.facts.aborted = "the feed questions.csv is used up";
  for (size_t i = 0; i < WIDTHS; i++) {
    char name[64];
    char *text = summary_of(&f.result, widths[i]);
    assert_fits(text, widths[i]);
    snprintf(name, sizeof(name), "summary_%d", widths[i]);
    assert_golden(name, text);
    free(text);
  }
  fabricated_fini(&f);
}

/* An open loop in stages, one of which the run never came to; service levels with all that may be known of them. */
static void summary_of_stages(void **state) {
  (void)state;
  static const struct { const char *text; double value, low, high; enum sp_confidence_state state; } levels[] = {
    { "p95(e2e) < 4s", 3210, 3100.5, 3345, SP_CONFIDENCE_GOOD },
    { "goodput > 20/s", 21.6, 18.25, 24.9, SP_CONFIDENCE_GOOD },
    { "p99(ttft) < 1s", 1649, NAN, NAN, SP_CONFIDENCE_FEW_SAMPLES },
    { "p95(ttft) < 2s over 30s", 2412, NAN, NAN, SP_CONFIDENCE_FEW_BATCHES },
    { "p95(e2e) < 1s on 'no such'", NAN, NAN, NAN, SP_CONFIDENCE_NO_SAMPLES },
  };
  enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };
  struct sp_slo slos[LEVELS];
  struct sp_confidence sure[LEVELS];
  struct sp_slo_result results[LEVELS];
  struct sp_window_track window = { .windows = 31, .missed = 4, .worst = 2412, .worst_begin_ns = BEGIN_NS + 20 * SP_NS_PER_S };
  struct fabricated f;
  struct sp_err err;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  for (size_t i = 0; i < LEVELS; i++) {
    assert_int_equal(sp_slo_parse(sp_str_from(levels[i].text), &slos[i], &err), 0);
    sure[i] = (struct sp_confidence){ .state = levels[i].state, .value = levels[i].value, .low = levels[i].low,
                                      .high = levels[i].high, .samples = 120, .needed = 368 };
    results[i] = (struct sp_slo_result){ .expression = slos[i].text, .value = levels[i].value, .slo = &slos[i], .samples = 120,
                                         .met = sp_slo_holds(&slos[i], levels[i].value), .confidence = &sure[i],
                                         .window = slos[i].window_ns ? &window : NULL };
  }
  results[4].why = "no request of this name";
  struct sp_interval *none = sp_interval_create();
  const struct sp_run_stage stages[] = {
    { { 0, 20, 30 * SP_NS_PER_S }, 0, 30 * SP_NS_PER_S, 12.5, 9.75, f.recorder.interval },
    { { 20, 20, 30 * SP_NS_PER_S }, 30 * SP_NS_PER_S, 30 * SP_NS_PER_S, 50, 40, f.last },
    { { 20, 37.5, 30 * SP_NS_PER_S }, 60 * SP_NS_PER_S, 0, NAN, NAN, none },
  };
  static const char *const notes[] = { "the target runs on this machine: it and the generator share its 2 processors" };
  sp_cell_compat(sp_interval_cell(f.recorder.interval, &fabricated_keys[0]));
  sp_hist_record(&sp_interval_cell(f.recorder.interval, &fabricated_keys[0])->compat[0], 99000);
  f.load.kind = SP_LOAD_RATE;
  f.load.stage_count = 3;
  f.result.stages = stages;
  f.result.stage_count = 3;
  f.result.slos = results;
  f.result.slo_count = LEVELS;
  f.result.notes = notes;
  f.result.note_count = 1;
  f.result.validity.note_count = 1;
  snprintf(f.result.validity.notes[0], SP_REASON_TEXT_MAX, "the laws could not be checked: the run was too short");
  f.result.facts.arrivals_planned = 1208;
  f.result.facts.arrivals_made = 1205;
  f.result.facts.arrivals_dropped = 3;
  for (size_t i = 0; i < WIDTHS; i++) {
    char name[64];
    char *text = summary_of(&f.result, widths[i]);
    assert_fits(text, widths[i]);
    snprintf(name, sizeof(name), "summary_stages_%d", widths[i]);
    assert_golden(name, text);
    free(text);
  }
  sp_interval_destroy(none);
  fabricated_fini(&f);
}

static void live_stages(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  f.load.kind = SP_LOAD_RATE;
  f.load.stage_count = 3;
  f.load.stages[0] = f.load.stages[1] = f.load.stages[2] = (struct sp_stage){ 20, 20, 40 * SP_NS_PER_S };
  f.view.stage = 1;
  f.view.rate_target = 20;
  catch_begin(&caught, true, false, false, 100);
  sp_terminal_tick(caught.terminal, &f.view);
  char *text = visible(caught.bytes);
  assert_non_null(strstr(text, " of 2m 00s"));
  assert_non_null(strstr(text, "arrivals 20.0/s"));
  assert_non_null(strstr(text, "stage 2/3"));
  free(text);
  catch_end(&caught);
  fabricated_fini(&f);
}

static void summary_of_nothing(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  sp_interval_clear(f.recorder.interval);
  f.result.facts = (struct sp_run_facts){ .users_max = 1, .threads = 1, .cpu_share = NAN };
  f.result.validity.cpu_share = NAN;
  f.result.host = "";
  f.result.name = NULL;
  char *text = summary_of(&f.result, 80);
  assert_golden("summary_nothing", text);
  assert_null(strstr(text, "nan"));
  free(text);
  fabricated_fini(&f);
}

static void summary_with_color_reads_the_same(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  char *plain = summary_of(&f.result, 100);
  catch_begin(&caught, true, true, false, 100);
  sp_terminal_summary(caught.terminal, &f.result);
  assert_non_null(strstr(caught.bytes, "\x1b[32mVALID\x1b[0m"));
  char *text = visible(caught.bytes);
  assert_string_equal(text, plain);
  free(text);
  free(plain);
  fabricated_fini(&f);
  catch_end(&caught);
}

/* What a target or a plan says can't steer the terminal. */
static void hostile_texts(void **state) {
  (void)state;
  struct fabricated f;
  struct caught caught;
  fabricate(&f);
  fabricate_other(&f.recorder, 0, SP_OUTCOME_HTTP_STATUS, "500 \x1b[2J\x1b]0;owned\x07 \xff\xc2\x9b 31m\r\n\t", 1, 1);
  f.result.name = "plan\x1b[31m";
  f.result.host = "http://\x1b[2Jhost";
  char *text = summary_of(&f.result, 100); /* asserts that no escape is in it */
  assert_null(strchr(text, '\r'));
  assert_null(strchr(text, '\x07'));
  free(text);
  catch_begin(&caught, true, false, false, 100);
  sp_terminal_tick(caught.terminal, &f.view);
  assert_null(strstr(caught.bytes, "\x1b[2J"));
  assert_null(strstr(caught.bytes, "\x1b]"));
  fabricated_fini(&f);
  catch_end(&caught);
}

static int go(void **state) {
  (void)state;
  golden_go_to_build();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(live_frames),
    cmocka_unit_test(redraws_in_place),
    cmocka_unit_test(a_note_stands_above_the_frame),
    cmocka_unit_test(no_more_lines_than_the_screen),
    cmocka_unit_test(phases),
    cmocka_unit_test(first_second),
    cmocka_unit_test(plain_lines_every_five_seconds),
    cmocka_unit_test(quiet_is_quiet),
    cmocka_unit_test(summary_ok),
    cmocka_unit_test(summaries),
    cmocka_unit_test(summary_of_stages),
    cmocka_unit_test(live_stages),
    cmocka_unit_test(summary_of_nothing),
    cmocka_unit_test(summary_with_color_reads_the_same),
    cmocka_unit_test(hostile_texts),
  };
  return cmocka_run_group_tests(tests, go, NULL);
}
