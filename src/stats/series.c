#include "stats/series.h"

#include "base/check.h"
#include "base/mem.h"
#include "stats/pack.h"

#include <stdlib.h>

#define ROW_BYTES_MAX (512u * 1024u * 1024u) /* never reached: SP_CELLS_MAX requests with full histograms */
#define KEPT_NAMES_MAX 100u

struct key {
  char *name, *user_class, *task, *method;
};

/* Titles or names that SLOs speak of. */
struct names {
  char *list[KEPT_NAMES_MAX];
  size_t count;
};

struct sp_series {
  struct sp_series_row *rows;
  size_t count, cap, bytes;
  size_t rows_max, bytes_max, fresh;
  size_t join_at;      /* the next pair to join */
  uint32_t metrics;    /* bits of enum sp_metric */
  struct names nodes, customs;
  bool keeps_lag;
  struct sp_map keys;  /* an interval's key -> index + 1 into key_list */
  struct key *key_list;
  size_t key_count, key_cap;
  struct sp_buf packing;
};

_Static_assert(SP_METRIC_COUNT <= 32, "bits of sp_series.metrics");

/* -- what is kept -- */

static void keep_name(struct names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++) {
    if (strcmp(names->list[i], name) == 0) {
      return;
    }
  }
  if (names->count < KEPT_NAMES_MAX) {
    names->list[names->count++] = sp_strdup(name);
  }
}

static void free_names(struct names *names) {
  for (size_t i = 0; i < names->count; i++) {
    free(names->list[i]);
  }
}

static void keep_for(struct sp_series *series, const struct sp_slo *slo) {
  switch (slo->of) {
  case SP_SLO_OF_METRIC: series->metrics |= 1u << slo->metric; break;
  case SP_SLO_OF_NODE: keep_name(&series->nodes, slo->name); break;
  case SP_SLO_OF_LAG: series->keeps_lag = true; break;
  case SP_SLO_OF_CUSTOM: keep_name(&series->customs, slo->name); break;
  default: break; /* counts are always kept */
  }
}

static size_t or_default(size_t given, size_t standard) { return given > 0 ? given : standard; }

struct sp_series *sp_series_create(const struct sp_series_options *options) {
  static const struct sp_series_options none;
  options = options ? options : &none;
  struct sp_series *series = sp_alloc(sizeof(*series));
  series->rows_max = or_default(options->rows_max, SP_SERIES_MAX);
  series->bytes_max = or_default(options->bytes_max, SP_SERIES_BYTES_MAX);
  series->fresh = or_default(options->fresh, SP_SERIES_FRESH);
  series->metrics = 1u << SP_METRIC_TTFT | 1u << SP_METRIC_ITL | 1u << SP_METRIC_E2E;
  for (size_t i = 0; i < options->slo_count; i++) {
    keep_for(series, &options->slos[i]);
  }
  sp_map_init(&series->keys);
  sp_buf_init(&series->packing, ROW_BYTES_MAX);
  return series;
}

void sp_series_destroy(struct sp_series *series) {
  if (!series) {
    return;
  }
  for (size_t i = 0; i < series->count; i++) {
    free(series->rows[i].packed);
  }
  for (size_t i = 0; i < series->key_count; i++) {
    free(series->key_list[i].name);
    free(series->key_list[i].user_class);
    free(series->key_list[i].task);
    free(series->key_list[i].method);
  }
  free(series->key_list);
  sp_map_fini(&series->keys);
  free_names(&series->nodes);
  free_names(&series->customs);
  sp_buf_fini(&series->packing);
  free(series->rows);
  free(series);
}

/* -- packing: cells, nodes, customs, sums -- */

static size_t add_key(struct sp_series *series, const struct sp_cell *cell) {
  if (series->key_count == series->key_cap) {
    series->key_cap = series->key_cap ? series->key_cap * 2 : 16;
    series->key_list = sp_realloc(series->key_list, series->key_cap * sizeof(*series->key_list));
  }
  series->key_list[series->key_count] =
    (struct key){ sp_strdup(cell->name), sp_strdup(cell->user_class), sp_strdup(cell->task), sp_strdup(cell->method) };
  return series->key_count++;
}

/* Each second has its own "(other)"; over the run as many keys are kept as in totals. */
static size_t key_of(struct sp_series *series, const struct sp_map_entry *entry) {
  static const struct sp_cell other = { .name = SP_OTHER, .user_class = "", .task = "", .method = "" };
  struct sp_str text = sp_str_of(entry->key, entry->key_len);
  const struct sp_cell *cell = entry->value;
  void *known = sp_map_get(&series->keys, text);
  if (known) {
    return (size_t)(uintptr_t)known - 1;
  }
  if (series->key_count >= SP_CELLS_MAX) {
    text = sp_str_of(SP_OTHER "\0", sizeof(SP_OTHER) + 1); /* the key of the name with two empty texts behind it */
    cell = &other;
  }
  void **place = sp_map_put(&series->keys, text);
  if (!*place) {
    *place = (void *)(uintptr_t)(add_key(series, cell) + 1);
  }
  return (size_t)(uintptr_t)*place - 1;
}

/* The counts of a cell, in the order in which they are packed. */
#define COUNTS (SP_OUTCOME_COUNT + SP_CELL_COUNTS)

static void counts_of(struct sp_cell *cell, uint64_t *counts[COUNTS]) {
  for (size_t i = 0; i < SP_OUTCOME_COUNT; i++) {
    counts[i] = &cell->outcomes[i];
  }
  sp_cell_counts(cell, counts + SP_OUTCOME_COUNT);
}

static void pack_cell(struct sp_series *series, const struct sp_map_entry *entry) {
  struct sp_buf *buf = &series->packing;
  struct sp_cell *cell = entry->value;
  uint64_t *counts[COUNTS];
  counts_of(cell, counts);
  sp_pack_uint(buf, key_of(series, entry));
  for (size_t i = 0; i < COUNTS; i++) {
    sp_pack_uint(buf, *counts[i]);
  }
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (sp_series_keeps(series, (enum sp_metric)i)) {
      sp_pack_hist(buf, &cell->metrics[i]);
    }
  }
  sp_pack_hist(buf, &cell->failed_e2e);
}

static void unpack_cell(const struct sp_series *series, struct sp_str *packed, struct sp_interval *into) {
  const struct key *key = &series->key_list[sp_unpack_uint(packed)];
  struct sp_request_key request = { key->name, key->user_class, key->task, SP_ROLE_LOAD, key->method };
  struct sp_cell *cell = sp_interval_cell(into, &request);
  uint64_t *counts[COUNTS];
  counts_of(cell, counts);
  for (size_t i = 0; i < COUNTS; i++) {
    *counts[i] += sp_unpack_uint(packed);
  }
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (sp_series_keeps(series, (enum sp_metric)i)) {
      sp_unpack_hist(packed, &cell->metrics[i]);
    }
  }
  sp_unpack_hist(packed, &cell->failed_e2e);
}

/* The kept ones among what an interval has: how many, then each with its name's number. */
static void pack_nodes(struct sp_series *series, const struct sp_interval *interval) {
  struct sp_buf *buf = &series->packing;
  for (size_t i = 0; i < interval->nodes.count; i++) {
    const struct sp_node_cell *node = interval->nodes.entries[i].value;
    for (size_t kept = 0; kept < series->nodes.count; kept++) {
      if (strcmp(series->nodes.list[kept], node->title) == 0) {
        sp_pack_uint(buf, kept + 1);
        sp_pack_uint(buf, node->count);
        sp_pack_uint(buf, node->failed);
        sp_pack_hist(buf, &node->elapsed);
      }
    }
  }
  sp_pack_uint(buf, 0);
}

static void unpack_nodes(const struct sp_series *series, struct sp_str *packed, struct sp_interval *into) {
  for (uint64_t kept; (kept = sp_unpack_uint(packed)) > 0;) {
    struct sp_node_cell *node = sp_interval_node(into, sp_str_from(series->nodes.list[kept - 1]), SP_STR(""));
    node->count += sp_unpack_uint(packed);
    node->failed += sp_unpack_uint(packed);
    sp_unpack_hist(packed, &node->elapsed);
  }
}

static void pack_customs(struct sp_series *series, const struct sp_interval *interval) {
  struct sp_buf *buf = &series->packing;
  for (size_t i = 0; i < interval->customs.count; i++) {
    const struct sp_custom_cell *custom = interval->customs.entries[i].value;
    for (size_t kept = 0; kept < series->customs.count; kept++) {
      if (strcmp(series->customs.list[kept], custom->name) == 0) {
        sp_pack_uint(buf, kept + 1);
        sp_pack_hist(buf, &custom->values);
      }
    }
  }
  sp_pack_uint(buf, 0);
}

static void unpack_customs(const struct sp_series *series, struct sp_str *packed, struct sp_interval *into) {
  for (uint64_t kept; (kept = sp_unpack_uint(packed)) > 0;) {
    sp_unpack_hist(packed, &sp_interval_custom(into, series->customs.list[kept - 1], "")->values);
  }
}

static void pack(struct sp_series *series, const struct sp_interval *interval) {
  struct sp_buf *buf = &series->packing;
  sp_buf_clear(buf);
  sp_pack_uint(buf, interval->cells.count);
  for (size_t i = 0; i < interval->cells.count; i++) {
    pack_cell(series, &interval->cells.entries[i]);
  }
  pack_nodes(series, interval);
  pack_customs(series, interval);
  if (series->keeps_lag) {
    sp_pack_hist(buf, &interval->lag);
  }
  sp_pack_uint(buf, interval->events);
  sp_pack_uint(buf, interval->tasks);
  sp_pack_uint(buf, interval->task_errors);
  sp_pack_uint(buf, interval->late_starts);
  sp_pack_uint(buf, (uint64_t)interval->cpu_ns);
}

static void widen(struct sp_interval *into, const struct sp_series_row *row) {
  bool empty = into->begin_ns == 0 && into->end_ns == 0;
  into->begin_ns = empty || row->begin_ns < into->begin_ns ? row->begin_ns : into->begin_ns;
  into->end_ns = empty || row->end_ns > into->end_ns ? row->end_ns : into->end_ns;
}

static void unpack(const struct sp_series *series, const struct sp_series_row *row, struct sp_interval *into) {
  struct sp_str packed = sp_str_of(row->packed, row->packed_len);
  for (uint64_t cells = sp_unpack_uint(&packed); cells > 0; cells--) {
    unpack_cell(series, &packed, into);
  }
  unpack_nodes(series, &packed, into);
  unpack_customs(series, &packed, into);
  if (series->keeps_lag) {
    sp_unpack_hist(&packed, &into->lag);
  }
  into->events += sp_unpack_uint(&packed);
  into->tasks += sp_unpack_uint(&packed);
  into->task_errors += sp_unpack_uint(&packed);
  into->late_starts += sp_unpack_uint(&packed);
  into->cpu_ns += (int64_t)sp_unpack_uint(&packed);
  SP_CHECK(packed.len == 0);
  widen(into, row);
}

/* -- rows -- */

static void fill(struct sp_series *series, struct sp_series_row *row, const struct sp_interval *interval) {
  pack(series, interval);
  row->packed_len = series->packing.len;
  row->packed = sp_alloc(row->packed_len);
  memcpy(row->packed, series->packing.bytes, row->packed_len);
  series->bytes += row->packed_len;
  row->begin_ns = interval->begin_ns;
  row->end_ns = interval->end_ns;
  row->events = interval->events;
  sp_tally_interval(interval, &row->tally);
}

static void join(struct sp_series *series, size_t at) {
  struct sp_series_row *a = &series->rows[at], *b = a + 1;
  struct sp_interval *both = sp_interval_create();
  unpack(series, a, both);
  unpack(series, b, both);
  series->bytes -= a->packed_len + b->packed_len;
  free(a->packed);
  free(b->packed);
  a->users = b->users;
  a->in_flight = b->in_flight;
  fill(series, a, both);
  sp_interval_destroy(both);
  memmove(b, b + 1, (size_t)(series->rows + series->count - (b + 1)) * sizeof(*b));
  series->count--;
}

/* Joins one pair of old rows, going from the oldest on and round again. False: nothing is old enough. */
static bool join_some(struct sp_series *series) {
  size_t fresh = series->fresh < series->count / 2 ? series->fresh : series->count / 2;
  size_t old = series->count - fresh;
  for (size_t tries = 0; tries < series->count; tries++) {
    if (series->join_at + 1 >= old) {
      series->join_at = 0;
    }
    size_t at = series->join_at++;
    if (at + 1 < old && series->rows[at].part == series->rows[at + 1].part) {
      join(series, at);
      return true;
    }
  }
  return false;
}

static void make_room(struct sp_series *series) {
  while (series->count >= series->rows_max || series->bytes > series->bytes_max) {
    if (!join_some(series)) {
      break;
    }
  }
  if (series->count == series->cap) {
    series->cap = series->cap ? series->cap * 2 : 64;
    series->rows = sp_realloc(series->rows, series->cap * sizeof(*series->rows));
  }
}

void sp_series_push(struct sp_series *series, const struct sp_interval *second, const struct sp_series_gauges *gauges) {
  make_room(series);
  struct sp_series_row *row = &series->rows[series->count++];
  *row = (struct sp_series_row){ .part = gauges->part, .users = gauges->users, .in_flight = gauges->in_flight };
  fill(series, row, second);
}

size_t sp_series_count(const struct sp_series *series) { return series->count; }

const struct sp_series_row *sp_series_row(const struct sp_series *series, size_t i) {
  SP_CHECK(i < series->count);
  return &series->rows[i];
}

bool sp_series_keeps(const struct sp_series *series, enum sp_metric metric) { return series->metrics >> metric & 1u; }

/* -- stretches -- */

void sp_series_merge(const struct sp_series *series, size_t from, size_t to, struct sp_interval *into) {
  SP_CHECK(from <= to && to <= series->count);
  for (size_t i = from; i < to; i++) {
    unpack(series, &series->rows[i], into);
  }
}

int64_t sp_series_span_ns(const struct sp_series *series, size_t from, size_t to) {
  int64_t ns = 0;
  for (size_t i = from; i < to; i++) {
    ns += series->rows[i].end_ns - series->rows[i].begin_ns;
  }
  return ns;
}

void sp_series_evaluate(const struct sp_series *series, size_t from, size_t to, const struct sp_slo *slo,
                        struct sp_slo_value *out) {
  struct sp_interval *interval = sp_interval_create();
  sp_series_merge(series, from, to, interval);
  sp_slo_evaluate(slo, interval, (double)sp_series_span_ns(series, from, to) / 1e9, out);
  sp_interval_destroy(interval);
}

bool sp_series_steady(const struct sp_series *series, size_t *from, size_t *to) {
  size_t begin = 0;
  *from = *to = 0;
  for (size_t i = 0; i < series->count; i++) {
    if (series->rows[i].part != SP_SERIES_STEADY) {
      begin = i + 1;
    } else if (i + 1 - begin > *to - *from) {
      *from = begin;
      *to = i + 1;
    }
  }
  return *to > *from;
}
