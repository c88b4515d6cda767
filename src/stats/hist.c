#include "stats/hist.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Index of a value: the first 2048 values have a counter each (pages 0 and 1); every further power of two has
 * 1024 counters (one page), each twice as wide as those of the page before.
 */
#define SUB_BUCKETS 2048u
#define PAGE_COUNTERS 1024u
#define PAGE_BITS 10u
#define INDEX_END (SP_HIST_PAGES * PAGE_COUNTERS)

static int64_t clamp(int64_t value) {
  if (value < 0) {
    return 0;
  }
  return value > SP_HIST_MAX ? SP_HIST_MAX : value;
}

/* value in 0 … SP_HIST_MAX */
static uint32_t index_of(int64_t value) {
  unsigned bits = 64u - (unsigned)__builtin_clzll((unsigned long long)value | (SUB_BUCKETS - 1));
  unsigned bucket = bits - (PAGE_BITS + 1);
  return (bucket << PAGE_BITS) + (uint32_t)(value >> bucket);
}

static int64_t lowest_of(uint32_t index, unsigned *shift) {
  if (index < SUB_BUCKETS) {
    *shift = 0;
    return index;
  }
  unsigned bucket = (index >> PAGE_BITS) - 1;
  *shift = bucket;
  return (int64_t)(index - (bucket << PAGE_BITS)) << bucket;
}

static int64_t highest_of(uint32_t index) {
  unsigned shift = 0;
  int64_t low = lowest_of(index, &shift);
  return low + (INT64_C(1) << shift) - 1;
}

static uint32_t *page_of(struct sp_hist *hist, uint32_t index) {
  uint32_t **page = &hist->pages[index >> PAGE_BITS];
  if (!*page) {
    *page = sp_alloc_array(PAGE_COUNTERS, sizeof(**page));
  }
  return *page;
}

static void saturating_add(uint32_t *counter, uint32_t n) {
  uint32_t sum = 0;
  *counter = __builtin_add_overflow(*counter, n, &sum) ? UINT32_MAX : sum;
}

void sp_hist_init(struct sp_hist *hist) { memset(hist, 0, sizeof(*hist)); }

void sp_hist_fini(struct sp_hist *hist) {
  for (size_t i = 0; i < SP_HIST_PAGES; i++) {
    free(hist->pages[i]);
  }
  sp_hist_init(hist);
}

void sp_hist_clear(struct sp_hist *hist) {
  for (size_t i = 0; i < SP_HIST_PAGES; i++) {
    if (hist->pages[i]) {
      memset(hist->pages[i], 0, PAGE_COUNTERS * sizeof(*hist->pages[i]));
    }
  }
  hist->count = 0;
  hist->min = hist->max = 0;
  hist->sum = hist->sum_squares = 0;
}

static void widen(struct sp_hist *hist, int64_t min, int64_t max) {
  if (hist->count == 0 || min < hist->min) {
    hist->min = min;
  }
  if (hist->count == 0 || max > hist->max) {
    hist->max = max;
  }
}

void sp_hist_record_n(struct sp_hist *hist, int64_t value, uint32_t n) {
  if (n == 0) {
    return;
  }
  value = clamp(value);
  uint32_t index = index_of(value);
  saturating_add(&page_of(hist, index)[index & (PAGE_COUNTERS - 1)], n);
  widen(hist, value, value);
  hist->count += n;
  hist->sum += (double)value * n;
  hist->sum_squares += (double)value * (double)value * n;
}

void sp_hist_record(struct sp_hist *hist, int64_t value) { sp_hist_record_n(hist, value, 1); }

static void merge_page(uint32_t *into, const uint32_t *from) {
  for (size_t i = 0; i < PAGE_COUNTERS; i++) {
    saturating_add(&into[i], from[i]);
  }
}

void sp_hist_merge(struct sp_hist *into, const struct sp_hist *from) {
  if (from->count == 0) {
    return;
  }
  for (uint32_t i = 0; i < SP_HIST_PAGES; i++) {
    if (from->pages[i]) {
      merge_page(page_of(into, i << PAGE_BITS), from->pages[i]);
    }
  }
  widen(into, from->min, from->max);
  into->count += from->count;
  into->sum += from->sum;
  into->sum_squares += from->sum_squares;
}

double sp_hist_mean(const struct sp_hist *hist) { return hist->count ? hist->sum / (double)hist->count : NAN; }

double sp_hist_stdev(const struct sp_hist *hist) {
  if (hist->count == 0) {
    return NAN;
  }
  double mean = sp_hist_mean(hist);
  double variance = hist->sum_squares / (double)hist->count - mean * mean;
  /* Equal values can come out a rounding error off zero. */
  return hist->min == hist->max || variance < 0 ? 0 : sqrt(variance);
}

/* The percentile's place in the sorted values, 1 … count. The product's rounding error must not lift a rank that
 * is whole (99.9 % of 1000) to the next one. */
static uint64_t rank_of(uint64_t count, double percentile) {
  double exact = percentile / 100 * (double)count;
  double rank = ceil(exact - exact * 1e-12);
  if (rank < 1) {
    return 1;
  }
  return rank >= (double)count ? count : (uint64_t)rank;
}

int64_t sp_hist_percentile(const struct sp_hist *hist, double percentile) {
  if (hist->count == 0 || percentile >= 100) {
    return hist->max;
  }
  if (!(percentile > 0)) {
    return hist->min;
  }
  uint64_t rank = rank_of(hist->count, percentile), seen = 0;
  uint32_t cursor = 0;
  struct sp_hist_bucket bucket;
  while (sp_hist_next(hist, &cursor, &bucket)) {
    seen += bucket.count;
    if (seen >= rank) {
      return bucket.high < hist->max ? bucket.high : hist->max;
    }
  }
  return hist->max; /* a counter was saturated */
}

bool sp_hist_next(const struct sp_hist *hist, uint32_t *cursor, struct sp_hist_bucket *out) {
  while (*cursor < INDEX_END) {
    const uint32_t *page = hist->pages[*cursor >> PAGE_BITS];
    if (!page) {
      *cursor = ((*cursor >> PAGE_BITS) + 1) << PAGE_BITS;
      continue;
    }
    uint32_t index = (*cursor)++;
    uint32_t count = page[index & (PAGE_COUNTERS - 1)];
    if (count > 0) {
      unsigned shift = 0;
      out->low = lowest_of(index, &shift);
      out->high = highest_of(index);
      out->count = count;
      return true;
    }
  }
  return false;
}

bool sp_hist_add_counter(struct sp_hist *hist, uint32_t index, uint64_t n) {
  if (index > index_of(SP_HIST_MAX)) {
    return false;
  }
  saturating_add(&page_of(hist, index)[index & (PAGE_COUNTERS - 1)], n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
  return true;
}

/* All percentiles in one pass: a summary is made for every metric of every request. */
static void fill_percentiles(const struct sp_hist *hist, const double *percentiles, double *const *out, size_t n) {
  uint64_t seen = 0;
  uint32_t cursor = 0;
  struct sp_hist_bucket bucket;
  size_t i = 0;
  while (i < n && sp_hist_next(hist, &cursor, &bucket)) {
    seen += bucket.count;
    for (; i < n && seen >= rank_of(hist->count, percentiles[i]); i++) {
      *out[i] = (double)(bucket.high < hist->max ? bucket.high : hist->max);
    }
  }
  for (; i < n; i++) {
    *out[i] = (double)hist->max;
  }
}

void sp_hist_summarise(const struct sp_hist *hist, double scale, struct sp_hist_summary *out) {
  static const double percentiles[] = { 50, 75, 90, 95, 99, 99.9 };
  double *const places[] = { &out->p50, &out->p75, &out->p90, &out->p95, &out->p99, &out->p999 };
  *out = (struct sp_hist_summary){ .count = hist->count, .min = NAN, .mean = NAN, .stdev = NAN, .max = NAN };
  if (hist->count == 0) {
    for (size_t i = 0; i < 6; i++) {
      *places[i] = NAN;
    }
    return;
  }
  fill_percentiles(hist, percentiles, places, 6);
  for (size_t i = 0; i < 6; i++) {
    *places[i] *= scale;
  }
  out->min = (double)hist->min * scale;
  out->max = (double)hist->max * scale;
  out->mean = sp_hist_mean(hist) * scale;
  out->stdev = sp_hist_stdev(hist) * scale;
}
