/*
 * What the live view shows: a frame for a terminal, one compact line for anything else. Text only; terminal.c
 * puts it in place.
 */
#ifndef SP_REPORT_LIVE_H
#define SP_REPORT_LIVE_H

#include "engine/run.h"
#include "report/canvas.h"

/* At most `height` lines, each ended and no wider than the canvas. */
void sp_live_frame(const struct sp_run_view *view, struct sp_canvas *canvas, int height);

/* One line, not wider than people read: time, users, rate, failures, first token and full response. */
void sp_live_line(const struct sp_run_view *view, struct sp_canvas *canvas);

#endif
