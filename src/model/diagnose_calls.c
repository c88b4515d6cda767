/* Services that answers call: plugin daemon, vector store, model server, sandbox; the nodes of a flow; a cache's one
 * thread. */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_FULL 0.5        /* of the answer's time is inside of these calls */
#define NODE_FULL 0.5         /* of what answers grew by is in this node */
#define CACHE_FULL 0.85       /* of its one thread */
#define CACHE_SLOW_S 0.01     /* a command that all others stand behind; Redis' own slowlog-log-slower-than */
#define MODEL_CACHE_FULL 0.95 /* KV cache: answers are put back */
#define MERGE_DROP 0.8        /* of the segments are left behind a merge */

/* -- calls -- */

static bool is_called(const struct sp_suspect *suspect) {
  switch (suspect->kind) {
  case SP_SUBJECT_PROXY:
  case SP_SUBJECT_API:
  case SP_SUBJECT_TARGET:
  case SP_SUBJECT_HOST:
  case SP_SUBJECT_POOLER:
    return false;
  default:
    return true;
  }
}

/* Calls under way over the throughput: the time that an answer spends in them. */
static double inside_s(const struct sp_suspect *suspect, size_t step) {
  double time = sp_see(suspect, SP_SIGNAL_CALLS_TIME, NULL, step) * sp_see(suspect, SP_SIGNAL_CALLS_RATE, NULL, step),
         active = sp_see(suspect, SP_SIGNAL_CALLS_ACTIVE, NULL, step);
  return (isfinite(time) ? time : active) / sp_rps(suspect->d, step);
}

static double calls_level(const struct sp_suspect *suspect, size_t step) {
  return sp_capped(inside_s(suspect, step) / suspect->d->steps[step]->e2e_s, 1);
}

/* What they wait inside: told, or what they take more than at the least load. */
static double calls_wait_s(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnosing *d = suspect->d;
  double queued_s = sp_see(suspect, SP_SIGNAL_CALLS_QUEUE_TIME, NULL, step) *
                    sp_see(suspect, SP_SIGNAL_CALLS_RATE, NULL, step) / sp_rps(d, step);
  if (isfinite(queued_s)) return queued_s;
  if (d->calm == d->pressed) return (double)NAN;
  double more_s = inside_s(suspect, step) - inside_s(suspect, d->calm);
  return isnan(more_s) ? more_s : fmax(more_s, 0);
}

/* Segments that pile up and fall: merges. Returns how many falls. */
static unsigned merges(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  const struct sp_observed *series = sp_see_first(d, SP_SIGNAL_VECTOR_SEGMENTS, suspect->subject);
  unsigned falls = 0;
  size_t count = 0;
  struct sp_point *points = series ? sp_observed_points(d->input->observations, series, 0, &count) : NULL;
  for (size_t i = 1; i < count; i++) {
    bool inside = points[i].at_ns > sp_pressed(d)->from_ns && points[i].at_ns <= sp_pressed(d)->to_ns;
    if (inside && points[i].value < MERGE_DROP * points[i - 1].value) falls++;
  }
  free(points);
  return falls;
}

static void calls_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  char took[40];
  unsigned falls = merges(suspect);
  int len = snprintf(text, size, "its calls are %s of an answer (%.0f %%)",
                     sp_seconds_text(inside_s(suspect, step), took, sizeof(took)), suspect->level[step] * 100);
  if (falls > 0 && len > 0 && (size_t)len < size)
    snprintf(text + len, size - (size_t)len, "; segments merged %u times meanwhile", falls);
}

static void calls_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  out->factor = 1.5;
  switch (suspect->kind) {
  case SP_SUBJECT_PLUGIN:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "look for SLOW SQL in the log of %s (look-ups of plugin_installations and ai_model_installations): "
             "PostgreSQL's CPU "
             "and memory, DB_MAX_OPEN_CONNS (30) within max_connections; one plugin is one Python process, so a second "
             "daemon "
             "for CPU",
             suspect->name);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "a restart of the daemon starts all plugins anew");
    return;
  case SP_SUBJECT_VECTOR:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "give %s CPU and a local disk of its own, let imports (whose segments it merges) run at other times; "
             "smaller ef and "
             "top_k, hot searches cached",
             suspect->name);
    snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "a smaller ef finds less");
    return;
  case SP_SUBJECT_MODEL:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
             "a second %s, or more answers at once (vLLM: --max-num-seqs; Ollama: OLLAMA_NUM_PARALLEL, 1 by default)",
             suspect->name);
    return;
  default:
    snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "more of %s: CPU, instances, or calls at once", suspect->name);
    return;
  }
}

/* -- a model server's memory of its answers -- */

static double kv_level(const struct sp_suspect *suspect, size_t step) {
  double put_back = sp_see(suspect, SP_SIGNAL_MODEL_PREEMPTIONS, NULL, step);
  double cache = sp_see(suspect, SP_SIGNAL_MODEL_CACHE_USED, NULL, step) / MODEL_CACHE_FULL;
  return put_back > 0 ? fmax(1, sp_zero(cache)) : cache;
}

static double kv_wait_s(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_SLOTS_WAITING, NULL, step) / sp_rps(suspect->d, step);
}

static void kv_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "KV cache %.0f %% full, %.2f answers/s put back",
           sp_zero(sp_see(suspect, SP_SIGNAL_MODEL_CACHE_USED, NULL, step)) * 100,
           sp_zero(sp_see(suspect, SP_SIGNAL_MODEL_PREEMPTIONS, NULL, step)));
}

static void kv_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  out->factor = 1.5;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "give %s more memory for its KV cache (vLLM: --gpu-memory-utilization, fewer --max-model-len tokens), or a "
           "second one",
           suspect->name);
}

/* -- a cache: one thread -- */

static double cache_level(const struct sp_suspect *suspect, size_t step) {
  double busy = sp_see(suspect, SP_SIGNAL_CACHE_MAIN_THREAD, NULL, step);
  double slow = sp_see(suspect, SP_SIGNAL_CACHE_SLOW_COMMANDS, NULL, step) *
                sp_see(suspect, SP_SIGNAL_CACHE_SLOWEST_COMMAND, NULL, step);
  if (isnan(busy) && isnan(slow)) return busy;
  return fmin(fmax(sp_zero(busy), sp_zero(slow)), 1);
}

static bool cache_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  char took[40];
  double slowest_s = sp_see(suspect, SP_SIGNAL_CACHE_SLOWEST_COMMAND, NULL, suspect->d->pressed);
  if (!(slowest_s >= CACHE_SLOW_S)) return false;
  snprintf(text, size, "all commands stand behind one of %s", sp_seconds_text(slowest_s, took, sizeof(took)));
  return true;
}

static void cache_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "its one thread is busy %.0f %%, %.0f commands/s, %.2f slow ones/s", suspect->level[step] * 100,
           sp_zero(sp_see(suspect, SP_SIGNAL_CACHE_OPS, NULL, step)),
           sp_zero(sp_see(suspect, SP_SIGNAL_CACHE_SLOW_COMMANDS, NULL, step)));
}

static void cache_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  out->factor = 2;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "find the slow command of %s (SLOWLOG GET): KEYS, large ranges and Lua scripts belong elsewhere; Celery's "
           "broker and "
           "the event bus (EVENT_BUS_REDIS_URL) on another instance",
           suspect->name);
}

/* -- nodes of the flow: where the time is, though not what holds it there -- */

static const struct sp_diagnose_node *node_of(const struct sp_diagnose_step *step, const char *title) {
  for (size_t i = 0; i < step->node_count; i++)
    if (strcmp(step->nodes[i].title, title) == 0) return &step->nodes[i];
  return NULL;
}

static double node_s(const struct sp_diagnose_node *node) {
  return node ? node->mean_s * (isfinite(node->per_request) ? node->per_request : 1) : (double)NAN;
}

/* The node that grew most. */
static const struct sp_diagnose_node *grown(const struct sp_diagnosing *d, double *more_s) {
  const struct sp_diagnose_node *most = NULL;
  *more_s = 0;
  for (size_t i = 0; d->calm != d->pressed && i < sp_pressed(d)->node_count; i++) {
    const struct sp_diagnose_node *node = &sp_pressed(d)->nodes[i];
    double more = node_s(node) - node_s(node_of(sp_calm(d), node->title));
    if (more > *more_s) {
      *more_s = more;
      most = node;
    }
  }
  return most;
}

static double node_level(const struct sp_suspect *suspect, size_t step) {
  double more_s;
  const struct sp_diagnosing *d = suspect->d;
  (void)step;
  return grown(d, &more_s) && sp_growth_s(d) > 0 ? more_s / sp_growth_s(d) : (double)NAN;
}

static double node_wait_s(const struct sp_suspect *suspect, size_t step) {
  double more_s;
  const struct sp_diagnosing *d = suspect->d;
  const struct sp_diagnose_node *node = grown(d, &more_s);
  if (!node) return (double)NAN;
  double more = node_s(node_of(d->steps[step], node->title)) - node_s(node_of(sp_calm(d), node->title));
  return isnan(more) ? more : fmax(more, 0);
}

static void node_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  char before[40], now[40];
  double more_s;
  const struct sp_diagnosing *d = suspect->d;
  const struct sp_diagnose_node *node = grown(d, &more_s);
  if (!node) return;
  snprintf(text, size, "'%.80s' (%.40s) takes %s, at the least load %s: %.0f %% of what answers grew by", node->title,
           node->type, sp_seconds_text(node_s(node_of(d->steps[step], node->title)), now, sizeof(now)),
           sp_seconds_text(node_s(node_of(sp_calm(d), node->title)), before, sizeof(before)),
           suspect->level[step] * 100);
}

static void node_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  (void)suspect;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "watch what this node calls (--watch): model server, plugin daemon, vector store or database");
}

static const struct sp_rule rules[] = {
    {.resource = "calls",
     .place = SP_PLACE_CALLS,
     .anchors = {SP_SIGNAL_CALLS_TIME, SP_SIGNAL_CALLS_ACTIVE},
     .anchor_count = 2,
     .fits = is_called,
     .full = CALLS_FULL,
     .share = true,
     .level = calls_level,
     .wait_s = calls_wait_s,
     .figure = calls_figure,
     .shown = SP_SIGNAL_CALLS_TIME,
     .queue_shown = SP_SIGNAL_CALLS_ACTIVE,
     .waits = {"waiting inside of calls of ", ""},
     .advise = calls_advise},
    {.resource = "kv_cache",
     .anchors = {SP_SIGNAL_MODEL_CACHE_USED, SP_SIGNAL_MODEL_PREEMPTIONS},
     .anchor_count = 2,
     .full = 1,
     .level = kv_level,
     .wait_s = kv_wait_s,
     .figure = kv_figure,
     .shown = SP_SIGNAL_MODEL_CACHE_USED,
     .queue_shown = SP_SIGNAL_MODEL_PREEMPTIONS,
     .waits = {"waiting for room in the KV cache of ", ""},
     .advise = kv_advise},
    {.resource = "main_thread",
     .anchors = {SP_SIGNAL_CACHE_MAIN_THREAD, SP_SIGNAL_CACHE_SLOW_COMMANDS},
     .anchor_count = 2,
     .full = CACHE_FULL,
     .scales = true,
     .unmeasured = true,
     .level = cache_level,
     .saturated = cache_saturated,
     .figure = cache_figure,
     .shown = SP_SIGNAL_CACHE_MAIN_THREAD,
     .queue_shown = SP_SIGNAL_CACHE_SLOWEST_COMMAND,
     .waits = {"waiting for the one thread of ", ""},
     .advise = cache_advise},
    {.resource = "node",
     .place = SP_PLACE_NODE,
     .subject = "flow",
     .full = NODE_FULL,
     .share = true,
     .level = node_level,
     .wait_s = node_wait_s,
     .figure = node_figure,
     .shown = SP_SIGNAL_COUNT,
     .queue_shown = SP_SIGNAL_COUNT,
     .waits = {"waiting in one node of the ", "; what holds it there was not seen"},
     .advise = node_advise},
};
const struct sp_rules sp_rules_calls = {rules, sizeof(rules) / sizeof(rules[0])};
