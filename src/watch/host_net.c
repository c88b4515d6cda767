/* The network of a place: interfaces, TCP, and the accept queue of a port. */
#include "watch/host.h"
#include "watch/listeners.h"
#include "watch/proc_parse.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define NETWORK_NAME_SIZE 64 /* "net:[4026531840]" */

/* -- whose network -- */

static bool network_of(const char *root, const char *process, char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%s/ns/net", root, process);
  ssize_t len = readlink(path, name, NETWORK_NAME_SIZE - 1);
  name[len > 0 ? len : 0] = '\0';
  return len > 0;
}

/* Where one can't be told from the other, it is taken for the machine's. */
bool sp_host_own_network(struct sp_host *host, const char *process) {
  char own[NETWORK_NAME_SIZE], machines[NETWORK_NAME_SIZE];
  return network_of(host->proc.root, process, own) && network_of(host->proc.root, host->self, machines) &&
         strcmp(own, machines) != 0;
}

static bool is_our_network(struct sp_host *host, const char *process) {
  char own[NETWORK_NAME_SIZE], ours[NETWORK_NAME_SIZE];
  return network_of(host->proc.root, process, own) && network_of("/proc", "self", ours) && strcmp(own, ours) == 0;
}

/* -- interfaces, TCP -- */

/* What never carried a byte is left out. */
static void tell_interface(struct sp_host *host, struct sp_watch_sink *sink, const struct sp_proc_interface *interface,
                           int64_t at_ns) {
  char name[SP_OBSERVED_DETAIL_MAX];
  struct sp_look look;
  if (interface->in_bytes + interface->out_bytes == 0) return;
  snprintf(name, sizeof(name), SP_STR_FMT, SP_STR_ARG(interface->name));
  sp_look_init(&look, host->subject, name, host->proc.root, at_ns);
  sp_look_set(&look, SP_SIGNAL_NET_IN, interface->in_bytes, "net/dev");
  sp_look_set(&look, SP_SIGNAL_NET_OUT, interface->out_bytes, "net/dev");
  sp_look_set(&look, SP_SIGNAL_NET_DROPS, interface->drops, "net/dev");
  sp_look_tell(&look, &host->rates, sink);
}

/* ListenOverflows alone: the kernel counts each of them in ListenDrops as well. */
static void tell_tcp(struct sp_host *host, struct sp_watch_sink *sink, const char *process, int64_t at_ns) {
  struct sp_look look;
  struct sp_str text;
  sp_look_init(&look, host->subject, NULL, host->proc.root, at_ns);
  if (sp_proc_has(&host->proc, &text, "%s/net/snmp", process)) {
    sp_look_share(&look, SP_SIGNAL_TCP_RETRANSMITS, sp_proc_paired(text, "Tcp", "RetransSegs"),
                  sp_proc_paired(text, "Tcp", "OutSegs"), "net/snmp");
    sp_look_set(&look, SP_SIGNAL_TCP_ESTABLISHED, sp_proc_paired(text, "Tcp", "CurrEstab"), "net/snmp");
  }
  if (sp_proc_has(&host->proc, &text, "%s/net/netstat", process)) {
    sp_look_set(&look, SP_SIGNAL_TCP_LISTEN_OVERFLOWS, sp_proc_paired(text, "TcpExt", "ListenOverflows"), "net/netstat");
  }
  sp_look_tell(&look, &host->rates, sink);
}

void sp_host_network(struct sp_host *host, struct sp_watch_sink *sink, const char *process, int64_t at_ns) {
  struct sp_proc_interface interface;
  struct sp_str text;
  if (sp_proc_has(&host->proc, &text, "%s/net/dev", process)) {
    while (sp_proc_interface_next(&text, &interface)) tell_interface(host, sink, &interface, at_ns);
  }
  tell_tcp(host, sink, process, at_ns);
}

/* -- the accept queue -- */

/* Of another network by its files: the listeners stand first in both, so that their cap does no harm. */
static void look_at_listeners(struct sp_host *host, const char *process, struct sp_listeners *out) {
  struct sp_str text;
  if (is_our_network(host, process)) {
    sp_listeners_look(host->port, out);
    return;
  }
  sp_proc_has(&host->proc, &text, "%s/net/tcp", process);
  double v4 = sp_proc_accept_waiting(text, host->port);
  sp_proc_has(&host->proc, &text, "%s/net/tcp6", process);
  double v6 = sp_proc_accept_waiting(text, host->port);
  *out = (struct sp_listeners){.waiting = isnan(v4) ? v6 : isnan(v6) ? v4 : v4 + v6, .limit = NAN};
}

void sp_host_accept_probe(struct sp_host *host, struct sp_watch_sink *sink, const char *process) {
  struct sp_listeners listeners;
  if (!host->port) return;
  look_at_listeners(host, process, &listeners);
  if (isnan(listeners.waiting)) {
    sp_watch_cannot(sink, "the accept queue of port %u: nobody listens there: is it the port inside the container?",
                    host->port);
    return;
  }
  sp_watch_can(sink, "the accept queue of port %u", host->port);
  if (isnan(listeners.limit)) {
    sp_watch_cannot(sink, "how long the accept queue of port %u may get: it is in a network of its own", host->port);
  }
}

void sp_host_accept(struct sp_host *host, struct sp_watch_sink *sink, const char *process, int64_t at_ns) {
  struct sp_look look;
  struct sp_listeners listeners;
  if (!host->port) return;
  look_at_listeners(host, process, &listeners);
  sp_look_init(&look, host->accept, NULL, NULL, at_ns);
  sp_look_set(&look, SP_SIGNAL_SLOTS_USED, listeners.waiting, "ss -ltn");
  sp_look_set(&look, SP_SIGNAL_SLOTS_LIMIT, listeners.limit, "ss -ltn");
  sp_look_tell(&look, &host->rates, sink);
}
