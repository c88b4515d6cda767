/* What the diagnosis says. */
#include "model/diagnose_rules.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* -- pieces -- */

const char *sp_load_text(const struct sp_diagnose_step *step, char *text, size_t size) {
  snprintf(text, size, step->open_loop ? "%.4g/s" : step->load == 1 ? "%.4g user" : "%.4g users", step->load);
  return text;
}

const char *sp_seconds_text(double seconds, char *text, size_t size) {
  if (isnan(seconds)) {
    snprintf(text, size, "n/a");
  } else if (fabs(seconds) >= 1) {
    snprintf(text, size, "%.2f s", seconds);
  } else {
    snprintf(text, size, fabs(seconds) >= 0.0995 ? "%.0f ms" : "%.1f ms", seconds * 1000);
  }
  return text;
}

/* "1.66 of 2.35 s" */
static const char *part_text(double part_s, double whole_s, char *text, size_t size) {
  if (whole_s >= 1) {
    snprintf(text, size, "%.2f of %.2f s", part_s, whole_s);
  } else {
    snprintf(text, size, "%.0f of %.0f ms", part_s * 1000, whole_s * 1000);
  }
  return text;
}

void sp_say_line(struct sp_diagnosis_list *list, const char *resource, const char *query, const char *format, ...) {
  char text[SP_DIAGNOSIS_TEXT_MAX];
  va_list args;
  if (list->count == SP_DIAGNOSIS_LINES_MAX) return;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  list->lines[list->count++] =
      (struct sp_diagnosis_line){.text = sp_strdup(text), .resource = sp_strdup(resource), .query = sp_strdup(query)};
}

static const char *resource_of(const struct sp_suspect *suspect, char *text, size_t size) {
  snprintf(text, size, "%s.%s", suspect->name, suspect->rule->resource);
  return text;
}

static const char *figure_of(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  text[0] = 0;
  suspect->rule->figure(suspect, step, text, size);
  return text;
}

static const char *query_of(const struct sp_suspect *suspect, enum sp_signal signal) {
  return sp_see_query(suspect->d, signal, suspect->rule->anchor_count ? suspect->subject : NULL);
}

/* -- the claim -- */

static const char *waits_text(const struct sp_suspect *suspect, char *text, size_t size) {
  snprintf(text, size, "%s%s%s", suspect->rule->waits[0], suspect->name, suspect->rule->waits[1]);
  return text;
}

/* What answers grew by is not all of a wait that was there at the least load already. */
static bool is_at_least(const struct sp_suspect *culprit) {
  const struct sp_diagnosing *d = culprit->d;
  return isnan(culprit->wait_s[d->pressed]) && culprit->level[d->calm] >= culprit->rule->full;
}

void sp_say_claim(const struct sp_suspect *culprit, struct sp_diagnosis *out) {
  char waits[160], part[80], figure[SP_DIAGNOSIS_TEXT_MAX];
  const struct sp_diagnosing *d = culprit->d;
  double whole_s = sp_pressed(d)->e2e_s, cost_s = sp_capped(culprit->cost_s, whole_s);
  waits_text(culprit, waits, sizeof(waits));
  resource_of(culprit, out->culprit, sizeof(out->culprit));
  if (isfinite(culprit->cost_s) && whole_s > 0 && culprit->cost_s > 0) {
    snprintf(out->claim, sizeof(out->claim), "%s%.0f %% of the answer's time is %s: %s a request",
             is_at_least(culprit) ? "At least " : "", cost_s / whole_s * 100, waits,
             part_text(cost_s, whole_s, part, sizeof(part)));
  } else if (culprit->said > 0) {
    snprintf(out->claim, sizeof(out->claim), "%llu of %llu requests were %s", (unsigned long long)culprit->said,
             (unsigned long long)d->requests, waits);
  } else {
    snprintf(out->claim, sizeof(out->claim), "Answers are %s: %.200s", waits,
             figure_of(culprit, d->pressed, figure, sizeof(figure)));
  }
}

/* -- witnesses -- */

static void say_queue(const struct sp_suspect *culprit, struct sp_diagnosis *out) {
  char resource[SP_CULPRIT_MAX], text[SP_DIAGNOSIS_TEXT_MAX], wait[40];
  const struct sp_diagnosing *d = culprit->d;
  double wait_s = culprit->wait_s[d->pressed];
  enum sp_signal shown;
  resource_of(culprit, resource, sizeof(resource));
  if (culprit->said > 0) {
    sp_say_line(&out->witnesses, resource, "", "the target says it itself, %llu times: %.200s",
                (unsigned long long)culprit->said, culprit->said_text);
  } else if (sp_is_saturated(culprit, &shown, text, sizeof(text))) {
    sp_say_line(&out->witnesses, resource, query_of(culprit, shown), "%s: %s", culprit->name, text);
  } else {
    sp_say_line(&out->witnesses, resource, query_of(culprit, culprit->rule->queue_shown),
                "%s: a request waits %s there, %.1f of them at once", culprit->name,
                sp_seconds_text(wait_s, wait, sizeof(wait)), wait_s * sp_pressed(d)->rps);
  }
}

/* Levels in per cent; where it is no share, waits. */
static void say_own_change(const struct sp_suspect *culprit, char *text, size_t size) {
  char before[40], now[40];
  const struct sp_diagnosing *d = culprit->d;
  double calm_s = culprit->wait_s[d->calm], pressed_s = culprit->wait_s[d->pressed];
  if (isfinite(pressed_s)) {
    snprintf(text, size, "the wait %s -> %s", sp_seconds_text(sp_zero(calm_s), before, sizeof(before)),
             sp_seconds_text(pressed_s, now, sizeof(now)));
  } else {
    snprintf(text, size, "its use %.0f -> %.0f %%", sp_zero(culprit->level[d->calm]) * 100,
             sp_zero(culprit->level[d->pressed]) * 100);
  }
}

static void say_change_with_load(const struct sp_suspect *culprit, struct sp_diagnosis *out) {
  char resource[SP_CULPRIT_MAX], own[120], low[40], high[40], before[40], now[40], broke[80] = "";
  const struct sp_diagnosing *d = culprit->d;
  say_own_change(culprit, own, sizeof(own));
  if (d->broke < d->count && d->broke > d->calm) {
    char load[40];
    snprintf(broke, sizeof(broke), "; it is felt from %s on", sp_load_text(d->steps[d->broke], load, sizeof(load)));
  }
  sp_say_line(&out->witnesses, resource_of(culprit, resource, sizeof(resource)), "",
              "from %s to %s: throughput %.1f -> %.1f/s, %s, answers %s -> %s%s",
              sp_load_text(sp_calm(d), low, sizeof(low)), sp_load_text(sp_pressed(d), high, sizeof(high)),
              sp_calm(d)->rps, sp_pressed(d)->rps, own, sp_seconds_text(sp_calm(d)->e2e_s, before, sizeof(before)),
              sp_seconds_text(sp_pressed(d)->e2e_s, now, sizeof(now)), broke);
}

void sp_say_witnesses(const struct sp_suspect *culprit, struct sp_diagnosis *out) {
  char resource[SP_CULPRIT_MAX], figure[SP_DIAGNOSIS_TEXT_MAX];
  size_t step = culprit->d->pressed;
  if (isfinite(culprit->level[step]))
    sp_say_line(&out->witnesses, resource_of(culprit, resource, sizeof(resource)),
                query_of(culprit, culprit->rule->shown), "%s: %s", culprit->name,
                figure_of(culprit, step, figure, sizeof(figure)));
  if (culprit->queue) say_queue(culprit, out);
  if (culprit->change) say_change_with_load(culprit, out);
}

/* -- the others -- */

static void say_other(const struct sp_suspect *suspect, struct sp_diagnosis *out) {
  char resource[SP_CULPRIT_MAX], figure[SP_DIAGNOSIS_TEXT_MAX], cost[60] = "", took[40], why[SP_CULPRIT_MAX];
  size_t step = suspect->d->pressed;
  double level = suspect->level[step];
  if (isnan(level) && suspect->said == 0) return;
  const char *query = query_of(suspect, suspect->rule->shown);
  bool accused = sp_is_accused(suspect), near = suspect->rule->scales && level >= SP_NEXT_LEVEL;
  if (accused && suspect->cost_s > 0)
    snprintf(cost, sizeof(cost), "; %s a request", sp_seconds_text(suspect->cost_s, took, sizeof(took)));
  figure_of(suspect, step, figure, sizeof(figure));
  resource_of(suspect, resource, sizeof(resource));
  if (accused && suspect->because) {
    sp_say_line(&out->exonerated, resource, query, "%s: %.200s%s, because of %s", suspect->name, figure, cost,
                resource_of(suspect->because, why, sizeof(why)));
  } else if (accused || (near && !suspect->because)) {
    sp_say_line(&out->also, resource, query, "%s: %.200s%s", suspect->name, figure, cost);
  } else {
    sp_say_line(&out->exonerated, resource, query, "%s: %.200s%s", suspect->name, figure, cost);
  }
}

void sp_say_others(const struct sp_suspect *list, size_t count, const struct sp_suspect *culprit,
                   struct sp_diagnosis *out) {
  for (size_t i = 0; i < count; i++)
    if (&list[i] != culprit) say_other(&list[i], out);
}

/* -- what nobody saw -- */

struct tier {
  const char *text;
  enum sp_signal signals[4];
};

static const struct tier tiers[] = {
    {"CPU of the target: nobody watched it (--watch prometheus, docker or host)",
     {SP_SIGNAL_CPU_CORES, SP_SIGNAL_CPU_THROTTLED, SP_SIGNAL_CPU_PRESSURE, SP_SIGNAL_CPU_RUN_WAIT}},
    {"the database: nobody watched what its sessions wait for (--watch postgres)",
     {SP_SIGNAL_DB_SESSIONS, SP_SIGNAL_DB_SESSIONS, SP_SIGNAL_DB_BLOCKED, SP_SIGNAL_DB_SESSIONS}},
    {"places and pools (streams, connections, a model's batch): nobody watched them",
     {SP_SIGNAL_SLOTS_USED, SP_SIGNAL_SLOTS_WAITING, SP_SIGNAL_SLOTS_WAIT_TIME, SP_SIGNAL_QUEUE_LENGTH}},
    {"services behind the api (plugin daemon, vector store, model): nobody watched their calls",
     {SP_SIGNAL_CALLS_TIME, SP_SIGNAL_CALLS_ACTIVE, SP_SIGNAL_CALLS_QUEUE_TIME, SP_SIGNAL_CALLS_RATE}},
};

static void say_tiers(const struct sp_diagnosing *d, struct sp_diagnosis *out) {
  for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
    bool seen = false;
    for (size_t k = 0; k < 4; k++) seen = seen || sp_see_first(d, tiers[i].signals[k], NULL);
    if (!seen) sp_say_line(&out->unseen, "", "", "%s", tiers[i].text);
  }
}

/* Data that stopped, or came too seldom, while the load was on. */
static void say_stale(const struct sp_diagnosing *d, struct sp_diagnosis *out) {
  char load[40];
  for (size_t i = 0; i < d->first[SP_SIGNAL_COUNT]; i++) {
    struct sp_observed_window window = {.points = 0};
    const struct sp_observed *series = d->series[i];
    const char *name = sp_signal_info(series->signal)->name;
    if (series->signal == SP_SIGNAL_OWN || strstr(name, "limit")) continue; /* a limit is told once */
    sp_observed_window(d->input->observations, series, sp_pressed(d)->from_ns, sp_pressed(d)->to_ns, &window);
    if (window.covered >= SP_SEEN_SHARE) continue;
    sp_say_line(&out->unseen, "", series->query, "%s %s: data for %.0f %% of the time at %s", series->subject, name,
                window.covered * 100, sp_load_text(sp_pressed(d), load, sizeof(load)));
  }
}

void sp_say_unseen(const struct sp_diagnosing *d, struct sp_diagnosis *out) {
  const struct sp_observations *seen = d->input->observations;
  const struct sp_sight *sight;
  say_tiers(d, out);
  for (size_t i = 0; seen && (sight = sp_observations_sight_at(seen, i)); i++)
    if (!sight->can) sp_say_line(&out->unseen, "", "", "%s: %s", sight->source, sight->text);
  say_stale(d, out);
  if (d->calm == d->pressed)
    sp_say_line(&out->unseen, "", "", "how figures change with the load: there was one load alone");
  if (d->doubtful)
    sp_say_line(&out->unseen, "", "", "times as they are to the millisecond, since the generator was late: %.250s",
                d->doubtful->invalid_reason ? d->doubtful->invalid_reason : "the run is not valid");
  if (d->input->generator_shares_machine)
    sp_say_line(&out->unseen, "", "", "what the load generator itself took: it runs on the target's machine");
  if (seen && sp_observations_left_out(seen) > 0)
    sp_say_line(&out->unseen, "", "", "%zu figures were left out: there were too many series",
                sp_observations_left_out(seen));
}

/* -- no claim -- */

static void say_healthy(const struct sp_diagnosing *d, struct sp_diagnosis *out) {
  char took[40], load[40], calm[40];
  const struct sp_diagnose_step *step = sp_pressed(d);
  sp_seconds_text(step->e2e_s, took, sizeof(took));
  sp_load_text(step, load, sizeof(load));
  if (!step->open_loop && step->think_s > 0) {
    snprintf(out->why_not, sizeof(out->why_not),
             "nothing holds the target yet, the users do: %s with %.2f s of think time can make %.1f/s at most, and "
             "make %.1f/s "
             "(%s an answer). More users, or an open loop (--rate), would show its limit",
             load, step->think_s, step->users / step->think_s, step->rps, took);
  } else {
    snprintf(out->why_not, sizeof(out->why_not),
             "nothing holds the target yet: at %s an answer takes %s, at the least load %s", load, took,
             sp_seconds_text(sp_calm(d)->e2e_s, calm, sizeof(calm)));
  }
}

void sp_say_nothing(const struct sp_diagnosing *d, struct sp_diagnosis *out) {
  char took[40], before[40], load[40];
  if (d->count == 0) {
    snprintf(out->why_not, sizeof(out->why_not), "there is nothing to judge: no load was held long enough");
  } else if (!d->loaded && sp_pressed(d)->slo_missed) {
    snprintf(out->why_not, sizeof(out->why_not),
             "the service level is missed at the least load too (%s an answer): it is not the load that makes it slow",
             sp_seconds_text(sp_calm(d)->e2e_s, took, sizeof(took)));
  } else if (!d->loaded) {
    say_healthy(d, out);
  } else if (d->calm == d->pressed) {
    snprintf(
        out->why_not, sizeof(out->why_not),
        "can't tell from one load alone: no figure that was seen is at its limit with a queue before it. Run several "
        "loads (--stages, spate capacity), with more watchers");
  } else {
    snprintf(out->why_not, sizeof(out->why_not),
             "can't tell: at %s answers take %s where they took %s, and no figure that was seen is at its limit with a "
             "queue "
             "before it",
             sp_load_text(sp_pressed(d), load, sizeof(load)), sp_seconds_text(sp_pressed(d)->e2e_s, took, sizeof(took)),
             sp_seconds_text(sp_calm(d)->e2e_s, before, sizeof(before)));
  }
}

void sp_say_generator(const struct sp_diagnose_input *input, struct sp_diagnosis *out) {
  const struct sp_diagnose_step *worst = NULL;
  char load[40];
  for (size_t i = 0; i < input->step_count; i++)
    if (!input->steps[i].valid && (!worst || input->steps[i].load > worst->load)) worst = &input->steps[i];
  if (!worst) return;
  sp_load_text(worst, load, sizeof(load));
  snprintf(out->culprit, sizeof(out->culprit), "generator");
  snprintf(out->claim, sizeof(out->claim), "The generator is the limit at %s, not the target: %.250s", load,
           worst->invalid_reason ? worst->invalid_reason : "it could not make this load");
  sp_say_line(&out->witnesses, "generator", "", "validity: %.250s",
              worst->invalid_reason ? worst->invalid_reason : "the run is not valid");
  out->confidence = SP_DIAGNOSIS_HIGH;
  snprintf(out->change, sizeof(out->change),
           "make the load from a machine with more room (or several), and not on the target's own; then search again");
}
