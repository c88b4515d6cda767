/* The server over a real loopback socket, asked byte by byte. The test is its main thread, too: it serves calls while it
 * waits for answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../report/fabricate.h"

#include "base/mem.h"
#include "web/web.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 5
#define PATIENCE_MS 20000
#define SEEN_SIZE 120

/* --- a client --- */

static unsigned port_of(const struct sp_web *web) { return (unsigned)strtoul(strrchr(sp_web_url(web), ':') + 1, NULL, 10); }

static int dial(unsigned port) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
  return fd;
}

struct answer {
  char *bytes;
  size_t len;
};

static void free_answer(struct answer *answer) { free(answer->bytes); }

/* Reads until `until` is there, or (NULL) the server closes. */
static void read_more(struct sp_web *web, int fd, struct answer *answer, const char *until) {
  struct pollfd ready = { .fd = fd, .events = POLLIN };
  for (int waited = 0; waited < PATIENCE_MS && !(until && answer->bytes && strstr(answer->bytes, until)); ) {
    sp_web_serve(web);
    if (poll(&ready, 1, WAIT_MS) <= 0) {
      waited += WAIT_MS;
      continue;
    }
    answer->bytes = sp_realloc(answer->bytes, answer->len + 65537);
    ssize_t got = recv(fd, answer->bytes + answer->len, 65536, 0);
    answer->len += got > 0 ? (size_t)got : 0;
    answer->bytes[answer->len] = 0;
    if (got <= 0) {
      return;
    }
  }
  assert_true(until && answer->bytes && strstr(answer->bytes, until));
}

static char *ask(struct sp_web *web, const char *request) {
  static struct answer answer;
  answer.len = 0;
  int fd = dial(port_of(web));
  assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
  read_more(web, fd, &answer, NULL);
  close(fd);
  return answer.bytes ? answer.bytes : (answer.bytes = sp_strdup(""));
}

static char *get(struct sp_web *web, const char *path, const char *headers) {
  char request[4096];
  snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s\r\n", path, port_of(web), headers);
  return ask(web, request);
}

static char *post(struct sp_web *web, const char *path, const char *headers, const char *body) {
  char request[8192];
  snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", path,
           port_of(web), strlen(body), headers, body);
  return ask(web, request);
}
#define JSON_TYPE "Content-Type: application/json\r\n"

static void assert_status(const char *answer, int status) {
  char line[40];
  snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
  if (strncmp(answer, line, strlen(line)) != 0) {
    fprintf(stderr, "not %d: %.300s\n", status, answer);
  }
  assert_memory_equal(answer, line, strlen(line));
}

static json_t *body_of(const char *answer) {
  json_error_t error;
  json_t *json = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, &error);
  assert_non_null(json);
  return json;
}

/* --- a host --- */

static void wake(void *ctx) { (void)ctx; }
static char *summary(void *ctx) {
  (void)ctx;
  return sp_strdup("{\"schema\":\"test\"}");
}
static void users(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  snprintf(ctx, SEEN_SIZE, "%s", form->users);
  sp_web_answer_done(answer);
}
static void out(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  snprintf(ctx, SEEN_SIZE, "%s", form->rest);
  snprintf(answer->download, sizeof(answer->download), "x.txt");
  answer->type = "text/plain";
  sp_buf_append_text(&answer->body, "given");
}
static void never(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  (void)ctx, (void)form, (void)answer;
  fail();
}
static const struct sp_web_host host = { .wake = wake, .summary = summary, .users = users, .out = out, .stop = never };

static char seen[SEEN_SIZE];

static struct sp_web *open_web(const char *address, const char *token) {
  struct sp_err err;
  struct sp_web_options options = { .address = address, .host = &host, .ctx = seen, .serve = true, .token = token };
  struct sp_web *web = sp_web_open(&options, &err);
  assert_non_null(web);
  seen[0] = 0;
  return web;
}

/* --- calls --- */

static void calls(void **state) {
  (void)state;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  char *answer = get(web, "/api/state", "");
  assert_status(answer, 200);
  assert_non_null(strstr(answer, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
  assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
  json_t *json = body_of(answer);
  assert_string_equal(json_string_value(json_object_get(json, "phase")), "idle");
  json_decref(json);
  assert_status(get(web, "/metrics", ""), 503);
  assert_status(get(web, "/api/summary", ""), 404);
  assert_status(get(web, "/api/data", ""), 404);
  assert_status(get(web, "/api/history", ""), 404); /* the host has none */
  assert_status(get(web, "/api/history/abc", ""), 404);
  assert_status(post(web, "/api/users", JSON_TYPE, "{\"users\":80}"), 200);
  assert_string_equal(seen, "80");
  answer = get(web, "/api/out/requests.csv", "");
  assert_non_null(strstr(answer, "\r\nContent-Disposition: attachment; filename=\"x.txt\"\r\n"));
  assert_string_equal(seen, "requests.csv");
  sp_web_close(web);
}

static void the_page(void **state) {
  (void)state;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  char *answer = get(web, "/", "");
  assert_status(answer, 200);
  assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
  assert_non_null(strstr(answer, "frame-ancestors 'none'"));
  assert_non_null(strstr(answer, "<!doctype html>"));
  answer = get(web, "/", "Accept-Encoding: br, gzip\r\n");
  assert_non_null(strstr(answer, "\r\nContent-Encoding: gzip\r\n"));
  assert_memory_equal(strstr(answer, "\r\n\r\n") + 4, "\x1f\x8b", 2);
  sp_web_close(web);
}

static void paths_lead_nowhere(void **state) {
  (void)state;
  static const char *const paths[] = { "/other",          "/metrics/",           "/api/",        "/api/out/",      "/api/out/../x",
                                       "/api/out/..",     "/api/out/%2e%2e%2fx", "//api/state",  "/api/state/",    "/API/state",
                                       "/api/out/.hid",   "/../etc/passwd",      "/api/out/a/b", "/api/out/a%00b", "/api/out/a%2fb",
                                       "/index.html",     "/api/out/\xc3\xa4" };
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    char *answer = get(web, paths[i], "");
    assert_true(strncmp(answer, "HTTP/1.1 404", 12) == 0 || strncmp(answer, "HTTP/1.1 400", 12) == 0 || !*answer ||
                strcmp(seen, "a") == 0); /* %00 ends a path for libmicrohttpd */
  }
  assert_null(strstr(seen, "/"));
  sp_web_close(web);
}

static void what_is_refused(void **state) {
  (void)state;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  char origin[80];
  assert_status(ask(web, "GET /api/state HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), 403);
  assert_status(ask(web, "GET /api/state HTTP/1.0\r\n\r\n"), 403);
  assert_status(post(web, "/api/stop", JSON_TYPE "Origin: http://evil.example\r\n", "{}"), 403);
  assert_status(post(web, "/api/stop", JSON_TYPE "Origin: null\r\n", "{}"), 403);
  assert_status(post(web, "/api/stop", "", "{}"), 400);
  assert_status(post(web, "/api/stop", "Content-Type: text/plain\r\n", "{}"), 400);
  assert_status(post(web, "/api/stop", "Content-Type: application/jsonp\r\n", "{}"), 400);
  assert_status(post(web, "/api/stop", JSON_TYPE, "{"), 400);
  assert_status(post(web, "/api/users", JSON_TYPE, "{\"users\":{}}"), 400);
  char *answer = get(web, "/api/stop", "");
  assert_status(answer, 405);
  assert_non_null(strstr(answer, "\r\nAllow: POST\r\n"));
  answer = post(web, "/api/state", JSON_TYPE, "{}");
  assert_status(answer, 405);
  assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
  assert_status(ask(web, "DELETE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 405);
  snprintf(origin, sizeof(origin), JSON_TYPE "Origin: http://127.0.0.1:%u\r\n", port_of(web));
  assert_status(post(web, "/api/users", origin, "{\"users\":3}"), 200);
  assert_string_equal(seen, "3");
  sp_web_close(web);
}

static void a_token(void **state) {
  (void)state;
  struct sp_web *web = open_web("0.0.0.0:0", "0123456789abcdef");
  char cookie[80];
  assert_non_null(strstr(sp_web_entry(web), "/?token=0123456789abcdef"));
  assert_null(strstr(sp_web_url(web), "token"));
  static const char *const closed[] = { "/", "/metrics", "/api/state", "/api/live", "/api/out/json", "/nothing" };
  for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
    assert_status(get(web, closed[i], ""), 401);
    assert_status(get(web, closed[i], "Authorization: Bearer 0123456789abcdeF\r\n"), 401);
  }
  assert_status(get(web, "/?token=0123456789abcdeF", ""), 401);
  assert_status(get(web, "/api/state?token=0123456789abcdef", ""), 401); /* the page's address only */
  assert_status(post(web, "/api/stop", JSON_TYPE, "{}"), 401);
  char *answer = get(web, "/?token=0123456789abcdef", "");
  assert_status(answer, 303);
  assert_non_null(strstr(answer, "\r\nLocation: /\r\n"));
  assert_non_null(strstr(answer, "=0123456789abcdef; Path=/; HttpOnly; SameSite=Strict\r\n"));
  snprintf(cookie, sizeof(cookie), "Cookie: spate_%u=0123456789abcdef\r\n", port_of(web));
  answer = get(web, "/api/state", cookie);
  assert_status(answer, 200);
  assert_null(strstr(answer, "0123456789abcdef"));
  assert_status(get(web, "/api/state", "Authorization: Bearer 0123456789abcdef\r\n"), 200);
  sp_web_close(web);
}

/* --- sizes, slowness, numbers --- */

static void huge_requests(void **state) {
  (void)state;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  char *request = sp_alloc(200000);
  int len = sprintf(request, "GET /api/state HTTP/1.1\r\nHost: localhost\r\nX: ");
  memset(request + len, 'a', 190000 - (size_t)len);
  strcpy(request + 190000, "\r\n\r\n");
  char *answer = ask(web, request);
  assert_true(!*answer || strncmp(answer, "HTTP/1.1 4", 10) == 0);
  char said[300];
  snprintf(said, sizeof(said), "POST /api/users HTTP/1.1\r\nHost: localhost\r\n" JSON_TYPE
                               "Content-Length: 999999999\r\nConnection: close\r\n\r\n");
  answer = ask(web, said);
  assert_status(answer, 413);
  len = sprintf(request, "POST /api/users HTTP/1.1\r\nHost: localhost\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n20000\r\n");
  memset(request + len, ' ', 0x20000);
  strcpy(request + len + 0x20000, "\r\n0\r\n\r\n");
  answer = ask(web, request); /* one that isn't said */
  assert_true(!*answer || strncmp(answer, "HTTP/1.1 200", 12) != 0);
  assert_string_equal(seen, "");
  free(request);
  assert_status(get(web, "/api/state", ""), 200);
  sp_web_close(web);
}

/* More connections than the limit wait or go; the server lives. */
static void many_connections(void **state) {
  (void)state;
  int fds[2 * SP_WEB_CONNECTIONS_MAX];
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    fds[i] = dial(port_of(web));
    assert_true(send(fds[i], "GET /", i % 6, MSG_NOSIGNAL) >= 0); /* parts of a request, or nothing */
  }
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    close(fds[i]);
  }
  for (int i = 0; i < 100 && strncmp(get(web, "/api/state", ""), "HTTP/1.1 200", 12) != 0; i++) {
    usleep(50000);
  }
  assert_status(get(web, "/api/state", ""), 200);
  sp_web_close(web);
}

static void a_busy_main_thread(void **state) {
  (void)state;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  int fd = dial(port_of(web));
  const char *request = "GET /api/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
  usleep(200000);    /* nobody serves */
  sp_web_close(web); /* and whoever waits is let go */
  char answer[600] = "";
  assert_true(recv(fd, answer, sizeof(answer) - 1, 0) >= 0);
  assert_true(!*answer || strncmp(answer, "HTTP/1.1 503", 12) == 0);
  close(fd);
}

static void a_taken_port(void **state) {
  (void)state;
  struct sp_err err;
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  char address[40];
  snprintf(address, sizeof(address), "127.0.0.1:%u", port_of(web));
  struct sp_web_options options = { .address = address, .host = &host };
  assert_null(sp_web_open(&options, &err));
  assert_non_null(strstr(err.text, "cannot listen on 127.0.0.1:"));
  assert_non_null(strstr(err.text, "in use"));
  options.address = "127.0.0.1:0";
  options.cert = "/nowhere.pem";
  assert_null(sp_web_open(&options, &err));
  assert_non_null(strstr(err.text, "--web-cert and --web-key belong together"));
  options.key = "/nowhere.key";
  assert_null(sp_web_open(&options, &err));
  assert_non_null(strstr(err.text, "cannot read '/nowhere.pem'"));
  sp_web_close(web);
}

/* --- a run --- */

struct watcher {
  int fd;
  struct answer got;
};

static void watch(struct sp_web *web, struct watcher *watcher, const char *last_id) {
  char request[300];
  *watcher = (struct watcher){ .fd = dial(port_of(web)) };
  snprintf(request, sizeof(request), "GET /api/live HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", last_id ? "Last-Event-ID: " : "",
           last_id ? last_id : "", last_id ? "\r\n" : "");
  assert_true(send(watcher->fd, request, strlen(request), MSG_NOSIGNAL) > 0);
  read_more(web, watcher->fd, &watcher->got, "event: summary");
}

static void leave(struct watcher *watcher) {
  close(watcher->fd);
  free_answer(&watcher->got);
}

static unsigned count(const char *text, const char *what) {
  unsigned found = 0;
  for (; (text = strstr(text, what)); text += strlen(what)) {
    found++;
  }
  return found;
}

static void begin(struct sp_web *web, struct fabricated *f, const char *id) {
  struct sp_run_begin begun = { .version = "0.1.0", .id = id, .name = "<script>&\"", .plan = "p", .host = "h", .real_ns = 1,
                                .mono_ns = BEGIN_NS, .load = &f->load };
  sp_web_begin(web, &begun);
}

/* Events as they come, those missed, those of another run, a reset, the end. */
static void watching(void **state) {
  (void)state;
  struct fabricated f;
  struct watcher first, second;
  fabricate(&f);
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  begin(web, &f, "run-1");
  for (int i = 0; i < 3; i++) {
    sp_web_tick(web, &f.view);
  }
  watch(web, &first, NULL);
  assert_int_equal(count(first.got.bytes, "event: tick"), 3);
  assert_non_null(strstr(first.got.bytes, "event: state"));
  assert_true(strstr(first.got.bytes, "event: state") < strstr(first.got.bytes, "event: tick"));
  watch(web, &second, "run-1:1");
  assert_int_equal(count(second.got.bytes, "event: tick"), 1);
  assert_non_null(strstr(second.got.bytes, "id: run-1:2\nevent: tick\n"));
  sp_web_tick(web, &f.view);
  sp_web_log(web, "info", "hello");
  read_more(web, first.fd, &first.got, "\"text\":\"hello\"");
  read_more(web, second.fd, &second.got, "\"text\":\"hello\"");
  assert_int_equal(count(first.got.bytes, "event: tick"), 4);
  assert_int_equal(count(second.got.bytes, "event: tick"), 2);
  leave(&second);
  watch(web, &second, "run-0:2"); /* before the server was restarted */
  assert_int_equal(count(second.got.bytes, "event: tick"), 4);
  leave(&second);
  watch(web, &second, "2");
  assert_int_equal(count(second.got.bytes, "event: tick"), 1);
  sp_web_reset(web);
  read_more(web, first.fd, &first.got, "\"first\":4");
  sp_web_tick(web, &f.view);
  leave(&second);
  watch(web, &second, NULL);
  assert_int_equal(count(second.got.bytes, "event: tick"), 1);
  assert_non_null(strstr(second.got.bytes, "id: run-1:4\n"));
  sp_web_end(web, &f.result);
  read_more(web, first.fd, &first.got, "\"phase\":\"ended\"");
  assert_non_null(strstr(first.got.bytes, "\"schema\":\"spate.summary/1\""));
  begin(web, &f, "run-2");
  sp_web_tick(web, &f.view);
  read_more(web, first.fd, &first.got, "id: run-2:0\n");
  sp_web_close(web);
  leave(&first);
  leave(&second);
  fabricated_fini(&f);
}

static void data(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  begin(web, &f, "run-1");
  sp_web_tick(web, &f.view);
  json_t *json = body_of(get(web, "/api/data", ""));
  assert_string_equal(json_string_value(json_object_get(json, "schema")), "spate.page/1");
  assert_int_equal(json_array_size(json_object_get(json, "ticks")), 1);
  assert_string_equal(json_string_value(json_object_get(json_object_get(json, "begin"), "name")), "<script>&\"");
  json_decref(json);
  assert_status(get(web, "/api/summary", ""), 200);
  sp_web_close(web);
  fabricated_fini(&f);
}

/* --- the metrics --- */

static void *scrape(void *ctx) {
  char request[200], answer[4096];
  usleep(20000);
  int fd = dial(*(unsigned *)ctx);
  snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
    while (recv(fd, answer, sizeof(answer), 0) > 0) {
    }
  }
  close(fd);
  return NULL;
}

/* From begin to end, and the last figures wait for who came before. */
static void metrics(void **state) {
  (void)state;
  struct fabricated f;
  pthread_t thread;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  struct sp_web *web = open_web("127.0.0.1:0", NULL);
  unsigned port = port_of(web);
  char note[200];
  begin(web, &f, "run-1");
  assert_status(get(web, "/metrics", ""), 503);
  sp_web_tick(web, &f.view);
  char *answer = get(web, "/metrics", "");
  assert_status(answer, 200);
  assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  assert_non_null(strstr(answer, "\nspate_users 50\n"));
  assert_null(strstr(answer, "spate_run_valid"));
  answer = get(web, "/metrics", "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n");
  assert_non_null(strstr(answer, "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
  sp_web_end(web, &f.result);
  for (int i = 0; i < 400 && !sp_web_linger_note(web, note, sizeof(note)); i++) {
    usleep(50000); /* a visit is counted when its answer has left */
  }
  assert_non_null(strstr(note, "waiting for the scraper"));
  assert_non_null(strstr(get(web, "/metrics", ""), "\nspate_run_valid 1\n"));
  assert_int_equal(pthread_create(&thread, NULL, scrape, &port), 0);
  sp_web_linger(web);
  pthread_join(thread, NULL);
  sp_web_close(web);
  fabricated_fini(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls),         cmocka_unit_test(the_page),         cmocka_unit_test(paths_lead_nowhere),
    cmocka_unit_test(what_is_refused), cmocka_unit_test(a_token),        cmocka_unit_test(huge_requests),
    cmocka_unit_test(many_connections), cmocka_unit_test(a_busy_main_thread), cmocka_unit_test(a_taken_port),
    cmocka_unit_test(watching),      cmocka_unit_test(data),             cmocka_unit_test(metrics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
