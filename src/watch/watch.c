#include "watch/watch.h"

#include "base/background.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wait.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NOTES_MAX 100u /* distinct ones a watcher */

struct watcher {
  struct sp_watch *watch;
  const struct sp_watcher_kind *kind;
  void *state;
  char *source;
  int64_t interval_ns;
  struct sp_watch_sink sink;
  struct sp_background background;
  struct sp_map notes; /* said already */
  bool connected;
};

struct sp_watch {
  struct sp_observations *observations;
  void (*on_note)(void *ctx, const char *text);
  void *ctx;
  struct watcher *watchers[SP_WATCHERS_MAX];
  size_t count;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t probed;          /* have said what they can see, or that they can't */
  size_t finished;
  bool stopping, finishing; /* finishing: each fills in (from, to] and ends */
  int64_t from_ns, to_ns;
};

const char *sp_watch_option_of(const struct sp_watch_spec *spec, const char *key) {
  for (size_t i = 0; i < spec->option_count; i++) {
    if (strcmp(spec->options[i].key, key) == 0) return spec->options[i].value;
  }
  return NULL;
}

/* -- what a watcher says -- */

static void say(struct watcher *watcher, const char *text) {
  struct sp_str key = sp_str_from(text);
  if (sp_map_get(&watcher->notes, key) || watcher->notes.count == NOTES_MAX) return;
  *sp_map_put(&watcher->notes, key) = watcher;
  if (watcher->watch->on_note) watcher->watch->on_note(watcher->watch->ctx, text);
}

void sp_watch_note(struct sp_watch_sink *sink, const char *format, ...) {
  if (!sink->watchers) return;
  struct watcher *watcher = sp_container_of(sink, struct watcher, sink);
  char text[SP_ERR_TEXT_MAX];
  int head = snprintf(text, sizeof(text), "watching %s: ", sink->source);
  va_list args;
  va_start(args, format);
  if (head > 0 && (size_t)head < sizeof(text)) vsnprintf(text + head, sizeof(text) - (size_t)head, format, args);
  va_end(args);
  say(watcher, text);
}

static void __attribute__((format(printf, 3, 0)))
sight(struct sp_watch_sink *sink, bool can, const char *format, va_list args) {
  char text[SP_OBSERVED_DETAIL_MAX + 1];
  vsnprintf(text, sizeof(text), format, args);
  sp_observations_sight(sink->observations, sink->source, can, text);
  if (!can) sp_watch_note(sink, "can't see %s", text);
}

void sp_watch_can(struct sp_watch_sink *sink, const char *format, ...) {
  va_list args;
  va_start(args, format);
  sight(sink, true, format, args);
  va_end(args);
}

void sp_watch_cannot(struct sp_watch_sink *sink, const char *format, ...) {
  va_list args;
  va_start(args, format);
  sight(sink, false, format, args);
  va_end(args);
}

void sp_watch_gauge(struct sp_watch_sink *sink, const struct sp_observed_key *key, int64_t at_ns, int64_t span_ns, double value) {
  struct sp_observed_key whole = *key;
  whole.source = sink->source;
  sp_observations_add(sink->observations, &whole, at_ns, span_ns, value);
}

bool sp_watch_stopping(const struct sp_watch_sink *sink) {
  struct sp_watch *watch = sink->watchers;
  if (!watch) return false;
  pthread_mutex_lock(&watch->lock);
  bool stopping = watch->stopping;
  pthread_mutex_unlock(&watch->lock);
  return stopping;
}

/* -- a watcher's thread -- */

static void count_up(struct sp_watch *watch, size_t *count) {
  pthread_mutex_lock(&watch->lock);
  (*count)++;
  pthread_cond_broadcast(&watch->changed);
  pthread_mutex_unlock(&watch->lock);
}

static bool asked_to_finish(struct sp_watch *watch) {
  pthread_mutex_lock(&watch->lock);
  bool finishing = watch->finishing && !watch->stopping;
  pthread_mutex_unlock(&watch->lock);
  return finishing;
}

static void look(struct watcher *watcher) {
  struct sp_err err;
  int code = watcher->connected ? 0 : watcher->kind->probe(watcher->state, &watcher->sink, &err);
  if (code == 0) code = watcher->kind->sample(watcher->state, &watcher->sink, &err);
  watcher->connected = code == 0;
  if (code) sp_watch_note(&watcher->sink, "%s", err.text);
}

static void fill_in(struct watcher *watcher) {
  struct sp_watch *watch = watcher->watch;
  struct sp_err err;
  look(watcher);
  if (watcher->kind->finish && watcher->connected &&
      watcher->kind->finish(watcher->state, &watcher->sink, watch->from_ns, watch->to_ns, &err)) {
    sp_watch_note(&watcher->sink, "%s", err.text);
  }
  count_up(watch, &watch->finished);
}

/* On a schedule of its own, so that slow looks do not stretch the intervals. */
static int64_t until_next(const struct watcher *watcher, int64_t begin_ns) {
  int64_t now_ns = sp_clock_mono_ns();
  int64_t passed = (now_ns - begin_ns) / watcher->interval_ns + 1;
  return begin_ns + passed * watcher->interval_ns - now_ns;
}

static void *work(void *ctx) {
  struct watcher *watcher = ctx;
  int64_t begin_ns = sp_clock_mono_ns();
  look(watcher);
  if (!watcher->connected) sp_observations_sight(watcher->watch->observations, watcher->source, false, "anything at the start");
  count_up(watcher->watch, &watcher->watch->probed);
  while (sp_background_wait(&watcher->background, until_next(watcher, begin_ns))) {
    if (asked_to_finish(watcher->watch)) {
      fill_in(watcher);
      break;
    }
    look(watcher);
  }
  return NULL;
}

/* -- all of them -- */

struct sp_watch *sp_watch_create(struct sp_observations *observations, void (*on_note)(void *ctx, const char *text), void *ctx) {
  struct sp_watch *watch = sp_alloc(sizeof(*watch));
  *watch = (struct sp_watch){.observations = observations, .on_note = on_note, .ctx = ctx};
  pthread_mutex_init(&watch->lock, NULL);
  sp_cond_init(&watch->changed);
  return watch;
}

static const char *next_kind_name(const void *table, size_t i) {
  (void)table;
  const struct sp_watcher_kind *kind = sp_watcher_kind_at(i);
  return kind ? kind->name : NULL;
}

static const char *next_option_key(const void *table, size_t i) { return ((const struct sp_watch_option *)table)[i].key; }

/* "query." is known by what it begins with, and needs something behind it. */
static bool is_option(const char *known, const char *key) {
  size_t len = strlen(known);
  if (len == 0 || known[len - 1] != '.') return strcmp(known, key) == 0;
  return strncmp(known, key, len) == 0 && key[len];
}

static int check_options(const struct sp_watcher_kind *kind, const struct sp_watch_spec *spec, struct sp_err *err) {
  for (size_t i = 0; i < spec->option_count; i++) {
    const struct sp_watch_option *known = kind->options;
    while (known->key && !is_option(known->key, spec->options[i].key)) known++;
    if (known->key) continue;
    const char *near = sp_str_nearest(spec->options[i].key, next_option_key, kind->options);
    return sp_fail(err, SP_EUSAGE, "the watcher %s has no option '%s'%s%s%s", kind->name, spec->options[i].key,
                   near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  return 0;
}

static int64_t interval_of(const struct sp_watcher_kind *kind, const struct sp_watch_spec *spec) {
  int64_t interval_ns = spec->interval_ns ? spec->interval_ns : kind->interval_ns ? kind->interval_ns : SP_WATCH_INTERVAL_NS;
  return interval_ns < SP_WATCH_INTERVAL_MIN_NS ? SP_WATCH_INTERVAL_MIN_NS : interval_ns;
}

int sp_watch_add(struct sp_watch *watch, const struct sp_watch_spec *spec, struct sp_err *err) {
  const struct sp_watcher_kind *kind = sp_watcher_kind_find(spec->kind);
  void *state;
  char *source;
  if (watch->count == SP_WATCHERS_MAX) return sp_fail(err, SP_EUSAGE, "over %u watchers", SP_WATCHERS_MAX);
  if (!kind) return sp_fail_no_such(err, "watcher", spec->kind, next_kind_name, NULL);
  if (check_options(kind, spec, err)) return err->code;
  if (kind->open(spec, &state, &source, err)) return sp_err_context(err, "watching %s", kind->name);
  struct watcher *watcher = sp_alloc(sizeof(*watcher));
  *watcher = (struct watcher){.watch = watch, .kind = kind, .state = state, .source = source, .interval_ns = interval_of(kind, spec)};
  watcher->sink = (struct sp_watch_sink){.observations = watch->observations, .source = source, .watchers = watch};
  sp_map_init(&watcher->notes);
  sp_background_init(&watcher->background);
  watch->watchers[watch->count++] = watcher;
  return 0;
}

/* Waits until all have come so far, or the time is over. */
static void await(struct sp_watch *watch, const size_t *count, size_t all, int64_t most_ns) {
  int64_t until_ns = sp_clock_mono_ns() + most_ns;
  pthread_mutex_lock(&watch->lock);
  while (*count < all && sp_cond_wait_until(&watch->changed, &watch->lock, until_ns)) continue;
  pthread_mutex_unlock(&watch->lock);
}

int sp_watch_start(struct sp_watch *watch, struct sp_err *err) {
  int code = 0;
  size_t started = 0;
  for (; started < watch->count && code == 0; started++) {
    struct watcher *watcher = watch->watchers[started];
    code = sp_background_start(&watcher->background, work, watcher, err);
  }
  if (code == 0) await(watch, &watch->probed, started, SP_WATCH_PROBE_MAX_NS);
  return code;
}

size_t sp_watch_count(const struct sp_watch *watch) { return watch->count; }

void sp_watch_finish(struct sp_watch *watch, int64_t from_ns, int64_t to_ns) {
  size_t started = 0;
  pthread_mutex_lock(&watch->lock);
  watch->finishing = true;
  watch->from_ns = from_ns;
  watch->to_ns = to_ns;
  pthread_mutex_unlock(&watch->lock);
  for (size_t i = 0; i < watch->count; i++) {
    started += watch->watchers[i]->background.has_thread;
    sp_background_wake(&watch->watchers[i]->background);
  }
  await(watch, &watch->finished, started, SP_WATCH_FINISH_MAX_NS);
}

static void end(struct watcher *watcher) {
  sp_background_fini(&watcher->background);
  watcher->kind->close(watcher->state);
  sp_map_fini(&watcher->notes);
  free(watcher->source);
  free(watcher);
}

void sp_watch_destroy(struct sp_watch *watch) {
  if (!watch) return;
  pthread_mutex_lock(&watch->lock);
  watch->stopping = true;
  pthread_mutex_unlock(&watch->lock);
  for (size_t i = 0; i < watch->count; i++) end(watch->watchers[i]);
  pthread_cond_destroy(&watch->changed);
  pthread_mutex_destroy(&watch->lock);
  free(watch);
}
