/* Earlier predictions against what came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/prediction.h"

#include <math.h>

static void inside_is_a_hit_and_outside_says_on_which_side(void **state) {
  (void)state;
  struct sp_prediction_score hit = sp_prediction_score(28, 32, 31), edge = sp_prediction_score(28, 32, 32);
  assert_int_equal(hit.verdict, SP_PREDICTION_HIT);
  assert_true(fabs(hit.error - (30.0 / 31 - 1)) < 1e-12);
  assert_int_equal(edge.verdict, SP_PREDICTION_HIT);
  assert_int_equal(sp_prediction_score(28, 32, 25).verdict, SP_PREDICTION_TOO_HIGH);
  assert_int_equal(sp_prediction_score(28, 32, 40).verdict, SP_PREDICTION_TOO_LOW);
  assert_string_equal(sp_prediction_verdict_name(SP_PREDICTION_TOO_LOW), "too low");
}

static void what_is_not_known_is_open(void **state) {
  (void)state;
  assert_int_equal(sp_prediction_score(NAN, NAN, 30).verdict, SP_PREDICTION_OPEN);
  assert_int_equal(sp_prediction_score(28, 32, NAN).verdict, SP_PREDICTION_OPEN);
  assert_int_equal(sp_prediction_score(32, 28, 30).verdict, SP_PREDICTION_OPEN);
  assert_true(isnan(sp_prediction_score(28, 32, 0).error));
}

static void nothing_at_all_is_too_little_by_no_figure(void **state) {
  (void)state;
  struct sp_calibration calibration = {0};
  struct sp_prediction_score nothing = sp_prediction_score(28, 32, 0);
  char text[120];
  assert_int_equal(nothing.verdict, SP_PREDICTION_TOO_HIGH);
  sp_calibration_add(&calibration, &nothing);
  assert_true(isnan(sp_calibration_error(&calibration)));
  assert_string_equal(sp_calibration_text(&calibration, text, sizeof text), "0 of 1 predictions right");
}

static void the_score_is_kept(void **state) {
  (void)state;
  struct sp_calibration calibration = {0};
  char text[120];
  assert_string_equal(sp_calibration_text(&calibration, text, sizeof text), "no prediction scored yet");
  assert_true(isnan(sp_calibration_hit_share(&calibration)));
  static const double outcomes[] = {100, 80, NAN, 125};
  for (size_t i = 0; i < 4; i++) {
    struct sp_prediction_score score = sp_prediction_score(95, 105, outcomes[i]);
    sp_calibration_add(&calibration, &score);
  }
  assert_int_equal(calibration.count, 3);
  assert_true(fabs(sp_calibration_hit_share(&calibration) - 1.0 / 3) < 1e-12);
  assert_true(fabs(sp_calibration_error(&calibration) - 0.15) < 1e-12); /* 0, 25 %, -20 % */
  assert_true(fabs(sp_calibration_bias(&calibration) - 0.05 / 3) < 1e-12);
  assert_string_equal(sp_calibration_text(&calibration, text, sizeof text),
                      "1 of 3 predictions right; on average 15 % off, 2 % too high");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inside_is_a_hit_and_outside_says_on_which_side),
      cmocka_unit_test(what_is_not_known_is_open),
      cmocka_unit_test(nothing_at_all_is_too_little_by_no_figure),
      cmocka_unit_test(the_score_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
