#include "mock/route.h"

#include "mock/handlers.h"

#include <stdio.h>

static const struct sp_mock_route routes[] = {
  { "POST", "/v1/chat-messages", SP_API_DIFY, sp_mock_chat },
  { "POST", "/v1/completion-messages", SP_API_DIFY, sp_mock_completion },
  { "POST", "/v1/workflows/run", SP_API_DIFY, sp_mock_workflow },
  { "POST", "/v1/chat-messages/{}/stop", SP_API_DIFY, sp_mock_stop_task },
  { "POST", "/v1/completion-messages/{}/stop", SP_API_DIFY, sp_mock_stop_task },
  { "POST", "/v1/workflows/tasks/{}/stop", SP_API_DIFY, sp_mock_stop_task },
  { "POST", "/v1/datasets/{}/retrieve", SP_API_DIFY, sp_mock_retrieve },
  { "POST", "/v1/datasets/{}/hit-testing", SP_API_DIFY, sp_mock_retrieve },
  { "POST", "/v1/files/upload", SP_API_DIFY, sp_mock_upload },
  { "GET", "/v1/parameters", SP_API_DIFY, sp_mock_parameters },
  { "GET", "/v1/info", SP_API_DIFY, sp_mock_info },
  { "GET", "/v1/", SP_API_DIFY, sp_mock_index },
  { "POST", "/v1/chat/completions", SP_API_OPENAI, sp_mock_openai_chat },
  { "POST", "/v1/completions", SP_API_OPENAI, sp_mock_openai_completion },
  { "GET", "/v1/models", SP_API_OPENAI, sp_mock_openai_models },
  { "GET", "/", SP_API_PLAIN, sp_mock_small },
  { "GET", "/healthz", SP_API_PLAIN, sp_mock_small },
  { "GET", "/mock/stats", SP_API_PLAIN, sp_mock_get_stats },
  { "GET", "/mock/log", SP_API_PLAIN, sp_mock_get_log },
  { "GET", "/metrics", SP_API_PLAIN, sp_mock_get_metrics },
};

bool sp_mock_path_matches(const char *pattern, struct sp_str path, struct sp_str *segment) {
  const char *at = path.bytes, *end = path.bytes + path.len;
  for (; *pattern; pattern++) {
    if (*pattern != '{') {
      if (at == end || *at++ != *pattern) return false;
      continue;
    }
    pattern++; /* the } */
    const char *begun = at;
    while (at < end && *at != '/') at++;
    if (at == begun) return false;
    *segment = sp_str_of(begun, (size_t)(at - begun));
  }
  return at == end;
}

static bool method_fits(const struct sp_mock_route *route, const struct sp_mock_request *request) {
  if (sp_str_eq(request->method, sp_str_from(route->method))) return true;
  return request->head_only && strcmp(route->method, "GET") == 0;
}

static void refuse_method(struct sp_mock_conn *conn, const struct sp_mock_request *request, const char *allowed) {
  struct sp_buf body;
  sp_buf_init(&body, 1024);
  sp_mock_put_error(&body, SP_API_DIFY, 405, "method_not_allowed", "The method is not allowed for the requested URL.");
  char headers[64];
  snprintf(headers, sizeof headers, "Allow: %s%s\r\n", allowed, strcmp(allowed, "GET") == 0 ? ", HEAD" : "");
  struct sp_mock_answer answer = { .status = 405, .content_type = "application/json", .headers = headers,
                                   .body = sp_buf_str(&body) };
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(&body);
}

void sp_mock_dispatch(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  const char *allowed = NULL;
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    if (!sp_mock_path_matches(routes[i].path, request->path, &request->segment)) continue;
    allowed = routes[i].method;
    if (!method_fits(&routes[i], request)) continue;
    request->route = &routes[i];
    routes[i].handle(conn, request);
    return;
  }
  if (allowed) refuse_method(conn, request, allowed);
  else sp_mock_fail(conn, request, 404, "not_found",
                    "The requested URL was not found on the server. If you entered the URL manually please check your "
                    "spelling and try again.");
}
