/*
 * The history as an output (store/store.h): a run's begin, a row a second, its end. A thread of its own writes, so the
 * run never waits for a disk; seconds wait in a bounded queue while the history is locked or its disk is full, are
 * tried again, and what has no room is dropped and counted. Nothing of this makes a run fail: write gives SP_OK, note
 * says what is missing.
 */
#ifndef SP_REPORT_HISTORY_H
#define SP_REPORT_HISTORY_H

#include "report/report.h"

#define SP_HISTORY_LINES_MAX 1000u                       /* of the log; what comes after them is not kept */
#define SP_HISTORY_WAITING_MAX 600u                      /* seconds */
#define SP_HISTORY_WAITING_BYTES (64u * 1024u * 1024u)

extern const struct sp_report_type sp_report_history; /* of every run, beside those of --out */

#endif
