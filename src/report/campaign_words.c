/* A campaign's figures and verdicts in words: every output has the same. */
#include "report/campaign.h"

#include <math.h>
#include <stdio.h>

static void put_value(const struct sp_campaign_figure *figure, const struct sp_verdict_figure *value, bool interval, char *text,
                      size_t size) {
  char middle[SP_SLO_VALUE_SIZE], low[SP_SLO_VALUE_SIZE], high[SP_SLO_VALUE_SIZE];
  sp_campaign_figure_format(figure, value->value, middle, sizeof(middle));
  if (interval && isfinite(value->low)) {
    snprintf(text, size, "%s (%s to %s)", middle, sp_campaign_figure_format(figure, value->low, low, sizeof(low)),
             sp_campaign_figure_format(figure, value->high, high, sizeof(high)));
  } else {
    snprintf(text, size, "%s", middle);
  }
}

char *sp_campaign_value(const struct sp_campaign *campaign, const struct sp_campaign_round *round, bool interval, char *text,
                        size_t size) {
  put_value(&campaign->figure, &round->figure, interval, text, size);
  return text;
}

/* Why there is no verdict. */
static void put_none(const struct sp_campaign *campaign, const struct sp_campaign_round *round, char *text, size_t size) {
  const char *parent = campaign->rounds[round->parent].record->title;
  if (round->reasons.count > 0) {
    snprintf(text, size, "not comparable with '%.200s': %s", parent, round->reasons.items[0]);
  } else if (round->counting == 0) {
    snprintf(text, size, "no trial that counts yet");
  } else {
    snprintf(text, size, "'%.200s' has no trial that counts", parent);
  }
}

char *sp_campaign_verdict(const struct sp_campaign *campaign, const struct sp_campaign_round *round, char *text, size_t size) {
  char words[SP_VERDICT_TEXT_SIZE];
  text[0] = 0;
  if (round->parent == SP_NO_ROUND) {
    return text;
  }
  if (!round->judged) {
    put_none(campaign, round, text, size);
    return text;
  }
  snprintf(text, size, "%s than '%.200s': %s", sp_verdict_name(round->verdict.kind), campaign->rounds[round->parent].record->title,
           sp_verdict_text(&round->verdict, round->interleaved, words, sizeof(words)));
  bool against = round->verdict.kind == SP_VERDICT_SAME || round->verdict.kind == SP_VERDICT_INCONCLUSIVE;
  if (against) {
    snprintf(text, size, "%s against '%.200s': %s", sp_verdict_name(round->verdict.kind),
             campaign->rounds[round->parent].record->title, words);
  }
  return text;
}

char *sp_campaign_prediction(const struct sp_campaign_round *round, char *text, size_t size) {
  const struct sp_store_prediction *prediction = &round->record->prediction;
  struct sp_campaign_figure figure;
  char low[SP_SLO_VALUE_SIZE], high[SP_SLO_VALUE_SIZE], came[SP_SLO_VALUE_SIZE * 3];
  text[0] = 0;
  if (!prediction->figure || sp_campaign_figure_parse(prediction->figure, &figure, NULL)) {
    return text;
  }
  int len = snprintf(text, size, "%s %s to %s", prediction->figure,
                     sp_campaign_figure_format(&figure, prediction->low, low, sizeof(low)),
                     sp_campaign_figure_format(&figure, prediction->high, high, sizeof(high)));
  if (round->score > SP_SCORE_OPEN && len > 0 && (size_t)len < size) {
    put_value(&figure, &round->came, false, came, sizeof(came));
    snprintf(text + len, size - (size_t)len, ", came %s: %s%s", came, sp_campaign_score_name(round->score),
             round->said_afterwards ? " (said afterwards)" : "");
  }
  return text;
}

char *sp_campaign_change(const struct sp_store_change *change, char *text, size_t size) {
  const char *dot = change->component[0] ? "." : "";
  if (!change->old) {
    snprintf(text, size, "%s%s%s: new, %s", change->component, dot, change->key, change->new ? change->new : "");
  } else if (!change->new) {
    snprintf(text, size, "%s%s%s: gone, was %s", change->component, dot, change->key, change->old);
  } else {
    snprintf(text, size, "%s%s%s: %s → %s", change->component, dot, change->key, change->old, change->new);
  }
  return text;
}
