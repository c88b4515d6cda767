/*
 * A bounded queue of records from many threads to one: an engine thread puts a record and goes on at once, a slow
 * reader costs records, never time. Several small buffers, each behind its own lock, which is only ever tried: a
 * thread that finds one taken takes the next. Order is kept within a thread's calls as a rule, not between threads.
 */
#ifndef SP_REPORT_LINE_QUEUE_H
#define SP_REPORT_LINE_QUEUE_H

#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>

#define SP_LINE_SHARDS 8u
#define SP_LINE_QUEUE_MAX (32u * 1024u * 1024u) /* bytes that may wait, all shards together */

struct sp_line_queue {
  struct sp_line_shard {
    pthread_mutex_t lock;
    struct sp_buf filling; /* records, each behind its length */
    char apart[64];        /* shards don't share a cache line */
  } shards[SP_LINE_SHARDS];
  struct sp_buf taken; /* the reader's own */
  atomic_uint_fast64_t dropped;
};

void sp_line_queue_init(struct sp_line_queue *queue);
void sp_line_queue_fini(struct sp_line_queue *queue);

/* Any thread. The record is head and then tail, both copied; false: it was dropped (and counted). */
bool sp_line_queue_put(struct sp_line_queue *queue, const void *head, size_t head_len, struct sp_str tail);

/* One thread: gives every record that waits to `each`, which borrows it for the call. Gives how many. */
size_t sp_line_queue_drain(struct sp_line_queue *queue, void (*each)(void *ctx, struct sp_str record), void *ctx);

uint64_t sp_line_queue_dropped(const struct sp_line_queue *queue);

#endif
