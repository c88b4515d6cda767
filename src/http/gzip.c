#include "http/gzip.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

struct sp_gzip {
  z_stream z;
  uint64_t in_bytes, out_bytes; /* z.total_in starts again with each member */
  bool whole;
};

#define GZIP_WINDOW_BITS (15 + 16) /* zlib: the largest window, gzip wrapping only */

struct sp_gzip *sp_gzip_create(void) {
  struct sp_gzip *gzip = sp_alloc(sizeof *gzip);
  SP_CHECK(inflateInit2(&gzip->z, GZIP_WINDOW_BITS) == Z_OK); /* fails for want of memory only */
  gzip->whole = true;
  return gzip;
}

void sp_gzip_destroy(struct sp_gzip *gzip) {
  if (!gzip) return;
  inflateEnd(&gzip->z);
  free(gzip);
}

bool sp_gzip_is_whole(const struct sp_gzip *gzip) { return gzip->whole; }

static int check_caps(const struct sp_gzip *gzip, struct sp_err *err) {
  if (gzip->out_bytes > SP_HTTP_INFLATE_MAX)
    return sp_fail(err, SP_ELIMIT, "the gzip body is over %u MiB when inflated", SP_HTTP_INFLATE_MAX >> 20);
  if (gzip->out_bytes > SP_HTTP_INFLATE_FREE && gzip->out_bytes / SP_HTTP_INFLATE_RATIO_MAX > gzip->in_bytes)
    return sp_fail(err, SP_ELIMIT, "the gzip body inflates to over %u times its size", SP_HTTP_INFLATE_RATIO_MAX);
  return 0;
}

/* One step of zlib: up to a piece of output. Returns zlib's code, *out_len bytes are in piece. */
static int inflate_step(struct sp_gzip *gzip, char *piece, size_t *out_len) {
  z_stream *z = &gzip->z;
  uInt in_before = z->avail_in;
  z->next_out = (Bytef *)piece;
  z->avail_out = SP_GZIP_PIECE_SIZE;
  int code = inflate(z, Z_SYNC_FLUSH);
  *out_len = SP_GZIP_PIECE_SIZE - z->avail_out;
  gzip->in_bytes += in_before - z->avail_in;
  gzip->out_bytes += *out_len;
  return code;
}

static int next_member(struct sp_gzip *gzip) {
  gzip->whole = false;
  return inflateReset(&gzip->z);
}

int sp_gzip_feed(struct sp_gzip *gzip, struct sp_str bytes, char *piece, sp_gzip_give_fn *give, void *ctx,
                 struct sp_err *err) {
  z_stream *z = &gzip->z;
  z->next_in = (z_const Bytef *)bytes.bytes;
  z->avail_in = (uInt)bytes.len; /* a read's worth */
  bool more = true;              /* zlib may hold output although all input is taken */
  while (z->avail_in > 0 || more) {
    if (gzip->whole && z->avail_in == 0) return 0;
    if (gzip->whole && next_member(gzip) != Z_OK) return sp_fail(err, SP_EPARSE, "the gzip body is broken");
    size_t len;
    int code = inflate_step(gzip, piece, &len);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return sp_fail(err, SP_EPARSE, "the gzip body is broken: %s", z->msg ? z->msg : "bad data");
    int failed = check_caps(gzip, err);
    if (failed) return failed;
    int stopped = len > 0 ? give(ctx, sp_str_of(piece, len), err) : 0;
    if (stopped) return stopped;
    gzip->whole = code == Z_STREAM_END;
    more = z->avail_out == 0;
    if (code == Z_BUF_ERROR) return 0; /* wants more input */
  }
  return 0;
}
