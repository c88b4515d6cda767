/*
 * What the files of this folder share: the client, a connection, a call.
 *
 *   start ──> idle connection of the pool, or an HTTP/2 one with room? ──yes──────────────────┐
 *     └─no──> a dial: [PACED] ──> RESOLVING ──> CONNECTING ──> [TUNNELLING] ──open──> [QUEUED] <──┘
 *                 ^                                                                   │
 *                 └── closed before any byte, on a kept one; refused ── once ── WAITING ──> HEAD ──> BODY ──> ENDED
 *                     by HTTP/2
 *
 * A connection speaks HTTP/1.1 (h1.c: one call at a time) or HTTP/2 (mux.c: a stream a call). A busy one of HTTP/1.1
 * belongs to its call; an idle or draining one, and one of HTTP/2 that takes calls, is in its pool (a session's, or the
 * client's for SP_HTTP_CONNECTION_SHARED); a closed one belongs to the loop until on_closed. A call ends in
 * sp_http_call_end and nowhere else.
 */
#ifndef SP_HTTP_INTERNAL_H
#define SP_HTTP_INTERNAL_H

#include "http/client.h"
#include "http/gzip.h"
#include "http/h2.h"

#include "base/map.h"
#include "base/rng.h"

#include <stddef.h>

#define SP_HTTP_INFORMATIONAL_MAX 100u       /* 1xx heads before one answer */
#define SP_HTTP_ORIGINS_MAX 65536u           /* hosts and ports a client */
#define SP_HTTP_HEADS_KEPT 64u               /* heads of requests that a client keeps ready */

/* -- intrusive lists: a ring with its head -- */
struct sp_http_link {
  struct sp_http_link *next, *prev; /* NULL: in no list */
};
static inline void sp_http_list_init(struct sp_http_link *head) { head->next = head->prev = head; }
static inline bool sp_http_list_empty(const struct sp_http_link *head) { return head->next == head; }
static inline bool sp_http_linked(const struct sp_http_link *link) { return link->next != NULL; }
static inline void sp_http_list_append(struct sp_http_link *head, struct sp_http_link *link) {
  link->prev = head->prev;
  link->next = head;
  head->prev->next = link;
  head->prev = link;
}
static inline void sp_http_unlink(struct sp_http_link *link) { /* fine when in no list */
  if (!link->next) return;
  link->next->prev = link->prev;
  link->prev->next = link->next;
  link->next = link->prev = NULL;
}

/* -- what the client knows of a host and port; lives as long as the client -- */
struct sp_http_origin {
  bool tls;
  bool http1;           /* offered both by ALPN, it took HTTP/1.1 the last time */
  bool keeps;           /* it has answered on a kept connection: it does not close them behind each answer */
  uint16_t port;
  const struct sp_proxy *proxy; /* the way there; NULL: straight */
  size_t turn;                  /* of SP_DNS_ROUND_ROBIN */
  uint32_t streams_max; /* its limit of streams a connection, as last heard; 0: not yet */
  char host[];          /* lower case */
};

struct sp_http_client {
  struct sp_http_client_options options;
  struct sp_loop *loop;
  struct sp_net net;
  struct sp_dns *dns;
  size_t calls, conns;        /* alive */
  char *piece;                /* SP_GZIP_PIECE_SIZE bytes for inflated ones; made at the first use */
  struct sp_map origins;      /* key: see origin.c */
  struct sp_http_head *heads[SP_HTTP_HEADS_KEPT]; /* see head.c */
  struct sp_http_pool shared; /* SP_HTTP_CONNECTION_SHARED */
  struct sp_buf output;       /* HTTP/2 frames on their way to a socket; empty between calls */
  struct sp_rng rng;          /* of SP_DNS_RANDOM */
  unsigned number;            /* among the reach's clients */
  struct sp_pacer_queue turns; /* who waits to dial; used where the reach caps new connections */
  struct sp_timer gone;       /* closing: every connection has closed */
  bool closing;
  void (*on_closed)(void *ctx);
  void *closed_ctx;
};

enum sp_http_conn_use {
  SP_HTTP_CONN_BUSY,     /* has a call (connecting, too) */
  SP_HTTP_CONN_IDLE,     /* kept for the next one; reads to notice a close */
  SP_HTTP_CONN_DRAINING, /* its call has finished early; reads the rest of the message */
  SP_HTTP_CONN_MUX,      /* HTTP/2, in its pool while it takes calls */
  SP_HTTP_CONN_CLOSED,   /* waits for on_closed */
};

struct sp_http_conn {
  struct sp_conn conn;
  /* With `conn`, what a read of HTTP/1.1 touches (SP_HTTP_CONN_HOT_BYTES) … */
  struct sp_http1 http1;
  struct sp_http_client *client;
  struct sp_http_call *call; /* NULL unless busy */
  struct sp_http_mux *mux;   /* HTTP/2; NULL: HTTP/1.1 */
  const struct sp_rx *rx;    /* of the feed under way */
  uint8_t use;
  bool in_read;      /* between a read's first on_data and its on_read_end */
  bool message_done; /* the answer is whole */
  bool keep;         /* may be used again, as far as we know */
  bool failed;       /* the parser takes no more */
  /* … and what it does not. */
  struct sp_timer tail;              /* draining ends */
  struct sp_http_origin *origin;
  struct sp_http_pool *pool;         /* where it is put when it is free */
  struct sp_http_conn *next, **link; /* in the pool; link NULL: not there */
  struct sp_http_dial *dial;         /* while connecting */
  uint64_t base_in, base_out;        /* bytes of the requests before this one */
  uint64_t tail_bytes;               /* read while draining */
};

#define SP_HTTP_CONN_HOT_BYTES offsetof(struct sp_http_conn, tail)

enum sp_http_phase {
  SP_HTTP_PACED, /* new connections are capped, and its turn has not come */
  SP_HTTP_RESOLVING,
  SP_HTTP_CONNECTING, /* TCP and TLS */
  SP_HTTP_TUNNELLING, /* the proxy was asked for a tunnel */
  SP_HTTP_QUEUED,     /* HTTP/2: on a connection that has no free stream */
  SP_HTTP_WAITING,    /* the request is (being) written; no byte of the final answer yet */
  SP_HTTP_HEAD,
  SP_HTTP_BODY,  /* the head was given */
  SP_HTTP_ENDED, /* on_done is under way or waits for the loop */
};

struct sp_http_call {
  /* What a piece of the answer touches (SP_HTTP_CALL_HOT_BYTES) … */
  struct sp_http_sink sink;
  void *ctx;
  struct sp_gzip *gzip;
  struct sp_rx last_rx;
  int64_t resumed_ns; /* sp_http_resume */
  uint8_t phase;
  bool deferred; /* the end waits for the loop */
  bool answered; /* a byte came on this connection */
  bool finished; /* sp_http_finish inside the read under way */
  bool rearm;    /* the read under way began another phase */
  bool grace;    /* a deadline was seen passed; the next look decides */
  bool paused;   /* sp_http_pause */
  bool stale;    /* HTTP/2: the connection had lain idle, the server may have closed it */
  bool faulty;   /* HTTP/2: the answer is refused, `detail` says why */
  bool gzip_asked, head_method, closes, framed_chunked;
  uint8_t connection; /* enum sp_http_connection */
  uint8_t version;    /* enum sp_http_version */
  /* … and what it does not. */
  struct sp_http_client *client;
  struct sp_http_session *session;
  struct sp_http_origin *origin;
  struct sp_http_dial *dial; /* while RESOLVING and CONNECTING */
  struct sp_http_conn *conn; /* from QUEUED on */
  struct sp_ahead hot;       /* the sink's */
  struct sp_timer timer;     /* the earliest deadline, armed lazily; also brings a deferred on_done */
  struct sp_http_timeouts timeouts;
  int64_t start_ns;         /* intended */
  int64_t connect_begun_ns; /* DNS of this attempt */
  int64_t written_ns;       /* the request was written; before that: its last progress, as far as looked at */
  uint64_t written_bytes;   /* bytes out at that look */
  struct sp_http_head *head; /* NULL as soon as the request cannot be sent again */
  struct sp_buf request;     /* head and body together, where there is a body */
  struct sp_http_result result;
  char *detail;
  unsigned informational;
  struct sp_http_link at;      /* in its dial's or HTTP/2 connection's list */
  struct sp_http_link touched; /* HTTP/2: something happened to it that the end of the read has to look at */
  struct sp_h2_stream stream;
  uint64_t sent_at_bytes; /* HTTP/2: the connection's bytes_in when the request went out */
};
#define SP_HTTP_CALL_HOT_BYTES offsetof(struct sp_http_call, client)

/* -- client.c -- */
/* Takes an open connection or dials. Also for a call that has to go elsewhere than it was. */
void sp_http_call_begin(struct sp_http_call *call);

/* -- origin.c -- */
/* NULL: over the cap (err). */
struct sp_http_origin *sp_http_origin_of(struct sp_http_client *client, const struct sp_url *url, struct sp_err *err);
void sp_http_origins_fini(struct sp_http_client *client);

/* -- head.c: requests' heads, ready to be sent -- */
/* A reference. NULL: the request cannot be sent (err). */
struct sp_http_head *sp_http_head_of(struct sp_http_client *client, const struct sp_http_request *request,
                                     struct sp_err *err);
void sp_http_head_unref(struct sp_http_head *head); /* NULL is fine */
struct sp_http_origin *sp_http_head_origin(const struct sp_http_head *head);
bool sp_http_head_closes(const struct sp_http_head *head); /* it asks for the connection to be closed */
struct sp_str sp_http_head_text(const struct sp_http_head *head);
const struct sp_h2_head *sp_http_head_h2(struct sp_http_head *head, struct sp_err *err); /* NULL: not over HTTP/2 (err) */
void sp_http_heads_fini(struct sp_http_client *client);

/* -- dial.c: from a host's name to an open connection, for one call or all that want the same -- */
void sp_http_dial(struct sp_http_call *call);       /* joins one under way where HTTP/2 lets it */
void sp_http_dial_leave(struct sp_http_call *call); /* the call ends before it is connected */
/* Does the way to this origin lead through a tunnel (CONNECT) for this version? */
bool sp_http_tunnels(const struct sp_http_origin *origin, unsigned version);

/* -- call.c -- */
/* What goes over the wire, as HTTP/1.1 has it; gone once it is forgotten. */
struct sp_str sp_http_call_request(const struct sp_http_call *call);
void sp_http_call_forget_request(struct sp_http_call *call); /* it will not be sent again */
void sp_http_call_send(struct sp_http_call *call, struct sp_http_conn *conn, int64_t now_ns); /* HTTP/1.1 */
/* Ends the call: result, connection, on_done (at once, or from the loop where `deferred`). The format makes the
 * detail; NULL leaves what is there. */
void sp_http_call_end(struct sp_http_call *call, enum sp_http_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sp_http_call_deliver(struct sp_http_call *call); /* on_done of an ended call; frees it */
void sp_http_call_lost(struct sp_http_call *call, bool reset, const struct sp_err *err); /* the open connection ended */
void sp_http_call_resend(struct sp_http_call *call); /* once */

/* -- answer.c: what comes, to the call -- */
void sp_http_answer_begin(struct sp_http_call *call, const struct sp_rx *rx); /* a head's first byte */
int sp_http_answer_head(struct sp_http_call *call, const struct sp_http1_head *head, const struct sp_rx *rx,
                        struct sp_err *err);
int sp_http_answer_body(struct sp_http_call *call, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err);
int sp_http_answer_end(const struct sp_http_call *call, struct sp_err *err);

/* -- h1.c -- */
void sp_http_h1_begin(struct sp_http_conn *conn); /* open: it speaks HTTP/1.1 */
/* The call lets go of its connection: idle, draining or closed. reuse: the call ended well. */
void sp_http_h1_release(struct sp_http_conn *conn, bool reuse);

/* -- mux.c: HTTP/2 -- */
void sp_http_mux_begin(struct sp_http_conn *conn, bool once); /* open: it speaks HTTP/2; once: for one call only */
void sp_http_mux_add(struct sp_http_conn *conn, struct sp_http_call *call);
void sp_http_mux_remove(struct sp_http_call *call);
void sp_http_mux_resume(struct sp_http_call *call);
bool sp_http_mux_is_full(const struct sp_http_conn *conn);
bool sp_http_mux_is_idle(const struct sp_http_conn *conn);
void sp_http_mux_goodbye(struct sp_http_conn *conn); /* the connection is about to be closed */
void sp_http_mux_destroy(struct sp_http_conn *conn);
const char *sp_http_mux_farewell(const struct sp_http_conn *conn); /* what is known of why it ended, else "" */
/* How many streams a connection to this origin may have for this kind of call, as far as known. */
size_t sp_http_streams_max(const struct sp_http_client *client, const struct sp_http_origin *origin, bool shared);

/* -- pool.c -- */
struct sp_http_pool *sp_http_pool_of(struct sp_http_call *call);
struct sp_http_conn *sp_http_pool_take(struct sp_http_call *call);     /* an idle one of HTTP/1.1 */
struct sp_http_conn *sp_http_pool_find_mux(struct sp_http_call *call); /* one of HTTP/2 that takes it */
void sp_http_pool_put(struct sp_http_conn *conn); /* idle; over the cap the oldest one closes */
void sp_http_pool_put_mux(struct sp_http_conn *conn); /* also when it became full or got room again */
void sp_http_pool_drain(struct sp_http_conn *conn);
void sp_http_pool_drained(struct sp_http_conn *conn, size_t bytes, bool failed); /* read while draining */
void sp_http_pool_remove(struct sp_http_conn *conn);
void sp_http_pool_close(struct sp_http_pool *pool);

/* -- conn.c: a connection of any kind -- */
struct sp_http_conn *sp_http_conn_create(struct sp_http_client *client, struct sp_http_origin *origin,
                                         struct sp_http_pool *pool, const struct sp_conn_handler *handler);
void sp_http_conn_close(struct sp_http_conn *conn);
void sp_http_conn_on_closed(struct sp_conn *conn); /* for every handler */
void sp_http_conn_note_lag(const struct sp_http_conn *conn, const struct sp_rx *rx);

/* -- timeouts.c -- */
void sp_http_timeouts_init(struct sp_http_call *call);
/* The phase changed: makes sure the timer is not later than the earliest deadline. */
void sp_http_timeouts_arm(struct sp_http_call *call);
/* It waits for its turn to dial: the connect limit does not run, and begins anew for one that is sent again. */
void sp_http_timeouts_hold_connect(struct sp_http_call *call);
/* Before the phase changes. One that waited in vain, for a stream or for HTTP/2, and dials again gets no more time. */
void sp_http_timeouts_begin_connect(struct sp_http_call *call);
void sp_http_timeouts_rearm(struct sp_http_call *call); /* the same, for what a read noted */

#endif
