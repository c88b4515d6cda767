/*
 * A table that fits its width: columns go by priority, the first one (names) shrinks and clips; a line never
 * wraps. Cells are copied.
 */
#ifndef SP_REPORT_TABLE_H
#define SP_REPORT_TABLE_H

#include "report/canvas.h"

#define SP_TABLE_COLUMNS_MAX 24u
#define SP_TABLE_NONE "-" /* a cell without value */

struct sp_column {
  const char *group; /* a heading over neighbours of the same group; NULL for none */
  const char *title;
  int priority;  /* the lowest goes first; the first column stays */
  bool left;     /* aligned left; numbers stand right */
  bool optional; /* not shown when no row has a value */
};

struct sp_table_row {
  char *cells[SP_TABLE_COLUMNS_MAX]; /* NULL: empty */
  enum sp_ink inks[SP_TABLE_COLUMNS_MAX];
  char *line; /* instead of cells: a text over the whole width */
  enum sp_ink line_ink;
};

struct sp_table {
  const struct sp_column *columns; /* borrowed */
  size_t column_count;
  struct sp_table_row *rows;
  size_t row_count, row_cap;
};

void sp_table_init(struct sp_table *table, const struct sp_column *columns, size_t column_count);
void sp_table_fini(struct sp_table *table);
void sp_table_add_row(struct sp_table *table);
void sp_table_add_line(struct sp_table *table, enum sp_ink ink, const char *text);
/* Of the newest row. */
void sp_table_set(struct sp_table *table, size_t column, const char *text);
void sp_table_set_ink(struct sp_table *table, size_t column, enum sp_ink ink);

/* Heading and rows; `indent` columns before each line. */
void sp_table_put(const struct sp_table *table, struct sp_canvas *canvas, int indent);

#endif
