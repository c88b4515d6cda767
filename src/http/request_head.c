#include "http/request_head.h"

#include "base/base64.h"

#include <stdlib.h>

enum { /* headers that the caller gave itself */
  HAS_HOST = 1,
  HAS_USER_AGENT = 2,
  HAS_ACCEPT = 4,
  HAS_CONTENT_LENGTH = 8,
  HAS_TRANSFER_ENCODING = 16,
  HAS_ACCEPT_ENCODING = 32,
  HAS_CONNECTION = 64,
  HAS_AUTHORIZATION = 128,
};

static const struct {
  struct sp_str name;
  unsigned flag;
} known[] = {
    {{"Host", 4}, HAS_HOST},
    {{"User-Agent", 10}, HAS_USER_AGENT},
    {{"Accept", 6}, HAS_ACCEPT},
    {{"Content-Length", 14}, HAS_CONTENT_LENGTH},
    {{"Transfer-Encoding", 17}, HAS_TRANSFER_ENCODING},
    {{"Accept-Encoding", 15}, HAS_ACCEPT_ENCODING},
    {{"Connection", 10}, HAS_CONNECTION},
    {{"Authorization", 13}, HAS_AUTHORIZATION},
};

struct given {
  unsigned has; /* HAS_… */
  bool closes;
};

/* RFC 9110 §5.6.2: letters, digits and !#$%&'*+-.^_`|~, a bit each. */
static bool is_token_char(char c) {
  static const uint32_t allowed[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
  unsigned char u = (unsigned char)c;
  return u < 128 && (allowed[u / 32] >> (u % 32) & 1) != 0;
}

static bool is_token(struct sp_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!is_token_char(s.bytes[i])) return false;
  return s.len > 0;
}

static bool has_line_break(struct sp_str s) {
  if (s.len == 0) return false;
  return memchr(s.bytes, '\r', s.len) || memchr(s.bytes, '\n', s.len) || memchr(s.bytes, '\0', s.len);
}

static unsigned flag_of(struct sp_str name) {
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (sp_str_ieq(name, known[i].name)) return known[i].flag;
  return 0;
}

static bool lists_close(struct sp_str value) {
  while (value.len > 0)
    if (sp_str_ieq(sp_str_trim(sp_str_split(&value, ',')), SP_STR("close"))) return true;
  return false;
}

static int check_length(struct sp_str value, size_t body_len, struct sp_err *err) {
  value = sp_str_trim(value);
  size_t n = 0;
  bool fits = value.len > 0 && value.len < 12;
  for (size_t i = 0; fits && i < value.len; i++) {
    fits = value.bytes[i] >= '0' && value.bytes[i] <= '9';
    n = n * 10 + (size_t)(value.bytes[i] - '0');
  }
  if (fits && n == body_len) return 0;
  return sp_fail(err, SP_EPARSE, "the request's own Content-Length is not its body's (%zu bytes)", body_len);
}

static int check_line(struct sp_str line, size_t number, size_t body_len, struct given *given, struct sp_err *err) {
  const char *colon = line.len > 0 ? memchr(line.bytes, ':', line.len) : NULL;
  if (!colon) return sp_fail(err, SP_EPARSE, "request header %zu has no colon", number);
  struct sp_str name = sp_str_of(line.bytes, (size_t)(colon - line.bytes));
  struct sp_str value = sp_str_of(colon + 1, line.len - name.len - 1);
  if (!is_token(name))
    return sp_fail(err, SP_EPARSE, "request header %zu has a name with characters that HTTP does not allow", number);
  if (has_line_break(value))
    return sp_fail(err, SP_EPARSE, "request header '" SP_STR_FMT "' has a line break or NUL inside", SP_STR_ARG(name));
  unsigned flag = flag_of(name);
  given->has |= flag;
  if (flag == HAS_CONNECTION && lists_close(value)) given->closes = true;
  if (flag == HAS_CONTENT_LENGTH) return check_length(value, body_len, err);
  return 0;
}

static int check_headers(const struct sp_http_request *request, struct given *given, struct sp_err *err) {
  struct sp_str rest = request->headers;
  for (size_t number = 1; rest.len > 0; number++) {
    const char *end = memmem(rest.bytes, rest.len, "\r\n", 2);
    struct sp_str line = sp_str_of(rest.bytes, end ? (size_t)(end - rest.bytes) : rest.len);
    int failed = check_line(line, number, request->body.len, given, err);
    if (failed) return failed;
    size_t used = line.len + (end ? 2 : 0);
    rest = sp_str_of(rest.bytes + used, rest.len - used);
  }
  return 0;
}

static int check_start_line(const struct sp_http_request *request, const struct sp_url *url, struct sp_err *err) {
  if (!is_token(request->method) || request->method.len > SP_HTTP_METHOD_MAX)
    return sp_fail(err, SP_EPARSE, "the request's method is not one that HTTP allows");
  for (size_t i = 0; i < url->target.len; i++) {
    unsigned char c = (unsigned char)url->target.bytes[i];
    if (c <= ' ' || c == 0x7f)
      return sp_fail(err, SP_EPARSE, "the URL has a space or control character inside (encode it as %%%02X)", c);
  }
  return 0;
}

/* RFC 7617. */
int sp_http_append_basic(const char *name, struct sp_str userinfo, struct sp_buf *out) {
  struct sp_buf plain;
  sp_buf_init(&plain, SP_URL_MAX);
  int failed = sp_url_decode(userinfo, &plain);
  if (!failed && !memchr(userinfo.bytes, ':', userinfo.len)) failed |= sp_buf_append_char(&plain, ':');
  failed |= sp_buf_printf(out, "%s: Basic ", name);
  failed |= sp_base64_append(sp_buf_str(&plain), out);
  failed |= sp_buf_append_text(out, "\r\n");
  sp_buf_fini(&plain);
  return failed;
}

/* RFC 9110 §8.6: these methods say how long their body is even when there is none. */
static bool expects_body(struct sp_str method) {
  return sp_str_eq(method, SP_STR("POST")) || sp_str_eq(method, SP_STR("PUT")) || sp_str_eq(method, SP_STR("PATCH"));
}

static int append_framing(const struct sp_http_request *request, unsigned has, struct sp_buf *out) {
  if (has & (HAS_CONTENT_LENGTH | HAS_TRANSFER_ENCODING)) return 0;
  if (!request->has_body && request->body.len == 0 && !expects_body(request->method)) return 0;
  return sp_buf_printf(out, "Content-Length: %zu\r\n", request->body.len);
}

static int append_absent(const struct sp_http_request *request, const struct sp_url *url, struct given *given,
                         struct sp_buf *out) {
  int failed = append_framing(request, given->has, out);
  if (!(given->has & HAS_USER_AGENT)) failed |= sp_buf_append_text(out, "User-Agent: spate/" SP_VERSION "\r\n");
  if (!(given->has & HAS_ACCEPT)) failed |= sp_buf_append_text(out, "Accept: */*\r\n");
  if (!(given->has & HAS_ACCEPT_ENCODING) && request->gzip)
    failed |= sp_buf_append_text(out, "Accept-Encoding: gzip\r\n");
  if (!(given->has & HAS_AUTHORIZATION) && url->userinfo.len > 0) failed |= sp_http_append_basic("Authorization", url->userinfo, out);
  if (!(given->has & HAS_CONNECTION) && request->connection == SP_HTTP_CONNECTION_REQUEST) {
    failed |= sp_buf_append_text(out, "Connection: close\r\n");
    given->closes = true;
  }
  return failed;
}

static int append_start(const struct sp_http_request *request, const struct sp_url *url, const struct sp_proxy *proxy,
                        unsigned has, struct sp_buf *out) {
  int failed = sp_buf_append_str(out, request->method);
  failed |= sp_buf_append_char(out, ' ');
  if (proxy) failed |= sp_buf_append_text(out, "http://");
  if (proxy) failed |= sp_url_append_authority(url, out);
  failed |= sp_buf_append_str(out, url->target);
  failed |= sp_buf_append_text(out, " HTTP/1.1\r\n");
  if (proxy && proxy->authorization) failed |= sp_buf_append_text(out, proxy->authorization);
  if (has & HAS_HOST) return failed;
  failed |= sp_buf_append_text(out, "Host: ");
  failed |= sp_url_append_authority(url, out);
  return failed | sp_buf_append_text(out, "\r\n");
}

static int append_given(struct sp_str headers, struct sp_buf *out) {
  int failed = sp_buf_append_str(out, headers);
  if (headers.len > 0 && headers.bytes[headers.len - 1] != '\n') failed |= sp_buf_append_text(out, "\r\n");
  return failed;
}

int sp_http_request_build(const struct sp_http_request *request, const struct sp_url *url, const struct sp_proxy *proxy,
                          struct sp_buf *out, bool *closes, struct sp_err *err) {
  int failed = check_start_line(request, url, err);
  if (failed) return failed;
  struct given given = {0};
  failed = check_headers(request, &given, err);
  if (failed) return failed;
  failed |= sp_buf_reserve(out, request->headers.len + url->target.len + 256);
  failed |= append_start(request, url, proxy, given.has, out);
  failed |= append_given(request->headers, out);
  failed |= append_absent(request, url, &given, out);
  failed |= sp_buf_append_text(out, "\r\n");
  if (failed || request->body.len > SP_HTTP_REQUEST_MAX - out->len)
    return sp_fail(err, SP_ELIMIT, "the request is over %u MiB", SP_HTTP_REQUEST_MAX >> 20);
  *closes = given.closes;
  return 0;
}
