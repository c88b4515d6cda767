/*
 * Figures that every output derives in the same way, and how people read them. "-" is what has no value.
 */
#ifndef SP_REPORT_FIGURES_H
#define SP_REPORT_FIGURES_H

#include "stats/interval.h"

/* So many in so long: NAN without a length. */
double sp_per_s(uint64_t count, int64_t ns);
/* part / whole: NAN where whole is 0. */
double sp_share(uint64_t part, uint64_t whole);

/* ok + failed: what rates count. */
uint64_t sp_completed(const struct sp_tally *tally);

#define SP_FIGURE_SIZE 40
char *sp_figure_rate(double per_s, char *text, size_t size);    /* "21.5", "1,234" */
char *sp_figure_percent(double share, char *text, size_t size); /* "0 %", "<0.1 %", "12.3 %" */
char *sp_figure_ms(double us, char *text, size_t size);         /* a value in us, as ms for a table; NAN: "-" */
/* A percentile of a histogram of us, as a table cell. */
char *sp_figure_percentile(const struct sp_hist *hist, double percentile, char *text, size_t size);

/* What was still open at the end and was cut, over the load's requests. */
struct sp_open_ends {
  uint64_t count, streams, tokenless; /* streams: of these; tokenless: of the streams, without a first token */
  int64_t oldest_us;
};
void sp_open_ends_of(const struct sp_interval *interval, struct sp_open_ends *out);

#endif
