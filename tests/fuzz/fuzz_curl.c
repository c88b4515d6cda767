/* A pasted curl command: what is taken makes a plan that is Lua, without the secrets that were found. */
#include "base/check.h"
#include "cli/import_curl.h"
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_import import;
  struct sp_err err = {0};
  if (len > 100000) return 0;
  sp_import_init(&import, "fuzz");
  int code = sp_import_curl_text(&import, sp_str_of((const char *)bytes, len), &err);
  if (code == 0)
    check_plan(&import);
  else
    SP_CHECK(err.text[0]);
  sp_import_fini(&import);
  return 0;
}
