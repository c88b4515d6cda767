#include "wire/http1.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define EXCERPT_MAX 20 /* bytes of garbage that a sentence shows */
#define FIRST_HEAD_BYTES 512

/* A head being collected: method and target or reason, then "Name: value\r\n" for each header, in one buffer. */
struct sp_http1_scratch {
  struct sp_buf text;
  size_t method_len, start_len; /* of the method; of all that stands before the headers */
  size_t name_at, value_at;     /* of the header being collected */
  size_t header_count;
};

/* ---- failing ---- */

/* The first failure of a message is the one that counts; llhttp is stopped by what the callback returns. */
static int fail_with(struct sp_http1 *http1, int code) {
  http1->failed = code;
  return -1;
}

static const char *noun(const struct sp_http1 *http1) {
  return http1->side == SP_HTTP1_RESPONSE ? "answer" : "request";
}

static int fail_head_size(struct sp_http1 *http1, const char *what) {
  return fail_with(http1, sp_fail(http1->err, SP_ELIMIT, "the %s of the %s are over the limit of %u bytes (%s)", what,
                                  noun(http1), SP_HTTP1_HEAD_MAX, "SP_HTTP1_HEAD_MAX"));
}

/* ---- collecting the head ---- */

static struct sp_http1 *owner(llhttp_t *parser) { return sp_container_of(parser, struct sp_http1, parser); }

static void drop_scratch(struct sp_http1 *http1) {
  if (!http1->scratch) return;
  sp_buf_fini(&http1->scratch->text);
  free(http1->scratch);
  http1->scratch = NULL;
}

static struct sp_http1_scratch *scratch_of(struct sp_http1 *http1) {
  if (http1->scratch) return http1->scratch;
  http1->scratch = sp_alloc(sizeof(*http1->scratch));
  sp_buf_init(&http1->scratch->text, SP_HTTP1_HEAD_MAX);
  sp_buf_reserve(&http1->scratch->text, FIRST_HEAD_BYTES);
  return http1->scratch;
}

static int collect(struct sp_http1 *http1, const char *at, size_t len) {
  if (sp_buf_append(&scratch_of(http1)->text, at, len) < 0) return fail_head_size(http1, "start line and headers");
  return 0;
}

static int on_message_begin(llhttp_t *parser) {
  struct sp_http1 *http1 = owner(parser);
  http1->in_message = true;
  http1->head_done = false;
  http1->trailer_bytes = 0;
  if (http1->handler->on_begin && http1->handler->on_begin(http1->ctx) != 0) return fail_with(http1, SP_EPARSE);
  return 0;
}

static int on_start_line_part(llhttp_t *parser, const char *at, size_t len) {
  struct sp_http1 *http1 = owner(parser);
  if (collect(http1, at, len) < 0) return -1;
  http1->scratch->start_len = http1->scratch->text.len;
  return 0;
}

static int on_method_part(llhttp_t *parser, const char *at, size_t len) {
  struct sp_http1 *http1 = owner(parser);
  if (on_start_line_part(parser, at, len) < 0) return -1;
  http1->scratch->method_len = http1->scratch->text.len;
  return 0;
}

/* Trailer fields are no headers (RFC 9110, 6.5.1): they are read past, but not without end. */
static bool is_trailer(struct sp_http1 *http1) { return (http1->parser.flags & F_TRAILING) != 0; }

static int pass_trailer(struct sp_http1 *http1, size_t len) {
  http1->trailer_bytes += len;
  return http1->trailer_bytes > SP_HTTP1_HEAD_MAX ? fail_head_size(http1, "trailers") : 0;
}

static int on_field_part(llhttp_t *parser, const char *at, size_t len) {
  struct sp_http1 *http1 = owner(parser);
  return is_trailer(http1) ? pass_trailer(http1, len) : collect(http1, at, len);
}

static int on_name_end(llhttp_t *parser) {
  struct sp_http1 *http1 = owner(parser);
  if (is_trailer(http1)) return pass_trailer(http1, 2);
  struct sp_http1_scratch *scratch = scratch_of(http1);
  size_t from = scratch->header_count ? scratch->name_at : scratch->start_len;
  size_t len = scratch->text.len - from;
  if (!len || memchr(scratch->text.bytes + from, ' ', len)) {
    return fail_with(http1, sp_fail(http1->err, SP_EPARSE, "a header of the %s has %s", noun(http1),
                                    len ? "a space in its name" : "no name"));
  }
  if (++scratch->header_count > SP_HTTP1_HEADERS_MAX) {
    return fail_with(http1, sp_fail(http1->err, SP_ELIMIT, "the %s has more than %u headers (SP_HTTP1_HEADERS_MAX)",
                                    noun(http1), SP_HTTP1_HEADERS_MAX));
  }
  if (collect(http1, ": ", 2) < 0) return -1;
  scratch->value_at = scratch->text.len;
  return 0;
}

static int on_value_end(llhttp_t *parser) {
  struct sp_http1 *http1 = owner(parser);
  if (is_trailer(http1)) return pass_trailer(http1, 2);
  struct sp_http1_scratch *scratch = scratch_of(http1);
  struct sp_buf *text = &scratch->text;
  while (text->len > scratch->value_at && strchr(" \t", text->bytes[text->len - 1])) text->len--;
  if (collect(http1, "\r\n", 2) < 0) return -1;
  scratch->name_at = text->len;
  return 0;
}

/* ---- the head is whole ---- */

/* llhttp lets neither CR nor LF into a value, nor ':' into a name, so the text can be taken apart again. */
static size_t index_headers(struct sp_str raw, struct sp_http1_header *headers) {
  size_t count = 0;
  while (raw.len) {
    struct sp_str line = sp_str_split(&raw, '\n');
    size_t name_len = (size_t)((const char *)memchr(line.bytes, ':', line.len) - line.bytes);
    headers[count].name = sp_str_of(line.bytes, name_len);
    headers[count].value = sp_str_of(line.bytes + name_len + 2, line.len - name_len - 3);
    count++;
  }
  return count;
}

static bool is_bodiless_status(int status) { return (status >= 100 && status < 200) || status == 204 || status == 304; }

static bool is_switch(const llhttp_t *parser) {
  return parser->type == HTTP_RESPONSE ? parser->status_code == 101 : parser->method == HTTP_CONNECT;
}

static bool is_interim(const llhttp_t *parser) {
  return parser->type == HTTP_RESPONSE && parser->status_code / 100 == 1 && parser->status_code != 101;
}

static int check_head(struct sp_http1 *http1) {
  const llhttp_t *parser = &http1->parser;
  if (parser->http_major != 1) {
    return fail_with(http1, sp_fail(http1->err, SP_EPARSE, "the %s says HTTP/%d.%d: spate expects HTTP/1.x here",
                                    noun(http1), parser->http_major, parser->http_minor));
  }
  if (parser->type == HTTP_RESPONSE && parser->status_code < 100) {
    return fail_with(http1, sp_fail(http1->err, SP_EPARSE, "the answer has the status %d: a status has three digits",
                                    parser->status_code));
  }
  if ((parser->flags & F_CONTENT_LENGTH) && parser->content_length > INT64_MAX) {
    return fail_with(http1, sp_fail(http1->err, SP_EPARSE, "the %s has a Content-Length over 2^63", noun(http1)));
  }
  return 0;
}

static void fill_head(struct sp_http1 *http1, struct sp_http1_head *head, struct sp_http1_header *headers) {
  const llhttp_t *parser = &http1->parser;
  const struct sp_http1_scratch *scratch = scratch_of(http1);
  struct sp_str text = sp_buf_str(&scratch->text);
  bool response = parser->type == HTTP_RESPONSE;
  head->raw = sp_str_of(text.bytes + scratch->start_len, text.len - scratch->start_len);
  head->header_count = index_headers(head->raw, headers);
  head->headers = headers;
  if (response) head->status = parser->status_code;
  if (response) head->reason = sp_str_of(text.bytes, scratch->start_len);
  if (!response) head->method = sp_str_of(text.bytes, scratch->method_len);
  if (!response) head->target = sp_str_of(text.bytes + scratch->method_len, scratch->start_len - scratch->method_len);
  head->major = parser->http_major;
  head->minor = parser->http_minor;
  head->keep_alive = http1->keep_alive;
  head->chunked = (parser->flags & F_CHUNKED) != 0;
  head->content_length = parser->flags & F_CONTENT_LENGTH ? (int64_t)parser->content_length : -1;
}

/* llhttp's answers: 0 a body as the head says, 1 no body, 2 no body and another protocol behind it, -1 stop. */
static int on_headers_complete(llhttp_t *parser) {
  struct sp_http1 *http1 = owner(parser);
  struct sp_http1_header headers[SP_HTTP1_HEADERS_MAX];
  struct sp_http1_head head = {.status = 0};
  if (check_head(http1) < 0) return -1;
  bool response = parser->type == HTTP_RESPONSE;
  bool no_body = response && (http1->head_request || is_bodiless_status(parser->status_code));
  if (no_body) parser->flags |= F_SKIPBODY;                 /* llhttp_should_keep_alive looks at it */
  if (!response && !is_switch(parser)) parser->upgrade = 0; /* an offer to upgrade may be ignored (RFC 9110, 7.8) */
  http1->keep_alive = !is_switch(parser) && llhttp_should_keep_alive(parser);
  fill_head(http1, &head, headers);
  http1->head_done = true;
  int code = http1->handler->on_head(http1->ctx, &head, http1->err);
  drop_scratch(http1);
  if (code != 0) return fail_with(http1, SP_EPARSE);
  return is_switch(parser) ? 2 : no_body;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  struct sp_http1 *http1 = owner(parser);
  if (!len) return 0;
  if (http1->handler->on_body(http1->ctx, sp_str_of(at, len), http1->err) != 0) return fail_with(http1, SP_EPARSE);
  return 0;
}

/* llhttp passes over all that follows a message whose headers, or trailers, said "Connection: close". Whether more
 * comes is decided here, by the head alone, and never by a 1xx: or an answer would be lost without a word. */
static void make_llhttp_go_on(llhttp_t *parser) {
  parser->flags = (uint16_t)((parser->flags & ~F_CONNECTION_CLOSE) | F_CONNECTION_KEEP_ALIVE);
}

static int on_message_complete(llhttp_t *parser) {
  struct sp_http1 *http1 = owner(parser);
  make_llhttp_go_on(parser);
  if (is_interim(parser)) return 0; /* the answer itself is still to come */
  http1->in_message = false;
  http1->head_request = false;
  http1->ended = !http1->keep_alive;
  if (http1->handler->on_end(http1->ctx, http1->err) != 0) return fail_with(http1, SP_EPARSE);
  return http1->ended ? HPE_PAUSED : 0;
}

/* ---- saying what was wrong ---- */

static int show_byte(unsigned char c, char *text, size_t size) {
  if (c == '\r') return snprintf(text, size, "\\r");
  if (c == '\n') return snprintf(text, size, "\\n");
  if (c >= ' ' && c < 0x7f && c != '\\') return snprintf(text, size, "%c", c);
  return snprintf(text, size, "\\x%02x", c);
}

static void excerpt(struct sp_str bytes, char *text, size_t size) {
  size_t len = 0;
  text[0] = '\0';
  for (size_t i = 0; i < bytes.len && i < EXCERPT_MAX; i++) {
    len += (size_t)show_byte((unsigned char)bytes.bytes[i], text + len, size - len);
  }
  if (bytes.len > EXCERPT_MAX) snprintf(text + len, size - len, "…");
}

static const char *guess_protocol(struct sp_str bytes) {
  const unsigned char *b = (const unsigned char *)bytes.bytes;
  if (bytes.len >= 2 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3) return " (TLS: is the URL to be https?)";
  if (bytes.len >= 5 && b[0] == 0 && b[3] == 4 && b[4] == 0) return " (HTTP/2)";
  if (sp_str_starts(bytes, SP_STR("SSH-"))) return " (SSH)";
  return "";
}

static int fail_no_http(struct sp_http1 *http1, struct sp_str bytes) {
  char text[EXCERPT_MAX * 4 + sizeof("…")];
  excerpt(bytes, text, sizeof(text));
  if (http1->parser.initial_message_completed) {
    return sp_fail(http1->err, SP_EPARSE, "what follows the %s is no HTTP: \"%s\"", noun(http1), text);
  }
  return sp_fail(http1->err, SP_EPARSE, "the %s is no HTTP: \"%s\"%s", noun(http1), text, guess_protocol(bytes));
}

static int fail_in_message(struct sp_http1 *http1, struct sp_str bytes, const char *reason) {
  char text[EXCERPT_MAX * 4 + sizeof("…")];
  const char *where = !http1->head_done                   ? "head"
                      : is_trailer(http1)                 ? "trailers"
                      : (http1->parser.flags & F_CHUNKED) ? "chunking"
                                                          : "body";
  excerpt(bytes, text, sizeof(text));
  return sp_fail(http1->err, SP_EPARSE, "the %s of the %s is broken: %s, at \"%s\"", where, noun(http1),
                 reason ? reason : "not as HTTP/1.1 has it", text);
}

/* The start line is shown from its start, where that lies in the bytes fed: `fresh`. */
static int explain(struct sp_http1 *http1, struct sp_str bytes, bool fresh, llhttp_errno_t code) {
  const char *pos = llhttp_get_error_pos(&http1->parser);
  bool inside = pos && pos >= bytes.bytes && pos <= bytes.bytes + bytes.len;
  struct sp_str rest = inside ? sp_str_of(pos, (size_t)(bytes.bytes + bytes.len - pos)) : bytes;
  switch (code) {
  case HPE_INVALID_CONSTANT:
  case HPE_INVALID_METHOD:
  case HPE_INVALID_VERSION:
  case HPE_INVALID_STATUS:
  case HPE_PAUSED_H2_UPGRADE:
    return fail_no_http(http1, fresh ? bytes : rest);
  default:
    return fail_in_message(http1, rest, llhttp_get_error_reason(&http1->parser));
  }
}

/* ---- the public verbs ---- */

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_url = on_start_line_part,
    .on_status = on_start_line_part,
    .on_method = on_method_part,
    .on_header_field = on_field_part,
    .on_header_value = on_field_part,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
    .on_header_field_complete = on_name_end,
    .on_header_value_complete = on_value_end,
};

void sp_http1_init(struct sp_http1 *http1, enum sp_http1_side side, const struct sp_http1_handler *handler, void *ctx) {
  *http1 = (struct sp_http1){.handler = handler, .ctx = ctx, .side = (uint8_t)side};
  llhttp_init(&http1->parser, side == SP_HTTP1_RESPONSE ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
}

void sp_http1_fini(struct sp_http1 *http1) { drop_scratch(http1); }

void sp_http1_expect_head_response(struct sp_http1 *http1) { http1->head_request = true; }

int sp_http1_feed(struct sp_http1 *http1, struct sp_str bytes, struct sp_err *err) {
  if (http1->failed) return sp_fail(err, http1->failed, "the connection has failed before");
  if (!bytes.len || http1->ended) return SP_OK;
  bool fresh = !http1->in_message;
  http1->err = err;
  llhttp_errno_t code = llhttp_execute(&http1->parser, bytes.bytes, bytes.len);
  if (code != HPE_OK && !http1->ended && !http1->failed) http1->failed = explain(http1, bytes, fresh, code);
  http1->err = NULL;
  if (http1->failed) drop_scratch(http1);
  return http1->failed;
}

static int fail_cut(struct sp_http1 *http1, struct sp_err *err) {
  const llhttp_t *parser = &http1->parser;
  if (!http1->head_done) return sp_fail(err, SP_EPARSE, "the connection closed inside the head of the %s", noun(http1));
  if (is_interim(parser))
    return sp_fail(err, SP_EPARSE, "the connection closed behind a status %d", parser->status_code);
  if (parser->flags & F_CHUNKED) {
    return sp_fail(err, SP_EPARSE, "the connection closed before the last chunk of the %s", noun(http1));
  }
  return sp_fail(err, SP_EPARSE, "the connection closed with %llu bytes of the %s missing",
                 (unsigned long long)parser->content_length, noun(http1));
}

int sp_http1_finish(struct sp_http1 *http1, struct sp_err *err) {
  if (http1->failed) return sp_fail(err, http1->failed, "the connection has failed before");
  if (!http1->in_message || http1->ended) return SP_OK;
  http1->err = err;
  bool until_close = http1->head_done && http1->parser.finish == HTTP_FINISH_SAFE_WITH_CB;
  if (until_close) {
    on_message_complete(&http1->parser);
  } else {
    http1->failed = fail_cut(http1, err);
  }
  http1->ended = true;
  http1->err = NULL;
  drop_scratch(http1);
  return http1->failed;
}

bool sp_http1_in_message(const struct sp_http1 *http1) { return http1->in_message; }

struct sp_str sp_http1_find(const struct sp_http1_head *head, const char *name) {
  struct sp_str wanted = sp_str_from(name);
  for (size_t i = 0; i < head->header_count; i++) {
    if (sp_str_ieq(head->headers[i].name, wanted)) return head->headers[i].value;
  }
  return sp_str_of(NULL, 0);
}
