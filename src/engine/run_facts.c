/* What is known of a run at its end: times, means over the time, laws, the engine's own state. */
#include "base/check.h"
#include "engine/control.h"

#include <math.h>
#include <sys/resource.h>

#define LAW_SAMPLES_MIN 100u
#define LAW_TIME_MIN_NS SP_NS_PER_S

static int64_t later(int64_t a_ns, int64_t b_ns) { return a_ns > b_ns ? a_ns : b_ns; }
static int64_t sooner(int64_t a_ns, int64_t b_ns) { return a_ns < b_ns ? a_ns : b_ns; }

void sp_run_facts_begin(struct sp_run *run) {
  if (!sp_loop_is_fake(run->options.loop)) sp_throttling_read(NULL, &run->throttling_begin);
}

void sp_run_facts_take(struct sp_run *run, const struct sp_interval *interval) {
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    for (size_t outcome = 0; outcome < SP_OUTCOME_COUNT; outcome++) run->ended += cell->outcomes[outcome];
    const struct sp_hist *hists[] = { &cell->metrics[SP_METRIC_E2E], &cell->failed_e2e, &cell->cancelled_age,
                                    &cell->abandoned_age };
    for (size_t h = 0; h < sizeof(hists) / sizeof(hists[0]); h++) {
      if (hists[h]->count == 0) continue;
      run->request_us += hists[h]->sum;
      run->requests += hists[h]->count;
    }
  }
}

static double mean_over(double sum_ns, int64_t length_ns) {
  return length_ns > 0 ? sum_ns / (double)length_ns : (double)NAN;
}

/* The measured part of the run phase: the drain is not in it. */
static int64_t phase_length_ns(const struct sp_run *run, int64_t from_ns, int64_t to_ns) {
  return later(sooner(to_ns, run->ending_ns) - later(from_ns, run->shared.slots.warm_end_ns), 0);
}

/* -- laws -- */

static struct sp_little law_of(double counted_ns, double timed_ns, uint64_t samples, int64_t length_ns) {
  bool enough = samples >= LAW_SAMPLES_MIN && length_ns >= LAW_TIME_MIN_NS;
  return (struct sp_little){
    .observed = mean_over(counted_ns, length_ns),
    .predicted = enough ? mean_over(timed_ns, length_ns) : (double)NAN,
    .samples = samples,
    .lost_s = samples > 0 ? (counted_ns - timed_ns) / (double)samples / (double)SP_NS_PER_S : 0,
  };
}

static void gather_laws(struct sp_run *run, struct sp_run_facts *facts) {
  struct sp_law_book sum = { 0 };
  for (unsigned i = 0; i < run->threads; i++) {
    const struct sp_law_book *law = &run->workers[i]->law;
    sum.ready_ns += law->ready_ns;
    sum.cycle_ns += law->cycle_ns;
    sum.cycles += law->cycles;
    sum.request_ns += law->request_ns;
    sum.start_took_ns += law->start_took_ns;
  }
  int64_t phase_ns = phase_length_ns(run, run->shared.start_ns, run->ending_ns);
  bool closed = run->load.kind != SP_LOAD_RATE;
  facts->users_law = law_of(sum.ready_ns, sum.cycle_ns, closed ? sum.cycles : 0, phase_ns);
  /* A request that waited for its user's start was not in flight then, but its time counts from when it was due. */
  uint64_t timed = run->requests == run->ended ? run->requests : 0; /* some without a time: nothing can be said */
  facts->requests_law = law_of(sum.request_ns + sum.start_took_ns, run->request_us * (double)SP_NS_PER_US,
                               timed, facts->duration_ns);
}

/* -- threads -- */

static double share_of(int64_t part_ns, int64_t whole_ns) {
  return whole_ns > 0 ? (double)part_ns / (double)whole_ns : 0;
}

static void gather_threads(struct sp_run *run, struct sp_run_facts *facts) {
  facts->threads = run->threads;
  for (unsigned i = 0; i < run->threads; i++) {
    const struct sp_worker *worker = run->workers[i];
    const struct sp_thread_times *begin = &worker->begin_times, *end = &worker->end_times;
    facts->thread[i].cpu_share = share_of(end->cpu_ns - begin->cpu_ns, worker->wall_ns);
    facts->thread[i].wait_share = share_of(end->wait_ns - begin->wait_ns, worker->wall_ns);
    if (facts->thread[i].cpu_share > facts->cpu_share) facts->cpu_share = facts->thread[i].cpu_share;
  }
  struct sp_throttling now = { 0 };
  if (!sp_loop_is_fake(run->options.loop)) sp_throttling_read(NULL, &now);
  facts->throttling = sp_throttling_between(&run->throttling_begin, &now);
}

/* -- times and counts -- */

static void gather_times(struct sp_run *run, struct sp_run_facts *facts) {
  int64_t end_ns = run->ending_ns;
  run->measured_end_ns = run->ending_ns;
  for (unsigned i = 0; i < run->threads; i++) {
    end_ns = later(end_ns, run->workers[i]->last_end_ns);
    run->measured_end_ns = later(run->measured_end_ns, run->workers[i]->last_completed_ns);
  }
  facts->duration_ns = end_ns - run->shared.start_ns;
  facts->measured_ns = later(run->measured_end_ns - run->shared.slots.warm_end_ns, 0);
}

static void gather_counts(struct sp_run *run, struct sp_run_facts *facts) {
  const struct sp_interval *totals = run->totals;
  int64_t phase_ns = phase_length_ns(run, run->shared.start_ns, run->ending_ns);
  facts->users_max = atomic_load(&run->shared.users_max);
  facts->users_mean = mean_over(totals->user_time_ns, phase_ns);
  facts->in_flight_mean = mean_over(totals->request_time_ns, phase_ns);
  facts->arrivals_made = totals->arrivals;
  facts->arrivals_dropped = totals->dropped_starts;
  facts->arrivals_planned = totals->arrivals + totals->dropped_starts;
  for (unsigned i = 0; i < run->threads; i++) facts->arrivals_planned += run->workers[i]->unserved;
}

void sp_run_facts_end(struct sp_run *run) {
  struct sp_run_facts *facts = &run->facts;
  gather_times(run, facts);
  gather_counts(run, facts);
  gather_threads(run, facts);
  gather_laws(run, facts);
  facts->aborted = run->aborted;
}

void sp_run_facts(const struct sp_run *run, struct sp_run_facts *out) {
  SP_CHECK(run->phase == SP_PHASE_ENDED);
  *out = run->facts;
}

void sp_run_facts_now(const struct sp_run *run, struct sp_run_facts *out) {
  const struct sp_interval *totals = run->totals;
  if (run->phase == SP_PHASE_ENDED) {
    *out = run->facts;
    return;
  }
  int64_t until_ns = run->phase == SP_PHASE_ENDING ? sooner(run->ending_ns, run->taken_ns) : run->taken_ns;
  int64_t phase_ns = run->begun ? later(until_ns - run->shared.slots.warm_end_ns, 0) : 0;
  int64_t measured_ns = run->begun ? later(run->taken_ns - run->shared.slots.warm_end_ns, 0) : 0;
  *out = (struct sp_run_facts){
    .duration_ns = run->begun ? run->taken_ns - run->shared.start_ns : 0,
    .measured_ns = measured_ns,
    .threads = run->threads,
    .cpu_share = share_of(totals->cpu_ns, measured_ns * run->threads),
    .aborted = run->aborted,
    .users_max = atomic_load(&run->shared.users_max),
    .users_mean = mean_over(totals->user_time_ns, phase_ns),
    .in_flight_mean = mean_over(totals->request_time_ns, phase_ns),
    .arrivals_planned = totals->arrivals + totals->dropped_starts,
    .arrivals_made = totals->arrivals,
    .arrivals_dropped = totals->dropped_starts,
    .users_law = { .observed = NAN, .predicted = NAN },
    .requests_law = { .observed = NAN, .predicted = NAN },
  };
  for (unsigned i = 0; i < run->threads; i++) out->thread[i].cpu_share = out->thread[i].wait_share = NAN;
}

/* -- stages -- */

size_t sp_run_stage_count(const struct sp_run *run) { return run->stage_count; }

/* What came after the run phase is the time of the stage in which it ended. */
static int64_t drain_of(const struct sp_run *run, int64_t begin_ns, int64_t end_ns, bool last) {
  bool begun = run->ending_ns > begin_ns || begin_ns == run->shared.start_ns;
  bool ended_here = begun && (run->ending_ns <= end_ns || last);
  return ended_here ? run->measured_end_ns - later(run->ending_ns, run->shared.slots.warm_end_ns) : 0;
}

void sp_run_stage(const struct sp_run *run, size_t i, struct sp_run_stage *out) {
  SP_CHECK(run->phase == SP_PHASE_ENDED && i < run->stage_count);
  const struct sp_interval *interval = run->stage_totals[i];
  bool last = i + 1 == run->stage_count;
  int64_t begin_ns = run->shared.slots.begin_ns[i];
  int64_t end_ns = last ? SP_NEVER_NS : run->shared.slots.begin_ns[i + 1];
  int64_t phase_ns = phase_length_ns(run, begin_ns, end_ns);
  *out = (struct sp_run_stage){
    .stage = run->stages[i],
    .begin_ns = begin_ns - run->shared.start_ns,
    .measured_ns = phase_ns + later(drain_of(run, begin_ns, end_ns, last), 0),
    .users_mean = mean_over(interval->user_time_ns, phase_ns),
    .in_flight_mean = mean_over(interval->request_time_ns, phase_ns),
    .interval = interval,
  };
}

/* -- for the verdict -- */

void sp_run_validity_facts(const struct sp_run *run, const struct sp_run_facts *facts, struct sp_validity_facts *out) {
  *out = (struct sp_validity_facts){
    .totals = run->totals,
    .running = run->phase != SP_PHASE_ENDED,
    .cpu_share = facts->cpu_share,
    .dropped_starts = facts->arrivals_dropped,
    .duration_ns = facts->duration_ns,
    .thread = facts->thread,
    .thread_count = facts->threads,
    .throttling = facts->throttling,
    .users_law = facts->users_law,
    .requests_law = facts->requests_law,
  };
  out->port_exhausted = run->totals->port_exhausted;
  out->files_exhausted = run->totals->files_exhausted;
  if (facts->measured_ns > 0)
    out->conn_rate = (double)run->totals->connections / ((double)facts->measured_ns / (double)SP_NS_PER_S);
  sp_port_range_read(NULL, &out->port_low, &out->port_high);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) out->file_limit = files.rlim_cur;
}
