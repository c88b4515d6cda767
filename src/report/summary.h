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
void sp_summary_put_compat(const struct sp_result *result, struct sp_canvas *canvas);

/* Parts of it, in summary_load.c. */
#define SP_LOAD_TEXT_SIZE 120
char *sp_summary_load_text(const struct sp_result *result, char *text, size_t size); /* "50 users", "20/s, Poisson" */
void sp_summary_put_load(const struct sp_result *result, struct sp_canvas *canvas);
void sp_summary_put_open_ends(const struct sp_result *result, struct sp_canvas *canvas);
void sp_summary_put_stages(const struct sp_result *result, struct sp_canvas *canvas);
void sp_summary_put_slos(const struct sp_result *result, struct sp_canvas *canvas);

#endif
