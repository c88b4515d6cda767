#include "stats/interval.h"

#include "base/check.h"
#include "base/mem.h"
#include "stats/clean.h"
#include "stats/compat.h"

#include <stdlib.h>

/* A map key of up to three cleaned texts with NULs between. */
#define PARTS_MAX 3u
#define KEY_MAX (2u * SP_NAME_MAX + SP_DETAIL_MAX + PARTS_MAX)

struct key {
  char bytes[KEY_MAX + 1];
  size_t len;
  const char *parts[PARTS_MAX]; /* terminated, inside bytes */
  size_t count;
};

static void key_add(struct key *key, struct sp_str text, size_t max) {
  if (key->count > 0) {
    key->len++; /* the NUL of the part before */
  }
  SP_CHECK(key->count < PARTS_MAX && key->len + max < sizeof(key->bytes));
  key->parts[key->count++] = key->bytes + key->len;
  key->len += sp_clean_text(key->bytes + key->len, max, text);
  key->bytes[key->len] = 0;
}

static void key_make(struct key *key, struct sp_str a, struct sp_str b) {
  key->len = key->count = 0;
  key_add(key, a, SP_NAME_MAX);
  key_add(key, b, SP_NAME_MAX);
}

static void key_make3(struct key *key, struct sp_str a, struct sp_str b, struct sp_str c, size_t c_max) {
  key_make(key, a, b);
  key_add(key, c, c_max);
}

/* The load's keys are as they ever were; others have their role behind. */
static void key_add_role(struct key *key, enum sp_role role) {
  if (role != SP_ROLE_LOAD) {
    key->bytes[key->len] = 0;
    key->bytes[key->len + 1] = (char)role;
    key->len += 2;
  }
}

static struct sp_str key_str(const struct key *key) { return sp_str_of(key->bytes, key->len); }

struct sp_interval *sp_interval_create(void) {
  struct sp_interval *interval = sp_alloc(sizeof(*interval));
  sp_map_init(&interval->cells);
  sp_map_init(&interval->probes);
  sp_map_init(&interval->nodes);
  sp_map_init(&interval->errors);
  sp_map_init(&interval->customs);
  sp_hist_init(&interval->lag);
  sp_hist_init(&interval->loop_lag);
  sp_hist_init(&interval->start_lag);
  return interval;
}

static void free_cell(void *value) {
  struct sp_cell *cell = value;
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    sp_hist_fini(&cell->metrics[i]);
  }
  sp_hist_fini(&cell->failed_e2e);
  sp_hist_fini(&cell->cancelled_age);
  sp_hist_fini(&cell->abandoned_age);
  for (size_t i = 0; cell->compat && i < SP_COMPAT_ROWS; i++) {
    sp_hist_fini(&cell->compat[i]);
  }
  free(cell->compat);
  free(cell->name);
  free(cell->user_class);
  free(cell->task);
  free(cell->method);
  free(cell);
}

static void free_node(void *value) {
  struct sp_node_cell *node = value;
  sp_hist_fini(&node->elapsed);
  free(node->title);
  free(node->type);
  free(node);
}

static void free_error(void *value) {
  struct sp_error_cell *error = value;
  free(error->name);
  free(error->kind);
  free(error->detail);
  free(error);
}

static void free_custom(void *value) {
  struct sp_custom_cell *custom = value;
  sp_hist_fini(&custom->values);
  free(custom->name);
  free(custom->unit);
  free(custom);
}

static void free_map(struct sp_map *map, void (*free_value)(void *)) {
  for (size_t i = 0; i < map->count; i++) {
    free_value(map->entries[i].value);
  }
  sp_map_fini(map);
  sp_map_init(map);
}

static void free_maps(struct sp_interval *interval) {
  free_map(&interval->cells, free_cell);
  free_map(&interval->probes, free_cell);
  free_map(&interval->nodes, free_node);
  free_map(&interval->errors, free_error);
  free_map(&interval->customs, free_custom);
}

void sp_interval_destroy(struct sp_interval *interval) {
  if (!interval) {
    return;
  }
  free_maps(interval);
  sp_hist_fini(&interval->lag);
  sp_hist_fini(&interval->loop_lag);
  sp_hist_fini(&interval->start_lag);
  free(interval);
}

void sp_interval_clear(struct sp_interval *interval) {
  free_maps(interval);
  sp_hist_clear(&interval->lag);
  sp_hist_clear(&interval->loop_lag);
  sp_hist_clear(&interval->start_lag);
  interval->begin_ns = interval->end_ns = interval->cpu_ns = 0;
  interval->events = interval->tasks = interval->task_errors = interval->late_starts = 0;
  interval->arrivals = interval->dropped_starts = 0;
  interval->connections = interval->port_exhausted = interval->files_exhausted = 0;
  interval->user_time_ns = interval->request_time_ns = 0;
}

struct sp_cell *sp_interval_cell(struct sp_interval *interval, const struct sp_request_key *request) {
  struct key key;
  key_make3(&key, sp_str_from(request->name), sp_str_from(request->user_class), sp_str_from(request->task),
            SP_NAME_MAX);
  key_add_role(&key, request->role);
  struct sp_map *map = request->role == SP_ROLE_LOAD ? &interval->cells : &interval->probes;
  struct sp_cell *cell = sp_map_get(map, key_str(&key));
  if (cell) {
    return cell;
  }
  if (map->count >= SP_CELLS_MAX) {
    key_make3(&key, SP_STR(SP_OTHER), SP_STR(""), SP_STR(""), SP_NAME_MAX);
    key_add_role(&key, request->role);
  }
  void **place = sp_map_put(map, key_str(&key));
  if (!*place) {
    *place = cell = sp_alloc(sizeof(*cell));
    cell->name = sp_strdup(key.parts[0]);
    cell->user_class = sp_strdup(key.parts[1]);
    cell->task = sp_strdup(key.parts[2]);
    cell->method = sp_strdup(request->method ? request->method : "");
    cell->role = request->role;
  }
  return *place;
}

struct sp_hist *sp_cell_compat(struct sp_cell *cell) {
  if (!cell->compat) {
    cell->compat = sp_alloc_array(SP_COMPAT_ROWS, sizeof(*cell->compat));
    for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
      sp_hist_init(&cell->compat[i]);
    }
  }
  return cell->compat;
}

struct sp_node_cell *sp_interval_node(struct sp_interval *interval, struct sp_str title, struct sp_str type) {
  struct key key;
  key_make(&key, title, type);
  struct sp_node_cell *node = sp_map_get(&interval->nodes, key_str(&key));
  if (node) {
    return node;
  }
  if (interval->nodes.count >= SP_NODES_MAX) {
    key_make(&key, SP_STR(SP_OTHER), SP_STR(""));
  }
  void **place = sp_map_put(&interval->nodes, key_str(&key));
  if (!*place) {
    *place = node = sp_alloc(sizeof(*node));
    node->title = sp_strdup(key.parts[0]);
    node->type = sp_strdup(key.parts[1]);
  }
  return *place;
}

static struct sp_error_cell *error_cell(struct sp_interval *interval, struct sp_str name, struct sp_str kind,
                                        struct sp_str detail) {
  struct key key;
  key_make3(&key, name, kind, detail, SP_DETAIL_MAX);
  struct sp_error_cell *error = sp_map_get(&interval->errors, key_str(&key));
  if (error) {
    return error;
  }
  if (interval->errors.count >= SP_ERRORS_MAX) {
    bool many = interval->errors.count >= 2 * SP_ERRORS_MAX;
    key_make3(&key, many ? SP_STR(SP_OTHER) : name, kind, SP_STR(SP_OTHER), SP_DETAIL_MAX);
  }
  void **place = sp_map_put(&interval->errors, key_str(&key));
  if (!*place) {
    *place = error = sp_alloc(sizeof(*error));
    error->name = sp_strdup(key.parts[0]);
    error->kind = sp_strdup(key.parts[1]);
    error->detail = sp_strdup(key.parts[2]);
  }
  return *place;
}

void sp_interval_error(struct sp_interval *interval, const char *name, const char *kind, const char *detail,
                       uint64_t count, int64_t first_ns) {
  struct sp_error_cell *error = error_cell(interval, sp_str_from(name), sp_str_from(kind), sp_str_from(detail));
  if (error->count == 0 || first_ns < error->first_ns) {
    error->first_ns = first_ns;
  }
  error->count += count;
}

struct sp_custom_cell *sp_interval_custom(struct sp_interval *interval, const char *name, const char *unit) {
  struct key key;
  key_make(&key, sp_str_from(name), sp_str_from(unit));
  struct sp_custom_cell *custom = sp_map_get(&interval->customs, key_str(&key));
  if (custom) {
    return custom;
  }
  if (interval->customs.count >= SP_CUSTOM_MAX) {
    key_make(&key, SP_STR(SP_OTHER), SP_STR(""));
  }
  void **place = sp_map_put(&interval->customs, key_str(&key));
  if (!*place) {
    *place = custom = sp_alloc(sizeof(*custom));
    custom->name = sp_strdup(key.parts[0]);
    custom->unit = sp_strdup(key.parts[1]);
  }
  return *place;
}
