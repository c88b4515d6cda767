/*
 * The gaps between the tokens of one stream, kept until the stream's outcome is known (the latency
 * histograms are of ok requests). Every gap is kept: beyond SP_GAPS_LIST_MAX they go to a histogram of the
 * stream's own, so a stream that never ends costs bounded memory. Owned by one thread.
 */
#ifndef SP_STATS_GAPS_H
#define SP_STATS_GAPS_H

#include "stats/hist.h"

#define SP_GAPS_LIST_MAX 4096u

struct sp_gaps {
  uint32_t *us; /* the first gaps, in microseconds (saturating) */
  uint32_t count, cap;
  bool lent;             /* `us` is the caller's memory still */
  struct sp_hist *spill; /* NULL until the list is full */
  int64_t max_ns;        /* the longest; -1 while there is none */
  uint64_t stalls;       /* gaps over the stall limit */
};

void sp_gaps_init(struct sp_gaps *gaps);
/* Right behind init: memory for the first gaps that lies where the rest of the stream's does; borrowed until fini. */
void sp_gaps_lend(struct sp_gaps *gaps, uint32_t *room, uint32_t count);
void sp_gaps_fini(struct sp_gaps *gaps);
void sp_gaps_clear(struct sp_gaps *gaps); /* for the next stream; keeps the list's memory, frees the spill */
void sp_gaps_add(struct sp_gaps *gaps, int64_t gap_ns, int64_t stall_ns);
void sp_gaps_record(const struct sp_gaps *gaps, struct sp_hist *into);

#endif
