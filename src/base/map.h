/*
 * A hash map from a copied byte-string key to a pointer. Open addressing; insertion order is kept for
 * iteration. No removal. Not thread-safe. Callers cap the number of keys that a peer can make.
 */
#ifndef SP_BASE_MAP_H
#define SP_BASE_MAP_H

#include "base/str.h"

struct sp_map_entry {
  char *key; /* owned, terminated; may hold NUL bytes inside */
  size_t key_len;
  uint64_t hash;
  void *value;
};

struct sp_map {
  struct sp_map_entry *entries; /* count of them, in insertion order */
  size_t count, cap;
  uint32_t *slots; /* index + 1 into entries, 0 = free */
  size_t slot_count;
};

void sp_map_init(struct sp_map *map);
void sp_map_fini(struct sp_map *map); /* the values belong to the caller */
void *sp_map_get(const struct sp_map *map, struct sp_str key); /* NULL when absent */
/* The place of the key's value, made (NULL) when absent. Valid until the next sp_map_put. */
void **sp_map_put(struct sp_map *map, struct sp_str key);

#endif
