#include "wire/multipart.h"

/* ---- writing ---- */

static int append_name(struct sp_buf *out, struct sp_str name) {
  int code = SP_OK;
  for (size_t i = 0; i < name.len && code == SP_OK; i++) {
    char c = name.bytes[i];
    const char *escaped = c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : NULL;
    code = escaped ? sp_buf_append(out, escaped, 3) : sp_buf_append_char(out, c);
  }
  return code;
}

static int append_head(struct sp_buf *out, const struct sp_multipart_part *part) {
  int code = sp_buf_append_text(out, "Content-Disposition: form-data; name=\"");
  if (code == SP_OK) code = append_name(out, part->name);
  if (code == SP_OK && part->filename.bytes) code = sp_buf_append_text(out, "\"; filename=\"");
  if (code == SP_OK) code = append_name(out, part->filename);
  if (code == SP_OK) code = sp_buf_append_text(out, "\"\r\n");
  if (code || !part->type.len) return code;
  code = sp_buf_append_text(out, "Content-Type: ");
  if (code == SP_OK) code = sp_buf_append_str(out, part->type);
  return code ? code : sp_buf_append_text(out, "\r\n");
}

static int append_boundary(struct sp_buf *out, struct sp_str boundary, const char *behind) {
  int code = sp_buf_append_text(out, "--");
  if (code == SP_OK) code = sp_buf_append_str(out, boundary);
  return code ? code : sp_buf_append_text(out, behind);
}

int sp_multipart_append(struct sp_buf *out, struct sp_str boundary, const struct sp_multipart_part *part) {
  int code = append_boundary(out, boundary, "\r\n");
  if (code == SP_OK) code = append_head(out, part);
  if (code == SP_OK) code = sp_buf_append_text(out, "\r\n");
  if (code == SP_OK) code = sp_buf_append_str(out, part->data);
  return code ? code : sp_buf_append_text(out, "\r\n");
}

int sp_multipart_append_end(struct sp_buf *out, struct sp_str boundary) {
  return append_boundary(out, boundary, "--\r\n");
}

const char *sp_multipart_type_of(struct sp_str filename) {
  static const char *const types[][2] = {
      {"txt", "text/plain"},        {"md", "text/markdown"},     {"markdown", "text/markdown"},
      {"html", "text/html"},        {"htm", "text/html"},        {"csv", "text/csv"},
      {"xml", "text/xml"},          {"json", "application/json"}, {"pdf", "application/pdf"},
      {"png", "image/png"},         {"jpg", "image/jpeg"},       {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},         {"webp", "image/webp"},      {"svg", "image/svg+xml"},
      {"mp3", "audio/mpeg"},        {"wav", "audio/wav"},        {"m4a", "audio/mp4"},
      {"mp4", "video/mp4"},         {"webm", "video/webm"},      {"zip", "application/zip"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"}};
  struct sp_str ending = filename, rest = filename;
  while (rest.bytes) ending = sp_str_split(&rest, '.');
  for (size_t i = 0; ending.len < filename.len && i < sizeof(types) / sizeof(types[0]); i++) {
    if (sp_str_ieq(ending, sp_str_from(types[i][0]))) return types[i][1];
  }
  return "application/octet-stream";
}

/* ---- reading ---- */

static struct sp_str behind(struct sp_str s, size_t len) { return sp_str_of(s.bytes + len, s.len - len); }

/* Cuts the next parameter off "; name=value; name="a;b"". False at the end. */
static bool next_parameter(struct sp_str *rest, struct sp_str *name, struct sp_str *value) {
  *rest = sp_str_trim(*rest);
  if (rest->len && rest->bytes[0] == ';') *rest = sp_str_trim(behind(*rest, 1));
  if (!rest->len) return false;
  size_t n = 0;
  while (n < rest->len && rest->bytes[n] != '=' && rest->bytes[n] != ';') n++;
  *name = sp_str_trim(sp_str_of(rest->bytes, n));
  *value = sp_str_of(NULL, 0);
  *rest = behind(*rest, n);
  if (!rest->len || rest->bytes[0] == ';') return true;
  *rest = sp_str_trim(behind(*rest, 1));
  bool quoted = rest->len && rest->bytes[0] == '"';
  if (quoted) *rest = behind(*rest, 1);
  for (n = 0; n < rest->len && rest->bytes[n] != (quoted ? '"' : ';');) n++;
  *value = quoted ? sp_str_of(rest->bytes, n) : sp_str_trim(sp_str_of(rest->bytes, n));
  *rest = behind(*rest, quoted && n < rest->len ? n + 1 : n);
  if (!value->bytes) *value = SP_STR("");
  return true;
}

int sp_multipart_open(struct sp_multipart *multipart, struct sp_str content_type, struct sp_str body,
                      struct sp_err *err) {
  struct sp_str rest = content_type, name, value;
  struct sp_str media = sp_str_trim(sp_str_split(&rest, ';'));
  *multipart = (struct sp_multipart){.rest = body};
  if (!sp_str_ieq(media, SP_STR("multipart/form-data"))) return sp_fail(err, SP_EPARSE, "it is no multipart/form-data");
  while (next_parameter(&rest, &name, &value)) {
    if (sp_str_ieq(name, SP_STR("boundary"))) multipart->boundary = value;
  }
  if (!multipart->boundary.len || multipart->boundary.len > SP_BOUNDARY_MAX)
    return sp_fail(err, SP_EPARSE, "the multipart form has no boundary of 1 to %u bytes", SP_BOUNDARY_MAX);
  return SP_OK;
}

static int fail_cut(struct sp_err *err) { return sp_fail(err, SP_EPARSE, "the multipart form ends in its middle"); }

/* Where "--boundary" stands next at the beginning of a line; s.len: nowhere. */
static size_t find_boundary(struct sp_str s, struct sp_str boundary) {
  for (size_t at = 0; at + 2 + boundary.len <= s.len; at++) {
    const char *found = memmem(s.bytes + at, s.len - at, boundary.bytes, boundary.len);
    if (!found) break;
    at = (size_t)(found - s.bytes);
    bool dashes = at >= 2 && memcmp(found - 2, "--", 2) == 0;
    if (dashes && (at == 2 || (at >= 4 && memcmp(found - 4, "\r\n", 2) == 0))) return at - 2;
  }
  return s.len;
}

static void take_disposition(struct sp_str value, struct sp_multipart_part *part) {
  struct sp_str name, parameter;
  sp_str_split(&value, ';');
  while (next_parameter(&value, &name, &parameter)) {
    if (sp_str_ieq(name, SP_STR("name"))) part->name = parameter;
    if (sp_str_ieq(name, SP_STR("filename"))) part->filename = parameter;
  }
}

static void take_head(struct sp_str head, struct sp_multipart_part *part) {
  while (head.len) {
    struct sp_str value = sp_str_split(&head, '\n');
    struct sp_str name = sp_str_trim(sp_str_split(&value, ':'));
    if (sp_str_ieq(name, SP_STR("Content-Disposition"))) take_disposition(sp_str_trim(value), part);
    if (sp_str_ieq(name, SP_STR("Content-Type"))) part->type = sp_str_trim(value);
  }
}

int sp_multipart_next(struct sp_multipart *multipart, struct sp_multipart_part *part, struct sp_err *err) {
  *part = (struct sp_multipart_part){.name = {NULL, 0}};
  size_t at = find_boundary(multipart->rest, multipart->boundary);
  if (at == multipart->rest.len) return fail_cut(err);
  struct sp_str rest = behind(multipart->rest, at + 2 + multipart->boundary.len);
  if (sp_str_starts(rest, SP_STR("--"))) return 0;
  if (!sp_str_starts(rest, SP_STR("\r\n"))) return fail_cut(err);
  const char *end = memmem(rest.bytes, rest.len, "\r\n\r\n", 4); /* the boundary's line end may be the first one */
  if (!end) return fail_cut(err);
  size_t head = (size_t)(end - rest.bytes) + 2;
  take_head(sp_str_of(rest.bytes + 2, head > 2 ? head - 2 : 0), part);
  struct sp_str data = behind(rest, head + 2);
  at = find_boundary(data, multipart->boundary);
  if (at == data.len) return fail_cut(err);
  multipart->rest = behind(data, at);
  part->data = sp_str_of(data.bytes, at >= 2 ? at - 2 : 0);
  return 1;
}
