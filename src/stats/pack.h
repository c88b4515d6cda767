/*
 * Numbers, texts and histograms as few bytes: LEB128 integers, a histogram as its filled buckets (distance, count).
 *
 * Two ways to read. sp_unpack_… is for what this process packed itself (the seconds in memory): bytes that don't fit
 * are a bug of ours. A struct sp_unpacker is for bytes from a file or from others: it never reads outside of them, and
 * once something was wrong all that follows reads as 0 or empty, so that a decoder asks at its ends only.
 */
#ifndef SP_STATS_PACK_H
#define SP_STATS_PACK_H

#include "base/buf.h"
#include "stats/hist.h"

/* The buffer has room for it, or it is a bug of ours. */
void sp_pack_uint(struct sp_buf *buf, uint64_t value);
void sp_pack_int(struct sp_buf *buf, int64_t value); /* small ones of either sign stay small */
void sp_pack_double(struct sp_buf *buf, double value);
void sp_pack_text(struct sp_buf *buf, const char *text);
void sp_pack_hist(struct sp_buf *buf, const struct sp_hist *hist); /* 1 byte when empty, a few with one value */

/* Each takes its bytes off the front of *packed. */
uint64_t sp_unpack_uint(struct sp_str *packed);
void sp_unpack_hist(struct sp_str *packed, struct sp_hist *into); /* merges, exactly as sp_hist_merge does */

struct sp_unpacker {
  struct sp_str rest;
  bool bad;
};

uint64_t sp_unpacker_uint(struct sp_unpacker *from);
uint64_t sp_unpacker_up_to(struct sp_unpacker *from, uint64_t most); /* beyond is bad */
int64_t sp_unpacker_int(struct sp_unpacker *from);
double sp_unpacker_double(struct sp_unpacker *from); /* may be NAN or infinite */
struct sp_str sp_unpacker_text(struct sp_unpacker *from, size_t max); /* borrowed from the packed bytes */
/* Merges; where it is bad, `into` holds anything that is safe to use. */
void sp_unpacker_hist(struct sp_unpacker *from, struct sp_hist *into);

#endif
