#include "http/h2_fields.h"

#include "base/mem.h"

#include <stdlib.h>

#define TEXT_KEEP_SIZE 1024u /* an empty buffer of this size stays for the next head */
#define LENS_FIRST_ROOM 16u
#define REQUEST_TEXT_MAX SP_HTTP1_HEAD_MAX

/* -- requests -- */

struct taking { /* a request's head that is being taken apart */
  struct sp_buf *text;
  struct sp_h2_field *fields;
  size_t count, room;
  struct sp_str authority;
};

static int add(struct taking *taking, struct sp_str name, struct sp_str value, struct sp_err *err) {
  if (taking->count == taking->room)
    return sp_fail(err, SP_EUSAGE, "the request has over %zu header fields, too many for HTTP/2 here", taking->room);
  taking->fields[taking->count++] = (struct sp_h2_field){name, value};
  return 0;
}

/* RFC 9113 §8.2.2: what speaks of the connection has no place in a stream. */
static bool is_forbidden(struct sp_str name, struct sp_str value) {
  static const struct sp_str names[] = {{"connection", 10}, {"keep-alive", 10}, {"proxy-connection", 16},
                                        {"transfer-encoding", 17}, {"upgrade", 7}, {"http2-settings", 14}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (sp_str_eq(name, names[i])) return true;
  return sp_str_eq(name, SP_STR("te")) && !sp_str_ieq(value, SP_STR("trailers"));
}

/* The buffer has room for the whole head: it does not move. */
static struct sp_str lower(struct sp_buf *text, struct sp_str name) {
  char *to = text->bytes + text->len;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.bytes[i];
    to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  text->len += name.len;
  return sp_str_of(to, name.len);
}

static int take_line(struct taking *taking, struct sp_str line, struct sp_err *err) {
  struct sp_str value = line;
  struct sp_str name = lower(taking->text, sp_str_split(&value, ':'));
  value = sp_str_trim(value);
  if (sp_str_eq(name, SP_STR("host"))) {
    taking->authority = value;
    return 0;
  }
  return is_forbidden(name, value) ? 0 : add(taking, name, value, err);
}

/* Without its line break. */
static struct sp_str next_line(struct sp_str *rest) {
  struct sp_str line = sp_str_split(rest, '\n');
  if (line.len > 0 && line.bytes[line.len - 1] == '\r') line.len--;
  return line;
}

int sp_h2_request_fields(struct sp_str head, bool tls, struct sp_buf *text, struct sp_h2_field *fields, size_t *count,
                         struct sp_err *err) {
  struct taking taking = {.text = text, .fields = fields, .room = *count};
  sp_buf_clear(text);
  if (head.len > REQUEST_TEXT_MAX || sp_buf_reserve(text, head.len) < 0)
    return sp_fail(err, SP_EUSAGE, "the request's head is over %u bytes, too many for HTTP/2 here", REQUEST_TEXT_MAX);
  struct sp_str start = next_line(&head);
  struct sp_str method = sp_str_split(&start, ' ');
  struct sp_str target = sp_str_split(&start, ' ');
  int failed = add(&taking, SP_STR(":method"), method, err);
  if (!failed) failed = add(&taking, SP_STR(":scheme"), tls ? SP_STR("https") : SP_STR("http"), err);
  if (!failed) failed = add(&taking, SP_STR(":authority"), sp_str_of(NULL, 0), err);
  if (!failed) failed = add(&taking, SP_STR(":path"), target, err);
  for (struct sp_str line = next_line(&head); !failed && line.len > 0; line = next_line(&head))
    failed = take_line(&taking, line, err);
  if (failed) return failed;
  fields[2].value = taking.authority;
  *count = taking.count;
  return 0;
}

/* -- answers -- */

void sp_h2_answer_init(struct sp_h2_answer *answer) {
  *answer = (struct sp_h2_answer){.content_length = -1};
  sp_buf_init(&answer->text, SP_HTTP1_HEAD_MAX);
}

void sp_h2_answer_fini(struct sp_h2_answer *answer) {
  sp_buf_fini(&answer->text);
  free(answer->lens);
}

void sp_h2_answer_begin(struct sp_h2_answer *answer) {
  if (answer->text.cap > TEXT_KEEP_SIZE) sp_buf_fini(&answer->text);
  else sp_buf_clear(&answer->text);
  answer->count = 0;
  answer->status = 0;
  answer->content_length = -1;
}

/* nghttp2 has seen to it that these are digits. -1: none, or too many. */
static int64_t number_of(struct sp_str digits) {
  int64_t n = 0;
  for (size_t i = 0; i < digits.len; i++) {
    char c = digits.bytes[i];
    if (c < '0' || c > '9' || n > (INT64_MAX - 9) / 10) return -1;
    n = n * 10 + (c - '0');
  }
  return digits.len > 0 ? n : -1;
}

static void note_lens(struct sp_h2_answer *answer, struct sp_str name, struct sp_str value) {
  if (answer->count == answer->lens_room) {
    answer->lens_room = answer->lens_room > 0 ? answer->lens_room * 2 : LENS_FIRST_ROOM;
    answer->lens = sp_realloc(answer->lens, answer->lens_room * sizeof *answer->lens);
  }
  answer->lens[answer->count][0] = (uint32_t)name.len;
  answer->lens[answer->count][1] = (uint32_t)value.len;
  answer->count++;
}

static int append_line(struct sp_buf *text, struct sp_str name, struct sp_str value) {
  int failed = sp_buf_reserve(text, name.len + value.len + 4);
  if (failed) return failed;
  char *to = text->bytes + text->len;
  memcpy(to, name.bytes, name.len);
  memcpy(to + name.len, ": ", 2);
  if (value.len > 0) memcpy(to + name.len + 2, value.bytes, value.len);
  memcpy(to + name.len + 2 + value.len, "\r\n", 3);
  text->len += name.len + value.len + 4;
  return 0;
}

int sp_h2_answer_add(struct sp_h2_answer *answer, struct sp_str name, struct sp_str value, struct sp_err *err) {
  if (name.len > 0 && name.bytes[0] == ':') {
    if (sp_str_eq(name, SP_STR(":status"))) answer->status = (int)number_of(value);
    return 0;
  }
  if (answer->count == SP_HTTP1_HEADERS_MAX)
    return sp_fail(err, SP_ELIMIT, "the answer has more than %u headers (SP_HTTP1_HEADERS_MAX)", SP_HTTP1_HEADERS_MAX);
  value = sp_str_trim(value);
  if (sp_str_eq(name, SP_STR("content-length"))) answer->content_length = number_of(value);
  note_lens(answer, name, value);
  if (append_line(&answer->text, name, value) == 0) return 0;
  return sp_fail(err, SP_ELIMIT, "the headers of the answer are over the limit of %u bytes (SP_HTTP1_HEAD_MAX)",
                 SP_HTTP1_HEAD_MAX);
}

void sp_h2_answer_head(const struct sp_h2_answer *answer, struct sp_http1_header *headers, struct sp_http1_head *head) {
  *head = (struct sp_http1_head){
      .status = answer->status,
      .reason = SP_STR(""),
      .major = 2,
      .keep_alive = true,
      .content_length = answer->content_length,
      .headers = headers,
      .header_count = answer->count,
      .raw = sp_buf_str(&answer->text),
  };
  const char *at = answer->text.bytes;
  for (size_t i = 0; i < answer->count; i++) {
    size_t name_len = answer->lens[i][0], value_len = answer->lens[i][1];
    headers[i].name = sp_str_of(at, name_len);
    headers[i].value = sp_str_of(at + name_len + 2, value_len);
    at += name_len + value_len + 4;
  }
}
