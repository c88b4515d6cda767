#include "cli/diagnose_rig.h"

#include "base/buf.h"
#include "base/mem.h"
#include "mock/handlers.h"
#include "watch/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define S SP_NS_PER_S
#define EPOCH_NS (INT64_C(1790000000) * SP_NS_PER_S)
#define STEP_NS (1000 * SP_NS_PER_S) /* from one step's begin to the next one's */

struct watching {
  struct rig *rig;
  const struct rig_case *what;
  struct sp_panel *panel;
  struct sp_watch_sink sink;
  int64_t begin_ns, now_ns; /* of the loop's clock; 0: it has not begun */
  size_t step;
  /* the answers' sums */
  double e2e_s, ttfb_s, ttfe_s, ttft_s, gap_s, gaps, tokens;
  double node_s[SP_DIAGNOSE_NODES_MAX];
  uint64_t done, noded[SP_DIAGNOSE_NODES_MAX];
};

/* -- what a watcher makes of an exporter's text: as the watcher `scrape` does -- */

static int64_t wall_ns(const struct watching *watching) {
  return EPOCH_NS + (int64_t)watching->step * STEP_NS + watching->now_ns - watching->begin_ns;
}

static void on_sample(void *ctx, const struct sp_prom_sample *sample) {
  struct watching *watching = ctx;
  struct sp_panel_series *series = sp_panel_series(watching->panel, sample);
  if (series) sp_panel_put(watching->panel, series, wall_ns(watching), sample->value);
}

static void look(void *ctx, struct sp_resources *resources, int64_t now_ns) {
  struct watching *watching = ctx;
  struct sp_buf text;
  struct sp_prom prom;
  if (watching->begin_ns == 0) watching->begin_ns = now_ns;
  watching->now_ns = now_ns;
  if (watching->what->seen_share > 0 && (double)(now_ns - watching->begin_ns) > watching->what->seen_share * 120 * (double)S) return;
  sp_buf_init(&text, 1u << 20);
  sp_mock_put_resources(&text, resources, now_ns);
  sp_prom_init(&prom, false, on_sample, watching);
  sp_prom_feed(&prom, sp_buf_str(&text));
  sp_prom_end(&prom);
  assert_int_equal(prom.faults, 0);
  sp_panel_flush(watching->panel, &watching->sink);
  sp_prom_fini(&prom);
  sp_buf_fini(&text);
}

/* -- what the run itself measures -- */

static void take_answer(struct watching *watching, const struct sp_schedule *schedule, bool streaming) {
  double arrival = (double)schedule->arrival_ns;
  watching->done++;
  watching->e2e_s += ((streaming ? (double)schedule->end_ns : (double)schedule->due_ns) - arrival) / 1e9;
  watching->ttfb_s += ((streaming ? (double)schedule->head_ns : (double)schedule->due_ns) - arrival) / 1e9;
  watching->ttfe_s += ((double)schedule->begin_ns - arrival) / 1e9;
  watching->ttft_s += ((double)schedule->first_ns - arrival) / 1e9;
  watching->tokens += (double)schedule->tokens;
  if (schedule->tokens > 1) {
    watching->gap_s += (double)(schedule->last_ns - schedule->first_ns) / 1e9;
    watching->gaps += (double)schedule->tokens - 1;
  }
}

static void stepped(void *ctx, const struct sp_mock_exchange *exchange, bool measured) {
  struct watching *watching = ctx;
  const struct sp_schedule *schedule = &exchange->schedule;
  if (!measured) return;
  if (!exchange->streaming || schedule->step == SP_STEP_DONE) {
    take_answer(watching, schedule, exchange->streaming);
  } else if (schedule->step == SP_STEP_NODE_FINISHED && schedule->node < SP_DIAGNOSE_NODES_MAX) {
    watching->node_s[schedule->node] += (double)(schedule->due_ns - schedule->node_begun_ns) / 1e9;
    watching->noded[schedule->node]++;
  }
}

static void put_nodes(const struct watching *watching, const struct rig_case *what, struct sp_diagnose_step *step) {
  static const char *const complex_nodes[][2] = {{"Start", "start"},       {"Department", "if-else"},
                                                 {"Function call", "tool"}, {"Weather", "tool"},
                                                 {"Knowledge", "knowledge-retrieval"}, {"LLM", "llm"},
                                                  {"Answer", "answer"}};
  bool complex_app = strcmp(what->app, "complex") == 0;
  for (size_t i = 0; complex_app && i < 7; i++) {
    if (watching->noded[i] == 0) continue;
    step->nodes[step->node_count++] = (struct sp_diagnose_node){
        .title = complex_nodes[i][0], .type = complex_nodes[i][1],
        .mean_s = watching->node_s[i] / (double)watching->noded[i],
        .p95_s = (double)NAN, .per_request = (double)watching->noded[i] / (double)watching->done};
  }
}

double rig_think_s(const struct rig_case *what) {
  if (what->think_s > 0) return what->think_s;
  return strcmp(what->app, "retrieve") == 0 ? 3.5 : 2;
}

static void put_step(const struct watching *watching, const struct rig_case *what, const struct closed_system *system,
                     struct sp_diagnose_step *step) {
  double n = (double)watching->done, nan = (double)NAN;
  bool whole = strcmp(what->app, "retrieve") == 0;
  *step = (struct sp_diagnose_step){
      .from_ns = EPOCH_NS + (int64_t)watching->step * STEP_NS, .load = system->users, .users = system->users,
      .think_s = rig_think_s(what), .rps = system->per_s, .ok_rps = system->per_s, .connect_s = nan, .connect_p99_s = nan,
      .ttfb_s = watching->ttfb_s / n, .ttfe_s = whole ? nan : watching->ttfe_s / n,
      .ttft_s = whole ? nan : watching->ttft_s / n,
      .ttft_p95_s = nan, .e2e_s = watching->e2e_s / n, .e2e_p95_s = nan,
      .itl_s = watching->gaps > 0 ? watching->gap_s / watching->gaps : nan, .itl_p95_s = nan, .max_gap_s = nan,
      .tokens = whole ? nan : watching->tokens / n, .lump_share = whole ? nan : 0, .miss_share = nan, .valid = true};
  step->to_ns = step->from_ns + system->measured_ns;
  step->in_flight = step->rps * step->e2e_s;
  step->outcomes[SP_OUTCOME_OK] = watching->done;
  put_nodes(watching, what, step);
}

static void run_step(struct rig *rig, const struct rig_case *what, unsigned users) {
  double think_ns = rig_think_s(what) * (double)S;
  const char *built_in = sp_mock_profile_find(what->profile);
  struct watching *watching = sp_alloc(sizeof(*watching));
  struct sp_panel_options panel = {.instance = "mock:5001", .url = "http://mock:5001/metrics", .interval_ns = S};
  struct sp_err err;
  *watching = (struct watching){.rig = rig, .what = what, .step = rig->step_count,
                                .sink = {.observations = rig->observations, .source = "scrape http://mock:5001/metrics"}};
  assert_int_equal(sp_panel_create(&panel, &watching->panel, &err), 0);
  struct closed_system system = {.profile = built_in ? built_in : what->profile, .app = what->app, .users = users,
                                 .think = {SP_DIST_UNIFORM, think_ns / 2, think_ns * 3 / 2},
                                 .warm_up_ns = 40 * S, .measured_ns = 120 * S, .look = look, .stepped = stepped,
                                 .ctx = watching};
  closed_system_run(&system);
  put_step(watching, what, &system, &rig->steps[rig->step_count++]);
  sp_panel_destroy(watching->panel);
  free(watching);
}

void rig_run(struct rig *rig, const struct rig_case *what) {
  memset(rig, 0, sizeof(*rig));
  rig->observations = sp_observations_create();
  for (size_t i = 0; i < RIG_STEPS_MAX && what->users[i] > 0; i++) run_step(rig, what, what->users[i]);
  struct sp_diagnose_input *input = sp_alloc(sizeof(*input));
  input->steps = rig->steps;
  input->step_count = rig->step_count;
  input->observations = what->blind ? NULL : rig->observations;
  sp_diagnose(input, &rig->diagnosis);
  free(input);
}

void rig_fini(struct rig *rig) {
  sp_diagnosis_fini(&rig->diagnosis);
  sp_observations_destroy(rig->observations);
}
