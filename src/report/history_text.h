/* The history for a person to read: the list, and two runs compared. */
#ifndef SP_REPORT_HISTORY_TEXT_H
#define SP_REPORT_HISTORY_TEXT_H

#include "report/canvas.h"
#include "report/comparison.h"

/* A table that fits the width; *shown: how many runs it has. */
int sp_history_put_list(struct sp_store *store, const struct sp_store_filter *filter, struct sp_canvas *canvas,
                        uint64_t *shown, struct sp_err *err);

/* The same of searches for the capacity, with an empty line before it; nothing where there are none. */
int sp_history_put_searches(struct sp_store *store, const struct sp_store_filter *filter, struct sp_canvas *canvas,
                            uint64_t *shown, struct sp_err *err);

/* Which two, why they are not comparable, and unless `head_only` the rows; last what to keep in mind. */
void sp_comparison_put(const struct sp_comparison *comparison, bool head_only, struct sp_canvas *canvas);

#endif
