/* JSON written by hand, where a document is too large or too often made for a tree of values. */
#ifndef SP_REPORT_JSON_PUT_H
#define SP_REPORT_JSON_PUT_H

#include "base/buf.h"

/* "…" with its quotes: of any bytes, made clean (stats/clean.h) and cut at max. */
void sp_json_put_text(struct sp_buf *out, struct sp_str text, size_t max);
#define SP_JSON_PUT_MAX 1024u

#endif
