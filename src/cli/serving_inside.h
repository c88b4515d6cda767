/*
 * Private to the page's host: serving.c (life, runs), serving_calls.c (calls), serving_history.c (past runs),
 * serving_campaigns.c, serving_plans.c (PLAN), web_try.c.
 */
#ifndef SP_CLI_SERVING_INSIDE_H
#define SP_CLI_SERVING_INSIDE_H

#include "cli/downloads.h"
#include "cli/order.h"
#include "cli/serving.h"

struct sp_web_try;

struct sp_serving {
  struct sp_serving_options conf;
  struct sp_web *web;
  char *folder;
  const char *outputs[SP_DOWNLOADS_MAX + 1]; /* that the page can download now */
  struct sp_runner *runner; /* under way or the last one; NULL: there was none */
  struct sp_order *order;   /* the runner's, where the page started it: then both are ours */
  bool running;
  struct sp_web_try *trying; /* NULL: none */
  unsigned quits;
  bool cut_short;
};

/* -- serving.c -- */
/* Takes the order. */
int sp_serving_start(struct sp_serving *serving, struct sp_order *order, struct sp_err *err);
void sp_serving_quiet(struct sp_serving *serving); /* something has ended: goes on with a quit */

/* -- serving_calls.c -- */
extern const struct sp_web_host sp_serving_host;

/* -- serving_history.c -- */
sp_web_call sp_serving_history, sp_serving_history_run, sp_serving_compare;

/* -- serving_campaigns.c -- */
sp_web_call sp_serving_campaigns, sp_serving_campaign;

/* -- serving_plans.c -- */
void sp_serving_put_plans(const struct sp_options *base, struct sp_buf *out);

/* -- web_try.c -- */
/* Takes the order. NULL: err. Its events go to the answer's stream. */
struct sp_web_try *sp_web_try_start(struct sp_serving *serving, struct sp_order *order, const char *task,
                                    struct sp_web_answer *answer, struct sp_err *err);
void sp_web_try_cut(struct sp_web_try *trying);

#endif
