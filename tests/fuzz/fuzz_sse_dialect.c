#include "fuzz_dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) { return fuzz_dialect(&sp_dialect_sse, bytes, len); }
