/*
 * May the run's own numbers be believed? Facts measured in the run against limits; each reason is one sentence
 * with its figure and a remedy. (Open loop, Little's law and more facts join the same table later.)
 */
#ifndef SP_ENGINE_VALIDITY_H
#define SP_ENGINE_VALIDITY_H

#include "stats/interval.h"

#define SP_REASONS_MAX 16u
#define SP_REASON_TEXT_MAX 320u

/* A share of late samples says something only where several were late: one slow read of three is no verdict. */
#define SP_LATE_SAMPLES_MIN 5u

struct sp_validity {
  bool valid;
  size_t reason_count;
  char reasons[SP_REASONS_MAX][SP_REASON_TEXT_MAX];
  double cpu_share;          /* of the busiest engine thread */
  double closure_error;      /* Little's law; NAN where not computed */
  uint64_t late_starts, dropped_starts;
};

struct sp_validity_facts {
  const struct sp_interval *totals;
  double cpu_share;
  uint64_t dropped_starts;
};
/* After the run: the books are held to close, which they don't while requests are in flight. */
void sp_validity_judge(const struct sp_validity_facts *facts, struct sp_validity *out);

#endif
