/*
 * Rows of figures, and what the diagnosis has to make of them. A row has three loads (10, 50 and 100 users with 2 s of think
 * time, unless it says otherwise) and what watchers saw at each; a value that is 0 in `sights` was seen as 0.
 */
#ifndef SP_TESTS_DIAGNOSE_WORLD_H
#define SP_TESTS_DIAGNOSE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "model/diagnose.h"

#include <math.h>

#define WORLD_STEPS 3u
#define WORLD_SIGHTS 12u
#define GONE (double)NAN /* not seen at that load */

enum shape {
  PRESSED, /* throughput stops at 24/s, and answers go from 0.1 s to 2.2 s; each phase gets slower alike */
  AHEAD,   /* the same, all of it before the head */
  FALLING, /* throughput falls */
  HEALTHY, /* 0.1 s at every load */
  SLOW,    /* 2.2 s at every load, and the service level is missed */
  ALONE,   /* PRESSED, its last load alone */
  FAILING, /* a tenth of the requests fails at the last load, the others are as fast as ever */
};

struct sight {
  enum sp_signal signal;
  const char *subject, *detail;
  double at[WORLD_STEPS];
};

struct row {
  const char *name;
  enum shape shape;
  struct sight sights[WORLD_SIGHTS]; /* end with a subject of NULL */
  struct sp_diagnose_error errors[2];
  void (*edit)(struct sp_diagnose_step *steps); /* MAY: further figures of the run */
  const char *culprit; /* "": no claim */
  const char *says;    /* MAY: a part of claim, witnesses, why_not or change */
};

struct world {
  struct sp_diagnose_step steps[WORLD_STEPS];
  struct sp_diagnose_input input;
  struct sp_observations *seen;
  struct sp_diagnosis diagnosis;
};

void world_begin(struct world *world, enum shape shape);
void world_see(struct world *world, const struct sight *sight);
void world_diagnose(struct world *world);
void world_end(struct world *world);
bool world_says(const struct sp_diagnosis *diagnosis, const char *part);
bool world_lists(const struct sp_diagnosis_list *list, const char *part);

void check_rows(const struct row *rows, size_t count);

#endif
