#include "watch/nginx_status.h"

#include "watch/proc_text.h"

#include <math.h>

static double number_behind(struct sp_str *line, const char *name) {
  return sp_str_eq(sp_proc_word(line), sp_str_from(name)) ? sp_proc_number(sp_proc_word(line)) : NAN;
}

/* Four lines: "Active connections: 2", "server accepts handled requests", " 9 9 12", "Reading: 0 Writing: 1 Waiting: 1". */
bool sp_nginx_status_parse(struct sp_str text, struct sp_nginx_status *out) {
  double counts[3];
  struct sp_str first = sp_str_trim(sp_str_split(&text, '\n'));
  struct sp_str second = sp_str_trim(sp_str_split(&text, '\n'));
  bool named = sp_str_eq(sp_proc_word(&first), SP_STR("Active")) && sp_str_starts(second, SP_STR("server accepts"));
  struct sp_str numbers = sp_str_trim(sp_str_split(&text, '\n')), last = sp_str_trim(sp_str_split(&text, '\n'));
  *out = (struct sp_nginx_status){.active = number_behind(&first, "connections:")};
  if (!named || sp_proc_numbers(numbers, counts, 3) < 3) return false;
  out->accepted = counts[0];
  out->handled = counts[1];
  out->requests = counts[2];
  out->reading = number_behind(&last, "Reading:");
  out->writing = number_behind(&last, "Writing:");
  out->waiting = number_behind(&last, "Waiting:");
  return !isnan(out->active + out->reading + out->writing + out->waiting);
}
