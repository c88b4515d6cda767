/*
 * An exchange: one request of a user, from the intended start to one outcome. It joins the HTTP client, the
 * event-stream parser and a dialect, takes the times of what arrives, and fills one sample. No Lua here.
 *
 * Time of an event: a read that carried one event takes the kernel's receive stamp (the true arrival); a read that
 * carried several cannot be split truly (the stamp is its last byte's), so its events take the user-space time and
 * the lag tells by how much they may be late. Times of one stream never go backwards.
 *
 * Redirects, where they are followed, are part of the one request: its times begin with the first start, those of the
 * answer are of the final one, and it has one outcome.
 *
 * Ownership: created by start, ended once through on_end, destroyed by the owner afterwards (never inside a
 * callback other than on_end). One thread.
 */
#ifndef SP_SCRIPT_EXCHANGE_H
#define SP_SCRIPT_EXCHANGE_H

#include "dialect/dialect.h"
#include "http/client.h"
#include "stats/recorder.h"
#include "wire/cookie_jar.h"

#define SP_BODY_MAX (64u * 1024u * 1024u)   /* bytes of an answer's body (not streamed) that are kept */
#define SP_ANSWER_MAX (16u * 1024u * 1024u) /* bytes of a streamed answer's text */
#define SP_ERROR_BODY_MAX (64u * 1024u)     /* bytes of an error's body that are looked at for its message */

struct sp_exchange;

/* One event as it arrived. Borrowed for the call. */
struct sp_exchange_event {
  const struct sp_sse_event *sse;
  const struct sp_meaning *meaning;
};

struct sp_exchange_hooks {
  /* MAY. Every dispatched event, before its time is known. */
  void (*on_event)(void *ctx, struct sp_exchange *exchange, const struct sp_exchange_event *event);
  /* MAY. The events of a read were given, and this is the time of the first and of the others of them. */
  void (*on_events_timed)(void *ctx, struct sp_exchange *exchange, int64_t first_ns, int64_t others_ns);
  /* MAY. A blank event (Dify's ping). */
  void (*on_blank)(void *ctx, struct sp_exchange *exchange, struct sp_str type);
  /* MAY, instead of a dialect: fills *out (cleared before) for an event. */
  void (*judge)(void *ctx, const struct sp_sse_event *event, struct sp_meaning *out);
  /* MAY. So many bytes of the answer's body came, and more are wanted: sp_exchange_pause is for here. */
  void (*on_bytes)(void *ctx, struct sp_exchange *exchange, size_t len);
  /* MUST. Once. The sample is filled; not yet recorded. */
  void (*on_end)(void *ctx, struct sp_exchange *exchange);
};

struct sp_exchange_options {
  struct sp_http_session *session;
  struct sp_http_request request;
  /* What the events of a stream mean, or (without `stream`) what a whole answer says of its run. NULL: no event stream,
   * unless `judge` is given. */
  const struct sp_dialect *dialect;
  struct sp_dialect_scratch *scratch; /* the thread's; MUST with a dialect */
  bool stream;                        /* an event stream is expected */
  struct sp_cookie_jar *cookies;      /* MAY. The user's; outlives the exchange */
  struct sp_buf *url;                 /* with cookies: what request.url is of, taken over; NULL: it outlives the exchange */
  unsigned redirects_max;             /* 0: a redirect is the answer */
  int64_t stall_ns;
  struct sp_recorder *recorder;     /* events, nodes, start and end */
  const struct sp_request_key *key; /* outlives the exchange */
  const struct sp_str *secrets;     /* values that must not show in a detail */
  size_t secret_count;
  const struct sp_exchange_hooks *hooks;
  void *ctx;
};

struct sp_exchange *sp_exchange_start(const struct sp_exchange_options *options);
/* Hangs up; ends with that outcome (SP_OUTCOME_CANCELLED, SP_OUTCOME_ABANDONED or SP_OUTCOME_CHECK) unless it already
 * has one. */
void sp_exchange_abort(struct sp_exchange *exchange, enum sp_outcome outcome, const char *why);
/* Stops reading the answer, and goes on (http/client.h). Nothing when it has all it wants. */
void sp_exchange_pause(struct sp_exchange *exchange);
void sp_exchange_resume(struct sp_exchange *exchange);
/* Gives the sample to the recorder; once, after on_end. */
void sp_exchange_record(struct sp_exchange *exchange);
void sp_exchange_destroy(struct sp_exchange *exchange);

/* -- what came of it: valid from on_end to destroy -- */
struct sp_sample *sp_exchange_sample(struct sp_exchange *exchange);
int sp_exchange_status(const struct sp_exchange *exchange); /* 0: no head came */
struct sp_str sp_exchange_headers(const struct sp_exchange *exchange); /* "Name: value\r\n"… */
struct sp_str sp_exchange_text(const struct sp_exchange *exchange);    /* the streamed answer, or the body */
const char *sp_exchange_detail(const struct sp_exchange *exchange);    /* "" when ok */
uint64_t sp_exchange_events(const struct sp_exchange *exchange);
unsigned sp_exchange_redirects(const struct sp_exchange *exchange);    /* followed */
struct sp_str sp_exchange_url(const struct sp_exchange *exchange);     /* the final one; empty: the one asked for */
/* The first of each that an event of the stream named; empty for none. */
struct sp_str sp_exchange_conversation(const struct sp_exchange *exchange);
struct sp_str sp_exchange_message(const struct sp_exchange *exchange);
struct sp_str sp_exchange_task(const struct sp_exchange *exchange);
/* Makes an ok sample a failed check (or keeps the failure it has). */
void sp_exchange_fail_check(struct sp_exchange *exchange, const char *message);

#endif
