#include "cli/import_har.h"

#include "base/mem.h"
#include "wire/json.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ORIGINS_MAX 1000u
#define HOSTS_SHOWN_MAX 4u

struct origin {
  struct sp_str text;            /* "https://host:port" */
  struct sp_str host, authority; /* inside it */
  size_t count;
  bool wanted;
};

struct entry {
  int request, response; /* JSON values */
  size_t index;          /* in the recording */
  struct sp_str url;
  struct origin *origin;
  double start_s, end_s; /* NAN: not said */
};

struct reader {
  struct sp_import *import;
  const struct sp_har_options *options;
  struct sp_json doc;
  struct sp_buf scratch;
  struct entry *entries;
  size_t count, cap;
  struct origin *origins;
  size_t origin_count;
  size_t not_http, static_ones, too_odd, bodies_missing;
  struct sp_err *err;
};

static int get(const struct reader *r, int object, const char *name) { return sp_json_get(&r->doc, object, name); }

/* Valid until the next one. */
static struct sp_str peek_string(struct reader *r, int value) { return sp_json_string(&r->doc, value, &r->scratch); }

static struct sp_str keep_string(struct reader *r, int value) {
  return sp_import_keep(r->import, peek_string(r, value));
}

/* ---- time ---- */

static int digits(const char **at, int count) {
  int n = 0;
  for (int i = 0; i < count; i++, (*at)++) {
    if (!isdigit((unsigned char)**at)) return -1;
    n = n * 10 + (**at - '0');
  }
  return n;
}

/* "2024-05-01T12:00:00.123+02:00" (RFC 3339) as seconds; NAN where it is not. The text is terminated. */
static double read_time(const char *at) {
  static const char before[] = "\0--T::"; /* what stands in front of each field */
  int fields[6];
  for (int i = 0; i < 6; i++) {
    if (i && *at++ != before[i]) return NAN;
    if ((fields[i] = digits(&at, i ? 2 : 4)) < 0) return NAN;
  }
  struct tm tm = {.tm_year = fields[0] - 1900,
                  .tm_mon = fields[1] - 1,
                  .tm_mday = fields[2],
                  .tm_hour = fields[3],
                  .tm_min = fields[4],
                  .tm_sec = fields[5]};
  double s = (double)timegm(&tm), unit = 1;
  if (*at == '.' || *at == ',') {
    for (at++; isdigit((unsigned char)*at); at++) s += (unit /= 10) * (*at - '0');
  }
  if (*at != '+' && *at != '-') return s;
  int sign = *at++ == '+' ? 1 : -1, hours = digits(&at, 2);
  if (*at == ':') at++;
  int minutes = digits(&at, 2);
  return hours < 0 || minutes < 0 ? s : s - sign * (hours * 3600.0 + minutes * 60.0);
}

static void read_times(struct reader *r, struct entry *entry, int value) {
  struct sp_str text = peek_string(r, get(r, value, "startedDateTime"));
  char start[64];
  snprintf(start, sizeof(start), SP_STR_FMT, SP_STR_ARG(text));
  double ms = sp_json_number(&r->doc, get(r, value, "time"), 0);
  entry->start_s = read_time(start);
  entry->end_s = entry->start_s + (ms > 0 ? ms / 1000 : 0);
}

/* ---- what an entry is ---- */

static bool begins(struct sp_str s, const char *prefix) {
  size_t len = strlen(prefix);
  return s.len >= len && sp_str_ieq(sp_str_of(s.bytes, len), sp_str_from(prefix));
}

static bool is_listed(struct sp_str s, const char *const *list) {
  while (*list && !sp_str_ieq(s, sp_str_from(*list))) list++;
  return *list != NULL;
}

/* A file's ending decides only where neither browser nor server said what it is. */
static bool has_static_ending(struct sp_str url) {
  static const char *const endings[] = {"css", "js",  "mjs",  "map",  "png",  "jpg",   "jpeg", "gif",
                                        "svg", "ico", "webp", "avif", "woff", "woff2", "ttf",  "otf",
                                        "eot", "mp3", "mp4",  "webm", "wasm", NULL};
  struct sp_str path = sp_str_split(&url, '?');
  for (size_t i = path.len; i > 0 && path.bytes[i - 1] != '/'; i--) {
    if (path.bytes[i - 1] == '.') return is_listed(sp_str_of(path.bytes + i, path.len - i), endings);
  }
  return false;
}

static bool is_static_mime(struct sp_str mime) {
  static const char *const kinds[] = {"image/",
                                      "font/",
                                      "audio/",
                                      "video/",
                                      "text/css",
                                      "text/javascript",
                                      "application/javascript",
                                      "application/x-javascript",
                                      "application/ecmascript",
                                      "application/font",
                                      "application/x-font",
                                      "application/vnd.ms-fontobject",
                                      "application/wasm",
                                      NULL};
  for (size_t i = 0; kinds[i]; i++) {
    if (begins(mime, kinds[i])) return true;
  }
  return false;
}

static bool is_static(struct reader *r, int value, const struct entry *entry) {
  static const char *const resources[] = {"image",    "font",      "stylesheet", "script", "media",
                                          "manifest", "texttrack", "preflight",  NULL};
  static const char *const calls[] = {"xhr", "fetch", "document", "eventsource", "websocket", NULL};
  struct sp_str type = peek_string(r, get(r, value, "_resourceType"));
  if (is_listed(type, resources)) return true;
  if (is_listed(type, calls)) return false;
  struct sp_str mime = peek_string(r, get(r, get(r, entry->response, "content"), "mimeType"));
  if (is_static_mime(mime)) return true;
  bool unsaid = !mime.len || sp_str_ieq(mime, SP_STR("x-unknown")) || begins(mime, "application/octet-stream");
  return unsaid && has_static_ending(entry->url);
}

static bool is_http(struct reader *r, const struct entry *entry) {
  bool switched = sp_json_number(&r->doc, get(r, entry->response, "status"), 0) == 101; /* a WebSocket */
  return !switched && (begins(entry->url, "http://") || begins(entry->url, "https://"));
}

/* ---- hosts ---- */

static struct origin *find_origin(struct reader *r, const struct sp_url *url) {
  struct sp_buf text;
  sp_buf_init(&text, SP_URL_MAX);
  sp_import_append_origin(url, &text);
  size_t scheme = url->tls ? strlen("https://") : strlen("http://");
  struct origin *found = NULL;
  for (size_t i = 0; i < r->origin_count && !found; i++) {
    if (sp_str_eq(r->origins[i].text, sp_buf_str(&text))) found = &r->origins[i];
  }
  if (!found && r->origin_count < ORIGINS_MAX) {
    struct sp_str kept = sp_import_keep(r->import, sp_buf_str(&text));
    found = &r->origins[r->origin_count++];
    *found = (struct origin){.text = kept,
                             .authority = sp_str_of(kept.bytes + scheme, kept.len - scheme),
                             .host = sp_import_keep(r->import, url->host)};
  }
  sp_buf_fini(&text);
  return found;
}

static bool is_wanted(const struct origin *origin, struct sp_str host) {
  while (host.len && host.bytes[host.len - 1] == '/') host.len--;
  return sp_str_ieq(origin->host, host) || sp_str_ieq(origin->authority, host) || sp_str_ieq(origin->text, host);
}

static void append_hosts(const struct reader *r, bool wanted, struct sp_buf *out) {
  size_t shown = 0;
  for (size_t i = 0; i < r->origin_count; i++) {
    const struct origin *origin = &r->origins[i];
    if (origin->wanted != wanted) continue;
    if (shown++ == HOSTS_SHOWN_MAX) {
      sp_buf_append_text(out, ", …");
      return;
    }
    sp_buf_printf(out, "%s" SP_STR_FMT " %zu", shown > 1 ? ", " : "", SP_STR_ARG(origin->authority), origin->count);
  }
}

static int fail_host(struct reader *r) {
  struct sp_buf hosts;
  sp_buf_init(&hosts, 2000);
  append_hosts(r, false, &hosts);
  sp_fail(r->err, SP_EUSAGE, "--host: the recording has no request to '%.100s' (it has: " SP_STR_FMT ")",
          r->options->host, SP_STR_ARG(sp_buf_str(&hosts)));
  sp_buf_fini(&hosts);
  return SP_EUSAGE;
}

static const struct origin *most_frequent(const struct reader *r, bool wanted) {
  const struct origin *best = NULL;
  for (size_t i = 0; i < r->origin_count; i++) {
    const struct origin *origin = &r->origins[i];
    if ((!wanted || origin->wanted) && (!best || origin->count > best->count)) best = origin;
  }
  return best;
}

static int choose_origins(struct reader *r, struct sp_str *base) {
  struct sp_str host = sp_str_from(r->options->host);
  for (size_t i = 0; host.len && i < r->origin_count; i++) r->origins[i].wanted = is_wanted(&r->origins[i], host);
  const struct origin *best = most_frequent(r, host.len > 0);
  if (!best) return fail_host(r);
  for (size_t i = 0; !host.len && i < r->origin_count; i++) r->origins[i].wanted = &r->origins[i] == best;
  *base = best->text;
  return 0;
}

/* ---- reading the entries ---- */

static void add_entry(struct reader *r, struct entry entry) {
  if (r->count == r->cap) {
    r->cap = r->cap ? r->cap * 2 : 64;
    r->entries = sp_realloc(r->entries, r->cap * sizeof(*r->entries));
  }
  r->entries[r->count++] = entry;
}

static void read_entry(struct reader *r, int value, size_t index) {
  struct entry entry = {.request = get(r, value, "request"), .response = get(r, value, "response"), .index = index};
  struct sp_url url;
  entry.url = keep_string(r, get(r, entry.request, "url"));
  if (!is_http(r, &entry)) {
    r->not_http++;
  } else if (!r->options->all && is_static(r, value, &entry)) {
    r->static_ones++;
  } else if (sp_url_parse(entry.url, &url, NULL) || !(entry.origin = find_origin(r, &url))) {
    r->too_odd++;
  } else {
    entry.origin->count++;
    read_times(r, &entry, value);
    add_entry(r, entry);
  }
}

static int read_entries(struct reader *r, struct sp_str text) {
  static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark, which some tools write */
  size_t skip = sp_str_starts(text, sp_str_from(mark)) ? sizeof(mark) - 1 : 0;
  if (skip) text = sp_str_of(text.bytes + skip, text.len - skip);
  int code = sp_json_parse(&r->doc, text, r->err);
  if (code) return sp_err_context(r->err, "not a recording");
  int entries = get(r, get(r, 0, "log"), "entries");
  if (sp_json_kind(&r->doc, entries) != SP_JSON_ARRAY)
    return sp_fail(r->err, SP_EPARSE, "not a recording: it has no log.entries");
  size_t index = 0;
  for (int child = sp_json_first(&r->doc, entries); child >= 0; child = sp_json_next(&r->doc, child)) {
    read_entry(r, child, index++);
  }
  if (r->count) return 0;
  if (r->static_ones) {
    return sp_fail(r->err, SP_EPARSE, "the recording has only static resources (%zu): --all keeps them",
                   r->static_ones);
  }
  return sp_fail(r->err, SP_EPARSE, "the recording has no HTTP requests");
}

static int by_time(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->start_s < y->start_s) return -1;
  if (x->start_s > y->start_s) return 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Recordings are mostly in order already; without times they stay as they are. */
static void sort_entries(struct reader *r) {
  for (size_t i = 0; i < r->count; i++) {
    if (isnan(r->entries[i].start_s)) return;
  }
  qsort(r->entries, r->count, sizeof(*r->entries), by_time);
}

/* ---- one step ---- */

/* What a browser says of itself and of the page around: no server needs it, and it hides the rest. */
static bool is_noise(struct sp_str name) {
  static const char *const names[] = {"DNT",
                                      "Priority",
                                      "Upgrade-Insecure-Requests",
                                      "If-None-Match",
                                      "If-Modified-Since",
                                      "Cache-Control",
                                      "Pragma",
                                      "Purpose",
                                      "X-Client-Data",
                                      "Sec-GPC",
                                      "Host",
                                      NULL};
  return begins(name, "sec-ch-") || begins(name, "sec-fetch-") || is_listed(name, names);
}

static void read_headers(struct reader *r, struct sp_import_request *step, int request) {
  int headers = get(r, request, "headers");
  if (sp_json_kind(&r->doc, headers) != SP_JSON_ARRAY) return;
  for (int child = sp_json_first(&r->doc, headers); child >= 0; child = sp_json_next(&r->doc, child)) {
    struct sp_str name = keep_string(r, get(r, child, "name"));
    if (name.len && !is_noise(name))
      sp_import_add_header(r->import, step, name, peek_string(r, get(r, child, "value")));
  }
}

/* postData.params of a form whose text was not kept. */
static void append_params(struct reader *r, int params, struct sp_buf *out) {
  for (int child = sp_json_first(&r->doc, params); child >= 0; child = sp_json_next(&r->doc, child)) {
    if (out->len) sp_buf_append_char(out, '&');
    sp_url_encode(peek_string(r, get(r, child, "name")), out);
    sp_buf_append_char(out, '=');
    sp_url_encode(peek_string(r, get(r, child, "value")), out);
  }
}

static void read_body(struct reader *r, struct sp_import_request *step, int request) {
  int data = get(r, request, "postData");
  if (sp_json_kind(&r->doc, data) != SP_JSON_OBJECT) return;
  struct sp_str text = keep_string(r, get(r, data, "text"));
  struct sp_str mime = keep_string(r, get(r, data, "mimeType"));
  int params = get(r, data, "params");
  if (!text.len && begins(mime, "application/x-www-form-urlencoded") &&
      sp_json_kind(&r->doc, params) == SP_JSON_ARRAY) {
    struct sp_buf form;
    sp_buf_init(&form, SP_HAR_FILE_MAX);
    append_params(r, params, &form);
    text = sp_import_keep(r->import, sp_buf_str(&form));
    sp_buf_fini(&form);
  }
  r->bodies_missing += !text.len && (sp_json_size(&r->doc, params) > 0 || mime.len);
  if (mime.len && !sp_import_get_header(step, "Content-Type").bytes) {
    sp_import_add_header(r->import, step, SP_STR("Content-Type"), mime);
  }
  step->body = text;
  step->has_body = true;
}

static bool is_method(struct sp_str method) {
  for (size_t i = 0; i < method.len; i++) {
    if (method.bytes[i] < 'A' || method.bytes[i] > 'Z') return false;
  }
  return method.len > 0 && method.len <= 16;
}

static int read_step(struct reader *r, const struct entry *entry, double pause_s) {
  struct sp_str method = keep_string(r, get(r, entry->request, "method"));
  if (!is_method(method)) return r->too_odd++, 0;
  struct sp_import_request *step = sp_import_add(r->import);
  step->method = method;
  step->pause_s = pause_s;
  read_headers(r, step, entry->request);
  int code = sp_import_set_url(r->import, step, entry->url, r->err);
  if (code) return code;
  read_body(r, step, entry->request);
  sp_import_settle(step,
                   begins(peek_string(r, get(r, get(r, entry->response, "content"), "mimeType")), "text/event-stream"));
  return 0;
}

/* From the end of everything before to the start of this one, in tenths; 0 where it is short. */
static double pause_before(const struct entry *entry, double before_s) {
  double gap = entry->start_s - before_s;
  if (!(gap > SP_HAR_PAUSE_MIN_S)) return 0; /* NAN too */
  return gap < SP_HAR_PAUSE_MAX_S ? round(gap * 10) / 10 : SP_HAR_PAUSE_MAX_S;
}

static int read_steps(struct reader *r, size_t *left_over) {
  double before_s = NAN;
  int code = 0;
  for (size_t i = 0; code == 0 && i < r->count; i++) {
    const struct entry *entry = &r->entries[i];
    if (!entry->origin->wanted) continue;
    if (r->import->request_count == SP_IMPORT_STEPS_MAX) {
      ++*left_over;
      continue;
    }
    code = read_step(r, entry, pause_before(entry, before_s));
    if (!(entry->end_s <= before_s)) before_s = entry->end_s;
  }
  return code;
}

/* ---- the whole ---- */

static void note_count(struct sp_import *import, size_t count, const char *what) {
  if (count) sp_import_note(import, "%s: %zu", what, count);
}

static void note_left_out(struct reader *r, size_t over) {
  struct sp_import *import = r->import;
  struct sp_buf others;
  size_t elsewhere = 0;
  sp_buf_init(&others, 2000);
  append_hosts(r, false, &others);
  for (size_t i = 0; i < r->origin_count; i++) elsewhere += r->origins[i].wanted ? 0 : r->origins[i].count;
  note_count(import, r->static_ones, "static resources (images, fonts, styles, scripts) left out, --all keeps them");
  if (elsewhere) {
    sp_import_note(import, "requests to other hosts left out, --host NAME takes another: %zu (" SP_STR_FMT ")",
                   elsewhere, SP_STR_ARG(sp_buf_str(&others)));
  }
  note_count(import, r->not_http, "entries that are no HTTP requests (WebSocket, data:, …) left out");
  note_count(import, r->too_odd, "entries whose URL or method cannot be sent left out");
  note_count(import, r->bodies_missing, "bodies that the recording lacks (uploads), empty in the plan");
  if (over)
    sp_import_note(import, "only the first %u requests are steps, %zu more left out", SP_IMPORT_STEPS_MAX, over);
  sp_buf_fini(&others);
}

static int import_entries(struct reader *r, struct sp_str text) {
  struct sp_str base = {NULL, 0};
  size_t over = 0;
  int code = read_entries(r, text);
  if (code == 0) code = choose_origins(r, &base);
  if (code) return code;
  sort_entries(r);
  if ((code = read_steps(r, &over))) return code;
  if (!r->import->request_count) return sp_fail(r->err, SP_EPARSE, "the recording has no request that can be sent");
  r->import->base = base;
  note_left_out(r, over);
  return 0;
}

int sp_import_har(struct sp_import *import, struct sp_str text, const struct sp_har_options *options,
                  struct sp_err *err) {
  struct reader r = {.import = import, .options = options, .err = err};
  if (text.len > SP_HAR_FILE_MAX) return sp_fail(err, SP_ELIMIT, "a recording of over %u MiB", SP_HAR_FILE_MAX >> 20);
  sp_json_init(&r.doc);
  sp_buf_init(&r.scratch, SP_HAR_FILE_MAX);
  r.origins = sp_alloc_array(ORIGINS_MAX, sizeof(*r.origins));
  import->user_class = "BrowserUser";
  import->task = "recording";
  int code = import_entries(&r, text);
  free(r.origins);
  free(r.entries);
  sp_buf_fini(&r.scratch);
  sp_json_fini(&r.doc);
  return code;
}
