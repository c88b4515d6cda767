/* Which run, or search for the capacity, a word means. */
#include "store/db.h"
#include "store/store_capacity.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define CANDIDATES_SHOWN 5

struct noun {
  const char *last;              /* "last", "last~1" */
  const char *one, *many; /* for people */
  const char *newest, *by_prefix, *count;
};
static const struct noun runs = {
  .last = "last",
  .one = "run",
  .many = "runs",
  .newest = "SELECT id FROM runs ORDER BY real_ns DESC, no DESC LIMIT 1 OFFSET ?",
  .by_prefix = "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY real_ns DESC",
  .count = "SELECT count(*) FROM runs",
};
static const struct noun capacities = {
  .last = "capacity",
  .one = "search for the capacity",
  .many = "searches for the capacity",
  .newest = "SELECT id FROM capacities ORDER BY real_ns DESC, no DESC LIMIT 1 OFFSET ?",
  .by_prefix = "SELECT id FROM capacities WHERE substr(id, 1, length(?1)) = ?1 ORDER BY real_ns DESC",
  .count = "SELECT count(*) FROM capacities",
};

static int copy_id(struct sp_query *row, char id[SP_STORE_ID_SIZE]) {
  snprintf(id, SP_STORE_ID_SIZE, "%s", sp_column_text(row, 0));
  return SP_OK;
}

/* "last", "last~3": how many before the newest. False: it is something else. */
static bool parse_last(const struct noun *noun, const char *word, int64_t *back) {
  char *end = NULL;
  size_t len = strlen(noun->last);
  *back = 0;
  if (strncmp(word, noun->last, len) != 0) {
    return false;
  }
  word += len;
  if (word[0] == '~' && word[1] >= '0' && word[1] <= '9' && strlen(word) <= 10) {
    *back = strtoll(word + 1, &end, 10);
    return *end == 0;
  }
  return word[0] == 0;
}

static int find_last(struct sp_store *store, const struct noun *noun, const char *word, int64_t back,
                     char id[SP_STORE_ID_SIZE], struct sp_err *err) {
  struct sp_query rows;
  int code = sp_query_open(&rows, store, noun->newest, err);
  if (code) {
    return code;
  }
  sp_query_int(&rows, back);
  bool found = sp_query_next(&rows) && copy_id(&rows, id) == 0;
  code = sp_query_close(&rows, "read", err);
  if (code || found) {
    return code;
  }
  return sp_fail(err, SP_ENOTFOUND, "there is no %s '%s': %lld are kept in '%s'", noun->one, word,
                 (long long)sp_db_number(store, noun->count), store->path);
}

static int fail_ambiguous(struct sp_query *rows, const struct noun *noun, const char *word, char id[SP_STORE_ID_SIZE],
                          struct sp_err *err) {
  struct sp_buf found;
  int count = 1;
  sp_buf_init(&found, CANDIDATES_SHOWN * (SP_STORE_ID_SIZE + 2));
  sp_buf_append_text(&found, id);
  do {
    if (count++ < CANDIDATES_SHOWN) {
      sp_buf_printf(&found, ", %s", sp_column_text(rows, 0));
    }
  } while (sp_query_next(rows));
  int code = sp_fail(err, SP_ENOTFOUND, "%d %s begin with '%s': %s%s", count, noun->many, word, found.bytes,
                     count > CANDIDATES_SHOWN ? ", …" : "");
  sp_buf_fini(&found);
  return code;
}

/* 0 and *found false: none begins so. */
static int find_prefix(struct sp_store *store, const struct noun *noun, const char *word, char id[SP_STORE_ID_SIZE],
                       bool *found, struct sp_err *err) {
  struct sp_query rows;
  int code = sp_query_open(&rows, store, noun->by_prefix, err);
  if (code) {
    return code;
  }
  sp_query_text(&rows, word);
  *found = *word && sp_query_next(&rows) && copy_id(&rows, id) == 0;
  if (*found && strcmp(id, word) != 0 && sp_query_next(&rows)) {
    code = fail_ambiguous(&rows, noun, word, id, err);
  }
  int rows_code = sp_query_close(&rows, "read", code ? NULL : err);
  return code ? code : rows_code;
}

static int fail_none(struct sp_store *store, const char *what, const char *word, struct sp_err *err) {
  return sp_fail(err, SP_ENOTFOUND, "there is no %s '%s' in '%s' ('spate history' lists them)", what, word, store->path);
}

int sp_store_find(struct sp_store *store, const char *word, char id[SP_STORE_ID_SIZE], struct sp_err *err) {
  int64_t back = 0;
  bool found = false;
  if (parse_last(&runs, word, &back)) {
    return find_last(store, &runs, word, back, id, err);
  }
  int code = find_prefix(store, &runs, word, id, &found, err);
  return code || found ? code : fail_none(store, runs.one, word, err);
}

int sp_store_find_trial(struct sp_store *store, const char *word, enum sp_store_trial_kind *kind,
                        char id[SP_STORE_ID_SIZE], struct sp_err *err) {
  int64_t back = 0;
  bool found = false;
  *kind = SP_STORE_TRIAL_CAPACITY;
  if (parse_last(&capacities, word, &back)) {
    return find_last(store, &capacities, word, back, id, err);
  }
  *kind = SP_STORE_TRIAL_RUN;
  if (parse_last(&runs, word, &back)) {
    return find_last(store, &runs, word, back, id, err);
  }
  int code = find_prefix(store, &runs, word, id, &found, err);
  if (code == 0 && !found) {
    *kind = SP_STORE_TRIAL_CAPACITY;
    code = find_prefix(store, &capacities, word, id, &found, err);
  }
  return code || found ? code : fail_none(store, "run or search for the capacity", word, err);
}
