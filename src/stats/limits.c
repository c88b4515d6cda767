#include "stats/limits.h"

#include "base/mem.h"
#include "stats/slo.h"

#include <math.h>
#include <stdlib.h>

#define NS_PER_MS 1e6

static bool is_once_a_request(enum sp_metric metric) {
  switch (metric) {
  case SP_METRIC_WAIT:
  case SP_METRIC_TTFB:
  case SP_METRIC_TTFE:
  case SP_METRIC_TTFT:
  case SP_METRIC_TTFR:
  case SP_METRIC_TPOT:
  case SP_METRIC_E2E:
  case SP_METRIC_MAX_GAP: return true;
  default: return false;
  }
}

static bool gives_limit(const struct sp_slo *slo) {
  return slo->of == SP_SLO_OF_METRIC && slo->statistic != SP_SLO_MIN && is_once_a_request(slo->metric) &&
         (slo->op == SP_SLO_LT || slo->op == SP_SLO_LE);
}

/* Both operators as one inclusive limit: times are whole nanoseconds. SP_SLO_LIMIT_MAX ms fit. */
static int64_t most_ns(const struct sp_slo *slo) {
  double ns = slo->limit * NS_PER_MS, whole = floor(ns);
  return (int64_t)whole - (slo->op == SP_SLO_LT && whole == ns ? 1 : 0);
}

void sp_limits_init(struct sp_limits *limits, const struct sp_slo *slos, size_t count) {
  limits->items = count > 0 ? sp_alloc_array(count, sizeof(*limits->items)) : NULL;
  limits->count = 0;
  for (size_t i = 0; i < count; i++) {
    const struct sp_slo *slo = &slos[i];
    if (gives_limit(slo)) {
      limits->items[limits->count++] =
        (struct sp_limit){ slo->metric, most_ns(slo), slo->on[0] ? sp_strdup(slo->on) : NULL };
    }
  }
}

void sp_limits_fini(struct sp_limits *limits) {
  for (size_t i = 0; i < limits->count; i++) {
    free(limits->items[i].on);
  }
  free(limits->items);
  *limits = (struct sp_limits){ 0 };
}

bool sp_limits_kept(const struct sp_limits *limits, const char *name, const char *task,
                    const struct sp_sample *sample) {
  for (size_t i = 0; limits && i < limits->count; i++) {
    const struct sp_limit *limit = &limits->items[i];
    int64_t ns = sp_sample_metric(sample, limit->metric);
    if (ns == SP_METRIC_NA || ns <= limit->most_ns) {
      continue;
    }
    if (!limit->on || strcmp(limit->on, name) == 0 || strcmp(limit->on, task) == 0) {
      return false;
    }
  }
  return true;
}
