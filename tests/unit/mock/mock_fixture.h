/*
 * A mock on loopback with its loop in a thread of its own, and a blocking client that reads HTTP by hand (so that it
 * shares no code with what it tests).
 */
#ifndef SP_TESTS_MOCK_FIXTURE_H
#define SP_TESTS_MOCK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mock/mock.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct mock_fixture {
  struct sp_loop *loop;
  struct sp_mock *mock;
  pthread_t thread;
  int port;
};
void mock_start(struct mock_fixture *fixture, const char *profile_json);
void mock_stop(struct mock_fixture *fixture);

enum reply_end {
  REPLY_WHOLE, /* as the framing says */
  REPLY_FIN,   /* closed: before the head, inside the message, or as the end of a close-delimited body */
  REPLY_RESET,
  REPLY_SILENT, /* nothing more for as long as was waited */
  REPLY_BROKEN, /* no HTTP, or bad chunking */
};
struct reply {
  enum reply_end end;
  int status; /* 0: no head */
  char *head; /* with the empty line; "" without */
  char *body; /* without chunk framing, terminated */
  size_t len, chunks;
  char *rest; /* bytes behind a whole message (pipelining) */
  size_t rest_len;
};
void reply_free(struct reply *reply);
bool reply_has(const struct reply *reply, const char *header_line); /* "X-Env: PRODUCTION" */

int client_open(const struct mock_fixture *fixture);
void client_send(int fd, const char *bytes, size_t len);
/* Reads one answer; wait_ms: silence that is too long. `rest` of an earlier reply comes first (may be NULL). */
void client_read(int fd, int wait_ms, struct reply *reply, const struct reply *before);
/* Bytes until the end or `until` (MAY be NULL) was seen: raw, terminated. The caller frees. */
char *client_read_raw(int fd, int wait_ms, const char *until, size_t *out_len, enum reply_end *out_end);

/* One request on a connection of its own. key NULL: no Authorization. plan NULL: no X-Mock-Plan. */
void ask(const struct mock_fixture *fixture, const char *path, const char *key, const char *plan, const char *body,
         struct reply *reply);
void ask_on(int fd, const char *path, const char *key, const char *plan, const char *body);
void get(const struct mock_fixture *fixture, const char *path, const char *key, struct reply *reply);

/* -- event streams -- */
struct events {
  json_t **docs; /* NULL for an event that is no JSON */
  char **texts;  /* each event's data, or the whole block without data line */
  size_t count;
};
void events_read(struct events *events, const char *body); /* blocks parted by LF LF or CRLF CRLF */
void events_free(struct events *events);
const char *event_name(const struct events *events, size_t i); /* its "event", "ping", or "" */
/* All names in order, repeated ones once with *: "ping workflow_started message* message_end". The caller frees. */
char *event_order(const struct events *events);
json_t *event_find(const struct events *events, const char *name, size_t nth); /* fails the test when absent */

#define CHAT_BODY "{\"inputs\":{},\"query\":\"hi\",\"user\":\"u\",\"response_mode\":\"streaming\"}"
#define BLOCKING_BODY "{\"inputs\":{},\"query\":\"hi\",\"user\":\"u\",\"response_mode\":\"blocking\"}"
#define QUICK "head=1ms queue=1ms node=1ms first=2ms gap=1ms tail=1ms tokens=3 "

#endif
