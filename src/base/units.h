/*
 * Quantities as people write and read them. Parsers take the whole text or fail with a sentence that
 * names what was wrong; they never accept a prefix, a negative value or an overflow.
 */
#ifndef SP_BASE_UNITS_H
#define SP_BASE_UNITS_H

#include "base/err.h"

#include <stdint.h>

/* "5m30s", "1h", "250ms", "1.5s", "90" (bare = seconds). Units: h m s ms us, each once, the larger first. Spaces may
 * stand between the parts, so that what sp_format_duration wrote is read again. Finer than 1 ns is cut. */
int sp_parse_duration(const char *text, int64_t *out_ns, struct sp_err *err);
/* "20/s", "20", "0.5/s", "90/m", "600/h": events a second. */
int sp_parse_rate(const char *text, double *out_per_s, struct sp_err *err);
/* A whole number, "50", "10_000" and "10k" allowed. */
int sp_parse_count(const char *text, uint64_t *out, struct sp_err *err);

#define SP_UNIT_TEXT_SIZE 32
/* "1h 02m", "5m 30s", "12.3 s", "845 ms", "0.35 ms" (also us, ns, and days from 100 h on): at most 8 characters, and a
 * sign. Returns text. */
char *sp_format_duration(int64_t ns, char *text, size_t size);
/* "0.35", "12.4", "845", "12,345", "n/a" where it is no finite number: a table cell. */
char *sp_format_ms(double ms, char *text, size_t size);
char *sp_format_count(uint64_t n, char *text, size_t size); /* "12,345" */
char *sp_format_bytes(uint64_t n, char *text, size_t size); /* "1.2 MiB" */

#endif
