/*
 * What the files of this folder share: the client, a connection that speaks HTTP/1.1, a call.
 *
 *   start ──> idle connection of the session? ──yes──────────────┐
 *     └─no──> RESOLVING ──> CONNECTING (next address …) ──open──> WAITING ──> HEAD ──> BODY ──> ENDED ──> on_done
 *                 ^                                                 │
 *                 └── closed before any byte, on a kept one: once ──┘
 *
 * A busy connection belongs to its call; an idle or draining one is in its session's list; a closed one belongs
 * to the loop until on_closed. A call ends in sp_http_call_end and nowhere else.
 */
#ifndef SP_HTTP_INTERNAL_H
#define SP_HTTP_INTERNAL_H

#include "http/client.h"
#include "http/gzip.h"

#define SP_HTTP_INFORMATIONAL_MAX 100u /* 1xx heads before one answer */

struct sp_http_client {
  struct sp_http_client_options options;
  struct sp_loop *loop;
  struct sp_net net;
  struct sp_dns *dns;
  size_t calls, conns;  /* alive */
  char *piece;          /* SP_GZIP_PIECE_SIZE bytes for inflated ones; made at the first use */
  struct sp_timer gone; /* closing: every connection has closed */
  bool closing;
  void (*on_closed)(void *ctx);
  void *closed_ctx;
};

enum sp_http_conn_use {
  SP_HTTP_CONN_BUSY,     /* has a call (connecting, too) */
  SP_HTTP_CONN_IDLE,     /* kept for the next one; reads to notice a close */
  SP_HTTP_CONN_DRAINING, /* its call has finished early; reads the rest of the message */
  SP_HTTP_CONN_CLOSED,   /* waits for on_closed */
};

struct sp_http_conn {
  struct sp_conn conn;
  struct sp_http1 http1;
  struct sp_http_client *client;
  struct sp_http_session *session;    /* NULL when closed */
  struct sp_http_conn *next, **link;  /* in session->conns while idle or draining */
  struct sp_http_call *call;          /* NULL unless busy */
  const struct sp_rx *rx;             /* of the feed under way */
  struct sp_timer tail;               /* draining ends */
  uint64_t base_in, base_out;         /* bytes of the requests before this one */
  uint64_t tail_bytes;                /* read while draining */
  uint8_t use;
  bool tls;
  bool in_read;      /* between a read's first on_data and its on_read_end */
  bool message_done; /* the answer is whole */
  bool keep;         /* may be used again, as far as we know */
  bool failed;       /* the parser takes no more */
  uint16_t port;
  char host[];
};

enum sp_http_phase {
  SP_HTTP_RESOLVING,
  SP_HTTP_CONNECTING, /* TCP and TLS */
  SP_HTTP_WAITING,    /* the request is (being) written; no byte of the final answer yet */
  SP_HTTP_HEAD,
  SP_HTTP_BODY,  /* the head was given */
  SP_HTTP_ENDED, /* on_done is under way or waits for the loop */
};

struct sp_http_call {
  struct sp_http_client *client;
  struct sp_http_session *session;
  struct sp_http_sink sink;
  void *ctx;
  struct sp_http_conn *conn;
  struct sp_timer timer; /* the earliest deadline, armed lazily; also brings a deferred on_done */
  struct sp_http_timeouts timeouts;
  int64_t start_ns;         /* intended */
  int64_t connect_begun_ns; /* DNS of this attempt */
  int64_t first_attempt_ns, attempt_ns; /* TCP to the first and to this address */
  int64_t written_ns;       /* the request was written; before that: its last progress, as far as looked at */
  uint64_t written_bytes;   /* bytes_out at that look */
  struct sp_rx last_rx;
  struct sp_dns_query query;
  struct sp_address *addresses; /* while connecting */
  size_t address_count, address_at;
  struct sp_buf request; /* freed as soon as it cannot be sent again */
  struct sp_gzip *gzip;
  struct sp_http_result result;
  char *detail;
  unsigned informational;
  uint8_t phase;
  bool deferred; /* the end waits for the loop */
  bool answered; /* a byte came on this connection */
  bool finished; /* sp_http_finish inside the read under way */
  bool rearm;    /* the read under way began another phase */
  bool grace;    /* a deadline was seen passed; the next look decides */
  bool gzip_asked, head_method, closes, framed_chunked;
  uint8_t connection; /* enum sp_http_connection */
  bool tls;
  uint16_t port;
  char host[SP_URL_HOST_MAX + 1]; /* lower case */
};

/* -- call.c -- */
void sp_http_call_open(struct sp_http_call *call);                                    /* needs a new connection */
void sp_http_call_send(struct sp_http_call *call, struct sp_http_conn *conn, int64_t now_ns); /* on an open one */
/* Ends the call: result, connection, on_done (at once, or from the loop where `deferred`). The format makes the
 * detail; NULL leaves what is there. */
void sp_http_call_end(struct sp_http_call *call, enum sp_http_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sp_http_call_deliver(struct sp_http_call *call); /* on_done of an ended call; frees it */
/* The connection was opened, or ended by itself. */
void sp_http_call_opened(struct sp_http_call *call, int64_t connect_ns, int64_t tls_ns);
void sp_http_call_lost(struct sp_http_call *call, enum sp_conn_end end, const struct sp_err *err);

/* -- answer.c: what the parser says to the call -- */
extern const struct sp_http1_handler sp_http_answer_handler; /* ctx: struct sp_http_conn */

/* -- h1.c -- */
struct sp_http_conn *sp_http_conn_open(struct sp_http_call *call, const struct sp_address *address);
/* The call lets go of its connection: idle, draining or closed. reuse: the call ended well. */
void sp_http_conn_release(struct sp_http_conn *conn, bool reuse);
void sp_http_conn_close(struct sp_http_conn *conn);

/* -- pool.c: the session's idle and draining connections -- */
struct sp_http_conn *sp_http_pool_take(struct sp_http_session *session, const struct sp_http_call *call);
void sp_http_pool_put(struct sp_http_conn *conn); /* idle; over the cap the oldest one closes */
void sp_http_pool_drain(struct sp_http_conn *conn);
void sp_http_pool_drained(struct sp_http_conn *conn, size_t bytes, bool failed); /* read while draining */
void sp_http_pool_remove(struct sp_http_conn *conn);

/* -- timeouts.c -- */
void sp_http_timeouts_init(struct sp_http_call *call);
/* The phase changed: makes sure the timer is not later than the earliest deadline. */
void sp_http_timeouts_arm(struct sp_http_call *call);

#endif
