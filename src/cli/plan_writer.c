#include "cli/plan_writer.h"

#include "base/mem.h"
#include "cli/plan_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sp_import_init(struct sp_import *import, const char *source) {
  memset(import, 0, sizeof(*import));
  import->source = source;
  import->user_class = "ImportedUser";
  sp_import_secrets_init(&import->secrets);
}

void sp_import_fini(struct sp_import *import) {
  for (size_t i = 0; i < import->request_count; i++) {
    free(import->requests[i].headers);
    free(import->requests[i].parts);
  }
  for (size_t i = 0; i < import->note_count; i++) free(import->notes[i]);
  for (size_t i = 0; i < import->owned_count; i++) free(import->owned[i]);
  free(import->requests);
  free(import->owned);
  sp_import_secrets_fini(&import->secrets);
  memset(import, 0, sizeof(*import));
}

struct sp_str sp_import_keep(struct sp_import *import, struct sp_str text) {
  if ((import->owned_count & (import->owned_count + 1)) == 0) { /* 0, 1, 3, 7 …: full */
    import->owned = sp_realloc(import->owned, (2 * import->owned_count + 1) * sizeof(*import->owned));
  }
  char *copy = sp_strndup(text.len ? text.bytes : "", text.len);
  import->owned[import->owned_count++] = copy;
  return sp_str_of(copy, text.len);
}

void sp_import_note(struct sp_import *import, const char *format, ...) {
  char note[400];
  va_list args;
  va_start(args, format);
  vsnprintf(note, sizeof(note), format, args);
  va_end(args);
  bool utf8 = sp_plan_is_utf8(sp_str_from(note)); /* not where the input was none, or the cap cut a character */
  for (char *c = note; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !utf8)) *c = '?'; /* a comment ends with its line */
  }
  for (size_t i = 0; i < import->note_count; i++) {
    if (strcmp(import->notes[i], note) == 0) return;
  }
  if (import->note_count < SP_IMPORT_NOTES_MAX) import->notes[import->note_count++] = sp_strdup(note);
}

struct sp_import_request *sp_import_add(struct sp_import *import) {
  size_t count = import->request_count + 1;
  import->requests = sp_realloc(import->requests, count * sizeof(*import->requests));
  struct sp_import_request *request = &import->requests[import->request_count++];
  *request = (struct sp_import_request){.method = SP_STR("GET")};
  return request;
}

/* ---- URL and headers ---- */

void sp_import_append_origin(const struct sp_url *url, struct sp_buf *out) {
  size_t from = out->len;
  sp_buf_append_text(out, url->tls ? "https://" : "http://");
  sp_url_append_authority(url, out);
  for (size_t i = from; i < out->len; i++) out->bytes[i] = (char)tolower((unsigned char)out->bytes[i]);
}

void sp_import_set_auth(struct sp_import *import, struct sp_import_request *request, struct sp_str pair) {
  struct sp_str password = pair;
  struct sp_str user = sp_str_split(&password, ':');
  request->auth_user = sp_import_keep(import, user);
  request->auth_password = sp_import_keep(import, password);
}

int sp_import_add_part(struct sp_import_request *request, const struct sp_import_part *part) {
  if (request->part_count == SP_IMPORT_PARTS_MAX) return SP_ELIMIT;
  if (!request->parts) request->parts = sp_alloc_array(SP_IMPORT_PARTS_MAX, sizeof(*request->parts));
  request->parts[request->part_count++] = *part;
  return 0;
}

int sp_import_set_url(struct sp_import *import, struct sp_import_request *request, struct sp_str text,
                      struct sp_err *err) {
  struct sp_url url;
  struct sp_buf out;
  int code = sp_url_parse(text, &url, err);
  if (code) return code;
  sp_buf_init(&out, SP_URL_MAX + 64);
  sp_import_append_origin(&url, &out);
  request->origin = sp_import_keep(import, sp_buf_str(&out));
  request->target = sp_import_keep(import, url.target);
  sp_buf_clear(&out);
  if (url.userinfo.len && !request->auth_user.bytes && !sp_import_get_header(request, "Authorization").bytes) {
    sp_url_decode(url.userinfo, &out);
    sp_import_set_auth(import, request, sp_buf_str(&out));
  }
  sp_buf_fini(&out);
  return 0;
}

static struct sp_import_header *find_header(const struct sp_import_request *request, struct sp_str name) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (sp_str_ieq(request->headers[i].name, name)) return &request->headers[i];
  }
  return NULL;
}

struct sp_str sp_import_get_header(const struct sp_import_request *request, const char *name) {
  const struct sp_import_header *header = find_header(request, sp_str_from(name));
  return header ? header->value : sp_str_of(NULL, 0);
}

static bool holds(struct sp_str text, const char *word) {
  size_t len = strlen(word);
  for (size_t i = 0; i + len <= text.len; i++) {
    if (sp_str_ieq(sp_str_of(text.bytes + i, len), sp_str_of(word, len))) return true;
  }
  return false;
}

/* What belongs to a connection or follows from the request is the client's to say. */
static bool take_own_header(struct sp_import_request *request, struct sp_str name, struct sp_str value) {
  static const char *const made[] = {
      "Content-Length", "Transfer-Encoding", "Keep-Alive", "Proxy-Connection", "Expect", "TE", "Trailer",
      "Upgrade",        "HTTP2-Settings",    NULL};
  for (size_t i = 0; made[i]; i++) {
    if (sp_str_ieq(name, sp_str_from(made[i]))) return true;
  }
  if (sp_str_ieq(name, SP_STR("Accept-Encoding"))) return request->gzip |= holds(value, "gzip"), true;
  if (sp_str_ieq(name, SP_STR("Connection"))) return request->new_connection |= holds(value, "close"), true;
  return name.len && name.bytes[0] == ':'; /* HTTP/2's own */
}

/* RFC 9110 §5.6.2 and §5.5 */
static bool is_header(struct sp_str name, struct sp_str value) {
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = (unsigned char)name.bytes[i];
    if (c >= 0x80 || (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  for (size_t i = 0; i < value.len; i++) {
    if (memchr("\r\n", value.bytes[i], 3)) return false;
  }
  return name.len > 0;
}

static void join_header(struct sp_import *import, struct sp_import_header *header, struct sp_str value) {
  bool cookie = sp_str_ieq(header->name, SP_STR("Cookie"));
  struct sp_buf out;
  sp_buf_init(&out, SIZE_MAX);
  sp_buf_append_str(&out, header->value);
  sp_buf_append_text(&out, cookie ? "; " : ", ");
  sp_buf_append_str(&out, value);
  header->value = sp_import_keep(import, sp_buf_str(&out));
  sp_buf_fini(&out);
}

void sp_import_add_header(struct sp_import *import, struct sp_import_request *request, struct sp_str name,
                          struct sp_str value) {
  name = sp_str_trim(name);
  value = sp_str_trim(value);
  if (take_own_header(request, name, value)) return;
  if (!is_header(name, value)) {
    sp_import_note(import, "a header that HTTP does not allow is left out");
    return;
  }
  struct sp_import_header *header = find_header(request, name);
  if (header) {
    join_header(import, header, value);
    return;
  }
  if (request->header_count == SP_IMPORT_HEADERS_MAX) {
    sp_import_note(import, "a request's headers over %u are left out", SP_IMPORT_HEADERS_MAX);
    return;
  }
  if (!request->headers) request->headers = sp_alloc_array(SP_IMPORT_HEADERS_MAX, sizeof(*request->headers));
  request->headers[request->header_count++] =
      (struct sp_import_header){sp_import_keep(import, name), sp_import_keep(import, value)};
}

/* ---- how its answer streams ---- */

static struct sp_str path_of(struct sp_str target) { return sp_str_split(&target, '?'); }

static bool ends_with(struct sp_str s, const char *end) {
  size_t len = strlen(end);
  return s.len >= len && memcmp(s.bytes + s.len - len, end, len) == 0;
}

static bool is_dify(struct sp_str path) {
  static const char run[] = "/run", flows[] = "/workflows/";
  if (ends_with(path, "/chat-messages") || ends_with(path, "/completion-messages") || ends_with(path, "/workflows/run"))
    return true;
  if (!ends_with(path, run)) return false;
  /* /workflows/{id}/run: one segment between */
  const char *at = memmem(path.bytes, path.len, flows, sizeof(flows) - 1);
  if (!at) return false;
  struct sp_str id = sp_str_of(at + sizeof(flows) - 1, path.len - (size_t)(at - path.bytes) - (sizeof(flows) - 1));
  struct sp_str first = sp_str_split(&id, '/');
  return first.len > 0 && sp_str_eq(id, SP_STR("run"));
}

static bool is_openai(struct sp_str path) { return ends_with(path, "/completions"); } /* also /chat/completions */

void sp_import_settle(struct sp_import_request *request, bool event_stream) {
  struct sp_str path = path_of(request->target);
  struct sp_json body;
  sp_json_init(&body);
  bool json = request->body.len && sp_json_parse(&body, request->body, NULL) == 0;
  bool dify = json && sp_json_is(&body, sp_json_get(&body, 0, "response_mode"), "streaming");
  bool openai = json && sp_json_bool(&body, sp_json_get(&body, 0, "stream"), false);
  bool accepts = holds(sp_import_get_header(request, "Accept"), "text/event-stream");
  if (is_dify(path) && (dify || event_stream))
    request->stream = "dify";
  else if (is_openai(path) && (openai || event_stream))
    request->stream = "openai";
  else if (accepts || event_stream)
    request->stream = "sse";
  sp_json_fini(&body);
}

/* ---- secrets ---- */

/* Marks point into the requests' texts, which no longer change. */
static void find_secrets(struct sp_import *import) {
  for (size_t i = 0; i < import->request_count; i++) {
    const struct sp_import_request *request = &import->requests[i];
    for (size_t h = 0; h < request->header_count; h++) {
      sp_import_secrets_find_in_header(&import->secrets, request->headers[h].name, request->headers[h].value);
    }
    sp_import_secrets_find_in_target(&import->secrets, request->target);
    sp_import_secrets_find_in_body(&import->secrets, request->body);
    sp_import_secrets_find_in_auth(&import->secrets, request->auth_user, request->auth_password);
    for (size_t p = 0; p < request->part_count; p++) {
      const struct sp_import_part *part = &request->parts[p];
      if (!part->is_file) sp_import_secrets_find_in_field(&import->secrets, part->name, part->content);
    }
  }
  sp_import_secrets_find_in_header(&import->secrets, SP_STR("Cookie"), import->cookies);
  sp_import_secrets_sort(&import->secrets);
  if (import->secrets.left_over) {
    sp_import_note(import, "over %u secrets: the further ones are *** in the plan, fill them in",
                   SP_IMPORT_SECRETS_MAX);
  }
}

/* ---- writing ---- */

struct writer {
  struct sp_import *import;
  struct sp_str base;
  struct sp_plan_text text;
  const struct sp_import_request *common; /* its first common_count headers … */
  bool is_common[SP_IMPORT_HEADERS_MAX];  /* … that are the same in every request */
  size_t common_count;
};

/* What can be shown: the text up to a length, no control bytes, *** for secrets. */
static void append_shown(const struct sp_import *import, struct sp_str s, size_t max, struct sp_buf *out) {
  struct sp_import_mark mark;
  bool utf8 = sp_plan_is_utf8(s);
  while (s.len && out->len < max) {
    bool found = sp_import_secrets_next(&import->secrets, s, &mark);
    size_t plain = found ? (size_t)(mark.at - s.bytes) : s.len;
    size_t behind = plain + (found ? mark.len : 0);
    for (size_t i = 0; i < plain && out->len < max; i++) {
      unsigned char c = (unsigned char)s.bytes[i];
      sp_buf_append_char(out, c < ' ' || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : (char)c);
    }
    if (found) sp_buf_append_text(out, "***");
    s = sp_str_of(s.bytes + behind, s.len - behind);
  }
  while (!sp_plan_is_utf8(sp_buf_str(out))) out->bytes[--out->len] = '\0'; /* a character that was cut */
}

void sp_import_append_name(const struct sp_import *import, const struct sp_import_request *request,
                           struct sp_buf *out) {
  struct sp_buf name;
  sp_buf_init(&name, SP_URL_MAX);
  sp_buf_append_str(&name, request->method);
  sp_buf_append_char(&name, ' ');
  append_shown(import, path_of(request->target), SP_IMPORT_NAME_MAX, &name);
  sp_buf_append_str(out, sp_buf_str(&name));
  sp_buf_fini(&name);
}

static void put_name(struct writer *w, const struct sp_import_request *request) {
  struct sp_buf name;
  struct sp_plan_text plain; /* names are shown: no secret may be spliced into them */
  sp_buf_init(&name, SP_URL_MAX);
  sp_import_append_name(w->import, request, &name);
  sp_plan_text_init(&plain, w->text.out, NULL);
  plain.full = w->text.full;
  sp_plan_put_string(&plain, sp_buf_str(&name));
  w->text.full = plain.full;
  sp_plan_text_fini(&plain);
  sp_buf_fini(&name);
}

static void put_title(struct writer *w) {
  const struct sp_import *import = w->import;
  struct sp_buf name;
  sp_buf_init(&name, SP_URL_MAX);
  if (import->task)
    sp_buf_printf(&name, "%zu request%s", import->request_count, import->request_count == 1 ? "" : "s");
  else
    sp_import_append_name(import, &import->requests[0], &name);
  sp_plan_putf(&w->text, "-- " SP_STR_FMT " · from %s\n", SP_STR_ARG(sp_buf_str(&name)), import->source);
  sp_buf_fini(&name);
  sp_plan_put(&w->text, "--   spate try PLAN.lua");
  for (size_t i = 0; i < import->secrets.count; i++) sp_plan_putf(&w->text, " -e %s=…", import->secrets.items[i].name);
  sp_plan_put(&w->text, "\n");
  for (size_t i = 0; i < import->note_count; i++) sp_plan_putf(&w->text, "-- note: %s\n", import->notes[i]);
}

static void put_params(struct writer *w) {
  struct sp_plan_text plain;
  sp_plan_put(&w->text, "local spate = require(\"spate\")\n\n");
  sp_plan_text_init(&plain, w->text.out, NULL);
  plain.full = w->text.full;
  for (size_t i = 0; i < w->import->secrets.count; i++) {
    const struct sp_import_secret *secret = &w->import->secrets.items[i];
    sp_plan_putf(&plain, "local %s = spate.param(\"%s\", { description = ", secret->name, secret->name);
    sp_plan_put_string(&plain, sp_str_from(secret->description));
    sp_plan_put(&plain, ", secret = true })\n");
  }
  if (w->import->secrets.count) sp_plan_put(&plain, "\n");
  w->text.full = plain.full;
  sp_plan_text_fini(&plain);
}

/* ---- headers ---- */

static bool same_value(struct sp_import_header a, const struct sp_import_header *b) {
  return b && (sp_str_ieq(a.name, SP_STR("Cookie")) || sp_str_eq(a.value, b->value));
}

static bool is_everywhere(const struct sp_import *import, struct sp_import_header header) {
  static const char *const own[] = {"Content-Type", "Accept", NULL}; /* these say what the one request is */
  for (size_t i = 0; own[i]; i++) {
    if (sp_str_ieq(header.name, sp_str_from(own[i]))) return false;
  }
  for (size_t i = 0; i < import->request_count; i++) {
    if (!same_value(header, find_header(&import->requests[i], header.name))) return false;
  }
  return true;
}

static void find_common(struct writer *w) {
  if (w->import->request_count < 2) return;
  w->common = &w->import->requests[0];
  for (size_t i = 0; i < w->common->header_count; i++) {
    w->is_common[i] = is_everywhere(w->import, w->common->headers[i]);
    w->common_count += w->is_common[i];
  }
}

static bool in_common(const struct writer *w, struct sp_str name) {
  for (size_t i = 0; w->common && i < w->common->header_count; i++) {
    if (w->is_common[i] && sp_str_ieq(w->common->headers[i].name, name)) return true;
  }
  return false;
}

static void put_header(struct writer *w, struct sp_import_header header) {
  sp_plan_put_key(&w->text, header.name);
  sp_plan_put_string(&w->text, header.value);
}

static void put_common(struct writer *w) {
  if (!w->common_count) return;
  sp_plan_put(&w->text, "-- What every request has in its head, and what it has besides.\nlocal function "
                        "headers(own)\n  local all = {\n");
  for (size_t i = 0; i < w->common->header_count; i++) {
    if (!w->is_common[i]) continue;
    sp_plan_put(&w->text, "    ");
    put_header(w, w->common->headers[i]);
    sp_plan_put(&w->text, ",\n");
  }
  sp_plan_put(&w->text, "  }\n  for name, value in pairs(own) do all[name] = value end\n  return all\nend\n\n");
}

/* ---- the body ---- */

enum body_form { BODY_NONE, BODY_TEXT, BODY_JSON };

struct body {
  enum body_form form;
  struct sp_json doc;
  bool header_follows; /* Content-Type need not be said among the headers */
};

static void open_body(struct body *body, const struct sp_import_request *request) {
  sp_json_init(&body->doc);
  struct sp_str type = sp_import_get_header(request, "Content-Type");
  body->form = request->has_body ? BODY_TEXT : BODY_NONE;
  /* json = … says application/json of itself: not of a body that had no type */
  if (request->has_body && type.bytes && request->body.len && sp_json_parse(&body->doc, request->body, NULL) == 0 &&
      (sp_json_kind(&body->doc, 0) == SP_JSON_OBJECT || sp_json_kind(&body->doc, 0) == SP_JSON_ARRAY) &&
      sp_plan_json_fits(&body->doc, 0)) {
    body->form = BODY_JSON;
  }
  body->header_follows =
      body->form == BODY_TEXT || (body->form == BODY_JSON && sp_str_ieq(type, SP_STR("application/json")));
}

static void put_member(struct writer *w, int indent, const char *name) {
  sp_plan_put_indent(&w->text, indent);
  sp_plan_putf(&w->text, "%s = ", name);
}

static void put_text_member(struct writer *w, int indent, const char *name, struct sp_str value) {
  put_member(w, indent, name);
  sp_plan_put_string(&w->text, value);
  sp_plan_put(&w->text, ",\n");
}

static void put_body(struct writer *w, const struct sp_import_request *request, const struct body *body, int indent) {
  struct sp_str type = sp_import_get_header(request, "Content-Type");
  if (body->form == BODY_JSON) {
    put_member(w, indent, "json");
    sp_plan_put_json(&w->text, &body->doc, 0, indent);
    sp_plan_put(&w->text, ",\n");
  } else if (body->form == BODY_TEXT) {
    if (type.len) put_text_member(w, indent, "content_type", type);
    put_text_member(w, indent, "body", request->body);
  }
}

static void put_part_member(struct writer *w, const char *name, struct sp_str value) {
  sp_plan_putf(&w->text, ", %s = ", name);
  sp_plan_put_string(&w->text, value);
}

static void put_parts(struct writer *w, const struct sp_import_request *request, int indent) {
  if (!request->part_count) return;
  put_member(w, indent, "multipart");
  sp_plan_put(&w->text, "{\n");
  for (size_t i = 0; i < request->part_count; i++) {
    const struct sp_import_part *part = &request->parts[i];
    sp_plan_put_indent(&w->text, indent + 1);
    sp_plan_put(&w->text, "{ name = ");
    sp_plan_put_string(&w->text, part->name);
    put_part_member(w, part->is_file ? "file" : "data", part->content);
    if (part->has_filename) put_part_member(w, "filename", part->filename);
    if (part->type.len) put_part_member(w, "type", part->type);
    sp_plan_put(&w->text, " },\n");
  }
  sp_plan_put_indent(&w->text, indent);
  sp_plan_put(&w->text, "},\n");
}

/* ---- requests ---- */

static bool is_own_header(const struct writer *w, const struct sp_import_request *request, const struct body *body,
                          struct sp_import_header header) {
  if (in_common(w, header.name)) return false;
  if (sp_str_ieq(header.name, SP_STR("Content-Type"))) return !body->header_follows;
  /* what the client says of a stream by itself */
  bool accept = sp_str_ieq(header.name, SP_STR("Accept")) && sp_str_ieq(header.value, SP_STR("text/event-stream"));
  return !(request->stream && accept);
}

static void put_headers(struct writer *w, const struct sp_import_request *request, const struct body *body,
                        int indent) {
  size_t own = 0, at = 0;
  for (size_t i = 0; i < request->header_count; i++) own += is_own_header(w, request, body, request->headers[i]);
  if (!own && !w->common_count) return;
  put_member(w, indent, "headers");
  sp_plan_put(&w->text, w->common_count ? "headers {" : "{");
  sp_plan_put(&w->text, own > 1 ? "\n" : own ? " " : "");
  for (size_t i = 0; i < request->header_count; i++) {
    if (!is_own_header(w, request, body, request->headers[i])) continue;
    if (own > 1) sp_plan_put_indent(&w->text, indent + 1);
    put_header(w, request->headers[i]);
    sp_plan_put(&w->text, own > 1 ? ",\n" : " ");
    at++;
  }
  if (at > 1) sp_plan_put_indent(&w->text, indent);
  sp_plan_put(&w->text, "},\n");
}

static void put_place(struct writer *w, const struct sp_import_request *request, int indent) {
  struct sp_buf url;
  if (sp_str_eq(request->origin, w->base)) {
    put_text_member(w, indent, "path", request->target);
    return;
  }
  put_member(w, indent, "url");
  sp_buf_init(&url, SP_URL_MAX * 2);
  sp_buf_append_str(&url, request->origin);
  sp_plan_put_string(&w->text, sp_buf_str(&url));
  sp_plan_put(&w->text, " .. ");
  sp_plan_put_string(&w->text, request->target); /* apart: marks know it by its place */
  sp_plan_put(&w->text, ",\n");
  sp_buf_fini(&url);
}

static void put_auth(struct writer *w, const struct sp_import_request *request, int indent) {
  if (!request->auth_user.bytes) return;
  put_member(w, indent, "auth");
  sp_plan_put(&w->text, "{ ");
  sp_plan_put_string(&w->text, request->auth_user);
  sp_plan_put(&w->text, ", ");
  sp_plan_put_string(&w->text, request->auth_password);
  sp_plan_put(&w->text, " },\n");
}

static void put_request(struct writer *w, const struct sp_import_request *request, int indent) {
  struct body body;
  open_body(&body, request);
  sp_plan_put_indent(&w->text, indent);
  sp_plan_put(&w->text, "user:request {\n");
  if (w->import->task) {
    put_member(w, indent + 1, "name");
    put_name(w, request);
    sp_plan_put(&w->text, ",\n");
  }
  put_text_member(w, indent + 1, "method", request->method);
  put_place(w, request, indent + 1);
  put_headers(w, request, &body, indent + 1);
  put_auth(w, request, indent + 1);
  put_body(w, request, &body, indent + 1);
  put_parts(w, request, indent + 1);
  if (request->stream) put_text_member(w, indent + 1, "stream", sp_str_from(request->stream));
  if (request->redirects) put_member(w, indent + 1, "redirects"), sp_plan_putf(&w->text, "%d,\n", request->redirects);
  if (request->gzip) put_member(w, indent + 1, "gzip"), sp_plan_put(&w->text, "true,\n");
  if (request->new_connection) put_text_member(w, indent + 1, "connection", SP_STR("request"));
  if (request->timeout_s > 0)
    put_member(w, indent + 1, "timeout"), sp_plan_putf(&w->text, "%.15g,\n", request->timeout_s);
  sp_plan_put_indent(&w->text, indent);
  sp_plan_put(&w->text, "}\n");
  sp_json_fini(&body.doc);
}

static void put_task_name(struct writer *w) {
  if (w->import->task) {
    sp_plan_put_key(&w->text, sp_str_from(w->import->task));
    return;
  }
  sp_plan_put(&w->text, "[");
  put_name(w, &w->import->requests[0]);
  sp_plan_put(&w->text, "] = ");
}

static void put_task(struct writer *w) {
  const struct sp_import *import = w->import;
  sp_plan_putf(&w->text, "spate.user(\"%s\", {\n  think = spate.between(1, 3),\n", import->user_class);
  if (import->cookies.len) {
    sp_plan_put(&w->text, "  on_start = function(user) user:set_cookies(");
    sp_plan_put_string(&w->text, import->cookies);
    sp_plan_put(&w->text, ") end,\n");
  }
  sp_plan_put(&w->text, "  tasks = {\n    ");
  put_task_name(w);
  sp_plan_put(&w->text, "function(user)\n");
  for (size_t i = 0; i < import->request_count && !w->text.full; i++) {
    const struct sp_import_request *request = &import->requests[i];
    if (request->pause_s > 0) sp_plan_putf(&w->text, "      user:sleep(%.15g)\n", request->pause_s);
    put_request(w, request, 3);
  }
  sp_plan_put(&w->text, "    end,\n  },\n})\n\n");
}

static void put_load(struct writer *w) {
  sp_plan_put(&w->text, "spate.load { host = ");
  sp_plan_put_string(&w->text, w->base);
  sp_plan_put(&w->text, ", users = 1, run_time = \"1m\"");
  if (w->import->connect_timeout_s > 0)
    sp_plan_putf(&w->text, ", connect_timeout = %.15g", w->import->connect_timeout_s);
  sp_plan_put(&w->text, " }\n");
}

int sp_import_write(struct sp_import *import, struct sp_buf *out, struct sp_err *err) {
  if (!import->request_count) return sp_fail(err, SP_EPARSE, "there is no request to write");
  struct writer w = {.import = import, .base = import->base.len ? import->base : import->requests[0].origin};
  find_secrets(import);
  sp_plan_text_init(&w.text, out, &import->secrets);
  find_common(&w);
  put_title(&w);
  put_params(&w);
  put_common(&w);
  put_task(&w);
  put_load(&w);
  bool full = w.text.full;
  sp_plan_text_fini(&w.text);
  return full ? sp_fail(err, SP_ELIMIT, "the plan would be over %zu bytes", out->max) : 0;
}
