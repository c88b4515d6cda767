#include "report/comparison.h"

#include "base/mem.h"
#include "report/kept.h"
#include "stats/snapshot.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#define SEED 1 /* the same two runs give the same numbers */

/* What of a run the gate looks at, copied out of the store. */
struct side {
  struct sp_store *store;
  struct sp_err *err;
  struct sp_comparison_side *shown;
  int64_t no;
  enum sp_store_state state;
  int valid;
  char plan[SP_COMPARISON_TEXT_SIZE], plan_hash[24], version[40];
  struct sp_kept_asked asked;
  struct sp_buf params; /* "key=value" lines, in order; a secret's value is left out */

  /* The longest steady stretch: ticks from … to-1, all of one stage and one level (users or a rate; somebody may have
   * changed it on the page). */
  uint64_t at, from, to, stretch_from;
  size_t stage, stretch_stage;
  double level, stretch_level;
  bool in_stretch;

  struct sp_compare_run run;
  struct sp_interval **batches;
};

#define PARAMS_MAX (1024u * 1024u)

static void __attribute__((format(printf, 3, 4))) say(char (*list)[SP_COMPARISON_TEXT_SIZE], size_t *count,
                                                      const char *format, ...) {
  va_list args;
  if (*count < SP_COMPARISON_TEXTS_MAX) {
    va_start(args, format);
    vsnprintf(list[(*count)++], SP_COMPARISON_TEXT_SIZE, format, args);
    va_end(args);
  }
}

/* -- reading a run -- */

static int read_head(void *ctx, const struct sp_store_detail *detail) {
  struct side *side = ctx;
  snprintf(side->shown->id, sizeof(side->shown->id), "%s", detail->run.id);
  snprintf(side->shown->name, sizeof(side->shown->name), "%s", detail->run.name);
  side->shown->real_ns = detail->run.real_ns;
  side->no = detail->run.no;
  side->state = detail->run.state;
  side->valid = detail->run.valid;
  snprintf(side->plan, sizeof(side->plan), "%s", detail->run.plan);
  snprintf(side->plan_hash, sizeof(side->plan_hash), "%s", detail->run.plan_hash);
  snprintf(side->version, sizeof(side->version), "%s", detail->run.version);
  for (size_t i = 0; i < detail->param_count; i++) {
    const struct sp_store_pair *param = &detail->params[i];
    sp_buf_printf(&side->params, "%s=%s\n", param->key, param->value ? param->value : "");
  }
  return sp_kept_read_asked(detail->asked, &side->asked, side->err);
}

/* What was asked for in that second. A shape of the plan's own may move all the time, and is compared as such. */
static double level_at(const struct side *side, const struct sp_store_tick *tick) {
  const struct sp_load *load = &side->asked.load;
  if (load->shape || load->trace) {
    return 0;
  }
  return load->kind == SP_LOAD_RATE ? tick->rate_target : (double)tick->users_target;
}

static int look_for_steady(void *ctx, const struct sp_store_tick *tick) {
  struct side *side = ctx;
  bool steady = tick->part == SP_SERIES_STEADY;
  double level = level_at(side, tick);
  if (!steady || !side->in_stretch || tick->stage != side->stretch_stage || level != side->stretch_level) {
    side->stretch_from = side->at;
    side->stretch_stage = tick->stage;
    side->stretch_level = level;
  }
  side->in_stretch = steady;
  side->at++;
  if (steady && side->at - side->stretch_from > side->to - side->from) {
    side->from = side->stretch_from;
    side->to = side->at;
    side->stage = tick->stage;
    side->level = level;
  }
  return SP_OK;
}

/* Into batches that are as long as each other, give or take a second. */
static int fill_batch(void *ctx, const struct sp_store_tick *tick) {
  struct side *side = ctx;
  uint64_t at = side->at++, rows = side->to - side->from;
  if (at < side->from || at >= side->to) {
    return SP_OK;
  }
  struct sp_interval *second = sp_snapshot_decode(tick->interval, side->err);
  if (!second) {
    return side->err->code;
  }
  size_t batch = (size_t)((at - side->from) * side->run.count / rows);
  sp_interval_merge(side->batches[batch], second);
  side->run.seconds[batch] += (double)(second->end_ns - second->begin_ns) / (double)SP_NS_PER_S;
  sp_interval_destroy(second);
  return SP_OK;
}

static int read_batches(struct side *side) {
  side->at = 0;
  side->run.count = side->to - side->from >= 2 * SP_BATCHES_MIN ? SP_BATCHES_MAX : SP_BATCHES_MIN;
  for (size_t i = 0; i < side->run.count; i++) {
    side->run.batches[i] = side->batches[i] = sp_interval_create();
  }
  return sp_store_read_ticks(side->store, side->no, fill_batch, side, side->err);
}

static int read_side(struct side *side, const char *id) {
  int code = sp_store_read(side->store, id, read_head, side, side->err);
  code = code ? code : sp_store_read_ticks(side->store, side->no, look_for_steady, side, side->err);
  if (code == 0 && side->to - side->from >= SP_BATCHES_MIN) {
    code = read_batches(side);
  }
  side->shown->steady_s = side->run.count > 0 ? 0 : (double)(side->to - side->from);
  for (size_t i = 0; i < side->run.count; i++) {
    side->shown->steady_s += side->run.seconds[i];
  }
  return code;
}

/* -- may they be compared? -- */

static void judge_one(struct sp_comparison *out, const char *which, const struct side *side) {
  if (side->state == SP_STORE_RUNNING) {
    say(out->reasons, &out->reason_count, "%s still goes on", which);
  } else if (side->state == SP_STORE_INTERRUPTED) {
    say(out->reasons, &out->reason_count, "%s was cut off: nothing says whether its generator could make the load", which);
  } else if (side->valid != 1) {
    say(out->reasons, &out->reason_count, "%s is invalid: 'spate report' says why", which);
  }
  if (side->run.count == 0) {
    say(out->reasons, &out->reason_count, "%s was steady for %llu s; an interval needs %u s and more", which,
        (unsigned long long)(side->to - side->from), SP_BATCHES_MIN);
  }
}

static bool same_stages(const struct sp_load *a, const struct sp_load *b) {
  bool same = a->stage_count == b->stage_count;
  for (size_t i = 0; same && i < a->stage_count; i++) {
    same = a->stages[i].from == b->stages[i].from && a->stages[i].to == b->stages[i].to &&
           a->stages[i].hold_ns == b->stages[i].hold_ns;
  }
  return same;
}

static const char *level_of(const struct sp_load *load, char *text, size_t size) {
  if (load->trace || load->shape) {
    snprintf(text, size, "%s", load->trace ? "a recorded trace" : "a shape of the plan's own");
  } else if (load->stage_count > 0) {
    snprintf(text, size, "%zu stages from %g to %g", load->stage_count, load->stages[0].from,
             load->stages[load->stage_count - 1].to);
  } else if (load->kind == SP_LOAD_RATE) {
    snprintf(text, size, "%g/s%s", load->rate_per_s, load->arrivals == SP_ARRIVALS_EVEN ? ", evenly" : "");
  } else {
    snprintf(text, size, "%llu %s", (unsigned long long)load->users,
             load->kind == SP_LOAD_IN_FLIGHT ? "in flight" : "users");
  }
  return text;
}

/* The level is what matters: how long it was held, and how fast it was reached, is not in the steady part. */
static bool same_load(const struct sp_load *a, const struct sp_load *b) {
  if (a->kind != b->kind || !same_stages(a, b) || !a->shape != !b->shape || !a->trace != !b->trace) {
    return false;
  }
  if (a->stage_count > 0 || a->shape || a->trace) {
    return a->kind != SP_LOAD_RATE || a->arrivals == b->arrivals;
  }
  return a->kind == SP_LOAD_RATE ? a->rate_per_s == b->rate_per_s && a->arrivals == b->arrivals : a->users == b->users;
}

static const char *unit_of(const struct sp_load *load) {
  return load->kind == SP_LOAD_RATE ? "/s" : load->kind == SP_LOAD_IN_FLIGHT ? " in flight" : " users";
}

static void judge_both(struct sp_comparison *out, const struct side *a, const struct side *b) {
  char of_a[120], of_b[120];
  if (strcmp(a->plan_hash, b->plan_hash) != 0) {
    if (strcmp(a->plan, b->plan) != 0) {
      say(out->reasons, &out->reason_count, "other plans: A ran %s, B %s", a->plan, b->plan);
    } else {
      say(out->reasons, &out->reason_count, "the text of %s was another one in B", a->plan);
    }
  }
  if (!same_load(&a->asked.load, &b->asked.load)) {
    level_of(&a->asked.load, of_a, sizeof(of_a));
    level_of(&b->asked.load, of_b, sizeof(of_b));
    say(out->reasons, &out->reason_count, "other loads: A had %s, B %s%s", of_a, of_b,
        strcmp(of_a, of_b) == 0 ? ", of other lengths or between" : "");
  } else if (a->run.count > 0 && b->run.count > 0 && a->stage != b->stage) {
    say(out->reasons, &out->reason_count, "the longest steady part of A is in stage %zu, of B in stage %zu", a->stage + 1,
        b->stage + 1);
  } else if (a->run.count > 0 && b->run.count > 0 && a->level != b->level) {
    say(out->reasons, &out->reason_count, "the load was changed while it ran: the longest steady part of A had %g%s, of B %g%s",
        a->level, unit_of(&a->asked.load), b->level, unit_of(&b->asked.load));
  }
}

static bool has_line(struct sp_str lines, struct sp_str wanted) {
  while (lines.len > 0) {
    if (sp_str_eq(sp_str_split(&lines, '\n'), wanted)) {
      return true;
    }
  }
  return false;
}

/* The plan is the same, so are the names: what A has otherwise than B. */
static void put_other_keys(const struct side *a, const struct side *b, struct sp_buf *out) {
  struct sp_str rest = sp_buf_str(&a->params);
  while (rest.len > 0) {
    struct sp_str line = sp_str_split(&rest, '\n');
    if (!has_line(sp_buf_str(&b->params), line)) {
      struct sp_str key = sp_str_split(&line, '=');
      sp_buf_printf(out, "%s" SP_STR_FMT, out->len > 0 ? ", " : "", SP_STR_ARG(key));
    }
  }
}

static void note_both(struct sp_comparison *out, const struct side *a, const struct side *b) {
  say(out->notes, &out->note_count, "%s", SP_COMPARE_CAVEAT);
  if (strcmp(a->version, b->version) != 0) {
    say(out->notes, &out->note_count, "A was made by spate %s, B by %s", a->version, b->version);
  }
  struct sp_buf keys;
  sp_buf_init(&keys, SP_COMPARISON_TEXT_SIZE);
  put_other_keys(a, b, &keys);
  if (keys.len > 0) {
    say(out->notes, &out->note_count, "other parameters of the plan: %s", keys.bytes);
  }
  sp_buf_fini(&keys);
}

static void note_chance(struct sp_comparison *out) {
  size_t tested = 0;
  for (size_t i = 0; i < out->row_count; i++) {
    tested += out->rows[i].verdict != SP_COMPARE_FEW;
  }
  if (tested >= 10) {
    say(out->notes, &out->note_count, "of %zu rows about %zu show a difference by chance alone", tested, (tested + 10) / 20);
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
    say(out->notes, &out->note_count, "only A has requests such as '%s'", name);
  }
  if (keys_not_in(b, a, &name) > 0) {
    say(out->notes, &out->note_count, "only B has requests such as '%s'", name);
  }
}

int sp_comparison_make(struct sp_store *store, const char *id_a, const char *id_b, struct sp_comparison *out,
                       struct sp_err *err) {
  *out = (struct sp_comparison){ 0 };
  struct side a = { .store = store, .err = err, .shown = &out->a, .batches = out->batches[0] };
  struct side b = { .store = store, .err = err, .shown = &out->b, .batches = out->batches[1] };
  sp_buf_init(&a.params, PARAMS_MAX);
  sp_buf_init(&b.params, PARAMS_MAX);
  int code = read_side(&a, id_a);
  code = code ? code : read_side(&b, id_b);
  if (code == 0) {
    judge_one(out, "A", &a);
    judge_one(out, "B", &b);
    judge_both(out, &a, &b);
    note_both(out, &a, &b);
  }
  if (code == 0 && a.run.count > 0 && b.run.count > 0) {
    out->rows = sp_compare_runs(&a.run, &b.run, SEED, &out->row_count);
    note_chance(out);
    note_missing(out, &a, &b);
  }
  sp_buf_fini(&a.params);
  sp_buf_fini(&b.params);
  sp_kept_fini_asked(&a.asked);
  sp_kept_fini_asked(&b.asked);
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
