/*
 * The run's metrics as an OpenTelemetry ExportMetricsServiceRequest in JSON (OTLP 1.x over HTTP; 64-bit integers are
 * text there). Cumulative since the run's begin. Names are those of /metrics.
 */
#ifndef SP_REPORT_OTLP_ENCODE_H
#define SP_REPORT_OTLP_ENCODE_H

#include "base/buf.h"
#include "report/export.h"

void sp_otlp_put(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns);

#endif
