/*
 * The floor: the least that any client can do with a target's event streams, as the measure of what spate adds.
 *
 *   floor HOST PORT STREAMS SECONDS [SPAWN_PER_S [WARM_UP_S [PLAN]]]
 *
 * One thread, level-triggered epoll, one recv a wake-up, memmem for the token marker; no HTTP or JSON parser, no
 * histogram: the times to first token are kept as they are and sorted at the end. Each connection sends the same
 * request that bench/plans/stream.lua makes, and again as soon as its answer has ended. A marker that is cut by two
 * reads is still counted: the end of a read is carried over to the next one. Linked with floor_plain.c it is `floor`,
 * with tls_floor.c it is `tls_floor` (floor_wire.h).
 *
 * When SECONDS are over no new request starts; those under way end (at most DRAIN_S). Prints one JSON object.
 */
#include "floor_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MARKER "\"event\":\"message\"" /* Dify's token event; message_end has another closing */
#define LAST_CHUNK "\r\n0\r\n\r\n"     /* no header's value can look like this: it stands behind a line's end */
#define CARRY (sizeof MARKER - 2)      /* bytes of a marker that an earlier read may have brought */
#define PLAN "head=0s queue=0s node=0s first=100ms gap=20ms tail=0s tokens=50"
#define READ_SIZE 65536u
#define STREAMS_MAX 20000u
#define TURN_EVENTS 1024
#define DRAIN_S 10
#define NS_PER_S INT64_C(1000000000)

struct stream {
  int fd;
  void *wire;
  bool has_token, ended;
  unsigned carried;
  char carry[CARRY];
  int64_t begun_ns;
};

struct floor {
  struct sockaddr_in address;
  char request[2048];
  size_t request_len;
  struct stream *streams;
  unsigned stream_count, opened, open;
  double spawn_per_s;
  int64_t start_ns, warm_ns, stop_ns;
  int epoll;
  uint64_t tokens, answers, started;
  int64_t *first_ns; /* times to first token of what began after the warm-up */
  size_t first_count, first_room;
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("floor: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("\n", stderr);
  va_end(arguments);
  exit(1);
}

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void keep_first(struct floor *floor, int64_t ns) {
  if (floor->first_count == floor->first_room) {
    floor->first_room = floor->first_room ? floor->first_room * 2 : 4096;
    floor->first_ns = realloc(floor->first_ns, floor->first_room * sizeof *floor->first_ns);
    if (!floor->first_ns) die("out of memory");
  }
  floor->first_ns[floor->first_count++] = ns;
}

/* -- one stream -- */

static void close_stream(struct floor *floor, struct stream *stream) {
  floor_wire_close(stream->wire);
  close(stream->fd);
  stream->ended = true;
  floor->open--;
}

static void send_request(struct floor *floor, struct stream *stream) {
  stream->begun_ns = now_ns(CLOCK_MONOTONIC);
  if (stream->begun_ns >= floor->stop_ns) {
    close_stream(floor, stream);
    return;
  }
  stream->has_token = false;
  stream->carried = 0;
  floor->started++;
  ssize_t sent = floor_wire_send(stream->fd, stream->wire, floor->request, floor->request_len);
  if (sent != (ssize_t)floor->request_len) die("cannot send: %s", strerror(errno));
}

static void open_stream(struct floor *floor) {
  struct stream *stream = &floor->streams[floor->opened++];
  int on = 1;
  stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (stream->fd < 0) die("socket: %s", strerror(errno));
  if (connect(stream->fd, (struct sockaddr *)&floor->address, sizeof floor->address))
    die("connect: %s", strerror(errno));
  setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  stream->wire = floor_wire_open(stream->fd);
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };
  if (epoll_ctl(floor->epoll, EPOLL_CTL_ADD, stream->fd, &event)) die("epoll_ctl: %s", strerror(errno));
  floor->open++;
  send_request(floor, stream);
}

static void count_tokens(struct floor *floor, struct stream *stream, const char *at, const char *end) {
  const size_t marker_len = sizeof MARKER - 1;
  while ((at = memmem(at, (size_t)(end - at), MARKER, marker_len))) {
    floor->tokens++;
    at += marker_len;
    if (stream->has_token) continue;
    stream->has_token = true;
    if (stream->begun_ns >= floor->warm_ns) keep_first(floor, now_ns(CLOCK_MONOTONIC) - stream->begun_ns);
  }
}

static void read_stream(struct floor *floor, struct stream *stream) {
  static char buffer[CARRY + READ_SIZE];
  memcpy(buffer, stream->carry, stream->carried);
  ssize_t got = floor_wire_recv(stream->fd, stream->wire, buffer + stream->carried, READ_SIZE);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) die("a stream ended early: %s", got == 0 ? "closed" : strerror(errno));
  const char *end = buffer + stream->carried + got;
  count_tokens(floor, stream, buffer, end);
  const size_t last_len = sizeof LAST_CHUNK - 1;
  size_t len = (size_t)(end - buffer);
  if (len >= last_len && memcmp(end - last_len, LAST_CHUNK, last_len) == 0) {
    floor->answers++;
    send_request(floor, stream);
    return;
  }
  stream->carried = len < CARRY ? (unsigned)len : (unsigned)CARRY;
  memcpy(stream->carry, end - stream->carried, stream->carried);
}

/* -- the run -- */

/* Opens what is due; returns how long to wait for the next one, in ms (-1: none is left). */
static int open_due(struct floor *floor, int64_t now) {
  while (floor->opened < floor->stream_count) {
    int64_t due_ns = floor->start_ns + (int64_t)(floor->opened / floor->spawn_per_s * (double)NS_PER_S);
    if (due_ns > now) return (int)((due_ns - now) / 1000000) + 1;
    if (due_ns >= floor->stop_ns) floor->stream_count = floor->opened;
    else open_stream(floor);
  }
  return -1;
}

static void run(struct floor *floor) {
  struct epoll_event events[TURN_EVENTS];
  int wait_ms = open_due(floor, floor->start_ns);
  while (floor->open > 0 || floor->opened < floor->stream_count) {
    int count = epoll_wait(floor->epoll, events, TURN_EVENTS, wait_ms < 0 ? 1000 : wait_ms);
    if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      struct stream *stream = events[i].data.ptr;
      if (!stream->ended) read_stream(floor, stream);
    }
    if (wait_ms >= 0) wait_ms = open_due(floor, now_ns(CLOCK_MONOTONIC));
    else if (count == 0 && now_ns(CLOCK_MONOTONIC) > floor->stop_ns + DRAIN_S * NS_PER_S) die("streams do not end");
  }
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static double first_ms(const struct floor *floor, double share) {
  if (floor->first_count == 0) return 0;
  size_t at = (size_t)(share * (double)floor->first_count);
  if (at >= floor->first_count) at = floor->first_count - 1;
  return (double)floor->first_ns[at] / 1e6;
}

static void print(struct floor *floor, int64_t cpu_ns) {
  if (floor->first_count) qsort(floor->first_ns, floor->first_count, sizeof *floor->first_ns, compare);
  printf("{\"tokens\": %llu, \"answers\": %llu, \"started\": %llu, \"cpu_s\": %.6f, \"cpu_us_per_token\": %.4f, "
         "\"ttft_ms\": {\"count\": %zu, \"p50\": %.3f, \"p95\": %.3f, \"max\": %.3f}, \"duration_s\": %.3f}\n",
         (unsigned long long)floor->tokens, (unsigned long long)floor->answers, (unsigned long long)floor->started,
         (double)cpu_ns / 1e9, floor->tokens ? (double)cpu_ns / 1e3 / (double)floor->tokens : 0, floor->first_count,
         first_ms(floor, 0.5), first_ms(floor, 0.95), first_ms(floor, 1),
         (double)(now_ns(CLOCK_MONOTONIC) - floor->start_ns) / 1e9);
}

static void make_request(struct floor *floor, const char *host, const char *port, const char *plan) {
  const char *body = "{\"auto_generate_name\":false,\"inputs\":{},\"query\":\"请简单介绍一下你自己\","
                     "\"response_mode\":\"streaming\",\"user\":\"floor\"}";
  int len = snprintf(floor->request, sizeof floor->request,
                     "POST /v1/chat-messages HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer app-simple\r\n"
                     "X-Mock-Plan: %s\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: floor\r\n"
                     "Content-Length: %zu\r\n\r\n%s", host, port, plan, strlen(body), body);
  if (len < 0 || (size_t)len >= sizeof floor->request) die("the request is too long");
  floor->request_len = (size_t)len;
}

static double number(int argc, char **argv, int at, double otherwise) {
  if (at >= argc) return otherwise;
  char *end;
  double value = strtod(argv[at], &end);
  if (end == argv[at] || *end || !(value >= 0)) die("'%s' is no number", argv[at]);
  return value;
}

static void prepare(struct floor *floor, int argc, char **argv) {
  double count = number(argc, argv, 3, 0);
  if (count < 1 || count > STREAMS_MAX) die("STREAMS must be from 1 to %u", STREAMS_MAX);
  floor->stream_count = (unsigned)count;
  floor->streams = calloc(floor->stream_count, sizeof *floor->streams);
  if (!floor->streams) die("out of memory");
  floor->spawn_per_s = number(argc, argv, 5, 1000);
  if (!(floor->spawn_per_s > 0)) die("SPAWN_PER_S must be more than 0");
  floor->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)number(argc, argv, 2, 0)) };
  if (inet_pton(AF_INET, argv[1], &floor->address.sin_addr) != 1) die("'%s' is no IPv4 address", argv[1]);
  make_request(floor, argv[1], argv[2], argc > 7 ? argv[7] : PLAN);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  floor->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (floor->epoll < 0) die("epoll_create1: %s", strerror(errno));
  floor->start_ns = now_ns(CLOCK_MONOTONIC);
  floor->stop_ns = floor->start_ns + (int64_t)(number(argc, argv, 4, 0) * (double)NS_PER_S);
  floor->warm_ns = floor->start_ns + (int64_t)(number(argc, argv, 6, 0) * (double)NS_PER_S);
}

int main(int argc, char **argv) {
  static struct floor floor;
  if (argc < 5) {
    fprintf(stderr, "usage: floor HOST PORT STREAMS SECONDS [SPAWN_PER_S [WARM_UP_S [PLAN]]]\n");
    return 2;
  }
  prepare(&floor, argc, argv);
  run(&floor);
  print(&floor, now_ns(CLOCK_PROCESS_CPUTIME_ID));
  free(floor.first_ns);
  free(floor.streams);
  close(floor.epoll);
  return 0;
}
