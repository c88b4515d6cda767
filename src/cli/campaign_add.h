/* spate campaign add: from options to a round in the history. */
#ifndef SP_CLI_CAMPAIGN_ADD_H
#define SP_CLI_CAMPAIGN_ADD_H

#include "cli/options.h"
#include "store/store_campaign.h"

/* Adds what the options say to the round; words are the runs and searches. refused: sentences for people, where trials
 * are not taken (SP_EUSAGE). */
int sp_campaign_add(struct sp_store *store, const char *campaign, const char *const *words, size_t word_count,
                    const struct sp_options *options, struct sp_err *err);
/* Whether the change of a round that is there stays. */
int sp_campaign_decide(struct sp_store *store, const char *campaign, const char *round, enum sp_store_decision decision,
                       const char *note, struct sp_err *err);

#endif
