#include "stats/gaps.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64u

void sp_gaps_init(struct sp_gaps *gaps) {
  memset(gaps, 0, sizeof(*gaps));
  gaps->max_ns = -1;
}

void sp_gaps_lend(struct sp_gaps *gaps, uint32_t *room, uint32_t count) {
  gaps->us = room;
  gaps->cap = count;
  gaps->lent = true;
}

static void free_spill(struct sp_gaps *gaps) {
  if (gaps->spill) {
    sp_hist_fini(gaps->spill);
    free(gaps->spill);
    gaps->spill = NULL;
  }
}

void sp_gaps_fini(struct sp_gaps *gaps) {
  free_spill(gaps);
  if (!gaps->lent) free(gaps->us);
  sp_gaps_init(gaps);
}

void sp_gaps_clear(struct sp_gaps *gaps) {
  free_spill(gaps);
  gaps->count = 0;
  gaps->max_ns = -1;
  gaps->stalls = 0;
}

/* As sp_hist_record_ns rounds, so that a gap counts the same in the list and beyond it. */
static uint32_t to_us(int64_t gap_ns) {
  int64_t us = gap_ns / 1000 + (gap_ns % 1000 >= 500);
  return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void grow(struct sp_gaps *gaps) {
  gaps->cap = gaps->cap ? gaps->cap * 2 : FIRST_CAP;
  uint32_t *us = sp_realloc(gaps->lent ? NULL : gaps->us, gaps->cap * sizeof(*us));
  if (gaps->lent) memcpy(us, gaps->us, gaps->count * sizeof(*us));
  gaps->us = us;
  gaps->lent = false;
}

static void keep(struct sp_gaps *gaps, uint32_t us) {
  if (gaps->count < SP_GAPS_LIST_MAX) {
    if (gaps->count == gaps->cap) {
      grow(gaps);
    }
    gaps->us[gaps->count++] = us;
    return;
  }
  if (!gaps->spill) {
    gaps->spill = sp_alloc(sizeof(*gaps->spill));
    sp_hist_init(gaps->spill);
  }
  sp_hist_record(gaps->spill, us);
}

void sp_gaps_add(struct sp_gaps *gaps, int64_t gap_ns, int64_t stall_ns) {
  if (gap_ns < 0) {
    gap_ns = 0; /* a kernel stamp mapped to the monotonic clock may be some microseconds off */
  }
  keep(gaps, to_us(gap_ns));
  if (gap_ns > gaps->max_ns) {
    gaps->max_ns = gap_ns;
  }
  if (gap_ns > stall_ns) {
    gaps->stalls++;
  }
}

void sp_gaps_record(const struct sp_gaps *gaps, struct sp_hist *into) {
  for (uint32_t i = 0; i < gaps->count; i++) {
    sp_hist_record(into, gaps->us[i]);
  }
  if (gaps->spill) {
    sp_hist_merge(into, gaps->spill);
  }
}
