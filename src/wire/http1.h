/*
 * HTTP/1.x messages by llhttp (RFC 9112): responses for the client, requests for the mock.
 *
 * Feed bytes as they come, cut anywhere. Callbacks borrow their slices for the call. A callback that
 * returns non-zero stops the feed with SP_EPARSE and leaves *err as the callback filled it.
 * Header names and values are collected in one buffer with the cap SP_HTTP1_HEAD_MAX, which is freed
 * when on_head has returned, so an idle or streaming parser costs less than 400 bytes. Trailer fields are
 * read past and never shown. llhttp 8.1 refuses a chunk with two or more extensions. A callback must not feed, init or
 * fini the parser that calls it. No sockets, no clock.
 */
#ifndef SP_WIRE_HTTP1_H
#define SP_WIRE_HTTP1_H

#include "base/buf.h"
#include "base/err.h"

#include <llhttp/llhttp.h>

#define SP_HTTP1_HEAD_MAX (256u * 1024u) /* bytes of one head: status line and headers */
#define SP_HTTP1_HEADERS_MAX 256u        /* headers of one message */

enum sp_http1_side { SP_HTTP1_RESPONSE, SP_HTTP1_REQUEST };

struct sp_http1_header {
  struct sp_str name, value;
};

struct sp_http1_head {
  int status;           /* responses */
  struct sp_str reason; /* responses */
  struct sp_str method; /* requests */
  struct sp_str target; /* requests */
  int major, minor;
  bool keep_alive; /* the connection may be used again after this message, as far as the head says */
  bool chunked;
  int64_t content_length; /* -1 where not given */
  const struct sp_http1_header *headers;
  size_t header_count;
  struct sp_str raw; /* "Name: value\r\n" for every header: to keep for later */
};

struct sp_http1_handler {
  /* MAY. The first byte of a message arrived; also of each 1xx before an answer. */
  int (*on_begin)(void *ctx);
  /* MUST. 1xx heads (but 101) come here too, each followed by no body and no on_end. */
  int (*on_head)(void *ctx, const struct sp_http1_head *head, struct sp_err *err);
  /* MUST. */
  int (*on_body)(void *ctx, struct sp_str bytes, struct sp_err *err);
  /* MUST. The message is whole. The request for a next message may be prepared here. */
  int (*on_end)(void *ctx, struct sp_err *err);
};

struct sp_http1 {
  llhttp_t parser;
  const struct sp_http1_handler *handler;
  void *ctx;
  struct sp_http1_scratch *scratch; /* head being collected, else NULL */
  struct sp_err *err;               /* of the feed under way */
  int failed;
  uint8_t side;
  bool head_request; /* the next response has no body */
  bool in_message;
  bool head_done;       /* of the message under way */
  bool keep_alive;      /* as its head said */
  bool ended;           /* no further message can come on this connection */
  size_t trailer_bytes; /* of the message under way */
};

void sp_http1_init(struct sp_http1 *http1, enum sp_http1_side side, const struct sp_http1_handler *handler, void *ctx);
void sp_http1_fini(struct sp_http1 *http1);

/* Say before the response comes that it answers a HEAD request. Holds for one (final) response. */
void sp_http1_expect_head_response(struct sp_http1 *http1);

/* 0, or SP_EPARSE (not HTTP, bad chunking) or SP_ELIMIT (a cap, which err names). After a failure the
 * parser takes nothing more. Bytes behind a whole message are the start of the next (pipelining), but behind
 * one that was the connection's last (keep_alive false; 101 and CONNECT, too: no upgrade is spoken here) they
 * are passed over: the message was whole. A Content-Length or chunks behind 204, 304 or HEAD are no body. */
int sp_http1_feed(struct sp_http1 *http1, struct sp_str bytes, struct sp_err *err);

/* The peer closed. Ends a close-delimited body (on_end is called); 0 also when between messages;
 * SP_EPARSE when a message was cut. */
int sp_http1_finish(struct sp_http1 *http1, struct sp_err *err);

/* True from the first byte of a message until its on_end. */
bool sp_http1_in_message(const struct sp_http1 *http1);

/* First header of that name, ignoring case; NULL bytes when absent. */
struct sp_str sp_http1_find(const struct sp_http1_head *head, const char *name);

#endif
