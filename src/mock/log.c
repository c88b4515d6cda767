#include "mock/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "mock/payload.h"

#include <stdlib.h>

void sp_mock_log_init(struct sp_mock_log *log, uint64_t size) {
  *log = (struct sp_mock_log){ .size = size };
  if (size > 0) log->entries = sp_alloc_array(size, sizeof *log->entries);
}

void sp_mock_log_fini(struct sp_mock_log *log) {
  free(log->entries);
  *log = (struct sp_mock_log){ 0 };
}

void sp_mock_log_add(struct sp_mock_log *log, const struct sp_mock_log_entry *entry) {
  if (!log->entries) return;
  log->entries[log->written++ % log->size] = *entry;
}

static void write_instant(struct sp_jw *jw, const char *key, int64_t ns) {
  if (ns == 0 || ns == SP_NEVER_NS) sp_jw_raw(jw, key, "null");
  else sp_jw_int(jw, key, ns);
}

static void write_entry(struct sp_jw *jw, const struct sp_mock_log_entry *entry) {
  const struct sp_schedule_truth *truth = &entry->truth;
  sp_jw_open(jw, NULL, '{');
  sp_jw_int(jw, "number", (int64_t)entry->number);
  sp_jw_text(jw, "app", entry->app);
  sp_jw_text(jw, "task_id", entry->task_id);
  sp_jw_text(jw, "request_id", entry->request_id[0] ? entry->request_id : NULL);
  write_instant(jw, "arrival_ns", truth->arrival_ns);
  write_instant(jw, "head_ns", truth->head_ns);
  write_instant(jw, "first_ns", truth->first_ns);
  write_instant(jw, "last_ns", truth->last_ns);
  write_instant(jw, "end_ns", truth->end_ns);
  if (truth->tokens == SP_SCHEDULE_ENDLESS) sp_jw_raw(jw, "tokens", "null");
  else sp_jw_int(jw, "tokens", (int64_t)truth->tokens);
  sp_jw_text(jw, "fault", entry->fault[0] ? entry->fault : NULL);
  sp_jw_int(jw, "at", (int64_t)entry->at);
  sp_jw_close(jw, '}');
}

void sp_mock_log_write(const struct sp_mock_log *log, struct sp_buf *out) {
  uint64_t count = log->written < log->size ? log->written : log->size;
  struct sp_jw jw = sp_jw_begin(out, false);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_int(&jw, "written", (int64_t)log->written);
  sp_jw_open(&jw, "entries", '[');
  for (uint64_t i = log->written - count; i < log->written; i++) write_entry(&jw, &log->entries[i % log->size]);
  sp_jw_close(&jw, ']');
  sp_jw_close(&jw, '}');
}
