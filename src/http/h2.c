#include "http/h2.h"

#include "http/h2_fields.h"

#include "base/check.h"
#include "base/mem.h"

#include <nghttp2/nghttp2.h>

#include <stdio.h>
#include <stdlib.h>

#define FAULT_MAX 160u  /* bytes of a sentence about the connection's end */
#define EXCERPT_MAX 60u /* bytes of a peer's text that a sentence shows */

struct sp_h2 {
  nghttp2_session *session;
  const struct sp_h2_handler *handler;
  void *ctx;
  struct sp_h2_answer answer; /* the head that is coming in */
  struct sp_h2_stream *heading; /* whose it is; NULL: nobody wants it (any more) */
  char preface[SP_H2_PREFACE_SIZE];
  size_t preface_len;
  uint32_t streams_max;
  bool settings, goaway;
  bool broken; /* close the connection */
  char fault[FAULT_MAX];
};

struct sp_h2_head {
  struct sp_buf names; /* in lower case */
  size_t count;
  nghttp2_nv fields[];
};

static struct sp_h2_stream *stream_of(struct sp_h2 *h2, int32_t id) {
  return nghttp2_session_get_stream_user_data(h2->session, id);
}

const char *sp_h2_code_name(uint32_t code) { return nghttp2_http2_strerror(code); }

/* Text of the peer's, made fit to be shown. */
static void excerpt(const uint8_t *bytes, size_t len, char *text, size_t size) {
  size_t at = 0;
  for (size_t i = 0; i < len && at + 1 < size && i < EXCERPT_MAX; i++)
    text[at++] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '.';
  text[at] = '\0';
}

static void __attribute__((format(printf, 2, 3))) break_off(struct sp_h2 *h2, const char *format, ...) {
  va_list args;
  if (h2->broken) return; /* the first fault is the one that counts */
  h2->broken = true;
  va_start(args, format);
  vsnprintf(h2->fault, sizeof h2->fault, format, args);
  va_end(args);
}

/* -- failing one stream -- */

static void reset(struct sp_h2 *h2, int32_t id, uint32_t code) {
  (void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, id, code);
}

/* A callback said no, or a cap was met. */
static void refuse(struct sp_h2 *h2, struct sp_h2_stream *stream, const struct sp_err *err) {
  if (stream->failed) return;
  stream->failed = true;
  if (h2->heading == stream) h2->heading = NULL;
  reset(h2, stream->id, NGHTTP2_CANCEL);
  h2->handler->on_fault(h2->ctx, stream, err);
}

static void note_refusal(struct sp_h2 *h2, struct sp_h2_stream *stream, int failed, const struct sp_err *err) {
  /* The owner may have dropped it inside. */
  if (failed && stream->id != 0) refuse(h2, stream, err);
}

/* -- what came -- */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user) {
  struct sp_h2 *h2 = user;
  (void)session;
  struct sp_h2_stream *stream = hd->stream_id > 0 ? stream_of(h2, hd->stream_id) : NULL;
  if (!stream) return 0;
  stream->bytes_in += hd->length + SP_H2_PREFACE_SIZE;
  if (hd->type == NGHTTP2_DATA) stream->body_received += hd->length;
  return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct sp_h2 *h2 = user;
  (void)session;
  sp_h2_answer_begin(&h2->answer);
  struct sp_h2_stream *stream = stream_of(h2, frame->hd.stream_id);
  h2->heading = stream && !stream->failed ? stream : NULL;
  if (!h2->heading) return 0;
  h2->handler->on_activity(h2->ctx, stream);
  if (stream->head_done) return 0; /* trailers */
  struct sp_err err = {.code = 0};
  note_refusal(h2, stream, h2->handler->on_begin(h2->ctx, stream, &err), &err);
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user) {
  struct sp_h2 *h2 = user;
  struct sp_err err;
  (void)session, (void)frame, (void)flags;
  if (!h2->heading) return 0; /* only decompressed */
  int failed = sp_h2_answer_add(&h2->answer, sp_str_of((const char *)name, name_len),
                                sp_str_of((const char *)value, value_len), &err);
  if (failed) refuse(h2, h2->heading, &err);
  return 0;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user) {
  struct sp_h2 *h2 = user;
  char text[EXCERPT_MAX + 1];
  struct sp_err err;
  (void)session, (void)frame, (void)value, (void)value_len, (void)flags;
  if (!h2->heading) return 0;
  excerpt(name, name_len, text, sizeof text);
  sp_fail(&err, SP_EPARSE, "the answer has a header with a name or value that HTTP/2 does not allow: '%s'", text);
  refuse(h2, h2->heading, &err);
  return 0;
}

static void give_head(struct sp_h2 *h2, struct sp_h2_stream *stream) {
  struct sp_http1_header headers[SP_HTTP1_HEADERS_MAX];
  struct sp_http1_head head;
  struct sp_err err = {.code = 0};
  sp_h2_answer_head(&h2->answer, headers, &head);
  stream->head_done = head.status >= 200;
  stream->content_length = head.content_length;
  note_refusal(h2, stream, h2->handler->on_head(h2->ctx, stream, &head, &err), &err);
}

static void give_end(struct sp_h2 *h2, struct sp_h2_stream *stream) {
  struct sp_err err = {.code = 0};
  stream->done = true;
  int failed = h2->handler->on_end(h2->ctx, stream, &err);
  if (failed) stream->done = false;
  note_refusal(h2, stream, failed, &err);
}

static void note_settings(struct sp_h2 *h2) {
  h2->settings = true;
  h2->streams_max = nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  h2->handler->on_settings(h2->ctx);
}

static void note_goaway(struct sp_h2 *h2, const nghttp2_goaway *goaway) {
  char text[EXCERPT_MAX + 1];
  h2->goaway = true;
  excerpt(goaway->opaque_data, goaway->opaque_data_len, text, sizeof text);
  const char *code = sp_h2_code_name(goaway->error_code);
  if (goaway->error_code != NGHTTP2_NO_ERROR)
    snprintf(h2->fault, sizeof h2->fault, "the server ended the connection: %s%s%s", code, text[0] ? ", " : "", text);
  h2->handler->on_goaway(h2->ctx);
}

static void on_stream_frame(struct sp_h2 *h2, const nghttp2_frame *frame) {
  struct sp_h2_stream *stream = stream_of(h2, frame->hd.stream_id);
  if (!stream) return;
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    stream->reset_by_peer = true;
    return;
  }
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return;
  if (frame->hd.type == NGHTTP2_HEADERS && !stream->failed && !stream->head_done) give_head(h2, stream);
  if (stream->id == 0 || stream->failed || !stream->head_done) return;
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) give_end(h2, stream);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct sp_h2 *h2 = user;
  (void)session;
  bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (frame->hd.type == NGHTTP2_SETTINGS && !ack) note_settings(h2);
  else if (frame->hd.type == NGHTTP2_GOAWAY) note_goaway(h2, &frame->goaway);
  else if (frame->hd.stream_id > 0) on_stream_frame(h2, frame);
  return 0;
}

static void give_window_back(struct sp_h2 *h2, struct sp_h2_stream *stream, size_t len) {
  if (stream->paused) stream->withheld += len;
  else (void)nghttp2_session_consume_stream(h2->session, stream->id, len);
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                         void *user) {
  struct sp_h2 *h2 = user;
  (void)flags;
  (void)nghttp2_session_consume_connection(session, len);
  struct sp_h2_stream *stream = stream_of(h2, id);
  if (!stream || stream->failed || len == 0) return 0;
  h2->handler->on_activity(h2->ctx, stream);
  struct sp_err err = {.code = 0};
  note_refusal(h2, stream, h2->handler->on_body(h2->ctx, stream, sp_str_of((const char *)bytes, len), &err), &err);
  if (stream->id != 0) give_window_back(h2, stream, len);
  return 0;
}

/* -- the end of a stream -- */

static void explain_own_reset(const struct sp_h2_stream *stream, uint32_t code, struct sp_err *err) {
  unsigned long long came = stream->body_received, expected = (unsigned long long)stream->content_length;
  if (code != NGHTTP2_PROTOCOL_ERROR || stream->content_length < 0)
    sp_fail(err, SP_EPARSE, "the answer breaks HTTP/2: %s", sp_h2_code_name(code));
  else if (came == expected)
    sp_fail(err, SP_EPARSE, "the answer has a body where none may be, or trailers that break HTTP/2");
  else
    sp_fail(err, SP_EPARSE, "the body is not as long as its Content-Length (%llu bytes of %llu)", came, expected);
}

static void close_stream(struct sp_h2 *h2, struct sp_h2_stream *stream, uint32_t code) {
  if (h2->heading == stream) h2->heading = NULL;
  stream->closed = true;
  stream->code = code;
  if (code == NGHTTP2_REFUSED_STREAM && !stream->head_done) stream->refused = true;
  bool ours = !stream->reset_by_peer && code != NGHTTP2_NO_ERROR && code != NGHTTP2_REFUSED_STREAM; /* a GOAWAY's */
  if (ours && !stream->failed && !stream->done) {
    struct sp_err err;
    stream->failed = true;
    explain_own_reset(stream, code, &err);
    h2->handler->on_fault(h2->ctx, stream, &err);
  }
  if (stream->id != 0) h2->handler->on_close(h2->ctx, stream);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  struct sp_h2_stream *stream = stream_of(user, id);
  (void)session;
  if (stream && !stream->closed) close_stream(user, stream, code);
  return 0;
}

/* -- what goes out -- */

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct sp_h2 *h2 = user;
  (void)session;
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    char text[EXCERPT_MAX + 1];
    excerpt(frame->goaway.opaque_data, frame->goaway.opaque_data_len, text, sizeof text);
    break_off(h2, "the server breaks HTTP/2: %s%s%s", sp_h2_code_name(frame->goaway.error_code), text[0] ? ", " : "",
              text);
  }
  struct sp_h2_stream *stream = frame->hd.stream_id > 0 ? stream_of(h2, frame->hd.stream_id) : NULL;
  if (!stream) return 0;
  stream->bytes_out += frame->hd.length + SP_H2_PREFACE_SIZE;
  bool last_data = frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
  if (frame->hd.type == NGHTTP2_HEADERS || last_data) h2->handler->on_sent(h2->ctx, stream);
  return 0;
}

/* A GOAWAY came before the request was out, or its head cannot be sent at all. */
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user) {
  struct sp_h2 *h2 = user;
  (void)session;
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  struct sp_h2_stream *stream = stream_of(h2, frame->hd.stream_id);
  if (!stream || stream->closed) return 0;
  if (code == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED) {
    stream->refused = true;
  } else {
    struct sp_err err;
    stream->failed = true;
    sp_fail(&err, SP_EUSAGE, "the request's head cannot be sent over HTTP/2: %s", nghttp2_strerror(code));
    h2->handler->on_fault(h2->ctx, stream, &err);
  }
  close_stream(h2, stream, NGHTTP2_REFUSED_STREAM);
  return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user) {
  struct sp_h2_stream *stream = stream_of(user, id);
  (void)session, (void)source;
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* dropped: its RST_STREAM is on the way */
  size_t left = stream->body.len - stream->body_sent;
  size_t len = left < room ? left : room;
  if (len > 0) memcpy(to, stream->body.bytes + stream->body_sent, len);
  stream->body_sent += len;
  if (stream->body_sent == stream->body.len) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)len;
}

bool sp_h2_collect(struct sp_h2 *h2, struct sp_buf *out, size_t max) {
  size_t limit = out->len + max;
  const uint8_t *bytes;
  while (out->len < limit) {
    ssize_t len = nghttp2_session_mem_send(h2->session, &bytes);
    if (len < 0) break_off(h2, "HTTP/2 failed: %s", nghttp2_strerror((int)len));
    if (len <= 0) return false;
    SP_CHECK(sp_buf_append(out, bytes, (size_t)len) == 0);
  }
  return nghttp2_session_want_write(h2->session) != 0;
}

/* -- the connection -- */

static void set_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
}

static void make_session(struct sp_h2 *h2) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  SP_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  set_callbacks(callbacks);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, SP_HTTP1_HEAD_MAX);
#ifdef SP_H2_CAPS_CONTINUATIONS
  nghttp2_option_set_max_continuations(option, SP_H2_CONTINUATIONS_MAX);
#endif
  nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1); /* trimmed, as in HTTP/1.1 */
  SP_CHECK(nghttp2_session_client_new2(&h2->session, callbacks, h2, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
}

static uint32_t window_of(uint32_t asked, uint32_t otherwise) {
  uint32_t bytes = asked != 0 ? asked : otherwise;
  return bytes < SP_H2_WINDOW_MAX ? bytes : SP_H2_WINDOW_MAX;
}

struct sp_h2 *sp_h2_create(const struct sp_h2_options *options, const struct sp_h2_handler *handler, void *ctx) {
  struct sp_h2 *h2 = sp_alloc(sizeof *h2);
  h2->handler = handler;
  h2->ctx = ctx;
  sp_h2_answer_init(&h2->answer);
  make_session(h2);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_of(options->stream_window_bytes, SP_H2_STREAM_WINDOW)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, SP_HTTP1_HEAD_MAX},
  };
  SP_CHECK(nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) == 0);
  int32_t window = (int32_t)window_of(options->window_bytes, SP_H2_WINDOW);
  SP_CHECK(nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, window) == 0);
  return h2;
}

void sp_h2_destroy(struct sp_h2 *h2) {
  if (!h2) return;
  nghttp2_session_del(h2->session);
  sp_h2_answer_fini(&h2->answer);
  free(h2);
}

/* The first frame of a server is SETTINGS (RFC 9113 §3.4). */
static int check_preface(struct sp_h2 *h2, struct sp_err *err) {
  char text[SP_H2_PREFACE_SIZE + 1];
  const char *bytes = h2->preface;
  if (memcmp(bytes, "HTTP/1.", 7) == 0) break_off(h2, "the server answers in HTTP/1.1: it does not speak HTTP/2 here");
  else if (bytes[3] != NGHTTP2_SETTINGS || (bytes[4] & NGHTTP2_FLAG_ACK) || bytes[0] != 0) {
    excerpt((const uint8_t *)bytes, SP_H2_PREFACE_SIZE, text, sizeof text);
    break_off(h2, "what the server sends is no HTTP/2: \"%s\"", text);
  }
  return h2->broken ? sp_fail(err, SP_EPARSE, "%s", h2->fault) : 0;
}

static int feed(struct sp_h2 *h2, struct sp_str bytes, struct sp_err *err) {
  if (bytes.len == 0) return 0;
  ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.bytes, bytes.len);
  if (used < 0) break_off(h2, "the server breaks HTTP/2: %s", nghttp2_strerror((int)used));
  return h2->broken ? sp_fail(err, SP_EPARSE, "%s", h2->fault) : 0;
}

int sp_h2_feed(struct sp_h2 *h2, struct sp_str bytes, struct sp_err *err) {
  if (h2->broken) return sp_fail(err, SP_EPARSE, "%s", h2->fault);
  if (h2->preface_len == SP_H2_PREFACE_SIZE) return feed(h2, bytes, err);
  size_t missing = SP_H2_PREFACE_SIZE - h2->preface_len;
  size_t len = bytes.len < missing ? bytes.len : missing;
  if (len > 0) memcpy(h2->preface + h2->preface_len, bytes.bytes, len);
  h2->preface_len += len;
  if (h2->preface_len < SP_H2_PREFACE_SIZE) return 0;
  int failed = check_preface(h2, err);
  if (!failed) failed = feed(h2, sp_str_of(h2->preface, SP_H2_PREFACE_SIZE), err);
  return failed ? failed : feed(h2, sp_str_of(bytes.bytes + len, bytes.len - len), err);
}

bool sp_h2_is_broken(const struct sp_h2 *h2, struct sp_err *err) {
  if (h2->broken) sp_fail(err, SP_EPARSE, "%s", h2->fault);
  return h2->broken;
}

bool sp_h2_takes_requests(const struct sp_h2 *h2) {
  return !h2->broken && !h2->goaway && nghttp2_session_check_request_allowed(h2->session);
}

const char *sp_h2_farewell(const struct sp_h2 *h2) { return h2->fault; }

bool sp_h2_has_settings(const struct sp_h2 *h2) { return h2->settings; }

uint32_t sp_h2_streams_max(const struct sp_h2 *h2) { return h2->streams_max; }

void sp_h2_say_goodbye(struct sp_h2 *h2) { (void)nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR); }

/* -- requests -- */

static nghttp2_nv nv_of(const struct sp_h2_field *field) {
  return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)field->name.bytes,
                      .namelen = field->name.len,
                      .value = (uint8_t *)(uintptr_t)(field->value.bytes ? field->value.bytes : ""),
                      .valuelen = field->value.len};
}

struct sp_h2_head *sp_h2_head_create(struct sp_str text, bool tls, struct sp_err *err) {
  struct sp_h2_field fields[SP_H2_REQUEST_HEADERS_MAX];
  size_t count = SP_H2_REQUEST_HEADERS_MAX;
  struct sp_buf names;
  sp_buf_init(&names, SP_HTTP1_HEAD_MAX);
  if (sp_h2_request_fields(text, tls, &names, fields, &count, err)) {
    sp_buf_fini(&names);
    return NULL;
  }
  struct sp_h2_head *head = sp_alloc(sizeof *head + count * sizeof *head->fields);
  head->names = names;
  head->count = count;
  for (size_t i = 0; i < count; i++) head->fields[i] = nv_of(&fields[i]);
  return head;
}

void sp_h2_head_destroy(struct sp_h2_head *head) {
  if (!head) return;
  sp_buf_fini(&head->names);
  free(head);
}

int sp_h2_request(struct sp_h2 *h2, struct sp_h2_stream *stream, const struct sp_h2_head *head, struct sp_str body,
                  struct sp_err *err) {
  if (!sp_h2_takes_requests(h2)) return sp_fail(err, SP_ELIMIT, "the connection takes no more requests");
  *stream = (struct sp_h2_stream){.content_length = -1, .body = body};
  nghttp2_data_provider provider = {.read_callback = read_body};
  int32_t id = nghttp2_submit_request(h2->session, NULL, head->fields, head->count, body.len > 0 ? &provider : NULL,
                                      stream);
  if (id < 0) return sp_fail(err, SP_ELIMIT, "the connection takes no more requests: %s", nghttp2_strerror(id));
  stream->id = id;
  return 0;
}

void sp_h2_drop(struct sp_h2 *h2, struct sp_h2_stream *stream) {
  if (stream->id == 0) return;
  if (!stream->closed) {
    (void)nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
    if (!stream->failed) reset(h2, stream->id, NGHTTP2_CANCEL);
  }
  if (h2->heading == stream) h2->heading = NULL;
  stream->id = 0;
  stream->body = sp_str_of(NULL, 0);
}

void sp_h2_pause(struct sp_h2_stream *stream) { stream->paused = true; }

void sp_h2_resume(struct sp_h2 *h2, struct sp_h2_stream *stream) {
  stream->paused = false;
  if (stream->id != 0 && !stream->closed && stream->withheld > 0)
    (void)nghttp2_session_consume_stream(h2->session, stream->id, stream->withheld);
  stream->withheld = 0;
}
