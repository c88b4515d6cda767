/* POST /v1/files/upload: what is taken, what is refused, and what a chat takes of it. */
#include "mock_fixture.h"

#include <stdio.h>
#include <unistd.h>

static struct mock_fixture mock;

static int start(void **state) {
  (void)state;
  mock_start(&mock, "{}");
  return 0;
}
static int stop(void **state) {
  (void)state;
  mock_stop(&mock);
  return 0;
}

static void upload(const char *key, const char *type, const char *body, struct reply *reply) {
  struct sp_buf request;
  int fd = client_open(&mock);
  sp_buf_init(&request, 32u << 20);
  sp_buf_printf(&request, "POST /v1/files/upload HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n", strlen(body));
  if (key) sp_buf_printf(&request, "Authorization: Bearer %s\r\n", key);
  if (type) sp_buf_printf(&request, "Content-Type: %s\r\n", type);
  sp_buf_append_text(&request, "\r\n");
  sp_buf_append_text(&request, body);
  client_send(fd, request.bytes, request.len);
  client_read(fd, 10000, reply, NULL);
  sp_buf_fini(&request);
  close(fd);
}

#define FORM "multipart/form-data; boundary=b"
#define FILE_OF(name, head) "--b\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"a.b.txt\"\r\n" head "\r\nhello\r\n"
#define TXT "Content-Type: text/plain\r\n"
#define USER "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nu\r\n"
#define END "--b--\r\n"

static void a_file_is_taken_and_used(void **state) {
  (void)state;
  struct reply reply;
  char body[400];
  upload("app-chat", FORM, USER FILE_OF("file", TXT) END, &reply);
  assert_int_equal(reply.status, 201);
  json_t *doc = json_loads(reply.body, 0, NULL);
  const char *id = json_string_value(json_object_get(doc, "id"));
  assert_non_null(id);
  assert_string_equal(json_string_value(json_object_get(doc, "name")), "a.b.txt");
  assert_string_equal(json_string_value(json_object_get(doc, "extension")), "txt");
  assert_string_equal(json_string_value(json_object_get(doc, "mime_type")), "text/plain");
  assert_int_equal(json_integer_value(json_object_get(doc, "size")), 5);
  reply_free(&reply);
  snprintf(body, sizeof(body), "{\"inputs\":{},\"query\":\"hi\",\"user\":\"u\",\"response_mode\":\"blocking\",\"files\":"
           "[{\"type\":\"document\",\"transfer_method\":\"local_file\",\"upload_file_id\":\"%s\"},"
           "{\"type\":\"image\",\"transfer_method\":\"remote_url\",\"url\":\"http://x/\"}]}", id);
  ask(&mock, "/v1/chat-messages", "app-chat", QUICK, body, &reply);
  assert_int_equal(reply.status, 200);
  reply_free(&reply);
  char *digit = strstr(body, id);
  *digit = *digit == '0' ? '1' : '0';
  ask(&mock, "/v1/chat-messages", "app-chat", QUICK, body, &reply);
  assert_int_equal(reply.status, 400);
  assert_non_null(strstr(reply.body, "Invalid upload file"));
  reply_free(&reply);
  json_decref(doc);
}

static void check_refused(const char *key, const char *type, const char *body, int status, const char *code) {
  struct reply reply;
  upload(key, type, body, &reply);
  if (reply.status != status || !strstr(reply.body, code)) fail_msg("%s: %d %s", body, reply.status, reply.body);
  reply_free(&reply);
}

static void wrong_uploads(void **state) {
  (void)state;
  check_refused(NULL, FORM, FILE_OF("file", TXT) END, 401, "unauthorized");
  check_refused("dataset-demo", FORM, FILE_OF("file", TXT) END, 401, "unauthorized");
  check_refused("app-chat", NULL, FILE_OF("file", TXT) END, 400, "no_file_uploaded");
  check_refused("app-chat", "application/json", "{}", 400, "no_file_uploaded");
  check_refused("app-chat", FORM, "", 400, "no_file_uploaded");
  check_refused("app-chat", FORM, USER END, 400, "no_file_uploaded");
  check_refused("app-chat", FORM, FILE_OF("doc", TXT) END, 400, "no_file_uploaded");
  check_refused("app-chat", FORM, FILE_OF("file", TXT), 400, "no_file_uploaded");
  check_refused("app-chat", FORM, FILE_OF("file", TXT) FILE_OF("file", TXT) END, 400, "too_many_files");
  check_refused("app-chat", FORM, FILE_OF("file", "") END, 415, "unsupported_file_type");
  const size_t size = 15u * 1024u * 1024u + 1;
  char *big = sp_alloc(size + 1000);
  int at = sprintf(big, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n" TXT "\r\n");
  memset(big + at, 'x', size);
  strcpy(big + (size_t)at + size, "\r\n" END);
  struct reply reply;
  upload("app-chat", FORM, big, &reply);
  assert_int_equal(reply.status, 413);
  assert_non_null(strstr(reply.body, "file_too_large"));
  reply_free(&reply);
  free(big);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_taken_and_used), cmocka_unit_test(wrong_uploads)};
  return cmocka_run_group_tests(tests, start, stop);
}
