#include "engine/validity.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define CPU_SHARE_LIMIT 0.90
#define LAG_LIMIT_NS (10 * SP_NS_PER_MS)
#define LAG_PERCENTILE 99.0
#define LATE_STARTS_SHARE_LIMIT 0.01

static void add_reason(struct sp_validity *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_reason(struct sp_validity *out, const char *format, ...) {
  out->valid = false;
  if (out->reason_count == SP_REASONS_MAX) return;
  va_list args;
  va_start(args, format);
  vsnprintf(out->reasons[out->reason_count++], SP_REASON_TEXT_MAX, format, args);
  va_end(args);
}

/* -- one function a reason: adds its sentence or nothing -- */

static void judge_cpu(const struct sp_validity_facts *facts, struct sp_validity *out) {
  if (facts->cpu_share <= CPU_SHARE_LIMIT) return;
  add_reason(out,
             "an engine thread was %.0f %% busy (limit %.0f %%): times include the generator's own queueing; use more "
             "--threads or another machine",
             facts->cpu_share * 100, CPU_SHARE_LIMIT * 100);
}

static uint64_t count_over(const struct sp_hist *hist, int64_t limit) {
  struct sp_hist_bucket bucket;
  uint64_t over = 0;
  for (uint32_t cursor = 0; sp_hist_next(hist, &cursor, &bucket);)
    if (bucket.low > limit) over += bucket.count;
  return over;
}

/* Whether the p99 is over the limit, and of enough late samples to mean it. */
static bool is_late(const struct sp_hist *lag_us) {
  int64_t limit_us = LAG_LIMIT_NS / SP_NS_PER_US;
  if (lag_us->count == 0 || sp_hist_percentile(lag_us, LAG_PERCENTILE) <= limit_us) return false;
  return count_over(lag_us, limit_us) >= SP_LATE_SAMPLES_MIN;
}

static double p99_ms(const struct sp_hist *lag_us) {
  return (double)sp_hist_percentile(lag_us, LAG_PERCENTILE) / 1000;
}

static void judge_lag(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_hist *lag = &facts->totals->lag;
  if (!is_late(lag)) return;
  add_reason(out,
             "bytes waited for the generator: lag p99 %.1f ms between the kernel's receive and our read (limit 10 ms); "
             "use more --threads, fewer users or another machine",
             p99_ms(lag));
}

static void judge_loop_lag(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_hist *lag = &facts->totals->loop_lag;
  if (!is_late(lag)) return;
  add_reason(out,
             "the generator's timers ran late: p99 %.1f ms (limit 10 ms); the machine is short of CPU or the plan "
             "computes for long: use more --threads, or move other work off this machine",
             p99_ms(lag));
}

static void judge_late_starts(const struct sp_validity_facts *facts, struct sp_validity *out) {
  uint64_t late = facts->totals->late_starts, tasks = facts->totals->tasks;
  if (late < SP_LATE_SAMPLES_MIN || (double)late <= LATE_STARTS_SHARE_LIMIT * (double)tasks) return;
  char late_text[SP_UNIT_TEXT_SIZE], tasks_text[SP_UNIT_TEXT_SIZE];
  add_reason(out,
             "%s of %s tasks (%.1f %%) began over 10 ms after they were due (limit 1 %%): the load was not what was "
             "asked for; use more --threads or another machine",
             sp_format_count(late, late_text, sizeof(late_text)),
             sp_format_count(tasks, tasks_text, sizeof(tasks_text)),
             tasks > 0 ? 100 * (double)late / (double)tasks : 100);
}

static void judge_dropped_starts(const struct sp_validity_facts *facts, struct sp_validity *out) {
  if (facts->dropped_starts == 0) return;
  char text[SP_UNIT_TEXT_SIZE];
  add_reason(out, "%s starts that were due were dropped: the load was not what was asked for; raise --max-in-flight",
             sp_format_count(facts->dropped_starts, text, sizeof(text)));
}

static void judge_tally(const struct sp_validity_facts *facts, struct sp_validity *out) {
  struct sp_tally tally;
  sp_tally_interval(facts->totals, &tally);
  if (sp_tally_closes(&tally)) return;
  add_reason(out,
             "the books do not close: %llu requests started, but %llu ok + %llu failed + %llu abandoned + %llu "
             "cancelled; this is a bug of spate, please report it with the plan",
             (unsigned long long)tally.started, (unsigned long long)tally.ok, (unsigned long long)tally.failed,
             (unsigned long long)tally.abandoned, (unsigned long long)tally.cancelled);
}

static void (*const judges[])(const struct sp_validity_facts *facts, struct sp_validity *out) = {
  judge_tally, judge_dropped_starts, judge_late_starts, judge_cpu, judge_lag, judge_loop_lag,
};

void sp_validity_judge(const struct sp_validity_facts *facts, struct sp_validity *out) {
  *out = (struct sp_validity){
    .valid = true,
    .cpu_share = facts->cpu_share,
    .closure_error = (double)NAN,
    .late_starts = facts->totals->late_starts,
    .dropped_starts = facts->dropped_starts,
  };
  for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) judges[i](facts, out);
}
