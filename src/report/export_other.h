/* Private to export.c: totals within the caps of what is exported. */
#ifndef SP_REPORT_EXPORT_OTHER_H
#define SP_REPORT_EXPORT_OTHER_H

#include "stats/interval.h"

/* NULL: they are within the caps already. The caller destroys it. */
struct sp_interval *sp_export_other(const struct sp_interval *totals);

#endif
