/*
 * A simulated resource that requests share and wait for: a discrete-event station on the loop's timers.
 *
 * Every job in service advances at the same speed, so that one rule makes all the kinds that a deployment has. With n
 * jobs at work, each does
 *     speed(t) · min(1, cores / n) / (1 + contention · (N - 1))   seconds of its work a second,
 * N being the jobs at work and those that wait.
 *   CPUs with a quota:  cores = 0.8, no limit        (processor sharing; a job uses one core at most)
 *   c servers, a queue: cores = c, limit = c         (first come, first served)
 *   slots:              limit alone; a job without work holds its slot until it leaves
 *   locks:              contention > 0               (each further job makes all of them slower)
 *   merges:             slow_every, slow_for, speed  (the speed for a part of each period)
 * Jobs at work live on a virtual clock that runs at the common speed (a job that comes at v is done at v + work), so
 * an arrival or an end costs a heap's O(log n). The speed only changes at events and at the edges of merges, and in
 * between every figure grows linearly: times and integrals are exact, whatever the loop's lateness.
 *
 * Ownership: jobs are the caller's memory, and leave before they are freed. Threads: the loop's own.
 */
#ifndef SP_MOCK_STATION_H
#define SP_MOCK_STATION_H

#include "loop/loop.h"

#define SP_STATION_PERIOD_NS (100 * INT64_C(1000000)) /* Linux' own default for quotas of CPU */

struct sp_station;

struct sp_station_spec {
  double cores;      /* 0: slots, no work is done here */
  uint64_t limit;    /* jobs in service at once, the others wait in order; 0: no limit */
  double contention; /* 0: none */
  int64_t slow_every_ns, slow_for_ns; /* 0: never slow. Each period, from the start on, ends with its slow part */
  double slow_speed;                  /* above 0, at most 1 */
};

enum sp_job_state { SP_JOB_AWAY, SP_JOB_WAITING, SP_JOB_SERVED, SP_JOB_READY };
struct sp_station_job {
  /* Its work is done (it has left), or it has got its slot (it holds it). at_ns: the exact instant, not after now.
   * Comes from the loop, never from inside a call; the job may enter any station and leave any. */
  void (*on_ready)(struct sp_station_job *job, int64_t at_ns);
  /* private */
  struct sp_station *station;
  struct sp_station_job *previous, *next; /* of those that wait, or whose on_ready is to come */
  struct sp_heap_node node;               /* by the virtual instant at which its work is done */
  enum sp_job_state state;
  double work_ns;
  int64_t at_ns; /* entered; then the instant that on_ready tells */
};

struct sp_station_list {
  struct sp_station_job *first, *last;
};

/* Figures since the start. An integral is in nanoseconds: its difference over time is the mean number. */
struct sp_station_figures {
  uint64_t entered, served, left; /* served: work done, or slot got; left: gave up waiting or working */
  uint64_t waiting, serving;      /* now */
  double done_ns;    /* work done: cores · time where all are busy (utilisation law: = throughput · demand) */
  double busy_ns;    /* integral of the cores in use: what a CPU's counter shows. Merging makes it more than the work */
  double stayed_ns;  /* sum over those served: from entering until the work was done, or the slot got */
  double waited_ns;  /* integral of those that wait in the queue */
  double present_ns; /* integral of those in service */
  double locked_ns;  /* integral of those at work that contention holds up */
  double active_ns;  /* time with anybody in service */
  /* As the kernel counts a quota, in periods of SP_STATION_PERIOD_NS that have ended: those with any use, and those
   * that used up all of it. Of the latter: the time with more jobs than cores, and how much of it a job stood still. */
  uint64_t periods, throttled_periods;
  double pressed_ns, throttled_ns;
};

struct sp_station {
  struct sp_loop *loop;
  struct sp_station_spec spec;
  struct sp_timer timer;
  struct sp_heap working;
  struct sp_station_list waiting, ready;
  int64_t start_ns, at_ns; /* the figures are of this instant */
  double virtual_ns;
  double period_busy_ns, period_pressed_ns, period_throttled_ns; /* of the period under way */
  struct sp_station_figures figures;
};

void sp_station_init(struct sp_station *station, struct sp_loop *loop, const struct sp_station_spec *spec);
void sp_station_fini(struct sp_station *station); /* nobody is in it any more */

static inline void sp_station_job_init(struct sp_station_job *job,
                                       void (*on_ready)(struct sp_station_job *job, int64_t at_ns)) {
  *job = (struct sp_station_job){ .on_ready = on_ready };
}
/* The job comes with so much work. Zero work is done at once (but only when it is its turn). */
void sp_station_serve(struct sp_station *station, struct sp_station_job *job, double work_ns, int64_t now_ns);
/* Takes a slot: true, at once, and no on_ready comes; false: it waits. */
bool sp_station_take(struct sp_station *station, struct sp_station_job *job, int64_t now_ns);
/* Wherever it is, it goes: from the queue, from work, with its slot, or with its on_ready still to come. */
void sp_station_leave(struct sp_station_job *job, int64_t now_ns);

/* Brings the figures to this instant and gives them. */
const struct sp_station_figures *sp_station_figures(struct sp_station *station, int64_t now_ns);
/* Where in its period of merges it is: 0 … 1 of the time between two, above 1 while it merges; 0 without merges. */
double sp_station_merge_phase(const struct sp_station *station, int64_t now_ns);
int64_t sp_station_longest_wait_ns(const struct sp_station *station, int64_t now_ns); /* of those in the queue; 0 */
/* Of those at work now, how many are held up by contention. */
double sp_station_locked(const struct sp_station *station);

#endif
