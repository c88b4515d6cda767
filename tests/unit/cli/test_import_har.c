/* A recording -> the steps of its plan: which entries, in which order, with which pauses. */
#include "cli/import_har.h"
#include "cli/test_import_rig.h"

#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HAR_MAX (8u * 1024u * 1024u)

/* ---- recordings ---- */

struct entry {
  const char *start, *method, *url, *mime, *type; /* type NULL: a browser that does not say */
  const char *headers;                            /* JSON items, or NULL */
  const char *post;                               /* JSON of postData, or NULL */
  int time_ms, status;
};

static void put_entry(struct sp_buf *out, const struct entry *entry) {
  sp_buf_printf(out, "{\"startedDateTime\":\"%s\",\"time\":%d,", entry->start, entry->time_ms);
  if (entry->type) sp_buf_printf(out, "\"_resourceType\":\"%s\",", entry->type);
  sp_buf_printf(out, "\"request\":{\"method\":\"%s\",\"url\":\"%s\",\"headers\":[%s]",
                entry->method ? entry->method : "GET", entry->url, entry->headers ? entry->headers : "");
  if (entry->post) sp_buf_printf(out, ",\"postData\":%s", entry->post);
  sp_buf_printf(out, "},\"response\":{\"status\":%d,\"content\":{\"mimeType\":\"%s\"}}}",
                entry->status ? entry->status : 200, entry->mime ? entry->mime : "application/json");
}

static void put_recording(struct sp_buf *out, const struct entry *entries) {
  sp_buf_init(out, HAR_MAX);
  sp_buf_append_text(out, "\xef\xbb\xbf{\"log\":{\"version\":\"1.2\",\"creator\":{},\"entries\":[");
  for (size_t i = 0; entries[i].url; i++) {
    if (i) sp_buf_append_char(out, ',');
    put_entry(out, &entries[i]);
  }
  sp_buf_append_text(out, "]}}");
}

static char *import_plan(const struct entry *entries, const struct sp_har_options *options) {
  struct sp_buf har;
  struct sp_import import;
  struct sp_err err = {0};
  put_recording(&har, entries);
  sp_import_init(&import, "a test");
  if (sp_import_har(&import, sp_buf_str(&har), options, &err)) fail_msg("%s", err.text);
  sp_buf_fini(&har); /* the import holds copies */
  char *plan = rig_write(&import);
  sp_import_fini(&import);
  return plan;
}

static void check_sent(const struct entry *entries, const struct sp_har_options *options, const char *expected) {
  char *plan = import_plan(entries, options), *sent = rig_run(plan);
  assert_string_equal(sent, expected);
  free(sent);
  free(plan);
}

static void check_note(const struct entry *entries, const char *note) {
  char *plan = import_plan(entries, &(struct sp_har_options){0});
  if (!strstr(plan, note)) fail_msg("no '%s' in\n%s", note, plan);
  free(plan);
}

static const struct sp_har_options by_default = {0};

/* ---- tests ---- */

static void test_steps_in_order_with_pauses(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"2024-05-01T12:00:00.000Z", "GET", "https://h/a?x=1", .time_ms = 100},
      {"2024-05-01T12:00:00.599Z", "GET", "https://h/b", .time_ms = 0},     /* 0.499 s behind: none */
      {"2024-05-01T12:00:10.000Z", "GET", "https://h/d", .time_ms = 1000},  /* out of order */
      {"2024-05-01T12:00:01.240Z", "GET", "https://h/c", .time_ms = 20000}, /* still under way when d starts */
      {"2024-05-01T14:00:23.740+02:00", "GET", "https://h/e"},
      {"2024-05-02T12:00:00Z", "GET", "https://h/f"},
      {0}};
  check_sent(
      entries, &by_default,
      "GET https://h /a?x=1 | name GET /a\nGET https://h /b | name GET /b\nsleep 0.6\nGET https://h /c | name GET /c\n"
      "GET https://h /d | name GET /d\nsleep 2.5\nGET https://h /e | name GET /e\nsleep 3600\nGET https://h /f | name "
      "GET /f");
}

static void test_times_that_are_none(void **state) {
  (void)state;
  static const struct entry entries[] = {{"yesterday", "GET", "https://h/a"},
                                         {"2024-05-01T12:00:00Z", "GET", "https://h/b"},
                                         {"2024-05-01T11:00", "GET", "https://h/c"},
                                         {"", "GET", "https://h/d"},
                                         {0}};
  check_sent(entries, &by_default,
             "GET https://h /a | name GET /a\nGET https://h /b | name GET /b\nGET https://h /c | name GET /c\n"
             "GET https://h /d | name GET /d");
}

static void test_static_resources(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"", NULL, "https://h/", "text/html", "document"},
      {"", NULL, "https://h/a", "image/png"},
      {"", NULL, "https://h/b", "text/css; charset=utf-8"},
      {"", NULL, "https://h/c", "application/javascript"},
      {"", NULL, "https://h/d", "font/woff2"},
      {"", NULL, "https://h/e.png?v=1", ""},
      {"", NULL, "https://h/f.js", "x-unknown"},
      {"", NULL, "https://h/g", "text/html", "script"},
      {"", "OPTIONS", "https://h/h", "text/plain", "preflight"},
      {"", NULL, "https://h/i.png", "image/png", "fetch"}, /* the page's code asked for it */
      {"", NULL, "https://h/j.js", "application/json"},
      {0}};
  check_sent(
      entries, &by_default,
      "GET https://h / | name GET /\nGET https://h /i.png | name GET /i.png\nGET https://h /j.js | name GET /j.js");
  check_note(entries, "-- note: static resources (images, fonts, styles, scripts) left out, --all keeps them: 8\n");
  char *plan = import_plan(entries, &(struct sp_har_options){.all = true});
  assert_non_null(strstr(plan, "-- 11 requests"));
  assert_null(strstr(plan, "note"));
  free(plan);
}

static void test_hosts(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"", NULL, "https://one.example/a"},        {"", NULL, "https://two.example/b"},
      {"", NULL, "https://TWO.example:443/c"},    {"", NULL, "http://two.example:8080/d"},
      {"", NULL, "https://three.example:8443/e"}, {0}};
  check_sent(entries, &by_default,
             "GET https://two.example /b | name GET /b\nGET https://two.example /c | name GET /c");
  check_note(entries,
             "requests to other hosts left out, --host NAME takes another: 3 (one.example 1, two.example:8080 1, "
             "three.example:8443 1)\n");
  check_sent(entries, &(struct sp_har_options){.host = "one.example"}, "GET https://one.example /a | name GET /a");
  check_sent(entries, &(struct sp_har_options){.host = "two.example:8080"},
             "GET http://two.example:8080 /d | name GET /d");
  check_sent(entries, &(struct sp_har_options){.host = "https://three.example:8443/"},
             "GET https://three.example:8443 /e | name GET /e");
  /* one name, several ports: the most frequent is the host of the load, the others are whole URLs */
  check_sent(entries, &(struct sp_har_options){.host = "Two.Example"},
             "GET https://two.example /b | name GET /b\nGET https://two.example /c | name GET /c\n"
             "GET http://two.example:8080/d | name GET /d");
}

static void test_no_http(void **state) {
  (void)state;
  static const struct entry entries[] = {{"", NULL, "data:image/png;base64,AAAA"},
                                         {"", NULL, "wss://h/ws"},
                                         {"", NULL, "https://h/ws", .status = 101},
                                         {"", NULL, "chrome-extension://x/y"},
                                         {"", NULL, "https://h/a"},
                                         {"", NULL, "https://h:0/"},
                                         {"", "M-SEARCH", "https://h/"},
                                         {0}};
  check_sent(entries, &by_default, "GET https://h /a | name GET /a");
  check_note(entries, "-- note: entries that are no HTTP requests (WebSocket, data:, …) left out: 4\n");
  check_note(entries, "-- note: entries whose URL or method cannot be sent left out: 2\n");
}

#define H(name, value) "{\"name\":\"" name "\",\"value\":\"" value "\"}"
#define BROWSER                                                                                                        \
  H(":authority", "h")                                                                                                 \
  "," H("User-Agent", "Mozilla/5.0") "," H("sec-ch-ua", "x") "," H("Sec-Fetch-Mode", "cors") "," H(                    \
      "Accept-Encoding", "gzip, br") "," H("Host", "h") "," H("Content-Length", "3") "," H("Pragma", "no-cache")

static void test_headers_are_shared(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"", NULL, "https://h/a", .headers = BROWSER "," H("Cookie", "s=1") "," H("X-Own", "1") "," H("Accept", "a/b")},
      {"", NULL, "https://h/b", .headers = BROWSER "," H("cookie", "s=2") "," H("X-Own", "2") "," H("Accept", "a/b")},
      {0}};
  check_sent(
      entries, &by_default,
      "GET https://h /a | Accept: a/b | Cookie: <cookie> | User-Agent: Mozilla/5.0 | X-Own: 1 | name GET /a | gzip\n"
      "GET https://h /b | Accept: a/b | Cookie: <cookie> | User-Agent: Mozilla/5.0 | X-Own: 2 | name GET /b | gzip");
  char *plan = import_plan(entries, &by_default);
  assert_non_null(strstr(plan, "headers = headers {\n"));
  const char *first = strstr(plan, "Mozilla/5.0");
  assert_true(first && !strstr(first + 1, "Mozilla/5.0"));
  free(plan);
}

static void test_bodies(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"", "POST", "https://h/j",
       .post = "{\"mimeType\":\"application/json\",\"text\":\"{\\\"q\\\":\\\"\\u4f60\\\\n\\\",\\\"l\\\":[]}\"}"},
      {"", "POST", "https://h/f",
       .post = "{\"mimeType\":\"application/x-www-form-urlencoded\",\"text\":\"a=1&password=p\"}"},
      {"", "POST", "https://h/p",
       .post = "{\"mimeType\":\"application/x-www-form-urlencoded\",\"params\":[" H("a b", "&") "," H("c", "d") "]}"},
      {"", "PUT", "https://h/u",
       .post = "{\"mimeType\":\"multipart/form-data; boundary=b\",\"params\":[{\"name\":\"file\"}]}"},
      {"", "POST", "https://h/n"},
      {0}};
  check_sent(
      entries, &by_default,
      "POST https://h /j | json {l:[],q:\"你\n\"} | name POST /j\n"
      "POST https://h /f | type application/x-www-form-urlencoded | body a=1&password=<password> | name POST /f\n"
      "POST https://h /p | type application/x-www-form-urlencoded | body a%20b=%26&c=d | name POST /p\n"
      "PUT https://h /u | type multipart/form-data; boundary=b | body  | name PUT /u\n"
      "POST https://h /n | name POST /n");
  check_note(entries, "-- note: bodies that the recording lacks (uploads), empty in the plan: 1\n");
}

static void test_streams(void **state) {
  (void)state;
#define JSON_BODY "{\"mimeType\":\"application/json\",\"text\":\"{}\"}"
  static const struct entry entries[] = {
      {"", "POST", "https://h/api/chat-messages", "text/event-stream; charset=utf-8", "fetch", .post = JSON_BODY},
      {"", "POST", "https://h/v1/chat/completions", "text/event-stream", "fetch", .post = JSON_BODY},
      {"", "GET", "https://h/events", "text/event-stream", "eventsource"},
      {0}};
  check_sent(entries, &by_default,
             "POST https://h /api/chat-messages | json {} | stream dify | name POST /api/chat-messages\n"
             "POST https://h /v1/chat/completions | json {} | stream openai | name POST /v1/chat/completions\n"
             "GET https://h /events | stream sse | name GET /events");
}

static void test_steps_over_the_cap(void **state) {
  (void)state;
  static struct entry entries[SP_IMPORT_STEPS_MAX + 8];
  for (size_t i = 0; i < SP_IMPORT_STEPS_MAX + 7; i++)
    entries[i] = (struct entry){"", NULL, "https://h/x", .headers = BROWSER};
  char *plan = import_plan(entries, &by_default); /* so many steps in one function load */
  assert_non_null(strstr(plan, "-- 500 requests"));
  assert_non_null(strstr(plan, "-- note: only the first 500 requests are steps, 7 more left out\n"));
  free(plan);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct {
    const char *har, *host, *why;
    int code;
  } rows[] = {
      {"", NULL, "not a recording", SP_EPARSE},
      {"<html>", NULL, "not a recording: no JSON: unexpected '<'", SP_EPARSE},
      {"[]", NULL, "no log.entries", SP_EPARSE},
      {"{\"log\":{\"entries\":{}}}", NULL, "no log.entries", SP_EPARSE},
      {"{\"log\":{\"entries\":[]}}", NULL, "no HTTP requests", SP_EPARSE},
      {"{\"log\":{\"entries\":[1,null,{},{\"request\":{\"url\":5}}]}}", NULL, "no HTTP requests", SP_EPARSE},
      {"{\"log\":{\"entries\":[{\"request\":{\"url\":\"http://h/a.css\"}}]}}", NULL, "--all keeps them", SP_EPARSE},
      {"{\"log\":{\"entries\":[{\"request\":{\"url\":\"http://h/a\"}}]}}", "g", "no request to 'g' (it has: h 1)",
       SP_EUSAGE},
      {"{\"log\":{\"entries\":[{\"request\":{\"url\":\"http://h/a\",\"method\":\"a b\"}}]}}", NULL,
       "no request that can be sent", SP_EPARSE},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_import import;
    struct sp_err err = {0};
    sp_import_init(&import, "a test");
    int code = sp_import_har(&import, sp_str_from(rows[i].har), &(struct sp_har_options){.host = rows[i].host}, &err);
    if (code != rows[i].code || !strstr(err.text, rows[i].why)) fail_msg("%s: %d %s", rows[i].har, code, err.text);
    sp_import_fini(&import);
  }
}

/* A recording that was cut is refused, wherever. */
static void test_cut_everywhere(void **state) {
  (void)state;
  static const struct entry entries[] = {
      {"2024-05-01T12:00:00.000Z", "POST", "https://h/a", .headers = BROWSER, .post = JSON_BODY}, {0}};
  struct sp_buf har;
  put_recording(&har, entries);
  for (size_t cut = 0; cut < har.len; cut++) {
    struct sp_import import;
    struct sp_err err = {0};
    char *copy = malloc(cut + 1); /* malloc(0) may be NULL */
    memcpy(copy, har.bytes, cut);
    sp_import_init(&import, "a test");
    assert_int_equal(sp_import_har(&import, sp_str_of(copy, cut), &by_default, &err), SP_EPARSE);
    sp_import_fini(&import);
    free(copy);
  }
  sp_buf_fini(&har);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps_in_order_with_pauses),
      cmocka_unit_test(test_times_that_are_none),
      cmocka_unit_test(test_static_resources),
      cmocka_unit_test(test_hosts),
      cmocka_unit_test(test_no_http),
      cmocka_unit_test(test_headers_are_shared),
      cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_steps_over_the_cap),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_cut_everywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
