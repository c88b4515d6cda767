#include "report/trial.h"

#include "report/json_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PARAMS_MAX (1024u * 1024u)

void sp_say(struct sp_sentences *list, const char *format, ...) {
  va_list args;
  if (list->count == SP_SENTENCES_MAX) {
    return;
  }
  char *text = list->items[list->count];
  va_start(args, format);
  vsnprintf(text, SP_SENTENCE_SIZE, format, args);
  va_end(args);
  size_t i = 0;
  while (i < list->count && strcmp(list->items[i], text) != 0) {
    i++;
  }
  list->count += i == list->count;
}

/* -- reading one -- */

struct reading {
  struct sp_trial *trial;
  struct sp_err *err;
  uint64_t at, stretch_from;
  size_t stretch_stage;
  double stretch_level;
  bool in_stretch;
};

static int read_head(void *ctx, const struct sp_store_detail *detail) {
  struct reading *reading = ctx;
  struct sp_trial *trial = reading->trial;
  snprintf(trial->id, sizeof(trial->id), "%s", detail->run.id);
  snprintf(trial->name, sizeof(trial->name), "%s", detail->run.name);
  snprintf(trial->plan, sizeof(trial->plan), "%s", detail->run.plan);
  snprintf(trial->plan_hash, sizeof(trial->plan_hash), "%s", detail->run.plan_hash);
  snprintf(trial->version, sizeof(trial->version), "%s", detail->run.version);
  snprintf(trial->host, sizeof(trial->host), "%s", detail->run.host);
  sp_doc_culprit(detail->summary, trial->held_by, sizeof(trial->held_by));
  trial->real_ns = detail->run.real_ns;
  trial->no = detail->run.no;
  trial->state = detail->run.state;
  trial->valid = detail->run.valid;
  for (size_t i = 0; i < detail->param_count; i++) {
    const struct sp_store_pair *param = &detail->params[i];
    sp_buf_printf(&trial->params, "%s=%s\n", param->key, param->value ? param->value : "");
  }
  return sp_kept_read_asked(detail->asked, &trial->asked, reading->err);
}

/* What was asked for in that second. A shape of the plan's own may move all the time, and is compared as such. */
static double level_at(const struct sp_trial *trial, const struct sp_store_tick *tick) {
  const struct sp_load *load = &trial->asked.load;
  if (load->shape || load->trace) {
    return 0;
  }
  return load->kind == SP_LOAD_RATE ? tick->rate_target : (double)tick->users_target;
}

static int look_for_steady(void *ctx, const struct sp_store_tick *tick) {
  struct reading *reading = ctx;
  struct sp_trial *trial = reading->trial;
  bool steady = tick->part == SP_SERIES_STEADY;
  double level = level_at(trial, tick);
  if (!steady || !reading->in_stretch || tick->stage != reading->stretch_stage || level != reading->stretch_level) {
    reading->stretch_from = reading->at;
    reading->stretch_stage = tick->stage;
    reading->stretch_level = level;
  }
  reading->in_stretch = steady;
  reading->at++;
  if (steady && reading->at - reading->stretch_from > trial->to - trial->from) {
    trial->from = reading->stretch_from;
    trial->to = reading->at;
    trial->stage = tick->stage;
    trial->level = level;
  }
  return SP_OK;
}

int sp_trial_read(struct sp_store *store, const char *id, struct sp_trial *out, struct sp_err *err) {
  struct reading reading = { .trial = out, .err = err };
  *out = (struct sp_trial){ 0 };
  sp_buf_init(&out->params, PARAMS_MAX);
  int code = sp_store_read(store, id, read_head, &reading, err);
  return code ? code : sp_store_read_ticks(store, out->no, look_for_steady, &reading, err);
}

void sp_trial_fini(struct sp_trial *trial) {
  sp_buf_fini(&trial->params);
  sp_kept_fini_asked(&trial->asked);
}

struct steady {
  const struct sp_trial *trial;
  uint64_t at;
  int (*each)(void *ctx, uint64_t at, const struct sp_store_tick *tick);
  void *ctx;
};

static int pass_steady(void *ctx, const struct sp_store_tick *tick) {
  struct steady *steady = ctx;
  uint64_t at = steady->at++;
  bool inside = at >= steady->trial->from && at < steady->trial->to;
  return inside ? steady->each(steady->ctx, at - steady->trial->from, tick) : SP_OK;
}

int sp_trial_each_steady(struct sp_store *store, const struct sp_trial *trial,
                         int (*each)(void *ctx, uint64_t at, const struct sp_store_tick *tick), void *ctx,
                         struct sp_err *err) {
  struct steady steady = { trial, 0, each, ctx };
  return sp_store_read_ticks(store, trial->no, pass_steady, &steady, err);
}

/* -- may it be laid beside another? -- */

void sp_trial_judge(const struct sp_trial *trial, const char *name, struct sp_sentences *reasons) {
  if (trial->state == SP_STORE_RUNNING) {
    sp_say(reasons, "%s still goes on", name);
  } else if (trial->state == SP_STORE_INTERRUPTED) {
    sp_say(reasons, "%s was cut off: nothing says whether its generator could make the load", name);
  } else if (trial->valid != 1) {
    sp_say(reasons, "%s is invalid: 'spate report' says why", name);
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

void sp_trials_judge(const struct sp_trial *a, const char *name_a, const struct sp_trial *b, const char *name_b,
                     struct sp_sentences *reasons) {
  char of_a[120], of_b[120];
  if (strcmp(a->plan_hash, b->plan_hash) != 0) {
    if (strcmp(a->plan, b->plan) != 0) {
      sp_say(reasons, "other plans: %s ran %s, %s %s", name_a, a->plan, name_b, b->plan);
    } else {
      sp_say(reasons, "the text of %s was another one in %s", a->plan, name_b);
    }
  }
  if (!same_load(&a->asked.load, &b->asked.load)) {
    level_of(&a->asked.load, of_a, sizeof(of_a));
    level_of(&b->asked.load, of_b, sizeof(of_b));
    sp_say(reasons, "other loads: %s had %s, %s %s%s", name_a, of_a, name_b, of_b,
           strcmp(of_a, of_b) == 0 ? ", of other lengths or between" : "");
  } else if (a->to > a->from && b->to > b->from && a->stage != b->stage) {
    sp_say(reasons, "the longest steady part of %s is in stage %zu, of %s in stage %zu", name_a, a->stage + 1, name_b,
           b->stage + 1);
  } else if (a->to > a->from && b->to > b->from && a->level != b->level) {
    sp_say(reasons, "the load was changed while it ran: the longest steady part of %s had %g%s, of %s %g%s", name_a, a->level,
           unit_of(&a->asked.load), name_b, b->level, unit_of(&b->asked.load));
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
static void put_other_keys(const struct sp_trial *a, const struct sp_trial *b, struct sp_buf *out) {
  struct sp_str rest = sp_buf_str(&a->params);
  while (rest.len > 0) {
    struct sp_str line = sp_str_split(&rest, '\n');
    if (!has_line(sp_buf_str(&b->params), line)) {
      struct sp_str key = sp_str_split(&line, '=');
      sp_buf_printf(out, "%s" SP_STR_FMT, out->len > 0 ? ", " : "", SP_STR_ARG(key));
    }
  }
}

void sp_trials_note(const struct sp_trial *a, const char *name_a, const struct sp_trial *b, const char *name_b,
                    struct sp_sentences *notes) {
  if (strcmp(a->version, b->version) != 0) {
    sp_say(notes, "%s was made by spate %s, %s by %s", name_a, a->version, name_b, b->version);
  }
  struct sp_buf keys;
  sp_buf_init(&keys, SP_SENTENCE_SIZE);
  put_other_keys(a, b, &keys);
  if (keys.len > 0) {
    sp_say(notes, "other parameters of the plan: %s", keys.bytes);
  }
  sp_buf_fini(&keys);
}
