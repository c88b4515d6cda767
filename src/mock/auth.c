#include "mock/route.h"

static enum sp_mock_key key_of(const struct sp_mock_app *app) {
  return app->mode == SP_MODE_OPENAI ? SP_KEY_MODEL : app->mode == SP_MODE_RETRIEVE ? SP_KEY_DATASET : SP_KEY_APP;
}

static void refuse_dify(struct sp_mock_conn *conn, const struct sp_mock_request *request) {
  const char *message = request->key.bytes ? "Access token is invalid"
                                           : "Authorization header must be provided and start with 'Bearer'";
  struct sp_buf body;
  sp_buf_init(&body, 1024);
  sp_mock_put_error(&body, SP_API_DIFY, 401, "unauthorized", message);
  struct sp_mock_answer answer = { .status = 401, .content_type = "application/json",
                                   .headers = "WWW-Authenticate: Bearer realm=\"api\"\r\n", .body = sp_buf_str(&body) };
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(&body);
}

const struct sp_mock_app *sp_mock_authenticate(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                                               enum sp_mock_key kind) {
  const struct sp_mock_app *app = NULL;
  if (request->key.len > 0) app = sp_profile_app_by_key(&conn->mock->profile, request->key);
  if (app && key_of(app) == kind) return app;
  if (kind == SP_KEY_MODEL)
    sp_mock_fail(conn, request, 401, "invalid_api_key",
                 "Incorrect API key provided: the mock knows its profile's keys only.");
  else refuse_dify(conn, request);
  return NULL;
}
