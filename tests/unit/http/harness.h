/*
 * Both sides of a test: a scripted TCP server (threads with blocking sockets, so nothing of ours is in it) and
 * exchanges of the client under test, which record every callback.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/client.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* -- the server: connection i follows script i, the last script serves all later ones -- */
enum step_kind {
  STEP_END,      /* close with FIN */
  STEP_EXPECT,   /* a whole request (head and Content-Length body); the peer's close ends the script */
  STEP_TAKE,     /* whatever comes next: the peer has acted on what was sent */
  STEP_SEND,     /* bytes */
  STEP_TRICKLE,  /* bytes, one a segment */
  STEP_PAUSE,    /* ms */
  STEP_RST,      /* close with RST */
  STEP_HOLD,     /* read and drop until the peer closes */
  STEP_FLOOD,    /* bytes again and again until the peer closes */
  STEP_AGAIN,    /* from the first step */
  STEP_DEAF,     /* reads nothing for ms */
  STEP_SIP,      /* as EXPECT, but with ms before each of the first 16 MiB */
};
struct step {
  enum step_kind kind;
  const char *bytes;
  size_t len;
  int ms;
};
#define END { STEP_END, NULL, 0, 0 }
#define EXPECT { STEP_EXPECT, NULL, 0, 0 }
#define TAKE { STEP_TAKE, NULL, 0, 0 }
#define SEND(text) { STEP_SEND, text, sizeof(text) - 1, 0 }
#define TRICKLE(text) { STEP_TRICKLE, text, sizeof(text) - 1, 0 }
#define PAUSE(ms_) { STEP_PAUSE, NULL, 0, ms_ }
#define RST { STEP_RST, NULL, 0, 0 }
#define HOLD { STEP_HOLD, NULL, 0, 0 }
#define FLOOD(text) { STEP_FLOOD, text, sizeof(text) - 1, 0 }
#define AGAIN { STEP_AGAIN, NULL, 0, 0 }
#define SIP(ms_) { STEP_SIP, NULL, 0, ms_ }
#define DEAF(ms_) { STEP_DEAF, NULL, 0, ms_ }

#define SERVER_CONNS_MAX 64
#define SERVER_REQUESTS_MAX 16

struct server_conn {
  struct server *server;
  const struct step *steps;
  int fd;
  pthread_t thread;
};
struct server {
  int fd;
  uint16_t port;
  pthread_t thread;
  const struct step *scripts[16];
  size_t script_count;
  struct server_conn conns[SERVER_CONNS_MAX];
  atomic_int conn_count;    /* accepted */
  atomic_int request_count; /* whole requests read */
  pthread_mutex_t mutex;
  char *requests[SERVER_REQUESTS_MAX]; /* the first ones, terminated */
};
void server_start(struct server *server, bool ipv6, const struct step *const *scripts, size_t count);
void server_stop(struct server *server);
const char *server_request(struct server *server, int number); /* terminated; NULL: it did not come */

/* -- the client -- */
enum place { NOWHERE, IN_HEAD, IN_BODY, IN_READ_END };

struct bed { /* loop, client and a session */
  struct sp_loop *loop;
  struct sp_http_client *client;
  struct sp_http_session session;
  struct server server;
  bool has_server;
  struct sp_timer guard;
  struct sp_timer pause;
  int pending;
  int lags;
};

struct exchange {
  struct bed *bed;
  struct sp_http_session *session;
  struct sp_http_call *call;
  bool starting; /* inside sp_http_start */
  int status, heads, bodies, read_ends, dones;
  char head[2048]; /* the raw headers, as far as they fit */
  struct sp_buf body;
  struct sp_http_result result;
  char detail[SP_ERR_TEXT_MAX];
  enum place abort_in, finish_in, refuse_in;
  enum place pause_in; /* the first time */
  enum place block_in; /* sleeps there, the first time, for block_ms */
  int block_ms;
  struct exchange *kills; /* aborted when this one has ended well, if it has not ended */
  bool leaves;            /* on_done ends its session */
  struct exchange *then; /* started in on_done */
  const struct ask *then_ask;
  const char *then_url;
};

struct ask { /* what differs from a plain GET */
  const char *method, *headers, *body, *url; /* url: instead of the server's */
  size_t body_len;                           /* 0: the text's */
  enum sp_http_version version;
  bool shared;
  struct sp_http_session *session; /* NULL: the bed's */
  bool gzip;
  bool new_connection;
  int64_t start_ns;
  struct sp_http_timeouts timeouts;
};

void bed_open(struct bed *bed, const struct sp_http_client_options *options);
void bed_close(struct bed *bed); /* session, client, loop, server: all must go cleanly */
void bed_serve(struct bed *bed, const struct step *const *scripts, size_t count);
void bed_run(struct bed *bed);                /* until nothing is pending */
void bed_pause(struct bed *bed, int64_t ms);  /* lets the loop turn */
const char *bed_url(struct bed *bed);         /* of the server */

void start(struct bed *bed, struct exchange *exchange, const struct ask *ask); /* ask NULL: GET */
/* bed_open, serve, one GET, run; asserts exactly one on_done. */
void get(struct bed *bed, struct exchange *exchange, const struct ask *ask);
void exchange_drop(struct exchange *exchange);

/* The end is this, and the detail holds the text. */
void assert_end(const struct exchange *exchange, enum sp_http_end end, const char *detail);
void assert_ok(const struct exchange *exchange, int status, const char *body);

#define SCRIPTS(...) ((const struct step *const[]){ __VA_ARGS__ }), \
  (sizeof((const struct step *const[]){ __VA_ARGS__ }) / sizeof(const struct step *))

#endif
