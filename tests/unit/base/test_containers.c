#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* -- heap -- */

static struct sp_heap_node *pop(struct sp_heap *heap) {
  struct sp_heap_node *node = sp_heap_peek(heap);
  if (node) sp_heap_remove(heap, node);
  return node;
}

static void test_heap_sorts_and_keeps_ties_in_order(void **state) {
  (void)state;
  enum { COUNT = 5000 };
  struct sp_heap heap;
  struct sp_heap_node *nodes = calloc(COUNT, sizeof(*nodes));
  struct sp_rng rng;
  sp_rng_seed(&rng, 1, 0);
  sp_heap_init(&heap);
  assert_null(sp_heap_peek(&heap));
  for (int i = 0; i < COUNT; i++) sp_heap_insert(&heap, &nodes[i], (int64_t)sp_rng_below(&rng, 50) - 25);
  assert_int_equal(heap.count, COUNT);
  struct sp_heap_node *last = pop(&heap);
  for (int i = 1; i < COUNT; i++) {
    struct sp_heap_node *node = pop(&heap);
    assert_non_null(node);
    assert_false(sp_heap_node_active(node));
    assert_true(last->key < node->key || (last->key == node->key && last < node)); /* inserted in array order */
    last = node;
  }
  assert_null(sp_heap_peek(&heap));
  sp_heap_fini(&heap);
  free(nodes);
}

static void test_heap_extreme_keys(void **state) {
  (void)state;
  struct sp_heap heap;
  struct sp_heap_node never = { 0 }, first = { 0 }, zero = { 0 };
  sp_heap_init(&heap);
  sp_heap_insert(&heap, &never, INT64_MAX);
  sp_heap_insert(&heap, &zero, 0);
  sp_heap_insert(&heap, &first, INT64_MIN);
  assert_ptr_equal(pop(&heap), &first);
  assert_ptr_equal(pop(&heap), &zero);
  assert_ptr_equal(pop(&heap), &never);
  sp_heap_fini(&heap);
}

static void check_heap(const struct sp_heap *heap) {
  for (size_t i = 0; i < heap->count; i++) {
    const struct sp_heap_node *node = heap->nodes[i], *parent = heap->nodes[i ? (i - 1) / 2 : 0];
    assert_int_equal(node->index, i + 1);
    assert_true(parent->key < node->key || (parent->key == node->key && parent->order <= node->order));
  }
}

/* Random inserts and removals from anywhere, against a plain scan for the least. */
static void test_heap_against_a_scan(void **state) {
  (void)state;
  enum { COUNT = 200 };
  struct sp_heap heap;
  struct sp_heap_node nodes[COUNT] = { 0 };
  struct sp_rng rng;
  sp_rng_seed(&rng, 2, 0);
  sp_heap_init(&heap);
  for (int step = 0; step < 20000; step++) {
    struct sp_heap_node *node = &nodes[sp_rng_below(&rng, COUNT)];
    if (sp_heap_node_active(node))
      sp_heap_remove(&heap, node);
    else
      sp_heap_insert(&heap, node, (int64_t)sp_rng_below(&rng, 30));
    const struct sp_heap_node *least = NULL;
    for (int i = 0; i < COUNT; i++) {
      const struct sp_heap_node *other = &nodes[i];
      if (!sp_heap_node_active(other)) continue;
      if (!least || other->key < least->key || (other->key == least->key && other->order < least->order)) least = other;
    }
    assert_ptr_equal(sp_heap_peek(&heap), least);
    if (step % 8 == 0) check_heap(&heap);
  }
  sp_heap_fini(&heap);
}

static void test_heap_remove_of_a_stranger_is_fine(void **state) {
  (void)state;
  struct sp_heap heap;
  struct sp_heap_node node = { 0 }, stranger = { 0 };
  sp_heap_init(&heap);
  sp_heap_remove(&heap, &stranger);
  sp_heap_insert(&heap, &node, 1);
  sp_heap_remove(&heap, &stranger);
  assert_int_equal(heap.count, 1);
  sp_heap_remove(&heap, &node);
  sp_heap_remove(&heap, &node);
  assert_int_equal(heap.count, 0);
  sp_heap_insert(&heap, &node, 2);
  sp_heap_fini(&heap);
  assert_false(sp_heap_node_active(&node)); /* out of the heap that is gone */
}

/* -- map -- */

static void test_map_empty(void **state) {
  (void)state;
  struct sp_map map;
  sp_map_init(&map);
  assert_null(sp_map_get(&map, SP_STR("x")));
  sp_map_fini(&map);
}

static void test_map_grows_and_keeps_order(void **state) {
  (void)state;
  enum { COUNT = 5000 };
  struct sp_map map;
  char key[32];
  sp_map_init(&map);
  for (uintptr_t i = 0; i < COUNT; i++) {
    snprintf(key, sizeof(key), "key %zu", (size_t)i);
    void **place = sp_map_put(&map, sp_str_from(key));
    assert_null(*place);
    *place = (void *)(i + 1);
  }
  memset(key, 'x', sizeof(key)); /* the map has its own copy */
  assert_int_equal(map.count, COUNT);
  for (uintptr_t i = 0; i < COUNT; i++) {
    snprintf(key, sizeof(key), "key %zu", (size_t)i);
    assert_ptr_equal(sp_map_get(&map, sp_str_from(key)), (void *)(i + 1));
    assert_string_equal(map.entries[i].key, key);
  }
  assert_null(sp_map_get(&map, SP_STR("key 5000")));
  sp_map_fini(&map);
  assert_int_equal(map.count, 0);
}

static void test_map_put_again_finds_the_same(void **state) {
  (void)state;
  struct sp_map map;
  int a, b;
  sp_map_init(&map);
  *sp_map_put(&map, SP_STR("a")) = &a;
  void **place = sp_map_put(&map, SP_STR("a"));
  assert_ptr_equal(*place, &a);
  *place = &b;
  assert_ptr_equal(sp_map_get(&map, SP_STR("a")), &b);
  assert_int_equal(map.count, 1);
  sp_map_fini(&map);
}

static void test_map_keys_are_bytes(void **state) {
  (void)state;
  struct sp_map map;
  int values[4];
  sp_map_init(&map);
  *sp_map_put(&map, SP_STR("a\0b")) = &values[0];
  *sp_map_put(&map, SP_STR("a\0c")) = &values[1];
  *sp_map_put(&map, SP_STR("a")) = &values[2];
  *sp_map_put(&map, sp_str_of(NULL, 0)) = &values[3];
  assert_int_equal(map.count, 4);
  assert_ptr_equal(sp_map_get(&map, SP_STR("a\0b")), &values[0]);
  assert_ptr_equal(sp_map_get(&map, SP_STR("a\0c")), &values[1]);
  assert_ptr_equal(sp_map_get(&map, SP_STR("a")), &values[2]);
  assert_ptr_equal(sp_map_get(&map, SP_STR("")), &values[3]);
  assert_null(sp_map_get(&map, SP_STR("a\0")));
  assert_memory_equal(map.entries[0].key, "a\0b", 4);
  sp_map_fini(&map);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_heap_sorts_and_keeps_ties_in_order),
    cmocka_unit_test(test_heap_extreme_keys),
    cmocka_unit_test(test_heap_against_a_scan),
    cmocka_unit_test(test_heap_remove_of_a_stranger_is_fine),
    cmocka_unit_test(test_map_empty),
    cmocka_unit_test(test_map_grows_and_keeps_order),
    cmocka_unit_test(test_map_put_again_finds_the_same),
    cmocka_unit_test(test_map_keys_are_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
