/* A proxy's answer to CONNECT: whole, byte by byte and cut in its middle it comes to the same, and no byte of the target
 * is taken for the proxy's. */
#include "base/check.h"
#include "http/tunnel.h"

struct outcome {
  int done;
  size_t used;
};

static struct outcome feed(struct sp_str text, size_t piece) {
  struct sp_tunnel tunnel;
  struct outcome outcome = {0, 0};
  sp_tunnel_init(&tunnel);
  while (outcome.done == 0 && outcome.used < text.len) {
    size_t len = text.len - outcome.used < piece ? text.len - outcome.used : piece, used = 0;
    struct sp_err err = {0};
    outcome.done = sp_tunnel_feed(&tunnel, sp_str_of(text.bytes + outcome.used, len), &used, &err);
    SP_CHECK(used <= len && (outcome.done != 0 || used == len));
    SP_CHECK((outcome.done < 0) == (err.text[0] != '\0') && outcome.done <= 1);
    outcome.used += used;
  }
  sp_tunnel_fini(&tunnel);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str text = sp_str_of((const char *)bytes, len);
  struct outcome whole = feed(text, len > 0 ? len : 1), single = feed(text, 1), half = feed(text, len / 2 + 1);
  SP_CHECK((whole.done == 1) == (single.done == 1) && (whole.done == 1) == (half.done == 1));
  SP_CHECK((whole.done == 0) == (single.done == 0) && (whole.done == 0) == (half.done == 0));
  if (whole.done != 1) return 0;
  SP_CHECK(whole.used == single.used && whole.used == half.used);
  SP_CHECK(whole.used >= 4 && memcmp(text.bytes + whole.used - 4, "\r\n\r\n", 4) == 0);
  return 0;
}
