/*
 * Counters of a source, made into figures of the time between two looks: deltas over the source's own time, so that neither a
 * late look nor a lifetime's average counts. A counter that went back was reset (a restart): its value is the delta then.
 * One thread.
 */
#ifndef SP_WATCH_RATES_H
#define SP_WATCH_RATES_H

#include "base/map.h"
#include "watch/watch.h"

#define SP_RATES_MAX 20000u /* counters kept; what comes beyond gives no rates */
#define SP_RATES_SPAN_MIN_NS (50 * SP_NS_PER_MS) /* a shorter time says nothing of a rate: it waits for the next look */

struct sp_rates {
  struct sp_map counters;
};
void sp_rates_init(struct sp_rates *rates);
void sp_rates_fini(struct sp_rates *rates);

struct sp_rate_step {
  double delta;
  int64_t span_ns;
};
/* One counter, for who keeps it: all zero at first. */
struct sp_rate_counter {
  int64_t at_ns; /* of the last look */
  double total;
  bool seen;
};
bool sp_rate_counter_step(struct sp_rate_counter *counter, int64_t at_ns, double total, struct sp_rate_step *out);

/* Notes the counter's total at a time. False: its first look, or hardly any time has passed since the last one. */
bool sp_rates_step(struct sp_rates *rates, const char *counter, int64_t at_ns, double total, struct sp_rate_step *out);

/* Adds counter's delta × scale a second as the key's next point. */
void sp_rates_add(struct sp_rates *rates, struct sp_watch_sink *sink, const struct sp_observed_key *key, const char *counter,
                  int64_t at_ns, double total, double scale);
/* Adds delta(a) / delta(b) × scale: a mean time, a share. Nothing where b did not move. */
void sp_rates_add_ratio(struct sp_rates *rates, struct sp_watch_sink *sink, const struct sp_observed_key *key,
                        const char *counter, int64_t at_ns, double a, double b, double scale);

#endif
