/*
 * SLOs as text: the words, numbers both ways, the canonical form, values for people.
 */
#include "stats/slo_words.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define DIGITS_MAX 15   /* significant ones: any such decimal survives the way through a double and back */
#define DECIMALS_MAX 18 /* after a unit's shift; 10^18 is below 10^22, which a double holds exactly */

const struct sp_slo_figure sp_slo_figures[SP_SLO_OF_COUNT] = {
  [SP_SLO_OF_METRIC] = { NULL, SP_SLO_MS },
  [SP_SLO_OF_NODE] = { NULL, SP_SLO_MS },
  [SP_SLO_OF_LAG] = { NULL, SP_SLO_MS },
  [SP_SLO_OF_CUSTOM] = { NULL, SP_SLO_OWN },
  [SP_SLO_OF_FAILED_SHARE] = { "failed_share", SP_SLO_SHARE },
  [SP_SLO_OF_STALL_SHARE] = { "stall_share", SP_SLO_SHARE },
  [SP_SLO_OF_GOODPUT_SHARE] = { "goodput_share", SP_SLO_SHARE },
  [SP_SLO_OF_RPS] = { "rps", SP_SLO_PER_S },
  [SP_SLO_OF_OK_RPS] = { "ok_rps", SP_SLO_PER_S },
  [SP_SLO_OF_GOODPUT] = { "goodput", SP_SLO_PER_S },
  [SP_SLO_OF_EVENTS_PER_S] = { "events_per_s", SP_SLO_PER_S },
};

const char *const sp_slo_ops[] = {
  [SP_SLO_LT] = "<",
  [SP_SLO_LE] = "<=",
  [SP_SLO_GT] = ">",
  [SP_SLO_GE] = ">=",
};

enum sp_slo_unit sp_slo_unit(const struct sp_slo *slo) {
  SP_CHECK((unsigned)slo->of < SP_SLO_OF_COUNT);
  return sp_slo_figures[slo->of].unit;
}

bool sp_slo_is_rate(const struct sp_slo *slo) { return sp_slo_unit(slo) == SP_SLO_PER_S; }

/* -- numbers -- */

static double power_of_ten(int n) {
  double power = 1;
  for (int i = 0; i < n; i++) {
    power *= 10; /* exact up to 10^22 */
  }
  return power;
}

/* digits [. digits], as mantissa and number of decimals. */
static bool read_decimal(struct sp_str text, uint64_t *mantissa, int *decimals) {
  int significant = 0;
  bool point = false;
  *mantissa = 0;
  *decimals = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.bytes[i];
    if (c == '.' && !point && i > 0 && i + 1 < text.len) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') {
      return false;
    }
    *mantissa = *mantissa * 10 + (uint64_t)(c - '0');
    significant += *mantissa > 0;
    *decimals += point;
    if (significant > DIGITS_MAX || *decimals > DECIMALS_MAX) {
      return false;
    }
  }
  return text.len > 0;
}

bool sp_slo_number(struct sp_str digits, int shift, double *out) {
  uint64_t mantissa = 0;
  int decimals = 0;
  if (!read_decimal(digits, &mantissa, &decimals)) {
    return false;
  }
  int power = shift - decimals;
  if (power < -DECIMALS_MAX) {
    return false; /* printing it in the limit's own unit would take more decimals than are read */
  }
  *out = power < 0 ? (double)mantissa / power_of_ten(-power) : (double)mantissa * power_of_ten(power);
  return true;
}

/* The shortest decimal that is read as `value` (as written: before the unit's shift). */
static void print_number(double value, int shift, char *out, size_t size) {
  double written = shift < 0 ? value * power_of_ten(-shift) : value / power_of_ten(shift), back = 0;
  for (int decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
    int len = snprintf(out, size, "%.*f", decimals, written);
    if (sp_slo_number(sp_str_of(out, (size_t)len), shift, &back) && back == value) {
      return;
    }
  }
  snprintf(out, size, "%.15g", written); /* made by hand, not by the parser */
}

/* -- the canonical form -- */

static void put(struct sp_buf *buf, const char *text) { (void)sp_buf_append_text(buf, text); }

static void put_quoted(struct sp_buf *buf, const char *name) {
  put(buf, "'");
  for (const char *c = name; *c; c++) {
    if (*c == '\'' || *c == '\\') {
      put(buf, "\\");
    }
    (void)sp_buf_append_char(buf, *c);
  }
  put(buf, "'");
}

static void put_subject(struct sp_buf *buf, const struct sp_slo *slo) {
  if (slo->of == SP_SLO_OF_METRIC) {
    put(buf, sp_metric_info(slo->metric)->name);
    return;
  }
  if (slo->of == SP_SLO_OF_LAG) {
    put(buf, SP_SLO_LAG);
    return;
  }
  put(buf, slo->of == SP_SLO_OF_NODE ? "node:" : "custom:");
  put_quoted(buf, slo->name);
}

static void put_left(struct sp_buf *buf, const struct sp_slo *slo) {
  static const char *const names[] = { [SP_SLO_MEAN] = "mean", [SP_SLO_MIN] = "min", [SP_SLO_MAX] = "max" };
  char number[64];
  if (sp_slo_figures[slo->of].word) {
    put(buf, sp_slo_figures[slo->of].word);
    return;
  }
  if (slo->statistic == SP_SLO_PERCENTILE) {
    print_number(slo->percentile, 0, number, sizeof(number));
    put(buf, "p");
    put(buf, number);
  } else {
    put(buf, names[slo->statistic]);
  }
  put(buf, "(");
  put_subject(buf, slo);
  put(buf, ")");
}

static void put_limit(struct sp_buf *buf, const struct sp_slo *slo) {
  static const struct {
    int shift;
    const char *suffix;
  } as[] = {
    [SP_SLO_MS] = { 0, "ms" },
    [SP_SLO_SHARE] = { -2, "%" },
    [SP_SLO_PER_S] = { 0, "/s" },
    [SP_SLO_OWN] = { 0, "" },
  };
  char number[64];
  enum sp_slo_unit unit = sp_slo_unit(slo);
  print_number(slo->limit, as[unit].shift, number, sizeof(number));
  put(buf, number);
  put(buf, as[unit].suffix);
}

char *sp_slo_print(const struct sp_slo *slo, char *out, size_t size) {
  struct sp_buf buf;
  sp_buf_init(&buf, 2 * SP_SLO_TEXT_MAX);
  put_left(&buf, slo);
  (void)sp_buf_printf(&buf, " %s ", sp_slo_ops[slo->op]);
  put_limit(&buf, slo);
  if (slo->on[0]) {
    put(&buf, " on ");
    put_quoted(&buf, slo->on);
  }
  if (slo->window_ns) {
    (void)sp_buf_printf(&buf, " over %lds", (long)(slo->window_ns / INT64_C(1000000000)));
  }
  snprintf(out, size, "%s", buf.bytes);
  sp_buf_fini(&buf);
  return out;
}

/* -- values -- */

char *sp_slo_format(const struct sp_slo *slo, double value, char *out, size_t size) {
  char number[SP_UNIT_TEXT_SIZE];
  if (!isfinite(value)) {
    snprintf(out, size, "no samples");
    return out;
  }
  switch (sp_slo_unit(slo)) {
  case SP_SLO_MS: snprintf(out, size, "%s ms", sp_format_ms(value, number, sizeof(number))); break;
  case SP_SLO_SHARE: snprintf(out, size, "%.3g %%", value * 100); break;
  case SP_SLO_PER_S: snprintf(out, size, value < 1000 ? "%.3g/s" : "%.0f/s", value); break;
  case SP_SLO_OWN: snprintf(out, size, "%.4g", value); break;
  }
  return out;
}

bool sp_slo_holds(const struct sp_slo *slo, double value) {
  switch (slo->op) { /* each is false with NAN */
  case SP_SLO_LT: return value < slo->limit;
  case SP_SLO_LE: return value <= slo->limit;
  case SP_SLO_GT: return value > slo->limit;
  case SP_SLO_GE: return value >= slo->limit;
  }
  return false;
}

bool sp_slo_is_worse(const struct sp_slo *slo, double a, double b) {
  return slo->op == SP_SLO_LT || slo->op == SP_SLO_LE ? a > b : a < b;
}
