#include "wire/url.h"

#include "base/secret.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define QUOTE_MAX 96 /* bytes of a faulty URL that a sentence repeats */
#define IPV6_TEXT_MAX 45

/* What a sentence may repeat of a URL: no user name and password, no query, no control bytes, not too long. */
struct quote {
  char text[QUOTE_MAX + 8];
};

static bool is_one_of(char c, const char *set) { /* a NUL never is */
  while (*set && *set != c) set++;
  return *set != '\0';
}

static size_t index_of_any(struct sp_str s, const char *set) {
  size_t i = 0;
  while (i < s.len && !is_one_of(s.bytes[i], set)) i++;
  return i;
}

static struct sp_str prefix(struct sp_str s, size_t len) { return sp_str_of(s.bytes, len); }
static struct sp_str suffix(struct sp_str s, size_t from) {
  return from < s.len ? sp_str_of(s.bytes + from, s.len - from) : sp_str_of(NULL, 0);
}

static size_t last_index_of(struct sp_str s, char c) {
  for (size_t i = s.len; i > 0; i--) {
    if (s.bytes[i - 1] == c) return i - 1;
  }
  return s.len;
}

static bool is_alnum(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

static bool is_space_or_control(char c) { return (unsigned char)c <= ' ' || c == 0x7f; }

/* Length of "scheme" where the text starts with "scheme:", else 0. "localhost:80" looks like one, too. */
static size_t scheme_length(struct sp_str text) {
  size_t i = 0;
  while (i < text.len && (is_alnum(text.bytes[i]) || (i > 0 && is_one_of(text.bytes[i], "+-.")))) i++;
  return i < text.len && text.bytes[i] == ':' ? i : 0;
}

static size_t scheme_with_slashes(struct sp_str text) {
  size_t len = scheme_length(text);
  return len && sp_str_starts(suffix(text, len), SP_STR("://")) ? len : 0;
}

static bool is_web_scheme(struct sp_str scheme) {
  return sp_str_ieq(scheme, SP_STR("http")) || sp_str_ieq(scheme, SP_STR("https"));
}

/* Where a secret may stand: behind the scheme, up to the last '@' wherever it is. A password with '/' or '?' in it
 * makes a faulty URL whose parts can't be told apart, so a sentence rather hides too much. */
static struct sp_str find_secret(struct sp_str text) {
  size_t at = last_index_of(text, '@');
  if (at == text.len) return sp_str_of(NULL, 0);
  size_t scheme = scheme_with_slashes(text);
  return prefix(suffix(text, scheme ? scheme + 3 : 0), at - (scheme ? scheme + 3 : 0));
}

static const char *quote(struct quote *out, struct sp_str text) {
  struct sp_str secret = find_secret(text);
  const char *mark = secret.len ? "***" : "";
  size_t len = 0;
  bool cut = false;
  for (size_t i = 0; i < text.len && !cut; i++) {
    const char *at = text.bytes + i;
    if (secret.len && at == secret.bytes) {
      while (*mark && len < QUOTE_MAX) out->text[len++] = *mark++;
      i += secret.len - 1;
    } else if (len >= QUOTE_MAX || *at == '?') {
      cut = true;
      if (*at == '?') out->text[len++] = '?';
    } else {
      out->text[len++] = (unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at;
    }
  }
  snprintf(out->text + len, sizeof(out->text) - len, "%s", cut ? "…" : "");
  return out->text;
}

static int no_scheme(struct sp_str text, struct sp_err *err) {
  struct quote whole, rest;
  size_t scheme = scheme_length(text);
  if (scheme && is_web_scheme(prefix(text, scheme))) {
    struct sp_str behind = suffix(text, scheme + 1);
    while (behind.len && behind.bytes[0] == '/') behind = suffix(behind, 1);
    return sp_fail(err, SP_EPARSE, "'%s' lacks '//' behind the scheme: write " SP_STR_FMT "://%s", quote(&whole, text),
                   (int)scheme, text.bytes, quote(&rest, behind));
  }
  struct sp_str behind = text;
  while (behind.len && strchr(":/", behind.bytes[0]) && behind.bytes[0]) behind = suffix(behind, 1);
  if (!behind.len) return sp_fail(err, SP_EPARSE, "'%s' is no URL: write http://host:port/path", quote(&whole, text));
  return sp_fail(err, SP_EPARSE, "'%s' has no scheme: write http://%s", quote(&whole, text), quote(&rest, behind));
}

static int check_bytes(struct sp_str text, struct sp_err *err) {
  struct quote q;
  if (text.len == 0) return sp_fail(err, SP_EPARSE, "the URL is empty: write http://host:port/path");
  if (text.len > SP_URL_MAX) {
    return sp_fail(err, SP_ELIMIT, "a URL of %zu bytes is over the limit of %d (SP_URL_MAX)", text.len, SP_URL_MAX);
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] == ' ') {
      return sp_fail(err, SP_EPARSE, "'%s' has a space at column %zu: write %%20", quote(&q, text), i + 1);
    }
    if (is_space_or_control(text.bytes[i])) {
      return sp_fail(err, SP_EPARSE, "'%s' has a control character (0x%02x) at column %zu", quote(&q, text),
                     (unsigned char)text.bytes[i], i + 1);
    }
  }
  return SP_OK;
}

static int parse_scheme(struct sp_str text, struct sp_str *rest, struct sp_url *out, struct sp_err *err) {
  size_t len = scheme_with_slashes(text);
  if (!len) return no_scheme(text, err);
  struct sp_str scheme = prefix(text, len);
  if (!is_web_scheme(scheme)) {
    struct quote q;
    return sp_fail(err, SP_EPARSE, "'%s' has the scheme '" SP_STR_FMT "': only http and https are known",
                   quote(&q, text), scheme.len > 20 ? 20 : (int)scheme.len, scheme.bytes);
  }
  out->tls = scheme.len == 5;
  out->port = out->tls ? 443 : 80;
  *rest = suffix(text, len + 3);
  return SP_OK;
}

static int parse_port(struct sp_str text, struct sp_str digits, struct sp_url *out, struct sp_err *err) {
  if (!digits.len) return SP_OK; /* "host:" is allowed by RFC 3986 and means the default */
  unsigned port = 0;
  for (size_t i = 0; i < digits.len; i++) {
    if (digits.bytes[i] < '0' || digits.bytes[i] > '9' || digits.len > 5) port = 65536;
    if (port <= 65535) port = port * 10 + (unsigned)(digits.bytes[i] - '0');
  }
  if (port == 0 || port > 65535) {
    struct quote q;
    return sp_fail(err, SP_EPARSE, "'%s' has a bad port: a port is a number from 1 to 65535", quote(&q, text));
  }
  out->port = (uint16_t)port;
  out->port_given = true;
  return SP_OK;
}

static int parse_brackets(struct sp_str text, struct sp_str authority, struct sp_url *out, struct sp_err *err) {
  struct quote q;
  size_t close = index_of_any(authority, "]");
  char address[IPV6_TEXT_MAX + 1] = "";
  unsigned char binary[16];
  if (close == authority.len) return sp_fail(err, SP_EPARSE, "'%s' lacks the ']' of an IPv6 address", quote(&q, text));
  out->host = sp_str_of(authority.bytes + 1, close - 1);
  if (out->host.len <= IPV6_TEXT_MAX) memcpy(address, out->host.bytes, out->host.len);
  if (inet_pton(AF_INET6, address, binary) != 1) {
    return sp_fail(err, SP_EPARSE, "'%s' has no IPv6 address in its brackets (as in http://[::1]:8080/)",
                   quote(&q, text));
  }
  out->ipv6 = true;
  struct sp_str behind = suffix(authority, close + 1);
  if (behind.len && behind.bytes[0] != ':') {
    return sp_fail(err, SP_EPARSE, "'%s' has '%c' behind the ']': only ':port' may stand there", quote(&q, text),
                   behind.bytes[0]);
  }
  return parse_port(text, suffix(behind, 1), out, err);
}

static int check_host(struct sp_str text, struct sp_str host, struct sp_err *err) {
  struct quote q;
  if (!host.len) return sp_fail(err, SP_EPARSE, "'%s' has no host", quote(&q, text));
  if (host.len > SP_URL_HOST_MAX) {
    return sp_fail(err, SP_ELIMIT, "the host of '%s' has %zu bytes: the limit is %d (SP_URL_HOST_MAX)", quote(&q, text),
                   host.len, SP_URL_HOST_MAX);
  }
  for (size_t i = 0; i < host.len; i++) {
    char c = host.bytes[i];
    if (is_alnum(c) || c == '-' || c == '.' || c == '_') continue;
    if ((unsigned char)c >= 0x80) {
      return sp_fail(err, SP_EPARSE, "'%s' has a host that is not ASCII: write its punycode form (xn--…)",
                     quote(&q, text));
    }
    return sp_fail(err, SP_EPARSE, "'%s' has '%c' in its host", quote(&q, text), c);
  }
  return SP_OK;
}

static int parse_authority(struct sp_str text, struct sp_str authority, struct sp_url *out, struct sp_err *err) {
  size_t at = last_index_of(authority, '@');
  if (at < authority.len) {
    out->userinfo = prefix(authority, at);
    authority = suffix(authority, at + 1);
  }
  if (authority.len && authority.bytes[0] == '[') return parse_brackets(text, authority, out, err);
  size_t colon = index_of_any(authority, ":");
  if (last_index_of(authority, ':') != colon) {
    struct quote q;
    return sp_fail(err, SP_EPARSE,
                   "'%s' has more than one ':' in its host: an IPv6 address stands in brackets "
                   "(http://[::1]:8080/)",
                   quote(&q, text));
  }
  out->host = prefix(authority, colon);
  int code = check_host(text, out->host, err);
  return code < 0 ? code : parse_port(text, suffix(authority, colon + 1), out, err);
}

static int parse_target(struct sp_str text, struct sp_str rest, struct sp_url *out, struct sp_err *err) {
  struct quote q;
  out->target = prefix(rest, index_of_any(rest, "#"));
  if (!out->target.len) out->target = SP_STR("/");
  if (out->target.bytes[0] == '?') {
    return sp_fail(err, SP_EPARSE, "'%s' has a query but no path: write '/' before the '?'", quote(&q, text));
  }
  if (out->target.bytes[0] == '\\') {
    return sp_fail(err, SP_EPARSE, "'%s' has a backslash behind its host: write '/'", quote(&q, text));
  }
  return SP_OK;
}

int sp_url_parse(struct sp_str text, struct sp_url *out, struct sp_err *err) {
  struct sp_str rest = {NULL, 0};
  *out = (struct sp_url){.tls = false};
  int code = check_bytes(text, err);
  if (code == SP_OK) code = parse_scheme(text, &rest, out, err);
  if (code < 0) return code;
  size_t authority = index_of_any(rest, "/?#\\");
  code = parse_authority(text, prefix(rest, authority), out, err);
  return code < 0 ? code : parse_target(text, suffix(rest, authority), out, err);
}

/* ---- join ---- */

static int append_encoded(struct sp_buf *out, char c) {
  static const char hex[] = "0123456789ABCDEF";
  char text[3] = {'%', hex[((unsigned char)c >> 4) & 15], hex[(unsigned char)c & 15]};
  return sp_buf_append(out, text, sizeof(text));
}

/* Raw UTF-8 is what people write and no request line may hold. */
static int append_ascii(struct sp_buf *out, struct sp_str s) {
  int code = SP_OK;
  for (size_t i = 0, from = 0; s.len && i <= s.len && code == SP_OK; i++) {
    if (i < s.len && (unsigned char)s.bytes[i] < 0x80) continue;
    code = sp_buf_append(out, s.bytes + from, i - from);
    if (code == SP_OK && i < s.len) code = append_encoded(out, s.bytes[i]);
    from = i + 1;
  }
  return code;
}

/* How much of the base's target goes before `path`: 0 replaces it all. */
static struct sp_str base_part(struct sp_str target, struct sp_str path) {
  if (!path.len) return target;
  struct sp_str base_path = prefix(target, index_of_any(target, "?"));
  if (path.bytes[0] == '?') return base_path;
  size_t slash = last_index_of(base_path, '/');
  if (path.bytes[0] != '/') return prefix(base_path, slash + 1);
  return base_path.bytes[base_path.len - 1] == '/' ? prefix(base_path, base_path.len - 1) : base_path;
}

static int join_parts(struct sp_str base, const struct sp_url *url, struct sp_str path, struct sp_buf *out) {
  size_t scheme = url->tls ? sizeof("https://") - 1 : sizeof("http://") - 1;
  struct sp_str rest = suffix(base, scheme);
  struct sp_str origin = prefix(base, scheme + index_of_any(rest, "/?#"));
  int code = sp_buf_append_str(out, origin);
  if (code == SP_OK) code = append_ascii(out, base_part(url->target, path));
  return code < 0 ? code : append_ascii(out, path);
}

static bool is_absolute(struct sp_str path) {
  size_t scheme = scheme_length(path);
  return scheme && (is_web_scheme(prefix(path, scheme)) || scheme_with_slashes(path));
}

static int join_checked(struct sp_str base, struct sp_str path, struct sp_buf *out, struct sp_err *err) {
  struct sp_url url;
  bool absolute = is_absolute(path);
  if (absolute) base = path;
  if (path.len && !absolute) {
    int code = check_bytes(path, err);
    if (code < 0) return code;
  }
  int code = sp_url_parse(base, &url, err);
  if (code < 0) return code;
  struct sp_str tail = absolute ? sp_str_of(NULL, 0) : prefix(path, index_of_any(path, "#"));
  size_t start = out->len;
  if (join_parts(base, &url, tail, out) < 0 || out->len - start > SP_URL_MAX) {
    return sp_fail(err, SP_ELIMIT, "the URL is longer than %d bytes (SP_URL_MAX)", SP_URL_MAX);
  }
  return SP_OK;
}

static void truncate_buf(struct sp_buf *buf, size_t len) {
  buf->len = len;
  if (buf->bytes) buf->bytes[len] = '\0';
}

int sp_url_join(struct sp_str base, struct sp_str path, struct sp_buf *out, struct sp_err *err) {
  size_t start = out->len;
  int code = join_checked(base, path, out, err);
  if (code < 0) truncate_buf(out, start);
  return code;
}

/* ---- resolve ---- */

/* What a browser mends in a Location header. */
static int append_mended(struct sp_buf *out, struct sp_str s) {
  int code = SP_OK;
  for (size_t i = 0; i < s.len && code == SP_OK; i++) {
    bool raw = (unsigned char)s.bytes[i] < 0x80 && s.bytes[i] != ' ';
    code = raw ? sp_buf_append_char(out, s.bytes[i]) : append_encoded(out, s.bytes[i]);
  }
  return code;
}

/* The reference with all that it leaves to its base, not yet tidied up. */
static int append_whole(struct sp_str reference, const struct sp_url *base, struct sp_buf *out) {
  if (scheme_length(reference)) return append_mended(out, reference);
  int code = sp_buf_append_text(out, base->tls ? "https:" : "http:");
  if (sp_str_starts(reference, SP_STR("//"))) return code ? code : append_mended(out, reference);
  if (code == SP_OK) code = sp_buf_append_text(out, "//");
  if (code == SP_OK) code = sp_url_append_authority(base, out);
  bool root = reference.len && reference.bytes[0] == '/';
  if (code == SP_OK && !root) code = append_ascii(out, base_part(base->target, reference));
  return code ? code : append_mended(out, reference);
}

/* RFC 3986 §5.2.4, in place: gives the new length. */
static size_t remove_dot_segments(char *path, size_t len) {
  size_t kept = 0;
  for (size_t at = 0; at < len;) { /* path[at] is a '/' */
    size_t end = at + 1;
    while (end < len && path[end] != '/') end++;
    struct sp_str segment = sp_str_of(path + at + 1, end - at - 1);
    bool up = sp_str_eq(segment, SP_STR("..")), dot = up || sp_str_eq(segment, SP_STR("."));
    while (up && kept > 0 && path[--kept] != '/') continue;
    if (dot && end == len) path[kept++] = '/';
    if (!dot) {
      memmove(path + kept, path + at, end - at);
      kept += end - at;
    }
    at = end;
  }
  return kept;
}

static int append_tidy(struct sp_str whole, struct sp_buf *out) {
  size_t scheme = scheme_with_slashes(whole);
  size_t authority = scheme ? scheme + 3 + index_of_any(suffix(whole, scheme + 3), "/?") : whole.len;
  int code = sp_buf_append_str(out, prefix(whole, authority));
  struct sp_str target = suffix(whole, authority);
  struct sp_str path = prefix(target, index_of_any(target, "?"));
  size_t start = out->len;
  if (code == SP_OK) code = path.len ? sp_buf_append_str(out, path) : sp_buf_append_char(out, '/');
  if (code < 0) return code;
  out->len = start + remove_dot_segments(out->bytes + start, out->len - start);
  return sp_buf_append_str(out, suffix(target, path.len));
}

int sp_url_resolve(struct sp_str base_text, struct sp_str reference, struct sp_buf *out, struct sp_err *err) {
  struct sp_url base, url;
  size_t start = out->len;
  struct sp_buf whole;
  reference = sp_str_trim(reference);
  reference = prefix(reference, index_of_any(reference, "#"));
  int code = sp_url_parse(base_text, &base, err);
  if (code < 0) return code;
  sp_buf_init(&whole, 2 * SP_URL_MAX);
  code = append_whole(reference, &base, &whole);
  if (code == SP_OK) code = append_tidy(sp_buf_str(&whole), out);
  sp_buf_fini(&whole);
  if (code < 0) sp_fail(err, code, "the URL is longer than %d bytes (SP_URL_MAX)", SP_URL_MAX);
  else code = sp_url_parse(sp_str_of(out->bytes + start, out->len - start), &url, err);
  if (code < 0) truncate_buf(out, start);
  return code;
}

bool sp_url_same_origin(const struct sp_url *a, const struct sp_url *b) {
  return a->tls == b->tls && a->port == b->port && sp_str_ieq(a->host, b->host);
}

/* ---- redact, authority, encode ---- */

static int redact_member(struct sp_str member, struct sp_buf *out) {
  size_t equals = index_of_any(member, "=");
  if (equals == member.len || !sp_name_is_secret(prefix(member, equals), SP_NAME_SHOWN)) return sp_buf_append_str(out, member);
  int code = sp_buf_append_str(out, prefix(member, equals + 1));
  return code < 0 ? code : sp_buf_append_text(out, "***");
}

static int redact_target(struct sp_str target, struct sp_buf *out) {
  size_t question = index_of_any(target, "?");
  int code = sp_buf_append_str(out, prefix(target, question));
  for (struct sp_str rest = suffix(target, question); rest.len && code == SP_OK;) {
    code = sp_buf_append_char(out, rest.bytes[0]);
    rest = suffix(rest, 1);
    size_t end = index_of_any(rest, "&;");
    if (code == SP_OK) code = redact_member(prefix(rest, end), out);
    rest = suffix(rest, end);
  }
  return code;
}

int sp_url_redact(struct sp_str text, struct sp_buf *out) {
  struct sp_url url;
  size_t start = out->len;
  if (sp_url_parse(text, &url, NULL) < 0) return sp_buf_append_text(out, "(no URL)");
  int code = sp_buf_append_text(out, url.tls ? "https://" : "http://");
  if (code == SP_OK) code = sp_url_append_authority(&url, out);
  if (code == SP_OK) code = redact_target(url.target, out);
  if (code < 0) truncate_buf(out, start);
  return code;
}

int sp_url_append_authority(const struct sp_url *url, struct sp_buf *out) {
  bool is_default = url->port == (url->tls ? 443 : 80);
  char port[8] = "";
  if (!is_default) snprintf(port, sizeof(port), ":%u", (unsigned)url->port);
  size_t start = out->len;
  int code = url->ipv6 ? sp_buf_append_char(out, '[') : SP_OK;
  if (code == SP_OK) code = sp_buf_append_str(out, url->host);
  if (code == SP_OK && url->ipv6) code = sp_buf_append_char(out, ']');
  if (code == SP_OK) code = sp_buf_append_text(out, port);
  if (code < 0) truncate_buf(out, start);
  return code;
}

bool sp_url_is_loopback(const struct sp_url *url) {
  if (url->ipv6) return sp_str_eq(url->host, SP_STR("::1"));
  return sp_str_ieq(url->host, SP_STR("localhost")) || sp_str_starts(url->host, SP_STR("127."));
}

int sp_url_encode(struct sp_str raw, struct sp_buf *out) {
  size_t start = out->len;
  int code = SP_OK;
  for (size_t i = 0; i < raw.len && code == SP_OK; i++) {
    char c = raw.bytes[i];
    bool plain = is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
    code = plain ? sp_buf_append_char(out, c) : append_encoded(out, c);
  }
  if (code < 0) truncate_buf(out, start);
  return code;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int sp_url_decode(struct sp_str text, struct sp_buf *out) {
  size_t start = out->len;
  int code = SP_OK;
  for (size_t i = 0; i < text.len && code == SP_OK; i++) {
    int high = text.bytes[i] == '%' && i + 2 < text.len ? hex_digit(text.bytes[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text.bytes[i + 2]) : -1;
    code = sp_buf_append_char(out, low >= 0 ? (char)(high * 16 + low) : text.bytes[i]);
    if (low >= 0) i += 2;
  }
  if (code < 0) truncate_buf(out, start);
  return code;
}
