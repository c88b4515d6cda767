/* "diagnosis" of the summary and of a search's document: the contract's members first. */
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

static json_t *text_or_null(const char *text) { return text[0] ? sp_doc_text(text) : json_null(); }

static json_t *next(const struct sp_diagnosis *diagnosis) {
  if (!diagnosis->change[0]) return json_null();
  json_t *object = json_object();
  sp_doc_set(object, "change", sp_doc_text(diagnosis->change));
  sp_doc_set(object, "predicted", text_or_null(diagnosis->predicted));
  sp_doc_set(object, "refuted_by", text_or_null(diagnosis->refuted_by));
  sp_doc_set(object, "risk", text_or_null(diagnosis->risk));
  sp_doc_set(object, "predicted_low", sp_doc_number(diagnosis->predicted_low_per_s));
  sp_doc_set(object, "predicted_high", sp_doc_number(diagnosis->predicted_high_per_s));
  return object;
}

json_t *sp_doc_diagnosis(const struct sp_diagnosis *diagnosis) {
  json_t *object = json_object();
  sp_doc_set(object, "claim", text_or_null(diagnosis->claim));
  sp_doc_set(object, "culprit", text_or_null(diagnosis->culprit));
  sp_doc_set(object, "confidence", sp_doc_text(sp_diagnosis_confidence_name(diagnosis->confidence)));
  sp_doc_set(object, "witnesses", lines(&diagnosis->witnesses));
  sp_doc_set(object, "exonerated", lines(&diagnosis->exonerated));
  sp_doc_set(object, "unseen", texts(&diagnosis->unseen));
  sp_doc_set(object, "next", next(diagnosis));
  sp_doc_set(object, "also", lines(&diagnosis->also));
  sp_doc_set(object, "seconds_per_request", sp_doc_number(diagnosis->seconds_per_request));
  sp_doc_set(object, "why_not", text_or_null(diagnosis->why_not));
  return object;
}

json_t *sp_doc_result_diagnosis(const struct sp_result *result) {
  return result->diagnosis ? sp_doc_diagnosis(result->diagnosis) : sp_doc_kept(result->kept_summary, "diagnosis");
}
