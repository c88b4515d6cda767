#include "report/comparison.h"

#include "base/mem.h"
#include "stats/snapshot.h"

#include <math.h>
#include <stdlib.h>

#define SEED 1 /* the same two runs give the same numbers */

struct side {
  struct sp_store *store;
  struct sp_err *err;
  struct sp_comparison_side *shown;
  struct sp_trial trial;
  struct sp_compare_run run;
  struct sp_interval **batches;
};

/* -- reading a run -- */

static uint64_t rows_of(const struct side *side) { return side->trial.to - side->trial.from; }

/* Into batches that are as long as each other, give or take a second. */
static int fill_batch(void *ctx, uint64_t at, const struct sp_store_tick *tick) {
  struct side *side = ctx;
  struct sp_interval *second = sp_snapshot_decode(tick->interval, side->err);
  if (!second) {
    return side->err->code;
  }
  size_t batch = (size_t)(at * side->run.count / rows_of(side));
  sp_interval_merge(side->batches[batch], second);
  side->run.seconds[batch] += (double)(second->end_ns - second->begin_ns) / (double)SP_NS_PER_S;
  sp_interval_destroy(second);
  return SP_OK;
}

static int read_batches(struct side *side) {
  side->run.count = rows_of(side) >= 2 * SP_BATCHES_MIN ? SP_BATCHES_MAX : SP_BATCHES_MIN;
  for (size_t i = 0; i < side->run.count; i++) {
    side->run.batches[i] = side->batches[i] = sp_interval_create();
  }
  return sp_trial_each_steady(side->store, &side->trial, fill_batch, side, side->err);
}

static int read_side(struct side *side, const char *id) {
  int code = sp_trial_read(side->store, id, &side->trial, side->err);
  snprintf(side->shown->id, sizeof(side->shown->id), "%s", side->trial.id);
  snprintf(side->shown->name, sizeof(side->shown->name), "%s", side->trial.name);
  side->shown->real_ns = side->trial.real_ns;
  if (code == 0 && rows_of(side) >= SP_BATCHES_MIN) {
    code = read_batches(side);
  }
  side->shown->steady_s = side->run.count > 0 ? 0 : (double)rows_of(side);
  for (size_t i = 0; i < side->run.count; i++) {
    side->shown->steady_s += side->run.seconds[i];
  }
  return code;
}

/* -- may they be compared? -- */

static void judge_one(struct sp_comparison *out, const char *which, const struct side *side) {
  sp_trial_judge(&side->trial, which, &out->reasons);
  if (side->run.count == 0) {
    sp_say(&out->reasons, "%s was steady for %llu s; an interval needs %u s and more", which,
           (unsigned long long)rows_of(side), SP_BATCHES_MIN);
  }
}

static void note_chance(struct sp_comparison *out) {
  size_t tested = 0;
  for (size_t i = 0; i < out->row_count; i++) {
    tested += out->rows[i].verdict != SP_COMPARE_FEW;
  }
  if (tested >= 10) {
    sp_say(&out->notes, "of %zu rows about %zu show a difference by chance alone", tested, (tested + 10) / 20);
  }
}

static size_t keys_not_in(const struct side *side, const struct side *other, const char **name) {
  size_t count = 0;
  for (size_t i = 0; i < side->run.count; i++) {
    const struct sp_map *cells = &side->run.batches[i]->cells;
    for (size_t k = 0; k < cells->count; k++) {
      struct sp_str key = sp_str_of(cells->entries[k].key, cells->entries[k].key_len);
      bool found = false;
      for (size_t j = 0; j < other->run.count && !found; j++) {
        found = sp_map_get(&other->run.batches[j]->cells, key) != NULL;
      }
      const struct sp_cell *cell = cells->entries[k].value;
      *name = found ? *name : cell->name;
      count += !found;
    }
  }
  return count;
}

static void note_missing(struct sp_comparison *out, const struct side *a, const struct side *b) {
  const char *name = NULL;
  if (keys_not_in(a, b, &name) > 0) {
    sp_say(&out->notes, "only A has requests such as '%s'", name);
  }
  if (keys_not_in(b, a, &name) > 0) {
    sp_say(&out->notes, "only B has requests such as '%s'", name);
  }
}

int sp_comparison_make(struct sp_store *store, const char *id_a, const char *id_b, struct sp_comparison *out,
                       struct sp_err *err) {
  *out = (struct sp_comparison){ 0 };
  struct side a = { .store = store, .err = err, .shown = &out->a, .batches = out->batches[0] };
  struct side b = { .store = store, .err = err, .shown = &out->b, .batches = out->batches[1] };
  int code = read_side(&a, id_a);
  code = code ? code : read_side(&b, id_b);
  if (code == 0) {
    judge_one(out, "A", &a);
    judge_one(out, "B", &b);
    sp_trials_judge(&a.trial, "A", &b.trial, "B", &out->reasons);
    sp_say(&out->notes, "%s", SP_COMPARE_CAVEAT);
    sp_trials_note(&a.trial, "A", &b.trial, "B", &out->notes);
  }
  if (code == 0 && a.run.count > 0 && b.run.count > 0) {
    out->rows = sp_compare_runs(&a.run, &b.run, SEED, &out->row_count);
    note_chance(out);
    note_missing(out, &a, &b);
  }
  sp_trial_fini(&a.trial);
  sp_trial_fini(&b.trial);
  return code;
}

void sp_comparison_fini(struct sp_comparison *comparison) {
  free(comparison->rows);
  for (size_t i = 0; i < SP_BATCHES_MAX; i++) {
    sp_interval_destroy(comparison->batches[0][i]);
    sp_interval_destroy(comparison->batches[1][i]);
  }
  *comparison = (struct sp_comparison){ 0 };
}
