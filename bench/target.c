/*
 * The cheapest target that still is on time: it plays one answer to everybody who asks, by an exact schedule.
 *
 *   target TAPE PLAN
 *
 * `spate mock` builds each event of each answer and spends more on a stream than a good client does, so it is the
 * mock's core that is full first. This one does as little as a server can: epoll, the answer's bytes made before, a
 * heap of what is due, one send for what a stream has due at one instant. TAPE is an answer as the mock gave it
 * (bench/tape.py records it); its steps stand behind each other as
 *
 *   AT_US EVENTS BYTES\n  and then so many bytes
 *
 * where AT_US counts from the arrival of the request's last byte (the kernel's stamp, as in the mock). PLAN is the
 * X-Mock-Plan that the tape was recorded by: a request that asks for another one is refused, so nobody is measured
 * against a truth that is none. Lateness never adds up, since every due time is built from the arrival.
 *
 * Turns are at least TURN_NS apart, and all that is due by then is sent in one turn: an event is late by that much at
 * most, as long as the core keeps up. How late it was is told as the mock tells it (GET /mock/stats).
 *
 * One thread; listens on 127.0.0.1, on a port of the system's choice, which it prints. Runs until it is killed.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "stats/hist.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS (200 * SP_NS_PER_US)
#define TURN_READS 512
#define CONNS_MAX 65536u   /* descriptors */
#define REQUEST_MAX 4096u  /* bytes of a request, head and body */
#define STEPS_MAX 10000u   /* of the tape */
#define TAPE_MAX (16u * 1024u * 1024u)

struct step {
  int64_t at_ns; /* after the request's arrival */
  unsigned events;
  const char *bytes;
  size_t len;
};

struct conn {
  struct sp_heap_node due; /* of its next step; active while it streams */
  int fd;
  unsigned step;
  int64_t arrival_ns;
  size_t len; /* of what has come of the request */
  char request[REQUEST_MAX + 1];
};

struct target {
  char *tape;
  struct step *steps;
  unsigned step_count;
  const char *plan;
  int listener, epoll;
  struct conn *conns[CONNS_MAX]; /* by descriptor; made when first used, then kept */
  struct sp_heap due;
  int64_t turn_ns;   /* when this turn began */
  int64_t offset_ns; /* monotonic less wall clock, this turn */
  struct sp_hist late;
  uint64_t connections, connections_open, requests, streams_open, streams_max, events;
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("target: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("\n", stderr);
  va_end(arguments);
  exit(1);
}

/* -- the tape -- */

static void read_file(struct target *target, const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (!file) die("cannot open '%s': %s", path, strerror(errno));
  target->tape = malloc(TAPE_MAX + 1);
  if (!target->tape) die("out of memory");
  *len = fread(target->tape, 1, TAPE_MAX + 1, file);
  if (ferror(file) || *len > TAPE_MAX) die("'%s' cannot be read, or is over %u bytes", path, TAPE_MAX);
  target->tape[*len] = '\0';
  fclose(file);
}

static void load_tape(struct target *target, const char *path) {
  size_t len;
  read_file(target, path, &len);
  target->steps = calloc(STEPS_MAX, sizeof *target->steps);
  if (!target->steps) die("out of memory");
  const char *at = target->tape, *end = at + len;
  while (at < end) {
    long long at_us;
    unsigned events;
    size_t bytes;
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    if (!line_end || target->step_count == STEPS_MAX || sscanf(at, "%lld %u %zu", &at_us, &events, &bytes) != 3 ||
        bytes > (size_t)(end - line_end - 1))
      die("'%s' is no tape (bench/tape.py writes one)", path);
    target->steps[target->step_count++] =
        (struct step){ .at_ns = at_us * SP_NS_PER_US, .events = events, .bytes = line_end + 1, .len = bytes };
    at = line_end + 1 + bytes;
  }
  if (target->step_count == 0) die("'%s' is empty", path);
}

/* -- connections -- */

static void watch(struct target *target, int fd) {
  struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
  if (epoll_ctl(target->epoll, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

static void accept_all(struct target *target) {
  for (;;) {
    int fd = accept4(target->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) return;
    if (fd < 0 || fd >= (int)CONNS_MAX) die("accept: %s", fd < 0 ? strerror(errno) : "too many connections");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!target->conns[fd]) target->conns[fd] = calloc(1, sizeof *target->conns[fd]);
    if (!target->conns[fd]) die("out of memory");
    target->conns[fd]->fd = fd;
    target->conns[fd]->len = 0;
    target->connections++;
    target->connections_open++;
    watch(target, fd);
  }
}

static void close_conn(struct target *target, struct conn *conn) {
  if (sp_heap_node_active(&conn->due)) target->streams_open--;
  sp_heap_remove(&target->due, &conn->due);
  close(conn->fd);
  conn->fd = -1;
  target->connections_open--;
}

/* False: the connection is gone. Nobody's socket is ever full here (an answer is some ten kilobytes): a reader that
 * leaves so much unread has failed, and sees it. */
static bool put(struct target *target, struct conn *conn, const char *bytes, size_t len) {
  if (send(conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len) return true;
  close_conn(target, conn);
  return false;
}

/* -- answers -- */

static void answer(struct target *target, struct conn *conn, const char *status, const char *body) {
  char text[2048];
  int len = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s", status, strlen(body), body);
  if (len > 0 && (size_t)len < sizeof text) put(target, conn, text, (size_t)len);
}

static void answer_stats(struct target *target, struct conn *conn) {
  struct sp_hist_summary late = { 0 };
  if (target->late.count > 0) sp_hist_summarise(&target->late, 0.001, &late);
  char body[1024];
  snprintf(body, sizeof body,
           "{\"connections\":%llu,\"connections_open\":%llu,\"requests\":%llu,\"streams_open\":%llu,"
           "\"streams_max\":%llu,\"events\":%llu,\"late_ms\":{\"count\":%llu,\"mean\":%.3f,\"p50\":%.3f,"
           "\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}}",
           (unsigned long long)target->connections, (unsigned long long)target->connections_open,
           (unsigned long long)target->requests, (unsigned long long)target->streams_open,
           (unsigned long long)target->streams_max, (unsigned long long)target->events, (unsigned long long)late.count,
           late.mean, late.p50, late.p99, late.p999, late.max);
  answer(target, conn, "200 OK", body);
}

static void begin_stream(struct target *target, struct conn *conn, int64_t arrival_ns) {
  conn->step = 0;
  conn->arrival_ns = arrival_ns;
  sp_heap_insert(&target->due, &conn->due, arrival_ns + target->steps[0].at_ns);
  if (++target->streams_open > target->streams_max) target->streams_max = target->streams_open;
}

/* All that this stream has to send by now. */
static void advance(struct target *target, struct conn *conn) {
  int64_t due_ns = conn->due.key;
  sp_heap_remove(&target->due, &conn->due);
  do {
    const struct step *step = &target->steps[conn->step++];
    int64_t now_ns = sp_clock_mono_ns();
    if (send(conn->fd, step->bytes, step->len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)step->len) {
      target->streams_open--;
      close_conn(target, conn);
      return;
    }
    target->events += step->events;
    sp_hist_record_ns(&target->late, now_ns - due_ns);
    if (conn->step == target->step_count) {
      target->streams_open--;
      return;
    }
    due_ns = conn->arrival_ns + target->steps[conn->step].at_ns;
  } while (due_ns <= target->turn_ns);
  sp_heap_insert(&target->due, &conn->due, due_ns);
}

/* -- requests -- */

/* Length of a whole request in conn->request; 0: more has to come. */
static size_t whole_request(const struct conn *conn) {
  const char *head_end = strstr(conn->request, "\r\n\r\n");
  if (!head_end) return 0;
  const char *length = strcasestr(conn->request, "\r\nContent-Length:");
  size_t body = length && length < head_end ? strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10) : 0;
  size_t head = (size_t)(head_end - conn->request) + 4;
  if (body > REQUEST_MAX) return REQUEST_MAX + 1;
  return head + body <= conn->len ? head + body : 0;
}

static bool asks_for(const struct conn *conn, const char *plan) {
  const char *found = strstr(conn->request, plan);
  return found && found[strlen(plan)] == '\r';
}

static void serve(struct target *target, struct conn *conn, int64_t arrival_ns) {
  target->requests++;
  if (strncmp(conn->request, "GET /mock/stats ", 16) == 0) answer_stats(target, conn);
  else if (strncmp(conn->request, "POST ", 5) != 0) answer(target, conn, "404 Not Found", "{}");
  else if (!asks_for(conn, target->plan)) answer(target, conn, "400 Bad Request", "{\"plan\":\"is another\"}");
  else begin_stream(target, conn, arrival_ns);
}

static int64_t stamp_of(const struct target *target, struct msghdr *message) {
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  int64_t now_ns = sp_clock_mono_ns();
  if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS) return now_ns;
  struct timespec at;
  memcpy(&at, CMSG_DATA(control), sizeof at);
  int64_t stamp_ns = (int64_t)at.tv_sec * SP_NS_PER_S + at.tv_nsec + target->offset_ns;
  return stamp_ns < now_ns ? stamp_ns : now_ns;
}

static void read_conn(struct target *target, struct conn *conn) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
  struct iovec room = { conn->request + conn->len, REQUEST_MAX - conn->len };
  struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control };
  ssize_t got = recvmsg(conn->fd, &message, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || sp_heap_node_active(&conn->due)) { /* gone; or it asks again before its answer has ended */
    close_conn(target, conn);
    return;
  }
  conn->len += (size_t)got;
  conn->request[conn->len] = '\0';
  size_t whole = whole_request(conn);
  if (whole == 0 && conn->len < REQUEST_MAX) return;
  if (whole != conn->len) {
    close_conn(target, conn);
    return;
  }
  conn->len = 0;
  serve(target, conn, stamp_of(target, &message));
}

/* -- the run -- */

static void sleep_until(int64_t at_ns) {
  struct timespec at = { .tv_sec = at_ns / SP_NS_PER_S, .tv_nsec = at_ns % SP_NS_PER_S };
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
  }
}

/* Until something came or is due, but not before the turn's time is over. */
static int wait_turn(struct target *target, struct epoll_event *events) {
  sleep_until(target->turn_ns + TURN_NS);
  const struct sp_heap_node *next = sp_heap_peek(&target->due);
  int64_t now_ns = sp_clock_mono_ns();
  int64_t wait_ns = !next ? SP_NS_PER_S : next->key > now_ns ? next->key - now_ns : 0;
  struct timespec wait = { .tv_sec = wait_ns / SP_NS_PER_S, .tv_nsec = wait_ns % SP_NS_PER_S };
  int count = epoll_pwait2(target->epoll, events, TURN_READS, &wait, NULL);
  if (count < 0 && errno != EINTR) die("epoll_pwait2: %s", strerror(errno));
  target->turn_ns = sp_clock_mono_ns();
  target->offset_ns = target->turn_ns - sp_clock_real_ns();
  return count;
}

static void run(struct target *target) {
  struct epoll_event events[TURN_READS];
  for (;;) {
    int count = wait_turn(target, events);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == target->listener) accept_all(target);
      else if (target->conns[events[i].data.fd]->fd >= 0) read_conn(target, target->conns[events[i].data.fd]);
    }
    const struct sp_heap_node *next;
    while ((next = sp_heap_peek(&target->due)) && next->key <= target->turn_ns)
      advance(target, (struct conn *)next); /* its first member */
  }
}

static void listen_somewhere(struct target *target) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof address;
  int on = 1;
  target->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  target->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (target->listener < 0 || target->epoll < 0) die("socket: %s", strerror(errno));
  setsockopt(target->listener, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on); /* accepted sockets inherit it */
  if (bind(target->listener, (struct sockaddr *)&address, sizeof address) || listen(target->listener, 4096) ||
      getsockname(target->listener, (struct sockaddr *)&address, &len))
    die("cannot listen: %s", strerror(errno));
  watch(target, target->listener);
  printf("target on http://127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
  fflush(stdout);
}

int main(int argc, char **argv) {
  static struct target target;
  if (argc != 3) {
    fprintf(stderr, "usage: target TAPE PLAN\n");
    return 2;
  }
  load_tape(&target, argv[1]);
  target.plan = argv[2];
  sp_heap_init(&target.due);
  sp_hist_init(&target.late);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  prctl(PR_SET_TIMERSLACK, 1UL);
  listen_somewhere(&target);
  run(&target);
}
