/* POST /v1/files/upload (shared/dify.md §2.2). Nothing is stored: a file's id proves itself, as a conversation's does. */
#include "base/clock.h"
#include "mock/dify.h"
#include "mock/handlers.h"
#include "wire/multipart.h"

#include <stdio.h>

#define FILE_MAX (15u * 1024u * 1024u) /* Dify's own default: 15 MB (UPLOAD_FILE_SIZE_LIMIT) */
#define ID_SECRET UINT64_C(0xf11e)     /* beside the profile's seed */

static uint64_t secret_of(const struct sp_mock *mock) { return mock->profile.seed ^ ID_SECRET; }

bool sp_dify_knows_files(const struct sp_mock *mock, const json_t *files) {
  size_t i;
  json_t *file;
  json_array_foreach((json_t *)files, i, file) {
    const char *method = json_string_value(json_object_get(file, "transfer_method"));
    json_t *id = json_object_get(file, "upload_file_id");
    if (!method || strcmp(method, "local_file") != 0) continue;
    if (!sp_payload_is_signed_uuid(secret_of(mock), sp_str_of(json_string_value(id), json_string_length(id)))) return false;
  }
  return true;
}

struct upload {
  struct sp_multipart_part file;
  unsigned files;
};

static int read_form(const struct sp_mock_request *request, struct upload *upload, struct sp_err *err) {
  struct sp_multipart form;
  struct sp_multipart_part part;
  int code = sp_multipart_open(&form, request->content_type, sp_buf_str(&request->body), err);
  while (code == 0 && (code = sp_multipart_next(&form, &part, err)) == 1) {
    code = 0;
    if (!part.filename.bytes) continue; /* `user` and the like */
    upload->files++;
    if (sp_str_eq(part.name, SP_STR("file"))) upload->file = part;
  }
  return code < 0 ? code : 0;
}

static void put_document(struct sp_mock *mock, const struct upload *upload, struct sp_buf *body) {
  const struct sp_multipart_part *file = &upload->file;
  char id[SP_UUID_SIZE], user[SP_UUID_SIZE];
  struct sp_str extension = file->filename, rest = file->filename;
  sp_payload_signed_uuid(&mock->ids, secret_of(mock), id);
  sp_payload_uuid(&mock->ids, user);
  while (rest.bytes) extension = sp_str_split(&rest, '.');
  if (extension.len == file->filename.len) extension = SP_STR("");
  struct sp_jw jw = sp_jw_begin(body, false);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "id", id);
  sp_jw_str(&jw, "name", file->filename);
  sp_jw_int(&jw, "size", (int64_t)file->data.len);
  sp_jw_str(&jw, "extension", extension);
  sp_jw_str(&jw, "mime_type", file->type);
  sp_jw_text(&jw, "created_by", user);
  sp_jw_int(&jw, "created_at", sp_clock_real_ns() / SP_NS_PER_S);
  sp_jw_close(&jw, '}');
}

static void answer(struct sp_mock_conn *conn, const struct sp_mock_request *request, const struct upload *upload) {
  struct sp_buf body;
  sp_buf_init(&body, 1024 * 1024);
  put_document(conn->mock, upload, &body);
  struct sp_mock_answer created = {.status = 201, .content_type = "application/json", .body = sp_buf_str(&body)};
  sp_mock_reply(conn, request, &created);
  sp_buf_fini(&body);
}

void sp_mock_upload(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct upload upload = {.files = 0};
  struct sp_err err;
  if (!sp_mock_authenticate(conn, request, SP_KEY_APP)) return;
  if (read_form(request, &upload, &err) || !upload.file.filename.bytes)
    sp_mock_fail(conn, request, 400, "no_file_uploaded", "Please upload your file.");
  else if (upload.files > 1)
    sp_mock_fail(conn, request, 400, "too_many_files", "Only one file is allowed.");
  else if (!upload.file.type.len)
    sp_mock_fail(conn, request, 415, "unsupported_file_type", "File type not allowed.");
  else if (upload.file.data.len > FILE_MAX)
    sp_mock_fail(conn, request, 413, "file_too_large", "File size exceeded. The limit is 15 MiB.");
  else
    answer(conn, request, &upload);
}
