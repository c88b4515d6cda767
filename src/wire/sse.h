/*
 * Server-sent events, by the WHATWG rules (HTML Living Standard, 9.2.6): LF, CRLF and CR line ends,
 * BOM, comments, multi-line data, fields without colon, events cut anywhere.
 *
 * An event with no data is not dispatched by these rules; Dify's "event: ping" is one. So that it can be
 * counted, it goes to on_blank instead. Slices are borrowed for the call. Nothing is copied where one
 * event lies whole in the bytes fed and has a single data line. Bytes are passed on as they are: invalid UTF-8
 * is not replaced. A handler must not feed, finish or free the parser that calls it. No clock.
 */
#ifndef SP_WIRE_SSE_H
#define SP_WIRE_SSE_H

#include "base/buf.h"
#include "base/err.h"

#define SP_SSE_EVENT_MAX (4u * 1024u * 1024u) /* default cap: the bytes of an event's lines */

struct sp_sse_event {
  struct sp_str type; /* "" means "message" */
  struct sp_str data;
  struct sp_str id; /* last event id, as the rules keep it */
};

struct sp_sse_handler {
  /* MUST. Non-zero stops the feed (returned as SP_EPARSE, *err untouched; the handler knows why). */
  int (*on_event)(void *ctx, const struct sp_sse_event *event);
  /* MAY. A block with an event type and no data, or a comment line (type "" then). */
  void (*on_blank)(void *ctx, struct sp_str type);
};

/* An event that lies whole in the bytes fed touches what stands from `line` on, and no more. */
struct sp_sse {
  int64_t retry_ms;   /* last valid retry field, -1 where none came */
  struct sp_buf data; /* data lines of the event under way, joined by LF */
  struct sp_buf type;
  struct sp_buf line; /* a line cut by the end of the bytes fed */
  struct sp_buf id;
  const struct sp_sse_handler *handler;
  void *ctx;
  size_t event_max;
  size_t event_bytes; /* lines of the event under way, comments left out */
  uint8_t bom_seen;   /* bytes of a BOM matched at the start; 4 = past the start */
  bool skip_lf;       /* the last byte was a CR that ended a line */
  bool copied;        /* `data` or `type` was written for the event under way */
  bool has_data;
  bool failed;
};

void sp_sse_init(struct sp_sse *sse, size_t event_max, const struct sp_sse_handler *handler, void *ctx);
void sp_sse_fini(struct sp_sse *sse);

/* 0, SP_ELIMIT (an event, or a comment in it, over event_max) or SP_EPARSE (a handler stopped). Takes nothing after
 * a failure. Linear in the bytes fed. */
int sp_sse_feed(struct sp_sse *sse, struct sp_str bytes, struct sp_err *err);

/* The stream ended: an unfinished event is dropped, as the rules say. True when there was one
 * (data, a type, or a line that was no comment and had no end). */
bool sp_sse_finish(struct sp_sse *sse);

#endif
