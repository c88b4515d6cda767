#include "stats/sample.h"

#include <string.h>

void sp_sample_init(struct sp_sample *sample) {
  memset(sample, 0, sizeof(*sample));
  sample->outcome = SP_OUTCOME_OK;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    sample->metric_ns[i] = SP_METRIC_NA;
  }
  sample->reported_prompt = sample->reported_completion = -1;
}
