#include "report/history.h"

#include "base/mem.h"
#include "base/background.h"
#include "report/history_begin.h"
#include "report/kept.h"
#include "report/page_data.h"
#include "report/tick.h"
#include "stats/snapshot.h"
#include "store/store_log.h"

#include <stdio.h>
#include <stdlib.h>

#define WRITE_EVERY_NS SP_NS_PER_S /* at the latest: also how soon a failed write is tried again */

struct waiting {
  struct sp_store_tick tick; /* its interval and counted are in `bytes` */
  char *bytes;
  size_t len;
};

struct history {
  struct sp_store *store; /* the writer's, until it has been joined */
  struct sp_background writer;
  struct sp_history_begin *begun;
  struct sp_buf packing;
  uint64_t ticks; /* so far */

  int64_t elapsed_ns; /* of the newest tick */

  pthread_mutex_t lock; /* of these four, and of lines that are not counted yet */
  struct waiting queue[SP_HISTORY_WAITING_MAX];
  size_t count, bytes, line_count;
  struct sp_store_line lines[SP_HISTORY_LINES_MAX]; /* texts are owned; a line that is counted never changes */

  /* The writer's, until it has been joined. */
  int64_t run; /* 0: it is not in the history yet */
  struct waiting batch[SP_HISTORY_WAITING_MAX];
  size_t batch_count, lines_written;

  uint64_t dropped;
  struct sp_err err; /* the latest failure that was not made good */
  bool ended;
};

/* -- the writer -- */

static void take_queue(struct history *history) {
  pthread_mutex_lock(&history->lock);
  while (history->count > 0 && history->batch_count < SP_HISTORY_WAITING_MAX) {
    size_t room = SP_HISTORY_WAITING_MAX - history->batch_count;
    size_t n = history->count < room ? history->count : room;
    memcpy(history->batch + history->batch_count, history->queue, n * sizeof(history->queue[0]));
    memmove(history->queue, history->queue + n, (history->count - n) * sizeof(history->queue[0]));
    history->batch_count += n;
    history->count -= n;
  }
  pthread_mutex_unlock(&history->lock);
}

static void drop_batch(struct history *history) {
  size_t bytes = 0;
  for (size_t i = 0; i < history->batch_count; i++) {
    bytes += history->batch[i].len;
    free(history->batch[i].bytes);
  }
  history->batch_count = 0;
  pthread_mutex_lock(&history->lock);
  history->bytes -= bytes;
  pthread_mutex_unlock(&history->lock);
}

static size_t lines_waiting(struct history *history) {
  pthread_mutex_lock(&history->lock);
  size_t waiting = history->line_count - history->lines_written;
  pthread_mutex_unlock(&history->lock);
  return waiting;
}

static int write_lines(struct history *history) {
  size_t waiting = lines_waiting(history);
  if (waiting == 0) {
    return SP_OK;
  }
  int code = sp_store_lines(history->store, history->run, &history->lines[history->lines_written], waiting, &history->err);
  history->lines_written += code ? 0 : waiting;
  return code;
}

static int write_batch(struct history *history) {
  struct sp_store_tick ticks[SP_HISTORY_WAITING_MAX];
  int code = history->run ? SP_OK
                          : sp_store_begin(history->store, sp_history_begin_of(history->begun), &history->run, &history->err);
  if (code) {
    history->run = 0;
    return code;
  }
  code = write_lines(history);
  if (code) {
    return code;
  }
  for (size_t i = 0; i < history->batch_count; i++) {
    ticks[i] = history->batch[i].tick;
  }
  return sp_store_ticks(history->store, history->run, ticks, history->batch_count, &history->err);
}

static void *write_history(void *ctx) {
  struct history *history = ctx;
  bool more = true;
  while (more) {
    more = sp_background_wait(&history->writer, WRITE_EVERY_NS);
    take_queue(history);
    bool is_new = history->run == 0 || history->batch_count > 0 || lines_waiting(history) > 0;
    if (is_new && write_batch(history) == 0) {
      drop_batch(history);
    }
  }
  return NULL;
}

/* -- the report type -- */

static int history_open(const char *path, void **report, struct sp_err *err) {
  struct sp_store *store = sp_store_open(path, SP_STORE_WRITE, err);
  if (!store) {
    return err->code;
  }
  struct history *history = sp_alloc(sizeof(*history));
  history->store = store;
  pthread_mutex_init(&history->lock, NULL);
  sp_background_init(&history->writer);
  sp_buf_init(&history->packing, SP_SNAPSHOT_MAX);
  *report = history;
  return SP_OK;
}

static void history_begin(void *report, const struct sp_run_begin *begin) {
  struct history *history = report;
  history->begun = sp_history_begin_create(begin);
  sp_background_start(&history->writer, write_history, history, &history->err);
  sp_background_wake(&history->writer);
}

/* The interval, and behind it what of it is counted, where that is not what it is as a rule (store/store.h). Gives the
 * length of the first. */
static size_t pack_tick(struct history *history, const struct sp_run_view *view, bool warm) {
  struct sp_buf *packing = &history->packing;
  sp_buf_clear(packing);
  sp_snapshot_encode(view->last, packing);
  size_t len = packing->len;
  if (!view->counted || view->counted == view->last || (warm && view->counted->cells.count == 0)) {
    return len;
  }
  sp_snapshot_encode(view->counted, packing);
  struct sp_str whole = sp_str_of(packing->bytes, len), counted = sp_str_of(packing->bytes + len, packing->len - len);
  if (!warm && sp_str_eq(whole, counted)) {
    packing->len = len;
  }
  return len;
}

static bool wait_in_queue(struct history *history, struct waiting *waiting, size_t interval_len) {
  size_t len = waiting->len = history->packing.len;
  if (history->count == SP_HISTORY_WAITING_MAX || history->bytes + len > SP_HISTORY_WAITING_BYTES) {
    return false;
  }
  waiting->bytes = sp_alloc(len);
  memcpy(waiting->bytes, history->packing.bytes, len);
  waiting->tick.interval = sp_str_of(waiting->bytes, interval_len);
  if (len > interval_len) {
    waiting->tick.counted = sp_str_of(waiting->bytes + interval_len, len - interval_len);
  }
  history->queue[history->count++] = *waiting;
  history->bytes += len;
  return true;
}

static void history_tick(void *report, const struct sp_run_view *view) {
  struct history *history = report;
  history->elapsed_ns = view->elapsed_ns;
  struct waiting waiting = { .tick = { .n = history->ticks++,
                                       .elapsed_ns = view->elapsed_ns,
                                       .part = sp_view_part(view),
                                       .phase = view->phase,
                                       .users = view->users,
                                       .users_target = view->users_target,
                                       .in_flight = view->in_flight,
                                       .rate_target = view->rate_target,
                                       .stage = view->stage } };
  size_t interval_len = pack_tick(history, view, waiting.tick.part == SP_SERIES_WARM);
  pthread_mutex_lock(&history->lock);
  history->dropped += wait_in_queue(history, &waiting, interval_len) ? 0 : 1;
  pthread_mutex_unlock(&history->lock);
  sp_background_wake(&history->writer);
}

static void history_log(void *report, const char *level, const char *text) {
  struct history *history = report;
  pthread_mutex_lock(&history->lock);
  size_t n = history->line_count;
  if (n < SP_HISTORY_LINES_MAX) {
    history->lines[n] = (struct sp_store_line){ n, history->elapsed_ns, sp_strdup(level), sp_strdup(text) };
    history->line_count++;
  }
  pthread_mutex_unlock(&history->lock);
}

static bool all_met(const struct sp_result *result) {
  for (size_t i = 0; i < result->slo_count; i++) {
    if (!result->slos[i].met) {
      return false;
    }
  }
  return true;
}

/* The run is over: now its thread may wait for the disk. */
static int end_run(struct history *history, const struct sp_result *result) {
  struct sp_buf bytes;
  char *summary = sp_page_summary(result, false);
  sp_buf_init(&bytes, SP_KEPT_MAX);
  sp_kept_put_result(&bytes, result);
  struct sp_store_end end = { .duration_ns = result->facts.duration_ns,
                              .measured_ns = result->facts.measured_ns,
                              .users_max = result->facts.users_max,
                              .valid = result->validity.valid,
                              .slos_met = all_met(result),
                              .totals = result->totals,
                              .result = sp_buf_str(&bytes),
                              .summary = summary };
  int code = sp_store_end(history->store, history->run, &end, &history->err);
  sp_buf_fini(&bytes);
  free(summary);
  return code;
}

static int history_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct history *history = report;
  (void)err; /* a missing history fails no run */
  sp_background_stop(&history->writer);
  take_queue(history);
  history->dropped += history->batch_count + history->count;
  history->ended = history->run && end_run(history, result) == 0;
  return SP_OK;
}

static bool history_note(void *report, char *text, size_t size) {
  const struct history *history = report;
  if (history->ended && history->dropped == 0) {
    return false;
  }
  if (!history->run) {
    snprintf(text, size, "the run is not in the history: %s", history->err.text);
  } else if (history->dropped > 0) {
    snprintf(text, size, "the history lacks %llu of the run's %llu seconds%s: %s", (unsigned long long)history->dropped,
             (unsigned long long)history->ticks, history->ended ? "" : " and its end", history->err.text);
  } else {
    snprintf(text, size, "the history lacks the run's end: %s", history->err.text);
  }
  return true;
}

static void history_close(void *report) {
  struct history *history = report;
  sp_background_fini(&history->writer);
  take_queue(history);
  drop_batch(history);
  take_queue(history); /* what had no room before */
  drop_batch(history);
  for (size_t i = 0; i < history->line_count; i++) {
    free((char *)(uintptr_t)history->lines[i].level);
    free((char *)(uintptr_t)history->lines[i].text);
  }
  sp_store_close(history->store);
  sp_history_begin_destroy(history->begun);
  sp_buf_fini(&history->packing);
  pthread_mutex_destroy(&history->lock);
  free(history);
}

const struct sp_report_type sp_report_history = {
  .name = "history",
  .option = "",
  .help = "every run, to be listed, shown and compared later",
  .open = history_open,
  .begin = history_begin,
  .on_tick = history_tick,
  .on_log = history_log,
  .write = history_write,
  .note = history_note,
  .close = history_close,
};
