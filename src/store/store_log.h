/*
 * The log of a run in the history: lines for people, written as the run goes. Threads and errors: store/store.h.
 */
#ifndef SP_STORE_STORE_LOG_H
#define SP_STORE_STORE_LOG_H

#include "store/store.h"

struct sp_store_line {
  uint64_t n; /* from 0 */
  int64_t elapsed_ns;
  const char *level, *text;
};
/* Either all of them or none; one whose number is there already stays as it was. */
int sp_store_lines(struct sp_store *store, int64_t run, const struct sp_store_line *lines, size_t count, struct sp_err *err);
/* In order. What `each` gets is borrowed for the call; anything but 0 of it ends the reading, which then gives that. */
int sp_store_read_lines(struct sp_store *store, int64_t run, int (*each)(void *ctx, const struct sp_store_line *line),
                        void *ctx, struct sp_err *err);

#endif
