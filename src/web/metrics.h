/*
 * --web[=ADDR:PORT]: the run while it goes on, as an output like the others: /metrics for Prometheus (text or
 * OpenMetrics, as it asks for) and a page of figures at /. Made anew each second on the main thread.
 *
 * The end of a run would be lost on a scraper that comes each 15 s: where one came, closing waits for its next visit
 * (SP_WEB_LINGER_MAX_NS at most; Ctrl-C ends it).
 */
#ifndef SP_WEB_METRICS_H
#define SP_WEB_METRICS_H

#include "report/report.h"

#define SP_WEB_LINGER_MAX_NS (35 * SP_NS_PER_S)

extern const struct sp_report_type sp_report_web; /* its path: the address; "" the default one */

const char *sp_web_url(const void *report);

#endif
