#include "cli/history_place.h"

#include <stdio.h>

int sp_history_place(const struct sp_options *options, char *path, size_t size, struct sp_err *err) {
  if (!options->history) return sp_store_default_path(path, size, err);
  int len = snprintf(path, size, "%s", options->history);
  return (size_t)len < size ? 0 : sp_fail(err, SP_EUSAGE, "--history: the path is over %zu bytes", size);
}

struct sp_store *sp_history_open(const struct sp_options *options, struct sp_err *err) {
  char path[SP_STORE_PATH_MAX];
  return sp_history_place(options, path, sizeof(path), err) ? NULL : sp_store_open(path, SP_STORE_READ, err);
}
