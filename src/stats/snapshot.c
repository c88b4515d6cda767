#include "stats/snapshot.h"

#include "stats/clean.h"
#include "stats/compat.h"
#include "stats/pack.h"

#include <math.h>

/* -- tables: (distance from the row before, the row)… 0 -- */

static void put_row(struct sp_buf *out, size_t *before, size_t row) {
  sp_pack_uint(out, row + 1 - *before);
  *before = row + 1;
}

static void put_end(struct sp_buf *out) { sp_pack_uint(out, 0); }

/* The next row's number + 1, also in *before; 0 at the end. A row that we don't know is bad. */
static size_t next_row(struct sp_unpacker *from, size_t *before, size_t rows) {
  uint64_t distance = sp_unpacker_up_to(from, rows - *before);
  *before += (size_t)distance;
  return distance > 0 ? *before : 0;
}

static void put_counts(struct sp_buf *out, const uint64_t *counts, size_t rows) {
  size_t before = 0;
  for (size_t i = 0; i < rows; i++) {
    if (counts[i] > 0) {
      put_row(out, &before, i);
      sp_pack_uint(out, counts[i]);
    }
  }
  put_end(out);
}

static void read_counts(struct sp_unpacker *from, uint64_t *counts, size_t rows) {
  size_t before = 0;
  for (size_t row; (row = next_row(from, &before, rows)) > 0;) {
    counts[row - 1] += sp_unpacker_uint(from);
  }
}

static void put_hists(struct sp_buf *out, const struct sp_hist *hists, size_t rows) {
  size_t before = 0;
  for (size_t i = 0; i < rows; i++) {
    if (hists[i].count > 0) {
      put_row(out, &before, i);
      sp_pack_hist(out, &hists[i]);
    }
  }
  put_end(out);
}

static void read_hists(struct sp_unpacker *from, struct sp_hist *hists, size_t rows) {
  size_t before = 0;
  for (size_t row; (row = next_row(from, &before, rows)) > 0;) {
    sp_unpacker_hist(from, &hists[row - 1]);
  }
}

/* -- cells -- */

/* The one text that is kept as it came. */
static void put_method(struct sp_buf *out, const char *method) {
  char kept[SP_NAME_MAX + 1];
  kept[sp_clean_text(kept, SP_NAME_MAX, sp_str_from(method))] = 0;
  sp_pack_text(out, kept);
}

static void put_cell(struct sp_buf *out, const struct sp_cell *cell) {
  uint64_t *places[SP_CELL_COUNTS], counts[SP_CELL_COUNTS];
  sp_cell_counts((struct sp_cell *)cell, places); /* only read */
  for (size_t i = 0; i < SP_CELL_COUNTS; i++) {
    counts[i] = *places[i];
  }
  sp_pack_text(out, cell->name);
  sp_pack_text(out, cell->user_class);
  sp_pack_text(out, cell->task);
  put_method(out, cell->method);
  sp_pack_uint(out, cell->role);
  put_counts(out, counts, SP_CELL_COUNTS);
  put_counts(out, cell->outcomes, SP_OUTCOME_COUNT);
  put_counts(out, cell->hang_ups, SP_HANG_UP_COUNT);
  put_counts(out, cell->counters, SP_COUNTER_COUNT);
  put_hists(out, cell->metrics, SP_METRIC_COUNT);
  sp_pack_hist(out, &cell->failed_e2e);
  sp_pack_hist(out, &cell->cancelled_age);
  sp_pack_hist(out, &cell->abandoned_age);
  sp_pack_uint(out, cell->compat != NULL);
  if (cell->compat) {
    put_hists(out, cell->compat, SP_COMPAT_ROWS);
  }
}

static void put_cells(struct sp_buf *out, const struct sp_map *cells) {
  sp_pack_uint(out, cells->count);
  for (size_t i = 0; i < cells->count; i++) {
    put_cell(out, cells->entries[i].value);
  }
}

/* A text that was kept before; no NUL is in it, which would end it early. */
static void read_name(struct sp_unpacker *from, char *out, size_t max) {
  struct sp_str text = sp_unpacker_text(from, max);
  if (text.len > 0) {
    memcpy(out, text.bytes, text.len);
  }
  out[text.len] = 0;
  from->bad = from->bad || strlen(out) != text.len;
}

static struct sp_cell *read_key(struct sp_unpacker *from, struct sp_interval *into) {
  char name[SP_NAME_MAX + 1], user_class[SP_NAME_MAX + 1], task[SP_NAME_MAX + 1], method[SP_NAME_MAX + 1];
  read_name(from, name, SP_NAME_MAX);
  read_name(from, user_class, SP_NAME_MAX);
  read_name(from, task, SP_NAME_MAX);
  read_name(from, method, SP_NAME_MAX);
  enum sp_role role = (enum sp_role)sp_unpacker_up_to(from, SP_ROLE_COUNT - 1);
  struct sp_request_key key = { name, user_class, task, role, method };
  return from->bad ? NULL : sp_interval_cell(into, &key);
}

static void read_cell(struct sp_unpacker *from, struct sp_interval *into) {
  struct sp_cell *cell = read_key(from, into);
  if (!cell) {
    return;
  }
  uint64_t *places[SP_CELL_COUNTS], counts[SP_CELL_COUNTS] = { 0 };
  sp_cell_counts(cell, places);
  read_counts(from, counts, SP_CELL_COUNTS);
  for (size_t i = 0; i < SP_CELL_COUNTS; i++) {
    *places[i] += counts[i];
  }
  read_counts(from, cell->outcomes, SP_OUTCOME_COUNT);
  read_counts(from, cell->hang_ups, SP_HANG_UP_COUNT);
  read_counts(from, cell->counters, SP_COUNTER_COUNT);
  read_hists(from, cell->metrics, SP_METRIC_COUNT);
  sp_unpacker_hist(from, &cell->failed_e2e);
  sp_unpacker_hist(from, &cell->cancelled_age);
  sp_unpacker_hist(from, &cell->abandoned_age);
  if (sp_unpacker_up_to(from, 1)) {
    read_hists(from, sp_cell_compat(cell), SP_COMPAT_ROWS);
  }
}

/* -- nodes, errors, the plan's own metrics -- */

static void put_nodes(struct sp_buf *out, const struct sp_map *nodes) {
  sp_pack_uint(out, nodes->count);
  for (size_t i = 0; i < nodes->count; i++) {
    const struct sp_node_cell *node = nodes->entries[i].value;
    sp_pack_text(out, node->title);
    sp_pack_text(out, node->type);
    sp_pack_uint(out, node->count);
    sp_pack_uint(out, node->failed);
    sp_pack_hist(out, &node->elapsed);
  }
}

static void read_node(struct sp_unpacker *from, struct sp_interval *into) {
  char title[SP_NAME_MAX + 1], type[SP_NAME_MAX + 1];
  read_name(from, title, SP_NAME_MAX);
  read_name(from, type, SP_NAME_MAX);
  if (from->bad) {
    return;
  }
  struct sp_node_cell *node = sp_interval_node(into, sp_str_from(title), sp_str_from(type));
  node->count += sp_unpacker_uint(from);
  node->failed += sp_unpacker_uint(from);
  sp_unpacker_hist(from, &node->elapsed);
}

static void put_errors(struct sp_buf *out, const struct sp_map *errors) {
  sp_pack_uint(out, errors->count);
  for (size_t i = 0; i < errors->count; i++) {
    const struct sp_error_cell *error = errors->entries[i].value;
    sp_pack_text(out, error->name);
    sp_pack_text(out, error->kind);
    sp_pack_text(out, error->detail);
    sp_pack_uint(out, error->count);
    sp_pack_int(out, error->first_ns);
  }
}

static void read_error(struct sp_unpacker *from, struct sp_interval *into) {
  char name[SP_NAME_MAX + 1], kind[SP_NAME_MAX + 1], detail[SP_DETAIL_MAX + 1];
  read_name(from, name, SP_NAME_MAX);
  read_name(from, kind, SP_NAME_MAX);
  read_name(from, detail, SP_DETAIL_MAX);
  uint64_t count = sp_unpacker_uint(from);
  int64_t first_ns = sp_unpacker_int(from);
  if (!from->bad) {
    sp_interval_error(into, name, kind, detail, count, first_ns);
  }
}

static void put_customs(struct sp_buf *out, const struct sp_map *customs) {
  sp_pack_uint(out, customs->count);
  for (size_t i = 0; i < customs->count; i++) {
    const struct sp_custom_cell *custom = customs->entries[i].value;
    sp_pack_text(out, custom->name);
    sp_pack_text(out, custom->unit);
    sp_pack_hist(out, &custom->values);
  }
}

static void read_custom(struct sp_unpacker *from, struct sp_interval *into) {
  char name[SP_NAME_MAX + 1], unit[SP_NAME_MAX + 1];
  read_name(from, name, SP_NAME_MAX);
  read_name(from, unit, SP_NAME_MAX);
  if (!from->bad) {
    sp_unpacker_hist(from, &sp_interval_custom(into, name, unit)->values);
  }
}

static void read_all(struct sp_unpacker *from, struct sp_interval *into,
                     void (*read_one)(struct sp_unpacker *from, struct sp_interval *into)) {
  for (uint64_t n = sp_unpacker_uint(from); n > 0 && !from->bad; n--) {
    read_one(from, into);
  }
}

/* -- the generator's own -- */

/* In the order of encoded snapshots: new ones come last. */
#define OWN_COUNTS 9

static void own_counts(struct sp_interval *interval, uint64_t *out[OWN_COUNTS]) {
  uint64_t *const counts[OWN_COUNTS] = {
    &interval->events,         &interval->task_errors, &interval->tasks,          &interval->late_starts,     &interval->arrivals,
    &interval->dropped_starts, &interval->connections, &interval->port_exhausted, &interval->files_exhausted,
  };
  memcpy(out, counts, sizeof(counts));
}

static void put_own(struct sp_buf *out, const struct sp_interval *interval) {
  uint64_t *places[OWN_COUNTS], counts[OWN_COUNTS];
  own_counts((struct sp_interval *)interval, places); /* only read */
  for (size_t i = 0; i < OWN_COUNTS; i++) {
    counts[i] = *places[i];
  }
  put_counts(out, counts, OWN_COUNTS);
  sp_pack_int(out, interval->cpu_ns);
  sp_pack_double(out, interval->user_time_ns);
  sp_pack_double(out, interval->request_time_ns);
  sp_pack_hist(out, &interval->lag);
  sp_pack_hist(out, &interval->loop_lag);
  sp_pack_hist(out, &interval->start_lag);
}

static double read_time(struct sp_unpacker *from) {
  double ns = sp_unpacker_double(from);
  from->bad = from->bad || !isfinite(ns);
  return ns;
}

static void read_own(struct sp_unpacker *from, struct sp_interval *into) {
  uint64_t *places[OWN_COUNTS], counts[OWN_COUNTS] = { 0 };
  own_counts(into, places);
  read_counts(from, counts, OWN_COUNTS);
  for (size_t i = 0; i < OWN_COUNTS; i++) {
    *places[i] = counts[i];
  }
  into->cpu_ns = sp_unpacker_int(from);
  into->user_time_ns = read_time(from);
  into->request_time_ns = read_time(from);
  sp_unpacker_hist(from, &into->lag);
  sp_unpacker_hist(from, &into->loop_lag);
  sp_unpacker_hist(from, &into->start_lag);
}

/* -- all of it -- */

void sp_snapshot_encode(const struct sp_interval *interval, struct sp_buf *out) {
  sp_pack_uint(out, SP_SNAPSHOT_VERSION);
  sp_pack_int(out, interval->begin_ns);
  sp_pack_int(out, interval->end_ns);
  put_cells(out, &interval->cells);
  put_cells(out, &interval->probes);
  put_nodes(out, &interval->nodes);
  put_errors(out, &interval->errors);
  put_customs(out, &interval->customs);
  put_own(out, interval);
}

static void read_interval(struct sp_unpacker *from, struct sp_interval *into) {
  into->begin_ns = sp_unpacker_int(from);
  into->end_ns = sp_unpacker_int(from);
  read_all(from, into, read_cell);
  read_all(from, into, read_cell);
  read_all(from, into, read_node);
  read_all(from, into, read_error);
  read_all(from, into, read_custom);
  read_own(from, into);
}

struct sp_interval *sp_snapshot_decode(struct sp_str bytes, struct sp_err *err) {
  struct sp_unpacker from = { bytes, false };
  uint64_t version = sp_unpacker_uint(&from);
  if (!from.bad && version > SP_SNAPSHOT_VERSION) {
    sp_fail(err, SP_EPARSE, "the snapshot is of version %llu, this spate reads up to %d: use a later one",
            (unsigned long long)version, SP_SNAPSHOT_VERSION);
    return NULL;
  }
  struct sp_interval *interval = sp_interval_create();
  read_interval(&from, interval);
  if (from.bad || version == 0 || from.rest.len > 0) {
    sp_interval_destroy(interval);
    sp_fail(err, SP_EPARSE, "the snapshot is damaged (%zu bytes)", bytes.len);
    return NULL;
  }
  return interval;
}
