#include "report/terminal.h"

#include "base/mem.h"
#include "report/live.h"
#include "report/summary.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NOTE_SIZE 2048 /* an error's text and what is put before it */
#define DEFAULT_WIDTH 100
#define DEFAULT_HEIGHT 24
#define LINE_WIDTH 180 /* of a plain line, where nothing limits it */
#define LINE_EVERY_NS (5 * SP_NS_PER_S)

struct sp_terminal {
  struct sp_terminal_options options;
  struct sp_buf frame; /* what stands there; empty: nothing */
  int64_t next_line_ns;
};

struct sp_terminal *sp_terminal_create(const struct sp_terminal_options *options) {
  struct sp_terminal *terminal = sp_alloc(sizeof(*terminal));
  terminal->options = *options;
  terminal->next_line_ns = LINE_EVERY_NS;
  sp_buf_init(&terminal->frame, SP_CANVAS_MAX);
  return terminal;
}

void sp_terminal_destroy(struct sp_terminal *terminal) {
  if (!terminal) {
    return;
  }
  sp_buf_fini(&terminal->frame);
  free(terminal);
}

/* --- how large --- */

static struct winsize size_of(const struct sp_terminal *terminal, int default_width) {
  struct winsize size = { 0 };
  if (ioctl(fileno(terminal->options.out), TIOCGWINSZ, &size) != 0) {
    size = (struct winsize){ 0 };
  }
  if (terminal->options.width > 0) {
    size.ws_col = (unsigned short)terminal->options.width;
  } else if (size.ws_col == 0) {
    size.ws_col = (unsigned short)default_width;
  }
  size.ws_col = size.ws_col < SP_WIDTH_MIN ? SP_WIDTH_MIN : size.ws_col;
  size.ws_row = size.ws_row == 0 ? DEFAULT_HEIGHT : size.ws_row;
  return size;
}

/* Without the inks in it. */
static int line_width(struct sp_str line) {
  int width = 0;
  while (line.len > 0) {
    const char *escape = memchr(line.bytes, '\x1b', line.len);
    size_t text = escape ? (size_t)(escape - line.bytes) : line.len;
    width += sp_text_width(sp_str_of(line.bytes, text));
    const char *end = escape ? memchr(escape, 'm', line.len - text) : NULL;
    size_t skip = end ? (size_t)(end - line.bytes) + 1 : line.len;
    line = sp_str_of(line.bytes + skip, line.len - skip);
  }
  return width;
}

/* Rows that the frame takes on the screen: a window made narrower since has broken its lines. */
static int frame_rows(struct sp_str frame, int width) {
  int rows = 0;
  while (frame.len > 0) {
    int columns = line_width(sp_str_split(&frame, '\n'));
    rows += columns > width ? (columns + width - 1) / width : 1;
  }
  return rows;
}

/* --- live --- */

static void write_out(struct sp_terminal *terminal, const struct sp_buf *text) {
  if (text->len > 0) {
    fwrite(text->bytes, 1, text->len, terminal->options.out);
  }
  fflush(terminal->options.out);
}

static void go_up(struct sp_terminal *terminal, struct sp_canvas *canvas) {
  int rows = frame_rows(sp_buf_str(&terminal->frame), size_of(terminal, DEFAULT_WIDTH).ws_col);
  sp_put(canvas, "\r");
  if (rows > 0) {
    sp_put(canvas, "\x1b[%dA", rows);
  }
}

/* Each line is emptied before it is written: behind a full line the cursor may hang on its last column. */
static void put_frame(const struct sp_terminal *terminal, struct sp_canvas *canvas) {
  struct sp_str rest = sp_buf_str(&terminal->frame);
  while (rest.len > 0) {
    struct sp_str line = sp_str_split(&rest, '\n');
    sp_put(canvas, "\x1b[2K");
    sp_buf_append_str(canvas->out, line);
    sp_put(canvas, "\n");
  }
  sp_put(canvas, "\x1b[J");
}

static void draw(struct sp_terminal *terminal, const struct sp_run_view *view) {
  struct sp_buf out;
  struct winsize size = size_of(terminal, DEFAULT_WIDTH);
  sp_buf_init(&out, SP_CANVAS_MAX);
  struct sp_canvas canvas = { &out, size.ws_col, terminal->options.color };
  go_up(terminal, &canvas);
  sp_buf_clear(&terminal->frame);
  struct sp_canvas inner = { &terminal->frame, size.ws_col - 1, terminal->options.color };
  sp_live_frame(view, &inner, size.ws_row - 1);
  put_frame(terminal, &canvas);
  write_out(terminal, &out);
  sp_buf_fini(&out);
}

static void erase(struct sp_terminal *terminal) {
  struct sp_buf out;
  if (terminal->frame.len == 0) {
    return;
  }
  sp_buf_init(&out, SP_CANVAS_MAX);
  struct sp_canvas canvas = { &out, DEFAULT_WIDTH, false };
  go_up(terminal, &canvas);
  sp_put(&canvas, "\x1b[J");
  write_out(terminal, &out);
  sp_buf_fini(&out);
}

/* --- plain lines --- */

/* Ticks come a little early or late: half a second counts as due. */
static void print_line(struct sp_terminal *terminal, const struct sp_run_view *view) {
  struct sp_buf out;
  if (view->elapsed_ns < terminal->next_line_ns - SP_NS_PER_S / 2) {
    return;
  }
  while (terminal->next_line_ns <= view->elapsed_ns + SP_NS_PER_S / 2) {
    terminal->next_line_ns += LINE_EVERY_NS;
  }
  sp_buf_init(&out, SP_CANVAS_MAX);
  struct sp_canvas canvas = { &out, size_of(terminal, LINE_WIDTH).ws_col, terminal->options.color };
  sp_live_line(view, &canvas);
  write_out(terminal, &out);
  sp_buf_fini(&out);
}

void sp_terminal_tick(struct sp_terminal *terminal, const struct sp_run_view *view) {
  if (terminal->options.quiet) {
    return;
  }
  if (terminal->options.live) {
    draw(terminal, view);
  } else {
    print_line(terminal, view);
  }
}

/* In a live view it is of the view's width; a log keeps it on one line, for those who search there. */
static void put_note(struct sp_terminal *terminal, const char *text, struct sp_canvas *canvas) {
  if (terminal->options.live) {
    sp_put_wrapped(canvas, sp_str_from(text), 0, 2);
  } else {
    sp_put(canvas, "%s\n", text);
  }
}

void sp_terminal_note(struct sp_terminal *terminal, const char *format, ...) {
  char text[NOTE_SIZE];
  struct sp_buf out;
  va_list args;
  erase(terminal);
  sp_buf_init(&out, SP_CANVAS_MAX);
  struct sp_canvas canvas = { &out, size_of(terminal, DEFAULT_WIDTH).ws_col, false };
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  put_note(terminal, text, &canvas);
  if (terminal->frame.len > 0) {
    put_frame(terminal, &canvas);
  }
  write_out(terminal, &out);
  sp_buf_fini(&out);
}

void sp_terminal_put(struct sp_terminal *terminal, void (*put)(void *ctx, struct sp_canvas *canvas), void *ctx) {
  struct sp_buf out;
  erase(terminal);
  sp_buf_clear(&terminal->frame);
  sp_buf_init(&out, SP_CANVAS_MAX);
  struct sp_canvas canvas = { &out, size_of(terminal, DEFAULT_WIDTH).ws_col, terminal->options.color };
  put(ctx, &canvas);
  write_out(terminal, &out);
  sp_buf_fini(&out);
}

static void put_summary(void *ctx, struct sp_canvas *canvas) {
  sp_put(canvas, "\n");
  sp_summary_put(ctx, canvas);
}

void sp_terminal_summary(struct sp_terminal *terminal, const struct sp_result *result) {
  sp_terminal_put(terminal, put_summary, (void *)(uintptr_t)result);
}
