/* Stages as people write them, and loads that can't be. */
#include "rig.h"

#include "engine/shape_parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct sp_stage stages[SP_STAGES_MAX];
static size_t count;

static void assert_stage(size_t i, double from, double to, int64_t hold_ns) {
  assert_true(i < count);
  assert_true(fabs(stages[i].from - from) < 1e-9 && fabs(stages[i].to - to) < 1e-9);
  assert_int_equal(stages[i].hold_ns, hold_ns);
}

static void users(void **state) {
  (void)state;
  assert_int_equal(sp_stages_parse("50:5m,100:5m,0..100:2m,150:30s", stages, &count, NULL), 0);
  assert_int_equal(count, 4);
  assert_stage(0, 50, 50, 300 * S);
  assert_stage(1, 100, 100, 300 * S);
  assert_stage(2, 0, 100, 120 * S);
  assert_stage(3, 150, 150, 30 * S);
  assert_int_equal(sp_stages_parse(" 1k .. 2_000 : 1m 30s , 7 ", stages, &count, NULL), 0);
  assert_int_equal(count, 2);
  assert_stage(0, 1000, 2000, 90 * S);
  assert_stage(1, 7, 7, 0); /* until the run ends */
}

static void rates(void **state) {
  (void)state;
  assert_int_equal(sp_rates_parse("20/s", stages, &count, NULL), 0);
  assert_int_equal(count, 1);
  assert_stage(0, 20, 20, 0);
  assert_int_equal(sp_rates_parse("20/s:1m,20..100/s:5m,100/s:30s,90/m..6:250ms", stages, &count, NULL), 0);
  assert_int_equal(count, 4);
  assert_stage(0, 20, 20, 60 * S);
  assert_stage(1, 20, 100, 300 * S);
  assert_stage(3, 1.5, 6, 250 * MS);
  assert_int_equal(sp_rates_parse("0.5..1.5/s:1s,30..60/m:1s", stages, &count, NULL), 0);
  assert_stage(0, 0.5, 1.5, S);
  assert_stage(1, 0.5, 1, S); /* the unit is both levels' */
}

typedef int (*parse_fn)(const char *text, struct sp_stage *out, size_t *out_count, struct sp_err *err);

static void refuse(parse_fn parse, const char *text, const char *where, const char *why) {
  struct sp_err err = { 0 };
  assert_int_equal(parse(text, stages, &count, &err), SP_EUSAGE);
  if (strstr(err.text, where) == NULL || strstr(err.text, why) == NULL) fail_msg("'%s': %s", text, err.text);
}

static void errors_name_the_piece_and_its_column(void **state) {
  (void)state;
  refuse(sp_stages_parse, "", "stage 1 ('', column 1)", "empty");
  refuse(sp_stages_parse, "50:5m,,9", "stage 2 ('', column 7)", "empty");
  refuse(sp_stages_parse, "50:5m,", "stage 2 ('', column 7)", "empty");
  refuse(sp_stages_parse, "50:5m, x:2m", "stage 2 ('x:2m', column 8)", "'x' is no whole number");
  refuse(sp_stages_parse, "50:5x", "stage 1 ('50:5x', column 1)", "'5x' is no duration");
  refuse(sp_stages_parse, "50:0s", "column 1", "longer than 0");
  refuse(sp_stages_parse, "50:", "column 1", "it is empty");
  refuse(sp_stages_parse, "50,100:5m", "stage 1 ('50', column 1)", "missing");
  refuse(sp_stages_parse, "0..50", "column 1", "missing");
  refuse(sp_stages_parse, "0..:5m", "column 1", "it is empty");
  refuse(sp_stages_parse, "..9:5m", "column 1", "it is empty");
  refuse(sp_stages_parse, "1..2..3:5m", "column 1", "no whole number");
  refuse(sp_stages_parse, "1:5m,2000000:5m", "stage 2 ('2000000:5m', column 6)", "over the most, 1000000");
  refuse(sp_stages_parse, "5:99999h", "column 1", "ten years");
  refuse(sp_stages_parse, "-5:1m", "column 1", "negative");
  refuse(sp_rates_parse, "20/s:1m,20/x:1m", "stage 2 ('20/x:1m', column 9)", "/s, /m, /h");
  refuse(sp_rates_parse, "2000000/s", "column 1", "over the most");
  refuse(sp_rates_parse, "fast", "column 1", "is no rate");
}

/* Each cut of a good text is good or says what is wrong; nothing is read behind it (sanitizers see that). */
static void every_cut(void **state) {
  (void)state;
  static const char text[] = "20/s:1m,20..100/s:5m 30s,100/s:30s";
  for (size_t len = 0; len < sizeof(text); len++) {
    char *cut = strndup(text, len);
    struct sp_err err = { 0 };
    if (sp_rates_parse(cut, stages, &count, &err) != 0) assert_non_null(strstr(err.text, "column"));
    if (sp_stages_parse(cut, stages, &count, &err) != 0) assert_non_null(strstr(err.text, "column"));
    free(cut);
  }
}

static void caps(void **state) {
  (void)state;
  char text[SP_STAGES_MAX * 8 + 100] = "", piece[SP_STAGE_TEXT_MAX + 10];
  for (unsigned i = 0; i < SP_STAGES_MAX; i++) strcat(text, i > 0 ? ",5:1s" : "5:1s");
  assert_int_equal(sp_stages_parse(text, stages, &count, NULL), 0);
  assert_int_equal(count, SP_STAGES_MAX);
  strcat(text, ",5:1s");
  refuse(sp_stages_parse, text, "100 stages", "more than");
  memset(piece, '1', sizeof(piece));
  piece[sizeof(piece) - 1] = '\0';
  refuse(sp_stages_parse, piece, "stage 1 (column 1)", "longer than 80");
}

/* -- loads -- */

static void refuse_load(const struct sp_load *load, const char *part) {
  struct sp_err err = { 0 };
  assert_true(sp_load_check(load, &err) < 0);
  if (strstr(err.text, part) == NULL) fail_msg("%s", err.text);
}

static struct sp_load rate_load(double per_s) {
  struct sp_load load;
  sp_load_init(&load);
  load.kind = SP_LOAD_RATE;
  load.rate_per_s = per_s;
  return load;
}

static int no_shape(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  (void)ctx;
  (void)elapsed_s;
  (void)out;
  return 1;
}

static void loads_of_arrivals(void **state) {
  (void)state;
  static const int64_t good[] = { 0, 5, 5, 9 }, unsorted[] = { 0, 5, 4 }, negative[] = { -1 };
  struct sp_load load = rate_load(0);
  refuse_load(&load, "the rate must be over 0");
  load = rate_load((double)NAN);
  refuse_load(&load, "the rate must be over 0");
  load = rate_load(5);
  assert_int_equal(sp_load_check(&load, NULL), 0);
  load.max_in_flight = SP_USERS_MAX + 1;
  refuse_load(&load, "in flight");
  load = rate_load(0);
  load.trace = good;
  refuse_load(&load, "empty");
  load.trace_count = 4;
  assert_int_equal(sp_load_check(&load, NULL), 0);
  load.shape = no_shape;
  refuse_load(&load, "exclude each other");
  load.shape = NULL;
  load.trace = unsorted;
  load.trace_count = 3;
  refuse_load(&load, "arrival 3");
  load.trace = negative;
  load.trace_count = 1;
  refuse_load(&load, "ten years");
  load.kind = SP_LOAD_USERS;
  refuse_load(&load, "not of users");
}

static void loads_of_stages(void **state) {
  (void)state;
  struct sp_load load;
  sp_load_init(&load);
  load.stage_count = 2;
  load.stages[0] = (struct sp_stage){ 5, 9, 10 * S };
  load.stages[1] = (struct sp_stage){ 20, 20, 0 };
  assert_int_equal(sp_load_check(&load, NULL), 0);
  assert_int_equal(sp_load_users_most(&load), 20);
  assert_int_equal(sp_load_length_ns(&load), SP_NEVER_NS);
  load.stages[1].hold_ns = 5 * S;
  assert_int_equal(sp_load_length_ns(&load), 15 * S);
  load.run_time_ns = 12 * S;
  assert_int_equal(sp_load_length_ns(&load), 12 * S);
  load.run_time_ns = 0;
  load.warm_up_ns = 15 * S;
  refuse_load(&load, "warm-up");
  load.warm_up_ns = 0;
  load.stages[0].hold_ns = 0;
  refuse_load(&load, "stage 1: it must last");
  load.stages[0] = (struct sp_stage){ -1, 9, 10 * S };
  refuse_load(&load, "stage 1: its level");
  load.stages[0] = load.stages[1] = (struct sp_stage){ 0, 0, 10 * S };
  refuse_load(&load, "no load");
  load.stages[0] = load.stages[1] = (struct sp_stage){ 1, 1, SP_LOAD_TIME_MAX_NS };
  refuse_load(&load, "ten years");
  load.stage_count = SP_STAGES_MAX + 1;
  refuse_load(&load, "more than 100 stages");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(users),     cmocka_unit_test(rates),
    cmocka_unit_test(caps),      cmocka_unit_test(errors_name_the_piece_and_its_column),
    cmocka_unit_test(every_cut), cmocka_unit_test(loads_of_arrivals),
    cmocka_unit_test(loads_of_stages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
