/*
 * Plays a stream to a dialect, through the SSE parser, and writes down what it meant: one line an event and a last
 * line for the end. Two ways of cutting a stream must give the same text.
 */
#ifndef TESTS_DIALECT_TAPE_H
#define TESTS_DIALECT_TAPE_H

#include "dialect/dialect.h"

#define TAPE_WHOLE SIZE_MAX
#define TAPE_BYTEWISE (SIZE_MAX - 1)

/* Feeds the stream in two pieces, or as the names above say, each piece in memory of its own that ends at a page
 * nobody may touch. The caller frees the text. */
char *tape_play(const struct sp_dialect *dialect, struct sp_str stream, size_t cut);

/* Plays whole, byte by byte and cut at every point; fails the test where any differs from `expected`. */
void tape_expect(const struct sp_dialect *dialect, const char *stream, const char *expected);

/* What one event means to a fresh stream, as a line of the tape. The caller frees the text. */
char *tape_event(const struct sp_dialect *dialect, const char *type, const char *data);

/* The same JSON in other clothes; the caller frees the text. Input is compact, with no blanks outside of strings. */
char *json_spaced(const char *json);   /* ", " and ": ", as Python's json.dumps */
char *json_escaped(const char *json);  /* all but ASCII as \uXXXX */
char *json_reversed(const char *json); /* the root's members from last to first */

#endif
