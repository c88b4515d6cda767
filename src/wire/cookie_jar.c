#include "wire/cookie_jar.h"

#include "base/mem.h"

#include <stdlib.h>

struct sp_cookie {
  struct sp_cookie *next;
  int64_t ends_s; /* INT64_MAX: with the jar */
  uint32_t made;
  bool host_only, secure;
  struct sp_str name, value, domain, path; /* of `bytes`; the domain in small letters */
  char bytes[];
};

/* -- RFC 6265 §5.1 -- */

static bool is_address(const struct sp_url *url) {
  size_t i = 0;
  while (i < url->host.len && (url->host.bytes[i] == '.' || (url->host.bytes[i] >= '0' && url->host.bytes[i] <= '9')))
    i++;
  return url->ipv6 || i == url->host.len;
}

/* Is the host the domain, or of it? */
static bool domain_matches(const struct sp_url *url, struct sp_str domain) {
  struct sp_str host = url->host;
  if (sp_str_ieq(host, domain)) return true;
  if (host.len <= domain.len || is_address(url)) return false;
  size_t before = host.len - domain.len;
  return host.bytes[before - 1] == '.' && sp_str_ieq(sp_str_of(host.bytes + before, domain.len), domain);
}

static struct sp_str path_of(const struct sp_url *url) {
  struct sp_str target = url->target;
  return sp_str_split(&target, '?');
}

static struct sp_str default_path(const struct sp_url *url) {
  struct sp_str path = path_of(url);
  while (path.len > 1 && path.bytes[path.len - 1] != '/') path.len--;
  if (path.len > 1) path.len--;
  return path;
}

static bool path_matches(struct sp_str path, struct sp_str of) {
  if (!sp_str_starts(path, of)) return false;
  return path.len == of.len || of.bytes[of.len - 1] == '/' || path.bytes[of.len] == '/';
}

/* -- the list -- */

static void remove_at(struct sp_cookie_jar *jar, struct sp_cookie **place) {
  struct sp_cookie *cookie = *place;
  *place = cookie->next;
  jar->count--;
  free(cookie);
}

void sp_cookie_jar_clear(struct sp_cookie_jar *jar) {
  while (jar->first) remove_at(jar, &jar->first);
}

static void forget_ended(struct sp_cookie_jar *jar, int64_t now_s) {
  for (struct sp_cookie **place = &jar->first; *place;) {
    if ((*place)->ends_s <= now_s) remove_at(jar, place);
    else place = &(*place)->next;
  }
}

static void forget_oldest(struct sp_cookie_jar *jar) {
  struct sp_cookie **oldest = &jar->first;
  for (struct sp_cookie **place = &jar->first; *place; place = &(*place)->next) {
    if ((*place)->made < (*oldest)->made) oldest = place;
  }
  remove_at(jar, oldest);
}

static struct sp_cookie **find_same(struct sp_cookie_jar *jar, const struct sp_cookie *cookie) {
  struct sp_cookie **place = &jar->first;
  while (*place && !(sp_str_eq((*place)->name, cookie->name) && sp_str_eq((*place)->domain, cookie->domain) &&
                     sp_str_eq((*place)->path, cookie->path)))
    place = &(*place)->next;
  return place;
}

static void insert(struct sp_cookie_jar *jar, struct sp_cookie *cookie) {
  struct sp_cookie **place = &jar->first;
  while (*place && ((*place)->path.len > cookie->path.len ||
                    ((*place)->path.len == cookie->path.len && (*place)->made < cookie->made)))
    place = &(*place)->next;
  cookie->next = *place;
  *place = cookie;
  jar->count++;
}

/* -- taking -- */

static struct sp_str keep(char **at, struct sp_str s) {
  if (s.len) memcpy(*at, s.bytes, s.len);
  struct sp_str kept = sp_str_of(*at, s.len);
  *at += s.len;
  return kept;
}

static struct sp_cookie *create(const struct sp_set_cookie *from, struct sp_str domain, struct sp_str path) {
  struct sp_cookie *cookie = sp_alloc(sizeof(*cookie) + from->name.len + from->value.len + domain.len + path.len);
  char *at = cookie->bytes;
  for (size_t i = 0; i < domain.len; i++) {
    char c = domain.bytes[i];
    at[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  cookie->domain = sp_str_of(at, domain.len);
  at += domain.len;
  cookie->name = keep(&at, from->name);
  cookie->value = keep(&at, from->value);
  cookie->path = keep(&at, path);
  cookie->secure = from->secure;
  return cookie;
}

/* Max-Age wins over Expires. */
static int64_t end_of(const struct sp_set_cookie *cookie, int64_t now_s) {
  if (cookie->has_max_age) return cookie->max_age_s <= 0 ? INT64_MIN : now_s + cookie->max_age_s;
  return cookie->has_expires ? cookie->expires_s : INT64_MAX;
}

static bool has_dot_inside(struct sp_str domain) {
  return domain.len > 2 && memchr(domain.bytes + 1, '.', domain.len - 2) != NULL;
}

bool sp_cookie_jar_put(struct sp_cookie_jar *jar, const struct sp_url *url, const struct sp_set_cookie *from,
                       int64_t now_s) {
  bool host_only = !from->domain.len || (!has_dot_inside(from->domain) && sp_str_ieq(from->domain, url->host));
  if (!host_only && (!has_dot_inside(from->domain) || !domain_matches(url, from->domain))) return false;
  struct sp_str path = from->path.len ? from->path : default_path(url);
  if (path.len > SP_COOKIE_ATTRIBUTE_MAX) return false;
  struct sp_cookie *cookie = create(from, host_only ? url->host : from->domain, path);
  cookie->host_only = host_only;
  cookie->ends_s = end_of(from, now_s);
  cookie->made = jar->made++;
  struct sp_cookie **same = find_same(jar, cookie);
  if (*same) { /* it keeps its age */
    cookie->made = (*same)->made;
    remove_at(jar, same);
  }
  if (cookie->ends_s <= now_s) {
    free(cookie);
    return true;
  }
  if (jar->count >= SP_COOKIES_MAX) forget_ended(jar, now_s);
  if (jar->count >= SP_COOKIES_MAX) forget_oldest(jar);
  insert(jar, cookie);
  return true;
}

bool sp_cookie_jar_take(struct sp_cookie_jar *jar, const struct sp_url *url, struct sp_str set_cookie, int64_t now_s) {
  struct sp_set_cookie cookie;
  return sp_set_cookie_parse(set_cookie, &cookie) && sp_cookie_jar_put(jar, url, &cookie, now_s);
}

/* -- giving -- */

static bool is_for(const struct sp_cookie *cookie, const struct sp_url *url, struct sp_str path, int64_t now_s) {
  if (cookie->ends_s <= now_s || (cookie->secure && !url->tls)) return false;
  if (cookie->host_only ? !sp_str_ieq(cookie->domain, url->host) : !domain_matches(url, cookie->domain)) return false;
  return path_matches(path, cookie->path);
}

static int append_cookie(const struct sp_cookie *cookie, bool first, struct sp_buf *out) {
  int code = first ? 0 : sp_buf_append(out, "; ", 2);
  if (code == 0) code = sp_buf_append_str(out, cookie->name);
  if (code == 0) code = sp_buf_append_char(out, '=');
  return code ? code : sp_buf_append_str(out, cookie->value);
}

int sp_cookie_jar_append(struct sp_cookie_jar *jar, const struct sp_url *url, int64_t now_s, struct sp_buf *out) {
  struct sp_str path = path_of(url);
  size_t start = out->len;
  int code = 0;
  forget_ended(jar, now_s);
  for (const struct sp_cookie *cookie = jar->first; cookie && code == 0; cookie = cookie->next) {
    if (!is_for(cookie, url, path, now_s)) continue;
    if (out->len - start + cookie->name.len + cookie->value.len + 3 > SP_COOKIE_HEADER_MAX) continue;
    code = append_cookie(cookie, out->len == start, out);
  }
  return code;
}

struct sp_str sp_cookie_jar_get(const struct sp_cookie_jar *jar, const struct sp_url *url, struct sp_str name,
                                int64_t now_s) {
  struct sp_str path = path_of(url);
  for (const struct sp_cookie *cookie = jar->first; cookie; cookie = cookie->next) {
    if (sp_str_eq(cookie->name, name) && is_for(cookie, url, path, now_s)) return cookie->value;
  }
  return sp_str_of(NULL, 0);
}
