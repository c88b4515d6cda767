/*
 * Searches for the capacity in the history: the document that `spate capacity` wrote (schema spate.capacity/1), with what
 * of it lists and campaigns ask for. Threads and errors: store/store.h; what callbacks get: store/store_read.h.
 */
#ifndef SP_STORE_STORE_CAPACITY_H
#define SP_STORE_STORE_CAPACITY_H

#include "store/store_read.h"

struct sp_store_capacity {
  const char *id, *name, *plan, *plan_hash, *host, *version; /* plan_hash: made from the text when it is kept */
  int64_t real_ns;                                          /* its begin */
  /* Of its first goal. */
  const char *goal, *unit, *verdict; /* "p95(e2e) < 1s; failed_share < 1%", "/s" or "users", "bounded" … */
  double lower, upper, goodput;      /* NAN: none */
  bool valid, complete;
  const char *document; /* not in lists */
};

int sp_store_keep_capacity(struct sp_store *store, const struct sp_store_capacity *capacity, struct sp_str plan_text,
                           struct sp_err *err);
/* The newest first. A filter with tags fits none: they are in the document only. */
int sp_store_list_capacities(struct sp_store *store, const struct sp_store_filter *filter,
                             int (*each)(void *ctx, const struct sp_store_capacity *capacity), void *ctx,
                             struct sp_err *err);
int sp_store_read_capacity(struct sp_store *store, const char *id,
                           int (*with)(void *ctx, const struct sp_store_capacity *capacity), void *ctx, struct sp_err *err);

/* What a word means that may be a run or a search: as sp_store_find, and for searches `capacity` (the newest),
 * `capacity~1`, an id or the begin of one. */
enum sp_store_trial_kind { SP_STORE_TRIAL_RUN, SP_STORE_TRIAL_CAPACITY };
int sp_store_find_trial(struct sp_store *store, const char *word, enum sp_store_trial_kind *kind,
                        char id[SP_STORE_ID_SIZE], struct sp_err *err);

#endif
