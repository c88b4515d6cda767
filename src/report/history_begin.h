/* Private to the history: what a run begins with, as the store wants it, kept until it is written. */
#ifndef SP_REPORT_HISTORY_BEGIN_H
#define SP_REPORT_HISTORY_BEGIN_H

#include "report/report.h"
#include "store/store.h"

struct sp_history_begin;
struct sp_history_begin *sp_history_begin_create(const struct sp_run_begin *begin); /* copies all of it */
const struct sp_store_begin *sp_history_begin_of(const struct sp_history_begin *kept);
void sp_history_begin_destroy(struct sp_history_begin *kept); /* NULL is fine */

#endif
