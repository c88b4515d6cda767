#include "watch/look.h"

#include <math.h>
#include <stdio.h>

#define COUNTER_MAX (SP_OBSERVED_SUBJECT_MAX + SP_OBSERVED_DETAIL_MAX + 20u)

void sp_look_init(struct sp_look *look, const char *subject, const char *detail, const char *place, int64_t at_ns) {
  *look = (struct sp_look){.subject = subject, .detail = detail, .place = place, .at_ns = at_ns};
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) look->of[i] = look->per[i] = NAN;
}

void sp_look_set(struct sp_look *look, enum sp_signal signal, double value, const char *file) {
  sp_look_share(look, signal, value, NAN, file);
}

void sp_look_share(struct sp_look *look, enum sp_signal signal, double value, double per, const char *file) {
  look->of[signal] = value;
  look->per[signal] = per;
  look->file[signal] = file;
}

/* A state is taken to hold since the look before. */
static void tell_state(struct sp_rates *rates, struct sp_watch_sink *sink, const struct sp_observed_key *key,
                       const char *counter, int64_t at_ns, double value) {
  struct sp_rate_step step;
  int64_t span_ns = sp_rates_step(rates, counter, at_ns, value, &step) ? step.span_ns : 0;
  sp_watch_gauge(sink, key, at_ns, span_ns, value);
}

static void tell(const struct sp_look *look, enum sp_signal signal, struct sp_rates *rates, struct sp_watch_sink *sink) {
  char query[SP_OBSERVED_QUERY_MAX], counter[COUNTER_MAX];
  const char *detail = look->detail ? look->detail : "", *file = look->file[signal] ? look->file[signal] : "";
  bool below = look->place && file[0] && file[0] != '/';
  snprintf(query, sizeof(query), "%s%s%s", below ? look->place : "", below ? "/" : "", file);
  snprintf(counter, sizeof(counter), "%d %s\n%s", (int)signal, look->subject, detail);
  const struct sp_observed_key key = {.signal = signal, .subject = look->subject, .detail = detail, .query = query};
  if (sp_signal_info(signal)->kind == SP_SIGNAL_GAUGE) {
    tell_state(rates, sink, &key, counter, look->at_ns, look->of[signal]);
  } else if (isnan(look->per[signal])) {
    sp_rates_add(rates, sink, &key, counter, look->at_ns, look->of[signal], 1);
  } else {
    sp_rates_add_ratio(rates, sink, &key, counter, look->at_ns, look->of[signal], look->per[signal], 1);
  }
}

void sp_look_tell(const struct sp_look *look, struct sp_rates *rates, struct sp_watch_sink *sink) {
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) {
    if (!isnan(look->of[i])) tell(look, (enum sp_signal)i, rates, sink);
  }
}
