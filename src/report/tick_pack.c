/* A tick's interval packed: its requests with their outcomes and the four histograms, and the generator's own state. */
#include "base/check.h"
#include "report/tick.h"
#include "stats/pack.h"

static void pack_text(struct sp_buf *out, const char *text) { /* with its NUL: taken back in place */
  SP_CHECK(sp_buf_append(out, text, strlen(text) + 1) == 0);
}

static const char *unpack_text(struct sp_str *packed) {
  const char *text = packed->bytes, *end = memchr(text, 0, packed->len);
  SP_CHECK(end != NULL);
  packed->bytes = end + 1;
  packed->len -= (size_t)(end + 1 - text);
  return text;
}

static void pack_cell(struct sp_buf *out, const struct sp_cell *cell) {
  pack_text(out, cell->name);
  pack_text(out, cell->user_class);
  pack_text(out, cell->task);
  for (size_t i = 0; i < SP_OUTCOME_COUNT; i++) {
    sp_pack_uint(out, cell->outcomes[i]);
  }
  sp_pack_uint(out, cell->started);
  sp_pack_uint(out, cell->good);
  sp_pack_uint(out, cell->bytes_in);
  for (size_t i = 0; i < SP_TICK_METRICS; i++) {
    sp_pack_hist(out, &cell->metrics[sp_tick_metrics[i]]);
  }
}

static void unpack_cell(struct sp_str *packed, struct sp_interval *into) {
  struct sp_request_key key = { .role = SP_ROLE_LOAD };
  key.name = unpack_text(packed);
  key.user_class = unpack_text(packed);
  key.task = unpack_text(packed);
  struct sp_cell *cell = sp_interval_cell(into, &key);
  for (size_t i = 0; i < SP_OUTCOME_COUNT; i++) {
    cell->outcomes[i] += sp_unpack_uint(packed);
  }
  cell->started += sp_unpack_uint(packed);
  cell->good += sp_unpack_uint(packed);
  cell->bytes_in += sp_unpack_uint(packed);
  for (size_t i = 0; i < SP_TICK_METRICS; i++) {
    sp_unpack_hist(packed, &cell->metrics[sp_tick_metrics[i]]);
  }
}

void sp_tick_pack(struct sp_buf *out, const struct sp_interval *interval) {
  sp_pack_uint(out, (uint64_t)interval->begin_ns);
  sp_pack_uint(out, (uint64_t)interval->end_ns);
  sp_pack_uint(out, interval->events);
  sp_pack_uint(out, (uint64_t)interval->cpu_ns);
  sp_pack_uint(out, interval->late_starts);
  sp_pack_uint(out, interval->dropped_starts);
  sp_pack_hist(out, &interval->lag);
  sp_pack_uint(out, interval->cells.count);
  for (size_t i = 0; i < interval->cells.count; i++) {
    pack_cell(out, interval->cells.entries[i].value);
  }
}

static void widen(struct sp_interval *into, int64_t begin_ns, int64_t end_ns) {
  bool empty = into->begin_ns == 0 && into->end_ns == 0;
  into->begin_ns = empty || begin_ns < into->begin_ns ? begin_ns : into->begin_ns;
  into->end_ns = empty || end_ns > into->end_ns ? end_ns : into->end_ns;
}

void sp_tick_unpack(struct sp_str packed, struct sp_interval *into) {
  int64_t begin_ns = (int64_t)sp_unpack_uint(&packed), end_ns = (int64_t)sp_unpack_uint(&packed);
  widen(into, begin_ns, end_ns);
  into->events += sp_unpack_uint(&packed);
  into->cpu_ns += (int64_t)sp_unpack_uint(&packed);
  into->late_starts += sp_unpack_uint(&packed);
  into->dropped_starts += sp_unpack_uint(&packed);
  sp_unpack_hist(&packed, &into->lag);
  for (uint64_t cells = sp_unpack_uint(&packed); cells > 0; cells--) {
    unpack_cell(&packed, into);
  }
  SP_CHECK(packed.len == 0);
}
