/*
 * Private to the diagnosis: what its rules are made of, and what they look at (the fitted models of demand.h look with the same
 * eyes).
 *
 * A rule names a resource and gives two measures of it at each step: its level (1 is its law's limit: cores used of
 * those there are, places taken, share of the answer's time) and the seconds that a request waits there. The rest is
 * the same for all (diagnose_judge.c): the law is kept or not, somebody waits or nobody does, both change with the load
 * or they don't. A rule is made a suspect with each subject that has one of its signals. A new resource is a row in its
 * family's file, with its test in tests/unit/model.
 */
#ifndef SP_MODEL_DIAGNOSE_RULES_H
#define SP_MODEL_DIAGNOSE_RULES_H

#include "model/diagnose.h"

#include <stdbool.h>

#define SP_SUSPECTS_MAX 400u
#define SP_RULE_ANCHORS_MAX 3u
#define SP_RULE_NEEDLES_MAX 4u

/* Thresholds; docs/diagnosis.md says where they come from. */
#define SP_SEEN_SHARE 0.5  /* of a step that data must cover */
#define SP_GROWN 1.3       /* times an answer's time at the lowest load: load is felt */
#define SP_CAP_SHARE 0.25  /* closed loop: answers take at most so much of a cycle, so the users limit */
#define SP_WAIT_SHARE 0.05 /* of an answer's time, for a queue to count */
#define SP_WAIT_LEAST_S 0.002
#define SP_NEXT_LEVEL 0.8    /* a level worth to be told as the next to come */
#define SP_INNER_LEVEL 0.95  /* what is inside of a full place explains it from here on */
#define SP_FAILED_SHARE 0.01 /* failures that count */
/* An invalid run's own lateness, of an answer's time: up to here its figures still tell where the target's time goes, though
 * not for the millisecond. */
#define SP_OWN_SHARE 0.05

/* What a subject is, by its name (a table of words in diagnose_see.c): it decides about advice, and what holds what. */
enum sp_subject_kind {
  SP_SUBJECT_OTHER,
  SP_SUBJECT_TARGET, /* the run's own figures, of nobody in particular */
  SP_SUBJECT_PROXY,
  SP_SUBJECT_API,
  SP_SUBJECT_WORKER,
  SP_SUBJECT_PLUGIN,
  SP_SUBJECT_VECTOR,
  SP_SUBJECT_MODEL,
  SP_SUBJECT_POOLER,
  SP_SUBJECT_DATABASE,
  SP_SUBJECT_CACHE,
  SP_SUBJECT_HOST,
};

/* A place is held while what is inside of it works, so it can be full for that alone. Outer ones first. */
enum sp_rule_place {
  SP_PLACE_NONE,  /* it works: CPU, disk, commit, lock */
  SP_PLACE_FRONT, /* places of the whole target: connections that the api serves */
  SP_PLACE_RUNS,  /* runs of flows at once */
  SP_PLACE_NODE,  /* a node of the flow, as the stream tells it */
  SP_PLACE_CALLS, /* calls of a service: plugin daemon, model server, vector store */
  SP_PLACE_POOL,  /* connections to the database */
  SP_PLACE_SQL,   /* a statement */
};

struct sp_diagnosing {
  const struct sp_diagnose_input *input;
  const struct sp_diagnose_step **steps; /* the fair ones, the lowest load first */
  size_t count;
  size_t calm, pressed;              /* the least and the most of them */
  size_t broke;                      /* the first at which the load is felt; count: none */
  bool loaded;                       /* the load is felt at the pressed one */
  const struct sp_diagnose_step *doubtful; /* one of them that is no valid one, but nearly; NULL: none */
  uint64_t requests;                 /* that ended, over all steps */
  const struct sp_observed **series; /* by signal */
  size_t first[SP_SIGNAL_COUNT + 1]; /* where a signal's begin in it */
};

struct sp_suspect;
struct sp_advice {
  char *change, *risk; /* SP_DIAGNOSIS_TEXT_MAX each */
  double factor;       /* by how much the change moves the resource's limit; 1: can't be said */
};

struct sp_rule {
  const char *resource; /* behind the subject's dot: "cpu" */
  enum sp_rule_place place;
  enum sp_signal anchors[SP_RULE_ANCHORS_MAX];    /* every subject with one of them is a suspect */
  size_t anchor_count;                            /* 0: the run alone */
  const char *subject;                            /* what to call it; NULL: as observed */
  const char *stand_in;                           /* MAY: the subject where nobody watched, and only errors name it */
  bool (*fits)(const struct sp_suspect *suspect); /* MAY: is this subject one for the rule? */
  double full;                                    /* level from which the law is at its limit */
  bool share;       /* the level is a share of the answer's time: it need not stop growing */
  bool holds;       /* the level is the share of a pool's sessions that it keeps: at its limit it is what fills the pool */
  bool needs_queue; /* full is no harm by itself: that somebody waits or is refused has to be among its witnesses */
  bool scales;      /* its level grows with the throughput, so it bounds what a change can bring */
  bool own_load;    /* also where no load is felt: it makes answers slow by itself */
  bool unmeasured;  /* its wait can't be seen: it gets what answers grew by and nobody else explains */
  double (*level)(const struct sp_suspect *suspect, size_t step);  /* NAN: can't be seen */
  double (*wait_s)(const struct sp_suspect *suspect, size_t step); /* MAY. Seconds a request; NAN: can't be seen */
  /* MAY. A queue that shows otherwise than in seconds; with its figure. *shown is queue_shown, unless it says another.
   */
  bool (*saturated)(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size);
  void (*figure)(const struct sp_suspect *suspect, size_t step, char *text,
                 size_t size);              /* "CPU 0.79 of 0.80 cores (99 %)" */
  enum sp_signal shown, queue_shown;        /* whose queries reproduce the figures */
  const char *waits[2];                     /* of the claim, around the subject: "waiting for ", "'s CPU" */
  const char *needles[SP_RULE_NEEDLES_MAX]; /* words of errors in which the target says so itself */
  void (*advise)(const struct sp_suspect *suspect, struct sp_advice *out);
};

struct sp_suspect {
  const struct sp_diagnosing *d;
  const struct sp_rule *rule;
  const char *subject; /* borrowed from the series, or the rule's */
  const char *name;    /* what to call it */
  enum sp_subject_kind kind;
  double *level, *wait_s; /* at each step */
  double cost_s;          /* a request at the pressed step: measured, or what nobody else explains; NAN */
  bool law, queue, change;
  uint64_t said; /* errors that name it */
  const char *said_text;
  const struct sp_suspect *because; /* it is full for this one */
};

/* Families: a file each, a table each. */
struct sp_rules {
  const struct sp_rule *rules;
  size_t count;
};
extern const struct sp_rules sp_rules_cpu, sp_rules_database, sp_rules_slots, sp_rules_calls, sp_rules_machine,
    sp_rules_network, sp_rules_stream;
const struct sp_rules *sp_rules_at(size_t i); /* NULL behind the last */

/* -- what was seen (diagnose_see.c) -- */

enum sp_subject_kind sp_subject_kind(const char *subject);
bool sp_has_word(const char *text, const char *word); /* anywhere in it, ignoring case; the word in lower case */
void sp_see_index(struct sp_diagnosing *d);
/* Mean over a step, of all details that fit the pattern (`*`, `?`; NULL: all): numbers add up, of shares and times it
 * is the greatest. NAN: none, or too little of the step is covered. */
double sp_see(const struct sp_suspect *suspect, enum sp_signal signal, const char *pattern, size_t step);
double sp_see_of(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject, const char *pattern,
                 size_t step);
double sp_see_last(const struct sp_suspect *suspect,
                   enum sp_signal signal); /* a limit: the last that was told, whenever */
size_t sp_see_details(const struct sp_suspect *suspect, enum sp_signal signal); /* how many series */
const struct sp_observed *sp_see_first(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject);
const char *sp_see_query(const struct sp_diagnosing *d, enum sp_signal signal, const char *subject); /* "" */
double sp_see_setting(const struct sp_suspect *suspect, const char *key); /* NAN: not seen, or no number */
double sp_zero(double value);                                             /* NAN as 0 */
static inline double sp_capped(double value, double most) { return value > most ? most : value; } /* NAN stays */
double sp_rps(const struct sp_diagnosing *d, size_t step); /* completed a second; NAN where none were */
static inline const struct sp_diagnose_step *sp_calm(const struct sp_diagnosing *d) { return d->steps[d->calm]; }
static inline const struct sp_diagnose_step *sp_pressed(const struct sp_diagnosing *d) { return d->steps[d->pressed]; }

/* -- judging (diagnose_judge.c) -- */

/* Suspects in `list` (room for SP_SUSPECTS_MAX), their measures and witnesses; returns how many. */
size_t sp_suspects_make(const struct sp_diagnosing *d, struct sp_suspect *list);
void sp_suspects_free(struct sp_suspect *list, size_t count);
bool sp_is_accused(const struct sp_suspect *suspect); /* the law, and one witness more */
bool sp_is_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size);
size_t sp_witnesses(const struct sp_suspect *suspect); /* of three */
/* Who it is, with costs and reasons filled in; NULL: nobody. */
struct sp_suspect *sp_suspects_pick(const struct sp_diagnosing *d, struct sp_suspect *list, size_t count);
double sp_growth_s(const struct sp_diagnosing *d); /* of an answer's time, calm to pressed */

/* -- words (diagnose_words.c) -- */

void sp_say_claim(const struct sp_suspect *culprit, struct sp_diagnosis *out);
void sp_say_witnesses(const struct sp_suspect *culprit, struct sp_diagnosis *out);
void sp_say_others(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit,
                   struct sp_diagnosis *out);
void sp_say_unseen(const struct sp_diagnosing *d, struct sp_diagnosis *out);
void sp_say_nothing(const struct sp_diagnosing *d, struct sp_diagnosis *out); /* why_not */
void sp_say_generator(const struct sp_diagnose_input *input, struct sp_diagnosis *out);
void sp_say_line(struct sp_diagnosis_list *list, const char *resource, const char *query, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *sp_load_text(const struct sp_diagnose_step *step, char *text, size_t size); /* "100 users", "40/s" */
const char *sp_seconds_text(double seconds, char *text, size_t size);                   /* "1.66 s", "37 ms" */

/* -- the next change (diagnose_predict.c) -- */

void sp_say_change(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit,
                   struct sp_diagnosis *out);

#endif
