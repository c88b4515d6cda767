#include "mock/station.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

#include <math.h>

#define ALL_OF_IT 0.999 /* of a period's quota: the rest is rounding */

/* -- lists -- */

static void append(struct sp_station_list *list, struct sp_station_job *job) {
  job->next = NULL;
  job->previous = list->last;
  if (list->last) list->last->next = job;
  else list->first = job;
  list->last = job;
}

static void unlink_job(struct sp_station_list *list, struct sp_station_job *job) {
  if (job->previous) job->previous->next = job->next;
  else list->first = job->next;
  if (job->next) job->next->previous = job->previous;
  else list->last = job->previous;
  job->previous = job->next = NULL;
}

/* -- speed -- */

static double slowdown(const struct sp_station *station) {
  uint64_t inside = station->working.count + station->figures.waiting;
  return inside > 1 ? 1 + station->spec.contention * (double)(inside - 1) : 1;
}

static int64_t into_period(const struct sp_station *station, int64_t at_ns) {
  return (at_ns - station->start_ns) % station->spec.slow_every_ns;
}

static double speed_at(const struct sp_station *station, int64_t at_ns) {
  const struct sp_station_spec *spec = &station->spec;
  if (spec->slow_every_ns == 0) return 1;
  return into_period(station, at_ns) < spec->slow_every_ns - spec->slow_for_ns ? 1 : spec->slow_speed;
}

/* The next instant after at_ns at which the speed changes by itself. */
static int64_t next_edge(const struct sp_station *station, int64_t at_ns) {
  const struct sp_station_spec *spec = &station->spec;
  if (spec->slow_every_ns == 0) return SP_NEVER_NS;
  int64_t into_ns = into_period(station, at_ns), fast_ns = spec->slow_every_ns - spec->slow_for_ns;
  return at_ns - into_ns + (into_ns < fast_ns ? fast_ns : spec->slow_every_ns);
}

static double cores_in_use(const struct sp_station *station) {
  double jobs = (double)station->working.count;
  return jobs < station->spec.cores ? jobs : station->spec.cores;
}

/* Seconds of its work that each job does a second. */
static double job_rate(const struct sp_station *station) {
  if (station->working.count == 0) return 0;
  return speed_at(station, station->at_ns) * cores_in_use(station) / (double)station->working.count / slowdown(station);
}

double sp_station_locked(const struct sp_station *station) {
  return (double)station->working.count * (1 - 1 / slowdown(station));
}

int64_t sp_station_longest_wait_ns(const struct sp_station *station, int64_t now_ns) {
  const struct sp_station_job *first = station->waiting.first;
  return first && now_ns > first->at_ns ? now_ns - first->at_ns : 0;
}

double sp_station_merge_phase(const struct sp_station *station, int64_t now_ns) {
  const struct sp_station_spec *spec = &station->spec;
  if (spec->slow_every_ns == 0) return 0;
  return (double)into_period(station, now_ns) / (double)(spec->slow_every_ns - spec->slow_for_ns);
}

/* -- the clock of the station -- */

static int64_t period_end(const struct sp_station *station, int64_t at_ns) {
  return at_ns + SP_STATION_PERIOD_NS - (at_ns - station->start_ns) % SP_STATION_PERIOD_NS;
}

static void close_period(struct sp_station *station) {
  struct sp_station_figures *figures = &station->figures;
  double most_ns = station->spec.cores * (double)SP_STATION_PERIOD_NS;
  if (station->period_busy_ns > 0) figures->periods++;
  if (station->period_pressed_ns > 0 && station->period_busy_ns >= most_ns * ALL_OF_IT) {
    figures->throttled_periods++;
    figures->pressed_ns += station->period_pressed_ns;
    figures->throttled_ns += station->period_throttled_ns;
  }
  station->period_busy_ns = station->period_pressed_ns = station->period_throttled_ns = 0;
}

/* So much is in use from at_ns to to_ns; each period has its part of it. */
static void count_periods(struct sp_station *station, int64_t to_ns, double busy, double jobs) {
  double cores = station->spec.cores;
  for (int64_t at_ns = station->at_ns; at_ns < to_ns;) {
    int64_t end_ns = period_end(station, at_ns), stop_ns = end_ns < to_ns ? end_ns : to_ns;
    double time_ns = (double)(stop_ns - at_ns);
    station->period_busy_ns += busy * time_ns;
    if (jobs > cores) {
      station->period_pressed_ns += time_ns;
      station->period_throttled_ns += (1 - cores / jobs) * time_ns;
    }
    if (stop_ns == end_ns) close_period(station);
    at_ns = stop_ns;
    if (jobs == 0 && station->period_busy_ns == 0) return; /* idle periods are none */
  }
}

/* To an instant until which nothing changes. */
static void pass_time(struct sp_station *station, int64_t to_ns) {
  struct sp_station_figures *figures = &station->figures;
  double time_ns = (double)(to_ns - station->at_ns), jobs = (double)station->working.count;
  double rate = job_rate(station), cores = cores_in_use(station);
  station->virtual_ns += rate * time_ns;
  figures->done_ns += rate * jobs * time_ns;
  figures->busy_ns += cores / slowdown(station) * time_ns;
  figures->waited_ns += (double)figures->waiting * time_ns;
  figures->present_ns += (double)figures->serving * time_ns;
  figures->locked_ns += sp_station_locked(station) * time_ns;
  if (figures->serving > 0) figures->active_ns += time_ns;
  count_periods(station, to_ns, cores / slowdown(station), jobs);
  station->at_ns = to_ns;
}

static struct sp_station_job *job_of(struct sp_heap_node *node) {
  return sp_container_of(node, struct sp_station_job, node);
}

/* When the first of those at work is done, if nothing changes before; never before at_ns. */
static int64_t next_done(const struct sp_station *station) {
  struct sp_heap_node *first = sp_heap_peek(&station->working);
  if (!first) return SP_NEVER_NS;
  double left_ns = ((double)first->key - station->virtual_ns) / job_rate(station);
  if (left_ns >= (double)(SP_NEVER_NS / 4)) return SP_NEVER_NS;
  return station->at_ns + (left_ns > 0 ? (int64_t)ceil(left_ns) : 0);
}

static void make_ready(struct sp_station *station, struct sp_station_job *job) {
  station->figures.stayed_ns += (double)(station->at_ns - job->at_ns);
  job->state = SP_JOB_READY;
  job->at_ns = station->at_ns;
  station->figures.served++;
  append(&station->ready, job);
}

static bool is_slots(const struct sp_station *station) { return station->spec.cores <= 0; }

static bool has_room(const struct sp_station *station) {
  return station->spec.limit == 0 || station->figures.serving < station->spec.limit;
}

static void begin_service(struct sp_station *station, struct sp_station_job *job) {
  station->figures.serving++;
  job->state = SP_JOB_SERVED;
  if (is_slots(station)) return;
  sp_heap_insert(&station->working, &job->node, (int64_t)(station->virtual_ns + job->work_ns + 0.5));
}

/* Those that waited get the places that have become free. */
static void admit(struct sp_station *station) {
  while (station->waiting.first && has_room(station)) {
    struct sp_station_job *job = station->waiting.first;
    unlink_job(&station->waiting, job);
    station->figures.waiting--;
    begin_service(station, job);
    if (is_slots(station)) make_ready(station, job);
  }
}

/* Through every event up to an instant, each at its own time. */
static void advance(struct sp_station *station, int64_t to_ns) {
  for (;;) {
    int64_t done_ns = next_done(station), edge_ns = next_edge(station, station->at_ns);
    int64_t next_ns = done_ns < edge_ns ? done_ns : edge_ns;
    if (next_ns > to_ns) break;
    pass_time(station, next_ns);
    if (done_ns > edge_ns) continue;
    struct sp_station_job *job = job_of(sp_heap_peek(&station->working));
    sp_heap_remove(&station->working, &job->node);
    station->figures.serving--;
    make_ready(station, job);
    admit(station);
  }
  if (to_ns > station->at_ns) pass_time(station, to_ns);
}

static void arm(struct sp_station *station) {
  int64_t due_ns = station->ready.first ? station->at_ns : next_done(station);
  int64_t edge_ns = station->working.count > 0 ? next_edge(station, station->at_ns) : SP_NEVER_NS;
  if (edge_ns < due_ns) due_ns = edge_ns;
  if (due_ns == SP_NEVER_NS) sp_timer_stop(&station->timer);
  else sp_timer_start(&station->timer, due_ns);
}

static void on_timer(struct sp_timer *timer) {
  struct sp_station *station = sp_container_of(timer, struct sp_station, timer);
  advance(station, sp_loop_now(station->loop));
  while (station->ready.first) {
    struct sp_station_job *job = station->ready.first;
    unlink_job(&station->ready, job);
    job->state = is_slots(station) ? SP_JOB_SERVED : SP_JOB_AWAY;
    job->on_ready(job, job->at_ns);
  }
  arm(station);
}

/* -- jobs -- */

void sp_station_init(struct sp_station *station, struct sp_loop *loop, const struct sp_station_spec *spec) {
  *station = (struct sp_station){ .loop = loop, .spec = *spec };
  station->start_ns = station->at_ns = sp_loop_now(loop);
  sp_timer_init(&station->timer, loop, on_timer);
  sp_heap_init(&station->working);
}

void sp_station_fini(struct sp_station *station) {
  SP_CHECK(station->figures.waiting == 0 && station->figures.serving == 0 && !station->ready.first);
  sp_timer_stop(&station->timer);
  sp_heap_fini(&station->working);
}

static void enter(struct sp_station *station, struct sp_station_job *job, double work_ns, int64_t now_ns) {
  SP_CHECK(job->state == SP_JOB_AWAY);
  advance(station, now_ns);
  job->station = station;
  job->work_ns = work_ns;
  job->at_ns = station->at_ns;
  station->figures.entered++;
}

static void wait_in_order(struct sp_station *station, struct sp_station_job *job) {
  job->state = SP_JOB_WAITING;
  append(&station->waiting, job);
  station->figures.waiting++;
}

void sp_station_serve(struct sp_station *station, struct sp_station_job *job, double work_ns, int64_t now_ns) {
  SP_CHECK(!is_slots(station));
  enter(station, job, work_ns, now_ns);
  if (has_room(station)) begin_service(station, job);
  else wait_in_order(station, job);
  arm(station);
}

bool sp_station_take(struct sp_station *station, struct sp_station_job *job, int64_t now_ns) {
  SP_CHECK(is_slots(station));
  enter(station, job, 0, now_ns);
  bool now = has_room(station) && !station->waiting.first;
  if (now) {
    begin_service(station, job);
    station->figures.served++;
  } else {
    wait_in_order(station, job);
  }
  arm(station);
  return now;
}

/* Its place in service becomes free. A job whose work is done has none any more. */
static void give_place(struct sp_station *station, struct sp_station_job *job) {
  if (!is_slots(station)) {
    if (job->state != SP_JOB_SERVED) return;
    sp_heap_remove(&station->working, &job->node);
    station->figures.left++;
  }
  station->figures.serving--;
  admit(station);
}

void sp_station_leave(struct sp_station_job *job, int64_t now_ns) {
  struct sp_station *station = job->station;
  if (job->state == SP_JOB_AWAY) return;
  advance(station, now_ns); /* which may make it ready */
  if (job->state == SP_JOB_READY) unlink_job(&station->ready, job);
  if (job->state == SP_JOB_WAITING) {
    unlink_job(&station->waiting, job);
    station->figures.waiting--;
    station->figures.left++;
  } else {
    give_place(station, job);
  }
  job->state = SP_JOB_AWAY;
  arm(station);
}

const struct sp_station_figures *sp_station_figures(struct sp_station *station, int64_t now_ns) {
  advance(station, now_ns);
  arm(station);
  return &station->figures;
}
