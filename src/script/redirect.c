#include "script/redirect.h"

#include "base/mem.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

static struct sp_str keep(struct sp_buf *buf, struct sp_str text) {
  sp_buf_init(buf, SIZE_MAX); /* what it was read from has its cap */
  sp_buf_append_str(buf, text);
  return sp_buf_str(buf);
}

struct sp_redirect *sp_redirect_create(const struct sp_http_request *request, unsigned max) {
  struct sp_redirect *redirect = sp_alloc(sizeof(*redirect));
  redirect->max = max;
  redirect->request = *request;
  for (size_t i = 0; i < 2; i++) sp_buf_init(&redirect->text[i], SIZE_MAX);
  redirect->request.method = keep(&redirect->method, request->method);
  redirect->request.body = keep(&redirect->body, request->body);
  sp_buf_append_str(&redirect->text[0], request->url);
  sp_buf_append_str(&redirect->text[0], request->headers);
  redirect->request.url = sp_str_of(redirect->text[0].bytes, request->url.len);
  redirect->request.headers = sp_str_of(redirect->text[0].bytes + request->url.len, request->headers.len);
  sp_buf_init(&redirect->location, SP_HTTP1_HEAD_MAX);
  return redirect;
}

void sp_redirect_destroy(struct sp_redirect *redirect) {
  if (!redirect) return;
  for (size_t i = 0; i < 2; i++) sp_buf_fini(&redirect->text[i]);
  sp_buf_fini(&redirect->method);
  sp_buf_fini(&redirect->body);
  sp_buf_fini(&redirect->location);
  free(redirect);
}

bool sp_redirect_note(struct sp_redirect *redirect, const struct sp_http1_head *head) {
  bool known = head->status == 301 || head->status == 302 || head->status == 303 || head->status == 307 ||
               head->status == 308;
  struct sp_str location = known ? sp_http1_find(head, "location") : sp_str_of(NULL, 0);
  if (!location.bytes) return false;
  redirect->status = head->status;
  sp_buf_clear(&redirect->location);
  return sp_buf_append_str(&redirect->location, location) == 0;
}

/* -- the next request -- */

static bool becomes_get(const struct sp_redirect *redirect) {
  struct sp_str method = redirect->request.method;
  if (redirect->status == 303) return !sp_str_eq(method, SP_STR("GET")) && !sp_str_eq(method, SP_STR("HEAD"));
  return (redirect->status == 301 || redirect->status == 302) && sp_str_eq(method, SP_STR("POST"));
}

static bool belongs_to_origin(struct sp_str name) {
  static const char *const names[] = {"Host", "Cookie", "Authorization", "Proxy-Authorization", NULL};
  for (size_t i = 0; names[i]; i++) {
    if (sp_str_ieq(name, sp_str_from(names[i]))) return true;
  }
  return sp_name_is_secret(name, SP_NAME_SENT);
}

static bool belongs_to_body(struct sp_str name) {
  bool content = name.len > 8 && sp_str_ieq(sp_str_of(name.bytes, 8), SP_STR("Content-"));
  return content || sp_str_ieq(name, SP_STR("Transfer-Encoding")) || sp_str_ieq(name, SP_STR("Expect"));
}

static void append_headers(struct sp_str headers, bool elsewhere, bool bodiless, struct sp_buf *out) {
  while (headers.len) {
    struct sp_str line = sp_str_split(&headers, '\n'), rest = line;
    struct sp_str name = sp_str_split(&rest, ':');
    if ((elsewhere && belongs_to_origin(name)) || (bodiless && belongs_to_body(name))) continue;
    sp_buf_append_str(out, line);
    sp_buf_append_char(out, '\n');
  }
}

static int fail_showing(struct sp_err *err, int code, const char *what, struct sp_str url) {
  struct sp_buf shown;
  sp_buf_init(&shown, 2 * SP_URL_MAX);
  sp_url_redact(url, &shown);
  sp_fail(err, code, "%s: %.300s", what, shown.bytes ? shown.bytes : "");
  sp_buf_fini(&shown);
  return code;
}

static int check(const struct sp_redirect *redirect, const struct sp_url *from, const struct sp_url *to,
                 struct sp_str url, struct sp_err *err) {
  char what[64];
  if (from->tls && !to->tls) return fail_showing(err, SP_EPARSE, "a redirect from https to http is not followed", url);
  if (redirect->followed < redirect->max) return 0;
  snprintf(what, sizeof(what), "over %u redirect%s, the last one to", redirect->max, redirect->max == 1 ? "" : "s");
  return fail_showing(err, SP_ELIMIT, what, url);
}

/* The URL's own user goes along within the origin. */
static void append_url(const struct sp_url *to, struct sp_str userinfo, struct sp_buf *out) {
  sp_buf_append_text(out, to->tls ? "https://" : "http://");
  if (userinfo.len) {
    sp_buf_append_str(out, userinfo);
    sp_buf_append_char(out, '@');
  }
  sp_url_append_authority(to, out);
  sp_buf_append_str(out, to->target);
}

static void make_request(struct sp_redirect *redirect, const struct sp_url *from, const struct sp_url *to) {
  struct sp_http_request *request = &redirect->request;
  struct sp_buf *now = &redirect->text[(redirect->followed + 1) % 2];
  bool elsewhere = !sp_url_same_origin(from, to), get = becomes_get(redirect);
  sp_buf_clear(now);
  append_url(to, to->userinfo.len || elsewhere ? to->userinfo : from->userinfo, now);
  size_t url_len = now->len;
  append_headers(request->headers, elsewhere, get, now);
  request->url = sp_str_of(now->bytes, url_len);
  request->headers = sp_str_of(now->bytes + url_len, now->len - url_len);
  if (!get) return;
  request->method = SP_STR("GET");
  request->body = SP_STR("");
  request->has_body = false;
}

static void add_up(struct sp_redirect *redirect, const struct sp_http_result *result) {
  if (redirect->followed == 0) redirect->first_write_ns = result->first_write_ns;
  redirect->bytes_in += result->bytes_in;
  redirect->bytes_out += result->bytes_out;
  redirect->resent |= result->resent;
}

int sp_redirect_go(struct sp_redirect *redirect, const struct sp_http_result *result, struct sp_err *err) {
  struct sp_url from, to;
  struct sp_buf url;
  sp_buf_init(&url, 2 * SP_URL_MAX);
  int code = sp_url_parse(redirect->request.url, &from, err);
  if (code == 0 && (code = sp_url_resolve(redirect->request.url, sp_buf_str(&redirect->location), &url, err)))
    sp_err_context(err, "the redirect's Location");
  if (code == 0) code = sp_url_parse(sp_buf_str(&url), &to, err);
  if (code == 0) code = check(redirect, &from, &to, sp_buf_str(&url), err);
  if (code == 0) {
    make_request(redirect, &from, &to);
    add_up(redirect, result);
    redirect->followed++;
  }
  sp_buf_fini(&url);
  return code;
}
