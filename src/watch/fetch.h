/*
 * Small HTTP calls of watchers, by libcurl: blocking, since a watcher has a thread of its own (the load's own client is
 * http/client.h). One server, its connection kept; one thread.
 *
 * Only http and https, or a unix socket ("unix:///var/run/docker.sock"); no redirect is followed (the sentence says where to) and
 * no proxy of the environment is asked. User and password of the URL, a password file or a bearer token's file (read at each
 * call, since tokens are renewed) go along, and never into a text. A call takes at most SP_WATCH_CALL_MAX_NS, an answer has at
 * most SP_FETCH_BODY_MAX bytes; it is given up within about a second when the watcher is to stop.
 */
#ifndef SP_WATCH_FETCH_H
#define SP_WATCH_FETCH_H

#include "watch/watch.h"

#define SP_FETCH_BODY_MAX (16u * 1024u * 1024u)

/* Rows for the options of a kind that fetches. */
#define SP_FETCH_OPTIONS                                                                                                    \
  {"password_file", "a file with the password of the URL's user"},                                                         \
      {"bearer_token_file", "a file with the token to send as Authorization: Bearer"},                                     \
      {"ca_file", "certificates to trust (PEM) in place of the system's"},                                                 \
      {"insecure", "true: take any certificate"}

struct sp_fetch;
/* By the spec's URL and the options above; connects to nothing. SP_EUSAGE with a sentence for a bad URL or option. */
int sp_fetch_create(const struct sp_watch_spec *spec, struct sp_fetch **out, struct sp_err *err);
void sp_fetch_destroy(struct sp_fetch *fetch); /* NULL is fine */
const char *sp_fetch_name(const struct sp_fetch *fetch); /* the URL, redacted */
char *sp_fetch_source(const struct sp_fetch *fetch, const char *kind); /* "KIND NAME"; the caller frees */
const char *sp_fetch_host(const struct sp_fetch *fetch); /* "db1:9187"; a socket: its path */

struct sp_fetch_call {
  const char *target; /* "/api/v1/query?query=up", seen from the URL (wire/url.h: join); "": the URL itself */
  const char *accept; /* NULL: anything */
  struct sp_str form; /* not empty: POST of application/x-www-form-urlencoded */
  bool fresh;         /* over a new connection, closed behind it */
  int64_t timeout_ns; /* 0: SP_WATCH_CALL_MAX_NS */
};

struct sp_fetched {
  int status;
  struct sp_str body;       /* borrowed until the next call */
  char content_type[100];   /* "" where the server does not say */
  int64_t asked_ns, got_ns; /* wall clock, around the call */
  int64_t date_ns;          /* the server's own clock, cut to seconds; 0: it does not say */
};

/* sink: whose end stops the call; NULL: nobody's. SP_EIO (unreachable, too slow, stopped), SP_ELIMIT (the body). Any status of
 * HTTP is an answer. */
int sp_fetch(struct sp_fetch *fetch, const struct sp_watch_sink *sink, const struct sp_fetch_call *call, struct sp_fetched *out,
             struct sp_err *err);
/* The same for who needs a 200: any other status is SP_EIO with a sentence. */
int sp_fetch_ok(struct sp_fetch *fetch, const struct sp_watch_sink *sink, const struct sp_fetch_call *call,
                struct sp_fetched *out, struct sp_err *err);
/* That sentence, for who looks into other answers first. */
int sp_fetch_fail_status(const struct sp_fetch *fetch, const struct sp_fetched *answer, struct sp_err *err);

/* How far the server's clock is ahead of ours, by its Date (± 1 s, and half the call); 0 where it does not say. */
int64_t sp_fetched_clock_ahead_ns(const struct sp_fetched *fetched);

#endif
