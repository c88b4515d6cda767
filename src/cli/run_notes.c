#include "cli/run_notes.h"

#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct sp_run_notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct sp_run_notes *notes, const char *format, ...) {
  if (notes->count == SP_RUN_NOTES_MAX) return;
  bool last = notes->count + 1 == SP_RUN_NOTES_MAX;
  char *text = notes->texts[notes->count];
  va_list args;
  va_start(args, format);
  vsnprintf(text, SP_RUN_NOTE_TEXT_MAX, last ? "more of the plan's own metrics had values out of their range" : format, args);
  va_end(args);
  notes->list[notes->count++] = text;
}

/* Nothing failed, so no limit on failures is missed; but nothing was seen of the target either. */
static void note_nothing_completed(struct sp_run_notes *notes, const struct sp_interval *totals) {
  struct sp_tally tally;
  char started[SP_UNIT_TEXT_SIZE], abandoned[SP_UNIT_TEXT_SIZE], cancelled[SP_UNIT_TEXT_SIZE];
  sp_tally_interval(totals, &tally);
  if (tally.started == 0 || tally.ok + tally.failed > 0) return;
  add(notes, "no request was completed: of %s started, %s were abandoned and %s cut by the end. Nothing is known of the "
      "target's answers", sp_format_count(tally.started, started, sizeof(started)),
      sp_format_count(tally.abandoned, abandoned, sizeof(abandoned)),
      sp_format_count(tally.cancelled, cancelled, sizeof(cancelled)));
}

static void note_metric(struct sp_run_notes *notes, const struct sp_custom_cell *custom) {
  char count[SP_UNIT_TEXT_SIZE], most[SP_UNIT_TEXT_SIZE];
  if (custom->too_small > 0) {
    add(notes, "metric '%s': values below 0.0005 are counted as 0 (%s of them), since three decimals are kept: take a smaller unit",
        custom->name, sp_format_count(custom->too_small, count, sizeof(count)));
  }
  if (custom->too_large > 0) {
    add(notes, "metric '%s': values over %s are counted as that (%s of them): take a larger unit", custom->name,
        sp_format_count((uint64_t)SP_CUSTOM_MOST, most, sizeof(most)),
        sp_format_count(custom->too_large, count, sizeof(count)));
  }
}

void sp_run_notes_take(struct sp_run_notes *notes, const struct sp_interval *totals) {
  notes->count = 0;
  note_nothing_completed(notes, totals);
  for (size_t i = 0; i < totals->customs.count; i++) note_metric(notes, totals->customs.entries[i].value);
}
