/*
 * What the generator can be trusted for on this machine: the client against the mock, whose truth is known, in rising
 * steps of load, until a step's figures are off, or the mock, the time or a limit of the machine ends it.
 */
#ifndef SP_CLI_SELFTEST_H
#define SP_CLI_SELFTEST_H

#include "cli/options.h"
#include "engine/run.h"

#define SP_SELFTEST_STEPS_MAX 16u
#define SP_SELFTEST_LATE_LIMIT_MS 10.0 /* p99: lag, and how far a time to the first token may be off */
#define SP_SELFTEST_MOCK_LIMIT_MS 5.0  /* p99 of the mock's own lateness: beyond it the mock is no measure any more */
#define SP_SELFTEST_MOCK_CPU_LIMIT 0.80
#define SP_SELFTEST_CPU_LIMIT 0.85     /* of all processors, by client and mock together */
#define SP_SELFTEST_WAIT_LIMIT 0.02    /* beyond it, and below that, other work had the CPU */

/* A kind of load that rises, against one app of the mock. */
struct sp_selftest_series {
  const char *name, *what; /* for people */
  const char *key;         /* the app's */
  bool is_rate;            /* level: streams a second; else streams at once */
  double first_level;      /* doubled each step */
  double ttft_ms;          /* the truth */
  int64_t warm_up_ns;
};

/* Why a series went no further: the generator's own limit, or what says only that it is no lower than this. */
enum sp_selftest_end {
  SP_SELFTEST_LIMIT,
  SP_SELFTEST_MOCK,
  SP_SELFTEST_OTHERS,
  SP_SELFTEST_TIME,
  SP_SELFTEST_FILES,
  SP_SELFTEST_PORTS
};

struct sp_selftest_step {
  double level;
  double streams_at_once, streams_per_s, events_per_s;
  double lag_p99_ms;      /* NAN: no kernel stamps */
  double ttft_off_ms;     /* p99, less the truth and the mock's lateness; NAN: no stream */
  double mock_late_ms;    /* p99 */
  double cpu, mock_cpu;   /* processors that all engine threads and the mock used */
  uint64_t failed;
  struct sp_throttling throttling;
  double wait_share;      /* of the time, waiting for a CPU: the worst engine thread or the mock */
  bool valid;
  char reason[SP_REASON_TEXT_MAX]; /* the run's first one */

  /* the verdict */
  bool trusted;
  enum sp_selftest_end end; /* where it is not: LIMIT, MOCK or OTHERS (the CPU went to other work) */
  char why[SP_REASON_TEXT_MAX + 64]; /* not */
};

struct sp_selftest_result { /* of a series */
  const struct sp_selftest_series *series;
  struct sp_selftest_step steps[SP_SELFTEST_STEPS_MAX];
  size_t count;
  enum sp_selftest_end end;
};
/* The highest step below the first that is not trusted; NULL: not even the first one is. */
const struct sp_selftest_step *sp_selftest_best(const struct sp_selftest_result *result);

struct sp_selftest_machine {
  unsigned processors; /* that this process may use: an engine thread each */
  uint64_t files;      /* RLIMIT_NOFILE, once raised as far as it goes */
  unsigned port_low, port_high;
  char clock_source[32]; /* "": not known */
  bool stamps;
  struct sp_throttling throttling; /* over all steps */
};

/* -- selftest_step.c -- */
/* Runs one step against a mock of its own and judges it. SP_E…: it could not run at all. */
int sp_selftest_step_run(const struct sp_selftest_series *series, double level, int64_t measured_ns,
                         unsigned processors, struct sp_selftest_step *out, struct sp_err *err);
void sp_selftest_judge(struct sp_selftest_step *step, unsigned processors); /* from its figures */

/* -- selftest_machine.c -- */
void sp_selftest_machine_read(struct sp_selftest_machine *machine); /* stamps and throttling: from the steps, later */
enum sp_selftest_row {
  SP_ROW_THREADS,
  SP_ROW_FILES,
  SP_ROW_PORTS,
  SP_ROW_STAMPS,
  SP_ROW_CLOCK,
  SP_ROW_CGROUP,
  SP_ROWS
};
const char *sp_selftest_row_name(enum sp_selftest_row row);
void sp_selftest_row_text(const struct sp_selftest_machine *machine, enum sp_selftest_row row, char *text, size_t size);
/* What to do about it; NULL: nothing is wrong. */
const char *sp_selftest_remedy(const struct sp_selftest_machine *machine, enum sp_selftest_row row);

/* -- selftest_json.c -- */
/* Schema spate.selftest/1 (docs/metrics.md). */
int sp_selftest_json(const struct sp_selftest_machine *machine, const struct sp_selftest_result *results, size_t count,
                     bool ok, struct sp_buf *out);
const char *sp_selftest_end_name(enum sp_selftest_end end);

#endif
