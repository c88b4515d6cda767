/*
 * SLO expressions: a limit that a run has to keep, as text and as a struct.
 *
 *   p95(ttft) < 1500ms     p99.9(itl) <= 200ms    mean(e2e) < 4s       max(max_gap) < 5s     min(…) too
 *   p95(node:LLM) < 2s     max(node:'knowledge base') < 800ms          p95(custom:score) < 3
 *   p99(lag) < 5ms         the generator's own delay, of all requests: there is no 'on' with it
 *   failed_share < 1%      stall_share < 0.01     goodput_share > 95%
 *   rps > 40               ok_rps > 40/s          goodput > 30/s       events_per_s > 1000
 *   … on 'simple chat'     only the requests of that name or of that task
 *   … over 30s             in every window of that length, not only on the whole
 *
 * Operators < <= > >=. Units: ms, s and us for times (a bare number is ms), % for shares (a bare number is a ratio:
 * `failed_share < 1` is met as long as something succeeded), /s for rates (or none), none for a plan's own metrics.
 * Names with spaces or brackets stand in '…' or "…", where a backslash takes the next character as it is.
 * Words are read ignoring ASCII case; `on` and `over` stand at most once, in either order.
 *
 * A struct sp_slo owns no memory: copy it as you like.
 */
#ifndef SP_STATS_SLO_H
#define SP_STATS_SLO_H

#include "base/err.h"
#include "base/str.h"
#include "stats/interval.h"

#define SP_SLO_TEXT_MAX 1024u       /* bytes of an expression */
#define SP_SLO_WINDOW_MAX_S 3600    /* the longest `over` */
#define SP_SLO_LIMIT_MAX 1e12       /* in the limit's unit: ms, a ratio, a second */

enum sp_slo_of { /* what is limited */
  SP_SLO_OF_METRIC,
  SP_SLO_OF_NODE,
  SP_SLO_OF_LAG, /* the generator's own: kernel receive -> user space */
  SP_SLO_OF_CUSTOM,
  SP_SLO_OF_FAILED_SHARE,  /* failed / completed */
  SP_SLO_OF_STALL_SHARE,   /* streams with a stall / streams, of ok requests */
  SP_SLO_OF_GOODPUT_SHARE, /* good / completed */
  SP_SLO_OF_RPS,
  SP_SLO_OF_OK_RPS,
  SP_SLO_OF_GOODPUT,
  SP_SLO_OF_EVENTS_PER_S,
  SP_SLO_OF_COUNT
};

enum sp_slo_statistic { SP_SLO_PERCENTILE, SP_SLO_MEAN, SP_SLO_MIN, SP_SLO_MAX };
enum sp_slo_op { SP_SLO_LT, SP_SLO_LE, SP_SLO_GT, SP_SLO_GE };
enum sp_slo_unit { SP_SLO_MS, SP_SLO_SHARE, SP_SLO_PER_S, SP_SLO_OWN };

struct sp_slo {
  enum sp_slo_of of;
  enum sp_slo_statistic statistic; /* of metrics, nodes and customs */
  double percentile;               /* over 0, at most 100 */
  enum sp_metric metric;           /* SP_SLO_OF_METRIC */
  char name[SP_NAME_MAX + 1];      /* the node's title, the custom metric's name; "" for others */
  char on[SP_NAME_MAX + 1];        /* "" for every request */
  enum sp_slo_op op;
  double limit;         /* ms, a ratio, a second, or the custom metric's own unit */
  int64_t window_ns;    /* whole seconds; 0: on the whole */
  char text[SP_SLO_TEXT_MAX + 1]; /* as it was written, for outputs */
};

/* 0, or SP_EUSAGE with a sentence that names the column (in characters, from 1) and what was expected there. */
int sp_slo_parse(struct sp_str text, struct sp_slo *out, struct sp_err *err);

/* The canonical text; parsing it gives the same SLO. Returns out. */
#define SP_SLO_PRINT_SIZE (SP_SLO_TEXT_MAX + 1)
char *sp_slo_print(const struct sp_slo *slo, char *out, size_t size);

enum sp_slo_unit sp_slo_unit(const struct sp_slo *slo);
bool sp_slo_is_rate(const struct sp_slo *slo);
/* "1,234 ms", "0.4 %", "21.5/s", "no samples" for NAN: a value of this SLO for people. Returns out. */
#define SP_SLO_VALUE_SIZE 48
char *sp_slo_format(const struct sp_slo *slo, double value, char *out, size_t size);

/* Does the value keep the limit? NAN does not. */
bool sp_slo_holds(const struct sp_slo *slo, double value);
/* Is a further from keeping the limit than b? NAN is never. */
bool sp_slo_is_worse(const struct sp_slo *slo, double a, double b);

struct sp_slo_value {
  double value;     /* in the unit of the limit; NAN without samples */
  bool met;         /* false without samples: what was not seen was not kept */
  uint64_t samples; /* what the value was made from: a metric's samples, completed requests, streams, events */
  const char *why;  /* NULL, or why there is no value: "no samples", "no request of this name" … */
};

/* The SLO on the whole interval (a window is judged by stats/window.h). `seconds`: the measured time, for rates.
 * A percentile is the top of its histogram bucket (0.1 % wide), never above the true maximum. */
void sp_slo_evaluate(const struct sp_slo *slo, const struct sp_interval *interval, double seconds,
                     struct sp_slo_value *out);

#endif
