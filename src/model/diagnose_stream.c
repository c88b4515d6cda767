/* What the stream itself tells: tokens that a proxy held back, and a target that refuses. */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LUMPED 0.7 /* of the gaps are under a millisecond */
#define TOKENS_LEAST 5.0
#define LATE 0.6            /* of the answer has passed before its first token, or in one gap */
#define TOKENS_PER_S 1000.0 /* of one stream */
#define REFUSED 0.01        /* of the requests */

/* -- a proxy that buffers -- */

/* Tokens come together, and late: at the end of the answer, or after one gap that is most of it. */
static double buffering_level(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  if (!(at->tokens >= TOKENS_LEAST) || isnan(at->lump_share)) return (double)NAN;
  double late = fmax(sp_zero(at->ttft_s), sp_zero(at->max_gap_s)) / at->e2e_s;
  return late >= LATE ? at->lump_share : sp_capped(at->lump_share, LUMPED / 2);
}

/* The flow says how long its model spoke, and the stream how little of that was heard. */
static double spoken_s(const struct sp_diagnose_step *step) {
  double sum = (double)NAN;
  for (size_t i = 0; i < step->node_count; i++)
    if (strcmp(step->nodes[i].type, "llm") == 0) sum = sp_zero(sum) + step->nodes[i].mean_s;
  return sum;
}

static double buffering_wait_s(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  double heard_s = at->e2e_s - at->ttft_s, spoke_s = spoken_s(at);
  return isnan(spoke_s) ? spoke_s : fmax(spoke_s - heard_s, 0);
}

static bool buffering_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  char heard[40], spoke[40];
  const struct sp_diagnose_step *at = sp_pressed(suspect->d);
  double spoke_s = spoken_s(at), heard_s = at->e2e_s - at->ttft_s;
  if (!(suspect->level[suspect->d->pressed] >= LUMPED)) return false;
  if (isnan(spoke_s) && at->tokens / heard_s >= TOKENS_PER_S) {
    snprintf(text, size, "%.0f tokens within %s: no model speaks so fast", at->tokens,
             sp_seconds_text(heard_s, heard, sizeof(heard)));
    return true;
  }
  if (!(heard_s <= (1 - LATE) * spoke_s)) return false;
  snprintf(text, size, "the model spoke for %s, its tokens were heard within %s",
           sp_seconds_text(spoke_s, spoke, sizeof(spoke)), sp_seconds_text(heard_s, heard, sizeof(heard)));
  return true;
}

static void buffering_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  snprintf(text, size,
           "%.0f %% of the tokens arrive together with the one before; the first after %.0f %% of the answer",
           at->lump_share * 100, at->ttft_s / at->e2e_s * 100);
}

static void buffering_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  (void)suspect;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "let no proxy on the way buffer streams: nginx proxy_buffering off (or the header X-Accel-Buffering: no), "
           "no gzip of "
           "text/event-stream, and the same at the load balancer or CDN in front (Dify's own nginx has it off)");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "slow readers then hold the api's streams instead of the proxy's buffers");
}

/* -- a target that refuses -- */

static double refused_share(const struct sp_suspect *suspect) {
  return suspect->d->requests > 0 ? (double)suspect->said / (double)suspect->d->requests : (double)NAN;
}

static double refuses_level(const struct sp_suspect *suspect, size_t step) {
  (void)step;
  return refused_share(suspect) >= REFUSED ? 1 : 0;
}

static void refuses_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  (void)step;
  snprintf(text, size, "%.1f %% of the requests were refused for their rate", sp_zero(refused_share(suspect)) * 100);
}

static void refuses_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  (void)suspect;
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "raise the limit that refuses: APP_MAX_ACTIVE_REQUESTS and the app's own in Dify, limit_req in nginx, the model "
      "provider's quota; or ask for no more than it allows");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "what the limit held back comes to what it protects");
}

static const struct sp_rule rules[] = {
    {.resource = "buffering",
     .subject = "proxy",
     .full = LUMPED,
     .share = true,
     .own_load = true,
     .level = buffering_level,
     .wait_s = buffering_wait_s,
     .saturated = buffering_saturated,
     .figure = buffering_figure,
     .shown = SP_SIGNAL_COUNT,
     .queue_shown = SP_SIGNAL_COUNT,
     .waits = {"held back by a ", " that buffers the stream"},
     .advise = buffering_advise},
    {.resource = "rate_limit",
     .subject = "target",
     .full = 1,
     .level = refuses_level,
     .figure = refuses_figure,
     .shown = SP_SIGNAL_COUNT,
     .queue_shown = SP_SIGNAL_COUNT,
     .waits = {"refused by the ", " for its rate"},
     .needles = {"429", "too many requests", "rate limit", "rate_limit"},
     .advise = refuses_advise},
};
const struct sp_rules sp_rules_stream = {rules, sizeof(rules) / sizeof(rules[0])};
