#include "net/conn_priv.h"
#include "net/stamp.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TLS_WRITE_SIZE (64u * 1024u)  /* plain bytes encrypted at a time */
#define OUTPUT_KEEP_SIZE 4096u        /* an empty output buffer of this size stays for the next time */

/* -- writing -- */

static void fail_write(struct sp_conn *conn, int error) {
  struct sp_err err;
  if (error == ECONNRESET) conn->was_reset = true;
  if (error == EPIPE) sp_fail(&err, SP_EIO, "connection closed by the peer while bytes were being sent to it");
  else if (error == ECONNRESET) sp_fail(&err, SP_EIO, "connection reset by the peer");
  else sp_fail(&err, SP_EIO, "cannot write: %s", strerror(error));
  sp_conn_finish_later(conn, SP_CONN_RESET, &err);
}

/* How many bytes the socket took; 0 where it takes none now, or failed (deferred). */
static size_t send_now(struct sp_conn *conn, struct sp_str bytes) {
  ssize_t count;
  do count = send(conn->fd, bytes.bytes, bytes.len, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) fail_write(conn, errno);
    return 0;
  }
  conn->bytes_out += (uint64_t)count;
  return (size_t)count;
}

static void compact_output(struct sp_conn *conn) {
  if (conn->output_sent == conn->output.len) {
    if (conn->output.cap > OUTPUT_KEEP_SIZE) sp_buf_fini(&conn->output);
    else sp_buf_clear(&conn->output);
    conn->output_sent = 0;
  } else if (conn->output_sent > conn->output.len / 2) { /* each byte moves once at most, on the average */
    sp_buf_consume(&conn->output, conn->output_sent);
    conn->output_sent = 0;
  }
}

static void put(struct sp_conn *conn, struct sp_str bytes) {
  if (conn->deferred_err || bytes.len == 0) return;
  if (conn->output.len == 0) {
    size_t sent = send_now(conn, bytes);
    bytes = sp_str_of(bytes.bytes + sent, bytes.len - sent);
    if (bytes.len == 0 || conn->deferred_err) return;
  }
  if (sp_buf_append_str(&conn->output, bytes) < 0) {
    struct sp_err err;
    sp_fail(&err, SP_ELIMIT, "more than %u bytes wait to be written (SP_CONN_OUTPUT_MAX)", SP_CONN_OUTPUT_MAX);
    sp_conn_finish_later(conn, SP_CONN_RESET, &err);
    return;
  }
  sp_conn_want(conn);
}

static void put_cipher(struct sp_conn *conn) { /* what TLS has made for the socket */
  struct sp_buf *cipher = &conn->net->cipher;
  sp_tls_take_output(conn->tls, cipher);
  put(conn, sp_buf_str(cipher));
  sp_buf_clear(cipher);
}

static void write_tls(struct sp_conn *conn, struct sp_str bytes) {
  while (bytes.len > 0 && !conn->deferred_err) {
    size_t len = bytes.len < TLS_WRITE_SIZE ? bytes.len : TLS_WRITE_SIZE;
    struct sp_err err;
    if (sp_tls_write(conn->tls, sp_str_of(bytes.bytes, len), &err) < 0) {
      sp_conn_finish_later(conn, SP_CONN_RESET, &err);
      return;
    }
    put_cipher(conn);
    bytes = sp_str_of(bytes.bytes + len, bytes.len - len);
  }
}

void sp_conn_write(struct sp_conn *conn, struct sp_str bytes) {
  if (sp_conn_over(conn) || conn->deferred_err) return;
  SP_CHECK(conn->state == SP_CONN_OPEN && !conn->half_closed);
  if (conn->tls) write_tls(conn, bytes);
  else put(conn, bytes);
}

void sp_conn_flush(struct sp_conn *conn) {
  struct sp_str rest = sp_str_of(conn->output.bytes + conn->output_sent, conn->output.len - conn->output_sent);
  conn->output_sent += send_now(conn, rest);
  compact_output(conn);
  sp_conn_want(conn);
  if (conn->output.len > 0 || conn->deferred_err) return;
  if (conn->half_closed) (void)shutdown(conn->fd, SHUT_WR);
  if (conn->handler->on_drained && conn->state == SP_CONN_OPEN) conn->handler->on_drained(conn);
}

void sp_conn_shutdown(struct sp_conn *conn) {
  if (sp_conn_over(conn) || conn->half_closed || conn->deferred_err) return;
  SP_CHECK(conn->state == SP_CONN_OPEN);
  conn->half_closed = true;
  if (conn->tls) {
    sp_tls_shutdown(conn->tls);
    put_cipher(conn);
  }
  if (conn->output.len == 0) (void)shutdown(conn->fd, SHUT_WR);
}

void sp_conn_say_goodbye(struct sp_conn *conn) {
  if (conn->half_closed || conn->deferred_err || conn->output.len > 0) return;
  struct sp_buf *cipher = &conn->net->cipher;
  sp_tls_shutdown(conn->tls);
  sp_tls_take_output(conn->tls, cipher);
  if (cipher->len > 0) (void)send(conn->fd, cipher->bytes, cipher->len, MSG_NOSIGNAL);
  sp_buf_clear(cipher);
}

/* -- reading -- */

static void give(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  conn->got_data = true;
  conn->handler->on_data(conn, bytes, rx);
}

static void end_of_read(struct sp_conn *conn, const struct sp_rx *rx) {
  if (!sp_conn_over(conn) && conn->handler->on_read_end) conn->handler->on_read_end(conn, rx);
}

static void finish_closed(struct sp_conn *conn) {
  struct sp_err err;
  sp_fail(&err, SP_EIO, "connection %s by the peer", conn->was_reset ? "reset" : "closed");
  sp_conn_finish(conn, conn->was_reset ? SP_CONN_RESET : SP_CONN_CLOSED, &err);
}

/* A server that wants a client certificate says so, in TLS 1.3, only after the client's handshake is done: where
 * no byte came yet, that is a failed handshake still. */
static void finish_broken_tls(struct sp_conn *conn, const struct sp_err *err) {
  put_cipher(conn); /* the alert */
  sp_conn_finish(conn, conn->got_data ? SP_CONN_RESET : SP_CONN_TLS_FAILED, err);
}

/* Gives what TLS has decrypted. The connection's end inside TLS is told after the last byte. */
static void pump_tls(struct sp_conn *conn, const struct sp_rx *rx) {
  struct sp_err err;
  int count = 0;
  bool gave = false;
  do {
    conn->tls_waits = !conn->reading;
    if (conn->tls_waits) conn->tls_rx = *rx;
    if (conn->tls_waits) break;
    count = sp_tls_read(conn->tls, conn->net->plain_bytes, SP_NET_READ_SIZE, &err);
    if (count <= 0) break;
    give(conn, sp_str_of(conn->net->plain_bytes, (size_t)count), rx);
    gave = true;
  } while (!sp_conn_over(conn) && sp_tls_has_more(conn->tls));
  if (gave) end_of_read(conn, rx);
  if (sp_conn_over(conn)) return;
  if (conn->tls_waits || count >= 0) put_cipher(conn); /* a key update's answer */
  else if (count == -1) finish_closed(conn);
  else finish_broken_tls(conn, &err);
}

void sp_conn_begin_handshake(struct sp_conn *conn) {
  struct sp_err err;
  int done = sp_tls_handshake(conn->tls, &err);
  put_cipher(conn);
  if (done < 0) sp_conn_finish_later(conn, SP_CONN_TLS_FAILED, &err);
  else sp_conn_want(conn);
}

void sp_conn_handshake(struct sp_conn *conn) {
  struct sp_err err;
  int done = sp_tls_handshake(conn->tls, &err);
  put_cipher(conn);
  if (done < 0) {
    sp_conn_finish(conn, SP_CONN_TLS_FAILED, &err);
  } else if (done > 0) {
    sp_conn_enter(conn, SP_CONN_OPEN);
    sp_conn_want(conn);
    conn->poll.ahead[SP_AHEAD_COUNT - 1] = (struct sp_ahead){conn->tls, sp_tls_hot_bytes()};
    int64_t tls_ns = sp_clock_mono_ns() - conn->connected_ns;
    if (conn->handler->on_open) conn->handler->on_open(conn, conn->connected_ns - conn->begun_ns, tls_ns);
  }
}

static void give_tls(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  struct sp_err err;
  sp_tls_input(conn->tls, bytes);
  if (conn->state == SP_CONN_HANDSHAKING) sp_conn_handshake(conn);
  if (!sp_conn_over(conn) && conn->state == SP_CONN_OPEN) pump_tls(conn, rx);
  if (!conn->tls) return; /* closed inside */
  int failed = sp_tls_keep_input(conn->tls, &err);
  if (failed && !sp_conn_over(conn)) sp_conn_finish(conn, SP_CONN_RESET, &err);
}

void sp_conn_resume_tls(struct sp_conn *conn) {
  struct sp_rx rx = conn->tls_rx;
  pump_tls(conn, &rx);
  sp_conn_want(conn);
}

static void fail_read(struct sp_conn *conn, int error) {
  struct sp_err err;
  if (error == ECONNRESET) conn->was_reset = true;
  if (error == ECONNRESET || error == EPIPE) sp_fail(&err, SP_EIO, "connection reset by the peer");
  else sp_fail(&err, SP_EIO, "cannot read: %s", strerror(error));
  sp_conn_finish(conn, SP_CONN_RESET, &err);
}

/* A FIN acknowledges what came before it; an RST behind a FIN (EPIPE) says that bytes came to a closed socket, one
 * without a FIN that they came to an open one. */
bool sp_conn_was_taken(const struct sp_conn *conn) {
  int unacknowledged = 0;
  if (conn->output_sent < conn->output.len) return false;
  return conn->was_reset || (ioctl(conn->fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0);
}

/* True while there may be more to read. */
static bool read_once(struct sp_conn *conn) {
  struct sp_rx rx;
  ssize_t count = sp_stamp_receive(conn->net, conn->fd, &rx);
  if (count > 0) {
    conn->bytes_in += (uint64_t)count;
    if (count < SP_NET_READ_SIZE) sp_poll_drained(&conn->poll);
    struct sp_str bytes = sp_str_of(conn->net->read_bytes, (size_t)count);
    if (conn->tls) {
      give_tls(conn, bytes, &rx);
    } else {
      give(conn, bytes, &rx);
      end_of_read(conn, &rx);
    }
    return !sp_conn_over(conn) && (conn->reading || conn->state == SP_CONN_HANDSHAKING);
  }
  if (count == 0) finish_closed(conn);
  else if (errno == EINTR) return true;
  else if (errno != EAGAIN && errno != EWOULDBLOCK) fail_read(conn, errno);
  return false;
}

void sp_conn_read(struct sp_conn *conn) { (void)read_once(conn); }

void sp_conn_drain(struct sp_conn *conn) {
  if (!conn->reading && conn->state != SP_CONN_HANDSHAKING) return;
  if (conn->tls_waits) sp_conn_resume_tls(conn);
  if (conn->tls_waits || sp_conn_over(conn)) return;
  while (read_once(conn)) {
  }
}
