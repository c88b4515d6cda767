/*
 * The HTTP client: one client an engine thread, one session a user, one call a request.
 *
 * A call ends exactly once, through on_done, whatever the server does; never from inside sp_http_start.
 * Connections are kept alive, one a session and origin by default. A request on a kept connection that the
 * server had closed (no byte of an answer came) is sent once more on a new one, as curl does; the result
 * says so. Redirects are not followed. Every buffer has a cap with a name. Single-threaded.
 *
 * HTTP/2 (RFC 9113): the calls that want the same connection share it, a stream each; the frames of one loop turn go
 * out in one write, or in a few where there are many. Calls over the server's MAX_CONCURRENT_STREAMS wait for a stream
 * (a session's), or go to a further connection (SP_HTTP_CONNECTION_SHARED); before the server has told its limit for
 * the first time, one stream is opened. A stream that the server refuses (REFUSED_STREAM, or behind the last one of a
 * GOAWAY) is sent once more. What ends one stream leaves the connection to the others.
 */
#ifndef SP_HTTP_CLIENT_H
#define SP_HTTP_CLIENT_H

#include "http/reach.h"
#include "net/conn.h"
#include "wire/http1.h"
#include "wire/url.h"

#define SP_HTTP_REQUEST_MAX (64u * 1024u * 1024u) /* bytes of a request, body and all */
#define SP_HTTP_IDLE_CONNS_MAX 8u                 /* idle connections a session keeps, the newest ones */
#define SP_HTTP_TAIL_MAX (256u * 1024u)           /* bytes read behind sp_http_finish before it closes */

struct sp_http_timeouts { /* 0 = none */
  int64_t connect_ns;    /* DNS, TCP, a proxy's tunnel and TLS together; HTTP/2: and the wait for a free stream */
  int64_t first_byte_ns; /* request written -> first byte of the answer */
  int64_t silence_ns;    /* between two reads of the answer; neither runs while the call is paused */
  int64_t total_ns;      /* the whole request, from its start */
};

enum sp_http_connection {
  SP_HTTP_CONNECTION_USER,    /* keep-alive, one a user (session) and origin */
  SP_HTTP_CONNECTION_REQUEST, /* a new one each request, closed after it */
  SP_HTTP_CONNECTION_SHARED,  /* keep-alive, shared by all sessions of the client: HTTP/2 connections of up to
                               * streams_per_connection streams; HTTP/1.1: any idle connection serves any session */
};

enum sp_http_version {
  SP_HTTP_1_1,
  SP_HTTP_2,    /* https: by ALPN, else the call ends CONNECT; http: the server is known to speak it */
  SP_HTTP_AUTO, /* https: HTTP/2 or HTTP/1.1, as the server takes it (ALPN); http: HTTP/1.1 */
};

enum sp_http_dialled { /* what came of a new connection that was wanted */
  SP_HTTP_DIALLED_OPEN,
  SP_HTTP_DIALLED_NO_PORT, /* this machine had no local port left */
  SP_HTTP_DIALLED_NO_FILE, /* … or no file descriptor */
};

struct sp_http_client_options {
  struct sp_loop *loop;
  struct sp_tls_context *tls; /* borrowed; NULL: https fails */
  /* MAY. One a read: kernel receive -> user space. */
  void (*on_lag)(void *ctx, int64_t lag_ns);
  /* MAY. One a new connection that is open, and one for each that this machine had nothing left for. */
  void (*on_dialled)(void *ctx, enum sp_http_dialled what);
  void *ctx;
  struct sp_http_reach *reach; /* NULL: straight there; borrowed, outlives the client */
  unsigned streams_per_connection; /* SP_HTTP_CONNECTION_SHARED; 0: SP_HTTP_STREAMS_DEFAULT */
  uint32_t stream_window_bytes, window_bytes; /* HTTP/2: of a stream, of a connection; 0: 1 MiB and 8 MiB */
};
#define SP_HTTP_STREAMS_DEFAULT 100u
struct sp_http_client;
struct sp_http_client *sp_http_client_create(const struct sp_http_client_options *options, struct sp_err *err);
/* All sessions are finished. Closing takes loop turns: on_closed comes last. */
void sp_http_client_close(struct sp_http_client *client, void (*on_closed)(void *ctx), void *ctx);

struct sp_http_pool { /* private */
  struct sp_http_conn *conns; /* idle, draining, and those of HTTP/2 that have room */
  struct sp_http_conn *full;  /* of HTTP/2, without room (shared ones only) */
  struct sp_http_dial *dials; /* connections on their way that further calls may join */
  bool shared;
};
struct sp_http_session {
  struct sp_http_client *client;
  struct sp_http_pool pool; /* of this user; private, like all below */
  size_t calls;             /* in flight */
};
void sp_http_session_init(struct sp_http_session *session, struct sp_http_client *client);
void sp_http_session_fini(struct sp_http_session *session); /* no call in flight; connections close by themselves */

enum sp_http_end {
  SP_HTTP_OK,       /* the message is whole (any status) */
  SP_HTTP_CONNECT,  /* no DNS, refused, no tunnel, TLS */
  SP_HTTP_TIMEOUT,  /* detail says which one */
  SP_HTTP_RESET,    /* reset or closed before the head */
  SP_HTTP_CUT,      /* closed or reset inside the body, where framing shows it (content-length, chunked) */
  SP_HTTP_PROTOCOL, /* no HTTP, bad chunking, over a cap */
  SP_HTTP_ABORTED,  /* sp_http_abort */
};

struct sp_http_result {
  enum sp_http_end end;
  const char *detail; /* one line; "" when ok; borrowed for the call */
  bool reset;         /* CUT by RST (or RST_STREAM) rather than FIN */
  bool close_delimited; /* the body ended (or would) with the connection: its end proves nothing */
  bool reused, resent;
  bool http2;
  int64_t dns_ns, connect_ns, tls_ns; /* durations; -1 where the phase did not happen (a literal or kept address), or
                                       * where another call's connection was joined. A proxy's tunnel is of connect */
  int64_t first_write_ns;             /* instants, monotonic; 0 where not reached */
  struct sp_rx first_byte;            /* read that carried the first byte of the answer (a 1xx is none) */
  int64_t end_ns;                     /* instant of the end, by the last read's kernel stamp where it has one */
  uint64_t bytes_in, bytes_out;       /* of this request on the socket; HTTP/2: its stream's frames */
};

struct sp_http_sink {
  /* MUST. The final head (no 1xx). Borrowed. Non-zero refuses the body: the call ends PROTOCOL with err. */
  int (*on_head)(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err);
  /* MUST. Body bytes as they come (inflated where gzip was asked for). Non-zero as in on_head. sp_http_abort and
   * sp_http_finish are allowed inside. */
  int (*on_body)(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err);
  /* MAY. All of one read was given. */
  void (*on_read_end)(void *ctx, const struct sp_rx *rx);
  /* MUST. Exactly once. */
  void (*on_done)(void *ctx, const struct sp_http_result *result);
};

struct sp_http_request {
  struct sp_str method;
  struct sp_str url;     /* absolute; copied */
  struct sp_str headers; /* "Name: value\r\n"…; copied. Added where absent: Host, Content-Length, User-Agent, Accept,
                          * Accept-Encoding (gzip asked), Connection: close (a new connection each request),
                          * Authorization: Basic (the URL has a user). HTTP/2 leaves out those of a connection */
  struct sp_str body;    /* copied */
  bool has_body;         /* an empty body is sent with Content-Length: 0 */
  bool gzip;             /* Accept-Encoding: gzip, and inflate */
  struct sp_http_timeouts timeouts;
  enum sp_http_connection connection;
  enum sp_http_version version;
  int64_t start_ns; /* intended start: base of the total timeout; 0 = now */
  struct sp_ahead hot; /* MAY. Memory of the sink's that each piece of the answer touches (loop/loop.h) */
};

struct sp_http_call;
/* Never NULL; a bad URL or header comes through on_done as PROTOCOL. Valid until on_done returns. */
struct sp_http_call *sp_http_start(struct sp_http_session *session, const struct sp_http_request *request,
                                   const struct sp_http_sink *sink, void *ctx);
/* Hangs up: the connection closes at once (HTTP/2: the stream is reset, the connection stays), on_done comes from the
 * loop with ABORTED. Fine when the call has ended and on_done waits for the loop: that end stays. */
void sp_http_abort(struct sp_http_call *call);
/* The application has all it wants (the terminal event): on_done comes with OK right after the read under way,
 * without waiting for the message's end. In the background the connection may still read the message's end for
 * SP_HTTP_TAIL_NS and is then idle again (kept alive); otherwise it closes. A request that starts meanwhile does
 * not wait for it: it opens a new connection, and the draining one closes. HTTP/2: the stream is reset, nothing drains.
 * Before the head it is sp_http_abort. */
#define SP_HTTP_TAIL_NS (5 * SP_NS_PER_S)
void sp_http_finish(struct sp_http_call *call);

/* Stops reading the answer, and goes on (back-pressure): the kernel's buffer fills, or the stream's window. What was
 * read already still comes, over HTTP/2 up to stream_window_bytes. Of the timeouts only total_ns (and connect_ns) runs
 * meanwhile; over HTTP/1.1 the server's hanging up shows only after sp_http_resume. At any time; twice is once. */
void sp_http_pause(struct sp_http_call *call);
void sp_http_resume(struct sp_http_call *call);

#endif
