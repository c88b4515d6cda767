#include "report/replay.h"

#include "base/mem.h"
#include "report/kept.h"
#include "report/replay_cut.h"
#include "stats/snapshot.h"
#include "store/store_log.h"

#include <stdlib.h>

struct replay {
  const struct sp_replay_hooks *hooks;
  void *ctx;
  struct sp_store *store;
  const struct sp_store_detail *detail;
  struct sp_kept_asked asked;
  struct sp_tag *tags;
  struct sp_cut cut; /* what the seconds add up to */
  struct sp_store_line *lines; /* the log; owned with its texts */
  size_t line_count, lines_told;
  struct sp_interval *nothing;
  struct sp_err *err;
};

/* -- begin -- */

static void tell_begin(struct replay *replay) {
  const struct sp_store_detail *detail = replay->detail;
  struct sp_run_param *params = sp_alloc_array(detail->param_count + 1, sizeof(*params));
  for (size_t i = 0; i < detail->param_count; i++) {
    params[i] = (struct sp_run_param){ detail->params[i].key, detail->params[i].value };
  }
  struct sp_run_begin begin = { .version = detail->run.version,
                                .id = detail->run.id,
                                .name = detail->run.name,
                                .plan = detail->run.plan,
                                .host = detail->run.host,
                                .real_ns = detail->run.real_ns,
                                .mono_ns = detail->run.mono_ns,
                                .tags = replay->tags,
                                .tag_count = detail->run.tag_count,
                                .load = &replay->asked.load,
                                .slos = (const char *const *)replay->asked.slos,
                                .slo_count = replay->asked.slo_count,
                                .plan_text = detail->plan_text,
                                .params = params,
                                .param_count = detail->param_count };
  if (replay->hooks->begin) {
    replay->hooks->begin(replay->ctx, &begin);
  }
  free(params);
}

/* -- log -- */

static int keep_line(void *ctx, const struct sp_store_line *line) {
  struct replay *replay = ctx;
  if ((replay->line_count & (replay->line_count - 1)) == 0) { /* full: a power of two, or nothing yet */
    size_t cap = replay->line_count > 0 ? replay->line_count * 2 : 1;
    replay->lines = sp_realloc(replay->lines, cap * sizeof(*replay->lines));
  }
  replay->lines[replay->line_count++] =
    (struct sp_store_line){ line->n, line->elapsed_ns, sp_strdup(line->level), sp_strdup(line->text) };
  return SP_OK;
}

/* Those that were said before that moment. */
static void tell_lines(struct replay *replay, int64_t before_ns) {
  for (; replay->lines_told < replay->line_count && replay->lines[replay->lines_told].elapsed_ns < before_ns; replay->lines_told++) {
    const struct sp_store_line *line = &replay->lines[replay->lines_told];
    if (replay->hooks->on_log) {
      replay->hooks->on_log(replay->ctx, line->elapsed_ns, line->level, line->text);
    }
  }
}

static void free_lines(struct replay *replay) {
  for (size_t i = 0; i < replay->line_count; i++) {
    free((char *)(uintptr_t)replay->lines[i].level);
    free((char *)(uintptr_t)replay->lines[i].text);
  }
  free(replay->lines);
}

/* -- seconds -- */

static int tell_tick(void *ctx, const struct sp_store_tick *tick) {
  struct replay *replay = ctx;
  struct sp_interval *second = sp_snapshot_decode(tick->interval, replay->err);
  if (!second) {
    return replay->err->code;
  }
  tell_lines(replay, tick->elapsed_ns);
  struct sp_str counted_bytes = sp_store_counted(tick);
  bool is_all = counted_bytes.bytes == tick->interval.bytes;
  struct sp_interval *part = is_all || counted_bytes.len == 0 ? NULL : sp_snapshot_decode(counted_bytes, replay->err);
  const struct sp_interval *counted = is_all ? second : part;
  sp_cut_add(&replay->cut, tick, counted, second->end_ns, replay->asked.load.warm_up_ns);
  struct sp_run_view view = { .phase = (enum sp_phase)tick->phase,
                              .elapsed_ns = tick->elapsed_ns,
                              .load = &replay->asked.load,
                              .users = tick->users,
                              .users_target = tick->users_target,
                              .in_flight = tick->in_flight,
                              .rate_target = tick->rate_target,
                              .stage = tick->stage,
                              .last = second,
                              .counted = counted ? counted : replay->nothing,
                              .totals = replay->cut.totals };
  if (replay->hooks->on_tick) {
    replay->hooks->on_tick(replay->ctx, &view);
  }
  sp_interval_destroy(part);
  sp_interval_destroy(second);
  return SP_OK;
}

/* -- end -- */

static void fill_in(struct replay *replay, struct sp_result *result) {
  const struct sp_store_run *run = &replay->detail->run;
  result->version = run->version;
  snprintf(result->id, sizeof(result->id), "%s", run->id);
  result->name = run->name;
  result->plan = run->plan;
  result->host = run->host;
  result->tags = replay->tags;
  result->tag_count = run->tag_count;
  result->load = &replay->asked.load;
  result->kept_summary = replay->detail->summary;
}

static int tell_kept_end(struct replay *replay) {
  struct sp_interval *totals = sp_snapshot_decode(replay->detail->totals, replay->err);
  struct sp_kept_result *kept = totals ? sp_kept_read_result(replay->detail->result, totals, replay->err) : NULL;
  if (!kept) {
    return replay->err->code;
  }
  fill_in(replay, sp_kept_result_of(kept));
  int code = replay->hooks->end(replay->ctx, sp_kept_result_of(kept), replay->err);
  sp_kept_result_destroy(kept);
  return code;
}

static int tell_cut_end(struct replay *replay) {
  const struct sp_store_run *run = &replay->detail->run;
  struct sp_result result = { .started_real_ns = run->real_ns, .seed = run->seed };
  fill_in(replay, &result);
  sp_cut_finish(&replay->cut, &replay->asked, run->state == SP_STORE_RUNNING, &result);
  return replay->hooks->end(replay->ctx, &result, replay->err);
}

static int tell(void *ctx, const struct sp_store_detail *detail) {
  struct replay *replay = ctx;
  replay->detail = detail;
  replay->tags = sp_alloc_array(detail->run.tag_count + 1, sizeof(*replay->tags));
  for (size_t i = 0; i < detail->run.tag_count; i++) {
    replay->tags[i] = (struct sp_tag){ detail->run.tags[i].key, detail->run.tags[i].value };
  }
  int code = sp_kept_read_asked(detail->asked, &replay->asked, replay->err);
  if (code == 0) {
    tell_begin(replay);
    code = sp_store_read_lines(replay->store, detail->run.no, keep_line, replay, replay->err);
    code = code ? code : sp_store_read_ticks(replay->store, detail->run.no, tell_tick, replay, replay->err);
    tell_lines(replay, INT64_MAX);
  }
  if (code == 0 && replay->hooks->end) {
    code = detail->result.len > 0 ? tell_kept_end(replay) : tell_cut_end(replay);
  }
  free(replay->tags);
  return code;
}

int sp_replay(struct sp_store *store, const char *id, const struct sp_replay_hooks *hooks, void *ctx, struct sp_err *err) {
  struct replay replay = { .hooks = hooks, .ctx = ctx, .store = store, .err = err };
  replay.nothing = sp_interval_create();
  sp_cut_init(&replay.cut);
  int code = sp_store_read(store, id, tell, &replay, err);
  free_lines(&replay);
  sp_cut_fini(&replay.cut);
  sp_interval_destroy(replay.nothing);
  sp_kept_fini_asked(&replay.asked);
  return code;
}

/* -- into an output -- */

struct into {
  const struct sp_report_type *type;
  void *report;
};

static void begin_output(void *ctx, const struct sp_run_begin *begin) {
  const struct into *into = ctx;
  if (into->type->begin) {
    into->type->begin(into->report, begin);
  }
}

static void tick_output(void *ctx, const struct sp_run_view *view) {
  const struct into *into = ctx;
  if (into->type->on_tick) {
    into->type->on_tick(into->report, view);
  }
}

static void log_output(void *ctx, int64_t elapsed_ns, const char *level, const char *text) {
  const struct into *into = ctx;
  (void)elapsed_ns; /* its ticks tell it the time */
  if (into->type->on_log) {
    into->type->on_log(into->report, level, text);
  }
}

static int end_output(void *ctx, const struct sp_result *result, struct sp_err *err) {
  const struct into *into = ctx;
  return into->type->write(into->report, result, err);
}

int sp_replay_output(struct sp_store *store, const char *id, const struct sp_report_type *type, const char *path,
                     struct sp_err *err) {
  static const struct sp_replay_hooks hooks = { begin_output, tick_output, log_output, end_output };
  struct into into = { .type = type };
  if (type->live_only) {
    return sp_fail(err, SP_EUSAGE, "%s is made while a run goes on: the history keeps seconds, not single requests",
                   type->name);
  }
  int code = type->open(path, &into.report, err);
  if (code) {
    return code;
  }
  code = sp_replay(store, id, &hooks, &into, err);
  type->close(into.report);
  return code;
}
