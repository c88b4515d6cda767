/*
 * An HTTP/2 server for tests, on nghttp2's server API with blocking sockets: a thread a connection, nothing of ours in
 * it (but the TLS filter, where asked). A test gives callbacks, which run in the connection's thread and answer with
 * the verbs below; between them the peer sends what it has and reads on.
 */
#ifndef H2_SERVER_H
#define H2_SERVER_H

#include "harness.h"
#include "net/tls.h"

#include <nghttp2/nghttp2.h>

#define H2_PEERS_MAX 64
#define H2_STREAMS_MAX 1024
#define H2_HEADERS_MAX 4096

struct h2_request {
  int32_t id; /* 0: free */
  char path[256], method[32], authority[128], scheme[16];
  char headers[H2_HEADERS_MAX]; /* "name: value\n", no pseudo-headers */
  size_t body_len;
  char body[1024]; /* its first bytes */
  bool ended;      /* END_STREAM came */
  struct sp_buf out; /* of the answer, not sent yet */
  bool out_end;      /* nothing is added to it any more */
  bool trailers;     /* these end it */
  uint64_t sent;     /* DATA bytes given to the protocol */
};

struct h2_peer {
  struct h2_server *server;
  int fd;
  int number; /* of the connection, from 0 */
  pthread_t thread;
  nghttp2_session *session;
  struct sp_tls *tls;
  struct h2_request requests[H2_STREAMS_MAX];
  int open;          /* requests that have come and not been answered */
  int request_count; /* that have come */
  bool hang_up, hang_up_hard; /* FIN or RST, once what waits is sent */
  size_t cut_after;  /* bytes after which the connection ends; 0: none */
  size_t written;
};

struct h2_server {
  int fd;
  uint16_t port;
  pthread_t thread;
  struct sp_tls_context *tls; /* borrowed; MAY */
  const char *http1;          /* speaks HTTP/1.1 where ALPN did not choose h2: this whole answer to each request */
  uint32_t max_streams;       /* SETTINGS_MAX_CONCURRENT_STREAMS; 0: not said */
  bool allow_none;            /* …of 0 */
  int32_t window;             /* of its streams and connections; 0: 64 KiB */
  size_t cut_after, cut_first; /* see h2_peer; of which connections: the first cut_first ones, 0: all */
  void *ctx;
  /* MUST. A request's END_STREAM came. */
  void (*on_request)(struct h2_peer *peer, struct h2_request *request);
  void (*on_open)(struct h2_peer *peer);                               /* MAY. */
  void (*on_head)(struct h2_peer *peer, struct h2_request *request);   /* MAY. Its head came */
  void (*on_idle)(struct h2_peer *peer);                               /* MAY. 20 ms without a byte */
  atomic_int peer_count, request_count, open_max, resets, pings, goaways;
  atomic_uint reset_code;  /* of the last RST_STREAM that came */
  atomic_size_t body_sent; /* DATA bytes sent in all */
  atomic_size_t window_updates;
  atomic_uint client_push, client_window, client_header_list; /* its SETTINGS */
  struct h2_peer *peers[H2_PEERS_MAX];
};

void h2_serve(struct h2_server *server); /* the fields above the atomics are set */
void h2_stop(struct h2_server *server);
const char *h2_url(const struct h2_server *server, const char *path); /* one static text */

/* Headers: "name: value\n" text, NULL for none. */
void h2_head(struct h2_peer *peer, struct h2_request *request, int status, const char *headers, bool end);
void h2_informational(struct h2_peer *peer, const struct h2_request *request, int status);
void h2_data(struct h2_peer *peer, struct h2_request *request, const char *bytes, size_t len, bool end);
void h2_trailers(struct h2_peer *peer, struct h2_request *request); /* ends it */
void h2_answer(struct h2_peer *peer, struct h2_request *request, const char *body); /* 200, whole */
void h2_reset(struct h2_peer *peer, const struct h2_request *request, uint32_t code);
void h2_goaway(struct h2_peer *peer, int32_t last_id, uint32_t code);
void h2_limit(struct h2_peer *peer, uint32_t max_streams);
void h2_flush(struct h2_peer *peer);
void h2_raw(struct h2_peer *peer, const char *bytes, size_t len);

#endif
