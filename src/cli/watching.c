#include "cli/watching.h"

#include "base/mem.h"
#include "cli/command.h"
#include "watch/spec.h"

#include <pthread.h>
#include <stdlib.h>

#define NOTES_MAX 200u /* waiting to be said; what comes beyond is left out */

struct sp_watching {
  struct sp_observations *seen;
  struct sp_watch *watch;
  struct sp_watch_text texts[SP_WATCHERS_MAX];
  size_t text_count;
  pthread_mutex_t lock; /* of the notes, which come from the watchers' threads */
  char *notes[NOTES_MAX];
  size_t note_count;
};

static void on_note(void *ctx, const char *text) {
  struct sp_watching *watching = ctx;
  pthread_mutex_lock(&watching->lock);
  if (watching->note_count < NOTES_MAX) watching->notes[watching->note_count++] = sp_strdup(text);
  pthread_mutex_unlock(&watching->lock);
}

static int add_text(struct sp_watching *watching, const char *text, struct sp_err *err) {
  if (watching->text_count == SP_WATCHERS_MAX) return sp_fail(err, SP_EUSAGE, "over %u watchers", SP_WATCHERS_MAX);
  struct sp_watch_text *parsed = &watching->texts[watching->text_count++];
  int code = sp_watch_text_parse(parsed, text, err);
  return code ? code : sp_watch_add(watching->watch, &parsed->spec, err);
}

static int add_planned(struct sp_watching *watching, const struct sp_plan_watch *planned, struct sp_err *err) {
  struct sp_watch_spec spec = {.kind = planned->kind, .url = planned->url, .subject = planned->subject};
  int code = 0;
  if (planned->text) return add_text(watching, planned->text, err);
  if (planned->interval_ns > 0) spec.interval_ns = planned->interval_ns;
  for (size_t i = 0; i < planned->option_count && code == 0; i++) {
    code = sp_watch_spec_set(&spec, planned->options[i].key, planned->options[i].value, err);
  }
  return code ? code : sp_watch_add(watching->watch, &spec, err);
}

static int add_all(struct sp_watching *watching, const struct sp_options *options, const struct sp_plan *plan,
                   struct sp_err *err) {
  for (size_t i = 0; i < plan->watcher_count; i++) {
    if (add_planned(watching, &plan->watchers[i], err) == 0) continue;
    err->code = SP_EPLAN;
    return sp_err_context(err, "the plan's watchers");
  }
  for (size_t i = 0; i < options->watch_count; i++) {
    if (add_text(watching, options->watches[i], err)) return sp_err_context(err, "--watch");
  }
  return 0;
}

int sp_watching_open(struct sp_watching **out, const struct sp_options *options, const struct sp_plan *plan,
                     struct sp_err *err) {
  *out = NULL;
  if (options->watch_count + plan->watcher_count == 0) return 0;
  struct sp_watching *watching = sp_alloc(sizeof(*watching));
  pthread_mutex_init(&watching->lock, NULL);
  watching->seen = sp_observations_create();
  watching->watch = sp_watch_create(watching->seen, on_note, watching);
  int code = add_all(watching, options, plan, err);
  if (code) sp_watching_close(watching);
  else *out = watching;
  return code;
}

int sp_watching_start(struct sp_watching *watching, struct sp_err *err) { return sp_watch_start(watching->watch, err); }

void sp_watching_notes(struct sp_watching *watching, void (*say)(void *ctx, const char *text), void *ctx) {
  char *notes[NOTES_MAX];
  pthread_mutex_lock(&watching->lock);
  size_t count = watching->note_count;
  if (count) memcpy(notes, watching->notes, count * sizeof(*notes));
  watching->note_count = 0;
  pthread_mutex_unlock(&watching->lock);
  for (size_t i = 0; i < count; i++) {
    say(ctx, notes[i]);
    free(notes[i]);
  }
}

void sp_watching_finish(struct sp_watching *watching, int64_t from_ns, int64_t to_ns) {
  sp_watch_finish(watching->watch, from_ns, to_ns);
}

const struct sp_observations *sp_watching_seen(const struct sp_watching *watching) { return watching ? watching->seen : NULL; }

void sp_watching_close(struct sp_watching *watching) {
  if (!watching) return;
  sp_watch_destroy(watching->watch);
  sp_observations_destroy(watching->seen);
  for (size_t i = 0; i < watching->text_count; i++) sp_watch_text_fini(&watching->texts[i]);
  for (size_t i = 0; i < watching->note_count; i++) free(watching->notes[i]);
  pthread_mutex_destroy(&watching->lock);
  free(watching);
}
