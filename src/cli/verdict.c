#include "cli/verdict.h"

#include "cli/command.h"

bool sp_verdict_dead_target(const struct sp_interval *totals) {
  uint64_t unconnected = 0;
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  for (size_t i = 0; i < totals->cells.count; i++) {
    const struct sp_cell *cell = totals->cells.entries[i].value;
    unconnected += cell->outcomes[SP_OUTCOME_CONNECT];
  }
  return unconnected > 0 && tally.ok + tally.failed == unconnected;
}

int sp_verdict_exit(const struct sp_result *result) {
  if (result->interrupted) return SP_EXIT_INTERRUPTED;
  if (result->facts.aborted || sp_verdict_dead_target(result->totals)) return SP_EXIT_CANNOT_RUN;
  if (!result->validity.valid) return SP_EXIT_INVALID;
  for (size_t i = 0; i < result->slo_count; i++) {
    if (!result->slos[i].met) return SP_EXIT_SLO_MISSED;
  }
  return SP_EXIT_OK;
}
