#include "cli/screen.h"

#include "base/units.h"

#include <stdlib.h>
#include <unistd.h>

#define SP_WIDTH_ASKED_MAX 1000u /* columns */

static bool is_set(const char *variable) {
  const char *value = getenv(variable);
  return value && *value;
}

/* What is no terminal has no width of its own; whoever reads it may say theirs. 0: nobody did. */
static int width_asked_for(void) {
  uint64_t columns = 0;
  struct sp_err ignored;
  if (!is_set("COLUMNS") || sp_parse_count(getenv("COLUMNS"), &columns, &ignored)) return 0;
  return columns > SP_WIDTH_ASKED_MAX ? 0 : (int)columns;
}

struct sp_terminal *sp_screen_open(const struct sp_options *options) {
  FILE *out = sp_options_use_stdout(options) ? stderr : stdout; /* a document on standard output stays alone there */
  bool is_terminal = isatty(fileno(out));
  const char *kind = getenv("TERM");
  bool moves = is_terminal && !(kind && strcmp(kind, "dumb") == 0);
  struct sp_terminal_options terminal = {.out = out, .live = moves && !options->quiet, .quiet = options->quiet,
      .width = is_terminal ? 0 : width_asked_for(), .color = moves && !options->no_color && !is_set("NO_COLOR")};
  return sp_terminal_create(&terminal);
}
