/* Heads, bodies and errors of answers that are given at once. */
#include "base/clock.h"
#include "mock/payload.h"
#include "mock/route.h"

#include <stdio.h>
#include <time.h>

struct reason {
  int status;
  const char *text;
};

static const char *reason_of(int status) {
  static const struct reason reasons[] = {
    { 200, "OK" }, { 201, "CREATED" }, { 400, "BAD REQUEST" }, { 401, "UNAUTHORIZED" }, { 403, "FORBIDDEN" }, { 404, "NOT FOUND" },
    { 405, "METHOD NOT ALLOWED" }, { 413, "REQUEST ENTITY TOO LARGE" }, { 415, "UNSUPPORTED MEDIA TYPE" },
    { 417, "EXPECTATION FAILED" },
    { 429, "TOO MANY REQUESTS" }, { 431, "REQUEST HEADER FIELDS TOO LARGE" }, { 500, "INTERNAL SERVER ERROR" },
    { 503, "SERVICE UNAVAILABLE" }, { 505, "HTTP VERSION NOT SUPPORTED" },
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status) return reasons[i].text;
  return "UNKNOWN";
}

const char *sp_mock_date(struct sp_mock *mock) {
  int64_t now_s = sp_clock_real_ns() / SP_NS_PER_S;
  if (now_s == mock->date_s) return mock->date;
  mock->date_s = now_s;
  time_t seconds = (time_t)now_s;
  struct tm utc;
  gmtime_r(&seconds, &utc);
  strftime(mock->date, sizeof mock->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
  return mock->date;
}

static void put_connection(struct sp_buf *out, const struct sp_mock_head *head) {
  if (!head->keep_alive) sp_buf_append_text(out, "Connection: close\r\n");
  else if (head->http10) sp_buf_append_text(out, "Connection: keep-alive\r\n");
}

void sp_mock_put_head(struct sp_mock *mock, const struct sp_mock_head *head) {
  struct sp_buf *out = &mock->out;
  sp_buf_clear(out);
  sp_buf_printf(out, "HTTP/1.1 %d %s\r\nServer: spate-mock\r\n", head->status, reason_of(head->status));
  sp_buf_append_text(out, sp_mock_date(mock));
  if (head->content_type) sp_buf_printf(out, "Content-Type: %s\r\n", head->content_type);
  if (head->length >= 0) sp_buf_printf(out, "Content-Length: %lld\r\n", (long long)head->length);
  else if (!head->http10) sp_buf_append_text(out, "Transfer-Encoding: chunked\r\n");
  put_connection(out, head);
  if (head->api == SP_API_DIFY) {
    const struct sp_dify_version *version = head->version ? head->version : &mock->profile.version;
    sp_buf_printf(out, "X-Version: %u.%u.%u\r\nX-Env: PRODUCTION\r\n", version->major, version->minor, version->patch);
  }
  sp_buf_append_text(out, "X-Spate-Mock: simulation\r\n");
  if (head->headers) sp_buf_append_text(out, head->headers);
  sp_buf_append_text(out, "\r\n");
}

void sp_mock_reply(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                   const struct sp_mock_answer *answer) {
  struct sp_mock *mock = conn->mock;
  bool keep_alive = request->keep_alive && !answer->close;
  struct sp_mock_head head = { .status = answer->status, .content_type = answer->content_type,
                               .headers = answer->headers, .length = (int64_t)answer->body.len,
                               .keep_alive = keep_alive, .http10 = request->http10,
                               .api = request->route ? request->route->api : SP_API_DIFY };
  sp_mock_put_head(mock, &head);
  if (!request->head_only) sp_buf_append_str(&mock->out, answer->body);
  sp_conn_write(&conn->conn, sp_buf_str(&mock->out));
  sp_mock_conn_answered(conn, keep_alive);
}

static void put_openai_error(struct sp_jw *jw, int status, const char *code, const char *message) {
  sp_jw_open(jw, NULL, '{');
  sp_jw_open(jw, "error", '{');
  sp_jw_text(jw, "message", message);
  sp_jw_text(jw, "type", status == 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error");
  sp_jw_raw(jw, "param", "null");
  sp_jw_text(jw, "code", code);
  sp_jw_close(jw, '}');
  sp_jw_close(jw, '}');
}

void sp_mock_put_error(struct sp_buf *out, enum sp_mock_api api, int status, const char *code, const char *message) {
  struct sp_jw jw = sp_jw_begin(out, false);
  if (api == SP_API_OPENAI) {
    put_openai_error(&jw, status, code, message);
    return;
  }
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "code", code);
  sp_jw_text(&jw, "message", message);
  sp_jw_int(&jw, "status", status);
  sp_jw_close(&jw, '}');
}

void sp_mock_fail(struct sp_mock_conn *conn, const struct sp_mock_request *request, int status, const char *code,
                  const char *message) {
  struct sp_buf body;
  sp_buf_init(&body, 64 * 1024);
  sp_mock_put_error(&body, request->route ? request->route->api : SP_API_DIFY, status, code, message);
  char headers[64] = "";
  if (status == 429)
    snprintf(headers, sizeof headers, "Retry-After: %llu\r\n", (unsigned long long)conn->mock->profile.retry_after_s);
  struct sp_mock_answer answer = {.status = status,
                                  .content_type = "application/json",
                                  .headers = headers,
                                  .body = sp_buf_str(&body),
                                  .close = status == 413 || status == 505 || status == 431};
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(&body);
}
