#include "dialect/dialect.h"

/* A new dialect is one file and one line here. */
static const struct sp_dialect *const dialects[] = {
    &sp_dialect_dify,
    &sp_dialect_openai,
    &sp_dialect_sse,
};

const struct sp_dialect *sp_dialect_at(size_t i) {
  return i < sizeof(dialects) / sizeof(dialects[0]) ? dialects[i] : NULL;
}

const struct sp_dialect *sp_dialect_find(const char *name) {
  const struct sp_dialect *dialect;
  for (size_t i = 0; (dialect = sp_dialect_at(i)); i++)
    if (name && strcmp(dialect->name, name) == 0) return dialect;
  return NULL;
}
