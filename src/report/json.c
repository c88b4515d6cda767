/*
 * --out json=PATH: schema spate.summary/1. Keys stand in the contract's order; what is beyond it comes last.
 * n/a is null, never 0.
 */
#include "base/mem.h"
#include "report/figures.h"
#include "report/json_parts.h"
#include "report/out_file.h"
#include "report/report.h"
#include "report/terminal.h"
#include "stats/clean.h"

#include <stdlib.h>
#include <string.h>

struct json_report {
  struct sp_out_file file;
};

/* --- the run --- */

json_t *sp_doc_tags(const struct sp_tag *tags, size_t count) {
  json_t *object = json_object();
  for (size_t i = 0; i < count; i++) {
    char key[SP_NAME_MAX + 1];
    key[sp_clean_text(key, SP_NAME_MAX, sp_str_from(tags[i].key))] = 0;
    sp_doc_set(object, key, sp_doc_text(tags[i].value));
  }
  return object;
}

json_t *sp_doc_run(const struct sp_result *result) {
  json_t *object = json_object();
  char started[SP_RFC3339_SIZE];
  sp_clock_rfc3339(result->started_real_ns, started, sizeof(started));
  sp_doc_set(object, "id", sp_doc_text(result->id));
  sp_doc_set(object, "name", sp_doc_text(result->name));
  sp_doc_set(object, "plan", sp_doc_text(result->plan));
  sp_doc_set(object, "host", sp_doc_text(result->host));
  sp_doc_set(object, "started", sp_doc_text(started));
  sp_doc_set(object, "duration_s", sp_doc_seconds(result->facts.duration_ns));
  sp_doc_set(object, "measured_s", sp_doc_seconds(result->facts.measured_ns));
  sp_doc_set(object, "warm_up_s", sp_doc_seconds(result->load->warm_up_ns));
  sp_doc_set(object, "users_max", sp_doc_whole(result->facts.users_max));
  sp_doc_set(object, "threads", sp_doc_whole(result->facts.threads));
  sp_doc_set(object, "seed", sp_doc_whole(result->seed));
  sp_doc_set(object, "tags", sp_doc_tags(result->tags, result->tag_count));
  sp_doc_set(object, "interrupted", json_boolean(result->interrupted));
  sp_doc_set(object, "aborted", sp_doc_text(result->facts.aborted));
  return object;
}

/* --- nodes, errors, the plan's own metrics --- */

static json_t *nodes(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->nodes.count; i++) {
    const struct sp_node_cell *node = result->totals->nodes.entries[i].value;
    json_t *object = json_object();
    sp_doc_set(object, "title", sp_doc_text(node->title));
    sp_doc_set(object, "type", sp_doc_text(node->type));
    sp_doc_set(object, "count", sp_doc_whole(node->count));
    sp_doc_set(object, "failed", sp_doc_whole(node->failed));
    sp_doc_set(object, "elapsed", sp_doc_hist_ms(&node->elapsed));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *errors(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->errors.count; i++) {
    const struct sp_error_cell *error = result->totals->errors.entries[i].value;
    int64_t first_ns = error->first_ns - result->totals->begin_ns;
    json_t *object = json_object();
    sp_doc_set(object, "name", sp_doc_text(error->name));
    sp_doc_set(object, "outcome", sp_doc_text(error->kind));
    sp_doc_set(object, "detail", sp_doc_text(error->detail));
    sp_doc_set(object, "count", sp_doc_whole(error->count));
    sp_doc_set(object, "first_s", sp_doc_seconds(first_ns > 0 ? first_ns : 0));
    sp_doc_set(object, "remedy", sp_doc_text(sp_remedy(error->kind, error->detail)));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *customs(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->customs.count; i++) {
    const struct sp_custom_cell *custom = result->totals->customs.entries[i].value;
    json_t *object = json_object();
    sp_doc_set(object, "name", sp_doc_text(custom->name));
    sp_doc_set(object, "unit", sp_doc_text(custom->unit));
    sp_doc_set_hist(object, &custom->values, 0.001); /* kept as value * 1000 */
    sp_doc_set(object, "out_of_range", sp_doc_whole(custom->too_small + custom->too_large));
    json_array_append_new(array, object);
  }
  return array;
}

/* What watchers saw and what that says: of a run of the past by its summary's text, where alone they are kept. */
static void set_seen(json_t *object, const struct sp_result *result) {
  json_t *kept = sp_doc_read(result->kept_summary);
  sp_doc_set(object, "diagnosis", result->diagnosis ? sp_doc_diagnosis(result->diagnosis)
                                                    : json_incref(json_object_get(kept, "diagnosis")));
  sp_doc_set(object, "watch", result->seen ? sp_doc_watch(result) : json_incref(json_object_get(kept, "watch")));
  json_decref(kept);
}

json_t *sp_doc_summary(const struct sp_result *result) {
  json_t *object = json_object();
  sp_doc_set(object, "schema", sp_doc_text("spate.summary/1"));
  sp_doc_set(object, "version", sp_doc_text(result->version));
  sp_doc_set(object, "run", sp_doc_run(result));
  sp_doc_set(object, "validity", sp_doc_validity(result));
  sp_doc_set(object, "totals", sp_doc_totals(result->totals, result->facts.measured_ns));
  sp_doc_set(object, "requests", sp_doc_requests(result->totals, result->facts.measured_ns));
  sp_doc_set(object, "nodes", nodes(result));
  sp_doc_set(object, "errors", errors(result));
  sp_doc_set(object, "slo", sp_doc_slos(result));
  sp_doc_set(object, "custom", customs(result));
  sp_doc_set(object, "load", sp_doc_load(result));
  sp_doc_set(object, "stages", sp_doc_stages(result));
  sp_doc_set(object, "notes", sp_doc_notes(result));
  set_seen(object, result);
  return object;
}

/* --- the report type --- */

static int json_open(const char *path, void **report, struct sp_err *err) {
  struct json_report *json = sp_alloc(sizeof(*json));
  int code = sp_out_file_open(&json->file, path, err);
  if (code) {
    free(json);
    return code;
  }
  *report = json;
  return SP_OK;
}

static int json_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct json_report *json = report;
  json_t *object = sp_doc_summary(result);
  char *dump = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
  json_decref(object);
  if (!dump) {
    return sp_fail(err, SP_EIO, "cannot make the JSON summary: out of memory");
  }
  size_t len = strlen(dump);
  dump[len] = '\n'; /* in the terminating NUL's place */
  int code = sp_out_file_write(&json->file, dump, len + 1, err);
  free(dump);
  return code;
}

static void json_close(void *report) {
  struct json_report *json = report;
  sp_out_file_close(&json->file);
  free(json);
}

const struct sp_report_type sp_report_json = {
  .name = "json",
  .help = "the whole summary as one JSON document (schema spate.summary/1)",
  .open = json_open,
  .write = json_write,
  .close = json_close,
};
