#include "stats/metric.h"

#include "base/check.h"

#include <string.h>

static const struct sp_metric_info metrics[SP_METRIC_COUNT] = {
  [SP_METRIC_WAIT] = { "wait", "wait", "intended start → first byte written" },
  [SP_METRIC_DNS] = { "dns", "DNS", "name lookup of a new connection" },
  [SP_METRIC_CONNECT] = { "connect", "connect", "TCP handshake of a new connection" },
  [SP_METRIC_TLS] = { "tls", "TLS", "TLS handshake of a new connection" },
  [SP_METRIC_TTFB] = { "ttfb", "TTFB", "start → first byte of the response head" },
  [SP_METRIC_TTFE] = { "ttfe", "first event", "start → first data event (a ping is none)" },
  [SP_METRIC_TTFT] = { "ttft", "first token", "start → first event with a non-empty answer token" },
  [SP_METRIC_TTFR] = { "ttfr", "first reasoning", "start → first reasoning token" },
  [SP_METRIC_ITL] = { "itl", "gaps", "between two successive token events, every gap" },
  [SP_METRIC_TPOT] = { "tpot", "time per token", "(last token − first token) / (token events − 1)" },
  [SP_METRIC_E2E] = { "e2e", "full response", "start → terminal event (streams), last byte (others)" },
  [SP_METRIC_MAX_GAP] = { "max_gap", "longest gap", "the longest gap of a stream" },
  [SP_METRIC_SERVER_TTFT] = { "server_ttft", "server's first token", "as the server reports it with its usage" },
  [SP_METRIC_E2E_SENT] = { "e2e_sent", "full response, uncorrected", "first byte written → the end of e2e" },
};

static const char *const counters[SP_COUNTER_COUNT] = {
  [SP_COUNTER_PING] = "ping",
  [SP_COUNTER_UNKNOWN_EVENT] = "unknown_event",
  [SP_COUNTER_NODE_RETRY] = "node_retry",
  [SP_COUNTER_REPLACED] = "replaced",
  [SP_COUNTER_PARTIAL] = "partial",
  [SP_COUNTER_PAUSED] = "paused",
  [SP_COUNTER_EMPTY_ANSWER] = "empty_answer",
  [SP_COUNTER_RESENT] = "resent",
  [SP_COUNTER_REDIRECT] = "redirect",
};

const struct sp_metric_info *sp_metric_info(enum sp_metric metric) {
  SP_CHECK((unsigned)metric < SP_METRIC_COUNT);
  return &metrics[metric];
}

int sp_metric_find(const char *name) {
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (strcmp(metrics[i].name, name) == 0) {
      return i;
    }
  }
  return -1;
}

const char *sp_counter_name(enum sp_counter counter) {
  SP_CHECK((unsigned)counter < SP_COUNTER_COUNT);
  return counters[counter];
}
