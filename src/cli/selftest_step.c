/* One step of the self-test: a whole run in this process against a mock in a thread of its own. */
#include "cli/selftest.h"

#include "cli/mock_thread.h"
#include "cli/setup.h"

#include <math.h>

#define STOP_TIMEOUT_NS (3 * SP_NS_PER_S)

/* "sk-held": 50 tokens, 20 ms apart, the first after 100 ms. "sk-short": two, the first after 20 ms. */
static const char profile[] =
    "{\"apps\": {\"held\": {\"mode\": \"openai\", \"key\": \"sk-held\", \"head\": 0, \"queue\": 0, \"first\": 100, "
    "\"gap\": 20, \"tokens\": 50, \"tail\": 0}, \"short\": {\"mode\": \"openai\", \"key\": \"sk-short\", \"head\": 0, "
    "\"queue\": 0, \"first\": 20, \"gap\": 1, \"tokens\": 2, \"tail\": 0}}}";

/* -- the run -- */

struct trial {
  struct sp_options options;
  struct sp_setup setup;
  struct sp_loop *loop;
  struct sp_run *run;
  char host[64], rate[32];
};

static void fill_options(struct trial *trial, const struct sp_selftest_series *series, double level, int64_t measured_ns) {
  struct sp_options *options = &trial->options;
  sp_options_init(options);
  options->arguments[0] = "openai:chat";
  options->argument_count = 1;
  options->host = trial->host;
  options->settings[options->setting_count++] = (struct sp_setting){"key", series->key};
  options->load.warm_up_ns = series->warm_up_ns;
  options->load.run_time_ns = series->warm_up_ns + measured_ns;
  options->load.stop_timeout_ns = STOP_TIMEOUT_NS;
  snprintf(trial->rate, sizeof(trial->rate), "%.0f/s", level);
  if (series->is_rate) {
    options->load.rate = trial->rate;
  } else {
    options->load.in_flight = (int64_t)level;
    options->load.spawn_per_s = level; /* all within a second: spread over a stream's length */
  }
}

static void on_end(void *ctx) { sp_loop_stop(((struct trial *)ctx)->loop); }

static int run_to_end(struct trial *trial, struct sp_err *err) {
  struct sp_setup *setup = &trial->setup;
  struct sp_run_options options = {.loop = trial->loop, .load = &setup->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_end = on_end,
      .ctx = trial};
  trial->run = sp_run_create(&options, err);
  if (!trial->run) return err->code;
  int code = sp_run_start(trial->run, err);
  if (code == 0) sp_loop_run(trial->loop);
  return code;
}

/* -- its figures -- */

static double p99_ms(const struct sp_hist *us) {
  return us->count ? (double)sp_hist_percentile(us, 99) / 1000 : (double)NAN;
}

static double ttft_p99_ms(const struct sp_interval *totals) {
  for (size_t i = 0; i < totals->cells.count; i++) {
    const struct sp_cell *cell = totals->cells.entries[i].value;
    if (cell->metrics[SP_METRIC_TTFT].count) return p99_ms(&cell->metrics[SP_METRIC_TTFT]);
  }
  return (double)NAN;
}

/* Streams count for the time they started in, and so do their events, though they end behind it. */
static void take_figures(struct trial *trial, int64_t measured_ns, struct sp_selftest_step *out) {
  const struct sp_interval *totals = sp_run_totals(trial->run);
  struct sp_run_facts facts;
  struct sp_validity_facts validity_facts;
  struct sp_validity validity;
  struct sp_tally tally;
  sp_run_facts(trial->run, &facts);
  sp_run_validity_facts(trial->run, &facts, &validity_facts);
  sp_validity_judge(&validity_facts, &validity);
  sp_tally_interval(totals, &tally);
  double measured_s = (double)measured_ns / 1e9;
  out->streams_at_once = facts.in_flight_mean;
  out->streams_per_s = (double)tally.ok / measured_s;
  out->events_per_s = (double)totals->events / measured_s;
  out->lag_p99_ms = p99_ms(&totals->lag);
  out->ttft_off_ms = ttft_p99_ms(totals);
  out->failed = tally.failed;
  out->throttling = facts.throttling;
  for (unsigned i = 0; i < facts.threads; i++) {
    out->cpu += facts.thread[i].cpu_share;
    out->wait_share = fmax(out->wait_share, facts.thread[i].wait_share);
  }
  out->valid = validity.valid;
  if (!validity.valid) snprintf(out->reason, sizeof(out->reason), "%s", validity.reasons[0]);
}

static void take_mock(struct sp_mock_thread *mock, double truth_ms, struct sp_selftest_step *out) {
  struct sp_mock_thread_facts facts;
  sp_mock_thread_stop(mock, &facts);
  out->mock_late_ms = facts.late_p99_ms;
  out->mock_cpu = facts.cpu_share;
  out->wait_share = fmax(out->wait_share, facts.wait_share);
  out->ttft_off_ms -= truth_ms + facts.late_p99_ms;
  if (out->ttft_off_ms < 0) out->ttft_off_ms = 0; /* a NAN stays one */
}

int sp_selftest_step_run(const struct sp_selftest_series *series, double level, int64_t measured_ns,
                         unsigned processors, struct sp_selftest_step *out, struct sp_err *err) {
  struct trial trial = {0};
  *out = (struct sp_selftest_step){.level = level};
  struct sp_mock_thread *mock = sp_mock_thread_start(profile, err);
  if (!mock) return err->code;
  snprintf(trial.host, sizeof(trial.host), "http://127.0.0.1:%u", (unsigned)sp_mock_thread_port(mock));
  fill_options(&trial, series, level, measured_ns);
  int code = sp_setup_init(&trial.setup, &trial.options, err);
  if (code) goto stop_mock;
  trial.loop = sp_loop_create(err);
  code = trial.loop ? run_to_end(&trial, err) : err->code;
  if (code == 0) take_figures(&trial, measured_ns, out);
  sp_run_destroy(trial.run);
  if (trial.loop) sp_loop_destroy(trial.loop);
  sp_setup_fini(&trial.setup);
stop_mock:
  take_mock(mock, series->ttft_ms, out);
  sp_options_fini(&trial.options);
  sp_selftest_judge(out, processors);
  return code;
}

/* -- the verdict -- */

static bool is_over(double ms, double limit_ms) { return !(ms <= limit_ms); } /* also where nothing was measured */

void sp_selftest_judge(struct sp_selftest_step *step, unsigned processors) {
  step->why[0] = '\0';
  if (step->failed) {
    snprintf(step->why, sizeof(step->why), "%llu streams failed", (unsigned long long)step->failed);
  } else if (is_over(step->mock_late_ms, SP_SELFTEST_MOCK_LIMIT_MS)) {
    snprintf(step->why, sizeof(step->why), "the mock itself was late (p99 %.1f ms, limit %.0f ms)", step->mock_late_ms,
             SP_SELFTEST_MOCK_LIMIT_MS);
  } else if (!step->valid) {
    snprintf(step->why, sizeof(step->why), "%s", step->reason);
  } else if (is_over(step->ttft_off_ms, SP_SELFTEST_LATE_LIMIT_MS)) {
    snprintf(step->why, sizeof(step->why), "the time to the first token was off by %.1f ms (p99, limit %.0f ms)",
             step->ttft_off_ms, SP_SELFTEST_LATE_LIMIT_MS);
  } else if (step->lag_p99_ms > SP_SELFTEST_LATE_LIMIT_MS) { /* a NAN, without stamps, is the machine's row */
    snprintf(step->why, sizeof(step->why), "bytes waited for the client (lag p99 %.1f ms, limit %.0f ms)", step->lag_p99_ms,
             SP_SELFTEST_LATE_LIMIT_MS);
  }
  step->trusted = step->why[0] == '\0';
  bool mock_busy = step->mock_cpu > SP_SELFTEST_MOCK_CPU_LIMIT;
  bool machine_full = step->cpu + step->mock_cpu > SP_SELFTEST_CPU_LIMIT * processors;
  if (mock_busy || machine_full) step->end = SP_SELFTEST_MOCK;
  else if (step->wait_share > SP_SELFTEST_WAIT_LIMIT) step->end = SP_SELFTEST_OTHERS;
  else step->end = is_over(step->mock_late_ms, SP_SELFTEST_MOCK_LIMIT_MS) ? SP_SELFTEST_MOCK : SP_SELFTEST_LIMIT;
}
