/* Answers as libmicrohttpd wants them: headers, bodies, files, event streams. */
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "web/inside.h"
#include "report/page_html.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STREAM_BLOCK 16384u
#define POLICY_NOTHING "default-src 'none'; frame-ancestors 'none'"

/* --- headers --- */

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status, const char *type, const char *policy,
                             struct MHD_Response *response) {
  const char *const headers[][2] = {
    { "Content-Type", type },
    { "Cache-Control", "no-store" },
    { "X-Content-Type-Options", "nosniff" },
    { "X-Frame-Options", "DENY" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
    { "Cross-Origin-Opener-Policy", "same-origin" },
    { "Content-Security-Policy", policy },
  };
  SP_CHECK(response != NULL);
  for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
    MHD_add_response_header(response, headers[i][0], headers[i][1]);
  }
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

enum MHD_Result sp_web_queue(struct MHD_Connection *connection, unsigned status, const char *type,
                             struct MHD_Response *response) {
  return queue(connection, status, type, POLICY_NOTHING, response);
}

/* --- the page --- */

static bool takes_gzip(struct MHD_Connection *connection) {
  const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);
  const char *found = accept ? strstr(accept, "gzip") : NULL;
  return found && strncmp(found, "gzip;q=0", 8) != 0;
}

enum MHD_Result sp_web_reply_page(struct MHD_Connection *connection) {
  bool packed = takes_gzip(connection);
  const char *bytes = packed ? sp_page_html.gzip : sp_page_html.html;
  size_t len = packed ? sp_page_html.gzip_len : sp_page_html.html_len;
  struct MHD_Response *response =
    MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
  if (packed) {
    MHD_add_response_header(response, "Content-Encoding", "gzip");
  }
  MHD_add_response_header(response, "Vary", "Accept-Encoding");
  return queue(connection, MHD_HTTP_OK, "text/html; charset=utf-8", sp_page_html.policy, response);
}

/* The token has come once in the URL: it goes on as a cookie, and out of the address bar. */
enum MHD_Result sp_web_reply_entry(struct sp_web *web, struct MHD_Connection *connection) {
  char cookie[SP_WEB_TOKEN_MAX + 120];
  struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", web->access.cookie, web->access.token,
           web->access.tls ? "; Secure" : "");
  MHD_add_response_header(response, "Set-Cookie", cookie);
  MHD_add_response_header(response, "Location", "/");
  return sp_web_queue(connection, MHD_HTTP_SEE_OTHER, "text/plain; charset=utf-8", response);
}

/* --- event streams --- */

struct stream {
  struct sp_web_feed *feed;
  uint64_t at;
  struct sp_web_event *before;
  size_t before_count, before_at;
  struct sp_web_event event; /* under way, while its data is not NULL */
  char head[SP_WEB_EVENT_ID_SIZE + 60]; /* what stands in front of its data */
  size_t sent; /* of head, data and the empty line behind */
};

static const char keep_alive[] = ": keep\n\n";

static void begin_event(struct stream *stream) {
  const struct sp_web_event *event = &stream->event;
  snprintf(stream->head, sizeof(stream->head), "%s%s%sevent: %s\ndata: ", event->id[0] ? "id: " : "", event->id,
           event->id[0] ? "\n" : "", event->kind);
  stream->sent = 0;
}

/* Copies what of `part` is still to be sent; *skip: how much of it and what comes behind has been. */
static size_t copy_part(struct sp_str part, size_t *skip, char *out, size_t room) {
  if (*skip >= part.len) {
    *skip -= part.len;
    return 0;
  }
  size_t len = part.len - *skip < room ? part.len - *skip : room;
  memcpy(out, part.bytes + *skip, len);
  *skip = 0;
  return len;
}

static size_t copy_event(struct stream *stream, char *out, size_t room) {
  const struct sp_str parts[] = { sp_str_from(stream->head), sp_blob_str(stream->event.data), SP_STR("\n\n") };
  size_t len = 0, skip = stream->sent, whole = 0;
  for (size_t i = 0; i < 3; i++) {
    len += len < room ? copy_part(parts[i], &skip, out + len, room - len) : 0;
    whole += parts[i].len;
  }
  stream->sent += len;
  if (stream->sent == whole) {
    sp_blob_unref(stream->event.data);
    stream->event.data = NULL;
  }
  return len;
}

/* The next event becomes the one under way. */
static enum sp_web_next take_next(struct stream *stream) {
  if (stream->before_at < stream->before_count) {
    stream->event = stream->before[stream->before_at++];
    begin_event(stream);
    return SP_WEB_NEXT_EVENT;
  }
  enum sp_web_next next = sp_web_feed_next(stream->feed, &stream->at, SP_WEB_KEEP_NS, &stream->event);
  if (next == SP_WEB_NEXT_EVENT) {
    begin_event(stream);
  }
  return next;
}

/* May block: the connection has a thread of its own. */
static ssize_t read_stream(void *ctx, uint64_t position, char *out, size_t room) {
  struct stream *stream = ctx;
  (void)position;
  if (!stream->event.data) {
    enum sp_web_next next = take_next(stream);
    if (next == SP_WEB_NEXT_QUIET) {
      memcpy(out, keep_alive, sizeof(keep_alive) - 1);
      return sizeof(keep_alive) - 1;
    }
    if (next != SP_WEB_NEXT_EVENT) {
      return MHD_CONTENT_READER_END_OF_STREAM;
    }
  }
  return (ssize_t)copy_event(stream, out, room);
}

static void free_stream(void *ctx) {
  struct stream *stream = ctx;
  sp_blob_unref(stream->event.data);
  for (; stream->before_at < stream->before_count; stream->before_at++) {
    sp_blob_unref(stream->before[stream->before_at].data);
  }
  free(stream->before);
  sp_web_feed_leave(stream->feed);
  sp_web_feed_unref(stream->feed);
  free(stream);
}

static struct MHD_Response *response_of_stream(struct sp_web_answer *answer) {
  struct stream *stream = sp_alloc(sizeof(*stream));
  stream->feed = answer->feed;
  stream->at = answer->at;
  stream->before = answer->before;
  stream->before_count = answer->before_count;
  answer->feed = NULL;
  answer->before = NULL;
  answer->before_count = 0;
  return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, stream, free_stream);
}

/* --- answers --- */

static struct MHD_Response *response_of_file(struct sp_web_answer *answer) {
  struct stat facts;
  SP_CHECK(fstat(answer->file, &facts) == 0);
  int file = answer->file;
  answer->file = -1; /* the response closes it */
  return MHD_create_response_from_fd64((uint64_t)facts.st_size, file);
}

static struct MHD_Response *response_of(struct sp_web_answer *answer) {
  if (answer->feed) {
    return response_of_stream(answer);
  }
  if (answer->file >= 0) {
    return response_of_file(answer);
  }
  size_t len = answer->body.len;
  if (len == 0) {
    return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  }
  return MHD_create_response_from_buffer(len, sp_buf_take(&answer->body), MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result sp_web_reply(struct MHD_Connection *connection, struct sp_web_answer *answer) {
  const char *type = answer->feed ? "text/event-stream; charset=utf-8" : answer->type ? answer->type : "application/json; charset=utf-8";
  struct MHD_Response *response = response_of(answer);
  SP_CHECK(response != NULL);
  if (answer->download[0]) {
    char disposition[SP_WEB_DOWNLOAD_SIZE + 30];
    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", answer->download);
    MHD_add_response_header(response, "Content-Disposition", disposition);
  }
  enum MHD_Result result = sp_web_queue(connection, answer->status, type, response);
  sp_web_answer_fini(answer);
  return result;
}

enum MHD_Result sp_web_reply_error(struct MHD_Connection *connection, unsigned status, const char *text) {
  struct sp_web_answer answer;
  sp_web_answer_init(&answer);
  sp_web_answer_error(&answer, status, NULL, "%s", text);
  return sp_web_reply(connection, &answer);
}
