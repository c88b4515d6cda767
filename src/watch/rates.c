#include "watch/rates.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNTER_NAME_MAX 700u

void sp_rates_init(struct sp_rates *rates) { sp_map_init(&rates->counters); }

void sp_rates_fini(struct sp_rates *rates) {
  for (size_t i = 0; i < rates->counters.count; i++) free(rates->counters.entries[i].value);
  sp_map_fini(&rates->counters);
}

bool sp_rate_counter_step(struct sp_rate_counter *counter, int64_t at_ns, double total, struct sp_rate_step *out) {
  if (counter->seen && at_ns < counter->at_ns + SP_RATES_SPAN_MIN_NS) return false;
  bool stepped = counter->seen;
  if (stepped) {
    out->delta = total >= counter->total ? total - counter->total : total;
    out->span_ns = at_ns - counter->at_ns;
  }
  *counter = (struct sp_rate_counter){.at_ns = at_ns, .total = total, .seen = true};
  return stepped;
}

bool sp_rates_step(struct sp_rates *rates, const char *name, int64_t at_ns, double total, struct sp_rate_step *out) {
  struct sp_rate_counter *counter = sp_map_get(&rates->counters, sp_str_from(name));
  if (!counter) {
    if (rates->counters.count == SP_RATES_MAX) return false;
    counter = sp_alloc(sizeof(*counter));
    *sp_map_put(&rates->counters, sp_str_from(name)) = counter;
  }
  return sp_rate_counter_step(counter, at_ns, total, out);
}

void sp_rates_add(struct sp_rates *rates, struct sp_watch_sink *sink, const struct sp_observed_key *key, const char *counter,
                  int64_t at_ns, double total, double scale) {
  struct sp_rate_step step;
  if (!sp_rates_step(rates, counter, at_ns, total, &step)) return;
  sp_watch_gauge(sink, key, at_ns, step.span_ns, step.delta * scale * (double)SP_NS_PER_S / (double)step.span_ns);
}

void sp_rates_add_ratio(struct sp_rates *rates, struct sp_watch_sink *sink, const struct sp_observed_key *key,
                        const char *counter, int64_t at_ns, double a, double b, double scale) {
  char upper[COUNTER_NAME_MAX], lower[COUNTER_NAME_MAX];
  struct sp_rate_step over, under;
  snprintf(upper, sizeof(upper), "%s over", counter);
  snprintf(lower, sizeof(lower), "%s under", counter);
  bool both = sp_rates_step(rates, upper, at_ns, a, &over);
  both = sp_rates_step(rates, lower, at_ns, b, &under) && both;
  if (both && under.delta > 0) sp_watch_gauge(sink, key, at_ns, over.span_ns, over.delta / under.delta * scale);
}
