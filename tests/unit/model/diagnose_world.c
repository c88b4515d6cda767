#include "model/diagnose_world.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_NS (60 * SP_NS_PER_S)
#define START_NS (INT64_C(1790000000) * SP_NS_PER_S)
#define NONE (double)NAN

struct figures { /* of a shape, at each load */
  double rps[WORLD_STEPS], e2e_s[WORLD_STEPS], ttfb_s[WORLD_STEPS];
};

static const struct figures shapes[] = {
    [PRESSED] = {{4.76, 23.3, 23.8}, {0.10, 0.15, 2.20}, {0.02, 0.03, 0.70}},
    [AHEAD] = {{4.76, 23.3, 23.8}, {0.10, 0.15, 2.20}, {0.02, 0.07, 2.12}},
    [FALLING] = {{4.76, 23.3, 14.3}, {0.10, 0.15, 5.00}, {0.02, 0.03, 0.90}},
    [HEALTHY] = {{4.76, 23.8, 47.6}, {0.10, 0.10, 0.10}, {0.02, 0.02, 0.02}},
    [SLOW] = {{2.38, 11.9, 23.8}, {2.20, 2.20, 2.20}, {0.02, 0.02, 0.02}},
    [ALONE] = {{23.8, 0, 0}, {2.20, 0, 0}, {0.70, 0, 0}},
    [FAILING] = {{4.76, 23.8, 47.6}, {0.10, 0.10, 0.10}, {0.02, 0.02, 0.02}},
};

void world_begin(struct world *world, enum shape shape) {
  static const double loads[] = {10, 50, 100};
  const struct figures *figures = &shapes[shape];
  memset(world, 0, sizeof(*world));
  world->seen = sp_observations_create();
  world->input = (struct sp_diagnose_input){.steps = world->steps, .step_count = shape == ALONE ? 1 : WORLD_STEPS,
                                            .observations = world->seen};
  for (size_t i = 0; i < world->input.step_count; i++) {
    double rps = figures->rps[i], e2e_s = figures->e2e_s[i], load = shape == ALONE ? 100 : loads[i];
    bool fails = shape == FAILING && i == 2;
    world->steps[i] = (struct sp_diagnose_step){
        .from_ns = START_NS + (int64_t)i * MINUTE_NS, .to_ns = START_NS + (int64_t)(i + 1) * MINUTE_NS, .load = load,
        .users = load, .in_flight = rps * e2e_s, .think_s = load / rps - e2e_s, .rps = rps,
        .ok_rps = fails ? 0.9 * rps : rps,
        .failed_share = fails ? 0.1 : 0, .connect_s = 0.001, .connect_p99_s = 0.003, .new_connections_per_s = 0.1,
        .ttfb_s = figures->ttfb_s[i], .ttfe_s = figures->ttfb_s[i] + 0.005 * e2e_s / 0.1, .ttft_s = NONE,
        .ttft_p95_s = NONE,
        .e2e_s = e2e_s, .e2e_p95_s = NONE, .itl_s = NONE, .itl_p95_s = NONE, .max_gap_s = NONE, .tokens = NONE,
        .lump_share = NONE, .miss_share = NONE, .slo_missed = shape == SLOW, .valid = true};
    world->steps[i].outcomes[SP_OUTCOME_OK] = (uint64_t)(rps * 60);
  }
}

void world_see(struct world *world, const struct sight *sight) {
  char query[80];
  snprintf(query, sizeof(query), "show %s", sp_signal_info(sight->signal)->name);
  struct sp_observed_key key = {.signal = sight->signal, .subject = sight->subject, .detail = sight->detail,
  .source = "test",
                                .query = query};
  for (size_t i = 0; i < world->input.step_count; i++) {
    for (int64_t second = 1; second <= 60; second++)
      sp_observations_add(world->seen, &key, world->steps[i].from_ns + second * SP_NS_PER_S, SP_NS_PER_S, sight->at[i]);
  }
}

void world_diagnose(struct world *world) { sp_diagnose(&world->input, &world->diagnosis); }

void world_end(struct world *world) {
  sp_diagnosis_fini(&world->diagnosis);
  sp_observations_destroy(world->seen);
}

bool world_lists(const struct sp_diagnosis_list *list, const char *part) {
  for (size_t i = 0; i < list->count; i++)
    if (strstr(list->lines[i].text, part)) return true;
  return false;
}

bool world_says(const struct sp_diagnosis *diagnosis, const char *part) {
  return strstr(diagnosis->claim, part) || strstr(diagnosis->why_not, part) || strstr(diagnosis->change, part) ||
         strstr(diagnosis->predicted, part) || world_lists(&diagnosis->witnesses, part);
}

/* What holds of every diagnosis. */
static void check_whole(const struct row *row, const struct sp_diagnosis *diagnosis) {
  bool claims = diagnosis->claim[0] != 0;
  if (claims == (diagnosis->why_not[0] != 0)) fail_msg("%s: a claim or a reason why there is none", row->name);
  if (claims != (diagnosis->culprit[0] != 0)) fail_msg("%s: a claim names its culprit", row->name);
  if (claims != (diagnosis->confidence > SP_DIAGNOSIS_NONE)) fail_msg("%s: a claim says how sure", row->name);
  if (claims && (diagnosis->witnesses.count == 0 || !diagnosis->change[0])) fail_msg("%s: witnesses and a change",
  row->name);
  for (size_t i = 0; i < diagnosis->exonerated.count; i++)
    if (strcmp(diagnosis->exonerated.lines[i].resource,
    diagnosis->culprit) == 0) fail_msg("%s: claimed, and exonerated", row->name);
}

static void check_row(const struct row *row) {
  struct world world;
  world_begin(&world, row->shape);
  for (size_t i = 0; i < WORLD_SIGHTS && row->sights[i].subject; i++) world_see(&world, &row->sights[i]);
  for (size_t i = 0; i < 2 && row->errors[i].detail; i++) world.input.errors[world.input.error_count++] = row->errors[i];
  if (row->edit) row->edit(world.steps);
  world_diagnose(&world);
  const struct sp_diagnosis *diagnosis = &world.diagnosis;
  check_whole(row, diagnosis);
  if (strcmp(diagnosis->culprit, row->culprit) != 0)
    fail_msg("%s: '%s' in place of '%s': %s%s", row->name, diagnosis->culprit, row->culprit, diagnosis->claim,
             diagnosis->why_not);
  if (row->says && !world_says(diagnosis, row->says))
    fail_msg("%s: it does not say '%s': %s%s", row->name, row->says, diagnosis->claim, diagnosis->why_not);
  world_end(&world);
}

void check_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) check_row(&rows[i]);
}
