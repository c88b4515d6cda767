/* nginx, by the page of its module stub_status. */
#include "base/mem.h"
#include "base/units.h"
#include "watch/fetch.h"
#include "watch/kinds.h"
#include "watch/look.h"
#include "watch/nginx_status.h"

#include <math.h>
#include <stdlib.h>

struct nginx {
  struct sp_fetch *fetch;
  char *subject;
  double connections; /* that it can have; NAN: not known */
  struct sp_rates rates;
};

static const struct sp_watch_option options[] = {
    {"connections", "how many it can have: worker_processes times worker_connections"},
    SP_FETCH_OPTIONS,
    {NULL, NULL},
};

static void close_nginx(void *watcher) {
  struct nginx *nginx = watcher;
  sp_fetch_destroy(nginx->fetch);
  sp_rates_fini(&nginx->rates);
  free(nginx->subject);
  free(nginx);
}

static int open_nginx(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  const char *connections = sp_watch_option_of(spec, "connections");
  uint64_t count = 0;
  struct sp_fetch *fetch;
  if (connections && sp_parse_count(connections, &count, err)) return sp_err_context(err, "connections");
  if (sp_fetch_create(spec, &fetch, err)) return err->code;
  struct nginx *nginx = sp_alloc(sizeof(*nginx));
  *nginx = (struct nginx){.fetch = fetch, .connections = connections ? (double)count : NAN,
                          .subject = sp_strdup(spec->subject ? spec->subject : "nginx")};
  sp_rates_init(&nginx->rates);
  *watcher = nginx;
  *source = sp_fetch_source(fetch, "nginx");
  return 0;
}

static int ask(struct nginx *nginx, struct sp_watch_sink *sink, struct sp_nginx_status *status, int64_t *at_ns,
               struct sp_err *err) {
  struct sp_fetched answer;
  if (sp_fetch_ok(nginx->fetch, sink, &(struct sp_fetch_call){.target = ""}, &answer, err)) return err->code;
  *at_ns = answer.got_ns;
  if (sp_nginx_status_parse(answer.body, status)) return 0;
  return sp_fail(err, SP_EPARSE, "%s is no page of stub_status: give nginx a `location = /nginx_status { stub_status; }` and "
                                 "that URL", sp_fetch_name(nginx->fetch));
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct nginx *nginx = watcher;
  struct sp_nginx_status status;
  int64_t at_ns;
  if (ask(nginx, sink, &status, &at_ns, err)) return err->code;
  sp_watch_can(sink, "connections, those dropped, requests, answers under way");
  if (isnan(nginx->connections)) {
    sp_watch_cannot(sink, "how many connections nginx can have: the page does not say; give the option connections");
  }
  return 0;
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct nginx *nginx = watcher;
  struct sp_nginx_status status;
  struct sp_look look;
  int64_t at_ns;
  const char *page = sp_fetch_name(nginx->fetch);
  if (ask(nginx, sink, &status, &at_ns, err)) return err->code;
  sp_look_init(&look, nginx->subject, NULL, NULL, at_ns);
  sp_look_set(&look, SP_SIGNAL_SLOTS_USED, status.active, page);
  sp_look_set(&look, SP_SIGNAL_SLOTS_LIMIT, nginx->connections, page);
  sp_look_set(&look, SP_SIGNAL_CALLS_ACTIVE, fmax(status.writing - 1, 0), page); /* one of them is this question's */
  sp_look_set(&look, SP_SIGNAL_CALLS_RATE, status.requests, page);
  sp_look_set(&look, SP_SIGNAL_PROXY_DROPPED, status.accepted - status.handled, page);
  sp_look_tell(&look, &nginx->rates, sink);
  return 0;
}

const struct sp_watcher_kind sp_watcher_nginx = {
    .name = "nginx",
    .url_form = "http://host/nginx_status",
    .help = "nginx by its stub_status page: connections, those dropped, requests, answers under way",
    .options = options,
    .open = open_nginx,
    .probe = probe,
    .sample = sample,
    .close = close_nginx,
};
