/*
 * --out jsonl=PATH: a line for every request of the totals (report/jsonl_line.h), written by a thread of its own as
 * they end. Engine threads put records into a bounded queue and never wait: where the disk can't follow, lines are
 * dropped, counted, and the end says so.
 */
#include "base/mem.h"
#include "base/background.h"
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

  struct sp_background writer;

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

static void *write_lines(void *ctx) {
  struct jsonl_report *jsonl = ctx;
  bool more = true;
  while (more) {
    more = sp_background_wait(&jsonl->writer, DRAIN_EVERY_NS); /* what came before the stop is written */
    sp_line_queue_drain(&jsonl->queue, put_record, jsonl);
    flush(jsonl);
  }
  return NULL;
}

/* --- the report type --- */

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
  sp_background_init(&jsonl->writer);
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
  struct sp_err err = { 0 };
  if (sp_background_start(&jsonl->writer, write_lines, jsonl, &err) && !jsonl->err.code) {
    jsonl->err = err;
  }
}

static int jsonl_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct jsonl_report *jsonl = report;
  (void)result; /* every line is written as its request ends */
  sp_background_stop(&jsonl->writer);
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
  sp_background_fini(&jsonl->writer);
  sp_out_file_close(&jsonl->file);
  sp_line_queue_fini(&jsonl->queue);
  sp_buf_fini(&jsonl->text);
  free(jsonl);
}

const struct sp_report_type sp_report_jsonl = {
  .name = "jsonl",
  .live_only = true,
  .help = "a line of JSON for every request, as they end",
  .open = jsonl_open,
  .begin = jsonl_begin,
  .sink = jsonl_sink,
  .write = jsonl_write,
  .note = jsonl_note,
  .close = jsonl_close,
};
