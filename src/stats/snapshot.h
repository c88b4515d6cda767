/*
 * An interval as bytes and back, exactly: what the history keeps of each second.
 *
 *   version, begin, end,
 *   cells, probes, nodes, errors, customs: how many, then each with its texts, counts and histograms,
 *   the generator's own counts and histograms.
 *
 * Integers are LEB128, histograms their filled buckets (stats/pack.h), tables of counts and of histograms the filled
 * rows only, each behind its distance from the row before. So enum sp_outcome, sp_hang_up, sp_counter, sp_metric, the
 * rows of sp_compat_rows and sp_cell_counts may grow at their ends without a new version; rows that move, or whose
 * meaning changes, need one.
 *
 * Decoding takes bytes of any origin: it never reads outside of them and keeps the caps of sp_interval. A histogram
 * grows to 128 KiB at most, so what is decoded may be some thousand times its bytes: cap the bytes of who is not trusted.
 */
#ifndef SP_STATS_SNAPSHOT_H
#define SP_STATS_SNAPSHOT_H

#include "base/buf.h"
#include "base/err.h"
#include "stats/interval.h"

#define SP_SNAPSHOT_VERSION 1
#define SP_SNAPSHOT_MAX (512u * 1024u * 1024u) /* never reached: every cell with full histograms of all metrics */

/* Appends to `out`, whose max is SP_SNAPSHOT_MAX or more. */
void sp_snapshot_encode(const struct sp_interval *interval, struct sp_buf *out);

/* The caller's to destroy. NULL: SP_EPARSE and a sentence, also for the version of a later spate. */
struct sp_interval *sp_snapshot_decode(struct sp_str bytes, struct sp_err *err);

#endif
