/*
 * What a written plan does, without a network: the plan must load as spate loads it, and then runs in a Lua state
 * whose user only writes down what it is asked for.
 */
#ifndef TEST_IMPORT_RIG_H
#define TEST_IMPORT_RIG_H

#include "cli/plan_writer.h"

/* The plan's text; the caller frees. Fails the test when it cannot be written, or does not load. */
char *rig_write(struct sp_import *import);

/* A line a request or pause, parameters as <name>:
 *   "sleep 1.5", "POST http://h /v1/x?y | Name: value | json {…} | stream dify | gzip"
 * headers and JSON members sorted. The caller frees. */
char *rig_run(const char *plan);

/* rig_write and rig_run of a curl command; fails the test where it is not taken. */
char *rig_curl(const char *command);

#endif
