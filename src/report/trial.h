/*
 * A run of the history as one trial: what decides whether it may be laid beside another, and its longest steady stretch.
 *
 * Not comparable is what differs in more than what is to be seen: another plan, another load, a run that is invalid or
 * was cut off. Each is a sentence that names the two as it is told to ("A", "round 'baseline'").
 */
#ifndef SP_REPORT_TRIAL_H
#define SP_REPORT_TRIAL_H

#include "model/diagnose.h"
#include "report/kept.h"
#include "store/store_read.h"

#define SP_SENTENCES_MAX 12u
#define SP_SENTENCE_SIZE 600

struct sp_sentences { /* what is beyond the cap, or there already, is left out */
  size_t count;
  char items[SP_SENTENCES_MAX][SP_SENTENCE_SIZE];
};
void sp_say(struct sp_sentences *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct sp_trial {
  char id[SP_STORE_ID_SIZE];
  char name[SP_NAME_MAX + 1];
  int64_t real_ns;
  int64_t no;
  enum sp_store_state state;
  int valid;
  char plan[SP_SENTENCE_SIZE], plan_hash[24], version[40], host[SP_SENTENCE_SIZE];
  struct sp_kept_asked asked;
  char held_by[SP_CULPRIT_MAX]; /* what its diagnosis says that held the target: "dify-api.cpu"; "" */
  struct sp_buf params; /* "key=value" lines, in order; a secret's value is left out */
  /* The longest steady stretch: ticks from … to-1, all of one stage and one level (users or a rate; somebody may have
   * changed it on the page). */
  uint64_t from, to;
  size_t stage;
  double level;
};

int sp_trial_read(struct sp_store *store, const char *id, struct sp_trial *out, struct sp_err *err);
void sp_trial_fini(struct sp_trial *trial); /* also of one that could not be read */

/* Its steady ticks in the order of time, `at` from 0. */
int sp_trial_each_steady(struct sp_store *store, const struct sp_trial *trial,
                         int (*each)(void *ctx, uint64_t at, const struct sp_store_tick *tick), void *ctx,
                         struct sp_err *err);

/* Does it go on, was it cut off, is it invalid? */
void sp_trial_judge(const struct sp_trial *trial, const char *name, struct sp_sentences *reasons);
/* Other plans, other loads; also where a load was changed while it ran. */
void sp_trials_judge(const struct sp_trial *a, const char *name_a, const struct sp_trial *b, const char *name_b,
                     struct sp_sentences *reasons);
/* Other versions, other parameters of the plan. */
void sp_trials_note(const struct sp_trial *a, const char *name_a, const struct sp_trial *b, const char *name_b,
                    struct sp_sentences *notes);

#endif
