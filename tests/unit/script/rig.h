/*
 * A bench for plans: Lua text in, a whole run on real loops against the scripted server, and what it came to.
 */
#ifndef TEST_SCRIPT_RIG_H
#define TEST_SCRIPT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/run.h"
#include "script/plan.h"
#include "script/user_lua.h"
#include "server.h"

#define MS SP_NS_PER_MS

/* A plan's text in a file of its own, loaded. Free with rig_plan_free. */
struct rig_plan {
  char path[64];
  struct sp_plan_options options; /* name is set by rig_plan_load */
  struct sp_plan *plan;
  struct sp_err err;
};
bool rig_plan_load(struct rig_plan *it, const char *text); /* options are set before */
void rig_plan_free(struct rig_plan *it);
/* Loading fails, with this in the sentence. */
void assert_plan_fails(const char *text, const char *sentence);

struct rig {
  /* before the run */
  const struct route *routes;
  struct sp_load load; /* rig_init: 1 user, 1 iteration, 1 thread */
  struct sp_lua_conf conf;
  struct sp_plan_options options;
  int64_t cut_after_ns, stop_after_ns; /* 0: not */
  int stop_at_requests, cut_at_requests; /* when the server has read so many; 0: not */
  bool stop_on_error;                  /* the first error in a task ends the run */

  /* during */
  struct server server;
  struct sp_loop *loop;
  struct sp_run *run;
  struct sp_timer timer;
  struct sp_tap tap;
  int ending_ticks; /* at the second one all workers know: the server's gate opens */

  /* after it */
  struct rig_plan plan;
  struct sp_run_facts facts;
  struct sp_interval *totals; /* a copy */
  struct sp_tally tally;
  char aborted[200];
};
void rig_init(struct rig *rig, const struct route *routes);
/* Runs a plan to its end; asserts that the books close. The text starts with `local spate = require("spate")`. */
void rig_run(struct rig *rig, const char *text);
void rig_fini(struct rig *rig);

/* One class "U" with a single task "t" of this body. */
void rig_run_task(struct rig *rig, const char *body);
/* The same, run once by one user. */
void rig_task(struct rig *rig, const struct route *routes, const char *body);

uint64_t rig_outcomes(const struct rig *rig, const char *name, enum sp_outcome outcome);
const struct sp_cell *rig_cell(const struct rig *rig, const char *name); /* NULL when there is none */
void assert_no_task_errors(const struct rig *rig); /* prints them */
/* There is an error of this kind ("task", or an outcome's name) with this in its detail. */
void assert_error(const struct rig *rig, const char *kind, const char *text);

#endif
