/*
 * What a run was asked for, and what came of it, as bytes and back: the history gives them to any output again, as if
 * the run had just ended. Intervals are snapshots (stats/snapshot.h); the totals are kept beside and not in here.
 *
 * Bytes may be of any origin; what can't be read is one sentence. Versions: a kept result that a later spate wrote is
 * refused, an earlier one's is read.
 */
#ifndef SP_REPORT_KEPT_H
#define SP_REPORT_KEPT_H

#include "base/buf.h"
#include "report/report.h"

#define SP_KEPT_VERSION 1
#define SP_KEPT_SLOS_MAX 100u
#define SP_KEPT_MAX (1024u * 1024u * 1024u) /* bytes of a result: its stages' intervals */

/* --- asked for: load and SLOs --- */

void sp_kept_put_asked(struct sp_buf *out, const struct sp_run_begin *begin);

struct sp_kept_asked {
  struct sp_load load; /* a shape of the plan's own is gone, of a trace there is its last arrival */
  int64_t trace_end_ns;
  char **slos;
  size_t slo_count;
};
int sp_kept_read_asked(struct sp_str bytes, struct sp_kept_asked *out, struct sp_err *err);
void sp_kept_fini_asked(struct sp_kept_asked *asked); /* also of one that could not be read */

/* --- what came of it --- */

void sp_kept_put_result(struct sp_buf *out, const struct sp_result *result);

/* Takes `totals` over, also where it fails. Texts and tags that a result borrows (id, name, plan, host, version, tags,
 * load) are the caller's to fill in. */
struct sp_kept_result;
struct sp_kept_result *sp_kept_read_result(struct sp_str bytes, struct sp_interval *totals, struct sp_err *err);
struct sp_result *sp_kept_result_of(struct sp_kept_result *kept);
void sp_kept_result_destroy(struct sp_kept_result *kept); /* NULL is fine */

#endif
