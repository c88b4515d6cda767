/*
 * The metrics of a request and the counters of a stream: one table each feeds the terminal, JSON and
 * every later output. Definitions: docs/metrics.md. Times are int64_t ns inside, ms in outputs.
 */
#ifndef SP_STATS_METRIC_H
#define SP_STATS_METRIC_H

#include <stdint.h>

enum sp_metric {
  SP_METRIC_WAIT,    /* intended start -> first byte written: the generator's own queueing */
  SP_METRIC_DNS,
  SP_METRIC_CONNECT,
  SP_METRIC_TLS,
  SP_METRIC_TTFB,
  SP_METRIC_TTFE,
  SP_METRIC_TTFT,
  SP_METRIC_TTFR,
  SP_METRIC_ITL, /* every gap of every stream, through struct sp_gaps */
  SP_METRIC_TPOT,
  SP_METRIC_E2E,
  SP_METRIC_MAX_GAP,
  SP_METRIC_SERVER_TTFT, /* what the server itself reports with its usage */
  SP_METRIC_E2E_SENT, /* e2e counted from the first byte written, as closed-loop tools do: blind to a late start */
  SP_METRIC_COUNT
};

#define SP_METRIC_NA INT64_C(-1) /* undefined for this request: never 0 */

struct sp_metric_info {
  const char *name;  /* "ttft": JSON, SLO expressions */
  const char *label; /* "first token": for people */
  const char *from_to;
};
const struct sp_metric_info *sp_metric_info(enum sp_metric metric);
int sp_metric_find(const char *name); /* -1 when there is none */

/* Things counted a stream, beside tokens. */
enum sp_counter {
  SP_COUNTER_PING,
  SP_COUNTER_UNKNOWN_EVENT,
  SP_COUNTER_NODE_RETRY,
  SP_COUNTER_REPLACED,
  SP_COUNTER_PARTIAL, /* run ended partial-succeeded (an ok) */
  SP_COUNTER_PAUSED,  /* run paused for a person (an ok) */
  SP_COUNTER_EMPTY_ANSWER, /* ok, without a single token */
  SP_COUNTER_RESENT,  /* sent again on a new connection: the kept-alive one had been closed by the server */
  SP_COUNTER_REDIRECT, /* hops of the redirects that were followed: each request is one, whatever its hops */
  SP_COUNTER_COUNT
};
const char *sp_counter_name(enum sp_counter counter); /* "ping": JSON */

#endif
