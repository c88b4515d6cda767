/*
 * What a reader should know beside the figures: trials that don't count, several changes at once, and Little's law where
 * it says that a round measured its workload and not its target. N users who pause Z between their requests ask at most
 * N / Z a second, however fast the answers are; Z is (N - Q) / X, of what was measured: the users, those of them that wait
 * for an answer, and the requests a second.
 */
#include "report/campaign_inside.h"

#include "report/figures.h"

#include <math.h>
#include <stdio.h>

#define NEAR_ASKED 0.97 /* of an open loop's arrivals */

static void note_trials(struct sp_campaign_round *round) {
  for (size_t i = 0; i < round->trial_count; i++) {
    const struct sp_campaign_trial *trial = &round->trials[i];
    if (!trial->counts) {
      sp_say(&round->notes, "trial %zu does not count: %s", i + 1, trial->why);
    } else if (!isfinite(trial->figure.value)) {
      sp_say(&round->notes, "trial %zu, %s, has no value of the campaign's figure", i + 1, trial->id);
    }
  }
}

static void note_changes(const struct sp_campaign *campaign, struct sp_campaign_round *round) {
  size_t count = round->record->change_count;
  if (round->parent == SP_NO_ROUND) {
    return;
  }
  if (count > 1) {
    sp_say(&round->notes, "%zu changes at once: what is seen is of all of them together", count);
  } else if (count == 0 && round->counting > 0) {
    sp_say(&round->notes, "no change is written down: against '%s' this shows how much runs differ by themselves",
           campaign->rounds[round->parent].record->title);
  }
}

static void note_cap(const struct sp_campaign *campaign, struct sp_campaign_round *round) {
  char cap[SP_FIGURE_SIZE];
  if (!campaign->figure.more_is_better || campaign->figure.bound || !round->at_cap) {
    return;
  }
  sp_figure_rate(round->cap_per_s, cap, sizeof(cap));
  sp_say(&round->notes,
         "%.0f users who pause %.2f s between two requests can't pass %s/s, whatever the target does, and this round is at "
         "%.0f %% of that: it is at the cap of its workload, not of the target. More users, a --rate, or spate capacity show "
         "more",
         round->users, (round->users - round->in_flight) / round->rps, cap, round->rps / round->cap_per_s * 100);
}

static void note_rate(const struct sp_campaign *campaign, struct sp_campaign_round *round) {
  const struct sp_campaign_trial *first = NULL;
  for (size_t i = 0; i < round->trial_count && !first; i++) {
    first = round->trials[i].counts && round->trials[i].kind == SP_STORE_TRIAL_RUN ? &round->trials[i] : NULL;
  }
  if (!first || !campaign->figure.more_is_better || campaign->figure.bound) {
    return;
  }
  const struct sp_load *load = &first->run.asked.load;
  bool fixed = load->kind == SP_LOAD_RATE && load->stage_count == 0 && !load->shape && !load->trace;
  if (fixed && round->rps >= NEAR_ASKED * load->rate_per_s) {
    sp_say(&round->notes,
           "%g/s were asked for and %.3g/s came: a rate can't tell rounds apart here; a time (--figure 'p95(e2e)') or the bound "
           "of spate capacity can",
           load->rate_per_s, round->rps);
  }
}

static void note_prediction(struct sp_campaign_round *round) {
  if (round->record->prediction.figure && round->said_afterwards) {
    sp_say(&round->notes, "the prediction was said after its first trial had begun: it is not scored");
  }
}

void sp_campaign_note_round(const struct sp_campaign *campaign, struct sp_campaign_round *round) {
  note_trials(round);
  note_changes(campaign, round);
  note_cap(campaign, round);
  note_rate(campaign, round);
  note_prediction(round);
}

/* -- the whole -- */

static const struct sp_campaign_round *last_judged(const struct sp_campaign *campaign) {
  for (size_t i = campaign->record.round_count; i-- > 0;) {
    if (campaign->rounds[i].judged && campaign->rounds[i].verdict.tested) {
      return &campaign->rounds[i];
    }
  }
  return NULL;
}

static bool is_of_figure(const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  const char *predicted = round->record->prediction.figure;
  return predicted && strcmp(predicted, campaign->record.figure) == 0;
}

/* A step whose promise is smaller than what the trials can show need not be tried. */
static void note_too_small(struct sp_campaign *campaign) {
  const struct sp_campaign_round *judged = last_judged(campaign);
  for (size_t i = 0; judged && i < campaign->record.round_count; i++) {
    const struct sp_campaign_round *round = &campaign->rounds[i];
    if (round->score != SP_SCORE_OPEN || round->parent == SP_NO_ROUND || !is_of_figure(campaign, round)) {
      continue;
    }
    const struct sp_store_prediction *prediction = &round->record->prediction;
    double from = campaign->rounds[round->parent].figure.value, to = (prediction->low + prediction->high) / 2;
    double gain = fabs(to / from - 1), least = judged->verdict.least_change;
    if (isfinite(gain) && gain < least) {
      sp_say(&campaign->notes,
             "'%s' promises %.1f %%; trials like those of '%s' show changes from about %.1f %% on: more trials, or another step",
             round->record->title, gain * 100, judged->record->title, least * 100);
    }
  }
}

void sp_campaign_note_all(struct sp_campaign *campaign) {
  bool untested = false, in_a_row = false;
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    const struct sp_campaign_round *round = &campaign->rounds[i];
    untested |= round->judged && !round->verdict.tested;
    in_a_row |= round->judged && round->verdict.tested && !round->interleaved;
  }
  if (untested) {
    sp_say(&campaign->notes, "one trial a side is no test: restarts, caches and the time of day change figures too. Three a side "
                             "are the least that say something, five are better");
  }
  if (in_a_row) {
    sp_say(&campaign->notes, "trials before and after a change followed one another: what else changed with the time is in the "
                             "verdicts too. A B B A would take it out");
  }
  note_too_small(campaign);
}
