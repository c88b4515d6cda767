#include "base/map.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

#define SP_MAP_FIRST_SLOTS 16

void sp_map_init(struct sp_map *map) { *map = (struct sp_map){ 0 }; }

void sp_map_fini(struct sp_map *map) {
  for (size_t i = 0; i < map->count; i++) free(map->entries[i].key);
  free(map->entries);
  free(map->slots);
  sp_map_init(map);
}

/* FNV-1a (Fowler, Noll, Vo), its high half folded down because the slot is taken from the low bits. */
static uint64_t hash_of(struct sp_str key) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < key.len; i++) {
    hash ^= (unsigned char)key.bytes[i];
    hash *= UINT64_C(0x100000001b3);
  }
  return hash ^ (hash >> 32);
}

/* The slot of the key, or the free one where it belongs. Slots are a power of two and never full. */
static uint32_t *find_slot(const struct sp_map *map, struct sp_str key, uint64_t hash) {
  size_t mask = map->slot_count - 1;
  for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
    uint32_t *slot = &map->slots[i];
    if (*slot == 0) return slot;
    const struct sp_map_entry *entry = &map->entries[*slot - 1];
    if (entry->hash == hash && sp_str_eq(sp_str_of(entry->key, entry->key_len), key)) return slot;
  }
}

static void grow_slots(struct sp_map *map) {
  size_t count = map->slot_count ? map->slot_count * 2 : SP_MAP_FIRST_SLOTS;
  free(map->slots);
  map->slots = sp_alloc_array(count, sizeof(*map->slots));
  map->slot_count = count;
  for (size_t i = 0; i < map->count; i++) {
    size_t slot = (size_t)map->entries[i].hash & (count - 1);
    while (map->slots[slot]) slot = (slot + 1) & (count - 1);
    map->slots[slot] = (uint32_t)(i + 1);
  }
}

void *sp_map_get(const struct sp_map *map, struct sp_str key) {
  if (map->count == 0) return NULL;
  uint32_t slot = *find_slot(map, key, hash_of(key));
  return slot ? map->entries[slot - 1].value : NULL;
}

static void **add_entry(struct sp_map *map, struct sp_str key, uint64_t hash) {
  SP_CHECK(map->count < UINT32_MAX);
  if (map->count == map->cap) {
    map->cap = map->cap ? map->cap * 2 : SP_MAP_FIRST_SLOTS / 2;
    map->entries = sp_realloc(map->entries, map->cap * sizeof(*map->entries));
  }
  struct sp_map_entry *entry = &map->entries[map->count++];
  *entry = (struct sp_map_entry){ .key = sp_strndup(key.bytes, key.len), .key_len = key.len, .hash = hash };
  return &entry->value;
}

void **sp_map_put(struct sp_map *map, struct sp_str key) {
  uint64_t hash = hash_of(key);
  if (map->count > 0) {
    uint32_t slot = *find_slot(map, key, hash);
    if (slot) return &map->entries[slot - 1].value;
  }
  if (map->count >= map->slot_count / 2) grow_slots(map);
  uint32_t *slot = find_slot(map, key, hash);
  void **value = add_entry(map, key, hash);
  *slot = (uint32_t)map->count;
  return value;
}
