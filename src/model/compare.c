#include "model/compare.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

static const enum sp_metric metrics[] = { SP_METRIC_TTFB, SP_METRIC_TTFT, SP_METRIC_ITL, SP_METRIC_E2E };
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

const char *sp_compare_statistic_name(enum sp_compare_statistic statistic) {
  static const char *const names[] = { "mean", "p50", "p95", "per_s" };
  return names[statistic];
}

const char *sp_compare_verdict_text(const struct sp_compare_row *row) {
  bool rate = row->statistic == SP_COMPARE_RATE;
  switch (row->verdict) {
  case SP_COMPARE_FEW: return "too few requests";
  case SP_COMPARE_SAME: return "no difference seen";
  case SP_COMPARE_LESS: return rate ? "lower" : "faster";
  case SP_COMPARE_MORE: return rate ? "higher" : "slower";
  }
  return "";
}

/* -- one figure of one run: sums a batch, and for percentiles the counts of each bucket -- */

struct bucket {
  int64_t high;
  uint64_t below[SP_BATCHES_MAX]; /* samples of each batch in it and in those before */
};

struct side {
  size_t batches;
  double sums[SP_BATCHES_MAX], weights[SP_BATCHES_MAX]; /* the figure is sum / weight: of all, or of a resample */
  uint64_t samples, counts[SP_BATCHES_MAX];
  double percentile; /* 0: the figure is sum / weight */
  struct bucket *buckets;
  size_t bucket_count;
};

/* The smallest high that two batches' cursors stand at: all buckets of one histogram layout. */
struct walk {
  struct sp_hist_bucket now[SP_BATCHES_MAX];
  uint32_t cursor[SP_BATCHES_MAX];
  bool has[SP_BATCHES_MAX];
};

static void add_bucket(struct side *side, struct walk *walk, const struct sp_hist *const *hists, int64_t high) {
  struct bucket *bucket = &side->buckets[side->bucket_count];
  *bucket = side->bucket_count > 0 ? bucket[-1] : (struct bucket){ 0 };
  bucket->high = high;
  side->bucket_count++;
  for (size_t i = 0; i < side->batches; i++) {
    if (walk->has[i] && walk->now[i].high == high) {
      bucket->below[i] += walk->now[i].count;
      walk->has[i] = sp_hist_next(hists[i], &walk->cursor[i], &walk->now[i]);
    }
  }
}

static bool lowest(const struct side *side, const struct walk *walk, int64_t *high) {
  bool found = false;
  for (size_t i = 0; i < side->batches; i++) {
    if (walk->has[i] && (!found || walk->now[i].high < *high)) {
      *high = walk->now[i].high;
      found = true;
    }
  }
  return found;
}

static void fill_buckets(struct side *side, const struct sp_hist *const *hists) {
  struct walk walk = { 0 };
  size_t cap = 0;
  int64_t high = 0;
  for (size_t i = 0; i < side->batches; i++) {
    walk.has[i] = sp_hist_next(hists[i], &walk.cursor[i], &walk.now[i]);
  }
  while (lowest(side, &walk, &high)) {
    if (side->bucket_count == cap) {
      cap = cap ? cap * 2 : 256;
      side->buckets = sp_realloc(side->buckets, cap * sizeof(*side->buckets));
    }
    add_bucket(side, &walk, hists, high);
  }
}

static uint64_t seen_at(const struct bucket *bucket, const unsigned *times, size_t batches) {
  uint64_t seen = 0;
  for (size_t i = 0; i < batches; i++) {
    seen += times[i] * bucket->below[i];
  }
  return seen;
}

/* The first bucket that reaches the rank. */
static double percentile_of(const struct side *side, const unsigned *times) {
  size_t low = 0, high = side->bucket_count;
  uint64_t all = high > 0 ? seen_at(&side->buckets[high - 1], times, side->batches) : 0;
  double rank = ceil(side->percentile / 100 * (double)all);
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((double)seen_at(&side->buckets[middle], times, side->batches) >= rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return all > 0 ? (double)side->buckets[low].high : (double)NAN;
}

/* Of the batches taken so many times each. */
static double value_of(const struct side *side, const unsigned *times) {
  if (side->percentile > 0) {
    return percentile_of(side, times);
  }
  double sum = 0, weight = 0;
  for (size_t i = 0; i < side->batches; i++) {
    sum += times[i] * side->sums[i];
    weight += times[i] * side->weights[i];
  }
  return weight > 0 ? sum / weight : (double)NAN;
}

static double whole_value(const struct side *side) {
  unsigned times[SP_BATCHES_MAX];
  for (size_t i = 0; i < side->batches; i++) {
    times[i] = 1;
  }
  return value_of(side, times);
}

static double batch_value(const struct side *side, size_t batch) {
  unsigned times[SP_BATCHES_MAX] = { 0 };
  times[batch] = 1;
  return value_of(side, times);
}

/* Two into one. */
static void join_batches(struct side *side) {
  for (size_t i = 0; i < side->batches / 2; i++) {
    side->sums[i] = side->sums[2 * i] + side->sums[2 * i + 1];
    side->weights[i] = side->weights[2 * i] + side->weights[2 * i + 1];
    side->counts[i] = side->counts[2 * i] + side->counts[2 * i + 1];
  }
  for (size_t k = 0; k < side->bucket_count; k++) {
    uint64_t *below = side->buckets[k].below;
    for (size_t i = 0; i < side->batches / 2; i++) {
      below[i] = below[2 * i] + below[2 * i + 1];
    }
  }
  side->batches /= 2;
}

/* The batches' own correlation; 0 where one has no value: then there are too few samples anyway. */
static double lag1_of(const struct side *side) {
  double values[SP_BATCHES_MAX];
  for (size_t i = 0; i < side->batches; i++) {
    values[i] = batch_value(side, i);
    if (!isfinite(values[i])) {
      return 0;
    }
  }
  return sp_batches_lag1(values, side->batches);
}

/* Every batch has samples, on both sides of the percentile on the average. */
static bool has_enough(const struct side *side) {
  double share = side->percentile > 0 ? side->percentile / 100 : 0;
  double a_batch = share > 0 ? 1 / (share > 0.5 ? 1 - share : share) : 1;
  for (size_t i = 0; i < side->batches; i++) {
    if (side->counts[i] == 0) {
      return false;
    }
  }
  return (double)side->samples >= a_batch * (double)side->batches;
}

static void settle_batches(struct side *side) {
  if (side->batches / 2 >= SP_BATCHES_MIN &&
      (!has_enough(side) || lag1_of(side) > 1 / sqrt((double)side->batches))) {
    join_batches(side);
  }
}

/* -- the bootstrap -- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double draw(const struct side *side, struct sp_rng *rng) {
  unsigned times[SP_BATCHES_MAX] = { 0 };
  for (size_t i = 0; i < side->batches; i++) {
    times[sp_rng_below(rng, side->batches)]++;
  }
  return value_of(side, times);
}

/* Which share of the resamples is left out on each side: 2.5 %, less for few batches. */
static double tail_of(size_t batches) {
  double n = (double)batches;
  return erfc(sqrt(n / (n - 1)) * sp_student_975(batches - 1) / sqrt(2)) / 2;
}

static double at_share(const double *sorted, size_t n, double share) {
  double place = share * (double)(n - 1);
  size_t below = (size_t)place;
  double part = place - (double)below;
  return below + 1 < n ? sorted[below] * (1 - part) + sorted[below + 1] * part : sorted[n - 1];
}

static double widened(double ratio, double end, double widening) { return ratio * pow(end / ratio, widening); }

/* False: a resample had no ratio. */
static bool bootstrap(const struct side *a, const struct side *b, struct sp_rng *rng, struct sp_compare_row *row) {
  double ratios[SP_COMPARE_RESAMPLES];
  for (size_t i = 0; i < SP_COMPARE_RESAMPLES; i++) {
    double of_a = draw(a, rng);
    ratios[i] = draw(b, rng) / of_a;
    if (!isfinite(ratios[i]) || ratios[i] <= 0) {
      return false;
    }
  }
  qsort(ratios, SP_COMPARE_RESAMPLES, sizeof(ratios[0]), by_size);
  double tail = tail_of(a->batches < b->batches ? a->batches : b->batches);
  double widening = fmax(sp_batches_widening(lag1_of(a), a->batches), sp_batches_widening(lag1_of(b), b->batches));
  row->low = widened(row->ratio, at_share(ratios, SP_COMPARE_RESAMPLES, tail), widening);
  row->high = widened(row->ratio, at_share(ratios, SP_COMPARE_RESAMPLES, 1 - tail), widening);
  return true;
}

static bool compare(struct side *a, struct side *b, double scale, struct sp_rng *rng, struct sp_compare_row *row) {
  row->a = whole_value(a) * scale;
  row->b = whole_value(b) * scale;
  row->ratio = row->b / row->a;
  row->low = row->high = NAN;
  row->verdict = SP_COMPARE_FEW;
  if (!isfinite(row->ratio) || row->ratio <= 0) {
    return false;
  }
  settle_batches(a);
  settle_batches(b);
  if (has_enough(a) && has_enough(b) && bootstrap(a, b, rng, row)) {
    row->verdict = row->high < 1 ? SP_COMPARE_LESS : row->low > 1 ? SP_COMPARE_MORE : SP_COMPARE_SAME;
  }
  return true;
}

/* -- figures from batches -- */

static const struct sp_cell *cell_in(const struct sp_interval *batch, const struct sp_map_entry *key) {
  return sp_map_get(&batch->cells, sp_str_of(key->key, key->key_len));
}

static void fill_rate(struct side *side, const struct sp_compare_run *run, const struct sp_map_entry *key) {
  *side = (struct side){ .batches = run->count };
  for (size_t i = 0; i < run->count; i++) {
    struct sp_tally tally = { 0 };
    const struct sp_cell *cell = key ? cell_in(run->batches[i], key) : NULL;
    if (cell) {
      sp_tally_cell(cell, &tally);
    } else if (!key) {
      sp_tally_interval(run->batches[i], &tally);
    }
    side->counts[i] = tally.ok + tally.failed;
    side->samples += side->counts[i];
    side->sums[i] = (double)side->counts[i];
    side->weights[i] = run->seconds[i];
  }
}

static void fill_times(struct side *side, const struct sp_compare_run *run, const struct sp_map_entry *key,
                       enum sp_metric metric, double percentile) {
  static const struct sp_hist none;
  const struct sp_hist *hists[SP_BATCHES_MAX];
  *side = (struct side){ .batches = run->count, .percentile = percentile };
  for (size_t i = 0; i < run->count; i++) {
    const struct sp_cell *cell = cell_in(run->batches[i], key);
    hists[i] = cell ? &cell->metrics[metric] : &none;
    side->counts[i] = hists[i]->count;
    side->samples += hists[i]->count;
    side->sums[i] = hists[i]->sum;
    side->weights[i] = (double)hists[i]->count;
  }
  if (percentile > 0) {
    fill_buckets(side, hists);
  }
}

struct rows {
  struct sp_compare_row *list;
  size_t count, cap;
  uint64_t seed;
};

/* A row's random numbers are its own: they don't change with what stands before it. */
static void add_row(struct rows *rows, const struct sp_compare_row *head, struct side *a, struct side *b, double scale) {
  struct sp_compare_row row = *head;
  struct sp_rng rng;
  sp_rng_seed(&rng, rows->seed, (uint64_t)row.metric * 8 + (uint64_t)row.statistic);
  if (a->samples > 0 && b->samples > 0 && rows->count < SP_COMPARE_ROWS_MAX && compare(a, b, scale, &rng, &row)) {
    if (rows->count == rows->cap) {
      rows->cap = rows->cap ? rows->cap * 2 : 32;
      rows->list = sp_realloc(rows->list, rows->cap * sizeof(*rows->list));
    }
    rows->list[rows->count++] = row;
  }
  free(a->buckets);
  free(b->buckets);
}

static void add_rate(struct rows *rows, const struct sp_compare_run *a, const struct sp_compare_run *b,
                     const struct sp_map_entry *key, struct sp_compare_row head) {
  struct side of_a, of_b;
  head.statistic = SP_COMPARE_RATE;
  fill_rate(&of_a, a, key);
  fill_rate(&of_b, b, key);
  add_row(rows, &head, &of_a, &of_b, 1);
}

static void add_metric(struct rows *rows, const struct sp_compare_run *a, const struct sp_compare_run *b,
                       const struct sp_map_entry *key, struct sp_compare_row head) {
  static const double percentiles[] = { [SP_COMPARE_MEAN] = 0, [SP_COMPARE_P50] = 50, [SP_COMPARE_P95] = 95 };
  for (unsigned i = SP_COMPARE_MEAN; i <= SP_COMPARE_P95; i++) {
    struct side of_a, of_b;
    head.statistic = (enum sp_compare_statistic)i;
    fill_times(&of_a, a, key, head.metric, percentiles[i]);
    fill_times(&of_b, b, key, head.metric, percentiles[i]);
    add_row(rows, &head, &of_a, &of_b, 0.001);
  }
}

/* All requests of a run: as a map without values of its own. */
static void gather_keys(const struct sp_compare_run *run, struct sp_map *keys) {
  sp_map_init(keys);
  for (size_t i = 0; i < run->count; i++) {
    const struct sp_map *cells = &run->batches[i]->cells;
    for (size_t k = 0; k < cells->count; k++) {
      void **place = sp_map_put(keys, sp_str_of(cells->entries[k].key, cells->entries[k].key_len));
      *place = *place ? *place : cells->entries[k].value;
    }
  }
}

struct sp_compare_row *sp_compare_runs(const struct sp_compare_run *a, const struct sp_compare_run *b, uint64_t seed,
                                       size_t *count) {
  struct rows rows = { .seed = seed };
  struct sp_map keys;
  SP_CHECK(a->count >= SP_BATCHES_MIN && a->count <= SP_BATCHES_MAX);
  SP_CHECK(b->count >= SP_BATCHES_MIN && b->count <= SP_BATCHES_MAX);
  add_rate(&rows, a, b, NULL, (struct sp_compare_row){ 0 });
  gather_keys(a, &keys);
  for (size_t i = 0; i < keys.count; i++) {
    const struct sp_cell *cell = keys.entries[i].value;
    struct sp_compare_row head = { .name = cell->name, .user_class = cell->user_class, .task = cell->task };
    add_rate(&rows, a, b, &keys.entries[i], head);
    for (size_t m = 0; m < METRICS; m++) {
      head.metric = metrics[m];
      add_metric(&rows, a, b, &keys.entries[i], head);
    }
  }
  sp_map_fini(&keys);
  *count = rows.count;
  return rows.list;
}
