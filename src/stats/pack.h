/*
 * Numbers and histograms as few bytes: LEB128 integers, a histogram as its filled buckets (distance, count).
 * For keeping many seconds in memory; packed and unpacked by the same program, so no version and no checks for
 * foreign bytes beyond never reading outside of them (a bug of ours then).
 */
#ifndef SP_STATS_PACK_H
#define SP_STATS_PACK_H

#include "base/buf.h"
#include "stats/hist.h"

void sp_pack_uint(struct sp_buf *buf, uint64_t value);
void sp_pack_double(struct sp_buf *buf, double value);
void sp_pack_hist(struct sp_buf *buf, const struct sp_hist *hist); /* 1 byte when empty */

/* Each takes its bytes off the front of *packed. */
uint64_t sp_unpack_uint(struct sp_str *packed);
double sp_unpack_double(struct sp_str *packed);
void sp_unpack_hist(struct sp_str *packed, struct sp_hist *into); /* merges, exactly as sp_hist_merge does */

#endif
