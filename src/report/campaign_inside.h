/* Private to the folder: how a campaign is put together. */
#ifndef SP_REPORT_CAMPAIGN_INSIDE_H
#define SP_REPORT_CAMPAIGN_INSIDE_H

#include "report/campaign.h"
#include "report/canvas.h"

/* What the counting runs of a round come to together. */
struct sp_campaign_pool {
  struct sp_interval *interval;
  double seconds;
};

/* campaign_trial.c: fills `out`, adds what counts to the pool. predicted: MAY. A trial that is gone from the history is no
 * error; it does not count. */
int sp_campaign_read_trial(struct sp_store *store, const struct sp_store_trial *trial,
                           const struct sp_campaign_figure *figure, const struct sp_campaign_figure *predicted,
                           struct sp_campaign_pool *pool, struct sp_campaign_trial *out, struct sp_err *err);
void sp_campaign_drop_trial(struct sp_campaign_trial *trial);
/* Why the two can't be laid beside each other. */
void sp_campaign_judge_trials(const struct sp_campaign_trial *a, const char *name_a, const struct sp_campaign_trial *b,
                              const char *name_b, struct sp_sentences *reasons);

/* campaign_note.c: what a reader should know beside the figures. */
void sp_campaign_note_round(const struct sp_campaign *campaign, struct sp_campaign_round *round);
void sp_campaign_note_all(struct sp_campaign *campaign);

/* campaign_text.c: a bar a round, in any width; Markdown has them too. */
void sp_campaign_put_bars(const struct sp_campaign *campaign, struct sp_canvas *canvas);

#endif
