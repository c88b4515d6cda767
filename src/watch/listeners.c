#include "watch/listeners.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE 32768
#define ANSWERS_MAX 100 /* of that size: more listeners are not looked at */

struct query {
  struct nlmsghdr head;
  struct inet_diag_req_v2 body;
};

static bool ask(int fd, int family) {
  struct query query = {
      .head = {.nlmsg_len = sizeof(query), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .body = {.sdiag_family = (unsigned char)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1u << TCP_LISTEN}};
  return send(fd, &query, sizeof(query), 0) == (ssize_t)sizeof(query);
}

/* False: that was the last answer. */
static bool take(const char *bytes, size_t len, unsigned port, struct sp_listeners *out) {
  const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)bytes;
  for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
    if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY) return false; /* NLMSG_DONE, NLMSG_ERROR */
    if (head->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return false;
    const struct inet_diag_msg *listener = NLMSG_DATA(head);
    if (ntohs(listener->id.idiag_sport) != port) continue;
    out->waiting = (isnan(out->waiting) ? 0 : out->waiting) + (double)listener->idiag_rqueue;
    out->limit = (isnan(out->limit) ? 0 : out->limit) + (double)listener->idiag_wqueue;
  }
  return true;
}

static void ask_family(int fd, int family, unsigned port, struct sp_listeners *out) {
  _Alignas(struct nlmsghdr) char bytes[ANSWER_SIZE];
  ssize_t len = ask(fd, family) ? 1 : 0;
  for (int i = 0; i < ANSWERS_MAX && len > 0; i++) {
    len = recv(fd, bytes, sizeof(bytes), 0);
    if (len <= 0 || !take(bytes, (size_t)len, port, out)) return;
  }
}

void sp_listeners_look(unsigned port, struct sp_listeners *out) {
  static const int families[] = {AF_INET, AF_INET6};
  *out = (struct sp_listeners){.waiting = NAN, .limit = NAN};
  struct timeval patience = {.tv_sec = 1};
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) ask_family(fd, families[i], port, out);
  close(fd);
}
