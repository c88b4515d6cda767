#include "harness.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(int ms) {
  struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
  nanosleep(&t, NULL);
}

static size_t body_length(const char *head) {
  const char *at = strcasestr(head, "\r\ncontent-length:");
  return at ? strtoul(at + 17, NULL, 10) : 0;
}

static void keep_request(struct server *server, const struct sp_buf *request) {
  pthread_mutex_lock(&server->mutex);
  int n = atomic_load(&server->request_count);
  if (n < SERVER_REQUESTS_MAX) server->requests[n] = sp_strndup(request->bytes, request->len);
  atomic_store(&server->request_count, n + 1);
  pthread_mutex_unlock(&server->mutex);
}

/* False when the peer has closed. Requests do not overlap, so what one recv gives belongs to one request. */
static bool expect(struct server *server, int fd, int sip_ms) {
  struct sp_buf request;
  sp_buf_init(&request, 128u << 20);
  bool whole = false;
  while (!whole) {
    size_t size = sip_ms > 0 ? 1u << 20 : 65535;
    if (sip_ms > 0 && request.len < 16u << 20) sleep_ms(sip_ms);
    assert_int_equal(sp_buf_reserve(&request, size + 1), 0);
    ssize_t n = recv(fd, request.bytes + request.len, size, 0);
    if (n <= 0) break;
    request.len += (size_t)n;
    request.bytes[request.len] = '\0';
    const char *end = strstr(request.bytes, "\r\n\r\n");
    whole = end && request.len - (size_t)(end + 4 - request.bytes) >= body_length(request.bytes);
  }
  if (whole) keep_request(server, &request);
  sp_buf_fini(&request);
  return whole;
}

static bool take(int fd) {
  char bytes[65536];
  return recv(fd, bytes, sizeof bytes, 0) > 0;
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

static bool trickle(int fd, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (!send_all(fd, bytes + i, 1)) return false;
    if (i % 8 == 0) usleep(100); /* lets the reader see pieces */
  }
  return true;
}

static void hold(int fd) {
  char bytes[4096];
  while (recv(fd, bytes, sizeof bytes, 0) > 0) {
  }
}

static void reset(int fd) {
  struct linger hard = { .l_onoff = 1, .l_linger = 0 };
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/* False: the script is over. */
static bool follow(struct server_conn *conn, const struct step *step) {
  switch (step->kind) {
  case STEP_END: return false;
  case STEP_EXPECT: return expect(conn->server, conn->fd, 0);
  case STEP_SIP: return expect(conn->server, conn->fd, step->ms);
  case STEP_TAKE: return take(conn->fd);
  case STEP_SEND: return send_all(conn->fd, step->bytes, step->len);
  case STEP_TRICKLE: return trickle(conn->fd, step->bytes, step->len);
  case STEP_PAUSE:
  case STEP_DEAF: sleep_ms(step->ms); return true;
  case STEP_RST: reset(conn->fd); return false;
  case STEP_HOLD: hold(conn->fd); return false;
  case STEP_FLOOD:
    while (send_all(conn->fd, step->bytes, step->len)) {
    }
    return false;
  case STEP_AGAIN: return true;
  }
  return false;
}

static void *run_conn(void *arg) {
  struct server_conn *conn = arg;
  const struct step *step = conn->steps;
  while (follow(conn, step)) step = step->kind == STEP_AGAIN ? conn->steps : step + 1;
  close(conn->fd);
  return NULL;
}

static void *run_server(void *arg) {
  struct server *server = arg;
  for (;;) {
    int fd = accept(server->fd, NULL, NULL);
    if (fd < 0) return NULL;
    int on = 1;
    struct timeval limit = { 20, 0 }; /* no test hangs */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int n = atomic_load(&server->conn_count);
    if (n == SERVER_CONNS_MAX) abort();
    size_t script = (size_t)n < server->script_count ? (size_t)n : server->script_count - 1;
    server->conns[n] = (struct server_conn){ .server = server, .steps = server->scripts[script], .fd = fd };
    atomic_store(&server->conn_count, n + 1);
    if (pthread_create(&server->conns[n].thread, NULL, run_conn, &server->conns[n]) != 0) abort();
  }
}

void server_start(struct server *server, bool ipv6, const struct step *const *scripts, size_t count) {
  memset(server, 0, sizeof *server);
  assert_in_range(count, 1, sizeof server->scripts / sizeof server->scripts[0]);
  memcpy(server->scripts, scripts, count * sizeof *scripts);
  server->script_count = count;
  pthread_mutex_init(&server->mutex, NULL);
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  const struct sockaddr *address = ipv6 ? (const void *)&in6 : (const void *)&in;
  socklen_t len = ipv6 ? sizeof in6 : sizeof in;
  server->fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(server->fd, address, len), 0);
  assert_int_equal(listen(server->fd, 64), 0);
  struct sockaddr_storage bound;
  len = sizeof bound;
  assert_int_equal(getsockname(server->fd, (struct sockaddr *)&bound, &len), 0);
  server->port = ntohs(ipv6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
  assert_int_equal(pthread_create(&server->thread, NULL, run_server, server), 0);
}

const char *server_request(struct server *server, int number) {
  pthread_mutex_lock(&server->mutex);
  const char *request = server->requests[number];
  pthread_mutex_unlock(&server->mutex);
  return request;
}

void server_stop(struct server *server) {
  shutdown(server->fd, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->fd);
  for (int i = 0; i < atomic_load(&server->conn_count); i++) pthread_join(server->conns[i].thread, NULL);
  for (int i = 0; i < SERVER_REQUESTS_MAX; i++) free(server->requests[i]);
  pthread_mutex_destroy(&server->mutex);
}
