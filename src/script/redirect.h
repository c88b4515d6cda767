/*
 * The redirects that one request follows (RFC 9110 §15.4): the request as it goes on, and what the hops before it came
 * to. A POST becomes a GET behind 301, 302 and 303, as every browser does; 307 and 308 keep method and body. What
 * belongs to one origin (Authorization, Cookie, Host, headers named like a secret) is not sent to another; from https to
 * http nothing is sent at all. One thread; no sockets.
 */
#ifndef SP_SCRIPT_REDIRECT_H
#define SP_SCRIPT_REDIRECT_H

#include "http/client.h"

#define SP_REDIRECTS_DEFAULT 10u            /* redirects = true */
#define SP_REDIRECTS_MAX 100u
#define SP_REDIRECT_BODY_MAX (64u * 1024u) /* bytes of a redirect's own body that are waited for */

struct sp_redirect {
  struct sp_http_request request; /* to go on with; slices of what is below */
  struct sp_buf text[2];          /* URL and headers, now and before */
  struct sp_buf method, body, location;
  int status; /* of the redirect under way */
  unsigned max, followed;
  /* of the hops that are over */
  uint64_t bytes_in, bytes_out;
  int64_t first_write_ns;
  bool resent;
};

struct sp_redirect *sp_redirect_create(const struct sp_http_request *request, unsigned max); /* copies it */
void sp_redirect_destroy(struct sp_redirect *redirect);

/* Does this head send elsewhere? Notes where to. */
bool sp_redirect_note(struct sp_redirect *redirect, const struct sp_http1_head *head);
/* The hop is over: makes `request` the next one. SP_ELIMIT (over max) or SP_EPARSE with a sentence that shows the URL
 * without its secrets. */
int sp_redirect_go(struct sp_redirect *redirect, const struct sp_http_result *result, struct sp_err *err);

#endif
