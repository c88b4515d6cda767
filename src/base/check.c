#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void sp_check_failed(const char *expression, const char *function, const char *file, int line) {
  fprintf(stderr, "spate: bug: check '%s' failed in %s (%s:%d)\n", expression, function, file, line);
  abort();
}
