/* "diagnosis" of the summary and of a search's document: the contract's members first; and "what_if". */
#include "report/json_parts.h"

static json_t *lines(const struct sp_diagnosis_list *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const struct sp_diagnosis_line *line = &list->lines[i];
    json_t *object = json_object();
    sp_doc_set(object, "text", sp_doc_text(line->text));
    sp_doc_set(object, "resource", line->resource && line->resource[0] ? sp_doc_text(line->resource) : json_null());
    sp_doc_set(object, "query", line->query && line->query[0] ? sp_doc_text(line->query) : json_null());
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *texts(const struct sp_diagnosis_list *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) json_array_append_new(array, sp_doc_text(list->lines[i].text));
  return array;
}

static json_t *next(const struct sp_diagnosis *diagnosis) {
  if (!diagnosis->change[0]) return json_null();
  json_t *object = json_object();
  sp_doc_set(object, "change", sp_doc_text(diagnosis->change));
  sp_doc_set(object, "predicted", sp_doc_filled(diagnosis->predicted));
  sp_doc_set(object, "refuted_by", sp_doc_filled(diagnosis->refuted_by));
  sp_doc_set(object, "risk", sp_doc_filled(diagnosis->risk));
  sp_doc_set(object, "predicted_low", sp_doc_number(diagnosis->predicted_low_per_s));
  sp_doc_set(object, "predicted_high", sp_doc_number(diagnosis->predicted_high_per_s));
  return object;
}

json_t *sp_doc_diagnosis(const struct sp_diagnosis *diagnosis) {
  json_t *object = json_object();
  sp_doc_set(object, "claim", sp_doc_filled(diagnosis->claim));
  sp_doc_set(object, "culprit", sp_doc_filled(diagnosis->culprit));
  sp_doc_set(object, "confidence", sp_doc_text(sp_diagnosis_confidence_name(diagnosis->confidence)));
  sp_doc_set(object, "witnesses", lines(&diagnosis->witnesses));
  sp_doc_set(object, "exonerated", lines(&diagnosis->exonerated));
  sp_doc_set(object, "unseen", texts(&diagnosis->unseen));
  sp_doc_set(object, "next", next(diagnosis));
  sp_doc_set(object, "also", lines(&diagnosis->also));
  sp_doc_set(object, "seconds_per_request", sp_doc_number(diagnosis->seconds_per_request));
  sp_doc_set(object, "why_not", sp_doc_filled(diagnosis->why_not));
  return object;
}

char *sp_doc_culprit(struct sp_str text, char *culprit, size_t size) {
  json_t *document = sp_doc_read(text);
  const char *named = json_string_value(json_object_get(json_object_get(document, "diagnosis"), "culprit"));
  snprintf(culprit, size, "%s", named ? named : "");
  json_decref(document);
  return culprit;
}

/* -- what changes would do -- */

static void put_prediction(json_t *object, const struct sp_prediction *prediction) {
  sp_doc_set(object, "change", sp_doc_text(prediction->change));
  sp_doc_set(object, "per_s", sp_doc_number(prediction->per_s));
  sp_doc_set(object, "low", sp_doc_number(prediction->low_per_s));
  sp_doc_set(object, "high", sp_doc_number(prediction->high_per_s));
  sp_doc_set(object, "mean_ms", sp_doc_number(prediction->mean_s * 1000));
  sp_doc_set(object, "ceiling", sp_doc_number(prediction->ceiling_per_s));
  sp_doc_set(object, "binding", sp_doc_filled(prediction->binding));
  sp_doc_set(object, "next", sp_doc_filled(prediction->next));
  sp_doc_set(object, "next_per_s", sp_doc_number(prediction->next_per_s));
  sp_doc_set(object, "confidence", sp_doc_text(sp_diagnosis_confidence_name(prediction->confidence)));
  sp_doc_set(object, "predicted", sp_doc_text(prediction->predicted));
  sp_doc_set(object, "basis", sp_doc_text(prediction->basis));
  sp_doc_set(object, "refuted_by", sp_doc_text(prediction->refuted_by));
  sp_doc_set(object, "doubt", sp_doc_filled(prediction->doubt));
}

json_t *sp_doc_what_if(const struct sp_whatif_answer *answers, size_t count) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *object = json_object();
    sp_doc_set(object, "asked", sp_doc_text(answers[i].asked));
    sp_doc_set(object, "why_not", answers[i].refused ? sp_doc_text(answers[i].why_not) : json_null());
    if (!answers[i].refused) put_prediction(object, &answers[i].prediction);
    json_array_append_new(array, object);
  }
  return array;
}
