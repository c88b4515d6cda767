/* Small documents: health, the app's description, the mock's own figures. */
#include "mock/handlers.h"
#include "mock/payload.h"
#include "mock/request.h"
#include "mock/route.h"

#define DOCUMENT_MAX (64u * 1024u * 1024u) /* bytes of /mock/log */

static void answer(struct sp_mock_conn *conn, struct sp_mock_request *request, struct sp_buf *body) {
  struct sp_mock_answer answer = { .status = 200, .content_type = "application/json", .body = sp_buf_str(body) };
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(body);
}

void sp_mock_put_small(struct sp_mock *mock) {
  const char *date = sp_mock_date(mock);
  if (mock->small_s == mock->date_s) return;
  mock->small_s = mock->date_s;
  sp_buf_clear(&mock->small);
  sp_buf_printf(&mock->small, "HTTP/1.1 200 OK\r\nServer: spate-mock\r\n%sContent-Type: text/plain\r\n"
                "Content-Length: 3\r\nX-Spate-Mock: simulation\r\n\r\nok\n", date);
}

void sp_mock_small(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_mock_answer answer = { .status = 200, .content_type = "text/plain", .body = SP_STR("ok\n") };
  sp_mock_reply(conn, request, &answer);
}

void sp_mock_index(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  const struct sp_dify_version *version = &conn->mock->profile.version;
  struct sp_buf body;
  sp_buf_init(&body, DOCUMENT_MAX);
  sp_buf_printf(&body, "{\"welcome\":\"Dify OpenAPI (a simulation by spate mock)\",\"api_version\":\"v1\","
                "\"server_version\":\"%u.%u.%u\"}", version->major, version->minor, version->patch);
  answer(conn, request, &body);
}

void sp_mock_info(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  const struct sp_mock_app *app = sp_mock_authenticate(conn, request, SP_KEY_APP);
  if (!app) return;
  struct sp_buf body;
  sp_buf_init(&body, DOCUMENT_MAX);
  struct sp_jw jw = sp_jw_begin(&body, false);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "name", app->name);
  sp_jw_text(&jw, "description", "simulated by spate mock");
  sp_jw_raw(&jw, "tags", "[\"spate-mock\"]");
  sp_jw_text(&jw, "mode", sp_mock_mode_name(app->mode));
  sp_jw_text(&jw, "author_name", "spate");
  sp_jw_close(&jw, '}');
  answer(conn, request, &body);
}

void sp_mock_parameters(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  if (!sp_mock_authenticate(conn, request, SP_KEY_APP)) return;
  struct sp_buf body;
  sp_buf_init(&body, DOCUMENT_MAX);
  sp_buf_append_text(&body,
    "{\"opening_statement\":\"\",\"suggested_questions\":[],\"suggested_questions_after_answer\":{\"enabled\":false},"
    "\"speech_to_text\":{\"enabled\":false},\"text_to_speech\":{\"enabled\":false,\"voice\":\"\",\"language\":\"\"},"
    "\"retriever_resource\":{\"enabled\":true},\"annotation_reply\":{\"enabled\":false},"
    "\"more_like_this\":{\"enabled\":false},\"sensitive_word_avoidance\":{\"enabled\":false},\"user_input_form\":[],"
    "\"file_upload\":{\"image\":{\"enabled\":false,\"number_limits\":3,\"transfer_methods\":[\"remote_url\","
    "\"local_file\"]}},\"system_parameters\":{\"file_size_limit\":15,\"image_file_size_limit\":10,"
    "\"audio_file_size_limit\":50,\"video_file_size_limit\":100,\"workflow_file_upload_limit\":10}}");
  answer(conn, request, &body);
}

void sp_mock_get_stats(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_mock_stats stats;
  sp_mock_stats(conn->mock, &stats);
  struct sp_hist_summary late;
  sp_hist_summarise(stats.late, 0.001, &late);
  struct sp_buf body;
  sp_buf_init(&body, DOCUMENT_MAX);
  struct sp_jw jw = sp_jw_begin(&body, false);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_int(&jw, "connections", (int64_t)stats.connections);
  sp_jw_int(&jw, "connections_open", (int64_t)stats.connections_open);
  sp_jw_int(&jw, "requests", (int64_t)stats.requests);
  sp_jw_int(&jw, "streams_open", (int64_t)stats.streams_open);
  sp_jw_int(&jw, "streams_max", (int64_t)stats.streams_max);
  sp_jw_int(&jw, "events", (int64_t)stats.events);
  if (late.count == 0) {
    sp_jw_raw(&jw, "late_ms", "null");
  } else {
    sp_jw_open(&jw, "late_ms", '{');
    sp_jw_int(&jw, "count", (int64_t)late.count);
    sp_jw_ms(&jw, "mean", late.mean);
    sp_jw_ms(&jw, "p50", late.p50);
    sp_jw_ms(&jw, "p99", late.p99);
    sp_jw_ms(&jw, "p999", late.p999);
    sp_jw_ms(&jw, "max", late.max);
    sp_jw_close(&jw, '}');
  }
  sp_mock_put_stations(conn->mock, &jw);
  sp_jw_close(&jw, '}');
  answer(conn, request, &body);
}

void sp_mock_get_log(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_buf body;
  sp_buf_init(&body, DOCUMENT_MAX);
  sp_mock_log_write(&conn->mock->log, &body);
  answer(conn, request, &body);
}
