/*
 * Reading the history: the list, one run, its ticks. What callbacks get is borrowed for the call; a callback that gives
 * anything but 0 ends the reading, which then gives that. Threads and errors: store/store.h. (A web thread opens a
 * store of its own: that is cheap, and readers don't wait for writers.)
 */
#ifndef SP_STORE_STORE_READ_H
#define SP_STORE_STORE_READ_H

#include "store/store.h"

#define SP_STORE_PAIRS_MAX 300u /* tags, or parameters, that are read */

enum sp_store_state { SP_STORE_RUNNING, SP_STORE_FINISHED, SP_STORE_INTERRUPTED };
const char *sp_store_state_name(enum sp_store_state state); /* "finished" */

/* A run as lists show it. Numbers are NAN, flags -1 where they are not known (yet). */
struct sp_store_run {
  int64_t no; /* of this file only */
  const char *id, *name, *plan, *plan_hash, *host, *version;
  enum sp_store_state state; /* of now: one whose process is gone is interrupted */
  int64_t real_ns, mono_ns;  /* its start on both clocks */
  uint64_t seed;
  double duration_s, measured_s;
  double users_max, rps, failed_share, ttft_p95_ms, e2e_p95_ms; /* percentiles over all requests of the load */
  int valid, slos_met;
  const struct sp_store_pair *tags;
  size_t tag_count;
};

struct sp_store_filter { /* all of these have to hold; 0 and NULL: no limit */
  const struct sp_store_pair *tags;
  size_t tag_count;
  const char *plan;
  int64_t since_real_ns;
  uint64_t limit;
};
/* The newest first. */
int sp_store_list(struct sp_store *store, const struct sp_store_filter *filter,
                  int (*each)(void *ctx, const struct sp_store_run *run), void *ctx, struct sp_err *err);

/* The id that is meant by an id, a prefix that only one has, `last`, or `last~N`. SP_ENOTFOUND, also where several
 * begin so: the sentence has the first of them. */
int sp_store_find(struct sp_store *store, const char *word, char id[SP_STORE_ID_SIZE], struct sp_err *err);

/* Everything of a run but its ticks. */
struct sp_store_detail {
  struct sp_store_run run;
  struct sp_str plan_text;
  const struct sp_store_pair *params; /* value NULL: a secret's */
  size_t param_count;
  struct sp_str asked;  /* as it was given to sp_store_begin */
  struct sp_str totals; /* sp_snapshot_encode; empty: the run goes on, or was cut off and not settled */
  struct sp_str result; /* as it was given to sp_store_end; empty: it was not ended */
  struct sp_str summary;
};
int sp_store_read(struct sp_store *store, const char *id, int (*with)(void *ctx, const struct sp_store_detail *detail),
                  void *ctx, struct sp_err *err);

/* What of a tick is in the run's totals; empty: nothing. */
struct sp_str sp_store_counted(const struct sp_store_tick *tick);

/* In the order of time. */
int sp_store_read_ticks(struct sp_store *store, int64_t run, int (*each)(void *ctx, const struct sp_store_tick *tick),
                        void *ctx, struct sp_err *err);

#endif
