/*
 * Runs that never were, written into a history as real ones are: log-normal times, the same each time.
 */
#ifndef TESTS_REPORT_FAKE_HISTORY_H
#define TESTS_REPORT_FAKE_HISTORY_H

#include "base/rng.h"
#include "report/history.h"
#include "stats/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_MONO_NS (5000 * SP_NS_PER_S)
#define FAKE_REAL_NS (INT64_C(1795452600) * SP_NS_PER_S) /* 2026-11-23 16:50:00 UTC */

struct fake {
  const char *id, *name, *plan_text, *colour, *query;
  int64_t begun_s; /* after FAKE_REAL_NS */
  unsigned users, seconds, warm_s, a_second; /* requests */
  double scale; /* of the times */
  double rate; /* over 0: an open loop */
  double in_flight; /* requests, on the average; 0: it is not known */
  uint64_t seed;
  const char *summary;   /* a diagnosis, as a summary has it; NULL: none */
  bool invalid, cut_off; /* cut_off: it has no end */
  unsigned change_s, change_to; /* from then on, so many users; 0: never */
};

struct fake_run {
  struct sp_load load;
  struct sp_run_begin begin;
  struct sp_result result;
  struct sp_interval *totals;
  struct sp_tag tag;
  struct sp_run_param params[2];
  struct sp_slo slo;
  struct sp_slo_result slo_result;
};

static inline void fake_second(struct sp_interval *second, const struct fake *fake, struct sp_rng *rng, unsigned n) {
  static const struct sp_request_key keys[] = { { "simple chat", "ChatUser", "simple", SP_ROLE_LOAD },
                                                { "retrieve", "RetrieveUser", "retrieve", SP_ROLE_LOAD } };
  second->begin_ns = FAKE_MONO_NS + (int64_t)n * SP_NS_PER_S;
  second->end_ns = second->begin_ns + SP_NS_PER_S;
  second->user_time_ns = (double)fake->users * 1e9;
  second->request_time_ns = fake->in_flight * 1e9;
  for (unsigned i = 0; i < fake->a_second; i++) {
    bool chat = i % 4 != 3;
    struct sp_cell *cell = sp_interval_cell(second, &keys[chat ? 0 : 1]);
    double s = fake->scale * exp(0.3 * sp_rng_normal(rng));
    cell->started++;
    cell->outcomes[SP_OUTCOME_OK]++;
    cell->good++;
    cell->bytes_in += 1000;
    sp_hist_record_ns(&cell->metrics[SP_METRIC_TTFB], (int64_t)(s * 1e7));
    sp_hist_record_ns(&cell->metrics[SP_METRIC_E2E], (int64_t)(s * 1e9));
    if (chat) {
      cell->streams++;
      cell->token_events += 20;
      second->events += 21;
      sp_hist_record_ns(&cell->metrics[SP_METRIC_TTFT], (int64_t)(s * 1e8));
      sp_hist_record_ns(&cell->metrics[SP_METRIC_ITL], (int64_t)(s * 2e7));
    }
  }
  if (n % 10 == 9) {
    struct sp_cell *cell = sp_interval_cell(second, &keys[0]);
    cell->started++;
    cell->outcomes[SP_OUTCOME_HTTP_STATUS]++;
    sp_hist_record_ns(&cell->failed_e2e, 5000000);
    sp_interval_error(second, "simple chat", "http_status", "503 service unavailable", 1, second->begin_ns);
  }
}

static inline void fake_begin(struct fake_run *run, const struct fake *fake) {
  static const char *const slos[] = { "p95(e2e) < 4s" };
  *run = (struct fake_run){ .totals = sp_interval_create(),
                            .params = { { "key", NULL }, { "query", fake->query ? fake->query : "hello" } } };
  sp_load_init(&run->load);
  run->load.users = fake->users;
  run->load.kind = fake->rate > 0 ? SP_LOAD_RATE : SP_LOAD_USERS;
  run->load.rate_per_s = fake->rate;
  run->load.threads = 2;
  run->load.run_time_ns = (int64_t)fake->seconds * SP_NS_PER_S;
  run->load.warm_up_ns = (int64_t)fake->warm_s * SP_NS_PER_S;
  run->load.seed = fake->seed;
  run->tag = (struct sp_tag){ "colour", fake->colour };
  run->begin = (struct sp_run_begin){ .version = "0.1.0", .id = fake->id, .name = fake->name, .plan = "plans/chat.lua",
                                      .host = "http://127.0.0.1:8200", .real_ns = FAKE_REAL_NS + fake->begun_s * SP_NS_PER_S,
                                      .mono_ns = FAKE_MONO_NS, .tags = &run->tag, .tag_count = fake->colour ? 1 : 0,
                                      .load = &run->load, .slos = slos, .slo_count = 1,
                                      .plan_text = sp_str_from(fake->plan_text), .params = run->params, .param_count = 2 };
  sp_slo_parse(sp_str_from(slos[0]), &run->slo, NULL);
}

static inline void fake_finish(struct fake_run *run, const struct fake *fake) {
  struct sp_slo_value value;
  double seconds = fake->seconds - fake->warm_s;
  sp_slo_evaluate(&run->slo, run->totals, seconds, &value);
  run->slo_result = (struct sp_slo_result){ .expression = run->slo.text, .value = value.value, .met = value.met,
                                            .slo = &run->slo, .samples = value.samples };
  run->result = (struct sp_result){ .version = "0.1.0", .name = fake->name, .plan = run->begin.plan, .host = run->begin.host,
                                    .started_real_ns = run->begin.real_ns, .seed = fake->seed, .tags = &run->tag,
                                    .tag_count = run->begin.tag_count, .load = &run->load, .totals = run->totals,
                                    .slos = &run->slo_result, .slo_count = 1,
                                    .kept_summary = sp_str_from(fake->summary ? fake->summary : "") };
  snprintf(run->result.id, sizeof(run->result.id), "%s", fake->id);
  run->result.facts = (struct sp_run_facts){ .duration_ns = run->load.run_time_ns, .measured_ns = (int64_t)(seconds * 1e9),
                                             .users_max = fake->users, .threads = 2, .cpu_share = 0.1,
                                             .users_mean = fake->users, .in_flight_mean = 3 };
  run->result.validity = (struct sp_validity){ .valid = !fake->invalid, .cpu_share = 0.1, .closure_error = NAN,
                                               .users_closure = NAN, .requests_closure = NAN };
  if (fake->invalid) {
    run->result.validity.reason_count = 1;
    snprintf(run->result.validity.reasons[0], SP_REASON_TEXT_MAX, "the generator was busy");
  }
}

/* The seconds go to `type`'s report, and the totals are what a run's would be. */
static inline void fake_ticks(struct fake_run *run, const struct fake *fake, const struct sp_report_type *type, void *report) {
  struct sp_rng rng;
  sp_rng_seed(&rng, fake->seed, 0);
  for (unsigned n = 0; n < fake->seconds; n++) {
    struct sp_interval *second = sp_interval_create();
    fake_second(second, fake, &rng, n);
    if (n >= fake->warm_s) {
      sp_interval_merge(run->totals, second);
    }
    unsigned users = fake->change_s > 0 && n >= fake->change_s ? fake->change_to : fake->users;
    struct sp_run_view view = { .phase = SP_PHASE_STEADY, .elapsed_ns = (int64_t)(n + 1) * SP_NS_PER_S, .load = &run->load,
                                .users = users, .users_target = users, .in_flight = 3, .last = second,
                                .totals = run->totals };
    if (type->on_tick) {
      type->on_tick(report, &view);
    }
    sp_interval_destroy(second);
  }
}

static inline void fake_fini(struct fake_run *run) { sp_interval_destroy(run->totals); }

/* A whole run into a history. False: err says why it could not be opened. note: what it had to say. */
static inline bool fake_write(const char *path, const struct fake *fake, char *note, size_t note_size, struct sp_err *err) {
  struct fake_run run;
  void *report = NULL;
  if (sp_report_history.open(path, &report, err)) {
    return false;
  }
  fake_begin(&run, fake);
  sp_report_history.begin(report, &run.begin);
  fake_ticks(&run, fake, &sp_report_history, report);
  fake_finish(&run, fake);
  note[0] = 0;
  if (!fake->cut_off) {
    sp_report_history.write(report, &run.result, err);
    sp_report_history.note(report, note, note_size);
  }
  sp_report_history.close(report);
  fake_fini(&run);
  return true;
}

#endif
