#include "cli/import_curl.h"

#include "cli/import_form.h"
#include "cli/import_shell.h"
#include "script/redirect.h"
#include "wire/url.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 40 /* characters of an option that a sentence repeats */

struct reader {
  struct sp_import *import;
  struct sp_import_request *request;
  const char *const *words;
  size_t count, at;
  const char *url, *method;
  struct sp_buf data, query;
  const char *user; /* -u */
  bool has_data, json, get, head;
  bool location;
  int max_redirs;          /* -1: not said */
  bool no_type, no_accept; /* -H 'Content-Type:' takes curl's own away */
  struct sp_err *err;
};

static struct sp_str text_of(const char *text) { return sp_str_from(text); }

/* ---- data ---- */

static int fail_file(struct reader *r, const char *name) {
  return sp_fail(r->err, SP_EUSAGE,
                 "curl's --%s @FILE cannot be imported: put the file's text into the command, or read it "
                 "in the plan with spate.feed",
                 name);
}

static int add_data(struct reader *r, struct sp_str data, bool separate) {
  int code = separate && r->data.len ? sp_buf_append_char(&r->data, '&') : 0;
  if (code == 0) code = sp_buf_append_str(&r->data, data);
  r->has_data = true;
  return code ? sp_fail(r->err, SP_ELIMIT, "the data is over %u bytes", SP_CURL_DATA_MAX) : 0;
}

/* curl's manual: "content", "=content", "name=content"; with @ it is a file. A space becomes +. */
static int encode_pair(struct reader *r, const char *value, struct sp_buf *out) {
  const char *mark = strchr(value, '=');
  if (!mark) mark = strchr(value, '@');
  if (mark && *mark == '@') return fail_file(r, "data-urlencode");
  int code = mark && mark > value ? sp_buf_append(out, value, (size_t)(mark - value + 1)) : 0;
  size_t from = out->len, to = from;
  if (code == 0) code = sp_url_encode(text_of(mark ? mark + 1 : value), out);
  if (code) return sp_fail(r->err, SP_ELIMIT, "the data is over %u bytes", SP_CURL_DATA_MAX);
  while (from < out->len) {
    bool space = out->len - from >= 3 && memcmp(out->bytes + from, "%20", 3) == 0;
    out->bytes[to++] = space ? '+' : out->bytes[from];
    from += space ? 3 : 1;
  }
  out->len = to;
  return 0;
}

static int take_urlencode(struct reader *r, const char *value) {
  struct sp_buf pair;
  sp_buf_init(&pair, SP_CURL_DATA_MAX);
  int code = encode_pair(r, value, &pair);
  if (code == 0) code = add_data(r, sp_buf_str(&pair), true);
  sp_buf_fini(&pair);
  return code;
}

static int take_data(struct reader *r, const struct sp_curl_option *option, const char *value) {
  bool json = option->action == SP_CURL_JSON;
  if (*value == '@' && option->action != SP_CURL_DATA_RAW) return fail_file(r, option->name);
  r->json |= json;
  return add_data(r, text_of(value), !json);
}

static int take_query(struct reader *r, const char *value) {
  int code = r->query.len ? sp_buf_append_char(&r->query, '&') : 0;
  if (code == 0 && *value == '+')
    code = sp_buf_append_text(&r->query, value + 1); /* as it is */
  else if (code == 0)
    code = encode_pair(r, value, &r->query);
  if (code == 0) return 0;
  return sp_fail(r->err, SP_EUSAGE, "--url-query: a file is not read, and a URL has at most %u bytes", SP_URL_MAX);
}

/* ---- headers ---- */

static void add_header(struct reader *r, const char *name, struct sp_str value) {
  sp_import_add_header(r->import, r->request, text_of(name), value);
}

/* "Name: value"; "Name;" is an empty one; "Name:" takes curl's own away. */
static int take_header(struct reader *r, const char *value) {
  struct sp_str rest = text_of(value);
  if (*value == '@') return fail_file(r, "header");
  struct sp_str name = sp_str_split(&rest, ':');
  if (!rest.bytes) {
    struct sp_str trimmed = sp_str_trim(name);
    bool empty = trimmed.len && trimmed.bytes[trimmed.len - 1] == ';';
    if (empty)
      sp_import_add_header(r->import, r->request, sp_str_of(trimmed.bytes, trimmed.len - 1), SP_STR(""));
    else
      sp_import_note(r->import, "a header without a colon is left out, as curl does");
    return 0;
  }
  if (!sp_str_trim(rest).len) {
    r->no_type |= sp_str_ieq(sp_str_trim(name), SP_STR("Content-Type"));
    r->no_accept |= sp_str_ieq(sp_str_trim(name), SP_STR("Accept"));
    return 0;
  }
  sp_import_add_header(r->import, r->request, name, rest);
  return 0;
}

static int take_cookie(struct reader *r, const char *value) {
  if (!strchr(value, '=')) {
    sp_import_note(r->import, "--cookie names a file of cookies: it is left out, write name=value");
    return 0;
  }
  struct sp_buf out;
  sp_buf_init(&out, SP_CURL_DATA_MAX);
  sp_buf_append_str(&out, r->import->cookies);
  if (out.len) sp_buf_append_text(&out, "; ");
  sp_buf_append_text(&out, value);
  r->import->cookies = sp_import_keep(r->import, sp_str_trim(sp_buf_str(&out)));
  sp_buf_fini(&out);
  return 0;
}

static int take_max_redirs(struct reader *r, const char *value) {
  char *end;
  long count = strtol(value, &end, 10);
  if (end == value || *end) return sp_fail(r->err, SP_EUSAGE, "--max-redirs needs a number");
  r->max_redirs = count < 0 || count > (long)SP_REDIRECTS_MAX ? (int)SP_REDIRECTS_MAX : (int)count;
  return 0;
}

static int take_referer(struct reader *r, const char *value) {
  struct sp_str s = text_of(value);
  if (s.len >= 5 && memcmp(s.bytes + s.len - 5, ";auto", 5) == 0) s.len -= 5;
  if (s.len) add_header(r, "Referer", s);
  return 0;
}

static int take_prefixed(struct reader *r, const char *name, const char *prefix, const char *value) {
  struct sp_buf out;
  sp_buf_init(&out, SP_CURL_DATA_MAX);
  sp_buf_append_text(&out, prefix);
  sp_buf_append_text(&out, value);
  add_header(r, name, sp_buf_str(&out));
  sp_buf_fini(&out);
  return 0;
}

/* ---- the rest ---- */

static int take_url(struct reader *r, const char *value) {
  if (!*value) return sp_fail(r->err, SP_EUSAGE, "the command has an empty word where its URL should be");
  if (r->url)
    return sp_fail(r->err, SP_EUSAGE,
                   "the command has more than one URL: one request at a time (are the quotes right?)");
  r->url = value;
  return 0;
}

static int take_seconds(struct reader *r, const struct sp_curl_option *option, const char *value) {
  char *end;
  double s = strtod(value, &end);
  if (end == value || *end || !isfinite(s) || s < 0 || s > 1e9) {
    return sp_fail(r->err, SP_EUSAGE, "--%s needs a number of seconds", option->name);
  }
  if (option->action == SP_CURL_TIMEOUT)
    r->request->timeout_s = s;
  else
    r->import->connect_timeout_s = s;
  return 0;
}

static int take_note(struct reader *r, const struct sp_curl_option *option) {
  sp_import_note(r->import, "curl's --%s: %s", option->name, option->say);
  return 0;
}

static int act(struct reader *r, const struct sp_curl_option *option, const char *value) {
  switch (option->action) {
  case SP_CURL_IGNORE:
    return 0;
  case SP_CURL_NOTE:
    return take_note(r, option);
  case SP_CURL_REFUSE:
    return sp_fail(r->err, SP_EUSAGE, "curl's --%s cannot be imported: %s", option->name, option->say);
  case SP_CURL_METHOD:
    return r->method = value, 0;
  case SP_CURL_HEADER:
    return take_header(r, value);
  case SP_CURL_DATA:
  case SP_CURL_DATA_RAW:
  case SP_CURL_JSON:
    return take_data(r, option, value);
  case SP_CURL_DATA_URLENCODE:
    return take_urlencode(r, value);
  case SP_CURL_FORM:
  case SP_CURL_FORM_STRING:
    return sp_import_form_add(r->import, r->request, value, option->action == SP_CURL_FORM_STRING, r->err);
  case SP_CURL_LOCATION:
    return r->location = true, 0;
  case SP_CURL_MAX_REDIRS:
    return take_max_redirs(r, value);
  case SP_CURL_USER:
    return r->user = value, 0;
  case SP_CURL_BEARER:
    return take_prefixed(r, "Authorization", "Bearer ", value);
  case SP_CURL_AGENT:
    return take_prefixed(r, "User-Agent", "", value);
  case SP_CURL_REFERER:
    return take_referer(r, value);
  case SP_CURL_COOKIE:
    return take_cookie(r, value);
  case SP_CURL_RANGE:
    return take_prefixed(r, "Range", "bytes=", value);
  case SP_CURL_GET:
    return r->get = true, 0;
  case SP_CURL_HEAD:
    return r->head = true, 0;
  case SP_CURL_URL:
    return take_url(r, value);
  case SP_CURL_URL_QUERY:
    return take_query(r, value);
  case SP_CURL_COMPRESSED:
    return r->request->gzip = true, 0;
  case SP_CURL_TIMEOUT:
  case SP_CURL_CONNECT_TIMEOUT:
    return take_seconds(r, option, value);
  }
  return 0;
}

/* ---- options ---- */

/* The whole name; else, as curl does, the one option that it begins. */
static const struct sp_curl_option *find_long(struct sp_str name) {
  const struct sp_curl_option *found = NULL;
  for (const struct sp_curl_option *option = sp_curl_options; option->name; option++) {
    struct sp_str full = text_of(option->name);
    if (sp_str_eq(full, name)) return option;
    if (name.len < 3 || !sp_str_starts(full, name)) continue;
    if (found) return NULL; /* several; a whole name behind them would be longer than its own beginning */
    found = option;
  }
  return found;
}

static const struct sp_curl_option *find_exact(struct sp_str name) {
  for (const struct sp_curl_option *option = sp_curl_options; option->name; option++) {
    if (sp_str_eq(text_of(option->name), name)) return option;
  }
  return NULL;
}

static const struct sp_curl_option *find_letter(char letter) {
  for (const struct sp_curl_option *option = sp_curl_options; option->name; option++) {
    if (option->letter == letter) return option;
  }
  return NULL;
}

static int note_unknown(struct reader *r, struct sp_str name) {
  int shown = name.len > SHOWN_MAX ? SHOWN_MAX : (int)name.len;
  sp_import_note(r->import, "the option '%.*s' is not known to spate and left out", shown, name.bytes);
  return 0;
}

static int act_next(struct reader *r, const struct sp_curl_option *option) {
  if (r->at + 1 >= r->count) return sp_fail(r->err, SP_EUSAGE, "curl's --%s needs a value behind it", option->name);
  return act(r, option, r->words[++r->at]);
}

static int take_long(struct reader *r, const char *word) {
  struct sp_str rest = text_of(word + 2);
  struct sp_str name = sp_str_split(&rest, '=');
  const struct sp_curl_option *option = find_exact(name);
  bool no = !option && sp_str_starts(name, SP_STR("no-"));
  if (no) option = find_exact(sp_str_of(name.bytes + 3, name.len - 3));
  if (!option) option = find_long(name);
  if (!option) return note_unknown(r, sp_str_of(word, name.len + 2));
  if (no) return 0; /* switches off what is off */
  if (!option->value) return act(r, option, NULL);
  return rest.bytes ? act(r, option, rest.bytes) : act_next(r, option);
}

/* "-XPOST", "-sSL", "-X POST" */
static int take_short(struct reader *r, const char *word) {
  for (const char *letter = word + 1; *letter; letter++) {
    const struct sp_curl_option *option = find_letter(*letter);
    char shown[3] = {'-', *letter, '\0'};
    if (!option) return note_unknown(r, isprint((unsigned char)*letter) ? text_of(shown) : SP_STR("-?"));
    if (option->value) return letter[1] ? act(r, option, letter + 1) : act_next(r, option);
    int code = act(r, option, NULL);
    if (code) return code;
  }
  return 0;
}

static int take_word(struct reader *r) {
  const char *word = r->words[r->at];
  if (strcmp(word, "--") == 0) return 0;
  if (word[0] != '-' || !word[1]) return take_url(r, word);
  return word[1] == '-' ? take_long(r, word) : take_short(r, word);
}

/* ---- the request ---- */

static int settle_method(struct reader *r) {
  const char *method = r->method ? r->method : r->head                                                                 ? "HEAD"
                       : (r->has_data && !r->get) || r->request->part_count ? "POST"
                                                                            : "GET";
  char upper[17];
  size_t n = 0;
  for (; method[n] && n < sizeof(upper) - 1; n++) upper[n] = (char)toupper((unsigned char)method[n]);
  upper[n] = '\0';
  if (!n || method[n] || strspn(upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != n) {
    return sp_fail(r->err, SP_EUSAGE, "-X: a method is a word of letters, like POST");
  }
  if (strcmp(upper, method) != 0) sp_import_note(r->import, "the method is written in capitals: %s", upper);
  r->request->method = sp_import_keep(r->import, text_of(upper));
  return 0;
}

/* As curl does: no scheme is http, a query without a path gets its '/', data of -G and --url-query go behind. */
static int build_url(struct reader *r, struct sp_buf *out) {
  struct sp_str url = text_of(r->url);
  size_t slash = strcspn(r->url, "/?#");
  bool scheme = slash > 0 && strncmp(r->url + slash - 1, "://", 3) == 0;
  const char *hash = memchr(url.bytes, '#', url.len);
  if (hash) url.len = (size_t)(hash - url.bytes);
  int code = scheme ? 0 : sp_buf_append_text(out, "http://");
  size_t query = strcspn(r->url, "?");
  size_t authority = scheme ? slash + 2 : 0;
  bool bare = query < url.len && !memchr(r->url + authority, '/', query - authority);
  if (code == 0) code = sp_buf_append(out, url.bytes, bare ? query : url.len);
  if (code == 0 && bare) code = sp_buf_append_char(out, '/');
  if (code == 0 && bare) code = sp_buf_append(out, url.bytes + query, url.len - query);
  return code;
}

static int append_query(struct sp_buf *url, struct sp_str query) {
  if (!query.len) return 0;
  const char *authority = memmem(url->bytes, url->len, "://", 3);
  const char *slash = authority ? strchr(authority + 3, '/') : NULL;
  const char *mark = strchr(url->bytes, '?');
  int code = slash || mark ? 0 : sp_buf_append_char(url, '/');
  if (code == 0 && !mark)
    code = sp_buf_append_char(url, '?');
  else if (code == 0 && mark[1] && url->bytes[url->len - 1] != '&')
    code = sp_buf_append_char(url, '&');
  return code ? code : sp_buf_append_str(url, query);
}

static int settle_url(struct reader *r) {
  struct sp_buf url;
  if (!r->url) return sp_fail(r->err, SP_EUSAGE, "the command has no URL");
  sp_buf_init(&url, SP_URL_MAX);
  int code = build_url(r, &url);
  if (code == 0) code = append_query(&url, sp_buf_str(&r->query));
  if (code == 0 && r->get) code = append_query(&url, sp_buf_str(&r->data));
  if (code)
    sp_fail(r->err, SP_EUSAGE, "the URL is over %d bytes", SP_URL_MAX);
  else if (sp_import_set_url(r->import, r->request, sp_buf_str(&url), r->err))
    code = r->err->code = SP_EUSAGE;
  sp_buf_fini(&url);
  return code;
}

static void settle_body(struct reader *r) {
  if (!r->has_data || r->get) return;
  r->request->body = sp_import_keep(r->import, sp_buf_str(&r->data));
  r->request->has_body = true;
  if (!r->no_type && !sp_import_get_header(r->request, "Content-Type").bytes) {
    add_header(r, "Content-Type", r->json ? SP_STR("application/json") : SP_STR("application/x-www-form-urlencoded"));
  }
  bool accept = r->json && !r->no_accept && !sp_import_get_header(r->request, "Accept").bytes;
  if (accept) add_header(r, "Accept", SP_STR("application/json"));
}

static void settle_user(struct reader *r) {
  bool own = sp_import_get_header(r->request, "Authorization").bytes != NULL; /* it wins over -u, as in curl */
  if (!r->user || own) return;
  sp_import_set_auth(r->import, r->request, text_of(r->user));
  if (!strchr(r->user, ':')) sp_import_note(r->import, "curl would ask for the password of --user: put it into auth");
}

/* A header is sent as it is; what -b gave joins it. */
static void settle_cookies(struct reader *r) {
  if (!r->import->cookies.len || !sp_import_get_header(r->request, "Cookie").bytes) return;
  add_header(r, "Cookie", r->import->cookies);
  r->import->cookies = sp_str_of(NULL, 0);
}

/* curl makes the type itself, boundary and all. */
static void settle_form(struct reader *r) {
  struct sp_import_request *request = r->request;
  for (size_t i = 0; request->part_count && i < request->header_count; i++) {
    if (!sp_str_ieq(request->headers[i].name, SP_STR("Content-Type"))) continue;
    request->headers[i] = request->headers[--request->header_count];
    break;
  }
}

static int settle(struct reader *r) {
  if (r->request->part_count && r->has_data)
    return sp_fail(r->err, SP_EUSAGE, "the command has both --form and --data: curl takes one of them");
  settle_user(r);
  int code = settle_url(r);
  if (code == 0) code = settle_method(r);
  if (code) return code;
  settle_body(r);
  settle_form(r);
  settle_cookies(r);
  if (r->location) r->request->redirects = r->max_redirs >= 0 ? r->max_redirs : SP_CURL_REDIRECTS;
  struct sp_str host = sp_import_get_header(r->request, "Host");
  if (host.bytes) sp_import_note(r->import, "the Host header stays as the command says it, whatever host is tested");
  sp_import_settle(r->request, false);
  return 0;
}

/* ---- entries ---- */

static bool is_curl(const char *word) {
  const char *slash = strrchr(word, '/');
  const char *name = slash ? slash + 1 : word;
  return strcmp(name, "curl") == 0 || strcmp(name, "curl.exe") == 0;
}

static int skip_curl(struct reader *r) {
  if (r->count && (strcmp(r->words[0], "$") == 0 || strcmp(r->words[0], "%") == 0)) r->at++; /* a prompt */
  if (r->at >= r->count) return sp_fail(r->err, SP_EUSAGE, "there is no command: paste one that begins with curl");
  const char *word = r->words[r->at];
  if (is_curl(word)) return r->at++, 0;
  if (word[0] == '-' || strstr(word, "://")) return 0;
  return sp_fail(r->err, SP_EUSAGE, "the command begins with '%.*s', not with curl", SHOWN_MAX, word);
}

int sp_import_curl_words(struct sp_import *import, const char *const *words, size_t count, struct sp_err *err) {
  struct reader r = {.import = import, .words = words, .count = count, .max_redirs = -1, .err = err};
  r.request = sp_import_add(import);
  sp_buf_init(&r.data, SP_CURL_DATA_MAX);
  sp_buf_init(&r.query, SP_URL_MAX);
  int code = skip_curl(&r);
  for (; code == 0 && r.at < r.count; r.at++) code = take_word(&r);
  if (code == 0) code = settle(&r);
  sp_buf_fini(&r.data);
  sp_buf_fini(&r.query);
  return code;
}

int sp_import_curl_text(struct sp_import *import, struct sp_str command, struct sp_err *err) {
  struct sp_shell_words words;
  int code = sp_shell_split(command, &words, err);
  if (code) return code;
  code = sp_import_curl_words(import, (const char *const *)words.items, words.count, err);
  if (words.more)
    sp_import_note(import, "what stands behind the first command is left out (a URL with & needs quotes)");
  if (words.variables) {
    sp_import_note(import,
                   "variables of the shell ($NAME) are not known here: where they are no secret they stand as written");
  }
  sp_shell_words_fini(&words);
  return code;
}
