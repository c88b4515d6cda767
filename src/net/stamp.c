#include "net/stamp.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 3 };

static void renew_offset(struct sp_net *net) {
  int64_t narrowest = INT64_MAX;
  for (int i = 0; i < PAIRS; i++) {
    int64_t before = sp_clock_mono_ns();
    int64_t real = sp_clock_real_ns();
    int64_t after = sp_clock_mono_ns();
    if (after - before < narrowest) {
      narrowest = after - before;
      net->real_offset_ns = real - (before + (after - before) / 2);
    }
    net->offset_read_ns = after;
  }
}

void sp_net_init(struct sp_net *net, struct sp_loop *loop) {
  *net = (struct sp_net){ .loop = loop };
  net->read_bytes = sp_alloc(SP_NET_READ_SIZE);
  net->plain_bytes = sp_alloc(SP_NET_READ_SIZE);
  sp_buf_init(&net->cipher, SP_TLS_OUTPUT_MAX);
  net->stamp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (net->stamp_fd >= 0) sp_stamp_enable(net->stamp_fd);
  renew_offset(net);
}

void sp_net_fini(struct sp_net *net) {
  if (net->stamp_fd >= 0) close(net->stamp_fd);
  net->stamp_fd = -1;
  free(net->read_bytes);
  free(net->plain_bytes);
  sp_buf_fini(&net->cipher);
  net->read_bytes = net->plain_bytes = NULL;
}

void sp_stamp_enable(int fd) {
  int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

int64_t sp_stamp_to_mono(const struct sp_net *net, int64_t real_ns, int64_t now_ns) {
  int64_t mono_ns = real_ns - net->real_offset_ns;
  if (mono_ns < now_ns - SP_STAMP_AGE_MAX_NS || mono_ns > now_ns + SP_STAMP_AHEAD_MAX_NS) return 0;
  return mono_ns < now_ns ? mono_ns : now_ns;
}

static int64_t stamp_of(struct msghdr *message) { /* realtime; 0: none */
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
    return stamp.tv_sec * SP_NS_PER_S + stamp.tv_nsec;
  }
  return 0;
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
  __has_feature(thread_sanitizer)
/* Sanitizers learn from glibc's recvmsg what was written, and by whom. */
static ssize_t receive(int fd, struct msghdr *message) { return recvmsg(fd, message, 0); }
#else
/* Past glibc's recvmsg, which in a program of several threads makes the thread cancellable and not again around each
 * call: two atomic exchanges, and nobody cancels threads here. */
static ssize_t receive(int fd, struct msghdr *message) { return syscall(SYS_recvmsg, fd, message, 0); }
#endif

ssize_t sp_stamp_receive(struct sp_net *net, int fd, struct sp_rx *rx) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct timespec)) + 64];
  } control;
  struct iovec io = { .iov_base = net->read_bytes, .iov_len = SP_NET_READ_SIZE };
  struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes) };
  ssize_t count = receive(fd, &message);
  if (count <= 0) return count;
  rx->user_ns = sp_clock_mono_ns();
  int64_t real_ns = stamp_of(&message);
  if (real_ns != 0 && rx->user_ns - net->offset_read_ns >= SP_STAMP_OFFSET_KEEP_NS) renew_offset(net);
  rx->kernel_ns = real_ns == 0 ? 0 : sp_stamp_to_mono(net, real_ns, rx->user_ns);
  return count;
}
