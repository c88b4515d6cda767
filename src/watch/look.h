/*
 * What one look at something found, by signal, as the source gives it: states as they are, and of what is a rate (see
 * stats/signal.h) the counter so far. Told to a sink, counters become rates of the time between two looks, or shares of
 * another counter. The files of a machine and an engine of containers say the same in many forms; each fills one of these.
 */
#ifndef SP_WATCH_LOOK_H
#define SP_WATCH_LOOK_H

#include "watch/rates.h"

struct sp_look {
  const char *subject, *detail; /* borrowed */
  const char *place;            /* in front of the files but those that begin with '/': "/proc"; NULL: nothing */
  int64_t at_ns;                /* wall clock */
  double of[SP_SIGNAL_COUNT];   /* NAN: not known */
  double per[SP_SIGNAL_COUNT];  /* what a counter is divided by; NAN: time */
  const char *file[SP_SIGNAL_COUNT]; /* borrowed: where a person sees the figure too */
};
void sp_look_init(struct sp_look *look, const char *subject, const char *detail, const char *place, int64_t at_ns);
void sp_look_set(struct sp_look *look, enum sp_signal signal, double value, const char *file);
void sp_look_share(struct sp_look *look, enum sp_signal signal, double value, double per, const char *file);
/* Counters are known to the rates by signal, subject and detail: a look's subjects differ within one watcher. */
void sp_look_tell(const struct sp_look *look, struct sp_rates *rates, struct sp_watch_sink *sink);

#endif
