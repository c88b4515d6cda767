#include "model/verdict.h"

#include "base/check.h"
#include "base/mem.h"
#include "model/student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NORMAL_975 1.959964
#define LEVEL 0.05

const char *sp_verdict_name(enum sp_verdict_kind kind) {
  static const char *const names[] = { "better", "worse", "no difference", "inconclusive" };
  return names[kind];
}

/* -- one side, in logarithms -- */

struct logs {
  size_t count;
  double mean;
  double variance; /* of a trial, from run to run; 0 for one trial */
  double within;   /* the mean variance that the trials' own intervals say; NAN where one has none */
};

/* False: there is no trial, or one that has no logarithm. */
static bool take_logs(const struct sp_verdict_side *side, struct logs *out) {
  SP_CHECK(side->count <= SP_VERDICT_TRIALS_MAX);
  *out = (struct logs){ .count = side->count };
  double sum = 0, squares = 0, within = 0;
  for (size_t i = 0; i < side->count; i++) {
    const struct sp_verdict_trial *trial = &side->trials[i];
    double half = log(trial->high / trial->low) / (2 * NORMAL_975);
    sum += log(trial->value);
    within += trial->low > 0 ? half * half : (double)NAN;
  }
  out->mean = sum / (double)side->count;
  for (size_t i = 0; i < side->count; i++) {
    double off = log(side->trials[i].value) - out->mean;
    squares += off * off;
  }
  out->within = within / (double)side->count;
  out->variance = side->count > 1 ? squares / (double)(side->count - 1) : 0;
  if (out->variance <= 1e-20) { /* equal to the last digit: as coarse as each of them is */
    out->variance = side->count > 1 && isfinite(out->within) ? out->within : 0;
  }
  return side->count > 0 && isfinite(out->mean);
}

void sp_verdict_figure_of(const struct sp_verdict_side *side, struct sp_verdict_figure *out) {
  struct logs logs;
  *out = (struct sp_verdict_figure){ NAN, NAN, NAN };
  if (side->count == 1) {
    *out = (struct sp_verdict_figure){ side->trials[0].value, side->trials[0].low, side->trials[0].high };
  } else if (take_logs(side, &logs)) {
    double n = (double)logs.count, half = sp_student_quantile(0.975, n - 1) * sqrt(logs.variance / n);
    *out = (struct sp_verdict_figure){ exp(logs.mean), exp(logs.mean - half), exp(logs.mean + half) };
  } else if (side->count > 0) { /* a 0 among them: their mean is all that can be said */
    double sum = 0;
    for (size_t i = 0; i < side->count; i++) {
      sum += side->trials[i].value;
    }
    out->value = sum / (double)side->count;
  }
}

/* -- ranks -- */

struct ranked {
  double value;
  bool of_a;
  unsigned twice_rank;
};

/* Twice the midranks, which are whole numbers. */
static void rank_all(struct ranked *all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned below = 0, equal = 0;
    for (size_t j = 0; j < count; j++) {
      below += all[j].value < all[i].value;
      equal += all[j].value == all[i].value;
    }
    all[i].twice_rank = 2 * below + equal + 1;
  }
}

#define RANKED_MAX (2 * SP_VERDICT_TRIALS_MAX)

static double ways_of(size_t all, size_t chosen) {
  double ways = 1;
  for (size_t i = 1; i <= chosen; i++) {
    ways = ways * (double)(all - chosen + i) / (double)i;
  }
  return ways;
}

/* In how many ways n of the trials have ranks that add up to s / 2, s = 0 … most. A row for each smaller n stands before
 * it; from the back, so that each trial is taken once. */
static void count_ways(const struct ranked *all, size_t count, size_t n, size_t most, double *ways) {
  ways[0] = 1;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = n < i + 1 ? n : i + 1; k > 0; k--) {
      double *with = ways + k * (most + 1), *without = with - (most + 1);
      for (size_t s = all[i].twice_rank; s <= most; s++) {
        with[s] += without[s - all[i].twice_rank];
      }
    }
  }
}

static size_t gather(const struct sp_verdict_side *side, bool of_a, struct ranked *all, size_t count) {
  SP_CHECK(side->count <= SP_VERDICT_TRIALS_MAX);
  for (size_t i = 0; i < side->count; i++) {
    all[count++] = (struct ranked){ side->trials[i].value, of_a, 0 };
  }
  return count;
}

double sp_mann_whitney(const struct sp_verdict_side *a, const struct sp_verdict_side *b, double *least) {
  struct ranked all[RANKED_MAX];
  size_t count = gather(b, false, all, gather(a, true, all, 0)), sum = 0, most = count * (count + 1);
  double *ways = sp_alloc_array((a->count + 1) * (most + 1), sizeof(*ways));
  rank_all(all, count);
  for (size_t i = 0; i < count; i++) {
    sum += all[i].of_a ? all[i].twice_rank : 0;
  }
  count_ways(all, count, a->count, most, ways);
  double middle = (double)(a->count * (count + 1)), off = fabs((double)sum - middle), beyond = 0;
  for (size_t s = 0; s <= most; s++) {
    beyond += fabs((double)s - middle) >= off ? ways[a->count * (most + 1) + s] : 0;
  }
  free(ways);
  double in_all = ways_of(count, a->count);
  *least = fmin(1, 2 / in_all);
  return fmin(1, beyond / in_all);
}

/* -- the verdict -- */

static void set_interval(struct sp_verdict *verdict, double middle, double half) {
  verdict->low = exp(middle - half);
  verdict->high = exp(middle + half);
}

/* Welch's t, its degrees of freedom by Satterthwaite. */
static void test(const struct logs *a, const struct logs *b, struct sp_verdict *out) {
  double n = (double)a->count, m = (double)b->count, of_a = a->variance / n, of_b = b->variance / m;
  double all = of_a + of_b, pooled = ((n - 1) * a->variance + (m - 1) * b->variance) / (n + m - 2);
  double degrees = all > 0 ? all * all / (of_a * of_a / (n - 1) + of_b * of_b / (m - 1)) : n + m - 2;
  set_interval(out, b->mean - a->mean, sp_student_quantile(0.975, degrees) * sqrt(all));
  out->spread = sqrt(pooled);
  double both = sp_student_quantile(0.975, n + m - 2) + sp_student_quantile(0.8, n + m - 2);
  out->least_change = exp(both * out->spread * sqrt(1 / n + 1 / m)) - 1;
}

static enum sp_verdict_kind judge(const struct sp_verdict *verdict, bool more_is_better) {
  if (verdict->low > 1 || verdict->high < 1) {
    return (verdict->low > 1) == more_is_better ? SP_VERDICT_BETTER : SP_VERDICT_WORSE;
  }
  bool same = verdict->low >= 1 - SP_VERDICT_SAME_SHARE && verdict->high <= 1 + SP_VERDICT_SAME_SHARE;
  return same ? SP_VERDICT_SAME : SP_VERDICT_INCONCLUSIVE;
}

void sp_verdict_make(const struct sp_verdict_side *before, const struct sp_verdict_side *after, bool more_is_better,
                     struct sp_verdict *out) {
  struct logs a, b;
  *out = (struct sp_verdict){ .kind = SP_VERDICT_INCONCLUSIVE, .before = before->count, .after = after->count, .ratio = NAN,
                              .low = NAN, .high = NAN, .spread = NAN, .p = NAN, .p_least = NAN, .least_change = NAN };
  bool has_a = take_logs(before, &a), has_b = take_logs(after, &b);
  if (!has_a || !has_b) {
    return;
  }
  out->ratio = exp(b.mean - a.mean);
  out->tested = a.count > 1 && b.count > 1;
  if (out->tested) {
    test(&a, &b, out);
    out->p = sp_mann_whitney(before, after, &out->p_least);
    out->kind = judge(out, more_is_better);
  } else {
    double variance = a.within / (double)a.count + b.within / (double)b.count;
    set_interval(out, b.mean - a.mean, NORMAL_975 * sqrt(variance)); /* NAN where one has no interval */
  }
}

/* -- in words -- */

/* Tenths only where they say something. */
static char *percent(double ratio, char *text, size_t size) {
  double change = (ratio - 1) * 100;
  snprintf(text, size, fabs(change) < 9.95 ? "%+.1f" : "%+.0f", fabs(change) < 0.05 ? 0.0 : change);
  return text;
}

static char *interval(const struct sp_verdict *verdict, char *text, size_t size) {
  char low[32], high[32];
  snprintf(text, size, "%s … %s %%", percent(verdict->low, low, sizeof(low)), percent(verdict->high, high, sizeof(high)));
  return text;
}

static const char *rank_words(const struct sp_verdict *verdict) {
  bool differs = verdict->kind == SP_VERDICT_BETTER || verdict->kind == SP_VERDICT_WORSE;
  if (verdict->p_least > LEVEL) {
    return "; ranks of so few never come under 0.05";
  }
  if (verdict->p <= verdict->p_least * (1 + 1e-9)) {
    return ", the smallest possible at this n";
  }
  return differs && verdict->p > LEVEL ? "; by ranks alone it would not be seen" : "";
}

static void tested_text(const struct sp_verdict *verdict, bool interleaved, const char *change, char *out, size_t size) {
  char range[80], spread[32];
  snprintf(spread, sizeof(spread), verdict->spread < 0.0995 ? "%.1f" : "%.0f", verdict->spread * 100);
  int len = snprintf(out, size, "%s %% (95 %%: %s, n = %zu + %zu%s, run-to-run spread %s %%, p = %.2g Mann-Whitney%s)", change,
                     interval(verdict, range, sizeof(range)), verdict->before, verdict->after,
                     interleaved ? " in turns" : "", spread, verdict->p, rank_words(verdict));
  if (verdict->kind == SP_VERDICT_INCONCLUSIVE && len > 0 && (size_t)len < size) {
    snprintf(out + len, size - (size_t)len, "; so many trials show changes from about %.*f %% on",
             verdict->least_change < 0.0995 ? 1 : 0, verdict->least_change * 100);
  }
}

char *sp_verdict_text(const struct sp_verdict *verdict, bool interleaved, char *out, size_t size) {
  char change[32], range[80];
  if (!isfinite(verdict->ratio)) {
    snprintf(out, size, "%s", verdict->before == 0 || verdict->after == 0 ? "no trial that counts on one side"
                                                                          : "a trial has no figure over 0: no ratio");
    return out;
  }
  percent(verdict->ratio, change, sizeof(change));
  if (verdict->tested) {
    tested_text(verdict, interleaved, change, out, size);
  } else {
    bool has = isfinite(verdict->low);
    snprintf(out, size, "%s %% (%s%s%sn = %zu + %zu): it leaves out restarts and days, and is no test", change,
             has ? "95 % within the runs: " : "without an interval, ", has ? interval(verdict, range, sizeof(range)) : "",
             has ? ", " : "", verdict->before, verdict->after);
  }
  return out;
}
