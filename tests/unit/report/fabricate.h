/*
 * A run that never was: three kinds of requests, nodes and errors, the same each time.
 */
#ifndef TESTS_REPORT_FABRICATE_H
#define TESTS_REPORT_FABRICATE_H

#include "report/report.h"
#include "stats/recorder.h"

#include <math.h>
#include <stdio.h>

#define BEGIN_NS (1000 * SP_NS_PER_S)

struct fabricated {
  struct sp_recorder recorder; /* its interval: the totals */
  struct sp_load load;
  struct sp_result result;
  struct sp_run_view view;
  struct sp_interval *last;
};

static const struct sp_request_key fabricated_keys[3] = {
  { "simple chat", "ChatUser", "simple", SP_ROLE_LOAD, "POST" },
  { "复杂对话流程:申请一台新电脑", "ChatUser", "complex", SP_ROLE_LOAD, "GET" },
  { "retrieve", "RetrieveUser", "retrieve", SP_ROLE_LOAD, NULL },
};

static inline void fabricate_ok(struct sp_recorder *recorder, size_t which, unsigned i) {
  struct sp_sample sample;
  struct sp_gaps gaps;
  int64_t ms = SP_NS_PER_MS;
  sp_sample_init(&sample);
  sp_gaps_init(&gaps);
  sp_recorder_start(recorder, &fabricated_keys[which]);
  sample.metric_ns[SP_METRIC_WAIT] = 20000 + i;
  sample.metric_ns[SP_METRIC_TTFB] = (10 + i % 7) * ms;
  sample.metric_ns[SP_METRIC_E2E] = (400 + (int64_t)which * 3000 + i * 11 % 900) * ms;
  if (which < 2) {
    sample.metric_ns[SP_METRIC_TTFE] = (12 + i % 7) * ms;
    sample.metric_ns[SP_METRIC_TTFT] = (100 + (int64_t)which * 1500 + i % 50) * ms;
    for (unsigned g = 0; g < 20; g++) {
      sp_gaps_add(&gaps, (18 + (i + g) % 5) * ms, SP_NS_PER_S);
    }
    if (i == 7) {
      sp_gaps_add(&gaps, 1500 * ms, SP_NS_PER_S);
    }
    sample.gaps = &gaps;
    sample.token_events = gaps.count + 1;
    sample.answer_chars = 2 * sample.token_events;
    sample.reported_prompt = which == 1 ? 100 : -1;
    sample.reported_completion = which == 1 ? 30 : -1;
    sample.counters[SP_COUNTER_PING] = 1;
    sample.counters[SP_COUNTER_EMPTY_ANSWER] = i == 9;
  }
  sample.bytes_in = 5000 + i;
  sample.bytes_out = 300;
  sp_recorder_end(recorder, &fabricated_keys[which], &sample);
  recorder->interval->tasks++;
  recorder->interval->events += sample.token_events;
  sp_gaps_fini(&gaps);
}

static inline void fabricate_other(struct sp_recorder *recorder, size_t which, enum sp_outcome outcome,
                                   const char *detail, int64_t start_s, int64_t length_ms) {
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.outcome = outcome;
  sample.detail = detail;
  sample.start_ns = BEGIN_NS + start_s * SP_NS_PER_S;
  sample.end_ns = sample.start_ns + length_ms * SP_NS_PER_MS;
  sample.rate_limited = detail && detail[0] == '4' && detail[1] == '2';
  sample.bytes_in = 200;
  sample.bytes_out = 300;
  sp_recorder_start(recorder, &fabricated_keys[which]);
  sp_recorder_end(recorder, &fabricated_keys[which], &sample);
}

static inline void fabricate_errors(struct sp_recorder *recorder) {
  for (int i = 0; i < 12; i++) {
    fabricate_other(recorder, 0, SP_OUTCOME_HTTP_STATUS, "401 unauthorized: Access token is invalid", 2 + i, 5);
  }
  for (int i = 0; i < 3; i++) {
    fabricate_other(recorder, 1, SP_OUTCOME_HTTP_STATUS, "429 too_many_requests: 请稍后再试 Too many requests", 30, 4);
  }
  fabricate_other(recorder, 1, SP_OUTCOME_STREAM_ERROR,
                  "completion_request_error (400): [openai] Rate Limit Error, the requests per minute are used up for "
                  "this organisation; please wait a while and try again",
                  40, 2500);
  fabricate_other(recorder, 2, SP_OUTCOME_CONNECT, "cannot connect: connection refused", 41, 1);
  fabricate_other(recorder, 2, SP_OUTCOME_TIMEOUT, "no answer within 30 s (timeout)", 45, 30000);
  fabricate_other(recorder, 1, SP_OUTCOME_CANCELLED, NULL, 58, 2000);
  fabricate_other(recorder, 0, SP_OUTCOME_ABANDONED, NULL, 20, 700);
  sp_recorder_task_error(recorder, "simple", "three.lua:12: attempt to index a nil value (field 'answer')",
                         BEGIN_NS + 3 * SP_NS_PER_S);
}

static inline void fabricate_nodes(struct sp_recorder *recorder) {
  for (int i = 0; i < 40; i++) {
    sp_recorder_node(recorder, SP_STR("LLM 回答"), SP_STR("llm"), (800 + i * 20) * SP_NS_PER_MS, false);
    sp_recorder_node(recorder, SP_STR("Knowledge retrieval of the handbook"), SP_STR("knowledge-retrieval"),
                     (200 + i) * SP_NS_PER_MS, i == 3);
    sp_recorder_node(recorder, SP_STR("Start"), SP_STR("start"), -1, false);
  }
}

static inline void fabricate_result(struct fabricated *f) {
  f->result = (struct sp_result){
    .version = "0.1.0",
    .id = "20261123-165000-ab12",
    .name = "Dify: three scenarios",
    .plan = "plans/dify-three-scenarios.lua",
    .host = "http://127.0.0.1:8200",
    .started_real_ns = INT64_C(1795452600) * SP_NS_PER_S + 123 * SP_NS_PER_MS,
    .seed = 42,
    .load = &f->load,
    .facts = { .duration_ns = 62 * SP_NS_PER_S, .measured_ns = 60 * SP_NS_PER_S, .users_max = 50, .threads = 2,
               .cpu_share = 0.123, .users_mean = 47.5, .in_flight_mean = 40.26 },
    .totals = f->recorder.interval,
    .validity = { .valid = true, .cpu_share = 0.123, .closure_error = NAN, .users_closure = NAN,
                  .requests_closure = NAN, .late_starts = 2 },
  };
}

static inline void fabricate(struct fabricated *f) {
  *f = (struct fabricated){ 0 };
  f->load = (struct sp_load){ .users = 50, .spawn_per_s = 5, .run_time_ns = 300 * SP_NS_PER_S, .threads = 2, .seed = 42 };
  sp_recorder_init(&f->recorder, BEGIN_NS);
  f->recorder.interval->end_ns = BEGIN_NS + 60 * SP_NS_PER_S;
  for (unsigned i = 0; i < 1300; i++) {
    fabricate_ok(&f->recorder, i % 13 == 0 ? 1 : i % 13 == 1 ? 2 : 0, i);
    sp_recorder_lag(&f->recorder, 40000 + i * 100);
    sp_hist_record_ns(&f->recorder.interval->loop_lag, 80000 + i * 100);
  }
  fabricate_nodes(&f->recorder);
  f->last = sp_interval_create();
  f->last->begin_ns = BEGIN_NS + 59 * SP_NS_PER_S;
  f->last->end_ns = BEGIN_NS + 60 * SP_NS_PER_S;
  f->last->events = 437;
  sp_interval_cell(f->last, &fabricated_keys[0])->outcomes[SP_OUTCOME_OK] = 23;
  f->view = (struct sp_run_view){
    .phase = SP_PHASE_STEADY,
    .elapsed_ns = 65 * SP_NS_PER_S + 12345,
    .load = &f->load,
    .users = 50,
    .users_target = 50,
    .in_flight = 48,
    .last = f->last,
    .totals = f->recorder.interval,
  };
  fabricate_result(f);
}

static inline void fabricated_fini(struct fabricated *f) {
  sp_interval_destroy(f->last);
  sp_recorder_fini(&f->recorder);
}

#endif
