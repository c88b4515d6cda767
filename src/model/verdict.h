/*
 * Did a change help? Two groups of trials, before and after, each trial one figure (over 0). Pure mathematics.
 *
 * The unit is the trial: twenty thousand requests of one run are n = 1 for the question whether a change helps. So the
 * ratio after / before and its 95 % interval are of the trials' logarithms, by Welch's t (Welch, Biometrika 34, 1947),
 * which finds more than ranks do where there are few. Beside it the exact Mann-Whitney p (all ways to deal the trials
 * out, ties by midranks; Mann & Whitney, Annals of Math. Statistics 18, 1947) with the smallest p that so many trials
 * can have at all: 3 + 3 never come under 0.05.
 *
 * With one trial on a side there is no test: the interval is what the trials' own intervals say (by the rule for
 * independent errors), leaves out how much restarts and days differ, and the verdict is "inconclusive".
 *
 * "No difference" is a claim too: the whole interval lies within SP_VERDICT_SAME_SHARE of 1.
 */
#ifndef SP_MODEL_VERDICT_H
#define SP_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#define SP_VERDICT_TRIALS_MAX 50u
#define SP_VERDICT_SAME_SHARE 0.03

struct sp_verdict_trial {
  double value;
  double low, high; /* of this trial alone, 95 %; NAN: it has no interval */
};

struct sp_verdict_side {
  struct sp_verdict_trial trials[SP_VERDICT_TRIALS_MAX];
  size_t count;
};

/* A side by itself: the geometric mean of its trials, and a 95 % interval: of the trials' spread, or of the only one. */
struct sp_verdict_figure {
  double value, low, high; /* NAN without trials; low and high NAN where there is no interval */
};
void sp_verdict_figure_of(const struct sp_verdict_side *side, struct sp_verdict_figure *out);

enum sp_verdict_kind { SP_VERDICT_BETTER, SP_VERDICT_WORSE, SP_VERDICT_SAME, SP_VERDICT_INCONCLUSIVE };
const char *sp_verdict_name(enum sp_verdict_kind kind); /* "better", "worse", "no difference", "inconclusive" */

struct sp_verdict {
  enum sp_verdict_kind kind;
  bool tested;             /* two trials and more on both sides */
  size_t before, after;    /* trials */
  double ratio, low, high; /* after / before; NAN where there is none */
  double spread;           /* run-to-run standard deviation, as a share: pooled; NAN untested */
  double p, p_least;       /* Mann-Whitney, two-sided; NAN untested */
  double least_change;     /* about the smallest change that so many trials of this spread show in 4 of 5 cases */
};
void sp_verdict_make(const struct sp_verdict_side *before, const struct sp_verdict_side *after, bool more_is_better,
                     struct sp_verdict *out);

/* The exact two-sided p of two groups being one, and the smallest that groups of these sizes can have. */
double sp_mann_whitney(const struct sp_verdict_side *a, const struct sp_verdict_side *b, double *least);

/* "+43 % (95 %: +37 … +49 %, n = 5 + 5, run-to-run spread 3 %, p = 0.008 Mann-Whitney, the smallest possible at this n)".
 * interleaved: before and after did not simply follow one another. Returns out. */
#define SP_VERDICT_TEXT_SIZE 500
char *sp_verdict_text(const struct sp_verdict *verdict, bool interleaved, char *out, size_t size);

#endif
