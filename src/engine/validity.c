#include "engine/validity.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define CPU_SHARE_LIMIT 0.90
#define LAG_LIMIT_NS (10 * SP_NS_PER_MS)
#define LOOP_LAG_LIMIT_NS (25 * SP_NS_PER_MS) /* of timers: wider, for lag and late starts are the direct evidence */
#define WAIT_SHARE_LIMIT 0.20
#define STARVED_LIMIT 0.80 /* of the time in which a thread could run, spent waiting */
#define STARVED_SHARE_MIN 0.02 /* of all the time: below it, nothing was lost that shows */
#define STARVED_PERCENTILE 90.0
#define STARVED_START_LIMIT_NS (5 * SP_NS_PER_MS)
#define THROTTLED_SHARE_LIMIT 0.01
#define CLOSURE_LIMIT 0.05
/* Times of a ms are taken at two ends of a loop's turn; only what is lost beyond this a sample is a verdict. */
#define CLOSURE_LOST_LIMIT_S 0.010
#define LAG_PERCENTILE 99.0
#define LATE_STARTS_SHARE_LIMIT 0.01

static void add_reason(struct sp_validity *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_note(struct sp_validity *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_note(struct sp_validity *out, const char *format, ...) {
  if (out->note_count == SP_NOTES_MAX) return;
  va_list args;
  va_start(args, format);
  vsnprintf(out->notes[out->note_count++], SP_REASON_TEXT_MAX, format, args);
  va_end(args);
}

static void add_reason(struct sp_validity *out, const char *format, ...) {
  out->valid = false;
  if (out->reason_count == SP_REASONS_MAX) return;
  va_list args;
  va_start(args, format);
  vsnprintf(out->reasons[out->reason_count++], SP_REASON_TEXT_MAX, format, args);
  va_end(args);
}

/* -- one function a reason: adds its sentence or nothing -- */

/* The thread with the highest of a share; "engine thread 2 of 4". */
static double worst_thread(const struct sp_validity_facts *facts, bool waiting, char *name, size_t size) {
  double worst = waiting ? 0 : facts->cpu_share;
  snprintf(name, size, "an engine thread");
  for (unsigned i = 0; i < facts->thread_count; i++) {
    double share = waiting ? facts->thread[i].wait_share : facts->thread[i].cpu_share;
    if (share < worst || !(share > 0)) continue;
    worst = share;
    snprintf(name, size, "engine thread %u of %u", i + 1, facts->thread_count);
  }
  return worst;
}

static void judge_cpu(const struct sp_validity_facts *facts, struct sp_validity *out) {
  char name[64];
  double share = worst_thread(facts, false, name, sizeof(name));
  if (share <= CPU_SHARE_LIMIT) return;
  add_reason(out,
             "%s was %.0f %% busy (limit %.0f %%): times include the generator's own queueing; use more --threads or "
             "another machine",
             name, share * 100, CPU_SHARE_LIMIT * 100);
}

static void judge_throttling(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_throttling *throttling = &facts->throttling;
  if (!throttling->known || facts->duration_ns <= 0) return;
  double share = (double)throttling->throttled_ns / (double)facts->duration_ns;
  if (throttling->periods == 0 || share <= THROTTLED_SHARE_LIMIT) return;
  char text[SP_UNIT_TEXT_SIZE];
  add_reason(out,
             "the generator's own cgroup was throttled: it used its CPU limit up in %llu periods and stood still for "
             "%s; raise the limit (cpu.max, a container's --cpus, a pod's limits.cpu) or take it away",
             (unsigned long long)throttling->periods, sp_format_duration(throttling->throttled_ns, text, sizeof(text)));
}

static uint64_t count_over(const struct sp_hist *hist, int64_t limit) {
  struct sp_hist_bucket bucket;
  uint64_t over = 0;
  for (uint32_t cursor = 0; sp_hist_next(hist, &cursor, &bucket);)
    if (bucket.low > limit) over += bucket.count;
  return over;
}

/* Whether the percentile is over the limit, and of enough late samples to mean it. */
static bool is_over(const struct sp_hist *lag_us, double percentile, int64_t limit_ns) {
  int64_t limit_us = limit_ns / SP_NS_PER_US;
  if (lag_us->count == 0 || sp_hist_percentile(lag_us, percentile) <= limit_us) return false;
  return count_over(lag_us, limit_us) >= SP_LATE_SAMPLES_MIN;
}

static bool is_late(const struct sp_hist *lag_us, int64_t limit_ns) { return is_over(lag_us, LAG_PERCENTILE, limit_ns); }

static double closure_of(const struct sp_little *law) {
  return law->observed > 0 && law->samples > 0 ? law->predicted / law->observed - 1 : (double)NAN;
}

/* Whether a law is open by its share, however little time that is: a millisecond of a short request. */
static bool is_unaccounted(const struct sp_little *law) { return fabs(closure_of(law)) > CLOSURE_LIMIT; }

/* -- waiting for a CPU -- */

/* By the time, and by what the thread could have run in: one that needs little CPU can wait for most of it unseen. */
struct waiting {
  double share, of_runnable;
  bool is_long, is_starved;
};

static struct waiting waiting_of(const struct sp_validity_facts *facts, char *name, size_t size) {
  struct waiting waiting = { .share = worst_thread(facts, true, name, size) };
  for (unsigned i = 0; i < facts->thread_count; i++) {
    const struct sp_thread_facts *thread = &facts->thread[i];
    if (thread->wait_share >= waiting.share && waiting.share > 0)
      waiting.of_runnable = thread->wait_share / (thread->wait_share + thread->cpu_share);
  }
  waiting.is_long = waiting.share > WAIT_SHARE_LIMIT;
  waiting.is_starved = waiting.of_runnable > STARVED_LIMIT && waiting.share > STARVED_SHARE_MIN;
  return waiting;
}

/* It does harm where something was late by it, or a good share of the time is in no figure; many short waits on a busy
 * machine may do none. */
static bool waiting_harms(const struct sp_validity_facts *facts, const struct waiting *waiting) {
  const struct sp_interval *totals = facts->totals;
  if (is_late(&totals->lag, LAG_LIMIT_NS) || is_late(&totals->loop_lag, LOOP_LAG_LIMIT_NS)) return true;
  if (is_late(&totals->start_lag, LAG_LIMIT_NS)) return true;
  if (is_over(&totals->start_lag, STARVED_PERCENTILE, STARVED_START_LIMIT_NS)) return true;
  return waiting->is_long && (is_unaccounted(&facts->users_law) || is_unaccounted(&facts->requests_law));
}

static void judge_wait(const struct sp_validity_facts *facts, struct sp_validity *out) {
  char name[64];
  struct waiting waiting = waiting_of(facts, name, sizeof(name));
  if (!waiting.is_long && !waiting.is_starved) return;
  bool harmed = waiting_harms(facts, &waiting);
  if (!harmed && !waiting.is_long) return;
  void (*say)(struct sp_validity *, const char *, ...) = harmed ? add_reason : add_note;
  say(out,
      "%s waited for a CPU %.0f %% of the time (limit %.0f %%), %.0f %% of what it could have run in: other work had it; "
      "move that off this machine, or give the generator CPUs of its own (taskset)",
      name, waiting.share * 100, WAIT_SHARE_LIMIT * 100, waiting.of_runnable * 100);
}

/* -- late -- */

static double p99_ms(const struct sp_hist *lag_us) {
  return (double)sp_hist_percentile(lag_us, LAG_PERCENTILE) / 1000;
}

static void judge_lag(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_hist *lag = &facts->totals->lag;
  if (!is_late(lag, LAG_LIMIT_NS)) return;
  add_reason(out,
             "bytes waited for the generator: lag p99 %.1f ms between the kernel's receive and our read (limit 10 ms); "
             "use more --threads, fewer users or another machine",
             p99_ms(lag));
}

static void judge_loop_lag(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_hist *lag = &facts->totals->loop_lag;
  if (!is_late(lag, LOOP_LAG_LIMIT_NS)) return;
  add_reason(out,
             "the generator's timers ran late: p99 %.1f ms (limit 25 ms); the machine is short of CPU or the plan "
             "computes for long: use more --threads, or move other work off this machine",
             p99_ms(lag));
}

static void judge_late_starts(const struct sp_validity_facts *facts, struct sp_validity *out) {
  uint64_t late = facts->totals->late_starts, tasks = facts->totals->tasks;
  if (late < SP_LATE_SAMPLES_MIN || (double)late <= LATE_STARTS_SHARE_LIMIT * (double)tasks) return;
  char late_text[SP_UNIT_TEXT_SIZE], tasks_text[SP_UNIT_TEXT_SIZE], p99[64] = "";
  const struct sp_hist *lag = &facts->totals->start_lag;
  if (lag->count > 0) snprintf(p99, sizeof(p99), "; p99 %.1f ms", p99_ms(lag));
  add_reason(out,
             "%s of %s tasks (%.1f %%) began over 10 ms after they were due (limit 1 %%%s): the load was not what was "
             "asked for; use more --threads or another machine",
             sp_format_count(late, late_text, sizeof(late_text)),
             sp_format_count(tasks, tasks_text, sizeof(tasks_text)),
             tasks > 0 ? 100 * (double)late / (double)tasks : 100, p99);
}

static uint64_t dropped_of(const struct sp_validity_facts *facts) {
  return facts->dropped_starts > 0 ? facts->dropped_starts : facts->totals->dropped_starts;
}

static void judge_dropped_starts(const struct sp_validity_facts *facts, struct sp_validity *out) {
  uint64_t dropped = dropped_of(facts), due = facts->totals->arrivals + dropped;
  if (dropped == 0) return;
  char text[SP_UNIT_TEXT_SIZE], due_text[SP_UNIT_TEXT_SIZE], share[80] = "";
  if (due > dropped)
    snprintf(share, sizeof(share), " (%.1f %% of %s)", 100 * (double)dropped / (double)due,
             sp_format_count(due, due_text, sizeof(due_text)));
  add_reason(out,
             "%s starts%s that were due were dropped: the load was not what was asked for; raise --max-in-flight, "
             "or ask for a rate that the target can serve",
             sp_format_count(dropped, text, sizeof(text)), share);
}

/* -- Little's law -- */

static bool is_open(double closure, const struct sp_little *law) {
  return fabs(closure) > CLOSURE_LIMIT && fabs(law->lost_s) > CLOSURE_LOST_LIMIT_S; /* false for a NAN */
}

static void judge_users_law(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_little *law = &facts->users_law;
  if (!is_open(out->users_closure, law)) return;
  add_reason(out,
             "Little's law does not close for the users: %.2f were there, but tasks and pauses account for %.2f "
             "(%.1f %% off, limit 5 %%): the rest of their time went to the generator; use more --threads or another "
             "machine",
             law->observed, law->predicted, 100 * fabs(out->users_closure));
}

static void judge_requests_law(const struct sp_validity_facts *facts, struct sp_validity *out) {
  const struct sp_little *law = &facts->requests_law;
  if (!is_open(out->requests_closure, law)) return;
  add_reason(out,
             "Little's law does not close for the requests: %.2f were in flight, but requests a second times their "
             "time gives %.2f (%.1f %% off, limit 5 %%): they waited inside the generator; use more --threads or "
             "another machine",
             law->observed, law->predicted, 100 * fabs(out->requests_closure));
}

/* -- what ran out -- */

static void judge_ports(const struct sp_validity_facts *facts, struct sp_validity *out) {
  if (facts->port_exhausted == 0) return;
  char text[SP_UNIT_TEXT_SIZE], range[160] = "the system's range of local ports", opened[80] = "";
  unsigned sources = facts->source_count > 1 ? facts->source_count : 1;
  if (facts->port_high > 0)
    snprintf(range, sizeof(range),
             "local ports %u to %u, each kept for a minute after its connection (TIME_WAIT), allow %.0f new connections "
             "a second to one address",
             facts->port_low, facts->port_high, sources * sp_port_range_conn_rate(facts->port_low, facts->port_high));
  if (facts->conn_rate > 0) snprintf(opened, sizeof(opened), ", and the run opened %.0f", facts->conn_rate);
  add_reason(out,
             "%s connections found no local port (EADDRNOTAVAIL): %s%s; keep connections alive, make them from several "
             "addresses (--source), or widen net.ipv4.ip_local_port_range",
             sp_format_count(facts->port_exhausted, text, sizeof(text)), range, opened);
}

static void judge_files(const struct sp_validity_facts *facts, struct sp_validity *out) {
  if (facts->files_exhausted == 0) return;
  char text[SP_UNIT_TEXT_SIZE], limit[64] = "";
  unsigned long long files = facts->file_limit;
  if (files > 0) snprintf(limit, sizeof(limit), " (the limit is %llu)", files);
  add_reason(out,
             "%s connections found no file descriptor (EMFILE)%s: raise it with 'ulimit -n', or use fewer users",
             sp_format_count(facts->files_exhausted, text, sizeof(text)), limit);
}

static void judge_tally(const struct sp_validity_facts *facts, struct sp_validity *out) {
  struct sp_tally tally;
  sp_tally_interval(facts->totals, &tally);
  if (facts->running || sp_tally_closes(&tally)) return;
  add_reason(out,
             "the books do not close: %llu requests started, but %llu ok + %llu failed + %llu abandoned + %llu "
             "cancelled; this is a bug of spate, please report it with the plan",
             (unsigned long long)tally.started, (unsigned long long)tally.ok, (unsigned long long)tally.failed,
             (unsigned long long)tally.abandoned, (unsigned long long)tally.cancelled);
}

static void (*const judges[])(const struct sp_validity_facts *facts, struct sp_validity *out) = {
  judge_tally, judge_dropped_starts, judge_ports,      judge_files,     judge_late_starts,  judge_throttling,
  judge_cpu,   judge_wait,           judge_lag,        judge_loop_lag,  judge_users_law,    judge_requests_law,
};

static double larger(double a, double b) {
  double a_size = fabs(a), b_size = fabs(b);
  return isnan(a) ? b_size : isnan(b) || a_size > b_size ? a_size : b_size;
}

void sp_validity_judge(const struct sp_validity_facts *facts, struct sp_validity *out) {
  *out = (struct sp_validity){
    .valid = true,
    .cpu_share = facts->cpu_share,
    .users_closure = closure_of(&facts->users_law),
    .requests_closure = closure_of(&facts->requests_law),
    .late_starts = facts->totals->late_starts,
    .dropped_starts = dropped_of(facts),
  };
  out->closure_error = larger(out->users_closure, out->requests_closure);
  for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) judges[i](facts, out);
  if (facts->shared_machine)
    add_note(out, "the target is on this machine: it shares the CPU with the generator");
  if (facts->proxy && *facts->proxy)
    add_note(out, "requests went through the proxy %s: their times are its too", facts->proxy);
}
