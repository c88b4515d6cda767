/*
 * spate capacity --out json=PATH: schema spate.capacity/1. Keys stand in the contract's order, what is beyond it comes
 * last; n/a is null.
 */
#ifndef SP_REPORT_CAPACITY_JSON_H
#define SP_REPORT_CAPACITY_JSON_H

#include "model/search.h"
#include "model/whatif.h"
#include "report/report.h"

struct sp_capacity_result {
  const struct sp_result *run; /* id, name, plan, host, started, seed, tags, load, its facts' times and threads */
  const struct sp_search *search;
  struct sp_capacity_goal_slos {
    const struct sp_slo *slos;
    size_t count;
  } goals[SP_SEARCH_GOALS_MAX]; /* as many as the search has */
  const struct sp_diagnosis *diagnosis; /* NULL: nothing to make one from */
  const struct sp_whatif_answer *answers; /* to what was asked about changes; as many as answer_count */
  size_t answer_count;
  const char *reason; /* why the generator was not able, where it was not; "" */
};

/* The document as text; the caller frees it. */
char *sp_capacity_json(const struct sp_capacity_result *result);

#endif
