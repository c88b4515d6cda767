/*
 * --out jsonl=PATH: a line for every request of the totals (report/jsonl_line.h), written by a thread of its own as
 * they end. Engine threads put records into a bounded queue and never wait: where the disk can't follow, lines are
 * dropped, counted, and the end says so.
 */
#include "base/check.h"
#include "base/mem.h"
#include "report/jsonl_line.h"
#include "report/out_file.h"
#include "report/report.h"
#include "stats/recorder.h"

#include <stdio.h>
#include <stdlib.h>

#define DRAIN_EVERY_NS (20 * SP_NS_PER_MS)
#define WRITE_SIZE (256u * 1024u)
#define TEXT_MAX (4u * WRITE_SIZE)

struct jsonl_report {
  struct sp_out_file file;
  struct sp_sample_sink sink;
  struct sp_line_queue queue;
  int64_t begin_ns, real_minus_mono_ns;

  pthread_t writer;
  pthread_mutex_t lock; /* of stopping */
  pthread_cond_t wake;
  bool has_writer, stopping;

  /* The writer's, until it has been joined. */
  struct sp_buf text;
  struct sp_err err; /* the first failure: nothing is written behind it */
  uint64_t written;
};

static void take(void *ctx, const struct sp_request_key *key, const struct sp_sample *sample) {
  struct jsonl_report *jsonl = ctx;
  sp_jsonl_pack(&jsonl->queue, key, sample);
}

/* --- the writer --- */

static void flush(struct jsonl_report *jsonl) {
  if (jsonl->text.len > 0 && !jsonl->err.code) {
    sp_out_file_append(&jsonl->file, jsonl->text.bytes, jsonl->text.len, &jsonl->err);
  }
  sp_buf_clear(&jsonl->text);
}

static void put_record(void *ctx, struct sp_str record) {
  struct jsonl_report *jsonl = ctx;
  sp_jsonl_put(&jsonl->text, record, jsonl->begin_ns, jsonl->real_minus_mono_ns);
  jsonl->written += jsonl->err.code ? 0 : 1;
  if (jsonl->text.len >= WRITE_SIZE) {
    flush(jsonl);
  }
}

static bool wait_for_more(struct jsonl_report *jsonl) {
  struct timespec until;
  int64_t until_ns = sp_clock_mono_ns() + DRAIN_EVERY_NS;
  until.tv_sec = (time_t)(until_ns / SP_NS_PER_S);
  until.tv_nsec = (long)(until_ns % SP_NS_PER_S);
  pthread_mutex_lock(&jsonl->lock);
  if (!jsonl->stopping) {
    pthread_cond_timedwait(&jsonl->wake, &jsonl->lock, &until);
  }
  bool more = !jsonl->stopping;
  pthread_mutex_unlock(&jsonl->lock);
  return more;
}

static void *write_lines(void *ctx) {
  struct jsonl_report *jsonl = ctx;
  bool more = true;
  while (more) {
    more = wait_for_more(jsonl); /* asked before the drain: what came before the stop is written */
    sp_line_queue_drain(&jsonl->queue, put_record, jsonl);
    flush(jsonl);
  }
  return NULL;
}

static void stop_writer(struct jsonl_report *jsonl) {
  if (!jsonl->has_writer) {
    return;
  }
  pthread_mutex_lock(&jsonl->lock);
  jsonl->stopping = true;
  pthread_cond_signal(&jsonl->wake);
  pthread_mutex_unlock(&jsonl->lock);
  pthread_join(jsonl->writer, NULL);
  jsonl->has_writer = false;
}

/* --- the report type --- */

static void init_wake(pthread_cond_t *wake) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  SP_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
  SP_CHECK(pthread_cond_init(wake, &attributes) == 0);
  pthread_condattr_destroy(&attributes);
}

static int jsonl_open(const char *path, void **report, struct sp_err *err) {
  struct jsonl_report *jsonl = sp_alloc(sizeof(*jsonl));
  int code = sp_out_file_open(&jsonl->file, path, err);
  if (code) {
    free(jsonl);
    return code;
  }
  jsonl->sink = (struct sp_sample_sink){ take, jsonl };
  sp_line_queue_init(&jsonl->queue);
  sp_buf_init(&jsonl->text, TEXT_MAX);
  pthread_mutex_init(&jsonl->lock, NULL);
  init_wake(&jsonl->wake);
  *report = jsonl;
  return SP_OK;
}

static const struct sp_sample_sink *jsonl_sink(void *report) {
  struct jsonl_report *jsonl = report;
  return &jsonl->sink;
}

static void jsonl_begin(void *report, const struct sp_run_begin *begin) {
  struct jsonl_report *jsonl = report;
  jsonl->begin_ns = begin->mono_ns;
  jsonl->real_minus_mono_ns = begin->real_ns - begin->mono_ns;
  sp_out_file_begin(&jsonl->file, &jsonl->err);
  int error = pthread_create(&jsonl->writer, NULL, write_lines, jsonl);
  jsonl->has_writer = error == 0;
  if (error) {
    sp_fail(&jsonl->err, SP_EIO, "cannot start the thread that writes: %s", strerror(error));
  }
}

static int jsonl_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct jsonl_report *jsonl = report;
  (void)result; /* every line is written as its request ends */
  stop_writer(jsonl);
  if (jsonl->err.code) {
    *err = jsonl->err;
  }
  return jsonl->err.code;
}

static bool jsonl_note(void *report, char *text, size_t size) {
  struct jsonl_report *jsonl = report;
  uint64_t dropped = sp_line_queue_dropped(&jsonl->queue);
  if (dropped == 0) {
    return false;
  }
  snprintf(text, size, "jsonl: %llu of %llu lines were dropped: '%s' could not be written as fast as requests ended",
           (unsigned long long)dropped, (unsigned long long)(dropped + jsonl->written), jsonl->file.path);
  return true;
}

static void jsonl_close(void *report) {
  struct jsonl_report *jsonl = report;
  stop_writer(jsonl);
  sp_out_file_close(&jsonl->file);
  sp_line_queue_fini(&jsonl->queue);
  sp_buf_fini(&jsonl->text);
  pthread_cond_destroy(&jsonl->wake);
  pthread_mutex_destroy(&jsonl->lock);
  free(jsonl);
}

const struct sp_report_type sp_report_jsonl = {
  .name = "jsonl",
  .help = "a line of JSON for every request, as they end",
  .open = jsonl_open,
  .begin = jsonl_begin,
  .sink = jsonl_sink,
  .write = jsonl_write,
  .note = jsonl_note,
  .close = jsonl_close,
};
