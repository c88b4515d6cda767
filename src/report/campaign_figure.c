#include "report/campaign_figure.h"

#include "base/mem.h"
#include "report/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_rate(const struct sp_slo *slo) { return sp_slo_is_rate(slo); }

static bool is_time(const struct sp_slo *slo) { return slo->of <= SP_SLO_OF_LAG; }

int sp_campaign_figure_parse(const char *text, struct sp_campaign_figure *out, struct sp_err *err) {
  char expression[SP_SLO_TEXT_MAX + 1];
  *out = (struct sp_campaign_figure){ .bound = true, .more_is_better = true };
  if (strcmp(text, "bound") == 0) {
    return SP_OK;
  }
  out->bound = false;
  if (snprintf(expression, sizeof(expression), "%s > 1", text) >= (int)sizeof(expression)) {
    return sp_fail(err, SP_EUSAGE, "a figure is at most %u bytes long", SP_SLO_TEXT_MAX);
  }
  if (strpbrk(text, "<>") || sp_slo_parse(sp_str_from(expression), &out->slo, err)) {
    return sp_fail(err, SP_EUSAGE, "'%s' is no figure: there is ok_rps, rps, goodput, events_per_s, a time such as p95(e2e) or "
                   "mean(ttft), and bound", text);
  }
  out->more_is_better = is_rate(&out->slo);
  if (!is_rate(&out->slo) && !is_time(&out->slo)) {
    return sp_fail(err, SP_EUSAGE, "rounds are judged by a rate, a time or bound; '%s' is none of them (an --slo can hold it)", text);
  }
  return SP_OK;
}

char *sp_campaign_figure_format(const struct sp_campaign_figure *figure, double value, char *text, size_t size) {
  if (!isfinite(value)) {
    snprintf(text, size, "-");
  } else if (figure->bound) {
    sp_figure_rate(value, text, size);
  } else {
    sp_slo_format(&figure->slo, value, text, size);
  }
  return text;
}

/* -- forecasts -- */

/* The number that stands in "FIGURE > TEXT", in the figure's unit. */
static int read_end(const char *figure_text, const struct sp_campaign_figure *figure, const char *text, double *out,
                    struct sp_err *err) {
  char expression[SP_SLO_TEXT_MAX + 1], *end;
  struct sp_slo slo;
  if (figure->bound) {
    *out = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "/s") != 0) || !(*out >= 0 && *out < SP_SLO_LIMIT_MAX)) {
      return sp_fail(err, SP_EUSAGE, "'%s' is no load", text);
    }
    return SP_OK;
  }
  if (snprintf(expression, sizeof(expression), "%s > %s", figure_text, text) >= (int)sizeof(expression) ||
      sp_slo_parse(sp_str_from(expression), &slo, err)) {
    return sp_fail(err, SP_EUSAGE, "'%s' is no value of %s", text, figure_text);
  }
  *out = slo.limit;
  return SP_OK;
}

/* "28..34/s": a unit that only the second has is the first's, too. */
static int read_range(struct sp_campaign_forecast *out, const char *range, struct sp_err *err) {
  struct sp_campaign_figure figure;
  char low[80], high[80];
  const char *dots = strstr(range, "..");
  int code = sp_campaign_figure_parse(out->figure, &figure, err);
  if (code || !dots) {
    return code ? code : sp_fail(err, SP_EUSAGE, "must be FIGURE LOW..HIGH, because …, e.g. 'ok_rps 28..34, because …'");
  }
  const char *unit = dots + 2 + strspn(dots + 2, "0123456789.,");
  bool has_unit = range[strspn(range, "0123456789.,")] && range + strspn(range, "0123456789.,") < dots;
  snprintf(low, sizeof(low), "%.*s%s", (int)(dots - range), range, has_unit ? "" : unit);
  snprintf(high, sizeof(high), "%s", dots + 2);
  code = read_end(out->figure, &figure, low, &out->low, err);
  code = code ? code : read_end(out->figure, &figure, high, &out->high, err);
  if (code == 0 && out->low > out->high) {
    code = sp_fail(err, SP_EUSAGE, "the range %s begins above its end", range);
  }
  return code;
}

static char *trimmed(struct sp_str text) {
  text = sp_str_trim(text);
  return sp_strndup(text.bytes ? text.bytes : "", text.len);
}

int sp_campaign_forecast_parse(const char *text, const char *otherwise, struct sp_campaign_forecast *out, struct sp_err *err) {
  *out = (struct sp_campaign_forecast){ 0 };
  const char *comma = strstr(text, ", ");
  char *head = trimmed(sp_str_of(text, comma ? (size_t)(comma - text) : strlen(text)));
  const char *space = strrchr(head, ' ');
  if (space) {
    out->figure = trimmed(sp_str_of(head, (size_t)(space - head)));
  } else {
    out->figure = sp_strdup(otherwise);
  }
  if (comma) {
    const char *because = comma + 2 + strspn(comma + 2, " ");
    out->because = trimmed(sp_str_from(strncmp(because, "because ", 8) == 0 ? because + 8 : because));
  }
  int code = read_range(out, space ? space + 1 : head, err);
  free(head);
  return code;
}

void sp_campaign_forecast_fini(struct sp_campaign_forecast *forecast) {
  free(forecast->figure);
  free(forecast->because);
  *forecast = (struct sp_campaign_forecast){ 0 };
}
