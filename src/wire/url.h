/*
 * URLs as a load tester needs them: http and https with host, port and target (RFC 3986).
 * Slices borrow from the input. Bytes in, parts out; nothing is resolved here.
 */
#ifndef SP_WIRE_URL_H
#define SP_WIRE_URL_H

#include "base/buf.h"
#include "base/err.h"

#define SP_URL_MAX 8192 /* bytes of a whole URL */
#define SP_URL_HOST_MAX 255

struct sp_url {
  bool tls;      /* https */
  bool ipv6;     /* host is an address in brackets; `host` is without them */
  uint16_t port; /* as given, or 80 / 443 */
  bool port_given;
  struct sp_str host;
  struct sp_str userinfo; /* "user:password", empty where absent; a secret */
  struct sp_str target;   /* path and query, without the fragment; "/" where the URL has none */
};

/* SP_EPARSE with a sentence that names the fault ("'localhost:5001/v1' has no scheme: write http://localhost:5001/v1"),
 * SP_ELIMIT over a cap. The sentence hides what stands before an '@' and the query. Not taken: spaces, control bytes,
 * hosts that are not ASCII, IPv6 zones, a query without a path. A path or query may hold raw UTF-8 (see join). */
int sp_url_parse(struct sp_str text, struct sp_url *out, struct sp_err *err);

/* Appends the absolute URL of `path` seen from `base`: an absolute URL is taken as it is, "/x" replaces the
 * path, "x" is put behind the base's directory, "?x" replaces the query, "" is the base itself. A base path prefix
 * is kept for "/x" only if the base ends in a path other than "/" (http://host/dify + /v1/x =
 * http://host/dify/v1/x). "//x" is a path, no host. Dot segments stay as written; fragments are dropped; bytes
 * of raw UTF-8 come out percent-encoded. After a failure *out is as before. */
int sp_url_join(struct sp_str base, struct sp_str path, struct sp_buf *out, struct sp_err *err);

/* Appends the absolute URL that a reference (a Location header) names, seen from `base` (RFC 3986 §5.2): with dot
 * segments taken out, and what a browser would encode (spaces, bytes of raw UTF-8) percent-encoded. The base's user is
 * not taken over. After a failure *out is as before. */
int sp_url_resolve(struct sp_str base, struct sp_str reference, struct sp_buf *out, struct sp_err *err);

/* Do both go to the same scheme, host and port? */
bool sp_url_same_origin(const struct sp_url *a, const struct sp_url *b);

/* Appends the URL with userinfo and fragment cut out and the values of query members whose names speak of a
 * secret (base/secret.h) replaced by ***. Garbage becomes "(no URL)". */
int sp_url_redact(struct sp_str text, struct sp_buf *out);

/* The value of a Host header: host[:port], brackets for IPv6, port left out where it is the default. */
int sp_url_append_authority(const struct sp_url *url, struct sp_buf *out);

/* Is the host this machine itself by its name: localhost, 127.x, ::1? */
bool sp_url_is_loopback(const struct sp_url *url);

/* Undoes it. A '%' without two hexadecimal digits behind it stays. */
int sp_url_decode(struct sp_str text, struct sp_buf *out);
/* Percent-encodes all but unreserved characters (a query or form value). */
int sp_url_encode(struct sp_str raw, struct sp_buf *out);

#endif
