#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size) {
  fprintf(stderr, "spate: out of memory: the system refused %zu bytes\n", size);
  abort();
}

void *sp_alloc(size_t size) { return sp_alloc_array(1, size); }

void *sp_alloc_array(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) out_of_memory(SIZE_MAX);
  void *memory = calloc(1, total ? total : 1); /* calloc of 0 may be NULL, which would look like a failure */
  if (!memory) out_of_memory(total);
  return memory;
}

void *sp_realloc(void *old, size_t size) {
  void *memory = realloc(old, size ? size : 1);
  if (!memory) out_of_memory(size);
  return memory;
}

char *sp_strdup(const char *text) { return text ? sp_strndup(text, strlen(text)) : NULL; }

char *sp_strndup(const char *bytes, size_t len) {
  if (len == SIZE_MAX) out_of_memory(len);
  char *copy = sp_realloc(NULL, len + 1);
  if (len) memcpy(copy, bytes, len);
  copy[len] = '\0';
  return copy;
}
