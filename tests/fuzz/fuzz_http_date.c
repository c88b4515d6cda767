/* Any bytes as a date and as Retry-After: never outside of them, and never a wait below 0 but -1. */
#include "base/check.h"
#include "wire/http_date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct sp_str text = sp_str_of((const char *)data, size);
  int64_t unix_s = 0;
  if (sp_http_date_parse(text, &unix_s)) SP_CHECK(unix_s > -INT64_C(70000000000) && unix_s < INT64_C(300000000000));
  SP_CHECK(sp_retry_after_s(text, text, 0) >= -1);
  return 0;
}
