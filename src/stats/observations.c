#include "stats/observations.h"

#include "base/map.h"
#include "base/mem.h"
#include "stats/clean.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_SIZE (SP_OBSERVED_SUBJECT_MAX * 2 + SP_OBSERVED_DETAIL_MAX + 40)

struct sp_observations {
  pthread_mutex_t *lock; /* apart, so that who only reads may have the rest const */
  struct sp_map series;   /* "signal\0subject\0detail\0source" -> struct sp_observed */
  struct sp_map settings; /* "subject\0key" -> struct sp_setting_seen */
  struct sp_map sights;   /* "source\0text" -> struct sp_sight */
  size_t left_out;
};

struct sp_observations *sp_observations_create(void) {
  struct sp_observations *observations = sp_alloc(sizeof(*observations));
  observations->lock = sp_alloc(sizeof(*observations->lock));
  pthread_mutex_init(observations->lock, NULL);
  sp_map_init(&observations->series);
  sp_map_init(&observations->settings);
  sp_map_init(&observations->sights);
  return observations;
}

static void free_series(void *value) {
  struct sp_observed *series = value;
  free(series->subject);
  free(series->detail);
  free(series->source);
  free(series->query);
  free(series->points);
  free(series);
}

static void free_setting(void *value) {
  struct sp_setting_seen *setting = value;
  free(setting->subject);
  free(setting->key);
  free(setting->value);
  free(setting);
}

static void free_sight(void *value) {
  struct sp_sight *sight = value;
  free(sight->source);
  free(sight->text);
  free(sight);
}

static void free_map(struct sp_map *map, void (*free_value)(void *value)) {
  for (size_t i = 0; i < map->count; i++) free_value(map->entries[i].value);
  sp_map_fini(map);
}

void sp_observations_destroy(struct sp_observations *observations) {
  if (!observations) return;
  free_map(&observations->series, free_series);
  free_map(&observations->settings, free_setting);
  free_map(&observations->sights, free_sight);
  pthread_mutex_destroy(observations->lock);
  free(observations->lock);
  free(observations);
}

/* -- adding -- */

static char *clean(const char *text, size_t max) {
  char *out = sp_alloc(max + 1);
  out[sp_clean_text(out, max, sp_str_from(text))] = 0;
  return out;
}

/* Parts with a NUL between, as one key. */
static struct sp_str join(char *into, size_t size, const char *const *parts, size_t count) {
  size_t len = 0;
  for (size_t i = 0; i < count && len < size; i++) {
    int wrote = snprintf(into + len, size - len, "%s", parts[i]);
    len += (size_t)wrote + 1;
  }
  return sp_str_of(into, len < size ? len : size);
}

static struct sp_observed *new_series(enum sp_signal signal, char *subject, char *detail, char *source, const char *query) {
  struct sp_observed *series = sp_alloc(sizeof(*series));
  *series = (struct sp_observed){.signal = signal, .subject = subject, .detail = detail, .source = source,
                                 .query = clean(query, SP_OBSERVED_QUERY_MAX)};
  return series;
}

/* NULL: there are too many. */
static struct sp_observed *series_of(struct sp_observations *observations, const struct sp_observed_key *key) {
  char text[KEY_SIZE], number[16];
  char *subject = clean(key->subject, SP_OBSERVED_SUBJECT_MAX), *detail = clean(key->detail, SP_OBSERVED_DETAIL_MAX),
       *source = clean(key->source, SP_OBSERVED_SUBJECT_MAX);
  snprintf(number, sizeof(number), "%d", (int)key->signal);
  struct sp_str name = join(text, sizeof(text), (const char *const[]){number, subject, detail, source}, 4);
  struct sp_observed *series = sp_map_get(&observations->series, name);
  if (!series && observations->series.count < SP_OBSERVED_MAX) {
    series = new_series(key->signal, subject, detail, source, key->query);
    *sp_map_put(&observations->series, name) = series;
    return series;
  }
  free(subject);
  free(detail);
  free(source);
  return series;
}

static void join_points(struct sp_observed *series) {
  size_t kept = 0;
  for (size_t i = 0; i + 1 < series->count; i += 2) {
    const struct sp_point *a = &series->points[i], *b = &series->points[i + 1];
    double a_s = (double)a->span_ns, b_s = (double)b->span_ns;
    series->points[kept++] = (struct sp_point){.at_ns = b->at_ns, .span_ns = a->span_ns + b->span_ns,
                                               .value = (a->value * a_s + b->value * b_s) / (a_s + b_s)};
  }
  if (series->count % 2) series->points[kept++] = series->points[series->count - 1];
  series->count = kept;
}

static void push_point(struct sp_observed *series, const struct sp_point *point) {
  if (series->count == SP_OBSERVED_POINTS_MAX) join_points(series);
  if (series->count == series->cap) {
    series->cap = series->cap ? series->cap * 2 : 16;
    series->points = sp_realloc(series->points, series->cap * sizeof(*series->points));
  }
  series->points[series->count++] = *point;
}

void sp_observations_add(struct sp_observations *observations, const struct sp_observed_key *key, int64_t at_ns,
                         int64_t span_ns, double value) {
  if (!isfinite(value)) return;
  pthread_mutex_lock(observations->lock);
  struct sp_observed *series = series_of(observations, key);
  if (!series) {
    observations->left_out++;
  } else if (series->count == 0 || series->points[series->count - 1].at_ns < at_ns) {
    push_point(series, &(struct sp_point){.at_ns = at_ns, .span_ns = span_ns > 0 ? span_ns : 1, .value = value});
  }
  pthread_mutex_unlock(observations->lock);
}

void sp_observations_setting(struct sp_observations *observations, const char *subject, const char *key, const char *value) {
  char text[KEY_SIZE];
  pthread_mutex_lock(observations->lock);
  struct sp_str name = join(text, sizeof(text), (const char *const[]){subject, key}, 2);
  if (!sp_map_get(&observations->settings, name) && observations->settings.count < SP_SETTINGS_SEEN_MAX) {
    struct sp_setting_seen *setting = sp_alloc(sizeof(*setting));
    *setting = (struct sp_setting_seen){.subject = clean(subject, SP_OBSERVED_SUBJECT_MAX),
                                        .key = clean(key, SP_OBSERVED_SUBJECT_MAX), .value = clean(value, SP_OBSERVED_DETAIL_MAX)};
    *sp_map_put(&observations->settings, name) = setting;
  }
  pthread_mutex_unlock(observations->lock);
}

void sp_observations_sight(struct sp_observations *observations, const char *source, bool can, const char *text) {
  char key[KEY_SIZE + SP_OBSERVED_DETAIL_MAX];
  pthread_mutex_lock(observations->lock);
  struct sp_str name = join(key, sizeof(key), (const char *const[]){source, text}, 2);
  if (!sp_map_get(&observations->sights, name) && observations->sights.count < SP_SIGHTS_MAX) {
    struct sp_sight *sight = sp_alloc(sizeof(*sight));
    *sight = (struct sp_sight){.source = clean(source, SP_OBSERVED_SUBJECT_MAX),
                               .text = clean(text, SP_OBSERVED_DETAIL_MAX), .can = can};
    *sp_map_put(&observations->sights, name) = sight;
  }
  pthread_mutex_unlock(observations->lock);
}

/* -- looking -- */

static size_t locked_count(const struct sp_observations *observations, const struct sp_map *map) {
  pthread_mutex_lock(observations->lock);
  size_t count = map->count;
  pthread_mutex_unlock(observations->lock);
  return count;
}

static const void *locked_at(const struct sp_observations *observations, const struct sp_map *map, size_t i) {
  pthread_mutex_lock(observations->lock);
  const void *value = i < map->count ? map->entries[i].value : NULL;
  pthread_mutex_unlock(observations->lock);
  return value;
}

size_t sp_observations_count(const struct sp_observations *observations) {
  return locked_count(observations, &observations->series);
}
const struct sp_observed *sp_observations_at(const struct sp_observations *observations, size_t i) {
  return locked_at(observations, &observations->series, i);
}
size_t sp_observations_setting_count(const struct sp_observations *observations) {
  return locked_count(observations, &observations->settings);
}
const struct sp_setting_seen *sp_observations_setting_at(const struct sp_observations *observations, size_t i) {
  return locked_at(observations, &observations->settings, i);
}
size_t sp_observations_sight_count(const struct sp_observations *observations) {
  return locked_count(observations, &observations->sights);
}
const struct sp_sight *sp_observations_sight_at(const struct sp_observations *observations, size_t i) {
  return locked_at(observations, &observations->sights, i);
}

static bool fits(const struct sp_observed *series, enum sp_signal signal, const char *subject, const char *detail) {
  return series->signal == signal && (!subject || strcmp(series->subject, subject) == 0) &&
         (!detail || strcmp(series->detail, detail) == 0);
}

const struct sp_observed *sp_observations_find(const struct sp_observations *observations, enum sp_signal signal,
                                               const char *subject, const char *detail, size_t *from) {
  const struct sp_observed *found = NULL;
  size_t i = from ? *from : 0;
  pthread_mutex_lock(observations->lock);
  for (; i < observations->series.count && !found; i++) {
    const struct sp_observed *series = observations->series.entries[i].value;
    if (fits(series, signal, subject, detail)) found = series;
  }
  pthread_mutex_unlock(observations->lock);
  if (from) *from = i;
  return found;
}

size_t sp_observations_left_out(const struct sp_observations *observations) {
  pthread_mutex_lock(observations->lock);
  size_t left_out = observations->left_out;
  pthread_mutex_unlock(observations->lock);
  return left_out;
}

const char *sp_observations_setting_of(const struct sp_observations *observations, const char *subject, const char *key) {
  const struct sp_setting_seen *setting;
  for (size_t i = 0; (setting = sp_observations_setting_at(observations, i)); i++) {
    if (strcmp(setting->key, key) == 0 && (!subject || strcmp(setting->subject, subject) == 0)) return setting->value;
  }
  return NULL;
}

/* -- windows -- */

static void take_point(struct sp_observed_window *out, const struct sp_point *point, double *weight, double span_ns) {
  if (out->points == 0) out->first = out->least = out->most = point->value;
  out->least = fmin(out->least, point->value);
  out->most = fmax(out->most, point->value);
  out->last = point->value;
  out->mean += point->value * span_ns;
  *weight += span_ns;
  out->points++;
}

bool sp_observed_window(const struct sp_observations *observations, const struct sp_observed *series, int64_t from_ns,
                        int64_t to_ns, struct sp_observed_window *out) {
  double weight = 0;
  *out = (struct sp_observed_window){.points = 0};
  pthread_mutex_lock(observations->lock);
  for (size_t i = 0; i < series->count; i++) {
    const struct sp_point *point = &series->points[i];
    int64_t begin_ns = point->at_ns - point->span_ns, end_ns = point->at_ns;
    if (begin_ns < from_ns) begin_ns = from_ns;
    if (end_ns > to_ns) end_ns = to_ns;
    if (end_ns > begin_ns) take_point(out, point, &weight, (double)(end_ns - begin_ns));
  }
  pthread_mutex_unlock(observations->lock);
  if (out->points == 0) return false;
  out->mean /= weight;
  out->covered = fmin(weight / (double)(to_ns - from_ns), 1);
  return true;
}

struct sp_point *sp_observed_points(const struct sp_observations *observations, const struct sp_observed *series, size_t from,
                                    size_t *count) {
  pthread_mutex_lock(observations->lock);
  *count = from < series->count ? series->count - from : 0;
  struct sp_point *copy = sp_alloc_array(*count ? *count : 1, sizeof(*copy));
  if (*count) memcpy(copy, series->points + from, *count * sizeof(*copy));
  pthread_mutex_unlock(observations->lock);
  return copy;
}
