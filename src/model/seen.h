/* What was observed of a subject over a stretch of time, joined over its series. Pure. */
#ifndef SP_MODEL_SEEN_H
#define SP_MODEL_SEEN_H

#include "stats/observations.h"

#define SP_SEEN_COVERED 0.5 /* of the stretch that points must cover */

/* The mean over (from, to], of all details that fit the pattern (`*`, `?`; NULL: all): numbers add up, of shares and times it is
 * the greatest. The same thing seen by two watchers counts once. NAN: none, or too little of the stretch is covered. */
double sp_seen_mean(const struct sp_observations *observations, enum sp_signal signal, const char *subject,
                    const char *pattern, int64_t from_ns, int64_t to_ns);

#endif
