/*
 * Text of a peer or a plan made fit for a name: valid UTF-8 without control characters, within a cap.
 * Control characters (line ends and tabs among them) become a space, bytes that are no UTF-8 become "?",
 * and a text that is too long is cut between two characters.
 */
#ifndef SP_STATS_CLEAN_H
#define SP_STATS_CLEAN_H

#include "base/str.h"

/* Length of the UTF-8 character at the front of s: 1 … 4; 0 where there is none (bad, cut or empty). */
size_t sp_utf8_length(struct sp_str s);

/* Writes at most max bytes to out, not terminated. Returns how many. */
size_t sp_clean_text(char *out, size_t max, struct sp_str text);

#endif
