/*
 * SQL without what people put into it: literals become '?', comments go, spaces are one. What is left names a statement without
 * showing anybody's data; pg_stat_statements does the same for most, but not for utility statements, and pg_stat_activity for none.
 *
 * Numbers, '…' (with '' inside), E'…' (with backslashes), B'…', X'…', U&'…' and $tag$…$tag$ are literals; a text that is cut
 * inside one ends in it. "Identifiers" and parameters ($1) stay. Bytes in, text out.
 */
#ifndef SP_WATCH_SQL_TEXT_H
#define SP_WATCH_SQL_TEXT_H

#include "base/str.h"

/* Writes at most max bytes of UTF-8 to out, not terminated (stats/clean.h). Returns how many. */
size_t sp_sql_text(char *out, size_t max, struct sp_str sql);

#endif
