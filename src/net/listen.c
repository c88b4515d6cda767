#include "net/conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_MAX 300 /* characters of "host:port" */

/* "[::1]:80" or "host:80" into its two parts, inside text. */
static int split_address(char *text, char **host, char **port, struct sp_err *err) {
  char *colon = strrchr(text, ':');
  if (!colon) return sp_fail(err, SP_EUSAGE, "address '%s' has no port (host:port)", text);
  bool bracketed = text[0] == '[' && colon > text && colon[-1] == ']';
  if (!bracketed && memchr(text, ':', (size_t)(colon - text)))
    return sp_fail(err, SP_EUSAGE, "address '%s': an IPv6 address stands in brackets ([::1]:80)", text);
  *port = colon + 1;
  *colon = '\0';
  *host = text;
  if (bracketed) {
    *host = text + 1;
    colon[-1] = '\0';
  }
  return SP_OK;
}

static int check_port(const char *port, const char *address, struct sp_err *err) {
  uint64_t number;
  if (sp_parse_count(port, &number, NULL) < 0 || strspn(port, "0123456789") != strlen(port) || number > UINT16_MAX)
    return sp_fail(err, SP_EUSAGE, "address '%s': '%s' is no port (0 to 65535)", address, port);
  return SP_OK;
}

static int fail_listen(struct sp_err *err, const char *address, int error) {
  if (error == EADDRINUSE)
    return sp_fail(err, SP_EIO, "cannot listen on %s: the port is taken by another program", address);
  if (error == EACCES)
    return sp_fail(err, SP_EIO, "cannot listen on %s: ports below 1024 need a privilege", address);
  return sp_fail(err, SP_EIO, "cannot listen on %s: %s", address, strerror(error));
}

/* A listening socket, or -errno. */
static int open_socket(const struct addrinfo *info) {
  int on = 1;
  int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SP_LISTEN_BACKLOG) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

static int open_first(const char *host, const char *port, const char *address, struct sp_err *err) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
  struct addrinfo *list = NULL;
  int rc = getaddrinfo(*host ? host : NULL, port, &hints, &list);
  if (rc != 0) return sp_fail(err, SP_EIO, "cannot listen on %s: %s", address, gai_strerror(rc));
  int fd = -EADDRNOTAVAIL;
  for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next) fd = open_socket(info);
  freeaddrinfo(list);
  return fd >= 0 ? fd : fail_listen(err, address, -fd);
}

/* -- accepting -- */

static bool is_out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The descriptor stays ready while its queue is full: polling on would spin. */
static void pause_accepting(struct sp_listener *listener) {
  listener->pauses++;
  sp_poll_want(&listener->poll, 0);
  sp_timer_start(&listener->pause, sp_loop_update_now(listener->poll.loop) + SP_LISTEN_PAUSE_NS);
}

static void on_pause_over(struct sp_timer *timer) {
  struct sp_listener *listener = sp_container_of(timer, struct sp_listener, pause);
  sp_poll_want(&listener->poll, SP_POLL_READ);
}

static void on_acceptable(struct sp_poll *poll, int events) {
  (void)events;
  struct sp_listener *listener = sp_container_of(poll, struct sp_listener, poll);
  for (int i = 0; i < SP_LISTEN_TURN_MAX && listener->fd >= 0; i++) {
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      listener->on_accept(listener, fd);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (is_out_of_resources(errno)) {
      pause_accepting(listener);
      return;
    } /* else that one connection is gone already: the next */
  }
}

int sp_listen(struct sp_listener *listener, struct sp_loop *loop, const char *address,
              void (*on_accept)(struct sp_listener *, int), struct sp_err *err) {
  char text[ADDRESS_MAX];
  char *host = NULL, *port = NULL;
  *listener = (struct sp_listener){ .fd = -1, .on_accept = on_accept };
  if (strlen(address) >= sizeof(text)) return sp_fail(err, SP_EUSAGE, "address is longer than %d", ADDRESS_MAX - 1);
  memcpy(text, address, strlen(address) + 1);
  if (split_address(text, &host, &port, err) < 0 || check_port(port, address, err) < 0) return SP_EUSAGE;
  int fd = open_first(host, port, address, err);
  if (fd < 0) return SP_EIO;
  if (sp_poll_open(&listener->poll, loop, fd, on_acceptable, err) < 0) {
    close(fd);
    return SP_EIO;
  }
  listener->fd = fd;
  sp_timer_init(&listener->pause, loop, on_pause_over);
  sp_poll_want(&listener->poll, SP_POLL_READ);
  return SP_OK;
}

uint16_t sp_listener_port(const struct sp_listener *listener) {
  struct sockaddr_storage sa = { 0 };
  socklen_t len = sizeof(sa);
  if (getsockname(listener->fd, (struct sockaddr *)&sa, &len) < 0) return 0;
  if (sa.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&sa)->sin_port);
  return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
}

static void on_poll_closed(struct sp_poll *poll) {
  struct sp_listener *listener = sp_container_of(poll, struct sp_listener, poll);
  if (listener->on_closed) listener->on_closed(listener);
}

void sp_listener_close(struct sp_listener *listener, void (*on_closed)(struct sp_listener *)) {
  if (listener->fd < 0) return;
  listener->on_closed = on_closed;
  sp_timer_stop(&listener->pause);
  sp_poll_close(&listener->poll, on_poll_closed);
  close(listener->fd);
  listener->fd = -1;
}
