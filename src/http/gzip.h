/*
 * A gzip body (RFC 1952), inflated as it comes: what a piece of input makes available is given at once, so
 * compressed event streams stay streams. Several members in a row are one body. No sockets, no clock.
 */
#ifndef SP_HTTP_GZIP_H
#define SP_HTTP_GZIP_H

#include "base/err.h"
#include "base/str.h"

#define SP_GZIP_PIECE_SIZE (16u * 1024u)             /* bytes given at once */
#define SP_HTTP_INFLATE_MAX (1024u * 1024u * 1024u)  /* inflated bytes of one body */
#define SP_HTTP_INFLATE_RATIO_MAX 500u               /* inflated : compressed, once past SP_HTTP_INFLATE_FREE */
#define SP_HTTP_INFLATE_FREE (16u * 1024u * 1024u)   /* inflated bytes for which no ratio is asked */

struct sp_gzip;
struct sp_gzip *sp_gzip_create(void);
void sp_gzip_destroy(struct sp_gzip *gzip); /* NULL is fine */

/* Non-zero stops the feed, which returns it. */
typedef int sp_gzip_give_fn(void *ctx, struct sp_str bytes, struct sp_err *err);

/* 0, SP_EPARSE (no gzip, broken), SP_ELIMIT (a cap, which err names) or what give said.
 * piece: SP_GZIP_PIECE_SIZE bytes to work in. */
int sp_gzip_feed(struct sp_gzip *gzip, struct sp_str bytes, char *piece, sp_gzip_give_fn *give, void *ctx,
                 struct sp_err *err);

/* True at the end of a member, and before the first byte (an empty body). */
bool sp_gzip_is_whole(const struct sp_gzip *gzip);

#endif
