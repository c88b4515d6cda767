/* BEGIN and SUMMARY of docs/web-api.md. */
#include "base/check.h"
#include "report/json_parts.h"
#include "report/page_data.h"

#include <math.h>

static char *dump(json_t *object) {
  char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
  SP_CHECK(text != NULL);
  json_decref(object);
  return text;
}

/* What was asked for; what came of it is not known yet. */
static json_t *load_of(const struct sp_run_begin *begin) {
  struct sp_result nothing_yet = { .load = begin->load, .facts = { .users_mean = NAN, .in_flight_mean = NAN } };
  return sp_doc_load(&nothing_yet);
}

static json_t *stages_of(const struct sp_load *load) {
  json_t *array = json_array();
  int64_t begin_ns = 0;
  for (size_t i = 0; i < load->stage_count; i++) {
    const struct sp_stage *stage = &load->stages[i];
    json_t *object = json_object();
    sp_doc_set(object, "from", sp_doc_number(stage->from));
    sp_doc_set(object, "to", sp_doc_number(stage->to));
    sp_doc_set(object, "hold_s", stage->hold_ns > 0 ? sp_doc_seconds(stage->hold_ns) : json_null());
    sp_doc_set(object, "begin_s", sp_doc_seconds(begin_ns));
    json_array_append_new(array, object);
    begin_ns += stage->hold_ns;
  }
  return array;
}

static json_t *slos_of(const struct sp_run_begin *begin) {
  json_t *array = json_array();
  for (size_t i = 0; i < begin->slo_count; i++) {
    json_array_append_new(array, sp_doc_text(begin->slos[i]));
  }
  return array;
}

char *sp_page_begin(const struct sp_run_begin *begin) {
  json_t *object = json_object();
  char started[SP_RFC3339_SIZE];
  int64_t length_ns = sp_load_length_ns(begin->load);
  sp_clock_rfc3339(begin->real_ns, started, sizeof(started));
  sp_doc_set(object, "id", sp_doc_text(begin->id));
  sp_doc_set(object, "name", sp_doc_text(begin->name));
  sp_doc_set(object, "plan", sp_doc_text(begin->plan));
  sp_doc_set(object, "host", sp_doc_text(begin->host));
  sp_doc_set(object, "started", sp_doc_text(started));
  sp_doc_set(object, "version", sp_doc_text(begin->version));
  sp_doc_set(object, "seed", sp_doc_whole(begin->load->seed));
  sp_doc_set(object, "tags", sp_doc_tags(begin->tags, begin->tag_count));
  sp_doc_set(object, "load", load_of(begin));
  sp_doc_set(object, "kind", sp_doc_text(sp_load_kind_name(begin->load->kind)));
  sp_doc_set(object, "run_time_s", length_ns == SP_NEVER_NS ? json_null() : sp_doc_seconds(length_ns));
  sp_doc_set(object, "stages", stages_of(begin->load));
  sp_doc_set(object, "slos", slos_of(begin));
  return dump(object);
}

char *sp_page_summary(const struct sp_result *result, bool partial) {
  json_t *object = sp_doc_summary(result);
  if (partial) {
    sp_doc_set(object, "partial", json_true());
  }
  return dump(object);
}
