/* Lines: a URL, then what its answers set. The jar keeps its caps, and what it sends is one line that it took. */
#include "base/check.h"
#include "wire/cookie_jar.h"

#define NOW_S INT64_C(1790000000)

static void check_sent(struct sp_cookie_jar *jar, const struct sp_url *url) {
  struct sp_buf out;
  sp_buf_init(&out, SP_COOKIE_HEADER_MAX);
  SP_CHECK(sp_cookie_jar_append(jar, url, NOW_S, &out) == 0);
  for (size_t i = 0; i < out.len; i++) SP_CHECK((unsigned char)out.bytes[i] >= ' ' || out.bytes[i] == '\t');
  struct sp_str rest = sp_buf_str(&out), value = rest;
  struct sp_str first = sp_str_split(&value, '=');
  if (out.len) SP_CHECK(sp_cookie_jar_get(jar, url, first, NOW_S).bytes != NULL);
  sp_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str rest = sp_str_of((const char *)bytes, len);
  struct sp_cookie_jar jar = {0};
  struct sp_url url;
  struct sp_str first = sp_str_split(&rest, '\n');
  if (sp_url_parse(first, &url, NULL)) return 0;
  while (rest.len) {
    struct sp_str line = sp_str_split(&rest, '\n');
    unsigned count = jar.count;
    bool taken = sp_cookie_jar_take(&jar, &url, line, NOW_S);
    SP_CHECK(jar.count <= SP_COOKIES_MAX && (taken || jar.count == count));
    check_sent(&jar, &url);
  }
  sp_cookie_jar_clear(&jar);
  SP_CHECK(jar.count == 0 && !jar.first);
  return 0;
}
