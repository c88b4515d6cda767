/* POST /v1/datasets/{id}/retrieve (shared/dify.md §2.1). */
#include "mock/dify.h"
#include "mock/handlers.h"

#include <stdio.h>

#define QUERY_MAX 250u /* characters, Dify's own limit */
#define RECORDS_MAX 100u

/* -- the answer -- */

static void put_document(struct sp_jw *jw, unsigned number) {
  char id[SP_UUID_SIZE], name[48];
  snprintf(id, sizeof id, "d0c00000-0000-4000-8000-%012x", number);
  snprintf(name, sizeof name, "process-approval-%u.pdf", number);
  sp_jw_open(jw, "document", '{');
  sp_jw_text(jw, "id", id);
  sp_jw_text(jw, "data_source_type", "upload_file");
  sp_jw_text(jw, "name", name);
  sp_jw_raw(jw, "doc_type", "null");
  sp_jw_raw(jw, "doc_metadata", "null");
  sp_jw_close(jw, '}');
}

static void put_segment(const struct sp_mock_exchange *exchange, struct sp_jw *jw, unsigned number) {
  char id[SP_UUID_SIZE], document[SP_UUID_SIZE];
  const char *content = exchange->app->text.whole;
  snprintf(id, sizeof id, "5e900000-0000-4000-8000-%012x", number);
  snprintf(document, sizeof document, "d0c00000-0000-4000-8000-%012x", number);
  sp_jw_open(jw, "segment", '{');
  sp_jw_text(jw, "id", id);
  sp_jw_int(jw, "position", number);
  sp_jw_text(jw, "document_id", document);
  sp_jw_text(jw, "content", content);
  sp_jw_text(jw, "sign_content", content);
  sp_jw_raw(jw, "answer", "null");
  sp_jw_int(jw, "word_count", (int64_t)sp_utf8_count(sp_str_from(content)));
  sp_jw_int(jw, "tokens", (int64_t)exchange->app->text.count);
  sp_jw_raw(jw, "keywords", "[\"approval\",\"process\"]");
  sp_jw_text(jw, "index_node_id", id);
  sp_jw_raw(jw, "index_node_hash", "null");
  sp_jw_int(jw, "hit_count", number);
  sp_jw_bool(jw, "enabled", true);
  sp_jw_text(jw, "status", "completed");
  sp_jw_int(jw, "created_at", exchange->created_s - 86400);
  put_document(jw, number);
  sp_jw_close(jw, '}');
}

static void put_record(const struct sp_mock_exchange *exchange, struct sp_jw *jw, unsigned number) {
  sp_jw_open(jw, NULL, '{');
  put_segment(exchange, jw, number);
  sp_jw_raw(jw, "child_chunks", "null");
  sp_jw_ms(jw, "score", 0.9 / number);
  sp_jw_raw(jw, "tsne_position", "null");
  sp_jw_raw(jw, "files", "[]");
  sp_jw_raw(jw, "summary", "null");
  sp_jw_close(jw, '}');
}

static void whole(struct sp_mock_exchange *exchange, struct sp_buf *out) {
  unsigned count = exchange->empty ? 0 : exchange->records;
  struct sp_jw jw = sp_jw_begin(out, exchange->spaced);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_open(&jw, "query", '{');
  sp_jw_text(&jw, "content", exchange->query ? exchange->query : "");
  sp_jw_close(&jw, '}');
  sp_jw_open(&jw, "records", '[');
  for (unsigned i = 1; i <= count; i++) put_record(exchange, &jw, i);
  sp_jw_close(&jw, ']');
  sp_jw_close(&jw, '}');
}

static const struct sp_mock_kind retrieve = { SP_API_DIFY, false, NULL, NULL, whole };

/* -- the request -- */

static const char *const methods[] = { "keyword_search", "semantic_search", "full_text_search", "hybrid_search" };

static bool is_method(const char *text) {
  for (size_t i = 0; text && i < sizeof methods / sizeof *methods; i++)
    if (strcmp(text, methods[i]) == 0) return true;
  return false;
}

/* Dify's own rules ask for top_k as well; published scripts leave it out and get an answer, so does this. */
static const char *model_problem(json_t *model) {
  if (!model || json_is_null(model)) return NULL;
  if (!json_is_object(model)) return "retrieval_model: Input should be a valid dictionary";
  json_t *method = json_object_get(model, "search_method"), *top_k = json_object_get(model, "top_k");
  if (!method) return "retrieval_model.search_method: Field required";
  if (!is_method(json_string_value(method)))
    return "retrieval_model.search_method: Input should be 'keyword_search', 'semantic_search', 'full_text_search' or "
           "'hybrid_search'";
  if (!json_is_boolean(json_object_get(model, "reranking_enable")))
    return "retrieval_model.reranking_enable: Field required";
  if (!json_is_boolean(json_object_get(model, "score_threshold_enabled")))
    return "retrieval_model.score_threshold_enabled: Field required";
  if (top_k && (!json_is_integer(top_k) || json_integer_value(top_k) < 1))
    return "retrieval_model.top_k: Input should be a positive integer";
  return NULL;
}

static const char *problem_of(json_t *doc) {
  json_t *query = json_object_get(doc, "query");
  if (!json_is_string(query) || json_string_length(query) == 0) return "Query or attachment_ids is required";
  if (sp_utf8_count(sp_str_of(json_string_value(query), json_string_length(query))) > QUERY_MAX)
    return "Query cannot exceed 250 characters";
  return model_problem(json_object_get(doc, "retrieval_model"));
}

static bool has_dataset(const struct sp_profile *profile, struct sp_str id) {
  if (profile->dataset_count == 0) return true;
  for (unsigned i = 0; i < profile->dataset_count; i++)
    if (sp_str_eq(id, sp_str_from(profile->datasets[i]))) return true;
  return false;
}

static unsigned record_count(const struct sp_mock_app *app, json_t *doc) {
  json_t *top_k = json_object_get(json_object_get(doc, "retrieval_model"), "top_k");
  json_int_t most = json_is_integer(top_k) ? json_integer_value(top_k) : 4;
  unsigned count = app->records < RECORDS_MAX ? app->records : RECORDS_MAX;
  return most < (json_int_t)count ? (unsigned)most : count;
}

static void answer(struct sp_mock_conn *conn, struct sp_mock_request *request, const struct sp_mock_app *app,
                   const struct sp_mock_plan *plan, json_t *doc) {
  const char *problem = problem_of(doc);
  if (!json_is_object(doc)) {
    sp_mock_fail(conn, request, 400, "bad_request", "Failed to decode JSON object: the body is no JSON object.");
  } else if (!has_dataset(&conn->mock->profile, request->segment)) {
    sp_mock_fail(conn, request, 404, "not_found", "Dataset not found.");
  } else if (problem) {
    sp_dify_refuse(conn, request, problem);
  } else {
    struct sp_mock_start start = { .app = app, .kind = &retrieve, .plan = plan, .records = record_count(app, doc),
                                   .query = json_string_value(json_object_get(doc, "query")) };
    sp_mock_exchange_begin(conn, request, &start);
  }
}

void sp_mock_retrieve(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  const struct sp_mock_app *app = sp_mock_authenticate(conn, request, SP_KEY_DATASET);
  if (!app) return;
  struct sp_mock_plan plan;
  struct sp_err err;
  if (sp_mock_plan_parse(&plan, &conn->mock->profile, app, request->plan, &err)) {
    sp_mock_fail(conn, request, 400, "bad_mock_plan", err.text);
    return;
  }
  json_t *doc = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.len, 0, NULL);
  answer(conn, request, app, &plan, doc);
  json_decref(doc);
}
