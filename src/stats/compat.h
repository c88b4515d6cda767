/*
 * The times of a request as other tools define them, for "why do two tools disagree": one row a tool and metric,
 * named so ("vllm:ttft"). Recorded beside ours only when asked for (--compat), of ok requests.
 *
 * Definitions as read in the tools' sources: vLLM benchmarks/lib/endpoint_request_func.py (02cfb53), AIPerf
 * (docs/metrics reference), GuideLLM schemas/request_stats.py (31c74ea), Locust clients.py (407343d).
 * They are recomputed from what we know of a request, so what only the tool itself does (a client's tokenizer, reads
 * in blocks of 1024 bytes, rounded percentiles) is told in the note and not imitated.
 */
#ifndef SP_STATS_COMPAT_H
#define SP_STATS_COMPAT_H

#include "base/str.h"
#include "stats/sample.h"

#include <stddef.h>

enum sp_compat_tool { SP_COMPAT_VLLM, SP_COMPAT_AIPERF, SP_COMPAT_GUIDELLM, SP_COMPAT_LOCUST, SP_COMPAT_TOOLS };
#define SP_COMPAT_BIT(tool) (1u << (tool))

#define SP_COMPAT_ROWS 13

struct sp_compat_row {
  enum sp_compat_tool tool;
  const char *name;   /* "vllm:ttft" */
  const char *theirs; /* what the tool calls it */
  const char *note;   /* how it differs from ours, one sentence */
  /* Records the request's values; none where the tool has none, or where we do not know enough. */
  void (*record)(const struct sp_sample *sample, struct sp_hist *into);
};
extern const struct sp_compat_row sp_compat_rows[SP_COMPAT_ROWS];

const char *sp_compat_tool_name(enum sp_compat_tool tool); /* "vllm" */
int sp_compat_find(struct sp_str name);                    /* -1: no such tool */

/* The rows of those tools (bits) into their places of rows[SP_COMPAT_ROWS]. */
void sp_compat_record(unsigned tools, const struct sp_sample *sample, struct sp_hist *rows);

#endif
