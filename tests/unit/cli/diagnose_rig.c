#include "cli/diagnose_rig.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "mock/handlers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S SP_NS_PER_S
#define EPOCH_NS (INT64_C(1790000000) * SP_NS_PER_S)
#define STEP_NS (1000 * SP_NS_PER_S) /* from one step's begin to the next one's */
#define FIGURES_MAX 400u

/* -- what a watcher makes of an exporter's lines -- */

enum how { GAUGE, RATE, RATIO_TOP, RATIO_BOTTOM, QUOTA, PERIOD };

struct meaning {
  const char *metric, *label; /* the label that it has to have; "" any */
  enum how how;
  enum sp_signal signal;
  const char *subject; /* or "=container": that label's value */
  double scale;
};

static const struct meaning meanings[] = {
    {"container_cpu_usage_seconds_total", "", RATE, SP_SIGNAL_CPU_CORES, "=container", 1},
    {"container_spec_cpu_quota", "", QUOTA, SP_SIGNAL_CPU_LIMIT, "=container", 1},
    {"container_cpu_cfs_throttled_periods_total", "", RATE, SP_SIGNAL_CPU_THROTTLED, "=container", 0.1},
    {"container_pressure_cpu_waiting_seconds_total", "", RATE, SP_SIGNAL_CPU_PRESSURE, "=container", 1},
    {"node_cpu_seconds_total", "mode=\"user\"", RATE, SP_SIGNAL_CPU_CORES, "host:mock", 1},
    {"node_pressure_io_waiting_seconds_total", "", RATE, SP_SIGNAL_IO_PRESSURE, "host:mock", 1},
    {"pg_stat_activity_count", "state=\"active\"", GAUGE, SP_SIGNAL_DB_SESSIONS, "postgres", 1},
    {"pg_stat_database_numbackends", "", GAUGE, SP_SIGNAL_DB_CONNECTIONS, "postgres", 1},
    {"pg_settings_max_connections", "", GAUGE, SP_SIGNAL_DB_CONNECTIONS_LIMIT, "postgres", 1},
    {"pg_stat_database_xact_commit", "", RATE, SP_SIGNAL_DB_COMMITS, "postgres", 1},
    {"pgbouncer_pools_server_active_connections", "", GAUGE, SP_SIGNAL_SLOTS_USED, "pgbouncer", 1},
    {"pgbouncer_databases_pool_size", "", GAUGE, SP_SIGNAL_SLOTS_LIMIT, "pgbouncer", 1},
    {"pgbouncer_pools_client_waiting_connections", "", GAUGE, SP_SIGNAL_SLOTS_WAITING, "pgbouncer", 1},
    {"pgbouncer_stats_client_wait_seconds_total", "", RATE, SP_SIGNAL_SLOTS_WAIT_TIME, "pgbouncer", 1},
    {"plugin_invocations_active", "", GAUGE, SP_SIGNAL_CALLS_ACTIVE, "plugin_daemon", 1},
    {"plugin_invocations_total", "", RATE, SP_SIGNAL_CALLS_RATE, "plugin_daemon", 1},
    {"plugin_invocation_duration_seconds_sum", "", RATIO_TOP, SP_SIGNAL_CALLS_TIME, "plugin_daemon", 1},
    {"plugin_invocation_duration_seconds_count", "", RATIO_BOTTOM, SP_SIGNAL_CALLS_TIME, "plugin_daemon", 1},
    {"lsm_segment_count", "", GAUGE, SP_SIGNAL_VECTOR_SEGMENTS, "weaviate", 1},
    {"concurrent_queries_count", "", GAUGE, SP_SIGNAL_CALLS_ACTIVE, "weaviate", 1},
    {"queries_durations_ms_sum", "", RATIO_TOP, SP_SIGNAL_CALLS_TIME, "weaviate", 0.001},
    {"queries_durations_ms_count", "", RATIO_BOTTOM, SP_SIGNAL_CALLS_TIME, "weaviate", 1},
    {"queries_durations_ms_count", "", RATE, SP_SIGNAL_CALLS_RATE, "weaviate", 1},
    {"vllm:num_requests_running", "", GAUGE, SP_SIGNAL_SLOTS_USED, "vllm", 1},
    {"vllm:num_requests_waiting", "", GAUGE, SP_SIGNAL_SLOTS_WAITING, "vllm", 1},
    {"gunicorn_backlog", "", GAUGE, SP_SIGNAL_SLOTS_WAITING, "dify-api", 1},
    {"nginx_connections_writing", "", GAUGE, SP_SIGNAL_CALLS_ACTIVE, "nginx", 1},
    {"nginx_http_requests_total", "", RATE, SP_SIGNAL_CALLS_RATE, "nginx", 1},
    {"redis_key_size", "", GAUGE, SP_SIGNAL_QUEUE_LENGTH, "celery", 1},
};
#define MEANINGS (sizeof(meanings) / sizeof(meanings[0]))

struct figure { /* a subject's and detail's, summed over its lines */
  const struct meaning *meaning;
  char subject[60], detail[80];
  double now, before;
};

struct watching {
  struct rig *rig;
  const struct rig_case *what;
  struct figure figures[FIGURES_MAX];
  size_t figure_count;
  int64_t begin_ns, last_ns; /* of the loop's clock; 0: none yet */
  size_t step;
  /* the answers' sums */
  double e2e_s, ttfb_s, ttfe_s, ttft_s, gap_s, gaps, tokens;
  double node_s[SP_DIAGNOSE_NODES_MAX];
  uint64_t done, noded[SP_DIAGNOSE_NODES_MAX];
};

static void label_of(const char *line, const char *name, char *out, size_t size) {
  char key[40];
  snprintf(key, sizeof(key), "%s=\"", name);
  const char *at = strstr(line, key);
  size_t len = at ? strcspn(at + strlen(key), "\"") : 0;
  snprintf(out, size, "%.*s", (int)len, at ? at + strlen(key) : "");
}

static void name_figure(const struct meaning *meaning, const char *line, char *subject, char *detail) {
  char type[40], event[40];
  snprintf(subject, 60, "%s", meaning->subject);
  if (meaning->subject[0] == '=') label_of(line, meaning->subject + 1, subject, 60);
  detail[0] = 0;
  if (meaning->signal == SP_SIGNAL_DB_SESSIONS) {
    label_of(line, "wait_event_type", type, sizeof(type));
    label_of(line, "wait_event", event, sizeof(event));
    snprintf(detail, 80, type[0] ? "%s/%s" : "CPU", type, event);
  } else if (meaning->signal == SP_SIGNAL_QUEUE_LENGTH) {
    label_of(line, "key", detail, 80);
  }
}

static void take_value(struct watching *watching, const struct meaning *meaning, const char *line, double value) {
  char subject[60], detail[80];
  name_figure(meaning, line, subject, detail);
  for (size_t i = 0; i < watching->figure_count; i++) {
    struct figure *figure = &watching->figures[i];
    if (figure->meaning != meaning || strcmp(figure->subject, subject) != 0 || strcmp(figure->detail,
    detail) != 0) continue;
    figure->now += value;
    return;
  }
  assert_true(watching->figure_count < FIGURES_MAX);
  struct figure *figure = &watching->figures[watching->figure_count++];
  *figure = (struct figure){.meaning = meaning, .now = value};
  snprintf(figure->subject, sizeof(figure->subject), "%s", subject);
  snprintf(figure->detail, sizeof(figure->detail), "%s", detail);
}

static void take_line(struct watching *watching, const char *line) {
  size_t name = strcspn(line, "{ ");
  const char *value = strrchr(line, ' ');
  if (line[0] == '#' || !value) return;
  for (size_t i = 0; i < MEANINGS; i++) {
    const struct meaning *meaning = &meanings[i];
    if (strlen(meaning->metric) != name || strncmp(line, meaning->metric, name) != 0) continue;
    if (meaning->label[0] && !strstr(line, meaning->label)) continue;
    take_value(watching, meaning, line, strtod(value, NULL));
  }
}

static const struct figure *bottom_of(const struct watching *watching, const struct figure *top) {
  for (size_t i = 0; i < watching->figure_count; i++) {
    const struct figure *figure = &watching->figures[i];
    if (figure->meaning->how == RATIO_BOTTOM && figure->meaning->signal == top->meaning->signal &&
        strcmp(figure->subject, top->subject) == 0)
      return figure;
  }
  fail_msg("no count for %s", top->meaning->metric);
  return NULL;
}

static double point_of(const struct watching *watching, const struct figure *figure, double span_s) {
  double grown = figure->now - figure->before, scale = figure->meaning->scale;
  switch (figure->meaning->how) {
  case GAUGE: return figure->now * scale;
  case RATE: return grown / span_s * scale;
  case QUOTA: return figure->now / 100000; /* the mock's period */
  case RATIO_TOP: {
    const struct figure *bottom = bottom_of(watching, figure);
    return grown * scale / (bottom->now - bottom->before); /* no number where nothing ended: no point */
  }
  default: return (double)NAN;
  }
}

static void add_points(struct watching *watching, int64_t now_ns) {
  double span_s = (double)(now_ns - watching->last_ns) / 1e9;
  int64_t at_ns = EPOCH_NS + (int64_t)watching->step * STEP_NS + now_ns - watching->begin_ns;
  for (size_t i = 0; i < watching->figure_count; i++) {
    struct figure *figure = &watching->figures[i];
    struct sp_observed_key key = {.signal = figure->meaning->signal, .subject = figure->subject,
    .detail = figure->detail,
                                  .source = "scrape", .query = figure->meaning->metric};
    sp_observations_add(watching->rig->observations, &key, at_ns, now_ns - watching->last_ns,
                        point_of(watching, figure, span_s));
  }
}

static void look(void *ctx, struct sp_resources *resources, int64_t now_ns) {
  struct watching *watching = ctx;
  struct sp_buf text;
  char line[1000];
  bool first = watching->last_ns == 0;
  if (first) watching->begin_ns = now_ns;
  if (watching->what->seen_share > 0 && now_ns - watching->begin_ns > watching->what->seen_share * 120 * S) return;
  for (size_t i = 0; i < watching->figure_count; i++) {
    watching->figures[i].before = watching->figures[i].now;
    watching->figures[i].now = 0;
  }
  sp_buf_init(&text, 1u << 20);
  sp_mock_put_resources(&text, resources, now_ns);
  for (const char *at = text.bytes; at && *at; at += strcspn(at, "\n") + 1) {
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    take_line(watching, line);
  }
  sp_buf_fini(&text);
  if (!first && !watching->what->blind) add_points(watching, now_ns);
  watching->last_ns = now_ns;
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

static void put_step(const struct watching *watching, const struct rig_case *what, const struct closed_system *system,
                     struct sp_diagnose_step *step) {
  double n = (double)watching->done, nan = (double)NAN;
  bool whole = strcmp(what->app, "retrieve") == 0;
  *step = (struct sp_diagnose_step){
      .from_ns = EPOCH_NS + (int64_t)watching->step * STEP_NS, .load = system->users, .users = system->users,
      .think_s = whole ? 3.5 : 2, .rps = system->per_s, .ok_rps = system->per_s, .connect_s = nan, .connect_p99_s = nan,
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
  bool whole = strcmp(what->app, "retrieve") == 0;
  const char *built_in = sp_mock_profile_find(what->profile);
  struct watching *watching = sp_alloc(sizeof(*watching));
  *watching = (struct watching){.rig = rig, .what = what, .step = rig->step_count};
  struct closed_system system = {.profile = built_in ? built_in : what->profile, .app = what->app, .users = users,
                                 .think = {SP_DIST_UNIFORM, (whole ? 2 : 1) * (double)S, (whole ? 5 : 3) * (double)S},
                                 .warm_up_ns = 40 * S, .measured_ns = 120 * S, .look = look, .stepped = stepped,
                                 .ctx = watching};
  closed_system_run(&system);
  put_step(watching, what, &system, &rig->steps[rig->step_count++]);
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
