/*
 * The value of a Set-Cookie header (RFC 6265 §5.2) and its dates (§5.1.1). Bytes in, parts out; slices borrow from the
 * input. No clock: a Max-Age is a number of seconds.
 */
#ifndef SP_WIRE_SET_COOKIE_H
#define SP_WIRE_SET_COOKIE_H

#include "base/str.h"

#define SP_COOKIE_MAX 4096u           /* bytes of a cookie's name and value */
#define SP_COOKIE_ATTRIBUTE_MAX 1024u /* bytes of an attribute's value; a longer one does not count */

struct sp_set_cookie {
  struct sp_str name, value;
  struct sp_str domain; /* without a leading dot; empty: of this host only */
  struct sp_str path;   /* begins with '/'; empty: that of the request */
  bool secure;
  bool has_max_age, has_expires;
  int64_t max_age_s; /* 0 or less: at once */
  int64_t expires_s; /* since 1970, UTC */
};

/* False: to be ignored (no name, control bytes, over SP_COOKIE_MAX). */
bool sp_set_cookie_parse(struct sp_str text, struct sp_set_cookie *out);

/* May this stand as a cookie's name and value? */
bool sp_cookie_is_good(struct sp_str name, struct sp_str value);

/* "Wed, 21 Oct 2026 07:28:00 GMT" and whatever else the RFC reads as a date. */
bool sp_cookie_date_parse(struct sp_str text, int64_t *out_s);

#endif
