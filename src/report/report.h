/*
 * Outputs of a run. One file with a const table a kind, one line each in cli/registry.c.
 */
#ifndef SP_REPORT_REPORT_H
#define SP_REPORT_REPORT_H

#include "engine/run.h"

#include <stdio.h>

struct sp_tag {
  const char *key, *value;
};

/* What a request row meant to the plan; more than the numbers know. */
struct sp_result {
  const char *version;
  char id[40];
  const char *name; /* --name, or the plan's */
  const char *plan;
  const char *host; /* redacted; "" where requests had their own */
  int64_t started_real_ns;
  uint64_t seed;
  const struct sp_tag *tags;
  size_t tag_count;
  const struct sp_load *load;
  struct sp_run_facts facts;
  const struct sp_interval *totals;
  struct sp_validity validity;
  const struct sp_slo_result *slos;
  size_t slo_count;
  bool interrupted;
};

struct sp_slo_result {
  const char *expression;
  double value; /* NAN: no value */
  bool met;
};

struct sp_report_type {
  const char *name; /* "json": --out json=PATH */
  const char *help;
  /* MUST. Before the run: the path is writable, or a sentence. What was there stays until write. "-" is
   * standard output. */
  int (*open)(const char *path, void **report, struct sp_err *err);
  /* MUST. Once, after the run. */
  int (*write)(void *report, const struct sp_result *result, struct sp_err *err);
  /* MUST. Also when write was never called. */
  void (*close)(void *report);
};

extern const struct sp_report_type sp_report_json;

#endif
