/*
 * The inside of the mock: connections, the requests on them, and what handlers do with a request.
 *
 * A request is whole when a handler sees it. The handler answers at once (sp_mock_reply, sp_mock_fail) or begins an
 * exchange (stream.h). Requests of one connection are served in order: the next waits until the answer is written.
 */
#ifndef SP_MOCK_SERVER_H
#define SP_MOCK_SERVER_H

#include "base/buf.h"
#include "mock/log.h"
#include "mock/mock.h"
#include "mock/profile.h"
#include "mock/resources.h"
#include "net/conn.h"
#include "wire/http1.h"

#define SP_MOCK_BODY_MAX (16u * 1024u * 1024u) /* bytes of a request body */
#define SP_MOCK_PIPELINE_MAX 1024u             /* requests that wait on one connection */
#define SP_MOCK_OUTPUT_MAX (256u * 1024u)      /* bytes waiting for a slow reader; then its stream waits */
#define SP_MOCK_WRITE_MAX (32u * 1024u * 1024u) /* bytes of one response put together */
#define SP_MOCK_LINGER_NS (2 * SP_NS_PER_S)    /* after a last answer: how long the client may take to close */
#define SP_MOCK_STREAM_SLOTS 4096u             /* of the table of open exchanges by task id */

/* What a route is for: decides the shape of its errors and headers. */
enum sp_mock_api { SP_API_PLAIN, SP_API_DIFY, SP_API_OPENAI };

struct sp_mock_route;
struct sp_mock_exchange;

struct sp_mock_request {
  struct sp_mock_request *next;
  const struct sp_mock_route *route; /* NULL: none (refused below, or by the route table) */
  struct sp_str method, path, key, plan, id; /* slices of `text`; key: of "Authorization: Bearer …", id: X-Request-Id */
  struct sp_str content_type;                /* likewise */
  struct sp_str segment;             /* what stood for {} in the route's path */
  char *text;
  struct sp_buf body;
  int64_t arrival_ns; /* its last byte */
  int refused;        /* HTTP status of a request that cannot be served (413, 417, 505); 0: fine */
  bool keep_alive, http10, head_only;
};

struct sp_mock_conn {
  struct sp_conn conn;
  struct sp_http1 http1;
  struct sp_mock *mock;
  struct sp_mock_conn *previous, *next; /* of mock->conns */
  struct sp_timer timer;                /* the exchange's next event, or the end of lingering */
  struct sp_mock_exchange *exchange;    /* the answer under way; NULL: idle */
  struct sp_mock_request *incoming;     /* being read */
  struct sp_mock_request *waiting, **waiting_end;
  unsigned waiting_count;
  int64_t rx_ns; /* of the read under way */
  bool lingering, serving;
  bool small; /* the message under way is the benchmark's GET */
};

struct sp_mock {
  struct sp_loop *loop;
  struct sp_net net;
  struct sp_listener listener;
  struct sp_tls_context *tls;
  struct sp_profile profile;
  struct sp_resources *resources; /* NULL: the schedules alone */
  struct sp_mock_conn *conns;
  struct sp_mock_exchange **streams; /* SP_MOCK_STREAM_SLOTS chains by task id */
  struct sp_rng ids, chances;
  struct sp_buf out, body; /* one write being put together; the body of a whole answer */
  struct sp_mock_log log;
  struct sp_hist late;
  uint64_t connections, connections_open, requests, streams_open, streams_max, events, active, sequence;
  char date[40]; /* "Date: …\r\n" */
  int64_t date_s;
  struct sp_buf small; /* the answer to GET /, made once a second */
  int64_t small_s;
  bool closing, listener_closed;
  void (*on_closed)(void *ctx);
  void *ctx;
};

/* -- answering at once -- */
struct sp_mock_answer {
  int status;
  const char *content_type;
  const char *headers; /* MAY. "Name: value\r\n"… */
  struct sp_str body;
  bool close; /* and end the connection */
};
void sp_mock_reply(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                   const struct sp_mock_answer *answer);
/* An error in the body shape of the request's API. */
void sp_mock_fail(struct sp_mock_conn *conn, const struct sp_mock_request *request, int status, const char *code,
                  const char *message);

/* Puts a response head into mock->out (cleared first). length -1: chunked, or delimited by the close on HTTP/1.0. */
struct sp_mock_head {
  int status;
  const char *content_type, *headers;
  int64_t length;
  bool keep_alive, http10;
  enum sp_mock_api api;
  const struct sp_dify_version *version;
};
void sp_mock_put_head(struct sp_mock *mock, const struct sp_mock_head *head);
void sp_mock_put_error(struct sp_buf *out, enum sp_mock_api api, int status, const char *code, const char *message);
const char *sp_mock_date(struct sp_mock *mock);

/* -- what stream.c and handlers need of a connection -- */
void sp_mock_conn_answered(struct sp_mock_conn *conn, bool keep_alive); /* the answer is written: serve the next */
void sp_mock_conn_linger(struct sp_mock_conn *conn); /* FIN behind what was written; closes when the client does */
void sp_mock_conn_drop(struct sp_mock_conn *conn);   /* close now */
void sp_mock_conn_take(struct sp_mock_conn *conn, struct sp_mock_request *request); /* a whole request came */
void sp_mock_destroy_closed(struct sp_mock *mock);   /* everything in it is closed */

/* -- authentication (auth.c) -- */
/* NULL: no such key, and the request was answered 401. */
enum sp_mock_key { SP_KEY_APP, SP_KEY_DATASET, SP_KEY_MODEL };
const struct sp_mock_app *sp_mock_authenticate(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                                               enum sp_mock_key kind);

#endif
