#include "report/export_other.h"

#include "report/export.h"

static size_t at_most(size_t count) { return count < SP_EXPORT_CELLS_MAX ? count : SP_EXPORT_CELLS_MAX; }

/* Merging reads an interval's maps and never owns them: what is to be added is shown to it under another name. */
static void add_one(struct sp_interval *into, struct sp_map *map, struct sp_interval *alias, void *value) {
  struct sp_map_entry entry = { .value = value };
  *map = (struct sp_map){ .entries = &entry, .count = 1 };
  sp_interval_merge(into, alias);
  *map = (struct sp_map){ 0 };
}

static void add_other_cells(struct sp_interval *into, const struct sp_map *cells) {
  static char other[] = SP_OTHER, none[] = "";
  struct sp_interval alias = { 0 };
  for (size_t i = at_most(cells->count); i < cells->count; i++) {
    struct sp_cell cell = *(const struct sp_cell *)cells->entries[i].value;
    cell.name = other;
    cell.user_class = cell.task = none;
    add_one(into, &alias.cells, &alias, &cell);
  }
}

static void add_other_nodes(struct sp_interval *into, const struct sp_map *nodes) {
  static char other[] = SP_OTHER, none[] = "";
  struct sp_interval alias = { 0 };
  for (size_t i = at_most(nodes->count); i < nodes->count; i++) {
    struct sp_node_cell node = *(const struct sp_node_cell *)nodes->entries[i].value;
    node.title = other;
    node.type = none;
    add_one(into, &alias.nodes, &alias, &node);
  }
}

struct sp_interval *sp_export_other(const struct sp_interval *totals) {
  if (totals->cells.count <= SP_EXPORT_CELLS_MAX && totals->nodes.count <= SP_EXPORT_CELLS_MAX) {
    return NULL;
  }
  struct sp_interval *capped = sp_interval_create();
  struct sp_interval first = *totals;
  first.cells.count = at_most(totals->cells.count);
  first.nodes.count = at_most(totals->nodes.count);
  first.errors = (struct sp_map){ 0 };
  sp_interval_merge(capped, &first);
  add_other_cells(capped, &totals->cells);
  add_other_nodes(capped, &totals->nodes);
  return capped;
}
