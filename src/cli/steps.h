/*
 * From what a run or a trial recorded to what the diagnosis reads: a step a stretch of time at one load. Owns its texts, so
 * that the run may go. Main thread.
 */
#ifndef SP_CLI_STEPS_H
#define SP_CLI_STEPS_H

#include "engine/run.h"
#include "model/whatif.h"

#define SP_STEP_LEAST_S 3.0 /* measured; what is shorter says nothing */

/* A stretch. Borrowed for the call. */
struct sp_step_facts {
  const struct sp_interval *interval;
  int64_t from_ns, to_ns; /* wall clock, of the measured time */
  double measured_s;
  double level;           /* of the load: users, tasks in flight, arrivals a second */
  enum sp_load_kind kind;
  double users_mean, in_flight_mean;
  const struct sp_validity *validity;
  double miss_share; /* NAN: there is no service level */
  bool slo_missed;
};

struct sp_steps {
  struct sp_diagnose_step *items;
  size_t count, cap;
  struct sp_map texts;
  struct sp_diagnose_error errors[SP_DIAGNOSE_ERRORS_MAX];
  size_t error_count;
};
void sp_steps_init(struct sp_steps *steps);
void sp_steps_fini(struct sp_steps *steps);

/* Nothing where it is too short, or there are SP_DIAGNOSE_STEPS_MAX already. */
void sp_steps_add(struct sp_steps *steps, const struct sp_step_facts *facts);
void sp_steps_add_errors(struct sp_steps *steps, const struct sp_interval *totals);
/* Is there anything to diagnose from: a watcher's data, or the nodes' times? */
bool sp_steps_can_tell(const struct sp_steps *steps, const struct sp_observations *seen);
/* What changes would do, each asked for by itself; `out` has room for `count` answers. */
void sp_steps_ask(const struct sp_steps *steps, const struct sp_observations *seen, const char *const *what_ifs, size_t count,
                  struct sp_whatif_answer *out);
/* Finish the diagnosis with sp_diagnosis_fini. */
void sp_steps_diagnose(const struct sp_steps *steps, const struct sp_observations *seen, bool shares_machine,
                       struct sp_diagnosis *out);

#endif
