#include "report/capacity_json.h"

#include "base/mem.h"
#include "report/json_parts.h"

#include <stdlib.h>

static json_t *texts(const char *const *items, size_t count) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(array, sp_doc_text(items[i]));
  return array;
}

static json_t *trial(const struct sp_search *search, size_t goal, size_t i) {
  const struct sp_search_trial *trial = &search->trials[i];
  json_t *object = json_object();
  sp_doc_set(object, "load", sp_doc_number(trial->load));
  sp_doc_set(object, "duration_s", sp_doc_number(trial->measured_s));
  sp_doc_set(object, "miss_share", sp_doc_number(trial->miss_share[goal]));
  sp_doc_set(object, "class", sp_doc_text(sp_search_class_name(sp_search_class_at(search, goal, trial->load))));
  sp_doc_set(object, "valid", json_boolean(trial->valid));
  sp_doc_set(object, "missed", json_boolean(trial->missed[goal] || trial->steady == SP_STEADY_GROWS));
  sp_doc_set(object, "state", sp_doc_text(sp_steady_name(trial->steady)));
  sp_doc_set(object, "ended_early", json_boolean(trial->lost));
  sp_doc_set(object, "warm_up", json_boolean(trial->warm_up));
  sp_doc_set(object, "requests", sp_doc_whole(trial->requests));
  sp_doc_set(object, "goodput", sp_doc_number(trial->goodput_per_s));
  return object;
}

static json_t *goal(const struct sp_capacity_result *result, size_t g) {
  struct sp_search_result found;
  json_t *object = json_object(), *slos = json_array(), *trials = json_array();
  sp_search_result(result->search, g, &found);
  for (size_t i = 0; i < result->goals[g].count; i++) {
    json_array_append_new(slos, sp_doc_text(result->goals[g].slos[i].text));
  }
  for (size_t i = 0; i < result->search->count; i++) json_array_append_new(trials, trial(result->search, g, i));
  sp_doc_set(object, "slo", slos);
  sp_doc_set(object, "unit", sp_doc_text(result->search->options.whole ? "users" : "/s"));
  sp_doc_set(object, "lower", sp_doc_number(found.lower));
  sp_doc_set(object, "upper", sp_doc_number(found.upper));
  sp_doc_set(object, "goodput_at_lower", sp_doc_number(found.goodput_at_lower));
  sp_doc_set(object, "verdict", sp_doc_text(sp_search_verdict_name(found.verdict)));
  sp_doc_set(object, "trials", trials);
  sp_doc_set(object, "complete", json_boolean(found.complete));
  return object;
}

/* Claims nothing, and says what it did not see. */
static json_t *no_diagnosis(void) {
  static const char *const unseen[] = {"the target's own resources: no watcher looked at it"};
  json_t *object = json_object();
  sp_doc_set(object, "claim", json_null());
  sp_doc_set(object, "culprit", json_null());
  sp_doc_set(object, "confidence", sp_doc_text("none"));
  sp_doc_set(object, "witnesses", json_array());
  sp_doc_set(object, "exonerated", json_array());
  sp_doc_set(object, "unseen", texts(unseen, 1));
  sp_doc_set(object, "next", json_null());
  return object;
}

/* The generator was able wherever a goal's answer rests on it. */
static json_t *validity(const struct sp_capacity_result *result) {
  bool valid = true;
  uint64_t spoiled = 0;
  for (size_t g = 0; g < result->search->options.goals; g++) {
    struct sp_search_result found;
    sp_search_result(result->search, g, &found);
    valid &= found.verdict != SP_SEARCH_NOT_ABLE;
  }
  for (size_t i = 0; i < result->search->count; i++) spoiled += result->search->trials[i].valid ? 0 : 1;
  json_t *object = json_object();
  sp_doc_set(object, "valid", json_boolean(valid));
  sp_doc_set(object, "reasons", texts(&result->reason, !valid && result->reason[0] ? 1 : 0));
  sp_doc_set(object, "spoiled_trials", sp_doc_whole(spoiled));
  return object;
}

char *sp_capacity_json(const struct sp_capacity_result *result) {
  json_t *object = json_object(), *goals = json_array();
  for (size_t g = 0; g < result->search->options.goals; g++) json_array_append_new(goals, goal(result, g));
  sp_doc_set(object, "schema", sp_doc_text("spate.capacity/1"));
  sp_doc_set(object, "run", sp_doc_run(result->run));
  sp_doc_set(object, "goals", goals);
  sp_doc_set(object, "diagnosis", result->diagnosis ? sp_doc_diagnosis(result->diagnosis) : no_diagnosis());
  sp_doc_set(object, "validity", validity(result));
  sp_doc_set(object, "what_if", sp_doc_what_if(result->answers, result->answer_count));
  sp_doc_set(object, "version", sp_doc_text(result->run->version));
  char *dump = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
  json_decref(object);
  return dump;
}
