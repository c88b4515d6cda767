#include "stats/sample.h"

#include <string.h>

void sp_sample_init(struct sp_sample *sample) {
  memset(sample, 0, sizeof(*sample));
  sample->outcome = SP_OUTCOME_OK;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    sample->metric_ns[i] = SP_METRIC_NA;
  }
  sample->reported_prompt = sample->reported_completion = -1;
  sample->first_chunk_ns = sample->last_chunk_ns = SP_METRIC_NA;
}

static int64_t max_gap(const struct sp_sample *sample) {
  return sample->gaps && sample->gaps->max_ns >= 0 ? sample->gaps->max_ns : SP_METRIC_NA;
}

static int64_t e2e_sent(const struct sp_sample *sample) {
  int64_t e2e_ns = sample->metric_ns[SP_METRIC_E2E], wait_ns = sample->metric_ns[SP_METRIC_WAIT];
  if (e2e_ns == SP_METRIC_NA || wait_ns == SP_METRIC_NA) {
    return SP_METRIC_NA;
  }
  return e2e_ns > wait_ns ? e2e_ns - wait_ns : 0;
}

int64_t sp_sample_metric(const struct sp_sample *sample, enum sp_metric metric) {
  if (metric == SP_METRIC_ITL) {
    return SP_METRIC_NA; /* not one time a request: the gaps */
  }
  if (sample->metric_ns[metric] != SP_METRIC_NA) {
    return sample->metric_ns[metric];
  }
  switch (metric) {
  case SP_METRIC_MAX_GAP: return max_gap(sample);
  case SP_METRIC_E2E_SENT: return e2e_sent(sample);
  default: return SP_METRIC_NA;
  }
}
