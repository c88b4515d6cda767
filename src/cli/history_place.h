/*
 * The history that a command means: --history, else the user's own (store/store.h).
 */
#ifndef SP_CLI_HISTORY_PLACE_H
#define SP_CLI_HISTORY_PLACE_H

#include "cli/options.h"
#include "report/outputs.h"
#include "store/store_read.h"

int sp_history_place(const struct sp_options *options, char *path, size_t size, struct sp_err *err);
/* Adds the history to a run's outputs, unless --no-history. One that can't be written is a note for people and never the
 * run's failure. `out` lives as long as the outputs. */
struct sp_history_choice {
  char path[SP_STORE_PATH_MAX];
  char note[SP_ERR_TEXT_MAX + 80]; /* "": it is kept, or nobody wants it */
};
void sp_history_add(struct sp_outputs *outputs, const struct sp_options *options, struct sp_history_choice *out);

/* For writing; it is made where there is none. */
struct sp_store *sp_history_open_to_write(const struct sp_options *options, struct sp_err *err);
/* For reading. NULL: err; SP_ENOTFOUND where nothing has been kept yet. */
struct sp_store *sp_history_open(const struct sp_options *options, struct sp_err *err);

#endif
