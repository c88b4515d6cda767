/*
 * Text for a terminal of a given width: display widths (a CJK character takes two columns, a combining mark
 * none), clipping, padding, wrapping and ink. Everything goes to a buffer; nothing here writes to a file.
 */
#ifndef SP_REPORT_CANVAS_H
#define SP_REPORT_CANVAS_H

#include "base/buf.h"

#define SP_CANVAS_MAX (4u * 1024u * 1024u) /* bytes of a frame or a summary; what is beyond is left out */

struct sp_canvas {
  struct sp_buf *out; /* borrowed */
  int width;          /* columns, at least SP_WIDTH_MIN */
  bool color;
};
#define SP_WIDTH_MIN 20

enum sp_ink { SP_INK_PLAIN, SP_INK_BOLD, SP_INK_DIM, SP_INK_RED, SP_INK_GREEN, SP_INK_YELLOW, SP_INK_CYAN };

/* Columns a text takes, as terminals count them (Unicode UAX #11). Bytes that are no UTF-8 take one each. */
int sp_text_width(struct sp_str text);
/* Bytes at the front of text that fit into so many columns. */
size_t sp_text_fit(struct sp_str text, int width);

void sp_put(struct sp_canvas *canvas, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sp_put_spaces(struct sp_canvas *canvas, int count);
/* Exactly `width` columns: padded, or clipped with "…". */
void sp_put_cell(struct sp_canvas *canvas, struct sp_str text, int width, bool right);
/* At most `width` columns, clipped with "…", not padded. Control characters become spaces. */
void sp_put_clipped(struct sp_canvas *canvas, struct sp_str text, int width);
/* Breaks at spaces where it can. The first line begins at column `at` (already written), the next ones at `indent`.
 * Ends with a line end. */
void sp_put_wrapped(struct sp_canvas *canvas, struct sp_str text, int at, int indent);

/* Cuts *rest behind its next " · ": returns what stood before it. */
#define SP_PART_SEPARATOR " · "
struct sp_str sp_text_part(struct sp_str *rest);

/* As above, but of parts with " · " between them: a part goes to the next line as a whole where it can. */
void sp_put_parts(struct sp_canvas *canvas, struct sp_str text, int at, int indent);

/* Nothing where the canvas has no color. SP_INK_PLAIN ends an ink. */
void sp_put_ink(struct sp_canvas *canvas, enum sp_ink ink);
void sp_put_inked(struct sp_canvas *canvas, enum sp_ink ink, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* Short facts side by side; from the least important on they go where the line is too narrow. */
struct sp_fact {
  int priority; /* the lowest goes first */
  char text[128];
};
#define SP_FACTS_MAX 12u
void sp_put_facts(struct sp_canvas *canvas, const struct sp_fact *facts, size_t count);

#endif
