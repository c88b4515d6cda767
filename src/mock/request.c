#include "mock/request.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

void sp_mock_request_destroy(struct sp_mock_request *request) {
  if (!request) return;
  sp_buf_fini(&request->body);
  free(request->text);
  free(request);
}

static struct sp_str keep(char **at, struct sp_str s) {
  if (s.len > 0) memcpy(*at, s.bytes, s.len);
  struct sp_str kept = sp_str_of(*at, s.len);
  *at += s.len;
  return kept;
}

static struct sp_str bearer_of(const struct sp_http1_head *head) {
  struct sp_str value = sp_str_trim(sp_http1_find(head, "Authorization"));
  struct sp_str scheme = sp_str_split(&value, ' ');
  return sp_str_ieq(scheme, SP_STR("Bearer")) ? sp_str_trim(value) : sp_str_of(NULL, 0);
}

static struct sp_mock_request *make_request(const struct sp_http1_head *head) {
  struct sp_mock_request *request = sp_alloc(sizeof *request);
  struct sp_str target = head->target, path = sp_str_split(&target, '?');
  struct sp_str key = bearer_of(head), plan = sp_http1_find(head, "X-Mock-Plan");
  struct sp_str id = sp_http1_find(head, "X-Request-Id"), content_type = sp_http1_find(head, "Content-Type");
  request->text = sp_alloc(head->method.len + path.len + key.len + plan.len + id.len + content_type.len + 1);
  char *at = request->text;
  request->method = keep(&at, head->method);
  request->path = keep(&at, path);
  request->key = key.bytes ? keep(&at, key) : key;
  request->plan = keep(&at, plan);
  request->id = keep(&at, id);
  request->content_type = keep(&at, content_type);
  request->keep_alive = head->keep_alive;
  request->http10 = head->major == 1 && head->minor == 0;
  request->head_only = sp_str_eq(head->method, SP_STR("HEAD"));
  sp_buf_init(&request->body, SP_MOCK_BODY_MAX);
  return request;
}

/* The answer comes before the body: whatever follows is not read any more. */
static int refuse(struct sp_mock_conn *conn, int status) {
  struct sp_mock_request *request = conn->incoming;
  conn->incoming = NULL;
  request->refused = status;
  request->keep_alive = false;
  sp_mock_conn_take(conn, request);
  return 0;
}

static void expect_continue(struct sp_mock_conn *conn, const struct sp_http1_head *head) {
  struct sp_str expect = sp_http1_find(head, "Expect");
  if (!expect.bytes || conn->incoming->http10) return;
  if (!sp_str_ieq(expect, SP_STR("100-continue"))) refuse(conn, 417);
  else if (!conn->exchange && !conn->waiting) sp_conn_write(&conn->conn, SP_STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* The benchmark's GET: nothing is kept of it. */
static bool is_small(const struct sp_mock_conn *conn, const struct sp_http1_head *head) {
  if (conn->exchange || conn->waiting || conn->lingering) return false;
  if (!head->keep_alive || head->minor == 0 || head->chunked || head->content_length > 0) return false;
  if (!sp_str_eq(head->method, SP_STR("GET"))) return false;
  return sp_str_eq(head->target, SP_STR("/")) || sp_str_eq(head->target, SP_STR("/healthz"));
}

static int on_head(void *ctx, const struct sp_http1_head *head, struct sp_err *err) {
  struct sp_mock_conn *conn = ctx;
  (void)err;
  conn->small = is_small(conn, head);
  if (conn->small) return 0;
  SP_CHECK(!conn->incoming);
  conn->incoming = make_request(head);
  if (head->content_length > (int64_t)SP_MOCK_BODY_MAX) return refuse(conn, 413);
  expect_continue(conn, head);
  return 0;
}

static int on_body(void *ctx, struct sp_str bytes, struct sp_err *err) {
  struct sp_mock_conn *conn = ctx;
  (void)err;
  if (!conn->incoming) return 0;
  if (sp_buf_append_str(&conn->incoming->body, bytes)) return refuse(conn, 413);
  return 0;
}

static void answer_small(struct sp_mock_conn *conn) {
  struct sp_mock *mock = conn->mock;
  mock->requests++;
  sp_mock_put_small(mock);
  sp_conn_write(&conn->conn, sp_buf_str(&mock->small));
}

static int on_end(void *ctx, struct sp_err *err) {
  struct sp_mock_conn *conn = ctx;
  if (conn->small) {
    answer_small(conn);
    return 0;
  }
  struct sp_mock_request *request = conn->incoming;
  if (!request) return 0; /* refused before its end */
  if (conn->waiting_count >= SP_MOCK_PIPELINE_MAX)
    return sp_fail(err, SP_ELIMIT, "more than %u requests wait on one connection", SP_MOCK_PIPELINE_MAX);
  conn->incoming = NULL;
  request->arrival_ns = conn->rx_ns;
  sp_mock_conn_take(conn, request);
  return 0;
}

static const struct sp_http1_handler reader = { .on_head = on_head, .on_body = on_body, .on_end = on_end };

void sp_mock_request_reader_init(struct sp_mock_conn *conn) {
  sp_http1_init(&conn->http1, SP_HTTP1_REQUEST, &reader, conn);
}
