/* SLO expressions: what is taken can be printed and read again as the same; what is not says why. */
#include "base/check.h"
#include "stats/slo.h"

static void check_same(const struct sp_slo *a, const struct sp_slo *b) {
  SP_CHECK(a->of == b->of && a->op == b->op && a->limit == b->limit && a->window_ns == b->window_ns);
  SP_CHECK(a->metric == b->metric && a->statistic == b->statistic && a->percentile == b->percentile);
  SP_CHECK(strcmp(a->name, b->name) == 0 && strcmp(a->on, b->on) == 0);
}

static void check_bounds(const struct sp_slo *slo) {
  SP_CHECK(slo->of < SP_SLO_OF_COUNT && slo->op <= SP_SLO_GE && slo->metric < SP_METRIC_COUNT);
  SP_CHECK(slo->limit >= 0 && slo->limit <= SP_SLO_LIMIT_MAX);
  SP_CHECK(slo->window_ns >= 0 && slo->window_ns <= SP_SLO_WINDOW_MAX_S * INT64_C(1000000000));
  SP_CHECK(strlen(slo->name) <= SP_NAME_MAX && strlen(slo->on) <= SP_NAME_MAX);
  SP_CHECK(slo->text[0] && strlen(slo->text) <= SP_SLO_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_slo slo, again;
  struct sp_err err = { 0 };
  char once[SP_SLO_PRINT_SIZE], twice[SP_SLO_PRINT_SIZE], value[SP_SLO_VALUE_SIZE];
  if (sp_slo_parse(sp_str_of((const char *)bytes, len), &slo, &err) < 0) {
    SP_CHECK(err.code == SP_EUSAGE && err.text[0]);
    return 0;
  }
  check_bounds(&slo);
  sp_slo_print(&slo, once, sizeof(once));
  SP_CHECK(sp_slo_parse(sp_str_from(once), &again, NULL) == SP_OK);
  check_same(&slo, &again);
  SP_CHECK(strcmp(sp_slo_print(&again, twice, sizeof(twice)), once) == 0);
  SP_CHECK(sp_slo_format(&slo, slo.limit, value, sizeof(value))[0]);
  return 0;
}
