/*
 * The web page's server: the page, its API (docs/web-api.md), live events and /metrics.
 *
 * It listens on threads of libmicrohttpd's, one a connection. The main thread tells it of the run, and answers its calls
 * in sp_web_serve; each second's events are made there once, whoever watches. Engine threads never meet it.
 *
 * Everything here is for the main thread.
 */
#ifndef SP_WEB_WEB_H
#define SP_WEB_WEB_H

#include "report/report.h"
#include "web/host.h"

#define SP_WEB_CONNECTIONS_MAX 128u
#define SP_WEB_WATCHERS_MAX 64u
#define SP_WEB_CONNECTION_BYTES_MAX 32768u /* of a connection: request line and headers have to fit */
#define SP_WEB_BODY_MAX 65536u             /* of a call */
#define SP_WEB_IDLE_S 30u                  /* a connection on which nothing moves */
#define SP_WEB_REQUEST_MAX_NS (20 * SP_NS_PER_S) /* a request has come by then, however slowly */
#define SP_WEB_CALL_MAX_NS (10 * SP_NS_PER_S)    /* the main thread has answered by then, or 503 */
#define SP_WEB_KEEP_NS (15 * SP_NS_PER_S)        /* an event stream is never silent for longer */
#define SP_WEB_EVENTS_MAX 256u                   /* what a slow watcher may be behind: about a minute */
#define SP_WEB_EVENT_BYTES_MAX (64u * 1024u * 1024u)
#define SP_WEB_LINGER_MAX_NS (35 * SP_NS_PER_S)
#define SP_WEB_DRAIN_NS (2 * SP_NS_PER_S) /* watchers have the last events by then */

struct sp_web_options {
  const char *address; /* web/address.h */
  const struct sp_web_host *host;
  void *ctx;   /* the host's */
  bool serve;  /* runs are started from the page */
  const char *token;      /* MAY: one that was set */
  const char *cert, *key; /* MAY, both: PEM files; then it speaks TLS */
  const char *name;       /* MAY: another host name it answers to */
};

struct sp_web;
struct sp_web *sp_web_open(const struct sp_web_options *options, struct sp_err *err);
const char *sp_web_url(const struct sp_web *web); /* "http://127.0.0.1:8089/" */
const char *sp_web_entry(const struct sp_web *web); /* the same with the token, where one is needed */
bool sp_web_needs_token(const struct sp_web *web);
void sp_web_serve(struct sp_web *web); /* answers the calls that wait */
void sp_web_close(struct sp_web *web); /* watchers get what there is first. NULL is fine */

/* --- the run --- */
void sp_web_begin(struct sp_web *web, const struct sp_run_begin *begin);
void sp_web_tick(struct sp_web *web, const struct sp_run_view *view);
void sp_web_log(struct sp_web *web, const char *level, const char *text);
void sp_web_end(struct sp_web *web, const struct sp_result *result);
void sp_web_abandon(struct sp_web *web); /* begun, and then it could not start */
void sp_web_reset(struct sp_web *web); /* what is shown begins anew */
void sp_web_changed(struct sp_web *web); /* something in STATE that only the host knows */
void sp_web_set_trying(struct sp_web *web, bool trying);
/* What GET /api/out/KIND has to give now: names, ended by NULL; borrowed until the next call. */
void sp_web_set_outputs(struct sp_web *web, const char *const *outputs);

/* The end of a run would be lost on a scraper that comes each 15 s: where one came, this waits for its next visit
 * (SP_WEB_LINGER_MAX_NS at most), answering calls meanwhile. note: how long that may take, for people; false: nobody
 * is waited for. */
bool sp_web_linger_note(struct sp_web *web, char *text, size_t size);
void sp_web_linger(struct sp_web *web);

#endif
