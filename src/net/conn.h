/*
 * A connection: TCP, optionally TLS, reading with recvmsg and the kernel's receive stamps
 * (SO_TIMESTAMPNS; reference/diagnosis.md §8.2).
 *
 * Client: init, then sp_conn_connect; server: sp_conn_accept with an accepted descriptor. Callbacks come from
 * the loop, never from inside a call of yours. Memory is the caller's and stays until on_closed (after
 * sp_conn_close). The read buffer is the thread's own (one a sp_net), so an idle connection costs little.
 *
 * One connection tries one address. Where a name has several ("localhost": ::1 refused, then 127.0.0.1), the owner
 * closes this one in on_end and calls sp_conn_connect with the next address on a fresh one. A Unix socket is an address
 * like others; it has no receive stamps.
 *
 * Reading is one recvmsg a readiness event, so a busy connection takes turns with the others; what came before a
 * FIN or RST is given to on_data before on_end, as far as the kernel still has it. While reading is stopped, an end
 * shows only through a failing write.
 */
#ifndef SP_NET_CONN_H
#define SP_NET_CONN_H

#include "base/buf.h"
#include "loop/loop.h"
#include "net/dns.h"
#include "net/source.h"
#include "net/tls.h"

#define SP_NET_READ_SIZE (64u * 1024u)      /* bytes of one read */
#define SP_CONN_OUTPUT_MAX (64u * 1024u * 1024u) /* bytes waiting to be written */

/* What the connections of one thread share. */
struct sp_net {
  struct sp_loop *loop;
  char *read_bytes;        /* SP_NET_READ_SIZE */
  char *plain_bytes;       /* the same for decrypted bytes */
  struct sp_buf cipher;    /* encrypted bytes on their way to a socket; empty between calls */
  int stamp_fd;            /* keeps the host stamping, see net/stamp.h; -1 where that cannot be */
  int64_t real_offset_ns;  /* real - monotonic, by paired reads, renewed each second */
  int64_t offset_read_ns;
  struct sp_sources *sources; /* MAY be set after sp_net_init: where connections are made from; borrowed */
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

/* What this machine had none left of, where that is why a connection could not be made. */
enum sp_conn_lack {
  SP_CONN_LACKS_NOTHING,
  SP_CONN_LACKS_PORT, /* EADDRNOTAVAIL, though there is a way to the address */
  SP_CONN_LACKS_FILE, /* EMFILE, ENFILE */
};

struct sp_conn;
struct sp_conn_handler {
  /* MUST for clients. Ready to write: TCP connected and, where asked, TLS done (once each where TLS was begun later,
   * by sp_conn_start_tls). An accepted connection is ready at
   * once without TLS and gets no on_open; with TLS it gets one after the handshake (MAY). */
  void (*on_open)(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns /* -1 without TLS */);
  /* MUST. One read; with TLS possibly several calls with the same rx. Bytes are borrowed. The handler may
   * close the connection inside. */
  void (*on_data)(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx);
  /* MAY. All calls of on_data for one read were made. Not called when the connection was closed inside. */
  void (*on_read_end)(struct sp_conn *conn, const struct sp_rx *rx);
  /* MUST. The connection ended by itself or could not be made; close it, here or later. Nothing but on_closed
   * follows. err is never NULL, its text one sentence without secrets, borrowed for the call. */
  void (*on_end)(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err);
  /* MUST. After sp_conn_close: the memory is yours again. */
  void (*on_closed)(struct sp_conn *conn);
  /* MAY. The output buffer has been written out. */
  void (*on_drained)(struct sp_conn *conn);
};

struct sp_conn {
  /* What a read touches stands together. */
  struct sp_poll poll;
  struct sp_net *net;
  const struct sp_conn_handler *handler;
  int fd;            /* -1: none */
  uint16_t port;     /* the peer's, where we connect; private, like all below but lack, alpn, bytes_in and bytes_out */
  uint8_t state;
  uint8_t lack; /* enum sp_conn_lack, in on_end */
  bool reading, closing, ended;
  bool polling;      /* poll is open */
  bool half_closed;  /* sp_conn_shutdown was called */
  bool got_data;     /* on_data was called */
  bool tls_waits;    /* reading was stopped while TLS may have had more: the socket's next bytes wait behind these */
  bool was_reset;    /* the kernel told of an RST already, and tells once: the end of the data is no clean one */
  struct sp_tls *tls;
  struct sp_err *deferred_err; /* NULL: no failure waits */
  struct sp_buf output;        /* bytes for the socket that it did not take yet; empty most of the time */
  size_t output_sent;          /* of these, already sent */
  uint64_t bytes_in, bytes_out; /* on the socket */

  /* Protocols that TLS offers, see sp_tls_offer; MAY be set before sp_conn_connect, borrowed for that call. NULL: as
   * the context says. */
  const char *alpn;
  struct sp_rx tls_rx; /* of the bytes that wait inside TLS */
  int64_t begun_ns, connected_ns;
  struct sp_timer defer; /* gives "never from inside a call of yours" for early failures */
  enum sp_conn_end deferred_end;
};

void sp_conn_init(struct sp_conn *conn, struct sp_net *net, const struct sp_conn_handler *handler);
/* Once a sp_conn_init. tls: NULL for plain. host: for SNI and verification, copied. Failures come through on_end. */
void sp_conn_connect(struct sp_conn *conn, const struct sp_address *address, struct sp_tls_context *tls,
                     const char *host);
/* A plain connection that is open goes on with TLS (a proxy's tunnel stands): on_open comes again, connect_ns counts to
 * this call. */
void sp_conn_start_tls(struct sp_conn *conn, struct sp_tls_context *tls, const char *host);
/* Takes fd (non-blocking). After a failure fd is closed and the memory is yours: no sp_conn_close. */
int sp_conn_accept(struct sp_conn *conn, int fd, struct sp_tls_context *tls, struct sp_err *err);

/* The protocol that TLS chose, once open: "h2", "http/1.1" or "" (none, or no TLS). */
const char *sp_conn_alpn(const struct sp_conn *conn);

/* Writes at once what the socket takes, keeps the rest (up to SP_CONN_OUTPUT_MAX). Once the connection is open.
 * Failures come through on_end; after one, bytes are dropped. */
void sp_conn_write(struct sp_conn *conn, struct sp_str bytes);
void sp_conn_read_stop(struct sp_conn *conn); /* back-pressure: the kernel's buffer fills */
void sp_conn_read_start(struct sp_conn *conn);
void sp_conn_shutdown(struct sp_conn *conn); /* half-close after the output is written */
/* Now: output that waits is dropped (sp_conn_shutdown first where it matters). on_closed follows, once; a second
 * call does nothing. */
void sp_conn_close(struct sp_conn *conn);
void sp_conn_reset(struct sp_conn *conn);    /* closes with RST (mock) */

/* Inside on_end: whether the peer's machine had taken all that was written before it ended the connection. False where
 * the end and our bytes crossed on their way. */
bool sp_conn_was_taken(const struct sp_conn *conn);

/* -- listening -- */
#define SP_LISTEN_BACKLOG 4096
#define SP_LISTEN_TURN_MAX 64                        /* connections accepted a loop turn */
#define SP_LISTEN_PAUSE_NS (100 * SP_NS_PER_MS)      /* without accepting, where descriptors or memory ran out */
struct sp_listener {
  struct sp_poll poll;
  struct sp_timer pause;
  int fd; /* -1: closed */
  void (*on_accept)(struct sp_listener *listener, int fd); /* fd is non-blocking, the callee's */
  void (*on_closed)(struct sp_listener *listener);
  uint64_t pauses; /* how often descriptors or memory ran out */
};
/* address "127.0.0.1:0" or "[::1]:8080" or "localhost:80"; port 0 takes a free one. Fails with a sentence. */
int sp_listen(struct sp_listener *listener, struct sp_loop *loop, const char *address,
              void (*on_accept)(struct sp_listener *, int), struct sp_err *err);
uint16_t sp_listener_port(const struct sp_listener *listener);
/* Fine inside on_accept. The memory is the caller's until on_closed (NULL: it outlives the loop). */
void sp_listener_close(struct sp_listener *listener, void (*on_closed)(struct sp_listener *));

#endif
