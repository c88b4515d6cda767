/*
 * Memory from the heap. Running out of it is not recoverable in a load test (the numbers would lie),
 * so these never return NULL: they print one sentence and abort. Free with free().
 */
#ifndef SP_BASE_MEM_H
#define SP_BASE_MEM_H

#include <stddef.h>

void *sp_alloc(size_t size);                  /* zeroed */
void *sp_alloc_array(size_t count, size_t size); /* zeroed; the product is checked */
void *sp_realloc(void *old, size_t size);
char *sp_strdup(const char *text);            /* NULL gives NULL */
char *sp_strndup(const char *bytes, size_t len); /* terminated copy of exactly len bytes */

/* The struct that holds `member`: for intrusive lists, heaps and handlers. */
#define sp_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
