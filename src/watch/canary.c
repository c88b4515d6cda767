/*
 * canary: one cheap request each interval beside the load. A program with one event loop answers it as late as anything else,
 * so that its time shows from outside how busy that loop is. Never more than one is open, and none counts as load.
 */
#include "base/mem.h"
#include "base/units.h"
#include "watch/fetch.h"
#include "watch/kinds.h"
#include "watch/look.h"

#include <math.h>
#include <stdlib.h>

/* Quotas of CPUs have periods of 100 ms: an interval that is a multiple of them would always ask at the same moment of one. */
#define INTERVAL_NS (970 * SP_NS_PER_MS)

struct canary {
  struct sp_fetch *fetch;
  char *subject;
  bool fresh;
  int64_t timeout_ns;
  double failures; /* so far */
  struct sp_rates rates;
};

static const struct sp_watch_option options[] = {
    {"fresh", "true: a new connection each time, so that the accept queue is seen too (default: one that is kept)"},
    {"timeout", "when a request counts as failed (5s, at most)"},
    SP_FETCH_OPTIONS,
    {NULL, NULL},
};

static void close_canary(void *watcher) {
  struct canary *canary = watcher;
  sp_fetch_destroy(canary->fetch);
  sp_rates_fini(&canary->rates);
  free(canary->subject);
  free(canary);
}

static int read_timeout(const struct sp_watch_spec *spec, int64_t *timeout_ns, struct sp_err *err) {
  const char *text = sp_watch_option_of(spec, "timeout");
  *timeout_ns = SP_WATCH_CALL_MAX_NS;
  if (!text) return 0;
  if (sp_parse_duration(text, timeout_ns, err)) return sp_err_context(err, "timeout");
  if (*timeout_ns >= SP_NS_PER_MS && *timeout_ns <= SP_WATCH_CALL_MAX_NS) return 0;
  return sp_fail(err, SP_EUSAGE, "a timeout is from 1ms to 5s, not '%s'", text);
}

static int read_fresh(const struct sp_watch_spec *spec, bool *fresh, struct sp_err *err) {
  const char *text = sp_watch_option_of(spec, "fresh");
  *fresh = text && strcmp(text, "true") == 0;
  if (!text || *fresh || strcmp(text, "false") == 0) return 0;
  return sp_fail(err, SP_EUSAGE, "fresh is true or false, not '%s'", text);
}

static int open_canary(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct sp_fetch *fetch;
  int64_t timeout_ns;
  bool fresh;
  if (read_timeout(spec, &timeout_ns, err) || read_fresh(spec, &fresh, err)) return err->code;
  if (sp_fetch_create(spec, &fetch, err)) return err->code;
  struct canary *canary = sp_alloc(sizeof(*canary));
  *canary = (struct canary){.fetch = fetch, .timeout_ns = timeout_ns, .fresh = fresh,
                            .subject = sp_strdup(spec->subject ? spec->subject : sp_fetch_host(fetch))};
  sp_rates_init(&canary->rates);
  *watcher = canary;
  *source = sp_fetch_source(fetch, "canary");
  return 0;
}

static void tell(struct canary *canary, struct sp_watch_sink *sink, double time_s) {
  const char *url = sp_fetch_name(canary->fetch);
  struct sp_look look;
  sp_look_init(&look, canary->subject, NULL, NULL, sp_clock_real_ns());
  sp_look_set(&look, SP_SIGNAL_CANARY_TIME, time_s, url);
  sp_look_set(&look, SP_SIGNAL_CANARY_FAILURES, canary->failures, url);
  sp_look_tell(&look, &canary->rates, sink);
}

/* Asks nothing: a target that does not answer yet is what the samples are to see. */
static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  (void)err;
  sp_watch_can(sink, "the time of a cheap request beside the load");
  tell(watcher, sink, NAN);
  return 0;
}

/* That the target fails is data, and a note. One that was given up had taken at least so long. */
static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct canary *canary = watcher;
  struct sp_fetched answer;
  const struct sp_fetch_call call = {.target = "", .fresh = canary->fresh, .timeout_ns = canary->timeout_ns};
  int64_t begin_ns = sp_clock_mono_ns();
  int code = sp_fetch(canary->fetch, sink, &call, &answer, err);
  int64_t took_ns = sp_clock_mono_ns() - begin_ns;
  bool failed = code != 0 || answer.status >= 500, late = took_ns >= canary->timeout_ns;
  if (code && sp_watch_stopping(sink)) return 0;
  if (code) sp_watch_note(sink, "%s", err->text);
  if (code == 0 && answer.status >= 400) {
    sp_watch_note(sink, "%s answered %d: is that the cheap request?", sp_fetch_name(canary->fetch), answer.status);
  }
  canary->failures += failed;
  tell(canary, sink, failed && !late ? NAN : (double)took_ns / (double)SP_NS_PER_S);
  return 0;
}

const struct sp_watcher_kind sp_watcher_canary = {
    .name = "canary",
    .url_form = "http://host/health",
    .help = "one cheap request each interval beside the load: how busy the target's event loop is, seen from outside",
    .interval_ns = INTERVAL_NS,
    .options = options,
    .open = open_canary,
    .probe = probe,
    .sample = sample,
    .close = close_canary,
};
