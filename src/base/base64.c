#include "base/base64.h"

int sp_base64_append(struct sp_str raw, struct sp_buf *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  int failed = 0;
  for (size_t i = 0; i < raw.len && !failed; i += 3) {
    size_t left = raw.len - i;
    unsigned v = (unsigned)(unsigned char)raw.bytes[i] << 16;
    if (left > 1) v |= (unsigned)(unsigned char)raw.bytes[i + 1] << 8;
    if (left > 2) v |= (unsigned char)raw.bytes[i + 2];
    char four[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                    left > 2 ? digits[v & 63] : '='};
    failed = sp_buf_append(out, four, sizeof(four));
  }
  return failed;
}
