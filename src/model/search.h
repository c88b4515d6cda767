/*
 * The search for the highest load that meets its goals: Multiple Loss Ratio search (IETF draft-ietf-bmwg-mlrsearch-15)
 * with the share of requests that miss the service level in the place of the loss ratio. Pure: no clock, no run. It says
 * the next trial, the caller makes it and adds what came of it:
 *
 *   struct sp_search search;
 *   sp_search_init(&search, &options);
 *   while (sp_search_next(&search, &ask)) { …run ask.load for ask.seconds…; sp_search_add(&search, &trial); }
 *   sp_search_result(&search, goal, &result);
 *
 * The next trial follows from the trials so far and from nothing else, so the trials are the whole state: kept, and added
 * again to a search with the same options, they resume it.
 *
 * - A load is classified, for each goal, by the seconds of its trials that missed and that did not (sp_search_classify):
 *   lower bound, upper bound, or undecided, which asks for another trial there. Trials may disagree.
 * - The relevant upper bound is the smallest load that is one; the relevant lower bound the largest below it.
 * - Coarse first, by short trials: one warms the target up and counts for nothing, then the load doubles until it misses
 *   (or halves until it does not), and is bisected to `coarse_width`. Then fine, by full trials, around what the short
 *   ones found, until the bounds are `width` apart. Where full trials contradict the short ones, the search moves outward
 *   in growing steps. Goals share all trials.
 * - A trial that was no fair one decides nothing: one in which the generator was not able, and one that did not settle. So
 *   many of them (SP_SEARCH_SPOILED) at one load end the search there: the load is an upper bound that names this reason,
 *   and so the verdict does.
 * - A ladder asks for each of its loads once and takes each trial's word.
 */
#ifndef SP_MODEL_SEARCH_H
#define SP_MODEL_SEARCH_H

#include "model/steady.h"

#include <stdbool.h>
#include <stdint.h>

#define SP_SEARCH_GOALS_MAX 8u
#define SP_SEARCH_TRIALS_MAX 500u
#define SP_SEARCH_LADDER_MAX 100u
#define SP_SEARCH_SPOILED 3u /* unfair trials at one load that are enough */

struct sp_search_options {
  size_t goals;
  bool whole;             /* loads are whole numbers: users */
  double start, min, max; /* loads */
  double width;           /* of the bounds, relative to the upper one */
  double coarse_width;
  double exceed;          /* share of the seconds at a lower bound that may have missed (goal exceed ratio) */
  /* A trial's seconds: coarse (goal initial trial duration), and fine, which is longer (goal final trial duration). */
  double short_s, full_s;
  double sum_s;           /* seconds of full trials that decide about a load (goal duration sum) */
  double requests;        /* a fine trial should see; 0: any number. It gets longer for that, up to sum_s */
  double ladder[SP_SEARCH_LADDER_MAX]; /* loads, as they are to be tried */
  size_t ladder_count;    /* 0: search */
};
/* Goals 1, rates from 0.1 to 10,000 beginning at 1, trials of 10 s and 60 s, 100 s a load, width 2 %: with
 * the noise that trials have the bound is within 3 % (tests/unit/model/test_search.c). */
void sp_search_options_init(struct sp_search_options *options);

/* What is to be tried next. */
struct sp_search_ask {
  double load;
  double seconds;     /* measured ones, behind the trial's own warm-up of warm_s */
  double seconds_max; /* a trial that needs longer to be steady may go on until here */
  double warm_s;
  bool warm_up;       /* its result will not count */
  bool coarse;        /* for sp_search_is_missed */
};

/* What came of a trial. */
struct sp_search_trial {
  double load;
  double asked_s;    /* ask.seconds */
  double measured_s;
  bool warm_up;
  bool valid;        /* the generator was able */
  bool lost;         /* ended before its time because it had missed already, whatever would have come: counts asked_s */
  enum sp_steady_state steady;
  bool missed[SP_SEARCH_GOALS_MAX];
  double miss_share[SP_SEARCH_GOALS_MAX]; /* NAN: no request ended */
  double goodput_per_s; /* of the measured part */
  uint64_t requests;    /* that ended in it */
};

struct sp_search {
  struct sp_search_options options;
  struct sp_search_trial trials[SP_SEARCH_TRIALS_MAX];
  size_t count;
};
void sp_search_init(struct sp_search *search, const struct sp_search_options *options);
/* False: nothing is left to try (or SP_SEARCH_TRIALS_MAX are made). */
bool sp_search_next(const struct sp_search *search, struct sp_search_ask *ask);
void sp_search_add(struct sp_search *search, const struct sp_search_trial *trial);

/* -- what it found -- */

enum sp_search_class { SP_SEARCH_UNDECIDED, SP_SEARCH_LOWER, SP_SEARCH_UPPER };
const char *sp_search_class_name(enum sp_search_class class); /* "undecided", "lower", "upper" */

/* Why a load is an upper bound: its trials missed, did not settle, or the generator was not able. */
enum sp_search_why { SP_SEARCH_BY_MISSES, SP_SEARCH_BY_DRIFT, SP_SEARCH_BY_GENERATOR };

enum sp_search_verdict {
  SP_SEARCH_BOUNDED,
  SP_SEARCH_NO_UPPER,  /* every load up to the highest met the goal */
  SP_SEARCH_NO_LOWER,  /* no load down to the lowest did */
  SP_SEARCH_NO_STEADY, /* what stopped it are trials that did not settle */
  SP_SEARCH_NOT_ABLE,  /* what stopped it is the generator */
};
const char *sp_search_verdict_name(enum sp_search_verdict verdict); /* "bounded", "no upper bound" … */

struct sp_search_result {
  enum sp_search_verdict verdict;
  double lower, upper; /* NAN: none */
  bool complete;       /* false: stopped on the way; the bounds are what was known then, perhaps by short trials only */
  /* The draft's conditional throughput: goodput of the full trial at the lower bound behind which a share `exceed` of the
   * seconds was worse. NAN without one. */
  double goodput_at_lower;
};
void sp_search_result(const struct sp_search *search, size_t goal, struct sp_search_result *out);
/* Of a load, by all its trials, full ones deciding. */
enum sp_search_class sp_search_class_at(const struct sp_search *search, size_t goal, double load);
enum sp_search_why sp_search_why_at(const struct sp_search *search, size_t goal, double load); /* of an upper bound */

/* -- the arithmetic -- */

/* Seconds of trials at one load. Full: at least as long as a lower bound asks for. */
struct sp_search_seconds {
  double full_low, full_high, short_low, short_high; /* low: did not miss */
};
/* The draft's classification (section "Load Classification Logic"): what is missing to sum_s is taken as missed by the
 * pessimist and as not missed by the optimist; where both say the same it is decided. */
enum sp_search_class sp_search_classify(const struct sp_search_seconds *seconds, double sum_s, double exceed);

/* Do so many misses of so many requests miss a goal that allows this share? A coarse trial has few requests, and where its
 * word is wrong the search goes astray; it is taken as missed only where chance (two standard deviations) would not do. */
bool sp_search_is_missed(double misses, double requests, double share_allowed, bool coarse);
/* Has a trial missed already, whatever is still to come? So many misses of the requests that it will have in all. */
bool sp_search_is_lost(double misses, double requests_in_all, double share_allowed);

#endif
