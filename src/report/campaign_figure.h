/*
 * The one figure that a campaign's rounds are judged by, said before its first round: a rate or a time in the words of
 * SLO expressions (`ok_rps`, `goodput`, `p95(e2e)`, `mean(ttft)`), or `bound`: the lower bound of a search for the capacity.
 * A verdict is of a ratio, so shares, which may well be 0, are none.
 */
#ifndef SP_REPORT_CAMPAIGN_FIGURE_H
#define SP_REPORT_CAMPAIGN_FIGURE_H

#include "stats/slo.h"

#define SP_CAMPAIGN_FIGURE_DEFAULT "ok_rps"

struct sp_campaign_figure {
  bool bound;
  bool more_is_better;
  struct sp_slo slo; /* whose value it is; not of a bound */
};
/* SP_EUSAGE with a sentence. */
int sp_campaign_figure_parse(const char *text, struct sp_campaign_figure *out, struct sp_err *err);
/* "21.5/s", "1,234 ms", "-": of this figure. Returns text. */
char *sp_campaign_figure_format(const struct sp_campaign_figure *figure, double value, char *text, size_t size);

/* "ok_rps 28..34/s, because the CPU was at 98 %": a figure (or none: `otherwise`), its range, and why. */
struct sp_campaign_forecast {
  char *figure, *because; /* because NULL: nothing was said */
  double low, high;
};
int sp_campaign_forecast_parse(const char *text, const char *otherwise, struct sp_campaign_forecast *out, struct sp_err *err);
void sp_campaign_forecast_fini(struct sp_campaign_forecast *forecast); /* also of one that could not be read */

#endif
