/*
 * The summary of a run for a person to read: text only.
 */
#ifndef SP_REPORT_SUMMARY_H
#define SP_REPORT_SUMMARY_H

#include "report/canvas.h"
#include "report/report.h"

void sp_summary_put(const struct sp_result *result, struct sp_canvas *canvas);

/* Parts of it, in summary_requests.c. */
void sp_summary_put_requests(const struct sp_result *result, struct sp_canvas *canvas);
void sp_summary_put_nodes(const struct sp_result *result, struct sp_canvas *canvas);
void sp_summary_put_customs(const struct sp_result *result, struct sp_canvas *canvas);

#endif
