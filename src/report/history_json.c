#include "report/history_json.h"

#include "base/check.h"
#include "base/clock.h"
#include "report/comparison.h"
#include "report/json_parts.h"
#include "store/store_capacity.h"

#include <math.h>

static char *dump(json_t *object) {
  char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
  SP_CHECK(text != NULL);
  json_decref(object);
  return text;
}

static json_t *flag(int value) { return value < 0 ? json_null() : json_boolean(value); }

static json_t *whole(double value) { return isfinite(value) ? json_integer((json_int_t)value) : json_null(); }

static json_t *started(int64_t real_ns) {
  char text[SP_RFC3339_SIZE];
  sp_clock_rfc3339(real_ns, text, sizeof(text));
  return sp_doc_text(text);
}

static json_t *tags_of(const struct sp_store_run *run) {
  struct sp_tag tags[SP_STORE_PAIRS_MAX];
  for (size_t i = 0; i < run->tag_count; i++) {
    tags[i] = (struct sp_tag){ run->tags[i].key, run->tags[i].value };
  }
  return sp_doc_tags(tags, run->tag_count);
}

static int add_run(void *ctx, const struct sp_store_run *run) {
  json_t *object = json_object();
  sp_doc_set(object, "id", sp_doc_text(run->id));
  sp_doc_set(object, "name", sp_doc_text(run->name));
  sp_doc_set(object, "plan", sp_doc_text(run->plan));
  sp_doc_set(object, "plan_hash", sp_doc_text(run->plan_hash));
  sp_doc_set(object, "host", sp_doc_text(run->host));
  sp_doc_set(object, "started", started(run->real_ns));
  sp_doc_set(object, "duration_s", sp_doc_number(run->duration_s));
  sp_doc_set(object, "state", sp_doc_text(sp_store_state_name(run->state)));
  sp_doc_set(object, "users_max", whole(run->users_max));
  sp_doc_set(object, "rps", sp_doc_number(run->rps));
  sp_doc_set(object, "failed_share", sp_doc_number(run->failed_share));
  sp_doc_set(object, "ttft_p95", sp_doc_number(run->ttft_p95_ms));
  sp_doc_set(object, "e2e_p95", sp_doc_number(run->e2e_p95_ms));
  sp_doc_set(object, "valid", flag(run->valid));
  sp_doc_set(object, "slos_met", flag(run->slos_met));
  sp_doc_set(object, "version", sp_doc_text(run->version));
  sp_doc_set(object, "tags", tags_of(run));
  json_array_append_new(ctx, object);
  return SP_OK;
}

static int add_search(void *ctx, const struct sp_store_capacity *capacity) {
  json_t *object = json_object();
  sp_doc_set(object, "id", sp_doc_text(capacity->id));
  sp_doc_set(object, "name", sp_doc_text(capacity->name));
  sp_doc_set(object, "plan", sp_doc_text(capacity->plan));
  sp_doc_set(object, "plan_hash", sp_doc_text(capacity->plan_hash));
  sp_doc_set(object, "host", sp_doc_text(capacity->host));
  sp_doc_set(object, "started", started(capacity->real_ns));
  sp_doc_set(object, "goal", sp_doc_text(capacity->goal));
  sp_doc_set(object, "unit", sp_doc_text(capacity->unit));
  sp_doc_set(object, "verdict", sp_doc_text(capacity->verdict));
  sp_doc_set(object, "lower", sp_doc_number(capacity->lower));
  sp_doc_set(object, "upper", sp_doc_number(capacity->upper));
  sp_doc_set(object, "goodput_at_lower", sp_doc_number(capacity->goodput));
  sp_doc_set(object, "valid", json_boolean(capacity->valid));
  sp_doc_set(object, "complete", json_boolean(capacity->complete));
  sp_doc_set(object, "version", sp_doc_text(capacity->version));
  json_array_append_new(ctx, object);
  return SP_OK;
}

char *sp_history_list_json(struct sp_store *store, const struct sp_store_filter *filter, struct sp_err *err) {
  json_t *object = json_object(), *runs = json_array(), *searches = json_array();
  sp_doc_set(object, "runs", runs);
  sp_doc_set(object, "capacities", searches);
  if (sp_store_list(store, filter, add_run, runs, err) || sp_store_list_capacities(store, filter, add_search, searches, err)) {
    json_decref(object);
    return NULL;
  }
  return dump(object);
}

/* -- a comparison -- */

static json_t *texts(const struct sp_sentences *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    json_array_append_new(array, sp_doc_text(list->items[i]));
  }
  return array;
}

static json_t *side(const struct sp_comparison_side *of) {
  json_t *object = json_object();
  sp_doc_set(object, "id", sp_doc_text(of->id));
  sp_doc_set(object, "name", sp_doc_text(of->name));
  sp_doc_set(object, "started", started(of->real_ns));
  sp_doc_set(object, "steady_s", sp_doc_number(of->steady_s));
  return object;
}

static json_t *row_of(const struct sp_compare_row *row) {
  bool rate = row->statistic == SP_COMPARE_RATE;
  json_t *object = json_object();
  sp_doc_set(object, "name", sp_doc_text(row->name));
  sp_doc_set(object, "user_class", sp_doc_text(row->user_class));
  sp_doc_set(object, "task", sp_doc_text(row->task));
  sp_doc_set(object, "metric", sp_doc_text(rate ? "rps" : sp_metric_info(row->metric)->name));
  sp_doc_set(object, "statistic", sp_doc_text(sp_compare_statistic_name(row->statistic)));
  sp_doc_set(object, "a", sp_doc_number(row->a));
  sp_doc_set(object, "b", sp_doc_number(row->b));
  sp_doc_set(object, "ratio", sp_doc_number(row->ratio));
  sp_doc_set(object, "low", sp_doc_number(row->low));
  sp_doc_set(object, "high", sp_doc_number(row->high));
  sp_doc_set(object, "verdict", sp_doc_text(sp_compare_verdict_text(row)));
  return object;
}

char *sp_comparison_json(const struct sp_comparison *comparison) {
  json_t *object = json_object(), *rows = json_array();
  for (size_t i = 0; i < comparison->row_count; i++) {
    json_array_append_new(rows, row_of(&comparison->rows[i]));
  }
  sp_doc_set(object, "comparable", json_boolean(comparison->reasons.count == 0));
  sp_doc_set(object, "reasons", texts(&comparison->reasons));
  sp_doc_set(object, "note", sp_doc_text(SP_COMPARE_CAVEAT));
  sp_doc_set(object, "notes", texts(&comparison->notes));
  sp_doc_set(object, "a", side(&comparison->a));
  sp_doc_set(object, "b", side(&comparison->b));
  sp_doc_set(object, "rows", rows);
  return dump(object);
}
