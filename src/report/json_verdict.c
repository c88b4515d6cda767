/* The JSON summary's judgements: validity, service levels; and the load that was asked for, stage by stage. */
#include "report/json_parts.h"

#include <math.h>

static json_t *milliseconds(int64_t ns) { return sp_doc_number((double)ns / (double)SP_NS_PER_MS); }

/* --- validity --- */

static json_t *threads(const struct sp_run_facts *facts) {
  json_t *array = json_array();
  for (unsigned i = 0; i < facts->threads && i < SP_THREADS_MAX; i++) {
    json_t *object = json_object();
    sp_doc_set(object, "cpu_share", sp_doc_number(facts->thread[i].cpu_share));
    sp_doc_set(object, "wait_share", sp_doc_number(facts->thread[i].wait_share));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *generator(const struct sp_result *result) {
  const struct sp_validity *judged = &result->validity;
  const struct sp_run_facts *facts = &result->facts;
  json_t *object = json_object();
  sp_doc_set(object, "cpu_share", sp_doc_number(judged->cpu_share));
  sp_doc_set(object, "loop_lag_ms", sp_doc_hist_ms(&result->totals->loop_lag));
  sp_doc_set(object, "lag_ms", sp_doc_hist_ms(&result->totals->lag));
  sp_doc_set(object, "late_starts", sp_doc_whole(judged->late_starts));
  sp_doc_set(object, "dropped_starts", sp_doc_whole(judged->dropped_starts));
  sp_doc_set(object, "connections", sp_doc_whole(result->totals->connections));
  sp_doc_set(object, "port_exhausted", sp_doc_whole(result->totals->port_exhausted));
  sp_doc_set(object, "files_exhausted", sp_doc_whole(result->totals->files_exhausted));
  sp_doc_set(object, "start_lag_ms", sp_doc_hist_ms(&result->totals->start_lag));
  sp_doc_set(object, "throttled_ms",
              facts->throttling.known ? milliseconds(facts->throttling.throttled_ns) : json_null());
  sp_doc_set(object, "threads", threads(facts));
  return object;
}

/* null: too little to say. */
static json_t *law(const struct sp_little *law, double closure) {
  if (!isfinite(closure)) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set(object, "observed", sp_doc_number(law->observed));
  sp_doc_set(object, "predicted", sp_doc_number(law->predicted));
  sp_doc_set(object, "closure", sp_doc_number(closure));
  sp_doc_set(object, "samples", sp_doc_whole(law->samples));
  return object;
}

static json_t *little(const struct sp_result *result) {
  const struct sp_validity *judged = &result->validity;
  json_t *object = json_object();
  sp_doc_set(object, "closure_error", sp_doc_number(judged->closure_error));
  sp_doc_set(object, "users", law(&result->facts.users_law, judged->users_closure));
  sp_doc_set(object, "requests", law(&result->facts.requests_law, judged->requests_closure));
  return object;
}

json_t *sp_doc_validity(const struct sp_result *result) {
  const struct sp_validity *judged = &result->validity;
  json_t *object = json_object(), *reasons = json_array(), *notes = json_array();
  for (size_t i = 0; i < judged->reason_count; i++) {
    json_array_append_new(reasons, sp_doc_text(judged->reasons[i]));
  }
  for (size_t i = 0; i < judged->note_count; i++) {
    json_array_append_new(notes, sp_doc_text(judged->notes[i]));
  }
  sp_doc_set(object, "valid", json_boolean(judged->valid));
  sp_doc_set(object, "reasons", reasons);
  sp_doc_set(object, "generator", generator(result));
  sp_doc_set(object, "little", little(result));
  sp_doc_set(object, "notes", notes);
  return object;
}

json_t *sp_doc_notes(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->note_count; i++) {
    json_array_append_new(array, sp_doc_text(result->notes[i]));
  }
  return array;
}

/* --- service levels --- */

static const char *unit_of(const struct sp_slo *slo) {
  switch (sp_slo_unit(slo)) {
  case SP_SLO_MS: return "ms";
  case SP_SLO_SHARE: return "share";
  case SP_SLO_PER_S: return "/s";
  case SP_SLO_OWN: return "own";
  }
  return NULL;
}

static json_t *confidence(const struct sp_slo_result *slo) {
  char text[SP_CONFIDENCE_TEXT_SIZE];
  const struct sp_confidence *sure = slo->confidence;
  if (!sure || !slo->slo) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set(object, "level", sp_doc_number(0.95));
  sp_doc_set(object, "low", sp_doc_number(sure->low));
  sp_doc_set(object, "high", sp_doc_number(sure->high));
  sp_doc_set(object, "batches", sp_doc_whole(sure->batches));
  sp_doc_set(object, "samples", sp_doc_whole(sure->samples));
  sp_doc_set(object, "samples_needed", sp_doc_whole(sure->needed));
  sp_doc_set(object, "undecided", json_boolean(sp_confidence_is_undecided(sure, slo->slo)));
  sp_doc_set(object, "text", sp_doc_text(sp_confidence_text(sure, slo->slo, text, sizeof(text))));
  return object;
}

static json_t *windows(const struct sp_slo_result *slo, int64_t begin_ns) {
  const struct sp_window_track *track = slo->window;
  if (!track) {
    return json_null();
  }
  json_t *object = json_object();
  bool has_worst = isfinite(track->worst);
  sp_doc_set(object, "count", sp_doc_whole(track->windows));
  sp_doc_set(object, "empty", sp_doc_whole(track->empty));
  sp_doc_set(object, "missed", sp_doc_whole(track->missed));
  sp_doc_set(object, "worst", sp_doc_number(track->worst));
  sp_doc_set(object, "worst_begin_s", has_worst ? sp_doc_seconds(track->worst_begin_ns - begin_ns) : json_null());
  sp_doc_set(object, "worst_end_s", has_worst ? sp_doc_seconds(track->worst_end_ns - begin_ns) : json_null());
  return object;
}

json_t *sp_doc_slos(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->slo_count; i++) {
    const struct sp_slo_result *slo = &result->slos[i];
    json_t *object = json_object();
    sp_doc_set(object, "expr", sp_doc_text(slo->expression));
    sp_doc_set(object, "value", sp_doc_number(slo->value));
    sp_doc_set(object, "met", json_boolean(slo->met));
    sp_doc_set(object, "unit", sp_doc_text(slo->slo ? unit_of(slo->slo) : NULL));
    sp_doc_set(object, "samples", slo->slo ? sp_doc_whole(slo->samples) : json_null());
    sp_doc_set(object, "why", sp_doc_text(slo->why));
    sp_doc_set(object, "confidence", confidence(slo));
    sp_doc_set(object, "windows", windows(slo, result->totals->begin_ns));
    json_array_append_new(array, object);
  }
  return array;
}

/* --- the load --- */

static const char *level_unit(enum sp_load_kind kind) {
  return kind == SP_LOAD_RATE ? "/s" : kind == SP_LOAD_IN_FLIGHT ? "in flight" : "users";
}

static json_t *arrivals(const struct sp_result *result) {
  const struct sp_run_facts *facts = &result->facts;
  if (result->load->kind != SP_LOAD_RATE) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set(object, "planned", sp_doc_whole(facts->arrivals_planned));
  sp_doc_set(object, "made", sp_doc_whole(facts->arrivals_made));
  sp_doc_set(object, "dropped", sp_doc_whole(facts->arrivals_dropped));
  return object;
}

/* What the level follows; null: it stays as it is. */
static const char *followed(const struct sp_load *load) {
  return load->trace ? "trace" : load->shape ? "shape" : load->stage_count > 0 ? "stages" : NULL;
}

json_t *sp_doc_load(const struct sp_result *result) {
  json_t *object = json_object();
  sp_doc_set(object, "kind", sp_doc_text(sp_load_kind_name(result->load->kind)));
  sp_doc_set(object, "follows", sp_doc_text(followed(result->load)));
  sp_doc_set(object, "users_mean", sp_doc_number(result->facts.users_mean));
  sp_doc_set(object, "in_flight_mean", sp_doc_number(result->facts.in_flight_mean));
  sp_doc_set(object, "arrivals", arrivals(result));
  return object;
}

static json_t *stage(const struct sp_run_stage *stage, enum sp_load_kind kind) {
  json_t *object = json_object();
  sp_doc_set(object, "from", sp_doc_number(stage->stage.from));
  sp_doc_set(object, "to", sp_doc_number(stage->stage.to));
  sp_doc_set(object, "unit", sp_doc_text(level_unit(kind)));
  sp_doc_set(object, "begin_s", sp_doc_seconds(stage->begin_ns));
  sp_doc_set(object, "duration_s", stage->stage.hold_ns > 0 ? sp_doc_seconds(stage->stage.hold_ns) : json_null());
  sp_doc_set(object, "measured_s", sp_doc_seconds(stage->measured_ns));
  sp_doc_set(object, "users_mean", sp_doc_number(stage->users_mean));
  sp_doc_set(object, "in_flight_mean", sp_doc_number(stage->in_flight_mean));
  sp_doc_set(object, "totals", sp_doc_totals(stage->interval, stage->measured_ns));
  sp_doc_set(object, "requests", sp_doc_requests(stage->interval, stage->measured_ns));
  return object;
}

json_t *sp_doc_stages(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->stage_count; i++) {
    json_array_append_new(array, stage(&result->stages[i], result->load->kind));
  }
  return array;
}
