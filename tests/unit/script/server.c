#include "server.h"

#include "base/buf.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (1u << 20)

static void pause_ms(int ms) {
  struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
  nanosleep(&t, NULL);
}

static bool send_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    len -= (size_t)n;
  }
  return true;
}

static bool send_chunk(int fd, const char *text) {
  struct sp_buf chunk;
  sp_buf_init(&chunk, REQUEST_MAX);
  sp_buf_printf(&chunk, "%zx\r\n%s\r\n", strlen(text), text);
  bool sent = send_all(fd, chunk.bytes, chunk.len);
  sp_buf_fini(&chunk);
  return sent;
}

static size_t body_length(const char *head) {
  const char *at = strcasestr(head, "\r\ncontent-length:");
  return at ? strtoul(at + 17, NULL, 10) : 0;
}

static bool read_request(int fd, struct sp_buf *request) {
  sp_buf_clear(request);
  for (;;) {
    if (sp_buf_reserve(request, 16384)) abort();
    ssize_t n = recv(fd, request->bytes + request->len, 16384, 0);
    if (n <= 0) return false;
    request->len += (size_t)n;
    request->bytes[request->len] = '\0';
    const char *end = strstr(request->bytes, "\r\n\r\n");
    if (end && request->len - (size_t)(end + 4 - request->bytes) >= body_length(request->bytes)) return true;
  }
}

static void keep_request(struct server *server, const struct sp_buf *request) {
  pthread_mutex_lock(&server->mutex);
  int n = atomic_load(&server->request_count);
  if (n < SERVER_REQUESTS_MAX) server->requests[n] = sp_strndup(request->bytes, request->len);
  atomic_store(&server->request_count, n + 1);
  pthread_mutex_unlock(&server->mutex);
}

static const struct step *find_steps(const struct server *server, const char *request) {
  static const struct step none[] = { SEND("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), DONE };
  const char *path = strchr(request, ' ');
  size_t len = path ? strcspn(path + 1, " ?") : 0;
  for (const struct route *route = server->routes; path && route->path; route++) {
    if (strlen(route->path) == len && memcmp(route->path, path + 1, len) == 0) return route->steps;
  }
  return none;
}

static void hold(int fd) {
  char bytes[4096];
  while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
  }
}

/* False: no further request on this connection. */
static bool follow(struct server *server, int fd, const struct step *step) {
  for (;; step++) {
    bool going = true;
    switch (step->kind) {
    case STEP_DONE: return true;
    case STEP_SEND: going = send_all(fd, step->text, strlen(step->text)); break;
    case STEP_CHUNK: going = send_chunk(fd, step->text); break;
    case STEP_LAST: going = send_all(fd, "0\r\n\r\n", 5); break;
    case STEP_PAUSE: pause_ms(step->ms); break;
    case STEP_GATE:
      for (int i = 0; i < 20000 && !atomic_load(&server->gate); i++) pause_ms(1);
      break;
    case STEP_CLOSE: return false;
    case STEP_RST: {
      struct linger hard = { .l_onoff = 1, .l_linger = 0 };
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      return false;
    }
    case STEP_HOLD: hold(fd); return false;
    case STEP_FLOOD:
      while (send_chunk(fd, step->text)) {
      }
      return false;
    }
    if (!going) return false;
    atomic_fetch_add(&server->steps, 1);
  }
}

static void *run_conn(void *arg) {
  struct server_conn *conn = arg;
  struct sp_buf request;
  sp_buf_init(&request, REQUEST_MAX);
  bool going = true;
  while (going && read_request(conn->fd, &request)) {
    keep_request(conn->server, &request);
    going = follow(conn->server, conn->fd, find_steps(conn->server, request.bytes));
  }
  sp_buf_fini(&request);
  close(conn->fd);
  return NULL;
}

static void *run_server(void *arg) {
  struct server *server = arg;
  pthread_attr_t small; /* ended threads keep their stacks until server_stop joins them */
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 * 1024);
  for (;;) {
    int fd = accept(server->fd, NULL, NULL), on = 1;
    if (fd < 0) return NULL;
    struct timeval limit = { 20, 0 }; /* no test hangs */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    int n = atomic_load(&server->conn_count);
    if (n == SERVER_CONNS_MAX) abort();
    server->conns[n] = (struct server_conn){ .server = server, .fd = fd };
    if (pthread_create(&server->conns[n].thread, &small, run_conn, &server->conns[n])) abort();
    atomic_store(&server->conn_count, n + 1);
  }
}

void server_start(struct server *server, const struct route *routes) {
  memset(server, 0, sizeof(*server));
  server->routes = routes;
  pthread_mutex_init(&server->mutex, NULL);
  server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof(address);
  if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, len) || listen(server->fd, 128)) abort();
  if (getsockname(server->fd, (struct sockaddr *)&address, &len)) abort();
  server->port = ntohs(address.sin_port);
  if (pthread_create(&server->thread, NULL, run_server, server)) abort();
}

void server_stop(struct server *server) {
  shutdown(server->fd, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->fd);
  for (int i = 0; i < atomic_load(&server->conn_count); i++) pthread_join(server->conns[i].thread, NULL);
}

void server_fini(struct server *server) {
  for (int i = 0; i < SERVER_REQUESTS_MAX; i++) free(server->requests[i]);
  pthread_mutex_destroy(&server->mutex);
}
