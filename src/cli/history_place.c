#include "cli/history_place.h"

#include "report/history.h"

#include <stdio.h>

int sp_history_place(const struct sp_options *options, char *path, size_t size, struct sp_err *err) {
  if (!options->history) return sp_store_default_path(path, size, err);
  int len = snprintf(path, size, "%s", options->history);
  return (size_t)len < size ? 0 : sp_fail(err, SP_EUSAGE, "--history: the path is over %zu bytes", size);
}

void sp_history_add(struct sp_outputs *outputs, const struct sp_options *options, struct sp_history_choice *out) {
  struct sp_err err;
  out->note[0] = 0;
  if (options->no_history) return;
  int code = sp_history_place(options, out->path, sizeof(out->path), &err);
  if (code == 0) code = sp_outputs_add(outputs, &sp_report_history, out->path, &err);
  if (code) snprintf(out->note, sizeof(out->note), "this run is not kept: %s (--no-history: don't try)", err.text);
}

static struct sp_store *open_as(const struct sp_options *options, enum sp_store_mode mode, struct sp_err *err) {
  char path[SP_STORE_PATH_MAX];
  return sp_history_place(options, path, sizeof(path), err) ? NULL : sp_store_open(path, mode, err);
}

struct sp_store *sp_history_open(const struct sp_options *options, struct sp_err *err) {
  return open_as(options, SP_STORE_READ, err);
}

struct sp_store *sp_history_open_to_write(const struct sp_options *options, struct sp_err *err) {
  return open_as(options, SP_STORE_WRITE, err);
}
