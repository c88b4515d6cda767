/* A campaign as Markdown (GitHub's): a table, the bars in a block of code, a section a round. */
#include "report/campaign_inside.h"

#include "base/clock.h"
#include "base/units.h"
#include "report/canvas.h"
#include "report/figures.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define BARS_WIDTH 76

/* An underscore inside of a word is none. */
static bool is_markup(const char *text, size_t at) {
  bool inside = at > 0 && isalnum((unsigned char)text[at - 1]) && isalnum((unsigned char)text[at + 1]);
  return strchr("\\`*|[]#~", text[at]) || (text[at] == '_' && !inside);
}

static void put_text(struct sp_buf *out, const char *all) {
  size_t len = strlen(all);
  for (size_t at = 0; at < len; at++) {
    const char *text = all + at;
    if (is_markup(all, at)) {
      sp_buf_append_char(out, '\\');
    }
    if (*text == '<' || *text == '>' || *text == '&') {
      sp_buf_append_text(out, *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;");
    } else {
      sp_buf_append_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
  }
}

static void put_cell(struct sp_buf *out, const char *text) {
  sp_buf_append_text(out, " ");
  put_text(out, text && text[0] ? text : "-");
  sp_buf_append_text(out, " |");
}

static void put_ms(struct sp_buf *out, double ms) {
  char text[SP_UNIT_TEXT_SIZE];
  put_cell(out, isfinite(ms) ? sp_format_ms(ms, text, sizeof(text)) : NULL);
}

static const char *verdict_of(const struct sp_campaign_round *round) {
  return round->judged ? sp_verdict_name(round->verdict.kind) : round->reasons.count > 0 ? "not comparable" : NULL;
}

static void put_row(const struct sp_campaign *campaign, const struct sp_campaign_round *round, struct sp_buf *out) {
  char text[SP_CAMPAIGN_WORDS_SIZE];
  sp_buf_append_text(out, "|");
  put_cell(out, round->record->title);
  if (round->record->change_count == 1) {
    put_cell(out, sp_campaign_change(&round->record->changes[0], text, sizeof(text)));
  } else {
    snprintf(text, sizeof(text), "%zu changes", round->record->change_count);
    put_cell(out, round->record->change_count > 0 ? text : NULL);
  }
  snprintf(text, sizeof(text), round->counting < round->trial_count ? "%zu of %zu" : "%zu", round->counting, round->trial_count);
  put_cell(out, text);
  put_cell(out, sp_campaign_value(campaign, round, true, text, sizeof(text)));
  put_ms(out, round->e2e_mean_ms);
  put_ms(out, round->e2e_p95_ms);
  put_cell(out, sp_figure_rate(round->in_flight, text, sizeof(text)));
  put_cell(out, round->slos_met < 0 ? NULL : round->slos_met ? "met" : "missed");
  put_cell(out, round->held_by);
  put_cell(out, verdict_of(round));
  put_cell(out, sp_campaign_decision_name(round->record->decision));
  sp_buf_append_text(out, "\n");
}

static void put_table(const struct sp_campaign *campaign, struct sp_buf *out) {
  sp_buf_append_text(out, "| round | change | trials |");
  put_cell(out, campaign->record.figure);
  sp_buf_append_text(out, " full, mean ms | full, p95 ms | in flight | SLO | held by | verdict | decision |\n"
                          "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- |\n");
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    put_row(campaign, &campaign->rounds[i], out);
  }
}

static void put_bars(const struct sp_campaign *campaign, struct sp_buf *out) {
  struct sp_canvas canvas = { out, BARS_WIDTH, false };
  sp_buf_append_text(out, "\n```text\n");
  sp_campaign_put_bars(campaign, &canvas);
  sp_buf_append_text(out, "```\n");
}

static void put_item(struct sp_buf *out, const char *head, const char *text) {
  if (text && text[0]) {
    sp_buf_printf(out, "- **%s**: ", head);
    put_text(out, text);
    sp_buf_append_text(out, "\n");
  }
}

static void put_trials(const struct sp_campaign *campaign, const struct sp_campaign_round *round, struct sp_buf *out) {
  char value[SP_SLO_VALUE_SIZE];
  for (size_t i = 0; i < round->trial_count; i++) {
    const struct sp_campaign_trial *trial = &round->trials[i];
    sp_buf_printf(out, "%s`%s` %s%s", i ? ", " : "- **Trials**: ", trial->id,
                  sp_campaign_figure_format(&campaign->figure, trial->figure.value, value, sizeof(value)),
                  trial->counts ? "" : " (does not count)");
  }
  sp_buf_append_text(out, round->trial_count > 0 ? "\n" : "");
}

static void put_round(const struct sp_campaign *campaign, const struct sp_campaign_round *round, struct sp_buf *out) {
  const struct sp_store_round *record = round->record;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  sp_buf_append_text(out, "\n## ");
  put_text(out, record->title);
  sp_buf_append_text(out, "\n\n");
  put_item(out, "Hypothesis", record->hypothesis);
  for (size_t i = 0; i < record->change_count; i++) {
    put_item(out, "Change", sp_campaign_change(&record->changes[i], text, sizeof(text)));
  }
  put_trials(campaign, round, out);
  put_item(out, "Verdict", sp_campaign_verdict(campaign, round, text, sizeof(text)));
  for (size_t i = 1; i < round->reasons.count; i++) {
    put_item(out, "Also", round->reasons.items[i]);
  }
  put_item(out, "Predicted", sp_campaign_prediction(round, text, sizeof(text)));
  put_item(out, "Because", record->prediction.because);
  put_item(out, "Decision", record->decision == SP_STORE_OPEN ? NULL : sp_campaign_decision_name(record->decision));
  put_item(out, "Noted", record->note);
  for (size_t i = 0; i < round->notes.count; i++) {
    put_item(out, "Note", round->notes.items[i]);
  }
}

void sp_campaign_markdown(const struct sp_campaign *campaign, struct sp_buf *out) {
  const struct sp_store_campaign *record = &campaign->record;
  char began[SP_RFC3339_SIZE];
  sp_clock_rfc3339(record->real_ns, began, sizeof(began));
  sp_buf_append_text(out, "# ");
  put_text(out, record->name);
  sp_buf_append_text(out, "\n\n");
  put_text(out, record->goal);
  sp_buf_append_text(out, record->goal[0] ? "\n\n" : "");
  sp_buf_printf(out, "Began %.10s. Judged by ", began);
  put_text(out, record->figure);
  sp_buf_printf(out, " (%s is better)", campaign->figure.more_is_better ? "more" : "less");
  for (size_t i = 0; i < campaign->slo_count; i++) {
    sp_buf_append_text(out, i ? "; " : ". Service levels: ");
    put_text(out, campaign->slos[i].text);
  }
  sp_buf_append_text(out, ".\n\n");
  if (campaign->predictions > 0) {
    sp_buf_printf(out, "%u of %u predictions came out.\n\n", campaign->as_predicted, campaign->predictions);
  }
  put_table(campaign, out);
  put_bars(campaign, out);
  for (size_t i = 0; i < record->round_count; i++) {
    put_round(campaign, &campaign->rounds[i], out);
  }
  if (campaign->notes.count > 0) {
    sp_buf_append_text(out, "\n## Notes\n\n");
  }
  for (size_t i = 0; i < campaign->notes.count; i++) {
    sp_buf_append_text(out, "- ");
    put_text(out, campaign->notes.items[i]);
    sp_buf_append_text(out, "\n");
  }
}
