/*
 * The truth about the last responses, for tests that compare a client's figures with it: a ring of entries, made
 * when a request arrives (the times are those of the schedule, monotonic nanoseconds; a fault is named beside).
 */
#ifndef SP_MOCK_LOG_H
#define SP_MOCK_LOG_H

#include "base/buf.h"
#include "mock/schedule.h"

#define SP_MOCK_LOG_ID_SIZE 40u

struct sp_mock_log_entry {
  uint64_t number;         /* of the request, from 1 */
  const char *app, *fault; /* borrowed from the profile and the fault table; fault "" for none */
  uint64_t at;             /* of the fault */
  struct sp_schedule_truth truth;
  char task_id[40];
  char request_id[SP_MOCK_LOG_ID_SIZE]; /* the request's X-Request-Id, cut where it is longer; "": none */
};

struct sp_mock_log {
  struct sp_mock_log_entry *entries; /* NULL: no log */
  uint64_t size, written;
};

void sp_mock_log_init(struct sp_mock_log *log, uint64_t size); /* 0: none is kept */
void sp_mock_log_fini(struct sp_mock_log *log);
void sp_mock_log_add(struct sp_mock_log *log, const struct sp_mock_log_entry *entry);
void sp_mock_log_write(const struct sp_mock_log *log, struct sp_buf *out); /* JSON, oldest first */

#endif
