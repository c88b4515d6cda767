/* The server over a real loopback socket, asked byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../report/fabricate.h"

#include "base/mem.h"
#include "web/metrics.h"
#include "web/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned port_of(const char *url) { return (unsigned)strtoul(strrchr(url, ':') + 1, NULL, 10); }

static int dial(unsigned port) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = { .tv_sec = 20 };
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
  return fd;
}

/* All that is answered until the server closes. */
static char *ask(unsigned port, const char *request) {
  static char answer[1 << 20];
  size_t len = 0;
  ssize_t got;
  int fd = dial(port);
  assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
  while (len < sizeof(answer) - 1 && (got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0) {
    len += (size_t)got;
  }
  answer[len] = 0;
  close(fd);
  return answer;
}

static char *get(unsigned port, const char *path, const char *headers) {
  char request[4096];
  snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s\r\n", path, port, headers);
  return ask(port, request);
}

static void assert_status(const char *answer, int status) {
  char line[40];
  snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
  if (strncmp(answer, line, strlen(line)) != 0) {
    fprintf(stderr, "not %d: %.200s\n", status, answer);
  }
  assert_memory_equal(answer, line, strlen(line));
}

static struct sp_web_server *open_server(unsigned *port) {
  struct sp_err err;
  struct sp_web_server *server = sp_web_server_open("127.0.0.1:0", &err);
  assert_non_null(server);
  *port = port_of(sp_web_server_url(server));
  return server;
}

static void publish(struct sp_web_server *server, enum sp_web_text which, const char *text) {
  sp_web_server_publish(server, which, sp_strdup(text), strlen(text));
}

static void answers(void **state) {
  (void)state;
  unsigned port;
  uint64_t scrapes;
  int64_t every_ns;
  struct sp_web_server *server = open_server(&port);
  assert_status(get(port, "/metrics", ""), 503);
  assert_status(get(port, "/", ""), 503);
  publish(server, SP_WEB_METRICS_TEXT, "plain 1\n");
  publish(server, SP_WEB_METRICS_OPENMETRICS, "open 1\n");
  publish(server, SP_WEB_PAGE, "<p>page");
  char *answer = get(port, "/metrics", "");
  assert_status(answer, 200);
  assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  assert_non_null(strstr(answer, "\r\n\r\nplain 1\n"));
  answer = get(port, "/metrics", "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n");
  assert_non_null(strstr(answer, "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
  assert_non_null(strstr(answer, "\r\n\r\nopen 1\n"));
  answer = get(port, "/", "");
  assert_status(answer, 200);
  assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'none'"));
  assert_non_null(strstr(answer, "\r\n\r\n<p>page"));
  assert_status(get(port, "/other", ""), 404);
  assert_status(get(port, "/metrics/", ""), 404);
  for (uint64_t seen = 0; seen < 2; seen++) { /* counted when the answer has left, which we may see before */
    sp_web_server_wait_scrape(server, seen, 20 * SP_NS_PER_S);
  }
  sp_web_server_scrapes(server, &scrapes, &every_ns);
  assert_int_equal(scrapes, 2);
  assert_true(every_ns > 0);
  sp_web_server_close(server);
}

static void what_is_refused(void **state) {
  (void)state;
  unsigned port;
  struct sp_web_server *server = open_server(&port);
  publish(server, SP_WEB_METRICS_TEXT, "secret");
  char *answer = ask(port, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  assert_status(answer, 403);
  assert_null(strstr(answer, "secret"));
  answer = ask(port, "GET /metrics HTTP/1.0\r\n\r\n");
  assert_status(answer, 403);
  answer = ask(port, "POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
  assert_status(answer, 405);
  assert_non_null(strstr(answer, "Allow: GET, HEAD"));
  assert_status(ask(port, "DELETE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 405);
  answer = ask(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
  assert_null(strstr(answer, "secret"));
  sp_web_server_close(server);
}

/* A head that never fits is not stored. */
static void a_huge_head(void **state) {
  (void)state;
  unsigned port;
  struct sp_web_server *server = open_server(&port);
  publish(server, SP_WEB_METRICS_TEXT, "secret");
  char *request = sp_alloc(200000);
  int len = sprintf(request, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ");
  memset(request + len, 'a', 190000 - (size_t)len);
  strcpy(request + 190000, "\r\n\r\n");
  char *answer = ask(port, request);
  assert_null(strstr(answer, "secret"));
  free(request);
  assert_status(get(port, "/metrics", ""), 200);
  sp_web_server_close(server);
}

/* More connections than the limit wait or go; the server lives. */
static void many_connections(void **state) {
  (void)state;
  int fds[2 * SP_WEB_CONNECTIONS_MAX];
  unsigned port;
  struct sp_web_server *server = open_server(&port);
  publish(server, SP_WEB_METRICS_TEXT, "plain");
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    fds[i] = dial(port);
  }
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    close(fds[i]);
  }
  for (int i = 0; i < 100 && strncmp(get(port, "/metrics", ""), "HTTP/1.1 200", 12) != 0; i++) {
    usleep(50000);
  }
  assert_status(get(port, "/metrics", ""), 200);
  sp_web_server_close(server);
}

static void *publish_often(void *ctx) {
  for (int i = 0; i < 2000; i++) {
    char text[4096];
    memset(text, 'a' + i % 26, sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    publish(ctx, SP_WEB_METRICS_TEXT, text);
  }
  return NULL;
}

/* A text is handed out whole, whatever is published meanwhile. */
static void texts_are_whole(void **state) {
  (void)state;
  unsigned port;
  pthread_t thread;
  struct sp_web_server *server = open_server(&port);
  publish(server, SP_WEB_METRICS_TEXT, "a");
  assert_int_equal(pthread_create(&thread, NULL, publish_often, server), 0);
  for (int i = 0; i < 50; i++) {
    const char *body = strstr(get(port, "/metrics", ""), "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strspn(body + 4, (char[]){ body[4], 0 }), strlen(body + 4));
  }
  pthread_join(thread, NULL);
  sp_web_server_close(server);
}

static void a_taken_port(void **state) {
  (void)state;
  char address[40];
  struct sp_err err;
  unsigned port;
  struct sp_web_server *server = open_server(&port);
  snprintf(address, sizeof(address), "127.0.0.1:%u", port);
  assert_null(sp_web_server_open(address, &err));
  assert_non_null(strstr(err.text, "cannot listen on 127.0.0.1:"));
  assert_non_null(strstr(err.text, "in use"));
  sp_web_server_close(server);
}

/* --- the output --- */

static void *scrape(void *ctx) {
  usleep(20000);
  get(*(unsigned *)ctx, "/metrics", "");
  return NULL;
}

/* From begin to end, and the last figures wait for who came before. */
static void a_run(void **state) {
  (void)state;
  struct fabricated f;
  struct sp_err err;
  void *report;
  pthread_t thread;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  f.result.name = "<script>&\"";
  struct sp_run_begin begin = { .version = "0.1.0", .id = "id", .name = f.result.name, .plan = "p", .host = "h",
                                .real_ns = 1, .mono_ns = BEGIN_NS, .load = &f.load };
  assert_int_equal(sp_report_web.open("127.0.0.1:0", &report, &err), 0);
  unsigned port = port_of(sp_web_url(report));
  sp_report_web.begin(report, &begin);
  assert_status(get(port, "/metrics", ""), 503);
  sp_report_web.on_tick(report, &f.view);
  char *answer = get(port, "/metrics", "");
  assert_non_null(strstr(answer, "\nspate_users 50\n"));
  assert_null(strstr(answer, "spate_run_valid"));
  answer = get(port, "/", "");
  assert_non_null(strstr(answer, "<h1>&lt;script&gt;&amp;&quot;</h1>"));
  assert_non_null(strstr(answer, "http-equiv=refresh"));
  get(port, "/metrics", "");
  char note[200];
  assert_int_equal(sp_report_web.write(report, &f.result, &err), 0);
  for (int i = 0; i < 400 && !sp_report_web.note(report, note, sizeof(note)); i++) {
    usleep(50000); /* a visit is counted when its answer has left */
  }
  assert_true(sp_report_web.note(report, note, sizeof(note)));
  answer = get(port, "/metrics", "");
  assert_non_null(strstr(answer, "\nspate_run_valid 1\n"));
  assert_null(strstr(get(port, "/", ""), "http-equiv=refresh"));
  assert_int_equal(pthread_create(&thread, NULL, scrape, &port), 0);
  sp_report_web.close(report);
  pthread_join(thread, NULL);
  fabricated_fini(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers),      cmocka_unit_test(what_is_refused),  cmocka_unit_test(a_huge_head),
    cmocka_unit_test(many_connections), cmocka_unit_test(texts_are_whole), cmocka_unit_test(a_taken_port),
    cmocka_unit_test(a_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
