#include "report/json_value.h"

#include "base/clock.h"
#include "stats/clean.h"

#include <math.h>
#include <stdio.h>

#define US_TO_MS 0.001
#define TEXT_MAX 4096u

void sp_doc_set(json_t *object, const char *key, json_t *value) {
  json_object_set_new(object, key, value ? value : json_null());
}

json_t *sp_doc_read(struct sp_str text) { return text.len > 0 ? json_loadb(text.bytes, text.len, 0, NULL) : NULL; }

json_t *sp_doc_text(const char *value) {
  char clean[TEXT_MAX];
  if (!value) {
    return json_null();
  }
  return json_stringn(clean, sp_clean_text(clean, sizeof(clean), sp_str_from(value)));
}

json_t *sp_doc_filled(const char *text) { return text[0] ? sp_doc_text(text) : json_null(); }

json_t *sp_doc_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *sp_doc_whole(uint64_t value) {
  char digits[24];
  if (value <= INT64_MAX) {
    return json_integer((json_int_t)value);
  }
  snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
  return json_string(digits);
}

json_t *sp_doc_seconds(int64_t ns) { return sp_doc_number((double)ns / (double)SP_NS_PER_S); }

void sp_doc_set_hist(json_t *object, const struct sp_hist *hist, double scale) {
  struct sp_hist_summary s;
  sp_hist_summarise(hist, scale, &s);
  sp_doc_set(object, "count", sp_doc_whole(s.count));
  const struct {
    const char *key;
    double value;
  } columns[] = { { "min", s.min }, { "mean", s.mean }, { "stdev", s.stdev }, { "p50", s.p50 },   { "p75", s.p75 },
                  { "p90", s.p90 }, { "p95", s.p95 },   { "p99", s.p99 },     { "p999", s.p999 }, { "max", s.max } };
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
    sp_doc_set(object, columns[i].key, sp_doc_number(columns[i].value));
  }
}

json_t *sp_doc_hist_ms(const struct sp_hist *hist) {
  if (hist->count == 0) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set_hist(object, hist, US_TO_MS);
  return object;
}
