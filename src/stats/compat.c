#include "stats/compat.h"

#include "base/check.h"

/* -- facts that the formulas share; times from the intended start unless said otherwise, NA where not known -- */

static int64_t known(int64_t ns) { return ns == SP_METRIC_NA ? 0 : ns; }

/* From the intended start to when the request was taken up: what the tools start their clock at. They count name
 * lookup and connecting, which in `wait` stand beside the lateness that they do not see. */
static int64_t begin_of(const struct sp_sample *sample) {
  const int64_t *ns = sample->metric_ns;
  int64_t late = known(ns[SP_METRIC_WAIT]) - known(ns[SP_METRIC_DNS]) - known(ns[SP_METRIC_CONNECT]) -
                 known(ns[SP_METRIC_TLS]);
  return late > 0 ? late : 0;
}

static int64_t since_begin(const struct sp_sample *sample, int64_t ns) {
  if (ns == SP_METRIC_NA) {
    return SP_METRIC_NA;
  }
  int64_t begin = begin_of(sample);
  return ns > begin ? ns - begin : 0;
}

static int64_t last_token(const struct sp_sample *sample) {
  int64_t first = sample->metric_ns[SP_METRIC_TTFT];
  if (first == SP_METRIC_NA || sample->token_events < 2) {
    return first;
  }
  return first + known(sample->metric_ns[SP_METRIC_TPOT]) * (int64_t)(sample->token_events - 1);
}

/* First text of any kind, reasoning too. */
static int64_t first_text(const struct sp_sample *sample) {
  int64_t token = sample->metric_ns[SP_METRIC_TTFT], reasoning = sample->metric_ns[SP_METRIC_TTFR];
  if (token == SP_METRIC_NA || reasoning == SP_METRIC_NA) {
    return token == SP_METRIC_NA ? reasoning : token;
  }
  return token < reasoning ? token : reasoning;
}

/* First chunk with choices, a role-only one too; where it is not known, the first data event is near. */
static int64_t first_chunk(const struct sp_sample *sample) {
  return sample->first_chunk_ns != SP_METRIC_NA ? sample->first_chunk_ns : sample->metric_ns[SP_METRIC_TTFE];
}

static int64_t last_chunk(const struct sp_sample *sample) {
  return sample->last_chunk_ns != SP_METRIC_NA ? sample->last_chunk_ns : last_token(sample);
}

/* Output tokens: the server's usage first, else one an event. */
static int64_t tokens_of(const struct sp_sample *sample) {
  return sample->reported_completion > 0 ? sample->reported_completion : (int64_t)sample->token_events;
}

static void record(int64_t ns, struct sp_hist *into) {
  if (ns != SP_METRIC_NA) {
    sp_hist_record_ns(into, ns);
  }
}

static void record_weighted(int64_t ns, int64_t weight, struct sp_hist *into) {
  int64_t us = ns / 1000 + (ns % 1000 >= 500);
  sp_hist_record_n(into, us, weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight);
}

/* (to - from) / parts, NA where one is not known or there is nothing to divide by. */
static int64_t mean_gap(int64_t from, int64_t to, int64_t parts) {
  if (from == SP_METRIC_NA || to == SP_METRIC_NA || parts < 1) {
    return SP_METRIC_NA;
  }
  return to > from ? (to - from) / parts : 0;
}

/* -- vLLM bench serve -- */

static void vllm_ttft(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, first_chunk(sample)), into);
}

/* The list of gaps between chunks with choices: ours, the wait from a role-only chunk to the first text before them,
 * and the one to a chunk that only says why the answer ends behind them. Chunks of reasoning are gaps there too, and
 * we keep none of those: such a stream gives no value rather than a wrong one. */
static void vllm_itl(const struct sp_sample *sample, struct sp_hist *into) {
  int64_t chunk = first_chunk(sample), token = sample->metric_ns[SP_METRIC_TTFT], last = last_token(sample);
  if (token == SP_METRIC_NA || sample->metric_ns[SP_METRIC_TTFR] != SP_METRIC_NA) {
    return;
  }
  if (chunk != SP_METRIC_NA && token > chunk) {
    sp_hist_record_ns(into, token - chunk);
  }
  if (sample->gaps) {
    sp_gaps_record(sample->gaps, into);
  }
  if (sample->last_chunk_ns != SP_METRIC_NA && sample->last_chunk_ns > last) {
    sp_hist_record_ns(into, sample->last_chunk_ns - last);
  }
}

static void vllm_tpot(const struct sp_sample *sample, struct sp_hist *into) {
  record(mean_gap(first_chunk(sample), last_chunk(sample), tokens_of(sample) - 1), into);
}

static void vllm_e2e(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, last_chunk(sample)), into);
}

/* -- AIPerf -- */

static void aiperf_ttft(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, first_text(sample)), into);
}

static void aiperf_itl(const struct sp_sample *sample, struct sp_hist *into) {
  record(mean_gap(first_text(sample), last_token(sample), tokens_of(sample) - 1), into);
}

static void aiperf_e2e(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, last_token(sample)), into);
}

/* -- GuideLLM -- */

static void guidellm_itl(const struct sp_sample *sample, struct sp_hist *into) {
  int64_t gaps = tokens_of(sample) - 1, ns = mean_gap(first_text(sample), last_token(sample), gaps);
  if (ns != SP_METRIC_NA) {
    record_weighted(ns, gaps, into);
  }
}

static void guidellm_tpot(const struct sp_sample *sample, struct sp_hist *into) {
  int64_t tokens = tokens_of(sample), ns = mean_gap(0, since_begin(sample, last_token(sample)), tokens);
  if (ns != SP_METRIC_NA) {
    record_weighted(ns, tokens, into);
  }
}

static void whole_e2e(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, sample->metric_ns[SP_METRIC_E2E]), into);
}

/* -- Locust -- */

static void locust_headers(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, sample->metric_ns[SP_METRIC_TTFB]), into);
}

static void locust_ttfe(const struct sp_sample *sample, struct sp_hist *into) {
  record(since_begin(sample, sample->metric_ns[SP_METRIC_TTFE]), into);
}

/* -- the table -- */

const struct sp_compat_row sp_compat_rows[SP_COMPAT_ROWS] = {
  { SP_COMPAT_VLLM, "vllm:ttft", "TTFT",
    "ends at the first chunk with choices, also a role-only one; starts behind the client's own queue", vllm_ttft },
  { SP_COMPAT_VLLM, "vllm:itl", "ITL",
    "every gap between chunks, with the one from a role-only chunk to the first text; none for streams with reasoning",
    vllm_itl },
  { SP_COMPAT_VLLM, "vllm:tpot", "TPOT",
    "(last chunk - first chunk) / (output tokens - 1), tokens as the server reports them, else events", vllm_tpot },
  { SP_COMPAT_VLLM, "vllm:e2e", "E2EL", "ends at the last chunk with choices, before usage and [DONE]", vllm_e2e },
  { SP_COMPAT_AIPERF, "aiperf:ttft", "Time to First Token", "reasoning counts as a token", aiperf_ttft },
  { SP_COMPAT_AIPERF, "aiperf:itl", "Inter Token Latency",
    "one mean a request, which hides a stall; what others call TPOT; AIPerf counts tokens with a tokenizer of its own "
    "unless told to use the server's", aiperf_itl },
  { SP_COMPAT_AIPERF, "aiperf:e2e", "Request Latency", "ends at the last token, not at the end of the stream",
    aiperf_e2e },
  { SP_COMPAT_GUIDELLM, "guidellm:ttft", "TTFT", "reasoning counts as a token", aiperf_ttft },
  { SP_COMPAT_GUIDELLM, "guidellm:itl", "ITL", "one mean a request, weighted by its tokens: a stall is averaged away",
    guidellm_itl },
  { SP_COMPAT_GUIDELLM, "guidellm:tpot", "TPOT",
    "with the time to the first token in it: (last token - start) / output tokens, weighted by tokens", guidellm_tpot },
  { SP_COMPAT_GUIDELLM, "guidellm:e2e", "Request Latency", "the whole stream, from when the request was taken up",
    whole_e2e },
  { SP_COMPAT_LOCUST, "locust:response_time", "Response time, stream=True",
    "until the response's headers: of a stream it says nothing; Locust shows percentiles with two digits",
    locust_headers },
  { SP_COMPAT_LOCUST, "locust:ttfe", "TTFE of Dify's stress test",
    "the first event of any kind (workflow_started), not the first token", locust_ttfe },
};

const char *sp_compat_tool_name(enum sp_compat_tool tool) {
  static const char *const names[SP_COMPAT_TOOLS] = { "vllm", "aiperf", "guidellm", "locust" };
  SP_CHECK((unsigned)tool < SP_COMPAT_TOOLS);
  return names[tool];
}

int sp_compat_find(struct sp_str name) {
  for (int i = 0; i < SP_COMPAT_TOOLS; i++) {
    if (sp_str_ieq(name, sp_str_from(sp_compat_tool_name((enum sp_compat_tool)i)))) {
      return i;
    }
  }
  return -1;
}

void sp_compat_record(unsigned tools, const struct sp_sample *sample, struct sp_hist *rows) {
  for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
    const struct sp_compat_row *row = &sp_compat_rows[i];
    if (tools & SP_COMPAT_BIT(row->tool)) {
      row->record(sample, &rows[i]);
    }
  }
}
