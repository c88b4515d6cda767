/*
 * A connection: TCP, optionally TLS, reading with recvmsg and the kernel's receive stamps
 * (SO_TIMESTAMPING, RX software; reference/diagnosis.md §8.2).
 *
 * Client: init, then sp_conn_connect; server: sp_conn_accept with an accepted descriptor. Callbacks come from
 * the loop, never from inside a call of yours. Memory is the caller's and stays until on_closed (after
 * sp_conn_close). The read buffer is the thread's own (one a sp_net), so an idle connection costs little.
 */
#ifndef SP_NET_CONN_H
#define SP_NET_CONN_H

#include "base/buf.h"
#include "loop/loop.h"
#include "net/dns.h"
#include "net/tls.h"

#define SP_NET_READ_SIZE (64u * 1024u)      /* bytes of one read */
#define SP_CONN_OUTPUT_MAX (64u * 1024u * 1024u) /* bytes waiting to be written */

/* What the connections of one thread share. */
struct sp_net {
  struct sp_loop *loop;
  char *read_bytes;        /* SP_NET_READ_SIZE */
  char *plain_bytes;       /* the same for decrypted bytes */
  int64_t real_offset_ns;  /* real - monotonic, by paired reads, renewed each second */
  int64_t offset_read_ns;
};
void sp_net_init(struct sp_net *net, struct sp_loop *loop);
void sp_net_fini(struct sp_net *net);

/* When bytes came. */
struct sp_rx {
  int64_t user_ns;   /* user space, monotonic: right after the read */
  int64_t kernel_ns; /* kernel's stamp of the read's last byte, monotonic; 0 where there is none */
};

enum sp_conn_end {
  SP_CONN_CLOSED,     /* the peer closed cleanly (FIN; TLS: close_notify or FIN) */
  SP_CONN_REFUSED,    /* could not connect: refused, unreachable, no local port (err has errno's text) */
  SP_CONN_TLS_FAILED, /* handshake or certificate */
  SP_CONN_RESET,      /* reset, broken pipe, TLS broken in the middle */
};

struct sp_conn;
struct sp_conn_handler {
  /* MUST for clients. Ready to write: TCP connected and, where asked, TLS done. */
  void (*on_open)(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns /* -1 without TLS */);
  /* MUST. One read; with TLS possibly several calls with the same rx. Bytes are borrowed. The handler may
   * close the connection inside. */
  void (*on_data)(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx);
  /* MAY. All calls of on_data for one read were made. Not called when the connection was closed inside. */
  void (*on_read_end)(struct sp_conn *conn, const struct sp_rx *rx);
  /* MUST. The connection ended by itself or could not be made; close it. err's text has no secrets. */
  void (*on_end)(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err);
  /* MUST. After sp_conn_close: the memory is yours again. */
  void (*on_closed)(struct sp_conn *conn);
  /* MAY. The output buffer has been written out. */
  void (*on_drained)(struct sp_conn *conn);
};

struct sp_conn {
  struct sp_net *net;
  const struct sp_conn_handler *handler;
  struct sp_poll poll;
  int fd; /* -1: none */
  uint8_t state;
  bool reading, closing, in_read, ended;
  struct sp_tls *tls;
  struct sp_buf output;    /* bytes for the socket that it did not take yet; empty most of the time */
  int64_t begun_ns, connected_ns;
  uint64_t bytes_in, bytes_out; /* on the socket */
  struct sp_timer defer;        /* gives "never from inside a call of yours" for early failures */
  enum sp_conn_end deferred_end;
  struct sp_err *deferred_err;
};

void sp_conn_init(struct sp_conn *conn, struct sp_net *net, const struct sp_conn_handler *handler);
/* tls: NULL for plain. host: for SNI and verification. Failures come through on_end. */
void sp_conn_connect(struct sp_conn *conn, const struct sp_address *address, struct sp_tls_context *tls, const char *host);
int sp_conn_accept(struct sp_conn *conn, int fd, struct sp_tls_context *tls, struct sp_err *err); /* takes fd */

/* Writes at once what the socket takes, keeps the rest. Failures come through on_end. */
void sp_conn_write(struct sp_conn *conn, struct sp_str bytes);
void sp_conn_read_stop(struct sp_conn *conn); /* back-pressure: the kernel's buffer fills */
void sp_conn_read_start(struct sp_conn *conn);
void sp_conn_shutdown(struct sp_conn *conn); /* half-close after the output is written */
void sp_conn_close(struct sp_conn *conn);    /* now; once; on_closed follows */
void sp_conn_reset(struct sp_conn *conn);    /* closes with RST (mock) */

/* -- listening -- */
struct sp_listener {
  struct sp_poll poll;
  int fd;
  void (*on_accept)(struct sp_listener *listener, int fd); /* fd is non-blocking, the callee's */
  void (*on_closed)(struct sp_listener *listener);
};
/* address "127.0.0.1:0" or "[::1]:8080" or "localhost:80"; port 0 takes a free one. Fails with a sentence. */
int sp_listen(struct sp_listener *listener, struct sp_loop *loop, const char *address,
              void (*on_accept)(struct sp_listener *, int), struct sp_err *err);
uint16_t sp_listener_port(const struct sp_listener *listener);
void sp_listener_close(struct sp_listener *listener, void (*on_closed)(struct sp_listener *));

#endif
