#include "cli/load_setup.h"

#include "engine/shape_parse.h"

#include <sched.h>
#include <unistd.h>

int64_t sp_load_pick(int64_t flag, int64_t plan, int64_t otherwise) {
  return flag >= 0 ? flag : plan >= 0 ? plan : otherwise;
}

static unsigned shapes_of(const struct sp_plan_load *load) {
  const bool given[] = {load->users >= 0, load->stages != NULL, load->rate != NULL, load->in_flight >= 0,
                        load->shape != NULL, load->replay != NULL};
  unsigned count = 0;
  for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) count += given[i];
  return count;
}

static int settle_stages(struct sp_load *load, const char *text, struct sp_err *err) {
  load->kind = SP_LOAD_USERS;
  return sp_stages_parse(text, load->stages, &load->stage_count, err) ? sp_err_context(err, "stages") : 0;
}

/* One level without an end is a rate; anything else are stages of rates. */
static int settle_rate(struct sp_load *load, const char *text, struct sp_err *err) {
  load->kind = SP_LOAD_RATE;
  if (sp_rates_parse(text, load->stages, &load->stage_count, err)) return sp_err_context(err, "rate");
  const struct sp_stage *first = &load->stages[0];
  load->rate_per_s = first->from;
  if (load->stage_count == 1 && first->hold_ns == 0) load->stage_count = 0;
  return 0;
}

static void settle_function(struct sp_load *load, const struct sp_plan_load *plan) {
  load->kind = plan->shape_kind;
  load->shape = plan->shape;
  load->shape_ctx = plan->shape_ctx;
  load->shape_period_ns = plan->shape_period_ns;
}

static void settle_replay(struct sp_load *load, const struct sp_replay *replay) {
  load->kind = SP_LOAD_RATE;
  load->trace = replay->due_ns;
  load->trace_count = replay->count;
}

static int settle_shape(struct sp_load *load, const struct sp_plan_load *shape, struct sp_err *err) {
  if (shapes_of(shape) > 1) {
    return sp_fail(err, SP_EUSAGE, "users, stages, rate, in-flight, a shape and a replay are loads that exclude each other: "
                   "give one of them");
  }
  if (shape->stages) return settle_stages(load, shape->stages, err);
  if (shape->rate) return settle_rate(load, shape->rate, err);
  if (shape->shape) return settle_function(load, shape), 0;
  if (shape->replay) return settle_replay(load, shape->replay), 0;
  if (shape->in_flight >= 0) load->kind = SP_LOAD_IN_FLIGHT;
  int64_t level = shape->in_flight >= 0 ? shape->in_flight : shape->users;
  load->users = level < 0 ? 1 : (uint64_t)level;
  return 0;
}

/* The plan's run time is no longer meant once the command line says another end. */
static int64_t plan_run_time(const struct sp_plan_load *flags, const struct sp_plan_load *plan, const struct sp_load *load) {
  bool ends_by_flags = flags->iterations >= 0 || (shapes_of(flags) && load->stage_count);
  return ends_by_flags ? -1 : plan->run_time_ns;
}

static int settle_arrivals(struct sp_load *load, const struct sp_plan_load *flags, const struct sp_plan_load *plan,
                           struct sp_err *err) {
  const char *arrivals = flags->arrivals ? flags->arrivals : plan->arrivals;
  load->max_in_flight = (uint64_t)sp_load_pick(flags->max_in_flight, plan->max_in_flight, 0);
  if (arrivals && strcmp(arrivals, "even") == 0) load->arrivals = SP_ARRIVALS_EVEN;
  else if (arrivals && strcmp(arrivals, "poisson") != 0) {
    return sp_fail(err, SP_EUSAGE, "arrivals are poisson or even, not '%s'", arrivals);
  }
  return 0;
}

/* What would do nothing beside this load was meant otherwise by whoever said it. */
static int check_idle(const struct sp_load *load, const struct sp_plan_load *said, struct sp_err *err) {
  bool open_loop = load->kind == SP_LOAD_RATE;
  if (said->max_in_flight >= 0 && !open_loop) {
    return sp_fail(err, SP_EUSAGE, "max-in-flight caps an open loop: give a rate beside it (--rate 20/s), or in-flight to "
                   "hold so many tasks open");
  }
  if (said->arrivals && !open_loop) {
    return sp_fail(err, SP_EUSAGE, "arrivals space the starts of an open loop: give a rate beside them (--rate 20/s)");
  }
  if (said->arrivals && load->trace) return sp_fail(err, SP_EUSAGE, "a replay has its own times: leave arrivals away");
  if (said->spawn_per_s > 0 && open_loop) {
    return sp_fail(err, SP_EUSAGE, "the spawn rate is of users, and an open loop has none: its rate says what starts a second");
  }
  return 0;
}

/* Processors that this process may use: of a machine of 64 a container or taskset may leave it two. */
static uint64_t processors(void) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return (uint64_t)CPU_COUNT(&allowed);
  long online = sysconf(_SC_NPROCESSORS_ONLN); /* over 1024 processors: the set is too small */
  return online > 0 ? (uint64_t)online : 1;
}

static unsigned settle_threads(int64_t asked, const struct sp_load *load) {
  uint64_t threads = asked > 0 ? (uint64_t)asked : processors();
  uint64_t users = load->kind == SP_LOAD_RATE ? 0 : sp_load_users_most(load); /* 0: nobody knows */
  if (users && threads > users) threads = users; /* a thread without a user would only idle */
  return threads > SP_THREADS_MAX ? SP_THREADS_MAX : (unsigned)threads;
}

/* What the plan got wrong is its error, not one of usage. */
static int blame_plan(struct sp_err *err) {
  err->code = SP_EPLAN;
  return sp_err_context(err, "the plan's load");
}

/* The other flags are within their limits, whatever they stand beside. */
static bool flags_say_how_much(const struct sp_plan_load *flags) {
  return shapes_of(flags) || flags->run_time_ns >= 0 || flags->warm_up_ns >= 0;
}

int sp_load_settle(struct sp_load *load, const struct sp_plan_load *flags, const struct sp_plan_load *plan, int64_t threads,
                   struct sp_err *err) {
  sp_load_init(load);
  const struct sp_plan_load *shape = shapes_of(flags) ? flags : plan;
  int code = settle_shape(load, shape, err);
  if (code) return shape == plan ? blame_plan(err) : code;
  if (settle_arrivals(load, flags, plan, err)) return blame_plan(err); /* the flag's was read already */
  if (check_idle(load, flags, err)) return err->code;
  if (shape == plan && check_idle(load, plan, err)) return blame_plan(err);
  load->spawn_per_s = flags->spawn_per_s > 0 ? flags->spawn_per_s : plan->spawn_per_s > 0 ? plan->spawn_per_s : 0;
  /* An end that the command line says replaces the plan's ends, as its shape replaces the plan's shape. */
  int64_t plan_iterations = flags->run_time_ns >= 0 ? -1 : plan->iterations;
  load->iterations = (uint64_t)sp_load_pick(flags->iterations, plan_iterations, 0);
  load->run_time_ns = sp_load_pick(flags->run_time_ns, plan_run_time(flags, plan, load), 0);
  load->stop_timeout_ns = sp_load_pick(flags->stop_timeout_ns, plan->stop_timeout_ns, SP_STOP_TIMEOUT_NS);
  load->warm_up_ns = sp_load_pick(flags->warm_up_ns, plan->warm_up_ns, 0);
  load->seed = (uint64_t)sp_load_pick(flags->seed, plan->seed, 1);
  load->threads = settle_threads(threads, load);
  code = sp_load_check(load, err);
  return code && !flags_say_how_much(flags) ? blame_plan(err) : code;
}
