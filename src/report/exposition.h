/*
 * The run's metrics as text: Prometheus' exposition format 0.0.4, or OpenMetrics 1.0 (which knows units and ends with
 * "# EOF"). Label values and help are escaped; le is written as OpenMetrics wants it in both ("1.0").
 */
#ifndef SP_REPORT_EXPOSITION_H
#define SP_REPORT_EXPOSITION_H

#include "base/buf.h"
#include "report/export.h"

#define SP_EXPOSITION_MAX (32u * 1024u * 1024u)

enum sp_exposition_format { SP_EXPOSITION_TEXT, SP_EXPOSITION_OPENMETRICS };
const char *sp_exposition_content_type(enum sp_exposition_format format);
void sp_exposition_put(struct sp_buf *out, const struct sp_export_source *source, enum sp_exposition_format format);

/* A number as Prometheus' formats have it: "1.0", "0.05", "123456789.0", "+Inf". */
void sp_exposition_put_number(struct sp_buf *out, double number);

#endif
