/*
 * Two runs of the history, compared (model/compare.h): first whether that makes sense, then request by request.
 *
 * Not comparable is what differs in more than what is to be seen: another plan, another load, a run that is invalid or
 * was cut off, too short a steady part. The figures are there all the same, where there are any (--force).
 */
#ifndef SP_REPORT_COMPARISON_H
#define SP_REPORT_COMPARISON_H

#include "model/compare.h"
#include "report/trial.h"

struct sp_comparison_side {
  char id[SP_STORE_ID_SIZE];
  char name[SP_NAME_MAX + 1];
  int64_t real_ns;
  double steady_s; /* what was compared */
};

struct sp_comparison {
  struct sp_comparison_side a, b;
  struct sp_sentences reasons; /* why they are not comparable */
  struct sp_sentences notes;   /* worth knowing; the first is SP_COMPARE_CAVEAT */
  struct sp_compare_row *rows;
  size_t row_count;

  struct sp_interval *batches[2][SP_BATCHES_MAX]; /* what the rows borrow their names from */
};

/* The two may be the same. What can't be read is an error; what is not comparable is not. */
int sp_comparison_make(struct sp_store *store, const char *id_a, const char *id_b, struct sp_comparison *out,
                       struct sp_err *err);
void sp_comparison_fini(struct sp_comparison *comparison); /* also of one that could not be made */

/* The document of /api/compare (docs/web-api.md), one line; the caller frees it. */
char *sp_comparison_json(const struct sp_comparison *comparison);

#endif
