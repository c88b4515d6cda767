#include "stats/pack.h"

#include "base/check.h"

#include <string.h>

void sp_pack_uint(struct sp_buf *buf, uint64_t value) {
  char bytes[10];
  size_t len = 0;
  for (; value >= 0x80; value >>= 7) {
    bytes[len++] = (char)(value | 0x80);
  }
  bytes[len++] = (char)value;
  SP_CHECK(sp_buf_append(buf, bytes, len) == 0);
}

uint64_t sp_unpack_uint(struct sp_str *packed) {
  uint64_t value = 0, byte = 0x80;
  for (unsigned shift = 0; byte >= 0x80; shift += 7) {
    SP_CHECK(packed->len > 0 && shift < 64);
    byte = (unsigned char)*packed->bytes++;
    packed->len--;
    value |= (byte & 0x7f) << shift;
  }
  return value;
}

void sp_pack_double(struct sp_buf *buf, double value) { SP_CHECK(sp_buf_append(buf, &value, sizeof(value)) == 0); }

double sp_unpack_double(struct sp_str *packed) {
  double value = 0;
  SP_CHECK(packed->len >= sizeof(value));
  memcpy(&value, packed->bytes, sizeof(value));
  packed->bytes += sizeof(value);
  packed->len -= sizeof(value);
  return value;
}

/* count [min max sum sum_squares (distance to the next filled bucket, its count)… 0]; distances are at least 1. */
void sp_pack_hist(struct sp_buf *buf, const struct sp_hist *hist) {
  sp_pack_uint(buf, hist->count);
  if (hist->count == 0) {
    return;
  }
  sp_pack_uint(buf, (uint64_t)hist->min);
  sp_pack_uint(buf, (uint64_t)hist->max);
  sp_pack_double(buf, hist->sum);
  sp_pack_double(buf, hist->sum_squares);
  uint32_t cursor = 0, before = 0;
  struct sp_hist_bucket bucket;
  while (sp_hist_next(hist, &cursor, &bucket)) {
    sp_pack_uint(buf, cursor - before);
    sp_pack_uint(buf, bucket.count);
    before = cursor;
  }
  sp_pack_uint(buf, 0);
}

void sp_unpack_hist(struct sp_str *packed, struct sp_hist *into) {
  uint64_t count = sp_unpack_uint(packed);
  if (count == 0) {
    return;
  }
  int64_t min = (int64_t)sp_unpack_uint(packed), max = (int64_t)sp_unpack_uint(packed);
  into->min = into->count == 0 || min < into->min ? min : into->min;
  into->max = into->count == 0 || max > into->max ? max : into->max;
  into->count += count;
  into->sum += sp_unpack_double(packed);
  into->sum_squares += sp_unpack_double(packed);
  uint32_t cursor = 0;
  for (uint64_t step; (step = sp_unpack_uint(packed)) > 0;) {
    cursor += (uint32_t)step;
    SP_CHECK(sp_hist_add_counter(into, cursor - 1, sp_unpack_uint(packed)));
  }
}
