/*
 * Cells and lines of CSV as RFC 4180 has them: CRLF, quotes where needed. A text that a spreadsheet would take for a
 * formula (it begins with = + - @) gets an apostrophe in front: names and error texts come from a target.
 */
#ifndef SP_REPORT_CSV_TEXT_H
#define SP_REPORT_CSV_TEXT_H

#include "base/buf.h"

#define SP_CSV_NONE "N/A" /* what Locust writes where there is no value */

/* Each puts a comma in front where the line has a cell already. */
void sp_csv_text(struct sp_buf *out, const char *text);
void sp_csv_raw(struct sp_buf *out, const char *word); /* a heading or word of ours: never a formula */
void sp_csv_count(struct sp_buf *out, uint64_t count);
void sp_csv_number(struct sp_buf *out, double value); /* six decimals at most; not finite: SP_CSV_NONE */
void sp_csv_end(struct sp_buf *out);                  /* ends the line */

#endif
