#include "report/table.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2

void sp_table_init(struct sp_table *table, const struct sp_column *columns, size_t column_count) {
  SP_CHECK(column_count > 0 && column_count <= SP_TABLE_COLUMNS_MAX);
  memset(table, 0, sizeof(*table));
  table->columns = columns;
  table->column_count = column_count;
}

void sp_table_fini(struct sp_table *table) {
  for (size_t r = 0; r < table->row_count; r++) {
    for (size_t c = 0; c < table->column_count; c++) {
      free(table->rows[r].cells[c]);
    }
    free(table->rows[r].line);
  }
  free(table->rows);
  memset(table, 0, sizeof(*table));
}

void sp_table_add_row(struct sp_table *table) {
  if (table->row_count == table->row_cap) {
    table->row_cap = table->row_cap ? table->row_cap * 2 : 16;
    table->rows = sp_realloc(table->rows, table->row_cap * sizeof(*table->rows));
  }
  memset(&table->rows[table->row_count++], 0, sizeof(*table->rows));
}

void sp_table_add_line(struct sp_table *table, enum sp_ink ink, const char *text) {
  sp_table_add_row(table);
  struct sp_table_row *row = &table->rows[table->row_count - 1];
  row->line = sp_strdup(text);
  row->line_ink = ink;
}

void sp_table_set(struct sp_table *table, size_t column, const char *text) {
  SP_CHECK(table->row_count > 0 && column < table->column_count);
  char **cell = &table->rows[table->row_count - 1].cells[column];
  free(*cell);
  *cell = sp_strdup(text);
}

void sp_table_set_ink(struct sp_table *table, size_t column, enum sp_ink ink) {
  SP_CHECK(table->row_count > 0 && column < table->column_count);
  table->rows[table->row_count - 1].inks[column] = ink;
}

/* --- which columns, how wide --- */

struct layout {
  bool shown[SP_TABLE_COLUMNS_MAX];
  int widths[SP_TABLE_COLUMNS_MAX];
};

static int width_of(const char *text) { return text ? sp_text_width(sp_str_from(text)) : 0; }

static int natural_width(const struct sp_table *table, size_t column) {
  int width = width_of(table->columns[column].title);
  for (size_t r = 0; r < table->row_count; r++) {
    int cell = width_of(table->rows[r].cells[column]);
    width = cell > width ? cell : width;
  }
  return width;
}

static bool has_value(const struct sp_table *table, size_t column) {
  for (size_t r = 0; r < table->row_count; r++) {
    const char *cell = table->rows[r].cells[column];
    if (cell && cell[0] && strcmp(cell, SP_TABLE_NONE) != 0) {
      return true;
    }
  }
  return false;
}

static bool same_group(const struct sp_column *a, const struct sp_column *b) {
  return a->group && b->group && strcmp(a->group, b->group) == 0;
}

/* Columns from `first` on that stand under one group: returns the index behind them, their width in *span. */
static size_t group_end(const struct sp_table *table, const struct layout *layout, size_t first, int *span) {
  size_t at = first;
  *span = -GAP;
  for (; at < table->column_count && (at == first || same_group(&table->columns[first], &table->columns[at])); at++) {
    *span += layout->shown[at] ? layout->widths[at] + GAP : 0;
  }
  return at;
}

static int total_width(const struct sp_table *table, const struct layout *layout) {
  int width = -GAP;
  for (size_t c = 0; c < table->column_count; c++) {
    width += layout->shown[c] ? layout->widths[c] + GAP : 0;
  }
  return width;
}

/* A group's heading may be wider than what is left of its columns. */
static void widen_for_groups(const struct sp_table *table, struct layout *layout) {
  for (size_t c = 0; c < table->column_count;) {
    int span = 0;
    size_t end = group_end(table, layout, c, &span);
    int missing = width_of(table->columns[c].group) - span;
    for (size_t i = c; i < end && span > 0 && missing > 0; i++) {
      if (layout->shown[i]) {
        layout->widths[i] += missing;
        missing = 0;
      }
    }
    c = end;
  }
}

static size_t least_important(const struct sp_table *table, const struct layout *layout) {
  size_t least = 0;
  for (size_t c = 1; c < table->column_count; c++) {
    if (layout->shown[c] && (least == 0 || table->columns[c].priority < table->columns[least].priority)) {
      least = c;
    }
  }
  return least;
}

/* The names may shrink to a quarter of the line before a column goes. */
static int name_minimum(int width) {
  int least = width / 4;
  return least < 12 ? 12 : least > 40 ? 40 : least;
}

static void lay_out(const struct sp_table *table, int width, struct layout *layout) {
  int natural[SP_TABLE_COLUMNS_MAX];
  for (size_t c = 0; c < table->column_count; c++) {
    natural[c] = natural_width(table, c);
    layout->shown[c] = c == 0 || !table->columns[c].optional || has_value(table, c);
  }
  for (;;) {
    memcpy(layout->widths, natural, sizeof(natural[0]) * table->column_count);
    widen_for_groups(table, layout);
    int excess = total_width(table, layout) - width;
    int spare = layout->widths[0] - name_minimum(width);
    if (excess > 0 && spare > 0) {
      int cut = excess < spare ? excess : spare;
      layout->widths[0] -= cut;
      excess -= cut;
    }
    size_t least = least_important(table, layout);
    if (excess <= 0 || least == 0) {
      break;
    }
    layout->shown[least] = false;
  }
  if (layout->widths[0] > width) {
    layout->widths[0] = width;
  }
}

/* --- putting it down --- */

static void end_line(struct sp_canvas *canvas) {
  while (canvas->out->len > 0 && canvas->out->bytes[canvas->out->len - 1] == ' ') {
    canvas->out->bytes[--canvas->out->len] = 0;
  }
  sp_put(canvas, "\n");
}

static void put_bars(struct sp_canvas *canvas, int count) {
  for (int i = 0; i < count; i++) {
    sp_put(canvas, "─");
  }
}

/* "── TTFB ──" over its columns. */
static void put_group(struct sp_canvas *canvas, const char *group, int span) {
  int bars = span - width_of(group) - 2;
  if (bars < 2) {
    sp_put_cell(canvas, sp_str_from(group), span, false);
    return;
  }
  put_bars(canvas, bars / 2);
  sp_put(canvas, " %s ", group);
  put_bars(canvas, bars - bars / 2);
}

static void put_groups(const struct sp_table *table, const struct layout *layout, struct sp_canvas *canvas,
                       int indent) {
  bool any = false;
  for (size_t c = 0; c < table->column_count; c++) {
    any = any || (layout->shown[c] && table->columns[c].group);
  }
  if (!any) {
    return;
  }
  sp_put_spaces(canvas, indent);
  sp_put_ink(canvas, SP_INK_DIM);
  for (size_t c = 0; c < table->column_count;) {
    int span = 0;
    size_t end = group_end(table, layout, c, &span);
    if (span > 0) {
      sp_put_spaces(canvas, c > 0 ? GAP : 0);
      if (table->columns[c].group) {
        put_group(canvas, table->columns[c].group, span);
      } else {
        sp_put_spaces(canvas, span);
      }
    }
    c = end;
  }
  sp_put_ink(canvas, SP_INK_PLAIN);
  end_line(canvas);
}

static void put_titles(const struct sp_table *table, const struct layout *layout, struct sp_canvas *canvas,
                       int indent) {
  sp_put_spaces(canvas, indent);
  sp_put_ink(canvas, SP_INK_DIM);
  for (size_t c = 0; c < table->column_count; c++) {
    if (layout->shown[c]) {
      sp_put_spaces(canvas, c > 0 ? GAP : 0);
      sp_put_cell(canvas, sp_str_from(table->columns[c].title), layout->widths[c], !table->columns[c].left);
    }
  }
  sp_put_ink(canvas, SP_INK_PLAIN);
  end_line(canvas);
}

static void put_row(const struct sp_table *table, const struct layout *layout, const struct sp_table_row *row,
                    struct sp_canvas *canvas) {
  for (size_t c = 0; c < table->column_count; c++) {
    if (!layout->shown[c]) {
      continue;
    }
    sp_put_spaces(canvas, c > 0 ? GAP : 0);
    if (row->inks[c] != SP_INK_PLAIN) {
      sp_put_ink(canvas, row->inks[c]);
    }
    sp_put_cell(canvas, sp_str_from(row->cells[c]), layout->widths[c], !table->columns[c].left);
    if (row->inks[c] != SP_INK_PLAIN) {
      sp_put_ink(canvas, SP_INK_PLAIN);
    }
  }
}

void sp_table_put(const struct sp_table *table, struct sp_canvas *canvas, int indent) {
  struct layout layout;
  lay_out(table, canvas->width - indent, &layout);
  put_groups(table, &layout, canvas, indent);
  put_titles(table, &layout, canvas, indent);
  for (size_t r = 0; r < table->row_count; r++) {
    const struct sp_table_row *row = &table->rows[r];
    sp_put_spaces(canvas, indent);
    if (row->line) {
      sp_put_ink(canvas, row->line_ink);
      sp_put_clipped(canvas, sp_str_from(row->line), canvas->width - indent);
      sp_put_ink(canvas, SP_INK_PLAIN);
    } else {
      put_row(table, &layout, row, canvas);
    }
    end_line(canvas);
  }
}
