/* A search goes into the history, for campaigns and for `spate history`. It never fails for that. */
#include "cli/capacity.h"
#include "cli/history_place.h"
#include "store/store_capacity.h"

#include <math.h>

static bool is_valid(const struct sp_search_result *found) { return found->verdict != SP_SEARCH_NOT_ABLE; }

static int keep(const struct sp_capacity *capacity, const struct sp_result *run, const char *document, struct sp_err *err) {
  const struct sp_plan *plan = capacity->setup->plan;
  struct sp_search_result found;
  struct sp_store *store = sp_history_open_to_write(capacity->options, err);
  if (!store) return err->code;
  sp_search_result(&capacity->search, 0, &found);
  struct sp_store_capacity row = {.id = run->id, .name = run->name, .plan = run->plan, .host = run->host, .version = run->version,
      .real_ns = run->started_real_ns, .goal = capacity->goals.items[0].text,
      .unit = capacity->search.options.whole ? "users" : "/s", .verdict = sp_search_verdict_name(found.verdict),
      .lower = found.lower, .upper = found.upper, .goodput = found.goodput_at_lower, .valid = is_valid(&found),
      .complete = found.complete && !run->interrupted, .document = document};
  int code = sp_store_keep_capacity(store, &row, sp_str_of(plan->source, plan->source_len), err);
  sp_store_close(store);
  return code;
}

void sp_capacity_history(const struct sp_capacity *capacity, const struct sp_result *run, const char *document) {
  struct sp_err err;
  if (capacity->options->no_history || keep(capacity, run, document, &err) == 0) return;
  fprintf(stderr, "spate: this search is not kept: %s (--no-history: don't try)\n", err.text);
}
