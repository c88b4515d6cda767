#include "mock_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- the mock's thread -- */

static void *run_loop(void *arg) {
  sp_loop_run(arg);
  return NULL;
}

void mock_start(struct mock_fixture *fixture, const char *profile_json) {
  struct sp_err err = { 0 };
  fixture->loop = sp_loop_create(&err);
  assert_non_null(fixture->loop);
  struct sp_mock_options options = { .loop = fixture->loop, .address = "127.0.0.1:0", .profile_json = profile_json };
  fixture->mock = sp_mock_create(&options, &err);
  if (!fixture->mock) fail_msg("%s", err.text);
  fixture->port = sp_mock_port(fixture->mock);
  assert_int_equal(pthread_create(&fixture->thread, NULL, run_loop, fixture->loop), 0);
}

static void on_closed(void *ctx) { sp_loop_stop(((struct mock_fixture *)ctx)->loop); }

static void close_mock(void *arg) {
  struct mock_fixture *fixture = arg;
  sp_mock_close(fixture->mock, on_closed, fixture);
}

void mock_stop(struct mock_fixture *fixture) {
  sp_loop_post(fixture->loop, close_mock, fixture);
  pthread_join(fixture->thread, NULL);
  sp_loop_destroy(fixture->loop);
}

/* -- the client -- */

int client_open(const struct mock_fixture *fixture) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)fixture->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

void client_send(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t count = send(fd, bytes, len, MSG_NOSIGNAL);
    assert_true(count > 0);
    bytes += count;
    len -= (size_t)count;
  }
}

struct input {
  int fd, wait_ms;
  struct sp_buf bytes;
  enum reply_end end;
  bool over;
};

/* False at the end, whatever it is. */
static bool more(struct input *input) {
  char bytes[4096];
  struct pollfd ready = { .fd = input->fd, .events = POLLIN };
  if (input->over) return false;
  input->over = true;
  if (poll(&ready, 1, input->wait_ms) == 0) {
    input->end = REPLY_SILENT;
    return false;
  }
  ssize_t count = recv(input->fd, bytes, sizeof bytes, 0);
  input->end = count == 0 ? REPLY_FIN : REPLY_RESET;
  if (count <= 0) return false;
  assert_int_equal(sp_buf_append(&input->bytes, bytes, (size_t)count), 0);
  input->over = false;
  return true;
}

char *client_read_raw(int fd, int wait_ms, const char *until, size_t *out_len, enum reply_end *out_end) {
  struct input input = { .fd = fd, .wait_ms = wait_ms };
  sp_buf_init(&input.bytes, 64u << 20);
  sp_buf_append_text(&input.bytes, "");
  sp_buf_reserve(&input.bytes, 1);
  input.end = REPLY_WHOLE;
  while (!(until && input.bytes.bytes && strstr(input.bytes.bytes, until)) && more(&input)) {
  }
  if (out_len) *out_len = input.bytes.len;
  if (out_end) *out_end = input.end;
  return sp_buf_take(&input.bytes);
}

/* Length of the head, 0 while it is not whole. */
static size_t head_len(const struct sp_buf *bytes) {
  const char *end = bytes->len > 0 ? memmem(bytes->bytes, bytes->len, "\r\n\r\n", 4) : NULL;
  return end ? (size_t)(end - bytes->bytes) + 4 : 0;
}

static const char *header(const struct reply *reply, const char *name) {
  const char *at = strcasestr(reply->head, name);
  return at ? at + strlen(name) : NULL;
}

bool reply_has(const struct reply *reply, const char *header_line) {
  char line[256];
  snprintf(line, sizeof line, "\r\n%s\r\n", header_line);
  return strstr(reply->head, line) != NULL;
}

/* Moves one chunk from *at on into the body: 1 done, 0 needs more bytes, -1 bad, 2 the last chunk. */
static int take_chunk(const struct sp_buf *bytes, size_t *at, struct sp_buf *body) {
  const char *from = bytes->bytes + *at, *line = memmem(from, bytes->len - *at, "\r\n", 2);
  if (!line) return 0;
  char *end;
  unsigned long size = strtoul(from, &end, 16);
  if (end != line || end == from) return -1;
  size_t start = (size_t)(line - bytes->bytes) + 2;
  if (bytes->len < start + size + 2) return 0;
  if (memcmp(bytes->bytes + start + size, "\r\n", 2) != 0) return -1;
  sp_buf_append(body, bytes->bytes + start, size);
  *at = start + size + 2;
  return size == 0 ? 2 : 1;
}

static void read_chunked(struct input *input, size_t at, struct reply *reply, struct sp_buf *body) {
  for (;;) {
    int taken = take_chunk(&input->bytes, &at, body);
    if (taken == 2) {
      reply->end = REPLY_WHOLE;
      reply->rest_len = input->bytes.len - at;
      reply->rest = sp_strndup(input->bytes.bytes + at, reply->rest_len);
      return;
    }
    reply->end = taken < 0 ? REPLY_BROKEN : input->end;
    if (taken < 0 || (taken == 0 && !more(input))) {
      if (taken == 0) reply->end = input->end;
      return;
    }
    if (taken == 1) reply->chunks++;
  }
}

static void read_sized(struct input *input, size_t at, size_t size, struct reply *reply, struct sp_buf *body) {
  while (input->bytes.len - at < size && more(input)) {
  }
  size_t len = input->bytes.len - at < size ? input->bytes.len - at : size;
  reply->end = len == size ? REPLY_WHOLE : input->end;
  sp_buf_append(body, input->bytes.bytes + at, len);
  reply->rest_len = input->bytes.len - at - len;
  reply->rest = sp_strndup(input->bytes.bytes + at + len, reply->rest_len);
}

static void read_to_end(struct input *input, size_t at, struct reply *reply, struct sp_buf *body) {
  while (more(input)) {
  }
  reply->end = input->end;
  sp_buf_append(body, input->bytes.bytes + at, input->bytes.len - at);
}

static void read_body(struct input *input, size_t at, struct reply *reply, struct sp_buf *body) {
  const char *length = header(reply, "\r\nContent-Length: ");
  if (reply_has(reply, "Transfer-Encoding: chunked")) read_chunked(input, at, reply, body);
  else if (length) read_sized(input, at, strtoul(length, NULL, 10), reply, body);
  else read_to_end(input, at, reply, body);
}

static void read_head(struct input *input, struct reply *reply) {
  size_t len;
  while ((len = head_len(&input->bytes)) == 0 && more(input)) {
  }
  reply->head = sp_strndup(input->bytes.bytes, len);
  reply->end = input->end;
  if (len == 0) return;
  if (strncmp(reply->head, "HTTP/1.1 ", 9) != 0) reply->end = REPLY_BROKEN;
  else reply->status = atoi(reply->head + 9);
}

void client_read(int fd, int wait_ms, struct reply *reply, const struct reply *before) {
  struct input input = { .fd = fd, .wait_ms = wait_ms };
  struct sp_buf body;
  sp_buf_init(&input.bytes, 64u << 20);
  sp_buf_init(&body, 64u << 20);
  if (before) sp_buf_append(&input.bytes, before->rest, before->rest_len);
  *reply = (struct reply){ 0 };
  read_head(&input, reply);
  if (reply->status >= 200) read_body(&input, strlen(reply->head), reply, &body);
  reply->len = body.len;
  sp_buf_append_char(&body, '\0');
  reply->body = sp_buf_take(&body);
  sp_buf_fini(&input.bytes);
}

void reply_free(struct reply *reply) {
  free(reply->head);
  free(reply->body);
  free(reply->rest);
  *reply = (struct reply){ 0 };
}

void ask_on(int fd, const char *path, const char *key, const char *plan, const char *body) {
  struct sp_buf request;
  sp_buf_init(&request, 64u << 20);
  sp_buf_printf(&request, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n", path, strlen(body));
  if (key) sp_buf_printf(&request, "Authorization: Bearer %s\r\n", key);
  if (plan) sp_buf_printf(&request, "X-Mock-Plan: %s\r\n", plan);
  sp_buf_append_text(&request, "\r\n");
  sp_buf_append_text(&request, body);
  client_send(fd, request.bytes, request.len);
  sp_buf_fini(&request);
}

void ask(const struct mock_fixture *fixture, const char *path, const char *key, const char *plan, const char *body,
         struct reply *reply) {
  int fd = client_open(fixture);
  ask_on(fd, path, key, plan, body);
  client_read(fd, 10000, reply, NULL);
  close(fd);
}

void get(const struct mock_fixture *fixture, const char *path, const char *key, struct reply *reply) {
  char request[512];
  int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n%s%s%s\r\n", path,
                     key ? "Authorization: Bearer " : "", key ? key : "", key ? "\r\n" : "");
  int fd = client_open(fixture);
  client_send(fd, request, (size_t)len);
  client_read(fd, 10000, reply, NULL);
  close(fd);
}

/* -- event streams -- */

static void add_event(struct events *events, const char *block, size_t len) {
  if ((events->count & (events->count - 1)) == 0) { /* full at each power of two */
    events->docs = sp_realloc(events->docs, (events->count * 2 + 1) * sizeof *events->docs);
    events->texts = sp_realloc(events->texts, (events->count * 2 + 1) * sizeof *events->texts);
  }
  bool data = len > 6 && strncmp(block, "data: ", 6) == 0;
  events->texts[events->count] = sp_strndup(block + (data ? 6 : 0), len - (data ? 6 : 0));
  events->docs[events->count] = data ? json_loadb(block + 6, len - 6, 0, NULL) : NULL;
  events->count++;
}

/* By hand: under the address sanitizer each strstr walks to the end of the text. */
static const char *find_blank(const char *at, const char *blank, size_t blank_len) {
  for (; *at; at++)
    if (*at == *blank && strncmp(at, blank, blank_len) == 0) return at;
  return NULL;
}

void events_read(struct events *events, const char *body) {
  *events = (struct events){ 0 };
  const char *blank = strstr(body, "\r\n\r\n") ? "\r\n\r\n" : "\n\n", *end;
  for (; (end = find_blank(body, blank, strlen(blank))) != NULL; body = end + strlen(blank))
    add_event(events, body, (size_t)(end - body));
  assert_int_equal(strlen(body), 0); /* no event is left without its blank line */
}

void events_free(struct events *events) {
  for (size_t i = 0; i < events->count; i++) {
    json_decref(events->docs[i]);
    free(events->texts[i]);
  }
  free(events->docs);
  free(events->texts);
}

const char *event_name(const struct events *events, size_t i) {
  const char *name = json_string_value(json_object_get(events->docs[i], "event"));
  if (name) return name;
  if (strcmp(events->texts[i], "event: ping") == 0) return "ping";
  const char *object = json_string_value(json_object_get(events->docs[i], "object"));
  return object ? object : events->texts[i];
}

char *event_order(const struct events *events) {
  struct sp_buf order;
  sp_buf_init(&order, 1u << 20);
  sp_buf_append_text(&order, "");
  for (size_t i = 0; i < events->count; i++) {
    const char *name = event_name(events, i);
    if (i > 0 && strcmp(name, event_name(events, i - 1)) == 0) {
      if (order.bytes[order.len - 1] != '*') sp_buf_append_char(&order, '*');
      continue;
    }
    sp_buf_printf(&order, "%s%s", i > 0 ? " " : "", name);
  }
  return sp_buf_take(&order);
}

json_t *event_find(const struct events *events, const char *name, size_t nth) {
  for (size_t i = 0; i < events->count; i++)
    if (events->docs[i] && strcmp(event_name(events, i), name) == 0 && nth-- == 0) return events->docs[i];
  fail_msg("no event '%s'", name);
  return NULL;
}
