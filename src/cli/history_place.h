/*
 * The history that a command means: --history, else the user's own (store/store.h).
 */
#ifndef SP_CLI_HISTORY_PLACE_H
#define SP_CLI_HISTORY_PLACE_H

#include "cli/options.h"
#include "store/store_read.h"

int sp_history_place(const struct sp_options *options, char *path, size_t size, struct sp_err *err);
/* For reading. NULL: err; SP_ENOTFOUND where nothing has been kept yet. */
struct sp_store *sp_history_open(const struct sp_options *options, struct sp_err *err);

#endif
