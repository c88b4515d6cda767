/*
 * spate capacity from its options to its outputs: the goals it searches for, one trial, the search's state on the disk,
 * what is shown. The search itself is model/search.
 */
#ifndef SP_CLI_CAPACITY_H
#define SP_CLI_CAPACITY_H

#include "base/buf.h"
#include "cli/setup.h"
#include "cli/steps.h"
#include "cli/watching.h"
#include "model/search.h"
#include "report/capacity_json.h"

/* -- goals: capacity_goals.c -- */

struct sp_capacity_goal {
  struct sp_slo slos[SP_SLOS_MAX];
  size_t count;
  char text[SP_SLO_TEXT_MAX + 1]; /* "p95(e2e) < 1s; failed_share < 1%": cut where too long */
};

struct sp_capacity_goals {
  struct sp_capacity_goal items[SP_SEARCH_GOALS_MAX];
  size_t count;
  struct sp_limits limits; /* of single requests, from the first goal: what goodput counts */
  size_t left_out;         /* SLOs that ask for a load, which is what is searched */
};
/* The first goal has all SLOs of the command line, else of the plan; each --goal is one more. SP_EUSAGE where there is
 * nothing to search for. */
int sp_capacity_goals_init(struct sp_capacity_goals *goals, const struct sp_options *options, const struct sp_plan *plan,
                           struct sp_err *err);
void sp_capacity_goals_fini(struct sp_capacity_goals *goals);

/* What a trial's requests say to each goal: missed and miss_share. */
void sp_capacity_judge(const struct sp_capacity_goals *goals, const struct sp_interval *totals, double measured_s, bool coarse,
                       struct sp_search_trial *out);
/* Every goal is missed already, whatever the rest of `requests_in_all` come to. */
bool sp_capacity_is_lost(const struct sp_capacity_goals *goals, const struct sp_interval *totals, double requests_in_all);
double sp_capacity_requests_needed(const struct sp_capacity_goals *goals); /* to name their percentiles */
/* A time that a request may take by the goals: the longest; 0: none is limited. */
int64_t sp_capacity_longest_ns(const struct sp_capacity_goals *goals);

/* -- the search -- */

struct sp_capacity {
  const struct sp_options *options;
  struct sp_setup *setup;
  const char *plan_name, *state_path; /* NULL: no state is kept */
  struct sp_capacity_goals goals;
  struct sp_search search;
  struct sp_watching *watching; /* NULL: nobody looks at the target */
  int64_t begun_real_ns, real_offset_ns; /* wall clock; and wall clock - monotonic at that moment */
  struct sp_steps steps;        /* a trial each, of this run of the program */
  struct sp_diagnosis diagnosis;
  bool diagnosed;
  struct sp_whatif_answer *answers; /* as many as options->capacity.what_if_count; NULL: none yet */
  char reason[SP_REASON_TEXT_MAX]; /* why the newest invalid trial was one; "" */
  struct sp_loop *loop;
  struct sp_run *run; /* of the trial under way; NULL between trials */
  unsigned signals;
  FILE *show;
  bool moves;  /* show is a terminal */
  bool headed; /* the table of trials has its head: it comes behind what watchers say first */
};

/* capacity_options.c: what the options say of the search, with its defaults. */
int sp_capacity_options_read(const struct sp_options *options, const struct sp_capacity_goals *goals,
                             struct sp_search_options *out, struct sp_err *err);
/* "50,100,150": rising numbers of users. */
int sp_capacity_ladder_parse(const char *text, double *loads, size_t *count, struct sp_err *err);

/* capacity_trial.c: makes one. SP_E…: it could not be made at all. Where signals came meanwhile it is no whole one. */
int sp_capacity_trial(struct sp_capacity *capacity, const struct sp_search_ask *ask, struct sp_search_trial *out,
                      struct sp_err *err);

/* capacity_state.c: the trials so far, as JSON (schema spate.capacity-state/1). Loading demands that the search was the
 * same one. The file is replaced as a whole: a killed program leaves the old one or the new one. */
int sp_capacity_state_save(const struct sp_capacity *capacity, const char *path, struct sp_err *err);
int sp_capacity_state_load(struct sp_capacity *capacity, const char *path, struct sp_err *err);

/* capacity_history.c: keeps the document; what is in the way is a sentence on standard error. */
#define SP_CAPACITY_DOCUMENT_MAX (64u << 20) /* bytes */
void sp_capacity_history(const struct sp_capacity *capacity, const struct sp_result *run, const char *document);

/* capacity_show.c */
#define SP_CAPACITY_LOAD_SIZE 32
char *sp_capacity_load_text(const struct sp_search_options *options, double load, char *text, size_t size); /* "93.8/s" */
void sp_capacity_show_begin(const struct sp_capacity *capacity);
void sp_capacity_show_progress(struct sp_capacity *capacity, const struct sp_search_ask *ask, double second,
                               uint64_t in_flight);
void sp_capacity_show_note(void *capacity, const char *text);
void sp_capacity_show_trial(struct sp_capacity *capacity, const struct sp_search_trial *trial);
void sp_capacity_show_end(struct sp_capacity *capacity);

#endif
