/*
 * A histogram as other tools of the HdrHistogram family read it: the V2 compressed encoding (hdrhistogram.org;
 * HdrHistogram's AbstractHistogram.encodeIntoCompressedByteBuffer) in base64 (RFC 4648). Our layout is theirs
 * (lowest discernible value 1, 3 significant digits), so every bucket's count arrives exactly.
 */
#ifndef SP_REPORT_HDR_ENCODE_H
#define SP_REPORT_HDR_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "stats/hist.h"

/* The largest value that the encoding says it can hold: the same for all, so that a reader may add them up. */
#define SP_HDR_HIGHEST SP_HIST_MAX

/* Appends the text. Fails only where the buffer's cap is in the way. */
int sp_hdr_encode(const struct sp_hist *hist, struct sp_buf *out, struct sp_err *err);

#endif
