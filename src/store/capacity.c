#include "store/store_capacity.h"

#include "store/db.h"

int sp_store_keep_capacity(struct sp_store *store, const struct sp_store_capacity *capacity, struct sp_str plan_text,
                           struct sp_err *err) {
  struct sp_query insert;
  char hash[SP_PLAN_HASH_SIZE];
  int code = sp_query_open(&insert, store,
                           "INSERT INTO capacities (id, name, plan, plan_hash, host, version, real_ns, goal, unit, verdict,"
                           " lower, upper, goodput, valid, complete, document)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           err);
  if (code) {
    return code;
  }
  sp_plan_hash(plan_text, hash);
  const char *const texts[] = { capacity->id, capacity->name, capacity->plan, hash, capacity->host, capacity->version };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    sp_query_text(&insert, texts[i]);
  }
  sp_query_int(&insert, capacity->real_ns);
  sp_query_text(&insert, capacity->goal);
  sp_query_text(&insert, capacity->unit);
  sp_query_text(&insert, capacity->verdict);
  sp_query_real(&insert, capacity->lower);
  sp_query_real(&insert, capacity->upper);
  sp_query_real(&insert, capacity->goodput);
  sp_query_int(&insert, capacity->valid);
  sp_query_int(&insert, capacity->complete);
  sp_query_text(&insert, capacity->document);
  sp_query_next(&insert);
  return sp_query_close(&insert, "write", err);
}

#define COLUMNS \
  "id, name, plan, plan_hash, host, version, real_ns, goal, unit, verdict, lower, upper, goodput, valid, complete"
#define COLUMN_COUNT 15

static void read_row(struct sp_query *row, struct sp_store_capacity *out) {
  *out = (struct sp_store_capacity){
    .id = sp_column_text(row, 0),
    .name = sp_column_text(row, 1),
    .plan = sp_column_text(row, 2),
    .plan_hash = sp_column_text(row, 3),
    .host = sp_column_text(row, 4),
    .version = sp_column_text(row, 5),
    .real_ns = sp_column_int(row, 6),
    .goal = sp_column_text(row, 7),
    .unit = sp_column_text(row, 8),
    .verdict = sp_column_text(row, 9),
    .lower = sp_column_real(row, 10),
    .upper = sp_column_real(row, 11),
    .goodput = sp_column_real(row, 12),
    .valid = sp_column_flag(row, 13) == 1,
    .complete = sp_column_flag(row, 14) == 1,
  };
}

int sp_store_list_capacities(struct sp_store *store, const struct sp_store_filter *filter,
                             int (*each)(void *ctx, const struct sp_store_capacity *capacity), void *ctx,
                             struct sp_err *err) {
  struct sp_query rows;
  struct sp_store_capacity capacity;
  int given = 0;
  if (filter->tag_count > 0) {
    return SP_OK;
  }
  int code = sp_query_open(&rows, store,
                           "SELECT " COLUMNS " FROM capacities WHERE real_ns >= ?1 AND (?2 IS NULL OR plan = ?2)"
                           " ORDER BY real_ns DESC, no DESC LIMIT ?3",
                           err);
  if (code) {
    return code;
  }
  sp_query_int(&rows, filter->since_real_ns);
  sp_query_text(&rows, filter->plan);
  sp_query_int(&rows, filter->limit > 0 && filter->limit < INT64_MAX ? (int64_t)filter->limit : -1);
  while (given == 0 && sp_query_next(&rows)) {
    read_row(&rows, &capacity);
    given = each(ctx, &capacity);
  }
  code = sp_query_close(&rows, "read", given ? NULL : err);
  return given ? given : code;
}

int sp_store_read_capacity(struct sp_store *store, const char *id,
                           int (*with)(void *ctx, const struct sp_store_capacity *capacity), void *ctx, struct sp_err *err) {
  struct sp_query row;
  struct sp_store_capacity capacity;
  int given = 0;
  int code = sp_query_open(&row, store, "SELECT " COLUMNS ", document FROM capacities WHERE id = ?", err);
  if (code) {
    return code;
  }
  sp_query_text(&row, id);
  bool found = sp_query_next(&row);
  if (found) {
    read_row(&row, &capacity);
    capacity.document = sp_column_text(&row, COLUMN_COUNT);
    given = with(ctx, &capacity);
  }
  code = sp_query_close(&row, "read", given ? NULL : err);
  if (code || found) {
    return given ? given : code;
  }
  return sp_fail(err, SP_ENOTFOUND, "there is no search for the capacity '%s' in '%s'", id, store->path);
}
