/*
 * The cookies of one user (RFC 6265 §5.3, §5.4): what Set-Cookie headers said, kept by domain and path, and the Cookie
 * header of a request. An empty jar is all zero and has no memory of its own. Time is given: seconds since 1970, UTC.
 * Session cookies live as long as the jar. There is no list of public suffixes: a domain without a dot inside is never
 * one for several hosts. One thread.
 */
#ifndef SP_WIRE_COOKIE_JAR_H
#define SP_WIRE_COOKIE_JAR_H

#include "wire/set_cookie.h"
#include "wire/url.h"

#define SP_COOKIES_MAX 100u                   /* cookies of a jar; over it the oldest goes */
#define SP_COOKIE_HEADER_MAX (16u * 1024u)    /* bytes of a Cookie header; what does not fit is left out */

struct sp_cookie;
struct sp_cookie_jar {
  struct sp_cookie *first; /* longer paths first, then older ones: as they are sent */
  unsigned count;
  uint32_t made; /* so far: tells their age */
};

void sp_cookie_jar_clear(struct sp_cookie_jar *jar); /* frees everything */

/* A Set-Cookie header of the answer to `url`. False: not taken (it was none, or of a foreign domain). */
bool sp_cookie_jar_take(struct sp_cookie_jar *jar, const struct sp_url *url, struct sp_str set_cookie, int64_t now_s);
/* The same, taken apart. What has ended already deletes the one it names. */
bool sp_cookie_jar_put(struct sp_cookie_jar *jar, const struct sp_url *url, const struct sp_set_cookie *cookie,
                       int64_t now_s);

/* Appends "a=1; b=2": what a request to `url` sends; nothing where there is none. Forgets what has ended. */
int sp_cookie_jar_append(struct sp_cookie_jar *jar, const struct sp_url *url, int64_t now_s, struct sp_buf *out);
/* The value that a request to `url` would send under that name; bytes NULL: none. Borrowed until the jar changes. */
struct sp_str sp_cookie_jar_get(const struct sp_cookie_jar *jar, const struct sp_url *url, struct sp_str name,
                                int64_t now_s);

#endif
