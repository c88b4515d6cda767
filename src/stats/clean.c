#include "stats/clean.h"

static bool in(unsigned char c, unsigned low, unsigned high) { return c >= low && c <= high; }

/* Well-formed byte sequences, Unicode 15 §3.9 (table 3-7): the second byte's range depends on the first. */
static bool second_ok(unsigned char first, unsigned char second) {
  switch (first) {
  case 0xE0: return in(second, 0xA0, 0xBF);
  case 0xED: return in(second, 0x80, 0x9F);
  case 0xF0: return in(second, 0x90, 0xBF);
  case 0xF4: return in(second, 0x80, 0x8F);
  default: return in(second, 0x80, 0xBF);
  }
}

static size_t length_by_first(unsigned char first) {
  if (first < 0x80) {
    return 1;
  }
  if (in(first, 0xC2, 0xDF)) {
    return 2;
  }
  if (in(first, 0xE0, 0xEF)) {
    return 3;
  }
  return in(first, 0xF0, 0xF4) ? 4 : 0;
}

size_t sp_utf8_length(struct sp_str s) {
  if (s.len == 0) {
    return 0;
  }
  const unsigned char *bytes = (const unsigned char *)s.bytes;
  size_t length = length_by_first(bytes[0]);
  if (length > s.len) {
    return 0;
  }
  if (length > 1 && !second_ok(bytes[0], bytes[1])) {
    return 0;
  }
  for (size_t i = 2; i < length; i++) {
    if (!in(bytes[i], 0x80, 0xBF)) {
      return 0;
    }
  }
  return length;
}

/* C0, DEL and C1: a terminal would act on them. */
static bool is_control(const char *bytes, size_t length) {
  unsigned char first = (unsigned char)bytes[0];
  if (length == 1) {
    return first < 0x20 || first == 0x7F;
  }
  return length == 2 && first == 0xC2 && (unsigned char)bytes[1] < 0xA0;
}

size_t sp_clean_text(char *out, size_t max, struct sp_str text) {
  size_t filled = 0;
  while (text.len > 0) {
    size_t length = sp_utf8_length(text);
    size_t step = length > 0 ? length : 1;
    bool replaced = length == 0 || is_control(text.bytes, length);
    size_t write = replaced ? 1 : length;
    if (filled + write > max) {
      break;
    }
    if (replaced) {
      out[filled] = length == 0 ? '?' : ' ';
    } else {
      memcpy(out + filled, text.bytes, length);
    }
    filled += write;
    text.bytes += step;
    text.len -= step;
  }
  return filled;
}
