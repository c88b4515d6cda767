/* Private to the search: what its trials say of a load and of a goal, at each of its two stages. */
#ifndef SP_MODEL_SEARCH_BOUNDS_H
#define SP_MODEL_SEARCH_BOUNDS_H

#include "model/search.h"

enum sp_search_stage { SP_SEARCH_COARSE, SP_SEARCH_FINE };

struct sp_search_load {
  double load;
  enum sp_search_class class;
  enum sp_search_why why;
  bool touched; /* a trial of this stage's length was made here */
};
void sp_search_judge_load(const struct sp_search *search, size_t goal, enum sp_search_stage stage, double load,
                          struct sp_search_load *out);

struct sp_search_bounds { /* the relevant ones; NAN: none */
  double lower, upper;
  enum sp_search_why why; /* of the upper one */
};
void sp_search_bounds(const struct sp_search *search, size_t goal, enum sp_search_stage stage,
                      struct sp_search_bounds *out);

bool sp_search_same_load(double a, double b);
double sp_search_trial_s(const struct sp_search_trial *trial); /* that it counts for */
bool sp_search_is_full(const struct sp_search_options *options, const struct sp_search_trial *trial,
                       enum sp_search_stage stage);
bool sp_search_trial_missed(const struct sp_search_trial *trial, size_t goal);

#endif
