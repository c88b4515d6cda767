#include "stats/pack.h"

#include "base/check.h"

#include <math.h>
#include <string.h>

/* -- numbers and texts -- */

void sp_pack_uint(struct sp_buf *buf, uint64_t value) {
  char bytes[10];
  size_t len = 0;
  for (; value >= 0x80; value >>= 7) {
    bytes[len++] = (char)(value | 0x80);
  }
  bytes[len++] = (char)value;
  SP_CHECK(sp_buf_append(buf, bytes, len) == 0);
}

void sp_pack_int(struct sp_buf *buf, int64_t value) {
  sp_pack_uint(buf, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

/* Its 64 bits, the lowest byte first, whatever the machine. */
void sp_pack_double(struct sp_buf *buf, double value) {
  uint64_t bits = 0;
  char bytes[sizeof(bits)];
  memcpy(&bits, &value, sizeof(bits));
  for (size_t i = 0; i < sizeof(bits); i++) {
    bytes[i] = (char)(bits >> (8 * i));
  }
  SP_CHECK(sp_buf_append(buf, bytes, sizeof(bytes)) == 0);
}

void sp_pack_text(struct sp_buf *buf, const char *text) {
  struct sp_str str = sp_str_from(text);
  sp_pack_uint(buf, str.len);
  SP_CHECK(sp_buf_append_str(buf, str) == 0);
}

static uint64_t fail(struct sp_unpacker *from) {
  from->bad = true;
  from->rest = sp_str_of(NULL, 0);
  return 0;
}

uint64_t sp_unpacker_uint(struct sp_unpacker *from) {
  uint64_t value = 0, byte = 0x80;
  for (unsigned shift = 0; byte >= 0x80; shift += 7) {
    if (from->rest.len == 0 || shift > 63) {
      return fail(from);
    }
    byte = (unsigned char)*from->rest.bytes++;
    from->rest.len--;
    value |= (byte & 0x7f) << shift;
  }
  return value;
}

uint64_t sp_unpacker_up_to(struct sp_unpacker *from, uint64_t most) {
  uint64_t value = sp_unpacker_uint(from);
  return value > most ? fail(from) : value;
}

int64_t sp_unpacker_int(struct sp_unpacker *from) {
  uint64_t value = sp_unpacker_uint(from);
  return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static struct sp_str take(struct sp_unpacker *from, uint64_t len) {
  if (len > from->rest.len) {
    fail(from);
  }
  if (from->bad || len == 0) {
    return sp_str_of(NULL, 0);
  }
  struct sp_str taken = sp_str_of(from->rest.bytes, (size_t)len);
  from->rest = sp_str_of(from->rest.bytes + len, from->rest.len - (size_t)len);
  return taken;
}

double sp_unpacker_double(struct sp_unpacker *from) {
  uint64_t bits = 0;
  double value = 0;
  struct sp_str bytes = take(from, sizeof(bits));
  for (size_t i = 0; i < bytes.len; i++) {
    bits |= (uint64_t)(unsigned char)bytes.bytes[i] << (8 * i);
  }
  memcpy(&value, &bits, sizeof(value));
  return value;
}

struct sp_str sp_unpacker_text(struct sp_unpacker *from, size_t max) { return take(from, sp_unpacker_up_to(from, max)); }

/* -- histograms --
 * 0 when empty. Of one value: count * 2 - 1, the value. Others: count * 2, min, max - min, sum, sum of squares,
 * (distance to the next filled bucket, its count)… 0; distances are at least 1. */

#define WHOLE_MAX 9007199254740992.0 /* 2^53: whole numbers up to here are exact in a double */

/* Sums of microseconds are whole numbers as a rule: n * 2 + 1; others are 0 and the double itself. */
static void pack_sum(struct sp_buf *buf, double sum) {
  if (sum >= 0 && sum <= WHOLE_MAX && sum == floor(sum)) {
    sp_pack_uint(buf, (uint64_t)sum * 2 + 1);
  } else {
    sp_pack_uint(buf, 0);
    sp_pack_double(buf, sum);
  }
}

static double read_sum(struct sp_unpacker *from) {
  uint64_t whole = sp_unpacker_uint(from);
  if (whole & 1) {
    return (double)(whole >> 1);
  }
  double sum = whole == 0 ? sp_unpacker_double(from) : (double)fail(from);
  return isfinite(sum) && sum >= 0 ? sum : (double)fail(from);
}

/* Would sp_hist_record_n make the same? */
static bool is_one_value(const struct sp_hist *hist) {
  double value = (double)hist->min, n = (double)hist->count;
  uint32_t cursor = 0;
  struct sp_hist_bucket bucket;
  return hist->min == hist->max && hist->count <= UINT32_MAX && hist->sum == value * n &&
         hist->sum_squares == value * value * n && sp_hist_next(hist, &cursor, &bucket) && bucket.count == hist->count;
}

static void pack_buckets(struct sp_buf *buf, const struct sp_hist *hist) {
  uint32_t cursor = 0, before = 0;
  struct sp_hist_bucket bucket;
  while (sp_hist_next(hist, &cursor, &bucket)) {
    sp_pack_uint(buf, cursor - before);
    sp_pack_uint(buf, bucket.count);
    before = cursor;
  }
  sp_pack_uint(buf, 0);
}

void sp_pack_hist(struct sp_buf *buf, const struct sp_hist *hist) {
  if (hist->count == 0) {
    sp_pack_uint(buf, 0);
  } else if (is_one_value(hist)) {
    sp_pack_uint(buf, hist->count * 2 - 1);
    sp_pack_uint(buf, (uint64_t)hist->min);
  } else {
    sp_pack_uint(buf, hist->count * 2);
    sp_pack_uint(buf, (uint64_t)hist->min);
    sp_pack_uint(buf, (uint64_t)(hist->max - hist->min));
    pack_sum(buf, hist->sum);
    pack_sum(buf, hist->sum_squares);
    pack_buckets(buf, hist);
  }
}

/* The counters add up to the count, unless one of them is full. */
static void read_buckets(struct sp_unpacker *from, struct sp_hist *into, uint64_t count) {
  uint64_t cursor = 0, sum = 0;
  bool full = false;
  for (uint64_t step; (step = sp_unpacker_up_to(from, UINT32_MAX)) > 0;) {
    uint64_t n = sp_unpacker_up_to(from, UINT32_MAX);
    cursor += step;
    sum += n;
    full = full || n == UINT32_MAX;
    if (n == 0 || cursor > UINT32_MAX || !sp_hist_add_counter(into, (uint32_t)(cursor - 1), n)) {
      fail(from);
    }
  }
  if (sum > count || (sum < count && !full)) {
    fail(from);
  }
}

static void read_many(struct sp_unpacker *from, struct sp_hist *into, uint64_t count) {
  int64_t min = (int64_t)sp_unpacker_up_to(from, SP_HIST_MAX);
  int64_t max = min + (int64_t)sp_unpacker_up_to(from, (uint64_t)(SP_HIST_MAX - min));
  double sum = read_sum(from), sum_squares = read_sum(from);
  if (from->bad) {
    return;
  }
  into->min = into->count == 0 || min < into->min ? min : into->min;
  into->max = into->count == 0 || max > into->max ? max : into->max;
  into->count += count;
  into->sum += sum;
  into->sum_squares += sum_squares;
  read_buckets(from, into, count);
}

void sp_unpacker_hist(struct sp_unpacker *from, struct sp_hist *into) {
  uint64_t head = sp_unpacker_uint(from);
  if (head & 1) {
    uint64_t count = head / 2 + 1, value = sp_unpacker_up_to(from, SP_HIST_MAX);
    if (count > UINT32_MAX) {
      fail(from);
    }
    if (!from->bad) {
      sp_hist_record_n(into, (int64_t)value, (uint32_t)count);
    }
  } else if (head > 0) {
    read_many(from, into, head / 2);
  }
}

/* -- of our own making -- */

uint64_t sp_unpack_uint(struct sp_str *packed) {
  struct sp_unpacker from = { *packed, false };
  uint64_t value = sp_unpacker_uint(&from);
  SP_CHECK(!from.bad);
  *packed = from.rest;
  return value;
}

void sp_unpack_hist(struct sp_str *packed, struct sp_hist *into) {
  struct sp_unpacker from = { *packed, false };
  sp_unpacker_hist(&from, into);
  SP_CHECK(!from.bad);
  *packed = from.rest;
}
