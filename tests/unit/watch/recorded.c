#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorded.h"

#include "base/check.h"
#include "watch/rates.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

void recorded_make(struct recorded *recorded) {
  *recorded = (struct recorded){.folder = "/tmp/spate-recorded-XXXXXX", .seen = sp_observations_create()};
  SP_CHECK(mkdtemp(recorded->folder));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

void recorded_remove(struct recorded *recorded) {
  if (recorded->watcher) recorded->kind->close(recorded->watcher);
  free(recorded->source);
  sp_observations_destroy(recorded->seen);
  nftw(recorded->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *recorded_path(struct recorded *recorded, const char *path) {
  static char whole[300];
  snprintf(whole, sizeof(whole), "%s/%s", recorded->folder, path);
  return whole;
}

void recorded_write(struct recorded *recorded, const char *path, const char *text) {
  char whole[300];
  snprintf(whole, sizeof(whole), "%s", recorded_path(recorded, path));
  for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(whole, 0755);
    *slash = '/';
  }
  FILE *file = fopen(whole, "we");
  SP_CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

void recorded_delete(struct recorded *recorded, const char *path) { SP_CHECK(remove(recorded_path(recorded, path)) == 0); }

int recorded_open(struct recorded *recorded, const struct sp_watch_spec *spec) {
  recorded->kind = sp_watcher_kind_find(spec->kind);
  int code = recorded->kind->open(spec, &recorded->watcher, &recorded->source, &recorded->err);
  recorded->sink = (struct sp_watch_sink){.observations = recorded->seen, .source = recorded->source};
  return code;
}

int recorded_probe(struct recorded *recorded) {
  return recorded->kind->probe(recorded->watcher, &recorded->sink, &recorded->err);
}

int recorded_sample(struct recorded *recorded) {
  /* Two looks in no time give no rate. */
  nanosleep(&(struct timespec){.tv_nsec = 11 * SP_RATES_SPAN_MIN_NS / 10}, NULL);
  return recorded->kind->sample(recorded->watcher, &recorded->sink, &recorded->err);
}

static const struct sp_observed *find(struct recorded *recorded, enum sp_signal signal, const char *subject,
                                      const char *detail) {
  return sp_observations_find(recorded->seen, signal, subject, detail ? detail : "", NULL);
}

bool recorded_has(struct recorded *recorded, enum sp_signal signal, const char *subject, const char *detail) {
  return find(recorded, signal, subject, detail) != NULL;
}

double recorded_last(struct recorded *recorded, enum sp_signal signal, const char *subject, const char *detail) {
  size_t count;
  const struct sp_observed *series = find(recorded, signal, subject, detail);
  if (!series) fail_msg("there is no %s of %s %s", sp_signal_info(signal)->name, subject, detail ? detail : "");
  struct sp_point *points = sp_observed_points(recorded->seen, series, 0, &count);
  double value = points[count - 1].value;
  free(points);
  return value;
}

bool recorded_sight(struct recorded *recorded, bool can, const char *text) {
  const struct sp_sight *sight;
  for (size_t i = 0; (sight = sp_observations_sight_at(recorded->seen, i)); i++) {
    if (sight->can == can && strstr(sight->text, text)) return true;
  }
  return false;
}

const char *recorded_setting(struct recorded *recorded, const char *subject, const char *key) {
  return sp_observations_setting_of(recorded->seen, subject, key);
}
