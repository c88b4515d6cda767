/*
 * Watchers without a load: `watch_probe SECONDS KIND=URL…` (each as of --watch) looks for so long and prints what they saw, a line
 * each, tabs between: can, cannot, note, setting, series. The exit code is 2 where a spec is wrong. For tests, and for trying a
 * watcher out.
 */
#include "base/check.h"
#include "watch/spec.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_note(void *ctx, const char *text) { /* from each watcher's thread: one call writes one line */
  (void)ctx;
  printf("note\t%s\n", text);
  fflush(stdout);
}

static void print_series(const struct sp_observations *seen, const struct sp_observed *series, int64_t from_ns, int64_t to_ns) {
  struct sp_observed_window window;
  if (!sp_observed_window(seen, series, from_ns, to_ns, &window)) return;
  printf("series\t%s\t%s\t%s\t%.9g\t%.9g\t%.9g\t%zu\t%.3f\t%s\n", sp_signal_info(series->signal)->name, series->subject,
         series->detail, window.mean, window.least, window.most, window.points, window.covered, series->query);
}

static void print_seen(const struct sp_observations *seen, int64_t from_ns, int64_t to_ns) {
  const struct sp_observed *series;
  const struct sp_setting_seen *setting;
  const struct sp_sight *sight;
  for (size_t i = 0; (sight = sp_observations_sight_at(seen, i)); i++) {
    printf("%s\t%s\t%s\n", sight->can ? "can" : "cannot", sight->source, sight->text);
  }
  for (size_t i = 0; (setting = sp_observations_setting_at(seen, i)); i++) {
    printf("setting\t%s\t%s\t%s\n", setting->subject, setting->key, setting->value);
  }
  for (size_t i = 0; (series = sp_observations_at(seen, i)); i++) print_series(seen, series, from_ns, to_ns);
}

static int look(struct sp_watch *watch, const struct sp_observations *seen, double seconds, struct sp_err *err) {
  if (sp_watch_start(watch, err)) return 1;
  int64_t from_ns = sp_clock_real_ns();
  printf("started\n"); /* whoever waits for it may begin the load */
  fflush(stdout);
  usleep((useconds_t)(seconds * 1e6));
  int64_t to_ns = sp_clock_real_ns();
  sp_watch_finish(watch, from_ns, to_ns);
  print_seen(seen, from_ns, to_ns);
  return 0;
}

int main(int argc, char **argv) {
  struct sp_watch_text texts[SP_WATCHERS_MAX] = {{.copy = NULL}};
  struct sp_err err = {.code = 0};
  struct sp_observations *seen = sp_observations_create();
  struct sp_watch *watch = sp_watch_create(seen, on_note, NULL);
  SP_CHECK(argc > 2 && argc - 2 <= (int)SP_WATCHERS_MAX);
  int code = 0;
  for (int i = 2; i < argc && code == 0; i++) {
    bool bad = sp_watch_text_parse(&texts[i - 2], argv[i], &err) || sp_watch_add(watch, &texts[i - 2].spec, &err);
    if (bad) code = 2;
  }
  if (code == 0) code = look(watch, seen, strtod(argv[1], NULL), &err);
  if (code) fprintf(stderr, "%s\n", err.text);
  sp_watch_destroy(watch);
  sp_observations_destroy(seen);
  for (size_t i = 0; i < SP_WATCHERS_MAX; i++) sp_watch_text_fini(&texts[i]);
  return code;
}
