/*
 * A scripted HTTP server on threads with blocking sockets, so that nothing of ours is in it: what a path is answered
 * with is a list of steps. Keep-alive. Requests are kept to be looked at.
 */
#ifndef TEST_SCRIPT_SERVER_H
#define TEST_SCRIPT_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_kind {
  STEP_DONE,  /* the answer is whole: the next request */
  STEP_SEND,  /* bytes */
  STEP_CHUNK, /* bytes as one chunk */
  STEP_LAST,  /* the last chunk */
  STEP_PAUSE, /* ms */
  STEP_GATE,  /* until the test opens the gate */
  STEP_CLOSE, /* FIN */
  STEP_RST,
  STEP_HOLD, /* read and drop until the peer closes */
  STEP_FLOOD, /* the chunk again and again until the peer closes */
};
struct step {
  enum step_kind kind;
  const char *text;
  int ms;
};
#define DONE { STEP_DONE, NULL, 0 }
#define SEND(text) { STEP_SEND, text, 0 }
#define CHUNK(text) { STEP_CHUNK, text, 0 }
#define LAST { STEP_LAST, NULL, 0 }
#define PAUSE(ms) { STEP_PAUSE, NULL, ms }
#define GATE { STEP_GATE, NULL, 0 }
#define CLOSE { STEP_CLOSE, NULL, 0 }
#define RST { STEP_RST, NULL, 0 }
#define HOLD { STEP_HOLD, NULL, 0 }
#define FLOOD(text) { STEP_FLOOD, text, 0 }

#define HEAD_SSE "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

struct route {
  const char *path; /* NULL ends the table */
  const struct step *steps;
};

#define SERVER_CONNS_MAX 4096
#define SERVER_REQUESTS_MAX 64

struct server;
struct server_conn {
  struct server *server;
  int fd;
  pthread_t thread;
};
struct server {
  const struct route *routes;
  int fd;
  uint16_t port;
  pthread_t thread;
  struct server_conn conns[SERVER_CONNS_MAX];
  atomic_int conn_count, request_count;
  atomic_int steps; /* sent, of all connections */
  atomic_bool gate; /* open */
  pthread_mutex_t mutex;
  char *requests[SERVER_REQUESTS_MAX]; /* the first ones, head and body, terminated */
};
void server_start(struct server *server, const struct route *routes);
void server_stop(struct server *server); /* when all clients have closed; the requests stay */
void server_fini(struct server *server);

#endif
