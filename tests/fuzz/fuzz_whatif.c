/* What-ifs: any text is refused with a sentence or gives a prediction whose figures are figures. */
#include "base/check.h"
#include "base/mem.h"
#include "model/whatif.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void add(struct sp_queue_model *model, const char *name, enum sp_queue_kind kind, double servers, double demand_s,
                int nested_in) {
  struct sp_queue_station *station = &model->stations[model->count++];
  *station = (struct sp_queue_station){.kind = kind, .servers = servers, .demand_s = demand_s, .nested_in = nested_in};
  snprintf(station->name, sizeof(station->name), "%s", name);
}

static void fill(struct sp_deployment *deployment) {
  *deployment = (struct sp_deployment){.load = {.users = 20, .think_s = 1}, .step_count = 1, .misfit = 0.01};
  deployment->steps[0] = (struct sp_deployment_step){.load = deployment->load, .per_s = 12, .mean_s = 0.6};
  add(&deployment->model, "a.slots", SP_QUEUE_SLOTS, 10, 0.01, SP_QUEUE_ROOT);
  add(&deployment->model, "a.cpu", SP_QUEUE_CPU, 0.8, 0.06, 0);
  add(&deployment->model, "b.commit", SP_QUEUE_SERVERS, 1, 0.03, 0);
  add(&deployment->model, "c.calls", SP_QUEUE_SERVERS, INFINITY, 0.1, SP_QUEUE_ROOT);
  add(&deployment->model, SP_DEPLOYMENT_REST, SP_QUEUE_DELAY, 0, 0.1, SP_QUEUE_ROOT);
  deployment->model.stations[2].contention = 0.01;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct sp_deployment deployment;
  static struct sp_whatif_answer answer;
  char *text = sp_strndup((const char *)bytes, len);
  fill(&deployment);
  sp_whatif_ask(&deployment, text, &answer);
  if (answer.refused) {
    SP_CHECK(answer.why_not[0]);
  } else {
    const struct sp_prediction *prediction = &answer.prediction;
    SP_CHECK(isfinite(prediction->per_s) && prediction->per_s > 0 && prediction->per_s <= 24.1 && prediction->mean_s >= 0);
    SP_CHECK(prediction->low_per_s <= prediction->per_s && prediction->per_s <= prediction->high_per_s);
    SP_CHECK(prediction->change[0] && prediction->predicted[0] && prediction->refuted_by[0]);
  }
  free(text);
  return 0;
}
