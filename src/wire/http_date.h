/*
 * Dates of HTTP headers (RFC 9110, 5.6.7) and what Retry-After says (10.2.3). Pure; fuzzed.
 */
#ifndef SP_WIRE_HTTP_DATE_H
#define SP_WIRE_HTTP_DATE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* All three forms: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
 * Seconds since 1970; a year of two digits is one of 1970 … 2069. False for anything else. */
bool sp_http_date_parse(struct sp_str text, int64_t *unix_s);

/* From 1970-01-01 to a date of the Gregorian calendar. */
int64_t sp_http_date_days(int64_t year, int64_t month, int64_t day);

/* Seconds to wait, never below 0; -1 where it is neither a number nor a date. A date is counted from `date`, the
 * answer's own Date header, so that the two clocks may differ; from now_unix_s where that is none. */
int64_t sp_retry_after_s(struct sp_str value, struct sp_str date, int64_t now_unix_s);

#endif
