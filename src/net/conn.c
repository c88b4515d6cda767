#include "net/conn_priv.h"
#include "net/stamp.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_defer(struct sp_timer *timer);
static void on_ready(struct sp_poll *poll, int events);

void sp_conn_init(struct sp_conn *conn, struct sp_net *net, const struct sp_conn_handler *handler) {
  *conn = (struct sp_conn){ .net = net, .handler = handler, .fd = -1, .state = SP_CONN_IDLE, .reading = true };
  sp_buf_init(&conn->output, SP_CONN_OUTPUT_MAX);
  sp_timer_init(&conn->defer, net->loop, on_defer);
}

static bool is_being_made(enum sp_conn_state state) {
  return state == SP_CONN_CONNECTING || state == SP_CONN_HANDSHAKING;
}

void sp_conn_enter(struct sp_conn *conn, enum sp_conn_state state) {
  int change = is_being_made(state) - is_being_made((enum sp_conn_state)conn->state);
  if (change) sp_loop_hurry(conn->net->loop, change);
  conn->state = (uint8_t)state;
}

static bool waits_to_write(const struct sp_conn *conn) { return conn->output_sent < conn->output.len; }

static int wanted(const struct sp_conn *conn) {
  if (sp_conn_over(conn) || conn->deferred_err) return 0;
  if (conn->state == SP_CONN_CONNECTING) return SP_POLL_WRITE;
  bool read = (conn->reading && !conn->tls_waits) || conn->state == SP_CONN_HANDSHAKING;
  return (read ? SP_POLL_READ : 0) | (waits_to_write(conn) ? SP_POLL_WRITE : 0);
}

void sp_conn_want(struct sp_conn *conn) {
  if (conn->polling && !conn->closing) sp_poll_want(&conn->poll, wanted(conn));
}

/* -- ending -- */

void sp_conn_finish(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  if (sp_conn_over(conn)) return;
  struct sp_err told = *err;
  if (conn->state == SP_CONN_HANDSHAKING && end != SP_CONN_TLS_FAILED) {
    end = SP_CONN_TLS_FAILED;
    sp_err_context(&told, "during the TLS handshake");
  }
  conn->ended = true;
  sp_conn_enter(conn, SP_CONN_ENDED);
  sp_timer_stop(&conn->defer);
  sp_conn_want(conn);
  conn->handler->on_end(conn, end, &told);
}

void sp_conn_finish_later(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  if (sp_conn_over(conn) || conn->deferred_err) return;
  conn->deferred_end = end;
  conn->deferred_err = sp_alloc(sizeof(*conn->deferred_err));
  *conn->deferred_err = *err;
  sp_conn_want(conn);
  sp_timer_start(&conn->defer, sp_loop_now(conn->net->loop));
}

static void on_all_closed(struct sp_conn *conn) {
  free(conn->deferred_err);
  conn->deferred_err = NULL;
  conn->handler->on_closed(conn);
}

static void on_poll_closed(struct sp_poll *poll) { on_all_closed(sp_container_of(poll, struct sp_conn, poll)); }

void sp_conn_close(struct sp_conn *conn) {
  if (conn->closing) return;
  if (conn->tls && conn->fd >= 0) sp_conn_say_goodbye(conn);
  conn->closing = true;
  sp_conn_enter(conn, SP_CONN_ENDED);
  sp_timer_stop(&conn->defer);
  sp_tls_destroy(conn->tls);
  conn->tls = NULL;
  sp_buf_fini(&conn->output);
  if (conn->polling) sp_poll_close(&conn->poll, on_poll_closed);
  else sp_timer_start(&conn->defer, sp_loop_now(conn->net->loop));
  if (conn->fd >= 0) close(conn->fd);
  conn->fd = -1;
}

void sp_conn_reset(struct sp_conn *conn) {
  if (conn->closing) return;
  struct linger hard = { .l_onoff = 1, .l_linger = 0 };
  if (conn->fd >= 0) (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  conn->half_closed = true; /* no close_notify before the RST */
  sp_conn_close(conn);
}

static void on_defer(struct sp_timer *timer) {
  struct sp_conn *conn = sp_container_of(timer, struct sp_conn, defer);
  if (conn->closing) {
    on_all_closed(conn);
  } else if (conn->deferred_err) {
    if (conn->state >= SP_CONN_HANDSHAKING) sp_conn_drain(conn);
    sp_conn_finish(conn, conn->deferred_end, conn->deferred_err);
  } else {
    sp_conn_resume_tls(conn);
  }
}

/* -- connecting and accepting -- */

/* Is there a way to the address at all, but for TCP's ports? (EADDRNOTAVAIL is also said where no local address of the
 * family is left, as with IPv6 switched off.) */
static bool has_route(const struct sp_address *address) {
  int fd = socket(address->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  bool found = connect(fd, (const struct sockaddr *)&address->sa, address->len) == 0 || errno != EADDRNOTAVAIL;
  close(fd);
  return found;
}

static enum sp_conn_lack lack_of(int error, const struct sp_address *address) {
  if (error == EMFILE || error == ENFILE) return SP_CONN_LACKS_FILE;
  return error == EADDRNOTAVAIL && has_route(address) ? SP_CONN_LACKS_PORT : SP_CONN_LACKS_NOTHING;
}

/* Why a connection could not be made, for the person who has to act. */
static int explain(struct sp_err *err, int error, enum sp_conn_lack lack) {
  struct rlimit files = { 0 };
  switch (error) {
  case ECONNREFUSED: return sp_fail(err, SP_EIO, "connection refused");
  case EHOSTUNREACH: return sp_fail(err, SP_EIO, "no route to host");
  case ENETUNREACH: return sp_fail(err, SP_EIO, "network is unreachable");
  case ETIMEDOUT: return sp_fail(err, SP_EIO, "connection timed out");
  case EAGAIN: return sp_fail(err, SP_EIO, "the socket's queue of new connections is full");
  case EADDRNOTAVAIL:
    if (lack != SP_CONN_LACKS_PORT) return sp_fail(err, SP_EIO, "no local address reaches it: network is unreachable");
    return sp_fail(err, SP_EIO, "no free local port: all of net.ipv4.ip_local_port_range are in use or in TIME_WAIT "
                   "(keep connections alive, use several --source addresses, or widen the range)");
  case EMFILE:
    (void)getrlimit(RLIMIT_NOFILE, &files);
    return sp_fail(err, SP_EIO, "too many open files: this process may have %llu (raise it with `ulimit -n`)",
                   (unsigned long long)files.rlim_cur);
  case ENFILE: return sp_fail(err, SP_EIO, "too many open files on this machine (sysctl fs.file-max)");
  default: return sp_fail(err, SP_EIO, "cannot connect: %s", strerror(error));
  }
}

static void prepare_socket(int fd) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sp_stamp_enable(fd);
}

static int open_poll(struct sp_conn *conn, struct sp_err *err) {
  int rc = sp_poll_open(&conn->poll, conn->net->loop, conn->fd, on_ready, err);
  if (rc == 0) conn->polling = true;
  return rc;
}

bool sp_conn_meets_itself(int fd, uint16_t peer_port) {
  struct sockaddr_storage own = { 0 }, peer = { 0 };
  socklen_t own_len = sizeof(own), peer_len = sizeof(peer);
  if (getsockname(fd, (struct sockaddr *)&own, &own_len) < 0 || sp_address_port(&own) != peer_port) return false;
  if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0) return false;
  return own_len == peer_len && memcmp(&own, &peer, own_len) == 0;
}

static int fail_connect(struct sp_conn *conn, int error, const struct sp_address *address, struct sp_err *err) {
  enum sp_conn_lack lack = lack_of(error, address);
  conn->lack = (uint8_t)lack;
  return explain(err, error, lack);
}

static int begin_connect(struct sp_conn *conn, const struct sp_address *address, struct sp_err *err) {
  int family = address->sa.ss_family;
  conn->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (conn->fd < 0) return fail_connect(conn, errno, address, err);
  if (family != AF_UNIX) {
    prepare_socket(conn->fd);
    if (sp_sources_bind(conn->net->sources, conn->fd, family, err) < 0) return err->code;
  }
  conn->port = sp_address_port(&address->sa);
  if (connect(conn->fd, (const struct sockaddr *)&address->sa, address->len) < 0 && errno != EINPROGRESS &&
      errno != EINTR)
    return fail_connect(conn, errno, address, err);
  return open_poll(conn, err);
}

static int begin_tls(struct sp_conn *conn, struct sp_tls_context *tls, const char *host, struct sp_err *err) {
  conn->tls = sp_tls_create(tls, host, err);
  if (!conn->tls) return err->code;
  return conn->alpn ? sp_tls_offer(conn->tls, conn->alpn, err) : 0;
}

void sp_conn_connect(struct sp_conn *conn, const struct sp_address *address, struct sp_tls_context *tls,
                     const char *host) {
  SP_CHECK(conn->state == SP_CONN_IDLE && !conn->closing);
  struct sp_err err;
  sp_conn_enter(conn, SP_CONN_CONNECTING);
  conn->begun_ns = sp_clock_mono_ns();
  if (tls && begin_tls(conn, tls, host, &err) < 0) sp_conn_finish_later(conn, SP_CONN_TLS_FAILED, &err);
  else if (begin_connect(conn, address, &err) < 0) sp_conn_finish_later(conn, SP_CONN_REFUSED, &err);
  else sp_conn_want(conn);
}

void sp_conn_start_tls(struct sp_conn *conn, struct sp_tls_context *tls, const char *host) {
  SP_CHECK(conn->state == SP_CONN_OPEN && !conn->tls && !conn->half_closed);
  struct sp_err err;
  if (sp_conn_over(conn) || conn->deferred_err) return;
  conn->connected_ns = sp_clock_mono_ns();
  sp_conn_enter(conn, SP_CONN_HANDSHAKING);
  if (begin_tls(conn, tls, host, &err) < 0) sp_conn_finish_later(conn, SP_CONN_TLS_FAILED, &err);
  else sp_conn_begin_handshake(conn);
}

static void on_connected(struct sp_conn *conn) {
  int error = 0;
  socklen_t len = sizeof(error);
  if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) error = errno;
  /* An RST for a SYN is "refused". This one met an established connection, before we came to look; what the peer
   * had sent can still be read. (EPIPE: an RST behind a FIN.) */
  conn->was_reset = error == ECONNRESET;
  if (error == 0 && sp_conn_meets_itself(conn->fd, conn->port)) error = ECONNREFUSED;
  if (error != 0 && error != ECONNRESET && error != EPIPE) {
    struct sp_err err;
    explain(&err, error, SP_CONN_LACKS_NOTHING);
    sp_conn_finish(conn, SP_CONN_REFUSED, &err);
    return;
  }
  conn->connected_ns = sp_clock_mono_ns();
  sp_conn_enter(conn, conn->tls ? SP_CONN_HANDSHAKING : SP_CONN_OPEN);
  sp_conn_want(conn);
  if (conn->tls) sp_conn_handshake(conn);
  else conn->handler->on_open(conn, conn->connected_ns - conn->begun_ns, -1);
}

int sp_conn_accept(struct sp_conn *conn, int fd, struct sp_tls_context *tls, struct sp_err *err) {
  SP_CHECK(conn->state == SP_CONN_IDLE && !conn->closing);
  conn->fd = fd;
  conn->begun_ns = conn->connected_ns = sp_clock_mono_ns();
  if (tls) conn->tls = sp_tls_create(tls, NULL, err);
  if ((tls && !conn->tls) || open_poll(conn, err) < 0) {
    sp_tls_destroy(conn->tls);
    conn->tls = NULL;
    close(fd);
    conn->fd = -1;
    return SP_EIO;
  }
  prepare_socket(fd);
  sp_conn_enter(conn, tls ? SP_CONN_HANDSHAKING : SP_CONN_OPEN);
  sp_conn_want(conn);
  return SP_OK;
}

static void on_ready(struct sp_poll *poll, int events) {
  struct sp_conn *conn = sp_container_of(poll, struct sp_conn, poll);
  if (sp_conn_over(conn) || conn->deferred_err) return;
  if (conn->state == SP_CONN_CONNECTING) {
    on_connected(conn);
    return;
  }
  /* An error shows as READ and WRITE, whatever was asked for: while reading is stopped only a write may find it. */
  if (events & wanted(conn) & SP_POLL_READ) sp_conn_read(conn);
  if ((events & SP_POLL_WRITE) && !sp_conn_over(conn) && waits_to_write(conn)) sp_conn_flush(conn);
}

const char *sp_conn_alpn(const struct sp_conn *conn) { return conn->tls ? sp_tls_alpn(conn->tls) : ""; }

/* -- flow control -- */

void sp_conn_read_stop(struct sp_conn *conn) {
  conn->reading = false;
  sp_conn_want(conn);
}

void sp_conn_read_start(struct sp_conn *conn) {
  if (conn->reading || sp_conn_over(conn)) return;
  conn->reading = true;
  sp_conn_want(conn);
  /* The descriptor will not announce what was read from it already. */
  if (conn->tls_waits && !conn->deferred_err)
    sp_timer_start(&conn->defer, sp_loop_now(conn->net->loop));
}
