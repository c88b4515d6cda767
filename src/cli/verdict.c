#include "cli/verdict.h"

#include "cli/command.h"

bool sp_verdict_dead_target(const struct sp_interval *totals) {
  const struct sp_map *maps[] = { &totals->cells, &totals->probes }; /* a login that finds nobody counts, too */
  uint64_t unconnected = 0, completed = 0;
  for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
    for (size_t i = 0; i < maps[m]->count; i++) {
      const struct sp_cell *cell = maps[m]->entries[i].value;
      struct sp_tally tally;
      sp_tally_cell(cell, &tally);
      unconnected += cell->outcomes[SP_OUTCOME_CONNECT];
      completed += tally.ok + tally.failed;
    }
  }
  if (totals->port_exhausted > 0 || totals->files_exhausted > 0) return false; /* it was this machine */
  return unconnected > 0 && completed == unconnected;
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
