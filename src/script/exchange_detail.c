#include "script/exchange_detail.h"

#include "wire/json.h"

#define SP_DETAIL_SCRATCH_MAX (64u * 1024u) /* bytes of an unescaped message */

/* Bytes of the longest secret that stands here (one can be the beginning of another); 0: none. */
static size_t secret_at(struct sp_str rest, const struct sp_str *secrets, size_t secret_count) {
  size_t longest = 0;
  for (size_t i = 0; i < secret_count; i++) {
    size_t len = secrets[i].len < rest.len ? secrets[i].len : rest.len;
    if (secrets[i].len < SP_SECRET_MIN || len < SP_SECRET_MIN || len <= longest) continue;
    if (memcmp(rest.bytes, secrets[i].bytes, len) == 0) longest = len;
  }
  return longest;
}

void sp_redact(char *bytes, size_t *len, const struct sp_str *secrets, size_t secret_count) {
  size_t kept = 0;
  for (size_t at = 0; at < *len;) {
    size_t hidden = secret_at(sp_str_of(bytes + at, *len - at), secrets, secret_count);
    if (hidden) {
      memcpy(bytes + kept, "***", 3);
      kept += 3;
      at += hidden;
    } else {
      bytes[kept++] = bytes[at++];
    }
  }
  *len = kept;
}

static void flatten(char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f) bytes[i] = ' ';
  }
}

/* Cuts to `room` bytes, never inside a UTF-8 character. */
static size_t fit(const char *bytes, size_t len, size_t room) {
  if (len <= room) return len;
  while (room > 0 && ((unsigned char)bytes[room] & 0xc0) == 0x80) room--;
  return room;
}

size_t sp_detail_line(char *line, size_t room, struct sp_str text, const struct sp_str *secrets, size_t secret_count) {
  char wide[4096]; /* more than is kept: a secret across the end of the room must still be found */
  size_t len = fit(text.bytes, text.len, sizeof(wide));
  if (len == 0) return 0;
  memcpy(wide, text.bytes, len);
  sp_redact(wide, &len, secrets, secret_count);
  flatten(wide, len);
  len = fit(wide, len, room);
  memcpy(line, wide, len);
  return len;
}

static void append(struct sp_buf *detail, struct sp_str text, const struct sp_str *secrets, size_t secret_count) {
  if (sp_buf_reserve(detail, detail->max - detail->len)) return;
  char *line = detail->bytes + detail->len;
  detail->len += sp_detail_line(line, detail->max - detail->len, text, secrets, secret_count);
  detail->bytes[detail->len] = '\0';
}

static void cut(struct sp_buf *detail, size_t len) {
  if (detail->len <= len) return;
  detail->len = len;
  detail->bytes[len] = '\0';
}

static void append_part(struct sp_buf *detail, const char *before, struct sp_str text, const struct sp_str *secrets,
                        size_t secret_count) {
  if (text.len == 0 || sp_buf_append_text(detail, before)) return;
  append(detail, text, secrets, secret_count);
}

void sp_detail_set(struct sp_buf *detail, struct sp_str text, const struct sp_str *secrets, size_t secret_count) {
  sp_buf_clear(detail);
  append(detail, text, secrets, secret_count);
}

void sp_detail_status(struct sp_buf *detail, const struct sp_http1_head *head, const struct sp_str *secrets,
                      size_t secret_count) {
  sp_buf_clear(detail);
  sp_buf_printf(detail, "%d ", head->status);
  append(detail, head->reason.len < 64 ? head->reason : SP_STR(""), secrets, secret_count);
  if (detail->len && detail->bytes[detail->len - 1] == ' ') cut(detail, detail->len - 1);
}

void sp_detail_add_body(struct sp_buf *detail, struct sp_str body, const struct sp_str *secrets, size_t secret_count) {
  struct sp_json doc;
  struct sp_buf scratch;
  sp_json_init(&doc);
  sp_buf_init(&scratch, SP_DETAIL_SCRATCH_MAX);
  if (sp_json_parse(&doc, sp_str_trim(body), NULL) == 0) {
    int error = sp_json_get(&doc, 0, "error");
    int object = sp_json_kind(&doc, error) == SP_JSON_OBJECT ? error : 0;
    int code = sp_json_get(&doc, object, "code");
    if (sp_json_kind(&doc, code) != SP_JSON_STRING) code = sp_json_get(&doc, object, "type");
    int message = sp_json_get(&doc, object, "message");
    if (message < 0) message = sp_json_kind(&doc, error) == SP_JSON_STRING ? error : sp_json_get(&doc, 0, "detail");
    /* The body's own code says more than the reason phrase: keep only the number of the status line. */
    if (code >= 0 || message >= 0) cut(detail, 3);
    append_part(detail, " ", sp_json_string(&doc, code, &scratch), secrets, secret_count);
    append_part(detail, ": ", sp_json_string(&doc, message, &scratch), secrets, secret_count);
  }
  sp_buf_fini(&scratch);
  sp_json_fini(&doc);
}
