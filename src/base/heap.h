/*
 * A binary min-heap of intrusive nodes, ordered by (key, order of insertion): nodes with equal keys
 * come out in the order they went in. Used for timers. Not thread-safe.
 */
#ifndef SP_BASE_HEAP_H
#define SP_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_heap_node {
  int64_t key;
  uint64_t order;
  size_t index; /* position + 1; 0 when not in a heap */
};

struct sp_heap {
  struct sp_heap_node **nodes;
  size_t count, cap;
  uint64_t next_order;
};

void sp_heap_init(struct sp_heap *heap);
void sp_heap_fini(struct sp_heap *heap); /* the nodes belong to their owners; none is active then */
void sp_heap_insert(struct sp_heap *heap, struct sp_heap_node *node, int64_t key); /* node not in a heap */
void sp_heap_remove(struct sp_heap *heap, struct sp_heap_node *node); /* fine when not in the heap */
struct sp_heap_node *sp_heap_peek(const struct sp_heap *heap);        /* NULL when empty */

static inline bool sp_heap_node_active(const struct sp_heap_node *node) { return node->index != 0; }

#endif
