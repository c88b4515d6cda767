/* Private to the watcher `prometheus`. Times of the server are `server_ns`; what is added to the observations is in ours. */
#ifndef SP_WATCH_PROMETHEUS_PARTS_H
#define SP_WATCH_PROMETHEUS_PARTS_H

#include "watch/panel.h"
#include "watch/prometheus_api.h"

#define SP_PROMETHEUS_PACKS_MAX 32u
#define SP_PROMETHEUS_LATE_NS (2 * SP_NS_PER_S) /* that a scrape takes to be seen */

struct sp_prometheus_raw { /* what of a pack was read */
  const struct sp_pack *pack;
  char *selector; /* {__name__=~"a|b",…}; NULL: there are no series of it */
  int64_t server_ns; /* up to there; 0: nothing yet */
};

struct sp_prometheus_own { /* a query of the user's */
  const char *name, *query; /* borrowed from the spec */
  int64_t server_ns;        /* the last step that was asked for; 0: none yet */
  bool bad;                 /* the server does not take it */
};

struct sp_prometheus_watcher {
  struct sp_prometheus api;
  struct sp_panel *panel;
  const char *match, *subject;
  struct sp_prometheus_raw raws[SP_PROMETHEUS_PACKS_MAX];
  size_t raw_count;
  struct sp_prometheus_own owns[SP_WATCH_OPTIONS_MAX];
  size_t own_count;
  int64_t ahead_ns;  /* the server's clock before ours */
  int64_t scrape_ns; /* what most of its targets are scraped at */
  bool looked, told_gap, told_packs;
};

/* Reads the samples of a pack up to a time of the server (the first time: from `from` on), as they were scraped, and makes points
 * of them. */
int sp_prometheus_read(struct sp_prometheus_watcher *watcher, struct sp_prometheus_raw *raw, int64_t from_server_ns,
                       int64_t to_server_ns, struct sp_watch_sink *sink, struct sp_err *err);
/* Which of the packs' metrics it has, and the selectors for them. */
int sp_prometheus_find(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink, struct sp_err *err);

/* The own queries' steps up to a time of the server (the first time: from `from` on); what is wrong with one is a note.
 * SP_EIO: the server can't be reached. */
int sp_prometheus_ask_own(struct sp_prometheus_watcher *watcher, int64_t from_server_ns, int64_t to_server_ns,
                          struct sp_watch_sink *sink, struct sp_err *err);

#endif
