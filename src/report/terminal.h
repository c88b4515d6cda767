/*
 * The terminal: one live view that redraws in place, or plain lines where the output is no terminal; and the
 * final summary. Writes to one FILE; never reads. Width is asked each tick (a narrow one drops columns).
 */
#ifndef SP_REPORT_TERMINAL_H
#define SP_REPORT_TERMINAL_H

#include "report/report.h"

struct sp_terminal_options {
  FILE *out;
  bool live;  /* redraw in place: out is a terminal and not --quiet */
  bool color;
  bool quiet; /* no live lines at all; the summary still */
  int width;  /* 0: ask the terminal, 100 where there is none */
};
struct sp_terminal;
struct sp_terminal *sp_terminal_create(const struct sp_terminal_options *options);
void sp_terminal_destroy(struct sp_terminal *terminal);
void sp_terminal_tick(struct sp_terminal *terminal, const struct sp_run_view *view);
/* A sentence above the live view ("Ctrl-C again stops at once"). */
void sp_terminal_note(struct sp_terminal *terminal, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sp_terminal_summary(struct sp_terminal *terminal, const struct sp_result *result);
/* Anything else, of the terminal's width and ink. */
struct sp_canvas;
void sp_terminal_put(struct sp_terminal *terminal, void (*put)(void *ctx, struct sp_canvas *canvas), void *ctx);

/* What to do about an error, by outcome and detail ("http_status", "401 unauthorized …" -> "check the key: …");
 * NULL where we have no advice. One table. */
const char *sp_remedy(const char *kind, const char *detail);

#endif
