/*
 * What a run's reader should know beside its figures, a sentence each: for the terminal and the JSON's `notes`.
 */
#ifndef SP_CLI_RUN_NOTES_H
#define SP_CLI_RUN_NOTES_H

#include "stats/interval.h"

#define SP_RUN_NOTES_MAX 10u      /* the last of them says that there are more */
#define SP_RUN_NOTE_TEXT_MAX 400u /* bytes: a metric's name is at most 200 of them */

struct sp_run_notes {
  char texts[SP_RUN_NOTES_MAX][SP_RUN_NOTE_TEXT_MAX];
  const char *list[SP_RUN_NOTES_MAX]; /* of the texts */
  size_t count;
};

void sp_run_notes_take(struct sp_run_notes *notes, const struct sp_interval *totals);

#endif
