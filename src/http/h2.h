/*
 * The client's side of one HTTP/2 connection (RFC 9113) by nghttp2: bytes in, events of streams out, and bytes to send
 * collected when asked. No sockets, no clock, no policy: which call goes where is mux.c's.
 *
 * A stream is the owner's memory, given to sp_h2_request and borrowed until sp_h2_drop or on_close, what comes first.
 * Callbacks come from sp_h2_feed and sp_h2_collect; inside them every verb here is fine but these two and
 * sp_h2_destroy. PING and SETTINGS are answered by themselves; the server may not push.
 *
 * Flow control: a stream's window (SP_H2_STREAM_WINDOW) is given back as its bytes are taken by on_body, but not while
 * the stream is paused; the connection's (SP_H2_WINDOW) always, so that one slow reader does not stop the others. So up
 * to a window of bytes may still come after a pause.
 */
#ifndef SP_HTTP_H2_H
#define SP_HTTP_H2_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/http1.h"

#define SP_H2_STREAM_WINDOW (1024u * 1024u)
#define SP_H2_WINDOW (8u * 1024u * 1024u)
#define SP_H2_WINDOW_MAX 0x7fffffffu
#define SP_H2_REQUEST_HEADERS_MAX 256u /* fields of a request, pseudo-headers among them */
#define SP_H2_CONTINUATIONS_MAX 64u    /* CONTINUATION frames of one head (16 KiB each, compressed) */
#define SP_H2_PREFACE_SIZE 9u          /* of the server's bytes, which tell that it speaks HTTP/2: a frame's head */

struct sp_h2;

struct sp_h2_stream { /* private but where said */
  int32_t id;                   /* 0: not on a connection */
  bool head_done, paused;
  bool done;                    /* read: the message is whole */
  bool closed;                  /* read: on_close was called */
  bool reset_by_peer;           /* read: RST_STREAM came */
  bool refused;                 /* read: the server has surely not looked at the request */
  bool failed;                  /* on_fault was called */
  uint32_t code;                /* read: RST_STREAM's error code where closed */
  struct sp_str body;           /* of the request; borrowed until the stream ends */
  size_t body_sent;             /* read */
  size_t withheld;              /* bytes of window that a pause keeps back */
  int64_t content_length;       /* of the answer, -1: none */
  uint64_t body_received;       /* as the frames have it */
  uint64_t bytes_in, bytes_out; /* read: its frames */
};

struct sp_h2_handler {
  /* MUST. A head begins; also of each 1xx. As all that return int: non-zero refuses the answer with *err. */
  int (*on_begin)(void *ctx, struct sp_h2_stream *stream, struct sp_err *err);
  /* MUST. 1xx heads come here, too. Names are lower case; reason is empty. */
  int (*on_head)(void *ctx, struct sp_h2_stream *stream, const struct sp_http1_head *head, struct sp_err *err);
  int (*on_body)(void *ctx, struct sp_h2_stream *stream, struct sp_str bytes, struct sp_err *err); /* MUST */
  int (*on_end)(void *ctx, struct sp_h2_stream *stream, struct sp_err *err); /* MUST. The message is whole (`done`) */
  /* MUST. The answer was refused by a callback, breaks HTTP/2 or is over a cap: the stream is being reset. Only
   * on_close follows. */
  void (*on_fault)(void *ctx, struct sp_h2_stream *stream, const struct sp_err *err);
  /* MUST. Nothing more comes on this stream. Before its message is whole: `code` says why. */
  void (*on_close)(void *ctx, struct sp_h2_stream *stream);
  void (*on_activity)(void *ctx, struct sp_h2_stream *stream); /* MUST. A part of its HEADERS or DATA came */
  void (*on_sent)(void *ctx, struct sp_h2_stream *stream);     /* MUST. The request's head was collected, or its end */
  void (*on_settings)(void *ctx); /* MUST. The server's settings came, the first ones or new ones */
  void (*on_goaway)(void *ctx);   /* MUST. No more requests on this connection */
};

struct sp_h2_options {
  uint32_t stream_window_bytes, window_bytes; /* 0: the defaults above */
};
struct sp_h2 *sp_h2_create(const struct sp_h2_options *options, const struct sp_h2_handler *handler, void *ctx);
void sp_h2_destroy(struct sp_h2 *h2); /* NULL is fine. Streams hear nothing any more */

/* Bytes of the server. 0, or SP_EPARSE: the connection is of no use any more, err says why. What breaks the rules of
 * the connection shows at the next sp_h2_collect, which still says goodbye. */
int sp_h2_feed(struct sp_h2 *h2, struct sp_str bytes, struct sp_err *err);

/* Appends what is to be sent, up to about `max` bytes. True while there is more. */
bool sp_h2_collect(struct sp_h2 *h2, struct sp_buf *out, size_t max);

/* True when the connection has to be closed: err says what was wrong. */
bool sp_h2_is_broken(const struct sp_h2 *h2, struct sp_err *err);

/* What a GOAWAY with an error code said; "" where there was none. */
const char *sp_h2_farewell(const struct sp_h2 *h2);

/* A request's head for HTTP/2, for any number of requests on any connection. `text`: as request_head.c builds it for
 * HTTP/1.1; borrowed until destroy. NULL: it cannot be sent over HTTP/2 (err). */
struct sp_h2_head;
struct sp_h2_head *sp_h2_head_create(struct sp_str text, bool tls, struct sp_err *err);
void sp_h2_head_destroy(struct sp_h2_head *head); /* NULL is fine */

/* The body is borrowed until the stream ends. 0, or SP_ELIMIT: this connection takes no more requests (err). */
int sp_h2_request(struct sp_h2 *h2, struct sp_h2_stream *stream, const struct sp_h2_head *head, struct sp_str body,
                  struct sp_err *err);
/* The owner lets go. A stream that is not through is reset (CANCEL). Fine when it is closed already. */
void sp_h2_drop(struct sp_h2 *h2, struct sp_h2_stream *stream);

void sp_h2_pause(struct sp_h2_stream *stream);
void sp_h2_resume(struct sp_h2 *h2, struct sp_h2_stream *stream);

bool sp_h2_takes_requests(const struct sp_h2 *h2); /* no GOAWAY, stream ids left */
bool sp_h2_has_settings(const struct sp_h2 *h2);   /* the server's came */
uint32_t sp_h2_streams_max(const struct sp_h2 *h2); /* the server's MAX_CONCURRENT_STREAMS; UINT32_MAX: no limit */
void sp_h2_say_goodbye(struct sp_h2 *h2);           /* GOAWAY, with the next sp_h2_collect */
const char *sp_h2_code_name(uint32_t code);         /* "CANCEL" */

#endif
