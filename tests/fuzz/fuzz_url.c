/* URLs: "base", or "base path" for a join and a reference. What is taken can be put together again; no secret comes out of redact. */
#include "base/check.h"
#include "wire/url.h"

#define TEXT_MAX (1u << 20)

static void check_rebuilt(const struct sp_url *url) {
  struct sp_buf text;
  struct sp_url again;
  sp_buf_init(&text, TEXT_MAX);
  sp_buf_append_text(&text, url->tls ? "https://" : "http://");
  SP_CHECK(sp_url_append_authority(url, &text) == SP_OK);
  sp_buf_append_str(&text, url->target);
  SP_CHECK(sp_url_parse(sp_buf_str(&text), &again, NULL) == SP_OK);
  SP_CHECK(again.tls == url->tls && again.ipv6 == url->ipv6 && again.port == url->port);
  SP_CHECK(sp_str_eq(again.host, url->host) && sp_str_eq(again.target, url->target));
  sp_buf_fini(&text);
}

static void check_redacted(struct sp_str text, bool taken) {
  struct sp_buf once, twice;
  sp_buf_init(&once, TEXT_MAX);
  sp_buf_init(&twice, TEXT_MAX);
  SP_CHECK(sp_url_redact(text, &once) == SP_OK);
  SP_CHECK(taken || sp_str_eq(sp_buf_str(&once), SP_STR("(no URL)")));
  struct sp_url url;
  if (sp_url_parse(sp_buf_str(&once), &url, NULL) == SP_OK) { /* "***" can make it longer than a URL may be */
    SP_CHECK(url.userinfo.len == 0);
    SP_CHECK(sp_url_redact(sp_buf_str(&once), &twice) == SP_OK);
    SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  }
  sp_buf_fini(&twice);
  sp_buf_fini(&once);
}

static void check_parse(struct sp_str text) {
  struct sp_err err = {0};
  struct sp_url url;
  int code = sp_url_parse(text, &url, &err);
  check_redacted(text, code == SP_OK);
  if (code < 0) {
    SP_CHECK(err.text[0]);
    return;
  }
  SP_CHECK(url.port && url.host.len && url.host.len <= SP_URL_HOST_MAX);
  SP_CHECK(url.target.len && url.target.bytes[0] == '/');
  for (size_t i = 0; i < url.target.len; i++) SP_CHECK((unsigned char)url.target.bytes[i] > ' ');
  check_rebuilt(&url);
}

static void check_join(struct sp_str base, struct sp_str path) {
  struct sp_buf out;
  struct sp_url url;
  sp_buf_init(&out, TEXT_MAX);
  sp_buf_append_char(&out, '<');
  if (sp_url_join(base, path, &out, NULL) == SP_OK) {
    struct sp_str joined = sp_str_of(out.bytes + 1, out.len - 1);
    SP_CHECK(sp_url_parse(joined, &url, NULL) == SP_OK);
    for (size_t i = 0; i < url.target.len; i++) SP_CHECK((unsigned char)url.target.bytes[i] < 0x7f);
  } else {
    SP_CHECK(out.len == 1 && strcmp(out.bytes, "<") == 0);
  }
  sp_buf_fini(&out);
}

static void check_resolve(struct sp_str base, struct sp_str reference) {
  struct sp_buf once, twice;
  struct sp_url url;
  sp_buf_init(&once, TEXT_MAX);
  sp_buf_init(&twice, TEXT_MAX);
  if (sp_url_resolve(base, reference, &once, NULL) == SP_OK) { /* what is resolved stays as it is */
    SP_CHECK(sp_url_parse(sp_buf_str(&once), &url, NULL) == SP_OK);
    SP_CHECK(sp_url_resolve(base, sp_buf_str(&once), &twice, NULL) == SP_OK);
    SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  }
  sp_buf_fini(&twice);
  sp_buf_fini(&once);
}

static void check_encode(struct sp_str raw) {
  struct sp_buf out;
  sp_buf_init(&out, 4 * TEXT_MAX);
  SP_CHECK(sp_url_encode(raw, &out) == SP_OK);
  for (size_t i = 0; i < out.len; i++) SP_CHECK(out.bytes[i] > ' ' && !strchr("/?&=+#\"<>", out.bytes[i]));
  sp_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str rest = sp_str_of((const char *)bytes, len);
  if (len > TEXT_MAX / 4) return 0;
  check_parse(rest);
  check_encode(rest);
  struct sp_str base = sp_str_split(&rest, ' ');
  check_parse(base);
  check_join(base, rest);
  check_resolve(base, rest);
  return 0;
}
