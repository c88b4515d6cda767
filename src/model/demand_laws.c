/* One resource: its demand, what it uses idle, how contention slows it, how many it serves at once. */
#include "model/demand_use.h"

#include <math.h>

#define APART 1.3         /* the highest throughput must be so many times the lowest to tell an idle part */
#define APART_STEPS 3u
#define IDLE_LEAST 0.02   /* of the most that is used: less is noise */
#define IDLE_SURE 3.0     /* standard errors */
#define SLOWED 1.1        /* times the demand at its lowest: contention, not noise */
#define QUEUED 2.0        /* that wait while one is served, at some load: fewer slow nobody so much that it shows */
#define GROWN 1.1         /* times a call's time at its lowest: calls wait */
#define SERVERS_MAX 512u
#define SOURCE_MAX 1000.0
#define HUGE_CHANCE 1e100
#define PULL_LOG_MAX 20.0
#define HALVINGS 36

/* -- least squares -- */

struct sums {
  double n, x, y, xx, xy, yy, x_least, x_most, y_most;
};

static void take(struct sums *sums, double x, double y) {
  sums->x_least = sums->n > 0 ? fmin(sums->x_least, x) : x;
  sums->x_most = fmax(sums->x_most, x);
  sums->y_most = fmax(sums->y_most, y);
  sums->n++;
  sums->x += x;
  sums->y += y;
  sums->xx += x * x;
  sums->xy += x * y;
  sums->yy += y * y;
}

static double x_spread(const struct sums *sums) { return sums->xx - sums->x * sums->x / sums->n; }
static double slope(const struct sums *sums) {
  return x_spread(sums) > 0 ? (sums->xy - sums->x * sums->y / sums->n) / x_spread(sums) : 0;
}
static double intercept(const struct sums *sums) { return (sums->y - slope(sums) * sums->x) / sums->n; }

static double intercept_error(const struct sums *sums) {
  double y_spread = sums->yy - sums->y * sums->y / sums->n;
  double left = fmax(y_spread - slope(sums) * slope(sums) * x_spread(sums), 0) / (sums->n - 2);
  return sqrt(left * sums->xx / (sums->n * x_spread(sums)));
}

static struct sums sums_of(const struct sp_measured *measured, const struct sp_use *use, const bool *out) {
  struct sums sums = {0};
  for (size_t i = 0; i < measured->count; i++) {
    if (!(out && out[i]) && isfinite(use->busy[i])) take(&sums, measured->per_s[i], use->busy[i]);
  }
  return sums;
}

/* What is used without any request: a matter of all steps, whatever is left out. */
static double idle_of(const struct sp_measured *measured, const struct sp_use *use) {
  struct sums sums = sums_of(measured, use, NULL);
  if (sums.n < APART_STEPS || sums.x_most < APART * sums.x_least) return 0;
  double idle = intercept(&sums);
  return idle >= IDLE_LEAST * sums.y_most && idle > IDLE_SURE * intercept_error(&sums) ? idle : 0;
}

struct sp_demand sp_demand_of_use(const struct sp_measured *measured, const struct sp_use *use, const bool *out) {
  struct sums sums = sums_of(measured, use, out);
  struct sp_demand demand = {.servers = use->limit};
  if (sums.n < 1) return demand;
  demand.idle = idle_of(measured, use);
  demand.demand_s = fmax((sums.xy - demand.idle * sums.x) / sums.xx, 0);
  return demand;
}

double sp_demand_spread(const struct sp_measured *measured, const struct sp_use *use) {
  double least = INFINITY, most = 0;
  for (size_t i = 0; i < measured->count; i++) {
    if (!(use->busy[i] > 0)) continue;
    least = fmin(least, use->busy[i] / measured->per_s[i]);
    most = fmax(most, use->busy[i] / measured->per_s[i]);
  }
  return most > 0 ? most / least - 1 : 0;
}

/* -- contention -- */

/* While it is busy, others beside the one at work: each makes the work longer by the contention. */
struct sp_demand sp_demand_of_commit(const struct sp_measured *measured, const struct sp_use *use, const bool *out) {
  struct sp_demand plain = sp_demand_of_use(measured, use, out);
  struct sums sums = {0};
  double least = INFINITY;
  for (size_t i = 0; i < measured->count; i++) {
    if (out[i] || !(use->busy[i] > 0) || !isfinite(use->waiting[i])) continue;
    take(&sums, use->waiting[i] / use->busy[i], use->busy[i] / measured->per_s[i]);
    least = fmin(least, use->busy[i] / measured->per_s[i]);
  }
  if (sums.n < 2 || sums.x_most < QUEUED || sums.y_most < SLOWED * least || slope(&sums) <= 0 || intercept(&sums) <= 0) return plain;
  return (struct sp_demand){
      .demand_s = intercept(&sums), .contention = slope(&sums) / intercept(&sums), .servers = plain.servers};
}

/* -- how many servers -- */

/* So many who come and go between this station and elsewhere, `pull` times as fast in as one server lets out: how many are there,
 * how many at work? M/M/c with a finite source. */
struct crowd {
  double there, at_work;
};
static struct crowd crowd_of(unsigned servers, unsigned source, double pull) {
  double chance = 1, sum = 1, there = 0, at_work = 0;
  for (unsigned n = 1; n <= source; n++) {
    chance *= pull * (source - n + 1) / (n < servers ? n : servers);
    if (chance > HUGE_CHANCE) { /* only what they are to one another counts */
      sum /= HUGE_CHANCE, there /= HUGE_CHANCE, at_work /= HUGE_CHANCE;
      chance /= HUGE_CHANCE;
    }
    sum += chance;
    there += chance * n;
    at_work += chance * (n < servers ? n : servers);
  }
  return (struct crowd){there / sum, at_work / sum};
}

/* How many are at work where `there` are in all. */
static double at_work(unsigned servers, unsigned source, double there) {
  double low = -PULL_LOG_MAX, high = PULL_LOG_MAX;
  for (int i = 0; i < HALVINGS; i++) {
    double middle = (low + high) / 2;
    if (crowd_of(servers, source, exp(middle)).there > there) high = middle;
    else low = middle;
  }
  return crowd_of(servers, source, exp(low)).at_work;
}

/* Of an open loop, and of very many users: more than matters. */
static unsigned source_of(const struct sp_queue_load *load, double there) {
  if (!load->open && load->users <= SOURCE_MAX) return (unsigned)load->users;
  return (unsigned)fmin(fmax(SOURCE_MAX, there * 2), SP_QUEUE_USERS_MAX);
}

/* The time of service that a step says, if there are so many servers (0: any number). */
static double service_s(const struct sp_measured *measured, const struct sp_use *use, unsigned servers, size_t step) {
  double there = use->busy[step];
  if (servers == 0) return there / measured->per_s[step];
  return at_work(servers, source_of(&measured->loads[step], there), there) / measured->per_s[step];
}

/* How far apart the steps are in it, relative. */
static double disagreement(const struct sp_measured *measured, const struct sp_use *use, unsigned servers) {
  double sum = 0, squares = 0, n = 0;
  for (size_t i = 0; i < measured->count; i++) {
    if (!(use->busy[i] > 0)) continue;
    double time_s = service_s(measured, use, servers, i);
    sum += time_s;
    squares += time_s * time_s;
    n++;
  }
  double mean_s = n > 0 ? sum / n : 0;
  return mean_s > 0 ? sqrt(fmax(squares / n - mean_s * mean_s, 0)) / mean_s : 0;
}

/* By all steps, whatever is left out. */
static unsigned servers_of(const struct sp_measured *measured, const struct sp_use *use) {
  double least = disagreement(measured, use, 0), most = 0;
  unsigned best = 0;
  if (least < (GROWN - 1) / 2) return 0;
  for (size_t i = 0; i < measured->count; i++) most = fmax(most, use->busy[i]);
  for (unsigned servers = 1; servers <= SERVERS_MAX && servers <= most; servers++) {
    double apart = disagreement(measured, use, servers);
    if (apart >= least) continue;
    least = apart;
    best = servers;
  }
  return best;
}

/* Where most are there its time is known best: all servers are at work, however requests come. */
struct sp_demand sp_demand_of_calls(const struct sp_measured *measured, const struct sp_use *use, const bool *out) {
  unsigned servers = servers_of(measured, use);
  struct sp_demand demand = {.servers = servers > 0 ? (double)servers : (double)INFINITY};
  double most = 0;
  for (size_t i = 0; i < measured->count; i++) {
    if (out[i] || !(use->busy[i] > most)) continue;
    most = use->busy[i];
    demand.demand_s = service_s(measured, use, servers, i);
  }
  return demand;
}
