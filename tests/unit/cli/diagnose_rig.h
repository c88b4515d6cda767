/*
 * A deployment on the fake clock, as a diagnosis sees it: users who ask a mock's app (tests/unit/mock/closed_system.h) at several
 * loads, what its exporters say once a second, and the answers' own phases. Nothing of the mock's truth goes along.
 */
#ifndef SP_TESTS_DIAGNOSE_RIG_H
#define SP_TESTS_DIAGNOSE_RIG_H

#include "mock/closed_system.h"
#include "model/diagnose.h"

#define RIG_STEPS_MAX 6u

struct rig_case {
  const char *name;
  const char *profile; /* JSON, or a built-in name */
  const char *app;
  unsigned users[RIG_STEPS_MAX]; /* ends with 0 */
  double think_s;    /* on the average; 0: as the published test has it */
  const char *truth; /* the culprits that are right, "a.cpu|b.*"; "": none is */
  const char *next;  /* MAY be NULL: one that has to be among those at their limit, or the culprit itself */
  bool blind;        /* nobody watches */
  double seen_share; /* of each step that watchers see; 0: all */
};

struct rig {
  struct sp_diagnose_step steps[RIG_STEPS_MAX];
  size_t step_count;
  struct sp_observations *observations;
  struct sp_diagnosis diagnosis;
};

double rig_think_s(const struct rig_case *what);
void rig_run(struct rig *rig, const struct rig_case *what);
void rig_fini(struct rig *rig);

#endif
