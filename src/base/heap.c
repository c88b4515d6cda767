#include "base/heap.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

#define SP_HEAP_FIRST_CAP 16

void sp_heap_init(struct sp_heap *heap) { *heap = (struct sp_heap){ 0 }; }

void sp_heap_fini(struct sp_heap *heap) {
  for (size_t i = 0; i < heap->count; i++) heap->nodes[i]->index = 0;
  free(heap->nodes);
  sp_heap_init(heap);
}

static bool before(const struct sp_heap_node *a, const struct sp_heap_node *b) {
  return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void place(struct sp_heap *heap, size_t i, struct sp_heap_node *node) {
  heap->nodes[i] = node;
  node->index = i + 1;
}

/* Both move the hole at i until `node` fits into it. */
static void sift_up(struct sp_heap *heap, size_t i, struct sp_heap_node *node) {
  while (i > 0) {
    size_t parent = (i - 1) / 2;
    if (!before(node, heap->nodes[parent])) break;
    place(heap, i, heap->nodes[parent]);
    i = parent;
  }
  place(heap, i, node);
}

static void sift_down(struct sp_heap *heap, size_t i, struct sp_heap_node *node) {
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= heap->count) break;
    if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child])) child++;
    if (!before(heap->nodes[child], node)) break;
    place(heap, i, heap->nodes[child]);
    i = child;
  }
  place(heap, i, node);
}

void sp_heap_insert(struct sp_heap *heap, struct sp_heap_node *node, int64_t key) {
  SP_CHECK(!sp_heap_node_active(node));
  if (heap->count == heap->cap) {
    heap->cap = heap->cap ? heap->cap * 2 : SP_HEAP_FIRST_CAP;
    heap->nodes = sp_realloc(heap->nodes, heap->cap * sizeof(*heap->nodes));
  }
  node->key = key;
  node->order = heap->next_order++;
  sift_up(heap, heap->count++, node);
}

void sp_heap_remove(struct sp_heap *heap, struct sp_heap_node *node) {
  if (!sp_heap_node_active(node)) return;
  size_t i = node->index - 1;
  SP_CHECK(i < heap->count && heap->nodes[i] == node);
  node->index = 0;
  struct sp_heap_node *last = heap->nodes[--heap->count];
  if (last == node) return;
  if (i > 0 && before(last, heap->nodes[(i - 1) / 2]))
    sift_up(heap, i, last);
  else
    sift_down(heap, i, last);
}

struct sp_heap_node *sp_heap_peek(const struct sp_heap *heap) { return heap->count ? heap->nodes[0] : NULL; }
