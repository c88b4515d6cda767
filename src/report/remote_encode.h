/*
 * The run's metrics as a Prometheus remote write request, version 1 (prometheus.io/docs/concepts/remote_write_spec):
 * a protobuf WriteRequest, in Snappy's block format. Every series carries job="spate" and instance=the run's id.
 */
#ifndef SP_REPORT_REMOTE_ENCODE_H
#define SP_REPORT_REMOTE_ENCODE_H

#include "base/buf.h"
#include "report/export.h"

#define SP_REMOTE_MAX (64u * 1024u * 1024u)

/* Appends the protobuf message; every sample has this time. */
void sp_remote_put(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns);

/* Appends the bytes as a Snappy block of literals: valid for every reader, not made smaller. */
void sp_snappy_put(struct sp_buf *out, struct sp_str bytes);

#endif
