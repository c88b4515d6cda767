#include "script/cookies.h"

#include "base/clock.h"

int64_t sp_cookies_now_s(void) { return sp_clock_real_ns() / SP_NS_PER_S; }

void sp_cookies_take(struct sp_cookie_jar *jar, struct sp_str url_text, const struct sp_http1_head *head) {
  struct sp_url url;
  bool parsed = false;
  for (size_t i = 0; i < head->header_count; i++) {
    if (!sp_str_ieq(head->headers[i].name, SP_STR("set-cookie"))) continue;
    if (!parsed && sp_url_parse(url_text, &url, NULL)) return;
    parsed = true;
    sp_cookie_jar_take(jar, &url, head->headers[i].value, sp_cookies_now_s());
  }
}

static bool has_own(struct sp_str headers) {
  while (headers.len) {
    struct sp_str line = sp_str_split(&headers, '\n');
    if (sp_str_ieq(sp_str_split(&line, ':'), SP_STR("cookie"))) return true;
  }
  return false;
}

bool sp_cookies_add(struct sp_cookie_jar *jar, struct sp_str url_text, struct sp_str headers, struct sp_buf *out) {
  struct sp_url url;
  if (has_own(headers) || sp_url_parse(url_text, &url, NULL)) return false;
  int failed = sp_buf_append_str(out, headers) || sp_buf_append_text(out, "Cookie: ");
  size_t start = out->len;
  failed = failed || sp_cookie_jar_append(jar, &url, sp_cookies_now_s(), out);
  return !failed && out->len > start && sp_buf_append(out, "\r\n", 2) == 0;
}
