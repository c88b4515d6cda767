#include "watch/fetch.h"

#include "base/mem.h"
#include "base/units.h"
#include "stats/clean.h"
#include "watch/secret_file.h"
#include "wire/http_date.h"
#include "wire/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define USER_MAX 1000u
#define QUOTED_MAX 160u /* of an answer's text in a sentence */
#define UNIX_SCHEME "unix://"

struct sp_fetch {
  CURL *curl;
  char *base;   /* without user and password; "http://localhost" for a socket */
  char *name, *host;
  char *socket; /* NULL: TCP */
  char *user, *password; /* decoded; NULL: none */
  const char *password_file, *token_file; /* borrowed from the spec */
  struct sp_buf body, url;
  /* of the call under way */
  const struct sp_watch_sink *sink;
  struct sp_fetched *out;
  int64_t timeout_ns;
  bool too_long;
  char fault[CURL_ERROR_SIZE];
};

/* -- what the server sends -- */

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx) {
  struct sp_fetch *fetch = ctx;
  fetch->too_long = sp_buf_append(&fetch->body, bytes, size * count) != 0;
  return fetch->too_long ? 0 : size * count;
}

static size_t on_head(char *bytes, size_t size, size_t count, void *ctx) {
  struct sp_fetch *fetch = ctx;
  struct sp_str value = sp_str_of(bytes, size * count);
  struct sp_str name = sp_str_split(&value, ':');
  int64_t unix_s;
  if (sp_str_ieq(name, SP_STR("date")) && sp_http_date_parse(sp_str_trim(value), &unix_s)) {
    fetch->out->date_ns = unix_s * SP_NS_PER_S;
  }
  return size * count;
}

static int on_progress(void *ctx, curl_off_t all, curl_off_t now, curl_off_t up_all, curl_off_t up_now) {
  const struct sp_fetch *fetch = ctx;
  (void)all, (void)now, (void)up_all, (void)up_now;
  return fetch->sink && fetch->sink->watchers && sp_watch_stopping(fetch->sink);
}

/* -- making -- */

static char *decoded(struct sp_str text, size_t max) {
  struct sp_buf out;
  sp_buf_init(&out, max);
  sp_buf_append_text(&out, "");
  if (sp_url_decode(text, &out)) sp_buf_clear(&out);
  char *taken = out.len ? sp_buf_take(&out) : sp_strdup("");
  sp_buf_fini(&out);
  return taken;
}

static void take_user(struct sp_fetch *fetch, struct sp_str userinfo) {
  if (userinfo.len == 0) return;
  struct sp_str user = sp_str_split(&userinfo, ':');
  fetch->user = decoded(user, USER_MAX);
  fetch->password = decoded(userinfo, USER_MAX);
}

static int take_url(struct sp_fetch *fetch, const char *text, struct sp_err *err) {
  struct sp_url url;
  struct sp_buf part;
  if (sp_url_parse(sp_str_from(text), &url, err)) return err->code = SP_EUSAGE;
  if (url.userinfo.len > USER_MAX) return sp_fail(err, SP_EUSAGE, "the URL's user and password have over %u bytes", USER_MAX);
  take_user(fetch, url.userinfo);
  sp_buf_init(&part, 2 * SP_URL_MAX);
  sp_url_redact(sp_str_from(text), &part);
  fetch->name = sp_buf_take(&part);
  sp_url_append_authority(&url, &part);
  fetch->host = sp_buf_take(&part);
  sp_buf_printf(&part, "%s://%s" SP_STR_FMT, url.tls ? "https" : "http", fetch->host, SP_STR_ARG(url.target));
  fetch->base = sp_buf_take(&part);
  sp_buf_fini(&part);
  return 0;
}

static int take_socket(struct sp_fetch *fetch, const char *text, struct sp_err *err) {
  const char *path = text + strlen(UNIX_SCHEME);
  if (path[0] != '/') return sp_fail(err, SP_EUSAGE, "'%s' is no path: write unix:///var/run/docker.sock", text);
  fetch->name = sp_strdup(text);
  fetch->host = sp_strdup(path);
  fetch->socket = sp_strdup(path);
  fetch->base = sp_strdup("http://localhost");
  return 0;
}

static int take_options(struct sp_fetch *fetch, const struct sp_watch_spec *spec, struct sp_err *err) {
  const char *insecure = sp_watch_option_of(spec, "insecure");
  fetch->password_file = sp_watch_option_of(spec, "password_file");
  fetch->token_file = sp_watch_option_of(spec, "bearer_token_file");
  if (insecure && strcmp(insecure, "true") != 0 && strcmp(insecure, "false") != 0) {
    return sp_fail(err, SP_EUSAGE, "insecure is true or false, not '%s'", insecure);
  }
  if (fetch->password_file && !fetch->user) {
    return sp_fail(err, SP_EUSAGE, "password_file needs the user in the URL: http://USER@%s", fetch->host);
  }
  if (fetch->token_file && fetch->user) {
    return sp_fail(err, SP_EUSAGE, "a user in the URL and a bearer_token_file: only one of them can be sent");
  }
  return 0;
}

static void set_up(struct sp_fetch *fetch, const struct sp_watch_spec *spec) {
  const char *insecure = sp_watch_option_of(spec, "insecure"), *ca_file = sp_watch_option_of(spec, "ca_file");
  CURL *curl = fetch->curl;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "spate/" SP_VERSION);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->fault);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
  if (fetch->socket) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, fetch->socket);
  if (ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
  if (insecure && strcmp(insecure, "true") == 0) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

int sp_fetch_create(const struct sp_watch_spec *spec, struct sp_fetch **out, struct sp_err *err) {
  struct sp_fetch *fetch = sp_alloc(sizeof(*fetch));
  const char *url = spec->url ? spec->url : "";
  bool is_socket = strncmp(url, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0;
  sp_buf_init(&fetch->body, SP_FETCH_BODY_MAX);
  sp_buf_init(&fetch->url, 4 * SP_URL_MAX);
  int code = is_socket ? take_socket(fetch, url, err) : take_url(fetch, url, err);
  if (code == 0) code = take_options(fetch, spec, err);
  if (code == 0 && !(fetch->curl = curl_easy_init())) code = sp_fail(err, SP_EIO, "libcurl does not start");
  if (code) {
    sp_fetch_destroy(fetch);
    return code;
  }
  set_up(fetch, spec);
  *out = fetch;
  return 0;
}

void sp_fetch_destroy(struct sp_fetch *fetch) {
  if (!fetch) return;
  curl_easy_cleanup(fetch->curl);
  sp_buf_fini(&fetch->body);
  sp_buf_fini(&fetch->url);
  free(fetch->base);
  free(fetch->name);
  free(fetch->host);
  free(fetch->socket);
  free(fetch->user);
  free(fetch->password);
  free(fetch);
}

const char *sp_fetch_name(const struct sp_fetch *fetch) { return fetch->name; }
const char *sp_fetch_host(const struct sp_fetch *fetch) { return fetch->host; }

char *sp_fetch_source(const struct sp_fetch *fetch, const char *kind) {
  size_t size = strlen(kind) + strlen(fetch->name) + 2;
  char *source = sp_alloc(size);
  snprintf(source, size, "%s %s", kind, fetch->name);
  return source;
}

/* -- a call -- */

static int set_credentials(struct sp_fetch *fetch, struct sp_err *err) {
  char secret[SP_SECRET_FILE_MAX + 2];
  const char *password = fetch->password;
  if (fetch->token_file) {
    if (sp_secret_file_read(fetch->token_file, secret, err)) return err->code;
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(fetch->curl, CURLOPT_XOAUTH2_BEARER, secret);
  } else if (fetch->user) {
    if (fetch->password_file && sp_secret_file_read(fetch->password_file, secret, err)) return err->code;
    if (fetch->password_file) password = secret;
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(fetch->curl, CURLOPT_USERNAME, fetch->user);
    curl_easy_setopt(fetch->curl, CURLOPT_PASSWORD, password);
  }
  return 0;
}

static struct curl_slist *heads_of(const struct sp_fetch_call *call) {
  char line[300];
  struct curl_slist *heads = curl_slist_append(NULL, "Expect:"); /* no wait for 100 Continue before a long form */
  if (!call->accept) return heads;
  snprintf(line, sizeof(line), "Accept: %s", call->accept);
  return curl_slist_append(heads, line);
}

static void set_call(struct sp_fetch *fetch, const struct sp_fetch_call *call) {
  curl_easy_setopt(fetch->curl, CURLOPT_URL, fetch->url.bytes);
  curl_easy_setopt(fetch->curl, CURLOPT_TIMEOUT_MS, (long)(fetch->timeout_ns / SP_NS_PER_MS));
  curl_easy_setopt(fetch->curl, CURLOPT_FRESH_CONNECT, call->fresh ? 1L : 0L);
  curl_easy_setopt(fetch->curl, CURLOPT_FORBID_REUSE, call->fresh ? 1L : 0L);
  if (call->form.len == 0) {
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->form.len);
    curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS, call->form.bytes);
  }
}

static int fail_call(struct sp_fetch *fetch, CURLcode result, struct sp_err *err) {
  const char *why = fetch->fault[0] ? fetch->fault : curl_easy_strerror(result);
  if (fetch->too_long) {
    return sp_fail(err, SP_ELIMIT, "%s answered with over %u MiB", fetch->name, SP_FETCH_BODY_MAX >> 20);
  }
  if (result == CURLE_OPERATION_TIMEDOUT) {
    char limit[SP_UNIT_TEXT_SIZE];
    return sp_fail(err, SP_EIO, "%s did not answer within %s", fetch->name,
                   sp_format_duration(fetch->timeout_ns, limit, sizeof(limit)));
  }
  if (result == CURLE_ABORTED_BY_CALLBACK) return sp_fail(err, SP_EIO, "%s: given up at the end", fetch->name);
  return sp_fail(err, SP_EIO, "cannot reach %s: %s", fetch->name, why);
}

static void take_answer(struct sp_fetch *fetch, struct sp_fetched *out) {
  const char *type = NULL;
  long status = 0;
  curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(fetch->curl, CURLINFO_CONTENT_TYPE, &type);
  out->status = (int)status;
  out->body = sp_buf_str(&fetch->body);
  snprintf(out->content_type, sizeof(out->content_type), "%s", type ? type : "");
}

int sp_fetch(struct sp_fetch *fetch, const struct sp_watch_sink *sink, const struct sp_fetch_call *call, struct sp_fetched *out,
             struct sp_err *err) {
  *out = (struct sp_fetched){0};
  fetch->sink = sink;
  fetch->out = out;
  fetch->timeout_ns = call->timeout_ns ? call->timeout_ns : SP_WATCH_CALL_MAX_NS;
  fetch->too_long = false;
  fetch->fault[0] = 0;
  sp_buf_clear(&fetch->body);
  sp_buf_clear(&fetch->url);
  if (sp_url_join(sp_str_from(fetch->base), sp_str_from(call->target), &fetch->url, err)) return err->code;
  if (set_credentials(fetch, err)) return err->code;
  set_call(fetch, call);
  struct curl_slist *heads = heads_of(call);
  curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, heads);
  out->asked_ns = sp_clock_real_ns();
  CURLcode result = curl_easy_perform(fetch->curl);
  out->got_ns = sp_clock_real_ns();
  curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, NULL);
  curl_slist_free_all(heads);
  if (result != CURLE_OK) return fail_call(fetch, result, err);
  take_answer(fetch, out);
  return 0;
}

/* -- a 200, or a sentence -- */

static int fail_redirect(const struct sp_fetch *fetch, int status, struct sp_err *err) {
  const char *place = NULL;
  struct sp_buf text;
  curl_easy_getinfo(fetch->curl, CURLINFO_REDIRECT_URL, &place);
  sp_buf_init(&text, 2 * SP_URL_MAX);
  if (place) sp_url_redact(sp_str_from(place), &text);
  sp_fail(err, SP_EIO, "%s answered %d and points to %s: give that URL", fetch->name, status, text.len ? text.bytes : "nowhere");
  sp_buf_fini(&text);
  return err->code;
}

int sp_fetch_fail_status(const struct sp_fetch *fetch, const struct sp_fetched *answer, struct sp_err *err) {
  char said[QUOTED_MAX + 1];
  if (answer->status >= 300 && answer->status < 400) return fail_redirect(fetch, answer->status, err);
  if (answer->status == 401 || answer->status == 403) {
    return sp_fail(err, SP_EIO, "%s answered %d: %s", fetch->name, answer->status,
                   fetch->user || fetch->token_file ? "it does not take these credentials" : "it wants credentials");
  }
  said[sp_clean_text(said, QUOTED_MAX, sp_str_trim(answer->body))] = 0;
  return sp_fail(err, SP_EIO, "%s answered %d%s%s", fetch->name, answer->status, said[0] ? ": " : "", said);
}

int sp_fetch_ok(struct sp_fetch *fetch, const struct sp_watch_sink *sink, const struct sp_fetch_call *call,
                struct sp_fetched *out, struct sp_err *err) {
  int code = sp_fetch(fetch, sink, call, out, err);
  return code == 0 && out->status != 200 ? sp_fetch_fail_status(fetch, out, err) : code;
}

int64_t sp_fetched_clock_ahead_ns(const struct sp_fetched *fetched) {
  if (fetched->date_ns == 0) return 0;
  int64_t middle_ns = fetched->asked_ns + (fetched->got_ns - fetched->asked_ns) / 2;
  return fetched->date_ns + SP_NS_PER_S / 2 - middle_ns; /* cut to seconds: half of one later on average */
}
