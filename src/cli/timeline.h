/*
 * A timeline of one user's requests on standard output: every event with its time since the request's start. The tap
 * that `spate try` gives to the Lua user type. One thread.
 */
#ifndef SP_CLI_TIMELINE_H
#define SP_CLI_TIMELINE_H

#include "script/plan.h"
#include "script/user_lua.h"

#define SP_TIMELINE_HELD_MAX 4096u /* events of one read */

struct sp_timeline_line {
  char name[40], note[160];
};
struct sp_timeline {
  struct sp_tap tap;
  FILE *out;
  const struct sp_str *secrets; /* of the plan, borrowed: shown as *** */
  size_t secret_count;
  bool full; /* whole data of every event instead of a short note */
  uint64_t number; /* of the request whose lines these are … */
  int64_t start_ns; /* … and its start */
  struct sp_timeline_line *held; /* events of the read under way: their time is known at its end */
  size_t held_count, held_cap;
  uint64_t requests, failures, task_errors;
};
void sp_timeline_init(struct sp_timeline *timeline, FILE *out, const struct sp_plan *plan);
void sp_timeline_fini(struct sp_timeline *timeline);

#endif
