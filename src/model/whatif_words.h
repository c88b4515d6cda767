/* Private to the what-ifs: a prediction's confidence and its words. */
#ifndef SP_MODEL_WHATIF_WORDS_H
#define SP_MODEL_WHATIF_WORDS_H

#include "model/whatif.h"

struct sp_whatif_sides { /* all borrowed */
  const struct sp_deployment *deployment;
  const struct sp_whatif *whatif;
  const struct sp_queue_model *before, *after;
  const struct sp_queue_result *before_result;
  const struct sp_queue_load *load; /* after */
  double most_per_s;                /* measured */
  int binding;                      /* after; -1: none */
};
/* Fills confidence, doubt, change, basis, predicted and refuted_by; the figures are there. */
void sp_whatif_say(const struct sp_whatif_sides *sides, struct sp_prediction *out);

#endif
