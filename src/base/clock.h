/*
 * Time inside is int64_t nanoseconds on the monotonic clock. Wall time is for people and files only.
 */
#ifndef SP_BASE_CLOCK_H
#define SP_BASE_CLOCK_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define SP_NS_PER_US INT64_C(1000)
#define SP_NS_PER_MS INT64_C(1000000)
#define SP_NS_PER_S INT64_C(1000000000)
#define SP_NEVER_NS INT64_MAX /* a due time that never comes */

int64_t sp_clock_mono_ns(void);
int64_t sp_clock_real_ns(void);       /* since 1970, UTC */
int64_t sp_clock_thread_cpu_ns(void); /* CPU time of the calling thread */

/* "2026-11-23T16:50:00.123Z" (RFC 3339, UTC). text holds at least SP_RFC3339_SIZE bytes. */
#define SP_RFC3339_SIZE 32
void sp_clock_rfc3339(int64_t real_ns, char *text, size_t size);
/* Any RFC 3339 date and time: with a fraction (digits beyond the ninth are dropped), 'Z' or an offset, 'T' or a space
 * between. False for anything else; years 1970 to 2261, whose differences fit. */
bool sp_clock_parse_rfc3339(struct sp_str text, int64_t *out_real_ns);

#endif
