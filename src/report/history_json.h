/* The history's lists as JSON (docs/web-api.md): for 'spate history --json' and the page. */
#ifndef SP_REPORT_HISTORY_JSON_H
#define SP_REPORT_HISTORY_JSON_H

#include "store/store_read.h"

/* { "runs": [ … ] }, the newest first, in one line. NULL: err. The caller frees it. */
char *sp_history_list_json(struct sp_store *store, const struct sp_store_filter *filter, struct sp_err *err);

#endif
