/*
 * The words of SLO expressions: private to slo*.c.
 */
#ifndef SP_STATS_SLO_WORDS_H
#define SP_STATS_SLO_WORDS_H

#include "stats/slo.h"

#define SP_SLO_LAG "lag" /* stands in brackets like a metric, and is none of a request */

struct sp_slo_figure {
  const char *word; /* as written, without brackets; NULL for what stands in them */
  enum sp_slo_unit unit;
};
extern const struct sp_slo_figure sp_slo_figures[SP_SLO_OF_COUNT];
extern const char *const sp_slo_ops[];

/* A decimal number of at most 15 significant digits, times 10^shift, rounded once: what was printed with as many
 * digits is read again as the same double. False: not such a number. */
bool sp_slo_number(struct sp_str digits, int shift, double *out);

#endif
