/*
 * The value of an SLO in an interval.
 */
#include "stats/slo.h"

#include <math.h>

#define US_TO_MS 0.001 /* and a custom metric's thousandths to its unit */

static bool is_of(const struct sp_slo *slo, const struct sp_cell *cell) {
  return slo->on[0] == 0 || strcmp(cell->name, slo->on) == 0 || strcmp(cell->task, slo->on) == 0;
}

/* -- histograms: of all that match, merged only where there are several -- */

struct pool {
  const struct sp_hist *only;
  struct sp_hist merged;
  size_t matches;
};

static void pool_add(struct pool *pool, const struct sp_hist *hist) {
  pool->matches++;
  if (hist->count == 0) {
    return;
  }
  if (!pool->only) {
    pool->only = hist;
    return;
  }
  if (pool->only != &pool->merged) {
    sp_hist_merge(&pool->merged, pool->only);
    pool->only = &pool->merged;
  }
  sp_hist_merge(&pool->merged, hist);
}

static void pool_metric(struct pool *pool, const struct sp_slo *slo, const struct sp_interval *interval) {
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    if (is_of(slo, cell)) {
      pool_add(pool, &cell->metrics[slo->metric]);
    }
  }
}

static void pool_nodes(struct pool *pool, const struct sp_slo *slo, const struct sp_interval *interval) {
  for (size_t i = 0; i < interval->nodes.count; i++) {
    const struct sp_node_cell *node = interval->nodes.entries[i].value;
    if (strcmp(node->title, slo->name) == 0) {
      pool_add(pool, &node->elapsed);
    }
  }
}

static void pool_customs(struct pool *pool, const struct sp_slo *slo, const struct sp_interval *interval) {
  for (size_t i = 0; i < interval->customs.count; i++) {
    const struct sp_custom_cell *custom = interval->customs.entries[i].value;
    if (strcmp(custom->name, slo->name) == 0) {
      pool_add(pool, &custom->values);
    }
  }
}

static double statistic_of(const struct sp_slo *slo, const struct sp_hist *hist) {
  switch (slo->statistic) {
  case SP_SLO_PERCENTILE: return (double)sp_hist_percentile(hist, slo->percentile) * US_TO_MS;
  case SP_SLO_MEAN: return sp_hist_mean(hist) * US_TO_MS;
  case SP_SLO_MIN: return (double)hist->min * US_TO_MS;
  case SP_SLO_MAX: return (double)hist->max * US_TO_MS;
  }
  return NAN;
}

static const char *why_none(const struct sp_slo *slo, const struct pool *pool) {
  if (pool->matches > 0) {
    return "no samples";
  }
  switch (slo->of) {
  case SP_SLO_OF_NODE: return "no samples: no node of this title";
  case SP_SLO_OF_CUSTOM: return "no samples: no metric of this name";
  default: return slo->on[0] ? "no samples: no request or task of this name" : "no samples";
  }
}

static void of_histogram(const struct sp_slo *slo, const struct sp_interval *interval, struct sp_slo_value *out) {
  struct pool pool = { NULL, { 0 }, 0 };
  sp_hist_init(&pool.merged);
  switch (slo->of) {
  case SP_SLO_OF_NODE: pool_nodes(&pool, slo, interval); break;
  case SP_SLO_OF_LAG: pool_add(&pool, &interval->lag); break;
  case SP_SLO_OF_CUSTOM: pool_customs(&pool, slo, interval); break;
  default: pool_metric(&pool, slo, interval); break;
  }
  if (pool.only) {
    out->samples = pool.only->count;
    out->value = statistic_of(slo, pool.only);
  } else {
    out->why = why_none(slo, &pool);
  }
  sp_hist_fini(&pool.merged);
}

/* -- shares and rates -- */

static size_t tally_of(const struct sp_slo *slo, const struct sp_interval *interval, struct sp_tally *sum) {
  size_t matches = 0;
  *sum = (struct sp_tally){ 0 };
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    struct sp_tally one;
    if (!is_of(slo, cell)) {
      continue;
    }
    matches++;
    sp_tally_cell(cell, &one);
    sp_tally_add(sum, &one);
  }
  return matches;
}

static void of_share(uint64_t part, uint64_t whole, struct sp_slo_value *out) {
  out->samples = whole;
  if (whole > 0) {
    out->value = (double)part / (double)whole;
  }
}

static void of_rate(uint64_t count, double seconds, struct sp_slo_value *out) {
  out->samples = count;
  if (seconds > 0) {
    out->value = (double)count / seconds;
  } else {
    out->why = "no samples: no time was measured";
  }
}

static void of_counts(const struct sp_slo *slo, const struct sp_interval *interval, double seconds,
                      struct sp_slo_value *out) {
  struct sp_tally tally;
  bool named = tally_of(slo, interval, &tally) > 0 || slo->on[0] == 0;
  uint64_t completed = tally.ok + tally.failed;
  switch (slo->of) {
  case SP_SLO_OF_FAILED_SHARE: of_share(tally.failed, completed, out); break;
  case SP_SLO_OF_GOODPUT_SHARE: of_share(tally.good, completed, out); break;
  case SP_SLO_OF_STALL_SHARE: of_share(tally.stalled_streams, tally.streams, out); break;
  case SP_SLO_OF_RPS: of_rate(completed, seconds, out); break;
  case SP_SLO_OF_OK_RPS: of_rate(tally.ok, seconds, out); break;
  case SP_SLO_OF_GOODPUT: of_rate(tally.good, seconds, out); break;
  default: of_rate(interval->events, seconds, out); break;
  }
  if (isnan(out->value) && !out->why) {
    out->why = named ? "no samples" : "no samples: no request or task of this name";
  }
}

void sp_slo_evaluate(const struct sp_slo *slo, const struct sp_interval *interval, double seconds,
                     struct sp_slo_value *out) {
  *out = (struct sp_slo_value){ .value = NAN };
  if (slo->of <= SP_SLO_OF_CUSTOM) {
    of_histogram(slo, interval, out);
  } else {
    of_counts(slo, interval, seconds, out);
  }
  out->met = sp_slo_holds(slo, out->value);
}
