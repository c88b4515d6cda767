/* The way to the target: segments sent again, tables and descriptors that are full, connections that nobody accepts. */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>

#define RETRANSMITTED 0.01 /* of the segments */
#define DROPS_PER_S 10.0
#define CONNTRACK_FULL 0.95 /* the node mixin warns at 75 %; it drops at 100 */
#define FILES_FULL 0.95     /* the node mixin warns at 90 % */
#define SYN_S 0.95          /* a connection's first packet is sent again after 1, 3, 7 s */
#define CONNECT_GROWN 10.0

/* -- the network -- */

static double network_level(const struct sp_suspect *suspect, size_t step) {
  double again = sp_see(suspect, SP_SIGNAL_TCP_RETRANSMITS, NULL, step),
         drops = sp_see(suspect, SP_SIGNAL_NET_DROPS, NULL, step);
  if (isnan(again) && isnan(drops)) return again;
  return fmin(fmax(sp_zero(again) / RETRANSMITTED, sp_zero(drops) / DROPS_PER_S), 1);
}

static void network_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.2f %% of the segments sent again, %.1f packets/s dropped",
           sp_zero(sp_see(suspect, SP_SIGNAL_TCP_RETRANSMITS, NULL, step)) * 100,
           sp_zero(sp_see(suspect, SP_SIGNAL_NET_DROPS, NULL, step)));
}

static void network_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "look at the network of %s: speed of its interface against net.in and net.out, its driver's drops (ethtool "
           "-S), a "
           "shaper on the way",
           suspect->name);
}

/* -- tables of the kernel -- */

static double conntrack_level(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_CONNTRACK_USED, NULL, step) / sp_see_last(suspect, SP_SIGNAL_CONNTRACK_LIMIT);
}
static void conntrack_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.0f %% of the firewall's connection table", suspect->level[step] * 100);
}
static void conntrack_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "raise net.netfilter.nf_conntrack_max on %s, and keep connections alive",
           suspect->name);
}

static double files_level(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_FILES_USED, NULL, step) / sp_see_last(suspect, SP_SIGNAL_FILES_LIMIT);
}
static void files_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.0f of %.0f open files", sp_see(suspect, SP_SIGNAL_FILES_USED, NULL, step),
           sp_see_last(suspect, SP_SIGNAL_FILES_LIMIT));
}
static void files_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "raise the limit of open files of %s (ulimits: nofile)", suspect->name);
}

/* -- the accept queue -- */

static double overflows(const struct sp_suspect *suspect, size_t step) {
  return sp_zero(sp_see_of(suspect->d, SP_SIGNAL_TCP_LISTEN_OVERFLOWS, NULL, NULL, step)) +
         sp_zero(sp_see_of(suspect->d, SP_SIGNAL_PROXY_DROPPED, NULL, NULL, step));
}

/* Connections made take as long as a first packet that was lost; or the target's kernel counts them. */
static double accept_level(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnose_step *at = suspect->d->steps[step], *calm = sp_calm(suspect->d);
  if (overflows(suspect, step) > 0) return 1;
  if (isnan(at->connect_p99_s)) return at->connect_p99_s;
  bool slow = at->connect_p99_s >= SYN_S && (at == calm || at->connect_p99_s >= CONNECT_GROWN * calm->connect_p99_s);
  return slow ? 1 : sp_capped(at->connect_p99_s / SYN_S, 0.5);
}

static double accept_wait_s(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  return at->connect_s * at->new_connections_per_s / sp_rps(suspect->d, step);
}

static bool accept_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  double lost = overflows(suspect, suspect->d->pressed);
  if (!(lost > 0)) return false;
  snprintf(text, size, "%.1f connections/s found the accept queue full", lost);
  return true;
}

static void accept_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  char mean[40], tail[40];
  const struct sp_diagnose_step *at = suspect->d->steps[step];
  snprintf(text, size, "a new connection takes %s, p99 %s", sp_seconds_text(at->connect_s, mean, sizeof(mean)),
           sp_seconds_text(at->connect_p99_s, tail, sizeof(tail)));
}

static void accept_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  (void)suspect;
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "raise what the listener may hold: net.core.somaxconn and the server's backlog, nginx worker_connections (two a "
      "stream); keep connections alive, and let more workers accept");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "a longer queue alone only lets them wait longer");
  out->factor = 1.5;
}

static const struct sp_rule rules[] = {
    {.resource = "network",
     .anchors = {SP_SIGNAL_TCP_RETRANSMITS, SP_SIGNAL_NET_DROPS},
     .anchor_count = 2,
     .full = 1,
     .unmeasured = true,
     .level = network_level,
     .figure = network_figure,
     .shown = SP_SIGNAL_TCP_RETRANSMITS,
     .queue_shown = SP_SIGNAL_NET_DROPS,
     .waits = {"waiting for the network of ", ""},
     .advise = network_advise},
    {.resource = "conntrack",
     .anchors = {SP_SIGNAL_CONNTRACK_USED},
     .anchor_count = 1,
     .full = CONNTRACK_FULL,
     .unmeasured = true,
     .level = conntrack_level,
     .figure = conntrack_figure,
     .shown = SP_SIGNAL_CONNTRACK_USED,
     .queue_shown = SP_SIGNAL_CONNTRACK_USED,
     .waits = {"waiting for ", "'s connection table"},
     .advise = conntrack_advise},
    {.resource = "files",
     .anchors = {SP_SIGNAL_FILES_USED},
     .anchor_count = 1,
     .full = FILES_FULL,
     .unmeasured = true,
     .level = files_level,
     .figure = files_figure,
     .shown = SP_SIGNAL_FILES_USED,
     .queue_shown = SP_SIGNAL_FILES_USED,
     .waits = {"waiting for open files of ", ""},
     .needles = {"too many open files"},
     .stand_in = "target",
     .advise = files_advise},
    {.resource = "accept_queue",
     .subject = "target",
     .full = 1,
     .level = accept_level,
     .wait_s = accept_wait_s,
     .saturated = accept_saturated,
     .figure = accept_figure,
     .shown = SP_SIGNAL_TCP_LISTEN_OVERFLOWS,
     .queue_shown = SP_SIGNAL_TCP_LISTEN_OVERFLOWS,
     .waits = {"waiting for the ", " to accept the connection"},
     .advise = accept_advise},
};
const struct sp_rules sp_rules_network = {rules, sizeof(rules) / sizeof(rules[0])};
