/*
 * What if? A change to a deployment that was measured, and what it would do, in words that a later measurement can refute.
 *
 *   sp_deployment_fit(&input, &deployment, &err);            what was measured (model/demand.h)
 *   sp_whatif_parse("dify-api.cpu=2", &whatif, &err);
 *   sp_whatif_predict(&deployment, &whatif, &prediction, &err);
 *
 * Never extrapolates past twice what was measured: users, rates and the predicted throughput (sp_whatif_predict refuses with a
 * sentence). In an open network the throughput predicted is the ceiling, scaled to what was measured.
 */
#ifndef SP_MODEL_WHATIF_H
#define SP_MODEL_WHATIF_H

#include "model/demand.h"

#define SP_WHATIF_CHANGES_MAX 16u
#define SP_WHATIF_RANGE 2.0 /* times what was measured */
#define SP_WHATIF_TEXT_MAX 400u

enum sp_change_of { SP_CHANGE_SERVERS, SP_CHANGE_TIME, SP_CHANGE_USERS, SP_CHANGE_THINK, SP_CHANGE_RATE };
enum sp_change_by { SP_CHANGE_TO, SP_CHANGE_TIMES, SP_CHANGE_PLUS };

struct sp_change {
  char station[SP_QUEUE_NAME_MAX]; /* "" of users, think and rate */
  enum sp_change_of of;
  enum sp_change_by by;
  double value; /* cores, servers, slots; seconds; users; a second */
};

struct sp_whatif {
  struct sp_change changes[SP_WHATIF_CHANGES_MAX];
  size_t count;
};

/* Appends "NAME=VALUE", "NAME*=VALUE", "NAME+=VALUE", several parted by commas. NAME is a station ("dify-api.cpu"), a station's
 * time ("postgres.commit.time*=0.7"), users, think or rate. *into begins as {0}. */
int sp_whatif_parse(const char *text, struct sp_whatif *into, struct sp_err *err);

struct sp_prediction {
  double per_s, low_per_s, high_per_s; /* 90 % */
  double mean_s;                       /* NAN in an open network */
  double before_per_s, before_mean_s;  /* as the model has them: compare with the measured ones */
  double ceiling_per_s, before_ceiling_per_s; /* that no load can pass; INFINITY: nothing seen limits */
  char binding[SP_QUEUE_NAME_MAX];     /* what holds it after the change: a station, "users" or "rate", "" unknown */
  char next[SP_QUEUE_NAME_MAX];        /* the station that would be the next; "" */
  double next_per_s;                   /* NAN */
  enum sp_diagnosis_confidence confidence; /* low, medium, high */
  char change[SP_WHATIF_TEXT_MAX];     /* "dify-api.cpu 0.8 -> 1.6 cores" */
  char basis[SP_WHATIF_TEXT_MAX];      /* by which laws and figures */
  char predicted[SP_WHATIF_TEXT_MAX];  /* "38.1 to 42.0 requests/s (90 %) with 100 users, mean 0.52 s" */
  char refuted_by[SP_WHATIF_TEXT_MAX];
  char doubt[SP_WHATIF_TEXT_MAX];      /* why the confidence is not high; "" */
};

/* SP_ENOTFOUND: no such station (the near one is named). SP_ELIMIT: past twice what was measured. SP_EUSAGE: a value that is none,
 * or a station whose limit is unknown. Deterministic. */
int sp_whatif_predict(const struct sp_deployment *deployment, const struct sp_whatif *whatif, struct sp_prediction *out,
                      struct sp_err *err);

/* A question as it was typed, and its answer: a prediction, or the sentence that says why there is none. */
struct sp_whatif_answer {
  const char *asked; /* borrowed */
  bool refused;
  char why_not[SP_ERR_TEXT_MAX];
  struct sp_prediction prediction; /* where it is not refused */
};
void sp_whatif_ask(const struct sp_deployment *deployment, const char *text, struct sp_whatif_answer *out);

#endif
