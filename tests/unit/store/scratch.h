/* A folder of a test's own, with the path of a history in it. */
#ifndef TESTS_STORE_SCRATCH_H
#define TESTS_STORE_SCRATCH_H

#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct scratch {
  char folder[64], path[128];
};

static inline void scratch_make(struct scratch *scratch) {
  snprintf(scratch->folder, sizeof(scratch->folder), "/tmp/spate-store-XXXXXX");
  assert_non_null(mkdtemp(scratch->folder));
  snprintf(scratch->path, sizeof(scratch->path), "%s/deep/er/history.db", scratch->folder);
}

static inline struct sp_store *scratch_open(const struct scratch *scratch, enum sp_store_mode mode) {
  struct sp_err err = { 0 };
  struct sp_store *store = sp_store_open(scratch->path, mode, &err);
  if (!store) {
    fail_msg("%s", err.text);
  }
  return store;
}

static inline void scratch_remove(const struct scratch *scratch) {
  char command[200];
  snprintf(command, sizeof(command), "rm -r '%s'", scratch->folder);
  assert_int_equal(system(command), 0);
}

#endif
