#include "report/hdr_encode.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

#define COOKIE_V2 0x1c849313u            /* 0x1c849303, and 0x10: words of one byte (LEB128) */
#define COOKIE_V2_COMPRESSED 0x1c849314u /* 0x1c849304, likewise */
#define DIGITS 3u
#define SUB_BUCKET_BITS 11u /* 2048 sub-buckets hold 3 digits */
#define PAYLOAD_MAX (512u * 1024u) /* 32768 counters of at most 9 bytes, runs of zeros are one */

static void put_u32(struct sp_buf *out, uint32_t value) {
  unsigned char bytes[4];
  for (int i = 0; i < 4; i++) {
    bytes[i] = (unsigned char)(value >> (24 - 8 * i));
  }
  sp_buf_append(out, bytes, sizeof(bytes));
}

static void put_u64(struct sp_buf *out, uint64_t value) {
  put_u32(out, (uint32_t)(value >> 32));
  put_u32(out, (uint32_t)value);
}

static void put_double(struct sp_buf *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  put_u64(out, bits);
}

/* ZigZag LEB128 as HdrHistogram has it: seven bits a byte, and all eight of the ninth. */
static void put_zigzag(struct sp_buf *out, int64_t value) {
  uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
  for (int i = 0; i < 8; i++) {
    if (rest < 0x80) {
      sp_buf_append_char(out, (char)rest);
      return;
    }
    sp_buf_append_char(out, (char)((rest & 0x7f) | 0x80));
    rest >>= 7;
  }
  sp_buf_append_char(out, (char)rest);
}

/* The place of a bucket that begins at `low` among the counters. */
static int64_t index_of(int64_t low) {
  unsigned bits = 64u - (unsigned)__builtin_clzll((uint64_t)low | ((1u << SUB_BUCKET_BITS) - 1));
  unsigned bucket = bits - SUB_BUCKET_BITS;
  return ((int64_t)bucket << (SUB_BUCKET_BITS - 1)) + (low >> bucket);
}

/* Counts in order of their place; a negative number stands for so many zeros. Behind the last nothing is written. */
static void put_counts(const struct sp_hist *hist, struct sp_buf *out) {
  struct sp_hist_bucket bucket;
  uint32_t cursor = 0;
  int64_t next = 0;
  while (sp_hist_next(hist, &cursor, &bucket)) {
    int64_t index = index_of(bucket.low), zeros = index - next;
    if (zeros > 0) {
      put_zigzag(out, zeros == 1 ? 0 : -zeros);
    }
    put_zigzag(out, (int64_t)bucket.count);
    next = index + 1;
  }
}

static void put_plain(const struct sp_hist *hist, struct sp_buf *out) {
  struct sp_buf counts;
  sp_buf_init(&counts, PAYLOAD_MAX);
  put_counts(hist, &counts);
  put_u32(out, COOKIE_V2);
  put_u32(out, (uint32_t)counts.len);
  put_u32(out, 0); /* normalizing index offset */
  put_u32(out, DIGITS);
  put_u64(out, 1); /* lowest discernible value */
  put_u64(out, SP_HDR_HIGHEST);
  put_double(out, 1.0); /* integer to double conversion */
  sp_buf_append(out, counts.bytes, counts.len);
  sp_buf_fini(&counts);
}

int sp_hdr_encode(const struct sp_hist *hist, struct sp_buf *out, struct sp_err *err) {
  struct sp_buf plain, packed;
  sp_buf_init(&plain, PAYLOAD_MAX + 64);
  put_plain(hist, &plain);
  uLongf size = compressBound((uLong)plain.len);
  unsigned char *deflated = sp_alloc(size);
  SP_CHECK(compress2(deflated, &size, (const Bytef *)plain.bytes, (uLong)plain.len, Z_DEFAULT_COMPRESSION) == Z_OK);
  sp_buf_init(&packed, size + 8);
  put_u32(&packed, COOKIE_V2_COMPRESSED);
  put_u32(&packed, (uint32_t)size);
  sp_buf_append(&packed, deflated, size);
  int code = sp_buf_reserve(out, (packed.len + 2) / 3 * 4);
  if (code == 0) code = sp_base64_append(sp_buf_str(&packed), out);
  free(deflated);
  sp_buf_fini(&plain);
  sp_buf_fini(&packed);
  return code ? sp_fail(err, SP_ELIMIT, "a histogram is too large to be written") : SP_OK;
}
