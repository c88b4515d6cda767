/*
 * What holds the target? From the run's own phases, the nodes' times and what watchers saw, each at one or several
 * loads, to one claim with its evidence, or to none. Pure: no clock, no I/O; the same input gives the same words.
 *
 * A resource is the culprit when three kinds of witness agree: a law (utilisation X × D, or places taken = places there
 * are), a queue at that place, and how both changed with the load (Gregg's USE: utilised and saturated; the statistical
 * intervention test of Malkowski et al., LNCS 4785, 2007: the figure stops growing at the load where the service level
 * breaks). Every other resource that could be seen is exonerated by its own figure; what could not be seen is said. Two
 * witnesses give a claim of low confidence, fewer none: "can't tell" is an answer, a wrong name is none.
 *
 * Rules are data (diagnose_rules.h): one table, a file a family. docs/diagnosis.md shows each signature.
 */
#ifndef SP_MODEL_DIAGNOSE_H
#define SP_MODEL_DIAGNOSE_H

#include "base/err.h"
#include "stats/observations.h"
#include "stats/outcome.h"

#define SP_DIAGNOSE_STEPS_MAX 500u
#define SP_DIAGNOSE_NODES_MAX 50u
#define SP_DIAGNOSE_ERRORS_MAX 50u
#define SP_DIAGNOSIS_LINES_MAX 40u /* of each list */
#define SP_DIAGNOSIS_TEXT_MAX 400u
#define SP_CULPRIT_MAX 160u

struct sp_diagnose_node { /* of the flow; its time a request */
  const char *title, *type;
  double mean_s, p95_s;
  double per_request; /* how often a request runs it */
};

/* A stretch of time at one load: a trial, a stage, or the steady part of a run. Means over its requests of the load (ok
 * ones); NAN where there is none. */
struct sp_diagnose_step {
  int64_t from_ns, to_ns;           /* wall clock, as of the observations */
  bool open_loop;                   /* the load is a rate, not users */
  double load;                      /* users, or arrivals a second */
  double users, in_flight, think_s; /* means; think_s NAN in an open loop */
  double rps, ok_rps, failed_share;
  double wait_s; /* generator's own queueing */
  double connect_s, connect_p99_s, new_connections_per_s;
  double ttfb_s, ttfe_s, ttft_s, ttft_p95_s, e2e_s, e2e_p95_s; /* since the intended start */
  double itl_s, itl_p95_s, max_gap_s;                          /* max_gap_s: mean of the streams' longest gaps */
  double tokens;                                               /* token events a stream */
  double lump_share; /* gaps under a millisecond, of all: tokens that arrive together */
  double miss_share; /* of the service level; NAN where there is none */
  bool slo_missed;   /* false also where there is none */
  bool valid;        /* the generator was able */
  double generator_s;      /* what it began late and read late by, a request; 0: not known */
  uint64_t dropped_starts; /* that it could not make */
  const char *invalid_reason;
  uint64_t outcomes[SP_OUTCOME_COUNT];
  struct sp_diagnose_node nodes[SP_DIAGNOSE_NODES_MAX];
  size_t node_count;
};

struct sp_diagnose_error {
  const char *outcome, *detail;
  uint64_t count;
};

struct sp_diagnose_input {
  const struct sp_diagnose_step *steps; /* any order; borrowed */
  size_t step_count;
  const struct sp_observations *observations; /* NULL: nobody watched */
  struct sp_diagnose_error errors[SP_DIAGNOSE_ERRORS_MAX];
  size_t error_count;
  bool generator_shares_machine;
};

enum sp_diagnosis_confidence { SP_DIAGNOSIS_NONE, SP_DIAGNOSIS_LOW, SP_DIAGNOSIS_MEDIUM, SP_DIAGNOSIS_HIGH };
const char *sp_diagnosis_confidence_name(enum sp_diagnosis_confidence confidence); /* "none", "low", "medium", "high" */

struct sp_diagnosis_line {
  char *text;     /* "dify-api: CPU 0.79 of 0.80 cores (99 %)" */
  char *resource; /* "dify-api.cpu"; "" of what has none */
  char *query;    /* what reproduces the figure; "" where it is the run's own */
};
struct sp_diagnosis_list {
  struct sp_diagnosis_line lines[SP_DIAGNOSIS_LINES_MAX];
  size_t count;
};

struct sp_diagnosis {
  char claim[SP_DIAGNOSIS_TEXT_MAX]; /* "" where none can be made: then why_not says why */
  char why_not[SP_DIAGNOSIS_TEXT_MAX];
  char culprit[SP_CULPRIT_MAX]; /* "dify-api.cpu": subject and resource; "" */
  double seconds_per_request;   /* that the culprit costs; NAN */
  enum sp_diagnosis_confidence confidence;
  struct sp_diagnosis_list witnesses, exonerated, unseen;
  struct sp_diagnosis_list also; /* other resources at their limit: the next ones to come */
  /* The next change: of the target's own settings, coupled ones together. "" where there is none. */
  char change[SP_DIAGNOSIS_TEXT_MAX], predicted[SP_DIAGNOSIS_TEXT_MAX], refuted_by[SP_DIAGNOSIS_TEXT_MAX],
      risk[SP_DIAGNOSIS_TEXT_MAX];
  double predicted_low_per_s, predicted_high_per_s; /* throughput after the change; NAN */
};

void sp_diagnose(const struct sp_diagnose_input *input, struct sp_diagnosis *out);
void sp_diagnosis_fini(struct sp_diagnosis *diagnosis);

#endif
